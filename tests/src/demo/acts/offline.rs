//! The links go, the work goes on, and the links come back.

use super::cast::{FIRST, OTHER, SECOND};
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;
use crate::harness::Node;

/// Edits of each office while there is no link.
const EDITS: usize = 3;

/// Without a link.
pub(super) fn away(play: &mut Play<'_>) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-away");
    play.cast.iter().for_each(|node| node.link.pull());
    stage.say("away-pulled", &[]);
    let (world, rival) = (&play.world, &play.rival);
    play.each("wait-edits", |node| {
        let members = world.province.members_of(&node.scopes[0]);
        // The two machines of one office meet over one member, below.
        let others = members
            .filter(|m| m.id.hyphenated().to_string() != *rival)
            .skip(usize::from(node.name.ends_with("-2")));
        others.step_by(2).take(EDITS).try_for_each(|member| {
            let id = member.id.hyphenated().to_string();
            node.edit(&id, "it_skill", "Tin học văn phòng").map(drop)
        })
    })?;
    stage.say("away-edits", &[("n", &EDITS)]);
    let added = play.cast[OTHER].add(&newcomer())?;
    ensure(!added.is_empty(), || "no id".into())?;
    stage.say("away-added", &[("office", &play.office(&play.cast[OTHER]))]);
    meet(play)?;
    play.draw()
}

fn newcomer() -> [(&'static str, &'static str); 3] {
    [("full_name", "Nguyễn Thị Mô Phỏng"), ("sex", "F"), ("birth_date", "1996-05-19")]
}

/// Two machines of one office change one member: the same field, and a field each.
fn meet(play: &Play<'_>) -> Result<(), Trouble> {
    let [first, second] = &play.rival_values;
    let own = [("phone", first.as_str()), ("email", "mo-phong@example.vn")];
    play.cast[FIRST].try_edit(&play.rival, &own, &["--person", "lan"])?.ok()?;
    let own = [("phone", second.as_str()), ("employer_name", "Hợp tác xã Mô Phỏng")];
    play.cast[SECOND].try_edit(&play.rival, &own, &["--person", "minh"])?.ok()?;
    let office = play.office(&play.cast[FIRST]);
    play.stage.say("away-rivals", &[("office", &office), ("first", first), ("second", second)]);
    Ok(())
}

/// With a link again.
pub(super) fn back(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-back");
    play.cast.iter().for_each(|node| node.link.mend());
    let moved = play.exchange()?;
    stage.say("back-moved", &[("acts", &moved.acts_sent)]);
    play.exchange()?;
    play.draw()?;
    let [first, second] = [&play.cast[FIRST], &play.cast[SECOND]];
    for node in [first, second] {
        let both = [("email", "mo-phong@example.vn"), ("employer_name", "Hợp tác xã Mô Phỏng")];
        for (field, value) in both {
            let here = node.value(&play.rival, field)?;
            ensure(here == value, || format!("{}: {field} is {here}", node.name))?;
        }
    }
    stage.good("back-merged", &[]);
    one_conflict(play, [first, second])?;
    let winner = &play.rival_values[1];
    stage.good("back-conflict", &[("winner", winner), ("other", &play.rival_values[0])]);
    ledger.note(Check::BothValues, both_in_history(play));
    Ok(())
}

/// The same conflict, with the later value shown, on both machines and at the province.
fn one_conflict(play: &Play<'_>, nodes: [&Node; 2]) -> Result<(), Trouble> {
    let at_province = play.world.server.conflicts()?;
    let [one] = &at_province[..] else {
        return Err(Trouble(format!("not one conflict at the province: {at_province:?}")));
    };
    let [first, second] = &play.rival_values;
    let is_it =
        one.record == play.rival && one.field == "phone" && one.values == [second.as_str(), first];
    ensure(is_it, || format!("another conflict: {one:?}"))?;
    for node in nodes {
        let here = node.conflicts()?;
        ensure(here == at_province, || format!("{}: {here:?}, not {at_province:?}", node.name))?;
    }
    Ok(())
}

fn both_in_history(play: &Play<'_>) -> Result<String, Trouble> {
    let history = play.world.server.history(&play.rival)?;
    for value in &play.rival_values {
        let found = history.iter().any(|e| e.field == "phone" && e.value == value.as_str());
        ensure(found, || format!("{value} is not in the history: {history:?}"))?;
    }
    let entries = history.len();
    Ok(play.stage.words.with("found-both-values", &[("n", &entries)]))
}
