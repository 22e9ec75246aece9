//! What goes down to nodes: fills, feeds, placements and projections, and what must not be seen.

use crate::registry_world::*;
use dongbo_proto::act::{Op, Over, Projection};
use dongbo_proto::fate::SCOPE_BORN;
use dongbo_proto::id::ScopeId;
use dongbo_server::registry::{self, PageAsk};

fn place(
    world: &World,
    record: dongbo_proto::id::RecordId,
    scope: u32,
    projection: Option<Projection>,
) {
    world.write(|tx| {
        let by = ("minh", Some("15-QĐ/TU"));
        registry::place(
            tx,
            &world.province,
            by,
            (MEMBER, record),
            ScopeId(scope),
            projection,
            world.now.get(),
        )
    });
}

#[test]
fn a_fresh_node_is_filled_in_pages_of_any_size_and_is_in_step() {
    for max in [1, 3, 1000] {
        let world = World::new(2);
        let (mut writer, reader) = (world.join(&[1, 2]), world.join(&[1, 2]));
        let ids: Vec<_> = (0..10).map(|_| world.record_id()).collect();
        let home = |n: usize| 1 + (n % 2) as u32;
        let acts = ids.iter().enumerate().map(|(n, id)| vec![create(*id, home(n), "A")]).collect();
        world.push(&mut writer, acts);
        world.push(&mut writer, vec![vec![edit(ids[3], PHONE, "3", Over::Creation)]]);
        let mut replica = Replica::default();
        world.pull(&reader, &mut replica, max);
        assert_eq!(replica.records.len(), 10);
        replica.in_step();
        // What is touched later comes by the feed, and only that.
        world.push(&mut writer, vec![vec![edit(ids[5], PHONE, "5", Over::Creation)]]);
        let before = replica.pages;
        world.pull(&reader, &mut replica, max);
        assert_eq!(replica.pages, before + 1);
        replica.in_step();
    }
}

#[test]
fn a_fill_of_a_scope_that_holds_nothing_has_a_page_so_that_the_node_hears_it() {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    place(&world, id, 2, Some(Projection::Home));
    let ask = |cursors| PageAsk {
        author: node.author,
        cursors,
        acks_from: None,
        inbox: 0,
        records_max: 3,
    };
    let fresh = dongbo_proto::frame::ScopeCursor { scope: ScopeId(1), ..Default::default() };
    let all = world.read(|tx| registry::page(tx, &ask(vec![fresh])));
    let [page] = all.states.as_slice() else { panic!("{:?}", all.states) };
    assert!(page.filling && page.records.is_empty());
    assert_eq!((page.from, page.to), (0, SCOPE_BORN + 2));
    assert!(all.complete.is_some());
    // Once: a fill that goes on has nothing to say.
    assert_eq!(world.read(|tx| registry::page(tx, &ask(all.cursors.clone()))).states, []);
}

/// Counterexample 29: a page and its mark come from one snapshot.
#[test]
fn what_changes_during_a_fill_is_not_missed() {
    let world = World::new(1);
    let (mut writer, reader) = (world.join(&[1]), world.join(&[1]));
    let ids: Vec<_> = (0..6).map(|_| world.record_id()).collect();
    world.push(&mut writer, ids.iter().map(|id| vec![create(*id, 1, "A")]).collect());
    let mut replica = Replica::default();
    let cursors = vec![ScopeId(0), ScopeId(1)];
    let fresh = |scope| dongbo_proto::frame::ScopeCursor { scope, ..Default::default() };
    let ask = PageAsk {
        author: reader.author,
        cursors: cursors.into_iter().map(fresh).collect(),
        acks_from: None,
        inbox: 0,
        records_max: 3,
    };
    let half = world.read(|tx| registry::page(tx, &ask));
    assert!(half.complete.is_none());
    assert!(half.states.iter().all(|s| s.filling));
    // One that was sent is edited, one that was not is moved away, one is new.
    world.push(
        &mut writer,
        vec![
            vec![edit(ids[0], PHONE, "0", Over::Creation)],
            vec![create(world.record_id(), 1, "B")],
        ],
    );
    for page in half.states {
        for (projection, record) in page.records {
            replica.records.insert((page.scope, record.id), (projection, record));
        }
    }
    replica.staged = half.cursors;
    world.pull(&reader, &mut replica, 3);
    assert_eq!(replica.records.len(), 7);
    replica.in_step();
}

/// Counterexample 22: an acknowledgement is enough for what merged as written.
#[test]
fn own_acts_that_merged_as_written_are_not_echoed() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let mut replica = Replica::default();
    let id = world.record_id();
    world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    world.pull(&node, &mut replica, 100);
    let before = replica.pages;
    world.push(&mut node, vec![vec![edit(id, PHONE, "1", Over::Creation)]]);
    world.pull(&node, &mut replica, 100);
    assert_eq!(replica.pages, before, "nothing came down");
    assert_eq!(replica.marks.last().map(|m| m.revision), Some(SCOPE_BORN + 2));
}

#[test]
fn a_record_moves_home_with_its_rows_and_leaves_no_trace_behind() {
    let world = World::new(2);
    let (mut a, b) = (world.join(&[1]), world.join(&[2]));
    let third = world.join(&[1]);
    let (mut at_a, mut at_b) = (Replica::default(), Replica::default());
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    world.pull(&third, &mut at_a, 10);
    world.pull(&b, &mut at_b, 10);
    assert_eq!((at_a.records.len(), at_b.records.len()), (1, 0));
    place(&world, id, 2, Some(Projection::Home));
    world.pull(&third, &mut at_a, 10);
    world.pull(&b, &mut at_b, 10);
    assert_eq!((at_a.records.len(), at_b.records.len()), (0, 1));
    at_a.in_step();
    at_b.in_step();
    // The old office had not been shown that it left: its late edit merges, where it cannot see it.
    let late = world.push(&mut a, vec![vec![edit(id, PHONE, "late", Over::Creation)]]);
    assert_eq!(late.runs[0].fate, dongbo_proto::fate::Fate::Merged { as_written: false });
    assert_eq!((late.runs[0].rank, late.runs[0].at.len()), (dongbo_proto::record::Rank::Home, 0));
    world.pull(&b, &mut at_b, 10);
    at_b.in_step();
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("late"));
    world.sound();
}

#[test]
fn an_office_that_was_shown_that_a_record_left_is_held() {
    let world = World::new(2);
    let mut a = world.join(&[1]);
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    place(&world, id, 2, Some(Projection::Home));
    let (now, signer) = (world.tick(), signer(0xffff));
    let (_, token) = world.write(|tx| registry::finish(tx, a.author, &signer, now));
    world.write(|tx| registry::confirm(tx, a.author, token, 0));
    let late = world.push(&mut a, vec![vec![edit(id, PHONE, "late", Over::Creation)]]);
    assert_eq!(
        late.runs[0].fate,
        dongbo_proto::fate::Fate::Held(dongbo_proto::fate::Reason::RecordLeft)
    );
    world.sound();
}

/// Counterexample 21: what a projection hides does not advance its scope.
#[test]
fn a_guest_sees_its_projection_and_does_not_hear_of_the_rest() {
    let world = World::new(2);
    let (mut a, b) = (world.join(&[1]), world.join(&[2]));
    let mut at_b = Replica::default();
    let (id, other) = (world.record_id(), world.record_id());
    world.push(&mut a, vec![vec![create(id, 1, "A")], vec![create(other, 1, "B")]]);
    place(&world, id, 2, Some(Projection::Visitor));
    world.pull(&b, &mut at_b, 10);
    at_b.in_step();
    let (projection, seen) = at_b.records[&(ScopeId(2), id)].clone();
    assert_eq!(projection, Projection::Visitor);
    assert!(
        seen.field(NAME).is_some() && seen.field(PHONE).is_none() && seen.field(BORN).is_none()
    );
    let revision =
        |world: &World| world.read(|tx| Ok(tx.scope(ScopeId(2))?)).map(|s| (s.revision, s.digest));
    // What it does not see does not move its scope on; what it sees does, and names nothing else.
    let before = revision(&world);
    world.push(&mut a, vec![vec![edit(id, PHONE, "1", Over::Creation)]]);
    assert_eq!(revision(&world), before);
    let both =
        vec![edit(id, IN_USE, "Lan", Over::Nothing), edit(other, PHONE, "2", Over::Creation)];
    world.push(&mut a, vec![both]);
    assert_ne!(revision(&world), before);
    let cursors = at_b.staged.clone();
    let ask = PageAsk { author: b.author, cursors, acks_from: None, inbox: 0, records_max: 10 };
    let reply = world.read(|tx| registry::page(tx, &ask));
    let named: Vec<_> =
        reply.states.iter().flat_map(|s| s.records.iter().map(|r| r.1.id)).collect();
    assert_eq!(named, [id]);
    assert!(reply.states.iter().all(|s| s.gone.is_empty()), "the other record is not named");
    world.pull(&b, &mut at_b, 10);
    at_b.in_step();
    place(&world, id, 2, None);
    world.pull(&b, &mut at_b, 10);
    assert!(at_b.records.is_empty());
    at_b.in_step();
    world.sound();
}

#[test]
fn every_guest_hears_of_an_edit_that_it_sees_whatever_the_guests_before_it_see() {
    for writes_hidden_first in [false, true] {
        let world = World::new(4);
        let mut a = world.join(&[1]);
        let guests: Vec<_> = (2..=4).map(|scope| world.join(&[scope])).collect();
        let id = world.record_id();
        world.push(&mut a, vec![vec![create(id, 1, "A")]]);
        (2..=4).for_each(|scope| place(&world, id, scope, Some(Projection::Visitor)));
        let mut held: Vec<_> = guests.iter().map(|_| Replica::default()).collect();
        let pull = |held: &mut [Replica]| {
            for (node, at) in guests.iter().zip(held) {
                world.pull(node, at, 10);
                at.in_step();
            }
        };
        pull(&mut held);
        let hidden = edit(id, PHONE, "1", Over::Creation);
        let seen = edit(id, IN_USE, "Lan", Over::Nothing);
        let ops = if writes_hidden_first { vec![hidden, seen] } else { vec![seen] };
        world.push(&mut a, vec![ops]);
        pull(&mut held);
        for (scope, at) in (2..=4).zip(&held) {
            assert!(at.records[&(ScopeId(scope), id)].1.field(IN_USE).is_some(), "scope {scope}");
        }
    }
}

#[test]
fn a_guest_writes_only_what_it_sees_and_ranks_below_the_home() {
    let world = World::new(2);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[2]));
    let id = world.record_id();
    world.push(
        &mut a,
        vec![vec![create(id, 1, "A")], vec![edit(id, IN_USE, "home", Over::Nothing)]],
    );
    place(&world, id, 2, Some(Projection::Visitor));
    let acts = vec![
        vec![edit(id, IN_USE, "guest", Over::Nothing)],
        vec![edit(id, PHONE, "9", Over::Nothing)],
    ];
    let received = world.push(&mut b, acts);
    use dongbo_proto::fate::{Fate, Reason};
    assert_eq!(
        fates(&received.runs),
        [Fate::Merged { as_written: false }, Fate::Held(Reason::NotWritable)]
    );
    assert_eq!(world.shown(id, IN_USE).as_deref(), Some("home"), "the later write ranks lower");
    world.sound();
}

#[test]
fn acknowledgements_that_were_lost_come_again() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    let first = world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    let more = (0..5).map(|n| vec![edit(id, PHONE, &n.to_string(), Over::Creation)]).collect();
    let second = world.push(&mut node, more);
    let ask = |after| PageAsk {
        author: node.author,
        cursors: vec![],
        acks_from: Some(after),
        inbox: u64::MAX,
        records_max: 1,
    };
    let acks = |after| world.read(|tx| registry::page(tx, &ask(after))).acks;
    let mut all = first.runs;
    all.extend(second.runs);
    assert_eq!(acks(0), all);
    assert_eq!(acks(6), []);
    assert_eq!(acks(3).iter().map(|r| (r.first, r.count)).next(), Some((4, 3)));
}

#[test]
fn history_says_who_wrote_what_over_what() {
    let world = World::new(2);
    let (mut a, b) = (world.join(&[1]), world.join(&[2]));
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "1", Over::Creation)]]);
    place(&world, id, 2, Some(Projection::Home));
    world.write(|tx| {
        let values = vec![(PHONE, text("2"))];
        registry::edit(
            tx,
            &world.province,
            ("minh", Some("1-QĐ")),
            (MEMBER, id),
            values,
            world.now.get(),
        )
    });
    let history = world.read(|tx| registry::history(tx, MEMBER, id));
    let ops = |e: &registry::HistoryEntry| matches!(e.item.act.ops[0], Op::Place { .. });
    assert_eq!(history.iter().map(ops).collect::<Vec<_>>(), [false, false, true, false]);
    assert_eq!(history[1].replaced_by.len(), 1);
    assert_eq!(history[3].item.act.person, "minh");
    // The new home may see it; the old one no longer.
    assert_eq!(world.read(|tx| registry::history_for(tx, b.author, id)).len(), 4);
    assert_eq!(world.read(|tx| registry::history_for(tx, a.author, id)).len(), 0);
    world.sound();
}
