//! The digest of a scope: a sum, modulo 2^256, of one hash for each record and each of its fields.
//!
//! A sum can be kept in step with one subtraction and one addition an edit, and needs no order.
//! It is taken over canonical field numbers, heads, stamps and ranks, unknown fields included;
//! never over SQL columns, role masks or anything computed from today's date.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::act::{Projection, write_act_id};
use crate::bytes::Writer;
use crate::id::{KindId, RecordId};
use crate::record::{FieldState, Origin, Record};

/// A sum of hashes; [`Digest::default`] is that of no record.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest([u64; 4]);

impl Digest {
    /// The digest of no record.
    pub const fn from_zero() -> Self {
        Digest([0; 4])
    }

    /// From 32 little-endian bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        }
        Digest(limbs)
    }

    /// As 32 little-endian bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// Adds another sum.
    pub fn add(&mut self, other: Digest) {
        let mut carry = false;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = a.overflowing_add(b);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*a, carry) = (sum, over || over_again);
        }
    }

    /// Takes another sum away.
    pub fn sub(&mut self, other: Digest) {
        let mut borrow = false;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            let (rest, under) = a.overflowing_sub(b);
            let (rest, under_again) = rest.overflowing_sub(u64::from(borrow));
            (*a, borrow) = (rest, under || under_again);
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes()[..6].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Tells the line of a record from those of its fields, whatever their numbers.
const RECORD: u8 = 0;
const FIELD: u8 = 1;

fn hashed(w: &Writer) -> Digest {
    Digest::from_bytes(Sha256::digest(w.as_slice()).into())
}

/// The hash of one field of one record. A field without heads counts nothing.
pub fn of_field(
    record: RecordId,
    kind: KindId,
    field: crate::id::FieldId,
    state: &FieldState,
    buffer: &mut Vec<u8>,
) -> Digest {
    if state.heads.is_empty() {
        return Digest::default();
    }
    let mut w = Writer::reuse(std::mem::take(buffer));
    write_owner(&mut w, record, kind);
    w.number(u64::from(field.0));
    for head in &state.heads {
        write_origin(&mut w, head.origin());
        head.value.write(&mut w);
    }
    let digest = hashed(&w);
    *buffer = w.into_bytes();
    digest
}

/// The hash of one field whose only head is this: what a creation leaves, without a state around it.
pub fn of_sole(
    (record, kind, field): (RecordId, KindId, crate::id::FieldId),
    origin: Origin,
    value: &crate::value::Value,
    buffer: &mut Vec<u8>,
) -> Digest {
    let mut w = Writer::reuse(std::mem::take(buffer));
    write_owner(&mut w, record, kind);
    w.number(u64::from(field.0));
    write_origin(&mut w, origin);
    value.write(&mut w);
    let digest = hashed(&w);
    *buffer = w.into_bytes();
    digest
}

/// The hash of a record's own line: that it exists, since when, and where its home is.
pub fn of_existence(record: &Record) -> Digest {
    let mut w = Writer::default();
    w.byte(RECORD);
    w.raw(&record.id.0);
    w.number(u64::from(record.kind.0));
    write_act_id(&mut w, record.created.act);
    w.number(record.created.stamp.0);
    w.byte(record.created.rank as u8);
    w.number(u64::from(record.home.0));
    hashed(&w)
}

/// The hash of a whole record as its home sees it.
pub fn of_record(record: &Record) -> Digest {
    let mut sum = of_existence(record);
    let mut created = Writer::default();
    write_origin(&mut created, record.created);
    let mut w = Writer::default();
    write_owner(&mut w, record.id, record.kind);
    let (owner, mut buffer) = (w.as_slice().len(), Vec::new());
    for (field, state) in &record.fields {
        // Most fields are as the creation left them: what they have in common is written once.
        match state.heads.as_slice() {
            [head] if head.origin() == record.created => {
                w.cut(owner);
                w.number(u64::from(field.0));
                w.raw(created.as_slice());
                head.value.write(&mut w);
                sum.add(hashed(&w));
            }
            _ => sum.add(of_field(record.id, record.kind, *field, state, &mut buffer)),
        }
    }
    sum
}

/// What the line of a field begins with.
fn write_owner(w: &mut Writer, record: RecordId, kind: KindId) {
    w.byte(FIELD);
    w.raw(&record.0);
    w.number(u64::from(kind.0));
}

fn write_origin(w: &mut Writer, origin: Origin) {
    write_act_id(w, origin.act);
    w.number(origin.stamp.0);
    w.byte(origin.rank as u8);
}

/// The hash of a record as a scope with this projection sees it.
pub fn of_projected(record: &Record, projection: Projection) -> Digest {
    match projection {
        Projection::Home => of_record(record),
        other => of_record(&record.project(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_taking_away_is_nothing() {
        let a = Digest::from_bytes([0xff; 32]);
        let b = Digest::from_bytes([0x83; 32]);
        let mut sum = a;
        sum.add(b);
        assert_ne!(sum, a);
        sum.sub(b);
        assert_eq!(sum, a);
    }

    #[test]
    fn a_sole_head_hashes_as_the_state_that_it_is() {
        let origin = crate::record::Origin {
            act: crate::id::ActId::new(crate::id::AuthorId(9), 300),
            ..Default::default()
        };
        let value = crate::value::Value::Text("x".into());
        let state = FieldState::sole(crate::record::Head::new(origin, value.clone()));
        let (record, kind, field) = (RecordId([4; 16]), KindId(10), crate::id::FieldId(20));
        let mut buffer = Vec::new();
        let of_state = of_field(record, kind, field, &state, &mut buffer);
        assert_eq!(of_sole((record, kind, field), origin, &value, &mut buffer), of_state);
    }

    #[test]
    fn a_record_is_the_sum_of_its_lines() {
        let origin = |position| Origin {
            act: crate::id::ActId::new(crate::id::AuthorId(9), position),
            ..Default::default()
        };
        let head = |at, text: &str| {
            crate::record::Head::new(origin(at), crate::value::Value::Text(text.into()))
        };
        let (id, home) = (RecordId([4; 16]), crate::id::ScopeId(3));
        let mut record = Record::new(id, KindId(300), origin(1), home);
        for (field, state) in [
            (20, FieldState::sole(head(1, "as created"))),
            (21, FieldState::sole(head(2, "edited"))),
            (300, FieldState::sole(head(1, "as created"))),
            (
                301,
                FieldState {
                    heads: [head(1, "a"), head(2, "b")].into_iter().collect(),
                    ..Default::default()
                },
            ),
            (302, FieldState::default()),
        ] {
            record.fields.push((crate::id::FieldId(field), state));
        }
        let mut sum = of_existence(&record);
        for (field, state) in &record.fields {
            sum.add(of_field(id, record.kind, *field, state, &mut Vec::new()));
        }
        assert_eq!(of_record(&record), sum);
    }

    #[test]
    fn carries_cross_limbs() {
        let mut sum = Digest([u64::MAX, 0, 0, 0]);
        sum.add(Digest([1, 0, 0, 0]));
        assert_eq!(sum, Digest([0, 1, 0, 0]));
    }
}
