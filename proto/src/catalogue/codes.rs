//! Code tables: what a coded field may hold, with labels and the years in which each code is valid.
//!
//! Codes are text and never row numbers of a printed form, because rows move between issues of the
//! form. A code that is no longer issued stays in the table: what was recorded stays readable.

use std::collections::HashMap;

use super::fold::fold;
use crate::value::PDate;

/// A table of codes.
#[derive(Debug, Clone)]
pub struct CodeTable {
    /// Its name, as a field's type gives it.
    pub name: String,
    /// What the office calls it.
    pub label_vi: String,
    /// The same in English.
    pub label_en: String,
    /// The codes, in the order in which a form lists them.
    pub entries: Vec<CodeEntry>,
    by_code: HashMap<String, usize>,
    by_label: HashMap<String, Option<usize>>,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeEntry {
    /// What is stored.
    pub code: String,
    /// What the office reads.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// From when it is issued; `None`: since ever.
    pub from: Option<PDate>,
    /// Until when it was issued; `None`: still.
    pub to: Option<PDate>,
}

impl CodeTable {
    /// Indexes the entries.
    pub(super) fn new(
        name: String,
        label_vi: String,
        label_en: String,
        entries: Vec<CodeEntry>,
    ) -> Self {
        let by_code = entries.iter().enumerate().map(|(at, e)| (e.code.clone(), at)).collect();
        let mut by_label = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for label in [&entry.code, &entry.vi, &entry.en] {
                let found = by_label.entry(fold(label)).or_insert(Some(at));
                // A label of two codes names neither: never guess.
                if *found != Some(at) {
                    *found = None;
                }
            }
        }
        CodeTable { name, label_vi, label_en, entries, by_code, by_label }
    }

    /// The entry of this very code.
    pub fn entry(&self, code: &str) -> Option<&CodeEntry> {
        self.by_code.get(code).map(|&at| &self.entries[at])
    }

    /// The entry that a person means: by code, or by a label that only one code has, whatever the
    /// case and the tone marks.
    pub fn meant(&self, text: &str) -> Option<&CodeEntry> {
        let by_label = || self.by_label.get(&fold(text)).copied().flatten();
        self.by_code.get(text).copied().or_else(by_label).map(|at| &self.entries[at])
    }
}
