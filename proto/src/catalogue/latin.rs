//! Facts about the letters that Vietnamese is written with, one look-up each.
//!
//! Every text that is saved, merged or searched passes through `text` and `fold`; the general
//! algorithms of Unicode measured a third of the cost of saving a new member. The tables are made
//! by those algorithms at the first use, so nothing is asserted here that they do not say.

use std::sync::LazyLock;

/// Latin with its supplements: ASCII, Latin-1, Extended-A and -B.
const LOW_END: usize = 0x250;
/// Latin Extended Additional: the letters with two marks.
const HIGH: std::ops::Range<usize> = 0x1E00..0x1F00;

/// One entry for each character of these blocks.
pub(super) struct Table<T>(LazyLock<Vec<T>>);

impl<T: Copy> Table<T> {
    /// A table that asks `of` for each character, once.
    pub(super) const fn new(make: fn() -> Vec<T>) -> Self {
        Table(LazyLock::new(make))
    }

    /// What finds the entry of a character; `None` outside the blocks.
    pub(super) fn look_up(&self) -> impl Fn(char) -> Option<T> + '_ {
        let entries = self.0.as_slice();
        move |c| match c as usize {
            c if c < LOW_END => entries.get(c).copied(),
            c if HIGH.contains(&c) => entries.get(LOW_END + c - HIGH.start).copied(),
            _ => None,
        }
    }
}

/// What `of` says of each character of the blocks, in the order of a [`Table`].
pub(super) fn each<T>(of: impl Fn(char) -> T) -> Vec<T> {
    (0..LOW_END).chain(HIGH).map(|c| of(char::from_u32(c as u32).unwrap_or('\0'))).collect()
}
