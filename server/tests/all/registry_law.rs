//! The law on a real store: for every set of acts and every interleaving of their authors, the heads
//! are those of the oracle, the digests are equal, and a node that hears of it is in step.

use std::collections::{BTreeMap, BTreeSet};

use crate::registry_world::*;
use dongbo_proto::act::{Act, Intent, Op, Over};
use dongbo_proto::digest::Digest;
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{ActId, FieldId, RecordId, ScopeId};
use dongbo_proto::merge::{self, Written};
use dongbo_proto::record::{Origin, Rank};
use dongbo_proto::value::Value;

const FIELDS: [FieldId; 4] = [IN_USE, OTHER, PHONE, EMAIL];
const SEEDS: u64 = 40;
const INTERLEAVINGS: u64 = 3;

/// SplitMix64: enough to draw with, and the same everywhere.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

type Key = (RecordId, FieldId);

/// What was written, to whom the oracle listens.
#[derive(Default)]
struct Story {
    writes: BTreeMap<Key, Vec<Written>>,
    retracted: BTreeSet<ActId>,
    batches: Vec<Vec<Batch>>,
}

fn write(draw: &mut Draw, story: &mut Story, record: RecordId, created: ActId, id: ActId) -> Op {
    let field = FIELDS[draw.below(FIELDS.len())];
    let known: Vec<ActId> =
        story.writes.get(&(record, field)).into_iter().flatten().map(|w| w.origin.act).collect();
    let over = match draw.below(4) {
        0 if field == PHONE => Over::Creation,
        0 => Over::Nothing,
        n if !known.is_empty() => {
            let mut named: Vec<ActId> = (0..n).map(|_| known[draw.below(known.len())]).collect();
            named.sort_unstable();
            named.dedup();
            over(&named)
        }
        _ => Over::Nothing,
    };
    let value = format!("{}", draw.below(5));
    let origin = Origin { act: id, ..Origin::default() };
    let written = Written { origin, value: text(&value), over: merge::named(&over, created) };
    story.writes.entry((record, field)).or_default().push(written);
    edit(record, field, &value, over)
}

/// Several authors make acts that know of each other in any way; each author's batches are in order.
fn tell(seed: u64, nodes: &mut [Node], records: &[RecordId], created: ActId, now: i64) -> Story {
    let mut draw = Draw(seed);
    let mut story = Story::default();
    for record in records {
        let origin = Origin { act: created, ..Origin::default() };
        let written = Written { origin, value: text("0900000000"), over: Default::default() };
        story.writes.entry((*record, PHONE)).or_default().push(written);
    }
    story.batches = nodes.iter().map(|_| Vec::new()).collect();
    let mut pending: Vec<Vec<Act>> = nodes.iter().map(|_| Vec::new()).collect();
    let first: Vec<u64> = nodes.iter().map(|n| n.position).collect();
    for step in 0..60 {
        let at = draw.below(nodes.len());
        let node = &mut nodes[at];
        let id = ActId::new(node.author, node.position + 1);
        let own = id.position - 1 - first[at];
        let ops = if own > 0 && draw.below(8) == 0 {
            let target = ActId::new(node.author, first[at] + 1 + draw.below(own as usize) as u64);
            story.retracted.insert(target);
            vec![Op::Retract(vec![target])]
        } else {
            let (a, b) = (draw.below(records.len()), draw.below(records.len()));
            let mut ops = vec![write(&mut draw, &mut story, records[a], created, id)];
            if a != b && draw.below(3) == 0 {
                ops.push(write(&mut draw, &mut story, records[b], created, id));
            }
            ops
        };
        let act = node.act(now + step, Intent::Change, ops);
        pending[at].push(act);
        if draw.below(3) == 0 {
            let acts = std::mem::take(&mut pending[at]);
            story.batches[at].push(node.batch(acts));
        }
    }
    for (at, acts) in pending.into_iter().enumerate().filter(|(_, acts)| !acts.is_empty()) {
        story.batches[at].push(nodes[at].batch(acts));
    }
    story
}

fn deliver_in_some_order(world: &World, nodes: &[Node], story: &Story, draw: &mut Draw) {
    let mut next = vec![0; nodes.len()];
    let left = |next: &[usize]| {
        (0..nodes.len()).filter(|n| next[*n] < story.batches[*n].len()).collect::<Vec<_>>()
    };
    loop {
        let left = left(&next);
        if left.is_empty() {
            return;
        }
        let at = left[draw.below(left.len())];
        let batch = &story.batches[at][next[at]];
        let received = world.deliver(&nodes[at], batch).expect("is received");
        assert!(
            fates(&received.runs)
                .iter()
                .all(|f| matches!(f, dongbo_proto::fate::Fate::Merged { .. }))
        );
        if draw.below(4) == 0 {
            world.deliver(&nodes[at], batch).expect("is received again");
        }
        next[at] += 1;
    }
}

fn heads(world: &World, key: Key) -> Vec<(ActId, Value)> {
    let record = world.record(key.0).expect("a record");
    record
        .field(key.1)
        .into_iter()
        .flat_map(|s| &s.heads)
        .map(|h| (h.act, h.value.clone()))
        .collect()
}

fn one_interleaving(seed: u64, interleaving: u64) -> Digest {
    let world = World::new(1);
    let mut nodes: Vec<Node> = (0..3).map(|_| world.join(&[1])).collect();
    let reader = world.join(&[1]);
    let records: Vec<RecordId> = (0..4).map(|_| world.record_id()).collect();
    let creation = records.iter().map(|id| create(*id, 1, "A")).collect();
    world.push(&mut nodes[0], vec![creation]);
    let created = nodes[0].last();
    let now = world.now.get();
    let story = tell(seed, &mut nodes, &records, created, now);
    world.now.set(now + 100_000);
    let mut draw = Draw(seed ^ interleaving.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut replica = Replica::default();
    world.pull(&reader, &mut replica, 2);
    deliver_in_some_order(&world, &nodes, &story, &mut draw);
    for (key, writes) in &story.writes {
        let oracle = merge::heads_of_set(writes, &story.retracted);
        let expected: Vec<_> = oracle.heads.iter().map(|h| (h.act, h.value.clone())).collect();
        assert_eq!(
            heads(&world, *key),
            expected,
            "seed {seed}, interleaving {interleaving}, field {}",
            key.1.0
        );
    }
    world.sound();
    world.pull(&reader, &mut replica, 3);
    replica.in_step();
    assert!(replica.records.values().all(|r| r.1.created.rank == Rank::Home));
    world.read(|tx| Ok(tx.scope(ScopeId(1))?)).expect("a scope").digest
}

#[test]
fn every_interleaving_gives_the_heads_of_the_oracle_and_one_digest() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let digests: Vec<Digest> = (0..INTERLEAVINGS).map(|n| one_interleaving(seed, n)).collect();
        assert!(digests.windows(2).all(|d| d[0] == d[1]), "seed {seed}: {digests:?}");
    }
}
