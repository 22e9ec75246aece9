//! E, the reference encoding: one length-delimited protobuf message a record, ids as 16 bytes, dates as numbers, codes
//! as their place in the table, zstd at level 3 in frames of 1,000. What an honest engineer writes in an afternoon.
//!
//! L sends these frames too. Deliberately absent: anything column by column, and any knowledge of what came before.

use anyhow::{Context, Result, bail};
use dongbo_proto::catalogue::{FieldType, catalogue};
use dongbo_proto::id::{FieldId, RecordId};
use dongbo_proto::value::{PDate, Value};
use prost::bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};

use super::workload::{Edit, Member, Workload, member_kind};

/// Records in one frame.
pub const FRAME_RECORDS: usize = 1_000;
/// zstd's level, which is the product's too.
const LEVEL: i32 = 3;
/// The number of the id; those of fields begin at 10.
const ID: u32 = 1;
/// The numbers of an edit's field and time; its value has the tag of [`value`].
const EDIT_FIELD: u32 = 2;
const EDIT_TIME: u32 = 3;
const EDIT_VALUE: u32 = 4;

/// Appends a value under a tag.
fn put(tag: u32, field: FieldId, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Opaque(..) => {}
        Value::Text(text) => match place_of(field, text) {
            Some(place) => encoding::uint32::encode(tag, &place, out),
            None => encoding::string::encode(tag, text, out),
        },
        Value::Int(n) => encoding::sint64::encode(tag, n, out),
        Value::Date(date) => encoding::uint32::encode(tag, &number(*date), out),
        Value::Ref(id) => encoding::bytes::encode(tag, &id.0.to_vec(), out),
    }
}

/// The place of a code in its table, from 1; `None` for what is no code.
fn place_of(field: FieldId, text: &str) -> Option<u32> {
    let FieldType::Code(table) = &member_kind().field(field)?.ty else { return None };
    let place = catalogue().codes(table)?.entries.iter().position(|e| e.code == text)?;
    Some(place as u32 + 1)
}

/// A date in three bytes: twelve months and none, 31 days and none.
fn number(date: PDate) -> u32 {
    (date.year() as u32 * 13 + date.month().unwrap_or(0)) * 32 + date.day().unwrap_or(0)
}

fn date(number: u32) -> Option<PDate> {
    let some = |n: u32| (n > 0).then_some(n);
    PDate::new((number / 416) as i32, some(number / 32 % 13), some(number % 32))
}

fn delimited(message: &[u8], out: &mut Vec<u8>) {
    encoding::encode_varint(message.len() as u64, out);
    out.extend_from_slice(message);
}

/// Members as length-delimited messages.
#[must_use]
pub fn encode(members: &[Member]) -> Vec<u8> {
    let (mut out, mut message) =
        (Vec::with_capacity(members.len() * 400), Vec::with_capacity(1_024));
    for member in members {
        message.clear();
        encoding::bytes::encode(ID, &member.id.0.to_vec(), &mut message);
        for (field, value) in &member.fields {
            put(u32::from(field.0), *field, value, &mut message);
        }
        delimited(&message, &mut out);
    }
    out
}

/// Reads members back.
///
/// # Errors
/// What does not decode; this program wrote it.
pub fn decode(mut bytes: &[u8]) -> Result<Vec<Member>> {
    let mut members = Vec::with_capacity(FRAME_RECORDS);
    while bytes.has_remaining() {
        let length = usize::try_from(encoding::decode_varint(&mut bytes)?)?;
        let (message, rest) = bytes.split_at_checked(length).context("a message is cut")?;
        members.push(decode_one(message)?);
        bytes = rest;
    }
    Ok(members)
}

fn decode_one(mut message: &[u8]) -> Result<Member> {
    let mut member = Member { id: RecordId::default(), fields: Vec::with_capacity(48) };
    while message.has_remaining() {
        let (tag, wire) = encoding::decode_key(&mut message)?;
        if tag == ID {
            let mut id = Vec::new();
            encoding::bytes::merge(wire, &mut id, &mut message, DecodeContext::default())?;
            member.id = RecordId(id.try_into().ok().context("an id")?);
        } else {
            let field = FieldId(u16::try_from(tag)?);
            member.fields.push((field, value(field, wire, &mut message)?));
        }
    }
    Ok(member)
}

fn value(field: FieldId, wire: WireType, message: &mut &[u8]) -> Result<Value> {
    let mut place = 0;
    let known = member_kind().field(field).context("a field")?;
    Ok(match &known.ty {
        FieldType::Text { .. } | FieldType::Digits { .. } => {
            let mut text = String::new();
            encoding::string::merge(wire, &mut text, message, DecodeContext::default())?;
            Value::Text(text)
        }
        FieldType::Code(table) => {
            encoding::uint32::merge(wire, &mut place, message, DecodeContext::default())?;
            let entry = catalogue()
                .codes(table)
                .and_then(|t| t.entries.get((place as usize).wrapping_sub(1)));
            Value::Text(entry.context("a code")?.code.clone())
        }
        FieldType::Date { .. } => {
            encoding::uint32::merge(wire, &mut place, message, DecodeContext::default())?;
            Value::Date(date(place).context("a date")?)
        }
        FieldType::Int { .. } | FieldType::Bool => {
            let mut n = 0;
            encoding::sint64::merge(wire, &mut n, message, DecodeContext::default())?;
            Value::Int(n)
        }
        FieldType::Ref(_) => bail!("generated members refer to nothing"),
    })
}

/// Compresses one frame.
#[must_use]
pub fn compressed(raw: &[u8]) -> Vec<u8> {
    // Compression into memory fails only for want of memory.
    zstd::bulk::compress(raw, LEVEL).unwrap_or_default()
}

/// The bytes of E for the whole province.
#[must_use]
pub fn load_bytes(load: &Workload) -> usize {
    load.members.chunks(FRAME_RECORDS).map(|frame| compressed(&encode(frame)).len()).sum()
}

/// The bytes of E for a delta: id, field, time and value of each edit, in one frame.
#[must_use]
pub fn delta_bytes(load: &Workload, edits: &[Edit], from_ms: u64) -> usize {
    let (mut out, mut message) = (Vec::new(), Vec::new());
    for (at, edit) in edits.iter().enumerate() {
        message.clear();
        encoding::bytes::encode(ID, &load.members[edit.member].id.0.to_vec(), &mut message);
        encoding::uint32::encode(EDIT_FIELD, &u32::from(edit.field.0), &mut message);
        encoding::uint64::encode(EDIT_TIME, &(from_ms + at as u64), &mut message);
        put(EDIT_VALUE, edit.field, &edit.value, &mut message);
        delimited(&message, &mut out);
    }
    compressed(&out).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::province::Size;

    #[test]
    fn what_was_encoded_is_decoded() {
        let load = Workload::generate(20_191_231, Size::Hundredth).expect("workload");
        let back = decode(&encode(&load.members)).expect("decoded");
        assert_eq!(back.len(), load.len());
        for (before, after) in load.members.iter().zip(&back) {
            assert_eq!((before.id, &before.fields), (after.id, &after.fields));
        }
    }
}
