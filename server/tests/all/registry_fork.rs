//! A journal that goes on as another author's: what both have is counted and answered for both, what
//! came behind waits; and the tokens by which such a machine is known.

use crate::registry_world::*;
use dongbo_proto::act::{Over, Verdict};
use dongbo_proto::fate::{Fate, Reason};
use dongbo_proto::frame::{Fork, Stop};
use dongbo_proto::id::AuthorId;
use dongbo_server::registry::{self, RegistryError, Tokens};
use dongbo_server::session::Presented;

const OTHER: AuthorId = AuthorId(0x77);

/// A node with three acts at the province, of which the second is held.
fn office() -> (World, Node, Fork) {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let (own, unknown) = (world.record_id(), world.record_id());
    world.push(&mut node, vec![vec![create(own, 1, "A")]]);
    world.push(&mut node, vec![vec![edit(unknown, PHONE, "x", Over::Nothing)]]);
    world.push(&mut node, vec![vec![edit(own, PHONE, "1", Over::Nothing)]]);
    let head = world.read(|tx| registry::chain_at(tx, node.author, 2)).expect("held");
    let fork = Fork { author: OTHER, parent: node.author, at: 2, head };
    (world, node, fork)
}

fn take(world: &World, node: &Node, fork: &Fork) -> Result<(), RegistryError> {
    let now = world.tick();
    world.try_write(|tx| registry::fork(tx, fork, node.signer.public(), now))
}

/// Fault 11: a copy has an id of its own, may only deliver, and shares what both have. [I4 I6 I12]
#[test]
fn a_fork_begins_behind_what_both_have_and_may_only_deliver() {
    let (world, node, fork) = office();
    take(&world, &node, &fork).expect("taken");
    take(&world, &node, &fork).expect("saying it again changes nothing");
    let view = world.read(|tx| registry::node_view(tx, OTHER)).expect("a node");
    assert!(view.revoked);
    assert_eq!((view.position, view.head), (2, fork.head));
    assert_eq!((view.merged, view.held, view.refused), (1, 1, 0));
    for at in 0..=2 {
        let of = |author| world.read(|tx| registry::chain_at(tx, author, at));
        assert_eq!(of(OTHER), of(node.author));
    }
    assert_eq!(world.read(|tx| registry::chain_at(tx, OTHER, 3)), None, "the other life's");
    world.sound();
}

#[test]
fn a_fork_from_what_is_not_held_or_of_anothers_key_is_refused() {
    let (world, node, fork) = office();
    let other = world.join(&[1]);
    let stop = |fork: &Fork, node: &Node| match take(&world, node, fork) {
        Err(RegistryError::Stop(stop)) => stop,
        taken => panic!("{taken:?}"),
    };
    assert_eq!(stop(&fork, &other), Stop::UnknownNode);
    assert_eq!(stop(&Fork { at: 1, ..fork }, &node), Stop::Forked, "another chain there");
    assert_eq!(stop(&Fork { at: 9, ..fork }, &node), Stop::Forked, "behind the end");
    assert_eq!(stop(&Fork { author: other.author, ..fork }, &node), Stop::Forked, "another's id");
    take(&world, &node, &fork).expect("taken");
    assert_eq!(stop(&Fork { at: 0, head: Default::default(), ..fork }, &node), Stop::Forked);
    world.sound();
}

#[test]
fn a_key_forks_so_often_and_no_more() {
    let (world, node, fork) = office();
    let made = (1..20)
        .take_while(|n| take(&world, &node, &Fork { author: AuthorId(0x100 + n), ..fork }).is_ok());
    assert_eq!(made.count(), dongbo_proto::limits::FORKS_MAX);
}

#[test]
fn what_comes_behind_waits_and_what_both_have_is_decided_for_both() {
    let (world, mut node, fork) = office();
    take(&world, &node, &fork).expect("taken");
    let held = dongbo_proto::id::ActId::new(node.author, 2);
    let now = world.tick();
    world.write(|tx| {
        registry::decide(tx, &world.province, ("p", None), held, Verdict::Refuse("no".into()), now)
    });
    for author in [node.author, OTHER] {
        let view = world.read(|tx| registry::node_view(tx, author)).expect("a node");
        assert_eq!((view.held, view.refused, view.inbox_last), (0, 1, 1), "{author}");
    }
    // The copy's own third act.
    (node.author, node.position, node.head) = (OTHER, 2, fork.head);
    let late = world.push(&mut node, vec![vec![create(world.record_id(), 1, "B")]]);
    assert_eq!(fates(&late.runs), [Fate::Held(Reason::DeliverOnly)]);
    world.sound();
}

/// Fault 10: a token that this server named and does not know says that it went back. [I12]
/// Fault 11: a copy that only reads shows the token of before. [I12]
#[test]
fn a_token_says_which_life_it_is_of() {
    let (world, node, _) = office();
    let (signer, epoch) = (signer(0xffff), world.read(|tx| registry::epoch(tx)).epoch);
    let judge = |token| {
        let view = world.read(|tx| registry::node_view(tx, node.author)).expect("a node");
        Tokens { signer: &signer, epoch }.judge(&view, &token)
    };
    let finish = || {
        let now = world.tick();
        world.write(|tx| registry::finish(tx, node.author, &signer, now)).1
    };
    assert_eq!(judge([7; 16]), Presented::Fits, "nothing was proved yet");
    let first = finish();
    world.write(|tx| registry::confirm(tx, node.author, first, 0));
    let second = finish();
    assert_eq!((judge(first), judge(second)), (Presented::Fits, Presented::Fits));
    world.write(|tx| registry::confirm(tx, node.author, second, 0));
    assert_eq!(judge(first), Presented::Stale);
    assert_eq!(judge([7; 16]), Presented::Stale, "not of this server");
    let ahead = Tokens { signer: &signer, epoch }.next(node.author, &second, 1 << 45);
    assert_eq!(judge(ahead), Presented::Ahead);
    let elsewhere = Tokens { signer: &signer, epoch }.next(OTHER, &second, 1 << 45);
    assert_eq!(judge(elsewhere), Presented::Stale, "of another node");
}
