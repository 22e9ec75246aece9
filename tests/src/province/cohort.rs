//! When each member was born, admitted and made official.
//!
//! Two admission dates are kept apart, as in life: the decision (party age counts from it) and the ceremony
//! (probation counts from it, and so does the cohort). Deliberately absent: who the person is and where.

use chrono::{Datelike, NaiveDate};

use super::date::{
    PartialDate, Precision, day, minus_days, nth_day, plus_days, plus_months, snapshot,
    years_between,
};
use super::draw::Draw;
use super::flows::stock_by_year;
use super::quota::apportion;

/// Admitted at least this old, years.
const ADMISSION_AGE_MIN: f64 = 18.0;
/// Admitted at most this old, years.
const ADMISSION_AGE_MAX: f64 = 60.0;
/// Nobody in the stock is older, years.
const AGE_MAX: f64 = 101.0;
/// Probation whose recognition is late, in shares of the last year's admissions.
const OVERDUE_SHARE: f64 = 0.01;
/// Birth dates known only in part.
const PARTIAL_BIRTHS: f64 = 0.08;
/// Admission dates before 1976 known only in part.
const PARTIAL_OLD_ADMISSIONS: f64 = 0.15;

/// A member's dates.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub(crate) born: NaiveDate,
    pub(crate) decided: NaiveDate,
    pub(crate) admitted: NaiveDate,
    /// The decision of recognition; `None` while on probation.
    pub(crate) recognised: Option<NaiveDate>,
    birth_precision: Precision,
    admission_precision: Precision,
}

impl Life {
    pub(crate) fn is_official(&self) -> bool {
        self.recognised.is_some()
    }

    /// Age at the snapshot, years.
    pub(crate) fn age(&self) -> f64 {
        years_between(self.born, snapshot())
    }

    pub(crate) fn birth_date(&self) -> PartialDate {
        PartialDate::new(self.born, self.birth_precision)
    }

    pub(crate) fn decided_on(&self) -> PartialDate {
        PartialDate::new(self.decided, self.admission_precision)
    }

    pub(crate) fn admitted_on(&self) -> PartialDate {
        PartialDate::new(self.admitted, self.admission_precision)
    }

    /// Exactly twelve months after the ceremony, however late the recognition came.
    pub(crate) fn official_on(&self) -> Option<PartialDate> {
        self.recognised
            .map(|_| PartialDate::new(plus_months(self.admitted, 12), self.admission_precision))
    }
}

/// The lives of `count` members, in the cohorts of the published stock.
pub(crate) fn lives(count: u32, draw: &mut Draw) -> Vec<Life> {
    let stock = stock_by_year();
    let weights: Vec<f64> = stock.iter().map(|(_, members)| f64::from(*members)).collect();
    let cohorts = apportion(count, &weights);
    let latest = f64::from(cohorts.last().copied().unwrap_or(0));
    let overdue = (latest * OVERDUE_SHARE).ceil() as u32;
    let mut lives = Vec::with_capacity(count as usize);
    for (&(year, _), &members) in stock.iter().zip(&cohorts) {
        let late = if year == snapshot().year() - 1 { overdue } else { 0 };
        lives.extend((0..members).map(|n| life(year, n < late, draw)));
    }
    lives
}

fn life(year: i32, overdue: bool, draw: &mut Draw) -> Life {
    // Overdue at the snapshot: the twelve months ended in its last quarter, and the decision is still to come.
    let first = if overdue { 274 } else { 0 };
    let admitted = nth_day(year, first + draw.below(365 - first));
    let gap = if draw.chance(0.02) { draw.between(46, 75) } else { draw.between(3, 30) };
    let is_old = year < 1976;
    Life {
        born: born(admitted, draw),
        decided: minus_days(admitted, gap),
        admitted,
        recognised: if overdue { None } else { recognised(admitted, draw) },
        birth_precision: precision(PARTIAL_BIRTHS, draw),
        admission_precision: precision(if is_old { PARTIAL_OLD_ADMISSIONS } else { 0.0 }, draw),
    }
}

fn born(admitted: NaiveDate, draw: &mut Draw) -> NaiveDate {
    let (mean, sd) = match admitted.year() {
        ..1976 => (22.0, 3.0),
        1976..1997 => (25.0, 5.0),
        _ => (29.0, 6.5),
    };
    let oldest = (AGE_MAX - years_between(admitted, snapshot())).min(ADMISSION_AGE_MAX);
    loop {
        let age = draw.normal(mean, sd);
        if (ADMISSION_AGE_MIN..=oldest).contains(&age) {
            // A day on top, so that the calendar never makes anyone a day short of eighteen.
            return minus_days(admitted, (age * 365.25) as u32 + 1);
        }
    }
}

/// 70 % within thirty working days of the twelve months' end, 25 % within sixty, the rest later; by the snapshot,
/// all whose twelve months are over.
fn recognised(admitted: NaiveDate, draw: &mut Draw) -> Option<NaiveDate> {
    let due = plus_months(admitted, 12);
    let (from, to) = draw.weighted(&[((3, 42), 70.0), ((43, 84), 25.0), ((85, 240), 5.0)]);
    let decided = plus_days(due, draw.between(from, to)).min(snapshot());
    (admitted <= day(2018, 12, 31)).then_some(decided)
}

fn precision(partial: f64, draw: &mut Draw) -> Precision {
    let roll = draw.unit();
    if roll < partial / 2.0 {
        Precision::Year
    } else if roll < partial {
        Precision::Month
    } else {
        Precision::Day
    }
}
