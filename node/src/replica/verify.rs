//! The replica held against its promises: what `proto::invariant` judges is read here, and what only a
//! replica can contradict itself in is judged here. What is found names ids only.

use std::collections::{BTreeMap, HashMap};

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::chain;
use dongbo_proto::digest::Digest;
use dongbo_proto::id::{Hash, RecordId, ScopeId};
use dongbo_proto::invariant;
use dongbo_proto::record::Record;
use dongbo_proto::sign;
use dongbo_sqlite::{damaged_pages, quick_check};

use super::error::{ReplicaError, Result};
use super::facts::Equation;
use super::journal::{Block, uint};
use super::line::Line;
use super::outbox::Outbox;
use super::read::every;
use super::settle::{guests, pending};
use super::table::{KindTable, contested, rule};
use super::work::Work;
use super::{Replica, ack, journal, place, prior, replay, scope, setting};

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check: a short word for scripts and for the sentence to show.
    pub code: &'static str,
    /// Where: ids, positions and names of tables, never values.
    pub detail: String,
}

impl Finding {
    fn new(code: &'static str, detail: impl ToString) -> Self {
        Finding { code, detail: detail.to_string() }
    }
}

impl From<invariant::Finding> for Finding {
    fn from(found: invariant::Finding) -> Self {
        Finding { code: found.code, detail: found.detail }
    }
}

/// One thing that `verify` looks at.
type Check<'c> = dyn Fn(&Work<'_>) -> Result<Vec<Finding>> + 'c;

impl Replica {
    /// Checks everything that can be checked here; an empty list is a sound replica.
    ///
    /// # Errors
    /// What storage says of anything but damage, which is a finding.
    pub fn verify(&mut self) -> Result<Vec<Finding>> {
        let Replica { lock, conn, tables, outbox, first, signing_key, .. } = self;
        let _guard = lock.acquire("verify", super::opening::LOCK_WAIT)?;
        let mut found: Vec<Finding> = Vec::new();
        found.extend(damaged_pages(conn)?.iter().map(|d| Finding::new("page", d)));
        found.extend(quick_check(conn)?.iter().map(|d| Finding::new("tree", d)));
        if !found.is_empty() {
            // Beyond a damaged page nothing that is read can be believed.
            return Ok(found);
        }
        let tx = conn.unchecked_transaction()?;
        let line = Line::read(&tx, *first)?;
        let work = Work::new(&tx, tables, &line);
        let checks: [&Check; 6] = [
            &journal_holds,
            &inbox_is_gapless,
            &equation_holds,
            &|work| receipts_are_signed(work, signing_key),
            &base_has_its_digest,
            &|work| outbox_agrees(work, outbox),
        ];
        for check in checks {
            match check(&work) {
                Ok(more) => found.extend(more),
                Err(ReplicaError::Damaged(what)) => found.push(Finding::new("damaged", what)),
                Err(e) => return Err(e),
            }
        }
        Ok(found)
    }
}

/// Every row of the outbox opens, and what it says of the chain is what the journal says.
fn outbox_agrees(work: &Work<'_>, outbox: &Outbox) -> Result<Vec<Finding>> {
    let contents = outbox.contents()?;
    let mut found = Vec::new();
    if contents.torn {
        found.push(Finding::new("outbox-torn", outbox.len()?));
    }
    let known = ack::acknowledged(work.db)?;
    let (mut first, mut logged) = (None, known);
    for place in contents.places {
        let Ok(row) = outbox.row(place) else {
            found.push(Finding::new("outbox-row", place.first));
            continue;
        };
        let ends = journal::chain_at(work.db, row.last)? == Some(row.after);
        if !ends || row.first > logged + 1 {
            found.push(Finding::new("outbox-chain", row.first));
        }
        first.get_or_insert(row.first);
        logged = logged.max(row.last);
    }
    let tail = journal::tail(work.db)?.position;
    if invariant::outbox_covers(first, logged, known, tail).is_some() {
        found.push(Finding::new("outbox-behind", logged));
    }
    Ok(found)
}

/// The journal has every position, and the acts of every block hash to its chain.
fn journal_holds(work: &Work<'_>) -> Result<Vec<Finding>> {
    let foot = journal::foot(work.db)?;
    let (mut found, mut next, mut chain) = (Vec::new(), foot.position + 1, foot.chain);
    let mut statement = work.db.prepare("SELECT last, first FROM journal ORDER BY last")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (last, first) = (uint(row.get(0)?), uint(row.get(1)?));
        // A block that cannot be read is told as one that does not hold: those behind it are
        // looked at all the same.
        let block = match journal::block(work.db, last) {
            Err(ReplicaError::Damaged(_)) => None,
            block => block?.filter(|block| block.first == next),
        };
        let holds = match &block {
            Some(block) => hashes(work, block)?
                .is_some_and(|acts| invariant::chain_extends(chain, acts, block.chain).is_none()),
            None => false,
        };
        if !holds {
            found.push(Finding::new("journal", span(first, last)));
        }
        if found.len() >= dongbo_sqlite::check::FINDINGS_MAX as usize {
            break;
        }
        next = last + 1;
        chain = journal::chain_at(work.db, last)?.unwrap_or_default();
    }
    Ok(found)
}

fn span(first: u64, last: u64) -> String {
    if first == last { last.to_string() } else { format!("{first}–{last}") }
}

/// The hashes of a block's acts, made anew; `None` where an act of it cannot be read or stands in
/// another's place.
fn hashes(work: &Work<'_>, block: &Block) -> Result<Option<Vec<Hash>>> {
    let seeds = journal::seeds(work.db, block.first, block.last)?;
    let (mut all, mut buffer) = (Vec::with_capacity(block.acts.len()), Vec::new());
    for (position, bytes) in (block.first..).zip(block.acts.iter()) {
        let mut r = Reader::new(bytes);
        let act = Act::read(&mut r).ok().filter(|act| act.position == position && r.is_empty());
        let (Some(act), Some((_, seed))) = (act, journal::seed_of(&seeds, position)) else {
            return Ok(None);
        };
        all.push(chain::act_hash_in(&act, seed, &mut buffer));
    }
    Ok(Some(all))
}

fn inbox_is_gapless(work: &Work<'_>) -> Result<Vec<Finding>> {
    let mut statement = work.db.prepare("SELECT sequence FROM inbox ORDER BY 1")?;
    let sequences = statement.query_map([], |row| row.get(0).map(uint))?;
    let sequences = sequences.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(invariant::inbox_gapless(sequences).map(Finding::from).into_iter().collect())
}

fn equation_holds(work: &Work<'_>) -> Result<Vec<Finding>> {
    let epoch = dongbo_proto::id::Epoch(setting::must(work.db, setting::EPOCH)?);
    let receipt = ack::last_receipt(work.db, epoch)?;
    let e = Equation::of(journal::tail(work.db)?.position, receipt.as_ref());
    let found = invariant::equation_holds(e.entered, e.merged, e.held, e.refused, e.unsent);
    Ok(found.map(Finding::from).into_iter().collect())
}

/// Every receipt and checkpoint bears the province's signature, and the receipts match the journal.
fn receipts_are_signed(work: &Work<'_>, key: &[u8; 32]) -> Result<Vec<Finding>> {
    let signed = |message: &[u8], signature: &[u8]| {
        signature.try_into().is_ok_and(|signature| sign::verify(key, message, signature))
    };
    let mut found = Vec::new();
    let mut statement = work.db.prepare("SELECT epoch FROM receipt")?;
    let epochs = statement.query_map([], |row| row.get(0).map(dongbo_proto::id::Epoch))?;
    for epoch in epochs.collect::<rusqlite::Result<Vec<_>>>()? {
        let Some(receipt) = ack::last_receipt(work.db, epoch)? else { continue };
        let here = journal::chain_at(work.db, receipt.position)?;
        let covered = (receipt.position, receipt.chain);
        let wrong = invariant::receipt_is_signed(&receipt, key)
            .or_else(|| invariant::acknowledged_is_held(receipt.author, covered, here));
        if wrong.is_some() {
            found.push(Finding::new("receipt", receipt.position));
        }
    }
    let mut statement = work.db.prepare("SELECT signed, signature FROM checkpoint")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (message, signature): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if !signed(&message, &signature) {
            found.push(Finding::new("checkpoint", ""));
        }
    }
    Ok(found)
}

/// The view is base with the pending acts on top; base has the digests that are kept; indexes and
/// the list of contested records follow the rows.
fn base_has_its_digest(work: &Work<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let scopes = scope::all(work.db)?;
    let mut sums: BTreeMap<ScopeId, Digest> =
        scopes.iter().map(|s| (s.grant.scope, Digest::default())).collect();
    let pending = Pending::load(work)?;
    let mut listed = 0;
    for table in work.tables.all() {
        let mut words = search_rows(work, table)?;
        every(work, table, |rowid, record| {
            listed += i64::from(contested(&record));
            if let Some(index) = &table.search
                && words.remove(&rowid) != Some(index.words(&record))
            {
                found.push(Finding::new("search", record.id));
            }
            check_record(work, &pending, record, &mut sums, &mut found)
        })?;
        found.extend(words.keys().map(|rowid| Finding::new("search", rowid)));
    }
    let kept: i64 = work.db.query_row("SELECT count(*) FROM contested", [], |row| row.get(0))?;
    if kept != listed {
        found.push(Finding::new("contested", uint(kept)));
    }
    add_unknown(work, &mut sums)?;
    let sum = |scope| sums.get(&scope).copied().unwrap_or_default();
    let of = |s: &scope::ScopeState| {
        invariant::digests_equal(s.grant.scope, s.digest, sum(s.grant.scope))
    };
    found.extend(scopes.iter().filter_map(of).map(Finding::from));
    Ok(found)
}

/// The search rows of a kind.
fn search_rows(work: &Work<'_>, table: &KindTable) -> Result<HashMap<i64, String>> {
    let Some(index) = &table.search else { return Ok(HashMap::new()) };
    let mut statement = work.db.prepare(&index.all)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn check_record(
    work: &Work<'_>,
    pending: &Pending,
    record: Record,
    sums: &mut BTreeMap<ScopeId, Digest>,
    found: &mut Vec<Finding>,
) -> Result<()> {
    let odd = record.fields.iter().any(|(field, state)| {
        let shown = dongbo_proto::merge::shown(rule(record.kind, *field), &state.heads);
        shown.is_none() && !state.heads.is_empty()
    });
    if odd {
        found.push(Finding::new("record", record.id));
    }
    let base = pending.base_of(&record);
    if pending.view_of(work, base.clone(), &record)? != Some(record.clone()) {
        found.push(Finding::new("view", record.id));
    }
    add(work, base.as_ref(), sums)
}

/// The digests of base, summed anew from the rows: what decides where a kept sum and the server's
/// word differ.
pub(super) fn base_sums(work: &Work<'_>, scopes: &[ScopeId]) -> Result<BTreeMap<ScopeId, Digest>> {
    let mut sums = scopes.iter().map(|id| (*id, Digest::default())).collect();
    let pending = Pending::load(work)?;
    for table in work.tables.all() {
        every(work, table, |_, record| add(work, pending.base_of(&record).as_ref(), &mut sums))?;
    }
    add_unknown(work, &mut sums)?;
    Ok(sums)
}

fn add(work: &Work<'_>, base: Option<&Record>, sums: &mut BTreeMap<ScopeId, Digest>) -> Result<()> {
    let Some(base) = base else { return Ok(()) };
    let guests = guests(work, base.id)?;
    let places = place::places(Some(base), &guests, |s| sums.contains_key(&s));
    for (scope, projection) in &places {
        if let Some(sum) = sums.get_mut(scope) {
            sum.add(place::counted(base, *projection, &places));
        }
    }
    Ok(())
}

fn add_unknown(work: &Work<'_>, sums: &mut BTreeMap<ScopeId, Digest>) -> Result<()> {
    let mut statement = work.db.prepare("SELECT bytes FROM unknown_record")?;
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    for bytes in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        add(work, Some(&Record::read(&mut Reader::new(&bytes))?), sums)?;
    }
    Ok(())
}

/// The acts that are replayed, with what they replaced, found by record.
struct Pending {
    acts: Vec<(Act, Vec<prior::Part>)>,
    touching: HashMap<RecordId, Vec<usize>>,
}

impl Pending {
    fn load(work: &Work<'_>) -> Result<Self> {
        let (mut acts, mut touching) = (Vec::new(), HashMap::<_, Vec<usize>>::new());
        for (first, last) in pending(work)? {
            for position in first..=last {
                let found = work.own_row(position)?;
                let (act, parts) = found.ok_or(ReplicaError::Damaged("the journal"))?;
                let mut records: Vec<_> = parts.iter().map(|part| part.record).collect();
                records.sort();
                records.dedup();
                records.iter().for_each(|r| touching.entry(*r).or_default().push(acts.len()));
                acts.push((act, parts));
            }
        }
        Ok(Pending { acts, touching })
    }

    fn of(&self, record: RecordId) -> impl DoubleEndedIterator<Item = &(Act, Vec<prior::Part>)> {
        let at = self.touching.get(&record).map_or(&[][..], Vec::as_slice);
        at.iter().map(|at| &self.acts[*at])
    }

    fn base_of(&self, view: &Record) -> Option<Record> {
        let mut base = Some(view.clone());
        let parts = self.of(view.id).rev().flat_map(|(_, parts)| parts.iter().rev());
        parts.filter(|part| part.record == view.id).for_each(|part| part.clone().undo(&mut base));
        base
    }

    fn view_of(
        &self,
        work: &Work<'_>,
        base: Option<Record>,
        seen: &Record,
    ) -> Result<Option<Record>> {
        let mut view = base;
        for (act, _) in self.of(seen.id).filter(|(act, _)| replay::has_effect(act)) {
            for writes in act.writes().filter(|w| w.record == seen.id) {
                let home = replay::home(view.as_ref(), writes);
                let at_home = match home {
                    Some(home) => work.holds(home)?,
                    None => false,
                };
                replay::write(&mut view, writes, replay::origin(work.line.id(act), act, at_home));
            }
            let own = work.own(&replay::retracted(act))?;
            let undone = super::work::borrowed(work.line, &own);
            replay::retract(&mut view, seen.id, &undone, &|id| work.own_act(id))?;
        }
        Ok(view)
    }
}
