//! Finds the last position that this journal and the server's have in common.
//!
//! Chain hashes are equal up to there and differ behind it, so a search that asks for several at once
//! ends after a few rounds, whatever the journal's length.

use dongbo_proto::id::Hash;
use dongbo_proto::limits::CHAIN_ASKED_MAX;

/// A search under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    /// Common to both.
    common: u64,
    /// Not common, or behind the journal's end.
    beyond: u64,
    /// Asked for, with the hashes here.
    asked: Vec<(u64, Hash)>,
}

impl Search {
    /// A search in a journal that ends at a position.
    pub fn new(position: u64) -> Self {
        Search { common: 0, beyond: position.saturating_add(1), asked: Vec::new() }
    }

    /// The positions to compare next; none when the search is over.
    pub fn next(&self) -> Vec<u64> {
        let between = self.beyond - self.common - 1;
        let steps = between.min(CHAIN_ASKED_MAX as u64);
        let place = |step: u64| {
            let offset = u128::from(between) * u128::from(step) / u128::from(steps);
            self.common + u64::try_from(offset).unwrap_or(between)
        };
        (1..=steps).map(place).collect()
    }

    /// Notes what is here at the positions that are asked for.
    pub fn ask(&mut self, here: Vec<(u64, Hash)>) {
        self.asked = here;
    }

    /// Takes in what the server has there. `false` for an answer to something else.
    pub fn learn(&mut self, theirs: &[Option<Hash>]) -> bool {
        let asked = std::mem::take(&mut self.asked);
        if asked.is_empty() || asked.len() != theirs.len() {
            return false;
        }
        for ((position, here), there) in asked.into_iter().zip(theirs) {
            if Some(here) == *there {
                self.common = self.common.max(position);
            } else {
                self.beyond = self.beyond.min(position);
                break;
            }
        }
        self.common < self.beyond
    }

    /// The last common position, once there is nothing left to compare.
    pub fn found(&self) -> Option<u64> {
        (self.common + 1 == self.beyond).then_some(self.common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(life: u8, position: u64) -> Hash {
        let mut bytes = [life; 32];
        bytes[..8].copy_from_slice(&position.to_be_bytes());
        Hash(bytes)
    }

    #[test]
    fn the_last_common_position_is_found_in_a_few_rounds_wherever_it_is() {
        for (here, there, common) in
            [(0, 0, 0), (0, 9, 0), (1, 1, 0), (5, 3, 3), (40, 1_000, 17), (1_000_000, 999_999, 1)]
        {
            let life = |position: u64, own: u8| if position <= common { 1 } else { own };
            let mut search = Search::new(here);
            let mut rounds = 0;
            while search.found().is_none() {
                let asked = search.next();
                assert!(!asked.is_empty() && asked.len() <= CHAIN_ASKED_MAX);
                let theirs = asked.iter().map(|at| (*at <= there).then(|| hash(life(*at, 3), *at)));
                let theirs: Vec<_> = theirs.collect();
                search.ask(asked.iter().map(|at| (*at, hash(life(*at, 2), *at))).collect());
                assert!(search.learn(&theirs));
                rounds += 1;
            }
            assert_eq!(search.found(), Some(common), "{here} {there}");
            assert!(rounds <= 6, "{rounds} rounds");
        }
    }

    #[test]
    fn an_answer_to_something_else_is_none() {
        let mut search = Search::new(5);
        assert!(!search.learn(&[None]));
        search.ask(vec![(5, hash(1, 5))]);
        assert!(!search.learn(&[None, None]));
    }
}
