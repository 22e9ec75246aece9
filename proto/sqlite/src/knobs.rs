//! The settings of a connection that are a matter of measurement, and those that are not.
//!
//! Benchmarks open their limits with the same [`Knobs`] as the product, so that a ratio
//! compares layouts and not settings.
//!
//! Not here: what identifies a database (`Schema`), and who may write (`Access`).

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Size of a page, in bytes: 8 KiB measured worse, since an edit dirties whole pages.
pub const PAGE_BYTES: usize = 4096;
/// Statements kept prepared for each connection: one insert, update and select for each
/// table and index of the catalogue, with room; rusqlite's own 16 overflow.
pub const PREPARED_MAX: usize = 256;
/// A peak in the WAL is cut back to this at the next checkpoint, in bytes, so that one large
/// import does not keep its space for good.
const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// What may be tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knobs {
    /// Most memory for pages, in KiB; taken only as pages are read. Under SQLCipher a page
    /// outside it costs a decryption and a MAC, not only a read.
    pub page_cache_kib: u32,
    /// A commit that leaves this many pages in the WAL or more is followed by a checkpoint.
    pub wal_autocheckpoint_pages: u32,
    /// How long a statement waits for another process's write.
    pub busy_timeout: Duration,
    /// Statements kept prepared.
    pub prepared_max: usize,
}

impl Knobs {
    /// For a commune's replica: a few hundred records, all of which fit in the cache. Each command
    /// leaves the file whole when it closes it, so a checkpoint falls into a save only in long
    /// imports, and each page of them is written once for every 16 MB, not for every 4.
    pub const NODE: Self = Self {
        page_cache_kib: 16 * 1024,
        wal_autocheckpoint_pages: 4_000,
        busy_timeout: Duration::from_secs(5),
        prepared_max: PREPARED_MAX,
    };
    /// For the province: its registry with journal fits in the cache. A checkpoint writes
    /// each page once however often it is in the WAL, so 32 MB between two of them saves most
    /// of the writing when two thousand nodes come back at once.
    pub const SERVER: Self =
        Self { page_cache_kib: 256 * 1024, wal_autocheckpoint_pages: 8_000, ..Self::NODE };
}

/// Settings that cost nothing to read-only connections and change no file.
pub(crate) fn apply_any(conn: &Connection, knobs: Knobs) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(knobs.prepared_max);
    conn.pragma_update(None, "cache_size", -i64::from(knobs.page_cache_kib))?;
    // Sorting must never write decrypted rows to a temporary file.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // Mapped pages would be encrypted ones; SQLCipher cannot use them.
    conn.pragma_update(None, "mmap_size", 0)?;
    // A malformed cell is reported as damage instead of being followed.
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // No SQL, ours or a person's, may edit the schema table or a full-text shadow table,
    // and a misspelt column in quotes is an error, not a string.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    Ok(())
}

/// Settings of a connection that writes.
pub(crate) fn apply_writer(conn: &Connection, knobs: Knobs) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // Each commit is on the disk before it is reported: promise 1.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // The same where fsync alone does not reach the platter (macOS); elsewhere nothing.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", knobs.wal_autocheckpoint_pages)?;
    conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    // What is purged is overwritten, so that it is not on the disk even for one with the key.
    conn.pragma_update(None, "secure_delete", true)
}
