//! Copies of a whole database: taken while it is in use, verified before they are named,
//! and refused on the way back if they are partial or somebody else's.
//!
//! A copy is one snapshot: the source is read in one transaction however long it takes and
//! however much is written meanwhile. It is one encrypted file under the same key, without
//! a WAL, so that it can be carried on a stick; without the key file it is of no use.
//!
//! Not here: what a restore means (a new epoch on the server, `rewound` on a node), the
//! standing list that lies beside a backup, and when to take one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::check::{quick_check, verified};
use crate::files::{new_private, partial_name, remove_if_there, sync_parent, with_suffix};
use crate::key::DatabaseKey;
use crate::kind::{Kind, classify, classify_io};
use crate::knobs::{Knobs, PAGE_BYTES};
use crate::migrate::Schema;
use crate::open::{Access, OpenError, connect, open};

/// Pages copied between two reports of progress: 4 MB, some tens of milliseconds.
const PAGES_A_STEP: i32 = 1_024;
/// Pause when the source is locked against readers, which WAL allows only for moments.
const LOCKED_PAUSE: Duration = Duration::from_millis(10);
/// Such pauses before giving up: five seconds, as long as any statement waits.
const LOCKED_PAUSES_MAX: u32 = 500;
/// Files that SQLite keeps beside a database. One that is left over from another database
/// would be replayed into the restored one.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// How far a copy is, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pages copied.
    pub done: u64,
    /// Pages in the snapshot.
    pub total: u64,
}

/// A copy that is on the disk, verified, under its final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its length.
    pub bytes: u64,
    /// Its schema version.
    pub version: u32,
}

/// What to do if a backup of this name is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse; it is untouched.
    Refuse,
    /// Put the new one in its place once that is verified.
    Replace,
}

/// Why there is no copy. Nothing is left under the final name, and what was there still is.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target, or a side file of a database of that name, is already there.
    #[error("the target is already there")]
    Exists,
    /// The file to restore from, or the copy just made, does not open.
    #[error("the copy does not open")]
    Open(#[from] OpenError),
    /// It opens, and contradicts itself.
    #[error("the copy is not sound")]
    Unsound {
        /// SQLite's findings: tables and rows, never values.
        findings: Vec<String>,
    },
    /// SQLite refused.
    #[error("copying failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The system refused.
    #[error("the copy cannot be written")]
    Io(#[from] io::Error),
}

impl BackupError {
    /// What can be done about it, in the terms of [`classify`].
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Exists => Kind::Other,
            Self::Open(e) => e.kind(),
            Self::Unsound { .. } => Kind::Damaged,
            Self::Sqlite(e) => classify(e),
            Self::Io(e) => classify_io(e),
        }
    }
}

/// Copies a live database into one file. `source` must not be in a transaction; others may
/// write meanwhile.
///
/// # Errors
/// Any [`BackupError`].
pub fn backup(
    source: &Connection,
    key: &DatabaseKey,
    schema: &Schema,
    target: &Path,
    existing: Existing,
    progress: &mut dyn FnMut(Progress),
) -> Result<Written, BackupError> {
    if existing == Existing::Refuse && target.try_exists()? {
        return Err(BackupError::Exists);
    }
    let partial = Partial::begin(target)?;
    copy(source, key, &partial.0, progress)?;
    let written = verify(&partial.0, key, schema)?;
    partial.publish(target)?;
    Ok(written)
}

/// Puts a backup in the place of a database that is not there. The caller moves the old one
/// aside first, with its side files; nothing is ever overwritten.
///
/// # Errors
/// Any [`BackupError`]: a partial, damaged or foreign file and one from a newer build are
/// refused before anything is written.
pub fn restore(
    backup_file: &Path,
    key: &DatabaseKey,
    schema: &Schema,
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Written, BackupError> {
    refuse_occupied(target)?;
    verify(backup_file, key, schema)?;
    let source = open(backup_file, key, schema, Knobs::NODE, Access::ReadOnly)?;
    let partial = Partial::begin(target)?;
    copy(&source, key, &partial.0, progress)?;
    let written = verify(&partial.0, key, schema)?;
    partial.publish(target)?;
    Ok(written)
}

/// Opens a backup and reads all of it: every page is verified, every tree is followed.
///
/// # Errors
/// [`BackupError::Open`], [`BackupError::Unsound`], or what SQLite says.
pub fn verify(file: &Path, key: &DatabaseKey, schema: &Schema) -> Result<Written, BackupError> {
    let conn = open(file, key, schema, Knobs::NODE, Access::ReadOnly)?;
    let findings = quick_check(&conn)?;
    if !findings.is_empty() {
        return Err(BackupError::Unsound { findings });
    }
    let pages: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(Written {
        bytes: u64::from(pages) * PAGE_BYTES as u64,
        version: crate::migrate::version(&conn)?,
    })
}

fn refuse_occupied(target: &Path) -> Result<(), BackupError> {
    let beside = SIDE_FILES.iter().map(|suffix| with_suffix(target, suffix));
    for path in beside.chain([target.to_owned()]) {
        if path.try_exists()? {
            return Err(BackupError::Exists);
        }
    }
    Ok(())
}

/// The target is written without a journal and without syncs: until it is named, it is
/// nothing, and one sync at the end covers it all.
fn copy(
    source: &Connection,
    key: &DatabaseKey,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), BackupError> {
    let mut target = connect(to, key, Knobs::NODE, Access::ReadWrite)?;
    target.pragma_update(None, "journal_mode", "OFF")?;
    target.pragma_update(None, "synchronous", "OFF")?;
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    // A page that does not verify is copied as zeros, under a MAC that does.
    verified(source, steps(&snapshot, &mut target, progress))?;
    leave_wal(&target)?;
    target.close().map_err(|(_, e)| e)?;
    Ok(())
}

/// The copied header says WAL; a file that travels alone must not. SQLite may answer a disk that
/// fails by staying as it was, without a word; writing the header again says why.
fn leave_wal(target: &Connection) -> rusqlite::Result<()> {
    let leave = || -> rusqlite::Result<bool> {
        let answer = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let mode = target.pragma_update_and_check(None, "journal_mode", "DELETE", answer)?;
        Ok(mode == "delete")
    };
    // Until it has read the header that was copied, the connection does not know of any WAL, and would
    // leave it as it is.
    target.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if leave()? {
        return Ok(());
    }
    target.pragma_update(None, "user_version", crate::migrate::version(target)?)?;
    if leave()? { Ok(()) } else { Err(failed(rusqlite::ffi::SQLITE_IOERR)) }
}

fn steps(
    from: &Connection,
    to: &mut Connection,
    progress: &mut dyn FnMut(Progress),
) -> rusqlite::Result<()> {
    let copying = Backup::new(from, to)?;
    let mut pauses = 0;
    loop {
        let step = copying.step(PAGES_A_STEP)?;
        progress(of(&copying));
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ if pauses == LOCKED_PAUSES_MAX => return Err(failed(rusqlite::ffi::SQLITE_BUSY)),
            _ => {
                pauses += 1;
                std::thread::sleep(LOCKED_PAUSE);
            }
        }
    }
}

fn of(copying: &Backup<'_, '_>) -> Progress {
    let progress = copying.progress();
    let total = u64::from(progress.pagecount.unsigned_abs());
    let left = u64::from(progress.remaining.unsigned_abs());
    Progress { done: total.saturating_sub(left), total }
}

fn failed(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}

/// A file that is not yet a copy. Dropped before it is published, it is removed.
struct Partial(PathBuf);

impl Partial {
    fn begin(target: &Path) -> io::Result<Self> {
        let partial = Self(partial_name(target));
        partial.remove()?;
        new_private(&partial.0)?;
        Ok(partial)
    }

    /// No connection has the file open any more, so syncing it through a handle of our own
    /// drops no lock.
    fn publish(self, target: &Path) -> io::Result<()> {
        File::options().write(true).open(&self.0)?.sync_all()?;
        fs::rename(&self.0, target)?;
        sync_parent(target)
    }

    fn remove(&self) -> io::Result<()> {
        SIDE_FILES.iter().try_for_each(|s| remove_if_there(&with_suffix(&self.0, s)))?;
        remove_if_there(&self.0)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After publishing there is nothing of this name; else a leftover has a name that
        // no reader opens and that the next copy removes.
        let _ = self.remove();
    }
}
