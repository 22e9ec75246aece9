//! Doing what was judged: writes, placements, retractions and decisions, on the desk.
//!
//! Nothing here refuses; `judge` did. What a decision releases is judged again as its author.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use dongbo_proto::act::{Act, Op, Over, Projection, RecordWrites};
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::id::{ActId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::merge::{self, Effect, Written};
use dongbo_proto::record::{Meta, Named, Origin, sees};

use super::decide;
use super::desk::Desk;
use super::error::{Error, Result};
use super::journal;
use super::work::{Fresh, Work};
use crate::store::rows::{Placement, Stay};

/// Applies a whole act. Answers whether every write became its field's sole head, and nothing but
/// writes was in it. `fresh` gives the operation of a number where it is a plain creation.
pub(super) fn apply<'a>(
    desk: &mut Desk<'_, 'a>,
    origin: Origin,
    act: &Act,
    fresh: &dyn Fn(usize) -> Option<Fresh<'a>>,
) -> Result<bool> {
    let mut as_written = true;
    for (nth, op) in act.ops.iter().enumerate() {
        as_written &= match op {
            Op::Write(w) => write(desk, origin, w, &|| fresh(nth))?,
            rare => {
                desk.special_now = true;
                apply_rare(desk, origin, rare)?;
                false
            }
        };
    }
    Ok(as_written)
}

fn apply_rare(desk: &mut Desk<'_, '_>, origin: Origin, op: &Op) -> Result<()> {
    match op {
        Op::Retract(acts) => retract(desk, origin.act, acts),
        Op::Decide(target, verdict) => decide::decide(desk, origin.act, *target, verdict),
        Op::Place { record, kind, scope, projection } => {
            place(desk, origin.act, (*record, *kind), *scope, *projection)
        }
        Op::Write(_) | Op::Unknown(..) => Err(Error::Damaged("an act that was judged")),
    }
}

/// Writes fields of one record, creating it if it is not there.
fn write<'a>(
    desk: &mut Desk<'_, 'a>,
    origin: Origin,
    w: &RecordWrites,
    fresh: &dyn Fn() -> Option<Fresh<'a>>,
) -> Result<bool> {
    let at = match (desk.find(w.record, w.kind)?, w.create) {
        (Some(at), _) => at,
        (None, Some(home)) => {
            let kind = catalogue().kind(w.kind).ok_or(Error::Damaged("an act that was judged"))?;
            if let Some(fresh) = fresh().filter(|_| desk.log.is_none()) {
                desk.create(Work::fresh(kind, home, Meta::new(origin), fresh));
                desk.touch(home, w.record, w.kind);
                return Ok(true);
            }
            desk.create(Work::created(w.record, kind, home, Meta::new(origin), w.fields.len()))
        }
        (None, None) => return Err(Error::Damaged("an act that was judged")),
    };
    desk.need(at, w.fields.iter().map(|f| f.field))?;
    let mut as_written = true;
    for field in &w.fields {
        as_written &= write_field(desk, at, origin, field.field, field.value.clone(), &field.over)?;
    }
    desk.works[at].dirty = true;
    touch_writes(desk, at, w.fields.iter().map(|f| f.field));
    Ok(as_written)
}

/// Home always goes on; a guest only if something that it sees was written.
fn touch_writes(desk: &mut Desk<'_, '_>, at: usize, fields: impl Iterator<Item = FieldId> + Clone) {
    let work = &desk.works[at];
    let (record, kind, home) = (work.id, work.kind.id, work.home);
    // Each guest looks at all of the fields, whatever the one before it found.
    let seen = |g: &&Placement| fields.clone().any(|f| sees(Some(work.kind), f, g.projection));
    let guests: Vec<ScopeId> = work.guests.iter().filter(seen).map(|g| g.scope).collect();
    desk.touch(home, record, kind);
    guests.into_iter().for_each(|scope| desk.touch(scope, record, kind));
}

fn write_field(
    desk: &mut Desk<'_, '_>,
    at: usize,
    origin: Origin,
    field: FieldId,
    value: dongbo_proto::value::Value,
    over: &Over,
) -> Result<bool> {
    let created = desk.works[at].meta.created.act;
    let named = merge::named(over, created);
    if let Some(log) = &mut desk.log {
        let (record, kind) = (desk.works[at].id, desk.works[at].kind.id);
        log.push((
            record,
            kind,
            field,
            Written { origin, value: value.clone(), over: named.clone() },
        ));
    }
    let arrived = unknown_names(desk, at, field, &named, created)?;
    let state = desk.works[at].slot_mut(field);
    let plain = state.undone.is_empty();
    let effect = merge::apply(state, origin, value, &named, |act| !arrived.contains(&act));
    Ok(effect == Effect::Sole && plain)
}

/// Of the acts that a write names, those that the journal has not merged.
fn unknown_names(
    desk: &mut Desk<'_, '_>,
    at: usize,
    field: FieldId,
    named: &Named,
    created: ActId,
) -> Result<Vec<ActId>> {
    let state = desk.works[at].slot(field);
    let is_head = |act: &ActId| state.is_some_and(|s| s.heads.iter().any(|h| h.act == *act));
    let beyond = state.into_iter().flat_map(|s| s.undone.iter().flat_map(|u| u.1.iter().copied()));
    let asked: Vec<ActId> = named
        .iter()
        .copied()
        .chain(beyond)
        .filter(|act| *act != created && !is_head(act))
        .collect();
    let mut unknown = Vec::new();
    for act in asked {
        if !desk.arrived(act)? {
            unknown.push(act);
        }
    }
    Ok(unknown)
}

/// Places a record: in a new home, as a guest, or no longer as a guest.
fn place(
    desk: &mut Desk<'_, '_>,
    by: ActId,
    (record, kind): (RecordId, KindId),
    scope: ScopeId,
    projection: Option<Projection>,
) -> Result<()> {
    let at = desk.find(record, kind)?.ok_or(Error::Unknown("record"))?;
    if !desk.has_scope(scope)? {
        return Err(Error::Unknown("scope"));
    }
    desk.need_whole(at)?;
    let home = desk.works[at].home;
    match projection {
        Some(Projection::Home) if home != scope => move_home(desk, at, by, scope)?,
        Some(Projection::Home) => return Ok(()),
        _ if home == scope => return Err(Error::Exists("placement")),
        other => set_guest(desk, at, scope, other)?,
    }
    let work = &mut desk.works[at];
    (work.placed, work.dirty) = (true, true);
    desk.touch(scope, record, kind);
    Ok(())
}

fn move_home(desk: &mut Desk<'_, '_>, at: usize, by: ActId, scope: ScopeId) -> Result<()> {
    let (record, kind, old) = (desk.works[at].id, desk.works[at].kind.id, desk.works[at].home);
    if desk.tx.stays(record)?.is_empty() {
        let act = desk.works[at].meta.created.act;
        desk.tx.put_stay(&Stay { record, act, home: old, since_ms: 0 })?;
    }
    desk.tx.put_stay(&Stay { record, act: by, home: scope, since_ms: desk.now_ms })?;
    desk.works[at].guests.retain(|g| g.scope != scope);
    desk.tx.remove_placement(&Placement { scope, record, kind, projection: Projection::Home })?;
    desk.tx.remove_placement(&Placement {
        scope: old,
        record,
        kind,
        projection: Projection::Home,
    })?;
    desk.tx.put_placements(&[Placement { scope, record, kind, projection: Projection::Home }])?;
    desk.works[at].home = scope;
    desk.works[at].meta.placed = Some(by);
    // The home is part of what every guest sees.
    let guests: Vec<ScopeId> = desk.works[at].guests.iter().map(|g| g.scope).collect();
    desk.touch(old, record, kind);
    guests.into_iter().for_each(|guest| desk.touch(guest, record, kind));
    Ok(())
}

fn set_guest(
    desk: &mut Desk<'_, '_>,
    at: usize,
    scope: ScopeId,
    projection: Option<Projection>,
) -> Result<()> {
    let work = &mut desk.works[at];
    let (record, kind) = (work.id, work.kind.id);
    work.guests.retain(|g| g.scope != scope);
    match projection {
        Some(projection) => {
            let guest = Placement { scope, record, kind, projection };
            work.guests.push(guest);
            work.guests.sort_by_key(|g| g.scope);
            desk.tx.put_placements(&[guest])?;
        }
        None => {
            desk.tx.remove_placement(&Placement {
                scope,
                record,
                kind,
                projection: Projection::Visitor,
            })?;
        }
    }
    Ok(())
}

type Writes = BTreeMap<(RecordId, KindId), BTreeMap<FieldId, Vec<Written>>>;

/// Takes acts back: each field that they wrote is derived anew from all writes on it.
pub(super) fn retract(desk: &mut Desk<'_, '_>, by: ActId, acts: &[ActId]) -> Result<()> {
    let mut writes = Writes::new();
    for act in acts {
        desk.tx.put_retracted(*act, by)?;
        fields_of(desk, *act, &mut writes)?;
    }
    collect_history(desk, &mut writes)?;
    for ((record, kind), fields) in &writes {
        let at = desk.find(*record, *kind)?.ok_or(Error::Damaged("a record of the journal"))?;
        desk.need(at, fields.keys().copied())?;
        for (field, written) in fields {
            let taken = retracted_of(desk, written)?;
            *desk.works[at].slot_mut(*field) = merge::heads_of_set(written, &taken);
        }
        desk.works[at].dirty = true;
        touch_writes(desk, at, fields.keys().copied());
    }
    Ok(())
}

/// Which fields of which records an act wrote, if it took effect.
fn fields_of(desk: &mut Desk<'_, '_>, act: ActId, into: &mut Writes) -> Result<()> {
    if let Some(told) = journal::tell(desk.tx.reading(), act)? {
        for w in told.act.writes() {
            if desk.find(w.record, w.kind)?.is_some() {
                let fields = into.entry((w.record, w.kind)).or_default();
                for f in &w.fields {
                    fields.entry(f.field).or_default();
                }
            }
        }
    }
    for (record, kind, field, written) in desk.log.iter().flatten() {
        if written.origin.act == act {
            into.entry((*record, *kind)).or_default().entry(*field).or_default();
        }
    }
    Ok(())
}

/// All writes on the wanted fields: from the feeds of the scopes that their records have lived in,
/// and from this job.
fn collect_history(desk: &mut Desk<'_, '_>, writes: &mut Writes) -> Result<()> {
    let mut scopes = BTreeSet::new();
    for (record, kind) in writes.keys() {
        scopes.extend(desk.tx.stays(*record)?.iter().map(|s| s.home));
        if let Some(at) = desk.find(*record, *kind)? {
            scopes.insert(desk.works[at].home);
        }
    }
    for scope in scopes {
        history_of_scope(desk, scope, writes)?;
    }
    for (record, kind, field, written) in desk.log.iter().flatten() {
        add_write(writes, (*record, *kind), *field, || written.clone());
    }
    Ok(())
}

fn history_of_scope(desk: &mut Desk<'_, '_>, scope: ScopeId, writes: &mut Writes) -> Result<()> {
    let mut created = BTreeMap::new();
    for key in writes.keys() {
        if let Some(at) = desk.find(key.0, key.1)? {
            created.insert(*key, desk.works[at].meta.created.act);
        }
    }
    let tx = desk.tx.reading();
    journal::walk(tx, scope, 0, &mut |step| {
        if step.records.iter().any(|r| writes.contains_key(r)) {
            for told in journal::effective(tx, &step)? {
                let origin = Origin { act: told.id, stamp: told.stamp, rank: told.rank };
                for w in told.act.writes() {
                    let key = (w.record, w.kind);
                    let Some(creation) = created.get(&key) else { continue };
                    for f in &w.fields {
                        let over = || merge::named(&f.over, *creation);
                        add_write(writes, key, f.field, || Written {
                            origin,
                            value: f.value.clone(),
                            over: over(),
                        });
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Adds a write to its field, if the field is wanted and has it not.
fn add_write(
    writes: &mut Writes,
    key: (RecordId, KindId),
    field: FieldId,
    written: impl FnOnce() -> Written,
) {
    let Some(all) = writes.get_mut(&key).and_then(|fields| fields.get_mut(&field)) else { return };
    let written = written();
    if all.iter().all(|w| w.origin.act != written.origin.act) {
        all.push(written);
    }
}

fn retracted_of(desk: &Desk<'_, '_>, written: &[Written]) -> Result<BTreeSet<ActId>> {
    let mut taken = BTreeSet::new();
    for write in written {
        if desk.tx.retracted(write.origin.act)?.is_some() {
            taken.insert(write.origin.act);
        }
    }
    Ok(taken)
}
