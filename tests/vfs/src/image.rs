//! What may be on the platter: a file as it was at its last sync, and the writes since.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR_BYTES: usize = 512;

/// A change that no sync has covered yet.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Bytes at an offset.
    Write(usize, Vec<u8>),
    /// The file ends here.
    Truncate(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write(at, bytes) => put(to, *at, bytes),
            Change::Truncate(length) => to.truncate(*length),
        }
    }
}

fn put(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if to.len() < at + bytes.len() {
        to.resize(at + bytes.len(), 0);
    }
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

/// One file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// Its contents at the last sync; `None` while not even its name is durable.
    pub durable: Option<Vec<u8>>,
    /// The changes since, in order.
    pub changes: Vec<Change>,
    /// It was deleted, and its directory was not synced since.
    pub deleted: bool,
}

/// How the power went. One manner for all files of a cut: they share a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nothing since the last sync is there.
    Lost,
    /// All of it is.
    Kept,
    /// Some changes are there and some are not, in any order.
    Reordered,
    /// Some sectors of some changes are.
    Torn,
}

impl Manner {
    pub(crate) fn draw(dice: &mut ChaCha8Rng) -> Self {
        [Manner::Lost, Manner::Kept, Manner::Reordered, Manner::Torn][dice.random_range(0..4)]
    }
}

impl Image {
    /// A sync that came through.
    pub(crate) fn sync(&mut self) {
        let mut bytes = self.durable.take().unwrap_or_default();
        self.changes.drain(..).for_each(|change| change.apply(&mut bytes));
        self.durable = Some(bytes);
    }

    /// A sync that failed. Some of what was under way is on the platter. The rest never will be: the
    /// system has marked it as written, so that later syncs pass it over although it is still read.
    pub(crate) fn fail_sync(&mut self, dice: &mut ChaCha8Rng) {
        self.durable = self.after_cut(Manner::draw(dice), dice);
        self.changes.clear();
    }

    /// What is found when the power is back; `None` if there is no such file.
    pub(crate) fn after_cut(&self, manner: Manner, dice: &mut ChaCha8Rng) -> Option<Vec<u8>> {
        let there = self.durable.is_some() || manner != Manner::Lost;
        if !there || (self.deleted && manner != Manner::Lost && dice.random()) {
            return None;
        }
        let mut bytes = self.durable.clone().unwrap_or_default();
        self.changes.iter().for_each(|change| survive(change, manner, dice, &mut bytes));
        Some(bytes)
    }
}

fn survive(change: &Change, manner: Manner, dice: &mut ChaCha8Rng, bytes: &mut Vec<u8>) {
    match (manner, change) {
        (Manner::Lost, _) => {}
        (Manner::Kept, change) => change.apply(bytes),
        (Manner::Torn, Change::Write(at, new)) => {
            for (sector, part) in new.chunks(SECTOR_BYTES).enumerate() {
                if dice.random() {
                    put(bytes, at + sector * SECTOR_BYTES, part);
                }
            }
        }
        (_, change) => {
            if dice.random() {
                change.apply(bytes);
            }
        }
    }
}
