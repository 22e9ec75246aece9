//! What a local edit and insert cost beside raw SQLite, in one run: the same encryption, the same
//! settings, the same values, alternating; medians of ratios and pages written.
//!
//! `cargo run --release -p dongbo-node --example replica_measure [records]`: a commune's replica of 430 records
//! if nothing is said. "Raw" is one table with the same columns and one index, and one UPDATE or
//! INSERT a change in the same batches; the clock stops after a checkpoint.

use std::path::Path;
use std::time::{Duration, Instant};

use dongbo_node::replica::{Draft, Identity, Replica, SCHEMA, draft};
use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::catalogue::{FieldType, catalogue, table};
use dongbo_proto::frame::{Grant, States};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_sqlite::pages::{empty_wal, wal_frames};
use dongbo_sqlite::{Access, DatabaseKey, Knobs, open};
use rusqlite::{Connection, params_from_iter};

const HOME: ScopeId = ScopeId(1);
const NAME: FieldId = FieldId(20);
/// A field that no search finds: the commonest edit.
const PLAIN: FieldId = FieldId(53);
/// A field that search finds.
const SEARCHED: FieldId = FieldId(43);
const ROUNDS: usize = 7;

fn key() -> DatabaseKey {
    DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(9))
}

fn id(n: usize) -> RecordId {
    // Times rise as they do where records are made; the rest is scattered.
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(1_700_000_000_000u64 + n as u64).to_be_bytes()[2..]);
    let scattered = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    bytes[8..].copy_from_slice(&scattered);
    RecordId(bytes)
}

/// Values for about forty fields of a member.
fn values(n: usize) -> Vec<(FieldId, Value)> {
    let kind = catalogue().kind(MEMBER).expect("members are in the catalogue");
    let fields = kind.stored().filter(|f| f.id.0 >= 10).take(40);
    let value = |f: &dongbo_proto::catalogue::Field| match &f.ty {
        FieldType::Text { max_chars } => {
            let text = format!("Nguyễn Văn {n} {}", f.name);
            Value::Text(
                text.chars()
                    .take(usize::from(*max_chars).min(24))
                    .collect::<String>()
                    .trim()
                    .to_owned(),
            )
        }
        FieldType::Digits { max, .. } => Value::Text(format!("{n:0w$}", w = usize::from(*max))),
        FieldType::Date { .. } => Value::Date("1970-05-19".parse().expect("a date")),
        FieldType::Code(t) => {
            let codes = &catalogue().codes(t).expect("a code table").entries;
            Value::Text(codes[n % codes.len()].code.clone())
        }
        FieldType::Int { min, .. } => Value::Int(*min),
        FieldType::Bool => Value::Int((n % 2) as i64),
        FieldType::Ref(_) => Value::Ref(id(n / 30)),
    };
    fields.map(|f| (f.id, value(f))).collect()
}

fn record(n: usize) -> Record {
    let act = ActId::new(AuthorId(77), n as u64 + 1);
    let created =
        Origin { act, stamp: Stamp::new(1_600_000_000_000 + n as i64, 0), rank: Rank::Home };
    let mut record = Record::new(id(n), MEMBER, created, HOME);
    record.fields =
        values(n).into_iter().map(|(f, v)| (f, FieldState::sole(Head::new(created, v)))).collect();
    record
}

fn replica(dir: &Path) -> Replica {
    let who = Identity {
        author: AuthorId(5),
        province: "đo".into(),
        ca_der: vec![],
        signing_key: [0; 32],
        epoch: Epoch([1; 16]),
        grants: vec![Grant { scope: HOME, code: "1".into(), name: "Xã".into() }],
        token: [0; 16],
        server_ms: 0,
    };
    Replica::create(dir, &key(), &who).expect("a replica is made")
}

fn fill(replica: &mut Replica, records: usize) -> Duration {
    let start = Instant::now();
    let mut turn = replica.turn().expect("a turn is read");
    for first in (0..records).step_by(1_000) {
        let page: Vec<_> =
            (first..records.min(first + 1_000)).map(|n| (Projection::Home, record(n))).collect();
        let states =
            States { scope: HOME, from: 0, to: 1, filling: true, records: page, gone: vec![] };
        replica.stage(&[states.into()], 0, &mut turn).expect("a page is taken");
    }
    start.elapsed()
}

/// One table with the columns of a member, and its statements.
struct Raw {
    db: Connection,
    insert: String,
}

impl Raw {
    fn new(dir: &Path) -> Self {
        let db = open(&dir.join("raw.db"), &key(), &SCHEMA, Knobs::NODE, Access::Create)
            .expect("raw opens");
        let kind = catalogue().kind(MEMBER).expect("members are in the catalogue");
        db.execute_batch(&table::create_table(kind)).expect("raw has a table");
        let columns: Vec<String> = kind.columns().iter().map(|c| table::quoted(c)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO member ({}) VALUES ({marks})", columns.join(", "));
        Raw { db, insert }
    }

    fn insert(&self, numbers: std::ops::Range<usize>, batch: usize) {
        let kind = catalogue().kind(MEMBER).expect("members are in the catalogue");
        for first in numbers.clone().step_by(batch) {
            let tx = self.db.unchecked_transaction().expect("a transaction");
            for n in first..numbers.end.min(first + batch) {
                let values = values(n);
                let of = |f: FieldId| values.iter().find(|v| v.0 == f).map(|v| sql(&v.1));
                let fields =
                    kind.stored().map(|f| of(f.id).unwrap_or(rusqlite::types::Value::Null));
                let head = [
                    rusqlite::types::Value::Blob(id(n).0.to_vec()),
                    rusqlite::types::Value::Integer(1),
                    rusqlite::types::Value::Blob(vec![1; 2]),
                ];
                let mut statement = tx.prepare_cached(&self.insert).expect("it is prepared");
                statement.execute(params_from_iter(head.into_iter().chain(fields))).expect("a row");
            }
            tx.commit().expect("a commit");
        }
    }

    fn edit(&self, numbers: &[usize], batch: usize, column: &str, round: usize) {
        let update = format!("UPDATE member SET {column} = ? WHERE id = ?");
        for (at, chunk) in numbers.chunks(batch).enumerate() {
            let tx = self.db.unchecked_transaction().expect("a transaction");
            for (i, n) in chunk.iter().enumerate() {
                let mut statement = tx.prepare_cached(&update).expect("it is prepared");
                let value = new_value(at * batch + i, round);
                let changed = statement.execute((value, id(*n).0)).expect("a row");
                assert_eq!(changed, 1);
            }
            tx.commit().expect("a commit");
        }
    }
}

fn sql(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sql;
    match value {
        Value::Text(t) => Sql::Text(t.clone()),
        Value::Int(n) => Sql::Integer(*n),
        Value::Date(d) => Sql::Text(d.to_string()),
        Value::Ref(id) => Sql::Blob(id.0.to_vec()),
        Value::Null | Value::Opaque(..) => Sql::Null,
    }
}

/// A value that no record had before: an UPDATE that changes nothing writes nothing.
fn new_value(at: usize, round: usize) -> String {
    format!("09{:08}", round * 1_000_000 + at)
}

/// Which records are edited: every one of a commune about equally often, in no order.
fn picked(count: usize, records: usize, round: usize) -> Vec<usize> {
    (0..count).map(|i| (i * 7_919 + round * 104_729) % records).collect()
}

fn edit(
    replica: &mut Replica,
    numbers: &[usize],
    batch: usize,
    field: FieldId,
    round: usize,
) -> Duration {
    let mut spent = Duration::ZERO;
    for (at, chunk) in numbers.chunks(batch).enumerate() {
        // Forms were opened before: what they showed is read outside the clock.
        let drafts: Vec<Draft> = chunk
            .iter()
            .enumerate()
            .map(|(i, n)| {
                let shown =
                    replica.record_of(MEMBER, id(*n)).expect("it is read").expect("it is here");
                let value = Value::Text(new_value(at * batch + i, round));
                Draft::change("lan", draft::edit(&shown, [(field, value)]))
            })
            .collect();
        let start = Instant::now();
        replica
            .save(drafts, 1_700_000_000_000, &mut |b| b.fill(round as u8))
            .expect("edits are saved");
        spent += start.elapsed();
    }
    spent
}

fn checkpoint(db: &Connection) -> Duration {
    let start = Instant::now();
    empty_wal(db).expect("the WAL is emptied");
    start.elapsed()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let records: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(430);
    let dir = tempfile::tempdir().expect("a directory");
    let mut replica = replica(dir.path());
    let raw = Raw::new(dir.path());
    let side =
        open(&dir.path().join("replica.db"), &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite)
            .expect("a second connection for checkpoints");

    let start = Instant::now();
    raw.insert(0..records, 1_000);
    let raw_fill = start.elapsed() + checkpoint(&raw.db);
    let our_fill = fill(&mut replica, records) + checkpoint(&side);
    println!(
        "records {records}; each line: ratio to raw, median of {ROUNDS}, and per-change times of the last round"
    );
    println!(
        "bootstrap, pages of 1,000: {:.2}  ({:.1} µs, raw {:.1} µs a record)",
        our_fill.as_secs_f64() / raw_fill.as_secs_f64(),
        our_fill.as_secs_f64() * 1e6 / records as f64,
        raw_fill.as_secs_f64() * 1e6 / records as f64
    );
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).map_or(0, |m| m.len());
    println!("store after bootstrap: {:.2}", size("replica.db") as f64 / size("raw.db") as f64);

    let before = size("replica.db");
    for (what, field, column, batch, count) in [
        ("edits in batches of 500", PLAIN, "employer_name", 500, 4_000),
        ("edits of a searched field, batches of 500", SEARCHED, "phone", 500, 4_000),
        ("edits, one a transaction", PLAIN, "employer_name", 1, 300),
    ] {
        let (mut ratios, mut last) = (Vec::new(), (0.0, 0.0));
        for round in 0..ROUNDS {
            let numbers = picked(count, records, round);
            let ours = edit(&mut replica, &numbers, batch, field, round + 1) + checkpoint(&side);
            let start = Instant::now();
            raw.edit(&numbers, batch, column, round + 1);
            let plain = start.elapsed() + checkpoint(&raw.db);
            ratios.push(ours.as_secs_f64() / plain.as_secs_f64());
            last = (ours.as_secs_f64(), plain.as_secs_f64());
        }
        let each = |s: f64| s * 1e6 / count as f64;
        println!(
            "{what}: {:.2}  ({:.1} µs, raw {:.1} µs)",
            median(ratios),
            each(last.0),
            each(last.1)
        );
    }
    let edits = ROUNDS * (4_000 + 4_000 + 300);
    println!(
        "journal and replica grew {} bytes an edit",
        (size("replica.db") - before) / edits as u64
    );

    pages(&mut replica, &side, &raw, records);
    for (what, batch) in [
        ("inserts, one transaction of 1,000", 1_000),
        ("inserts, batches of 500", 500),
        ("inserts, one a transaction", 1),
    ] {
        let (mut ratios, mut last) = (Vec::new(), (0.0, 0.0));
        for round in 0..ROUNDS {
            let count = if batch == 1 { 200 } else { 1_000 };
            let first = 10_000_000 * batch + records + round * count;
            let drafts: Vec<Draft> = (first..first + count)
                .map(|n| Draft::change("lan", draft::create(id(n), MEMBER, HOME, values(n))))
                .collect();
            let start = Instant::now();
            for chunk in drafts.chunks(batch) {
                replica
                    .save(chunk, 1_700_000_000_000, &mut |b| b.fill(3))
                    .expect("inserts are saved");
            }
            let ours = start.elapsed() + checkpoint(&side);
            let start = Instant::now();
            raw.insert(first..first + count, batch);
            let plain = start.elapsed() + checkpoint(&raw.db);
            ratios.push(ours.as_secs_f64() / plain.as_secs_f64());
            last = (ours.as_secs_f64() / count as f64, plain.as_secs_f64() / count as f64);
        }
        println!(
            "{what}: {:.2}  ({:.1} µs, raw {:.1} µs)",
            median(ratios),
            last.0 * 1e6,
            last.1 * 1e6
        );
    }
    let found = replica.search("nguyen van 7", 5).expect("search runs").len();
    assert!(
        found > 0
            && replica
                .record_of(MEMBER, id(1))
                .expect("read")
                .is_some_and(|r| r.shown(NAME).is_some())
    );
}

/// WAL frames that 500 edits write: a number that does not flap.
fn pages(replica: &mut Replica, side: &Connection, raw: &Raw, records: usize) {
    let numbers = picked(500, records, 99);
    checkpoint(side);
    edit(replica, &numbers, 500, PLAIN, 99);
    let ours = wal_frames(side).expect("frames are counted");
    checkpoint(&raw.db);
    raw.edit(&numbers, 500, "employer_name", 99);
    let plain = wal_frames(&raw.db).expect("frames are counted");
    checkpoint(&raw.db);
    checkpoint(side);
    edit(replica, &numbers[..1], 1, PLAIN, 100);
    let single = wal_frames(side).expect("frames are counted");
    raw.edit(&numbers[..1], 1, "employer_name", 100);
    let plain_single = wal_frames(&raw.db).expect("frames are counted");
    println!(
        "pages written by 500 edits in one transaction: {ours}, raw {plain}; by one edit: {single}, raw {plain_single}"
    );
}
