//! What the goals share: the load, the realm, a directory, and states that are made once and copied for each run.
//!
//! Deliberately absent: any measurement.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dongbo_node::replica::draft::create;
use dongbo_node::replica::{Draft, Replica};
use dongbo_node::system::System;
use dongbo_proto::act::{Intent, JobItem};
use dongbo_proto::catalogue::kind;
use dongbo_proto::id::{JobId, ScopeId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_server::store::Executor;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::machine::{copy_dir, work_dir};
use super::plain::{Cipher, LOAD_ROWS, Plain, bench_key};
use super::realm::{
    Office, Realm, checkpoint_registry, checkpoint_replica, ensure_in_step, open_store,
};
use super::workload::{Member, Workload};
use dongbo_sqlite::Knobs;

/// Nodes that upload the province together.
pub const UPLOADERS: usize = 8;
/// Threads of a server's runtime: as many as the machines that the bars were set on have cores.
const SERVER_THREADS: usize = 2;
/// Acts that an import saves at once.
const IMPORT_ACTS: usize = 1_000;
/// The account that makes every act.
pub const PERSON: &str = "can.bo";

/// Everything that the goals share.
pub struct Suite {
    /// The load.
    pub load: Arc<Workload>,
    /// The authority.
    pub realm: Realm,
    /// Pairs of each measurement.
    pub runs: usize,
    runtime: Runtime,
    dir: TempDir,
    origin: Option<Origin>,
    loaded: bool,
    wide: bool,
    commune: bool,
}

/// A founded registry with its offices admitted, and the uploaders' replicas, full and unsent.
pub struct Origin {
    /// The scopes, in the load's order.
    pub scopes: Vec<ScopeId>,
    /// The nodes that upload.
    pub uploaders: Vec<Office>,
    /// A node that holds every scope.
    pub wide: Office,
    /// A node that holds one commune.
    pub commune: Office,
}

impl Suite {
    /// Prepares to measure a load.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(load: Workload, runs: usize) -> Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(SERVER_THREADS).enable_all().build()?;
        Ok(Suite {
            load: Arc::new(load),
            realm: Realm::new()?,
            runs,
            runtime,
            dir: work_dir()?,
            origin: None,
            loaded: false,
            wide: false,
            commune: false,
        })
    }

    /// A place in the suite's directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An empty place for one run, without what the run before left there.
    ///
    /// # Errors
    /// What the system says.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// A copy of a state for one run.
    ///
    /// # Errors
    /// What the system says.
    pub fn copy(&self, state: &str, name: &str) -> Result<PathBuf> {
        let to = self.fresh(name)?;
        copy_dir(&self.path(state), &to)?;
        Ok(to)
    }

    /// Runs a server's future on the server's threads.
    pub fn serve<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// Runs work beside the measuring.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime.spawn(work)
    }

    /// The registry before anything was sent, with the uploaders' replicas beside it (`origin-server`, `origin-node-n`).
    ///
    /// # Errors
    /// What storage says.
    pub fn origin(&mut self) -> Result<&Origin> {
        if self.origin.is_none() {
            self.origin = Some(self.make_origin()?);
        }
        self.origin.as_ref().context("the origin was just made")
    }

    /// The origin, where it is known to have been made.
    ///
    /// # Errors
    /// That it was not.
    pub fn made(&self) -> Result<&Origin> {
        self.origin.as_ref().context("the origin is made first")
    }

    fn make_origin(&self) -> Result<Origin> {
        let dir = self.path("origin-server");
        let scopes = self.realm.found(&dir, &self.load)?;
        let store = open_store(&dir, Executor::Inline)?;
        let shares = self.load.shares(UPLOADERS);
        let office = |name: &str, scopes: &[ScopeId]| self.realm.admit(&store, name, scopes);
        let uploaders: Vec<Office> = shares
            .iter()
            .map(|share| office("uploader", &scopes[share.clone()]))
            .collect::<Result<_>>()?;
        let commune = self.load.commune();
        let origin = Origin {
            uploaders,
            wide: office("wide", &scopes)?,
            commune: office("commune", &scopes[commune..=commune])?,
            scopes,
        };
        for (at, share) in shares.into_iter().enumerate() {
            let dir = self.path(&format!("origin-node-{at}"));
            let mut replica = origin.uploaders[at].replica(&dir)?;
            for scope in share {
                let members = self.load.scopes[scope].2.clone();
                import(&mut replica, &self.load.members[members], origin.scopes[scope])?;
            }
            drop(replica);
            checkpoint_replica(&dir)?;
        }
        drop(store);
        checkpoint_registry(&dir)?;
        Ok(origin)
    }

    /// The registry with the province in it (`loaded-server`): the uploaders have sent everything.
    ///
    /// # Errors
    /// What the exchange says.
    pub fn loaded(&mut self) -> Result<()> {
        if self.loaded {
            return Ok(());
        }
        self.origin()?;
        let dir = self.copy("origin-server", "loaded-server")?;
        let origin = self.made()?;
        let (server, province) = self.serve(self.realm.serve(&dir))?;
        for (at, office) in origin.uploaders.iter().enumerate() {
            let node = self.copy(&format!("origin-node-{at}"), "run-node")?;
            let mut replica = Replica::open(&node, &bench_key())?;
            let address = server.address;
            alone(async { office.exchange(&mut replica, office.connect(address).await?).await })??;
            ensure_in_step(&province.store, &replica)?;
        }
        drop(province);
        self.serve(server.end())?;
        checkpoint_registry(&dir)?;
        self.loaded = true;
        Ok(())
    }

    /// A replica of the whole province that is in step (`wide-node`), beside its server (`wide-server`).
    ///
    /// # Errors
    /// What the exchange says.
    pub fn wide(&mut self) -> Result<()> {
        if !self.wide {
            self.loaded()?;
            self.settle_in("wide", &self.made()?.wide)?;
            self.wide = true;
        }
        Ok(())
    }

    /// A replica of one commune that is in step (`commune-node`), beside its server (`commune-server`).
    ///
    /// # Errors
    /// What the exchange says.
    pub fn commune(&mut self) -> Result<()> {
        if !self.commune {
            self.loaded()?;
            self.settle_in("commune", &self.made()?.commune)?;
            self.commune = true;
        }
        Ok(())
    }

    fn settle_in(&self, name: &str, office: &Office) -> Result<()> {
        let dir = self.copy("loaded-server", &format!("{name}-server"))?;
        let node = self.path(&format!("{name}-node"));
        let mut replica = office.replica(&node)?;
        let (server, province) = self.serve(self.realm.serve(&dir))?;
        let address = server.address;
        alone(async { office.exchange(&mut replica, office.connect(address).await?).await })??;
        ensure_in_step(&province.store, &replica)?;
        drop((replica, province));
        self.serve(server.end())?;
        checkpoint_registry(&dir)?;
        checkpoint_replica(&node)
    }

    /// A plain table with the whole load, in the load's order, at `path`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn plain(&self, path: &Path, knobs: Knobs, cipher: Cipher) -> Result<Plain> {
        filled(path, knobs, cipher, &self.load.members)
    }
}

/// A plain table with some members.
///
/// # Errors
/// What SQLite says.
pub fn filled(path: &Path, knobs: Knobs, cipher: Cipher, members: &[Member]) -> Result<Plain> {
    let mut table = Plain::create(path, knobs, cipher)?;
    for rows in members.chunks(LOAD_ROWS) {
        table.insert(rows)?;
    }
    table.checkpoint()?;
    Ok(table)
}

/// Runs a node's future as a node's process does: the replica on the calling thread, the link on another.
///
/// # Errors
/// Where the system has no thread.
pub fn alone<F: Future>(work: F) -> Result<F::Output> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(work))
}

/// Saves members as an import does: an act each, items of one job.
///
/// # Errors
/// What the replica says.
pub fn import(replica: &mut Replica, members: &[Member], home: ScopeId) -> Result<()> {
    let mut job = [0; 16];
    System.fill(&mut job);
    let of = u32::try_from(members.len())?;
    let draft = |(item, member): (u32, &Member)| Draft {
        job: Some(JobItem { job: JobId(job), item, of }),
        ..creation(member, home).with_intent(Intent::Import)
    };
    let drafts: Vec<Draft> = (1..).zip(members).map(draft).collect();
    for some in drafts.chunks(IMPORT_ACTS) {
        let saved = replica.save(some, System.now_ms(), &mut |bytes| System.fill(bytes))?;
        ensure!(saved.len() == some.len(), "not all was saved");
    }
    Ok(())
}

/// A member's creation by a person.
#[must_use]
pub fn creation(member: &Member, home: ScopeId) -> Draft {
    Draft::change(PERSON, create(member.id, kind::MEMBER, home, member.fields.iter().cloned()))
}
