//! What pure code and the simulator take from outside: the time and random bytes.
//!
//! Only the traits are here. Each side has one implementation that asks the machine (`system`),
//! and the simulator has its own; clippy bans every other way to ask.

use crate::stamp::UnixMs;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, in milliseconds since 1970; it may be wrong, and jump.
    fn now_ms(&self) -> UnixMs;
}

/// Gives random bytes, fit for secrets in production and seeded in the simulator.
pub trait Entropy: Send + Sync + 'static {
    /// Fills a buffer.
    fn fill(&self, bytes: &mut [u8]);

    /// A number of 64 random bits that is not zero.
    fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes).max(1)
    }
}

/// Random bytes from behind a trait object, where the length is known to the compiler.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
