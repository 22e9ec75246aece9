//! Journals that go on as another author's: a machine whose disk was put back, or is a copy, has parted
//! from the journal that is held here. What it had saved since is taken under an author id of its own,
//! *deliver only*, until somebody at the province invites it again: nobody can tell from here whether
//! it is the office's machine or a thief's.
//!
//! A fork shares the journal of its parent up to a position. Its own first act has the next one, so
//! nothing is counted or chained anew; a position at or before it is looked up in the parent.

use dongbo_proto::fate::{Fate, Outcome};
use dongbo_proto::frame::{Fork, Stop};
use dongbo_proto::id::{ActId, AuthorId};
use dongbo_proto::limits::{FORKS_MAX, OUTCOMES_MAX};
use dongbo_proto::stamp::UnixMs;

use super::enrol::note_standing;
use super::error::{Error, Result};
use super::journal::chain_at;
use super::outcome;
use crate::store::rows::{AuthorRow, ForkRow, FrameRow, HeldState, StandingWhat};
use crate::store::{ReadTx, WriteTx};

/// Frames that are held in memory at once.
const FRAMES_AT_ONCE: usize = 16;

/// Takes a fork down. Saying it again changes nothing.
///
/// # Errors
/// [`Stop::UnknownNode`] if the parent is not a node of this key, [`Stop::Forked`] if the journal held
/// here is another one at that position, or the key has forked too often; or the store's.
pub fn fork(tx: &mut dyn WriteTx, fork: &Fork, key: &[u8; 32], now_ms: UnixMs) -> Result<()> {
    let parent = tx.author(fork.parent)?.filter(|a| !a.province && a.public_key == *key);
    let parent = parent.ok_or(Error::Stop(Stop::UnknownNode))?;
    match tx.fork(fork.author)? {
        Some(known) if known.fork == *fork => return Ok(()),
        Some(_) => return Err(Error::Stop(Stop::Forked)),
        None => {}
    }
    let of_key = tx.authors()?.iter().filter(|a| a.public_key == *key).count();
    let is_common = chain_at(tx.reading(), fork.parent, fork.at)? == Some(fork.head);
    if tx.author(fork.author)?.is_some() || of_key > FORKS_MAX || !is_common {
        return Err(Error::Stop(Stop::Forked));
    }
    tx.put_fork(&ForkRow { fork: *fork, made_ms: now_ms })?;
    let inbox = copy_inbox(tx, fork)?;
    let name = format!("{} ({})", parent.name, fork.at);
    let [merged, held, refused] = fates(tx.reading(), fork.parent, fork.at)?;
    tx.put_author(&AuthorRow {
        position: fork.at,
        head: fork.head,
        last_order: parent.last_order,
        merged,
        held,
        refused,
        inbox,
        complete_ms: parent.complete_ms,
        confirmed_ms: parent.confirmed_ms,
        contact_ms: now_ms,
        revoked_ms: Some(now_ms),
        backed_up: parent.backed_up.min(fork.at),
        ..AuthorRow::new(fork.author, *key, false, &name, now_ms)
    })?;
    let scopes = tx.grants(fork.parent)?;
    tx.put_grants(fork.author, &scopes)?;
    for what in [StandingWhat::Joined, StandingWhat::Revoked] {
        note_standing(tx, what, &fork.author.0.to_be_bytes(), now_ms)?;
    }
    Ok(())
}

/// What became later of the acts that both have, said to the new author too.
fn copy_inbox(tx: &mut dyn WriteTx, fork: &Fork) -> Result<u64> {
    let (mut after, mut last) = (0, 0);
    loop {
        let lines = tx.outcomes_after(fork.parent, after, OUTCOMES_MAX)?;
        let Some(end) = lines.last() else { return Ok(last) };
        after = end.sequence;
        for line in lines.into_iter().filter(|line| line.act.position <= fork.at) {
            last += 1;
            tx.append_outcome(fork.author, &Outcome { sequence: last, ..line })?;
        }
    }
}

/// What an author's acts up to a position count as now: merged, held, refused.
pub(super) fn fates(tx: &dyn ReadTx, author: AuthorId, until: u64) -> Result<[u64; 3]> {
    let (mut counts, mut after) = ([0; 3], 0);
    while after < until {
        let frames = frames_after(tx, author, after, FRAMES_AT_ONCE)?;
        let Some((last, _)) = frames.last() else { return Err(Error::Damaged("a journal")) };
        let end = last.first + u64::from(last.count) - 1;
        for (row, to) in &frames {
            let runs = outcome::unpack(row.first, &row.outcome)?;
            for run in outcome::clip(runs, after, until.min(*to), |_| true) {
                match run.fate {
                    Fate::Merged { .. } => counts[0] += u64::from(run.count),
                    Fate::Refused(_) => counts[2] += u64::from(run.count),
                    Fate::Held(_) => {
                        for position in run.first..=run.last() {
                            counts[held_now(tx, ActId::new(row.author, position))?] += 1;
                        }
                    }
                }
            }
        }
        after = frames.last().map_or(end, |(_, to)| end.min(*to));
    }
    Ok(counts)
}

fn held_now(tx: &dyn ReadTx, act: ActId) -> Result<usize> {
    let held = tx.held(act)?.ok_or(Error::Damaged("a held act"))?;
    Ok(match held.state {
        HeldState::Merged => 0,
        HeldState::Waiting => 1,
        HeldState::Refused => 2,
    })
}

/// The frames of an author's journal that hold positions after one, in order, each with the position
/// up to which it is this author's: where a fork shares its parent's journal, they are the parent's.
pub(super) fn frames_after(
    tx: &dyn ReadTx,
    author: AuthorId,
    after: u64,
    max: usize,
) -> Result<Vec<(FrameRow, u64)>> {
    let own = tx.frames_after(author, after, max)?;
    let begins_behind = own.first().is_none_or(|row| row.first > after + 1);
    if begins_behind
        && let Some(ForkRow { fork, .. }) = tx.fork(author)?.filter(|row| after < row.fork.at)
    {
        let mut shared = frames_after(tx, fork.parent, after, max)?;
        shared.retain(|(row, _)| row.first <= fork.at);
        shared.iter_mut().for_each(|(_, to)| *to = fork.at.min(*to));
        return Ok(shared);
    }
    Ok(own.into_iter().map(|row| (row, u64::MAX)).collect())
}

/// The authors that go on with a journal in which an act stands: they too are told what became of it.
pub(super) fn heirs(tx: &dyn ReadTx, act: ActId) -> Result<Vec<AuthorId>> {
    let (mut heirs, mut at) = (vec![act.author], 0);
    while let Some(parent) = heirs.get(at).copied() {
        let shares = |row: &ForkRow| row.fork.at >= act.position;
        let forks = tx.forks_of(parent)?.into_iter().filter(shares);
        heirs.extend(forks.map(|row| row.fork.author));
        at += 1;
    }
    heirs.remove(0);
    Ok(heirs)
}
