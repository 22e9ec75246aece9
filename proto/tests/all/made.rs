//! Random values, acts, records and frames, well formed but with no other sense to them.

use std::collections::BTreeMap;

use dongbo_proto::act::{
    Act, FieldWrite, Intent, JobItem, Op, Over, Projection, RecordWrites, Verdict,
};
use dongbo_proto::chain::Seed;
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::{Checkpoint, Fate, Outcome, Reason, Receipt, ScopeMark};
use dongbo_proto::frame::{
    AckRun, Batch, Complete, Down, Grant, Hello, HistoryItem, ScopeCursor, Standing, States, Stop,
    Up, Welcome,
};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, JobId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Named, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::{PDate, Value};
use dongbo_proto::wire::encode_acts;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use smallvec::SmallVec;

/// Any value, of known and unknown types.
pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        4 => "[a-zđA-ZỆ0-9 ]{0,12}".prop_map(Value::Text),
        2 => any::<i64>().prop_map(Value::Int),
        1 => (0i64..100).prop_map(Value::Int),
        2 => date().prop_map(Value::Date),
        1 => record_id().prop_map(Value::Ref),
        1 => (5u8.., vec(any::<u8>(), 0..9)).prop_map(|(tag, b)| Value::Opaque(tag, b)),
    ]
}

/// A date, perhaps partial.
pub fn date() -> impl Strategy<Value = PDate> {
    let parts = (1800i32..=2200, option::of((1u32..=12, option::of(1u32..=28))));
    parts.prop_map(|(year, rest)| {
        let (month, day) = rest.map_or((None, None), |(m, d)| (Some(m), d));
        PDate::new(year, month, day).expect("a date that exists")
    })
}

/// A record's id; few enough to meet again.
pub fn record_id() -> impl Strategy<Value = RecordId> {
    (0u64..6, any::<u8>()).prop_map(|(ms, r)| RecordId::new(1_700_000_000_000 + ms, [r; 10]))
}

/// An act's id; few authors.
pub fn act_id() -> impl Strategy<Value = ActId> {
    let author = prop_oneof![1u64..5, Just(u64::MAX), any::<u64>()];
    let position = prop_oneof![1u64..2_000, any::<u64>()];
    (author, position).prop_map(|(author, position)| ActId::new(AuthorId(author), position))
}

/// Any stamp.
pub fn stamp() -> impl Strategy<Value = Stamp> {
    prop_oneof![
        (1_600_000_000_000i64..1_900_000_000_000, 0u16..3).prop_map(|(ms, n)| Stamp::new(ms, n)),
        any::<u64>().prop_map(Stamp),
    ]
}

/// Any rank.
pub fn rank() -> impl Strategy<Value = Rank> {
    (0u8..4).prop_map(|n| Rank::from_number(n).expect("four ranks"))
}

fn origin() -> impl Strategy<Value = Origin> {
    (act_id(), stamp(), rank()).prop_map(|(act, stamp, rank)| Origin { act, stamp, rank })
}

/// A kind: members, reviews and one that a newer build made.
pub fn kind() -> impl Strategy<Value = KindId> {
    prop_oneof![5 => Just(KindId(10)), 2 => Just(KindId(27)), 1 => Just(KindId(60_000))]
}

/// A field, known or not.
pub fn field() -> impl Strategy<Value = FieldId> {
    prop_oneof![5 => 10u16..60, 1 => Just(2), 1 => 120u16..=u16::MAX].prop_map(FieldId)
}

fn named() -> impl Strategy<Value = Named> {
    vec(act_id(), 0..3).prop_map(SmallVec::from_vec)
}

/// A field's state: mostly what the creation left; sometimes a conflict, or bookkeeping.
pub fn field_state(created: Origin) -> impl Strategy<Value = FieldState> {
    let sole = |o: Origin, v: Value| FieldState::sole(Head::new(o, v));
    prop_oneof![
        5 => value().prop_map(move |v| sole(created, v)),
        3 => (origin(), value()).prop_map(move |(o, v)| sole(as_created(o, created), v)),
        2 => contested(created),
        1 => (contested(created), vec(act_id(), 1..3), vec((act_id(), named()), 0..3)).prop_map(
            |(state, ahead, undone)| FieldState {
                ahead: ahead.into(),
                undone: undone.into(),
                ..state
            }
        ),
        1 => vec(act_id(), 1..3).prop_map(|ahead| FieldState { ahead: ahead.into(), ..Default::default() }),
    ]
}

/// The facts of an act are the same wherever it is met.
fn as_created(origin: Origin, created: Origin) -> Origin {
    if origin.act == created.act { created } else { origin }
}

fn contested(created: Origin) -> impl Strategy<Value = FieldState> {
    let heads = btree_map(act_id(), (stamp(), rank(), value()), 1..4);
    (heads, option::of(value())).prop_map(move |(heads, first)| {
        let heads = heads.into_iter().filter(|(act, _)| *act != created.act);
        let mut all: Vec<Head> =
            heads.map(|(act, (stamp, rank, value))| Head { act, stamp, rank, value }).collect();
        if let Some(value) = first.or(all.is_empty().then_some(Value::Null)) {
            all.push(Head::new(created, value));
        }
        all.sort_by_key(|h| h.act);
        FieldState { heads: SmallVec::from_vec(all), ..Default::default() }
    })
}

/// A record of any kind.
pub fn record() -> impl Strategy<Value = Record> {
    (record_id(), kind(), origin(), option::of(act_id()), any::<u32>()).prop_flat_map(
        |(id, kind, created, placed, home)| {
            btree_map(field(), field_state(created), 0..8).prop_map(move |fields| Record {
                placed,
                fields: fields.into_iter().collect(),
                ..Record::new(id, kind, created, ScopeId(home))
            })
        },
    )
}

/// What a page carries of a record: its heads.
pub fn heads_only(mut record: Record) -> Record {
    for (_, state) in &mut record.fields {
        state.ahead.clear();
        state.undone.clear();
    }
    record.fields.retain(|(_, state)| !state.heads.is_empty());
    record
}

fn over() -> impl Strategy<Value = Over> {
    prop_oneof![
        3 => Just(Over::Creation),
        2 => Just(Over::Nothing),
        2 => vec(act_id(), 1..4).prop_map(|heads| Over::Heads(SmallVec::from_vec(heads))),
    ]
}

fn writes() -> impl Strategy<Value = RecordWrites> {
    let fields = btree_map(field(), (value(), over()), 0..5);
    let create = option::weighted(0.3, (0u32..1_000_000).prop_map(ScopeId));
    (record_id(), kind(), create, option::weighted(0.2, act_id()), fields).prop_map(
        |(record, kind, create, under, fields)| RecordWrites {
            record,
            kind,
            create,
            under,
            fields: fields
                .into_iter()
                .map(|(field, (value, over))| FieldWrite { field, value, over })
                .collect(),
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let projection = option::of((0u8..3).prop_map(|n| Projection::from_number(n).expect("three")));
    let place = (record_id(), kind(), any::<u32>(), projection);
    prop_oneof![
        8 => writes().prop_map(Op::Write),
        1 => vec(act_id(), 0..4).prop_map(Op::Retract),
        1 => act_id().prop_map(|a| Op::Decide(a, Verdict::Approve)),
        1 => act_id().prop_map(|a| Op::Decide(a, Verdict::Judge)),
        1 => (act_id(), "[a-z ]{0,8}").prop_map(|(a, t)| Op::Decide(a, Verdict::Refuse(t))),
        1 => place.prop_map(|(record, kind, scope, projection)| Op::Place {
            record, kind, scope: ScopeId(scope), projection
        }),
        1 => (5u8.., vec(any::<u8>(), 0..6)).prop_map(|(tag, bytes)| Op::Unknown(tag, bytes)),
    ]
}

/// An act at a position.
pub fn act(position: u64) -> impl Strategy<Value = Act> {
    let job = (any::<[u8; 16]>(), any::<u32>(), any::<u32>());
    let header = (stamp(), "[a-z]{0,6}", 0u8..3, option::of("[0-9]{1,4}"), option::of(job));
    (header, option::of(1u64..), vec(op(), 0..4)).prop_map(move |(header, linked, ops)| {
        let (claimed, person, intent, grounds, job) = header;
        Act {
            position,
            claimed,
            person,
            intent: Intent::from_number(intent).expect("three intents"),
            grounds,
            job: job.map(|(id, item, of)| JobItem { job: JobId(id), item, of }),
            linked,
            ops: SmallVec::from_vec(ops),
        }
    })
}

/// Acts of consecutive positions.
pub fn acts(first: u64) -> impl Strategy<Value = Vec<Act>> {
    (1usize..6).prop_flat_map(move |n| (0..n as u64).map(|at| act(first + at)).collect::<Vec<_>>())
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn epoch() -> impl Strategy<Value = Epoch> {
    any::<[u8; 16]>().prop_map(Epoch)
}

fn signature() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(any::<u8>(), 64)]
}

fn cursors() -> impl Strategy<Value = Vec<ScopeCursor>> {
    let one = (any::<u64>(), any::<u64>(), option::of(any::<[u8; 16]>()));
    btree_map(any::<u32>(), one, 0..5).prop_map(|all| {
        let cursor = |(scope, (visible, staged, filled)): (u32, (u64, u64, Option<[u8; 16]>))| {
            let filled_to = filled.filter(|id| *id != [0; 16]).map(RecordId);
            ScopeCursor { scope: ScopeId(scope), visible, staged, filled_to }
        };
        all.into_iter().map(cursor).collect()
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    let ids = (any::<u64>(), any::<u32>(), option::of(epoch()), any::<[u8; 16]>(), any::<u64>());
    let chain = (any::<u64>(), hash(), any::<u64>(), hash(), any::<bool>());
    (ids, chain, any::<i64>(), cursors(), any::<[u8; 16]>(), any::<[bool; 2]>()).prop_map(
        |(ids, chain, local_ms, scopes, state, [live, flush])| Hello {
            author: AuthorId(ids.0),
            schema: ids.1,
            epoch: ids.2,
            token: ids.3,
            inbox: ids.4,
            position: chain.0,
            head: chain.1,
            acknowledged: chain.2,
            acknowledged_head: if chain.4 { chain.1 } else { chain.3 },
            local_ms,
            scopes,
            state,
            live,
            flush,
        },
    )
}

fn batch() -> impl Strategy<Value = Batch> {
    let numbers = (any::<u64>(), 1u64..1_000_000, hash(), hash());
    let seeds = (0u64..9, btree_set(0u64..4, 1..3), any::<[u8; 32]>());
    (numbers, acts(1), seeds, signature()).prop_map(|(n, acts, (back, at, seed), signature)| {
        let (body, raw_len) = encode_acts(&acts);
        let (first, count) = (n.1, acts.len() as u32);
        let mut from: Vec<u64> = at.into_iter().filter(|a| *a < acts.len() as u64).collect();
        from = from.into_iter().map(|a| first + a).collect();
        if from.first().is_none_or(|f| *f > first) {
            from.insert(0, first.saturating_sub(back));
        }
        let seeds = from.into_iter().map(|f| (f, Seed(seed))).collect();
        let author = AuthorId(n.0);
        Batch { author, first, count, before: n.2, after: n.3, seeds, signature, body, raw_len }
    })
}

/// Any frame of a node.
pub fn up() -> impl Strategy<Value = Up> {
    prop_oneof![
        3 => hello().prop_map(Up::Hello),
        3 => batch().prop_map(Up::Batch),
        1 => Just(Up::Flush),
        1 => (any::<[u8; 16]>(), any::<u64>()).prop_map(|(token, inbox)| Up::Confirm { token, inbox }),
        1 => vec(any::<u8>(), 0..40).prop_map(Up::Renew),
        1 => record_id().prop_map(Up::AskHistory),
    ]
}

/// Any fate.
pub fn fate() -> impl Strategy<Value = Fate> {
    let reason = (1u8..=11).prop_map(|n| Reason::from_number(n).expect("eleven reasons"));
    prop_oneof![
        any::<bool>().prop_map(|as_written| Fate::Merged { as_written }),
        reason.clone().prop_map(Fate::Held),
        reason.prop_map(Fate::Refused),
    ]
}

fn run() -> impl Strategy<Value = AckRun> {
    let at = vec((any::<u32>(), 0u64..1 << 60), 0..3);
    (1u64..1 << 60, fate(), at, rank(), 1u32..5, option::of(vec(stamp(), 5))).prop_map(
        |(first, fate, at, rank, count, stamps)| AckRun {
            first,
            fate,
            at: at.into_iter().map(|(s, r)| (ScopeId(s), r)).collect(),
            rank,
            count,
            stamps: stamps.map(|s| s[..count as usize].to_vec()),
        },
    )
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let counts = any::<[u64; 4]>();
    (epoch(), any::<u64>(), hash(), counts, any::<i64>(), signature()).prop_map(
        |(epoch, author, chain, n, at_ms, signature)| Receipt {
            epoch,
            author: AuthorId(author),
            position: n[0],
            chain,
            merged: n[1],
            held: n[2],
            refused: n[3],
            at_ms,
            signature,
        },
    )
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let standing = prop_oneof![
        Just(Standing::Good),
        Just(Standing::Renew),
        Just(Standing::Expired),
        Just(Standing::DeliverOnly)
    ];
    let grant = (any::<u32>(), "[A-Z0-9]{0,6}", "[a-zệ ]{0,9}")
        .prop_map(|(scope, code, name)| Grant { scope: ScopeId(scope), code, name });
    let server = (any::<i64>(), any::<u32>(), standing, option::of(vec(grant, 0..3)));
    (epoch(), vec(epoch(), 0..3), any::<u64>(), option::of(hash()), server).prop_map(
        |(epoch, ancestors, position, head, (server_ms, schema, standing, grants))| Welcome {
            epoch,
            ancestors,
            position,
            head,
            server_ms,
            schema,
            standing,
            grants,
        },
    )
}

/// A page of states.
pub fn states() -> impl Strategy<Value = States> {
    let projection = (0u8..3).prop_map(|n| Projection::from_number(n).expect("three"));
    let records = vec((projection, record().prop_map(heads_only)), 0..6);
    let cursor = (any::<u32>(), any::<u64>(), any::<u64>(), any::<bool>());
    (cursor, records, vec((record_id(), kind()), 0..3)).prop_map(
        |((scope, from, to, filling), records, gone)| States {
            scope: ScopeId(scope),
            from,
            to,
            filling,
            records,
            gone,
        },
    )
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let marks = btree_map(any::<u32>(), (any::<u64>(), hash(), any::<[u8; 32]>()), 0..4);
    (epoch(), any::<i64>(), marks, signature()).prop_map(|(epoch, at_ms, marks, signature)| {
        let mark = |(scope, (revision, chain, digest))| ScopeMark {
            scope: ScopeId(scope),
            revision,
            chain,
            digest: Digest::from_bytes(digest),
        };
        Checkpoint { epoch, at_ms, marks: marks.into_iter().map(mark).collect(), signature }
    })
}

fn complete() -> impl Strategy<Value = Complete> {
    let rest = (any::<[u8; 16]>(), any::<i64>(), any::<u64>(), any::<u32>());
    (option::of(checkpoint()), rest).prop_map(
        |(checkpoint, (token, server_ms, backed_up, come_back_s))| Complete {
            checkpoint,
            token,
            server_ms,
            backed_up,
            come_back_s,
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (any::<u64>(), act_id(), fate(), "[a-zắ ]{0,9}", any::<i64>())
        .prop_map(|(sequence, act, fate, text, at_ms)| Outcome { sequence, act, fate, text, at_ms })
}

fn history_item() -> impl Strategy<Value = HistoryItem> {
    let facts = (stamp(), rank(), fate(), any::<bool>());
    (any::<u64>(), act(3), facts).prop_map(|(author, act, (stamp, rank, fate, retracted))| {
        HistoryItem { author: AuthorId(author), act, stamp, rank, fate, retracted }
    })
}

/// Any frame of the server.
pub fn down() -> impl Strategy<Value = Down> {
    prop_oneof![
        1 => welcome().prop_map(Down::Welcome),
        1 => (vec(run(), 0..4), receipt()).prop_map(|(runs, r)| Down::Acks(runs, Box::new(r))),
        3 => states().prop_map(Down::States),
        1 => vec(outcome(), 0..3).prop_map(Down::Outcomes),
        1 => complete().prop_map(Down::Complete),
        1 => vec(any::<u8>(), 0..40).prop_map(Down::Certificate),
        1 => (record_id(), vec(history_item(), 0..3)).prop_map(|(id, all)| Down::History(id, all)),
        1 => (1u8..=7).prop_map(|n| Down::Stop(Stop::from_number(n).expect("seven stops"))),
        1 => (1u32..).prop_map(Down::ComeBack),
    ]
}

/// Columns of a record that has some fields in ordinary columns: those with even numbers.
pub fn in_column(field: FieldId) -> bool {
    field.0.is_multiple_of(2)
}

/// The columns that are not NULL.
pub fn not_null(columns: Vec<(FieldId, Value)>) -> BTreeMap<FieldId, Value> {
    columns.into_iter().filter(|(_, v)| !v.is_null()).collect()
}
