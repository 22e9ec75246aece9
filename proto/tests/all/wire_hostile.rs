//! Bytes from the other side that lie: nothing panics, nothing is laid out beyond the limits.

use dongbo_proto::act::Projection;
use dongbo_proto::frame::{Down, Up};
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::limits;
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_proto::wire::{self, WireError, pb};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message;

use crate::chain_hash::full_act;
use crate::made;

fn packed(raw: &[u8]) -> (Vec<u8>, u32) {
    (zstd::bulk::compress(raw, 3).expect("zstd"), raw.len() as u32)
}

fn acts(columns: &pb::ActColumns) -> Result<usize, WireError> {
    let (body, raw_len) = packed(&columns.encode_to_vec());
    wire::decode_acts(1, &body, raw_len).map(|acts| acts.len())
}

fn states(columns: &pb::StateColumns) -> Result<usize, WireError> {
    let (body, raw_len) = packed(&columns.encode_to_vec());
    wire::decode_states(&body, raw_len).map(|page| page.0.len())
}

/// The columns of one well-formed act.
fn columns() -> pb::ActColumns {
    let (body, raw_len) = wire::encode_acts(&[full_act()]);
    let raw = zstd::bulk::decompress(&body, raw_len as usize).expect("zstd");
    pb::ActColumns::decode(raw.as_slice()).expect("columns")
}

fn value_column(tag: u32) -> pb::ValueColumn {
    pb::ValueColumn { kind: 10, field: 43, tag, ..Default::default() }
}

/// One write of one value to one field of one record.
fn one_write(values: Vec<pb::ValueColumn>) -> pb::ActColumns {
    pb::ActColumns {
        count: 1,
        people: vec!["lan".into()],
        claimed_ms: vec![1],
        records: vec![3; 16],
        kinds: vec![10],
        field_counts: vec![1],
        fields: vec![43],
        overs: vec![0],
        values,
        ..Default::default()
    }
}

#[test]
fn the_columns_used_here_are_well_formed_before_they_lie() {
    assert_eq!(acts(&columns()), Ok(1));
    assert_eq!(acts(&one_write(vec![value_column(0)])), Ok(1));
}

/// Fault 29: what unpacks to more than it says is refused before it does. [I14]
#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let zeros = vec![0; limits::BATCH_RAW_BYTES_MAX + 1];
    let bomb = zstd::bulk::compress(&zeros, 3).expect("zstd");
    assert!(bomb.len() < 4 * 1024);
    let too_large = Err(WireError::TooLarge);
    assert_eq!(wire::decode_acts(1, &bomb, zeros.len() as u32), too_large);
    assert_eq!(wire::decode_acts(1, &bomb, u32::MAX), too_large);
    assert_eq!(
        wire::decode_acts(1, &bomb, 1_000),
        Err(WireError::Malformed),
        "longer than it says"
    );
    let (body, raw_len) = packed(&[0; 10]);
    assert_eq!(wire::decode_acts(1, &body, raw_len + 1), Err(WireError::Malformed), "shorter");
}

#[test]
fn counts_that_lie_are_refused() {
    let lies: Vec<fn(&mut pb::ActColumns)> = vec![
        |c| c.count = 2,
        |c| c.count = u32::MAX,
        |c| c.claimed_ms = vec![],
        |c| c.claimed_ms = vec![i64::MIN],
        |c| c.claimed_counter = vec![70_000],
        |c| c.person = vec![9],
        |c| c.people = vec![],
        |c| c.intent = vec![3],
        |c| c.intent = vec![u32::MAX],
        |c| c.ground = vec![99],
        |c| c.job = vec![9],
        |c| c.job_item = vec![],
        |c| c.jobs = vec![0; 15],
        |c| c.ops = vec![1_000],
        |c| c.ops = vec![u32::MAX],
        |c| c.op_tag = vec![1],
        |c| c.op_tag = vec![300],
        |c| c.rare = vec![],
        |c| c.records = vec![0; 17],
        |c| c.records = vec![],
        |c| c.kinds = vec![1 << 16],
        |c| c.field_counts = vec![u32::MAX],
        |c| c.field_counts = vec![512],
        |c| c.fields = vec![1 << 16],
        |c| c.overs = vec![u32::MAX],
        |c| c.overs = vec![60],
        |c| c.authors = vec![],
        |c| c.ref_author = vec![7],
        |c| c.ref_position = vec![],
        |c| c.values = vec![],
        |c| c.values[0].kind = 1 << 16,
        |c| c.values[0].field = u32::MAX,
    ];
    for (at, lie) in lies.iter().enumerate() {
        let mut columns = columns();
        lie(&mut columns);
        assert!(acts(&columns).is_err(), "lie {at}");
    }
}

#[test]
fn values_that_lie_are_refused() {
    let column = value_column;
    let lies = vec![
        pb::ValueColumn { tags: vec![1, 1], ..column(0) },
        column(1),
        column(2),
        column(3),
        column(4),
        column(99),
        column(256),
        pb::ValueColumn { lengths: vec![3], text: b"ab".to_vec(), ..column(1) },
        pb::ValueColumn { lengths: vec![u32::MAX, u32::MAX], text: b"ab".to_vec(), ..column(1) },
        pb::ValueColumn { lengths: vec![1], text: vec![0xff], ..column(1) },
        pb::ValueColumn { lengths: vec![1], text: b"a".to_vec(), index: vec![1], ..column(1) },
        pb::ValueColumn { ids: vec![0; 16], index: vec![u32::MAX], ..column(4) },
        pb::ValueColumn { ids: vec![0; 3], ..column(4) },
        pb::ValueColumn { opaque_lengths: vec![9], opaque: vec![1], ..column(99) },
    ];
    for (at, lie) in lies.into_iter().enumerate() {
        assert!(acts(&one_write(vec![lie])).is_err(), "lie {at}");
    }
}

#[test]
fn numbers_that_make_no_date_are_refused() {
    let date = |year: i64, month: i64, day: i64| (year * 13 + month) * 32 + day;
    let of = |n| acts(&one_write(vec![pb::ValueColumn { numbers: vec![n], ..value_column(3) }]));
    for good in [date(1950, 0, 0), date(1950, 5, 0), date(2024, 2, 29), date(2200, 12, 31)] {
        assert_eq!(of(good), Ok(1));
    }
    for bad in [
        0,
        -1,
        i64::MIN,
        i64::MAX,
        date(1799, 1, 1),
        date(2201, 1, 1),
        date(1950, 0, 3),
        date(2023, 2, 29),
        date(1950, 4, 31),
        -date(1950, 5, 1),
    ] {
        assert_eq!(of(bad), Err(WireError::Malformed), "{bad}");
    }
}

/// Entries that stand for all make much of little: the whole would be 40 GB.
#[test]
fn little_that_says_much_is_refused() {
    let records = 500_000;
    let columns = pb::ActColumns {
        count: 1_000,
        claimed_ms: vec![1; 1_000],
        ops: vec![500],
        records: vec![0; 16 * records],
        field_counts: vec![512],
        fields: vec![43],
        ..one_write(vec![value_column(0)])
    };
    assert_eq!(acts(&columns), Err(WireError::TooLarge));
}

/// One text of a dictionary, again and again.
#[test]
fn a_long_text_that_many_share_is_counted_for_each() {
    let column = pb::ValueColumn {
        lengths: vec![1 << 20],
        text: vec![b'x'; 1 << 20],
        index: vec![0; 512],
        ..value_column(1)
    };
    let columns = pb::ActColumns { field_counts: vec![512], ..one_write(vec![column]) };
    assert_eq!(acts(&columns), Err(WireError::TooLarge));
}

#[test]
fn a_page_that_says_much_is_refused() {
    let columns = pb::StateColumns {
        count: 1_000,
        records: vec![1; 16_000],
        kinds: vec![10],
        field_counts: vec![64],
        fields: (0..64_000).map(|n| 10 + n % 64).collect(),
        heads: vec![60],
        authors: vec![1],
        ref_position: vec![1; 4_000_000],
        stamps: vec![1; 4_000_000],
        values: (0..64)
            .map(|field| pb::ValueColumn { kind: 10, field: 10 + field, ..Default::default() })
            .collect(),
        ..Default::default()
    };
    assert_eq!(states(&columns), Err(WireError::TooLarge));
}

/// Two bytes a column on the wire, two hundred in memory.
#[test]
fn empty_columns_without_end_are_refused_unread() {
    let flood = |key: &[u8]| packed(&key.repeat(4_000_000 / key.len()));
    let (body, raw_len) = flood(&[27 << 3 & 0x7f | 0x80 | 2, (27 << 3 >> 7) as u8, 0]);
    assert_eq!(wire::decode_acts(1, &body, raw_len), Err(WireError::TooLarge));
    let (body, raw_len) = flood(&[2 << 3 | 2, 0]);
    assert_eq!(wire::decode_acts(1, &body, raw_len), Err(WireError::TooLarge), "names");
    let (body, raw_len) = flood(&[0x82, (16 << 3 >> 7) as u8, 0]);
    assert_eq!(wire::decode_states(&body, raw_len), Err(WireError::TooLarge), "columns of a page");
}

#[test]
fn positions_at_the_end_of_numbers_do_not_overflow() {
    let (body, raw_len) = wire::encode_acts(&[full_act(), full_act()]);
    assert_eq!(wire::decode_acts(u64::MAX, &body, raw_len), Err(WireError::Malformed));
    assert!(wire::decode_acts(u64::MAX - 2, &body, raw_len).is_ok());
}

fn batch(change: impl FnOnce(&mut pb::Batch)) -> Result<Up, WireError> {
    let (body, raw_len) = wire::encode_acts(&[full_act()]);
    let mut batch = pb::Batch {
        author: 1,
        first: 7,
        count: 1,
        before: vec![0; 32],
        after: vec![0; 32],
        seed_from: vec![7],
        seeds: vec![0; 32],
        signature: vec![0; 64],
        body,
        raw_len,
    };
    change(&mut batch);
    wire::up_from_pb(pb::UpFrame { frame: Some(pb::up_frame::Frame::Batch(batch)) })
}

#[test]
fn a_batch_that_lies_is_refused() {
    assert!(batch(|_| {}).is_ok());
    assert!(batch(|b| b.seed_from = vec![1]).is_ok(), "a seed from before");
    let lies: Vec<fn(&mut pb::Batch)> = vec![
        |b| b.count = 0,
        |b| b.first = 0,
        |b| b.first = u64::MAX,
        |b| b.count = limits::BATCH_ACTS_MAX as u32 + 1,
        |b| b.before = vec![0; 31],
        |b| b.after = vec![],
        |b| b.seeds = vec![0; 33],
        |b| b.seeds = vec![],
        |b| (b.seed_from, b.seeds) = (vec![], vec![]),
        |b| b.seed_from = vec![8],
        |b| (b.seed_from, b.seeds) = (vec![7, 7], vec![0; 64]),
        |b| (b.seed_from, b.seeds) = (vec![7, 8], vec![0; 64]),
        |b| b.signature = vec![0; 65],
        |b| b.body = vec![0; limits::BATCH_BYTES_MAX + 1],
        |b| b.raw_len = limits::BATCH_RAW_BYTES_MAX as u32 + 1,
    ];
    for (at, lie) in lies.into_iter().enumerate() {
        assert!(batch(lie).is_err(), "lie {at}");
    }
    let Ok(Up::Batch(short)) = batch(|b| b.count = 2) else {
        panic!("the frame alone is well formed")
    };
    assert_eq!(wire::batch_acts(&short), Err(WireError::Malformed), "fewer acts than it says");
}

#[test]
fn the_last_position_of_a_batch_or_run_never_overflows() {
    let Ok(Up::Batch(last)) = batch(|b| b.first = u64::MAX - 1) else { panic!("it fits") };
    assert_eq!(last.last(), u64::MAX - 1);
    let Ok(Down::Acks(runs, _)) = acks(|r| r.first = u64::MAX - 3) else { panic!("it fits") };
    assert_eq!(runs[0].last(), u64::MAX - 1);
}

fn acks(change: impl FnOnce(&mut pb::AckRun)) -> Result<Down, WireError> {
    let mut run = pb::AckRun {
        first: 1,
        count: 3,
        scopes: vec![5],
        revisions: vec![9],
        ..Default::default()
    };
    change(&mut run);
    let receipt = pb::Receipt { epoch: vec![0; 16], chain: vec![0; 32], ..Default::default() };
    let acks = pb::Acks { runs: vec![run], receipt: Some(receipt) };
    wire::down_from_pb(pb::DownFrame {
        frame: Some(pb::down_frame::Frame::Acks(acks)),
        ..Default::default()
    })
}

#[test]
fn a_run_that_lies_is_refused() {
    assert!(acks(|_| {}).is_ok());
    let lies: Vec<fn(&mut pb::AckRun)> = vec![
        |r| r.first = 0,
        |r| r.count = 0,
        |r| r.first = u64::MAX - 2,
        |r| r.revisions = vec![u64::MAX - 2],
        |r| r.revisions = vec![],
        |r| r.fate = 2,
        |r| r.fate = 64,
        |r| r.fate = 256,
        |r| r.rank = 4,
        |r| r.stamps = vec![1, 2],
    ];
    for (at, lie) in lies.into_iter().enumerate() {
        assert!(acks(lie).is_err(), "lie {at}");
    }
}

/// The law sorts heads by act: a page whose heads are not cannot be put beside one that are.
#[test]
fn heads_out_of_order_or_twice_are_refused() {
    let origin =
        |n| Origin { act: ActId::new(AuthorId(n), 1), stamp: Stamp::new(1, 0), rank: Rank::Home };
    let page = |authors: [u64; 2]| {
        let mut record = Record::new(RecordId([1; 16]), KindId(10), origin(9), ScopeId(1));
        let heads = authors.map(|a| Head::new(origin(a), Value::Int(1)));
        record.fields = vec![(
            FieldId(43),
            FieldState { heads: heads.into_iter().collect(), ..Default::default() },
        )];
        let (body, raw_len) = wire::encode_states(&[(Projection::Home, record)], &[]);
        wire::decode_states(&body, raw_len).is_ok()
    };
    assert!(page([1, 2]));
    assert!(!page([2, 1]));
    assert!(!page([1, 1]));
}

#[test]
fn a_frame_without_a_frame_is_of_an_unknown_kind() {
    assert_eq!(wire::up_from_pb(pb::UpFrame { frame: None }), Err(WireError::UnknownFrame));
    assert_eq!(wire::down_from_pb(pb::DownFrame::default()), Err(WireError::UnknownFrame));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..Default::default() })]

    /// Fault 30: bytes cut or changed anywhere are refused without a panic. [I13 I14]
    #[test]
    fn frames_cut_or_changed_never_panic(
        down in made::down(),
        up in made::up(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
    ) {
        let mut bytes = wire::down_to_pb(&down).encode_to_vec();
        spoil(&mut bytes, &changes, cut);
        if let Ok(frame) = pb::DownFrame::decode(bytes.as_slice()) {
            let _ = wire::down_from_pb(frame);
        }
        let mut bytes = wire::up_to_pb(&up).encode_to_vec();
        spoil(&mut bytes, &changes, cut);
        if let Ok(frame) = pb::UpFrame::decode(bytes.as_slice())
            && let Ok(Up::Batch(batch)) = wire::up_from_pb(frame)
        {
            let _ = (batch.last(), batch.seed_at(batch.first), wire::batch_acts(&batch));
        }
    }

    /// Behind the compression, where a change reaches the columns.
    #[test]
    fn columns_cut_or_changed_never_panic(
        all in made::acts(1),
        page in made::states(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>(),
    ) {
        let (body, raw_len) = wire::encode_acts(&all);
        let mut raw = zstd::bulk::decompress(&body, raw_len as usize).unwrap();
        spoil(&mut raw, &changes, cut);
        let (body, raw_len) = packed(&raw);
        let _ = wire::decode_acts(1, &body, raw_len);
        let (body, raw_len) = wire::encode_states(&page.records, &page.gone);
        let mut raw = zstd::bulk::decompress(&body, raw_len as usize).unwrap();
        spoil(&mut raw, &changes, cut);
        let (body, raw_len) = packed(&raw);
        let _ = wire::decode_states(&body, raw_len);
    }

    /// Fault 30: any bytes at all are answered. [I14]
    #[test]
    fn junk_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = wire::batch_from_bytes(&bytes);
        let (body, raw_len) = packed(&bytes);
        let _ = (wire::decode_acts(u64::MAX, &body, raw_len), wire::decode_states(&body, raw_len));
        let _ = dongbo_proto::act::Act::read(&mut dongbo_proto::bytes::Reader::new(&bytes));
    }
}

fn spoil(bytes: &mut Vec<u8>, changes: &[(Index, u8)], cut: Index) {
    if bytes.is_empty() {
        return;
    }
    for (at, change) in changes {
        let at = at.index(bytes.len());
        bytes[at] ^= change;
    }
    bytes.truncate(cut.index(bytes.len() * 2) + 1);
}
