//! The power goes: at the province in the middle of an upload, at a commune in the middle of a download, and at a
//! commune in the middle of an upload.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cast::{FIRST, SECOND};
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;
use crate::demo::play::AGAIN;
use crate::harness::{Node, Watch, strangers};

/// People on the list that is on its way when the power goes.
const STRANGERS: u32 = 300;
/// Edits that were said to be saved when the machine dies.
const EDITS: usize = 12;
/// A village's line: each 4 KB waits so long.
const SLOW: Duration = Duration::from_millis(40);
// A quiet exchange carries 2.6 KB, handshake included; one that moves the list, 13.9 KB; one that moves the edits,
// 3.5 KB. Each of these is past the handshake and well before the end.
/// So far into the upload of the list.
const INTO_UPLOAD_BYTES: u64 = 6_000;
/// So far into its download.
const INTO_DOWNLOAD_BYTES: u64 = 8_000;
/// So far into the upload of the edits.
const INTO_EDITS_BYTES: u64 = 2_200;

/// The server is killed while a list comes in.
pub(super) fn server(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    play.stage.chapter("chapter-crash");
    let before = play.world.server.count_members()?;
    let list = play.world.dir().join("more.jsonl");
    strangers::write(&list, 2, STRANGERS)?;
    let node = &play.cast[SECOND];
    node.import(&list)?;
    let mut sending = into(node, INTO_UPLOAD_BYTES)?;
    let was_sending = !sending.has_ended();
    let away = play.world.server.crash()?;
    // It notices that the line broke, and tries again by itself.
    let code = sending.end(AGAIN)?;
    let away = format!("{:.1}", away.as_secs_f32());
    play.stage.say("crash-server", &[("s", &away), ("code", &code)]);
    let node = &play.cast[SECOND];
    node.link.mend();
    let found = ensure(was_sending, || "the exchange was over before the crash".into());
    ledger.note(Check::ServerKilled, found.and_then(|()| all_arrived(play, node, before)));
    Ok(())
}

fn all_arrived(play: &Play<'_>, node: &Node, before: u64) -> Result<String, Trouble> {
    node.exchange(AGAIN)?;
    let equation = node.equation()?;
    ensure(equation.unsent == 0 && equation.adds_up(), || format!("{equation:?}"))?;
    let (now, wanted) = (play.world.server.count_members()?, before + u64::from(STRANGERS));
    ensure(now == wanted, || format!("{now} members at the province, not {wanted}"))?;
    play.stage.good("crash-server-done", &[("n", &STRANGERS)]);
    Ok(play.stage.words.with("found-server-killed", &[("n", &STRANGERS)]))
}

/// The wire breaks while the other machine of the office hears of the list.
pub(super) fn download(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    ledger.note(Check::Whole, cut_download(play));
    play.cast[FIRST].link.mend();
    play.cast[FIRST].exchange(AGAIN).map(drop)
}

fn cut_download(play: &Play<'_>) -> Result<String, Trouble> {
    let node = &play.cast[FIRST];
    let before = node.count_members()?;
    node.link.cut_after(INTO_DOWNLOAD_BYTES);
    let cut = node.run(&["sync"])?;
    ensure(cut.code != 0 && !node.link.is_up(), || "the exchange was over before the cut".into())?;
    let now = node.count_members()?;
    ensure(now == before, || format!("{now} members after the cut, not {before}"))?;
    node.link.mend();
    node.exchange(AGAIN)?;
    let (now, wanted) = (node.count_members()?, before + u64::from(STRANGERS));
    ensure(now == wanted, || format!("{now} members after the exchange, not {wanted}"))?;
    play.stage.good("crash-download", &[("n", &STRANGERS)]);
    Ok(play.stage.words.with("found-whole", &[("n", &STRANGERS)]))
}

/// A machine is killed while it sends what it said was saved.
pub(super) fn node(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    ledger.note(Check::NodeKilled, kill_node(play));
    play.cast[FIRST].link.mend();
    play.exchange().map(drop)
}

fn kill_node(play: &Play<'_>) -> Result<String, Trouble> {
    let node = &play.cast[FIRST];
    let before = node.equation()?.entered;
    let members = play.world.province.members_of(&node.scopes[0]).rev().take(EDITS);
    let ids: Vec<String> = members.map(|m| m.id.hyphenated().to_string()).collect();
    for id in &ids {
        node.edit(id, "occupation_text", "nông dân")?;
    }
    let mut sending = into(node, INTO_EDITS_BYTES)?;
    ensure(!sending.has_ended(), || "the exchange was over before the machine died".into())?;
    sending.kill();
    node.link.mend();
    let after = node.equation()?;
    ensure(after.entered == before + ids.len() as u64, || format!("{after:?} after {before}"))?;
    node.exchange(AGAIN)?;
    for id in &ids {
        let shown = play.world.server.value(id, "occupation_text")?;
        ensure(shown == "nông dân", || format!("{id} shows {shown}"))?;
    }
    play.stage.good("crash-node", &[("n", &ids.len())]);
    Ok(play.stage.words.with("found-node-killed", &[("n", &ids.len())]))
}

/// Begins an exchange over a slow line and waits until it is so far.
fn into(node: &Node, bytes: u64) -> Result<Watch, Trouble> {
    node.link.pace(SLOW);
    let from = node.link.carried();
    let mut sending = node.begin(&["sync"])?;
    let began = Instant::now();
    while node.link.carried() < from + bytes && !sending.has_ended() {
        ensure(began.elapsed() < AGAIN, || "the exchange does not begin".into())?;
        sleep(Duration::from_millis(1));
    }
    Ok(sending)
}
