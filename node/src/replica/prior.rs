//! What an act replaced in the view: enough to take it out again.
//!
//! Base is not stored a second time (a separate table measured three times the cost of an edit):
//! it is the view with the pending acts taken out, newest first. The values stay in the journal
//! after an act is settled, so that an undo can show at once what will return.

use dongbo_proto::act::{Act, Op, RecordWrites, read_act_id, write_act_id};
use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::id::{FieldId, KindId, RecordId};
use dongbo_proto::record::{FieldState, Head, Named, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use smallvec::SmallVec;

/// What a field was before an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// One value, that of the record's creation: so common that it costs its value alone, and
    /// right whatever facts the creating act is given later.
    Creation(Value),
    /// Anything else.
    State(FieldState),
}

impl Before {
    /// What a state was, given the origin of its record.
    pub fn of(state: FieldState, created: Origin) -> Self {
        match state.heads.as_slice() {
            [head]
                if head.origin() == created
                    && state.ahead.is_empty()
                    && state.undone.is_empty() =>
            {
                Before::Creation(head.value.clone())
            }
            _ => Before::State(state),
        }
    }

    /// The state again.
    pub fn state(self, created: Origin) -> FieldState {
        match self {
            Before::Creation(value) => FieldState::sole(Head::new(created, value)),
            Before::State(state) => state,
        }
    }
}

/// What became of the record that an operation named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// It was not here: nothing was changed.
    Absent = 0,
    /// It was created.
    Created = 1,
    /// Its fields were written.
    Edited = 2,
}

/// What one operation replaced in one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindId,
    /// What became of it.
    pub touch: Touch,
    /// The fields as they were, in the order in which they were written.
    pub fields: SmallVec<[(FieldId, Before); 1]>,
}

impl Part {
    /// An operation that changed nothing.
    pub fn absent(writes: &RecordWrites) -> Self {
        let fields = SmallVec::new();
        Part { record: writes.record, kind: writes.kind, touch: Touch::Absent, fields }
    }

    /// Takes the operation out of the record again.
    pub fn undo(self, view: &mut Option<Record>) {
        match (self.touch, view.as_mut()) {
            (Touch::Created, _) => *view = None,
            (Touch::Edited, Some(record)) => {
                let created = record.created;
                for (field, before) in self.fields.into_iter().rev() {
                    put_field(record, field, before.state(created));
                }
            }
            _ => {}
        }
    }
}

/// Sets a field, leaving out one of which nothing is known.
pub(super) fn put_field(record: &mut Record, field: FieldId, state: FieldState) {
    if !state.is_blank() {
        *record.field_mut(field) = state;
    } else if let Ok(at) = record.fields.binary_search_by_key(&field, |f| f.0) {
        record.fields.remove(at);
    }
}

/// The act has no effect here: a request, or what only the province does.
const NONE: u8 = 0;
/// One part for each operation, all of them writes: names come from the act.
const BY_OPS: u8 = 1;
/// Parts with names of their own.
const NAMED: u8 = 2;

/// Packs what an act replaced.
pub(super) fn pack(act: &Act, parts: &[Part]) -> Vec<u8> {
    let mut w = Writer::reuse(Vec::with_capacity(32));
    if parts.is_empty() {
        w.byte(NONE);
    } else if follows_ops(act, parts) {
        w.byte(BY_OPS);
        for part in parts {
            w.byte(part.touch as u8);
            part.fields.iter().for_each(|(_, before)| write_before(before, &mut w));
        }
    } else {
        w.byte(NAMED);
        w.number(parts.len() as u64);
        parts.iter().for_each(|part| write_named(part, &mut w));
    }
    w.into_bytes()
}

/// Whether names and fields can be had from the act.
fn follows_ops(act: &Act, parts: &[Part]) -> bool {
    let one = |(op, part): (&Op, &Part)| match op {
        Op::Write(w) if w.record == part.record => {
            part.touch != Touch::Edited
                || w.fields.iter().map(|f| f.field).eq(part.fields.iter().map(|f| f.0))
        }
        _ => false,
    };
    act.ops.len() == parts.len() && act.ops.iter().zip(parts).all(one)
}

/// Reads what an act replaced.
pub(super) fn unpack(act: &Act, bytes: &[u8]) -> Result<Vec<Part>, Truncated> {
    let r = &mut Reader::new(bytes);
    match r.byte()? {
        NONE => Ok(Vec::new()),
        BY_OPS => act.ops.iter().map(|op| read_by_op(op, r)).collect(),
        NAMED => {
            let count = r.number()?;
            (0..count).map(|_| read_named(r)).collect()
        }
        _ => Err(Truncated),
    }
}

fn read_by_op(op: &Op, r: &mut Reader<'_>) -> Result<Part, Truncated> {
    let Op::Write(w) = op else { return Err(Truncated) };
    let touch = read_touch(r)?;
    let mut part = Part { record: w.record, kind: w.kind, touch, fields: SmallVec::new() };
    if touch == Touch::Edited {
        for write in &w.fields {
            part.fields.push((write.field, read_before(r)?));
        }
    }
    Ok(part)
}

fn write_named(part: &Part, w: &mut Writer) {
    w.raw(&part.record.0);
    w.number(u64::from(part.kind.0));
    w.byte(part.touch as u8);
    w.number(part.fields.len() as u64);
    for (field, before) in &part.fields {
        w.number(u64::from(field.0));
        write_before(before, w);
    }
}

fn read_named(r: &mut Reader<'_>) -> Result<Part, Truncated> {
    let record = RecordId(r.array()?);
    let kind = KindId(r.number()? as u16);
    let touch = read_touch(r)?;
    let count = r.number()?;
    let field = |_| Ok((FieldId(r.number()? as u16), read_before(r)?));
    let fields = (0..count).map(field).collect::<Result<_, Truncated>>()?;
    Ok(Part { record, kind, touch, fields })
}

fn read_touch(r: &mut Reader<'_>) -> Result<Touch, Truncated> {
    match r.byte()? {
        0 => Ok(Touch::Absent),
        1 => Ok(Touch::Created),
        2 => Ok(Touch::Edited),
        _ => Err(Truncated),
    }
}

const BLANK: u8 = 0;
const CREATION: u8 = 1;
const STATE: u8 = 2;

fn write_before(before: &Before, w: &mut Writer) {
    match before {
        Before::State(state) if state.is_blank() => w.byte(BLANK),
        Before::Creation(value) => {
            w.byte(CREATION);
            value.write(w);
        }
        Before::State(state) => {
            w.byte(STATE);
            write_state(state, w);
        }
    }
}

fn read_before(r: &mut Reader<'_>) -> Result<Before, Truncated> {
    match r.byte()? {
        BLANK => Ok(Before::State(FieldState::default())),
        CREATION => Ok(Before::Creation(Value::read(r)?)),
        STATE => Ok(Before::State(read_state(r)?)),
        _ => Err(Truncated),
    }
}

fn write_state(state: &FieldState, w: &mut Writer) {
    w.number(state.heads.len() as u64);
    for head in &state.heads {
        write_act_id(w, head.act);
        w.raw(&head.stamp.0.to_be_bytes());
        w.byte(head.rank as u8);
        head.value.write(w);
    }
    w.number(state.ahead.len() as u64);
    state.ahead.iter().for_each(|act| write_act_id(w, *act));
    w.number(state.undone.len() as u64);
    for (act, named) in &state.undone {
        write_act_id(w, *act);
        w.number(named.len() as u64);
        named.iter().for_each(|act| write_act_id(w, *act));
    }
}

fn read_state(r: &mut Reader<'_>) -> Result<FieldState, Truncated> {
    let mut state = FieldState::default();
    for _ in 0..r.number()? {
        let act = read_act_id(r)?;
        let stamp = Stamp(u64::from_be_bytes(r.array()?));
        let rank = Rank::from_number(r.byte()?).ok_or(Truncated)?;
        state.heads.push(Head::new(Origin { act, stamp, rank }, Value::read(r)?));
    }
    for _ in 0..r.number()? {
        state.ahead.push(read_act_id(r)?);
    }
    for _ in 0..r.number()? {
        let act = read_act_id(r)?;
        let named = (0..r.number()?).map(|_| read_act_id(r)).collect::<Result<Named, _>>()?;
        state.undone.push((act, named));
    }
    Ok(state)
}
