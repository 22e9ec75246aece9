//! Conflicts: fields of which people who did not know of each other wrote different values.
//!
//! All values are kept; one is shown. Settling is an edit that names every head, so it replaces
//! them wherever it arrives. Pure.

use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::{ActId, FieldId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Record};
use serde_json::{Value as Json, json};

use super::edit::{How, Plan, edit};
use super::form::Entries;
use super::shown::{Viewer, field_name, kind_name, value};
use super::{OfficeError, Result};

/// The fields of a record in which people disagree.
pub fn fields(record: &Record) -> impl Iterator<Item = &(FieldId, FieldState)> {
    record.fields.iter().filter(|(_, state)| state.in_conflict())
}

/// One conflict in JSON.
pub fn to_json(viewer: &Viewer, record: &Record, field: FieldId, state: &FieldState) -> Json {
    let kind = catalogue().kind(record.kind);
    let shown = merge::shown(merge::rule_of(record.kind, field), &state.heads);
    let head = |(at, head): (usize, &dongbo_proto::record::Head)| {
        let mut json = viewer.head(kind, field, head);
        json["shown"] = json!(Some(at) == shown);
        json["pending"] = json!(viewer.is_pending(head));
        json
    };
    json!({
        "record": record.id,
        "kind": kind_name(record),
        "scope": record.home.0,
        "home": viewer.scope_code(record.home),
        "field": field_name(kind, field),
        "value": shown.map(|at| value(kind, field, &state.heads[at].value)),
        "heads": state.heads.iter().enumerate().map(head).collect::<Vec<_>>(),
    })
}

/// The values of these heads, as entries for an edit: each act must be a head of a field in
/// conflict, and of one field only unless `only` says which.
pub fn take(record: &Record, acts: &[ActId], only: Option<FieldId>) -> Result<Entries> {
    let mut entries = Entries::new();
    for act in acts {
        let before = entries.len();
        for (field, state) in fields(record).filter(|(f, _)| only.is_none_or(|o| o == *f)) {
            let head = state.heads.iter().find(|h| h.act == *act);
            entries.extend(head.map(|h| (*field, h.value.clone())));
        }
        if entries.len() == before {
            return Err(OfficeError::NothingToSettle);
        }
    }
    Ok(entries)
}

/// Plans the settling of fields with these values.
pub fn settle(kind: &Kind, shown: &Record, entries: Entries, how: &How) -> Result<Plan> {
    let disputed = |field: FieldId| shown.field(field).is_some_and(FieldState::in_conflict);
    if entries.is_empty() || !entries.iter().all(|(field, _)| disputed(*field)) {
        return Err(OfficeError::NothingToSettle);
    }
    edit(kind, shown, entries, &How { settle: true, over: None, ..how.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::act::{Op, Over};
    use dongbo_proto::catalogue::kind;
    use dongbo_proto::id::{AuthorId, RecordId, ScopeId};
    use dongbo_proto::record::{Head, Origin};
    use dongbo_proto::value::Value;

    fn act(n: u64) -> ActId {
        ActId::new(AuthorId(n), 1)
    }

    fn record(values: &[&str]) -> (Record, FieldId) {
        let member = catalogue().kind(kind::MEMBER).unwrap();
        let phone = member.field_named("phone").unwrap().id;
        let mut record =
            Record::new(RecordId([1; 16]), kind::MEMBER, Origin::default(), ScopeId(1));
        for (n, value) in (1..).zip(values) {
            let origin = Origin { act: act(n), ..Origin::default() };
            let head = Head::new(origin, Value::Text((*value).to_owned()));
            record.field_mut(phone).heads.push(head);
        }
        (record, phone)
    }

    #[test]
    fn taking_a_head_names_all_of_them() {
        let (record, phone) = record(&["1", "2"]);
        let entries = take(&record, &[act(1)], None).unwrap();
        assert!(entries == [(phone, Value::Text("1".into()))]);
        let kind = catalogue().kind(kind::MEMBER).unwrap();
        let plan = settle(kind, &record, entries, &How::default()).unwrap();
        let Op::Write(writes) = &plan.drafts[0].ops[0] else { panic!() };
        assert_eq!(writes.fields[0].over, Over::Heads(smallvec::smallvec![act(1), act(2)]));
    }

    #[test]
    fn there_is_nothing_to_settle_where_all_agree() {
        let (record, phone) = record(&["1", "1"]);
        assert_eq!(fields(&record).count(), 0);
        assert!(take(&record, &[act(1)], None).is_err());
        let kind = catalogue().kind(kind::MEMBER).unwrap();
        let entries = vec![(phone, Value::Text("1".into()))];
        assert!(settle(kind, &record, entries, &How::default()).is_err());
    }
}
