//! A small province for tests of the registry: a real encrypted store, real keys, real batches.
//!
//! Time is a counter, ids and keys come from numbers, so that every test is the same each time.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, RecordWrites};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::fate::Outcome;
use dongbo_proto::frame::{AckRun, Batch, ScopeCursor, States};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::{Stamp, Window};
use dongbo_proto::value::Value;
use dongbo_proto::wire;
use dongbo_server::registry::{
    self, Arrival, Newcomer, PageAsk, Province, Received, RegistryError,
};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, ReadTx, StoreHandle, WriteTx};
use dongbo_sqlite::{Access, DatabaseKey};

/// The member's kind, and fields of it: locked, two by authority, write-once.
pub const MEMBER: KindId = dongbo_proto::catalogue::kind::MEMBER;
pub const NAME: FieldId = FieldId(20);
pub const SEX: FieldId = FieldId(23);
pub const BORN: FieldId = FieldId(24);
pub const IN_USE: FieldId = FieldId(21);
pub const OTHER: FieldId = FieldId(22);
pub const PHONE: FieldId = FieldId(43);
pub const EMAIL: FieldId = FieldId(44);

pub type Answer<T> = Result<T, RegistryError>;

pub struct World {
    pub store: StoreHandle,
    pub province: Province,
    pub now: Cell<i64>,
    next: Cell<u64>,
    _dir: tempfile::TempDir,
}

/// A node's machine, as the server meets it.
pub struct Node {
    pub author: AuthorId,
    pub signer: Signer,
    pub position: u64,
    pub head: Hash,
    pub claimed: Stamp,
    pub scopes: Vec<ScopeId>,
    pub sent: RefCell<Vec<Batch>>,
}

pub fn signer(number: u64) -> Signer {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    Signer::from_seed(&seed).expect("a seed is a key")
}

pub fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

impl World {
    /// A founded province with so many scopes, 1 to n.
    pub fn new(scopes: u32) -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let mut n = 0_u8;
        let key = DatabaseKey::generate(&mut |bytes| {
            n += 1;
            bytes.fill(n);
        });
        let store =
            SqliteStore::open(&dir.path().join("registry.db"), key, Access::Create).expect("opens");
        let store = StoreHandle::new(Arc::new(store), Executor::Inline);
        let province = Province::new(AuthorId(0xffff), [9; 32], Arc::new(signer(0xffff)));
        let world =
            World { store, province, now: Cell::new(1_000_000), next: Cell::new(1), _dir: dir };
        world.write(|tx| registry::found(tx, "Tỉnh ủy Thử", Epoch([1; 16]), 1));
        let codes: Vec<_> = (1..=scopes).map(|n| (format!("0{n}"), format!("Xã {n}"))).collect();
        world.write(|tx| registry::make_scopes(tx, &codes));
        world
    }

    pub fn write<R>(&self, job: impl FnMut(&mut dyn WriteTx) -> Answer<R>) -> R {
        self.try_write(job).expect("is written")
    }

    pub fn try_write<R>(&self, job: impl FnMut(&mut dyn WriteTx) -> Answer<R>) -> Answer<R> {
        self.store.write_now(job)
    }

    pub fn read<R>(&self, job: impl FnOnce(&dyn ReadTx) -> Answer<R>) -> R {
        self.store.read_now(job).expect("is read")
    }

    /// A number that was not given before.
    pub fn fresh(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// Some time later.
    pub fn tick(&self) -> i64 {
        self.now.set(self.now.get() + 1_000);
        self.now.get()
    }

    pub fn record_id(&self) -> RecordId {
        let n = self.fresh();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&n.to_be_bytes());
        RecordId::new(self.now.get() as u64, random)
    }

    /// Invites and admits a node.
    pub fn join(&self, scopes: &[u32]) -> Node {
        let n = self.fresh();
        let scopes: Vec<ScopeId> = scopes.iter().map(|s| ScopeId(*s)).collect();
        let mut code_hash = [0; 32];
        code_hash[..8].copy_from_slice(&n.to_be_bytes());
        let now = self.tick();
        let invite = InviteRow {
            code_hash,
            name: format!("node {n}"),
            scopes: scopes.clone(),
            again: None,
            created_ms: now,
            expires_ms: now + 1,
            used_by: None,
        };
        self.write(|tx| registry::invite(tx, &invite));
        let node = Node {
            author: AuthorId(n << 32 | 0xabc),
            signer: signer(n),
            position: 0,
            head: Hash::default(),
            claimed: Stamp::default(),
            scopes,
            sent: RefCell::default(),
        };
        let new = Newcomer {
            code_hash,
            author: node.author,
            public_key: *node.signer.public(),
            token: [n as u8; 16],
            now_ms: now,
        };
        self.store.write_now(|tx| registry::join(tx, &new)).expect("joins");
        node
    }

    /// Delivers a batch as it is.
    pub fn deliver(&self, node: &Node, batch: &Batch) -> Answer<Received> {
        let prepared =
            registry::prepare(batch.clone(), node.signer.public()).map_err(RegistryError::Stop)?;
        let now_ms = self.tick();
        let ctx =
            Arrival { window: Window { since_ms: 0, until_ms: now_ms, offset_ms: 0 }, now_ms };
        self.try_write(|tx| registry::merge(tx, &prepared, &ctx))
    }

    /// A node makes acts of these operations and delivers them.
    pub fn push(&self, node: &mut Node, ops: Vec<Vec<Op>>) -> Received {
        let acts = ops.into_iter().map(|ops| node.act(self.tick(), Intent::Change, ops)).collect();
        self.push_acts(node, acts)
    }

    pub fn push_acts(&self, node: &mut Node, acts: Vec<Act>) -> Received {
        let batch = node.batch(acts);
        self.deliver(node, &batch).expect("is received")
    }

    pub fn record(&self, id: RecordId) -> Option<Record> {
        self.store.read_now(|tx| registry::record(tx, id)).ok()
    }

    /// What a listing shows of a field, as text.
    pub fn shown(&self, id: RecordId, field: FieldId) -> Option<String> {
        match self.record(id)?.shown(field)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Everything that is kept twice agrees.
    pub fn sound(&self) {
        let found = registry::verify(&self.store).expect("is read");
        assert!(found.is_empty(), "{found:?}");
    }

    /// A node's replica, brought in step from where it is.
    pub fn pull(&self, node: &Node, replica: &mut Replica, records_max: usize) {
        for _ in 0..10_000 {
            let cursors = replica.cursors(self, node);
            let ask = PageAsk {
                author: node.author,
                cursors,
                acks_from: None,
                inbox: replica.inbox,
                records_max,
            };
            let reply = self.read(|tx| registry::page(tx, &ask));
            for outcome in &reply.outcomes {
                assert_eq!(outcome.sequence, replica.inbox + 1, "the inbox is gapless");
                replica.inbox = outcome.sequence;
            }
            replica.outcomes.extend(reply.outcomes);
            reply.states.into_iter().for_each(|page| replica.stage(page));
            replica.staged = reply.cursors;
            if let Some(marks) = reply.complete {
                return replica.complete(&marks);
            }
        }
        panic!("pages never end");
    }
}

impl Node {
    pub fn act(&mut self, now_ms: i64, intent: Intent, ops: Vec<Op>) -> Act {
        self.claimed = dongbo_proto::stamp::claim(self.claimed, now_ms);
        self.position += 1;
        Act {
            position: self.position,
            claimed: self.claimed,
            person: "lan".into(),
            intent,
            grounds: None,
            job: None,
            linked: None,
            ops: ops.into(),
        }
    }

    /// Signs acts that follow the last ones.
    pub fn batch(&mut self, acts: Vec<Act>) -> Batch {
        let first = acts[0].position;
        let seed = Seed([first as u8; 32]);
        let before = self.head;
        let after = acts.iter().fold(before, |c, a| chain::extend(c, chain::act_hash(a, &seed)));
        let last = acts.last().expect("some").position;
        let (body, raw_len) = wire::encode_acts(&acts);
        let signature = self.signer.sign(&chain::signed_bytes(self.author, last, after)).to_vec();
        self.head = after;
        let count = acts.len() as u32;
        let batch = Batch {
            author: self.author,
            first,
            count,
            before,
            after,
            seeds: vec![(first, seed)],
            signature,
            body,
            raw_len,
        };
        self.sent.borrow_mut().push(batch.clone());
        batch
    }

    pub fn last(&self) -> ActId {
        ActId::new(self.author, self.position)
    }
}

/// Creates a member.
pub fn create(record: RecordId, home: u32, name: &str) -> Op {
    let field = |field, value| FieldWrite { field, value, over: Over::Nothing };
    Op::Write(RecordWrites {
        record,
        kind: MEMBER,
        create: Some(ScopeId(home)),
        under: None,
        fields: vec![
            field(NAME, text(name)),
            field(SEX, text("M")),
            field(BORN, Value::Date("1970-05".parse().expect("a date"))),
            field(PHONE, text("0900000000")),
        ],
    })
}

/// Writes one field.
pub fn edit(record: RecordId, field: FieldId, value: &str, over: Over) -> Op {
    let fields = vec![FieldWrite { field, value: text(value), over }];
    Op::Write(RecordWrites { record, kind: MEMBER, create: None, under: None, fields })
}

pub fn over(acts: &[ActId]) -> Over {
    Over::Heads(acts.iter().copied().collect())
}

/// The fates of acknowledgements, one for each act.
pub fn fates(runs: &[AckRun]) -> Vec<dongbo_proto::fate::Fate> {
    runs.iter().flat_map(|r| std::iter::repeat_n(r.fate, r.count as usize)).collect()
}

/// What a node would hold: states as they came, its own acts that merged as written not applied
/// (a test that needs them gives them to another node).
#[derive(Default)]
pub struct Replica {
    pub records:
        std::collections::BTreeMap<(ScopeId, RecordId), (dongbo_proto::act::Projection, Record)>,
    pub marks: Vec<dongbo_proto::fate::ScopeMark>,
    pub staged: Vec<ScopeCursor>,
    pub inbox: u64,
    pub outcomes: Vec<Outcome>,
    pub pages: usize,
}

impl Replica {
    fn cursors(&self, world: &World, node: &Node) -> Vec<ScopeCursor> {
        let view = world.read(|tx| registry::node_view(tx, node.author)).expect("a node");
        let at = |scope: ScopeId| self.staged.iter().find(|c| c.scope == scope).copied();
        let fresh = |scope| ScopeCursor { scope, ..ScopeCursor::default() };
        view.grants.iter().map(|g| at(g.scope).unwrap_or(fresh(g.scope))).collect()
    }

    fn stage(&mut self, page: States) {
        self.pages += 1;
        for (record, _) in page.gone {
            self.records.remove(&(page.scope, record));
        }
        for (projection, record) in page.records {
            // Over the wire and back, as a node would have it.
            let (body, len) = wire::encode_states(&[(projection, record)], &[]);
            let (mut records, _) = wire::decode_states(&body, len).expect("a page");
            let (projection, record) = records.remove(0);
            self.records.insert((page.scope, record.id), (projection, record));
        }
    }

    fn complete(&mut self, marks: &[dongbo_proto::fate::ScopeMark]) {
        self.marks = marks.to_vec();
        for cursor in &mut self.staged {
            cursor.visible = cursor.staged;
        }
    }

    /// Holds what every mark says.
    pub fn in_step(&self) {
        for mark in &self.marks {
            let mut sum = dongbo_proto::digest::Digest::default();
            for ((scope, _), (projection, record)) in &self.records {
                if *scope == mark.scope {
                    sum.add(dongbo_proto::digest::of_projected(record, *projection));
                }
            }
            assert_eq!(sum, mark.digest, "scope {}", mark.scope);
        }
    }
}
