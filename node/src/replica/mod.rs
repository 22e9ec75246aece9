//! The node's replica: an encrypted SQLite database of ordinary tables, and the outbox beside it.
//!
//! It is the only room of the node with SQL. It holds the *view* (one table per kind: what the
//! office is shown), the journal of the node's own acts with what the pending ones replaced, the
//! scopes with their cursors and digests, and the inbox. *Base*, what the server last said, is the
//! view with the pending acts taken out. Everything that came from a transaction before is read
//! again in the next: several processes may hold the directory, one operation at a time.
//!
//! Deliberately absent: the conversation (`session`), the link (`exchange`), sentences for people,
//! clocks and randomness (passed in), and the rules of the merge (`dongbo_proto::merge`).

mod ack;
mod block;
mod cell;
mod complete;
mod conflict;
pub mod draft;
mod error;
mod facts;
mod find;
mod fork;
mod journal;
mod line;
mod opening;
mod outbox;
mod place;
mod prior;
mod read;
mod rejoin;
mod replay;
mod salvage;
mod save;
mod scope;
mod setting;
mod settle;
mod stage;
mod table;
mod turn;
mod verify;
mod waiting;
mod work;

use std::path::{Path, PathBuf};

use dongbo_proto::frame::Batch;
use dongbo_proto::id::{ActId, AuthorId};
use dongbo_proto::sign::PUBLIC_KEY_BYTES;
use dongbo_sqlite::{Access, DatabaseKey, Kind, Knobs, LockFile, open, verified};
use rusqlite::{Connection, TransactionBehavior};

pub use conflict::{Conflict, Duplicate};
pub use draft::{Draft, Saved};
pub use error::{ReplicaError, Result, Word};
pub use facts::{Equation, Status};
pub use opening::{Opening, REPLICA_FILE, SCHEMA};
pub use outbox::OUTBOX_FILE;
pub use read::{Filter, Job, OwnAct};
pub use salvage::Salvaged;
pub use scope::ScopeState;
pub use setting::Identity;
pub use stage::{Page, Staged, counts};
pub use turn::Turn;
pub use verify::Finding;

use line::Line;
use opening::LOCK_WAIT;
use outbox::{LogRow, Outbox};
use table::Tables;
use work::Work;

/// A node's replica, open.
#[derive(Debug)]
pub struct Replica {
    dir: PathBuf,
    key: DatabaseKey,
    conn: Connection,
    /// The disk failed under this connection and no other could be opened yet.
    spent: bool,
    lock: LockFile,
    tables: Tables,
    outbox: Outbox,
    /// The first author of the journal.
    first: AuthorId,
    /// Under whose name acts were saved when it was last written to here.
    author: AuthorId,
    signing_key: [u8; PUBLIC_KEY_BYTES],
    opened: Opening,
}

impl Replica {
    /// Under which id this node writes, as far as this process has heard.
    pub fn author(&self) -> AuthorId {
        self.author
    }

    /// Whether an act is of this node's own journal, under whatever id.
    ///
    /// # Errors
    /// What storage says.
    pub fn owns(&self, act: ActId) -> Result<bool> {
        self.read(|work| Ok(work.line.owns(act)))
    }

    /// The id of the act at a position of this node's journal.
    ///
    /// # Errors
    /// What storage says.
    pub fn id_at(&self, position: u64) -> Result<ActId> {
        self.read(|work| Ok(ActId::new(work.line.at(position), position)))
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What opening found and mended.
    pub fn opened(&self) -> Opening {
        self.opened
    }

    /// The acts after a position as a batch without its signature: at most `acts_max` acts and
    /// `bytes_max` uncompressed bytes, but always one act. `None` if there is nothing to send.
    ///
    /// # Errors
    /// What storage says.
    pub fn acts_after(
        &self,
        position: u64,
        acts_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Batch>> {
        self.read(|work| journal::batch(work.db, work.line, position, acts_max, bytes_max))
    }

    /// Makes the outbox durable: by a timer, at an exchange and at exit.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync_outbox(&self) -> Result<()> {
        Ok(self.outbox.sync()?)
    }

    /// A second connection that can only read, for those who can write SQL.
    ///
    /// # Errors
    /// What storage says.
    pub fn sql(dir: &Path, key: &DatabaseKey) -> Result<Connection> {
        Ok(open(&dir.join(REPLICA_FILE), key, &SCHEMA, Knobs::NODE, Access::ReadOnly)?)
    }

    /// One consistent look: everything in it sees the same state.
    fn read<T>(&self, look: impl FnOnce(&Work<'_>) -> Result<T>) -> Result<T> {
        if self.spent {
            return Err(failed_disk());
        }
        let tx = self.conn.unchecked_transaction()?;
        let line = Line::read(&tx, self.first)?;
        verified(&tx, look(&Work::new(&tx, &self.tables, &line)))
    }

    /// One durable change, under the lock of the directory.
    fn write<T>(
        &mut self,
        purpose: &str,
        change: impl FnOnce(&Work<'_>) -> Result<T>,
    ) -> Result<T> {
        self.write_logged(purpose, |work| Ok((change(work)?, Vec::new())))
    }

    /// One durable change with new acts, which go to the outbox once they are committed.
    ///
    /// The acts are durable then: a log that cannot be written (a full disk) does not make them
    /// unsaved. It is written up at the next opening.
    fn write_logged<T>(
        &mut self,
        purpose: &str,
        change: impl FnOnce(&Work<'_>) -> Result<(T, Vec<LogRow>)>,
    ) -> Result<T> {
        if self.spent {
            self.reopen()?;
        }
        let committed = self.commit(purpose, change);
        if let Err(error) = &committed
            && matches!(error.storage(), Some(Kind::Io | Kind::Damaged))
        {
            // A sync that failed says nothing of what is on the disk, and would not say it again: what
            // this connection believes of its files is not built upon. Nor is one that met a page that
            // does not verify: from then on it takes every page for damaged.
            self.spent = true;
            drop(self.reopen());
        }
        let (done, rows) = committed?;
        if !rows.is_empty()
            && let Err(error) = self.outbox.append(&rows)
        {
            tracing::warn!(kind = ?error.kind(), "the outbox could not be written; it is written up at the next start");
        }
        Ok(done)
    }

    fn commit<T>(
        &mut self,
        purpose: &str,
        change: impl FnOnce(&Work<'_>) -> Result<(T, Vec<LogRow>)>,
    ) -> Result<(T, Vec<LogRow>)> {
        let _guard = self.lock.acquire(purpose, LOCK_WAIT)?;
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have parted from the province since.
        let line = Line::read(&tx, self.first)?;
        let changed = verified(&tx, change(&Work::new(&tx, &self.tables, &line)))?;
        tx.commit()?;
        self.author = line.author();
        Ok(changed)
    }

    /// Puts a fresh connection in the place of one under which the disk failed.
    fn reopen(&mut self) -> Result<()> {
        let path = self.dir.join(REPLICA_FILE);
        self.conn = open(&path, &self.key, &SCHEMA, Knobs::NODE, Access::ReadWrite)?;
        self.spent = false;
        Ok(())
    }
}

fn failed_disk() -> ReplicaError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
    rusqlite::Error::SqliteFailure(code, None).into()
}
