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
