//! Seeded randomness: every source in a run is a stream of its own, named, so that one more draw
//! in one place does not move all others.
//!
//! Deliberately absent: what TLS draws. It comes from the machine, and nothing of it may reach the
//! log; sizes do not depend on it, since every key and signature is Ed25519.

use std::sync::{Mutex, PoisonError};

use dongbo_proto::seam::Entropy;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of one purpose in the run of one seed.
pub fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    for (at, byte) in purpose.bytes().enumerate() {
        key[8 + at % 24] = key[8 + at % 24].rotate_left(3) ^ byte;
    }
    ChaCha8Rng::from_seed(key)
}

/// A stream behind the seam through which the server and the nodes take random bytes.
pub struct Seeded(Mutex<ChaCha8Rng>);

impl Seeded {
    /// A source of bytes for one purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Seeded(Mutex::new(stream(seed, purpose)))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// One of some things; `None` if there are none.
pub fn pick<'a, T>(dice: &mut ChaCha8Rng, of: &'a [T]) -> Option<&'a T> {
    if of.is_empty() { None } else { of.get(dice.random_range(0..of.len())) }
}

/// One of some things, each with its weight, of which at least one is positive.
pub fn weighted<T: Copy>(dice: &mut ChaCha8Rng, of: &[(T, u32)]) -> T {
    let all: u32 = of.iter().map(|o| o.1).sum();
    let mut left = dice.random_range(0..all.max(1));
    for (thing, weight) in of {
        if left < *weight {
            return *thing;
        }
        left -= weight;
    }
    of[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_their_own_and_come_again() {
        let draw = |seed, purpose| stream(seed, purpose).next_u64();
        assert_eq!(draw(7, "n1"), draw(7, "n1"));
        assert_ne!(draw(7, "n1"), draw(7, "n2"));
        assert_ne!(draw(7, "n1"), draw(8, "n1"));
        assert_ne!(draw(7, "aab"), draw(7, "aba"));
    }

    #[test]
    fn a_weight_of_nothing_is_never_drawn() {
        let mut dice = stream(1, "weights");
        assert!((0..200).all(|_| weighted(&mut dice, &[('a', 0), ('b', 3)]) == 'b'));
    }
}
