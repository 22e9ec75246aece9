//! The clocks of a run: simulated time, the same for all, and what each machine believes it to be.
//!
//! A machine's clock is the true one and an error, which the nemesis moves by years. Timers
//! (`tokio::time`) always run true: a wrong calendar does not make seconds longer.

use std::sync::atomic::{AtomicI64, Ordering};

use dongbo_proto::seam::Clock;
use dongbo_proto::stamp::UnixMs;

/// What the true clock says when a run begins: 23 November 2026, 00:00 UTC.
pub const START_MS: UnixMs = 1_795_392_000_000;

/// The clock of one machine.
#[derive(Debug, Default)]
pub struct HostClock {
    error_ms: AtomicI64,
    /// Time that nobody lived through: it passes for all machines at once.
    skipped_ms: AtomicI64,
    /// The true time at which it was last asked, for calls from outside of any host.
    last_ms: AtomicI64,
}

impl HostClock {
    /// Sets how far it is off, in milliseconds.
    pub fn set_error(&self, error_ms: i64) {
        self.error_ms.store(error_ms, Ordering::Relaxed);
    }

    /// Weeks pass in which nothing happens. Answers how much has passed so, in milliseconds.
    pub fn skip(&self, ms: i64) -> i64 {
        self.skipped_ms.fetch_add(ms, Ordering::Relaxed).saturating_add(ms)
    }

    /// Tells it the true time elapsed, from outside of any host.
    pub fn elapsed_is(&self, elapsed_ms: i64) {
        self.last_ms.store(elapsed_ms, Ordering::Relaxed);
    }
}

impl Clock for HostClock {
    fn now_ms(&self) -> UnixMs {
        let elapsed = turmoil::sim_elapsed().and_then(|d| i64::try_from(d.as_millis()).ok());
        let elapsed = elapsed.unwrap_or_else(|| self.last_ms.load(Ordering::Relaxed));
        let skipped = self.skipped_ms.load(Ordering::Relaxed);
        START_MS + elapsed + skipped + self.error_ms.load(Ordering::Relaxed)
    }
}
