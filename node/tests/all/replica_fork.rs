//! A journal that parted from the one at the province goes on under another author id.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Replica, draft};
use dongbo_proto::act::Op;
use dongbo_proto::id::{AuthorId, FieldId};
use dongbo_proto::value::Value;

const NOW: i64 = 1_700_000_000_000;
const FIRST: u64 = 5;
const SECOND: AuthorId = AuthorId(77);

fn save(replica: &mut Replica, ops: impl IntoIterator<Item = Op>) {
    let drafts: Vec<Draft> = ops.into_iter().map(|op| Draft::change("lan", op)).collect();
    replica.save(drafts, NOW, &mut entropy()).expect("saved");
}

fn edit(replica: &mut Replica, field: FieldId, value: &str) {
    let shown = replica.record(record_id(1)).unwrap().unwrap();
    save(replica, [draft::edit(&shown, [(field, text(value))])]);
}

fn shown(replica: &Replica, field: FieldId) -> Option<Value> {
    replica.record(record_id(1)).unwrap().and_then(|r| r.shown(field).cloned())
}

/// Two acts at the province, and four that are not: the last takes the one before it back.
fn office(dir: &std::path::Path) -> Replica {
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir, FIRST);
    save(&mut replica, [member(1, P, "Lê Hoa"), member(2, P, "Trần An")]);
    assert!(meet(&mut province, &mut replica).in_step);
    edit(&mut replica, PHONE, "1");
    edit(&mut replica, PHONE, "2");
    edit(&mut replica, EMAIL, "a@x.vn");
    let last = replica.id_at(5).unwrap();
    save(&mut replica, [Op::Retract(vec![last])]);
    replica
}

/// What was saved since the last common position goes on, and nothing that is shown changes.
/// Fault 9: a journal that parted goes on under another id. [I2 I4 I6 I12]
#[test]
fn what_is_shown_stays_and_the_acts_behind_the_last_common_one_have_another_author() {
    for at in 2..=6 {
        let dir = tempfile::tempdir().unwrap();
        let mut replica = office(dir.path());
        let before = (shown(&replica, PHONE), shown(&replica, EMAIL));
        replica.fork(at, SECOND, &mut entropy()).unwrap();
        assert_eq!((shown(&replica, PHONE), shown(&replica, EMAIL)), before, "behind {at}");
        assert_eq!(replica.author(), SECOND);
        for position in 1..=6 {
            let author = if position <= at { AuthorId(FIRST) } else { SECOND };
            assert_eq!(replica.id_at(position).unwrap().author, author);
        }
        assert_sound(&mut replica);
        drop(replica);
        let mut again = Replica::open(dir.path(), &key()).unwrap();
        assert_eq!((shown(&again, PHONE), shown(&again, EMAIL)), before);
        assert_eq!((again.author(), again.facts().unwrap().position), (SECOND, 6));
        assert_sound(&mut again);
    }
}

#[test]
fn acts_that_name_each_other_still_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = office(dir.path());
    replica.fork(2, SECOND, &mut entropy()).unwrap();
    // The second phone replaced the first, and the last act took back the e-mail: both by id.
    let record = replica.record(record_id(1)).unwrap().unwrap();
    let heads: Vec<_> = record.field(PHONE).unwrap().heads.iter().map(|h| h.act).collect();
    assert_eq!(heads, [replica.id_at(4).unwrap()]);
    let undo = replica.act(6).unwrap().unwrap();
    assert!(
        matches!(&undo.act.ops[..], [Op::Retract(acts)] if *acts == [replica.id_at(5).unwrap()])
    );
}

#[test]
fn a_batch_is_of_one_author() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = office(dir.path());
    replica.fork(4, SECOND, &mut entropy()).unwrap();
    let first = replica.acts_after(2, 100, 1 << 20).unwrap().unwrap();
    assert_eq!((first.author, first.first, first.count), (AuthorId(FIRST), 3, 2));
    let second = replica.acts_after(4, 100, 1 << 20).unwrap().unwrap();
    assert_eq!((second.author, second.first, second.count), (SECOND, 5, 2));
    assert_eq!(second.before, first.after, "one chain");
}

/// The log holds the acts as they were; the machine dies before it is written anew.
#[test]
fn an_outbox_from_before_the_fork_is_written_anew_at_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = office(dir.path());
    let log = dir.path().join(dongbo_node::replica::OUTBOX_FILE);
    let before = std::fs::read(&log).unwrap();
    replica.fork(3, SECOND, &mut entropy()).unwrap();
    let parted = std::fs::read(&log).unwrap();
    assert_ne!(before, parted);
    drop(replica);
    let mut again = Replica::open(dir.path(), &key()).unwrap();
    assert_eq!(again.opened().rewound, 0);
    assert_sound(&mut again);
    // And what is saved next goes behind it.
    edit(&mut again, PHONE, "3");
    drop(again);
    let mut again = Replica::open(dir.path(), &key()).unwrap();
    assert_eq!(shown(&again, PHONE), Some(text("3")));
    assert_sound(&mut again);
}

#[test]
fn a_second_fork_goes_on_from_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = office(dir.path());
    replica.fork(3, SECOND, &mut entropy()).unwrap();
    replica.fork(5, AuthorId(78), &mut entropy()).unwrap();
    let forks = replica.facts().unwrap().forks;
    let line: Vec<_> = forks.iter().map(|f| (f.parent.0, f.author.0, f.at)).collect();
    assert_eq!(line, [(FIRST, 77, 3), (77, 78, 5)]);
    assert_sound(&mut replica);
}
