//! A file that somebody chose for an import.

use chrono::NaiveDate;
use dongbo_node::office::import::row::{Lines, Row};
use dongbo_node::office::place::Codes;

/// Reads bytes as a file of rows, to its end.
pub fn import(data: &[u8]) {
    let (codes, today) = (Codes::default(), NaiveDate::default());
    let mut lines = Lines::new(data);
    while let Ok(Some(line)) = lines.line() {
        if let Ok((number, text)) = line {
            let _ = Row::read(number, &text, &codes, today);
        }
    }
    assert_eq!(lines.bytes(), data.len() as u64);
}
