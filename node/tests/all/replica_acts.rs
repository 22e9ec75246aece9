//! Local acts: saved, durable, shown, found, undone; and what is refused.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Filter, Replica, ReplicaError, Staged, draft};
use dongbo_proto::act::{Intent, JobItem, Op};
use dongbo_proto::catalogue::kind::{EXIT, MEMBER};
use dongbo_proto::fate::Reason;
use dongbo_proto::frame::States;
use dongbo_proto::id::{ActId, JobId, ScopeId};
use dongbo_proto::value::Value;

const NOW: i64 = 1_700_000_000_000;

fn save(replica: &mut Replica, op: Op) -> u64 {
    let saved = replica.save(&[Draft::change("lan", op)], NOW, &mut entropy());
    saved.expect("the act is saved")[0].position
}

fn edit(replica: &mut Replica, n: u32, field: dongbo_proto::id::FieldId, value: &str) -> u64 {
    let shown = replica.record(record_id(n)).unwrap().unwrap();
    save(replica, draft::edit(&shown, [(field, text(value))]))
}

fn shown(replica: &Replica, n: u32, field: dongbo_proto::id::FieldId) -> Option<Value> {
    replica.record(record_id(n)).unwrap().and_then(|r| r.shown(field).cloned())
}

#[test]
fn what_is_saved_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    save(&mut replica, member(1, P, "Nguyễn Văn Đức"));
    edit(&mut replica, 1, PHONE, "0912");
    let facts = replica.facts().unwrap();
    assert_sound(&mut replica);
    drop(replica);
    let mut replica = Replica::open(dir.path(), &key()).unwrap();
    assert_eq!(replica.facts().unwrap(), facts);
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0912")));
    assert_eq!((facts.position, facts.acknowledged), (2, 0));
    assert_eq!(replica.equation().unwrap().unsent, 2);
    assert!(replica.equation().unwrap().holds());
    assert_eq!(replica.opened(), Default::default());
    assert_sound(&mut replica);
}

#[test]
fn search_ignores_tone_marks_and_follows_edits() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    save(&mut replica, member(1, P, "Nguyễn Văn Đức"));
    save(&mut replica, member(2, P, "Trần Thị Hoa"));
    let found = |r: &Replica, typed: &str| -> Vec<_> {
        r.search(typed, 10).unwrap().iter().map(|r| r.id).collect()
    };
    assert_eq!(found(&replica, "nguyen van duc"), [record_id(1)]);
    assert_eq!(found(&replica, "DUC ngu"), [record_id(1)]);
    assert_eq!(found(&replica, "hoa nguyen"), []);
    edit(&mut replica, 1, PHONE, "0123");
    assert_eq!(found(&replica, "0123"), [record_id(1)]);
    edit(&mut replica, 1, NAME, "Lê Đình Ửng");
    assert_eq!(found(&replica, "nguyen van duc"), []);
    assert_eq!(found(&replica, "ung le"), [record_id(1)]);
    assert_sound(&mut replica);
}

#[test]
fn voided_records_are_not_listed() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P, Q]).join(dir.path(), 5);
    for n in 1..=4 {
        save(&mut replica, member(n, if n == 4 { Q } else { P }, "Lê Hoa"));
    }
    edit(&mut replica, 2, dongbo_proto::catalogue::field::VOID, "nhập nhầm");
    let ids = |filter: &Filter| -> Vec<_> {
        replica.list(MEMBER, filter, 10).unwrap().iter().map(|r| r.id).collect()
    };
    assert_eq!(ids(&Filter::default()), [1, 3, 4].map(record_id));
    assert_eq!(
        ids(&Filter { voided: true, offset: 1, ..Filter::default() }),
        [2, 3, 4].map(record_id)
    );
    assert_eq!(ids(&Filter { scope: Some(Q), ..Filter::default() }), [record_id(4)]);
    let phone = Filter { equals: vec![(PHONE, text("0900000003"))], ..Filter::default() };
    assert_eq!(ids(&phone), [record_id(3)]);
    assert_eq!(replica.search("hoa", 10).unwrap().len(), 3);
}

#[test]
fn an_undo_brings_back_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let me = replica.author();
    save(&mut replica, member(1, P, "Lê Hoa"));
    let first = edit(&mut replica, 1, PHONE, "1111");
    let second = edit(&mut replica, 1, PHONE, "2222");
    save(&mut replica, Op::Retract(vec![ActId::new(me, second)]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("1111")));
    save(&mut replica, Op::Retract(vec![ActId::new(me, first)]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0900000001")));
    assert_sound(&mut replica);
    let third = edit(&mut replica, 1, PHONE, "3333");
    let fourth = edit(&mut replica, 1, PHONE, "4444");
    save(&mut replica, Op::Retract(vec![ActId::new(me, third), ActId::new(me, fourth)]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0900000001")));
    assert_sound(&mut replica);
}

#[test]
fn an_undo_of_the_older_of_two_shows_through_when_the_newer_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let me = replica.author();
    save(&mut replica, member(1, P, "Lê Hoa"));
    let first = edit(&mut replica, 1, PHONE, "1111");
    let second = edit(&mut replica, 1, PHONE, "2222");
    save(&mut replica, Op::Retract(vec![ActId::new(me, first)]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("2222")));
    save(&mut replica, Op::Retract(vec![ActId::new(me, second)]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0900000001")));
    assert_sound(&mut replica);
}

#[test]
fn jobs_are_listed_with_their_acts() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let job = JobId([4; 16]);
    let drafts: Vec<Draft> = (1..=5)
        .map(|n| Draft {
            job: (n != 3).then_some(JobItem { job, item: n, of: 4 }),
            ..Draft::change("lan", member(n, P, "Lê Hoa")).with_intent(Intent::Import)
        })
        .collect();
    replica.save(drafts, NOW, &mut entropy()).unwrap();
    let jobs = replica.jobs(10).unwrap();
    assert_eq!(
        (jobs.len(), jobs[0].first, jobs[0].last, jobs[0].items, jobs[0].of),
        (1, 1, 5, 4, 4)
    );
    assert_eq!(replica.job_acts(job).unwrap(), [1, 2, 4, 5]);
}

#[test]
fn what_the_province_could_not_take_is_not_saved_and_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let good = Draft::change("lan", member(1, P, "Lê Hoa"));
    let long = Draft::change(
        "lan",
        draft::create(record_id(2), MEMBER, P, [(PHONE, text(&"9".repeat(41)))]),
    );
    let refused = replica.save(&[good.clone(), long], NOW, &mut entropy());
    assert!(
        matches!(refused, Err(ReplicaError::Refused { draft: 1, reason: Reason::InvalidValue })),
        "{refused:?}"
    );
    let elsewhere = Draft::change("lan", member(2, Q, "Lê Hoa"));
    let refused = replica.save(&[good.clone(), elsewhere], NOW, &mut entropy());
    assert!(matches!(refused, Err(ReplicaError::ScopeNotHeld(scope)) if scope == Q), "{refused:?}");
    let twice = replica.save(&[good.clone(), good], NOW, &mut entropy());
    assert!(matches!(twice, Err(ReplicaError::RecordExists(_))), "{twice:?}");
    assert_eq!(replica.facts().unwrap().position, 0);
    assert_eq!(replica.count(MEMBER).unwrap(), 0);
    assert!(!dir.path().join("outbox.log").exists());
    assert_sound(&mut replica);
}

#[test]
fn a_request_changes_nothing_until_it_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    save(&mut replica, member(1, P, "Lê Hoa"));
    let shown_now = replica.record(record_id(1)).unwrap().unwrap();
    let op = draft::edit(&shown_now, [(NAME, text("Lê Thị Hoa"))]);
    let ask = Draft::change("lan", op).with_intent(Intent::Request);
    replica.save(&[ask], NOW, &mut entropy()).unwrap();
    assert_eq!(shown(&replica, 1, NAME), Some(text("Lê Hoa")));
    assert_eq!(replica.pending(10).unwrap().len(), 2);
    assert_eq!(replica.history_here(record_id(1)).unwrap().len(), 2);
    assert_sound(&mut replica);
}

/// Fault 45: one person entered twice is listed for people to look at. [I2]
/// Story 6: what must be unique becomes a question, never a lost row.
#[test]
fn rows_entered_twice_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let kind = dongbo_proto::catalogue::catalogue().kind(EXIT).unwrap();
    assert!(!kind.natural_key.is_empty());
    let subject = Value::Ref(record_id(1));
    let fields: Vec<_> = kind
        .natural_key
        .iter()
        .map(|id| (*id, sample(&kind.field(*id).unwrap().ty, subject.clone())))
        .collect();
    for n in 10..13 {
        let fields = if n == 12 { vec![fields[0].clone()] } else { fields.clone() };
        save(&mut replica, draft::create(record_id(n), EXIT, P, fields));
    }
    let found = replica.duplicates(EXIT, 10).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].records, [record_id(10), record_id(11)]);
}

fn sample(ty: &dongbo_proto::catalogue::FieldType, subject: Value) -> Value {
    use dongbo_proto::catalogue::FieldType as T;
    match ty {
        T::Ref(_) => subject,
        T::Date { .. } => Value::Date("2020-05-01".parse().unwrap()),
        T::Int { min, .. } => Value::Int(*min),
        T::Bool => Value::Int(1),
        T::Code(table) => {
            let codes = dongbo_proto::catalogue::catalogue().codes(table).unwrap();
            Value::Text(codes.entries[0].code.clone())
        }
        T::Text { .. } => text("x"),
        T::Digits { min, .. } => text(&"1".repeat(usize::from(*min))),
    }
}

#[test]
fn a_field_that_a_newer_build_gave_another_type_is_carried() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    let odd = Value::Opaque(77, vec![1, 2, 3]);
    let unknown = dongbo_proto::id::FieldId(900);
    province.acts(draft::create(
        record_id(1),
        MEMBER,
        P,
        [(PHONE, odd.clone()), (unknown, text("mới")), (NAME, text("Lê Hoa"))],
    ));
    province.acts(draft::create(
        record_id(2),
        dongbo_proto::id::KindId(999),
        P,
        [(PHONE, text("?"))],
    ));
    let done = meet(&mut province, &mut replica);
    assert!(done.in_step, "{done:?}");
    assert_eq!(shown(&replica, 1, PHONE), Some(odd));
    assert_eq!(shown(&replica, 1, unknown), Some(text("mới")));
    assert_eq!(shown(&replica, 2, PHONE), Some(text("?")));
    edit(&mut replica, 1, EMAIL, "a@b.vn");
    assert_eq!(shown(&replica, 1, unknown), Some(text("mới")));
    assert_eq!(replica.record(record_id(2)).unwrap(), province.state(record_id(2)));
    assert_sound(&mut replica);
}

#[test]
fn a_page_of_a_scope_that_is_not_held_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    let page = States {
        scope: ScopeId(99),
        from: 0,
        to: 1,
        filling: false,
        records: vec![],
        gone: vec![],
    };
    assert_eq!(replica.stage_alone(&page).unwrap(), Staged::Skipped);
}
