//! The figures of a scrape: what the process counted, and what the registry says at this moment, in
//! the text format of OpenMetrics.
//!
//! Read from one snapshot at each scrape, but for the conflicts: counting them reads every record, so
//! they are counted at most every few minutes. Labels are ids of machines, never names, and nothing
//! is said of members. Deliberately absent: HTTP (`scrape`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dongbo_proto::id::AuthorId;
use dongbo_proto::states::of_reason;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Province;
use crate::registry::{self, Fleet, RegistryError};
use crate::store::ReadTx;
use crate::store::rows::HeldState;

/// How often conflicts are counted, at most: counting reads every record of the province.
const CONFLICTS_EVERY: Duration = Duration::from_secs(300);
/// Fields in conflict that are counted: above it the number says nothing more.
const CONFLICTS_MAX: usize = 10_000;
/// Held acts that are read at once, and in all; the authors' own counts say how many there are.
const HELD_PAGE: usize = 1_000;
const HELD_MAX: usize = 100_000;

/// What the registry says at one moment.
struct Look {
    fleet: Fleet,
    epochs: u64,
    held: BTreeMap<&'static str, u64>,
    backup_age_s: Option<i64>,
    went_back: bool,
    now_ms: i64,
}

/// Fields in conflict, and groups of rows with one natural key.
#[derive(Clone, Copy)]
struct Disputes {
    fields: u64,
    twins: u64,
}

/// Makes the text of scrapes.
pub struct Gauges {
    province: Arc<Province>,
    disputes: Mutex<Option<(Instant, Disputes)>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfNode {
    node: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

type PerNode = Family<OfNode, Gauge>;
/// A figure of one machine.
type OfMachine = fn(&registry::Machine) -> u64;

impl Gauges {
    /// Of a province that serves.
    #[must_use]
    pub fn new(province: Arc<Province>) -> Self {
        Gauges { province, disputes: Mutex::default() }
    }

    /// The whole text.
    ///
    /// # Errors
    /// The store's.
    pub async fn text(&self) -> Result<String, RegistryError> {
        let now_ms = self.province.clock.now_ms();
        let look = self.province.store.read(move |tx| look(tx, now_ms)).await?;
        let disputes = self.disputes().await?;
        let mut all = Registry::with_prefix("dongbo");
        self.province.metrics.register(&mut all);
        let connections: Gauge = Gauge::default();
        connections.set(self.province.table.len().try_into().unwrap_or(i64::MAX));
        all.register("connections", "Connections that are up or in their handshake", connections);
        one(&mut all, "conflicts", "Fields in conflict", disputes.fields);
        one(&mut all, "twins", "Groups of rows with one natural key", disputes.twins);
        look.register(&mut all);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &all);
        Ok(text)
    }

    /// The disputes, counted lately or now.
    async fn disputes(&self) -> Result<Disputes, RegistryError> {
        let known = *self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, disputes)) = known
            && at.elapsed() < CONFLICTS_EVERY
        {
            return Ok(disputes);
        }
        let found = self.province.store.read(|tx| registry::conflicts(tx, CONFLICTS_MAX)).await?;
        let disputes =
            Disputes { fields: found.fields.len() as u64, twins: found.twins.len() as u64 };
        let mut kept = self.disputes.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((Instant::now(), disputes));
        Ok(disputes)
    }
}

fn look(tx: &dyn ReadTx, now_ms: i64) -> Result<Look, RegistryError> {
    let backup = registry::backup_ms(tx)?;
    Ok(Look {
        fleet: registry::fleet(tx)?,
        epochs: registry::epochs(tx)?.len() as u64,
        held: held(tx)?,
        backup_age_s: backup.map(|ms| now_ms.saturating_sub(ms) / 1_000),
        went_back: registry::went_back(tx)?.is_some(),
        now_ms,
    })
}

/// Acts that wait, by why.
fn held(tx: &dyn ReadTx) -> Result<BTreeMap<&'static str, u64>, RegistryError> {
    let (mut counts, mut after, mut read) = (BTreeMap::new(), None, 0);
    while read < HELD_MAX {
        let rows = tx.held_after(HeldState::Waiting, after, HELD_PAGE)?;
        let Some(last) = rows.last() else { break };
        after = Some(last.act);
        read += rows.len();
        for row in &rows {
            *counts.entry(of_reason(row.reason).name()).or_default() += 1;
        }
    }
    Ok(counts)
}

impl Look {
    fn register(&self, to: &mut Registry) {
        one(to, "epochs", "Epochs that the registry has had", self.epochs);
        one(
            to,
            "went_back",
            "1 if the registry ever found itself put back",
            u64::from(self.went_back),
        );
        if let Some(age_s) = self.backup_age_s {
            let age: Gauge = Gauge::default();
            age.set(age_s);
            to.register_with_unit("backup_age", "Since the last backup", Unit::Seconds, age);
        }
        let held: Family<OfReason, Gauge> = Family::default();
        for (reason, count) in &self.held {
            held.get_or_create(&OfReason { reason }).set(number(*count));
        }
        to.register("held_acts", "Acts that wait for the province, by why", held);
        self.register_nodes(to);
    }

    fn register_nodes(&self, to: &mut Registry) {
        let machines = &self.fleet.machines;
        let sums: [(&str, &str, OfMachine); 4] = [
            ("acts_merged", "Acts of machines in the registry", |m| m.row.merged),
            ("acts_held", "Acts of machines that wait", |m| m.row.held),
            ("acts_refused", "Acts of machines that were refused", |m| m.row.refused),
            ("nodes_deliver_only", "Machines that may only deliver", |m| {
                u64::from(m.delivers_only())
            }),
        ];
        one(to, "nodes", "Machines that have joined", machines.len() as u64);
        for (name, help, of) in sums {
            one(to, name, help, machines.iter().map(of).sum());
        }
        let family = |of: &dyn Fn(&registry::Machine) -> Option<i64>| {
            let family = PerNode::default();
            for machine in machines {
                if let Some(value) = of(machine) {
                    family.get_or_create(&node(machine.author())).set(value);
                }
            }
            family
        };
        let silence = family(&|m| Some(m.silent_ms(self.now_ms) / 1_000));
        let help = "Since a machine was last heard";
        to.register_with_unit("node_silence", help, Unit::Seconds, silence);
        let lag = family(&|m| Some(number(m.behind())));
        to.register("node_lag_acts", "Acts that a machine said it had and that are not here", lag);
        let unsafe_acts = family(&|m| Some(number(m.not_backed_up())));
        let help = "Acts of a machine that are in no backup";
        to.register("node_acts_not_backed_up", help, unsafe_acts);
        let stopped = family(&|m| Some(i64::from(m.stopped())));
        let help =
            "1 if a machine's last conversation ended in a state that does not pass by itself";
        to.register("node_stopped", help, stopped);
        let left = family(&|m| {
            let until_s = m.word.as_ref()?.certificate_until_s;
            Some(until_s.saturating_sub(self.now_ms / 1_000))
        });
        let help = "Until the certificate ends that a machine last showed";
        to.register_with_unit("node_certificate_left", help, Unit::Seconds, left);
    }
}

fn node(author: AuthorId) -> OfNode {
    OfNode { node: author.to_string() }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn one(to: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(number(value));
    to.register(name, help, gauge);
}
