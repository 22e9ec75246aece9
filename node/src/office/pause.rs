//! How long a node stays away between two tries: pure, so that a command, a watch and a measurement of
//! a whole province keep to the same rule.
//!
//! What the province asks for goes first, and nobody comes before that moment. Otherwise pauses grow
//! with each try that brought nothing. No two nodes wait alike: a province that comes back after an
//! outage must not be stormed. Deliberately absent: sleeping, and whether another try makes sense.

use std::time::Duration;

use dongbo_proto::limits;
use dongbo_proto::seam::Entropy;

/// First pause after a try that brought nothing, in milliseconds; it doubles.
const PAUSE_MS_MIN: u64 = 500;
/// Longest pause that a node chooses itself, in milliseconds: a line that is back is used within a
/// minute and a half.
const PAUSE_MS_MAX: u64 = 60_000;
/// The later half of a pause is chance. Of a pause that the province asked for, chance adds up to a
/// quarter: it has spread its nodes already, to the second.
const ASKED_SPREAD: u64 = 4;
/// The least spread of a pause that was asked for, in milliseconds: nodes that were given the same
/// second do not come in the same moment.
const ASKED_SPREAD_MS_MIN: u64 = 1_000;

/// The pause before the next try. `asked_s`: seconds that the province asked for, 0 if it said nothing;
/// `fruitless`: tries in a row that brought nothing, at least one.
#[must_use]
pub fn pause(asked_s: u32, fruitless: u32, entropy: &dyn Entropy) -> Duration {
    let (least, spread) = match asked_s.min(limits::COME_BACK_S_MAX) {
        0 => {
            let base = (PAUSE_MS_MIN << fruitless.min(10)).min(PAUSE_MS_MAX);
            (base / 2, base)
        }
        seconds => {
            let base = u64::from(seconds) * 1_000;
            (base, (base / ASKED_SPREAD).max(ASKED_SPREAD_MS_MIN))
        }
    };
    Duration::from_millis(least + entropy.number() % spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Numbers that are spread, and the same in each run.
    struct Dice(AtomicU64);

    impl Entropy for Dice {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                let mixed =
                    self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                *byte = (mixed >> 40) as u8;
            }
        }
    }

    fn pauses(asked_s: u32, fruitless: u32) -> Vec<u64> {
        let dice = Dice(AtomicU64::new(1));
        (0..200).map(|_| pause(asked_s, fruitless, &dice).as_millis() as u64).collect()
    }

    /// Fault 26: a node that is asked to come back comes then, not before, and not all at once. [I14 I15]
    #[test]
    fn nobody_comes_before_the_moment_that_was_asked_for_and_not_all_in_the_same() {
        for asked_s in [1, 30, 600] {
            let pauses = pauses(asked_s, 1);
            let base = u64::from(asked_s) * 1_000;
            assert!(pauses.iter().all(|p| (base..base + (base / 4).max(1_000)).contains(p)));
            assert!(pauses.iter().collect::<HashSet<_>>().len() > 100, "they differ");
        }
        let most = u64::from(limits::COME_BACK_S_MAX) * 1_250;
        assert!(pauses(u32::MAX, 1).iter().all(|p| *p <= most), "nobody is sent away for ever");
    }

    #[test]
    fn pauses_that_nobody_asked_for_grow_to_their_bound() {
        let longest = |fruitless| pauses(0, fruitless).into_iter().max().unwrap_or_default();
        let shortest = |fruitless| pauses(0, fruitless).into_iter().min().unwrap_or_default();
        assert!(longest(1) < 1_500 && shortest(1) >= 500);
        assert!(shortest(40) >= PAUSE_MS_MAX / 2 && longest(40) < PAUSE_MS_MAX * 3 / 2);
    }
}
