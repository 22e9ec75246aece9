//! The story, a chapter a file, in its order.

mod audit;
mod clocks;
mod crash;
mod load;
mod mistake;
mod offline;
mod request;
mod restore;
mod revoke;
mod settle;

use super::cast;
use super::ledger::Ledger;
use super::play::Play;
use super::stage::Stage;
use crate::harness::{Trouble, World};
use crate::province::Size;

pub(super) use load::open;

/// All chapters. The first that cannot go on ends the story.
pub(super) fn all(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    load::load(play)?;
    offline::away(play)?;
    offline::back(play, ledger)?;
    settle::settle(play)?;
    clocks::clocks(play, ledger)?;
    request::request(play, ledger)?;
    mistake::mistake(play)?;
    restore::back_up(play)?;
    crash::server(play, ledger)?;
    crash::download(play, ledger)?;
    crash::node(play, ledger)?;
    restore::restore(play, ledger)?;
    revoke::revoke(play, ledger)?;
    audit::audit(play, ledger)
}

/// Makes sure of something that the story says.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Trouble> {
    if holds { Ok(()) } else { Err(Trouble(what())) }
}
