//! A province in a few lines, for tests of the replica: it merges by the specification
//! (`merge::heads_of_set` over all writes ever made), never by the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dongbo_node::replica::{Identity, Page, Replica, ReplicaError, Staged, counts, draft};
use dongbo_node::session::Completed;
use dongbo_proto::act::{Act, Intent, Op, Projection};
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::chain;
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::fate::{Checkpoint, Fate, Reason, Receipt, ScopeMark};
use dongbo_proto::frame::{AckRun, Batch, Complete, Grant, ScopeCursor, States};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::merge::{self, Written};
use dongbo_proto::record::{Origin, Rank, Record};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_proto::wire::decode_acts;
use dongbo_sqlite::DatabaseKey;

pub const NAME: FieldId = FieldId(20);
pub const PHONE: FieldId = FieldId(43);
pub const EMAIL: FieldId = FieldId(44);
pub const WORK: FieldId = FieldId(52);
pub const EMPLOYER: FieldId = FieldId(53);
pub const FIELDS: [FieldId; 4] = [PHONE, EMAIL, WORK, EMPLOYER];
pub const P: ScopeId = ScopeId(7);
pub const Q: ScopeId = ScopeId(9);

pub fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

pub fn key() -> DatabaseKey {
    DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(0x5a))
}

/// Bytes that never repeat and are the same in every run.
pub fn entropy() -> impl FnMut(&mut [u8]) {
    let mut n = 0u8;
    move |b: &mut [u8]| {
        n = n.wrapping_add(1);
        b.fill(n);
    }
}

pub fn record_id(n: u32) -> RecordId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    RecordId(id)
}

pub fn member(n: u32, home: ScopeId, name: &str) -> Op {
    draft::create(
        record_id(n),
        MEMBER,
        home,
        [(NAME, text(name)), (PHONE, text(&format!("09{n:08}")))],
    )
}

#[derive(Clone, Default)]
pub struct ScopeModel {
    pub revision: u64,
    pub chain: Hash,
    /// Revision, record, and the act that did it if it merged as written.
    pub log: Vec<(u64, RecordId, Option<ActId>)>,
}

#[derive(Clone)]
pub struct RecordModel {
    pub kind: KindId,
    pub created: Origin,
    pub home: ScopeId,
}

#[derive(Clone, Default)]
pub struct AuthorModel {
    pub position: u64,
    pub chain: Hash,
    pub runs: Vec<AckRun>,
    pub last_order: Stamp,
}

pub struct Province {
    pub signer: Signer,
    pub epoch: Epoch,
    pub scopes: BTreeMap<ScopeId, ScopeModel>,
    pub records: BTreeMap<RecordId, RecordModel>,
    pub writes: BTreeMap<(RecordId, FieldId), Vec<Written>>,
    pub retracted: BTreeSet<ActId>,
    pub acts: BTreeMap<ActId, Act>,
    pub authors: BTreeMap<AuthorId, AuthorModel>,
    pub grants: Vec<Grant>,
    /// Added to claims: what a wrong clock does to order stamps.
    pub shift_ms: i64,
    pub token: u8,
    pub own_position: u64,
}

pub const PROVINCE: AuthorId = AuthorId(1);

impl Province {
    pub fn new(scopes: &[ScopeId]) -> Self {
        let grant =
            |s: &ScopeId| Grant { scope: *s, code: format!("C{s}"), name: format!("Xã {s}") };
        Province {
            signer: Signer::from_seed(&[3; 32]).expect("a seed is a key"),
            epoch: Epoch([8; 16]),
            scopes: scopes.iter().map(|s| (*s, ScopeModel::default())).collect(),
            records: BTreeMap::new(),
            writes: BTreeMap::new(),
            retracted: BTreeSet::new(),
            acts: BTreeMap::new(),
            authors: BTreeMap::new(),
            grants: scopes.iter().map(grant).collect(),
            shift_ms: 0,
            token: 0,
            own_position: 0,
        }
    }

    pub fn identity(&self, author: u64) -> Identity {
        Identity {
            author: AuthorId(author),
            province: "Ninh Bình".into(),
            ca_der: vec![1, 2, 3],
            signing_key: *self.signer.public(),
            epoch: self.epoch,
            grants: self.grants.clone(),
            token: [0; 16],
            server_ms: 1,
        }
    }

    pub fn join(&self, dir: &Path, author: u64) -> Replica {
        Replica::create(dir, &key(), &self.identity(author))
            .expect("a fresh directory takes a replica")
    }

    pub fn state(&self, id: RecordId) -> Option<Record> {
        let model = self.records.get(&id)?;
        let mut record = Record::new(id, model.kind, model.created, model.home);
        for ((_, field), writes) in self.writes.range((id, FieldId(0))..=(id, FieldId(u16::MAX))) {
            let mut state = merge::heads_of_set(writes, &self.retracted);
            state.ahead.clear();
            state.undone.clear();
            if !state.heads.is_empty() {
                record.fields.push((*field, state));
            }
        }
        Some(record)
    }

    /// Takes a batch in as the province would: checked, hashed, merged.
    pub fn receive(&mut self, batch: &Batch) -> (Vec<AckRun>, Receipt) {
        let acts = decode_acts(batch.first, &batch.body, batch.raw_len).expect("a batch decodes");
        let author = batch.author;
        let mut model = self.authors.remove(&author).unwrap_or_default();
        assert_eq!(batch.first, model.position + 1, "batches follow each other");
        assert_eq!(batch.before, model.chain);
        let mut runs: Vec<AckRun> = Vec::new();
        for act in acts {
            let seed = batch.seed_at(act.position).expect("every act has a seed");
            let hash = chain::act_hash(&act, seed);
            model.chain = chain::extend(model.chain, hash);
            model.position = act.position;
            let stamp = Stamp::new(act.claimed.ms() + self.shift_ms, act.claimed.counter());
            let stamp =
                if self.shift_ms == 0 { act.claimed } else { stamp.max(model.last_order.next()) };
            model.last_order = stamp;
            let (fate, at, rank) = self.merge(author, &act, hash, stamp);
            join_run(&mut runs, &act, fate, at, rank, stamp);
        }
        assert_eq!(model.chain, batch.after, "the chain is the one that was signed");
        model.runs.extend(runs.iter().cloned());
        self.authors.insert(author, model);
        (runs, self.receipt(author))
    }

    pub fn receipt(&self, author: AuthorId) -> Receipt {
        let model = self.authors.get(&author).cloned().unwrap_or_default();
        let count = |pick: fn(Fate) -> bool| {
            model.runs.iter().filter(|r| pick(r.fate)).map(|r| u64::from(r.count)).sum()
        };
        let mut receipt = Receipt {
            epoch: self.epoch,
            author,
            position: model.position,
            chain: model.chain,
            merged: count(|f| matches!(f, Fate::Merged { .. })),
            held: count(|f| matches!(f, Fate::Held(_))),
            refused: count(|f| matches!(f, Fate::Refused(_))),
            at_ms: 5,
            signature: Vec::new(),
        };
        receipt.signature = self.signer.sign(&receipt.signed_bytes()).to_vec();
        receipt
    }

    fn merge(
        &mut self,
        author: AuthorId,
        act: &Act,
        hash: Hash,
        stamp: Stamp,
    ) -> (Fate, Vec<(ScopeId, u64)>, Rank) {
        let id = act.id(author);
        self.acts.insert(id, act.clone());
        if act.intent == Intent::Request {
            return (Fate::Held(Reason::NeedsApproval), Vec::new(), Rank::Home);
        }
        let known = |w: &dongbo_proto::act::RecordWrites| {
            w.create.is_some() || self.records.contains_key(&w.record)
        };
        if !act.writes().all(known) {
            return (Fate::Held(Reason::UnknownRecord), Vec::new(), Rank::Home);
        }
        let rank = match (author == PROVINCE, act.intent) {
            (_, Intent::Import) => Rank::Import,
            (true, _) => Rank::Province,
            (false, _) => Rank::Home,
        };
        let origin = Origin { act: id, stamp, rank };
        let mut touched: BTreeSet<RecordId> = BTreeSet::new();
        let mut as_written = true;
        for op in &act.ops {
            match op {
                Op::Write(w) => {
                    touched.insert(w.record);
                    if let Some(home) = w.create {
                        self.records
                            .insert(w.record, RecordModel { kind: w.kind, created: origin, home });
                    }
                    let created = self.records[&w.record].created.act;
                    for f in &w.fields {
                        let over = merge::named(&f.over, created);
                        let writes = self.writes.entry((w.record, f.field)).or_default();
                        writes.push(Written { origin, value: f.value.clone(), over });
                        let state = merge::heads_of_set(writes, &self.retracted);
                        // What a node cannot know of a field (undone acts) is told by its state.
                        let sole = state.heads.len() == 1 && state.heads[0].act == id;
                        as_written &= sole && state.undone.is_empty();
                    }
                }
                Op::Retract(acts) => {
                    as_written = false;
                    for target in acts {
                        self.retracted.insert(*target);
                        let records = self.acts.get(target).into_iter().flat_map(|a| a.records());
                        touched.extend(
                            records.map(|(r, _)| r).filter(|r| self.records.contains_key(r)),
                        );
                    }
                }
                _ => {}
            }
        }
        let at = self.advance(&touched, hash, as_written.then_some(id));
        (Fate::Merged { as_written }, at, rank)
    }

    fn advance(
        &mut self,
        touched: &BTreeSet<RecordId>,
        hash: Hash,
        by: Option<ActId>,
    ) -> Vec<(ScopeId, u64)> {
        let homes: BTreeSet<ScopeId> = touched.iter().map(|r| self.records[r].home).collect();
        let mut at = Vec::new();
        for home in homes {
            let scope = self.scopes.entry(home).or_default();
            scope.revision += 1;
            scope.chain = chain::extend(scope.chain, hash);
            at.push((home, scope.revision));
        }
        for record in touched {
            let home = self.records[record].home;
            let scope = self.scopes.entry(home).or_default();
            let revision = scope.revision;
            scope.log.push((revision, *record, by));
        }
        at
    }

    /// An act of the province itself.
    pub fn acts(&mut self, op: Op) -> ActId {
        self.own_position += 1;
        let act = Act {
            position: self.own_position,
            claimed: Stamp::new(1_000 + self.own_position as i64, 0),
            person: "tỉnh".into(),
            intent: Intent::Change,
            grounds: None,
            job: None,
            linked: None,
            ops: smallvec::smallvec![op],
        };
        let hash = chain::act_hash(&act, &chain::Seed([9; 32]));
        self.merge(PROVINCE, &act, hash, act.claimed);
        act.id(PROVINCE)
    }

    pub fn digest(&self, scope: ScopeId) -> Digest {
        let mut sum = Digest::default();
        for (id, _) in self.records.iter().filter(|(_, r)| r.home == scope) {
            sum.add(digest::of_record(&self.state(*id).expect("it is there")));
        }
        sum
    }

    pub fn marks(&self) -> Vec<ScopeMark> {
        let granted = |s: &ScopeId| self.grants.iter().any(|g| g.scope == *s);
        let mark = |(id, scope): (&ScopeId, &ScopeModel)| ScopeMark {
            scope: *id,
            revision: scope.revision,
            chain: scope.chain,
            digest: self.digest(*id),
        };
        self.scopes.iter().filter(|(id, _)| granted(id)).map(mark).collect()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint =
            Checkpoint { epoch: self.epoch, at_ms: 6, marks: self.marks(), signature: vec![] };
        checkpoint.signature = self.signer.sign(&checkpoint.signed_bytes()).to_vec();
        checkpoint
    }

    /// Pages that bring a cursor to now, at most so many records each.
    pub fn pages(&self, cursor: &ScopeCursor, author: AuthorId, records_max: usize) -> Vec<States> {
        let Some(scope) = self.scopes.get(&cursor.scope) else { return Vec::new() };
        let mut pages = Vec::new();
        let mut from = cursor.staged;
        if cursor.visible == 0 && (cursor.staged == 0 || cursor.filled_to.is_some()) {
            let after = cursor.filled_to;
            let here = |(id, r): &(&RecordId, &RecordModel)| {
                r.home == cursor.scope && after.is_none_or(|a| **id > a)
            };
            let ids: Vec<RecordId> = self.records.iter().filter(here).map(|(id, _)| *id).collect();
            let parts: Vec<&[RecordId]> =
                if ids.is_empty() { vec![&[]] } else { ids.chunks(records_max).collect() };
            pages.extend(parts.iter().map(|p| self.page(cursor.scope, 0, scope.revision, true, p)));
            if cursor.staged == 0 {
                return pages;
            }
            from = cursor.staged;
        }
        let news = |(revision, _, by): &&(u64, RecordId, Option<ActId>)| {
            *revision > from && by.is_none_or(|by| by.author != author)
        };
        let ids: BTreeSet<RecordId> = scope.log.iter().filter(news).map(|l| l.1).collect();
        if from < scope.revision {
            let ids: Vec<RecordId> = ids.into_iter().collect();
            // All but the last page of a range leave the cursor where it is: here one page is a range.
            pages.push(self.page(cursor.scope, from, scope.revision, false, &ids));
        }
        pages
    }

    fn page(&self, scope: ScopeId, from: u64, to: u64, filling: bool, ids: &[RecordId]) -> States {
        let (mut records, mut gone) = (Vec::new(), Vec::new());
        for record in ids.iter().filter_map(|id| self.state(*id)) {
            match record.home == scope {
                true => records.push((Projection::Home, record)),
                false => gone.push((record.id, record.kind)),
            }
        }
        States { scope, from, to, filling, records, gone }
    }

    /// Moves a record to another scope: both advance.
    pub fn moves(&mut self, id: RecordId, to: ScopeId) {
        let from = self.records[&id].home;
        self.records.get_mut(&id).expect("it is there").home = to;
        for home in [from, to] {
            let scope = self.scopes.entry(home).or_default();
            scope.revision += 1;
            scope.chain = chain::extend(scope.chain, Hash([7; 32]));
            scope.log.push((scope.revision, id, None));
        }
    }

    pub fn complete(&mut self, replica: &Replica) -> Complete {
        self.token = self.token.wrapping_add(1);
        let facts = replica.facts().expect("facts are read");
        let marks = self.marks();
        let same = chain::state_hash(marks.iter()) == facts.state;
        Complete {
            checkpoint: (!same).then(|| self.checkpoint()),
            token: [self.token; 16],
            server_ms: 7,
            backed_up: 0,
            come_back_s: 0,
        }
    }
}

fn join_run(
    runs: &mut Vec<AckRun>,
    act: &Act,
    fate: Fate,
    at: Vec<(ScopeId, u64)>,
    rank: Rank,
    stamp: Stamp,
) {
    if let Some(last) = runs.last_mut() {
        let follows = match (last.at.as_slice(), at.as_slice()) {
            ([(a, first)], [(b, next)]) => a == b && first + u64::from(last.count) == *next,
            ([], []) => true,
            _ => false,
        };
        if follows && last.fate == fate && last.rank == rank && last.last() + 1 == act.position {
            last.count += 1;
            last.stamps.get_or_insert_default().push(stamp);
            return;
        }
    }
    let stamps = Some(vec![stamp]);
    runs.push(AckRun { first: act.position, fate, at, rank, count: 1, stamps });
}

/// How far an exchange goes before the link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// After the server took the acts, before the node heard.
    AfterSending,
    /// After the acknowledgements.
    AfterAcks,
    /// After some pages.
    AfterStates,
    /// Not at all.
    None,
}

/// One exchange; `None` if it was cut.
pub fn exchange(province: &mut Province, replica: &mut Replica, cut: Cut) -> Option<Completed> {
    let facts = replica.facts().expect("facts are read");
    let author = facts.author;
    let known = province.authors.get(&author).map_or(0, |a| a.position);
    if known > facts.acknowledged {
        let runs = province.authors[&author].runs.clone();
        replica
            .acknowledge(&runs, &province.receipt(author))
            .expect("lost acknowledgements are taken");
    }
    let mut after = known.max(facts.acknowledged);
    let mut answers = Vec::new();
    while let Some(batch) = replica.acts_after(after, 3, 1 << 20).expect("acts are read") {
        after = batch.last();
        answers.push(province.receive(&batch));
    }
    if cut == Cut::AfterSending {
        return None;
    }
    for (runs, receipt) in &answers {
        replica.acknowledge(runs, receipt).expect("acknowledgements are taken");
    }
    if cut == Cut::AfterAcks {
        return None;
    }
    let mut pages: Vec<States> = Vec::new();
    for cursor in &facts.scopes {
        pages.extend(province.pages(cursor, author, 2));
    }
    if cut == Cut::AfterStates {
        pages.truncate(pages.len() / 2);
    }
    for page in &pages {
        assert_eq!(replica.stage_alone(page).expect("a page is staged"), Staged::Applied);
    }
    if cut == Cut::AfterStates {
        return None;
    }
    let complete = province.complete(replica);
    Some(replica.complete_alone(&complete).expect("complete is taken"))
}

/// Pages as a carrier hands them over; every other one with the counts of its records.
pub fn on_their_way(pages: &[States]) -> Vec<Page> {
    let page = |(at, page): (usize, &States)| match at % 2 {
        0 => Page::with_counts(page.clone(), counts(page)),
        _ => Page::from(page.clone()),
    };
    pages.iter().enumerate().map(page).collect()
}

/// A carrier beside which there is no other.
pub trait Alone {
    fn stage_all_alone(&mut self, pages: &[States]) -> Result<Vec<Staged>, ReplicaError>;
    fn complete_alone(&mut self, complete: &Complete) -> Result<Completed, ReplicaError>;

    fn stage_alone(&mut self, page: &States) -> Result<Staged, ReplicaError> {
        Ok(self.stage_all_alone(std::slice::from_ref(page))?[0])
    }
}

impl Alone for Replica {
    fn stage_all_alone(&mut self, pages: &[States]) -> Result<Vec<Staged>, ReplicaError> {
        let (mut turn, known) = (self.turn()?, self.facts()?.acknowledged);
        self.stage(&on_their_way(pages), known, &mut turn)
    }

    fn complete_alone(&mut self, complete: &Complete) -> Result<Completed, ReplicaError> {
        let mut turn = self.turn()?;
        self.complete(complete, &mut turn)
    }
}

/// A whole exchange, and again where digests differed, as a session does.
pub fn meet(province: &mut Province, replica: &mut Replica) -> Completed {
    let done = exchange(province, replica, Cut::None).expect("nothing was cut");
    if done.in_step {
        done
    } else {
        exchange(province, replica, Cut::None).expect("nothing was cut")
    }
}

/// The province's records and the replica's are the same.
pub fn assert_in_step(province: &Province, replica: &Replica) {
    let granted = |s: ScopeId| province.grants.iter().any(|g| g.scope == s);
    let held = || province.records.iter().filter(|(_, r)| granted(r.home)).map(|(id, _)| id);
    for id in held() {
        let mut here = replica.record(*id).expect("it is read").expect("it is here");
        here.fields.iter_mut().for_each(|(_, s)| {
            s.ahead.clear();
            s.undone.clear();
        });
        here.fields.retain(|(_, s)| !s.heads.is_empty());
        assert_eq!(Some(&here), province.state(*id).as_ref(), "{id}");
    }
    assert_eq!(replica.digests().expect("digests are read"), province.marks());
    let here = replica.count(MEMBER).expect("rows are counted");
    assert_eq!(here as usize, held().count());
}

pub fn assert_sound(replica: &mut Replica) {
    assert_eq!(replica.verify().expect("verify runs"), vec![]);
}
