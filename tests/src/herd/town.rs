//! The province of a herd: made by the program that ships, its offices admitted beside it in one go, and
//! served by a process of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::office::identity::NodeIdentity;
use dongbo_node::replica::Identity;
use dongbo_node::system::System;
use dongbo_proto::id::{AuthorId, ScopeId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_server::ca::{Ca, NODE_VALIDITY_S, ServerIdentity};
use dongbo_server::registry::{self, Newcomer};
use dongbo_server::store::rows::InviteRow;
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::{Access, KeyFile};

use super::Serves;
use super::office::Office;
use crate::bench::workload::Workload;
use crate::harness::{Ran, Server};

const NAME: &str = "Tỉnh Đông";
/// How long a code is good; all are used at once.
const CODE_MS: i64 = 3_600_000;

/// The province.
pub struct Town {
    dir: PathBuf,
    store: StoreHandle,
    ca: Ca,
    signing_key: [u8; 32],
    /// In the order of the load.
    scopes: Vec<ScopeId>,
}

impl Town {
    /// Makes a province with the scopes of a load.
    ///
    /// # Errors
    /// What `init` or the store says.
    pub fn found(dir: &Path, load: &Workload) -> Result<Self> {
        let table = dir.with_extension("csv");
        fs::write(&table, units(load))?;
        let mut command = Server::at(dir).command(&["init", "--province", NAME]);
        Ran::of(command.arg("--units").arg(&table))
            .and_then(Ran::ok)
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        let key = KeyFile::open(&dir.join("key"), None)?;
        let store = SqliteStore::open(&dir.join("dongbo.db"), key, Access::ReadWrite)?;
        let store = StoreHandle::new(Arc::new(store), Executor::Inline);
        let rows = store.read_now(|tx| tx.scopes())?;
        let id = |code: &String| rows.iter().find(|row| row.code == *code).map(|row| row.id);
        let scopes: Option<Vec<_>> = load.scopes.iter().map(|(code, ..)| id(code)).collect();
        let signing_key = *ServerIdentity::load(dir)?.public_key();
        let scopes = scopes.context("a scope is missing")?;
        Ok(Town { dir: dir.to_owned(), store, ca: Ca::load(dir)?, signing_key, scopes })
    }

    /// Admits so many offices, each with one scope in turn.
    ///
    /// # Errors
    /// What the store says.
    pub fn admit(&self, nodes: usize) -> Result<Vec<Office>> {
        (0..nodes).map(|at| self.admit_one(&[at % self.scopes.len()])).collect()
    }

    /// Admits one office with all scopes.
    ///
    /// # Errors
    /// What the store says.
    pub fn admit_all(&self) -> Result<Office> {
        self.admit_one(&(0..self.scopes.len()).collect::<Vec<_>>())
    }

    fn admit_one(&self, scopes: &[usize]) -> Result<Office> {
        let (key, now_ms, author) =
            (NodeKey::generate()?, System.now_ms(), AuthorId(System.number()));
        let mut code_hash = [0; 32];
        System.fill(&mut code_hash);
        let ids: Vec<ScopeId> = scopes.iter().map(|at| self.scopes[*at]).collect();
        let row = InviteRow {
            code_hash,
            name: format!("máy {author}"),
            scopes: ids.clone(),
            again: None,
            created_ms: now_ms,
            expires_ms: now_ms + CODE_MS,
            used_by: None,
        };
        let newcomer =
            Newcomer { code_hash, author, public_key: *key.public(), token: [1; 16], now_ms };
        let joined = self.store.write_now(|tx| {
            registry::invite(tx, &row)?;
            registry::join(tx, &newcomer)
        })?;
        let (from_s, numbers) = (now_ms / 1_000, ids.iter().map(|id| id.0).collect::<Vec<_>>());
        let until_s = from_s + NODE_VALIDITY_S;
        let signed = self.ca.sign_node(&key.csr_der()?, author.0, &numbers, from_s, until_s)?;
        let ca_der = self.ca.certificate().to_vec();
        let begins = Identity {
            author,
            province: NAME.into(),
            ca_der: ca_der.clone(),
            signing_key: self.signing_key,
            epoch: joined.epoch,
            grants: joined.grants,
            token: joined.token,
            server_ms: now_ms,
        };
        let identity = NodeIdentity {
            author,
            logged_by: None,
            key,
            certificate: signed.to_vec(),
            ca: ca_der,
            server: String::new(),
            province: NAME.into(),
        };
        Ok(Office::new(identity, begins, scopes.to_vec(), ids))
    }

    /// Starts the server as a process of its own.
    ///
    /// # Errors
    /// What it says.
    pub fn serve(&self) -> Result<Serving> {
        let mut server = Server::at(&self.dir);
        server.start().map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Serving { server })
    }

    /// Where the province's files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store, beside whoever serves.
    #[must_use]
    pub fn store(&self) -> &StoreHandle {
        &self.store
    }

    /// Fails unless every office holds what the province holds, everything sent, and the province's books
    /// are right.
    ///
    /// # Errors
    /// What differs.
    pub fn all_in_step(&self, offices: &[Office], dir: &Path) -> Result<()> {
        let rows = self.store.read_now(|tx| tx.scopes())?;
        for (at, office) in offices.iter().enumerate() {
            let replica = office.replica(dir, at)?;
            let equation = replica.equation()?;
            ensure!(equation.holds() && equation.unsent == 0, "office {at}: {equation:?}");
            let marks = replica.digests()?;
            ensure!(marks.len() > office.scopes(), "office {at} holds {} scopes", marks.len());
            for mark in marks {
                let there =
                    rows.iter().find(|row| row.id == mark.scope).context("no such scope")?;
                let same = (there.revision, there.digest) == (mark.revision, mark.digest);
                ensure!(same, "office {at} differs in scope {}", mark.scope);
            }
        }
        Ok(())
    }
}

fn units(load: &Workload) -> String {
    let mut csv = "code,name,short_name,level,type,sub_type,parent,scope,founded_on,village\n\
                   T,Đảng bộ tỉnh,Tỉnh,province,,,,,,\n"
        .to_owned();
    for (code, name, _) in &load.scopes {
        let _ =
            writeln!(csv, "{code},\"{name}\",\"{name}\",grassroots_committee,commune,,T,{code},,");
    }
    csv
}

/// A server that is a process of its own.
pub struct Serving {
    server: Server,
}

impl Serving {
    /// Ends it in order and starts it again at the same address: its memory begins anew.
    ///
    /// # Errors
    /// What it says.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.server.start().map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// That it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let code = self.server.stop().map_err(|e| anyhow::anyhow!("{e}"))?;
        ensure!(code == 0, "the server ended with {code}: {}", self.server.said());
        Ok(())
    }
}

impl Serves for Serving {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn memory(&self) -> u64 {
        self.server.pid().map_or(0, peak_bytes)
    }
}

/// The most that a process has held at once, in bytes; 0 where the system does not say.
fn peak_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse().ok());
    kilobytes.map_or(0, |k: u64| k * 1_024)
}
