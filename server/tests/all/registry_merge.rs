//! Merging at the registry, end to end on a real store: fates, conflicts, duplicates, forks.

use crate::registry_world::*;
use dongbo_proto::act::{FieldWrite, Intent, Op, Over, RecordWrites};
use dongbo_proto::fate::{Fate, Reason, SCOPE_BORN};
use dongbo_proto::frame::Stop;
use dongbo_proto::id::{ActId, KindId, RecordId, ScopeId};
use dongbo_proto::record::Rank;
use dongbo_server::registry::{self, RegistryError};

const AS_WRITTEN: Fate = Fate::Merged { as_written: true };
const MERGED: Fate = Fate::Merged { as_written: false };

#[test]
fn a_plain_edit_merges_as_written_and_moves_its_scope_on() {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    let received = world.push(
        &mut node,
        vec![vec![create(id, 1, "Nguyễn Văn A")], vec![edit(id, PHONE, "0911", Over::Creation)]],
    );
    assert_eq!(fates(&received.runs), [AS_WRITTEN, AS_WRITTEN]);
    assert_eq!(received.runs.len(), 1, "one run for what follows");
    assert_eq!(received.runs[0].at, [(ScopeId(1), SCOPE_BORN + 1)]);
    assert_eq!(received.news, [ScopeId(1)]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("0911"));
    world.sound();
}

#[test]
fn concurrent_edits_are_both_kept_and_the_later_is_shown() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    world.push(&mut a, vec![vec![edit(id, PHONE, "1", Over::Creation)]]);
    let received = world.push(&mut b, vec![vec![edit(id, PHONE, "2", Over::Creation)]]);
    assert_eq!(fates(&received.runs), [MERGED]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("2"));
    let conflicts = world.read(|tx| registry::conflicts(tx, 10));
    assert_eq!(conflicts.fields.len(), 1);
    assert_eq!(conflicts.fields[0].heads[0].act, b.last());
    assert_eq!(conflicts.fields[0].heads.len(), 2);
    // Whoever names both settles it.
    let both = over(&[a.last(), b.last()]);
    let settled = world.push(&mut a, vec![vec![edit(id, PHONE, "3", both)]]);
    assert_eq!(fates(&settled.runs), [AS_WRITTEN]);
    assert!(world.read(|tx| registry::conflicts(tx, 10)).fields.is_empty());
    world.sound();
}

/// Counterexample 4: an act may name what has not arrived yet.
#[test]
fn a_head_named_before_it_arrives_goes_straight_to_history() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    let early = b.act(world.tick(), Intent::Change, vec![edit(id, PHONE, "early", Over::Creation)]);
    world.push(&mut a, vec![vec![edit(id, PHONE, "late", over(&[ActId::new(b.author, 1)]))]]);
    let received = world.push_acts(&mut b, vec![early]);
    assert_eq!(fates(&received.runs), [MERGED]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("late"));
    assert!(
        world.read(|tx| registry::conflicts(tx, 10)).fields.iter().all(|c| c.heads.len() == 2),
        "creation stands"
    );
    world.sound();
}

/// Counterexample 15: an act is held whole, and blocks nothing behind it.
#[test]
fn an_act_that_may_not_take_one_write_is_held_whole_and_blocks_nothing_behind_it() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let (id, other) = (world.record_id(), world.record_id());
    world.push(&mut node, vec![vec![create(id, 1, "A"), create(other, 1, "B")]]);
    let mixed = vec![edit(id, PHONE, "new", Over::Creation), edit(id, NAME, "B", Over::Creation)];
    let received =
        world.push(&mut node, vec![mixed, vec![edit(other, PHONE, "ok", Over::Creation)]]);
    assert_eq!(fates(&received.runs), [Fate::Held(Reason::NeedsApproval), AS_WRITTEN]);
    assert_eq!(
        world.shown(id, PHONE).as_deref(),
        Some("0900000000"),
        "nothing of the act is in force"
    );
    assert_eq!(world.shown(other, PHONE).as_deref(), Some("ok"));
    world.sound();
}

/// Counterexample 15: what builds on a held creation waits with it.
#[test]
fn acts_on_a_held_creation_wait_with_it_and_are_released_with_it() {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let (id, other) = (world.record_id(), world.record_id());
    // Creating in a scope of others is held; so is what follows on that record, and nothing else.
    let acts = vec![
        vec![create(id, 2, "A")],
        vec![edit(id, PHONE, "1", Over::Creation)],
        vec![create(other, 1, "B")],
    ];
    let received = world.push(&mut node, acts);
    let held = fates(&received.runs);
    assert_eq!(
        held,
        [Fate::Held(Reason::NotWritable), Fate::Held(Reason::CreationHeld), AS_WRITTEN]
    );
    world.write(|tx| registry::grant(tx, node.author, &[ScopeId(1), ScopeId(2)]));
    let target = ActId::new(node.author, 1);
    world.write(|tx| {
        let verdict = dongbo_proto::act::Verdict::Approve;
        registry::decide(tx, &world.province, ("minh", None), target, verdict, 2_000_000)
    });
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("1"));
    let view = world.read(|tx| registry::node_view(tx, node.author)).expect("a node");
    assert_eq!((view.merged, view.held, view.refused, view.inbox_last), (3, 0, 0, 2));
    world.sound();
}

#[test]
fn a_request_is_approved_with_the_provinces_rank_or_refused_with_words() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let mut replica = Replica::default();
    let id = world.record_id();
    world.push(&mut node, vec![vec![create(id, 1, "A")]]);
    let requests = ["B", "C"].map(|name| {
        let op = edit(id, NAME, name, Over::Creation);
        node.act(world.tick(), Intent::Request, vec![op])
    });
    let received = world.push_acts(&mut node, requests.to_vec());
    assert_eq!(fates(&received.runs), [Fate::Held(Reason::NeedsApproval); 2]);
    assert_eq!(world.read(|tx| registry::held_list(tx, None, 10)).len(), 2);
    let decide = |position, verdict: dongbo_proto::act::Verdict| {
        let act = ActId::new(node.author, position);
        world.write(|tx| {
            registry::decide(
                tx,
                &world.province,
                ("minh", Some("12-QĐ")),
                act,
                verdict.clone(),
                world.now.get(),
            )
        });
    };
    decide(2, dongbo_proto::act::Verdict::Approve);
    decide(3, dongbo_proto::act::Verdict::Refuse("thiếu giấy tờ".into()));
    assert_eq!(world.shown(id, NAME).as_deref(), Some("B"));
    let record = world.record(id).expect("a record");
    let head = &record.field(NAME).expect("a field").heads[0];
    assert_eq!((head.act, head.rank), (ActId::new(node.author, 2), Rank::Province));
    world.pull(&node, &mut replica, 100);
    let told: Vec<_> =
        replica.outcomes.iter().map(|o| (o.act.position, o.fate, o.text.as_str())).collect();
    let refused = Fate::Refused(Reason::RefusedByProvince);
    assert_eq!(told, [(2, MERGED, ""), (3, refused, "thiếu giấy tờ")]);
    let receipt = world.read(|tx| registry::receipt(tx, node.author, 5));
    assert_eq!((receipt.position, receipt.merged, receipt.held, receipt.refused), (3, 2, 0, 1));
    world.sound();
}

/// Fault 20: what comes twice, in pieces or too early changes nothing. [I4 I5]
#[test]
fn delivering_twice_in_pieces_or_too_early_changes_nothing() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    world.push(
        &mut node,
        vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "1", Over::Creation)]],
    );
    let first = node.sent.borrow()[0].clone();
    let scope = world.read(|tx| Ok(tx.scope(ScopeId(1))?));
    let again = world.deliver(&node, &first).expect("is received");
    assert_eq!(fates(&again.runs), [AS_WRITTEN, AS_WRITTEN]);
    assert!(again.news.is_empty());
    assert_eq!(world.read(|tx| Ok(tx.scope(ScopeId(1))?)), scope);
    // A batch behind a gap is passed over.
    let mut ahead = Node { position: 5, ..twin(&node) };
    let batch = ahead.batch_of(&world, vec![edit(id, PHONE, "5", Over::Creation)]);
    let ignored = world.deliver(&node, &batch).expect("is passed over");
    assert_eq!((ignored.position, ignored.runs.len()), (2, 0));
    world.sound();
}

#[test]
fn a_batch_that_overlaps_brings_only_what_is_new() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    let first = node.act(world.tick(), Intent::Change, vec![create(id, 1, "A")]);
    let mut resend = twin(&node);
    resend.position = 0;
    world.push_acts(&mut node, vec![first.clone()]);
    resend.claimed = node.claimed;
    resend.position = 1;
    let second =
        resend.act(world.tick(), Intent::Change, vec![edit(id, PHONE, "2", Over::Creation)]);
    // The salts of the first batch go with its acts.
    let whole = resend.batch(vec![first, second]);
    let received = world.deliver(&node, &whole).expect("is received");
    assert_eq!(fates(&received.runs), [AS_WRITTEN, AS_WRITTEN]);
    assert_eq!(received.position, 2);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("2"));
    let again = world.deliver(&node, &whole).expect("is received");
    assert_eq!(again.runs.iter().map(|r| r.count).sum::<u32>(), 2);
    world.sound();
}

/// Fault 11: the second of two machines under one id is stopped at its first act that differs. [I4 I12]
#[test]
fn another_hash_at_a_known_position_is_a_fork() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    world.push(
        &mut node,
        vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "1", Over::Creation)]],
    );
    let mut clone = twin(&node);
    clone.position = 0;
    let forked = clone.batch_of(&world, vec![create(id, 1, "B")]);
    let error = world.deliver(&node, &forked).expect_err("a fork");
    assert!(matches!(error, RegistryError::Stop(Stop::Forked)), "{error}");
    assert_eq!(world.shown(id, NAME).as_deref(), Some("A"));
    world.sound();
}

#[test]
fn what_this_server_cannot_read_is_journalled_and_held() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    let unknown = Op::Write(RecordWrites {
        record: id,
        kind: KindId(999),
        create: Some(ScopeId(1)),
        under: None,
        fields: vec![FieldWrite {
            field: NAME,
            value: dongbo_proto::value::Value::Opaque(77, vec![1]),
            over: Over::Nothing,
        }],
    });
    let received = world.push(
        &mut node,
        vec![
            vec![unknown],
            vec![Op::Unknown(55, vec![1, 2])],
            vec![create(world.record_id(), 1, "A")],
        ],
    );
    let newer = Fate::Held(Reason::NeedsNewerServer);
    assert_eq!(fates(&received.runs), [newer, newer, AS_WRITTEN]);
    world.sound();
}

#[test]
fn a_revoked_node_delivers_into_holding() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    world.write(|tx| registry::revoke(tx, node.author, 7));
    let received = world.push(&mut node, vec![vec![create(world.record_id(), 1, "A")]]);
    assert_eq!(fates(&received.runs), [Fate::Held(Reason::DeliverOnly)]);
    assert!(world.read(|tx| registry::node_view(tx, node.author)).expect("a node").revoked);
    world.sound();
}

#[test]
fn a_node_neither_decides_nor_places_and_its_bad_signature_stops_it() {
    let world = World::new(2);
    let mut node = world.join(&[1]);
    let id = world.record_id();
    let place = Op::Place { record: id, kind: MEMBER, scope: ScopeId(2), projection: None };
    let decide = Op::Decide(ActId::new(node.author, 1), dongbo_proto::act::Verdict::Approve);
    let received = world.push(&mut node, vec![vec![create(id, 1, "A")], vec![place], vec![decide]]);
    assert_eq!(fates(&received.runs)[1..], [Fate::Held(Reason::ProvinceOnly); 2]);
    let mut batch = node.batch_of(&world, vec![edit(id, PHONE, "1", Over::Creation)]);
    batch.signature[3] ^= 1;
    let error = world.deliver(&node, &batch).expect_err("is refused");
    assert!(matches!(error, RegistryError::Stop(Stop::BadBatch)), "{error}");
    world.sound();
}

#[test]
fn a_clock_in_2035_is_clamped_and_named_in_the_acknowledgement() {
    let world = World::new(1);
    let mut node = world.join(&[1]);
    let id: RecordId = world.record_id();
    let mut act = node.act(world.tick(), Intent::Change, vec![create(id, 1, "A")]);
    act.claimed = dongbo_proto::stamp::Stamp::new(2_051_222_400_000, 0);
    let received = world.push_acts(&mut node, vec![act]);
    let stamps = received.runs[0].stamps.clone().expect("not as claimed");
    assert!(stamps[0].ms() <= world.now.get());
    assert_eq!(world.record(id).expect("a record").created.stamp, stamps[0]);
    world.sound();
}

fn twin(node: &Node) -> Node {
    Node {
        author: node.author,
        signer: signer(node.author.0 >> 32),
        position: node.position,
        head: dongbo_proto::id::Hash::default(),
        claimed: node.claimed,
        scopes: node.scopes.clone(),
        sent: Default::default(),
    }
}

impl Node {
    fn batch_of(&mut self, world: &World, ops: Vec<Op>) -> dongbo_proto::frame::Batch {
        let act = self.act(world.tick(), Intent::Change, ops);
        self.batch(vec![act])
    }
}
