//! Hashes of acts and chains: what they cover, what a purge may take away, and their exact bytes.

use dongbo_proto::act::{
    Act, FieldWrite, Intent, JobItem, Op, Over, Projection, RecordWrites, Verdict,
};
use dongbo_proto::bytes::Writer;
use dongbo_proto::chain::{
    Seed, act_hash, act_hash_in, extend, hash_of_leaves, leaf_hash, leaves, salt, signed_bytes,
    state_hash,
};
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::fate::{Checkpoint, Receipt, ScopeMark};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, JobId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use proptest::prelude::*;

use crate::{golden, made};

const SEED: Seed = Seed([7; 32]);

/// One of everything that an act can say.
pub fn full_act() -> Act {
    let head = ActId::new(AuthorId(0xfeed), 3);
    let record = RecordId([9; 16]);
    let write = |field, value, over| FieldWrite { field: FieldId(field), value, over };
    let heads = Over::Heads(smallvec::smallvec![head, ActId::new(AuthorId(1), 300)]);
    Act {
        position: 7,
        claimed: Stamp::new(1_700_000_000_000, 2),
        person: "lan".into(),
        intent: Intent::Import,
        grounds: Some("12-QĐ/ĐU".into()),
        job: Some(JobItem { job: JobId([1; 16]), item: 2, of: 3 }),
        linked: Some(6),
        ops: smallvec::smallvec![
            Op::Write(RecordWrites {
                record,
                kind: KindId(10),
                create: Some(ScopeId(4)),
                under: Some(head),
                fields: vec![
                    write(20, Value::Text("Nguyễn Văn Đức".into()), Over::Nothing),
                    write(18, Value::Int(-3), Over::Creation),
                    write(24, Value::Date("1930-02".parse().expect("a date")), heads),
                    write(91, Value::Ref(record), Over::Nothing),
                    write(43, Value::Null, Over::Creation),
                    write(4_000, Value::Opaque(99, vec![1, 2, 3]), Over::Nothing),
                ],
            }),
            Op::Retract(vec![head]),
            Op::Decide(head, Verdict::Refuse("thiếu quyết định".into())),
            Op::Decide(head, Verdict::Approve),
            Op::Place {
                record,
                kind: KindId(10),
                scope: ScopeId(9),
                projection: Some(Projection::Visitor)
            },
            Op::Unknown(77, vec![1, 2, 3]),
        ],
    }
}

fn full_record() -> Record {
    let created =
        Origin { act: ActId::new(AuthorId(1), 1), stamp: Stamp::new(1_000, 0), rank: Rank::Home };
    let other =
        Origin { act: ActId::new(AuthorId(2), 5), stamp: Stamp::new(2_000, 1), rank: Rank::Other };
    let mut record = Record::new(RecordId([4; 16]), KindId(10), created, ScopeId(5));
    *record.field_mut(FieldId(20)) =
        FieldState::sole(Head::new(created, Value::Text("Đức".into())));
    let phone = record.field_mut(FieldId(43));
    phone.heads.push(Head::new(created, Value::Text("0912".into())));
    phone.heads.push(Head::new(other, Value::Null));
    record
}

fn mark(scope: u32) -> ScopeMark {
    ScopeMark {
        scope: ScopeId(scope),
        revision: 300,
        chain: Hash([3; 32]),
        digest: Digest::from_bytes([4; 32]),
    }
}

fn hex(hash: Hash) -> [u8; 32] {
    hash.0
}

#[test]
fn goldens_of_hashes_and_of_what_is_signed() {
    let mut act = Writer::default();
    full_act().write(&mut act);
    golden::check("act_canonical", act.as_slice());
    golden::check("act_hash", &hex(act_hash(&full_act(), &SEED)));
    golden::check(
        "act_leaves",
        &leaves(&full_act(), &SEED).iter().flat_map(|l| l.0).collect::<Vec<_>>(),
    );
    golden::check("salt", &salt(&SEED, 7, 1));
    golden::check("chain", &hex(extend(extend(Hash::default(), Hash([1; 32])), Hash([2; 32]))));
    golden::check("signed_batch", &signed_bytes(AuthorId(0xfeed), 300, Hash([5; 32])));
    golden::check("state_hash", &state_hash([mark(0), mark(5)].iter()));
    golden::check("digest_record", &digest::of_record(&full_record()).to_bytes());
    let mut record = Writer::default();
    full_record().write(&mut record);
    golden::check("record_canonical", record.as_slice());
}

#[test]
fn goldens_of_what_the_server_signs() {
    let receipt = Receipt {
        epoch: Epoch([6; 16]),
        author: AuthorId(0xfeed),
        position: 300,
        chain: Hash([5; 32]),
        merged: 290,
        held: 9,
        refused: 1,
        at_ms: 1_700_000_000_000,
        signature: vec![],
    };
    golden::check("signed_receipt", &receipt.signed_bytes());
    let checkpoint = Checkpoint {
        epoch: Epoch([6; 16]),
        at_ms: -1,
        marks: vec![mark(0), mark(5)],
        signature: vec![],
    };
    golden::check("signed_checkpoint", &checkpoint.signed_bytes());
}

#[test]
fn every_leaf_has_a_salt_of_its_own() {
    let mut salts = std::collections::BTreeSet::new();
    for seed in [SEED, Seed([8; 32])] {
        for position in [1, 2, 256, u64::MAX] {
            for leaf in [0, 1, 2, 256] {
                assert!(salts.insert(salt(&seed, position, leaf)), "{position} {leaf}");
            }
        }
    }
}

/// Counterexample 20: contents may go, and the chain still holds.
#[test]
fn a_purge_may_take_contents_and_salts_and_the_hash_stays_checkable() {
    let act = full_act();
    // What is kept of the purged operation is its commitment; the others are opened with their salts.
    let kept = leaves(&act, &SEED);
    let opened: Vec<Hash> = (0u64..)
        .zip(&kept)
        .map(|(leaf, commitment)| match leaf {
            1 => *commitment,
            0 => {
                let mut header = Writer::default();
                act.write_header(&mut header);
                leaf_hash(&salt(&SEED, act.position, 0), header.as_slice())
            }
            n => {
                let mut op = Writer::default();
                act.ops[n as usize - 1].write(&mut op);
                leaf_hash(&salt(&SEED, act.position, n), op.as_slice())
            }
        })
        .collect();
    assert_eq!(hash_of_leaves(&opened), act_hash(&act, &SEED));
}

#[test]
fn order_matters_to_a_chain() {
    let [a, b] = [Hash([1; 32]), Hash([2; 32])];
    let chain = |acts: [Hash; 2]| acts.into_iter().fold(Hash::default(), extend);
    assert_ne!(chain([a, b]), chain([b, a]));
}

#[test]
fn what_is_signed_tells_author_position_and_head_apart() {
    let base = signed_bytes(AuthorId(1), 2, Hash([3; 32]));
    assert_ne!(base, signed_bytes(AuthorId(2), 2, Hash([3; 32])));
    assert_ne!(base, signed_bytes(AuthorId(1), 3, Hash([3; 32])));
    assert_ne!(base, signed_bytes(AuthorId(1), 2, Hash([4; 32])));
}

#[test]
fn a_node_s_state_hash_sees_every_part_of_every_mark() {
    let base = state_hash([mark(0), mark(5)].iter());
    let others = [
        ScopeMark { scope: ScopeId(6), ..mark(5) },
        ScopeMark { revision: 301, ..mark(5) },
        ScopeMark { chain: Hash([9; 32]), ..mark(5) },
        ScopeMark { digest: Digest::from_bytes([9; 32]), ..mark(5) },
    ];
    for other in others {
        assert_ne!(state_hash([mark(0), other].iter()), base);
    }
    assert_ne!(state_hash([mark(0)].iter()), base);
}

proptest! {
    #[test]
    fn the_hash_of_an_act_is_that_of_its_leaves(act in made::act(9)) {
        let mut buffer = vec![1, 2, 3];
        prop_assert_eq!(act_hash(&act, &SEED), hash_of_leaves(&leaves(&act, &SEED)));
        prop_assert_eq!(act_hash(&act, &SEED), act_hash_in(&act, &SEED, &mut buffer));
    }

    #[test]
    fn different_acts_have_different_hashes(a in made::act(9), b in made::act(9)) {
        prop_assert_eq!(act_hash(&a, &SEED) == act_hash(&b, &SEED), a == b);
    }

    #[test]
    fn an_act_read_back_from_its_bytes_has_its_hash(act in made::act(9)) {
        let mut w = Writer::default();
        act.write(&mut w);
        let read = Act::read(&mut dongbo_proto::bytes::Reader::new(w.as_slice())).unwrap();
        prop_assert_eq!(act_hash(&read, &SEED), act_hash(&act, &SEED));
        prop_assert_eq!(read, act);
    }
}
