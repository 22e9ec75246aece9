//! What the shells count while they serve: conversations by how they ended, refusals at the door,
//! limits that were hit, acts, bytes and commits. Handles: clones count into the same numbers.
//!
//! The pure session knows nothing of it; whoever performs its instructions counts what goes by.
//! Labels are names from the catalogue of states and of limits, never anybody's data. Counters begin
//! at 0 with the process. Deliberately absent: what the registry can be asked at any time (`gauges`),
//! and HTTP (`scrape`).

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of the times of commits, in seconds: from a fast disk to one that makes nodes wait.
const COMMIT_BOUNDS_S: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 4.0, 15.0];

/// How a conversation ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    end: &'static str,
}

/// Why a connection did not get through the door.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    why: &'static str,
}

/// A limit, by name.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Limit {
    limit: &'static str,
}

/// The limits that are counted when they are hit: `docs/OPERATING.md` says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitHit {
    /// Connections of one address.
    ConnectionsPerAddress,
    /// Connections of one node: the oldest was cut.
    ConnectionsPerNode,
    /// Time for a handshake.
    HandshakeTime,
    /// Time for a Hello.
    HelloTime,
    /// Time for a frame of a node that is at turn.
    FrameTime,
    /// A frame out of turn or over a limit.
    Frame,
    /// Tries to join from one address.
    JoinTries,
    /// Jobs that wait for the writer.
    WriterQueue,
}

impl LimitHit {
    const ALL: [LimitHit; 8] = [
        LimitHit::ConnectionsPerAddress,
        LimitHit::ConnectionsPerNode,
        LimitHit::HandshakeTime,
        LimitHit::HelloTime,
        LimitHit::FrameTime,
        LimitHit::Frame,
        LimitHit::JoinTries,
        LimitHit::WriterQueue,
    ];

    /// Its name, stable.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LimitHit::ConnectionsPerAddress => "connections_per_address",
            LimitHit::ConnectionsPerNode => "connections_per_node",
            LimitHit::HandshakeTime => "handshake_time",
            LimitHit::HelloTime => "hello_time",
            LimitHit::FrameTime => "frame_time",
            LimitHit::Frame => "frame",
            LimitHit::JoinTries => "join_tries",
            LimitHit::WriterQueue => "writer_queue",
        }
    }
}

/// The counters of one serving process.
#[derive(Clone, Debug)]
pub struct Metrics {
    exchanges: Family<Ended, Counter>,
    refused: Family<Refused, Counter>,
    limits: Family<Limit, Counter>,
    joins: Family<Ended, Counter>,
    acts: Counter,
    bytes_received: Counter,
    bytes_sent: Counter,
    refills: Counter,
    epochs_begun: Counter,
    commits: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Metrics {
            exchanges: Family::default(),
            refused: Family::default(),
            limits: Family::default(),
            joins: Family::default(),
            acts: Counter::default(),
            bytes_received: Counter::default(),
            bytes_sent: Counter::default(),
            refills: Counter::default(),
            epochs_begun: Counter::default(),
            commits: Histogram::new(COMMIT_BOUNDS_S),
        };
        // A limit that was never hit is a 0, not a gap: an alert needs something to compare.
        for limit in LimitHit::ALL {
            drop(metrics.limits.get_or_create(&Limit { limit: limit.name() }));
        }
        metrics
    }
}

impl Metrics {
    /// A conversation ended so.
    pub fn exchange(&self, end: &'static str) {
        self.exchanges.get_or_create(&Ended { end }).inc();
    }

    /// A connection did not get through the door.
    pub fn refused(&self, why: &'static str) {
        self.refused.get_or_create(&Refused { why }).inc();
    }

    /// A limit was hit.
    pub fn limit(&self, limit: LimitHit) {
        self.limits.get_or_create(&Limit { limit: limit.name() }).inc();
    }

    /// A machine knocked with a code, and that came of it.
    pub fn join(&self, end: &'static str) {
        self.joins.get_or_create(&Ended { end }).inc();
    }

    /// A batch of so many acts is durable, so long after it came.
    pub fn batch(&self, acts: u64, took: Duration) {
        self.acts.inc_by(acts);
        self.commits.observe(took.as_secs_f64());
    }

    /// Bytes of frames came, before TLS and HTTP/2.
    pub fn received(&self, bytes: u64) {
        self.bytes_received.inc_by(bytes);
    }

    /// Bytes of frames went, before TLS and HTTP/2.
    pub fn sent(&self, bytes: u64) {
        self.bytes_sent.inc_by(bytes);
    }

    /// A node asked for so many scopes to be filled again.
    pub fn refills(&self, scopes: u64) {
        self.refills.inc_by(scopes);
    }

    /// This process began an epoch.
    pub fn epoch_begun(&self) {
        self.epochs_begun.inc();
    }

    /// Names them all.
    pub(super) fn register(&self, to: &mut Registry) {
        to.register("exchanges", "Conversations by how they ended", self.exchanges.clone());
        to.register("refused", "Connections refused at the door, by why", self.refused.clone());
        to.register("limits_hit", "Limits that were hit, by name", self.limits.clone());
        to.register("joins", "Tries to join, by what came of them", self.joins.clone());
        to.register("acts_received", "Acts in batches made durable", self.acts.clone());
        let (received, sent) = (self.bytes_received.clone(), self.bytes_sent.clone());
        to.register_with_unit("received", "Frames that came", Unit::Bytes, received);
        to.register_with_unit("sent", "Frames that went", Unit::Bytes, sent);
        to.register("refills", "Scopes that nodes asked to be filled again", self.refills.clone());
        to.register("epochs_begun", "Epochs that this process began", self.epochs_begun.clone());
        let commits = self.commits.clone();
        to.register_with_unit(
            "commit",
            "From a batch to its durable answer",
            Unit::Seconds,
            commits,
        );
    }
}
