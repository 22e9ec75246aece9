//! Two carriers at one replica: what each was told counts only while nobody else has moved it.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Replica, Staged, draft};
use dongbo_proto::act::Op;

const NOW: i64 = 1_700_000_000_000;

fn in_step(dir: &std::path::Path) -> (Province, Replica) {
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir, 5);
    save(&mut replica, member(1, P, "Nguyễn Hoa"));
    assert!(meet(&mut province, &mut replica).in_step);
    (province, replica)
}

fn save(replica: &mut Replica, op: Op) {
    replica.save(&[Draft::change("lan", op)], NOW, &mut entropy()).expect("the act is saved");
}

fn edit(replica: &mut Replica, email: &str) {
    let seen = replica.record(record_id(1)).unwrap().unwrap();
    save(replica, draft::edit(&seen, [(EMAIL, text(email))]));
}

fn province_edits(province: &mut Province, phone: &str) {
    let seen = province.state(record_id(1)).unwrap();
    province.acts(draft::edit(&seen, [(PHONE, text(phone))]));
}

fn shown(
    replica: &Replica,
    field: dongbo_proto::id::FieldId,
) -> Option<dongbo_proto::value::Value> {
    replica.record(record_id(1)).unwrap().unwrap().shown(field).cloned()
}

/// Seed 3047 of the simulator: an answer on a stick was taken in while a stream was open, whose
/// server went on as if it had not been.
#[test]
fn a_carrier_that_was_overtaken_takes_nothing_in_and_greets_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    province_edits(&mut province, "1");
    let (mut stream, facts) = (replica.turn().unwrap(), replica.facts().unwrap());
    let late = province.pages(&facts.scopes[0], replica.author(), 9);
    let late_complete = province.complete(&replica);

    province_edits(&mut province, "2");
    assert!(exchange(&mut province, &mut replica, Cut::None).unwrap().in_step);
    let here = replica.facts().unwrap();
    let staged = replica.stage(&on_their_way(&late), facts.acknowledged, &mut stream).unwrap();
    assert_eq!(staged, [Staged::Overtaken]);
    let done = replica.complete(&late_complete, &mut stream).unwrap();
    assert!(done.overtaken && done.mismatched.is_empty() && !done.in_step, "{done:?}");
    assert_eq!(replica.facts().unwrap(), here, "nothing was changed");
    assert_eq!(shown(&replica, PHONE), Some(text("2")));

    province_edits(&mut province, "3");
    assert!(exchange(&mut province, &mut replica, Cut::None).unwrap().in_step, "it greets again");
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn a_page_of_another_carrier_overtakes_as_a_completion_does() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let (mut one, mut other) = (replica.turn().unwrap(), replica.turn().unwrap());
    let facts = replica.facts().unwrap();
    let early = province.complete(&replica);
    province_edits(&mut province, "1");
    let pages = province.pages(&facts.scopes[0], replica.author(), 9);
    assert_eq!(replica.stage(&on_their_way(&pages), 0, &mut one).unwrap(), [Staged::Applied]);
    let done = replica.complete(&early, &mut other).unwrap();
    assert!(done.overtaken, "what is staged here is newer than its marks: {done:?}");
    let complete = province.complete(&replica);
    assert!(replica.complete(&complete, &mut one).unwrap().in_step);
    assert_in_step(&province, &replica);
}

/// A file is written, the link comes for a moment and takes an act away, and then the answer to the
/// file arrives: its states are from before that act, however much is acknowledged by now.
#[test]
fn states_contain_what_their_carrier_had_acknowledged_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let (facts, mut file) = (replica.facts().unwrap(), replica.turn().unwrap());
    province_edits(&mut province, "tỉnh");
    let pages = province.pages(&facts.scopes[0], replica.author(), 9);
    let complete = province.complete(&replica);

    edit(&mut replica, "hoa@x.vn");
    assert!(exchange(&mut province, &mut replica, Cut::AfterAcks).is_none());
    assert_eq!(replica.facts().unwrap().acknowledged, facts.acknowledged + 1);
    replica.stage(&on_their_way(&pages), facts.acknowledged, &mut file).unwrap();
    assert!(replica.complete(&complete, &mut file).unwrap().in_step);
    assert_eq!(shown(&replica, PHONE), Some(text("tỉnh")));
    assert_eq!(shown(&replica, EMAIL), Some(text("hoa@x.vn")), "what was saved stays in sight");
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn a_receipt_that_another_carrier_has_overtaken_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let early = province.receipt(replica.author());
    edit(&mut replica, "hoa@x.vn");
    assert!(meet(&mut province, &mut replica).in_step);
    let here = replica.facts().unwrap();
    replica.acknowledge(&[], &early).unwrap();
    assert_eq!(replica.facts().unwrap(), here);
    assert_sound(&mut replica);
}
