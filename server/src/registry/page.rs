//! What a node lacks, a bounded piece at a time, all of it from one snapshot.
//!
//! A scope that is new to the node is filled in the order of record ids, at the revision that the
//! scope had when the fill began; after that its feed says what was touched, and the records are
//! sent as they are now. Work is linear in what changed since the node's cursor, whatever the length
//! of history or the number of scopes. A node's own acts that merged as written are not echoed.
//!
//! Deliberately absent: frames on the wire, tokens and signatures, which are the session's.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::fate::{Outcome, ScopeMark};
use dongbo_proto::frame::{AckRun, ScopeCursor, States};
use dongbo_proto::id::{AuthorId, KindId, RecordId, ScopeId};
use dongbo_proto::limits::{OUTCOMES_MAX, PAGE_RECORDS_MAX};
use dongbo_proto::record::Record;

use super::error::{Error, Result};
use super::fork;
use super::journal::{self, Heard};
use super::outcome;
use crate::store::ReadTx;
use crate::store::rows::ScopeRow;

/// Frames whose acknowledgements go into one reply: a node that lost more asks again.
const ACK_FRAMES_MAX: usize = 256;
/// Bytes of values in one page, roughly: well below what a page may decompress to.
const PAGE_VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a field costs beside its value: stamps, head, number.
const FIELD_BYTES: usize = 24;

/// What a node has, as it said or as it was sent since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAsk {
    /// The node.
    pub author: AuthorId,
    /// Where it stands with each scope that is wanted; those that it is not granted are passed over.
    pub cursors: Vec<ScopeCursor>,
    /// Acknowledgements are wanted for the positions after this one; `None` wants none.
    pub acks_from: Option<u64>,
    /// The last outcome that it has.
    pub inbox: u64,
    /// Records in this reply, at most; never more than a page holds are in one of its frames.
    pub records_max: usize,
}

/// A piece of what it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageReply {
    /// Fates of its acts from `acks_from` on.
    pub acks: Vec<AckRun>,
    /// Lines of its inbox.
    pub outcomes: Vec<Outcome>,
    /// Pages, the reference first.
    pub states: Vec<States>,
    /// Where it stands after these.
    pub cursors: Vec<ScopeCursor>,
    /// The marks of the scopes asked for that it holds, if after these pages nothing remains in this
    /// snapshot. One that was granted since its Hello waits for the next.
    pub complete: Option<Vec<ScopeMark>>,
}

/// Makes the next piece.
///
/// # Errors
/// [`Error::Unknown`] for an author that is none, or the store's.
pub fn page(tx: &dyn ReadTx, ask: &PageAsk) -> Result<PageReply> {
    let author = tx.author(ask.author)?.ok_or(Error::Unknown("author"))?;
    let scopes = granted(tx, ask.author)?;
    let holds = |scope: ScopeId| scopes.iter().any(|s| s.id == scope);
    let acks = match ask.acks_from {
        Some(after) => acks_after(tx, ask.author, after, author.position, holds)?,
        None => Vec::new(),
    };
    let outcomes = match ask.inbox < author.inbox {
        true => tx.outcomes_after(ask.author, ask.inbox, OUTCOMES_MAX)?,
        false => Vec::new(),
    };
    let inbox = outcomes.last().map_or(ask.inbox, |o| o.sequence);
    let mut filler =
        Filler { tx, author: ask.author, budget: ask.records_max.max(1), states: Vec::new() };
    let mut cursors = Vec::with_capacity(scopes.len());
    // States may show acts whose acknowledgement is not in this reply: nothing is complete then.
    let told = acks.last().map_or(ask.acks_from, |run| Some(run.last()));
    let all_told = told.is_none_or(|told| told >= author.position);
    let mut all = all_told && inbox >= author.inbox && !ask.cursors.is_empty();
    let mut marks = Vec::with_capacity(scopes.len());
    for scope in &scopes {
        let asked = ask.cursors.iter().find(|c| c.scope == scope.id).copied();
        let Some(mut cursor) = asked else { continue };
        all &= filler.scope(scope, &mut cursor)?;
        cursors.push(cursor);
        marks.push(mark(scope));
    }
    let complete = all.then_some(marks);
    Ok(PageReply { acks, outcomes, states: filler.states, cursors, complete })
}

/// The scopes of a node with the reference, by id.
pub(super) fn granted(tx: &dyn ReadTx, author: AuthorId) -> Result<Vec<ScopeRow>> {
    let mut ids = tx.grants(author)?;
    ids.push(ScopeId::REFERENCE);
    ids.sort_unstable();
    ids.dedup();
    let rows = ids.into_iter().map(|id| Ok(tx.scope(id)?));
    Ok(rows.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

pub(super) fn mark(scope: &ScopeRow) -> ScopeMark {
    ScopeMark {
        scope: scope.id,
        revision: scope.revision,
        chain: scope.chain,
        digest: scope.digest,
    }
}

fn acks_after(
    tx: &dyn ReadTx,
    author: AuthorId,
    after: u64,
    position: u64,
    holds: impl Fn(ScopeId) -> bool,
) -> Result<Vec<AckRun>> {
    let mut acks = Vec::new();
    if after >= position {
        return Ok(acks);
    }
    for (row, to) in fork::frames_after(tx, author, after, ACK_FRAMES_MAX)? {
        let runs = outcome::unpack(row.first, &row.outcome)?;
        acks.extend(outcome::clip(runs, after, position.min(to), &holds));
    }
    Ok(acks)
}

struct Filler<'t> {
    tx: &'t dyn ReadTx,
    author: AuthorId,
    budget: usize,
    states: Vec<States>,
}

impl Filler<'_> {
    /// Brings a cursor on as far as the budget goes; whether nothing of the scope remains.
    fn scope(&mut self, scope: &ScopeRow, cursor: &mut ScopeCursor) -> Result<bool> {
        let fresh = cursor.visible == 0 && cursor.staged == 0;
        if fresh || cursor.filled_to.is_some() {
            // A fill begins with its first page: a cursor that is set and empty would look filled.
            if self.budget == 0 {
                return Ok(false);
            }
            if fresh {
                cursor.staged = scope.revision;
            }
            if !self.fill(scope, cursor, fresh)? {
                return Ok(false);
            }
        }
        cursor.staged = cursor.staged.max(cursor.visible);
        while cursor.staged < scope.revision && self.budget > 0 {
            self.feed(scope, cursor)?;
        }
        Ok(cursor.staged >= scope.revision)
    }

    /// Fills on by record id; whether the fill is over. One that begins has a page even if the scope
    /// holds nothing: what it does not bring is gone, and that must be said.
    fn fill(&mut self, scope: &ScopeRow, cursor: &mut ScopeCursor, begins: bool) -> Result<bool> {
        let mut begins = begins;
        while self.budget > 0 {
            let max = self.budget.min(PAGE_RECORDS_MAX / 2);
            let mut placed = self.tx.placements_after(scope.id, cursor.filled_to, max)?;
            if placed.is_empty() && !begins {
                cursor.filled_to = None;
                return Ok(true);
            }
            let wanted: Vec<_> = placed.iter().map(|p| (p.record, p.kind, p.projection)).collect();
            let mut records = self.records(&wanted)?;
            let fits = fitting(&records);
            begins = false;
            // A record and its namesake of another kind are not parted.
            let cut = (fits..records.len()).find(|at| wanted[*at].0 != wanted[*at - 1].0);
            records.truncate(cut.unwrap_or(records.len()));
            placed.truncate(records.len());
            self.budget = self.budget.saturating_sub(records.len());
            cursor.filled_to = placed.last().map(|p| p.record);
            let (from, to) = (0, cursor.staged);
            self.states.push(States {
                scope: scope.id,
                from,
                to,
                filling: true,
                records,
                gone: Vec::new(),
            });
        }
        Ok(false)
    }

    /// Sends on what the feed says was touched, up to the end of an act.
    fn feed(&mut self, scope: &ScopeRow, cursor: &mut ScopeCursor) -> Result<()> {
        let mut max = self.budget.min(PAGE_RECORDS_MAX);
        loop {
            let (to, touched) = self.touched(scope.id, cursor.staged, max)?;
            let (records, gone) = self.as_they_are(scope.id, &touched)?;
            if fitting(&records) < records.len() && touched.len() > 1 {
                max = touched.len() / 2;
                continue;
            }
            self.budget = self.budget.saturating_sub(touched.len().max(1));
            let from = std::mem::replace(&mut cursor.staged, to);
            if !touched.is_empty() {
                self.states.push(States {
                    scope: scope.id,
                    from,
                    to,
                    filling: false,
                    records,
                    gone,
                });
            }
            return Ok(());
        }
    }

    /// The records that revisions after one touched, in whole acts, and the last of these revisions.
    fn touched(
        &self,
        scope: ScopeId,
        after: u64,
        max: usize,
    ) -> Result<(u64, BTreeMap<RecordId, KindId>)> {
        let mut touched: HashSet<(RecordId, KindId)> = HashSet::new();
        let mut to = after;
        journal::walk_for(self.tx, scope, after, self.author, &mut |heard| {
            let step = match heard {
                Heard::Own(revision) => {
                    to = revision;
                    return Ok(ControlFlow::Continue(()));
                }
                Heard::News(step) => step,
            };
            let news: Vec<_> = step.records.into_iter().filter(|r| !touched.contains(r)).collect();
            if to > after && touched.len() + news.len() > max {
                return Ok(ControlFlow::Break(()));
            }
            touched.extend(news);
            to = step.revision;
            Ok(ControlFlow::Continue(()))
        })?;
        if to == after {
            return Err(Error::Damaged("a feed"));
        }
        Ok((to, touched.into_iter().collect()))
    }

    #[allow(clippy::type_complexity)]
    fn as_they_are(
        &self,
        scope: ScopeId,
        touched: &BTreeMap<RecordId, KindId>,
    ) -> Result<(Vec<(Projection, Record)>, Vec<(RecordId, KindId)>)> {
        let (mut here, mut gone) = (Vec::new(), Vec::new());
        for (record, kind) in touched {
            match self.tx.placement(scope, *record, *kind)? {
                Some(projection) => here.push((*record, *kind, projection)),
                None => gone.push((*record, *kind)),
            }
        }
        Ok((self.records(&here)?, gone))
    }

    /// Records as a scope sees them, in the order asked.
    fn records(
        &self,
        wanted: &[(RecordId, KindId, Projection)],
    ) -> Result<Vec<(Projection, Record)>> {
        let mut out = Vec::with_capacity(wanted.len());
        for run in wanted.chunk_by(|a, b| a.1 == b.1) {
            let kind = catalogue().kind(run[0].1).ok_or(Error::Damaged("a placement"))?;
            let ids: Vec<RecordId> = run.iter().map(|w| w.0).collect();
            for (record, want) in self.tx.records(kind, &ids)?.into_iter().zip(run) {
                let record = record.ok_or(Error::Damaged("a placement"))?;
                out.push((
                    want.2,
                    if want.2 == Projection::Home { record } else { record.project(want.2) },
                ));
            }
        }
        Ok(out)
    }
}

/// How many of these records fit into one page; at least one.
fn fitting(records: &[(Projection, Record)]) -> usize {
    let heads = |r: &Record| -> usize {
        r.fields.iter().flat_map(|f| &f.1.heads).map(|h| h.value.content_len() + FIELD_BYTES).sum()
    };
    let mut bytes = 0;
    let within = |(_, record): &&(Projection, Record)| {
        bytes += heads(record);
        bytes <= PAGE_VALUE_BYTES_MAX
    };
    records.iter().take_while(within).count().max(1)
}
