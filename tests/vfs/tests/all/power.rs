//! The power goes at the n-th change of a step; what was not synced is lost, torn or reordered, as the
//! dice fall.
//!
//! What is found afterwards is a committed prefix with every act that was said to be saved, and every
//! act that the province acknowledged; and the product's own verify finds nothing.

use dongbo_vfs::{Calls, Effect};

use crate::faults::{disk, number};
use crate::house::House;
use crate::steps::{STEPS, Side, Step};

/// Between two changes at which the power goes, where the environment does not say.
const STRIDE: u64 = 7;

fn cut_at(step: &Step, n: u64, seed: u64) -> bool {
    let what = format!("{}: power cut at change {n}, seed {seed}", step.name);
    let mut house = House::from(&step.before, seed);
    disk(&house, step).break_at(Calls::Changes, n, Effect::LosesPower);
    let done = (step.run)(&mut house);
    let broke = disk(&house, step).has_broken();
    // A program that came to its end loses power right behind it.
    let off = (&house.node, &house.server);
    [off.0, off.1].into_iter().for_each(|disk| disk.power_back().unwrap());
    if step.side == Side::Node {
        house.cut_log(seed);
    }
    assert!(broke || done.is_ok(), "{what}: {done:?} on a sound disk");
    house.assert_goes_on(&what);
    broke
}

/// Fault 3: after a power cut the state is a committed prefix with every act that was said to be saved. [I2 I3]
/// Fault 1: an office that loses power in the middle of any step goes on from what was durable. [I2 I3 I4 I6]
/// Fault 2: so does the province: it has what it acknowledged, and takes the rest again. [I3 I4 I10]
/// Fault 13: a migration that is cut off is done again, from the beginning. [I13 I17]
/// Fault 14: a backup or restore that is cut off leaves nothing under the name of a copy that is not one. [I17]
#[test]
fn a_power_cut_anywhere_loses_nothing_that_was_said() {
    let stride = number("DONGBO_VFS_STRIDE", STRIDE);
    let (from, seeds) = (number("DONGBO_VFS_SEED", 1), number("DONGBO_VFS_SEEDS", 1));
    for step in STEPS.iter() {
        let mut n = 1;
        // Every seed at every change, and one time more: power lost behind a step that was done.
        let at = |n| {
            (from..from + seeds)
                .map(|seed| cut_at(step, n, seed * 1_000 + n))
                .fold(false, |a, b| a | b)
        };
        while at(n) {
            n += if n < 12 { 1 } else { stride };
        }
        println!("{}: {n} changes", step.name);
    }
}
