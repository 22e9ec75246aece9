//! The ledger: everything that a person was told is saved, written down beside the system and never
//! shown to it. At the end of a run each line must be found again.

use dongbo_proto::act::{Op, Over};
use dongbo_proto::frame::Fork;
use dongbo_proto::id::ActId;
use dongbo_proto::stamp::Stamp;

/// One saved act.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its line: lines before it may have been taken out.
    line: usize,
    /// The act.
    pub act: ActId,
    /// What its author's computer said it was.
    pub claimed: Stamp,
    /// What it does, as it was handed in.
    pub ops: Vec<Op>,
    /// Whose machine it was saved on; empty for the province.
    pub machine: String,
    /// The disk that had it is lost: it has got away, or it has not.
    pub doubtful: bool,
}

/// All saved acts.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    lines: usize,
    values: u64,
}

impl Ledger {
    /// Writes down an act that was just saved.
    pub fn saved(&mut self, machine: &str, act: ActId, claimed: Stamp, ops: Vec<Op>) {
        let (machine, doubtful) = (machine.to_owned(), false);
        let line = self.lines;
        self.entries.push(Entry { line, act, claimed, ops, machine, doubtful });
        self.lines += 1;
    }

    /// A machine's disk was put back to what it was after so many lines.
    pub fn doubtful(&mut self, lines: usize, machine: &str) {
        let since = self.entries.iter_mut().filter(|e| e.line >= lines && e.machine == machine);
        since.for_each(|entry| entry.doubtful = true);
    }

    /// What a machine has saved behind a position goes on under another id.
    pub fn forked(&mut self, machine: &str, fork: &Fork) {
        let renamed = |id: &mut ActId| {
            if id.author == fork.parent && id.position > fork.at {
                id.author = fork.author;
            }
        };
        let own = self.entries.iter_mut().filter(|e| e.machine == machine && !e.doubtful);
        for entry in own.filter(|e| e.act.author == fork.parent && e.act.position > fork.at) {
            renamed(&mut entry.act);
            for op in &mut entry.ops {
                match op {
                    Op::Retract(acts) => acts.iter_mut().for_each(renamed),
                    Op::Write(writes) => {
                        for field in &mut writes.fields {
                            if let Over::Heads(heads) = &mut field.over {
                                heads.iter_mut().for_each(renamed);
                                heads.sort_unstable();
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// A text that no write of this run has used: found again, it is that write's.
    pub fn fresh_text(&mut self) -> String {
        self.values += 1;
        format!("giá trị {}", self.values)
    }

    /// Takes out what the province's own people did after so many lines: the only disk that had it is
    /// lost.
    pub fn lost(&mut self, lines: usize) {
        self.entries.retain(|entry| entry.line < lines || !entry.machine.is_empty());
    }

    /// How many lines were ever written.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// All lines, in the order in which they were saved.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
