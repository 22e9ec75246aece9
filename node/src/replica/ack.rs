//! What the server said of this node's acts: acknowledgements, receipts and later outcomes.
//!
//! Nothing here touches a record: an act moves to base, or leaves the replay, at `complete`.

use dongbo_proto::fate::{Fate, Outcome, Receipt};
use dongbo_proto::frame::AckRun;
use dongbo_proto::id::{ActId, AuthorId, Epoch, Hash, ScopeId};
use dongbo_proto::record::Rank;
use dongbo_proto::sign::{self, SIGNATURE_BYTES};
use dongbo_proto::stamp::Stamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Replica;
use super::error::{ReplicaError, Result, Word};
use super::journal::{self, int, uint};
use super::setting;
use super::table::blob;
use super::work::Work;

impl Replica {
    /// Takes in what became of acts, with the receipt that backs it. Passed over where a later
    /// receipt is here: another carrier brought it, with all that it counts.
    ///
    /// # Errors
    /// [`ReplicaError::Word`] if the receipt or the runs do not follow from what was said before.
    pub fn acknowledge(&mut self, runs: &[AckRun], receipt: &Receipt) -> Result<()> {
        let key = self.signing_key;
        self.write("acknowledge", |work| {
            if check_receipt(work, receipt, &key)? == Age::Older {
                return Ok(());
            }
            let tail = journal::tail(work.db)?.position;
            let (mut again, mut known) = (delivered(work.db)?, acknowledged(work.db)?);
            let before = known;
            for run in runs {
                again = take_again(work.db, run, again, before)?;
                known = take_run(work.db, run, known, tail)?;
            }
            put_delivered(work.db, again, before)?;
            put_receipt(work.db, receipt)
        })
    }

    /// Takes in later outcomes of this node's own acts. Those that are here already are passed over.
    ///
    /// # Errors
    /// [`Word::InboxGap`] if one is missing before them.
    pub fn take_outcomes(&mut self, outcomes: &[Outcome]) -> Result<()> {
        self.write("outcomes", |work| {
            let mut last = inbox_last(work.db)?;
            for outcome in outcomes {
                if outcome.sequence <= last {
                    continue;
                }
                if outcome.sequence != last + 1 {
                    return Err(Word::InboxGap.into());
                }
                put_outcome(work.db, outcome)?;
                last = outcome.sequence;
            }
            Ok(())
        })
    }
}

/// The position up to which the server has said what became of the acts.
pub(super) fn acknowledged(db: &Connection) -> Result<u64> {
    let sql = "SELECT last FROM ack ORDER BY first DESC LIMIT 1";
    let last = db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    last.map_or_else(|| Ok(journal::foot(db)?.position), |last| Ok(uint(last)))
}

/// The position up to which the server in force holds this journal. Less than what was acknowledged
/// after it came back from a backup: the acts between are sent again. They stay settled, for every
/// scope is filled again, and the states that fill it come behind their merge.
pub(super) fn delivered(db: &Connection) -> Result<u64> {
    let held = setting::fixed(db, setting::DELIVERED)?.map(u64::from_be_bytes);
    let known = acknowledged(db)?;
    Ok(held.map_or(known, |held| held.min(known)))
}

/// Notes how far the server in force holds what was acknowledged.
pub(super) fn put_delivered(db: &Connection, held: u64, acknowledged: u64) -> Result<()> {
    match held < acknowledged {
        true => setting::put(db, setting::DELIVERED, &held.to_be_bytes()),
        false => setting::remove(db, setting::DELIVERED),
    }
}

/// Forgets what became of the acts behind a position. Answers whether any of them was settled.
pub(super) fn forget_after(db: &Connection, position: u64) -> Result<bool> {
    let mut any = false;
    for (row, settled) in overlapping(db, position + 1, i64::MAX as u64)? {
        any |= settled;
        db.prepare_cached("DELETE FROM ack WHERE first = ?")?.execute([int(row.first)])?;
        if row.first <= position {
            let count = position + 1 - row.first;
            row.take(count).put(db, settled)?;
        }
    }
    let held = delivered(db)?;
    put_delivered(db, held, acknowledged(db)?)?;
    Ok(any)
}

/// The last outcome that is here; 0 before the first.
pub(super) fn inbox_last(db: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(max(sequence), 0) FROM inbox";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0)).map(uint)?)
}

/// How a receipt stands to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Newest,
    Older,
}

fn check_receipt(work: &Work<'_>, receipt: &Receipt, key: &[u8; 32]) -> Result<Age> {
    let signature: &[u8; SIGNATURE_BYTES] =
        receipt.signature.as_slice().try_into().map_err(|_| Word::ReceiptSignature)?;
    if !sign::verify(key, &receipt.signed_bytes(), signature) {
        return Err(Word::ReceiptSignature.into());
    }
    let epoch = Epoch(setting::must(work.db, setting::EPOCH)?);
    if receipt.author != work.line.author() || receipt.epoch != epoch {
        return Err(Word::ReceiptForOther.into());
    }
    if journal::chain_at(work.db, receipt.position)? != Some(receipt.chain) {
        return Err(Word::ReceiptMismatch.into());
    }
    let parts = [receipt.merged, receipt.held, receipt.refused];
    let sum = parts.into_iter().try_fold(0_u64, u64::checked_add);
    if sum != Some(receipt.position) {
        return Err(Word::ReceiptSum.into());
    }
    let last = last_receipt(work.db, epoch)?;
    let older = last.is_some_and(|last| last.position > receipt.position);
    Ok(if older { Age::Older } else { Age::Newest })
}

/// The last receipt of an epoch.
pub(super) fn last_receipt(db: &Connection, epoch: Epoch) -> Result<Option<Receipt>> {
    let first = AuthorId(u64::from_be_bytes(setting::must(db, setting::AUTHOR)?));
    let sql = "SELECT position, chain, merged, held, refused, at_ms, signature, author FROM receipt WHERE epoch = ?";
    let of_row = |row: &Row<'_>| {
        Ok(Receipt {
            epoch,
            author: row.get::<_, Option<i64>>(7)?.map_or(first, |n| AuthorId(n.cast_unsigned())),
            position: uint(row.get(0)?),
            chain: Hash(row.get(1)?),
            merged: uint(row.get(2)?),
            held: uint(row.get(3)?),
            refused: uint(row.get(4)?),
            at_ms: row.get(5)?,
            signature: row.get(6)?,
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([epoch.0], of_row).optional()?)
}

pub(super) fn put_receipt(db: &Connection, r: &Receipt) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO receipt (epoch, position, chain, merged, held, refused, at_ms, signature, author) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        r.epoch.0,
        int(r.position),
        r.chain.0,
        int(r.merged),
        int(r.held),
        int(r.refused),
        r.at_ms,
        r.signature,
        r.author.0.cast_signed(),
    ])?;
    Ok(())
}

/// Takes in one run behind the known ones; what was said before is not said anew.
fn take_run(db: &Connection, run: &AckRun, known: u64, tail: u64) -> Result<u64> {
    if run.count == 0 || run.last() <= known {
        return Ok(known);
    }
    if run.first > known + 1 || run.last() > tail {
        return Err(Word::AckGap.into());
    }
    let run = Unsettled::of(run).after(known);
    run.put(db, false)?;
    Ok(run.last())
}

/// Takes in what became of acts that were acknowledged before and had to be sent again: their new
/// facts, whether settled or not as before. Answers how far such acts are delivered.
fn take_again(db: &Connection, run: &AckRun, delivered: u64, known: u64) -> Result<u64> {
    let last = run.last().min(known);
    if run.count == 0 || last <= delivered {
        return Ok(delivered);
    }
    if run.first > delivered + 1 {
        return Err(Word::AckGap.into());
    }
    let part = Unsettled::of(run).after(delivered);
    let part = part.clone().take(last + 1 - part.first);
    for (row, settled) in overlapping(db, part.first, part.last())? {
        db.prepare_cached("DELETE FROM ack WHERE first = ?")?.execute([int(row.first)])?;
        let (from, to) = (row.first.max(part.first), row.last().min(part.last()));
        if row.first < from {
            row.clone().take(from - row.first).put(db, settled)?;
        }
        part.clone().after(from - 1).take(to + 1 - from).put(db, settled)?;
        if row.last() > to {
            row.after(to).put(db, settled)?;
        }
    }
    Ok(last)
}

fn overlapping(db: &Connection, first: u64, last: u64) -> Result<Vec<(Unsettled, bool)>> {
    let sql =
        format!("SELECT {COLUMNS}, settled FROM ack WHERE first <= ? AND last >= ? ORDER BY first");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![int(last), int(first)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((of_row(row)?, row.get(6)?));
    }
    Ok(found)
}

/// A run of acts whose fate is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    /// Position of the first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// The fate of all.
    pub fate: Fate,
    /// The rank of all.
    pub rank: Rank,
    /// The revisions to which the first brought its scopes.
    pub at: Vec<(ScopeId, u64)>,
    /// The order stamp of each, where it is not as claimed.
    pub stamps: Option<Vec<Stamp>>,
}

impl Unsettled {
    fn of(run: &AckRun) -> Self {
        Unsettled {
            first: run.first,
            count: u64::from(run.count),
            fate: run.fate,
            rank: run.rank,
            at: run.at.clone(),
            stamps: run.stamps.clone(),
        }
    }

    /// Position of the last.
    pub fn last(&self) -> u64 {
        self.first + self.count - 1
    }

    /// The part of it behind a position.
    pub fn after(self, position: u64) -> Self {
        let skip = (position + 1).saturating_sub(self.first);
        let rest = |all: Vec<Stamp>| all.into_iter().skip(skip as usize).collect();
        Unsettled {
            first: self.first + skip,
            count: self.count - skip,
            at: self.at.into_iter().map(|(s, r)| (s, r + skip)).collect(),
            stamps: self.stamps.map(rest),
            ..self
        }
    }

    /// The first so many of it.
    pub fn take(self, count: u64) -> Self {
        let first = |mut all: Vec<Stamp>| {
            all.truncate(count as usize);
            all
        };
        Unsettled { count, stamps: self.stamps.map(first), ..self }
    }

    /// The stamp of one of its acts; `None` where it is as claimed.
    pub fn stamp(&self, position: u64) -> Option<Stamp> {
        let all = self.stamps.as_ref()?;
        all.get(position.checked_sub(self.first)? as usize).copied()
    }

    /// How many of its acts a state reaches, given the revision of each scope; a scope that is no
    /// longer held holds nothing back.
    pub fn reached(&self, revision: impl Fn(ScopeId) -> Option<u64>) -> u64 {
        let reach = |(scope, first): &(ScopeId, u64)| match revision(*scope) {
            None => self.count,
            Some(at) => (at + 1).saturating_sub(*first),
        };
        self.at.iter().map(reach).min().unwrap_or(self.count).min(self.count)
    }

    /// Writes it.
    pub fn put(&self, db: &Connection, settled: bool) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO ack (first, last, fate, rank, at, stamps, settled) VALUES (?, ?, ?, ?, ?, ?, ?)";
        db.prepare_cached(sql)?.execute(params![
            int(self.first),
            int(self.last()),
            self.fate.number(),
            self.rank as u8,
            pack_at(&self.at),
            self.stamps.as_ref().map(|s| pack_stamps(s)),
            settled,
        ])?;
        Ok(())
    }
}

const COLUMNS: &str = "first, last, fate, rank, at, stamps";

/// The runs whose acts are still replayed.
pub(super) fn unsettled(db: &Connection) -> Result<Vec<Unsettled>> {
    runs(db, &format!("SELECT {COLUMNS} FROM ack WHERE settled = 0 ORDER BY first"))
}

/// The run that an act is in.
pub(super) fn run_of(db: &Connection, position: u64) -> Result<Option<Unsettled>> {
    let sql =
        format!("SELECT {COLUMNS} FROM ack WHERE first <= {position} ORDER BY first DESC LIMIT 1");
    Ok(runs(db, &sql)?.into_iter().find(|run| run.last() >= position))
}

fn runs(db: &Connection, sql: &str) -> Result<Vec<Unsettled>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(of_row(row)?);
    }
    Ok(runs)
}

fn of_row(row: &Row<'_>) -> Result<Unsettled> {
    let first = uint(row.get(0)?);
    let stamps: Option<Vec<u8>> = row.get(5)?;
    Ok(Unsettled {
        first,
        count: uint(row.get(1)?) + 1 - first,
        fate: Fate::from_number(row.get(2)?).ok_or(ReplicaError::Damaged("a fate"))?,
        rank: Rank::from_number(row.get(3)?).ok_or(ReplicaError::Damaged("a rank"))?,
        at: unpack_at(blob(row, 4)?)?,
        stamps: stamps.map(|b| unpack_stamps(&b)),
    })
}

fn pack_at(at: &[(ScopeId, u64)]) -> Vec<u8> {
    let mut w = dongbo_proto::bytes::Writer::default();
    for (scope, revision) in at {
        w.number(u64::from(scope.0));
        w.number(*revision);
    }
    w.into_bytes()
}

fn unpack_at(bytes: &[u8]) -> Result<Vec<(ScopeId, u64)>> {
    let mut r = dongbo_proto::bytes::Reader::new(bytes);
    let mut at = Vec::new();
    while !r.is_empty() {
        at.push((ScopeId(r.number()? as u32), r.number()?));
    }
    Ok(at)
}

fn pack_stamps(stamps: &[Stamp]) -> Vec<u8> {
    stamps.iter().flat_map(|s| s.0.to_be_bytes()).collect()
}

fn unpack_stamps(bytes: &[u8]) -> Vec<Stamp> {
    let stamp = |c: &[u8]| Stamp(c.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    bytes.chunks_exact(8).map(stamp).collect()
}

fn put_outcome(db: &Connection, outcome: &Outcome) -> Result<()> {
    let sql = "INSERT INTO inbox (sequence, author, position, fate, text, at_ms) VALUES (?, ?, ?, ?, ?, ?)";
    db.prepare_cached(sql)?.execute(params![
        int(outcome.sequence),
        outcome.act.author.0.cast_signed(),
        int(outcome.act.position),
        outcome.fate.number(),
        outcome.text,
        outcome.at_ms,
    ])?;
    Ok(())
}

/// Outcomes after one, oldest first.
pub(super) fn outcomes(db: &Connection, after: u64, limit: usize) -> Result<Vec<Outcome>> {
    let sql = "SELECT sequence, author, position, fate, text, at_ms FROM inbox WHERE sequence > ? ORDER BY 1 LIMIT ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![int(after), limit as i64])?;
    let mut outcomes = Vec::new();
    while let Some(row) = rows.next()? {
        let author = AuthorId(row.get::<_, i64>(1)?.cast_unsigned());
        outcomes.push(Outcome {
            sequence: uint(row.get(0)?),
            act: ActId::new(author, uint(row.get(2)?)),
            fate: Fate::from_number(row.get(3)?).ok_or(ReplicaError::Damaged("a fate"))?,
            text: row.get(4)?,
            at_ms: row.get(5)?,
        });
    }
    Ok(outcomes)
}

/// The last outcome of an act.
pub(super) fn outcome_of(db: &Connection, act: ActId) -> Result<Option<Fate>> {
    let sql =
        "SELECT fate FROM inbox WHERE position = ? AND author = ? ORDER BY sequence DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let row = params![int(act.position), act.author.0.cast_signed()];
    let fate: Option<u8> = statement.query_row(row, |row| row.get(0)).optional()?;
    fate.map(|n| Fate::from_number(n).ok_or(ReplicaError::Damaged("a fate"))).transpose()
}
