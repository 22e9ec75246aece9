//! How near the merge comes to the limit: the same rows and edits, raw and merged, in one run.
//!
//! `cargo run --release -p dongbo-server --example merge_rate [records] [edits] [rounds]`
//!
//! Raw is the plain table of members in an encrypted file with the same knobs, synchronous=FULL:
//! inserts and single-column updates in the same order and the same transactions as the product's
//! batches, and the clock stops after a checkpoint. The product does what a batch costs the server: decode, hash, check the
//! signature, merge with heads, digest, journal and feed, commit. Ratios, medians of the rounds.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{Field, FieldType, Kind, catalogue, kind};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{AuthorId, Epoch, FieldId, Hash, RecordId, ScopeId};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::{Stamp, Window};
use dongbo_proto::value::{PDate, Value};
use dongbo_proto::wire;
use dongbo_server::registry::{self, Arrival, Newcomer, Prepared, RegistryError};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::{SCHEMA, SqliteStore};
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::rusqlite::{Connection, params_from_iter, types};
use dongbo_sqlite::{Access, DatabaseKey, Knobs};

const NODES: usize = 200;
const FILLED_FIELDS: usize = 40;
const UPLOAD_ACTS: usize = 1_000;
const EDIT_ACTS: usize = 500;
const PHONE: FieldId = FieldId(43);

fn key(n: u8) -> DatabaseKey {
    let mut next = n;
    DatabaseKey::generate(&mut |bytes| {
        next = next.wrapping_add(1);
        bytes.fill(next);
    })
}

struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }
}

fn member() -> &'static Kind {
    catalogue().kind(kind::MEMBER).expect("members")
}

fn value(field: &Field, draw: &mut Draw) -> Value {
    match &field.ty {
        FieldType::Text { max_chars } => {
            let len = usize::from(*max_chars).min(16);
            Value::Text((0..len).map(|_| char::from(b'a' + (draw.next() % 26) as u8)).collect())
        }
        FieldType::Digits { max, .. } => {
            Value::Text((0..*max).map(|_| char::from(b'0' + (draw.next() % 10) as u8)).collect())
        }
        FieldType::Date { .. } => {
            let day = 1 + draw.next() % 28;
            Value::Date(
                PDate::new(1950 + (draw.next() % 60) as i32, Some(5), Some(day as u32))
                    .expect("a date"),
            )
        }
        FieldType::Code(table) => {
            let codes = &catalogue().codes(table).expect("a table").entries;
            Value::Text(codes[(draw.next() as usize) % codes.len()].code.clone())
        }
        FieldType::Int { min, max } => {
            Value::Int(min + (draw.next() as i64).rem_euclid(max - min + 1))
        }
        FieldType::Bool => Value::Int((draw.next() % 2) as i64),
        FieldType::Ref(_) => Value::Ref(RecordId::new(1_700_000_000_000, [draw.next() as u8; 10])),
    }
}

struct Person {
    id: RecordId,
    home: usize,
    values: Vec<(FieldId, Value)>,
}

fn people(count: usize) -> Vec<Person> {
    let mut draw = Draw(42);
    let fields: Vec<&Field> =
        member().stored().filter(|f| f.id != FieldId(2)).take(FILLED_FIELDS).collect();
    let one = |n: usize| {
        let mut random = [0; 10];
        random.iter_mut().for_each(|b| *b = draw.next() as u8);
        let values = fields.iter().map(|f| (f.id, value(f, &mut draw))).collect();
        Person {
            id: RecordId::new(1_700_000_000_000 + n as u64, random),
            home: n * NODES / count,
            values,
        }
    };
    (0..count).map(one).collect()
}

fn phone(n: usize) -> String {
    format!("09{n:08}")
}

/// The plain table.
struct Raw {
    conn: Connection,
    _dir: tempfile::TempDir,
}

fn sql_value(value: &Value) -> types::Value {
    match value {
        Value::Text(t) => t.clone().into(),
        Value::Int(n) => (*n).into(),
        Value::Date(d) => d.to_string().into(),
        Value::Ref(id) => id.0.to_vec().into(),
        _ => types::Value::Null,
    }
}

impl Raw {
    fn new() -> Raw {
        let dir = tempfile::tempdir().expect("a directory");
        let conn = dongbo_sqlite::open(
            &dir.path().join("raw.db"),
            &key(1),
            &SCHEMA,
            Knobs::SERVER,
            Access::Create,
        );
        let conn = conn.expect("opens");
        let columns: Vec<String> =
            member().stored().map(|f| format!("{} {}", f.name, column_type(f))).collect();
        let sql =
            format!("CREATE TABLE plain (id BLOB NOT NULL UNIQUE, {}) STRICT", columns.join(", "));
        conn.execute_batch(&sql).expect("a table");
        Raw { conn, _dir: dir }
    }

    fn insert(&mut self, people: &[Person]) -> Took {
        let names: Vec<&str> = people[0]
            .values
            .iter()
            .map(|v| member().field(v.0).expect("a field").name.as_str())
            .collect();
        let marks = (0..=names.len()).map(|_| "?").collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO plain (id, {}) VALUES ({marks})", names.join(", "));
        let begun = Watch::start();
        for some in
            people.chunk_by(|a, b| a.home == b.home).flat_map(|of_node| of_node.chunks(UPLOAD_ACTS))
        {
            let tx = self.conn.transaction().expect("begins");
            let mut insert = tx.prepare_cached(&sql).expect("prepares");
            for person in some {
                let id = types::Value::from(person.id.0.to_vec());
                let values = person.values.iter().map(|v| sql_value(&v.1));
                insert
                    .execute(params_from_iter(std::iter::once(id).chain(values)))
                    .expect("inserts");
            }
            drop(insert);
            tx.commit().expect("commits");
        }
        checkpoint(&self.conn);
        begun.stop()
    }

    fn edit(&mut self, people: &[Person], edits: &[(usize, String)]) -> Took {
        let begun = Watch::start();
        let home = |edit: &(usize, String)| people[edit.0].home;
        for some in
            edits.chunk_by(|a, b| home(a) == home(b)).flat_map(|of_node| of_node.chunks(EDIT_ACTS))
        {
            let tx = self.conn.transaction().expect("begins");
            let mut update =
                tx.prepare_cached("UPDATE plain SET phone = ?2 WHERE id = ?1").expect("prepares");
            for (at, value) in some {
                update.execute((&people[*at].id.0[..], value)).expect("updates");
            }
            drop(update);
            tx.commit().expect("commits");
        }
        checkpoint(&self.conn);
        begun.stop()
    }

    fn bytes(&self) -> u64 {
        let pages: u64 = self
            .conn
            .pragma_query_value(None, "page_count", |r| r.get::<_, i64>(0))
            .expect("counts") as u64;
        pages * 4096
    }
}

fn column_type(field: &Field) -> &'static str {
    match field.ty {
        FieldType::Int { .. } | FieldType::Bool => "INTEGER",
        FieldType::Ref(_) => "BLOB",
        _ => "TEXT",
    }
}

/// Wall time and this thread's time on a processor, in seconds: the second flaps less on a machine
/// that is shared.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

struct Watch(Instant, f64);

impl Watch {
    fn start() -> Watch {
        Watch(Instant::now(), on_cpu())
    }

    fn stop(self) -> Took {
        Took { wall: self.0.elapsed().as_secs_f64(), cpu: on_cpu() - self.1 }
    }
}

fn on_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn checkpoint(conn: &Connection) {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("checkpoints");
}

/// A node that signs.
struct Machine {
    author: AuthorId,
    signer: Signer,
    position: u64,
    head: Hash,
}

struct Product {
    store: StoreHandle,
    sqlite: Arc<SqliteStore>,
    machines: Vec<Machine>,
    now_ms: i64,
    _dir: tempfile::TempDir,
}

impl Product {
    fn new(executor: Executor) -> Product {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("registry.db");
        let sqlite =
            Arc::new(SqliteStore::open(Path::new(&path), key(1), Access::Create).expect("opens"));
        let store = StoreHandle::new(sqlite.clone(), executor);
        let write = |job: &mut dyn FnMut(
            &mut dyn dongbo_server::store::WriteTx,
        ) -> Result<(), RegistryError>| {
            store.write_now(job).expect("is written");
        };
        write(&mut |tx| registry::found(tx, "Tỉnh", Epoch([1; 16]), 1));
        let scopes: Vec<_> = (1..=NODES).map(|n| (format!("{n}"), format!("Xã {n}"))).collect();
        write(&mut |tx| registry::make_scopes(tx, &scopes).map(drop));
        let machines: Vec<Machine> = (0..2 * NODES).map(machine).collect();
        for (n, m) in machines.iter().enumerate() {
            let mut code_hash = [1; 32];
            code_hash[..8].copy_from_slice(&(n as u64).to_be_bytes());
            let scopes = vec![ScopeId((n % NODES) as u32 + 1)];
            let invite = InviteRow {
                code_hash,
                name: "n".into(),
                scopes,
                again: None,
                created_ms: 1,
                expires_ms: 9,
                used_by: None,
            };
            write(&mut |tx| registry::invite(tx, &invite));
            let new = Newcomer {
                code_hash,
                author: m.author,
                public_key: *m.signer.public(),
                token: [1; 16],
                now_ms: 2,
            };
            store.write_now(|tx| registry::join(tx, &new)).expect("joins");
        }
        Product { store, sqlite, machines, now_ms: 1_700_000_000_000, _dir: dir }
    }

    /// What a node does before: laid out, hashed, signed. Not on the clock.
    fn batches(&mut self, machine: usize, ops: Vec<Vec<Op>>, acts_max: usize) -> Vec<Batch> {
        let mut out = Vec::new();
        let m = &mut self.machines[machine];
        for some in ops.chunks(acts_max) {
            let acts: Vec<Act> = some
                .iter()
                .map(|ops| {
                    m.position += 1;
                    self.now_ms += 1;
                    Act {
                        position: m.position,
                        claimed: Stamp::new(self.now_ms, 0),
                        person: "lan".into(),
                        intent: Intent::Change,
                        grounds: None,
                        job: None,
                        linked: None,
                        ops: ops.clone().into(),
                    }
                })
                .collect();
            out.push(sign(m, &acts));
        }
        out
    }

    fn key_of(&self, author: AuthorId) -> [u8; 32] {
        *self.machines.iter().find(|m| m.author == author).expect("a machine").signer.public()
    }

    fn arrival(&self) -> Arrival {
        Arrival {
            window: Window { since_ms: 0, until_ms: self.now_ms + 1, offset_ms: 0 },
            now_ms: self.now_ms + 1,
        }
    }

    /// One batch a commit, prepared on the same thread: nothing is shared, nothing is parallel.
    #[inline(never)]
    fn upload(&self, batches: Vec<Batch>) -> Took {
        self.deliver(batches)
    }

    #[inline(never)]
    fn deliver(&self, batches: Vec<Batch>) -> Took {
        let ctx = self.arrival();
        let keys: Vec<[u8; 32]> = batches.iter().map(|b| self.key_of(b.author)).collect();
        let begun = Watch::start();
        let mut beside = 0.0;
        for (batch, key) in batches.into_iter().zip(keys) {
            let before = on_cpu();
            let prepared: Prepared = registry::prepare(batch, &key).expect("is sound");
            beside += on_cpu() - before;
            let received =
                self.store.write_now(|tx| registry::merge(tx, &prepared, &ctx)).expect("merges");
            assert!(
                received
                    .runs
                    .iter()
                    .all(|r| matches!(r.fate, dongbo_proto::fate::Fate::Merged { .. }))
            );
        }
        self.checkpoint();
        println!("  of which beside the writer: {beside:.2} s on cpu");
        begun.stop()
    }

    fn checkpoint(&self) {
        let conn = dongbo_sqlite::open(
            self.sqlite.path(),
            self.sqlite.key(),
            &SCHEMA,
            Knobs::SERVER,
            Access::ReadWrite,
        );
        checkpoint(&conn.expect("opens"));
    }

    fn bytes(&self) -> u64 {
        self.store.store().bytes().expect("counts")
    }
}

fn machine(n: usize) -> Machine {
    let mut seed = [3; 32];
    seed[..8].copy_from_slice(&(n as u64).to_be_bytes());
    let signer = Signer::from_seed(&seed).expect("a key");
    Machine { author: AuthorId(0x1_0000 + n as u64), signer, position: 0, head: Hash::default() }
}

fn sign(m: &mut Machine, acts: &[Act]) -> Batch {
    let first = acts[0].position;
    let seed = Seed([first as u8; 32]);
    let before = m.head;
    let after = acts.iter().fold(before, |c, a| chain::extend(c, chain::act_hash(a, &seed)));
    let (body, raw_len) = wire::encode_acts(acts);
    let signature = m.signer.sign(&chain::signed_bytes(m.author, m.position, after)).to_vec();
    m.head = after;
    Batch {
        author: m.author,
        first,
        count: acts.len() as u32,
        before,
        after,
        seeds: vec![(first, seed)],
        signature,
        body,
        raw_len,
    }
}

fn creation(person: &Person) -> Op {
    let field = |(field, value): &(FieldId, Value)| FieldWrite {
        field: *field,
        value: value.clone(),
        over: Over::Nothing,
    };
    Op::Write(RecordWrites {
        record: person.id,
        kind: kind::MEMBER,
        create: Some(ScopeId(person.home as u32 + 1)),
        under: None,
        fields: person.values.iter().map(field).collect(),
    })
}

fn edit(person: &Person, value: &str, over: Over) -> Op {
    let fields = vec![FieldWrite { field: PHONE, value: Value::Text(value.into()), over }];
    Op::Write(RecordWrites {
        record: person.id,
        kind: kind::MEMBER,
        create: None,
        under: None,
        fields,
    })
}

/// Batches of all nodes, dealt out one of each in turn.
fn round_robin(mut all: Vec<Vec<Batch>>) -> Vec<Batch> {
    all.iter_mut().for_each(|b| b.reverse());
    let mut out = Vec::new();
    while all.iter().any(|b| !b.is_empty()) {
        out.extend(all.iter_mut().filter_map(Vec::pop));
    }
    out
}

fn upload(product: &mut Product, people: &[Person]) -> Vec<Batch> {
    let of = |node: usize| {
        people.iter().filter(|p| p.home == node).map(|p| vec![creation(p)]).collect::<Vec<_>>()
    };
    let all = (0..NODES).map(|node| product.batches(node, of(node), UPLOAD_ACTS)).collect();
    round_robin(all)
}

/// Edits by a second machine of each record's scope, all over the creation: after the first edit of a
/// record, each stands beside what is there.
fn edits(
    product: &mut Product,
    people: &[Person],
    edits: &[(usize, String)],
    second: bool,
) -> Vec<Batch> {
    let mut ops: Vec<Vec<Vec<Op>>> = vec![Vec::new(); NODES];
    for (at, value) in edits {
        ops[people[*at].home].push(vec![edit(&people[*at], value, Over::Creation)]);
    }
    let shift = if second { NODES } else { 0 };
    let all = ops
        .into_iter()
        .enumerate()
        .map(|(n, ops)| product.batches(n + shift, ops, EDIT_ACTS))
        .collect();
    round_robin(all)
}

#[derive(Default)]
struct Ratios(Vec<(&'static str, Vec<f64>)>);

impl Ratios {
    fn add(&mut self, name: &'static str, ratio: f64) {
        match self.0.iter_mut().find(|r| r.0 == name) {
            Some(found) => found.1.push(ratio),
            None => self.0.push((name, vec![ratio])),
        }
    }

    /// A limit's time over the product's: wall, and on the processor.
    fn compare(&mut self, wall: &'static str, cpu: &'static str, limit: Took, product: Took) {
        self.add(wall, limit.wall / product.wall);
        self.add(cpu, limit.cpu / product.cpu);
    }

    fn print(mut self) {
        for (name, ratios) in &mut self.0 {
            ratios.sort_by(f64::total_cmp);
            let (low, mid, high) = (ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
            println!("{name:<64} {mid:>8.2}   ({low:.2} to {high:.2})");
        }
    }
}

fn main() {
    let arg = |n: usize, default: usize| {
        std::env::args().nth(n).and_then(|a| a.parse().ok()).unwrap_or(default)
    };
    let (records, edit_count, rounds) = (arg(1, 85_659), arg(2, 100_000), arg(3, 3));
    let people = people(records);
    let mut draw = Draw(7);
    let mut first: Vec<(usize, String)> =
        (0..edit_count).map(|n| ((draw.next() as usize) % records, phone(n))).collect();
    // Node by node, as batches are, for the limit too.
    first.sort_by_key(|edit| people[edit.0].home);
    let mut ratios = Ratios::default();
    for round in 0..rounds {
        one_round(round, &people, &first, &mut ratios);
    }
    ratios.print();
}

fn say(round: usize, what: &str, count: usize, raw: Took, product: Took) {
    let rate = |t: f64| count as f64 / t;
    let (raw_cpu, cpu) = (raw.cpu * 1e6 / count as f64, product.cpu * 1e6 / count as f64);
    println!(
        "round {round}: {what}: raw {:.0}/s ({raw_cpu:.1} us on cpu), product {:.0}/s ({cpu:.1} us)",
        rate(raw.wall),
        rate(product.wall)
    );
}

fn one_round(round: usize, people: &[Person], first: &[(usize, String)], ratios: &mut Ratios) {
    let mut raw = Raw::new();
    let mut product = Product::new(Executor::Inline);
    let uploads = upload(&mut product, people);
    let (r, p) = (raw.insert(people), product.upload(uploads));
    say(round, "records", people.len(), r, p);
    ratios.compare("upload / raw insert (floor 0.35 of L)", "  on the processor", r, p);
    ratios.add(
        "store after upload / plain table (floor 2.0, aim 1.5)",
        product.bytes() as f64 / raw.bytes() as f64,
    );
    let (raw_before, product_before) = (raw.bytes(), product.bytes());
    let clean = edits(&mut product, people, first, false);
    let (r1, p1) = (raw.edit(people, first), product.deliver(clean));
    say(round, "edits by one office", first.len(), r1, p1);
    ratios.compare(
        "merge of edits by one office / raw (floor 0.5, aim 0.7)",
        "  on the processor ",
        r1,
        p1,
    );
    let grown = |before: u64, after: u64| (after as f64 - before as f64) / first.len() as f64;
    ratios.add("bytes an edit, plain table", grown(raw_before, raw.bytes()));
    ratios
        .add("bytes an edit, product (floor 150, aim 80)", grown(product_before, product.bytes()));
    let second: Vec<(usize, String)> = first.iter().map(|(at, v)| (*at, format!("8{v}"))).collect();
    let conflicting = edits(&mut product, people, &second, true);
    let (r2, p2) = (raw.edit(people, &second), product.deliver(conflicting));
    say(round, "conflicting edits", first.len(), r2, p2);
    ratios.compare(
        "merge of conflicting edits / raw (floor 0.5, aim 0.7)",
        "  on the processor  ",
        r2,
        p2,
    );
    ratios.add("conflicting / clean, time (floor 1.3)", p2.wall / p1.wall);
    let found = registry::verify(&product.store).expect("is read");
    assert!(found.is_empty(), "{found:?}");
}
