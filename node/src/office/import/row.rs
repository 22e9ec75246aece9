//! One line of a file, read and checked by the catalogue. Pure but for reading the lines.
//!
//! Besides the fields a row may have `kind`, `id`, `unit` and `village` (codes, in place of
//! `unit_id` and `village_id`) and `_version`. A first line with a `notice` is a remark.

use std::io::{self, BufRead};

use chrono::NaiveDate;
use dongbo_proto::catalogue::{Invalid, Kind, Rule, Writers, catalogue, validate};
use dongbo_proto::id::RecordId;
use dongbo_proto::limits::ACT_BYTES_MAX;
use dongbo_proto::value::Value;
use serde_json::{Map, Value as Json};

use super::report::{Fault, Why};
use super::version::{self, Version};
use crate::office::OfficeError;
use crate::office::form::{Entries, nearest};
use crate::office::place::Codes;

/// Bytes of one line: no record that fits into an act needs more.
const LINE_BYTES_MAX: usize = ACT_BYTES_MAX;

/// The lines of a file with their numbers, from 1.
pub struct Lines<R> {
    file: R,
    number: usize,
    bytes: u64,
    buffer: Vec<u8>,
}

/// A line with its number, or what is wrong with it.
type Line = Result<(usize, String), Fault>;

impl<R: BufRead> Lines<R> {
    /// From the beginning.
    pub fn new(file: R) -> Self {
        Lines { file, number: 0, bytes: 0, buffer: Vec::new() }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.buffer.clear();
            let read = self.file.read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read as u64;
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(self.text()));
            }
        }
    }

    fn text(&self) -> Line {
        let fault = |why| Fault::of_row(self.number, why);
        if self.buffer.len() > LINE_BYTES_MAX {
            return Err(fault(Why::TooLong));
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| fault(Why::NotUtf8))?;
        Ok((self.number, text.trim_start_matches('\u{feff}').trim().to_owned()))
    }
}

/// A row that is right as far as it goes.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its line.
    pub number: usize,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its id, if it has one.
    pub id: Option<RecordId>,
    /// The code of the scope of its unit.
    pub unit_scope: Option<String>,
    /// Its fields.
    pub fields: Entries,
    /// The version that the file shows.
    pub version: Option<Version>,
}

impl Row {
    /// Reads a line; `None` for the notice.
    pub fn read(
        number: usize,
        text: &str,
        codes: &Codes,
        today: NaiveDate,
    ) -> Result<Option<Self>, Fault> {
        let json: Json =
            serde_json::from_str(text).map_err(|_| Fault::of_row(number, Why::NotAnObject))?;
        let Json::Object(object) = json else {
            return Err(Fault::of_row(number, Why::NotAnObject));
        };
        if object.contains_key("notice") && !object.contains_key("kind") {
            return Ok(None);
        }
        let kind = kind(number, &object)?;
        let mut row =
            Row { number, kind, id: None, unit_scope: None, fields: Vec::new(), version: None };
        for (column, json) in &object {
            row.take(column, json, codes, today)
                .map_err(|why| Fault::in_column(number, column, why))?;
        }
        row.fields.sort_by_key(|(field, _)| *field);
        Ok(Some(row))
    }

    fn take(
        &mut self,
        column: &str,
        json: &Json,
        codes: &Codes,
        today: NaiveDate,
    ) -> Result<(), Why> {
        match column {
            "kind" => Ok(()),
            "id" => {
                let id = json.as_str().and_then(|t| t.parse().ok());
                self.id = Some(id.ok_or(Why::Invalid(Invalid::NotAnId))?);
                Ok(())
            }
            "_version" | "_over" => {
                let version = serde_json::from_value(json.clone()).map_err(|_| Why::BadVersion)?;
                let known = version::knows(self.kind, &version);
                self.version = Some(version);
                if known { Ok(()) } else { Err(Why::BadVersion) }
            }
            "unit" | "village" if self.kind.field_named(column).is_none() => {
                self.take_code(column, json, codes)
            }
            _ => self.take_field(column, json, codes, today),
        }
    }

    /// A unit or village by its code.
    fn take_code(&mut self, column: &str, json: &Json, codes: &Codes) -> Result<(), Why> {
        let of = if column == "unit" { "unit" } else { "village" };
        let field = self.kind.field_named(&format!("{of}_id")).ok_or(Why::UnknownField(None))?;
        let code = match json {
            Json::Null => return self.put(field.id, Value::Null),
            Json::String(code) => code,
            _ => return Err(Why::Invalid(Invalid::WrongType)),
        };
        let coded = codes.find(of, code).map_err(|e| match e {
            OfficeError::AmbiguousCode { .. } => Why::AmbiguousCode,
            _ => Why::UnknownCode,
        })?;
        if of == "unit" {
            self.unit_scope = coded.scope.clone();
        }
        self.put(field.id, Value::Ref(coded.id))
    }

    fn take_field(
        &mut self,
        column: &str,
        json: &Json,
        codes: &Codes,
        today: NaiveDate,
    ) -> Result<(), Why> {
        let names = || self.kind.fields().iter().map(|f| f.name.as_str());
        let field = self.kind.field_named(column);
        let field = field.ok_or_else(|| Why::UnknownField(nearest(column, names())))?;
        if field.writers == Writers::System || field.rule == Rule::Computed {
            return Err(Why::NeverWritten);
        }
        let value = validate::from_json(field, json).map_err(Why::Invalid)?;
        validate::check_today(field, &value, today).map_err(Why::Invalid)?;
        if let (Value::Ref(id), "unit_id") = (&value, field.name.as_str()) {
            let scope = codes.code_of(*id).and_then(|code| codes.find("unit", code).ok());
            self.unit_scope = scope.and_then(|coded| coded.scope.clone());
        }
        self.put(field.id, value)
    }

    fn put(&mut self, field: dongbo_proto::id::FieldId, value: Value) -> Result<(), Why> {
        if self.fields.iter().any(|(known, _)| *known == field) {
            return Err(Why::GivenTwice);
        }
        self.fields.push((field, value));
        Ok(())
    }
}

fn kind(number: usize, object: &Map<String, Json>) -> Result<&'static Kind, Fault> {
    let name = object.get("kind").and_then(Json::as_str).unwrap_or_default();
    let fault = |why| Fault::in_column(number, "kind", why);
    let kind = catalogue().kind_named(name).ok_or_else(|| fault(Why::UnknownKind))?;
    if kind.reference { Err(fault(Why::Reference)) } else { Ok(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Row>, Fault> {
        let today = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
        Row::read(3, text, &Codes::default(), today)
    }

    fn why(text: &str) -> (Option<String>, Why) {
        let fault = read(text).unwrap_err();
        assert_eq!(fault.row, 3);
        (fault.column, fault.why)
    }

    #[test]
    fn the_notice_is_passed_over() {
        assert!(read(r#"{"notice":"DỮ LIỆU MÔ PHỎNG"}"#).unwrap().is_none());
    }

    #[test]
    fn every_fault_names_its_column_and_rule() {
        let column = |c: &str| Some(c.to_owned());
        assert_eq!(why("[1]"), (None, Why::NotAnObject));
        assert_eq!(why("{"), (None, Why::NotAnObject));
        assert_eq!(why(r#"{"kind":"x"}"#), (column("kind"), Why::UnknownKind));
        assert_eq!(why(r#"{"kind":"unit"}"#), (column("kind"), Why::Reference));
        let date = why(r#"{"kind":"member","birth_date":"1970-02-30"}"#);
        assert_eq!(date, (column("birth_date"), Why::Invalid(Invalid::NotADate)));
        let field = why(r#"{"kind":"member","fullname":"x"}"#);
        assert_eq!(field, (column("fullname"), Why::UnknownField(Some("full_name".into()))));
        assert_eq!(why(r#"{"kind":"member","unit":"X"}"#), (column("unit"), Why::UnknownCode));
        let long = format!(r#"{{"kind":"member","full_name":"{}"}}"#, "a".repeat(81));
        assert_eq!(why(&long), (column("full_name"), Why::Invalid(Invalid::TooLong { max: 80 })));
        let computed = why(r#"{"kind":"member","status":"x"}"#);
        assert_eq!(computed, (column("status"), Why::NeverWritten));
    }

    #[test]
    fn lines_are_numbered_with_the_blank_ones() {
        let mut lines = Lines::new("\u{feff}{}\n\n \nx\n".as_bytes());
        assert_eq!(lines.line().unwrap(), Some(Ok((1, "{}".into()))));
        assert_eq!(lines.line().unwrap(), Some(Ok((4, "x".into()))));
        assert_eq!(lines.line().unwrap(), None);
        let mut bad = Lines::new(&b"\xff\n"[..]);
        assert_eq!(bad.line().unwrap(), Some(Err(Fault::of_row(1, Why::NotUtf8))));
    }
}
