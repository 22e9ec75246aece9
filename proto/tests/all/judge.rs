//! Who may write what, as a table: the rank with which an act merges, or why it is held.

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, Projection, RecordWrites, Verdict};
use dongbo_proto::catalogue::{Kind, Rule, Writers, catalogue};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::limits;
use dongbo_proto::merge::{Author, Target, check_act, judge, needs_request};
use dongbo_proto::record::{Meta, Origin, Rank};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;

const HOME: ScopeId = ScopeId(5);
const ELSEWHERE: ScopeId = ScopeId(6);
const RECORD: RecordId = RecordId([8; 16]);

fn kind(name: &str) -> &'static Kind {
    catalogue().kind_named(name).expect("a kind of the catalogue")
}

fn some_act() -> ActId {
    ActId::new(AuthorId(1), 1)
}

fn shown() -> Over {
    Over::Heads(smallvec::smallvec![some_act()])
}

fn edit(kind_name: &str, fields: &[(&str, Over)]) -> RecordWrites {
    let kind = kind(kind_name);
    let number = |name: &str| kind.field_named(name).expect("a field of the catalogue").id;
    let write = |(name, over): &(&str, Over)| FieldWrite {
        field: number(name),
        value: Value::Text("x".into()),
        over: over.clone(),
    };
    let fields = fields.iter().map(write).collect();
    RecordWrites { record: RECORD, kind: kind.id, create: None, under: None, fields }
}

fn create(kind_name: &str, home: ScopeId, fields: &[&str]) -> RecordWrites {
    let fields: Vec<_> = fields.iter().map(|f| (*f, Over::Nothing)).collect();
    RecordWrites { create: Some(home), ..edit(kind_name, &fields) }
}

fn meta() -> Meta {
    Meta::new(Origin { act: some_act(), stamp: Stamp::new(1, 0), rank: Rank::Home })
}

/// How the record stands to the commune that writes.
#[derive(Clone, Copy)]
enum Stands {
    /// There is none.
    Unknown,
    /// Its home is the commune.
    Home,
    /// It moved to the commune's neighbour, which the author had not been shown.
    MovedUnseen,
    /// The author had been shown that it is elsewhere.
    Elsewhere,
    /// It is a guest at the commune.
    Guest(Projection),
}

fn by_commune(writes: &RecordWrites, intent: Intent, stands: Stands) -> Result<Rank, Reason> {
    let meta = meta();
    let at = |home_shown, home, guest| Some(Target { meta: &meta, home_shown, home, guest });
    let target = match stands {
        Stands::Unknown => None,
        Stands::Home => at(HOME, HOME, None),
        Stands::MovedUnseen => at(HOME, ELSEWHERE, None),
        Stands::Elsewhere => at(ELSEWHERE, ELSEWHERE, None),
        Stands::Guest(projection) => at(ELSEWHERE, ELSEWHERE, Some(projection)),
    };
    judge(writes, intent, Author { province: false, scopes: &[HOME, ScopeId(7)] }, target)
}

fn by_province(writes: &RecordWrites, intent: Intent) -> Result<Rank, Reason> {
    let meta = meta();
    let target = Target { meta: &meta, home_shown: HOME, home: HOME, guest: None };
    judge(writes, intent, Author { province: true, scopes: &[] }, Some(target))
}

type Row = (&'static str, RecordWrites, Intent, Stands, Result<Rank, Reason>);

#[test]
fn what_a_commune_may_write() {
    use Intent::{Change, Import, Request};
    use Stands::*;
    let phone = || edit("member", &[("phone", shown())]);
    let first = |field: &'static str| edit("member", &[(field, Over::Nothing)]);
    let second = |field: &'static str| edit("member", &[(field, shown())]);
    let card = Guest(Projection::Visitor);
    let rows: Vec<Row> = vec![
        ("home edits", phone(), Change, Home, Ok(Rank::Home)),
        ("home imports", phone(), Import, Home, Ok(Rank::Import)),
        ("home asks", phone(), Request, Home, Err(Reason::NeedsApproval)),
        ("moved, unseen: the rank it then had", phone(), Change, MovedUnseen, Ok(Rank::Home)),
        ("moved, seen", phone(), Change, Elsewhere, Err(Reason::RecordLeft)),
        ("no such record", phone(), Change, Unknown, Err(Reason::UnknownRecord)),
        ("a guest, a field that the card hides", phone(), Change, card, Err(Reason::NotWritable)),
        ("a guest, a field of the card", first("name_in_use"), Change, card, Ok(Rank::Other)),
        ("a guest imports", first("name_in_use"), Import, card, Ok(Rank::Import)),
        (
            "a guest voids",
            edit("review", &[("void_reason", Over::Nothing)]),
            Change,
            Guest(Projection::Transfer),
            Err(Reason::NotWritable),
        ),
        (
            "home voids a row",
            edit("review", &[("void_reason", Over::Nothing)]),
            Change,
            Home,
            Ok(Rank::Home),
        ),
        (
            "a file in transfer shows more",
            first("other_names"),
            Change,
            Guest(Projection::Transfer),
            Ok(Rank::Other),
        ),
        ("locked, another value", second("full_name"), Change, Home, Err(Reason::NeedsApproval)),
        (
            "locked, the creation's value",
            edit("member", &[("full_name", Over::Creation)]),
            Change,
            Home,
            Err(Reason::NeedsApproval),
        ),
        ("locked, first value", first("national_id"), Change, Home, Ok(Rank::Home)),
        ("write-once, first value", first("admission_decision_no"), Change, Home, Ok(Rank::Home)),
        (
            "write-once, second value",
            second("admission_decision_no"),
            Change,
            Home,
            Err(Reason::NeedsApproval),
        ),
        (
            "append row, second value",
            edit("review", &[("year", shown())]),
            Change,
            Home,
            Err(Reason::NeedsApproval),
        ),
        (
            "append row, first value",
            edit("review", &[("confirmed_grade", Over::Nothing)]),
            Change,
            Home,
            Ok(Rank::Home),
        ),
        ("only the province", first("profile_no"), Change, Home, Err(Reason::NeedsApproval)),
        (
            "deletion is the province's",
            first("void_reason"),
            Change,
            Home,
            Err(Reason::NeedsApproval),
        ),
        ("the placement is nobody's", first("home"), Change, Home, Err(Reason::NotWritable)),
        ("computed is nobody's", first("status"), Change, Home, Err(Reason::NotWritable)),
        (
            "the reference is the province's",
            edit("unit", &[("name_full", shown())]),
            Change,
            Home,
            Err(Reason::NotWritable),
        ),
        (
            "one field too many holds the whole act",
            edit("member", &[("phone", shown()), ("full_name", shown())]),
            Change,
            Home,
            Err(Reason::NeedsApproval),
        ),
        (
            "creates at home",
            create("member", HOME, &["full_name", "phone"]),
            Change,
            Unknown,
            Ok(Rank::Home),
        ),
        (
            "creates by import",
            create("member", HOME, &["full_name"]),
            Import,
            Unknown,
            Ok(Rank::Import),
        ),
        (
            "creates in another scope",
            create("member", ELSEWHERE, &["full_name"]),
            Change,
            Unknown,
            Err(Reason::NotWritable),
        ),
        (
            "creates what exists",
            create("member", HOME, &["full_name"]),
            Change,
            Home,
            Err(Reason::NotWritable),
        ),
        (
            "creates with a computed field",
            create("member", HOME, &["status"]),
            Change,
            Unknown,
            Err(Reason::NotWritable),
        ),
        (
            "creates with a placement",
            create("member", HOME, &["home"]),
            Change,
            Unknown,
            Err(Reason::NotWritable),
        ),
        (
            "creates a unit",
            create("unit", HOME, &["name_full"]),
            Change,
            Unknown,
            Err(Reason::NotWritable),
        ),
        (
            "creates an exit",
            create("exit", HOME, &["member"]),
            Change,
            Unknown,
            Err(Reason::NeedsApproval),
        ),
        ("creates a death", create("death", HOME, &["member"]), Change, Unknown, Ok(Rank::Home)),
        (
            "a kind of a newer build",
            RecordWrites { kind: KindId(60_000), ..phone() },
            Change,
            Home,
            Err(Reason::NeedsNewerServer),
        ),
    ];
    for (title, writes, intent, stands, expected) in rows {
        assert_eq!(by_commune(&writes, intent, stands), expected, "{title}");
    }
}

#[test]
fn the_province_writes_everything_with_its_rank() {
    for writes in [
        edit("member", &[("full_name", shown()), ("phone", shown()), ("profile_no", shown())]),
        edit("unit", &[("name_full", shown())]),
        edit("member", &[("void_reason", Over::Nothing)]),
        create("exit", HOME, &["member"]),
    ] {
        assert_eq!(by_province(&writes, Intent::Change), Ok(Rank::Province));
        assert_eq!(by_province(&writes, Intent::Import), Ok(Rank::Import));
    }
}

/// The office must split a save where the server would hold it, and nowhere else.
#[test]
fn what_the_office_asks_for_is_what_the_server_would_hold() {
    for kind in catalogue().kinds().iter().filter(|k| !k.reference) {
        for field in kind.fields().iter().filter(|f| f.writers != Writers::System) {
            if field.rule == Rule::Computed {
                continue;
            }
            for over in [Over::Nothing, Over::Creation, shown()] {
                let writes = edit(&kind.name, &[(field.name.as_str(), over.clone())]);
                let held =
                    by_commune(&writes, Intent::Change, Stands::Home) == Err(Reason::NeedsApproval);
                let asks = needs_request(kind, field.id, &over);
                assert_eq!(asks, held, "{}.{} {over:?}", kind.name, field.name);
            }
        }
    }
}

#[test]
fn a_field_that_the_commune_must_ask_for_is_locked() {
    for kind in catalogue().kinds() {
        for field in kind.fields().iter().filter(|f| f.writers == Writers::Request) {
            assert_eq!(field.rule, Rule::Locked, "{}.{}", kind.name, field.name);
        }
    }
}

fn act(ops: Vec<Op>) -> Act {
    Act {
        position: 1,
        claimed: Stamp::new(1, 0),
        person: "lan".into(),
        intent: Intent::Change,
        grounds: None,
        job: None,
        linked: None,
        ops: ops.into(),
    }
}

fn with_value(name: &str, value: Value) -> Act {
    let mut writes = edit("member", &[(name, Over::Nothing)]);
    writes.fields[0].value = value;
    act(vec![Op::Write(writes)])
}

#[test]
fn an_act_within_the_limits_passes() {
    let text = |t: &str| Value::Text(t.into());
    for (field, value) in [
        ("phone", text("0912 345 678")),
        ("phone", Value::Null),
        ("full_name", Value::Null),
        ("birth_date", Value::Date("1950-05".parse().unwrap())),
        ("list_no", Value::Int(7)),
    ] {
        assert_eq!(check_act(&with_value(field, value)), Ok(()), "{field}");
    }
    assert_eq!(check_act(&act(vec![])), Ok(()));
}

#[test]
fn a_value_that_breaks_its_field_holds_the_act() {
    let text = |t: &str| Value::Text(t.into());
    for (field, value) in [
        ("phone", text(&"9".repeat(41))),
        ("phone", Value::Int(5)),
        ("phone", text("a\u{200b}b")),
        ("full_name", text("Nguye\u{302}\u{303}n")),
        ("national_id", text("12345")),
        ("party_card_issued_on", Value::Date("1950-05".parse().unwrap())),
        ("list_no", Value::Int(100_000)),
    ] {
        assert_eq!(check_act(&with_value(field, value)), Err(Reason::InvalidValue), "{field}");
    }
}

/// Fault 41: a code or a type of value that only a newer node knows waits, and is not lost in a column that cannot hold it. [I2 I13]
#[test]
fn what_this_build_cannot_read_waits_for_a_newer_server() {
    let mut unknown_field = edit("member", &[("phone", Over::Nothing)]);
    unknown_field.fields[0].field = FieldId(60_000);
    let unknown_kind = RecordWrites { kind: KindId(60_000), ..edit("member", &[]) };
    for op in [Op::Write(unknown_field), Op::Write(unknown_kind), Op::Unknown(200, vec![])] {
        assert_eq!(check_act(&act(vec![op])), Err(Reason::NeedsNewerServer));
    }
    for (field, value) in [("sex", Value::Text("X".into())), ("phone", Value::Opaque(77, vec![1]))]
    {
        assert_eq!(check_act(&with_value(field, value)), Err(Reason::NeedsNewerServer), "{field}");
    }
}

/// Fault 33: who made an act, and on which grounds, must be seen as it is. [I10]
#[test]
fn an_act_says_of_itself_only_what_can_be_seen() {
    let plain = act(vec![Op::Write(edit("member", &[("phone", Over::Nothing)]))]);
    assert_eq!(check_act(&plain), Ok(()));
    for hidden in ["a\nb", "a\u{1b}[2J", "a\u{202e}b"] {
        let named = Act { person: hidden.into(), ..plain.clone() };
        let grounded = Act { grounds: Some(hidden.into()), ..plain.clone() };
        for said in [named, grounded] {
            assert_eq!(check_act(&said), Err(Reason::InvalidValue), "{hidden:?}");
        }
    }
}

#[test]
fn every_limit_on_an_act_holds_it() {
    let many = |n| smallvec::SmallVec::<[ActId; 1]>::from_vec(vec![some_act(); n]);
    let named = |n| edit("member", &[("phone", Over::Heads(many(n)))]);
    let retract = |n| act(vec![Op::Retract(vec![some_act(); n])]);
    let ops = |n| act(vec![Op::Decide(some_act(), Verdict::Approve); n]);
    let long = |n: usize| Op::Decide(some_act(), Verdict::Refuse("x".repeat(n)));
    let person = |n| Act { person: "x".repeat(n), ..act(vec![]) };
    let grounds = |n| Act { grounds: Some("x".repeat(n)), ..act(vec![]) };
    let cases = [
        (ops(limits::ACT_RECORDS_MAX), ops(limits::ACT_RECORDS_MAX + 1)),
        (retract(limits::RETRACT_ACTS_MAX), retract(limits::RETRACT_ACTS_MAX + 1)),
        (person(limits::PERSON_BYTES_MAX), person(limits::PERSON_BYTES_MAX + 1)),
        (grounds(limits::GROUNDS_BYTES_MAX), grounds(limits::GROUNDS_BYTES_MAX + 1)),
        (
            act(vec![Op::Write(named(limits::OVER_MAX))]),
            act(vec![Op::Write(named(limits::OVER_MAX + 1))]),
        ),
        (act(vec![long(1_000)]), act(vec![long(limits::ACT_BYTES_MAX + 1)])),
    ];
    for (at, (within, beyond)) in cases.iter().enumerate() {
        assert_eq!((at, check_act(within)), (at, Ok(())));
        assert_eq!((at, check_act(beyond)), (at, Err(Reason::OverLimit)));
    }
}

/// A head is known by its act: two writes of one act on one field would be one head with two values.
#[test]
fn an_act_may_write_a_field_once() {
    let phone = || edit("member", &[("phone", Over::Nothing)]);
    let twice = edit("member", &[("phone", Over::Nothing), ("phone", Over::Nothing)]);
    let unsorted = edit("member", &[("phone", Over::Nothing), ("name_in_use", Over::Nothing)]);
    let other = RecordWrites { record: RecordId([9; 16]), ..phone() };
    let refused = Err(Reason::InvalidValue);
    assert_eq!(check_act(&act(vec![Op::Write(twice)])), refused);
    assert_eq!(check_act(&act(vec![Op::Write(phone()), Op::Write(phone())])), refused);
    assert_eq!(check_act(&act(vec![Op::Write(phone()), Op::Write(other)])), Ok(()));
    assert_eq!(check_act(&act(vec![Op::Write(unsorted)])), Ok(()));
}
