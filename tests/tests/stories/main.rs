//! Stories: a commune and its province as people live with them, told over real processes and real TLS.
//!
//! Each story starts a province of its own, so that they run beside each other. A story that chooses moments prints
//! its seed; `DONGBO_SEED` sets another one.

mod bad_input;
mod clocks;
mod cuts;
mod full_disk;
mod joining;
mod kills;
mod live;
mod offline;
mod operating;
mod operators;
mod passphrase;
mod places;
mod put_back;
mod released;
mod requests;
mod restore;
mod revoked;
mod rivals;
mod salvage;
mod scopes;
mod skew;
mod stick;
mod tampering;
mod undo;

use std::time::Duration;

use dongbo_tests::harness::{Node, Ran, Trouble, World};
use dongbo_tests::province::Size;

/// What a story returns: the first thing that was not as told.
type Story = Result<(), Trouble>;

/// The seed where nobody names one.
const SEED_DEFAULT: u64 = 7;
/// How long a machine tries again after a cut or a crash.
const AGAIN: Duration = Duration::from_secs(60);

/// The seed of this run, printed.
fn seed() -> u64 {
    let named = std::env::var("DONGBO_SEED").ok().and_then(|text| text.parse().ok());
    let seed = named.unwrap_or(SEED_DEFAULT);
    eprintln!("DONGBO_SEED={seed}");
    seed
}

/// A small province that serves, with no member in it.
fn empty_province() -> Result<World, Trouble> {
    World::start(seed(), Size::Hundredth, false)
}

/// A small province whose first office's members are at the province already, and two machines of that office.
fn office() -> Result<(World, [Node; 2]), Trouble> {
    let world = empty_province()?;
    let scope = first_scope(&world);
    world.server.import(&[&world.file_of(&scope)])?;
    let nodes = [world.node("lan", &[&scope])?, world.node("minh", &[&scope])?];
    Ok((world, nodes))
}

fn first_scope(world: &World) -> String {
    world.scopes()[0].code.clone()
}

/// The ids of the members of an office.
fn members(world: &World, scope: &str) -> Vec<String> {
    world.province.members_of(scope).map(|m| m.id.hyphenated().to_string()).collect()
}

#[track_caller]
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Story {
    let at = std::panic::Location::caller();
    if holds { Ok(()) } else { Err(Trouble(format!("{at}: {}", what()))) }
}

#[track_caller]
fn ensure_eq<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug>(found: T, wanted: U) -> Story {
    let at = std::panic::Location::caller();
    let holds = found == wanted;
    if holds { Ok(()) } else { Err(Trouble(format!("{at}: {found:?}, not {wanted:?}"))) }
}

/// A command refused with this exit code and a sentence, and that sentence says these things.
#[track_caller]
fn refused(ran: Ran, code: i32, says: &[&str]) -> Story {
    let at = std::panic::Location::caller();
    let told = format!("{}{}", ran.out, ran.err);
    let silent = says.iter().find(|part| !told.contains(**part));
    if ran.code == code && silent.is_none() && ran.err.trim().len() > 20 {
        return Ok(());
    }
    Err(ran.trouble(&format!("{at}: not refused with {code} and {says:?}")))
}
