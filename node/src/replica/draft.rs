//! What the office hands in: acts before they have a position and a time.
//!
//! The heads that a write replaces are fixed when a form opens: [`edit`] takes them from the record
//! that was shown, and never from what the replica holds when it is saved.

use dongbo_proto::act::{FieldWrite, Intent, JobItem, Op, Over, RecordWrites};
use dongbo_proto::id::{FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use smallvec::SmallVec;

/// One act to be.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Draft {
    /// Who makes it.
    pub person: String,
    /// Why.
    pub intent: Intent,
    /// The decision that it rests on, where the rule asks for one.
    pub grounds: Option<String>,
    /// The job that it is an item of.
    pub job: Option<JobItem>,
    /// Its twin, as an index among the drafts that are saved together.
    pub linked: Option<usize>,
    /// What it does.
    pub ops: SmallVec<[Op; 1]>,
}

impl Draft {
    /// A change by a person.
    pub fn change(person: &str, op: Op) -> Self {
        Draft { person: person.to_owned(), ops: smallvec::smallvec![op], ..Draft::default() }
    }

    /// The same for another intent.
    pub fn with_intent(self, intent: Intent) -> Self {
        Draft { intent, ..self }
    }
}

/// A saved act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its position in the journal.
    pub position: u64,
    /// The time that it claims.
    pub claimed: Stamp,
}

/// The heads of a field as they were shown: what a write of it replaces.
pub fn over(record: &Record, state: Option<&FieldState>) -> Over {
    match state.map(|s| s.heads.as_slice()) {
        None | Some([]) => Over::Nothing,
        Some([head]) if head.act == record.created.act => Over::Creation,
        Some(heads) => Over::Heads(heads.iter().map(|h| h.act).collect()),
    }
}

/// Writes to a record that was shown, over all heads that were shown.
pub fn edit(shown: &Record, fields: impl IntoIterator<Item = (FieldId, Value)>) -> Op {
    let write = |(field, value)| FieldWrite { field, value, over: over(shown, shown.field(field)) };
    Op::Write(RecordWrites {
        record: shown.id,
        kind: shown.kind,
        create: None,
        under: shown.placed,
        fields: fields.into_iter().map(write).collect(),
    })
}

/// Creates a record in its home.
pub fn create(
    id: RecordId,
    kind: KindId,
    home: ScopeId,
    fields: impl IntoIterator<Item = (FieldId, Value)>,
) -> Op {
    let write = |(field, value)| FieldWrite { field, value, over: Over::Nothing };
    let fields = fields.into_iter().map(write).collect();
    Op::Write(RecordWrites { record: id, kind, create: Some(home), under: None, fields })
}
