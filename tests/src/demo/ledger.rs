//! The promises, how each is checked, and what was found. A check that was never reached counts as not kept.

use std::collections::BTreeMap;

use comfy_table::{Cell, Color};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::Trouble;

/// One way in which the demo checks one promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    /// 1: the server was killed in the middle of an exchange.
    ServerKilled,
    /// 1: a node was killed in the middle of an exchange.
    NodeKilled,
    /// 2: the equation of each node adds up.
    Equation,
    /// 2: both values of a conflict are in history.
    BothValues,
    /// 3: equal digests.
    InStep,
    /// 4: 1999 knew of 2035, and so replaced it.
    Clocks,
    /// 5: a second exchange moves nothing.
    Once,
    /// 6: a download was cut in its middle.
    Whole,
    /// 7: what the replicas hold.
    NeedToKnow,
    /// 7: the revoked machine.
    Revoked,
    /// 8: who, when, on which grounds.
    Named,
    /// 8: `verify` finds nothing on all sides.
    Verified,
    /// 8: `verify` finds what was done to a copy.
    Tampering,
    /// 9: a server from a backup, and the nodes bring back what it lost.
    Restored,
}

impl Check {
    /// All of them, by promise.
    pub(super) const ALL: [Self; 14] = [
        Self::ServerKilled,
        Self::NodeKilled,
        Self::Equation,
        Self::BothValues,
        Self::InStep,
        Self::Clocks,
        Self::Once,
        Self::Whole,
        Self::NeedToKnow,
        Self::Revoked,
        Self::Named,
        Self::Verified,
        Self::Tampering,
        Self::Restored,
    ];

    /// The promise's number, and the name of the check.
    fn parts(self) -> (u8, &'static str) {
        match self {
            Self::ServerKilled => (1, "server-killed"),
            Self::NodeKilled => (1, "node-killed"),
            Self::Equation => (2, "equation"),
            Self::BothValues => (2, "both-values"),
            Self::InStep => (3, "in-step"),
            Self::Clocks => (4, "clocks"),
            Self::Once => (5, "once"),
            Self::Whole => (6, "whole"),
            Self::NeedToKnow => (7, "need-to-know"),
            Self::Revoked => (7, "revoked"),
            Self::Named => (8, "named"),
            Self::Verified => (8, "verified"),
            Self::Tampering => (8, "tampering"),
            Self::Restored => (9, "restored"),
        }
    }

    /// The keys of the promise's words and of the check's.
    pub(super) fn keys(self) -> (String, String) {
        let (promise, name) = self.parts();
        (format!("promise-{promise}"), format!("check-{name}"))
    }
}

/// What was found, check by check.
#[derive(Default)]
pub(super) struct Ledger {
    found: BTreeMap<Check, Result<String, String>>,
}

impl Ledger {
    /// Writes down what a check found: evidence that the promise was kept, or why it was not.
    pub(super) fn note(&mut self, check: Check, found: Result<String, Trouble>) {
        let found = found.map_err(|trouble| trouble.0);
        // A promise that was broken once is broken.
        let entry = self.found.entry(check).or_insert_with(|| found.clone());
        if entry.is_ok() {
            *entry = found;
        }
    }

    /// Whether each check was made, and found its promise kept.
    pub(super) fn all_kept(&self) -> bool {
        Check::ALL.iter().all(|check| self.is_kept(*check))
    }

    fn is_kept(&self, check: Check) -> bool {
        self.found.get(&check).is_some_and(Result::is_ok)
    }

    /// The table as JSON.
    pub(super) fn json(&self) -> Value {
        let row = |check: &Check| {
            let (promise, name) = check.parts();
            let found = self.found.get(check);
            let text = found.map(|f| f.as_ref().unwrap_or_else(|why| why));
            json!({ "promise": promise, "check": name, "kept": self.is_kept(*check), "found": text })
        };
        json!({ "kept": self.all_kept(), "checks": Check::ALL.iter().map(row).collect::<Vec<_>>() })
    }

    /// The table for people; what went wrong stands below it in full.
    pub(super) fn show(&self, stage: &Stage) {
        let mut table =
            stage.new_table(&["column-promise", "column-how", "column-found", "column-kept"]);
        let mut before = 0;
        for check in Check::ALL {
            let (promise, how) = check.keys();
            let number = check.parts().0;
            let named = if number == before { String::new() } else { stage.words.get(&promise) };
            before = number;
            let (found, kept) = self.cells(check, stage);
            table.add_row([Cell::new(named), Cell::new(stage.words.get(&how)), found, kept]);
        }
        stage.table(&table);
        for (check, why) in self.found.iter().filter_map(|(c, f)| Some((c, f.as_ref().err()?))) {
            stage.plain(&format!("{}: {why}", check.parts().1));
        }
    }

    fn cells(&self, check: Check, stage: &Stage) -> (Cell, Cell) {
        let (text, mark, color) = match self.found.get(&check) {
            Some(Ok(evidence)) => (evidence.clone(), "✓", Color::Green),
            Some(Err(_)) => (stage.words.get("found-broken"), "✗", Color::Red),
            None => (stage.words.get("found-nothing"), "✗", Color::Red),
        };
        (Cell::new(text), Cell::new(mark).fg(color))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_checked_was_not_kept() {
        let mut ledger = Ledger::default();
        for check in &Check::ALL[1..] {
            ledger.note(*check, Ok(String::new()));
        }
        assert!(!ledger.all_kept());
        ledger.note(Check::ALL[0], Ok(String::new()));
        assert!(ledger.all_kept());
    }

    #[test]
    fn a_promise_broken_once_is_broken() {
        let mut ledger = Ledger::default();
        for check in Check::ALL {
            ledger.note(check, Ok(String::new()));
        }
        ledger.note(Check::Once, Err(Trouble("moved".into())));
        ledger.note(Check::Once, Ok(String::new()));
        assert!(!ledger.all_kept());
    }
}
