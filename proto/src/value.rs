//! The values that fields hold, their canonical bytes and their text.
//!
//! A value knows nothing of its field: limits, code tables and labels are the catalogue's.
//! A value of a type that this build does not know is carried through as [`Value::Opaque`].

use std::fmt;
use std::str::FromStr;

use crate::bytes::{Reader, Truncated, Writer};
use crate::id::RecordId;

/// A date as papers give it: a year, perhaps a month, perhaps a day (domain rule C9: never
/// fabricate 1 January). Valid by construction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PDate(u32);

impl PDate {
    /// Checks and packs a date. `None` if it does not exist; years run from 1800 to 2200.
    pub fn new(year: i32, month: Option<u32>, day: Option<u32>) -> Option<Self> {
        if !(1800..=2200).contains(&year) || (month.is_none() && day.is_some()) {
            return None;
        }
        chrono::NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1))?;
        Some(PDate(year as u32 * 10_000 + month.unwrap_or(0) * 100 + day.unwrap_or(0)))
    }

    /// From the packed form `yyyymmdd`, zeros where the paper is silent.
    pub fn from_packed(packed: u32) -> Option<Self> {
        let some = |n: u32| (n > 0).then_some(n);
        PDate::new((packed / 10_000) as i32, some(packed / 100 % 100), some(packed % 100))
    }

    /// The packed form `yyyymmdd`; sorts a partial date before its days.
    pub fn packed(self) -> u32 {
        self.0
    }

    /// The year.
    pub fn year(self) -> i32 {
        (self.0 / 10_000) as i32
    }

    /// The month, if known.
    pub fn month(self) -> Option<u32> {
        Some(self.0 / 100 % 100).filter(|&m| m > 0)
    }

    /// The day, if known.
    pub fn day(self) -> Option<u32> {
        Some(self.0 % 100).filter(|&d| d > 0)
    }

    /// Its ISO text, as it is displayed, without the formatting machinery: a member has a dozen of
    /// them, and each is written to a column.
    pub fn iso(self) -> String {
        let mut text = String::with_capacity(10);
        let digits = |text: &mut String, n: u32, places: u32| {
            for place in (0..places).rev() {
                text.push(char::from(b'0' + (n / 10u32.pow(place) % 10) as u8));
            }
        };
        digits(&mut text, self.0 / 10_000, 4);
        for part in [self.0 / 100 % 100, self.0 % 100].into_iter().take_while(|n| *n > 0) {
            text.push('-');
            digits(&mut text, part, 2);
        }
        text
    }

    /// The first day that it may mean.
    pub fn earliest(self) -> chrono::NaiveDate {
        chrono::NaiveDate::from_ymd_opt(
            self.year(),
            self.month().unwrap_or(1),
            self.day().unwrap_or(1),
        )
        .unwrap_or(chrono::NaiveDate::MIN)
    }
}

impl fmt::Display for PDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year())?;
        if let Some(month) = self.month() {
            write!(f, "-{month:02}")?;
        }
        self.day().map_or(Ok(()), |day| write!(f, "-{day:02}"))
    }
}

impl fmt::Debug for PDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a date, or a date that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an existing date (want yyyy-mm-dd, yyyy-mm or yyyy)")]
pub struct BadDate;

impl FromStr for PDate {
    type Err = BadDate;
    /// Reads `yyyy`, `yyyy-mm` or `yyyy-mm-dd`.
    fn from_str(s: &str) -> Result<Self, BadDate> {
        let part = |p: Option<&str>, len: usize| match p {
            None => Ok(None),
            Some(t) if t.len() == len && t.bytes().all(|b| b.is_ascii_digit()) => {
                t.parse::<u32>().map(Some).map_err(|_| BadDate)
            }
            Some(_) => Err(BadDate),
        };
        let mut parts = s.split('-');
        let year = part(parts.next(), 4)?.ok_or(BadDate)?;
        let (month, day) = (part(parts.next(), 2)?, part(parts.next(), 2)?);
        if parts.next().is_some() {
            return Err(BadDate);
        }
        PDate::new(year as i32, month, day).ok_or(BadDate)
    }
}

/// A field's value.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub enum Value {
    /// Written as empty: someone cleared the field. (Never written is the absence of heads.)
    #[default]
    Null,
    /// Text in NFC, also codes and numbers with leading zeros.
    Text(String),
    /// A whole number; booleans are 0 and 1.
    Int(i64),
    /// A date, perhaps partial.
    Date(PDate),
    /// Another record.
    Ref(RecordId),
    /// A value of a type that this build does not know: tag and bytes, untouched.
    Opaque(u8, Vec<u8>),
}

impl fmt::Debug for Value {
    /// Shows the type and never the content: values are members' data and reach logs through here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Null => "null",
            Value::Text(_) => "text(…)",
            Value::Int(_) => "int(…)",
            Value::Date(_) => "date(…)",
            Value::Ref(_) => "ref(…)",
            Value::Opaque(..) => "opaque(…)",
        })
    }
}

const NULL: u8 = 0;
const TEXT: u8 = 1;
const INT: u8 = 2;
const DATE: u8 = 3;
const REF: u8 = 4;

impl Value {
    /// Whether the field was cleared.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The type's tag in canonical bytes and on the wire.
    pub fn tag(&self) -> u8 {
        match self {
            Value::Null => NULL,
            Value::Text(_) => TEXT,
            Value::Int(_) => INT,
            Value::Date(_) => DATE,
            Value::Ref(_) => REF,
            Value::Opaque(tag, _) => *tag,
        }
    }

    /// Appends the canonical bytes: tag, then content. Equal values have equal bytes.
    pub fn write(&self, w: &mut Writer) {
        w.byte(self.tag());
        match self {
            Value::Null => {}
            Value::Text(t) => w.block(t.as_bytes()),
            Value::Int(n) => w.signed(*n),
            Value::Date(d) => w.raw(&d.packed().to_be_bytes()),
            Value::Ref(id) => w.raw(&id.0),
            Value::Opaque(_, bytes) => w.block(bytes),
        }
    }

    /// Reads canonical bytes back.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(match r.byte()? {
            NULL => Value::Null,
            TEXT => Value::Text(r.text()?.to_owned()),
            INT => Value::Int(r.signed()?),
            DATE => {
                Value::Date(PDate::from_packed(u32::from_be_bytes(r.array()?)).ok_or(Truncated)?)
            }
            REF => Value::Ref(RecordId(r.array()?)),
            tag => Value::Opaque(tag, r.block()?.to_vec()),
        })
    }

    /// The bytes that its content takes, for limits.
    pub fn content_len(&self) -> usize {
        match self {
            Value::Null => 0,
            Value::Text(t) => t.len(),
            Value::Int(_) => 8,
            Value::Date(_) => 4,
            Value::Ref(_) => 16,
            Value::Opaque(_, b) => b.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_is_what_is_displayed() {
        for text in ["1950", "1950-05", "1950-05-19", "2200-12-31", "1800-01"] {
            let date: PDate = text.parse().unwrap();
            assert_eq!((date.iso(), date.to_string()), (text.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for bad in [
            "2023-02-30",
            "31/02/1950",
            "1950-00-01",
            "50",
            "1950-5",
            "2026-11-23T00:00",
            "-1-01-01",
        ] {
            assert_eq!(bad.parse::<PDate>(), Err(BadDate), "{bad}");
        }
    }

    #[test]
    fn partial_dates_keep_their_precision() {
        for good in ["1950", "1950-05", "1950-05-19", "2024-02-29"] {
            let date: PDate = good.parse().unwrap();
            assert_eq!(date.to_string(), good);
            assert_eq!(PDate::from_packed(date.packed()), Some(date));
        }
    }

    #[test]
    fn canonical_bytes_come_back() {
        let values = [
            Value::Null,
            Value::Text("Nguyễn Văn Đức".into()),
            Value::Int(-3),
            Value::Date("1930-02-03".parse().unwrap()),
            Value::Ref(RecordId([7; 16])),
            Value::Opaque(99, vec![1, 2, 3]),
        ];
        for value in values {
            let mut w = Writer::default();
            value.write(&mut w);
            let bytes = w.into_bytes();
            let mut r = Reader::new(&bytes);
            assert!(Value::read(&mut r).unwrap() == value);
            assert!(r.is_empty());
        }
    }

    #[test]
    fn a_value_in_a_log_shows_no_content() {
        assert_eq!(format!("{:?}", Value::Text("secret".into())), "text(…)");
    }
}
