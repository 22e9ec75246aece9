//! How many bytes a day's work costs on the wire, beside what plain rows would cost.
//!
//! The sizes are printed; the bounds are those that the benchmarks are held to, with room.

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, Projection, RecordWrites};
use dongbo_proto::bytes::Writer;
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::{PDate, Value};
use dongbo_proto::wire;
use prost::Message;

/// Numbers that look random and are the same at every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn id(&mut self, ms: u64) -> RecordId {
        let mut random = [0; 10];
        random.iter_mut().for_each(|b| *b = self.roll(256) as u8);
        RecordId::new(ms, random)
    }
}

/// A row as a plain protocol would send it: one message an act, field by field.
#[derive(Clone, PartialEq, Message)]
struct Row {
    #[prost(bytes = "vec", tag = "1")]
    record: Vec<u8>,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(uint32, tag = "3")]
    field: u32,
    #[prost(string, tag = "4")]
    value: String,
    #[prost(uint64, tag = "5")]
    claimed: u64,
    #[prost(string, tag = "6")]
    person: String,
    #[prost(fixed64, tag = "7")]
    over_author: u64,
    #[prost(uint64, tag = "8")]
    over_position: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Rows {
    #[prost(message, repeated, tag = "1")]
    rows: Vec<Row>,
}

fn rowwise(acts: &[Act]) -> usize {
    let mut rows = Rows::default();
    for act in acts {
        for writes in act.writes() {
            for write in &writes.fields {
                let (author, position) = match &write.over {
                    Over::Heads(h) => (h[0].author.0, h[0].position),
                    _ => (0, 0),
                };
                rows.rows.push(Row {
                    record: writes.record.0.to_vec(),
                    kind: writes.kind.0.into(),
                    field: write.field.0.into(),
                    value: match &write.value {
                        Value::Text(t) => t.clone(),
                        Value::Int(n) => n.to_string(),
                        Value::Date(d) => d.to_string(),
                        _ => String::new(),
                    },
                    claimed: act.claimed.0,
                    person: act.person.clone(),
                    over_author: author,
                    over_position: position,
                });
            }
        }
    }
    zstd::bulk::compress(&rows.encode_to_vec(), 3).expect("zstd").len()
}

const DAY: u64 = 1_764_000_000_000;

fn act(at: usize, writes: RecordWrites) -> Act {
    Act {
        position: 1 + at as u64,
        claimed: Stamp::new((DAY + at as u64 * 41_371) as i64, 0),
        person: ["lan", "minh"][at / 3 % 2].into(),
        intent: Intent::Change,
        grounds: None,
        job: None,
        linked: None,
        ops: smallvec::smallvec![Op::Write(writes)],
    }
}

fn phone(dice: &mut Dice) -> Value {
    Value::Text(format!("09{:08}", dice.roll(100_000_000)))
}

/// A day of an office: one field of one member each, four in five never edited before.
fn edits(count: usize) -> Vec<Act> {
    let mut dice = Dice(1);
    let one = |at: usize| {
        let (field, value) = match dice.roll(4) {
            0 | 1 => (FieldId(43), phone(&mut dice)),
            2 => (FieldId(52), Value::Text(format!("Tổ trưởng tổ {}", dice.roll(30)))),
            _ => (FieldId(34), Value::Text(format!("Thôn {}, xã Tân Sỏi", dice.roll(40)))),
        };
        let head = ActId::new(AuthorId(0x1234_5678_9abc_def0), 1 + dice.roll(400));
        let over = match dice.roll(5) {
            0 => Over::Heads(smallvec::smallvec![head]),
            _ => Over::Creation,
        };
        let ms = 1_600_000_000_000 + dice.roll(40_000_000_000);
        let record = dice.id(ms);
        let fields = vec![FieldWrite { field, value, over }];
        act(at, RecordWrites { record, kind: KindId(10), create: None, under: None, fields })
    };
    (0..count).map(one).collect()
}

fn person(dice: &mut Dice) -> Vec<(FieldId, Value)> {
    let family = ["Nguyễn", "Trần", "Lê", "Hoàng", "Giáp", "Thân"][dice.roll(6) as usize];
    let given = ["Đức", "Lan", "Minh", "Hoa", "Tuấn", "Hạnh"][dice.roll(6) as usize];
    let date = |dice: &mut Dice, from: i32, years: u64| {
        let (month, day) = (1 + dice.roll(12) as u32, 1 + dice.roll(28) as u32);
        let year = from + dice.roll(years) as i32;
        Value::Date(PDate::new(year, Some(month), Some(day)).expect("a date"))
    };
    let text = |t: &str| Value::Text(t.into());
    let birth = date(dice, 1940, 60);
    let admitted = date(dice, 1965, 58);
    vec![
        (FieldId(20), Value::Text(format!("{family} Văn {given}"))),
        (FieldId(23), text(["M", "F"][dice.roll(2) as usize])),
        (FieldId(24), birth),
        (FieldId(29), text("Bắc Giang")),
        (FieldId(30), Value::Text(format!("Xã {}", dice.roll(200)))),
        (FieldId(40), text("1")),
        (FieldId(43), phone(dice)),
        (FieldId(70), text(["9", "12"][dice.roll(2) as usize])),
        (FieldId(83), admitted),
        (FieldId(91), Value::Ref(RecordId([dice.roll(20) as u8; 16]))),
    ]
}

/// A commune's list read in: a member each.
fn members(count: usize) -> Vec<Act> {
    let mut dice = Dice(2);
    let one = |at: usize| {
        let fields = person(&mut dice);
        let write = |(field, value)| FieldWrite { field, value, over: Over::Nothing };
        let fields = fields.into_iter().map(write).collect();
        let record = dice.id(DAY + at as u64);
        let create = Some(ScopeId(37));
        act(at, RecordWrites { record, kind: KindId(10), create, under: None, fields })
    };
    (0..count).map(one).collect()
}

fn size(acts: &[Act]) -> usize {
    wire::encode_acts(acts).0.len()
}

#[test]
fn a_batch_of_500_edits_is_smaller_than_its_rows() {
    let acts = edits(500);
    let (ours, rows) = (size(&acts), rowwise(&acts));
    println!("500 edits: {ours} bytes; row by row, prost and zstd: {rows}");
    assert!(ours * 100 <= rows * 90, "{ours} of {rows}");
    assert!(ours <= 14 * 1024, "{ours}: 16 bytes of id, a value and little more an edit");
}

#[test]
fn a_batch_of_1000_members_is_smaller_than_its_rows() {
    let acts = members(1_000);
    let (ours, rows) = (size(&acts), rowwise(&acts));
    println!("1,000 members: {ours} bytes; row by row, prost and zstd: {rows}");
    assert!(ours * 100 <= rows * 85, "{ours} of {rows}");
}

#[test]
fn a_page_of_1000_members_costs_what_they_hold() {
    let mut dice = Dice(3);
    let records: Vec<(Projection, Record)> = (0..1_000u64)
        .map(|at| {
            let origin = Origin {
                act: ActId::new(AuthorId(0xfeed), 1 + at),
                stamp: Stamp::new((DAY + at) as i64, 0),
                rank: Rank::Import,
            };
            let mut record = Record::new(dice.id(DAY + at), KindId(10), origin, ScopeId(37));
            for (field, value) in person(&mut dice) {
                record.fields.push((field, FieldState::sole(Head::new(origin, value))));
            }
            (Projection::Home, record)
        })
        .collect();
    let ours = wire::encode_states(&records, &[]).0.len();
    let mut w = Writer::default();
    records.iter().for_each(|(_, r)| r.write(&mut w));
    let rows = zstd::bulk::compress(w.as_slice(), 3).expect("zstd").len();
    println!("a page of 1,000 members: {ours} bytes; canonical bytes and zstd: {rows}");
    assert!(ours * 100 <= rows * 80, "{ours} of {rows}");
}
