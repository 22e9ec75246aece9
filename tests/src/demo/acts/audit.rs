//! The end: every promise that can be checked from outside is checked, on all machines.

use std::collections::HashSet;

use super::cast::FIRST;
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;
use crate::demo::play::AGAIN;
use crate::harness::{Node, Server, tamper};

/// What an exchange with nothing to say may cost, in bytes of frames both ways.
const QUIET_BYTES_MAX: u64 = 500;

/// The exit code of `verify` when it has found something.
const VERIFY_FOUND: i32 = 10;

/// All that is left to check.
pub(super) fn audit(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    play.stage.chapter("chapter-audit");
    play.exchange()?;
    ledger.note(Check::Once, once(play));
    ledger.note(Check::InStep, in_step(play));
    ledger.note(Check::Equation, equation(play));
    ledger.note(Check::NeedToKnow, need_to_know(play));
    ledger.note(Check::Verified, verified(play));
    ledger.note(Check::Tampering, tampering(play));
    play.draw()
}

fn once(play: &Play<'_>) -> Result<String, Trouble> {
    let most = play.each("wait-exchange", |node| {
        let moved = node.exchange(AGAIN)?;
        let bytes = moved.bytes_up + moved.bytes_down;
        let quiet = moved.acts_sent == 0 && moved.records_received == 0 && bytes <= QUIET_BYTES_MAX;
        ensure(quiet, || format!("{}: {moved:?}", node.name))?;
        Ok(bytes)
    })?;
    let most = most.into_iter().max().unwrap_or_default();
    Ok(play.stage.words.with("found-once", &[("bytes", &most)]))
}

fn in_step(play: &Play<'_>) -> Result<String, Trouble> {
    let world = &play.world;
    let done = play.each("wait-look", |node| world.in_step(node))?;
    Ok(play.stage.words.with("found-in-step", &[("n", &done.len())]))
}

/// On the revoked machine as well: what it delivered is counted.
fn equation(play: &Play<'_>) -> Result<String, Trouble> {
    let mut entered = 0;
    for node in &play.cast {
        let equation = node.equation()?;
        let whole = equation.adds_up() && equation.unsent == 0;
        ensure(whole, || format!("{}: {equation:?}", node.name))?;
        entered += equation.entered;
    }
    Ok(play.stage.words.with("found-equation", &[("n", &play.cast.len()), ("acts", &entered)]))
}

/// No member of another office is in a replica, in whatever table.
fn need_to_know(play: &Play<'_>) -> Result<String, Trouble> {
    let world = &play.world;
    let looked = play.each("wait-look", |node| {
        let own = &node.scopes[0];
        let of_others = world.province.scopes().filter(|unit| unit.code != *own);
        let of_others = of_others.flat_map(|unit| world.province.members_of(&unit.code));
        let of_others: HashSet<String> = of_others.map(|m| m.id.hyphenated().to_string()).collect();
        let here = node.record_ids()?;
        let strange = here.iter().filter(|id| of_others.contains(*id)).count();
        ensure(strange == 0, || format!("{}: {strange} records of others", node.name))?;
        Ok(here.len())
    })?;
    let looked: usize = looked.into_iter().sum();
    Ok(play.stage.words.with("found-need-to-know", &[("n", &looked)]))
}

fn verified(play: &Play<'_>) -> Result<String, Trouble> {
    play.each("wait-verify", Node::verified)?;
    play.stage.wait("wait-verify-province", || play.world.server.verified())?;
    Ok(play.stage.words.with("found-verified", &[("n", &play.welcome().len())]))
}

/// One byte of a copy is changed, on either side, and `verify` says so.
fn tampering(play: &Play<'_>) -> Result<String, Trouble> {
    let node = &play.cast[FIRST];
    let copies = ["tampered-node", "tampered-server"].map(|name| play.world.dir().join(name));
    for (from, copy) in [node.dir(), play.world.server.dir()].into_iter().zip(&copies) {
        tamper::copy_dir(from, copy)?;
        tamper::one_byte(copy)?;
    }
    let found = [
        Node::new("tampered", &[], &copies[0], node.link.clone()).run(&["verify"])?,
        Server::at(&copies[1]).run(&["verify"])?,
    ];
    for found in found {
        ensure(found.code == VERIFY_FOUND, || found.trouble("verify found nothing").0)?;
    }
    Ok(play.stage.words.get("found-tampering"))
}
