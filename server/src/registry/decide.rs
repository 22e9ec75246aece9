//! The province decides a held act: it takes effect with the province's rank, and what waited on
//! the records that it creates is released with it; or it is refused, and those with it.
//!
//! Each act decided says so in its author's inbox: the fate and the province's words, no data.

use std::collections::VecDeque;

use dongbo_proto::act::{Act, Intent, Op, Verdict};
use dongbo_proto::fate::{Fate, Outcome, Reason};
use dongbo_proto::id::{ActId, AuthorId, RecordId};
use dongbo_proto::merge;
use dongbo_proto::record::{Origin, Rank};

use super::apply;
use super::desk::Desk;
use super::error::{Error, Result};
use super::fork;
use super::journal::{self, Told};
use super::judge::{self, Party};
use crate::store::rows::{HeldRow, HeldState};

/// Decides a held act. Deciding one that was decided before changes nothing.
pub(super) fn decide(
    desk: &mut Desk<'_, '_>,
    by: ActId,
    target: ActId,
    verdict: &Verdict,
) -> Result<()> {
    let held = desk.tx.held(target)?.ok_or(Error::Unknown("held act"))?;
    if held.state != HeldState::Waiting {
        return Ok(());
    }
    match verdict {
        Verdict::Approve => approve(desk, by, held),
        Verdict::Refuse(text) => refuse(desk, by, held, text),
        Verdict::Judge => release_one(desk, by, held),
    }
}

fn load(desk: &mut Desk<'_, '_>, act: ActId) -> Result<Told> {
    let told = journal::tell(desk.tx.reading(), act)?.ok_or(Error::Damaged("a held act"))?;
    desk.lay_out(told.act.ops.iter())?;
    Ok(told)
}

fn approve(desk: &mut Desk<'_, '_>, by: ActId, held: HeldRow) -> Result<()> {
    let told = load(desk, held.act)?;
    let rank = if told.act.intent == Intent::Import { Rank::Import } else { Rank::Province };
    may_approve(desk, &told.act)?;
    take_effect(desk, by, held, &told, rank)
}

/// Whether an act can take effect at all, whoever wants it to.
fn may_approve(desk: &mut Desk<'_, '_>, act: &Act) -> Result<()> {
    merge::check_act(act).map_err(Error::NotTaken)?;
    let mut created: Vec<RecordId> = Vec::new();
    for op in &act.ops {
        let Op::Write(w) = op else { continue };
        match w.create {
            Some(home) if desk.has_scope(home)? => created.push(w.record),
            Some(_) => return Err(Error::Unknown("scope")),
            None if created.contains(&w.record) || desk.find(w.record, w.kind)?.is_some() => {}
            None if desk.tx.creation_held(w.record)?.is_some() => {
                return Err(Error::NotTaken(Reason::CreationHeld));
            }
            None => return Err(Error::NotTaken(Reason::UnknownRecord)),
        }
    }
    Ok(())
}

fn take_effect(
    desk: &mut Desk<'_, '_>,
    by: ActId,
    held: HeldRow,
    told: &Told,
    rank: Rank,
) -> Result<()> {
    let (act, records) = (held.act, held.records.clone());
    settle(desk, by, held, HeldState::Merged, rank, "")?;
    apply::apply(desk, Origin { act, stamp: told.stamp, rank }, &told.act, &|_| None)?;
    if desk.tx.retracted(act)?.is_some() {
        // It was taken back while it waited. Its writes are not in the feeds yet: the log has them.
        apply::retract(desk, by, &[act])?;
    }
    let created = records.iter().filter(|r| r.2).map(|r| r.0);
    release(desk, by, created.collect())
}

/// Judges what waited on records that now exist, as its author, in the author's order.
fn release(desk: &mut Desk<'_, '_>, by: ActId, created: VecDeque<RecordId>) -> Result<()> {
    let mut waiting: Vec<ActId> = Vec::new();
    for record in created {
        waiting.extend(desk.tx.waiting_on(record)?);
    }
    waiting.sort_unstable();
    waiting.dedup();
    for act in waiting {
        let Some(held) = desk.tx.held(act)?.filter(|h| h.state == HeldState::Waiting) else {
            continue;
        };
        release_one(desk, by, held)?;
    }
    Ok(())
}

fn release_one(desk: &mut Desk<'_, '_>, by: ActId, mut held: HeldRow) -> Result<()> {
    let told = load(desk, held.act)?;
    let scopes = desk.tx.grants(held.act.author)?;
    // What it has been shown since it wrote this is nothing that it knew.
    let shown_ms = desk.author(held.act.author)?.confirmed_ms.min(held.at_ms);
    let party = Party { province: false, scopes: &scopes, deliver_only: false, shown_ms };
    match judge::judge(desk, held.act, &told.act, merge::check_act(&told.act), party)? {
        Ok(rank) => take_effect(desk, by, held, &told, rank),
        Err(reason) if reason == held.reason => Ok(()),
        Err(reason) => {
            held.reason = reason;
            desk.tx.put_held(&held)?;
            let (act, fate) = (held.act, Fate::Held(reason));
            tell(desk, act.author, act, fate, "")?;
            let heirs = fork::heirs(desk.tx.reading(), act)?;
            heirs.into_iter().try_for_each(|heir| tell(desk, heir, act, fate, ""))
        }
    }
}

fn refuse(desk: &mut Desk<'_, '_>, by: ActId, held: HeldRow, text: &str) -> Result<()> {
    let mut todo = VecDeque::from([held]);
    while let Some(held) = todo.pop_front() {
        for (record, _, creates) in held.records.clone() {
            for act in if creates { desk.tx.waiting_on(record)? } else { Vec::new() } {
                let waiting = desk.tx.held(act)?.filter(|h| h.state == HeldState::Waiting);
                todo.extend(waiting.filter(|h| h.act != held.act));
            }
        }
        if desk.tx.held(held.act)?.is_some_and(|h| h.state == HeldState::Waiting) {
            settle(desk, by, held, HeldState::Refused, Rank::default(), text)?;
        }
    }
    Ok(())
}

/// Writes down what became of a held act, and tells its author.
fn settle(
    desk: &mut Desk<'_, '_>,
    by: ActId,
    mut held: HeldRow,
    state: HeldState,
    rank: Rank,
    text: &str,
) -> Result<()> {
    let act = held.act;
    let fate = match state {
        HeldState::Merged => Fate::Merged { as_written: false },
        _ => Fate::Refused(Reason::RefusedByProvince),
    };
    if state == HeldState::Refused {
        held.reason = Reason::RefusedByProvince;
    }
    (held.state, held.decided_by, held.rank) = (state, Some(by), rank);
    (held.decided_ms, held.text) = (Some(desk.now_ms), text.to_owned());
    desk.tx.put_held(&held)?;
    desk.held_here.remove(&act);
    count(desk, act.author, act, fate, text)?;
    for heir in fork::heirs(desk.tx.reading(), act)? {
        count(desk, heir, act, fate, text)?;
    }
    Ok(())
}

/// Counts what became of a held act as an author's, and says it in its inbox.
fn count(
    desk: &mut Desk<'_, '_>,
    whom: AuthorId,
    act: ActId,
    fate: Fate,
    text: &str,
) -> Result<()> {
    let author = desk.author(whom)?;
    author.held = author.held.saturating_sub(1);
    match fate {
        Fate::Merged { .. } => author.merged += 1,
        _ => author.refused += 1,
    }
    tell(desk, whom, act, fate, text)
}

/// Says in an author's inbox what became of an act.
fn tell(desk: &mut Desk<'_, '_>, whom: AuthorId, act: ActId, fate: Fate, text: &str) -> Result<()> {
    let at_ms = desk.now_ms;
    let author = desk.author(whom)?;
    author.inbox += 1;
    let outcome = Outcome { sequence: author.inbox, act, fate, text: text.to_owned(), at_ms };
    Ok(desk.tx.append_outcome(whom, &outcome)?)
}
