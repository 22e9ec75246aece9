//! Taking back: acts, imports, and what returns.

use crate::registry_world::*;
use dongbo_proto::act::{Intent, Op, Over};
use dongbo_proto::fate::{Fate, Reason, SCOPE_BORN};
use dongbo_proto::id::{ActId, JobId, ScopeId};
use dongbo_proto::record::Rank;
use dongbo_server::registry;

const BY: (&str, Option<&str>) = ("minh", Some("3-QĐ"));

fn retract(world: &World, acts: &[ActId]) {
    world.write(|tx| registry::retract(tx, &world.province, BY, acts, world.now.get()));
}

#[test]
fn what_only_the_retracted_act_had_replaced_returns() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(
        &mut a,
        vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "wrong", Over::Creation)]],
    );
    let wrong = a.last();
    retract(&world, &[wrong]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("0900000000"));
    world.sound();
    // Someone who had seen the wrong value and knew better: the old one does not come back.
    world.push(&mut b, vec![vec![edit(id, PHONE, "right", over(&[wrong]))]]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("right"));
    assert_eq!(world.record(id).expect("a record").field(PHONE).expect("a field").heads.len(), 1);
    world.sound();
}

/// Counterexample 17: an undo takes back one act, not the knowing edit behind it.
#[test]
fn a_later_knowing_edit_survives_the_undo_of_what_it_replaced() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(
        &mut a,
        vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "import", Over::Creation)]],
    );
    let import = a.last();
    world.push(
        &mut b,
        vec![
            vec![edit(id, PHONE, "knew", over(&[import]))],
            vec![edit(id, EMAIL, "e@x.vn", Over::Nothing)],
        ],
    );
    retract(&world, &[import]);
    let record = world.record(id).expect("a record");
    assert_eq!(record.field(PHONE).map(|s| s.heads.len()), Some(1), "v0 does not stand beside it");
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("knew"));
    assert_eq!(world.shown(id, EMAIL).as_deref(), Some("e@x.vn"), "other acts are not touched");
    world.sound();
}

#[test]
fn a_node_takes_back_its_own_act_and_no_others() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let mut replica = Replica::default();
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    // In one batch with the act that it takes back.
    let edit_act = a.act(world.tick(), Intent::Change, vec![edit(id, PHONE, "1", Over::Creation)]);
    let undo = a.act(world.tick(), Intent::Change, vec![Op::Retract(vec![edit_act.id(a.author)])]);
    let received = world.push_acts(&mut a, vec![edit_act, undo]);
    assert_eq!(
        fates(&received.runs),
        [Fate::Merged { as_written: true }, Fate::Merged { as_written: false }]
    );
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("0900000000"));
    let other = vec![Op::Retract(vec![ActId::new(a.author, 1)])];
    assert_eq!(fates(&world.push(&mut b, vec![other]).runs), [Fate::Held(Reason::NeedsApproval)]);
    world.pull(&b, &mut replica, 10);
    replica.in_step();
    world.sound();
}

#[test]
fn an_import_is_undone_as_one_job() {
    let world = World::new(1);
    let reader = world.join(&[1]);
    let mut replica = Replica::default();
    let ids: Vec<_> = (0..25).map(|_| world.record_id()).collect();
    let job = JobId([5; 16]);
    let ops: Vec<Op> = ids.iter().map(|id| create(*id, 1, "A")).collect();
    let deeds = registry::job(BY, Intent::Import, job, ops, 10);
    assert_eq!(deeds.len(), 3);
    world.write(|tx| registry::enact_all(tx, &world.province, deeds.clone(), world.now.get()));
    assert_eq!(world.record(ids[0]).expect("a record").created.rank, Rank::Import);
    world.pull(&reader, &mut replica, 7);
    replica.in_step();
    assert_eq!(replica.records.len(), 25);
    let live = |world: &World| {
        world
            .read(|tx| registry::status(tx))
            .kinds
            .iter()
            .find(|k| k.0 == MEMBER)
            .map(|k| (k.1, k.2))
    };
    assert_eq!(live(&world), Some((25, 0)));
    let acts = world.read(|tx| registry::acts_of_job(tx, job));
    assert_eq!(acts.len(), 3);
    retract(&world, &acts);
    assert_eq!(live(&world), Some((0, 25)));
    world.pull(&reader, &mut replica, 7);
    replica.in_step();
    world.sound();
}

/// Story 12: the province's word ranks highest, and the other value stays in history.
#[test]
fn the_province_settles_and_its_word_ranks_highest() {
    let world = World::new(1);
    let (mut a, mut b) = (world.join(&[1]), world.join(&[1]));
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")], vec![edit(id, PHONE, "a", Over::Creation)]]);
    world.push(&mut b, vec![vec![edit(id, PHONE, "b", Over::Creation)]]);
    let head = a.last();
    world.write(|tx| {
        registry::settle(tx, &world.province, BY, (MEMBER, id), PHONE, head, world.now.get())
    });
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("a"));
    assert!(world.read(|tx| registry::conflicts(tx, 10)).fields.is_empty());
    // A later concurrent edit of an office stands beside it and is not shown.
    let own = over(&[b.last()]);
    world.push(&mut b, vec![vec![edit(id, PHONE, "c", own)]]);
    assert_eq!(world.shown(id, PHONE).as_deref(), Some("a"));
    world.sound();
}

#[test]
fn an_act_that_waits_is_refused_and_not_taken_back() {
    let world = World::new(1);
    let mut a = world.join(&[1]);
    let id = world.record_id();
    world.push(&mut a, vec![vec![create(id, 1, "A")]]);
    let ask = a.act(world.tick(), Intent::Request, vec![edit(id, NAME, "B", Over::Creation)]);
    world.push_acts(&mut a, vec![ask]);
    let target = a.last();
    let error = world
        .try_write(|tx| registry::retract(tx, &world.province, BY, &[target], world.now.get()));
    assert!(error.is_err(), "what waits is refused, not taken back");
    assert_eq!(
        world.read(|tx| Ok(tx.scope(ScopeId(1))?)).map(|s| s.revision),
        Some(SCOPE_BORN + 1)
    );
    world.sound();
}

/// Story 6: two rows of one key are both kept, and listed.
#[test]
fn rows_with_one_natural_key_are_listed() {
    use dongbo_proto::act::{FieldWrite, RecordWrites};
    use dongbo_proto::value::Value;
    let world = World::new(1);
    let mut a = world.join(&[1]);
    let id = world.record_id();
    let review = dongbo_proto::catalogue::catalogue().kind_named("review").expect("a kind");
    let row = |world: &World| {
        let key = review.natural_key.iter().map(|f| {
            let field = review.field(*f).expect("a field");
            let value = match &field.ty {
                dongbo_proto::catalogue::FieldType::Ref(_) => Value::Ref(id),
                dongbo_proto::catalogue::FieldType::Int { min, .. } => Value::Int((*min).max(2026)),
                _ => panic!("another sort of key"),
            };
            FieldWrite { field: *f, value, over: Over::Nothing }
        });
        let record = world.record_id();
        vec![Op::Write(RecordWrites {
            record,
            kind: review.id,
            create: Some(ScopeId(1)),
            under: None,
            fields: key.collect(),
        })]
    };
    let received = world.push(&mut a, vec![vec![create(id, 1, "A")], row(&world), row(&world)]);
    assert_eq!(fates(&received.runs), [Fate::Merged { as_written: true }; 3]);
    let twins = world.read(|tx| registry::conflicts(tx, 10)).twins;
    assert_eq!(twins.iter().map(|t| (t.0, t.1.len())).collect::<Vec<_>>(), [(review.id, 2)]);
}
