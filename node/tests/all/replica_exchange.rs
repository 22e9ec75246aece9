//! What comes from the server: acknowledgements, states, outcomes; base and view; and words of the
//! server that do not hold.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Replica, ReplicaError, Staged, Word, draft};
use dongbo_proto::act::{FieldWrite, Intent, Op, Over, Projection, RecordWrites};
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::fate::{Fate, Outcome, Reason};
use dongbo_proto::frame::{Standing, States, Welcome};
use dongbo_proto::id::{ActId, Epoch, FieldId, ScopeId};
use dongbo_proto::value::Value;

const NOW: i64 = 1_700_000_000_000;

fn save(replica: &mut Replica, op: Op) -> u64 {
    let saved = replica.save(&[Draft::change("lan", op)], NOW, &mut entropy());
    saved.expect("the act is saved")[0].position
}

fn edit(replica: &mut Replica, n: u32, field: FieldId, value: &str) -> u64 {
    let shown = replica.record(record_id(n)).unwrap().unwrap();
    save(replica, draft::edit(&shown, [(field, text(value))]))
}

fn shown(replica: &Replica, n: u32, field: FieldId) -> Option<Value> {
    replica.record(record_id(n)).unwrap().and_then(|r| r.shown(field).cloned())
}

/// A province and a node that are in step on three members.
fn in_step(dir: &std::path::Path) -> (Province, Replica) {
    let mut province = Province::new(&[P, Q]);
    let mut replica = province.join(dir, 5);
    for n in 1..=3 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    (province, replica)
}

#[test]
fn acts_that_merged_as_written_move_to_base_without_an_echo() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    save(&mut replica, member(10, P, "Trần An"));
    edit(&mut replica, 1, PHONE, "1");
    edit(&mut replica, 1, PHONE, "2");
    edit(&mut replica, 10, EMAIL, "an@x.vn");
    let done = exchange(&mut province, &mut replica, Cut::None).unwrap();
    assert!(done.in_step, "{done:?}");
    assert_eq!(done.changed, 0, "facts were foreseen, so no row is written again");
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
    let equation = replica.equation().unwrap();
    assert_eq!((equation.entered, equation.merged, equation.unsent), (4, 4, 0));
}

#[test]
fn order_stamps_that_the_server_sets_replace_the_claims() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    province.shift_ms = -86_400_000;
    save(&mut replica, member(10, P, "Trần An"));
    edit(&mut replica, 1, PHONE, "1");
    edit(&mut replica, 10, EMAIL, "an@x.vn");
    let done = exchange(&mut province, &mut replica, Cut::None).unwrap();
    assert!(done.in_step && done.changed == 2, "{done:?}");
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

/// Counterexample 5: what was acknowledged stays in the view until base has it.
#[test]
fn an_acknowledged_act_stays_in_the_view_until_base_reaches_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    edit(&mut replica, 1, PHONE, "1");
    assert!(exchange(&mut province, &mut replica, Cut::AfterAcks).is_none());
    assert_eq!(shown(&replica, 1, PHONE), Some(text("1")));
    let facts = replica.facts().unwrap();
    assert_eq!((facts.acknowledged, facts.scopes[0].visible), (1, 3));
    assert_sound(&mut replica);
    edit(&mut replica, 1, PHONE, "2");
    assert!(meet(&mut province, &mut replica).in_step);
    assert_eq!(shown(&replica, 1, PHONE), Some(text("2")));
    assert_in_step(&province, &replica);
}

/// Fault 44: an edit made while an exchange applies stays on top. [I2 I5]
/// Counterexample 6: a page is not shown before everything that belongs to it.
#[test]
fn states_are_not_shown_before_complete_and_pending_edits_stay_on_top() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let seen = province.state(record_id(1)).unwrap();
    province.acts(draft::edit(&seen, [(PHONE, text("tỉnh")), (EMAIL, text("t@x.vn"))]));
    assert!(exchange(&mut province, &mut replica, Cut::AfterStates).is_none());
    let facts = replica.facts().unwrap();
    for page in province.pages(&facts.scopes[0], replica.author(), 9) {
        assert_eq!(replica.stage_alone(&page).unwrap(), Staged::Applied);
        assert_eq!(replica.stage_alone(&page).unwrap(), Staged::Skipped, "twice changes nothing");
    }
    assert_eq!(shown(&replica, 1, EMAIL), None);
    assert_sound(&mut replica);
    edit(&mut replica, 1, PHONE, "xã");
    edit(&mut replica, 1, WORK, "giáo viên");
    let complete = province.complete(&replica);
    let done = replica.complete_alone(&complete).unwrap();
    assert!(done.in_step, "base is in step though two acts are pending: {done:?}");
    let record = replica.record(record_id(1)).unwrap().unwrap();
    assert_eq!(record.field(PHONE).unwrap().heads.len(), 2, "neither knew of the other");
    assert_eq!(record.shown(PHONE), Some(&text("tỉnh")), "the province ranks higher");
    assert_eq!(record.shown(EMAIL), Some(&text("t@x.vn")));
    assert_eq!(record.shown(WORK), Some(&text("giáo viên")));
    assert_eq!(replica.conflicts(9).unwrap()[0].fields, [PHONE]);
    assert_sound(&mut replica);

    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    edit(&mut replica, 1, PHONE, "đã hỏi");
    assert_eq!(replica.conflicts(9).unwrap(), [], "an edit names every head and so settles");
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn held_acts_leave_the_view_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let ask = draft::edit(&province.state(record_id(1)).unwrap(), [(NAME, text("Lê Thị Hoa"))]);
    replica
        .save(&[Draft::change("lan", ask).with_intent(Intent::Request)], NOW, &mut entropy())
        .unwrap();
    edit(&mut replica, 2, PHONE, "2");
    assert!(meet(&mut province, &mut replica).in_step);
    let equation = replica.equation().unwrap();
    assert_eq!((equation.merged, equation.held, equation.unsent), (1, 1, 0));
    assert!(equation.holds());
    let held = replica.acts(1, 1, 9).unwrap();
    assert_eq!(held[0].fate, Some(Fate::Held(Reason::NeedsApproval)));
    let outcome = |sequence| Outcome {
        sequence,
        act: ActId::new(replica_author(), 1),
        fate: Fate::Refused(Reason::RefusedByProvince),
        text: "thiếu quyết định".into(),
        at_ms: 9,
    };
    let gap = replica.take_outcomes(&[outcome(2)]);
    assert!(matches!(gap, Err(ReplicaError::Word(Word::InboxGap))), "{gap:?}");
    replica.take_outcomes(&[outcome(1)]).unwrap();
    replica.take_outcomes(&[outcome(1), outcome(2)]).unwrap();
    assert_eq!(replica.inbox(0, 9).unwrap().len(), 2);
    assert_eq!(replica.facts().unwrap().inbox, 2);
    let refused = replica.acts(1, 1, 9).unwrap();
    assert_eq!(refused[0].fate, Some(Fate::Refused(Reason::RefusedByProvince)));
    assert_sound(&mut replica);
}

fn replica_author() -> dongbo_proto::id::AuthorId {
    dongbo_proto::id::AuthorId(5)
}

#[test]
fn an_undo_of_what_has_merged_shows_at_once_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let position = edit(&mut replica, 1, PHONE, "1");
    assert!(meet(&mut province, &mut replica).in_step);
    let undone = ActId::new(replica.author(), position);
    save(&mut replica, Op::Retract(vec![undone]));
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0900000001")));
    assert_sound(&mut replica);
    assert!(meet(&mut province, &mut replica).in_step);
    assert_eq!(shown(&replica, 1, PHONE), Some(text("0900000001")));
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn a_scope_is_filled_in_place_in_pages_and_again_when_its_digest_differs() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    for n in 1..=5 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    let mut replica = province.join(dir.path(), 5);
    let facts = replica.facts().unwrap();
    let pages = province.pages(&facts.scopes[0], replica.author(), 2);
    assert_eq!(pages.len(), 3);
    replica.stage_alone(&pages[0]).unwrap();
    replica.stage_alone(&pages[1]).unwrap();
    assert_eq!(replica.count(MEMBER).unwrap(), 4, "what is filled is shown");
    let cursor = replica.facts().unwrap().scopes[0];
    assert_eq!((cursor.visible, cursor.staged, cursor.filled_to), (0, 5, Some(record_id(4))));

    // The link was cut; meanwhile a record that is filled already changes.
    province.acts(draft::edit(&province.state(record_id(1)).unwrap(), [(PHONE, text("mới"))]));
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);

    // A record that the server does not have, and one that differs: staged behind what is shown.
    edit(&mut replica, 2, EMAIL, "chưa gửi");
    let mut wrong = province.complete(&replica);
    let mut checkpoint = province.checkpoint();
    checkpoint.marks[0].revision += 1;
    checkpoint.marks[0].digest = Default::default();
    checkpoint.signature = province.signer.sign(&checkpoint.signed_bytes()).to_vec();
    wrong.checkpoint = Some(checkpoint);
    let done = replica.complete_alone(&wrong).unwrap();
    assert_eq!((done.in_step, done.mismatched.as_slice()), (false, [P].as_slice()));
    assert_eq!(replica.count(MEMBER).unwrap(), 5, "nothing is thrown away");
    assert_eq!(shown(&replica, 2, EMAIL), Some(text("chưa gửi")));
    province.acts(draft::edit(&province.state(record_id(3)).unwrap(), [(PHONE, text("sau"))]));
    province.acts(draft::edit(&province.state(record_id(4)).unwrap(), [(PHONE, text("sau"))]));
    province.records.remove(&record_id(5));
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_eq!(replica.status().unwrap().scopes[0].refills, 1);
    assert_sound(&mut replica);
}

/// Story 3: a record that left takes no unsent edit with it.
/// Story 4: nothing unsent is deleted.
#[test]
fn a_record_that_left_is_gone_from_rows_and_search_and_a_late_edit_is_still_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    edit(&mut replica, 2, PHONE, "chưa gửi");
    let facts = replica.facts().unwrap();
    let at = facts.scopes[0].visible;
    let gone = vec![(record_id(2), MEMBER)];
    let page = States { scope: P, from: at, to: at + 1, filling: false, records: vec![], gone };
    assert_eq!(replica.stage_alone(&page).unwrap(), Staged::Applied);
    assert_eq!(replica.count(MEMBER).unwrap(), 3, "it is here until complete");
    province.scopes.get_mut(&P).unwrap().revision += 1;
    let left = province.records.remove(&record_id(2)).unwrap();
    let complete = province.complete(&replica);
    assert!(replica.complete_alone(&complete).unwrap().in_step);
    assert_eq!(replica.record(record_id(2)).unwrap(), None);
    assert_eq!(replica.search("hoa", 9).unwrap().len(), 2);
    assert_sound(&mut replica);
    assert_eq!(replica.acts_after(0, 9, 1 << 20).unwrap().unwrap().count, 1);
    province.records.insert(record_id(2), left);
    province.records.get_mut(&record_id(2)).unwrap().home = Q;
    assert!(
        !exchange(&mut province, &mut replica, Cut::None).unwrap().in_step
            || replica.record(record_id(2)).unwrap().is_some()
    );
    assert_sound(&mut replica);
}

#[test]
fn a_withdrawn_scope_takes_its_records_at_the_next_complete() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    province.acts(member(20, Q, "Phạm Bình"));
    assert!(meet(&mut province, &mut replica).in_step);
    province.grants.retain(|g| g.scope == P);
    replica
        .welcome(&Welcome {
            epoch: province.epoch,
            ancestors: vec![],
            position: 0,
            head: None,
            server_ms: 9,
            schema: 1,
            standing: Standing::Good,
            grants: Some(province.grants.clone()),
        })
        .unwrap();
    assert!(replica.record(record_id(20)).unwrap().is_some());
    let complete = province.complete(&replica);
    assert!(replica.complete_alone(&complete).unwrap().in_step);
    assert_eq!(replica.record(record_id(20)).unwrap(), None);
    assert_eq!(replica.facts().unwrap().scopes.len(), 1);
    assert_sound(&mut replica);
}

#[test]
fn a_guest_shows_what_its_projection_shows_and_more_where_another_scope_does() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    let away = ScopeId(50);
    province.acts(draft::create(
        record_id(30),
        MEMBER,
        away,
        [(NAME, text("Vũ Cường")), (PHONE, text("0977")), (WORK, text("thợ mộc"))],
    ));
    let whole = province.state(record_id(30)).unwrap();
    let seen = |projection| (projection, whole.project(projection));
    assert!(seen(Projection::Visitor).1.fields.len() < seen(Projection::Transfer).1.fields.len());
    let stage = |replica: &mut Replica,
                 province: &mut Province,
                 scope: ScopeId,
                 projection: Option<Projection>| {
        let at = replica.facts().unwrap().scopes.iter().find(|s| s.scope == scope).unwrap().staged;
        let records = projection.map(seen).into_iter().collect();
        let gone = if projection.is_none() { vec![(record_id(30), MEMBER)] } else { vec![] };
        let page = States { scope, from: at, to: at + 1, filling: false, records, gone };
        assert_eq!(replica.stage_alone(&page).unwrap(), Staged::Applied);
        province.scopes.get_mut(&scope).unwrap().revision += 1;
    };
    let finish =
        |replica: &mut Replica, province: &mut Province, guests: &[(ScopeId, Projection)]| {
            let mut checkpoint = province.checkpoint();
            for (scope, projection) in guests {
                let mark = checkpoint.marks.iter_mut().find(|m| m.scope == *scope).unwrap();
                mark.digest.add(dongbo_proto::digest::of_projected(&whole, *projection));
            }
            checkpoint.signature = province.signer.sign(&checkpoint.signed_bytes()).to_vec();
            let complete = dongbo_proto::frame::Complete {
                checkpoint: Some(checkpoint),
                ..province.complete(replica)
            };
            assert_eq!(replica.complete_alone(&complete).unwrap().mismatched, []);
            assert_sound(replica);
        };
    let (visitor, transfer) = (Projection::Visitor, Projection::Transfer);
    province.acts(member(31, Q, "Q có người"));
    assert!(meet(&mut province, &mut replica).in_step);
    stage(&mut replica, &mut province, P, Some(visitor));
    finish(&mut replica, &mut province, &[(P, visitor)]);
    assert_eq!(replica.record(record_id(30)).unwrap(), Some(whole.project(visitor)));
    stage(&mut replica, &mut province, Q, Some(transfer));
    finish(&mut replica, &mut province, &[(P, visitor), (Q, transfer)]);
    assert_eq!(replica.record(record_id(30)).unwrap(), Some(whole.project(transfer)));
    stage(&mut replica, &mut province, Q, None);
    finish(&mut replica, &mut province, &[(P, visitor)]);
    assert_eq!(
        replica.record(record_id(30)).unwrap(),
        Some(whole.project(visitor)),
        "what Q showed is gone"
    );
    stage(&mut replica, &mut province, P, None);
    finish(&mut replica, &mut province, &[]);
    assert_eq!(replica.record(record_id(30)).unwrap(), None);
}

#[test]
fn words_that_do_not_hold_are_named_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    edit(&mut replica, 1, PHONE, "1");
    let batch = replica.acts_after(0, 9, 1 << 20).unwrap().unwrap();
    let (runs, receipt) = province.receive(&batch);
    let before = replica.facts().unwrap();
    let word = |result: Result<(), ReplicaError>| match result {
        Err(ReplicaError::Word(word)) => word,
        other => panic!("{other:?}"),
    };
    let mut forged = receipt.clone();
    forged.merged = 0;
    forged.refused = 1;
    assert_eq!(word(replica.acknowledge(&runs, &forged)), Word::ReceiptSignature);
    let signed = |mut r: dongbo_proto::fate::Receipt| {
        r.signature = province.signer.sign(&r.signed_bytes()).to_vec();
        r
    };
    let mut other = receipt.clone();
    other.chain = Default::default();
    assert_eq!(word(replica.acknowledge(&runs, &signed(other))), Word::ReceiptMismatch);
    let mut other = receipt.clone();
    other.epoch = Epoch([1; 16]);
    assert_eq!(word(replica.acknowledge(&runs, &signed(other))), Word::ReceiptForOther);
    let mut late = runs.clone();
    late[0].first += 1;
    assert_eq!(word(replica.acknowledge(&late, &receipt)), Word::AckGap);
    let mut sums = receipt.clone();
    sums.held = 1;
    assert_eq!(word(replica.acknowledge(&runs, &signed(sums))), Word::ReceiptSum);
    assert_eq!(replica.facts().unwrap(), before);

    let complete = province.complete(&replica);
    let mut back = province.checkpoint();
    back.marks[0].revision = 1;
    back.signature = province.signer.sign(&back.signed_bytes()).to_vec();
    let went_back = dongbo_proto::frame::Complete { checkpoint: Some(back), ..complete.clone() };
    assert_eq!(word(replica.complete_alone(&went_back).map(drop)), Word::CheckpointWentBack);
    let mut forged = province.checkpoint();
    forged.marks[0].revision += 1;
    let forged = dongbo_proto::frame::Complete { checkpoint: Some(forged), ..complete };
    assert_eq!(word(replica.complete_alone(&forged).map(drop)), Word::CheckpointSignature);
    assert_eq!(replica.facts().unwrap(), before);

    let welcome = Welcome {
        epoch: Epoch([2; 16]),
        ancestors: vec![],
        position: 0,
        head: None,
        server_ms: 9,
        schema: 1,
        standing: Standing::Good,
        grants: None,
    };
    assert_eq!(word(replica.welcome(&welcome)), Word::ForeignEpoch);
    replica.acknowledge(&runs, &receipt).unwrap();
    assert_sound(&mut replica);
}

/// Counterexample 6: an act in two scopes shows in both or in neither.
#[test]
fn an_act_of_several_records_in_several_scopes_waits_for_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = in_step(dir.path());
    save(&mut replica, member(20, Q, "Phạm Bình"));
    assert!(meet(&mut province, &mut replica).in_step);
    let write = |n: u32| {
        Op::Write(RecordWrites {
            record: record_id(n),
            kind: MEMBER,
            create: None,
            under: None,
            fields: vec![FieldWrite { field: PHONE, value: text("chung"), over: Over::Creation }],
        })
    };
    let both =
        Draft { ops: smallvec::smallvec![write(1), write(20)], ..Draft::change("lan", write(1)) };
    replica.save(&[both], NOW, &mut entropy()).unwrap();
    edit(&mut replica, 1, PHONE, "sau");
    assert_sound(&mut replica);
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}
