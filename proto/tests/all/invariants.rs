//! Each invariant holds where it should and finds what it should: a check that cannot fail checks
//! nothing.

use std::collections::BTreeSet;

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::Rule;
use dongbo_proto::chain;
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::{Checkpoint, Receipt, ScopeMark};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::invariant::{self as inv, Found, Promise};
use dongbo_proto::merge::Written;
use dongbo_proto::record::{FieldState, Head, Named, Origin, Rank, Record};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;

fn act(n: u64) -> ActId {
    ActId::new(AuthorId(1), n)
}

fn write(n: u64, over: &[u64]) -> Written {
    let origin = Origin { act: act(n), stamp: Stamp::new(n as i64, 0), rank: Rank::Home };
    let over: Named = over.iter().map(|n| act(*n)).collect();
    Written { origin, value: Value::Int(n as i64), over }
}

fn state(heads: &[u64]) -> FieldState {
    let head = |n: &u64| Head::new(write(*n, &[]).origin, Value::Int(*n as i64));
    FieldState { heads: heads.iter().map(head).collect(), ..Default::default() }
}

fn finds(found: Found, promise: Promise, code: &str) {
    let finding = found.unwrap_or_else(|| panic!("{code} finds nothing"));
    assert_eq!((finding.promise, finding.code), (promise, code));
    assert!(finding.to_string().starts_with(&format!("promise {}", promise as u8)));
}

#[test]
fn promise_1_what_was_said_to_be_saved_is_there() {
    assert_eq!(inv::kept([1, 2, 3], 3), None);
    finds(inv::kept([1, 4], 3), Promise::Durable, "saved-act-lost");
    assert_eq!(inv::outbox_covers(None, 0, 3, 3), None, "nothing unsent");
    assert_eq!(inv::outbox_covers(Some(2), 5, 3, 5), None, "begins before, ends with the journal");
    finds(inv::outbox_covers(Some(5), 5, 3, 5), Promise::Durable, "outbox-incomplete");
    finds(inv::outbox_covers(Some(4), 4, 3, 5), Promise::Durable, "outbox-incomplete");
    finds(inv::outbox_covers(None, 0, 3, 5), Promise::Durable, "outbox-incomplete");
}

#[test]
fn promise_2_nothing_is_lost() {
    assert_eq!(inv::equation_holds(10, 6, 2, 1, 1), None);
    finds(inv::equation_holds(10, 6, 2, 1, 0), Promise::NothingLost, "equation");
    finds(inv::equation_holds(1, u64::MAX, 2, 0, 0), Promise::NothingLost, "equation");
    assert_eq!(inv::positions_gapless(4, [4, 5, 6]), None);
    finds(inv::positions_gapless(4, [4, 6]), Promise::NothingLost, "position-gap");
    finds(inv::inbox_gapless([2]), Promise::NothingLost, "inbox-gap");
    finds(inv::revisions_gapless(1, [1, 1]), Promise::NothingLost, "revision-gap");
    let writes = [write(1, &[]), write(2, &[1]), write(3, &[1])];
    let none = BTreeSet::new();
    assert_eq!(inv::values_accounted_for(&writes, &none, &state(&[2, 3])), None);
    finds(
        inv::values_accounted_for(&writes, &none, &state(&[3])),
        Promise::NothingLost,
        "value-lost",
    );
    let undone = BTreeSet::from([act(2)]);
    assert_eq!(inv::values_accounted_for(&writes, &undone, &state(&[3])), None);
}

#[test]
fn promise_3_in_step() {
    let (a, b) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    assert_eq!(inv::digests_equal(ScopeId(5), a, a), None);
    finds(inv::digests_equal(ScopeId(5), a, b), Promise::InStep, "digest");
    let mark = ScopeMark { scope: ScopeId(5), revision: 7, chain: Hash([1; 32]), digest: a };
    assert_eq!(inv::marks_equal(&mark, &mark), None);
    finds(inv::marks_equal(&mark, &ScopeMark { digest: b, ..mark }), Promise::InStep, "mark");
}

#[test]
fn promise_4_knowing_beats_time() {
    let writes = [write(1, &[]), write(2, &[1])];
    let none = BTreeSet::new();
    assert_eq!(inv::heads_are_unnamed(&writes, &none, &state(&[2])), None);
    finds(
        inv::heads_are_unnamed(&writes, &none, &state(&[1, 2])),
        Promise::KnowingBeatsTime,
        "heads",
    );
    assert_eq!(inv::shown_is_chosen(Rule::Authority, &state(&[1, 2]), Some(act(2))), None);
    let wrong = inv::shown_is_chosen(Rule::Authority, &state(&[1, 2]), Some(act(1)));
    finds(wrong, Promise::KnowingBeatsTime, "shown");
    let stamps = |all: &[i64]| all.iter().map(|ms| Stamp::new(*ms, 0)).collect::<Vec<_>>();
    assert_eq!(inv::stamps_in_order(stamps(&[1, 2, 9]), 9), None);
    finds(inv::stamps_in_order(stamps(&[1, 1]), 9), Promise::KnowingBeatsTime, "stamp");
    finds(inv::stamps_in_order(stamps(&[1, 10]), 9), Promise::KnowingBeatsTime, "stamp");
}

#[test]
fn promises_5_and_6_once_and_whole() {
    assert_eq!(inv::act_is_the_same(act(1), Hash([1; 32]), Hash([1; 32])), None);
    finds(inv::act_is_the_same(act(1), Hash([1; 32]), Hash([2; 32])), Promise::Once, "fork");
    let fields = |known: [bool; 2]| known.map(|k| (RecordId([1; 16]), FieldId(10), k));
    assert_eq!(inv::act_is_whole(act(1), &fields([true, true])), None);
    assert_eq!(inv::act_is_whole(act(1), &fields([false, false])), None);
    finds(inv::act_is_whole(act(1), &fields([true, false])), Promise::Whole, "half-act");
}

#[test]
fn promise_7_need_to_know() {
    let origin = write(1, &[]).origin;
    let mut record = Record::new(RecordId([1; 16]), KindId(10), origin, ScopeId(5));
    *record.field_mut(FieldId(20)) = state(&[1]);
    let held = [ScopeId(5)];
    assert_eq!(inv::entitled(&record, &held, &[]), None, "at home");
    assert_eq!(inv::entitled(&record, &[], &[Projection::Visitor]), None, "a name on a card");
    finds(inv::entitled(&record, &[], &[]), Promise::NeedToKnow, "not-entitled");
    *record.field_mut(FieldId(43)) = state(&[1]);
    let card = inv::entitled(&record, &[], &[Projection::Visitor]);
    finds(card, Promise::NeedToKnow, "not-entitled");
}

#[test]
fn promise_8_chains_and_signatures() {
    let signer = Signer::from_seed(&[3; 32]).expect("a key");
    let key = signer.public();
    let acts = [Hash([1; 32]), Hash([2; 32])];
    let after = acts.into_iter().fold(Hash::default(), chain::extend);
    assert_eq!(inv::chain_extends(Hash::default(), acts, after), None);
    let turned = inv::chain_extends(Hash::default(), [acts[1], acts[0]], after);
    finds(turned, Promise::Accountable, "chain");
    let signature = signer.sign(&chain::signed_bytes(AuthorId(1), 2, after));
    assert_eq!(inv::batch_is_signed(AuthorId(1), 2, after, &signature, key), None);
    let other = inv::batch_is_signed(AuthorId(1), 3, after, &signature, key);
    finds(other, Promise::Accountable, "batch-signature");
    let short = inv::batch_is_signed(AuthorId(1), 2, after, &signature[..63], key);
    finds(short, Promise::Accountable, "batch-signature");
}

#[test]
fn promise_8_receipts_and_checkpoints() {
    let signer = Signer::from_seed(&[3; 32]).expect("a key");
    let key = signer.public();
    let mut receipt = Receipt {
        epoch: Epoch([6; 16]),
        author: AuthorId(1),
        position: 10,
        chain: Hash([5; 32]),
        merged: 7,
        held: 2,
        refused: 1,
        at_ms: 5,
        signature: vec![],
    };
    receipt.signature = signer.sign(&receipt.signed_bytes()).to_vec();
    assert_eq!(inv::receipt_is_signed(&receipt, key), None);
    let more = Receipt { merged: 8, position: 11, ..receipt.clone() };
    finds(inv::receipt_is_signed(&more, key), Promise::Accountable, "receipt");
    let mut uneven = Receipt { held: 3, ..receipt };
    uneven.signature = signer.sign(&uneven.signed_bytes()).to_vec();
    finds(inv::receipt_is_signed(&uneven, key), Promise::Accountable, "receipt");

    let mark = |revision, chain| ScopeMark {
        scope: ScopeId(5),
        revision,
        chain: Hash([chain; 32]),
        digest: Digest::default(),
    };
    let mut checkpoint =
        Checkpoint { epoch: Epoch([6; 16]), at_ms: 5, marks: vec![mark(7, 1)], signature: vec![] };
    finds(
        inv::checkpoint_is_signed(&checkpoint, key),
        Promise::Accountable,
        "checkpoint-signature",
    );
    checkpoint.signature = signer.sign(&checkpoint.signed_bytes()).to_vec();
    assert_eq!(inv::checkpoint_is_signed(&checkpoint, key), None);
    assert_eq!(inv::checkpoint_extends(&[mark(6, 9)], &checkpoint), None);
    assert_eq!(inv::checkpoint_extends(&[mark(7, 1)], &checkpoint), None);
    for earlier in [mark(8, 1), mark(7, 2)] {
        let found = inv::checkpoint_extends(&[earlier], &checkpoint);
        finds(found, Promise::Accountable, "checkpoint-went-back");
    }
}

#[test]
fn promise_9_heals() {
    let [a, b, c] = [1, 2, 3].map(|n| Epoch([n; 16]));
    assert_eq!(inv::epoch_descends(a, a, &[]), None);
    assert_eq!(inv::epoch_descends(a, c, &[b, a]), None);
    finds(inv::epoch_descends(a, c, &[b]), Promise::Heals, "foreign-epoch");
    let head = Hash([1; 32]);
    assert_eq!(inv::acknowledged_is_held(AuthorId(1), (5, head), Some(head)), None);
    assert_eq!(inv::acknowledged_is_held(AuthorId(1), (0, Hash::default()), None), None);
    finds(inv::acknowledged_is_held(AuthorId(1), (5, head), None), Promise::Heals, "went-back");
}
