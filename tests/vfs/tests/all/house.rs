//! A province with one office, real on both sides, each on a disk of its own; what lies on the disks
//! can be copied at any moment and gone on with.
//!
//! They exchange by files, which hold the frames of the same sessions: so a test may stop between any
//! two steps. Nothing stays open from one step to the next, as if each were a program of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use dongbo_node::exchange::ExchangeError;
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::stick::Carrier;
use dongbo_node::replica::{Draft, Identity, OUTBOX_FILE, Replica, ReplicaError, draft};
use dongbo_node::session::End;
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::code::{CaPin, JoinCode};
use dongbo_proto::frame::Stop;
use dongbo_proto::id::{AuthorId, Epoch, FieldId, RecordId, ScopeId};
use dongbo_proto::seam::{Clock, Entropy, bytes};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::stick::SealingKey;
use dongbo_proto::value::Value;
use dongbo_server::ca::{CA_VALIDITY_S, Ca, ServerIdentity};
use dongbo_server::registry::{self, Deed, RegistryError};
use dongbo_server::service::Province;
use dongbo_server::service::stick::{Unanswered, answer};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::{SqliteOpenError, SqliteStore};
use dongbo_server::store::{Executor, StoreError, StoreHandle};
use dongbo_sqlite::{Access, BackupError, DatabaseKey, OpenError};
use dongbo_vfs::Disk;

pub const NAME: FieldId = FieldId(20);
pub const PHONE: FieldId = FieldId(43);
pub const DATABASE: &str = "dongbo.db";
const SCOPE: ScopeId = ScopeId(1);
const START_MS: UnixMs = 1_795_392_000_000;
const AUTHOR: AuthorId = AuthorId(0xabc0_0001);
const FILE_BYTES_MAX: u64 = 1 << 20;
const CODE: [u8; 16] = [0x43; 16];

/// Why a step was not done, as the product says it.
#[derive(Debug)]
pub enum Trouble {
    Replica(ReplicaError),
    Exchange(ExchangeError),
    OpenStore(SqliteOpenError),
    Open(OpenError),
    Store(StoreError),
    Registry(RegistryError),
    Unanswered(Unanswered),
    Backup(BackupError),
    /// The exchange came to an end of its own that is not "in step".
    Ended(#[expect(dead_code, reason = "shown where a test fails")] End),
    Stopped(Stop),
}

macro_rules! from {
    ($($of:ty => $to:ident),* $(,)?) => { $(impl From<$of> for Trouble {
        fn from(error: $of) -> Self { Trouble::$to(error) }
    })* };
}
from!(
    ReplicaError => Replica, ExchangeError => Exchange, SqliteOpenError => OpenStore,
    OpenError => Open, StoreError => Store, RegistryError => Registry, Unanswered => Unanswered,
    BackupError => Backup,
);

pub type Done<T = ()> = Result<T, Trouble>;

/// Time that stands still until it is moved, and bytes that never repeat.
#[derive(Default)]
pub struct Seams {
    ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for Seams {
    fn now_ms(&self) -> UnixMs {
        START_MS + self.ms.fetch_add(1, Ordering::Relaxed)
    }
}

impl Entropy for Seams {
    fn fill(&self, to: &mut [u8]) {
        let n = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        for (at, byte) in to.iter_mut().enumerate() {
            *byte = n.to_le_bytes()[at % 8] ^ (at as u8 / 8).wrapping_mul(31);
        }
    }
}

/// What is carried between the disks, and what was said to be saved.
#[derive(Clone, Default)]
pub struct Carried {
    pub up: Vec<u8>,
    pub down: Vec<u8>,
    pub certificate: Vec<u8>,
    /// Record, phone: the office was told that it is saved.
    pub saved: Vec<(RecordId, String)>,
    /// The same at the province.
    pub enacted: Vec<(RecordId, String)>,
    /// The position up to which a durable answer of the province has spoken.
    pub acknowledged: u64,
    made: u32,
}

/// The two disks.
pub struct House {
    root: tempfile::TempDir,
    pub node: Arc<Disk>,
    pub server: Arc<Disk>,
    seams: Arc<Seams>,
    key: NodeKey,
    pub carried: Carried,
    /// How much of `outbox.log` is on the platter, and of which file.
    logged: (u64, u64),
}

/// Everything of a house at a moment.
pub struct Moment {
    root: tempfile::TempDir,
    carried: Carried,
    pkcs8: Vec<u8>,
    times: (i64, u64),
}

pub fn disk_key(byte: u8) -> DatabaseKey {
    DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(byte))
}

fn record(n: u32) -> RecordId {
    RecordId::new(START_MS as u64 + u64::from(n), [n as u8; 10])
}

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

impl House {
    /// A founded province with one commune, and an office that has joined and is in step.
    pub fn new() -> House {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("node")).unwrap();
        fs::create_dir(root.path().join("server")).unwrap();
        let key = NodeKey::generate().unwrap();
        let mut house = House::on(root, key, Carried::default(), Arc::default(), 1);
        house.found();
        house.join();
        house
    }

    fn on(
        root: tempfile::TempDir,
        key: NodeKey,
        carried: Carried,
        seams: Arc<Seams>,
        seed: u64,
    ) -> House {
        let node = Disk::under(&root.path().join("node"), seed).unwrap();
        let server = Disk::under(&root.path().join("server"), seed + 1).unwrap();
        let mut house = House { root, node, server, seams, key, carried, logged: (0, 0) };
        house.log_is_synced();
        house
    }

    /// Everything as it is now. Nothing may be open.
    pub fn moment(&self) -> Moment {
        let root = tempfile::tempdir().unwrap();
        copy_all(self.root.path(), root.path());
        let seams = &self.seams;
        let times = (seams.ms.load(Ordering::Relaxed), seams.drawn.load(Ordering::Relaxed));
        Moment { root, carried: self.carried.clone(), pkcs8: self.key.pkcs8().to_vec(), times }
    }

    /// A house that goes on from a moment; the seed draws what power cuts leave.
    pub fn from(moment: &Moment, seed: u64) -> House {
        let root = tempfile::tempdir().unwrap();
        copy_all(moment.root.path(), root.path());
        let key = NodeKey::from_pkcs8(&moment.pkcs8).unwrap();
        let seams = Seams { ms: moment.times.0.into(), drawn: moment.times.1.into() };
        House::on(root, key, moment.carried.clone(), Arc::new(seams), seed)
    }

    pub fn node_dir(&self) -> PathBuf {
        self.root.path().join("node")
    }

    pub fn server_dir(&self) -> PathBuf {
        self.root.path().join("server")
    }

    fn found(&mut self) {
        let dir = self.server_dir();
        let start_s = START_MS / 1_000 - 3_600;
        let ca = Ca::create("Tỉnh Thử", CA_VALIDITY_S, start_s).unwrap();
        ca.save(&dir).unwrap();
        ca.server_identity(&dir, &[], start_s).unwrap();
        let store = SqliteStore::open(&dir.join(DATABASE), disk_key(2), Access::Create).unwrap();
        let store = StoreHandle::new(Arc::new(store), Executor::Inline);
        let invite = InviteRow {
            code_hash: self.code(&ca).secret_hash(),
            name: "máy".into(),
            scopes: vec![SCOPE],
            again: None,
            created_ms: START_MS,
            expires_ms: START_MS + 86_400_000,
            used_by: None,
        };
        let made = store.write_now(|tx| {
            registry::found(tx, "Tỉnh Thử", Epoch([1; 16]), START_MS)?;
            registry::make_scopes(tx, &[("01".into(), "Xã Một".into())])?;
            registry::invite(tx, &invite)
        });
        made.map_err(|e: RegistryError| e).unwrap();
    }

    fn code(&self, ca: &Ca) -> JoinCode {
        JoinCode::new(CODE, CaPin::of_fingerprint(&ca.fingerprint()))
    }

    /// Joins by stick; the answer holds the first fill.
    fn join(&mut self) {
        let ca = Ca::load(&self.server_dir()).unwrap();
        let (code, own) = (self.code(&ca), sealing(5));
        let seams = self.seams.clone();
        let carrier = Carrier {
            author: AUTHOR,
            key: &self.key,
            own: &own,
            ca: ca.certificate(),
            clock: &*seams,
        };
        let asked = carrier.join(&code, sealing(6).public()).unwrap();
        let answered = self.answer(&asked).unwrap();
        let (joined, answer) = carrier.joined(&answered).unwrap();
        let who = Identity {
            author: AUTHOR,
            province: joined.province,
            ca_der: joined.ca,
            signing_key: joined.signing_key,
            epoch: joined.epoch,
            grants: joined.grants,
            token: joined.token,
            server_ms: joined.server_ms,
        };
        let mut replica = Replica::create(&self.node_dir(), &disk_key(1), &who).unwrap();
        answer.take(&mut replica, &self.key, &*seams).unwrap();
        drop(replica);
        self.carried.certificate = joined.certificate;
    }

    pub fn replica(&self) -> Done<Replica> {
        Ok(Replica::open(&self.node_dir(), &disk_key(1))?)
    }

    pub fn store(&self) -> Done<SqliteStore> {
        let path = self.server_dir().join(DATABASE);
        Ok(SqliteStore::open(&path, disk_key(2), Access::ReadWrite)?)
    }

    pub fn registry(&self) -> Done<StoreHandle> {
        Ok(StoreHandle::new(Arc::new(self.store()?), Executor::Inline))
    }

    /// The office saves members, in one transaction, and says so.
    pub fn save(&mut self, replica: &mut Replica, count: u32) -> Done {
        let ids: Vec<u32> = (self.carried.made + 1..=self.carried.made + count).collect();
        self.carried.made += count;
        let one = |n: &u32| {
            let fields = [(NAME, text("Lê Hoa")), (PHONE, text(&format!("09{n:08}")))];
            Draft::change("lan", draft::create(record(*n), MEMBER, SCOPE, fields))
        };
        let drafts: Vec<Draft> = ids.iter().map(one).collect();
        let seams = self.seams.clone();
        replica.save(drafts, seams.now_ms(), &mut |b| seams.fill(b))?;
        self.carried.saved.extend(ids.iter().map(|n| (record(*n), format!("09{n:08}"))));
        Ok(())
    }

    /// The office writes what it has to say.
    pub fn send(&mut self) -> Done {
        let replica = self.replica()?;
        let (ca, own) = (replica.ca_der()?, sealing(5));
        let asked = self.carrier(&ca, &own).request(
            &replica,
            &self.carried.certificate,
            sealing(6).public(),
            FILE_BYTES_MAX,
        )?;
        self.carried.up = asked.file;
        Ok(())
    }

    fn carrier<'a>(&'a self, ca: &'a [u8], own: &'a SealingKey) -> Carrier<'a> {
        Carrier { author: AUTHOR, key: &self.key, own, ca, clock: &*self.seams }
    }

    /// The province takes it in: merged and durable when this returns.
    pub fn receive(&mut self) -> Done {
        let up = std::mem::take(&mut self.carried.up);
        self.carried.down = self.answer(&up)?;
        Ok(())
    }

    fn answer(&self, file: &[u8]) -> Done<Vec<u8>> {
        let store = StoreHandle::new(Arc::new(self.store()?), Executor::Inline);
        let identity = ServerIdentity::load(&self.server_dir()).unwrap();
        let province = Arc::new(Province::new(
            store,
            Executor::Inline,
            Ca::load(&self.server_dir()).unwrap(),
            Signer::from_pkcs8(identity.pkcs8()).unwrap(),
            self.seams.clone(),
            self.seams.clone(),
        ));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let answered = runtime.block_on(answer(&province, &sealing(6), file, FILE_BYTES_MAX))?;
        answered.stopped.map_or(Ok(answered.file), |stop| Err(Trouble::Stopped(stop)))
    }

    /// The office takes the answer in. Whether everything was said.
    pub fn take_in(&mut self) -> Done<bool> {
        let mut replica = self.replica()?;
        let (ca, own) = (replica.ca_der()?, sealing(5));
        let carrier = self.carrier(&ca, &own);
        let answer = carrier.answer(&self.carried.down, replica.signing_key())?;
        let taken = answer.take(&mut replica, &self.key, &*self.seams)?;
        self.carried.acknowledged = replica.facts()?.acknowledged;
        match taken.end {
            None => Ok(false),
            Some(End::InStep) => Ok(true),
            Some(end) => Err(Trouble::Ended(end)),
        }
    }

    /// A person of the province edits a member.
    pub fn enact(&mut self) -> Done {
        let store = self.registry()?;
        self.enact_on(&store)
    }

    pub fn enact_on(&mut self, store: &StoreHandle) -> Done {
        let Some((id, _)) = self.carried.saved.first().cloned() else { return Ok(()) };
        let phone = format!("08{:08}", self.carried.enacted.len());
        let identity = ServerIdentity::load(&self.server_dir()).unwrap();
        let signer = Arc::new(Signer::from_pkcs8(identity.pkcs8()).unwrap());
        let author = AuthorId(u64::from_be_bytes(bytes(&*self.seams)));
        let province = registry::Province::new(author, bytes(&*self.seams), signer);
        let shown = store.read_now(|tx| registry::record(tx, id))?;
        let op = draft::edit(&shown, [(PHONE, text(&phone))]);
        let deed = Deed::change("tỉnh", None, vec![op]);
        let now_ms = self.seams.now_ms();
        store.write_now(|tx| registry::enact(tx, &province, deed.clone(), now_ms))?;
        self.carried.enacted.push((id, phone));
        Ok(())
    }

    /// Exchanges until everything was said.
    pub fn meet(&mut self) -> Done {
        for _ in 0..6 {
            self.send()?;
            self.receive()?;
            if self.take_in()? {
                return Ok(());
            }
        }
        panic!("six files and still not in step");
    }

    /// `outbox.log` was synced, or put in the place of another, which syncs it.
    pub fn log_is_synced(&mut self) {
        self.logged = log_of(&self.node_dir());
    }

    /// What a power cut leaves of `outbox.log`: what was synced, and perhaps a part of what was not.
    pub fn cut_log(&self, seed: u64) {
        let path = self.node_dir().join(OUTBOX_FILE);
        let (file, length) = log_of(&self.node_dir());
        let synced = if file == self.logged.0 { self.logged.1.min(length) } else { length };
        if length == synced {
            return;
        }
        let mut bytes = fs::read(&path).unwrap();
        let kept = synced + seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (length - synced + 1);
        match seed % 3 {
            // The system had made the file longer before it wrote the bytes.
            0 => bytes[kept as usize..].fill(0),
            _ => bytes.truncate(kept as usize),
        }
        fs::write(&path, &bytes).unwrap();
    }

    /// The product's own verify on both sides, and everything that was said to be saved.
    pub fn assert_sound(&self, what: &str) {
        let mut replica = self.replica().unwrap();
        assert_eq!(replica.verify().unwrap(), vec![], "{what}: the office");
        for (id, _) in &self.carried.saved {
            assert!(replica.record(*id).unwrap().is_some(), "{what}: {id} was said to be saved");
        }
        let facts = replica.facts().unwrap();
        assert!(facts.position >= self.carried.saved.len() as u64, "{what}: {facts:?}");
        assert!(facts.acknowledged >= self.carried.acknowledged, "{what}: {facts:?}");
        let store = self.store().unwrap();
        assert_eq!(store.damaged_pages().unwrap(), Vec::<String>::new(), "{what}");
        let store = StoreHandle::new(Arc::new(store), Executor::Inline);
        let found = registry::verify(&store).unwrap();
        assert!(found.is_empty(), "{what}: the province: {found:?}");
        let held = store.read_now(|tx| registry::node_view(tx, AUTHOR)).unwrap().unwrap().position;
        assert!(held >= self.carried.acknowledged, "{what}: an acknowledged act is gone");
        for (id, phone) in &self.carried.enacted {
            let shown = store.read_now(|tx| registry::record(tx, *id)).unwrap();
            let heads = &shown.field(PHONE).unwrap().heads;
            let last = self.carried.enacted.last().map(|e| &e.1) == Some(phone);
            assert!(!last || heads.iter().any(|h| h.value == text(phone)), "{what}: {phone}");
        }
    }

    /// All is well again: the office saves, both exchange, and hold the same.
    pub fn assert_goes_on(&mut self, what: &str) {
        self.assert_sound(what);
        let mut replica = self.replica().unwrap();
        self.save(&mut replica, 1).unwrap_or_else(|e| panic!("{what}: {e:?}"));
        drop(replica);
        self.meet().unwrap_or_else(|e| panic!("{what}: {e:?}"));
        self.assert_sound(what);
        let replica = self.replica().unwrap();
        let equation = replica.equation().unwrap();
        assert!(equation.holds() && equation.unsent == 0, "{what}: {equation:?}");
        let store = self.registry().unwrap();
        for mark in replica.digests().unwrap() {
            let digest = store.read_now(|tx| registry::rederive(tx, mark.scope)).unwrap();
            assert_eq!(mark.digest, digest, "{what}: scope {}", mark.scope);
        }
        for (id, _) in &self.carried.saved {
            store.read_now(|tx| registry::record(tx, *id)).expect("at the province");
        }
    }
}

fn sealing(byte: u8) -> SealingKey {
    SealingKey::of([byte; 32].into())
}

fn log_of(dir: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(dir.join(OUTBOX_FILE)).map_or((0, 0), |m| (m.ino(), m.len()))
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
