//! From what a person entered to drafts of acts: a creation, or a change and a request.
//!
//! The heads that a write replaces are those of the record that was *shown*, or the ones that the
//! caller names (a form that stayed open, a script). A field that the province approves goes into
//! an act of its own, linked to the rest, so that one held write does not hold the others.
//!
//! Pure. Deliberately absent: reading and saving (`desk`), and domain rules, which are flags.

use dongbo_proto::act::{FieldWrite, Intent, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{Kind, Writers};
use dongbo_proto::id::{ActId, FieldId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Record};

use super::form::{Entries, name_of};
use super::{OfficeError, Result};
use crate::replica::{Draft, draft};

/// Who does it, on which grounds, over what.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// The account of the office.
    pub person: String,
    /// The decision that it rests on.
    pub grounds: Option<String>,
    /// The heads that were shown, where the caller names them; else those of the record given.
    pub over: Option<Vec<ActId>>,
    /// The person has seen that a field is in conflict, and settles it.
    pub settle: bool,
}

/// What will be saved, and as what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The acts: a change, a request, or both linked.
    pub drafts: Vec<Draft>,
    /// Fields that change at once.
    pub changed: Vec<FieldId>,
    /// Fields that the province is asked for.
    pub requested: Vec<FieldId>,
    /// Fields that had this value already.
    pub unchanged: Vec<FieldId>,
}

impl Plan {
    /// The index of the request among the drafts.
    pub fn request_at(&self) -> Option<usize> {
        self.drafts.iter().position(|d| d.intent == Intent::Request)
    }
}

/// Plans a creation in a home scope.
pub fn add(kind: &Kind, id: RecordId, home: ScopeId, entries: Entries, how: &How) -> Result<Plan> {
    if kind.reference {
        return Err(OfficeError::Reference { kind: kind.name.clone() });
    }
    let given = |field: FieldId| entries.iter().any(|(f, v)| *f == field && !v.is_null());
    let missing = kind.fields().iter().filter(|f| f.required && !given(f.id));
    let missing: Vec<String> = missing.map(|f| f.name.clone()).collect();
    if !missing.is_empty() {
        return Err(OfficeError::Missing { fields: missing });
    }
    let fields: Vec<FieldId> = entries.iter().map(|(f, _)| *f).collect();
    let op = draft::create(id, kind.id, home, entries.into_iter().filter(|(_, v)| !v.is_null()));
    let asks = kind.creators() == Writers::Province;
    let intent = if asks { Intent::Request } else { Intent::Change };
    let act = drafted(op, intent, how);
    let (changed, requested) = if asks { (Vec::new(), fields) } else { (fields, Vec::new()) };
    Ok(Plan { drafts: vec![act], changed, requested, unchanged: Vec::new() })
}

/// Plans an edit of a record that was shown.
pub fn edit(kind: &Kind, shown: &Record, entries: Entries, how: &How) -> Result<Plan> {
    if kind.reference {
        return Err(OfficeError::Reference { kind: kind.name.clone() });
    }
    let mut plan = Plan::default();
    let (mut change, mut request) = (Vec::new(), Vec::new());
    for (field, value) in entries {
        let state = shown.field(field);
        if how.over.is_none() && says_so_already(state, &value) {
            plan.unchanged.push(field);
            continue;
        }
        let write = FieldWrite { field, value, over: over(kind, shown, field, how)? };
        if merge::needs_request(kind, field, &write.over) {
            plan.requested.push(field);
            request.push(write);
        } else {
            plan.changed.push(field);
            change.push(write);
        }
    }
    plan.drafts = linked(shown, change, request, how);
    Ok(plan)
}

/// Whether the field's one head holds the value already. Several heads do not, even with equal
/// values: the edit makes one of them.
pub fn says_so_already(state: Option<&FieldState>, value: &dongbo_proto::value::Value) -> bool {
    match state.map(|s| s.heads.as_slice()) {
        None | Some([]) => value.is_null(),
        Some([head]) => head.value == *value,
        Some(_) => false,
    }
}

fn over(kind: &Kind, shown: &Record, field: FieldId, how: &How) -> Result<Over> {
    let state = shown.field(field);
    if let Some(named) = &how.over {
        let all: smallvec::SmallVec<[ActId; 1]> = named.iter().copied().collect();
        return Ok(if all.is_empty() { Over::Nothing } else { Over::Heads(all) });
    }
    match state.filter(|s| s.in_conflict() && !how.settle) {
        Some(s) => {
            Err(OfficeError::InConflict { field: name_of(kind, field), heads: s.heads.len() })
        }
        None => Ok(draft::over(shown, state)),
    }
}

fn linked(
    shown: &Record,
    change: Vec<FieldWrite>,
    request: Vec<FieldWrite>,
    how: &How,
) -> Vec<Draft> {
    let parts = [(change, Intent::Change), (request, Intent::Request)];
    let filled = parts.into_iter().filter(|(fields, _)| !fields.is_empty());
    let mut drafts: Vec<Draft> =
        filled.map(|(fields, intent)| drafted(writes(shown, fields), intent, how)).collect();
    if let [first, second] = drafts.as_mut_slice() {
        (first.linked, second.linked) = (Some(1), Some(0));
    }
    drafts
}

/// Writes to a record that was shown.
pub fn writes(shown: &Record, fields: Vec<FieldWrite>) -> Op {
    let (record, kind) = (shown.id, shown.kind);
    Op::Write(RecordWrites { record, kind, create: None, under: shown.placed, fields })
}

fn drafted(op: Op, intent: Intent, how: &How) -> Draft {
    let draft = Draft::change(&how.person, op).with_intent(intent);
    Draft { grounds: how.grounds.clone(), ..draft }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::catalogue::{catalogue, kind};
    use dongbo_proto::id::AuthorId;
    use dongbo_proto::record::{Head, Origin};
    use dongbo_proto::value::Value;

    fn member() -> &'static Kind {
        catalogue().kind(kind::MEMBER).unwrap()
    }

    fn field(name: &str) -> FieldId {
        member().field_named(name).unwrap().id
    }

    fn act(position: u64) -> ActId {
        ActId::new(AuthorId(5), position)
    }

    fn text(t: &str) -> Value {
        Value::Text(t.to_owned())
    }

    fn head(position: u64, value: &str) -> Head {
        Head::new(Origin { act: act(position), ..Origin::default() }, text(value))
    }

    /// Created by act 1 with a name; act 2 wrote the telephone.
    fn shown() -> Record {
        let origin = Origin { act: act(1), ..Origin::default() };
        let mut record = Record::new(RecordId([1; 16]), kind::MEMBER, origin, ScopeId(4));
        record.field_mut(field("full_name")).heads.push(head(1, "A"));
        record.field_mut(field("name_in_use")).heads.push(head(1, "B"));
        record.field_mut(field("phone")).heads.push(head(2, "1"));
        record
    }

    fn overs(plan: &Plan) -> Vec<Over> {
        let writes = plan.drafts.iter().flat_map(|d| &d.ops);
        let fields = writes.flat_map(|op| match op {
            Op::Write(w) => w.fields.clone(),
            _ => Vec::new(),
        });
        fields.map(|f| f.over).collect()
    }

    fn plan(entries: &[(&str, &str)], record: &Record, how: &How) -> Result<Plan> {
        let entries = entries.iter().map(|(f, v)| (field(f), text(v))).collect();
        edit(member(), record, entries, how)
    }

    /// Counterexample 1: an edit names the values that it saw, not how far the machine had pulled.
    #[test]
    fn an_edit_names_what_was_shown() {
        let edits = [("name_in_use", "C"), ("phone", "2"), ("email", "x@y")];
        let plan = plan(&edits, &shown(), &How::default()).unwrap();
        let heads = Over::Heads(smallvec::smallvec![act(2)]);
        assert_eq!(overs(&plan), [Over::Creation, heads, Over::Nothing]);
    }

    /// Counterexample 15: one save of both sorts is two acts, linked.
    #[test]
    fn a_save_of_both_sorts_is_a_change_and_a_request() {
        let plan = plan(&[("full_name", "Z"), ("phone", "2")], &shown(), &How::default()).unwrap();
        let intents: Vec<_> = plan.drafts.iter().map(|d| (d.intent, d.linked)).collect();
        assert_eq!(intents, [(Intent::Change, Some(1)), (Intent::Request, Some(0))]);
        assert_eq!(
            (plan.changed, plan.requested),
            (vec![field("phone")], vec![field("full_name")])
        );
    }

    #[test]
    fn what_is_so_already_makes_no_act() {
        let plan = plan(&[("phone", "1")], &shown(), &How::default()).unwrap();
        assert!(plan.drafts.is_empty() && plan.unchanged == [field("phone")]);
    }

    /// Counterexample 17: an edit of a field in conflict names every head, and only when told.
    #[test]
    fn a_conflict_is_settled_only_when_told() {
        let mut record = shown();
        record.field_mut(field("phone")).heads.push(head(9, "7"));
        let refused = plan(&[("phone", "2")], &record, &How::default());
        assert!(matches!(refused, Err(OfficeError::InConflict { heads: 2, .. })));
        let how = How { settle: true, ..How::default() };
        let heads = Over::Heads(smallvec::smallvec![act(2), act(9)]);
        assert_eq!(overs(&plan(&[("phone", "2")], &record, &how).unwrap()), [heads]);
    }

    #[test]
    fn equal_values_of_two_heads_are_no_conflict_but_are_named() {
        let mut record = shown();
        record.field_mut(field("phone")).heads.push(head(9, "1"));
        let plan = plan(&[("phone", "1")], &record, &How::default()).unwrap();
        assert_eq!(overs(&plan), [Over::Heads(smallvec::smallvec![act(2), act(9)])]);
    }

    /// Fault 44: a form names what it showed, whatever came meanwhile. [I2 I5]
    /// Counterexample 2: a form knows what it showed, not what its machine pulled since.
    #[test]
    fn a_form_that_stayed_open_names_its_own_heads() {
        let how = How { over: Some(vec![act(2)]), ..How::default() };
        let mut record = shown();
        record.field_mut(field("phone")).heads = smallvec::smallvec![head(8, "9")];
        let plan = plan(&[("phone", "1")], &record, &how).unwrap();
        assert_eq!(overs(&plan), [Over::Heads(smallvec::smallvec![act(2)])]);
    }

    #[test]
    fn a_creation_needs_its_fields_and_an_exit_is_asked_for() {
        let add = |kind: &Kind, entries| {
            add(kind, RecordId([2; 16]), ScopeId(4), entries, &How::default())
        };
        let missing = add(member(), vec![(field("full_name"), text("A"))]);
        assert!(
            matches!(missing, Err(OfficeError::Missing { fields }) if fields == ["sex", "birth_date"])
        );
        let exit = catalogue().kind(kind::EXIT).unwrap();
        let required = exit.fields().iter().filter(|f| f.required);
        let entries = required.map(|f| (f.id, Value::Ref(RecordId([1; 16])))).collect();
        let plan = add(exit, entries).unwrap();
        assert_eq!(plan.drafts[0].intent, Intent::Request);
    }
}
