//! What a node shows of this server's own signatures, and what the registry makes of it.

use crate::registry_world::*;
use dongbo_proto::fate::{Checkpoint, Receipt};
use dongbo_proto::frame::Proof;
use dongbo_proto::id::{AuthorId, Epoch, Hash, ScopeId};
use dongbo_server::registry;

const NEXT: Epoch = Epoch([2; 16]);

/// A registry with three acts of a node, and what was signed of them.
fn held() -> (World, Node, Receipt, Checkpoint) {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let acts = (0..3).map(|_| vec![create(world.record_id(), 1, "A")]).collect();
    world.push(&mut node, acts);
    let receipt = world.read(|tx| registry::receipt(tx, node.author, 7));
    let mut replica = Replica::default();
    world.pull(&node, &mut replica, 100);
    let marks = replica.marks.clone();
    let checkpoint = Checkpoint { epoch: receipt.epoch, at_ms: 7, marks, signature: Vec::new() };
    (world, node, receipt, checkpoint)
}

fn judge(world: &World, author: AuthorId, proof: Proof) -> bool {
    let now_ms = world.tick();
    let began = world.write(|tx| registry::judge(tx, author, &proof, NEXT, now_ms));
    let (epochs, back) = world.read(|tx| Ok((registry::epochs(tx)?, registry::went_back(tx)?)));
    assert_eq!(epochs.first() == Some(&NEXT), began);
    assert_eq!(back.map(|b| (b.at_ms, b.shown_by)), began.then_some((now_ms, author)));
    began
}

fn of_receipt(receipt: Receipt) -> Proof {
    Proof { receipt: Some(receipt), checkpoint: None }
}

fn of_checkpoint(checkpoint: Checkpoint) -> Proof {
    Proof { receipt: None, checkpoint: Some(checkpoint) }
}

#[test]
fn an_epoch_begins_where_a_receipt_says_more_than_is_held_and_nowhere_else() {
    type Change = fn(&mut Receipt);
    let cases: [(&str, Change, bool); 6] = [
        ("what is held", |_| {}, false),
        ("less than is held", |r| (r.position, r.chain) = (0, Hash::default()), false),
        ("more than is held", |r| r.position += 1, true),
        ("another history", |r| r.chain = Hash([9; 32]), true),
        ("of an epoch that is over", |r| (r.epoch, r.position) = (Epoch([7; 16]), 99), false),
        ("of another node", |r| (r.author, r.position) = (AuthorId(77), 99), false),
    ];
    for (case, change, begins) in cases {
        let (world, node, mut receipt, _) = held();
        change(&mut receipt);
        assert_eq!(judge(&world, node.author, of_receipt(receipt)), begins, "{case}");
        world.sound();
    }
}

#[test]
fn an_epoch_begins_where_marks_say_more_than_is_held_and_nowhere_else() {
    type Change = fn(&mut Checkpoint);
    let cases: [(&str, Change, bool); 6] = [
        ("what is held", |_| {}, false),
        ("a while ago", |c| c.marks.iter_mut().for_each(|m| m.revision = 1), false),
        ("a later revision", |c| c.marks[1].revision += 1, true),
        ("another history", |c| c.marks[1].chain = Hash([9; 32]), true),
        ("a scope that is not", |c| c.marks[1].scope = ScopeId(50), true),
        (
            "of an epoch that is over",
            |c| {
                c.epoch = Epoch([7; 16]);
                c.marks[1].revision += 9;
            },
            false,
        ),
    ];
    for (case, change, begins) in cases {
        let (world, node, _, mut checkpoint) = held();
        // The reference is as it was born: a mark of the same revision must have the same chain.
        checkpoint.marks.retain(|mark| mark.scope != ScopeId::REFERENCE);
        checkpoint.marks.insert(0, checkpoint.marks[0]);
        change(&mut checkpoint);
        assert_eq!(judge(&world, node.author, of_checkpoint(checkpoint)), begins, "{case}");
    }
}

#[test]
fn the_same_proof_begins_one_epoch_only() {
    let (world, node, mut receipt, _) = held();
    receipt.position += 5;
    assert!(judge(&world, node.author, of_receipt(receipt.clone())));
    let third = Epoch([3; 16]);
    let again =
        world.write(|tx| registry::judge(tx, node.author, &of_receipt(receipt.clone()), third, 9));
    assert!(!again, "that epoch is over");
}
