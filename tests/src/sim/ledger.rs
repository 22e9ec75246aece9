//! The ledger: everything that a person was told is saved, written down beside the system and never
//! shown to it. At the end of a run each line must be found again.

use dongbo_proto::act::Op;
use dongbo_proto::id::{ActId, AuthorId};
use dongbo_proto::stamp::Stamp;

/// One saved act.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The act.
    pub act: ActId,
    /// What its author's computer said it was.
    pub claimed: Stamp,
    /// What it does, as it was handed in.
    pub ops: Vec<Op>,
}

/// All saved acts.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    values: u64,
}

impl Ledger {
    /// Writes down an act that was just saved.
    pub fn saved(&mut self, act: ActId, claimed: Stamp, ops: Vec<Op>) {
        self.entries.push(Entry { act, claimed, ops });
    }

    /// A text that no write of this run has used: found again, it is that write's.
    pub fn fresh_text(&mut self) -> String {
        self.values += 1;
        format!("giá trị {}", self.values)
    }

    /// Takes out the lines after the first so many, of these authors: the only disk that had them is
    /// lost.
    pub fn lost(&mut self, lines: usize, of: impl Fn(AuthorId) -> bool) {
        let mut at = 0;
        self.entries.retain(|entry| {
            at += 1;
            at <= lines || !of(entry.act.author)
        });
    }

    /// All lines, in the order in which they were saved.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last position that an author was told is saved.
    pub fn last_of(&self, author: AuthorId) -> u64 {
        let own = self.entries.iter().filter(|e| e.act.author == author);
        own.map(|e| e.act.position).max().unwrap_or(0)
    }
}
