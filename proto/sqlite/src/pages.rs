//! How many pages a piece of work writes: what an edit really costs, and a number that does
//! not flap with the machine as seconds do.
//!
//! SQLite's own counter (`SQLITE_DBSTATUS_CACHE_WRITE`) has no safe wrapper in rusqlite, so
//! this counts frames in the WAL: in WAL mode each page that a commit dirtied is one frame.
//!
//! For benchmarks and tests: it empties the WAL and holds checkpoints off while it counts.

use rusqlite::Connection;

/// Runs `work` and returns what it returned with the pages that its commits wrote, each page
/// once for each commit that dirtied it. The connection must be a writer's, outside any
/// transaction, and no other may write meanwhile.
///
/// # Errors
/// What `work` returns, or what SQLite says; busy if another connection holds the WAL.
pub fn pages_written<T, E: From<rusqlite::Error>>(
    conn: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<(T, u64), E> {
    let autocheckpoint: i64 = conn.pragma_query_value(None, "wal_autocheckpoint", |r| r.get(0))?;
    empty_wal(conn)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let worked = work(conn);
    let frames = wal_frames(conn);
    conn.pragma_update(None, "wal_autocheckpoint", autocheckpoint)?;
    Ok((worked?, frames?))
}

/// Frames in the WAL now. Asks without checkpointing anything.
///
/// # Errors
/// What SQLite says.
pub fn wal_frames(conn: &Connection) -> rusqlite::Result<u64> {
    let frames: i64 = conn.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
    Ok(u64::try_from(frames).unwrap_or(0))
}

/// Moves everything into the database file and empties the WAL: where a benchmark's clock
/// starts and stops.
///
/// # Errors
/// Busy if a reader or writer holds the WAL, or what SQLite says.
pub fn empty_wal(conn: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(code, None))
}
