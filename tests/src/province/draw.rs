//! Everything random in the generated province comes through here.
//!
//! One ChaCha8 stream per part of the generator, so that a change in one part leaves the bytes of the
//! others alone. Only integers of the cipher and exact floating-point operations (+ − × ÷) are used: no
//! `exp`, no `ln`, no platform-sized integers, because the same seed has to give the same bytes on every machine.
//! Deliberately absent: a clock, and any other source of randomness.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use uuid::Uuid;

/// The parts of the generator that draw, each from a stream of its own.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Tree = 1,
    Ids = 2,
    Cohorts = 3,
    Seats = 4,
    Traits = 5,
    Names = 6,
    Twins = 7,
    Duties = 8,
    Details = 9,
    UnitIds = 10,
    /// Events take this one and all that follow, one per scope.
    Events = 1000,
}

/// A deterministic source of draws.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        Self::nth(seed, stream, 0)
    }

    pub(crate) fn nth(seed: u64, stream: Stream, offset: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64 + offset);
        Self(rng)
    }

    /// Uniform in `0..n`; `n` must not be 0.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        let scaled = (u64::from(self.0.next_u32()) * u64::from(n)) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Near enough to a normal draw: the sum of twelve uniform ones, which needs no logarithm.
    pub(crate) fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + sd * (sum - 6.0)
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// Picks by weight; the weights need not sum to anything.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(T, f64)]) -> T {
        let mut left = self.unit() * from.iter().map(|(_, weight)| weight).sum::<f64>();
        for (value, weight) in from {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        from[from.len() - 1].0
    }

    /// Picks with weights that fall from `steep` at the first to 1 at the last.
    pub(crate) fn front_loaded<T: Copy>(&mut self, from: &[T], steep: f64) -> T {
        let last = from.len() as f64 - 1.0;
        let top = steep + 1.0;
        loop {
            let i = self.index(from.len());
            let weight = 1.0 + (steep - 1.0) * (last - i as f64) / last;
            if self.unit() * top < weight {
                return from[i];
            }
        }
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.index(i + 1);
            items.swap(i, j);
        }
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// Mints ids shaped like UUIDv7, a millisecond apart from a fictitious moment on, so that they sort as they were made.
pub(crate) struct Ids {
    draw: Draw,
    millis: u64,
}

impl Ids {
    pub(crate) fn new(draw: Draw, from_millis: u64) -> Self {
        Self { draw, millis: from_millis }
    }

    pub(crate) fn mint(&mut self) -> Uuid {
        let mut random = [0; 10];
        self.draw.0.fill_bytes(&mut random);
        self.millis += 1;
        uuid::Builder::from_unix_timestamp_millis(self.millis, &random).into_uuid()
    }
}
