//! Columns: what acts and states have in common. Ids are written byte plane by byte plane
//! (the time part of UUIDv7s compresses to nothing), values by field, repeated texts and ids
//! through a dictionary, and a column whose entries are all equal as one entry or none.
//!
//! So few bytes can say much. [`Budget`] counts what comes out, and [`survey`] looks at a message
//! before it is read, since empty entries cost two bytes there and two hundred in memory.

use std::collections::HashMap;

use super::WireError;
use super::pb::ValueColumn;
use crate::id::{ActId, AuthorId, FieldId, KindId, RecordId};
use crate::limits::{CONTENT_BYTES_MAX, VALUE_COLUMNS_MAX};
use crate::value::{PDate, Value};

type Result<T> = std::result::Result<T, WireError>;

/// What decoding may still lay out.
pub struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Budget(CONTENT_BYTES_MAX)
    }
}

impl Budget {
    /// What one entry of any sort costs beside its content: about what it takes in memory.
    pub const ENTRY: usize = 64;

    /// Takes bytes off, or refuses.
    pub fn spend(&mut self, bytes: usize) -> Result<()> {
        self.0 = self.0.checked_sub(bytes).ok_or(WireError::TooLarge)?;
        Ok(())
    }
}

/// Counts the entries of the repeated messages, texts and blocks of a message that is not yet read.
/// `values` is the number of its columns of values, which are messages; other length-delimited
/// fields are numbers in a row, or one entry an act at most. `longest` is the number of the column of
/// numbers that is by far the longest: how many are in it, at most, for whoever makes room for them.
pub fn survey(raw: &[u8], values: u64, longest: u64) -> Result<usize> {
    let mut rest = raw;
    let (mut columns, mut others, mut numbers) = (0, 0, 0);
    while !rest.is_empty() {
        let key = prost::encoding::decode_varint(&mut rest)?;
        match key & 7 {
            0 => drop(prost::encoding::decode_varint(&mut rest)?),
            1 => rest = rest.get(8..).ok_or(WireError::Malformed)?,
            2 => {
                let len = prost::encoding::decode_varint(&mut rest)?;
                let len = usize::try_from(len).map_err(|_| WireError::Malformed)?;
                rest = rest.get(len..).ok_or(WireError::Malformed)?;
                // Each takes a byte or more.
                numbers += if key >> 3 == longest { len } else { 0 };
                *(if key >> 3 == values { &mut columns } else { &mut others }) += 1;
            }
            5 => rest = rest.get(4..).ok_or(WireError::Malformed)?,
            _ => return Err(WireError::Malformed),
        }
    }
    let within = columns <= VALUE_COLUMNS_MAX && others <= OTHERS_MAX;
    if within { Ok(numbers.min(NUMBERS_EXPECTED)) } else { Err(WireError::TooLarge) }
}

/// Numbers for which room is made at once, whatever a message claims to hold: the fields of a full page.
const NUMBERS_EXPECTED: usize = 64 * 1024;
/// Names, grounds, packed columns and rare operations: those of the largest batch take ten bytes
/// or more each.
const OTHERS_MAX: usize = 1_000_000;

/// Writes 16-byte ids plane by plane.
pub fn planes(ids: &[[u8; 16]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(ids.len() * 16);
    for plane in 0..16 {
        out.extend(ids.iter().map(|id| id[plane]));
    }
    out
}

/// Reads ids back.
pub fn unplanes(bytes: &[u8]) -> Result<Vec<[u8; 16]>> {
    if !bytes.len().is_multiple_of(16) {
        return Err(WireError::Malformed);
    }
    let n = bytes.len() / 16;
    let mut ids = vec![[0; 16]; n];
    for (plane, column) in bytes.chunks_exact(n.max(1)).enumerate() {
        ids.iter_mut().zip(column).for_each(|(id, b)| id[plane] = *b);
    }
    Ok(ids)
}

/// A column of small numbers: empty where all equal `absent`, one where all are equal.
pub fn squeeze<T: PartialEq + Copy>(column: Vec<T>, absent: T) -> Vec<T> {
    match column.split_first() {
        Some((first, rest)) if rest.iter().all(|x| x == first) => {
            if *first == absent {
                Vec::new()
            } else {
                vec![*first]
            }
        }
        _ => column,
    }
}

/// Reads a squeezed column one entry at a time.
pub struct Squeezed<'a, T> {
    column: &'a [T],
    absent: T,
    at: usize,
}

impl<'a, T: Copy> Squeezed<'a, T> {
    /// A reader over a column as [`squeeze`] left it.
    pub fn new(column: &'a [T], absent: T) -> Self {
        Squeezed { column, absent, at: 0 }
    }

    /// The next entry.
    pub fn next(&mut self) -> Result<T> {
        match self.column {
            [] => Ok(self.absent),
            [all] => Ok(*all),
            many => {
                self.at += 1;
                many.get(self.at - 1).copied().ok_or(WireError::Malformed)
            }
        }
    }
}

/// Collects values by field.
#[derive(Default)]
pub struct ValueWriter<'a> {
    columns: Vec<(KindId, FieldId, Vec<&'a Value>)>,
    guess: usize,
    rows: usize,
}

impl<'a> ValueWriter<'a> {
    /// For so many records, each with most fields.
    pub fn with_rows(rows: usize) -> Self {
        ValueWriter { rows, ..Self::default() }
    }

    /// Appends a value to its field's column. Records list fields in one order, so the column
    /// after the last one is the likely one.
    pub fn push(&mut self, kind: KindId, field: FieldId, value: &'a Value) {
        let fits = |c: &(KindId, FieldId, Vec<&'a Value>)| (c.0, c.1) == (kind, field);
        if !self.columns.get(self.guess).is_some_and(fits) {
            self.guess = self.columns.iter().position(fits).unwrap_or(self.columns.len());
        }
        if self.guess == self.columns.len() {
            self.columns.push((kind, field, Vec::with_capacity(self.rows)));
        }
        self.columns[self.guess].2.push(value);
        self.guess += 1;
    }

    /// The columns.
    pub fn finish(self) -> Vec<ValueColumn> {
        self.columns.into_iter().map(|(kind, field, values)| column(kind, field, &values)).collect()
    }
}

fn column(kind: KindId, field: FieldId, values: &[&Value]) -> ValueColumn {
    let mut out = ValueColumn { kind: kind.0.into(), field: field.0.into(), ..Default::default() };
    let tags: Vec<u8> = values.iter().map(|value| value.tag()).collect();
    match tags.split_first() {
        Some((first, rest)) if rest.iter().all(|t| t == first) => out.tag = u32::from(*first),
        _ => out.tags = tags,
    }
    let (mut texts, mut ids) = (Vec::new(), Vec::new());
    for value in values {
        match value {
            Value::Null => {}
            Value::Text(t) => texts.push(t.as_str()),
            Value::Int(n) => out.numbers.push(*n),
            Value::Date(d) => out.numbers.push(date_number(*d)),
            Value::Ref(id) => ids.push(id.0),
            Value::Opaque(_, bytes) => {
                out.opaque_lengths.push(bytes.len() as u32);
                out.opaque.extend_from_slice(bytes);
            }
        }
    }
    put_texts(&mut out, texts, ids.is_empty());
    put_ids(&mut out, ids);
    out
}

fn date_number(d: PDate) -> i64 {
    (i64::from(d.year()) * 13 + i64::from(d.month().unwrap_or(0))) * 32
        + i64::from(d.day().unwrap_or(0))
}

fn date_of(n: i64) -> Result<PDate> {
    let (year, month, day) = (n / (13 * 32), n / 32 % 13, n % 32);
    let some = |n: i64| (n > 0).then_some(n as u32);
    PDate::new(i32::try_from(year).unwrap_or(0), some(month), some(day)).ok_or(WireError::Malformed)
}

/// Replaces entries by indexes into their distinct values where that at least halves them.
fn dictionary<T: Copy + Eq + std::hash::Hash>(entries: &[T]) -> Option<(Vec<T>, Vec<u32>)> {
    let mut distinct = Vec::new();
    let mut known: HashMap<T, u32, foldhash::fast::RandomState> = HashMap::default();
    let mut index = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = *known.entry(*entry).or_insert_with(|| {
            distinct.push(*entry);
            distinct.len() as u32 - 1
        });
        if distinct.len() * 2 > entries.len() {
            return None;
        }
        index.push(at);
    }
    Some((distinct, index))
}

fn put_texts(out: &mut ValueColumn, texts: Vec<&str>, may_index: bool) {
    let found = if may_index && texts.len() > 1 { dictionary(&texts) } else { None };
    let texts = match found {
        Some((distinct, index)) => {
            out.index = index;
            distinct
        }
        None => texts,
    };
    out.lengths = texts.iter().map(|t| t.len() as u32).collect();
    out.text = texts.concat().into_bytes();
}

fn put_ids(out: &mut ValueColumn, ids: Vec<[u8; 16]>) {
    let may_index = out.lengths.is_empty() && ids.len() > 1;
    let ids = match if may_index { dictionary(&ids) } else { None } {
        Some((distinct, index)) => {
            out.index = index;
            distinct
        }
        None => ids,
    };
    out.ids = planes(&ids);
}

/// Hands values out, field by field, in the order in which they were pushed.
pub struct ValueReader {
    columns: Vec<(KindId, FieldId, ColumnReader)>,
    guess: usize,
    budget: Budget,
}

impl ValueReader {
    /// Checks the columns and prepares to read them.
    pub fn new(columns: Vec<ValueColumn>) -> Result<Self> {
        let ready = |c: ValueColumn| {
            let narrow = |n: u32| u16::try_from(n).map_err(|_| WireError::Malformed);
            Ok((KindId(narrow(c.kind)?), FieldId(narrow(c.field)?), ColumnReader::new(c)?))
        };
        let columns = columns.into_iter().map(ready).collect::<Result<_>>()?;
        Ok(ValueReader { columns, guess: 0, budget: Budget::default() })
    }

    /// Counts something else that is laid out beside the values.
    pub fn spend(&mut self, bytes: usize) -> Result<()> {
        self.budget.spend(bytes)
    }

    /// The next value of a field.
    pub fn next(&mut self, kind: KindId, field: FieldId) -> Result<Value> {
        let fits = |c: &(KindId, FieldId, ColumnReader)| (c.0, c.1) == (kind, field);
        if !self.columns.get(self.guess).is_some_and(fits) {
            self.guess = self.columns.iter().position(fits).ok_or(WireError::Malformed)?;
        }
        self.guess += 1;
        self.columns[self.guess - 1].2.next(&mut self.budget)
    }
}

struct ColumnReader {
    tag: u32,
    tags: Vec<u8>,
    numbers: std::vec::IntoIter<i64>,
    texts: Vec<(usize, usize)>,
    text: String,
    ids: Vec<[u8; 16]>,
    index: Vec<u32>,
    opaque: std::vec::IntoIter<(usize, usize)>,
    opaque_bytes: Vec<u8>,
    at: usize,
    at_text: usize,
    at_id: usize,
}

fn ranges(lengths: &[u32], total: usize) -> Result<Vec<(usize, usize)>> {
    let mut from = 0usize;
    let mut out = Vec::with_capacity(lengths.len());
    for len in lengths {
        let to = from.checked_add(*len as usize).filter(|to| *to <= total);
        let to = to.ok_or(WireError::Malformed)?;
        out.push((from, to));
        from = to;
    }
    Ok(out)
}

impl ColumnReader {
    fn new(c: ValueColumn) -> Result<Self> {
        Ok(ColumnReader {
            tag: c.tag,
            tags: c.tags,
            numbers: c.numbers.into_iter(),
            texts: ranges(&c.lengths, c.text.len())?,
            // All of it at once: each text then only has to begin and end between characters.
            text: String::from_utf8(c.text).map_err(|_| WireError::Malformed)?,
            ids: unplanes(&c.ids)?,
            index: c.index,
            opaque: ranges(&c.opaque_lengths, c.opaque.len())?.into_iter(),
            opaque_bytes: c.opaque,
            at: 0,
            at_text: 0,
            at_id: 0,
        })
    }

    fn next(&mut self, budget: &mut Budget) -> Result<Value> {
        let tag = match self.tags.is_empty() {
            true => u8::try_from(self.tag).map_err(|_| WireError::Malformed)?,
            false => *self.tags.get(self.at).ok_or(WireError::Malformed)?,
        };
        self.at += 1;
        budget.spend(Budget::ENTRY)?;
        Ok(match tag {
            0 => Value::Null,
            1 => self.next_text(budget)?,
            2 => Value::Int(self.numbers.next().ok_or(WireError::Malformed)?),
            3 => Value::Date(date_of(self.numbers.next().ok_or(WireError::Malformed)?)?),
            4 => {
                let at = indexed(&self.index, &mut self.at_id)?;
                Value::Ref(RecordId(*self.ids.get(at).ok_or(WireError::Malformed)?))
            }
            other => {
                let (from, to) = self.opaque.next().ok_or(WireError::Malformed)?;
                budget.spend(to - from)?;
                Value::Opaque(other, self.opaque_bytes[from..to].to_vec())
            }
        })
    }

    fn next_text(&mut self, budget: &mut Budget) -> Result<Value> {
        let at = indexed(&self.index, &mut self.at_text)?;
        let (from, to) = *self.texts.get(at).ok_or(WireError::Malformed)?;
        budget.spend(to - from)?;
        Ok(Value::Text(self.text.get(from..to).ok_or(WireError::Malformed)?.to_owned()))
    }
}

/// Where the next text or id stands: in a row, or by the index where there is one (which there is
/// only in a column that has the one sort and not the other).
fn indexed(index: &[u32], at: &mut usize) -> Result<usize> {
    let here = *at;
    *at += 1;
    if index.is_empty() {
        return Ok(here);
    }
    index.get(here).map(|i| *i as usize).ok_or(WireError::Malformed)
}

/// Collects act ids through a dictionary of authors.
#[derive(Default)]
pub struct RefWriter {
    /// The distinct authors.
    pub authors: Vec<u64>,
    /// Which author, for each id.
    pub author: Vec<u32>,
    /// Which position, for each id.
    pub position: Vec<u64>,
}

impl RefWriter {
    /// Appends an id.
    pub fn push(&mut self, act: ActId) {
        let found = self.authors.iter().position(|a| *a == act.author.0);
        let at = found.unwrap_or_else(|| {
            self.authors.push(act.author.0);
            self.authors.len() - 1
        });
        self.author.push(at as u32);
        self.position.push(act.position);
    }
}

/// Hands act ids out.
pub struct RefReader<'a> {
    authors: &'a [u64],
    author: Squeezed<'a, u32>,
    positions: std::vec::IntoIter<u64>,
}

impl<'a> RefReader<'a> {
    /// A reader over the columns that a [`RefWriter`] filled.
    pub fn new(authors: &'a [u64], author: &'a [u32], positions: Vec<u64>) -> Self {
        RefReader { authors, author: Squeezed::new(author, 0), positions: positions.into_iter() }
    }

    /// The next id.
    pub fn next(&mut self) -> Result<ActId> {
        let author = self.author.next()? as usize;
        let author = *self.authors.get(author).ok_or(WireError::Malformed)?;
        let position = self.positions.next().ok_or(WireError::Malformed)?;
        Ok(ActId::new(AuthorId(author), position))
    }
}

/// Differences of consecutive numbers, wrapping, so that any input has some.
pub fn deltas(values: &[u64]) -> Vec<i64> {
    let mut last = 0u64;
    values.iter().map(|v| v.wrapping_sub(std::mem::replace(&mut last, *v)) as i64).collect()
}

/// The numbers that have these differences.
pub fn undeltas(values: &[i64]) -> Vec<u64> {
    let mut last = 0u64;
    let step = |d: &i64| {
        last = last.wrapping_add(*d as u64);
        last
    };
    values.iter().map(step).collect()
}
