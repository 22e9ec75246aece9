//! The node's own acts, in order, chained: blocks in and out, and batches for sending.
//!
//! Nothing here decides what an act does; see `save` and `settle`.

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::frame::Batch;
use dongbo_proto::id::Hash;
use dongbo_proto::limits;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::wire::encode_acts;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::block::List;
use super::error::{ReplicaError, Result};
use super::line::Line;
use super::outbox::LogRow;
use super::setting;
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
    let sql = "SELECT last, chain, claimed FROM journal ORDER BY last DESC LIMIT 1";
    let tail = |row: &Row<'_>| {
        let claimed = Stamp(row.get::<_, i64>(2)?.cast_unsigned());
        Ok(Tail { position: uint(row.get(0)?), chain: Hash(row.get(1)?), claimed })
    };
    match db.prepare_cached(sql)?.query_row([], tail).optional()? {
        Some(tail) => Ok(tail),
        None => foot(db),
    }
}

/// Behind which position the journal begins: 0, unless it was lost with a replica.
pub(super) fn foot(db: &Connection) -> Result<Tail> {
    let Some(bytes) = setting::fixed::<40>(db, setting::FOOT)? else { return Ok(Tail::default()) };
    let mut r = Reader::new(&bytes);
    let (position, chain) = (u64::from_be_bytes(r.array()?), Hash(r.array()?));
    Ok(Tail { position, chain, claimed: Stamp::default() })
}

/// Begins the journal behind a position.
pub(super) fn put_foot(db: &Connection, position: u64, chain: Hash) -> Result<()> {
    let mut bytes = position.to_be_bytes().to_vec();
    bytes.extend_from_slice(&chain.0);
    setting::put(db, setting::FOOT, &bytes)
}

/// The chain at a position of the journal. Within a block it is hashed anew from the block's start.
pub(super) fn chain_at(db: &Connection, position: u64) -> Result<Option<Hash>> {
    if position == 0 {
        return Ok(Some(Hash::default()));
    }
    let mut statement = db.prepare_cached("SELECT chain FROM journal WHERE last = ?")?;
    let found = statement.query_row([int(position)], |row| row.get(0).map(Hash)).optional()?;
    if found.is_some() {
        return Ok(found);
    }
    if let Some(block) = block(db, position)? {
        return chain_within(db, &block, position).map(Some);
    }
    let foot = foot(db)?;
    Ok((foot.position == position).then_some(foot.chain))
}

fn chain_within(db: &Connection, block: &Block, position: u64) -> Result<Hash> {
    let seeds = seeds(db, block.first, position)?;
    let mut chain = chain_at(db, block.first - 1)?.ok_or(DAMAGED)?;
    let mut buffer = Vec::new();
    for (at, act) in (block.first..=position).zip(block.acts.iter()) {
        let seed = seed_of(&seeds, at).ok_or(DAMAGED)?;
        let act = Act::read(&mut Reader::new(act))?;
        chain = chain::extend(chain, chain::act_hash_in(&act, &seed.1, &mut buffer));
    }
    Ok(chain)
}

/// Some consecutive acts and what they replaced, as a row keeps them.
#[derive(Debug)]
pub(super) struct Block {
    /// Position of the first.
    pub first: u64,
    /// Position of the last.
    pub last: u64,
    /// The chain after the last.
    pub chain: Hash,
    /// Their canonical bytes.
    pub acts: List,
    /// What each replaced, packed (`prior`).
    pub priors: List,
}

const COLUMNS: &str = "last, first, chain, acts, priors";
const DAMAGED: ReplicaError = ReplicaError::Damaged("the journal");

impl Block {
    fn of(row: &Row<'_>) -> Result<Self> {
        let (last, first) = (uint(row.get(0)?), uint(row.get(1)?));
        let (acts, priors) = (List::unpack(blob(row, 3)?)?, List::unpack(blob(row, 4)?)?);
        let count = (last + 1).checked_sub(first);
        if first == 0 || [acts.len(), priors.len()].iter().any(|n| Some(*n as u64) != count) {
            return Err(DAMAGED);
        }
        Ok(Block { first, last, chain: Hash(row.get(2)?), acts, priors })
    }

    /// The act at a position, and what it replaced.
    pub fn row(&self, position: u64) -> Option<(&[u8], &[u8])> {
        let at = position.checked_sub(self.first)? as usize;
        Some((self.acts.get(at)?, self.priors.get(at)?))
    }
}

/// The block that holds a position.
pub(super) fn block(db: &Connection, position: u64) -> Result<Option<Block>> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE last >= ? ORDER BY last LIMIT 1");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([int(position)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let block = Block::of(row)?;
    Ok((block.first <= position).then_some(block))
}

/// Adds a block behind the last one.
pub(super) fn put(db: &Connection, row: &LogRow, claimed: Stamp, priors: &List) -> Result<()> {
    let sql =
        "INSERT INTO journal (last, first, claimed, chain, acts, priors) VALUES (?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        int(row.last),
        int(row.first),
        claimed.0.cast_signed(),
        row.after.0,
        row.acts,
        priors.pack(),
    ])?;
    Ok(())
}

/// Writes the values that acts of one block replaced anew.
pub(super) fn set_priors(db: &Connection, block: &Block, anew: &[(u64, Vec<u8>)]) -> Result<()> {
    let mut priors = List::default();
    for (position, kept) in (block.first..).zip(block.priors.iter()) {
        let at = anew.binary_search_by_key(&position, |(position, _)| *position);
        priors.push(at.map_or(kept, |at| &anew[at].1));
    }
    let sql = "UPDATE journal SET priors = ? WHERE last = ?";
    db.prepare_cached(sql)?.execute(params![priors.pack(), int(block.last)])?;
    Ok(())
}

/// Calls `each` with every block that holds a position of a range, in order, until it answers
/// `false`.
pub(super) fn blocks(
    db: &Connection,
    first: u64,
    last: u64,
    mut each: impl FnMut(Block) -> Result<bool>,
) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE last >= ? ORDER BY last");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([int(first)])?;
    while let Some(row) = rows.next()? {
        if uint(row.get(1)?) > last || !each(Block::of(row)?)? {
            break;
        }
    }
    Ok(())
}

/// Calls `each` with position and act bytes of every act in a range, in order, until it answers
/// `false`.
pub(super) fn scan(
    db: &Connection,
    first: u64,
    last: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<bool>,
) -> Result<()> {
    blocks(db, first, last, |block| {
        for (position, act) in (block.first..=last).zip(block.acts.iter()) {
            if position >= first && !each(position, act)? {
                return Ok(false);
            }
        }
        Ok(true)
    })
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

/// The seed in force at a position, of some in order.
pub(super) fn seed_of(seeds: &[(u64, Seed)], position: u64) -> Option<&(u64, Seed)> {
    seeds.iter().rev().find(|(from, _)| *from <= position)
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
    line: &Line,
    position: u64,
    acts_max: usize,
    bytes_max: usize,
) -> Result<Option<Batch>> {
    // A batch is of one author.
    let here = line.forks().iter().map(|fork| fork.at).find(|at| *at > position);
    let room = here.map_or(usize::MAX, |at| usize::try_from(at - position).unwrap_or(usize::MAX));
    let acts_max = acts_max.min(limits::BATCH_ACTS_MAX).min(room);
    let acts = read_acts(db, position, acts_max, bytes_max)?;
    if acts.is_empty() {
        return Ok(None);
    }
    let (body, raw_len) = encode_acts(&acts);
    let (first, last) = (position + 1, position + acts.len() as u64);
    Ok(Some(Batch {
        author: line.at(first),
        first,
        count: acts.len() as u32,
        before: chain_at(db, position)?.ok_or(DAMAGED)?,
        after: chain_at(db, last)?.ok_or(DAMAGED)?,
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
) -> Result<Vec<Act>> {
    let bytes_max = bytes_max.min(limits::BATCH_BYTES_MAX);
    let (mut acts, mut bytes) = (Vec::new(), 0);
    let last = position.saturating_add(acts_max.max(1) as u64);
    scan(db, position + 1, last, |at, row| {
        bytes += row.len();
        if !acts.is_empty() && bytes > bytes_max {
            return Ok(false);
        }
        if at != position + 1 + acts.len() as u64 {
            return Err(DAMAGED);
        }
        acts.push(Act::read(&mut Reader::new(row))?);
        Ok(true)
    })?;
    Ok(acts)
}
