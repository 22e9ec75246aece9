//! The node's own acts, in order, chained: rows in and out, and batches for sending.
//!
//! Nothing here decides what an act does; see `save` and `settle`.

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::chain::Seed;
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{AuthorId, Hash};
use dongbo_proto::limits;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::wire::encode_acts;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::error::{ReplicaError, Result};
use super::table::blob;

/// A seed salts at most so many acts: a purge of one must write out the salts of the others.
pub(super) const SEED_ACTS_MAX: u64 = 1_024;

/// Where a journal ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last position; 0 before the first act.
    pub position: u64,
    /// The chain there.
    pub chain: Hash,
    /// What the last act claimed.
    pub claimed: Stamp,
}

/// SQLite's integer for a number of ours; none of them comes near the sign.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A number of ours from a column.
pub(super) fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// The end of the journal.
pub(super) fn tail(db: &Connection) -> Result<Tail> {
    let sql = "SELECT position, chain, act FROM journal ORDER BY position DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(Tail::default()) };
    let claimed = claimed_of(blob(row, 2)?)?;
    Ok(Tail { position: uint(row.get(0)?), chain: Hash(row.get(1)?), claimed })
}

/// What an act claims, from the start of its bytes.
fn claimed_of(act: &[u8]) -> Result<Stamp> {
    let r = &mut Reader::new(act);
    r.number()?;
    Ok(Stamp(r.number()?))
}

/// The chain at a position of the journal.
pub(super) fn chain_at(db: &Connection, position: u64) -> Result<Option<Hash>> {
    if position == 0 {
        return Ok(Some(Hash::default()));
    }
    let mut statement = db.prepare_cached("SELECT chain FROM journal WHERE position = ?")?;
    let found = statement.query_row([int(position)], |row| row.get(0).map(Hash)).optional()?;
    Ok(found)
}

/// The statement that adds a row.
pub(super) fn adding(db: &Connection) -> Result<CachedStatement<'_>> {
    let sql = "INSERT INTO journal (position, act, chain, prior) VALUES (?, ?, ?, ?)";
    Ok(db.prepare_cached(sql)?)
}

/// One row: the act and the packed values that it replaced.
pub(super) fn row(db: &Connection, position: u64) -> Result<Option<(Act, Vec<u8>)>> {
    let mut statement = db.prepare_cached("SELECT act, prior FROM journal WHERE position = ?")?;
    let mut rows = statement.query([int(position)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((Act::read(&mut Reader::new(blob(row, 0)?))?, blob(row, 1)?.to_vec())))
}

/// Writes the values that an act replaced anew.
pub(super) fn set_prior(db: &Connection, position: u64, prior: &[u8]) -> Result<()> {
    let sql = "UPDATE journal SET prior = ? WHERE position = ?";
    db.prepare_cached(sql)?.execute(params![prior, int(position)])?;
    Ok(())
}

/// Calls `each` with position, act bytes and chain of every row in a range, in order, until it
/// answers `false`.
pub(super) fn scan(
    db: &Connection,
    first: u64,
    last: u64,
    mut each: impl FnMut(u64, &[u8], Hash) -> Result<bool>,
) -> Result<()> {
    let sql =
        "SELECT position, act, chain FROM journal WHERE position BETWEEN ? AND ? ORDER BY position";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([int(first), int(last)])?;
    while let Some(row) = rows.next()? {
        if !each(uint(row.get(0)?), blob(row, 1)?, Hash(row.get(2)?))? {
            break;
        }
    }
    Ok(())
}

/// The seed in force at a position, with the position from which it holds.
pub(super) fn seed_at(db: &Connection, position: u64) -> Result<Option<(u64, Seed)>> {
    let sql = "SELECT from_position, seed FROM seed WHERE from_position <= ? ORDER BY from_position DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let found =
        statement.query_row([int(position)], |row| Ok((uint(row.get(0)?), Seed(row.get(1)?))));
    Ok(found.optional()?)
}

/// The seeds of a range of positions: the one in force at its start, and those that begin in it.
pub(super) fn seeds(db: &Connection, first: u64, last: u64) -> Result<Vec<(u64, Seed)>> {
    let mut seeds: Vec<_> = seed_at(db, first)?.into_iter().collect();
    let sql = "SELECT from_position, seed FROM seed WHERE from_position > ? AND from_position <= ? ORDER BY 1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([int(first), int(last)])?;
    while let Some(row) = rows.next()? {
        seeds.push((uint(row.get(0)?), Seed(row.get(1)?)));
    }
    Ok(seeds)
}

/// Keeps a seed.
pub(super) fn put_seed(db: &Connection, from: u64, seed: &Seed) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO seed (from_position, seed) VALUES (?, ?)";
    db.prepare_cached(sql)?.execute(params![int(from), seed.0])?;
    Ok(())
}

/// The acts after a position as a batch without its signature: at most so many acts and so many
/// uncompressed bytes, but always one act. `None` if there is nothing to send.
pub(super) fn batch(
    db: &Connection,
    author: AuthorId,
    position: u64,
    acts_max: usize,
    bytes_max: usize,
) -> Result<Option<Batch>> {
    let (acts, after) = read_acts(db, position, acts_max.min(limits::BATCH_ACTS_MAX), bytes_max)?;
    if acts.is_empty() {
        return Ok(None);
    }
    let (body, raw_len) = encode_acts(&acts);
    let (first, last) = (position + 1, position + acts.len() as u64);
    Ok(Some(Batch {
        author,
        first,
        count: acts.len() as u32,
        before: chain_at(db, position)?.ok_or(ReplicaError::Damaged("the journal"))?,
        after,
        seeds: seeds(db, first, last)?,
        signature: Vec::new(),
        body,
        raw_len,
    }))
}

fn read_acts(
    db: &Connection,
    position: u64,
    acts_max: usize,
    bytes_max: usize,
) -> Result<(Vec<Act>, Hash)> {
    let bytes_max = bytes_max.min(limits::BATCH_BYTES_MAX);
    let (mut acts, mut after, mut bytes) = (Vec::new(), Hash::default(), 0);
    let last = position.saturating_add(acts_max.max(1) as u64);
    scan(db, position + 1, last, |at, row, chain| {
        bytes += row.len();
        if !acts.is_empty() && bytes > bytes_max {
            return Ok(false);
        }
        if at != position + 1 + acts.len() as u64 {
            return Err(ReplicaError::Damaged("the journal"));
        }
        acts.push(Act::read(&mut Reader::new(row))?);
        after = chain;
        Ok(true)
    })?;
    Ok((acts, after))
}
