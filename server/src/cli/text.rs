//! How things look in a terminal: moments, days, bytes, tables, codes of scopes.
//!
//! Moments are printed in UTC, since the server's time zone means nothing to a commune.

use std::collections::HashMap;

use chrono::DateTime;
use comfy_table::{ContentArrangement, Table, presets};
use dongbo_proto::id::ScopeId;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::words::Words;

use super::fault::Result;
use crate::store::ReadTx;

const DAY_MS: i64 = 86_400_000;

/// A moment as `2026-11-23 13:05:00Z`.
#[must_use]
pub fn moment(ms: UnixMs) -> String {
    let at = DateTime::from_timestamp_millis(ms);
    at.map_or_else(|| ms.to_string(), |t| t.format("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// Whole days in a span; 0 for one that is negative.
#[must_use]
pub fn days(span_ms: i64) -> i64 {
    span_ms.max(0) / DAY_MS
}

/// Bytes as megabytes with one decimal.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// A table with heads from the sentences.
pub struct Grid {
    table: Table,
    rows: usize,
}

impl Grid {
    /// An empty one.
    #[must_use]
    pub fn new(words: &Words, heads: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(heads.iter().map(|key| words.get(key)));
        Grid { table, rows: 0 }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.table.add_row(cells);
        self.rows += 1;
    }

    /// The table, or a sentence where it has no row.
    #[must_use]
    pub fn or(&self, words: &Words, key: &str) -> String {
        if self.rows == 0 {
            return words.get(key);
        }
        // Spaces at line ends only make lines wrap.
        let text = self.table.to_string();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// The codes of scopes, for people.
pub struct Codes(HashMap<ScopeId, String>);

impl Codes {
    /// Reads all.
    ///
    /// # Errors
    /// The store's.
    pub fn read(tx: &dyn ReadTx) -> Result<Self> {
        Ok(Codes(tx.scopes()?.into_iter().map(|s| (s.id, s.code)).collect()))
    }

    /// One scope's code.
    #[must_use]
    pub fn one(&self, scope: ScopeId) -> String {
        self.0.get(&scope).cloned().unwrap_or_else(|| format!("#{scope}"))
    }

    /// The codes of some scopes, the reference left out.
    #[must_use]
    pub fn of(&self, scopes: &[ScopeId]) -> Vec<String> {
        let own = scopes.iter().filter(|s| **s != ScopeId::REFERENCE);
        own.map(|s| self.one(*s)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_sizes_read_well() {
        assert_eq!(moment(0), "1970-01-01 00:00:00Z");
        assert_eq!((days(-5), days(DAY_MS), days(3 * DAY_MS - 1)), (0, 1, 2));
        assert_eq!(megabytes(12_345_678), "12.3 MB");
    }
}
