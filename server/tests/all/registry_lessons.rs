//! Lessons of the first design, one test each, named after it.

use crate::registry_world::*;
use dongbo_proto::act::{Intent, Op, Over, Projection, Verdict};
use dongbo_proto::catalogue::field::VOID;
use dongbo_proto::fate::{Fate, Reason};
use dongbo_proto::id::{ActId, FieldId, Hash, RecordId, ScopeId};
use dongbo_proto::wire;
use dongbo_server::registry::{self, PageAsk};

const BY: (&str, Option<&str>) = ("minh", Some("15-QĐ/TU"));

fn heads(world: &World, id: RecordId, field: FieldId) -> usize {
    world.record(id).and_then(|r| r.field(field).map(|s| s.heads.len())).unwrap_or_default()
}

fn place(world: &World, record: RecordId, scope: u32, projection: Option<Projection>) {
    let (scope, now) = (ScopeId(scope), world.tick());
    world.write(|tx| {
        registry::place(tx, &world.province, BY, (MEMBER, record), scope, projection, now)
    });
}

/// Counterexample 1: a node whose cursor has passed a value that it was not shown does not replace it.
#[test]
fn a_cursor_is_not_knowledge() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(&mut b, vec![vec![create(id, 1, "A")]]);
    let mut at_a = Replica::default();
    world.pull(&a, &mut at_a, 10);
    // B writes the telephone; more follows, so that the record is at the end of the feed; and A's
    // catch-up is cut before it gets there.
    world.push(&mut b, vec![vec![edit(id, PHONE, "new", Over::Creation)]]);
    let others = (0..6).map(|_| vec![create(world.record_id(), 1, "B")]).collect();
    world.push(&mut b, others);
    world.push(&mut b, vec![vec![edit(id, EMAIL, "a@example.vn", Over::Nothing)]]);
    let ask = PageAsk {
        author: a.author,
        cursors: at_a.staged.clone(),
        acks_from: None,
        inbox: 0,
        records_max: 3,
    };
    let page = world.read(|tx| registry::page(tx, &ask));
    assert!(page.complete.is_none(), "the catch-up was to be cut");
    // What A's form shows is still the old number, and that is what its edit names.
    world.push(&mut a, vec![vec![edit(id, PHONE, "mine", Over::Creation)]]);
    assert_eq!(heads(&world, id, PHONE), 2, "a value that A never saw was replaced");
    world.sound();
}

/// Counterexample 3: what a guest was shown it replaces, whatever the two scopes' revisions are.
#[test]
fn revisions_of_two_scopes_are_never_compared() {
    let world = World::new(2);
    let (mut home, mut guest) = (world.join(&[1]), world.join(&[2]));
    let id = world.record_id();
    let many = (0..20).map(|_| vec![create(world.record_id(), 1, "B")]).collect();
    world.push(&mut home, many);
    world.push(&mut home, vec![vec![create(id, 1, "A")]]);
    world.push(&mut home, vec![vec![edit(id, IN_USE, "Một", Over::Nothing)]]);
    let shown = home.last();
    place(&world, id, 2, Some(Projection::Visitor));
    // Scope 2 is at a low revision, and the head was made at a high one of scope 1.
    world.push(&mut guest, vec![vec![edit(id, IN_USE, "Hai", over(&[shown]))]]);
    assert_eq!(heads(&world, id, IN_USE), 1);
    assert_eq!(world.shown(id, IN_USE).as_deref(), Some("Hai"));
    // And what it was not shown stays beside its own.
    let known = guest.last();
    world.push(&mut home, vec![vec![edit(id, IN_USE, "Ba", over(&[known]))]]);
    world.push(&mut guest, vec![vec![edit(id, IN_USE, "Bốn", over(&[known]))]]);
    assert_eq!(heads(&world, id, IN_USE), 2);
    world.sound();
}

/// Counterexample 12: an act moves the chains of its own scopes on, and no other row of anyone.
#[test]
fn there_is_no_chain_over_everything() {
    let world = World::new(2);
    let mut a = world.join(&[1]);
    let scopes = |world: &World| world.read(|tx| Ok(tx.scopes()?));
    let before = scopes(&world);
    world.push(&mut a, vec![vec![create(world.record_id(), 1, "A")]]);
    let moved: Vec<_> = scopes(&world).into_iter().filter(|s| !before.contains(s)).collect();
    assert_eq!(moved.iter().map(|s| s.id).collect::<Vec<_>>(), [ScopeId(1)]);
    assert_ne!(moved[0].chain, Hash::default());
}

/// Counterexample 30: a request on a record that has moved away since is answered in its author's inbox.
#[test]
fn outcomes_have_a_channel_of_their_own() {
    let world = World::new(2);
    let mut a = world.join(&[1]);
    let mut at_a = Replica::default();
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    let asked = edit(id, NAME, "B", Over::Creation);
    let request = a.act(world.tick(), Intent::Request, vec![asked]);
    world.push_acts(&mut a, vec![request]);
    place(&world, id, 2, Some(Projection::Home));
    world.pull(&a, &mut at_a, 10);
    assert!(at_a.records.is_empty(), "the record has left");
    let (act, now) = (a.last(), world.tick());
    let approve = Verdict::Approve;
    world.write(|tx| registry::decide(tx, &world.province, BY, act, approve.clone(), now));
    world.pull(&a, &mut at_a, 10);
    let told: Vec<_> = at_a.outcomes.iter().map(|o| (o.act, o.fate)).collect();
    assert_eq!(told, [(act, Fate::Merged { as_written: false })]);
    assert!(at_a.records.is_empty(), "the outcome brings nothing of the record");
    world.sound();
}

/// Fault 45: to void and to edit what is voided are both kept, and neither undoes the other. [I2 I11]
/// Story 8: deleting beside editing is for people to look at: nothing comes back, nothing is lost.
#[test]
fn voiding_beside_an_edit_keeps_both() {
    for void_first in [true, false] {
        let world = World::new(1);
        let mut nodes = [world.join(&[1]), world.join(&[1])];
        let id = world.record_id();
        world.push(&mut nodes[0], vec![vec![create(id, 1, "A")]]);
        let reason = edit(id, VOID, "nhập trùng", Over::Nothing);
        let void = |world: &World| {
            let now = world.tick();
            let values = vec![(VOID, text("nhập trùng"))];
            let of = (MEMBER, id);
            world.write(|tx| registry::edit(tx, &world.province, BY, of, values.clone(), now));
        };
        // A commune may not void a member: it asks.
        let asked = world.push(&mut nodes[1], vec![vec![reason]]);
        assert_eq!(fates(&asked.runs), [Fate::Held(Reason::NeedsApproval)]);
        if void_first {
            void(&world);
        }
        let edited = world.push(&mut nodes[0], vec![vec![edit(id, PHONE, "1", Over::Creation)]]);
        assert_eq!(fates(&edited.runs).len(), 1);
        if !void_first {
            void(&world);
        }
        let record = world.record(id).expect("it is kept");
        assert!(record.is_void(), "an older edit does not bring it back");
        assert_eq!(world.shown(id, PHONE).as_deref(), Some("1"), "the edit is kept as well");
        world.sound();
    }
}

/// Story 15: a scope that is granted later brings what has been in it for long.
#[test]
fn a_newly_granted_scope_brings_what_is_already_there() {
    let world = World::new(2);
    let (mut a, b) = (world.join(&[1]), world.join(&[2]));
    let mut at_b = Replica::default();
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    world.pull(&b, &mut at_b, 10);
    assert!(at_b.records.is_empty());
    world.write(|tx| registry::grant(tx, b.author, &[ScopeId(1), ScopeId(2)]));
    world.pull(&b, &mut at_b, 10);
    assert!(at_b.records.contains_key(&(ScopeId(1), id)), "an old record never arrived");
    at_b.in_step();
}

/// Fault 18: the server's clock goes back, and stamps and revisions go on rising. [I7 I10]
#[test]
fn a_server_whose_clock_goes_back_still_orders() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    let first = world.record(id).expect("a record").created.stamp;
    world.now.set(world.now.get() - 500_000);
    let received = world.push(&mut node, vec![vec![edit(id, PHONE, "1", Over::Creation)]]);
    let shown = world.record(id).expect("a record").field(PHONE).expect("a field").heads[0].stamp;
    assert!(shown > first, "{shown:?} is not behind {first:?}");
    assert!(received.runs[0].at[0].1 > 1);
    world.sound();
}

/// Fault 21: of a batch that was cut anywhere nothing is taken. [I6 I13]
#[test]
fn no_beginning_of_a_batch_is_a_batch() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let acts = (0..3).map(|n| vec![create(world.record_id(), 1, &format!("A{n}"))]);
    let acts = acts.map(|ops| node.act(world.tick(), Intent::Change, ops)).collect();
    let batch = node.batch(acts);
    let bytes = wire::batch_bytes(&batch);
    for cut in 0..bytes.len() {
        if let Ok(part) = wire::batch_from_bytes(&bytes[..cut]) {
            let prepared = registry::prepare(part, node.signer.public());
            assert!(prepared.is_err(), "{cut} of {} bytes were taken", bytes.len());
        }
    }
    world.deliver(&node, &batch).expect("all of it is a batch");
    world.sound();
}

/// Fault 41: what waited for a newer server is judged as its author's, whatever its author has been shown since. [I1 I13]
#[test]
fn what_waited_is_judged_as_of_its_day() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    let unknown = edit(id, FieldId(60_000), "1", Over::Nothing);
    world.push(&mut node, vec![vec![unknown], vec![Op::Unknown(55, vec![1])]]);
    // This build cannot read them either: they are left as they are.
    assert!(world.read(registry::readable_now).is_empty());
    let (acts, now) = ([ActId::new(node.author, 2)], world.tick());
    world.write(|tx| registry::judge_again(tx, &world.province, "minh", &acts, now));
    let held = world.read(|tx| registry::held_list(tx, None, 10));
    assert_eq!(held.len(), 2, "an act that cannot be read was taken");
    let view = world.read(|tx| registry::node_view(tx, node.author)).expect("a node");
    assert_eq!((view.held, view.inbox_last), (2, 0), "nothing changed, and nothing is told");
    world.sound();
}
