//! What the registry knows of its backups, and what a restored one takes over from the database
//! that it replaces.
//!
//! Deliberately absent: copying files (`dongbo_sqlite::backup`, called by `cli`).

use dongbo_proto::id::AuthorId;
use dongbo_proto::stamp::UnixMs;

use super::enrol::{revoke, standing_version};
use super::error::{Error, Result};
use crate::store::rows::{StandingRow, StandingWhat};
use crate::store::{ReadTx, WriteTx};

/// Lines of the standing list that are read at once.
const STANDING_LINES_MAX: usize = 1_024;
/// The note that holds the time of the last backup.
const BACKUP_NOTE: &str = "backup_ms";

/// Every author's position in a copy: what the copy has of each.
///
/// # Errors
/// The store's.
pub fn positions(tx: &dyn ReadTx) -> Result<Vec<(AuthorId, u64)>> {
    Ok(tx.authors()?.into_iter().map(|a| (a.id, a.position)).collect())
}

/// Server time of the last backup; `None` if there was none.
///
/// # Errors
/// The store's.
pub fn backup_ms(tx: &dyn ReadTx) -> Result<Option<UnixMs>> {
    let note: Option<[u8; 8]> = tx.note(BACKUP_NOTE)?.and_then(|b| b.try_into().ok());
    Ok(note.map(UnixMs::from_be_bytes))
}

/// Notes that a backup holds every author up to a position, which nodes hear at their next exchange.
/// The positions are those of the finished copy: an act that merged while it was made is not in it.
///
/// # Errors
/// The store's.
pub fn mark_backed_up(
    tx: &mut dyn WriteTx,
    held: &[(AuthorId, u64)],
    now_ms: UnixMs,
) -> Result<()> {
    for (id, position) in held {
        if let Some(mut author) = tx.author(*id)?
            && author.backed_up < *position
        {
            author.backed_up = *position;
            tx.put_author(&author)?;
        }
    }
    Ok(tx.put_note(BACKUP_NOTE, &now_ms.to_be_bytes())?)
}

/// The standing list after a line.
///
/// # Errors
/// The store's.
pub fn standing_since(tx: &dyn ReadTx, sequence: u64) -> Result<Vec<StandingRow>> {
    let (mut lines, mut last) = (Vec::new(), sequence);
    loop {
        let some = tx.standing_after(last, STANDING_LINES_MAX)?;
        let Some(line) = some.last() else { return Ok(lines) };
        last = line.sequence;
        lines.extend(some);
    }
}

/// Takes over the lines that a restored list lacks: who was revoked stays revoked, what was spent
/// stays spent. Returns how many there were; none if the lists are not one and the same.
///
/// # Errors
/// The store's.
pub fn adopt_standing(tx: &mut dyn WriteTx, list: &[StandingRow]) -> Result<usize> {
    let own = standing_since(tx.reading(), 0)?;
    let version = standing_version(tx.reading())?;
    let same = own.len() <= list.len() && own.iter().zip(list).all(|(a, b)| a == b);
    if !same {
        return Ok(0);
    }
    let newer = list.iter().filter(|line| line.sequence > version);
    let newer: Vec<&StandingRow> = newer.collect();
    for line in &newer {
        adopt(tx, line)?;
    }
    Ok(newer.len())
}

fn adopt(tx: &mut dyn WriteTx, line: &StandingRow) -> Result<()> {
    let author = || line.subject.as_slice().try_into().map(u64::from_be_bytes).map(AuthorId);
    match (line.what, author()) {
        (StandingWhat::Revoked, Ok(id)) => match revoke(tx, id, line.at_ms) {
            // It joined after the backup: nothing of it is here, and its certificate opens nothing.
            Err(Error::Unknown(_)) => Ok(tx.append_standing(line)?),
            other => other,
        },
        _ => Ok(tx.append_standing(line)?),
    }
}
