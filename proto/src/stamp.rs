//! Time as the registry uses it: a hybrid logical clock for what an author claims, and the
//! order stamp that the server fixes at merge.
//!
//! Stamps only order writes that did not know of each other (`merge`); they are never knowledge
//! and never identity. Nobody's clock advances from another's stamp, so there is no `receive`.
//! The clock itself is read outside and passed in.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMs = i64;

/// Bits of a packed stamp that count acts within one millisecond.
const COUNTER_BITS: u32 = 16;

/// A moment: 48 bits of milliseconds since 1970 and a 16-bit counter, packed so that order is order.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Packs a moment; times before 1970 or beyond the year 10889 are clamped.
    pub fn new(ms: UnixMs, counter: u16) -> Self {
        let ms = ms.clamp(0, (1 << 48) - 1) as u64;
        Stamp((ms << COUNTER_BITS) | u64::from(counter))
    }

    /// The milliseconds since 1970.
    pub fn ms(self) -> UnixMs {
        (self.0 >> COUNTER_BITS) as UnixMs
    }

    /// The counter within the millisecond.
    pub fn counter(self) -> u16 {
        self.0 as u16
    }

    /// The least stamp above this one.
    pub fn next(self) -> Self {
        Stamp(self.0.saturating_add(1))
    }
}

/// What a node claims for its next act: its wall clock, but never at or before its last claim,
/// so that a clock set back does not reorder one office's own acts.
pub fn claim(last: Stamp, wall_ms: UnixMs) -> Stamp {
    Stamp::new(wall_ms, 0).max(last.next())
}

/// Between which two server times everything that one exchange delivers was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Server time at the end of the node's previous exchange.
    pub since_ms: UnixMs,
    /// Server time now.
    pub until_ms: UnixMs,
    /// What to add to the node's clock to get the server's, as measured in Hello.
    pub offset_ms: i64,
}

/// The order stamp of one act: the claim shifted by the measured offset, clamped into the window,
/// and after the author's previous act.
pub fn order(claimed: Stamp, window: Window, previous: Stamp) -> Stamp {
    let shifted = claimed.ms().saturating_add(window.offset_ms);
    let (low, high) = (window.since_ms.min(window.until_ms), window.until_ms);
    let within = shifted.clamp(low, high);
    let counter = if within == shifted { claimed.counter() } else { 0 };
    Stamp::new(within, counter).max(previous.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { since_ms: 1_000, until_ms: 5_000, offset_ms: 0 };

    #[test]
    fn a_clock_set_back_does_not_reorder_one_office() {
        let first = claim(Stamp::default(), 10_000);
        let second = claim(first, 2_000);
        assert!(second > first);
        assert_eq!(second.ms(), 10_000);
    }

    #[test]
    fn a_claim_within_the_window_is_kept() {
        assert_eq!(order(Stamp::new(3_000, 7), WINDOW, Stamp::default()), Stamp::new(3_000, 7));
    }

    #[test]
    fn a_clock_in_2035_or_1999_is_clamped_into_the_window() {
        let far = Stamp::new(2_051_222_400_000, 3);
        assert_eq!(order(far, WINDOW, Stamp::default()).ms(), 5_000);
        assert_eq!(order(Stamp::new(0, 0), WINDOW, Stamp::default()).ms(), 1_000);
    }

    #[test]
    fn a_known_offset_puts_a_wrong_clock_right() {
        let window = Window { offset_ms: -2_000, ..WINDOW };
        assert_eq!(order(Stamp::new(5_500, 1), window, Stamp::default()), Stamp::new(3_500, 1));
    }

    #[test]
    fn one_authors_order_is_kept_even_when_all_are_clamped() {
        let mut last = Stamp::default();
        for claimed in [9_000_i64, 9_001, 9_002] {
            let stamp = order(Stamp::new(claimed, 0), WINDOW, last);
            assert!(stamp > last);
            last = stamp;
        }
    }
}
