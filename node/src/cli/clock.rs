//! The wall clock with a shift: stories set a computer to 2035 or 1999 with it.

use dongbo_proto::seam::Clock;
use dongbo_proto::stamp::UnixMs;

use crate::system::System;

/// The machine's clock, so many seconds off.
#[derive(Clone, Copy, Debug)]
pub struct ShiftedClock {
    /// Added to the machine's time.
    pub offset_s: i64,
}

impl Clock for ShiftedClock {
    fn now_ms(&self) -> UnixMs {
        System.now_ms().saturating_add(self.offset_s.saturating_mul(1_000))
    }
}
