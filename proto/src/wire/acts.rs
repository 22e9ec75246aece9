//! Acts, column by column: what a batch carries.

use prost::Message;
use smallvec::SmallVec;

use super::WireError;
use super::columns::{
    Budget, RefReader, RefWriter, Squeezed, ValueReader, ValueWriter, deltas, planes, squeeze,
    survey, undeltas, unplanes,
};
use super::pack::{compress, decompress};
use super::pb::ActColumns;
use crate::act::{Act, FieldWrite, Intent, JobItem, Op, Over, RecordWrites};
use crate::frame::Batch;
use crate::id::{FieldId, JobId, KindId, RecordId, ScopeId};
use crate::limits;
use crate::stamp::Stamp;

const WRITE: u32 = 1;
/// The number of the columns of values in `ActColumns`.
const VALUES: u64 = 27;
/// The number of its longest column.
const FIELDS: u64 = 21;

/// Lays acts of consecutive positions out and compresses them: the body and its raw length.
pub fn encode_acts(acts: &[Act]) -> (Vec<u8>, u32) {
    let mut w = ActWriter::default();
    let fields = acts.iter().flat_map(Act::writes).map(|writes| writes.fields.len()).sum();
    w.c.fields.reserve(fields);
    w.c.overs.reserve(fields);
    acts.iter().for_each(|act| w.act(act));
    let raw = w.finish(acts.len()).encode_to_vec();
    (compress(&raw), raw.len() as u32)
}

#[derive(Default)]
struct ActWriter<'a> {
    c: ActColumns,
    claimed: Vec<u64>,
    records: Vec<[u8; 16]>,
    jobs: Vec<JobId>,
    refs: RefWriter,
    values: ValueWriter<'a>,
}

fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> u32 {
    let found = list.iter().position(|x| *x == item);
    found.unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    }) as u32
}

impl<'a> ActWriter<'a> {
    fn act(&mut self, act: &'a Act) {
        self.claimed.push(act.claimed.ms() as u64);
        self.c.claimed_counter.push(u32::from(act.claimed.counter()));
        let person = match self.c.people.iter().position(|p| *p == act.person) {
            Some(at) => at as u32,
            None => place(&mut self.c.people, act.person.clone()),
        };
        self.c.person.push(person);
        self.c.intent.push(act.intent as u32);
        let ground = act.grounds.clone().map_or(0, |g| place(&mut self.c.grounds, g) + 1);
        self.c.ground.push(ground);
        self.job(act.job);
        self.c.linked.push(act.linked.unwrap_or(0));
        self.c.ops.push(act.ops.len() as u32);
        act.ops.iter().for_each(|op| self.op(op));
    }

    fn job(&mut self, job: Option<JobItem>) {
        self.c.job.push(job.map_or(0, |j| place(&mut self.jobs, j.job) + 1));
        if let Some(j) = job {
            self.c.job_item.push(j.item);
            self.c.job_of.push(j.of);
        }
    }

    fn op(&mut self, op: &'a Op) {
        self.c.op_tag.push(u32::from(op.tag()));
        match op {
            Op::Write(w) => self.writes(w),
            rare => {
                let mut block = crate::bytes::Writer::default();
                rare.write_rare(&mut block);
                self.c.rare.push(block.into_bytes());
            }
        }
    }

    fn writes(&mut self, w: &'a RecordWrites) {
        self.records.push(w.record.0);
        self.c.kinds.push(u32::from(w.kind.0));
        self.c.creates.push(w.create.map_or(0, |s| s.0.saturating_add(1)));
        self.c.unders.push(u32::from(w.under.is_some()));
        w.under.into_iter().for_each(|act| self.refs.push(act));
        self.c.field_counts.push(w.fields.len() as u32);
        for write in &w.fields {
            self.c.fields.push(u32::from(write.field.0));
            self.c.overs.push(match &write.over {
                Over::Creation => 0,
                Over::Nothing => 1,
                Over::Heads(heads) => heads.len() as u32 + 1,
            });
            if let Over::Heads(heads) = &write.over {
                heads.iter().for_each(|h| self.refs.push(*h));
            }
            self.values.push(w.kind, write.field, &write.value);
        }
    }

    fn finish(self, count: usize) -> ActColumns {
        let c = self.c;
        ActColumns {
            count: count as u32,
            claimed_ms: deltas(&self.claimed),
            claimed_counter: squeeze(c.claimed_counter, 0),
            person: squeeze(c.person, 0),
            intent: squeeze(c.intent, 0),
            ground: squeeze(c.ground, 0),
            jobs: planes(&self.jobs.iter().map(|j| j.0).collect::<Vec<_>>()),
            job: squeeze(c.job, 0),
            linked: squeeze(c.linked, 0),
            ops: squeeze(c.ops, 1),
            op_tag: squeeze(c.op_tag, WRITE),
            records: planes(&self.records),
            kinds: squeeze(c.kinds, 0),
            creates: squeeze(c.creates, 0),
            unders: squeeze(c.unders, 0),
            field_counts: squeeze(c.field_counts, 1),
            fields: squeeze(c.fields, 0),
            overs: squeeze(c.overs, 0),
            authors: self.refs.authors,
            ref_author: squeeze(self.refs.author, 0),
            ref_position: self.refs.position,
            values: self.values.finish(),
            ..c
        }
    }
}

/// The acts of a batch, as many as it says.
pub fn batch_acts(batch: &Batch) -> Result<Vec<Act>, WireError> {
    let acts = decode_acts(batch.first, &batch.body, batch.raw_len)?;
    if acts.len() == batch.count as usize { Ok(acts) } else { Err(WireError::Malformed) }
}

/// Reads a body back, bounded: the acts get positions from `first` on.
pub fn decode_acts(first: u64, body: &[u8], raw_len: u32) -> Result<Vec<Act>, WireError> {
    let raw = decompress(body, raw_len)?;
    let mut c = ActColumns::default();
    c.fields.reserve(survey(&raw, VALUES, FIELDS)?);
    c.merge(raw.as_slice())?;
    drop(raw);
    let count = c.count as usize;
    if count > limits::BATCH_ACTS_MAX {
        return Err(WireError::TooLarge);
    }
    first.checked_add(count as u64).ok_or(WireError::Malformed)?;
    let positions = std::mem::take(&mut c.ref_position);
    let values = ValueReader::new(std::mem::take(&mut c.values))?;
    ActReader::new(&c, values, positions)?.acts(first, count)
}

struct ActReader<'a> {
    c: &'a ActColumns,
    claimed: Vec<u64>,
    records: std::vec::IntoIter<[u8; 16]>,
    jobs: Vec<[u8; 16]>,
    refs: RefReader<'a>,
    values: ValueReader,
    counter: Squeezed<'a, u32>,
    person: Squeezed<'a, u32>,
    intent: Squeezed<'a, u32>,
    ground: Squeezed<'a, u32>,
    job: Squeezed<'a, u32>,
    job_at: usize,
    linked: Squeezed<'a, u64>,
    ops: Squeezed<'a, u32>,
    op_tag: Squeezed<'a, u32>,
    kinds: Squeezed<'a, u32>,
    creates: Squeezed<'a, u32>,
    unders: Squeezed<'a, u32>,
    field_counts: Squeezed<'a, u32>,
    fields: Squeezed<'a, u32>,
    overs: Squeezed<'a, u32>,
    rare: std::slice::Iter<'a, Vec<u8>>,
}

impl<'a> ActReader<'a> {
    fn new(c: &'a ActColumns, values: ValueReader, positions: Vec<u64>) -> Result<Self, WireError> {
        Ok(ActReader {
            c,
            claimed: undeltas(&c.claimed_ms),
            records: unplanes(&c.records)?.into_iter(),
            jobs: unplanes(&c.jobs)?,
            refs: RefReader::new(&c.authors, &c.ref_author, positions),
            values,
            counter: Squeezed::new(&c.claimed_counter, 0),
            person: Squeezed::new(&c.person, 0),
            intent: Squeezed::new(&c.intent, 0),
            ground: Squeezed::new(&c.ground, 0),
            job: Squeezed::new(&c.job, 0),
            job_at: 0,
            linked: Squeezed::new(&c.linked, 0),
            ops: Squeezed::new(&c.ops, 1),
            op_tag: Squeezed::new(&c.op_tag, WRITE),
            kinds: Squeezed::new(&c.kinds, 0),
            creates: Squeezed::new(&c.creates, 0),
            unders: Squeezed::new(&c.unders, 0),
            field_counts: Squeezed::new(&c.field_counts, 1),
            fields: Squeezed::new(&c.fields, 0),
            overs: Squeezed::new(&c.overs, 0),
            rare: c.rare.iter(),
        })
    }

    fn acts(&mut self, first: u64, count: usize) -> Result<Vec<Act>, WireError> {
        if self.claimed.len() != count {
            return Err(WireError::Malformed);
        }
        (0..count).map(|at| self.act(first + at as u64, at)).collect()
    }

    fn act(&mut self, position: u64, at: usize) -> Result<Act, WireError> {
        let ms = i64::try_from(self.claimed[at]).map_err(|_| WireError::Malformed)?;
        let counter = u16::try_from(self.counter.next()?).map_err(|_| WireError::Malformed)?;
        let claimed = Stamp::new(ms, counter);
        let person = self.c.people.get(self.person.next()? as usize);
        let person = person.ok_or(WireError::Malformed)?.clone();
        self.values.spend(Budget::ENTRY + person.len())?;
        let intent = u8::try_from(self.intent.next()?).ok().and_then(Intent::from_number);
        let intent = intent.ok_or(WireError::Malformed)?;
        let grounds = match self.ground.next()? as usize {
            0 => None,
            n => Some(self.c.grounds.get(n - 1).ok_or(WireError::Malformed)?.clone()),
        };
        self.values.spend(grounds.as_ref().map_or(0, String::len))?;
        let job = self.next_job()?;
        let linked = Some(self.linked.next()?).filter(|p| *p > 0);
        let count = self.ops.next()? as usize;
        if count > limits::ACT_RECORDS_MAX {
            return Err(WireError::TooLarge);
        }
        let ops = (0..count).map(|_| self.op()).collect::<Result<SmallVec<_>, _>>()?;
        Ok(Act { position, claimed, person, intent, grounds, job, linked, ops })
    }

    fn next_job(&mut self) -> Result<Option<JobItem>, WireError> {
        let n = self.job.next()? as usize;
        if n == 0 {
            return Ok(None);
        }
        let at = self.job_at;
        self.job_at += 1;
        let item = |column: &[u32]| column.get(at).copied().ok_or(WireError::Malformed);
        let job = JobId(*self.jobs.get(n - 1).ok_or(WireError::Malformed)?);
        Ok(Some(JobItem { job, item: item(&self.c.job_item)?, of: item(&self.c.job_of)? }))
    }

    fn op(&mut self) -> Result<Op, WireError> {
        self.values.spend(Budget::ENTRY)?;
        match self.op_tag.next()? {
            WRITE => Ok(Op::Write(self.writes()?)),
            tag => {
                let tag = u8::try_from(tag).map_err(|_| WireError::Malformed)?;
                let block = self.rare.next().ok_or(WireError::Malformed)?;
                self.values.spend(block.len())?;
                Ok(Op::read_rare(tag, block))
            }
        }
    }

    fn writes(&mut self) -> Result<RecordWrites, WireError> {
        let record = RecordId(self.records.next().ok_or(WireError::Malformed)?);
        let kind = KindId(u16::try_from(self.kinds.next()?).map_err(|_| WireError::Malformed)?);
        let create = self.creates.next()?.checked_sub(1).map(ScopeId);
        let under = if self.unders.next()? == 0 { None } else { Some(self.refs.next()?) };
        let count = self.field_counts.next()? as usize;
        if count > limits::RECORD_FIELDS_MAX {
            return Err(WireError::TooLarge);
        }
        let fields = (0..count).map(|_| self.field(kind)).collect::<Result<_, _>>()?;
        Ok(RecordWrites { record, kind, create, under, fields })
    }

    fn field(&mut self, kind: KindId) -> Result<FieldWrite, WireError> {
        let field = FieldId(u16::try_from(self.fields.next()?).map_err(|_| WireError::Malformed)?);
        let over = match self.overs.next()? as usize {
            0 => Over::Creation,
            1 => Over::Nothing,
            n if n - 1 <= limits::OVER_MAX => {
                self.values.spend(n * 16)?;
                Over::Heads((1..n).map(|_| self.refs.next()).collect::<Result<_, _>>()?)
            }
            _ => return Err(WireError::TooLarge),
        };
        Ok(FieldWrite { field, over, value: self.values.next(kind, field)? })
    }
}
