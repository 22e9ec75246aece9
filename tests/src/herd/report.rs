//! What a herd met, as a table and as JSON, beside its bounds.
//!
//! The bounds are ratios and counts, so that they hold on any machine. Deliberately absent: seconds as
//! a bound; they are shown so that a ratio can be understood.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Came, Visit};

/// Bytes of memory that the server may take for each further office that comes in the same moment: its
/// connection, TLS and a first flight that lies as it came; nothing that grows with what is filled or
/// merged. Connections have a bound of their own (`NODE_CONNECTIONS_MAX`).
pub const OFFICE_BYTES_MAX: f64 = 256.0 * 1024.0;
/// The most memory that the server may take, in bytes: half of a small machine's gigabyte.
pub const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The most exchanges that any office may begin until it is in step.
pub const TRIES_MAX: u32 = 8;
/// The longest that anyone may wait, as a multiple of the time in which half of all were served.
pub const WAIT_SPREAD_MAX: f64 = 4.0;

/// One situation, measured.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What it was.
    pub name: &'static str,
    /// How many offices.
    pub nodes: usize,
    /// What they met.
    pub came: Came,
}

/// A run with its smaller one beside it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The situations, of the herd.
    pub herd: Vec<Situation>,
    /// The same, of the smaller herd.
    pub beside: Vec<Situation>,
}

/// The least, the middle and the most.
fn spread<T: Copy + Ord + Default>(of: impl Iterator<Item = T>) -> [T; 3] {
    let mut all: Vec<T> = of.collect();
    all.sort_unstable();
    let at = |n: usize| all.get(n).copied().unwrap_or_default();
    [at(0), at(all.len() / 2), at(all.len().saturating_sub(1))]
}

impl Situation {
    /// Of what came.
    #[must_use]
    pub fn of(name: &'static str, nodes: usize, came: Came) -> Self {
        Situation { name, nodes, came }
    }

    fn sum(&self, of: impl Fn(&Visit) -> u64) -> u64 {
        self.came.visits.iter().map(of).sum()
    }

    /// Tries of an office: the least, the middle and the most.
    #[must_use]
    pub fn tries(&self) -> [u32; 3] {
        spread(self.came.visits.iter().map(|v| v.tries))
    }

    fn took_s(&self) -> [f64; 3] {
        spread(self.came.visits.iter().map(|v| v.took)).map(|took| took.as_secs_f64())
    }

    /// What is wrong with it, by name.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        let [_, middle, most] = self.took_s();
        let mut missed = Vec::new();
        let mut judge = |holds: bool, name| {
            if !holds {
                missed.push(name)
            }
        };
        judge(self.came.memory <= MEMORY_BYTES_MAX, "memory");
        judge(self.tries()[2] <= TRIES_MAX, "tries");
        judge(most <= middle.max(1.0) * WAIT_SPREAD_MAX, "longest wait");
        missed
    }

    fn json(&self) -> Value {
        let [first, middle, last] = self.took_s();
        let (acts, seconds) = (self.sum(|v| v.acts), self.came.took.as_secs_f64());
        json!({
            "situation": self.name, "nodes": self.nodes, "all_in_step_s": seconds,
            "wait_s": { "min": first, "median": middle, "max": last },
            "tries": { "min": self.tries()[0], "median": self.tries()[1], "max": self.tries()[2] },
            "busy": self.sum(|v| v.busy.into()), "cut": self.sum(|v| v.cut.into()),
            "acts": acts, "acts_per_s": acts as f64 / seconds.max(0.001),
            "memory_bytes": self.came.memory, "memory_before_bytes": self.came.memory_before,
            "missed": self.missed(),
        })
    }

    fn line(&self) -> String {
        let [first, middle, last] = self.took_s();
        let [least, half, most] = self.tries();
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let (acts, seconds) = (self.sum(|v| v.acts), self.came.took.as_secs_f64());
        let mut text = format!(
            "{}, {} offices: all in step after {seconds:.1} s; one waited {first:.1} / {middle:.1} / \
             {last:.1} s\n  tries {least} / {half} / {most}, refused as busy {}, cut {}\n  server's \
             memory {:.0} MB at most ({:.0} before)",
            self.name,
            self.nodes,
            self.sum(|v| v.busy.into()),
            self.sum(|v| v.cut.into()),
            mb(self.came.memory),
            mb(self.came.memory_before),
        );
        if acts > 0 {
            let _ = write!(text, "; {acts} acts, {:.0}/s", acts as f64 / seconds.max(0.001));
        }
        text
    }
}

impl Report {
    /// Memory that the server took for each office more than in the smaller herd, in bytes, by situation.
    #[must_use]
    pub fn for_each(&self) -> Vec<f64> {
        let more = |(big, small): (&Situation, &Situation)| {
            let offices = big.nodes.saturating_sub(small.nodes).max(1) as f64;
            big.came.memory.saturating_sub(small.came.memory) as f64 / offices
        };
        self.herd.iter().zip(&self.beside).map(more).collect()
    }

    /// What is wrong, in words; nothing where every bound was kept.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let all = self.herd.iter().chain(&self.beside);
        let each = all.flat_map(|s| s.missed().into_iter().map(|m| format!("{}: {m}", s.name)));
        let grew = self.for_each().into_iter().zip(&self.herd);
        let grew = grew.filter(|(bytes, _)| *bytes > OFFICE_BYTES_MAX);
        each.chain(grew.map(|(_, s)| format!("{}: memory grows with offices", s.name))).collect()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for situation in self.herd.iter().chain(&self.beside) {
            let _ = writeln!(text, "{}", situation.line());
        }
        for ((big, small), each) in self.herd.iter().zip(&self.beside).zip(self.for_each()) {
            let ratio = big.came.memory as f64 / small.came.memory.max(1) as f64;
            let _ = writeln!(
                text,
                "memory, {}: {ratio:.2} of that with {} offices; {:.0} KB for each further one",
                big.name,
                small.nodes,
                each / 1_024.0
            );
        }
        let missed = self.missed();
        let verdict = if missed.is_empty() { "every bound kept".into() } else { missed.join("; ") };
        let _ = writeln!(text, "{verdict}");
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let all: Vec<Value> = self.herd.iter().chain(&self.beside).map(Situation::json).collect();
        json!({ "situations": all, "memory_for_each": self.for_each(), "missed": self.missed() })
    }
}
