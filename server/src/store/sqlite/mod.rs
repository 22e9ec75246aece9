//! The registry in one encrypted SQLite file: the embedded default, good for a province.
//!
//! One connection writes, a few read; WAL gives each reader its snapshot. Between transactions
//! nothing is kept but prepared statements and the text of SQL, so another process (the command
//! line) may commit at any moment. The file's opening, key and knobs are `dongbo-sqlite`'s.
//!
//! Deliberately absent: the directory lock that says which process serves (its owner holds it),
//! and backups (`dongbo_sqlite::backup` on [`SqliteStore::connection`]).

mod authors;
mod bind;
mod held;
mod journal;
mod kinds;
mod places;
mod records;
mod standing;
mod tx;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dongbo_proto::catalogue::catalogue;
use dongbo_sqlite::knobs::PAGE_BYTES;
use dongbo_sqlite::rusqlite::{self, Connection};
use dongbo_sqlite::{
    Access, DatabaseKey, Failure, Kind as Fault, Knobs, MigrateError, OpenError, Schema, classify,
    quick_check, verified,
};

use super::error::{Result, StoreError};
use super::{Damage, ReadJob, Rollback, Store, WriteJob};
use tx::SqliteTx;

/// The database of the server: `dgbS`.
pub const SCHEMA: Schema = Schema {
    application_id: 0x6467_6253,
    migrations: &[
        ("001_registry", include_str!("001_registry.sql")),
        ("002_fork", include_str!("002_fork.sql")),
    ],
};
/// Idle read connections that are kept: more readers than this wait for the disk anyway.
const READERS_KEPT_MAX: usize = 4;
/// Memory for the pages of one reader, in KiB: pages of one commune, not of the province.
const READER_CACHE_KIB: u32 = 16 * 1024;

/// The store in one file.
pub struct SqliteStore {
    path: PathBuf,
    key: DatabaseKey,
    access: Access,
    /// None when the disk failed under the last one and no other could be opened yet.
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match classify(&error) {
            Fault::Full => StoreError::Full,
            Fault::Busy => StoreError::Busy,
            Fault::ReadOnly => StoreError::ReadOnly,
            Fault::Damaged => StoreError::Damaged("a page"),
            _ => StoreError::Backend(Arc::new(error)),
        }
    }
}

impl Failure for StoreError {
    fn storage(&self) -> Option<Fault> {
        match self {
            StoreError::Full => Some(Fault::Full),
            StoreError::Busy => Some(Fault::Busy),
            StoreError::ReadOnly => Some(Fault::ReadOnly),
            StoreError::Damaged(_) => Some(Fault::Damaged),
            StoreError::Backend(source) => source.downcast_ref().map(classify),
            StoreError::Closed | StoreError::Panicked => None,
        }
    }
}

/// Why the store did not open.
#[derive(Debug, thiserror::Error)]
pub enum SqliteOpenError {
    /// The file did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its schema could not be brought up.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The tables of kinds could not be brought up.
    #[error(transparent)]
    Kinds(#[from] StoreError),
}

impl SqliteStore {
    /// Opens the file, makes it if it is not there and may be, and brings its schema up.
    ///
    /// # Errors
    /// Any [`SqliteOpenError`].
    pub fn open(
        path: &Path,
        key: DatabaseKey,
        access: Access,
    ) -> std::result::Result<Self, SqliteOpenError> {
        let mut writer = dongbo_sqlite::open(path, &key, &SCHEMA, Knobs::SERVER, access)?;
        refuse_newer(&writer)?;
        if access != Access::ReadOnly {
            SCHEMA.migrate(&mut writer)?;
            kinds::bring_up(&mut writer)?;
        }
        let (path, writer) = (path.to_owned(), Mutex::new(Some(writer)));
        Ok(SqliteStore { path, key, access, writer, readers: Mutex::default() })
    }

    /// A further connection that only reads: for backups and the read-only shell.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn connection(&self) -> std::result::Result<Connection, OpenError> {
        let knobs = Knobs { page_cache_kib: READER_CACHE_KIB, ..Knobs::SERVER };
        dongbo_sqlite::open(&self.path, &self.key, &SCHEMA, knobs, Access::ReadOnly)
    }

    /// Pages of the file that do not verify; the caller holds the directory's lock.
    ///
    /// # Errors
    /// What is not damage.
    pub fn damaged_pages(&self) -> Result<Vec<Damage>> {
        self.on_writer(|conn| Ok(dongbo_sqlite::damaged_pages(conn)?))
    }

    /// The key, for backups.
    pub fn key(&self) -> &DatabaseKey {
        &self.key
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs on the writer's connection. One under which the disk failed is not built upon: a sync that
    /// failed says nothing of what is on the disk, and would not say it again; and one that met a page
    /// that it could not read takes every page for damaged.
    fn on_writer<T>(&self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut writer = self.writer.lock().map_err(|_| StoreError::Closed)?;
        if writer.is_none() {
            *writer = Some(self.open_writer().map_err(of_open)?);
        }
        let conn = writer.as_ref().ok_or(StoreError::Closed)?;
        let done = run(conn);
        if matches!(&done, Err(StoreError::Backend(_) | StoreError::Damaged(_))) {
            let fresh = self.open_writer().ok();
            *writer = fresh;
        }
        done
    }

    fn open_writer(&self) -> std::result::Result<Connection, OpenError> {
        dongbo_sqlite::open(&self.path, &self.key, &SCHEMA, Knobs::SERVER, self.access)
    }

    fn reader(&self) -> Result<Connection> {
        let idle = self.readers.lock().map_err(|_| StoreError::Closed)?.pop();
        match idle {
            Some(conn) => Ok(conn),
            None => self.connection().map_err(of_open),
        }
    }

    fn put_back(&self, conn: Connection) {
        if let Ok(mut idle) = self.readers.lock()
            && idle.len() < READERS_KEPT_MAX
        {
            idle.push(conn);
        }
    }
}

/// A registry that a later catalogue wrote is left alone: its rows hold what this build would lose.
fn refuse_newer(conn: &Connection) -> std::result::Result<(), SqliteOpenError> {
    let made = dongbo_sqlite::migrate::version(conn).map_err(StoreError::from)? > 0;
    let found = if made { kinds::written_by(conn)? } else { 0 };
    let known = catalogue().version();
    if found <= known {
        return Ok(());
    }
    dongbo_sqlite::leave_as_it_is(conn);
    Err(MigrateError::NewerVersion { found, known }.into())
}

fn of_open(error: OpenError) -> StoreError {
    match error.kind() {
        Fault::Full => StoreError::Full,
        Fault::Busy => StoreError::Busy,
        Fault::ReadOnly => StoreError::ReadOnly,
        Fault::Damaged => StoreError::Damaged("the file"),
        _ => StoreError::Backend(Arc::new(error)),
    }
}

impl Store for SqliteStore {
    fn read(&self, job: &mut ReadJob<'_>) -> Result<()> {
        let conn = self.reader()?;
        conn.execute_batch("BEGIN")?;
        job(&SqliteTx::new(&conn));
        verified(&conn, Ok::<_, StoreError>(()))?;
        // A connection that cannot end its transaction is spent: it is not put back.
        conn.execute_batch("ROLLBACK")?;
        self.put_back(conn);
        Ok(())
    }

    fn write(&self, jobs: &mut [&mut WriteJob<'_>]) -> Result<Vec<bool>> {
        self.on_writer(|conn| write(conn, jobs))
    }

    fn foreign_version(&self) -> Result<u64> {
        // On the writer's own connection only commits of others count.
        self.on_writer(|conn| {
            let version: i64 = conn.pragma_query_value(None, "data_version", |row| row.get(0))?;
            Ok(version.cast_unsigned())
        })
    }

    fn check(&self) -> Result<Vec<Damage>> {
        let conn = self.reader()?;
        let findings = quick_check(&conn)?;
        self.put_back(conn);
        Ok(findings)
    }

    fn bytes(&self) -> Result<u64> {
        let conn = self.reader()?;
        let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        self.put_back(conn);
        // SQLCipher answers `PRAGMA page_size` with text of its own; the size is a constant of ours.
        Ok(pages.cast_unsigned() * PAGE_BYTES as u64)
    }
}

/// One group: all jobs in one transaction, and one commit.
fn write(conn: &Connection, jobs: &mut [&mut WriteJob<'_>]) -> Result<Vec<bool>> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let ran = verified(conn, run_all(conn, jobs));
    let ended = match &ran {
        Ok(kept) if kept.contains(&true) => conn.execute_batch("COMMIT").map_err(StoreError::from),
        Ok(_) => conn.execute_batch("ROLLBACK").map_err(StoreError::from),
        Err(e) => Err(e.clone()),
    };
    if ended.is_err() && !conn.is_autocommit() {
        // Best effort: a transaction that cannot be rolled back fails the next BEGIN.
        drop(conn.execute_batch("ROLLBACK"));
    }
    ended.and(ran)
}

/// A job that is alone needs no savepoint: the transaction is its savepoint.
fn run_all(conn: &Connection, jobs: &mut [&mut WriteJob<'_>]) -> Result<Vec<bool>> {
    let mut tx = SqliteTx::new(conn);
    if let [job] = jobs {
        return Ok(vec![job(&mut tx).is_ok()]);
    }
    let mut kept = Vec::with_capacity(jobs.len());
    for job in jobs {
        conn.execute_batch("SAVEPOINT job")?;
        let done: std::result::Result<(), Rollback> = job(&mut tx);
        if done.is_err() {
            conn.execute_batch("ROLLBACK TO job")?;
        }
        conn.execute_batch("RELEASE job")?;
        kept.push(done.is_ok());
    }
    Ok(kept)
}
