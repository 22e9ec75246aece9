//! A conflict is settled at a commune, and is settled everywhere.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cast::{FIRST, SECOND};
use super::{Play, Trouble, ensure};

/// How long a change may take from one watching machine to another.
const LIVE_MAX: Duration = Duration::from_secs(15);
/// How often the other machine is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The second machine settles while the first one watches.
pub(super) fn settle(play: &mut Play<'_>) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-settle");
    let [first, second] = [&play.cast[FIRST], &play.cast[SECOND]];
    let refused = second.try_edit(&play.rival, &[("phone", "0000555666")], &[])?;
    ensure(refused.code != 0, || "an edit of a field in conflict needs no --settle".into())?;
    stage.say("settle-asked", &[]);
    let (watching, sending) = (first.watch()?, second.watch()?);
    let conflict = second.conflicts()?.pop().ok_or_else(|| Trouble("no conflict".into()))?;
    let chosen = &play.rival_values[0];
    second.settle(&conflict, chosen)?;
    let began = Instant::now();
    while first.value(&play.rival, "phone")? != chosen.as_str() || !first.conflicts()?.is_empty() {
        ensure(began.elapsed() < LIVE_MAX, || format!("not live: {}", watching.said()))?;
        sleep(LOOK);
    }
    let took = format!("{:.1}", began.elapsed().as_secs_f32());
    stage.good("settle-live", &[("s", &took), ("value", chosen)]);
    watching.stop()?;
    sending.stop()?;
    play.exchange()?;
    let left = play.world.server.conflicts()?;
    ensure(left.is_empty(), || format!("still in conflict: {left:?}"))?;
    for node in [&play.cast[FIRST], &play.cast[SECOND]] {
        let here = node.conflicts()?;
        ensure(here.is_empty(), || format!("{}: {here:?}", node.name))?;
    }
    stage.good("settle-everywhere", &[]);
    Ok(())
}
