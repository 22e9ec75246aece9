//! One office of a herd: its replica, what it edits, and how it comes to the province: as `sync --watch`
//! does, until it is in step.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use dongbo_node::exchange::ExchangeError;
use dongbo_node::exchange::connect::tcp;
use dongbo_node::exchange::fault::LinkFault;
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::office::identity::NodeIdentity;
use dongbo_node::office::pause::pause;
use dongbo_node::office::sync::{Parties, Wish, exchange_once};
use dongbo_node::replica::draft::{create, edit};
use dongbo_node::replica::{Draft, Identity, Replica};
use dongbo_node::session::End;
use dongbo_node::system::System;
use dongbo_proto::frame::Stop;
use dongbo_proto::id::ScopeId;
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_sqlite::DatabaseKey;
use tokio::task::LocalSet;

use crate::bench::workload::{Workload, member_kind};

/// Acts that are saved together, as an import does.
const SAVED_AT_ONCE: usize = 1_000;

/// What an office met on its way into step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// From the common start until it was in step.
    pub took: Duration,
    /// Exchanges that it began.
    pub tries: u32,
    /// Those that the server ended as busy.
    pub busy: u32,
    /// Those that found no connection, or lost it.
    pub cut: u32,
    /// Acts that it brought.
    pub acts: u64,
}

/// An office that was admitted.
pub struct Office {
    identity: NodeIdentity,
    begins: Identity,
    /// Its scopes, as places in the load, and their ids.
    own: Vec<usize>,
    ids: Vec<ScopeId>,
}

/// An office that sets out.
pub struct Open<'a> {
    office: &'a Office,
    dir: PathBuf,
    replica: Replica,
    acts: u64,
}

impl Office {
    /// One that the province knows and that has nothing yet.
    #[must_use]
    pub fn new(
        identity: NodeIdentity,
        begins: Identity,
        own: Vec<usize>,
        ids: Vec<ScopeId>,
    ) -> Self {
        Office { identity, begins, own, ids }
    }

    /// How many scopes it holds, without the reference.
    #[must_use]
    pub fn scopes(&self) -> usize {
        self.ids.len()
    }

    /// Its replica, made if it is not there.
    ///
    /// # Errors
    /// What storage says.
    pub fn replica(&self, under: &Path, at: usize) -> Result<Replica> {
        let dir = under.join(format!("office-{at}"));
        if dir.exists() {
            return Ok(Replica::open(&dir, &key())?);
        }
        std::fs::create_dir_all(&dir)?;
        Ok(Replica::create(&dir, &key(), &self.begins)?)
    }

    /// Opens its replica, and makes so many edits of its own members.
    ///
    /// # Errors
    /// What storage says.
    pub fn opens(&self, under: &Path, load: &Workload, at: usize, acts: usize) -> Result<Open<'_>> {
        let dir = under.join(format!("office-{at}"));
        let mut open = Open { office: self, replica: self.replica(under, at)?, dir, acts: 0 };
        let members = load.scopes[self.own[0]].2.clone();
        // Offices of one scope edit other fields of other members.
        for change in load.edits(members, acts, at as u64) {
            let id = load.members[change.member].id;
            let shown = open.replica.record(id)?.context("a member is missing")?;
            let draft = Draft::change("lan", edit(&shown, [(change.field, change.value)]));
            save(&mut open.replica, &[draft])?;
            open.acts += 1;
        }
        Ok(open)
    }

    /// Enters every member of its scopes and brings them to the province.
    ///
    /// # Errors
    /// What storage or the link says.
    pub fn uploads(&self, dir: &Path, to: SocketAddr, load: &Workload) -> Result<()> {
        std::fs::create_dir_all(dir)?;
        let mut replica = Replica::create(dir, &key(), &self.begins)?;
        for (own, scope) in self.own.iter().zip(&self.ids) {
            let members = &load.members[load.scopes[*own].2.clone()];
            for some in members.chunks(SAVED_AT_ONCE) {
                let draft = |m: &crate::bench::workload::Member| {
                    let op = create(m.id, member_kind().id, *scope, m.fields.iter().cloned());
                    Draft::change("lan", op)
                };
                save(&mut replica, &some.iter().map(draft).collect::<Vec<_>>())?;
            }
        }
        let open = Open { office: self, dir: dir.to_owned(), replica, acts: 0 };
        all_come(vec![open], to, Duration::from_secs(super::RUN_S_MAX)).map(drop)
    }
}

fn save(replica: &mut Replica, drafts: &[Draft]) -> Result<()> {
    let mut entropy = |bytes: &mut [u8]| System.fill(bytes);
    replica.save(drafts, System.now_ms(), &mut entropy)?;
    Ok(())
}

/// The key of every replica of a herd.
fn key() -> DatabaseKey {
    DatabaseKey::generate(&mut |bytes: &mut [u8]| bytes.fill(0x5a))
}

/// These offices come at once, on this thread; answers when each was in step.
///
/// # Errors
/// The first that did not come into step, and why.
pub fn all_come(open: Vec<Open<'_>>, to: SocketAddr, within: Duration) -> Result<Vec<Visit>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begun = Instant::now();
    let come = futures::future::join_all(open.into_iter().map(|o| o.comes(to, begun)));
    let timed = async move { tokio::time::timeout(within, come).await };
    let all = runtime.block_on(LocalSet::new().run_until(timed));
    all.context("not everyone came into step in time")?.into_iter().collect()
}

impl Open<'_> {
    async fn comes(mut self, to: SocketAddr, begun: Instant) -> Result<Visit> {
        let mut visit = Visit { acts: self.acts, ..Visit::default() };
        let id = &self.office.identity;
        let mut identity = NodeIdentity {
            author: id.author,
            logged_by: None,
            key: NodeKey::from_pkcs8(id.key.pkcs8())?,
            certificate: id.certificate.clone(),
            ca: id.ca.clone(),
            server: to.to_string(),
            province: id.province.clone(),
        };
        loop {
            visit.tries += 1;
            let mut parties = Parties {
                dir: &self.dir,
                disk_key: &key(),
                replica: &mut self.replica,
                identity: &mut identity,
                clock: &System,
                entropy: &System,
            };
            let talked =
                exchange_once(&mut parties, tcp(to.to_string()), Wish::default(), &mut ()).await;
            let asked_s = match &talked {
                Ok(outcome) if outcome.end == End::InStep => {
                    ensure!(outcome.tally.refilled == 0, "a digest differed");
                    visit.took = begun.elapsed();
                    return Ok(visit);
                }
                Ok(outcome) if outcome.end == End::Stopped(Stop::Busy) => {
                    visit.busy += 1;
                    outcome.come_back_s
                }
                Err(ExchangeError::Cut)
                | Err(ExchangeError::Link(LinkFault::Broken | LinkFault::Unreachable)) => {
                    visit.cut += 1;
                    0
                }
                other => bail!("an exchange ended as {other:?}"),
            };
            tokio::time::sleep(pause(asked_s, visit.tries, &System)).await;
        }
    }
}
