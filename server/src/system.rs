//! The one place of this side that asks the machine for the time and for random bytes.
//! Everything else is handed a [`Clock`] and an [`Entropy`].

use aws_lc_rs::rand;
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::stamp::UnixMs;

/// The machine's clock and random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    #[allow(clippy::disallowed_methods, reason = "this is where the wall clock is read")]
    fn now_ms(&self) -> UnixMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| UnixMs::try_from(d.as_millis()).unwrap_or(UnixMs::MAX))
    }
}

impl Entropy for System {
    /// Ends the process where the machine has no random bytes: no key or id may be made then.
    #[allow(clippy::disallowed_methods, reason = "this is where random bytes come from")]
    fn fill(&self, bytes: &mut [u8]) {
        if rand::fill(bytes).is_err() {
            eprintln!("dongbo: the machine gives no random bytes");
            std::process::abort();
        }
    }
}
