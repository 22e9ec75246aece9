//! The table, and the same as JSON.
//!
//! Deliberately absent: judgement; a finding knows how it stands.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};

use super::goal::{Finding, Verdict};

/// Columns of text that the table takes: it is read on a screen and pasted into the README.
const WIDTH: u16 = 170;

/// What a run of the suite found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The lines.
    pub findings: Vec<Finding>,
    /// What was measured on: size, runs, seed.
    pub setting: String,
    /// Sentences on what bounds a goal, by its number.
    pub notes: Vec<(&'static str, String)>,
}

/// A figure with three significant digits, or whole where it is large.
#[must_use]
pub fn short(figure: f64) -> String {
    match figure.abs() {
        n if n >= 100.0 => thousands(figure),
        n if n >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// A whole number with its thousands set apart.
#[must_use]
pub fn thousands(figure: f64) -> String {
    let digits = format!("{:.0}", figure.abs());
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    format!("{}{}", if figure < 0.0 { "-" } else { "" }, groups.join(","))
}

/// Bytes for people.
#[must_use]
pub fn bytes(count: f64) -> String {
    if count >= 1e6 { format!("{:.2} MB", count / 1e6) } else { format!("{} B", thousands(count)) }
}

impl Report {
    /// Whether every goal that was measured kept its floor.
    #[must_use]
    pub fn floors_kept(&self) -> bool {
        self.findings.iter().all(|f| f.verdict() != Verdict::Missed)
    }

    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(ASCII_MARKDOWN)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH);
        table.set_header([
            "goal",
            "what",
            "figure",
            "limit",
            "ratio",
            "min–max",
            "floor",
            "aim",
            "",
        ]);
        for finding in &self.findings {
            table.add_row(row(finding));
        }
        for column in 2..8 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = format!("{}\n{table}\n", self.setting);
        for (goal, note) in &self.notes {
            text += &format!("{goal}: {note}\n");
        }
        text
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let notes: Vec<Value> =
            self.notes.iter().map(|(id, text)| json!({ "goal": id, "note": text })).collect();
        let findings: Vec<Value> = self.findings.iter().map(line).collect();
        json!({
            "setting": self.setting, "findings": findings, "notes": notes, "floors_kept": self.floors_kept(),
        })
    }
}

fn row(finding: &Finding) -> [String; 9] {
    let value = finding.value;
    let spread = value.low < value.high;
    let bar = |pick: fn(&super::goal::Goal) -> f64| {
        finding.goal.map(|g| short(pick(g))).unwrap_or_default()
    };
    let name = finding.goal.map(|goal| format!("{}: ", goal.name)).unwrap_or_default();
    [
        finding.id.to_owned(),
        format!("{name}{}", finding.what),
        finding.figure.clone(),
        finding.limit.clone(),
        format!("{} {}", short(value.median), finding.unit),
        if spread {
            format!("{}–{}", short(value.low), short(value.high))
        } else {
            String::new()
        },
        bar(|g| g.floor),
        bar(|g| g.aim),
        finding.verdict().word().to_owned(),
    ]
}

fn line(finding: &Finding) -> Value {
    json!({
        "goal": finding.id,
        "name": finding.goal.map(|g| g.name),
        "what": finding.what,
        "figure": finding.figure,
        "limit": finding.limit,
        "value": finding.value.median,
        "min": finding.value.low,
        "max": finding.value.high,
        "unit": finding.unit,
        "floor": finding.goal.map(|g| g.floor),
        "aim": finding.goal.map(|g| g.aim),
        "verdict": finding.verdict().word(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::series::Spread;

    #[test]
    fn numbers_are_set_for_reading() {
        assert_eq!(thousands(85_659.0), "85,659");
        assert_eq!(thousands(999.6), "1,000");
        assert_eq!(
            (short(0.456), short(12.34), short(12_345.6)),
            ("0.46".into(), "12.3".into(), "12,346".into())
        );
        assert_eq!(bytes(9_340_000.0), "9.34 MB");
    }

    #[test]
    fn one_missed_floor_fails_the_run() {
        let mut report = Report::default();
        report.findings.push(Finding::of("1", "", Spread::exact(0.6)));
        report.findings.push(Finding::shown("cipher", "", Spread::exact(9.0), "×"));
        assert!(report.floors_kept());
        report.findings.push(Finding::of("4", "", Spread::exact(1.9)));
        assert!(!report.floors_kept());
        assert!(report.table().contains("MISSED"));
    }
}
