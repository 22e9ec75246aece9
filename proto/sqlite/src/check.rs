//! Whether a database that is open is sound. Safe on a live one: everything goes through
//! SQLite's own handle.
//!
//! Three looks, for they see different things. [`quick_check`]: SQLite follows its trees
//! and finds rows that contradict each other. [`damaged_pages`]: SQLCipher verifies the MAC
//! of every page and finds bytes that nobody wrote, free pages included. [`verified`]: has
//! this connection met such a page?
//!
//! The last is not a luxury. SQLCipher hands SQLite zeros in the place of a page that does
//! not verify; where the page is part of a tree SQLite reports damage, but where it is the
//! end of a long value the statement *succeeds*, with zeros in it. Each transaction that
//! reads long values therefore ends in [`verified`].
//!
//! Nothing here can see a WAL that was cut short: its tail looks as if it had never been
//! written. The sealed log beside the replica is for that.

use rusqlite::{Connection, MAIN_DB, ffi};

use crate::kind::{Kind, classify};

/// Most findings that are listed: one is enough to act on, a hundred help nobody more.
pub const FINDINGS_MAX: u32 = 20;
const SPENT: &str = "a page that was read does not verify";

/// SQLite's findings, in its words (table and row numbers, never values); none is sound.
///
/// # Errors
/// What is not damage: busy, interrupted, out of memory.
pub fn quick_check(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = findings(conn, "quick_check", Some(FINDINGS_MAX))?;
    if found.is_empty() && is_spent(conn)? {
        found.push(SPENT.to_owned());
    }
    Ok(found)
}

/// Pages of the database file whose MAC does not verify, in SQLCipher's words; none is
/// sound. No other process may be in the middle of a checkpoint: hold the directory's lock.
///
/// SQLCipher looks at the file alone. A power cut in the middle of a checkpoint leaves torn
/// pages there that are whole in the WAL, so what the WAL holds is moved to the file first;
/// the connection must be one that may write, unless there is no WAL.
///
/// # Errors
/// What is not damage: busy (another connection keeps the WAL), interrupted, out of memory.
pub fn damaged_pages(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    if !conn.is_readonly(MAIN_DB)? {
        empty_wal_into_file(conn)?;
    }
    findings(conn, "cipher_integrity_check", None)
}

fn empty_wal_into_file(conn: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None))
}

/// An error of a transaction, which may say what became of the disk under it.
pub trait Failure: From<rusqlite::Error> {
    /// What can be done about it, where it is a matter of storage.
    fn storage(&self) -> Option<Kind>;
}

impl Failure for rusqlite::Error {
    fn storage(&self) -> Option<Kind> {
        Some(classify(self))
    }
}

/// Passes a result on if this connection has never met a page that does not verify, else
/// says damage in its place: in the place of a value that may hold zeros, and of an error
/// that names a consequence (read-only, out of memory). Microseconds; call it at the end of
/// a transaction, before the commit.
///
/// A page that could not be read does not verify either, for SQLCipher looks at it all the
/// same. So an error that says that the disk failed is passed on: that is no damage.
///
/// A connection that met one stays spent: close it.
///
/// # Errors
/// That of `result`, or one that [`classify`] calls [`Kind::Damaged`].
pub fn verified<T, E: Failure>(conn: &Connection, result: Result<T, E>) -> Result<T, E> {
    let failed = result.as_ref().is_err_and(|e| e.storage() == Some(Kind::Io));
    if !failed && is_spent(conn)? { Err(damaged().into()) } else { result }
}

fn is_spent(conn: &Connection) -> rusqlite::Result<bool> {
    let status: String = conn.pragma_query_value(None, "cipher_status", |row| row.get(0))?;
    Ok(status != "1")
}

fn damaged() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(SPENT.to_owned()))
}

/// Damage that stops the check is itself a finding.
fn findings(conn: &Connection, pragma: &str, max: Option<u32>) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    let each = |row: &rusqlite::Row<'_>| -> rusqlite::Result<()> {
        found.push(row.get(0)?);
        Ok(())
    };
    let ran = match max {
        Some(max) => conn.pragma(None, pragma, max, each),
        None => conn.pragma_query(None, pragma, each),
    };
    match ran {
        Err(e) if classify(&e) == Kind::Damaged => found.push(e.to_string()),
        other => other?,
    }
    found.retain(|finding| finding != "ok");
    Ok(found)
}
