//! The event log: what happened, in order, in simulated time. Two runs of one seed must give the
//! same log, line for line; its hash says so in one word.
//!
//! Nothing that the machine draws may get in: no keys, no certificates, no wall clock.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// The log of one run.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: Vec<String>,
    hash: Sha256,
}

impl Log {
    /// Writes a line.
    pub fn say(&mut self, at: Duration, who: &str, what: fmt::Arguments<'_>) {
        let line = format!("{:>9.3} {who:<6} {what}", at.as_secs_f64());
        self.hash.update(line.as_bytes());
        self.hash.update([b'\n']);
        self.lines.push(line);
    }

    /// The lines so far.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The hash of all lines, as 16 hexadecimal digits.
    pub fn hash(&self) -> String {
        let all = self.hash.clone().finalize();
        all.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// Where two logs part: the number of the first line that differs, with both.
    pub fn parting(&self, other: &Log) -> Option<(usize, String, String)> {
        let lines = self.lines.len().max(other.lines.len());
        let line = |log: &Log, at: usize| log.lines.get(at).cloned().unwrap_or_default();
        let at = (0..lines).find(|at| self.lines.get(*at) != other.lines.get(*at))?;
        Some((at, line(self, at), line(other, at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_part_where_they_differ() {
        let (mut a, mut b) = (Log::default(), Log::default());
        a.say(Duration::from_secs(1), "n1", format_args!("same"));
        b.say(Duration::from_secs(1), "n1", format_args!("same"));
        assert_eq!((a.hash(), a.parting(&b)), (b.hash(), None));
        b.say(Duration::from_secs(2), "n1", format_args!("more"));
        assert_ne!(a.hash(), b.hash());
        assert_eq!(a.parting(&b).map(|p| p.0), Some(1));
    }
}
