//! What must hold at the end, when everyone is in step: the ledger is complete, every value is
//! accounted for, and both sides find nothing wrong with themselves.

use std::collections::{BTreeMap, BTreeSet};

use dongbo_node::replica::Replica;
use dongbo_proto::act::{Act, RecordWrites};
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::id::{ActId, FieldId, KindId, RecordId};
use dongbo_proto::merge::{Written, heads_of_set, named};
use dongbo_proto::record::{Origin, Record};
use dongbo_proto::wire;
use dongbo_server::registry;
use dongbo_server::store::rows::HeldState;
use dongbo_server::store::{ReadTx, StoreHandle};

use super::check::look;
use super::world::{Node, Shared};

/// Rows that are read at once: more than any run has.
const ROWS_MAX: usize = 1 << 20;
/// Findings that are shown of one check.
const SHOWN_MAX: usize = 6;

/// Everything that holds at the end.
pub fn all(world: &Shared) {
    let Some(store) = world.server.desk.borrow().clone() else {
        return world.fail(format_args!("the server is down at the end"));
    };
    let journal = match look(&store, journal) {
        Ok(journal) => journal,
        Err(wrong) => return world.fail(format_args!("{wrong}")),
    };
    world.say("driver", format_args!("{} acts in the journal", journal.len()));
    world.check("finally_ledger_is_complete", ledger(world, &journal));
    world.check("finally_every_value_is_accounted_for", values(&store, &journal));
    world.check("finally_digests_are_those_of_the_rows", digests(&store));
    world.check("finally_province_verifies", findings(registry::verify(&store)));
    for node in &world.nodes {
        let mut office = node.office.borrow_mut();
        let Some(replica) = office.as_mut() else { continue };
        world.check("finally_receipts_count_right", receipts(&store, node, replica));
        world.check("finally_node_has_what_the_province_has", same(&store, node, replica));
        world.check("finally_conflicts_are_listed_alike", conflicts(&store, node, replica));
        world.check("finally_node_verifies", findings(replica.verify()));
    }
    marks(world, &store);
}

/// Where all scopes stand, for the log: two runs of one seed end alike.
fn marks(world: &Shared, store: &StoreHandle) {
    let scopes = look(store, |tx| Ok(tx.scopes()?)).unwrap_or_default();
    for s in scopes {
        world.say(
            "driver",
            format_args!("scope {} at {}: digest {} chain {}", s.id, s.revision, s.digest, s.chain),
        );
    }
}

/// Nothing was sent, came down or changed in the last conversation of anyone.
pub fn nothing_moved(world: &Shared) {
    for node in &world.nodes {
        let talks = node.calm_talks.borrow();
        let moved = talks.iter().find(|m| m.acts + m.records > 0 || m.rows > 0);
        let found = moved.map_or(Ok(()), |m| Err(format!("{}: {m:?}", node.name)));
        world.check("finally_one_more_exchange_moves_nothing", found);
    }
}

/// An act of the province's journal, with whether it took effect.
struct Told {
    act: Act,
    effective: bool,
    retracted: bool,
}

type Journal = BTreeMap<ActId, Told>;

fn journal(tx: &dyn ReadTx) -> registry::Result<Journal> {
    let mut all = Journal::new();
    for author in tx.authors()? {
        for row in tx.frames_after(author.id, 0, ROWS_MAX)? {
            let batch = wire::batch_from_bytes(&row.bytes)?;
            for act in wire::decode_acts(batch.first, &batch.body, batch.raw_len)? {
                let id = act.id(author.id);
                if act.position < row.first {
                    continue;
                }
                let effective = tx.held(id)?.is_none_or(|h| h.state == HeldState::Merged);
                let retracted = tx.retracted(id)?.is_some();
                all.insert(id, Told { act, effective, retracted });
            }
        }
    }
    Ok(all)
}

fn one(tx: &dyn ReadTx, kind: KindId, id: RecordId) -> registry::Result<Option<Record>> {
    let kind = catalogue().kind(kind).ok_or(registry::Error::Unknown("kind"))?;
    Ok(tx.records(kind, &[id])?.pop().flatten())
}

fn some(wrong: Vec<String>) -> Result<(), String> {
    if wrong.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = wrong.iter().take(SHOWN_MAX).cloned().collect();
    Err(format!("{} findings:\n  {}", wrong.len(), shown.join("\n  ")))
}

fn findings<F: std::fmt::Debug, E: std::fmt::Debug>(
    found: Result<Vec<F>, E>,
) -> Result<(), String> {
    match found {
        Ok(found) => some(found.iter().map(|f| format!("{f:?}")).collect()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// Every act that anyone was told is saved is in the journal, as it was saved; and nothing else is.
fn ledger(world: &Shared, journal: &Journal) -> Result<(), String> {
    let ledger = world.ledger.borrow();
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for entry in ledger.entries() {
        let Some(told) = journal.get(&entry.act) else {
            if !entry.doubtful {
                wrong.push(format!("act {} was saved and is lost", entry.act));
            }
            continue;
        };
        let same_ops = entry.ops.is_empty() || told.act.ops.as_slice() == entry.ops.as_slice();
        let same = same_ops && (entry.machine.is_empty() || told.act.claimed == entry.claimed);
        if same {
            known.insert(entry.act);
        } else if !entry.doubtful {
            wrong.push(format!("act {} arrived as another", entry.act));
        }
    }
    let unknown = journal.keys().filter(|act| !known.contains(act));
    wrong.extend(unknown.map(|act| format!("act {act} is in the journal and nobody saved it")));
    some(wrong)
}

type Key = (KindId, RecordId);
type Fields = BTreeMap<FieldId, Vec<Written>>;

/// The heads of every field are those that the whole journal leaves, by the rule in one expression:
/// so every value is current, or beside it, or in history behind an act that named it.
fn values(store: &StoreHandle, journal: &Journal) -> Result<(), String> {
    let retracted: BTreeSet<ActId> =
        journal.iter().filter(|(_, t)| t.retracted).map(|(id, _)| *id).collect();
    let mut wrong = Vec::new();
    for ((kind, id), fields) in writes(journal) {
        let record = look(store, |tx| one(tx, kind, id))?;
        for (field, written) in fields {
            let expected = heads_of_set(&written, &retracted);
            let expected: Vec<_> = expected.heads.iter().map(|h| (h.act, &h.value)).collect();
            let state = record.as_ref().and_then(|r| r.field(field));
            let found: Vec<_> =
                state.iter().flat_map(|s| &s.heads).map(|h| (h.act, &h.value)).collect();
            if expected != found {
                let ids = |all: &[(ActId, _)]| {
                    all.iter().map(|h| h.0.to_string()).collect::<Vec<_>>().join(" ")
                };
                wrong.push(format!(
                    "kind {} record {id} field {}: heads [{}], the journal leaves [{}]",
                    kind.0,
                    field.0,
                    ids(&found),
                    ids(&expected)
                ));
            }
        }
    }
    some(wrong)
}

/// All writes that took effect, by record and field.
fn writes(journal: &Journal) -> BTreeMap<Key, Fields> {
    let effective = || journal.iter().filter(|(_, told)| told.effective);
    let mut created: BTreeMap<Key, ActId> = BTreeMap::new();
    for (id, told) in effective() {
        let creations = told.act.writes().filter(|w| w.create.is_some());
        created.extend(creations.map(|w| ((w.kind, w.record), *id)));
    }
    let mut all: BTreeMap<Key, Fields> = BTreeMap::new();
    for (id, told) in effective() {
        for w in told.act.writes() {
            let Some(creation) = created.get(&(w.kind, w.record)) else { continue };
            add(all.entry((w.kind, w.record)).or_default(), *id, w, *creation);
        }
    }
    all
}

fn add(fields: &mut Fields, act: ActId, writes: &RecordWrites, creation: ActId) {
    for write in &writes.fields {
        let origin = Origin { act, ..Origin::default() };
        let over = named(&write.over, creation);
        let written = Written { origin, value: write.value.clone(), over };
        fields.entry(write.field).or_default().push(written);
    }
}

fn digests(store: &StoreHandle) -> Result<(), String> {
    let mut wrong = Vec::new();
    for scope in look(store, |tx| Ok(tx.scopes()?))? {
        let derived = look(store, |tx| registry::rederive(tx, scope.id))?;
        if derived != scope.digest {
            wrong.push(format!("scope {}: {} kept, {derived} derived", scope.id, scope.digest));
        }
    }
    some(wrong)
}

/// The signed counts are the province's own.
fn receipts(store: &StoreHandle, node: &Node, replica: &Replica) -> Result<(), String> {
    let row = look(store, |tx| Ok(tx.author(node.author.get())?))?.ok_or("an author is gone")?;
    let sum = replica.equation().map_err(|e| format!("{e:?}"))?;
    let total = row.merged + row.held + row.refused;
    if sum.unsent == 0 && sum.entered == total && row.position == total {
        return Ok(());
    }
    Err(format!(
        "{}: {sum:?}, the province has {} {} {}",
        node.name, row.merged, row.held, row.refused
    ))
}

/// What a node shows is what its scopes entitle it to, and nothing else: no more, no less, the same.
fn same(store: &StoreHandle, node: &Node, replica: &Replica) -> Result<(), String> {
    let entitled = look(store, |tx| entitled(tx, node))?;
    let mut wrong = Vec::new();
    for kind in catalogue().kinds() {
        let mut here = BTreeMap::new();
        let read = replica.each(kind.id, |record| {
            here.insert((kind.id, record.id), record);
            Ok(())
        });
        read.map_err(|e| format!("{e:?}"))?;
        let there: BTreeMap<_, _> = entitled.iter().filter(|(key, _)| key.0 == kind.id).collect();
        for (key, shown) in &here {
            match there.get(key) {
                None => wrong.push(format!(
                    "{} {} is at {} and is not its to see",
                    kind.name, key.1, node.name
                )),
                Some(held) if !alike(shown, held) => {
                    wrong.push(format!("{} {} is another at {}", kind.name, key.1, node.name));
                }
                Some(_) => {}
            }
        }
        let missing = there.keys().filter(|key| !here.contains_key(**key));
        wrong.extend(missing.map(|key| format!("{} {} is not at {}", kind.name, key.1, node.name)));
    }
    some(wrong)
}

fn entitled(tx: &dyn ReadTx, node: &Node) -> registry::Result<BTreeMap<Key, Record>> {
    let mut scopes = node.scopes.clone();
    scopes.push(dongbo_proto::id::ScopeId::REFERENCE);
    let mut all = BTreeMap::new();
    for scope in scopes {
        for placement in tx.placements_after(scope, None, ROWS_MAX)? {
            let key = (placement.kind, placement.record);
            let Some(record) = one(tx, key.0, key.1)? else { continue };
            let seen = record.project(placement.projection);
            // Who sees a record through two scopes sees what either shows.
            let known: &mut Record = all.entry(key).or_insert_with(|| seen.clone());
            for (field, state) in seen.fields {
                *known.field_mut(field) = state;
            }
        }
    }
    Ok(all)
}

/// Whether two records show and hold the same: heads with their acts, stamps, ranks and values.
fn alike(a: &Record, b: &Record) -> bool {
    let heads = |r: &Record| {
        let with = r.fields.iter().filter(|(_, s)| !s.heads.is_empty());
        with.map(|(f, s)| (*f, s.heads.clone())).collect::<Vec<_>>()
    };
    (a.home, a.created, heads(a)) == (b.home, b.created, heads(b))
}

fn conflicts(store: &StoreHandle, node: &Node, replica: &Replica) -> Result<(), String> {
    let contested =
        |r: &Record| r.fields.iter().filter(|f| f.1.in_conflict()).map(|f| f.0).collect::<Vec<_>>();
    let entitled = look(store, |tx| entitled(tx, node))?;
    let there: BTreeMap<RecordId, Vec<FieldId>> =
        entitled.values().map(|r| (r.id, contested(r))).filter(|c| !c.1.is_empty()).collect();
    let listed = replica.conflicts(ROWS_MAX).map_err(|e| format!("{e:?}"))?;
    let here: BTreeMap<RecordId, Vec<FieldId>> =
        listed.into_iter().map(|c| (c.record.id, c.fields)).collect();
    if here == there {
        Ok(())
    } else {
        Err(format!("{}: {here:?}, the province {there:?}", node.name))
    }
}
