//! Whether a database that is open is sound. Safe on a live one: everything goes through
//! SQLite's own handle.
//!
//! Two looks, for they see different things: SQLite follows its trees and finds rows that
//! contradict each other; SQLCipher verifies the MAC of every page and finds bytes that
//! nobody wrote, free pages included.
//!
//! Neither can see a WAL that was cut short: its tail looks as if it had never been
//! written. The sealed log beside the replica is for that.

use rusqlite::Connection;

use crate::kind::{Kind, classify};

/// Most findings that are listed: one is enough to act on, a hundred help nobody more.
pub const FINDINGS_MAX: u32 = 20;

/// SQLite's findings, in its words (table and row numbers, never values); none is sound.
///
/// # Errors
/// What is not damage: busy, interrupted, out of memory.
pub fn quick_check(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    findings(conn, "quick_check", Some(FINDINGS_MAX))
}

/// Pages of the database file whose MAC does not verify, in SQLCipher's words; none is
/// sound. No other process may be in the middle of a checkpoint: hold the directory's lock.
///
/// # Errors
/// What is not damage: busy, interrupted, out of memory.
pub fn damaged_pages(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    findings(conn, "cipher_integrity_check", None)
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
