//! Frames to bytes and back: every frame, any contents, and the exact bytes of one of each.

use dongbo_proto::act::{Act, FieldWrite, Op, Over, Projection, RecordWrites};
use dongbo_proto::chain::Seed;
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::{Checkpoint, Fate, Outcome, Reason, Receipt, ScopeMark};
use dongbo_proto::frame::{
    AckRun, Batch, Complete, Down, Grant, Hello, HistoryItem, ScopeCursor, Standing, States, Stop,
    Up, Welcome,
};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_proto::wire::{self, WireError, pb};
use proptest::prelude::*;
use prost::Message;

use crate::chain_hash::full_act;
use crate::{golden, made};

fn up_bytes(up: &Up) -> Vec<u8> {
    wire::up_to_pb(up).encode_to_vec()
}

fn down_bytes(down: &Down) -> Vec<u8> {
    wire::down_to_pb(down).encode_to_vec()
}

fn read_up(bytes: &[u8]) -> Result<Up, WireError> {
    wire::up_from_pb(pb::UpFrame::decode(bytes)?)
}

fn read_down(bytes: &[u8]) -> Result<Down, WireError> {
    wire::down_from_pb(pb::DownFrame::decode(bytes)?)
}

/// A field that no version has: number 2,000, varint 5.
const UNKNOWN_FIELD: [u8; 3] = [0x80, 0x7d, 5];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..Default::default() })]

    #[test]
    fn every_frame_up_comes_back(up in made::up()) {
        prop_assert_eq!(read_up(&up_bytes(&up)), Ok(up));
    }

    #[test]
    fn every_frame_down_comes_back(down in made::down()) {
        prop_assert_eq!(read_down(&down_bytes(&down)), Ok(down));
    }

    #[test]
    fn acts_come_back(acts in made::acts(41)) {
        let (body, raw_len) = wire::encode_acts(&acts);
        prop_assert_eq!(wire::decode_acts(41, &body, raw_len), Ok(acts));
    }

    #[test]
    fn unknown_fields_of_a_frame_are_passed_over(down in made::down()) {
        let mut bytes = down_bytes(&down);
        bytes.extend(UNKNOWN_FIELD);
        prop_assert_eq!(read_down(&bytes), Ok(down));
    }

    #[test]
    fn a_batch_comes_back_from_the_journal(up in made::up()) {
        if let Up::Batch(batch) = up {
            let bytes = wire::batch_bytes(&batch);
            prop_assert_eq!(wire::batch_acts(&batch).map(|a| a.len() as u32), Ok(batch.count));
            prop_assert_eq!(wire::batch_from_bytes(&bytes), Ok(batch));
        }
    }
}

#[test]
fn unknown_columns_of_a_body_are_passed_over() {
    let (body, raw_len) = wire::encode_acts(&[full_act()]);
    let mut raw = zstd::bulk::decompress(&body, raw_len as usize).expect("zstd");
    raw.extend(UNKNOWN_FIELD);
    let body = zstd::bulk::compress(&raw, 3).expect("zstd");
    assert_eq!(wire::decode_acts(7, &body, raw.len() as u32), Ok(vec![full_act()]));
}

/// A value of the wrong type is held by the server, not lost on the way: one column may hold texts
/// and ids, in any order.
#[test]
fn a_column_of_mixed_types_comes_back() {
    let id = |n| Value::Ref(RecordId([n; 16]));
    let text = |t: &str| Value::Text(t.into());
    let mixes = [
        vec![text("a"), id(1), text("b"), id(2), id(1), text("a")],
        vec![id(1), id(1), id(1), text("x")],
        vec![text("a"), text("a"), text("a"), Value::Null, Value::Int(3)],
        vec![id(1), id(2), id(1), id(2), Value::Null, Value::Opaque(9, vec![])],
        vec![Value::Date("1950".parse().expect("a date")), Value::Int(-1), text("")],
    ];
    for values in mixes {
        let act = |(at, value): (usize, Value)| {
            let fields = vec![FieldWrite { field: FieldId(43), value, over: Over::Creation }];
            let (record, kind) = (RecordId([3; 16]), KindId(10));
            let writes = RecordWrites { record, kind, create: None, under: None, fields };
            let ops = smallvec::smallvec![Op::Write(writes)];
            Act { position: at as u64 + 1, ops, ..full_act() }
        };
        let acts: Vec<Act> = values.into_iter().enumerate().map(act).collect();
        let (body, raw_len) = wire::encode_acts(&acts);
        assert!(wire::decode_acts(1, &body, raw_len) == Ok(acts));
    }
}

fn golden_ups() -> Vec<(&'static str, Up)> {
    let scope = |scope, visible| ScopeCursor {
        scope: ScopeId(scope),
        visible,
        staged: visible,
        filled_to: None,
    };
    let hello = Hello {
        author: AuthorId(0xfeed),
        schema: 1,
        epoch: Some(Epoch([6; 16])),
        position: 300,
        head: Hash([5; 32]),
        acknowledged: 290,
        acknowledged_head: Hash([4; 32]),
        local_ms: 1_700_000_000_000,
        token: [2; 16],
        inbox: 3,
        scopes: vec![
            scope(0, 40),
            ScopeCursor { staged: 77, filled_to: Some(RecordId([9; 16])), ..scope(5, 70) },
        ],
        state: [7; 16],
        live: true,
        flush: false,
    };
    let first = Hello {
        epoch: None,
        position: 0,
        head: Hash::default(),
        acknowledged: 0,
        acknowledged_head: Hash::default(),
        scopes: vec![scope(0, 0)],
        inbox: 0,
        live: false,
        flush: true,
        ..hello.clone()
    };
    let (body, raw_len) = wire::encode_acts(&[full_act()]);
    let batch = Batch {
        author: AuthorId(0xfeed),
        first: 7,
        count: 1,
        before: Hash([1; 32]),
        after: Hash([2; 32]),
        seeds: vec![(5, Seed([3; 32]))],
        signature: vec![4; 64],
        body,
        raw_len,
    };
    vec![
        ("up_hello", Up::Hello(hello)),
        ("up_hello_first", Up::Hello(first)),
        ("up_batch", Up::Batch(batch)),
        ("up_flush", Up::Flush),
        ("up_confirm", Up::Confirm { token: [2; 16], inbox: 3 }),
        ("up_renew", Up::Renew(vec![0x30, 0x82])),
        ("up_ask_history", Up::AskHistory(RecordId([9; 16]))),
    ]
}

fn golden_page() -> States {
    let origin = |author, ms, rank| Origin {
        act: ActId::new(AuthorId(author), ms as u64),
        stamp: Stamp::new(ms, 0),
        rank,
    };
    let created = origin(1, 1_000, Rank::Import);
    let mut record = Record::new(RecordId([4; 16]), KindId(10), created, ScopeId(5));
    record.placed = Some(ActId::new(AuthorId(9), 2));
    *record.field_mut(FieldId(20)) =
        FieldState::sole(Head::new(created, Value::Text("Đức".into())));
    let phone = record.field_mut(FieldId(43));
    phone.heads.push(Head::new(origin(2, 2_000, Rank::Home), Value::Text("0912".into())));
    phone.heads.push(Head::new(origin(3, 1_500, Rank::Other), Value::Null));
    let visitor = record.project(Projection::Visitor);
    States {
        scope: ScopeId(5),
        from: 70,
        to: 77,
        filling: false,
        records: vec![(Projection::Home, record), (Projection::Visitor, visitor)],
        gone: vec![(RecordId([8; 16]), KindId(27))],
    }
}

fn golden_downs() -> Vec<(&'static str, Down)> {
    let welcome = Welcome {
        epoch: Epoch([6; 16]),
        ancestors: vec![Epoch([5; 16])],
        position: 290,
        head: Some(Hash([4; 32])),
        server_ms: 1_700_000_000_500,
        schema: 1,
        standing: Standing::Renew,
        grants: Some(vec![Grant {
            scope: ScopeId(5),
            code: "BG.07".into(),
            name: "Xã Tân Sỏi".into(),
        }]),
    };
    let merged = AckRun {
        first: 291,
        fate: Fate::Merged { as_written: true },
        at: vec![(ScopeId(5), 71)],
        rank: Rank::Home,
        count: 3,
        stamps: Some(vec![Stamp::new(1_000, 0), Stamp::new(1_000, 1), Stamp::new(2_000, 0)]),
    };
    let held = AckRun {
        first: 294,
        fate: Fate::Held(Reason::NeedsApproval),
        at: vec![],
        rank: Rank::Import,
        count: 1,
        stamps: None,
    };
    let receipt = Receipt {
        epoch: Epoch([6; 16]),
        author: AuthorId(0xfeed),
        position: 294,
        chain: Hash([8; 32]),
        merged: 293,
        held: 1,
        refused: 0,
        at_ms: 1_700_000_000_600,
        signature: vec![9; 64],
    };
    let outcome = Outcome {
        sequence: 4,
        act: ActId::new(AuthorId(0xfeed), 280),
        fate: Fate::Refused(Reason::RefusedByProvince),
        text: "thiếu quyết định".into(),
        at_ms: 1_700_000_000_400,
    };
    let mark = |scope| ScopeMark {
        scope: ScopeId(scope),
        revision: 77,
        chain: Hash([3; 32]),
        digest: Digest::from_bytes([4; 32]),
    };
    let checkpoint = Checkpoint {
        epoch: Epoch([6; 16]),
        at_ms: 1_700_000_000_700,
        marks: vec![mark(0), mark(5)],
        signature: vec![9; 64],
    };
    let complete = Complete {
        checkpoint: Some(checkpoint),
        token: [3; 16],
        server_ms: 1_700_000_000_700,
        backed_up: 250,
        come_back_s: 60,
    };
    let quiet = Complete { checkpoint: None, come_back_s: 0, ..complete.clone() };
    let item = HistoryItem {
        author: AuthorId(0xfeed),
        act: full_act(),
        stamp: Stamp::new(2_000, 0),
        rank: Rank::Home,
        fate: Fate::Merged { as_written: false },
        retracted: true,
    };
    vec![
        ("down_welcome", Down::Welcome(welcome)),
        ("down_acks", Down::Acks(vec![merged, held], Box::new(receipt))),
        ("down_states", Down::States(golden_page())),
        ("down_outcomes", Down::Outcomes(vec![outcome])),
        ("down_complete", Down::Complete(complete)),
        ("down_complete_quiet", Down::Complete(quiet)),
        ("down_certificate", Down::Certificate(vec![0x30, 0x82])),
        ("down_history", Down::History(RecordId([9; 16]), vec![item])),
        ("down_stop", Down::Stop(Stop::Busy)),
        ("down_come_back", Down::ComeBack(90)),
    ]
}

#[test]
fn goldens_of_every_frame() {
    for (name, up) in golden_ups() {
        golden::check(name, &up_bytes(&up));
        assert_eq!(read_up(&golden::read(name)), Ok(up), "{name}");
    }
    for (name, down) in golden_downs() {
        golden::check(name, &down_bytes(&down));
        assert_eq!(read_down(&golden::read(name)), Ok(down), "{name}");
    }
}

/// A daily Hello of an office with thirteen scopes is about the size of one segment's header.
/// Counterexample 23: thirteen scopes do not make a long greeting.
#[test]
fn hello_of_thirteen_scopes_is_small() {
    let Up::Hello(hello) = golden_ups().swap_remove(0).1 else { panic!("the first is Hello") };
    let scope = |n: u32| ScopeCursor {
        scope: ScopeId(n * 37),
        visible: 1_000 + u64::from(n),
        staged: 1_000 + u64::from(n),
        filled_to: None,
    };
    let hello = Hello { scopes: (0..13).map(scope).collect(), ..hello };
    let bytes = up_bytes(&Up::Hello(hello));
    assert!(bytes.len() <= 260, "{} bytes", bytes.len());
}
