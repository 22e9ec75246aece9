//! Merging one batch of one author: duplicates, forks and gaps; then act by act, judged whole and
//! applied on the desk; then rows, scopes, journal and feed in one go.
//!
//! The order of the file is the order of the work. What an act does is in `judge` and `apply`.

use dongbo_proto::act::{Act, Op};
use dongbo_proto::fate::{Fate, Reason};
use dongbo_proto::frame::{AckRun, Stop};
use dongbo_proto::id::{ActId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::{Origin, Rank};
use dongbo_proto::stamp::{self, UnixMs, Window};

use super::apply;
use super::desk::Desk;
use super::error::{Error, Result};
use super::fork;
use super::journal;
use super::judge::{self, Party};
use super::outcome::{self, Acted, At, Runs};
use super::prepare::Prepared;
use crate::store::WriteTx;
use crate::store::rows::{FrameRow, HeldRow, HeldState};

/// The circumstances in which a batch arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Between which server times its acts were made.
    pub window: Window,
    /// Server time.
    pub now_ms: UnixMs,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The fates of its acts, those that were known before included; empty for a gap.
    pub runs: Vec<AckRun>,
    /// The position up to which the journal holds this author now.
    pub position: u64,
    /// The chain hash there.
    pub head: Hash,
    /// The scopes that went on: whom to wake.
    pub news: Vec<ScopeId>,
}

/// Merges a batch of a node.
///
/// A batch that begins behind the next position is ignored: the session restarts from Welcome.
/// Acts that are known by position and hash are acknowledged again from what was stored.
///
/// # Errors
/// [`Stop::Forked`] where a known position has another hash, [`Stop::UnknownNode`], or the store's.
pub fn merge(tx: &mut dyn WriteTx, prepared: &Prepared, ctx: &Arrival) -> Result<Received> {
    let author = tx.author(prepared.batch.author)?.ok_or(Error::Stop(Stop::UnknownNode))?;
    let scopes = tx.grants(author.id)?;
    let party = Party {
        province: false,
        scopes: &scopes,
        deliver_only: author.revoked_ms.is_some(),
        shown_ms: author.confirmed_ms,
    };
    merge_as(tx, prepared, ctx, party)
}

/// The same, for whoever the acts are judged as.
pub(super) fn merge_as(
    tx: &mut dyn WriteTx,
    prepared: &Prepared,
    ctx: &Arrival,
    party: Party<'_>,
) -> Result<Received> {
    let mut desk = Desk::new(tx, ctx.now_ms);
    let author = desk.author(prepared.batch.author)?.clone();
    let known = match known_acts(&mut desk, prepared, author.position, author.head)? {
        Some(known) => known,
        None => return Ok(unchanged(Vec::new(), author.position, author.head)),
    };
    let again = acks_again(&mut desk, prepared, known, party.scopes)?;
    if known == prepared.acts.len() {
        return Ok(unchanged(again, author.position, author.head));
    }
    let runs = merge_acts(&mut desk, prepared, known, ctx.window, party)?;
    desk.author(author.id)?.head = prepared.batch.after;
    put_back(desk, prepared, known, runs, again, party)
}

fn unchanged(runs: Vec<AckRun>, position: u64, head: Hash) -> Received {
    Received { runs, position, head, news: Vec::new() }
}

/// How many of a batch's acts the journal holds already; `None` if it begins behind a gap.
///
/// Equal chain hashes at a position mean equal acts up to it.
fn known_acts(
    desk: &mut Desk<'_, '_>,
    prepared: &Prepared,
    position: u64,
    head: Hash,
) -> Result<Option<usize>> {
    let batch = &prepared.batch;
    if batch.first > position + 1 {
        return Ok(None);
    }
    let overlap = (position + 1 - batch.first).min(u64::from(batch.count)) as usize;
    let at = batch.first - 1 + overlap as u64;
    let held = if at == position {
        Some(head)
    } else {
        journal::chain_at(desk.tx.reading(), batch.author, at)?
    };
    let same = held == Some(prepared.chain_after(overlap));
    if same { Ok(Some(overlap)) } else { Err(Error::Stop(Stop::Forked)) }
}

/// The stored fates of acts that came again.
fn acks_again(
    desk: &mut Desk<'_, '_>,
    prepared: &Prepared,
    known: usize,
    scopes: &[ScopeId],
) -> Result<Vec<AckRun>> {
    let (after, mut runs) = (prepared.batch.first - 1, Vec::new());
    let until = after + known as u64;
    let mut at = after;
    while at < until {
        let frames = fork::frames_after(desk.tx.reading(), prepared.batch.author, at, 1)?;
        let (row, to) = frames.first().ok_or(Error::Damaged("an author's frames"))?;
        let stored = outcome::unpack(row.first, &row.outcome)?;
        runs.extend(outcome::clip(stored, after, until.min(*to), |s| scopes.contains(&s)));
        at = (row.first + u64::from(row.count) - 1).min(*to);
    }
    Ok(runs)
}

fn merge_acts<'a>(
    desk: &mut Desk<'_, 'a>,
    prepared: &'a Prepared,
    known: usize,
    window: Window,
    party: Party<'_>,
) -> Result<Vec<AckRun>> {
    let (author, acts) = (prepared.batch.author, &prepared.acts[known..]);
    let retracts = |op: &Op| matches!(op, Op::Retract(_) | Op::Decide(..));
    desk.log = acts.iter().flat_map(|a| &a.ops).any(retracts).then(Vec::new);
    desk.lay_out(acts.iter().flat_map(|a| &a.ops))?;
    let mut runs = Runs::default();
    for (at, act) in acts.iter().enumerate() {
        let previous = desk.author(author)?.last_order;
        let stamp = stamp::order(act.claimed, window, previous);
        let acted = merge_act(desk, prepared, known + at, stamp, party)?;
        let row = desk.author(author)?;
        (row.position, row.last_order) = (act.position, stamp);
        match acted.fate {
            Fate::Merged { .. } => row.merged += 1,
            Fate::Held(_) => row.held += 1,
            Fate::Refused(_) => row.refused += 1,
        }
        runs.push(act.position, acted, stamp == act.claimed);
    }
    Ok(runs.finish())
}

fn merge_act<'a>(
    desk: &mut Desk<'_, 'a>,
    prepared: &'a Prepared,
    at: usize,
    stamp: stamp::Stamp,
    party: Party<'_>,
) -> Result<Acted> {
    let act = &prepared.acts[at];
    let id = act.id(prepared.batch.author);
    match judge::judge(desk, id, act, prepared.checked[at], party)? {
        Ok(rank) => {
            let as_foreseen = rank == Rank::Home && stamp == act.claimed;
            let fresh = |op| prepared.creation(at, op, as_foreseen);
            let plain = apply::apply(desk, Origin { act: id, stamp, rank }, act, &fresh)?;
            let at = desk.advance(prepared.hashes[at])?;
            // What merged where its author cannot see it is not for the author to apply.
            let as_written = plain && at.iter().all(|at| party.scopes.contains(&at.0));
            Ok(Acted { fate: Fate::Merged { as_written }, rank, at, stamp })
        }
        Err(reason) if party.province => Err(Error::NotTaken(reason)),
        Err(reason) => {
            hold(desk, id, act, reason)?;
            Ok(Acted { fate: Fate::Held(reason), rank: Rank::default(), at: At::new(), stamp })
        }
    }
}

/// Journals that an act waits, whole, and on which records.
fn hold(desk: &mut Desk<'_, '_>, act_id: ActId, act: &Act, reason: Reason) -> Result<()> {
    desk.held_here.insert(act_id);
    let mut records: Vec<(RecordId, KindId, bool)> = Vec::new();
    for op in &act.ops {
        match op {
            Op::Write(w) => records.push((w.record, w.kind, w.create.is_some())),
            Op::Place { record, kind, .. } => records.push((*record, *kind, false)),
            _ => {}
        }
    }
    Ok(desk.tx.put_held(&HeldRow {
        act: act_id,
        reason,
        state: HeldState::Waiting,
        decided_by: None,
        rank: Rank::default(),
        text: String::new(),
        at_ms: desk.now_ms,
        decided_ms: None,
        records,
    })?)
}

fn put_back(
    mut desk: Desk<'_, '_>,
    prepared: &Prepared,
    known: usize,
    runs: Vec<AckRun>,
    again: Vec<AckRun>,
    party: Party<'_>,
) -> Result<Received> {
    let author = prepared.batch.author;
    let now_ms = desk.now_ms;
    let row = desk.author(author)?;
    row.contact_ms = now_ms;
    let (position, head) = (row.position, row.head);
    desk.put_back()?;
    let frame = FrameRow {
        id: 0,
        author,
        first: prepared.batch.first + known as u64,
        count: (prepared.acts.len() - known) as u32,
        bytes: prepared.bytes.clone(),
        outcome: outcome::pack(&runs),
    };
    let id = desk.tx.append_frame(&frame)?;
    let lines = desk.feed(id);
    desk.tx.append_feed(&lines)?;
    let mut all = again;
    all.extend(outcome::clip(runs, 0, u64::MAX - 1, |s| party.scopes.contains(&s)));
    Ok(Received { runs: all, position, head, news: desk.news() })
}
