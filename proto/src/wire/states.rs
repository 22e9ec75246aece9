//! Record states, column by column: what a page carries down.

use prost::Message;

use super::WireError;
use super::columns::{
    Budget, RefReader, RefWriter, Squeezed, ValueReader, ValueWriter, deltas, planes, squeeze,
    survey, undeltas, unplanes,
};
use super::pack::{compress, decompress};
use super::pb::StateColumns;
use crate::act::Projection;
use crate::id::{FieldId, KindId, RecordId, ScopeId};
use crate::limits;
use crate::record::{FieldState, Head, Origin, Rank, Record};
use crate::stamp::Stamp;

/// The number of the columns of values in `StateColumns`.
const VALUES: u64 = 16;
/// The number of its longest column.
const FIELDS: u64 = 8;

/// Records with how much the reader sees of each, and records that left.
pub type Page = (Vec<(Projection, Record)>, Vec<(RecordId, KindId)>);

/// Lays a page out and compresses it: the body and its raw length.
pub fn encode_states(
    records: &[(Projection, Record)],
    gone: &[(RecordId, KindId)],
) -> (Vec<u8>, u32) {
    let mut w = StateWriter { values: ValueWriter::with_rows(records.len()), ..Default::default() };
    let fields = records.iter().map(|(_, record)| record.fields.len()).sum();
    w.c.fields.reserve(fields);
    w.c.heads.reserve(fields);
    records.iter().for_each(|(projection, record)| w.record(*projection, record));
    let raw = w.finish(records.len(), gone).encode_to_vec();
    (compress(&raw), raw.len() as u32)
}

#[derive(Default)]
struct StateWriter<'a> {
    c: StateColumns,
    ids: Vec<[u8; 16]>,
    refs: RefWriter,
    stamps: Vec<u64>,
    values: ValueWriter<'a>,
}

impl<'a> StateWriter<'a> {
    fn record(&mut self, projection: Projection, record: &'a Record) {
        self.ids.push(record.id.0);
        self.c.kinds.push(u32::from(record.kind.0));
        self.c.projections.push(projection as u32);
        self.c.homes.push(record.home.0);
        self.origin(record.created);
        self.c.placed.push(u32::from(record.placed.is_some()));
        record.placed.into_iter().for_each(|act| self.refs.push(act));
        let live = || record.fields.iter().filter(|(_, s)| !s.heads.is_empty());
        self.c.field_counts.push(live().count() as u32);
        for (field, state) in live() {
            self.field(record, *field, state);
        }
    }

    fn origin(&mut self, origin: Origin) {
        self.refs.push(origin.act);
        self.stamps.push(origin.stamp.ms() as u64);
        self.c.stamp_counters.push(u32::from(origin.stamp.counter()));
        self.c.ranks.push(origin.rank as u32);
    }

    fn field(&mut self, record: &Record, field: FieldId, state: &'a FieldState) {
        self.c.fields.push(u32::from(field.0));
        let of_creation = |head: &Head| head.origin() == record.created;
        if let [head] = state.heads.as_slice()
            && of_creation(head)
        {
            self.c.heads.push(0);
            return self.values.push(record.kind, field, &head.value);
        }
        self.c.heads.push(state.heads.len() as u32);
        for head in &state.heads {
            self.origin(head.origin());
            self.values.push(record.kind, field, &head.value);
        }
    }

    fn finish(self, count: usize, gone: &[(RecordId, KindId)]) -> StateColumns {
        let c = self.c;
        StateColumns {
            count: count as u32,
            records: planes(&self.ids),
            kinds: squeeze(c.kinds, 0),
            projections: squeeze(c.projections, 0),
            homes: squeeze(c.homes, 0),
            placed: squeeze(c.placed, 0),
            field_counts: squeeze(c.field_counts, 0),
            fields: squeeze(c.fields, 0),
            heads: squeeze(c.heads, 0),
            authors: self.refs.authors,
            ref_author: squeeze(self.refs.author, 0),
            ref_position: deltas(&self.refs.position),
            stamps: deltas(&self.stamps),
            stamp_counters: squeeze(c.stamp_counters, 0),
            ranks: squeeze(c.ranks, 0),
            values: self.values.finish(),
            gone: planes(&gone.iter().map(|g| g.0.0).collect::<Vec<_>>()),
            gone_kinds: gone.iter().map(|g| u32::from(g.1.0)).collect(),
        }
    }
}

/// Reads a page back, bounded.
pub fn decode_states(body: &[u8], raw_len: u32) -> Result<Page, WireError> {
    let raw = decompress(body, raw_len)?;
    let mut c = StateColumns::default();
    c.fields.reserve(survey(&raw, VALUES, FIELDS)?);
    c.merge(raw.as_slice())?;
    drop(raw);
    if c.count as usize > limits::PAGE_RECORDS_MAX {
        return Err(WireError::TooLarge);
    }
    let values = ValueReader::new(std::mem::take(&mut c.values))?;
    let records = StateReader::new(&c, values)?.records()?;
    let gone = unplanes(&c.gone)?;
    if gone.len() != c.gone_kinds.len() {
        return Err(WireError::Malformed);
    }
    let pair = |(id, kind): ([u8; 16], &u32)| Ok((RecordId(id), KindId(narrow(*kind)?)));
    let gone = gone.into_iter().zip(&c.gone_kinds).map(pair).collect::<Result<_, WireError>>()?;
    Ok((records, gone))
}

fn narrow(n: u32) -> Result<u16, WireError> {
    u16::try_from(n).map_err(|_| WireError::Malformed)
}

struct StateReader<'a> {
    ids: std::vec::IntoIter<[u8; 16]>,
    refs: RefReader<'a>,
    values: ValueReader,
    stamps: std::vec::IntoIter<u64>,
    counters: Squeezed<'a, u32>,
    ranks: Squeezed<'a, u32>,
    kinds: Squeezed<'a, u32>,
    projections: Squeezed<'a, u32>,
    homes: Squeezed<'a, u32>,
    placed: Squeezed<'a, u32>,
    field_counts: Squeezed<'a, u32>,
    fields: Squeezed<'a, u32>,
    heads: Squeezed<'a, u32>,
}

impl<'a> StateReader<'a> {
    fn new(c: &'a StateColumns, values: ValueReader) -> Result<Self, WireError> {
        let ids = unplanes(&c.records)?;
        if ids.len() != c.count as usize {
            return Err(WireError::Malformed);
        }
        Ok(StateReader {
            ids: ids.into_iter(),
            refs: RefReader::new(&c.authors, &c.ref_author, undeltas(&c.ref_position)),
            values,
            stamps: undeltas(&c.stamps).into_iter(),
            counters: Squeezed::new(&c.stamp_counters, 0),
            ranks: Squeezed::new(&c.ranks, 0),
            kinds: Squeezed::new(&c.kinds, 0),
            projections: Squeezed::new(&c.projections, 0),
            homes: Squeezed::new(&c.homes, 0),
            placed: Squeezed::new(&c.placed, 0),
            field_counts: Squeezed::new(&c.field_counts, 0),
            fields: Squeezed::new(&c.fields, 0),
            heads: Squeezed::new(&c.heads, 0),
        })
    }

    fn records(&mut self) -> Result<Vec<(Projection, Record)>, WireError> {
        let mut out = Vec::with_capacity(self.ids.len());
        while let Some(id) = self.ids.next() {
            out.push(self.record(RecordId(id))?);
        }
        Ok(out)
    }

    fn record(&mut self, id: RecordId) -> Result<(Projection, Record), WireError> {
        let kind = KindId(narrow(self.kinds.next()?)?);
        let projection = u8::try_from(self.projections.next()?).ok();
        let projection =
            projection.and_then(Projection::from_number).ok_or(WireError::Malformed)?;
        let home = ScopeId(self.homes.next()?);
        let created = self.origin()?;
        let mut record = Record::new(id, kind, created, home);
        record.placed = if self.placed.next()? == 0 { None } else { Some(self.refs.next()?) };
        let count = self.field_counts.next()? as usize;
        if count > limits::RECORD_FIELDS_MAX {
            return Err(WireError::TooLarge);
        }
        record.fields.reserve_exact(count);
        for _ in 0..count {
            let field = FieldId(narrow(self.fields.next()?)?);
            if record.fields.last().is_some_and(|(last, _)| *last >= field) {
                return Err(WireError::Malformed);
            }
            self.values.spend(Budget::ENTRY)?;
            let state = self.field(kind, field, created)?;
            record.fields.push((field, state));
        }
        Ok((projection, record))
    }

    fn origin(&mut self) -> Result<Origin, WireError> {
        let act = self.refs.next()?;
        let ms = self.stamps.next().ok_or(WireError::Malformed)?;
        let ms = i64::try_from(ms).map_err(|_| WireError::Malformed)?;
        let stamp = Stamp::new(ms, narrow(self.counters.next()?)?);
        let rank = u8::try_from(self.ranks.next()?).ok().and_then(Rank::from_number);
        Ok(Origin { act, stamp, rank: rank.ok_or(WireError::Malformed)? })
    }

    fn field(
        &mut self,
        kind: KindId,
        field: FieldId,
        created: Origin,
    ) -> Result<FieldState, WireError> {
        let count = self.heads.next()? as usize;
        if count == 0 {
            return Ok(FieldState::sole(Head::new(created, self.values.next(kind, field)?)));
        }
        if count > limits::FIELD_HEADS_MAX + 1 {
            return Err(WireError::TooLarge);
        }
        let mut state = FieldState::default();
        for _ in 0..count {
            let origin = self.origin()?;
            if state.heads.last().is_some_and(|last| last.act >= origin.act) {
                return Err(WireError::Malformed);
            }
            state.heads.push(Head::new(origin, self.values.next(kind, field)?));
        }
        Ok(state)
    }
}
