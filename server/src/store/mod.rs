//! Storage as a trait of transactions, chosen at run time.
//!
//! [`Store`] says what the registry may rely on, whatever keeps the rows; [`sqlite`] keeps them in
//! one encrypted file; the suite that every backend passes is in `server/tests/store`; [`writer`] shares
//! commits between many nodes. Methods are coarse and speak of the registry's nouns ([`rows`]), so
//! that a backend on the far side of a network can answer each in one statement.
//!
//! Deliberately absent: what rows mean. Merge, pages and enrolment are `registry`'s.

mod error;
pub mod rows;
pub mod sqlite;
mod tx;
pub mod writer;

pub use error::{Result, StoreError};
pub use tx::{ReadTx, WriteTx};
pub use writer::{Executor, StoreHandle};

/// A job says that it wants its own changes undone; why is its own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback;

/// What runs in a read transaction.
pub type ReadJob<'a> = dyn FnMut(&dyn ReadTx) + 'a;
/// What runs in a write transaction, perhaps beside others; it may be run again from the start.
pub type WriteJob<'a> = dyn FnMut(&mut dyn WriteTx) -> std::result::Result<(), Rollback> + 'a;

/// A finding of the backend's own check: a table or page number, never a value.
pub type Damage = String;

/// A store of transactions. **The isolation contract:**
///
/// 1. *A page and its mark come from one snapshot.* Everything that one read job sees is one
///    committed state: no commit of another becomes visible between two of its reads.
/// 2. *Scope rows are locked in id order, over a whole group commit.* A write job that changes
///    scopes asks for them with [`WriteTx::scopes_for_update`], which locks them by ascending id,
///    so that two acts over {P, Q} and {Q, P} cannot wait for each other. A backend with one
///    writer at a time has nothing to do.
/// 3. *Placements are read again under the locks.* What a job read of placements before it locked
///    the scopes is advice; merge reads them inside its write transaction.
/// 4. *A job is pure and may be run again from the start* (a serialisation failure, or another job
///    of its group that was thrown out). It draws no time and no randomness, and touches nothing
///    outside of the transaction but the slot for its result.
/// 5. *Effects come after the durable commit.* Nobody is told anything that a job found out before
///    [`Store::write`] has returned; an acknowledgement is such an effect.
/// 6. *A commit is durable* when `write` returns: on the disk, and on every synchronous replica.
/// 7. *One job that fails is undone alone.* The others of its group commit.
///
/// Several processes may have the store open: no backend keeps anything between transactions that
/// a commit of another process could make untrue.
pub trait Store: Send + Sync {
    /// Runs a job on one snapshot.
    ///
    /// # Errors
    /// What the backend says of opening the snapshot; errors within are the job's to keep.
    fn read(&self, job: &mut ReadJob<'_>) -> Result<()>;

    /// Runs jobs in order in one transaction and commits it durably. The answer says of each
    /// whether it was kept.
    ///
    /// # Errors
    /// Nothing was kept of any of them.
    fn write(&self, jobs: &mut [&mut WriteJob<'_>]) -> Result<Vec<bool>>;

    /// A number that changes when *another* process has committed; equal numbers mean that none has.
    ///
    /// # Errors
    /// What the backend says.
    fn foreign_version(&self) -> Result<u64>;

    /// Looks for damage below the rows: pages, trees, MACs. Empty is sound.
    ///
    /// # Errors
    /// What the backend says; damage is a finding, not an error.
    fn check(&self) -> Result<Vec<Damage>>;

    /// Bytes that the store takes on the disk, for status and benchmarks.
    ///
    /// # Errors
    /// What the backend says.
    fn bytes(&self) -> Result<u64>;
}
