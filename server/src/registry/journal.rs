//! Reading the journal: frames opened again, acts by id, an author's chain at a position, and the
//! acts that merged into one scope, in the order of its revisions.
//!
//! History of a record is found through the feeds of the scopes that it has lived in: there is no
//! index of acts by record, for it would cost a page an edit.

use std::ops::ControlFlow;

use dongbo_proto::act::{Act, Op, Verdict};
use dongbo_proto::fate::Fate;
use dongbo_proto::frame::{AckRun, Batch};
use dongbo_proto::id::{ActId, AuthorId, Hash, RecordId, ScopeId};
use dongbo_proto::record::Rank;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::wire;

use super::error::{Error, Result};
use super::outcome;
use super::prepare::hashes;
use super::touched::{self, Touch};
use crate::store::ReadTx;
use crate::store::rows::{FeedRow, FrameRow, HeldState};

/// Lines of a feed that are read at once.
const FEED_LINES_MAX: usize = 64;

/// A frame of the journal, opened.
pub(super) struct Frame {
    pub author: AuthorId,
    pub batch: Batch,
    /// The acts that the frame brought, without those that were known when it came.
    pub acts: Vec<Act>,
    pub runs: Vec<AckRun>,
}

impl Frame {
    pub fn open(row: &FrameRow) -> Result<Frame> {
        let batch = wire::batch_from_bytes(&row.bytes)?;
        let mut acts = wire::decode_acts(batch.first, &batch.body, batch.raw_len)?;
        acts.retain(|act| act.position >= row.first);
        if acts.len() != row.count as usize {
            return Err(Error::Damaged("a frame of the journal"));
        }
        Ok(Frame {
            author: row.author,
            batch,
            acts,
            runs: outcome::unpack(row.first, &row.outcome)?,
        })
    }

    /// An act of it, by position.
    pub fn act(&self, position: u64) -> Option<&Act> {
        let at = position.checked_sub(self.acts.first()?.position)?;
        self.acts.get(usize::try_from(at).ok()?)
    }

    /// The run that an act is in.
    pub fn run(&self, position: u64) -> Option<&AckRun> {
        self.runs.iter().find(|run| (run.first..=run.last()).contains(&position))
    }

    /// The acts that merged into a scope when the frame came: revision, act, run.
    pub fn merged_into(&self, scope: ScopeId) -> impl Iterator<Item = (u64, &Act, &AckRun)> {
        let of_run = move |run: &'_ AckRun| run.at.iter().find(|at| at.0 == scope).map(|at| at.1);
        let runs = self.runs.iter().filter_map(move |run| Some((of_run(run)?, run)));
        runs.flat_map(move |(revision, run)| {
            (0..u64::from(run.count))
                .filter_map(move |n| Some((revision + n, self.act(run.first + n)?, run)))
        })
    }

    /// The hash of each of its acts.
    pub fn hashes(&self) -> Result<Vec<Hash>> {
        hashes(&self.batch, &self.acts).ok_or(Error::Damaged("a frame's seeds"))
    }
}

/// An act with what merge fixed for it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub id: ActId,
    pub act: Act,
    pub stamp: Stamp,
    pub rank: Rank,
    pub fate: Fate,
}

/// An act with its fate now: what it was at first, or what was decided since.
pub(super) fn tell(tx: &dyn ReadTx, id: ActId) -> Result<Option<Told>> {
    let Some(row) = tx.frame_of(id)? else { return Ok(None) };
    told(tx, &Frame::open(&row)?, id.position).map(Some)
}

/// The same, of a frame that is open.
pub(super) fn told(tx: &dyn ReadTx, frame: &Frame, position: u64) -> Result<Told> {
    let id = ActId::new(frame.author, position);
    let lost = Error::Damaged("a frame's outcome");
    let (Some(act), Some(run)) = (frame.act(position), frame.run(position)) else {
        return Err(lost);
    };
    let stamp = run.stamp(position, act.claimed);
    let mut told = Told { id, act: act.clone(), stamp, rank: run.rank, fate: run.fate };
    if matches!(run.fate, Fate::Held(_)) {
        let held = tx.held(id)?.ok_or(Error::Damaged("a held act"))?;
        told.rank = held.rank;
        told.fate = match held.state {
            HeldState::Waiting => Fate::Held(held.reason),
            HeldState::Merged => Fate::Merged { as_written: false },
            HeldState::Refused => Fate::Refused(held.reason),
        };
    }
    Ok(told)
}

/// An author's chain hash at a position that the journal holds.
pub fn chain_at(tx: &dyn ReadTx, author: AuthorId, position: u64) -> Result<Option<Hash>> {
    if position == 0 {
        return Ok(Some(Hash::default()));
    }
    let Some(row) = tx.frame_of(ActId::new(author, position))? else {
        // Where it goes on with another author's journal, what they share is there.
        return match tx.fork(author)?.map(|row| row.fork).filter(|fork| position <= fork.at) {
            Some(fork) => chain_at(tx, fork.parent, position),
            None => Ok(None),
        };
    };
    let batch = wire::batch_from_bytes(&row.bytes)?;
    if batch.last() == position {
        return Ok(Some(batch.after));
    }
    let acts = wire::decode_acts(batch.first, &batch.body, batch.raw_len)?;
    let all = hashes(&batch, &acts).ok_or(Error::Damaged("a frame's seeds"))?;
    let known = usize::try_from(position + 1 - batch.first).unwrap_or(usize::MAX);
    Ok(Some(all.iter().take(known).fold(batch.before, |c, h| dongbo_proto::chain::extend(c, *h))))
}

/// One revision of a scope.
pub(super) struct Step<'f> {
    pub revision: u64,
    /// Whose frame.
    pub author: AuthorId,
    pub act: &'f Act,
    pub run: &'f AckRun,
    /// The records that it touched in this scope.
    pub records: Vec<(RecordId, dongbo_proto::id::KindId)>,
}

/// Walks a scope's revisions after one, in order, until told to stop.
pub(super) fn walk(
    tx: &dyn ReadTx,
    scope: ScopeId,
    after: u64,
    each: &mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut after = after;
    loop {
        let lines = tx.feed_after(scope, after, FEED_LINES_MAX)?;
        for line in &lines {
            let row = tx.frame(line.frame)?.ok_or(Error::Damaged("a feed"))?;
            if walk_line(&Frame::open(&row)?, line, after, each)?.is_break() {
                return Ok(());
            }
        }
        match lines.last() {
            Some(last) if lines.len() == FEED_LINES_MAX => after = last.to,
            _ => return Ok(()),
        }
    }
}

/// One revision of a scope, or some, as a node hears of them.
pub(super) enum Heard<'f> {
    /// Up to this revision: the node's own acts, which merged as written.
    Own(u64),
    /// Another act, or one that came out differently.
    News(Step<'f>),
}

/// Walks a scope's revisions after one, in order, until told to stop, for a node that need not hear
/// what it wrote: its own frames are opened only where something in them came out differently.
pub(super) fn walk_for(
    tx: &dyn ReadTx,
    scope: ScopeId,
    after: u64,
    reader: AuthorId,
    each: &mut dyn FnMut(Heard<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let own = |step: &Step<'_>| {
        step.author == reader && step.run.fate == (Fate::Merged { as_written: true })
    };
    let mut after = after;
    loop {
        let lines = tx.feed_after(scope, after, FEED_LINES_MAX)?;
        for line in &lines {
            let row = tx.frame(line.frame)?.ok_or(Error::Damaged("a feed"))?;
            let all_own = row.author == reader && is_own(&row, scope)?;
            let went_on = match all_own {
                true => each(Heard::Own(line.to))?,
                false => {
                    walk_line(&Frame::open(&row)?, line, after, &mut |step| match own(&step) {
                        true => each(Heard::Own(step.revision)),
                        false => each(Heard::News(step)),
                    })?
                }
            };
            if went_on.is_break() {
                return Ok(());
            }
        }
        match lines.last() {
            Some(last) if lines.len() == FEED_LINES_MAX => after = last.to,
            _ => return Ok(()),
        }
    }
}

/// Whether all acts of a frame that merged into a scope did so as written.
fn is_own(row: &FrameRow, scope: ScopeId) -> Result<bool> {
    let runs = outcome::unpack(row.first, &row.outcome)?;
    let mut here = runs.iter().filter(|run| run.at.iter().any(|at| at.0 == scope));
    Ok(here.all(|run| run.fate == Fate::Merged { as_written: true }))
}

fn walk_line(
    frame: &Frame,
    line: &FeedRow,
    after: u64,
    each: &mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    let touches = match &line.touched {
        Some(bytes) => Some(touched::unpack(line.from, bytes)?),
        None => None,
    };
    for (revision, act, run) in frame.merged_into(line.scope) {
        if revision <= after || revision <= line.from || revision > line.to {
            continue;
        }
        let records = touched_at(act, revision, touches.as_deref());
        let step = Step { revision, author: frame.author, act, run, records };
        if each(step)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn touched_at(
    act: &Act,
    revision: u64,
    touches: Option<&[Touch]>,
) -> Vec<(RecordId, dongbo_proto::id::KindId)> {
    match touches {
        None => act.records().collect(),
        Some(all) => {
            let from = all.partition_point(|t| t.revision < revision);
            let here = all[from..].iter().take_while(|t| t.revision == revision);
            here.map(|t| (t.record, t.kind)).collect()
        }
    }
}

/// The acts that took effect at one step: the act itself, or those that it released.
pub(super) fn effective(tx: &dyn ReadTx, step: &Step<'_>) -> Result<Vec<Told>> {
    let mut all = vec![Told {
        id: step.act.id(step.author),
        act: step.act.clone(),
        stamp: step.run.stamp(step.act.position, step.act.claimed),
        rank: step.run.rank,
        fate: step.run.fate,
    }];
    let releases = |op: &Op| matches!(op, Op::Decide(_, Verdict::Approve | Verdict::Judge));
    if step.act.ops.iter().any(releases) {
        for held in tx.decided_by(step.act.id(step.author))? {
            if held.state == HeldState::Merged {
                all.push(tell(tx, held.act)?.ok_or(Error::Damaged("a held act"))?);
            }
        }
    }
    Ok(all)
}
