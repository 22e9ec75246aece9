//! Tables that people bring: CSV with a header, comma or semicolon (what Excel writes here), with
//! or without a byte order mark. What is wrong is named by row and column.
//!
//! Rows are counted as a spreadsheet counts them: the header is row 1. Deliberately absent: what
//! the columns mean.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Terminator};

use super::exit::Exit;
use super::fault::{Fault, Result};

/// Largest table that is read, in bytes: a country of cells takes a tenth of it.
const TABLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    headers: Vec<String>,
    rows: Vec<(u64, StringRecord)>,
}

/// One row of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    table: &'t Table,
    /// Its number, the header being 1.
    pub number: u64,
    cells: &'t StringRecord,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no CSV in UTF-8, or has no row.
    pub fn read(path: &Path) -> Result<Self> {
        let length = std::fs::metadata(path).map_err(|e| Fault::file(path, &e))?.len();
        if length > TABLE_BYTES_MAX {
            let fault = Fault::new(Exit::BadInput, "fault-file-too-large").at(path);
            return Err(fault.with("max", TABLE_BYTES_MAX / 1024 / 1024));
        }
        let bytes = std::fs::read(path).map_err(|e| Fault::file(path, &e))?;
        Table::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter(bytes))
            .terminator(Terminator::CRLF)
            .flexible(false)
            .from_reader(bytes);
        let headers = reader.headers().map_err(|e| malformed(path, 1, &e))?;
        let headers: Vec<String> = headers.iter().map(|h| h.trim().to_lowercase()).collect();
        let mut rows = Vec::new();
        for (row, number) in reader.records().zip(2..) {
            let row = row.map_err(|e| malformed(path, number, &e))?;
            if row.iter().any(|cell| !cell.trim().is_empty()) {
                rows.push((number, row));
            }
        }
        if rows.is_empty() {
            return Err(Fault::new(Exit::BadInput, "fault-table-empty").at(path));
        }
        Ok(Table { path: path.to_owned(), headers, rows })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rows, without empty ones.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(number, cells)| Row { table: self, number: *number, cells })
    }

    /// Whether it has a column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.headers.iter().any(|h| h == column)
    }

    /// Makes sure of a column.
    ///
    /// # Errors
    /// It is not there.
    pub fn require(&self, column: &str) -> Result<()> {
        if self.has(column) {
            return Ok(());
        }
        let fault = Fault::new(Exit::BadInput, "fault-column-missing").at(&self.path);
        Err(fault.with("column", column))
    }

    /// The columns that are none of these.
    #[must_use]
    pub fn others(&self, known: &[&str]) -> Vec<&str> {
        let other = |h: &&str| !known.contains(h) && !h.is_empty();
        self.headers.iter().map(String::as_str).filter(other).collect()
    }
}

impl<'t> Row<'t> {
    /// A cell, trimmed; empty where the column is not there.
    #[must_use]
    pub fn cell(&self, column: &str) -> &'t str {
        let at = self.table.headers.iter().position(|h| h == column);
        at.and_then(|at| self.cells.get(at)).unwrap_or("").trim()
    }

    /// A cell that must not be empty.
    ///
    /// # Errors
    /// It is.
    pub fn needed(&self, column: &str) -> Result<&'t str> {
        match self.cell(column) {
            "" => Err(self.wrong(column, "invalid-required")),
            text => Ok(text),
        }
    }

    /// A cell that is wrong, and why.
    #[must_use]
    pub fn wrong(&self, column: &str, key: &'static str) -> Fault {
        Fault::cell(&self.table.path, self.number, column, key)
    }

    /// A cell that breaks a rule of its field.
    #[must_use]
    pub fn invalid(&self, column: &str, why: dongbo_proto::catalogue::Invalid) -> Fault {
        Fault::value(&self.table.path, self.number, column, why)
    }
}

/// Semicolon where the header has more of them than of commas.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| header.iter().filter(|b| **b == wanted).count();
    if count(b';') > count(b',') { b';' } else { b',' }
}

fn malformed(path: &Path, row: u64, error: &csv::Error) -> Fault {
    let key = match error.kind() {
        csv::ErrorKind::UnequalLengths { .. } => "fault-row-length",
        csv::ErrorKind::Utf8 { .. } => "fault-row-utf8",
        _ => "fault-row-malformed",
    };
    let row = error.position().map_or(row, |p| p.record() + 1);
    let fault = Fault::new(Exit::BadInput, key).at(path).with("row", row);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            fault.with("found", len).with("wanted", expected_len)
        }
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Table> {
        Table::parse(Path::new("t.csv"), text.as_bytes())
    }

    #[test]
    fn excel_writes_marks_semicolons_and_empty_rows() {
        let table = parse("\u{feff}Code; Name\r\n01;Xã A\r\n;\r\n02;\"B; C\"\r\n").unwrap();
        let rows: Vec<_> =
            table.rows().map(|r| (r.number, r.cell("code"), r.cell("name"))).collect();
        assert_eq!(rows, [(2, "01", "Xã A"), (4, "02", "B; C")]);
    }

    #[test]
    fn a_row_of_another_length_is_named() {
        let fault = parse("code,name\n01,A\n02\n").unwrap_err();
        assert_eq!((fault.key, fault.exit), ("fault-row-length", Exit::BadInput));
        let words = super::super::context::words(dongbo_proto::words::Lang::En);
        assert!(fault.sentence(&words).contains("row 3"), "{}", fault.sentence(&words));
    }

    #[test]
    fn other_encodings_and_empty_tables_are_refused() {
        let latin = Table::parse(Path::new("t.csv"), b"code,name\n01,X\xe3\n").unwrap_err();
        assert_eq!(latin.key, "fault-row-utf8");
        assert_eq!(parse("code,name\n").unwrap_err().key, "fault-table-empty");
        assert_eq!(parse("").unwrap_err().key, "fault-table-empty");
    }
}
