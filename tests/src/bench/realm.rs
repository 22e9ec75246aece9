//! The product under measurement: a registry on disk, its server on real TLS, and offices with their replicas, all in
//! this process but on their own threads. A state is made once and copied for each run.
//!
//! Deliberately absent: the command lines (the stories go through those), and anything that the shipped server and node
//! would not do: what is called here is what they call.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dongbo_node::exchange::channel;
use dongbo_node::exchange::connect::tcp;
use dongbo_node::exchange::converse::{Conversation, Tally, Watcher, converse};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::tls::client_config_main;
use dongbo_node::replica::{Identity, REPLICA_FILE, Replica};
use dongbo_node::session::{End, Link, Session};
use dongbo_node::system::System;
use dongbo_proto::digest::Digest;
use dongbo_proto::id::{AuthorId, Epoch, ScopeId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::sign::Signer;
use dongbo_server::ca::{CA_VALIDITY_S, Ca, NODE_VALIDITY_S, ServerIdentity};
use dongbo_server::registry::{self, Newcomer};
use dongbo_server::service::tls::ServerTls;
use dongbo_server::service::{Province, run};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::{self, SqliteStore};
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::pages::empty_wal;
use dongbo_sqlite::rusqlite::Connection;
use dongbo_sqlite::{Access, Knobs};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::plain::bench_key;
use super::workload::Workload;

/// The registry's file.
pub const REGISTRY_FILE: &str = "registry.db";
/// The server's seed for receipts: it signs nothing that anyone believes.
const SIGNER_SEED: [u8; 32] = [7; 32];
/// How long a code is good; all are used at once.
const CODE_MS: i64 = 3_600_000;
/// How long a server may take to end.
const END_MAX: Duration = Duration::from_secs(30);

/// The authority of all servers and offices of one suite.
pub struct Realm {
    ca: Ca,
    identity: ServerIdentity,
    epoch: Epoch,
}

/// A server that runs in this process.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Result<()>>,
}

impl Server {
    /// One whose task has been started.
    #[must_use]
    pub fn new(
        address: SocketAddr,
        shutdown: CancellationToken,
        task: JoinHandle<Result<()>>,
    ) -> Self {
        Server { address, shutdown, task }
    }

    /// Ends it and waits for that.
    ///
    /// # Errors
    /// What it ended with, or that it did not.
    pub async fn end(self) -> Result<()> {
        self.shutdown.cancel();
        tokio::time::timeout(END_MAX, self.task).await.context("a server does not end")??
    }
}

/// A node that was admitted: what it writes under and shows in the handshake.
pub struct Office {
    /// Its author id.
    pub author: AuthorId,
    /// Its key.
    pub key: NodeKey,
    certificate: Vec<u8>,
    identity: Identity,
}

impl Realm {
    /// Makes an authority and a server's certificate.
    ///
    /// # Errors
    /// What the libraries say.
    pub fn new() -> Result<Self> {
        let now_s = System.now_ms() / 1_000;
        let ca = Ca::create("Tỉnh đo lường", CA_VALIDITY_S, now_s)?;
        let identity = ca.issue_server(&[], now_s)?;
        let mut epoch = [0; 16];
        System.fill(&mut epoch);
        Ok(Realm { ca, identity, epoch: Epoch(epoch) })
    }

    /// The server's half of TLS.
    ///
    /// # Errors
    /// What the library says.
    pub fn server_tls(&self) -> Result<Arc<ServerTls>> {
        Ok(Arc::new(ServerTls::new(&self.identity)?))
    }

    /// Founds a registry with the scopes of a load in a fresh directory, and returns their ids in the load's order.
    ///
    /// # Errors
    /// What the store says.
    pub fn found(&self, dir: &Path, load: &Workload) -> Result<Vec<ScopeId>> {
        std::fs::create_dir_all(dir)?;
        let store = open_store(dir, Executor::Inline)?;
        let names: Vec<_> =
            load.scopes.iter().map(|(code, name, _)| (code.clone(), name.clone())).collect();
        let (epoch, now_ms) = (self.epoch, System.now_ms());
        Ok(store.write_now(|tx| {
            registry::found(tx, "Tỉnh đo lường", epoch, now_ms)?;
            registry::make_scopes(tx, &names)
        })?)
    }

    /// Admits a node with these scopes.
    ///
    /// # Errors
    /// What the store says.
    pub fn admit(&self, store: &StoreHandle, name: &str, scopes: &[ScopeId]) -> Result<Office> {
        let key = NodeKey::generate()?;
        let (author, now_ms) = (AuthorId(System.number()), System.now_ms());
        let mut code_hash = [0; 32];
        System.fill(&mut code_hash);
        let row = InviteRow {
            code_hash,
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            again: None,
            created_ms: now_ms,
            expires_ms: now_ms + CODE_MS,
            used_by: None,
        };
        let newcomer =
            Newcomer { code_hash, author, public_key: *key.public(), token: [1; 16], now_ms };
        store.write_now(|tx| registry::invite(tx, &row))?;
        let joined = store.write_now(|tx| registry::join(tx, &newcomer))?;
        let ids: Vec<u32> = joined.grants.iter().map(|g| g.scope.0).collect();
        let from = now_ms / 1_000;
        let signed =
            self.ca.sign_node(&key.csr_der()?, author.0, &ids, from, from + NODE_VALIDITY_S)?;
        let identity = Identity {
            author,
            province: "Tỉnh đo lường".into(),
            ca_der: self.ca.certificate().to_vec(),
            signing_key: *Signer::from_seed(&SIGNER_SEED)?.public(),
            epoch: joined.epoch,
            grants: joined.grants,
            token: joined.token,
            server_ms: now_ms,
        };
        Ok(Office { author, key, certificate: signed.to_vec(), identity })
    }

    /// Serves the registry of a directory.
    ///
    /// # Errors
    /// What the store or the system says.
    pub async fn serve(&self, dir: &Path) -> Result<(Server, Arc<Province>)> {
        let store = open_store(dir, Executor::Threads)?;
        let ca = Ca::create("Tỉnh đo lường", CA_VALIDITY_S, System.now_ms() / 1_000)?;
        let signer = Signer::from_seed(&SIGNER_SEED)?;
        let province = Arc::new(Province::new(
            store,
            Executor::Threads,
            ca,
            signer,
            Arc::new(System),
            Arc::new(System),
        ));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (shutdown, tls) = (CancellationToken::new(), self.server_tls()?);
        let serving = run(province.clone(), tls, listener, shutdown.clone());
        let task = tokio::spawn(async move { serving.await.map_err(Into::into) });
        Ok((Server::new(address, shutdown, task), province))
    }
}

impl Office {
    /// Makes its replica in a fresh directory.
    ///
    /// # Errors
    /// What storage says.
    pub fn replica(&self, dir: &Path) -> Result<Replica> {
        std::fs::create_dir_all(dir)?;
        Ok(Replica::create(dir, &bench_key(), &self.identity)?)
    }

    /// Connects, with both sides' certificates shown.
    ///
    /// # Errors
    /// What the link says.
    pub async fn connect(&self, to: SocketAddr) -> Result<Channel> {
        let config = client_config_main(&self.identity.ca_der, &self.certificate, &self.key, None)?;
        Ok(channel(config, tcp(to.to_string())).await?)
    }

    /// One exchange over a channel that is up; answers when the node was in step.
    ///
    /// # Errors
    /// What the link says, or that it did not end in step.
    pub async fn exchange(&self, replica: &mut Replica, channel: Channel) -> Result<Instant> {
        let mut watch = Stopwatch::default();
        let mut at = Conversation {
            replica,
            key: &self.key,
            clock: &System,
            entropy: &System,
            watcher: &mut watch,
            history: None,
        };
        let outcome = converse(&mut at, Session::new(false, Link::default()), channel).await?;
        ensure!(outcome.end == End::InStep, "the exchange ended {:?}", outcome.end);
        ensure!(outcome.tally.refilled == 0, "a digest differed");
        watch.in_step.context("nothing was completed")
    }
}

/// Notes when an exchange was complete and durable here; what follows is a farewell.
#[derive(Debug, Default)]
struct Stopwatch {
    in_step: Option<Instant>,
}

impl Watcher for Stopwatch {
    /// The last frame up confirms what `Complete` made visible.
    fn moved(&mut self, tally: &Tally) {
        if tally.completes > 0 {
            self.in_step = Some(Instant::now());
        }
    }

    fn in_step(&mut self, _: &Tally) {}
}

/// Opens the registry of a directory.
///
/// # Errors
/// What the store says.
pub fn open_store(dir: &Path, executor: Executor) -> Result<StoreHandle> {
    let store = SqliteStore::open(&dir.join(REGISTRY_FILE), bench_key(), Access::Create)?;
    Ok(StoreHandle::new(Arc::new(store), executor))
}

/// A connection to the registry's file beside the server: to checkpoint, and to count.
///
/// # Errors
/// What storage says.
pub fn registry_file(dir: &Path) -> Result<Connection> {
    Ok(dongbo_sqlite::open(
        &dir.join(REGISTRY_FILE),
        &bench_key(),
        &sqlite::SCHEMA,
        Knobs::SERVER,
        Access::ReadWrite,
    )?)
}

/// The same for a replica.
///
/// # Errors
/// What storage says.
pub fn replica_file(dir: &Path) -> Result<Connection> {
    let (path, schema) = (dir.join(REPLICA_FILE), dongbo_node::replica::SCHEMA);
    Ok(dongbo_sqlite::open(&path, &bench_key(), &schema, Knobs::NODE, Access::ReadWrite)?)
}

/// Moves everything of a registry into its file.
///
/// # Errors
/// What storage says.
pub fn checkpoint_registry(dir: &Path) -> Result<()> {
    Ok(empty_wal(&registry_file(dir)?)?)
}

/// Moves everything of a replica into its file.
///
/// # Errors
/// What storage says.
pub fn checkpoint_replica(dir: &Path) -> Result<()> {
    Ok(empty_wal(&replica_file(dir)?)?)
}

/// Whether a replica holds what the registry holds, scope by scope: without it no time counts.
///
/// # Errors
/// That it does not, or what storage says.
pub fn ensure_in_step(store: &StoreHandle, replica: &Replica) -> Result<()> {
    let scopes = store.read_now(|tx| tx.scopes())?;
    let digest = |id: ScopeId| scopes.iter().find(|s| s.id == id).map(|s| (s.revision, s.digest));
    let marks = replica.digests()?;
    ensure!(!marks.is_empty(), "a replica without scopes");
    for mark in marks {
        let here: Option<(u64, Digest)> = Some((mark.revision, mark.digest));
        ensure!(digest(mark.scope) == here, "scope {} differs", mark.scope);
    }
    Ok(())
}
