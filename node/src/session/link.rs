//! How much to send at once: small where the link is cut often, large where it is good.
//!
//! A batch is durable alone, so its size is what a cut can cost. It is halved at each cut (down to
//! 2 KB, where one act is sent at a time) and doubled at each exchange that came through.

use dongbo_proto::limits::BATCHES_IN_FLIGHT_MAX;

/// One act at a time below this: about a second and a half at 9.6 kbit/s.
const BYTES_MIN: usize = 2 * 1024;
/// What one batch may hold before compression on a good link: about 1,000 records.
const BYTES_MAX: usize = 2 * 1024 * 1024;
/// Below this the link counts as bad, and a batch waits for the one before it.
const GOOD: usize = 256 * 1024;

/// Making a connection takes less than this on a good link, in milliseconds.
const SLOW_MS: u64 = 3_000;
/// Uncompressed bytes that a slow link may be given at once, times the milliseconds that it took to
/// connect: about five kilobytes pass then, both ways. With ten seconds, 13 KB: some three compressed,
/// through in another three seconds at 9.6 kbit/s. What is under way at a cut is sent again.
const SLOW_BYTES_MS: u64 = 128 * 1024 * 1_000;

/// What is known of the link, kept between exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    bytes: usize,
    /// A file: nothing is acknowledged while it is written.
    file: bool,
}

impl Default for Link {
    fn default() -> Self {
        Link { bytes: BYTES_MAX, file: false }
    }
}

impl Link {
    /// From the number that was kept; anything odd counts as a good link.
    pub fn from_kept(bytes: usize) -> Self {
        let bytes = if bytes == 0 { BYTES_MAX } else { bytes.clamp(BYTES_MIN, BYTES_MAX) };
        Link { bytes, file: false }
    }

    /// A file on a stick: all goes at once, for nothing is answered before the file is carried.
    pub fn file() -> Self {
        Link { bytes: BYTES_MAX, file: true }
    }

    /// Uncompressed bytes that one batch may hold.
    pub fn bytes_max(self) -> usize {
        self.bytes
    }

    /// Batches that may be under way unacknowledged.
    pub fn in_flight_max(self) -> usize {
        if self.file {
            return usize::MAX;
        }
        if self.bytes < GOOD { 1 } else { BATCHES_IN_FLIGHT_MAX }
    }

    /// A link that took so long to connect, in milliseconds: a slow one is not tried with what a good
    /// one carried, for it would be cut in the middle, and again with the half of it.
    pub fn connected_in(self, took_ms: u64) -> Self {
        if took_ms < SLOW_MS || self.file {
            return self;
        }
        let bytes = usize::try_from(SLOW_BYTES_MS / took_ms).unwrap_or(BYTES_MAX);
        Link { bytes: self.bytes.min(bytes.max(BYTES_MIN)), ..self }
    }

    /// After a cut.
    pub fn after_cut(self) -> Self {
        Link { bytes: (self.bytes / 2).max(BYTES_MIN), ..self }
    }

    /// After an exchange that came through.
    pub fn after_success(self) -> Self {
        Link { bytes: (self.bytes * 2).min(BYTES_MAX), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 24: over 2G the first batch is small already, so that a cut costs little. [I15]
    #[test]
    fn a_link_that_took_long_to_connect_is_given_little_at_once() {
        let good = Link::default();
        assert_eq!(good.connected_in(400), good);
        let slow = good.connected_in(10_000);
        assert!((8 * 1024..16 * 1024).contains(&slow.bytes_max()), "{}", slow.bytes_max());
        assert_eq!(slow.in_flight_max(), 1);
        assert_eq!(good.connected_in(u64::MAX).bytes_max(), BYTES_MIN);
        assert_eq!(Link::file().connected_in(10_000), Link::file());
    }

    /// Counterexample 24: a batch shrinks at each cut, down to the least.
    #[test]
    fn a_bad_link_goes_down_to_the_least_and_comes_back() {
        let mut link = Link::default();
        (0..30).for_each(|_| link = link.after_cut());
        assert_eq!((link.bytes_max(), link.in_flight_max()), (BYTES_MIN, 1));
        (0..30).for_each(|_| link = link.after_success());
        assert_eq!(link, Link::default());
    }
}
