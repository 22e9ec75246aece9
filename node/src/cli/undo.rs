//! `undo`: takes back an act, a job, or the last act.

use dongbo_proto::id::{ActId, JobId};
use serde_json::json;

use super::args::Undo;
use super::shell::Shell;
use super::{Exit, out};
use crate::office::undo::{Which, drafts, is_undoable, takes_back};
use crate::office::{Desk, OfficeError, Result};
use crate::replica::OwnAct;

/// How many acts are read at once on the way back to the last one that can be taken back.
const PAGE_ACTS: u64 = 256;

/// Takes something back.
pub fn run(shell: &mut Shell, args: Undo) -> Result<Exit> {
    let mut desk = shell.open()?;
    let which = args.what.as_deref().map_or(Ok(Which::Last), str::parse)?;
    let undone = undone(&desk)?;
    let acts = match which {
        Which::Act(act) => vec![one(&desk, act, &undone)?],
        Which::Job(job) => of_job(&desk, job, &undone)?,
        Which::Last => vec![last(&desk, &undone)?],
    };
    let saved = desk.save(&drafts(&desk.person, &acts))?;
    if shell.json {
        out::json(&json!({ "acts": saved, "retracted": acts }));
    } else {
        out::line(&shell.words.with("undo-done", &[("count", &acts.len())]));
    }
    Ok(Exit::Done)
}

/// The acts of this node that were taken back before.
fn undone(desk: &Desk) -> Result<Vec<ActId>> {
    let mut all = Vec::new();
    back(desk, |own| {
        all.extend(takes_back(&own.act));
        false
    })?;
    Ok(all)
}

/// Walks back through the journal until `stop` says so, and returns where.
fn back(desk: &Desk, mut stop: impl FnMut(&OwnAct) -> bool) -> Result<Option<u64>> {
    let mut last = desk.replica.facts()?.position;
    while last > 0 {
        let first = last.saturating_sub(PAGE_ACTS - 1).max(1);
        let page = desk.replica.acts(first, last, PAGE_ACTS as usize)?;
        if let Some(found) = page.iter().rev().find(|own| stop(own)) {
            return Ok(Some(found.act.position));
        }
        last = first - 1;
    }
    Ok(None)
}

fn one(desk: &Desk, act: ActId, undone: &[ActId]) -> Result<ActId> {
    if !desk.replica.owns(act)? {
        return Err(OfficeError::NotUndoable(Some(act)));
    }
    if undone.contains(&act) {
        return Err(OfficeError::AlreadyUndone(act));
    }
    let found = desk.replica.act(act.position)?;
    if found.is_some_and(|own| is_undoable(&own.act)) {
        Ok(act)
    } else {
        Err(OfficeError::NotUndoable(Some(act)))
    }
}

fn of_job(desk: &Desk, job: JobId, undone: &[ActId]) -> Result<Vec<ActId>> {
    let positions = desk.replica.job_acts(job)?;
    let ids = positions.into_iter().map(|position| desk.replica.id_at(position));
    let acts = ids.collect::<std::result::Result<Vec<ActId>, _>>()?;
    if acts.is_empty() {
        return Err(OfficeError::NotUndoable(None));
    }
    match acts.iter().find(|act| undone.contains(act)) {
        Some(act) => Err(OfficeError::AlreadyUndone(*act)),
        None => Ok(acts),
    }
}

fn last(desk: &Desk, undone: &[ActId]) -> Result<ActId> {
    let found = back(desk, |own| is_undoable(&own.act) && !undone.contains(&own.id))?;
    Ok(desk.replica.id_at(found.ok_or(OfficeError::NothingToUndo)?)?)
}
