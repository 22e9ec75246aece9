//! A province in one thread: the real server, the real nodes and the people who use them, over a
//! simulated network with simulated time, where everything that can go wrong does, drawn from a seed.
//!
//! ```text
//! people ─► office ─► replica ═ session ═ TLS ═ turmoil ═ TLS ═ session ═ registry ═ store ◄─ people
//!              │         └───── files on sticks: late, again, lost ──────┘    │       of the province
//!            ledger                      nemesis                         checks, between any two steps
//! ```
//!
//! A run ends as Jepsen's do: faults end, people stop, everyone exchanges; then outboxes are empty,
//! digests equal, and every line of the ledger is found again. The same seed gives the same event
//! log, line for line, so a failure is replayed by its number.
//!
//! Deliberately absent: damage below the file system and restored backups, which have their own
//! runs; other processes (the stories have them); and anything that a test would be the only one
//! to use in the product: the server, the sessions and the stores are those that ship.

mod check;
mod clock;
mod courier;
mod desk;
mod drive;
mod finally;
mod ledger;
mod log;
mod nemesis;
mod net;
mod node;
mod office;
mod random;
mod server;
mod world;

pub use drive::{Failure, Story, run};
pub use log::Log;
pub use world::Counts;

/// What a run is made of. Everything else is drawn from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Communes.
    pub nodes: usize,
    /// Simulated seconds in which things go wrong.
    pub trouble_s: u64,
}

impl Plan {
    /// The plan of a seed: three to five communes, unless told otherwise.
    pub fn of_seed(seed: u64, nodes: Option<usize>, trouble_s: u64) -> Self {
        let nodes = nodes.unwrap_or(3 + (seed % 3) as usize);
        Plan { seed, nodes: nodes.max(2), trouble_s }
    }

    /// Scopes: fewer than nodes, so that some scope has two offices.
    fn scopes(&self) -> usize {
        (self.nodes / 2).max(1)
    }
}
