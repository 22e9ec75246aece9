//! A province that serves on loopback, the machines that it admitted, and the proof that an honest one still works.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dongbo_node::exchange::connect::tcp;
use dongbo_node::exchange::converse::{Conversation, Outcome, converse};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::{ExchangeError, channel, tls};
use dongbo_node::replica::draft::create;
use dongbo_node::replica::{Draft, Identity, Replica};
use dongbo_node::session::{End, Link, Session};
use dongbo_node::system::System;
use dongbo_proto::catalogue::kind;
use dongbo_proto::id::{AuthorId, Epoch, FieldId, RecordId, ScopeId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::sign::Signer;
use dongbo_proto::value::Value;
use dongbo_server::ca::{CA_VALIDITY_S, Ca, NODE_VALIDITY_S, ServerIdentity};
use dongbo_server::registry::{self, Newcomer};
use dongbo_server::service::tls::ServerTls;
use dongbo_server::service::{Patience, Province, run};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::{Access, DatabaseKey};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// In which an honest office must be served, whatever else goes on: seconds.
pub const HONEST_S_MAX: u64 = 15;
/// What this whole process, servers, nodes and attackers of all tests, may have held at once.
const MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// When the certificates begin, before now, in seconds.
const GRACE_S: i64 = 3_600;

pub const NAME: FieldId = FieldId(20);
pub const SEX: FieldId = FieldId(23);
pub const BORN: FieldId = FieldId(24);
pub const PHONE: FieldId = FieldId(43);

/// A province that serves.
pub struct House {
    pub ca: Ca,
    pub identity: ServerIdentity,
    pub signer: Signer,
    pub store: StoreHandle,
    pub province: Arc<Province>,
    pub address: SocketAddr,
    pub scopes: Vec<ScopeId>,
    pub clock: Arc<dyn Clock>,
    pub dir: TempDir,
    made: AtomicU64,
    shutdown: CancellationToken,
}

impl House {
    pub async fn open() -> House {
        House::with(Patience::default(), Arc::new(System), Arc::new(System)).await
    }

    /// One with its own patience, clock and dice.
    pub async fn with(
        patience: Patience,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> House {
        warm_up();
        let dir = TempDir::with_prefix("dongbo-").expect("a directory");
        let from_s = clock.now_ms() / 1_000 - GRACE_S;
        let ca = Ca::create("Tỉnh Thử", CA_VALIDITY_S, from_s).expect("an authority");
        let identity = ca.issue_server(&[], from_s).expect("an identity");
        ca.save(dir.path()).expect("kept");
        let store = SqliteStore::open(&dir.path().join("registry.db"), key(), Access::Create);
        let store = StoreHandle::new(Arc::new(store.expect("a store")), Executor::Threads);
        let codes: Vec<_> = (1..=3).map(|n| (format!("0{n}"), format!("Xã {n}"))).collect();
        let now_ms = clock.now_ms();
        let scopes = store.write_now(|tx| {
            registry::found(tx, "Tỉnh Thử", Epoch([6; 16]), now_ms)?;
            registry::make_scopes(tx, &codes)
        });
        let mut province = Province::new(
            store.clone(),
            Executor::Threads,
            Ca::load(dir.path()).expect("the authority"),
            Signer::from_pkcs8(identity.pkcs8()).expect("a signer"),
            clock.clone(),
            entropy,
        );
        province.patience = patience;
        let province = Arc::new(province);
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let shutdown = CancellationToken::new();
        let tls = Arc::new(ServerTls::new(&identity).expect("tls"));
        tokio::spawn(run(province.clone(), tls, listener, shutdown.clone()));
        let signer = Signer::from_pkcs8(identity.pkcs8()).expect("a signer");
        House {
            ca,
            identity,
            signer,
            store,
            province,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            scopes: scopes.expect("founded"),
            clock,
            dir,
            made: AtomicU64::new(1),
            shutdown,
        }
    }

    fn number(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// A machine with a certificate and, on the server, these scopes.
    pub fn admit(&self, scopes: &[ScopeId]) -> Enrolled {
        let (number, now_ms) = (self.number(), self.clock.now_ms());
        let mut code_hash = [0; 32];
        code_hash[..8].copy_from_slice(&number.to_be_bytes());
        let row = InviteRow {
            code_hash,
            name: format!("máy {number}"),
            scopes: scopes.to_vec(),
            again: None,
            created_ms: now_ms,
            expires_ms: now_ms + 1_000,
            used_by: None,
        };
        let key = NodeKey::generate().expect("a key");
        let author = AuthorId(number << 32 | 0xabc);
        let newcomer =
            Newcomer { code_hash, author, public_key: *key.public(), token: [1; 16], now_ms };
        self.store.write_now(|tx| registry::invite(tx, &row)).expect("invited");
        let joined = self.store.write_now(|tx| registry::join(tx, &newcomer)).expect("joined");
        let from_s = now_ms / 1_000 - GRACE_S;
        let ids: Vec<u32> = joined.grants.iter().map(|g| g.scope.0).collect();
        let csr = key.csr_der().expect("a request");
        let signed = self.ca.sign_node(&csr, author.0, &ids, from_s, from_s + NODE_VALIDITY_S);
        let identity = Identity {
            author,
            province: "Tỉnh Thử".into(),
            ca_der: self.ca.certificate().to_vec(),
            signing_key: *self.signer.public(),
            epoch: joined.epoch,
            grants: joined.grants,
            token: joined.token,
            server_ms: now_ms,
        };
        Enrolled { author, key, certificate: signed.expect("signed").to_vec(), identity }
    }

    /// An office that keeps to the rules, in the first scope, in step, with some members.
    pub async fn office(&self) -> Office {
        self.office_in(self.scopes[0], 20).await
    }

    /// The same in another scope.
    pub async fn office_in(&self, scope: ScopeId, members: usize) -> Office {
        let enrolled = self.admit(&[scope]);
        let dir = self.dir.path().join(format!("office-{:x}", enrolled.author.0));
        std::fs::create_dir(&dir).expect("a directory");
        let replica = Replica::create(&dir, &key(), &enrolled.identity).expect("a replica");
        let mut office = Office { enrolled, replica, scope, members: Vec::new() };
        (0..members).for_each(|_| office.add_member(self.number()));
        office.in_step(self).await;
        office
    }

    /// After an attack: the honest office saves and exchanges in time, all it was told is kept is there, nothing
    /// is found wrong, and connections and memory are within their bounds.
    pub async fn proves(&self, office: &mut Office) {
        office.add_member(self.number());
        let served = office.in_step(self);
        let served = tokio::time::timeout(Duration::from_secs(HONEST_S_MAX), served).await;
        served.expect("the honest office is served in time");
        for id in &office.members {
            assert!(self.holds(*id), "what was acknowledged is there");
        }
        assert_eq!(registry::verify(&self.store).expect("is read"), []);
        assert_eq!(office.replica.verify().expect("is read"), []);
        let peak = peak_bytes();
        assert!(peak < MEMORY_BYTES_MAX, "{peak} bytes were held at once");
    }

    pub fn holds(&self, id: RecordId) -> bool {
        self.store.read_now(|tx| registry::record(tx, id)).is_ok()
    }

    /// Waits until so few connections are up.
    pub async fn empties_to(&self, connections: usize, within_s: u64) {
        let empty = async {
            while self.province.table.len() > connections {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let within = tokio::time::timeout(Duration::from_secs(within_s), empty).await;
        let left = self.province.table.len();
        assert!(within.is_ok(), "{left} connections are still up, {connections} may be");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A machine with a certificate of the province.
pub struct Enrolled {
    pub author: AuthorId,
    pub key: NodeKey,
    pub certificate: Vec<u8>,
    pub identity: Identity,
}

impl Enrolled {
    pub fn config(&self) -> Arc<rustls::ClientConfig> {
        let config =
            tls::client_config_main(&self.identity.ca_der, &self.certificate, &self.key, None);
        config.expect("a configuration")
    }
}

/// An office that keeps to the rules.
pub struct Office {
    pub enrolled: Enrolled,
    pub replica: Replica,
    pub scope: ScopeId,
    pub members: Vec<RecordId>,
}

impl Office {
    pub fn add_member(&mut self, number: u64) {
        let id = record_id(number);
        let draft = Draft::change("lan", member(id, self.scope, &format!("Trần Văn {number}")));
        let mut entropy = |bytes: &mut [u8]| System.fill(bytes);
        self.replica.save(&[draft], System.now_ms(), &mut entropy).expect("saved");
        self.members.push(id);
    }

    /// One exchange with whoever listens there.
    pub async fn exchange(&mut self, at: SocketAddr) -> Result<Outcome, ExchangeError> {
        let channel = channel(self.enrolled.config(), tcp(at.to_string())).await?;
        let mut at = Conversation {
            replica: &mut self.replica,
            key: &self.enrolled.key,
            clock: &System,
            entropy: &System,
            watcher: &mut (),
            history: None,
        };
        converse(&mut at, Session::new(false, Link::default()), channel).await
    }

    /// One exchange with the province, after which both hold the same.
    pub async fn in_step(&mut self, house: &House) {
        let outcome = self.exchange(house.address).await.expect("an exchange");
        assert_eq!(outcome.end, End::InStep);
        let equation = self.replica.equation().expect("an equation");
        assert!(equation.holds() && equation.unsent == 0, "{equation:?}");
        let scopes = house.store.read_now(|tx| tx.scopes()).expect("scopes");
        for mark in self.replica.digests().expect("digests") {
            let there = scopes.iter().find(|s| s.id == mark.scope).expect("a scope");
            assert_eq!((mark.revision, mark.digest), (there.revision, there.digest));
        }
    }
}

/// Opens one database before any other: a process of the product has one thread when it opens its first, these
/// tests have many, and the cipher's library sets itself up at the first.
fn warm_up() {
    static WARM: OnceLock<()> = OnceLock::new();
    WARM.get_or_init(|| {
        let dir = TempDir::new().expect("a directory");
        let store = SqliteStore::open(&dir.path().join("warm.db"), key(), Access::Create);
        drop(store.expect("a store"));
    });
}

/// The key of every database here.
pub fn key() -> DatabaseKey {
    DatabaseKey::generate(&mut |bytes: &mut [u8]| bytes.fill(0x5a))
}

/// The id of the record of a number.
pub fn record_id(number: u64) -> RecordId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    RecordId::new(1_700_000_000_000 + number, random)
}

/// Creates a member.
pub fn member(id: RecordId, home: ScopeId, name: &str) -> dongbo_proto::act::Op {
    let fields = [
        (NAME, Value::Text(name.to_owned())),
        (SEX, Value::Text("M".into())),
        (BORN, Value::Date("1970-05-01".parse().expect("a date"))),
        (PHONE, Value::Text("0900000000".into())),
    ];
    create(id, kind::MEMBER, home, fields)
}

/// The most that this process has held at once.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse().ok());
    kilobytes.map_or(0, |k: u64| k * 1_024)
}
