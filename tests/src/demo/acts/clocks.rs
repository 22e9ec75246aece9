//! One clock says 2035, the other 1999; who knew of what the other wrote is right.

use super::cast::{FIRST, SECOND};
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;
use crate::harness::Clock;

/// The two wrong clocks.
pub(super) fn clocks(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    play.stage.chapter("chapter-clocks");
    play.cast[FIRST].clock = Clock::in_year(2035);
    play.cast[SECOND].clock = Clock::in_year(1999);
    let found = replace(play);
    play.cast[FIRST].clock = Clock::Right;
    play.cast[SECOND].clock = Clock::Right;
    if found.is_ok() {
        play.stage.good("clocks-done", &[]);
    }
    ledger.note(Check::Clocks, found);
    Ok(())
}

fn replace(play: &Play<'_>) -> Result<String, Trouble> {
    let [first, second] = [&play.cast[FIRST], &play.cast[SECOND]];
    first.edit(&play.rival, "phone", "0000203520")?;
    first.sync()?;
    play.stage.say("clocks-2035", &[("value", &"0000203520")]);
    second.sync()?;
    let seen = second.value(&play.rival, "phone")?;
    ensure(seen == "0000203520", || format!("1999 was shown {seen}"))?;
    second.edit(&play.rival, "phone", "0000199919")?;
    second.sync()?;
    play.stage.say("clocks-1999", &[("value", &"0000199919")]);
    first.sync()?;
    for (who, shown) in [
        ("2035", first.value(&play.rival, "phone")?),
        ("1999", second.value(&play.rival, "phone")?),
        ("the province", play.world.server.value(&play.rival, "phone")?),
    ] {
        ensure(shown == "0000199919", || format!("{who} shows {shown}"))?;
    }
    for node in [first, second] {
        let equation = node.equation()?;
        ensure(equation.unsent == 0, || format!("{}: stuck {equation:?}", node.name))?;
        play.world.in_step(node)?;
    }
    Ok(play.stage.words.get("found-clocks"))
}
