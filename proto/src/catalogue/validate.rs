//! Whether a value may stand in a field: parsing what people and files give, checking what the
//! wire brings. One set of rules for both.
//!
//! An error names the rule that is broken and never the value. What is only improbable is a flag
//! (`flags`), never refused: old papers hold improbable truths.

use chrono::NaiveDate;

use super::catalogue;
use super::field::{Field, FieldType};
use super::text;
use crate::value::{PDate, Value};

pub use super::json::{from_json, to_json};

/// The rule that a value breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Invalid {
    /// A field that a record cannot do without is empty.
    #[error("required")]
    Required,
    /// Text has too many characters.
    #[error("longer than {max} characters")]
    TooLong {
        /// The most characters.
        max: u16,
    },
    /// Text has control, zero-width or direction characters.
    #[error("contains characters that cannot be seen")]
    Invisible,
    /// Text is not in stored form (NFC, plain spaces, trimmed).
    #[error("not in normal form")]
    NotNormal,
    /// Something other than digits, or too few or too many.
    #[error("not {min} to {max} digits")]
    NotDigits {
        /// Fewest digits.
        min: u8,
        /// Most digits.
        max: u8,
    },
    /// Not a date, or one that does not exist.
    #[error("not an existing date")]
    NotADate,
    /// A day is missing where the day must be known.
    #[error("the full date is needed")]
    NotAFullDate,
    /// A date that lies ahead, of something that has happened.
    #[error("a date in the future")]
    Future,
    /// Not a code of the field's table.
    #[error("unknown code")]
    UnknownCode,
    /// Not a whole number.
    #[error("not a whole number")]
    NotANumber,
    /// A number beyond its bounds.
    #[error("not within {min} and {max}")]
    OutOfRange {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// Neither yes nor no.
    #[error("not yes or no")]
    NotABool,
    /// Not the id of a record.
    #[error("not a record id")]
    NotAnId,
    /// A value of another type than the field's.
    #[error("wrong type of value")]
    WrongType,
}

impl Invalid {
    /// The key under which the sentence for people is looked up.
    pub fn key(self) -> &'static str {
        match self {
            Invalid::Required => "invalid-required",
            Invalid::TooLong { .. } => "invalid-too-long",
            Invalid::Invisible => "invalid-invisible",
            Invalid::NotNormal => "invalid-not-normal",
            Invalid::NotDigits { .. } => "invalid-not-digits",
            Invalid::NotADate => "invalid-not-a-date",
            Invalid::NotAFullDate => "invalid-not-a-full-date",
            Invalid::Future => "invalid-future",
            Invalid::UnknownCode => "invalid-unknown-code",
            Invalid::NotANumber => "invalid-not-a-number",
            Invalid::OutOfRange { .. } => "invalid-out-of-range",
            Invalid::NotABool => "invalid-not-a-bool",
            Invalid::NotAnId => "invalid-not-an-id",
            Invalid::WrongType => "invalid-wrong-type",
        }
    }

    /// The limits that the sentence names.
    pub fn args(self) -> Vec<(&'static str, i64)> {
        match self {
            Invalid::TooLong { max } => vec![("max", max.into())],
            Invalid::NotDigits { min, max } => vec![("min", min.into()), ("max", max.into())],
            Invalid::OutOfRange { min, max } => vec![("min", min), ("max", max)],
            _ => Vec::new(),
        }
    }
}

/// Reads a value from the text of a command line, a CSV cell or a form. Empty text clears the field.
///
/// Dates: `yyyy[-mm[-dd]]`, `[[dd/]mm/]yyyy`. Codes: the code itself, or its label. Yes and no:
/// `1 0 true false có không yes no x`. Errors: the rule that the text breaks.
pub fn parse(field: &Field, text: &str) -> Result<Value, Invalid> {
    let text = text::normalise(text)?;
    if text.is_empty() {
        return if field.required { Err(Invalid::Required) } else { Ok(Value::Null) };
    }
    let value = match &field.ty {
        FieldType::Text { .. } | FieldType::Digits { .. } => Value::Text(text),
        FieldType::Date { .. } => Value::Date(date(&text)?),
        FieldType::Code(table) => Value::Text(code(table, &text)?),
        FieldType::Int { .. } => Value::Int(text.parse().map_err(|_| Invalid::NotANumber)?),
        FieldType::Bool => Value::Int(i64::from(yes_or_no(&text)?)),
        FieldType::Ref(_) => Value::Ref(text.parse().map_err(|_| Invalid::NotAnId)?),
    };
    check(field, &value)?;
    Ok(value)
}

/// Checks a value that came from elsewhere, without changing it.
///
/// A value of a type that this build does not know passes: it is carried through.
/// Errors: the rule that the value breaks.
pub fn check(field: &Field, value: &Value) -> Result<(), Invalid> {
    match (&field.ty, value) {
        (_, Value::Opaque(..)) => Ok(()),
        (_, Value::Null) if field.required => Err(Invalid::Required),
        (_, Value::Null) => Ok(()),
        (FieldType::Text { max_chars }, Value::Text(t)) => check_text(t, *max_chars),
        (FieldType::Digits { min, max }, Value::Text(t)) => check_digits(t, *min, *max),
        (FieldType::Date { partial }, Value::Date(d)) => check_date(*d, *partial),
        (FieldType::Code(table), Value::Text(t)) => check_code(table, t),
        (FieldType::Int { min, max }, Value::Int(n)) => check_range(*n, *min, *max),
        (FieldType::Bool, Value::Int(n)) => check_range(*n, 0, 1).map_err(|_| Invalid::NotABool),
        (FieldType::Ref(_), Value::Ref(_)) => Ok(()),
        _ => Err(Invalid::WrongType),
    }
}

/// Checks what [`check`] cannot without the date: something that has happened did not happen in
/// the future. Errors: [`Invalid::Future`].
pub fn check_today(field: &Field, value: &Value, today: NaiveDate) -> Result<(), Invalid> {
    match value {
        Value::Date(d) if field.past && d.earliest() > today => Err(Invalid::Future),
        _ => Ok(()),
    }
}

fn check_text(text: &str, max: u16) -> Result<(), Invalid> {
    // Length first: a hostile text is not walked twice. Four bytes a character is the most, one
    // the least.
    let (bytes, max_chars) = (text.len(), usize::from(max));
    if bytes > max_chars * 4 || (bytes > max_chars && text.chars().count() > max_chars) {
        return Err(Invalid::TooLong { max });
    }
    text::check(text)
}

fn check_digits(text: &str, min: u8, max: u8) -> Result<(), Invalid> {
    let fits = (usize::from(min)..=usize::from(max)).contains(&text.len());
    match fits && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(()),
        false => Err(Invalid::NotDigits { min, max }),
    }
}

fn check_date(date: PDate, partial: bool) -> Result<(), Invalid> {
    if partial || date.day().is_some() { Ok(()) } else { Err(Invalid::NotAFullDate) }
}

fn check_code(table: &str, code: &str) -> Result<(), Invalid> {
    catalogue().codes(table).and_then(|t| t.entry(code)).map(|_| ()).ok_or(Invalid::UnknownCode)
}

fn check_range(n: i64, min: i64, max: i64) -> Result<(), Invalid> {
    if (min..=max).contains(&n) { Ok(()) } else { Err(Invalid::OutOfRange { min, max }) }
}

fn code(table: &str, text: &str) -> Result<String, Invalid> {
    let entry = catalogue().codes(table).and_then(|t| t.meant(text));
    entry.map(|e| e.code.clone()).ok_or(Invalid::UnknownCode)
}

/// ISO as machines write it, or with slashes as the office does, day first.
fn date(text: &str) -> Result<PDate, Invalid> {
    if !text.contains('/') {
        return text.parse().map_err(|_| Invalid::NotADate);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let (day, month, year) = match parts[..] {
        [month, year] => (None, month, year),
        [day, month, year] => (Some(day), month, year),
        _ => return Err(Invalid::NotADate),
    };
    let day = day.map(|d| digits(d, 1..=2)).transpose()?;
    let (month, year) = (digits(month, 1..=2)?, digits(year, 4..=4)?);
    PDate::new(year as i32, Some(month), day).ok_or(Invalid::NotADate)
}

fn digits(text: &str, len: std::ops::RangeInclusive<usize>) -> Result<u32, Invalid> {
    let plain = len.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or(Invalid::NotADate)
}

fn yes_or_no(text: &str) -> Result<bool, Invalid> {
    match super::fold::fold(text).as_str() {
        "1" | "true" | "co" | "yes" | "x" => Ok(true),
        "0" | "false" | "khong" | "no" => Ok(false),
        _ => Err(Invalid::NotABool),
    }
}
