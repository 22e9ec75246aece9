//! Dates as paper has them: a day, a month, or only a year.
//!
//! The generated files write them as `1970-05-19`, `1970-05` and `1970`. Deliberately absent: parsing, and every
//! rule about what a partial date means; those belong to the contract, and the generator must not share its bugs.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Serialize, Serializer};

/// How much of a date is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Year, month and day.
    Day,
    /// Year and month.
    Month,
    /// The year alone.
    Year,
}

/// A date of which the day, or the day and the month, may be unknown (0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PartialDate {
    /// The year, always known.
    pub year: i32,
    /// 1 to 12, or 0 if unknown.
    pub month: u32,
    /// 1 to 31, or 0 if unknown.
    pub day: u32,
}

impl PartialDate {
    /// `date`, as much of it as `precision` lets through.
    #[must_use]
    pub fn new(date: NaiveDate, precision: Precision) -> Self {
        let (year, month, day) = (date.year(), date.month(), date.day());
        match precision {
            Precision::Day => Self { year, month, day },
            Precision::Month => Self { year, month, day: 0 },
            Precision::Year => Self { year, month: 0, day: 0 },
        }
    }

    /// How much of it is known.
    #[must_use]
    pub fn precision(self) -> Precision {
        match (self.month, self.day) {
            (0, _) => Precision::Year,
            (_, 0) => Precision::Month,
            _ => Precision::Day,
        }
    }
}

impl From<NaiveDate> for PartialDate {
    fn from(date: NaiveDate) -> Self {
        Self::new(date, Precision::Day)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision() {
            Precision::Year => write!(f, "{:04}", self.year),
            Precision::Month => write!(f, "{:04}-{:02}", self.year, self.month),
            Precision::Day => write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day),
        }
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The day of the snapshot: everything generated is as it stood that evening.
pub(crate) const fn snapshot() -> NaiveDate {
    day(2019, 12, 31)
}

/// A day that is written in this crate's own tables, clamped to the calendar's range if it were none.
pub(crate) const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MAX,
    }
}

/// The `n`-th day of `year`, counted from 0 and kept inside it.
pub(crate) fn nth_day(year: i32, n: u32) -> NaiveDate {
    plus_days(day(year, 1, 1), n.min(364))
}

pub(crate) fn plus_days(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_add_days(Days::new(u64::from(days))).unwrap_or(date)
}

pub(crate) fn minus_days(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_sub_days(Days::new(u64::from(days))).unwrap_or(date)
}

/// Clamped to the month's end, as the probation of 29 February 2024 ends on 28 February 2025.
pub(crate) fn plus_months(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_add_months(Months::new(months)).unwrap_or(date)
}

/// Days between two dates in years of 365.25 days; negative if `to` is before `from`.
pub(crate) fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    (to - from).num_days() as f64 / 365.25
}
