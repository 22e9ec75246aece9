//! Domain errors that are shown and listed, never refused: a record that looks wrong still syncs,
//! because old papers hold improbable truths and a refusal would lose what the office saved.
//!
//! Partial dates are intervals: a flag is raised only if no day that the date may mean is right.
//! Pure: the record is a closure, today is passed in. Flags that depend on today say so, for they
//! must stay out of digests.

use chrono::{Datelike, Months, NaiveDate};

use super::field::{Field, FieldType};
use super::kind::Kind;
use super::text::has_foreign_letter;
use crate::id::FieldId;
use crate::value::{PDate, Value};

/// Months from admission to recognition.
const PROBATION_MONTHS: u32 = 12;
/// The least age at admission, in months; age is counted by month.
const ADMISSION_AGE_MONTHS_MIN: u32 = 18 * 12;
/// Older than this, a person is more likely a typing error.
const AGE_YEARS_MAX: u32 = 110;
/// The two lengths of a party card number: old and new.
const CARD_DIGITS: [usize; 2] = [8, 12];

/// What looks wrong in a record, and the field to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flag {
    /// What looks wrong.
    pub code: FlagCode,
    /// Where to look first.
    pub field: FieldId,
}

/// What may look wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlagCode {
    /// Official less than 12 months after the ceremony.
    OfficialTooEarly,
    /// Admitted under 18.
    AdmittedUnderAge,
    /// Something that has happened, dated in the future.
    FutureDate,
    /// The decision to admit is dated after the ceremony.
    DecisionAfterCeremony,
    /// Decision and ceremony on one day: usually one of them was copied.
    DatesEqual,
    /// The decision's date is unknown, so party age is counted from the ceremony.
    PartyAgeAssumed,
    /// Something ends before it starts.
    EndsBeforeStart,
    /// Older than a person is likely to be.
    ImplausibleAge,
    /// A letter of another script in a name.
    ForeignLetter,
    /// A card number with neither 8 nor 12 digits: a zero may be lost.
    CardNumberLength,
}

impl FlagCode {
    /// All of them, in the order in which they are listed.
    pub const ALL: [FlagCode; 10] = [
        FlagCode::OfficialTooEarly,
        FlagCode::AdmittedUnderAge,
        FlagCode::FutureDate,
        FlagCode::DecisionAfterCeremony,
        FlagCode::DatesEqual,
        FlagCode::PartyAgeAssumed,
        FlagCode::EndsBeforeStart,
        FlagCode::ImplausibleAge,
        FlagCode::ForeignLetter,
        FlagCode::CardNumberLength,
    ];

    /// The word for lists and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            FlagCode::OfficialTooEarly => "OFFICIAL_TOO_EARLY",
            FlagCode::AdmittedUnderAge => "ADMITTED_UNDER_AGE",
            FlagCode::FutureDate => "FUTURE_DATE",
            FlagCode::DecisionAfterCeremony => "DECISION_AFTER_CEREMONY",
            FlagCode::DatesEqual => "DATES_EQUAL",
            FlagCode::PartyAgeAssumed => "PARTY_AGE_ASSUMED",
            FlagCode::EndsBeforeStart => "ENDS_BEFORE_START",
            FlagCode::ImplausibleAge => "IMPLAUSIBLE_AGE",
            FlagCode::ForeignLetter => "FOREIGN_LETTER",
            FlagCode::CardNumberLength => "CARD_NUMBER_LENGTH",
        }
    }

    /// The key under which the sentence for people is looked up.
    pub fn key(self) -> String {
        format!("flag-{}", self.as_str().to_ascii_lowercase().replace('_', "-"))
    }

    /// Whether the flag comes and goes with the calendar; such a flag is never part of a digest.
    pub fn depends_on_today(self) -> bool {
        matches!(self, FlagCode::FutureDate | FlagCode::ImplausibleAge)
    }
}

/// A record as flags see it.
struct Look<'a, G> {
    kind: &'a Kind,
    get: G,
    found: Vec<Flag>,
}

/// What looks wrong in a record of the kind, whose values `get` gives.
pub fn flags<'v>(
    kind: &Kind,
    get: impl Fn(FieldId) -> Option<&'v Value>,
    today: NaiveDate,
) -> Vec<Flag> {
    let mut look = Look { kind, get, found: Vec::new() };
    look.admission();
    look.person(today);
    for (start, end) in SPANS {
        look.span(start, end);
    }
    look.future(today);
    look.found
}

/// Pairs of fields of which the second cannot come before the first, whatever the kind.
const SPANS: [(&str, &str); 9] = [
    ("valid_from", "valid_to"),
    ("founded_on", "ended_on"),
    ("enlisted_on", "discharged_on"),
    ("recruited_on", "retired_on"),
    ("requested_on", "introduced_on"),
    ("introduced_on", "presented_on"),
    ("introduced_on", "received_on"),
    ("died_on", "reported_on"),
    ("reported_on", "file_sent_on"),
];

impl<'v, G: Fn(FieldId) -> Option<&'v Value>> Look<'_, G> {
    fn value(&self, name: &str) -> Option<(FieldId, &'v Value)> {
        let field = self.kind.field_named(name)?;
        Some((field.id, (self.get)(field.id)?))
    }

    fn date(&self, name: &str) -> Option<(FieldId, PDate)> {
        match self.value(name)? {
            (id, Value::Date(date)) => Some((id, *date)),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<(FieldId, &'v str)> {
        match self.value(name)? {
            (id, Value::Text(text)) => Some((id, text)),
            _ => None,
        }
    }

    fn raise(&mut self, code: FlagCode, field: FieldId, wrong: bool) {
        if wrong {
            self.found.push(Flag { code, field });
        }
    }

    /// Birth, decision, ceremony and recognition against one another.
    fn admission(&mut self) {
        let Some((at, admitted)) = self.date("admitted_on") else { return };
        if let Some((official_at, official)) = self.date("official_on") {
            let early = later(admitted.earliest(), PROBATION_MONTHS)
                .is_some_and(|due| latest(official) < due);
            self.raise(FlagCode::OfficialTooEarly, official_at, early);
        }
        if let Some((_, birth)) = self.date("birth_date") {
            let of_age =
                later(birth.earliest(), ADMISSION_AGE_MONTHS_MIN).and_then(|day| day.with_day(1));
            self.raise(
                FlagCode::AdmittedUnderAge,
                at,
                of_age.is_some_and(|day| latest(admitted) < day),
            );
        }
        match self.date("admission_decided_on") {
            None => {
                let counted = self.kind.field_named("admission_decided_on").map(|field| field.id);
                self.raise(FlagCode::PartyAgeAssumed, counted.unwrap_or(at), counted.is_some());
            }
            Some((decided_at, decided)) => {
                let after = decided.earliest() > latest(admitted);
                self.raise(FlagCode::DecisionAfterCeremony, decided_at, after);
                let equal = decided == admitted && decided.day().is_some();
                self.raise(FlagCode::DatesEqual, decided_at, equal);
            }
        }
    }

    fn person(&mut self, today: NaiveDate) {
        if let Some((at, birth)) = self.date("birth_date") {
            let old = later(latest(birth), AGE_YEARS_MAX * 12).is_some_and(|day| day < today);
            self.raise(FlagCode::ImplausibleAge, at, old);
        }
        for name in ["full_name", "name_in_use"] {
            if let Some((at, text)) = self.text(name) {
                self.raise(FlagCode::ForeignLetter, at, has_foreign_letter(text));
            }
        }
        if let Some((at, number)) = self.text("party_card_no") {
            self.raise(FlagCode::CardNumberLength, at, !CARD_DIGITS.contains(&number.len()));
        }
    }

    fn span(&mut self, start: &str, end: &str) {
        if let (Some((_, start)), Some((at, end))) = (self.date(start), self.date(end)) {
            self.raise(FlagCode::EndsBeforeStart, at, latest(end) < start.earliest());
        }
    }

    fn future(&mut self, today: NaiveDate) {
        let kind = self.kind;
        let dates = |field: &&Field| field.past && matches!(field.ty, FieldType::Date { .. });
        for field in kind.fields().iter().filter(dates) {
            if let Some(Value::Date(date)) = (self.get)(field.id) {
                self.raise(FlagCode::FutureDate, field.id, date.earliest() > today);
            }
        }
    }
}

/// The last day that a date may mean.
fn latest(date: PDate) -> NaiveDate {
    let first = date.earliest();
    let months = match (date.month(), date.day()) {
        (_, Some(_)) => return first,
        (Some(_), None) => 1,
        (None, None) => 12,
    };
    later(first, months).and_then(|day| day.pred_opt()).unwrap_or(first)
}

/// The same day so many months later, clamped to the month's end (29/02 → 28/02).
fn later(day: NaiveDate, months: u32) -> Option<NaiveDate> {
    day.checked_add_months(Months::new(months))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::{catalogue, kind};
    use super::*;

    const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();

    fn codes(kind: &Kind, values: &[(&str, &str)]) -> Vec<FlagCode> {
        let record: HashMap<FieldId, Value> = values
            .iter()
            .map(|(name, text)| {
                let field = kind.field_named(name).unwrap();
                (field.id, super::super::validate::parse(field, text).unwrap())
            })
            .collect();
        flags(kind, |id| record.get(&id), TODAY).into_iter().map(|flag| flag.code).collect()
    }

    fn member(values: &[(&str, &str)]) -> Vec<FlagCode> {
        codes(catalogue().kind(kind::MEMBER).unwrap(), values)
    }

    const DECIDED: (&str, &str) = ("admission_decided_on", "2019-01-20");
    const ADMITTED: (&str, &str) = ("admitted_on", "2019-02-03");

    #[test]
    fn an_ordinary_member_has_no_flags() {
        let official = ("official_on", "2020-02-03");
        assert!(
            member(&[
                ("full_name", "Ong Thị Ỷ"),
                ("birth_date", "1970"),
                DECIDED,
                ADMITTED,
                official
            ])
            .is_empty()
        );
    }

    #[test]
    fn official_a_day_early_is_flagged_and_an_unknown_day_is_not() {
        assert_eq!(
            member(&[DECIDED, ADMITTED, ("official_on", "2020-02-02")]),
            [FlagCode::OfficialTooEarly]
        );
        assert!(member(&[DECIDED, ADMITTED, ("official_on", "2020-02")]).is_empty());
        assert!(member(&[DECIDED, ADMITTED, ("official_on", "2020")]).is_empty());
        assert_eq!(
            member(&[DECIDED, ADMITTED, ("official_on", "2019")]),
            [FlagCode::OfficialTooEarly]
        );
    }

    #[test]
    fn a_year_after_the_29th_of_february_is_the_28th() {
        let leap = [("admission_decided_on", "2024-02-01"), ("admitted_on", "2024-02-29")];
        assert!(member(&[leap[0], leap[1], ("official_on", "2025-02-28")]).is_empty());
        assert_eq!(
            member(&[leap[0], leap[1], ("official_on", "2025-02-27")]),
            [FlagCode::OfficialTooEarly]
        );
    }

    #[test]
    fn age_at_admission_is_counted_by_month() {
        assert!(member(&[("birth_date", "2001-02-28"), DECIDED, ADMITTED]).is_empty());
        assert_eq!(
            member(&[("birth_date", "2001-03-01"), DECIDED, ADMITTED]),
            [FlagCode::AdmittedUnderAge]
        );
        assert!(member(&[("birth_date", "2001"), DECIDED, ADMITTED]).is_empty());
        assert_eq!(
            member(&[("birth_date", "2002"), DECIDED, ADMITTED]),
            [FlagCode::AdmittedUnderAge]
        );
    }

    #[test]
    fn decision_and_ceremony_are_told_apart() {
        assert_eq!(member(&[ADMITTED]), [FlagCode::PartyAgeAssumed]);
        let decided = |date| member(&[("admission_decided_on", date), ADMITTED]);
        assert_eq!(decided("2019-02-04"), [FlagCode::DecisionAfterCeremony]);
        assert_eq!(decided("2019-02-03"), [FlagCode::DatesEqual]);
        assert!(decided("2019-02").is_empty());
        assert!(decided("2019").is_empty());
    }

    #[test]
    fn future_and_unlikely_dates_depend_on_today() {
        let found = member(&[("birth_date", "2026-11-24")]);
        assert_eq!(found, [FlagCode::FutureDate]);
        assert!(member(&[("birth_date", "2026-11-23")]).is_empty());
        assert_eq!(member(&[("birth_date", "1915")]), [FlagCode::ImplausibleAge]);
        assert!(found.iter().all(|flag| flag.depends_on_today()));
    }

    #[test]
    fn a_lookalike_letter_and_a_lost_zero_are_flagged() {
        assert_eq!(member(&[("full_name", "L\u{43e}an")]), [FlagCode::ForeignLetter]);
        assert_eq!(member(&[("party_card_no", "12345678901")]), [FlagCode::CardNumberLength]);
        assert!(member(&[("party_card_no", "12345678")]).is_empty());
    }

    #[test]
    fn a_post_that_ends_before_it_starts_is_flagged() {
        let post = catalogue().kind(kind::POST).unwrap();
        let found = codes(post, &[("valid_from", "2020-05"), ("valid_to", "2020-04-30")]);
        assert_eq!(found, [FlagCode::EndsBeforeStart]);
        assert!(codes(post, &[("valid_from", "2020-05-15"), ("valid_to", "2020-05")]).is_empty());
    }

    #[test]
    fn an_empty_record_of_any_kind_has_no_flags() {
        for kind in catalogue().kinds() {
            assert!(flags(kind, |_| None, TODAY).is_empty(), "{}", kind.name);
        }
    }
}
