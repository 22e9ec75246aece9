//! A wrong list is imported, and the import is taken back as one.

use super::cast::OTHER;
use super::{Play, Trouble, ensure};
use crate::demo::play::AGAIN;
use crate::harness::strangers;

/// People on the wrong list.
const STRANGERS: u32 = 40;

/// The wrong list comes and goes.
pub(super) fn mistake(play: &mut Play<'_>) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-mistake");
    let (node, server) = (&play.cast[OTHER], &play.world.server);
    let before = (node.count_members()?, server.count_members()?);
    let list = play.world.dir().join("wrong.jsonl");
    strangers::write(&list, 1, STRANGERS)?;
    let (job, records) = node.import(&list)?;
    node.exchange(AGAIN)?;
    let with = (before.0 + records, before.1 + records);
    let now = (node.count_members()?, server.count_members()?);
    ensure(now == with, || format!("after the import {now:?}, not {with:?}"))?;
    stage.say("mistake-imported", &[("n", &records), ("office", &play.office(node))]);
    node.undo(&job)?;
    node.exchange(AGAIN)?;
    let now = (node.count_members()?, server.count_members()?);
    ensure(now == before, || format!("after the undo {now:?}, not {before:?}"))?;
    play.world.in_step(node)?;
    stage.good("mistake-undone", &[("n", &records)]);
    Ok(())
}
