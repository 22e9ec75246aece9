//! A field that only the province may change: an office asks, the province approves.

use super::cast::OTHER;
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;
use crate::demo::play::AGAIN;

/// The grounds that the province gives.
const GROUNDS: &str = "12-QĐ/TU";
/// The name as the birth certificate has it.
const CORRECTED: &str = "Trần Văn Mô Phỏng";

/// An office asks for a correction of a name.
pub(super) fn request(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-request");
    let (node, server) = (&play.cast[OTHER], &play.world.server);
    let member = play.world.province.members_of(&node.scopes[0]).next();
    let member =
        member.ok_or_else(|| Trouble("an office of nobody".into()))?.id.hyphenated().to_string();
    node.try_edit(
        &member,
        &[("full_name", CORRECTED)],
        &["--person", "hoa", "--grounds", "giấy khai sinh"],
    )?
    .ok()?;
    node.exchange(AGAIN)?;
    let before = server.value(&member, "full_name")?;
    ensure(before != CORRECTED, || "a locked field was changed without a decision".into())?;
    let waiting = server.held()?;
    let [held] = &waiting[..] else {
        return Err(Trouble(format!("not one act waits: {waiting:?}")));
    };
    stage.say("request-held", &[("office", &play.office(node)), ("act", &held.act)]);
    server.approve(held, GROUNDS)?;
    node.exchange(AGAIN)?;
    for shown in [server.value(&member, "full_name")?, node.value(&member, "full_name")?] {
        ensure(shown == CORRECTED, || format!("approved, and it shows {shown}"))?;
    }
    let equation = node.equation()?;
    ensure(equation.held == 0, || format!("approved, and held: {equation:?}"))?;
    stage.good("request-approved", &[("grounds", &GROUNDS)]);
    ledger.note(Check::Named, named(play, &member));
    Ok(())
}

/// Who asked is in the history of the record.
fn named(play: &Play<'_>, member: &str) -> Result<String, Trouble> {
    let history = play.cast[OTHER].history(member)?;
    let asked =
        history.iter().any(|e| e.field == "full_name" && e.value == CORRECTED && e.person == "hoa");
    ensure(asked, || format!("who asked is not in the history: {history:?}"))?;
    let nameless = history.iter().filter(|e| e.person.is_empty()).count();
    ensure(nameless == 0, || format!("{nameless} entries name nobody: {history:?}"))?;
    Ok(play.stage.words.with("found-named", &[("n", &history.len()), ("grounds", &GROUNDS)]))
}
