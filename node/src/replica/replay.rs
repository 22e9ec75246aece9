//! What acts do to one record, in memory: the same merge as the province's, on the view.
//!
//! Pure: rows come in as [`Record`]s, and what each step replaced goes out as a [`Part`]. Requests
//! and what only the province does change nothing here until the province says so.

use dongbo_proto::act::{Act, Intent, Op, RecordWrites};
use dongbo_proto::id::{ActId, FieldId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Named, Origin, Rank, Record};
use smallvec::SmallVec;

use super::error::Result;
use super::prior::{Before, Part, Touch};

/// Whether an act changes anything here before the province has answered.
pub(super) fn has_effect(act: &Act) -> bool {
    act.intent != Intent::Request
}

/// The facts that a node gives an act of its own until the province has fixed them.
pub(super) fn origin(id: ActId, act: &Act, at_home: bool) -> Origin {
    let rank = match act.intent {
        Intent::Import => Rank::Import,
        _ if at_home => Rank::Home,
        _ => Rank::Other,
    };
    Origin { act: id, stamp: act.claimed, rank }
}

/// The home of the record that these writes are for: where it is, or where they create it.
pub(super) fn home(view: Option<&Record>, writes: &RecordWrites) -> Option<ScopeId> {
    view.map(|record| record.home).or(writes.create)
}

/// Does one write operation to its record.
pub(super) fn write(view: &mut Option<Record>, writes: &RecordWrites, origin: Origin) -> Part {
    let part =
        |touch| Part { record: writes.record, kind: writes.kind, touch, fields: SmallVec::new() };
    match (view.as_mut(), writes.create) {
        (None, None) => part(Touch::Absent),
        (None, Some(home)) => {
            let mut record = Record::new(writes.record, writes.kind, origin, home);
            write_fields(&mut record, writes, origin, |_, _| {});
            *view = Some(record);
            part(Touch::Created)
        }
        (Some(record), _) => {
            let mut part = part(Touch::Edited);
            let created = record.created;
            write_fields(record, writes, origin, |field, state| {
                part.fields.push((field, Before::of(state.clone(), created)));
            });
            part
        }
    }
}

fn write_fields(
    record: &mut Record,
    writes: &RecordWrites,
    origin: Origin,
    mut before: impl FnMut(FieldId, &FieldState),
) {
    let created = record.created.act;
    for write in &writes.fields {
        let state = record.field_mut(write.field);
        before(write.field, state);
        if state.heads.iter().any(|head| head.act == origin.act) {
            continue;
        }
        let named = merge::named(&write.over, created);
        merge::apply(state, origin, write.value.clone(), &named, |_| true);
    }
}

/// An act of one's own that is being taken back: what it wrote and what it had replaced.
pub(super) struct Undone<'a> {
    /// The act.
    pub act: &'a Act,
    /// Its id.
    pub id: ActId,
    /// What it replaced when it was made.
    pub parts: &'a [Part],
}

/// Finds an act of one's own with what it replaced.
pub(super) type Find<'f> = dyn Fn(ActId) -> Result<Option<(Act, Vec<Part>)>> + 'f;

/// Takes acts of one's own out of a record: their writes leave the heads, and where nothing else
/// stands, what they had replaced returns. The province derives the field again from all writes on
/// it and sends the result: this is what the office is shown until then.
pub(super) fn retract(
    view: &mut Option<Record>,
    record: RecordId,
    undone: &[Undone<'_>],
    find: &Find<'_>,
) -> Result<Option<Part>> {
    let Some(target) = view.as_mut() else { return Ok(None) };
    let mut fields = SmallVec::new();
    for one in undone {
        for field in fields_of(one, record) {
            let created = target.created;
            let before = target.field(field).cloned().unwrap_or_default();
            let mut state = before.clone();
            retract_field(&mut state, target, field, one, find)?;
            if state != before {
                fields.push((field, Before::of(before, created)));
                super::prior::put_field(target, field, state);
            }
        }
    }
    let part = Part { record, kind: target.kind, touch: Touch::Edited, fields };
    Ok((!part.fields.is_empty()).then_some(part))
}

fn fields_of(one: &Undone<'_>, record: RecordId) -> Vec<FieldId> {
    let writes = one.act.writes().filter(|w| w.record == record);
    writes.flat_map(|w| w.fields.iter().map(|f| f.field)).collect()
}

fn retract_field(
    state: &mut FieldState,
    record: &Record,
    field: FieldId,
    one: &Undone<'_>,
    find: &Find<'_>,
) -> Result<()> {
    let named = named_by(one, record, field);
    if let Err(place) = state.undone.binary_search_by_key(&one.id, |u| u.0) {
        state.undone.insert(place, (one.id, named));
    }
    if let Some(head) = state.heads.iter().position(|h| h.act == one.id) {
        state.heads.remove(head);
        if state.heads.is_empty() {
            bring_back(state, record, field, one, find)?;
        }
    }
    Ok(())
}

/// Brings back the heads that a retracted act had named; behind one that is retracted too, those
/// that it had named.
fn bring_back(
    state: &mut FieldState,
    record: &Record,
    field: FieldId,
    one: &Undone<'_>,
    find: &Find<'_>,
) -> Result<()> {
    let named = named_by(one, record, field);
    for head in heads_before(one, record, field) {
        // An act names only what is older: this ends.
        if !named.contains(&head.act) || head.act == one.id {
            continue;
        }
        if !state.undone.iter().any(|(act, _)| *act == head.act) {
            if let Err(at) = state.heads.binary_search_by_key(&head.act, |h| h.act) {
                state.heads.insert(at, head);
            }
        } else if let Some((act, parts)) = find(head.act)? {
            let deeper = Undone { act: &act, id: head.act, parts: &parts };
            bring_back(state, record, field, &deeper, find)?;
        }
    }
    Ok(())
}

fn named_by(one: &Undone<'_>, record: &Record, field: FieldId) -> Named {
    let writes = one.act.writes().filter(|w| w.record == record.id);
    let mut written = writes.flat_map(|w| w.fields.iter()).filter(|f| f.field == field);
    written.next().map(|f| merge::named(&f.over, record.created.act)).unwrap_or_default()
}

fn heads_before(
    one: &Undone<'_>,
    record: &Record,
    field: FieldId,
) -> Vec<dongbo_proto::record::Head> {
    let parts = one.parts.iter().filter(|p| p.record == record.id);
    let mut fields = parts.flat_map(|p| p.fields.iter()).filter(|(id, _)| *id == field);
    fields.next().map_or_else(Vec::new, |(_, b)| b.clone().state(record.created).heads.into_vec())
}

/// The acts that an act takes back, if it takes any.
pub(super) fn retracted(act: &Act) -> Vec<ActId> {
    let listed = act.ops.iter().filter_map(|op| match op {
        Op::Retract(acts) => Some(acts.as_slice()),
        _ => None,
    });
    let mut all: Vec<ActId> = listed.flatten().copied().collect();
    // Newest first: what an act brings back may be what an older one, also taken back, wrote.
    all.sort_by_key(|id| std::cmp::Reverse((id.position, id.author)));
    all.dedup();
    all
}
