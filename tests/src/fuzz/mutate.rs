//! Mutation by seed, for a compiler without coverage: bit flips, splices, truncations, repeats and the ends of numbers.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bytes of one input: what the targets see of a longer one they see of a shorter.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Changes to one input.
const CHANGES_MAX: u32 = 6;

/// Makes new inputs of a corpus.
pub struct Mutator {
    corpus: Vec<Vec<u8>>,
    dice: ChaCha8Rng,
}

impl Mutator {
    /// Of these inputs; the same seed gives the same mutations.
    #[must_use]
    pub fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Self {
        Mutator { corpus, dice: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The next input.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.one();
        for _ in 0..self.dice.random_range(1..=CHANGES_MAX) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn one(&mut self) -> Vec<u8> {
        match self.corpus.len() {
            0 => vec![0],
            count => self.corpus[self.dice.random_range(0..count)].clone(),
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        if input.is_empty() {
            input.push(self.dice.random());
        }
        let at = self.dice.random_range(0..input.len());
        match self.dice.random_range(0..7) {
            0 => input[at] ^= 1 << self.dice.random_range(0..8),
            1 => input[at] = self.dice.random(),
            2 => input.truncate(at),
            3 => self.splice(input, at),
            4 => drop(input.remove(at)),
            5 => self.repeat(input, at),
            _ => self.end_of_numbers(input, at),
        }
    }

    /// The rest becomes that of another input.
    fn splice(&mut self, input: &mut Vec<u8>, at: usize) {
        let other = self.one();
        let from = self.dice.random_range(0..=other.len());
        input.truncate(at);
        input.extend(&other[from..]);
    }

    fn repeat(&mut self, input: &mut Vec<u8>, at: usize) {
        let until = (at + self.dice.random_range(1..=16)).min(input.len());
        let part = input[at..until].to_vec();
        let times = self.dice.random_range(1..=64);
        input.splice(at..at, part.repeat(times));
    }

    /// What a varint has most, a fixed number has most, and nothing.
    fn end_of_numbers(&mut self, input: &mut Vec<u8>, at: usize) {
        const ENDS: [&[u8]; 4] = [
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0xff; 8],
            &[0x80, 0x80, 0x80, 0x80, 0x08],
            &[0; 8],
        ];
        let end = ENDS[self.dice.random_range(0..ENDS.len())];
        input.splice(at..at, end.iter().copied());
    }
}
