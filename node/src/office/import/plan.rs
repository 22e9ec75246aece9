//! From rows to drafts of acts: creations and edits, packed into acts within the limits.
//!
//! An act has one fate, so what the province must approve goes into acts of its own, and each act
//! stays in one scope. Pure but for the closures that the caller gives.

use std::collections::HashMap;

use dongbo_proto::act::{FieldWrite, Intent, JobItem, Op, Over, RecordWrites};
use dongbo_proto::bytes::Writer;
use dongbo_proto::catalogue::{Kind, Writers};
use dongbo_proto::frame::Grant;
use dongbo_proto::id::{JobId, RecordId, ScopeId};
use dongbo_proto::limits::{ACT_BYTES_MAX, ACT_RECORDS_MAX};
use dongbo_proto::merge;
use dongbo_proto::record::Record;

use super::report::{Fault, Why};
use super::row::Row;
use crate::office::OfficeError;
use crate::office::edit::says_so_already;
use crate::office::form::name_of;
use crate::office::place::{self, Hints};
use crate::replica::{Draft, ReplicaError, draft};

/// Canonical bytes of the operations of one act: some are left for its header.
const OPS_BYTES_MAX: usize = ACT_BYTES_MAX - 8 * 1024;

/// What rows came to.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// The acts, in order.
    pub drafts: Vec<Draft>,
    /// Records created.
    pub added: usize,
    /// Records edited.
    pub changed: usize,
    /// Rows that said nothing new.
    pub unchanged: usize,
    /// Writes that ask the province.
    pub requested: usize,
}

/// Takes rows one by one.
pub struct Planner<'a> {
    person: &'a str,
    job: JobId,
    grants: &'a [Grant],
    homes: HashMap<RecordId, ScopeId>,
    open: Vec<Open>,
    done: Planned,
}

/// An act that still has room.
struct Open {
    scope: ScopeId,
    intent: Intent,
    bytes: usize,
    ops: Vec<Op>,
}

type Taken = Result<Result<(), Fault>, ReplicaError>;

impl<'a> Planner<'a> {
    /// For one job.
    pub fn new(person: &'a str, job: JobId, grants: &'a [Grant]) -> Self {
        let (homes, open) = (HashMap::new(), Vec::new());
        Planner { person, job, grants, homes, open, done: Planned::default() }
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Takes a row; `known` is the record of its id, if it is here, `home` tells where other
    /// records have their home.
    pub fn take(
        &mut self,
        row: Row,
        known: Option<&Record>,
        new_id: &dyn Fn() -> RecordId,
        home: &dyn Fn(RecordId) -> Result<Option<ScopeId>, ReplicaError>,
    ) -> Taken {
        if row.id.is_some_and(|id| self.homes.contains_key(&id)) {
            return Ok(Err(Fault::in_column(row.number, "id", Why::RepeatedId)));
        }
        match known {
            Some(record) => {
                self.homes.insert(record.id, record.home);
                self.edit(row, record);
                Ok(Ok(()))
            }
            None => self.create(row, new_id, home),
        }
    }

    fn create(
        &mut self,
        row: Row,
        new_id: &dyn Fn() -> RecordId,
        home: &dyn Fn(RecordId) -> Result<Option<ScopeId>, ReplicaError>,
    ) -> Taken {
        let given = |f| row.fields.iter().any(|(field, v)| *field == f && !v.is_null());
        if let Some(field) = row.kind.fields().iter().find(|f| f.required && !given(f.id)) {
            return Ok(Err(Fault::in_column(row.number, &field.name, Why::Missing)));
        }
        let subject = match place::subject(row.kind, &row.fields) {
            Some(id) => self.homes.get(&id).copied().map_or_else(|| home(id), |h| Ok(Some(h)))?,
            None => None,
        };
        let hints = Hints { scope: None, unit: row.unit_scope.clone(), subject };
        let scope = match place::home(&hints, self.grants) {
            Ok(scope) => scope,
            Err(e) => return Ok(Err(unplaced(row.number, row.kind, &e))),
        };
        let id = row.id.unwrap_or_else(new_id);
        self.homes.insert(id, scope);
        let asks = row.kind.creators() == Writers::Province;
        let fields = row.fields.into_iter().filter(|(_, v)| !v.is_null());
        let op = draft::create(id, row.kind.id, scope, fields);
        self.put(scope, if asks { Intent::Request } else { Intent::Import }, op);
        if asks {
            self.done.requested += 1
        } else {
            self.done.added += 1
        }
        Ok(Ok(()))
    }

    fn edit(&mut self, row: Row, record: &Record) {
        let (mut change, mut request) = (Vec::new(), Vec::new());
        for (field, value) in row.fields {
            let name = name_of(row.kind, field);
            let untouched = row
                .version
                .as_ref()
                .is_some_and(|v| v.is_untouched(record.id, field, &name, &value));
            if untouched || says_so_already(record.field(field), &value) {
                continue;
            }
            let over = row.version.as_ref().map_or(Over::Nothing, |v| v.over(&name));
            let asks = merge::needs_request(row.kind, field, &over);
            if asks { &mut request } else { &mut change }.push(FieldWrite { field, value, over });
        }
        match (change.is_empty(), request.is_empty()) {
            (true, true) => self.done.unchanged += 1,
            (false, _) => self.done.changed += 1,
            (true, false) => {}
        }
        self.done.requested += usize::from(!request.is_empty());
        for (fields, intent) in [(change, Intent::Import), (request, Intent::Request)] {
            if !fields.is_empty() {
                let (id, kind, under) = (record.id, record.kind, record.placed);
                let writes = RecordWrites { record: id, kind, create: None, under, fields };
                self.put(record.home, intent, Op::Write(writes));
            }
        }
    }

    /// Into the open act of its scope and intent, or a new one where that is full.
    fn put(&mut self, scope: ScopeId, intent: Intent, op: Op) {
        let mut w = Writer::default();
        op.write(&mut w);
        let bytes = w.as_slice().len();
        let at = self.open.iter().position(|o| (o.scope, o.intent) == (scope, intent));
        if let Some(at) = at {
            let open = &mut self.open[at];
            if open.ops.len() < ACT_RECORDS_MAX && open.bytes + bytes <= OPS_BYTES_MAX {
                open.ops.push(op);
                open.bytes += bytes;
                return;
            }
            let full = self.open.remove(at);
            self.close(full);
        }
        self.open.push(Open { scope, intent, bytes, ops: vec![op] });
    }

    fn close(&mut self, open: Open) {
        self.done.drafts.push(Draft {
            person: self.person.to_owned(),
            intent: open.intent,
            ops: open.ops.into(),
            ..Draft::default()
        });
    }

    /// All acts, numbered within the job.
    pub fn finish(mut self) -> Planned {
        for open in std::mem::take(&mut self.open) {
            self.close(open);
        }
        let of = u32::try_from(self.done.drafts.len()).unwrap_or(u32::MAX);
        for (item, draft) in (1..).zip(&mut self.done.drafts) {
            draft.job = Some(JobItem { job: self.job, item, of });
        }
        self.done
    }
}

fn unplaced(row: usize, kind: &Kind, error: &OfficeError) -> Fault {
    let by_unit = kind.field_named("unit_id").is_some();
    match error {
        OfficeError::UnknownScope { .. } if by_unit => {
            Fault::in_column(row, "unit", Why::ForeignScope)
        }
        OfficeError::UnknownScope { .. } => Fault::of_row(row, Why::ForeignScope),
        _ => Fault::of_row(row, Why::WhichScope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::import::version::Version;
    use dongbo_proto::catalogue::{catalogue, kind};
    use dongbo_proto::id::{ActId, AuthorId, FieldId};
    use dongbo_proto::record::{Head, Origin};
    use dongbo_proto::value::{PDate, Value};

    fn member() -> &'static Kind {
        catalogue().kind(kind::MEMBER).unwrap()
    }

    fn id(name: &str) -> FieldId {
        member().field_named(name).unwrap().id
    }

    fn text(t: &str) -> Value {
        Value::Text(t.to_owned())
    }

    fn row(number: usize, record: u16, fields: Vec<(FieldId, Value)>) -> Row {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&record.to_be_bytes());
        let id = Some(RecordId(bytes));
        Row { number, kind: member(), id, unit_scope: None, fields, version: None }
    }

    fn whole(number: usize, record: u16) -> Row {
        let born = Value::Date(PDate::new(1970, None, None).unwrap());
        let fields = [("full_name", text("A")), ("sex", text("M")), ("birth_date", born)];
        row(number, record, fields.map(|(name, v)| (id(name), v)).to_vec())
    }

    fn grants() -> Vec<Grant> {
        let grant =
            |n, code: &str| Grant { scope: ScopeId(n), code: code.into(), name: String::new() };
        vec![grant(0, "*"), grant(7, "A")]
    }

    fn take(planner: &mut Planner<'_>, row: Row, known: Option<&Record>) -> Result<(), Fault> {
        planner.take(row, known, &|| RecordId::default(), &|_| Ok(None)).unwrap()
    }

    /// Counterexample 25: an import is acts of bounded size in one job.
    #[test]
    fn acts_hold_a_thousand_records_at_most_and_are_one_job() {
        let grants = grants();
        let mut planner = Planner::new("lan", JobId([1; 16]), &grants);
        for n in 0..2_100 {
            take(&mut planner, whole(usize::from(n) + 1, n), None).unwrap();
        }
        let planned = planner.finish();
        let sizes: Vec<_> = planned.drafts.iter().map(|d| d.ops.len()).collect();
        assert_eq!((sizes, planned.added), (vec![1_000, 1_000, 100], 2_100));
        let items: Vec<_> = planned.drafts.iter().map(|d| d.job.unwrap().item).collect();
        assert_eq!(items, [1, 2, 3]);
        assert!(
            planned.drafts.iter().all(|d| d.intent == Intent::Import && d.job.unwrap().of == 3)
        );
    }

    #[test]
    fn a_row_that_lacks_a_field_or_repeats_an_id_is_named() {
        let grants = grants();
        let mut planner = Planner::new("lan", JobId([1; 16]), &grants);
        let lacking = take(&mut planner, row(4, 1, vec![(id("sex"), text("M"))]), None);
        assert_eq!(lacking, Err(Fault::in_column(4, "full_name", Why::Missing)));
        take(&mut planner, whole(5, 2), None).unwrap();
        let again = take(&mut planner, whole(6, 2), None);
        assert_eq!(again, Err(Fault::in_column(6, "id", Why::RepeatedId)));
    }

    fn known() -> Record {
        let origin = |n| Origin { act: ActId::new(AuthorId(5), n), ..Origin::default() };
        let mut record = Record::new(RecordId([0; 16]), kind::MEMBER, origin(1), ScopeId(7));
        record.field_mut(id("full_name")).heads.push(Head::new(origin(1), text("A")));
        record.field_mut(id("phone")).heads.push(Head::new(origin(2), text("1")));
        record
    }

    fn writes(planned: &Planned) -> Vec<(Intent, FieldId, Over)> {
        let of = |d: &Draft| match &d.ops[0] {
            Op::Write(w) => (d.intent, w.fields[0].field, w.fields[0].over.clone()),
            _ => panic!(),
        };
        planned.drafts.iter().map(of).collect()
    }

    #[test]
    fn a_row_with_a_version_says_only_what_was_changed_in_the_file() {
        let (record, grants) = (known(), grants());
        let fields = vec![(id("full_name"), text("A")), (id("phone"), text("2"))];
        let edited = Row { version: Some(Version::of(&record)), ..row(1, 0, fields) };
        // Meanwhile somebody changed the name here; the file did not.
        let mut newer = record.clone();
        newer.field_mut(id("full_name")).heads[0].value = text("B");
        let mut planner = Planner::new("lan", JobId([1; 16]), &grants);
        take(&mut planner, edited, Some(&newer)).unwrap();
        let over = Over::Heads(smallvec::smallvec![ActId::new(AuthorId(5), 2)]);
        assert_eq!(writes(&planner.finish()), [(Intent::Import, id("phone"), over)]);
    }

    #[test]
    fn a_row_without_a_version_names_nothing() {
        let (record, grants) = (known(), grants());
        let mut planner = Planner::new("lan", JobId([1; 16]), &grants);
        let fields = vec![(id("full_name"), text("A")), (id("phone"), text("2"))];
        take(&mut planner, row(1, 0, fields), Some(&record)).unwrap();
        assert_eq!(writes(&planner.finish()), [(Intent::Import, id("phone"), Over::Nothing)]);
    }

    #[test]
    fn a_changed_locked_field_of_a_version_is_a_request_of_its_own() {
        let (record, grants) = (known(), grants());
        let version = Some(Version::of(&record));
        let fields = vec![(id("full_name"), text("Z")), (id("phone"), text("1"))];
        let mut planner = Planner::new("lan", JobId([1; 16]), &grants);
        take(&mut planner, Row { version, ..row(1, 0, fields) }, Some(&record)).unwrap();
        let planned = planner.finish();
        assert_eq!(writes(&planned), [(Intent::Request, id("full_name"), Over::Creation)]);
        assert_eq!((planned.changed, planned.requested), (0, 1));
    }
}
