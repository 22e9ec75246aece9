//! Brings records from one base to the next, under the acts that are still pending.
//!
//! For each record that something came for: take the pending acts out of the view (newest first),
//! which gives base; do to base what was acknowledged, or what the server says; and do the acts
//! that are still pending again on top. The digest of each scope follows base. Records are worked
//! on some hundreds at a time, so that an import of a province does not have to fit in memory.

use std::collections::{BTreeMap, HashMap};

use dongbo_proto::act::{Act, Op, Projection};
use dongbo_proto::bytes::Reader;
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::digest::Digest;
use dongbo_proto::id::{ActId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{Origin, Rank, Record, sees};
use dongbo_proto::stamp::Stamp;
use rusqlite::params;

use super::ack::{self, Unsettled};
use super::error::{ReplicaError, Result};
use super::journal;
use super::place::{self, Combined, Coming, Place};
use super::prior::{self, Part, Touch};
use super::replay::{self, Undone};
use super::scope::{self, ScopeState};
use super::work::{Work, touched};

/// Records worked on between two visits to the journal.
const CHUNK_RECORDS: usize = 512;

/// What becomes of an act that leaves the replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is in base by what it wrote, with these facts; no stamp: the one that it claims.
    AsWritten(Option<Stamp>, Rank),
    /// It is in base through states, or will never be.
    Dropped,
}

/// One act that is, or was until now, replayed.
struct Own {
    act: Act,
    parts: Vec<Part>,
    changed: bool,
    /// Acts that it takes back, where it does.
    undone: Vec<(Act, Vec<Part>)>,
}

/// The work of one transaction.
pub(super) struct Settle<'w, 'a> {
    work: &'w Work<'a>,
    /// The scopes, which follow.
    pub scopes: BTreeMap<ScopeId, ScopeState>,
    /// Scopes whose records leave.
    pub leaving: Vec<ScopeId>,
    settled: HashMap<u64, Settled>,
    /// Which pending act touches which record, by record and position.
    touching: Vec<(RecordId, KindId, u64)>,
    own: HashMap<u64, Own>,
    any_guest: bool,
    /// Rows written so far.
    pub changed: usize,
}

impl<'w, 'a> Settle<'w, 'a> {
    /// Begins with the scopes as they are and nothing settled.
    pub fn new(work: &'w Work<'a>) -> Result<Self> {
        let scopes = scope::all(work.db)?.into_iter().map(|s| (s.grant.scope, s)).collect();
        let any = "SELECT EXISTS (SELECT 1 FROM guest)";
        let any_guest = work.db.prepare_cached(any)?.query_row([], |row| row.get(0))?;
        Ok(Settle {
            work,
            scopes,
            leaving: Vec::new(),
            settled: HashMap::new(),
            touching: Vec::new(),
            own: HashMap::new(),
            any_guest,
            changed: 0,
        })
    }

    /// Settles the acknowledged acts that the new state reaches; `revision` says where it is.
    pub fn settle_acts(&mut self, revision: impl Fn(ScopeId) -> Option<u64>) -> Result<()> {
        for run in ack::unsettled(self.work.db)? {
            let count = match run.fate {
                dongbo_proto::fate::Fate::Merged { .. } => run.reached(&revision),
                _ => run.count,
            };
            if count == 0 {
                continue;
            }
            self.note(&run, count);
            if count < run.count {
                let rest = run.clone().after(run.first + count - 1);
                rest.put(self.work.db, false)?;
            }
            run.take(count).put(self.work.db, true)?;
        }
        Ok(())
    }

    fn note(&mut self, run: &Unsettled, count: u64) {
        let as_written = run.fate == dongbo_proto::fate::Fate::Merged { as_written: true };
        for position in run.first..run.first + count {
            let settled = match as_written {
                true => Settled::AsWritten(run.stamp(position), run.rank),
                false => Settled::Dropped,
            };
            self.settled.insert(position, settled);
        }
    }

    /// Notes which acts touch which records: those that were pending when this began.
    pub fn index(&mut self, pending: &[(u64, u64)]) -> Result<()> {
        for (first, last) in pending {
            journal::scan(self.work.db, *first, *last, |position, act| {
                let act = Act::read(&mut Reader::new(act))?;
                if replay::has_effect(&act) {
                    self.index_act(position, &act)?;
                }
                Ok(true)
            })?;
        }
        self.touching.sort_unstable();
        self.touching.dedup();
        Ok(())
    }

    fn index_act(&mut self, position: u64, act: &Act) -> Result<()> {
        for writes in act.writes() {
            self.touching.push((writes.record, writes.kind, position));
        }
        let retracted = replay::retracted(act);
        if !retracted.is_empty() {
            for (record, kind) in touched(&self.work.own(&retracted)?) {
                self.touching.push((record, kind, position));
            }
        }
        Ok(())
    }

    /// The records that an act which was settled just now touches.
    pub fn records_of_settled(&self) -> impl Iterator<Item = (RecordId, KindId)> + '_ {
        let settled = |t: &&(RecordId, KindId, u64)| self.settled.contains_key(&t.2);
        self.touching.iter().filter(settled).map(|t| (t.0, t.1))
    }

    /// The records that acts up to a position touch, of those that were pending when this began.
    pub fn records_touched_by(&self, known: u64) -> Vec<(RecordId, KindId)> {
        self.touching.iter().filter(|t| t.2 <= known).map(|t| (t.0, t.1)).collect()
    }

    /// Works on records, each given with what came for it.
    pub fn records(
        &mut self,
        records: &[(RecordId, KindId)],
        mut coming: impl FnMut(RecordId) -> Result<Coming>,
    ) -> Result<()> {
        for chunk in records.chunks(CHUNK_RECORDS) {
            self.fetch(chunk)?;
            for (record, kind) in chunk {
                self.record(*record, *kind, coming(*record)?)?;
            }
            self.flush()?;
        }
        Ok(())
    }

    /// The positions of the acts that touch a record.
    fn positions(&self, record: RecordId) -> Vec<u64> {
        let from = self.touching.partition_point(|t| t.0 < record);
        self.touching[from..].iter().take_while(|t| t.0 == record).map(|t| t.2).collect()
    }

    /// Reads the acts that touch some records, in the order of the journal.
    fn fetch(&mut self, records: &[(RecordId, KindId)]) -> Result<()> {
        let mut positions: Vec<u64> =
            records.iter().flat_map(|(record, _)| self.positions(*record)).collect();
        positions.sort_unstable();
        positions.dedup();
        for position in positions {
            let found = self.work.own_row(position)?;
            let (act, parts) = found.ok_or(ReplicaError::Damaged("the journal"))?;
            let undone = self.work.own(&replay::retracted(&act))?;
            self.own.insert(position, Own { act, parts, changed: false, undone });
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let changed = self.own.drain().filter(|(_, own)| own.changed);
        let anew = changed.map(|(at, own)| (at, prior::pack(&own.act, &own.parts))).collect();
        self.work.set_priors(anew)
    }

    /// A record that is certainly new here, while its scope is filled for the first time: written
    /// without asking what was there. `false` if it was not new. `counts`: what it counts at home, if
    /// that is known.
    pub fn fresh(
        &mut self,
        scope: ScopeId,
        projection: Projection,
        record: &Record,
        counts: Option<Digest>,
    ) -> Result<bool> {
        if !self.positions(record.id).is_empty() || !self.work.insert(record)? {
            return Ok(false);
        }
        if projection != Projection::Home {
            self.put_guest(record, (scope, projection))?;
        }
        if let Some(state) = self.scopes.get_mut(&scope) {
            let derive = || place::counted(record, projection, &[(scope, projection)]);
            let known = counts.filter(|_| projection == Projection::Home);
            state.digest.add(known.unwrap_or_else(derive));
        }
        self.changed += 1;
        Ok(true)
    }

    /// A record that this node created, all of whose acts merged as they were foreseen: its row is
    /// base already and only the digest has to hear of it. `false` if it is any other.
    fn foreseen(&mut self, id: RecordId, positions: &[u64], coming: &Coming) -> Result<bool> {
        if self.any_guest || !coming.is_empty() || !self.is_created_by(positions.first(), id) {
            return Ok(false);
        }
        let mut base = None;
        for position in positions {
            let before = base.as_ref().map(|r: &Record| r.home);
            self.rebase(*position, id, &mut base, Projection::Home);
            let home = before.or(base.as_ref().map(|r| r.home));
            if !self.is_foreseen(*position, home)? {
                return Ok(false);
            }
        }
        let places = place::places(base.as_ref(), &[], |s| self.scopes.contains_key(&s));
        let stays = places.iter().all(|(scope, _)| !self.leaving.contains(scope));
        if places.is_empty() || !stays {
            return Ok(false);
        }
        self.count(None, &[], base.as_ref(), &places);
        Ok(true)
    }

    fn is_created_by(&self, position: Option<&u64>, id: RecordId) -> bool {
        let own = position.and_then(|p| self.own.get(p));
        let mut parts = own.into_iter().flat_map(|own| &own.parts).filter(|part| part.record == id);
        parts.next().is_some_and(|part| part.touch == Touch::Created)
    }

    /// Whether the facts that the server gave an act are those that the view has.
    fn is_foreseen(&self, position: u64, home: Option<ScopeId>) -> Result<bool> {
        let (Some(Settled::AsWritten(stamp, rank)), Some(own), Some(home)) =
            (self.settled.get(&position), self.own.get(&position), home)
        else {
            return Ok(false);
        };
        let shown = replay::origin(self.work.line.id(&own.act), &own.act, self.work.holds(home)?);
        Ok(stamp.is_none_or(|stamp| stamp == shown.stamp) && *rank == shown.rank)
    }

    fn record(&mut self, id: RecordId, kind: KindId, coming: Coming) -> Result<()> {
        let positions = self.positions(id);
        if self.foreseen(id, &positions, &coming)? {
            return Ok(());
        }
        let stored = self.work.load(kind, id)?;
        let mut base = stored.as_ref().map(|s| s.record.clone());
        for position in positions.iter().rev() {
            self.undo(*position, id, &mut base);
        }
        let old_base = base.clone();
        let guests = self.guests(id)?;
        let old_places =
            place::places(old_base.as_ref(), &guests, |s| self.scopes.contains_key(&s));
        let filled = coming.filled;
        for position in positions.iter().filter(|p| filled.is_none_or(|known| **p > known)) {
            self.rebase(*position, id, &mut base, Projection::Home);
        }
        let stays = |s: ScopeId| self.scopes.contains_key(&s) && !self.leaving.contains(&s);
        let Combined { mut base, guests: new_guests, said } =
            place::combine(base, guests.clone(), coming, stays);
        // What came before an act was acknowledged does not contain it.
        if let Some((projection, known)) = said {
            for position in positions.iter().filter(|p| **p > known) {
                self.rebase(*position, id, &mut base, projection);
            }
        }
        let new_places = place::places(base.as_ref(), &new_guests, stays);
        self.count(old_base.as_ref(), &old_places, base.as_ref(), &new_places);

        let mut view = base;
        let contained = said.map(|(_, known)| known).max(filled).unwrap_or(0);
        for position in positions {
            if self.settled.contains_key(&position) {
                continue;
            }
            self.redo(position, id, &mut view, position <= contained)?;
        }
        if self.work.tables.store(self.work.db, stored.as_ref(), view.as_ref())? {
            self.changed += 1;
        }
        if guests != new_guests {
            self.store_guests(id, kind, &new_guests)?;
        }
        Ok(())
    }

    /// Takes one act out of a record.
    fn undo(&self, position: u64, record: RecordId, view: &mut Option<Record>) {
        let Some(own) = self.own.get(&position) else { return };
        for part in own.parts.iter().rev().filter(|part| part.record == record) {
            part.clone().undo(view);
        }
    }

    /// Moves one act that merged as written into base, as far as a projection shows it.
    fn rebase(
        &self,
        position: u64,
        record: RecordId,
        base: &mut Option<Record>,
        shown: Projection,
    ) {
        let Some(Settled::AsWritten(stamp, rank)) = self.settled.get(&position) else { return };
        let Some(own) = self.own.get(&position) else { return };
        let stamp = stamp.unwrap_or(own.act.claimed);
        let origin =
            Origin { act: ActId::new(self.work.line.at(position), position), stamp, rank: *rank };
        for writes in own.act.writes().filter(|w| w.record == record) {
            let kind = catalogue().kind(writes.kind);
            let mut writes = writes.clone();
            writes.fields.retain(|write| sees(kind, write.field, shown));
            replay::write(base, &writes, origin);
        }
    }

    /// Does one pending act again and notes what it replaces now: nothing, where the state that came
    /// contains it.
    fn redo(
        &mut self,
        position: u64,
        record: RecordId,
        view: &mut Option<Record>,
        contained: bool,
    ) -> Result<()> {
        let work = self.work;
        let Some(own) = self.own.get(&position) else { return Ok(()) };
        let mut parts = Vec::new();
        for writes in own.act.writes().filter(|w| w.record == record) {
            if contained {
                parts.push(Part::absent(writes));
                continue;
            }
            let home = replay::home(view.as_ref(), writes);
            let at_home = home.is_some_and(|h| work.holds(h).unwrap_or(false));
            parts.push(replay::write(
                view,
                writes,
                replay::origin(work.line.id(&own.act), &own.act, at_home),
            ));
        }
        if !contained {
            parts.extend(self.redo_retraction(own, record, view)?);
        }
        if let Some(own) = self.own.get_mut(&position) {
            own.changed |= exchange(&mut own.parts, record, parts, &own.act);
        }
        Ok(())
    }

    fn redo_retraction(
        &self,
        own: &Own,
        record: RecordId,
        view: &mut Option<Record>,
    ) -> Result<Option<Part>> {
        if own.undone.is_empty() {
            return Ok(None);
        }
        let line = self.work.line;
        let undone: Vec<Undone<'_>> = own
            .undone
            .iter()
            .filter(|(act, _)| act.writes().any(|w| w.record == record))
            .map(|(act, parts)| {
                // An act that is pending too may have replaced something else by now.
                let parts = self.own.get(&act.position).map_or(parts, |own| &own.parts);
                Undone { act, id: line.id(act), parts }
            })
            .collect();
        let find = |id: ActId| match self.own.get(&id.position) {
            Some(own) if line.owns(id) => Ok(Some((own.act.clone(), own.parts.clone()))),
            _ => self.work.own_act(id),
        };
        replay::retract(view, record, &undone, &find)
    }

    /// Brings the digests from one base to the next.
    fn count(
        &mut self,
        old: Option<&Record>,
        old_places: &[Place],
        new: Option<&Record>,
        new_places: &[Place],
    ) {
        if let (Some(old), Some(new), [(scope, Projection::Home)]) = (old, new, old_places)
            && old_places == new_places
        {
            let (minus, plus) = place::home_change(old, new);
            if let Some(state) = self.scopes.get_mut(scope) {
                state.digest.sub(minus);
                state.digest.add(plus);
            }
            return;
        }
        for (scope, projection) in old_places {
            if let (Some(state), Some(old)) = (self.scopes.get_mut(scope), old) {
                state.digest.sub(place::counted(old, *projection, old_places));
            }
        }
        for (scope, projection) in new_places {
            if let (Some(state), Some(new)) = (self.scopes.get_mut(scope), new) {
                state.digest.add(place::counted(new, *projection, new_places));
            }
        }
    }

    fn guests(&self, record: RecordId) -> Result<Vec<Place>> {
        if !self.any_guest {
            return Ok(Vec::new());
        }
        guests(self.work, record)
    }

    fn put_guest(&mut self, record: &Record, place: Place) -> Result<()> {
        self.any_guest = true;
        put_guest(self.work, record.id, record.kind, place)
    }

    fn store_guests(&mut self, record: RecordId, kind: KindId, guests: &[Place]) -> Result<()> {
        self.any_guest |= !guests.is_empty();
        let sql = "DELETE FROM guest WHERE record = ?";
        self.work.db.prepare_cached(sql)?.execute([record.0])?;
        guests.iter().try_for_each(|place| put_guest(self.work, record, kind, *place))
    }
}

/// Puts the parts of one record in the place of its old ones, in the order of the operations.
fn exchange(parts: &mut Vec<Part>, record: RecordId, new: Vec<Part>, act: &Act) -> bool {
    let before = parts.clone();
    let mut new = new.into_iter();
    let writes = act.ops.iter().filter(|op| matches!(op, Op::Write(_))).count();
    for part in parts.iter_mut().take(writes).filter(|part| part.record == record) {
        if let Some(next) = new.next() {
            *part = next;
        }
    }
    let mut at = 0;
    parts.retain(|part| {
        at += 1;
        at <= writes || part.record != record
    });
    parts.extend(new);
    *parts != before
}

/// The guest placements of a record.
pub(super) fn guests(work: &Work<'_>, record: RecordId) -> Result<Vec<Place>> {
    let sql = "SELECT scope, projection FROM guest WHERE record = ? ORDER BY scope";
    let mut statement = work.db.prepare_cached(sql)?;
    let mut rows = statement.query([record.0])?;
    let mut guests = Vec::new();
    while let Some(row) = rows.next()? {
        let projection = Projection::from_number(row.get(1)?);
        let projection = projection.ok_or(ReplicaError::Damaged("a placement"))?;
        guests.push((ScopeId(row.get(0)?), projection));
    }
    Ok(guests)
}

fn put_guest(work: &Work<'_>, record: RecordId, kind: KindId, place: Place) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO guest (record, scope, kind, projection) VALUES (?, ?, ?, ?)";
    let row = params![record.0, place.0.0, kind.0, place.1 as u8];
    work.db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// The positions that are replayed, as ranges: acknowledged and not settled, and everything that
/// is not acknowledged.
pub(super) fn pending(work: &Work<'_>) -> Result<Vec<(u64, u64)>> {
    let mut ranges: Vec<_> =
        ack::unsettled(work.db)?.iter().map(|run| (run.first, run.last())).collect();
    let (known, last) = (ack::acknowledged(work.db)?, journal::tail(work.db)?.position);
    if known < last {
        ranges.push((known + 1, last));
    }
    Ok(ranges)
}
