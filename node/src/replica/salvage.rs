//! A new replica in the place of one that is damaged, put back or gone.
//!
//! What this node has not yet been told is at the province is gathered from `outbox.log`, and from the
//! journal of the damaged database where that can still be read; both are checked against their chains
//! and against the receipt that the province gave with its new invitation. The new journal begins
//! behind what the province holds, so that no position is ever used again for another act. Records
//! come from the province.
//!
//! Nothing is deleted: the old files are set aside under names of their own. Deliberately absent: who
//! may do this (the province invites this node again) and the exchange that follows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::chain;
use dongbo_proto::fate::Receipt;
use dongbo_proto::id::{AuthorId, Hash};
use dongbo_proto::sign;
use dongbo_proto::stamp::UnixMs;
use dongbo_sqlite::files::{create_private, remove_if_there, sync_dir, with_suffix};
use dongbo_sqlite::{Access, DatabaseKey, Kind, Knobs, LockFile, OpenError, open};
use rusqlite::{Connection, TransactionBehavior};

use super::error::{ReplicaError, Result, Word};
use super::line::Line;
use super::opening::{LOCK_WAIT, REPLICA_FILE, SCHEMA, again, bring_up};
use super::outbox::{LogRow, OUTBOX_FILE, Outbox};
use super::setting::{self, Identity};
use super::table::Tables;
use super::work::{Work, damaged};
use super::{Replica, ack, journal};

/// The new replica until it is whole.
const FRESH_SUFFIX: &str = ".fresh";
/// What is put behind the names of files that are set aside, before the time.
const ASIDE_SUFFIX: &str = ".damaged-";
/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// What became of a damaged replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// Unsent acts that are in the new replica.
    pub acts: u64,
    /// Where the old files are.
    pub aside: Vec<PathBuf>,
}

impl Replica {
    /// Whether a directory's replica is sound, so that there is nothing to salvage.
    ///
    /// # Errors
    /// What is no damage: in use, full, written by a newer build, of another key.
    pub fn is_sound(dir: &Path, key: &DatabaseKey) -> Result<bool> {
        match Replica::open(dir, key).and_then(|mut replica| replica.verify()) {
            Ok(found) => Ok(found.is_empty()),
            Err(ReplicaError::Open(OpenError::Missing) | ReplicaError::Rewound { .. }) => Ok(false),
            Err(error) if error.storage() == Some(Kind::Damaged) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a new replica with every unsent act that can be found, and sets the old one aside.
    /// `logged_by` is the id under which the outbox is sealed; `receipt` is the province's word, given with the invitation, on how far it holds this journal.
    ///
    /// # Errors
    /// [`ReplicaError::Word`] if the receipt is not the province's or what is here does not continue
    /// it; [`ReplicaError::Unsalvageable`] if acts are missing between. Nothing was changed then.
    pub fn salvage(
        dir: &Path,
        key: &DatabaseKey,
        (who, logged_by): (&Identity, AuthorId),
        receipt: &Receipt,
        now_ms: UnixMs,
    ) -> Result<Salvaged> {
        check_receipt(who, receipt)?;
        let mut lock = LockFile::open(dir)?;
        let _guard = lock.acquire("salvage", LOCK_WAIT)?;
        let outbox = Outbox::new(dir, key, who.author);
        let mut found = logged(&Outbox::new(dir, key, logged_by))?;
        for row in journalled(dir, key, receipt.position).unwrap_or_default() {
            found.entry(row.first).or_insert(row);
        }
        let rows = continuing(found, receipt)?;
        let acts = rows.last().map_or(0, |row| row.last - receipt.position);
        let mut aside = keep_log(dir, now_ms)?;
        let fresh = dir.join(format!("{REPLICA_FILE}{FRESH_SUFFIX}"));
        build(&fresh, key, who, receipt, &rows)?;
        outbox.replace(&rows)?;
        aside.extend(swap(dir, &fresh, now_ms)?);
        Ok(Salvaged { acts, aside })
    }
}

fn check_receipt(who: &Identity, receipt: &Receipt) -> Result<()> {
    let signature = receipt.signature.as_slice().try_into().map_err(|_| Word::ReceiptSignature)?;
    if !sign::verify(&who.signing_key, &receipt.signed_bytes(), signature) {
        return Err(Word::ReceiptSignature.into());
    }
    if receipt.author != who.author || receipt.epoch != who.epoch {
        return Err(Word::ReceiptForOther.into());
    }
    Ok(())
}

/// The rows of the log that open, by first position.
fn logged(outbox: &Outbox) -> Result<BTreeMap<u64, LogRow>> {
    let mut rows = BTreeMap::new();
    for place in outbox.contents()?.places {
        match outbox.row(place) {
            Ok(row) => drop(rows.insert(row.first, row)),
            Err(ReplicaError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// The blocks of the old journal that hold acts behind a position, as far as they can be read.
fn journalled(dir: &Path, key: &DatabaseKey, after: u64) -> Result<Vec<LogRow>> {
    let path = dir.join(REPLICA_FILE);
    let mut rows = Vec::new();
    let mut next = after + 1;
    // Each block through a connection of its own: one that met a damaged page reads no other.
    while let Some(row) = open(&path, key, &SCHEMA, Knobs::NODE, Access::ReadOnly)
        .map_err(ReplicaError::from)
        .and_then(|db| one_block(&db, next))
        .ok()
        .flatten()
    {
        next = row.last + 1;
        rows.push(row);
    }
    Ok(rows)
}

fn one_block(db: &Connection, position: u64) -> Result<Option<LogRow>> {
    let Some(block) = journal::block(db, position)? else { return Ok(None) };
    let row = LogRow {
        first: block.first,
        last: block.last,
        before: journal::chain_at(db, block.first - 1)?.ok_or(damaged("the journal"))?,
        after: block.chain,
        seeds: journal::seeds(db, block.first, block.last)?,
        acts: block.acts.pack(),
    };
    dongbo_sqlite::verified(db, Ok(Some(row)))
}

/// The rows that go on from what the province holds, without a gap.
fn continuing(mut found: BTreeMap<u64, LogRow>, receipt: &Receipt) -> Result<Vec<LogRow>> {
    let held = receipt.position;
    found.retain(|_, row| row.last > held);
    let mut rows: Vec<LogRow> = Vec::new();
    let first = found.range(..=held + 1).next_back().map(|(first, _)| *first);
    let mut next = first;
    while let Some(row) = next.and_then(|first| found.remove(&first)) {
        if rows.last().is_some_and(|before| before.after != row.before) {
            return Err(damaged("outbox.log"));
        }
        next = Some(row.last + 1);
        rows.push(row);
    }
    let end = rows.last().map_or(held, |row| row.last);
    if let Some(row) = found.values().find(|row| row.last > end) {
        return Err(ReplicaError::Unsalvageable { from: end + 1, to: row.first.max(end + 2) - 1 });
    }
    match rows.first() {
        Some(row) if chain_in(row, held)? != receipt.chain => Err(Word::ReceiptMismatch.into()),
        _ => Ok(rows),
    }
}

/// The chain at a position within a row, or just before it.
fn chain_in(row: &LogRow, position: u64) -> Result<Hash> {
    let mut hash = row.before;
    for (at, bytes) in (row.first..=position).zip(row.acts()?.iter()) {
        let act = Act::read(&mut Reader::new(bytes))?;
        let seed = journal::seed_of(&row.seeds, at).ok_or(damaged("outbox.log"))?;
        hash = chain::extend(hash, chain::act_hash(&act, &seed.1));
    }
    Ok(hash)
}

/// The new replica, whole in one transaction, under a name that nothing opens.
fn build(
    path: &Path,
    key: &DatabaseKey,
    who: &Identity,
    receipt: &Receipt,
    rows: &[LogRow],
) -> Result<()> {
    for end in BESIDE {
        remove_if_there(&with_suffix(path, end))?;
    }
    let mut db = open(path, key, &SCHEMA, Knobs::NODE, Access::Create)?;
    SCHEMA.migrate(&mut db)?;
    let tables = Tables::new();
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    bring_up(&tx, &tables)?;
    setting::put_identity(&tx, who)?;
    let foot = rows.first().map_or((receipt.position, receipt.chain), |r| (r.first - 1, r.before));
    journal::put_foot(&tx, foot.0, foot.1)?;
    let line = Line::read(&tx, who.author)?;
    let work = Work::new(&tx, &tables, &line);
    for row in rows {
        again(&work, row)?;
    }
    drop(work);
    if receipt.position > 0 {
        ack::put_receipt(&tx, receipt)?;
    }
    tx.commit()?;
    // What is renamed next must not need a WAL beside it.
    db.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
    db.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// A copy of the log as it is, which is written anew.
fn keep_log(dir: &Path, now_ms: UnixMs) -> Result<Vec<PathBuf>> {
    let log = dir.join(OUTBOX_FILE);
    if !log.try_exists()? {
        return Ok(Vec::new());
    }
    let to = with_suffix(&log, &format!("{ASIDE_SUFFIX}{now_ms}"));
    create_private(&to, &fs::read(&log)?)?;
    Ok(vec![to])
}

/// Sets the old database aside and puts the new one in its place. Killed between the two, the same is
/// done again: all that the new one held is in the log.
fn swap(dir: &Path, fresh: &Path, now_ms: UnixMs) -> Result<Vec<PathBuf>> {
    let old = dir.join(REPLICA_FILE);
    let to = with_suffix(&old, &format!("{ASIDE_SUFFIX}{now_ms}"));
    let mut aside = Vec::new();
    for end in BESIDE {
        let (from, to) = (with_suffix(&old, end), with_suffix(&to, end));
        if from.try_exists()? {
            fs::rename(&from, &to)?;
            aside.push(to);
        }
    }
    fs::rename(fresh, &old)?;
    sync_dir(dir)?;
    Ok(aside)
}
