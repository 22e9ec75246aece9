//! An act: one thing that one person did at one moment, all or nothing, with one fate.
//!
//! Acts are never edited. Their author is known from the batch or journal that holds them; the
//! act itself carries only its position. What became of it is in `fate`; how it is hashed in `chain`.

use smallvec::SmallVec;

use crate::bytes::{Reader, Truncated, Writer};
use crate::id::{ActId, AuthorId, FieldId, JobId, KindId, RecordId, ScopeId};
use crate::stamp::Stamp;
use crate::value::Value;

/// Why an act was made, which bounds its authority.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord)]
#[repr(u8)]
pub enum Intent {
    /// A person changed what they saw.
    #[default]
    Change = 0,
    /// A file was read in: the least authority.
    Import = 1,
    /// A person asks for what only the province may do: held until it is decided.
    Request = 2,
}

impl Intent {
    /// From its number on the wire; later numbers are unknown here.
    pub fn from_number(n: u8) -> Option<Self> {
        [Intent::Change, Intent::Import, Intent::Request].into_iter().find(|i| *i as u8 == n)
    }
}

/// Which item of which job an act is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobItem {
    /// The job.
    pub job: JobId,
    /// This act's number in it, from 1.
    pub item: u32,
    /// How many acts the job has.
    pub of: u32,
}

/// The heads of a field that the author was shown: what the write replaces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Over {
    /// The author was shown no value, or the file named no version.
    #[default]
    Nothing,
    /// The value that the record was created with (elided: the commonest edit by far).
    Creation,
    /// These.
    Heads(SmallVec<[ActId; 1]>),
}

/// One field of one record, written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldWrite {
    /// Which field of the record's kind.
    pub field: FieldId,
    /// The new value; [`Value::Null`] clears.
    pub value: Value,
    /// What it replaces.
    pub over: Over,
}

/// What one act writes to one record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordWrites {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindId,
    /// Present where the act creates the record: its home scope.
    pub create: Option<ScopeId>,
    /// The placement that the author had been shown, where it is not the creating act.
    pub under: Option<ActId>,
    /// The fields.
    pub fields: Vec<FieldWrite>,
}

/// How much of a record a scope may see. The fields are marked in the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Projection {
    /// Everything: the scope is the record's home.
    Home = 0,
    /// The file of a member who is being transferred here.
    Transfer = 1,
    /// A visitor card: who, born when, from where.
    Visitor = 2,
}

impl Projection {
    /// From its number in a row or on the wire.
    pub fn from_number(n: u8) -> Option<Self> {
        [Projection::Home, Projection::Transfer, Projection::Visitor]
            .into_iter()
            .find(|p| *p as u8 == n)
    }
}

/// What the province decides of a held act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The act takes effect with the province's rank.
    Approve,
    /// It does not, for a reason that its author reads.
    Refuse(String),
    /// It is judged again, as its author's: the server that could not read it was upgraded.
    Judge,
}

/// One operation of an act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Writes fields of one record, perhaps creating it.
    Write(RecordWrites),
    /// Takes acts back: their writes leave the heads, and what only they had replaced returns.
    Retract(Vec<ActId>),
    /// The province decides a held act.
    Decide(ActId, Verdict),
    /// The province places a record: in a new home, as a guest, or (`None`) no longer as a guest.
    Place {
        /// The record.
        record: RecordId,
        /// Its kind.
        kind: KindId,
        /// The scope that gains or loses it.
        scope: ScopeId,
        /// How much that scope sees from now on.
        projection: Option<Projection>,
    },
    /// An operation that this build does not know, carried untouched; the act is held.
    Unknown(u8, Vec<u8>),
}

/// One row of an author's journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    /// Its place in the author's journal, from 1.
    pub position: u64,
    /// When the author's computer said it was.
    pub claimed: Stamp,
    /// Who: an account of the author's office.
    pub person: String,
    /// Why it was made.
    pub intent: Intent,
    /// The decision that it rests on, where the rule asks for one.
    pub grounds: Option<String>,
    /// The job that it is an item of.
    pub job: Option<JobItem>,
    /// The position of the other half of a save that had to be two acts.
    pub linked: Option<u64>,
    /// What it does, in order.
    pub ops: SmallVec<[Op; 1]>,
}

impl Act {
    /// The act's id, given whose journal it is in.
    pub fn id(&self, author: AuthorId) -> ActId {
        ActId::new(author, self.position)
    }

    /// The records that it writes or places, in order, perhaps repeated.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, KindId)> + '_ {
        self.ops.iter().filter_map(|op| match op {
            Op::Write(w) => Some((w.record, w.kind)),
            Op::Place { record, kind, .. } => Some((*record, *kind)),
            _ => None,
        })
    }

    /// Its field writes, record by record.
    pub fn writes(&self) -> impl Iterator<Item = &RecordWrites> {
        self.ops.iter().filter_map(|op| match op {
            Op::Write(w) => Some(w),
            _ => None,
        })
    }

    /// The bytes that its values, names and texts take, for the limit on an act; a little less than
    /// its canonical bytes.
    pub fn content_len(&self) -> usize {
        self.person.len() + self.ops.iter().map(Op::content_len).sum::<usize>()
    }

    /// The canonical bytes of everything but the operations: the first leaf of the act's hash.
    pub fn write_header(&self, w: &mut Writer) {
        w.number(self.position);
        w.number(self.claimed.0);
        w.block(self.person.as_bytes());
        w.byte(self.intent as u8);
        w.block(self.grounds.as_deref().unwrap_or("").as_bytes());
        match self.job {
            None => w.byte(0),
            Some(j) => {
                w.byte(1);
                w.raw(&j.job.0);
                w.number(u64::from(j.item));
                w.number(u64::from(j.of));
            }
        }
        w.number(self.linked.unwrap_or(0));
        w.number(self.ops.len() as u64);
    }

    /// Canonical bytes of the whole act: what the journal and `outbox.log` keep.
    pub fn write(&self, w: &mut Writer) {
        self.write_header(w);
        self.ops.iter().for_each(|op| op.write(w));
    }

    /// Reads canonical bytes back.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let position = r.number()?;
        let claimed = Stamp(r.number()?);
        let person = r.text()?.to_owned();
        let intent = Intent::from_number(r.byte()?).ok_or(Truncated)?;
        let grounds = Some(r.text()?).filter(|g| !g.is_empty()).map(str::to_owned);
        let job = match r.byte()? {
            0 => None,
            _ => Some(JobItem { job: JobId(r.array()?), item: r.narrow()?, of: r.narrow()? }),
        };
        let linked = Some(r.number()?).filter(|&p| p > 0);
        let count = r.number()?;
        let ops = (0..count).map(|_| Op::read(r)).collect::<Result<_, _>>()?;
        Ok(Act { position, claimed, person, intent, grounds, job, linked, ops })
    }
}

const WRITE: u8 = 1;
const RETRACT: u8 = 2;
const DECIDE: u8 = 3;
const PLACE: u8 = 4;

impl Op {
    /// The operation's number in canonical bytes and on the wire.
    pub fn tag(&self) -> u8 {
        match self {
            Op::Write(_) => WRITE,
            Op::Retract(_) => RETRACT,
            Op::Decide(..) => DECIDE,
            Op::Place { .. } => PLACE,
            Op::Unknown(tag, _) => *tag,
        }
    }

    /// Appends canonical bytes: one leaf of the act's hash.
    pub fn write(&self, w: &mut Writer) {
        w.byte(self.tag());
        match self {
            Op::Write(writes) => writes.write(w),
            Op::Unknown(_, bytes) => w.block(bytes),
            other => {
                // Rare operations are a block, so that a build that does not know one can carry it.
                let mut inner = Writer::default();
                other.write_rare(&mut inner);
                w.block(inner.as_slice());
            }
        }
    }

    /// The bytes inside the block of a rare operation.
    pub fn write_rare(&self, w: &mut Writer) {
        match self {
            Op::Retract(acts) => {
                w.number(acts.len() as u64);
                acts.iter().for_each(|a| write_act_id(w, *a));
            }
            Op::Decide(act, verdict) => {
                write_act_id(w, *act);
                match verdict {
                    Verdict::Approve => w.byte(1),
                    Verdict::Judge => w.byte(2),
                    Verdict::Refuse(reason) => {
                        w.byte(0);
                        w.block(reason.as_bytes());
                    }
                }
            }
            Op::Place { record, kind, scope, projection } => {
                w.raw(&record.0);
                w.number(u64::from(kind.0));
                w.number(u64::from(scope.0));
                w.byte(projection.map_or(0, |p| p as u8 + 1));
            }
            Op::Unknown(_, bytes) => w.raw(bytes),
            Op::Write(writes) => writes.write(w),
        }
    }

    /// Reads canonical bytes back.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        match r.byte()? {
            WRITE => Ok(Op::Write(RecordWrites::read(r)?)),
            tag => Ok(Op::read_rare(tag, r.block()?)),
        }
    }

    /// Reads the block of a rare operation. One that this build does not know is carried, and so is
    /// one that a newer build has given more to say: whatever it is read as, its bytes come back,
    /// or the author's hash would not.
    pub fn read_rare(tag: u8, block: &[u8]) -> Self {
        let known = Op::read_known(tag, block).ok().filter(|op| {
            let mut again = Writer::default();
            op.write_rare(&mut again);
            again.as_slice() == block
        });
        known.unwrap_or_else(|| Op::Unknown(tag, block.to_vec()))
    }

    fn read_known(tag: u8, block: &[u8]) -> Result<Self, Truncated> {
        let r = &mut Reader::new(block);
        Ok(match tag {
            RETRACT => {
                let count = r.number()?;
                Op::Retract((0..count).map(|_| read_act_id(r)).collect::<Result<_, _>>()?)
            }
            DECIDE => {
                let act = read_act_id(r)?;
                match r.byte()? {
                    1 => Op::Decide(act, Verdict::Approve),
                    2 => Op::Decide(act, Verdict::Judge),
                    _ => Op::Decide(act, Verdict::Refuse(r.text()?.to_owned())),
                }
            }
            PLACE => Op::Place {
                record: RecordId(r.array()?),
                kind: KindId(r.narrow()?),
                scope: ScopeId(r.narrow()?),
                projection: r.byte()?.checked_sub(1).and_then(Projection::from_number),
            },
            other => Op::Unknown(other, block.to_vec()),
        })
    }

    fn content_len(&self) -> usize {
        const NAME: usize = 9;
        match self {
            Op::Write(w) => w.fields.iter().fold(20, |sum, f| {
                let named = if let Over::Heads(heads) = &f.over { heads.len() * NAME } else { 0 };
                sum + 3 + named + f.value.content_len()
            }),
            Op::Retract(acts) => acts.len() * NAME,
            Op::Decide(_, Verdict::Refuse(reason)) => NAME + reason.len(),
            Op::Unknown(_, bytes) => bytes.len(),
            Op::Decide(..) | Op::Place { .. } => 20,
        }
    }
}

impl RecordWrites {
    fn write(&self, w: &mut Writer) {
        w.raw(&self.record.0);
        w.number(u64::from(self.kind.0));
        w.number(self.create.map_or(0, |s| u64::from(s.0) + 1));
        match self.under {
            None => w.byte(0),
            Some(act) => {
                w.byte(1);
                write_act_id(w, act);
            }
        }
        w.number(self.fields.len() as u64);
        self.fields.iter().for_each(|f| f.write(w));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let record = RecordId(r.array()?);
        let kind = KindId(r.narrow()?);
        let create = r.number()?.checked_sub(1).map(u32::try_from).transpose();
        let create = create.map_err(|_| Truncated)?.map(ScopeId);
        let under = match r.byte()? {
            0 => None,
            _ => Some(read_act_id(r)?),
        };
        let count = r.number()?;
        let fields = (0..count).map(|_| FieldWrite::read(r)).collect::<Result<_, _>>()?;
        Ok(RecordWrites { record, kind, create, under, fields })
    }
}

impl FieldWrite {
    fn write(&self, w: &mut Writer) {
        w.number(u64::from(self.field.0));
        match &self.over {
            Over::Creation => w.number(0),
            Over::Nothing => w.number(1),
            Over::Heads(heads) => {
                w.number(heads.len() as u64 + 1);
                heads.iter().for_each(|h| write_act_id(w, *h));
            }
        }
        self.value.write(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let field = FieldId(r.narrow()?);
        let over = match r.number()? {
            0 => Over::Creation,
            1 => Over::Nothing,
            n => Over::Heads((1..n).map(|_| read_act_id(r)).collect::<Result<_, _>>()?),
        };
        Ok(FieldWrite { field, over, value: Value::read(r)? })
    }
}

/// Appends an act's id: eight bytes of author, then the position.
pub fn write_act_id(w: &mut Writer, act: ActId) {
    w.raw(&act.author.0.to_be_bytes());
    w.number(act.position);
}

/// Reads an act's id.
pub fn read_act_id(r: &mut Reader<'_>) -> Result<ActId, Truncated> {
    Ok(ActId::new(AuthorId(u64::from_be_bytes(r.array()?)), r.number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Act {
        let head = ActId::new(AuthorId(0xfeed), 3);
        let record = RecordId([9; 16]);
        let kind = KindId(10);
        Act {
            position: 7,
            claimed: Stamp::new(1_700_000_000_000, 2),
            person: "lan".into(),
            intent: Intent::Change,
            grounds: Some("12-QĐ/ĐU".into()),
            job: Some(JobItem { job: JobId([1; 16]), item: 2, of: 3 }),
            linked: Some(6),
            ops: smallvec::smallvec![
                Op::Write(RecordWrites {
                    record,
                    kind,
                    create: Some(ScopeId(4)),
                    under: Some(head),
                    fields: vec![
                        FieldWrite {
                            field: FieldId(10),
                            value: Value::Int(1),
                            over: Over::Creation
                        },
                        FieldWrite { field: FieldId(11), value: Value::Null, over: Over::Nothing },
                        FieldWrite {
                            field: FieldId(12),
                            value: Value::Text("x".into()),
                            over: Over::Heads(smallvec::smallvec![
                                head,
                                ActId::new(AuthorId(1), 300)
                            ]),
                        },
                    ],
                }),
                Op::Retract(vec![head]),
                Op::Decide(head, Verdict::Refuse("thiếu quyết định".into())),
                Op::Decide(head, Verdict::Approve),
                Op::Place {
                    record,
                    kind,
                    scope: ScopeId(9),
                    projection: Some(Projection::Visitor)
                },
                Op::Unknown(77, vec![1, 2, 3]),
            ],
        }
    }

    #[test]
    fn canonical_bytes_come_back() {
        let act = sample();
        let mut w = Writer::default();
        act.write(&mut w);
        assert_eq!(Act::read(&mut Reader::new(w.as_slice())), Ok(act));
    }

    #[test]
    fn bytes_cut_anywhere_are_refused_without_panic() {
        let mut w = Writer::default();
        sample().write(&mut w);
        for cut in 0..w.as_slice().len() {
            assert!(Act::read(&mut Reader::new(&w.as_slice()[..cut])).is_err(), "cut at {cut}");
        }
    }
}
