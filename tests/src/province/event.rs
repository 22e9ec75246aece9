//! The event and row records behind a member's status: admission, recognition, review, post, assignment, exemption.
//!
//! Field names are the catalogue's, except that units and villages are given by code. They are made on demand, one
//! scope at a time, from the member records and duties; nothing of them is stored. Deliberately absent: transfers,
//! exits and deaths. The snapshot holds nobody in flight and nobody who has left.

use serde::Serialize;
use uuid::Uuid;

use super::date::{PartialDate, day, plus_days};
use super::draw::{Draw, Ids};
use super::duties::Duty;
use super::member::{Member, hyphenated};
use super::unit::Unit;

/// One event or row record; serialises with its kind first.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Admitted.
    Admission(Admission),
    /// Recognised as an official member.
    Recognition(Recognition),
    /// Reviewed for a year.
    Review(Review),
    /// Holds a post.
    Post(Post),
    /// Has a work assignment.
    Assignment(Assignment),
    /// Exempt from work and meetings.
    Exemption(Exemption),
}

impl Event {
    /// The record's id, and that of the member whom it is about.
    #[must_use]
    pub fn ids(&self) -> (Uuid, Uuid) {
        match self {
            Self::Admission(event) => (event.id, event.member),
            Self::Recognition(event) => (event.id, event.member),
            Self::Review(row) => (row.id, row.member),
            Self::Post(row) => (row.id, row.member),
            Self::Assignment(row) => (row.id, row.member),
            Self::Exemption(row) => (row.id, row.member),
        }
    }
}

/// Admitted.
#[derive(Clone, Debug, Serialize)]
pub struct Admission {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// First or second time; always 1 here.
    pub sequence: u32,
    /// Code of the cell.
    pub unit: String,
    /// Decision.
    pub admission_decided_on: PartialDate,
    /// Number of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_no: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Ceremony.
    pub admitted_on: PartialDate,
}

/// Recognised as an official member.
#[derive(Clone, Debug, Serialize)]
pub struct Recognition {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// The admission that it belongs to.
    pub sequence: u32,
    /// Code of the cell.
    pub unit: String,
    /// End of probation.
    pub official_on: PartialDate,
    /// Number of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_no: Option<String>,
    /// Decision, never before the end of probation.
    pub decided_on: PartialDate,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
}

/// Reviewed for a year.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// The year.
    pub year: u32,
    /// Code of the cell.
    pub unit: String,
    /// Whether the member's own review was handed in.
    pub self_review_received: bool,
    /// `A` excellent to `D` unsatisfactory, table T17.
    pub proposed_grade: &'static str,
    /// The committee's grade; the same here.
    pub confirmed_grade: &'static str,
    /// When the committee decided.
    pub confirmed_on: PartialDate,
    /// Number of the decision.
    pub decision_no: String,
}

/// Holds a post.
#[derive(Clone, Debug, Serialize)]
pub struct Post {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// Code of the unit that is led, or of the cell of a village post.
    pub unit: String,
    /// `party` or `village`.
    pub post_group: &'static str,
    /// `secretary`, for a party post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_post: Option<&'static str>,
    /// Table T14, for a village post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub village_post: Option<&'static str>,
    /// Code of the village, for a village post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub village: Option<String>,
    /// Since when.
    pub valid_from: PartialDate,
}

/// Has a work assignment.
#[derive(Clone, Debug, Serialize)]
pub struct Assignment {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// Code of the task.
    pub task: &'static str,
    /// Since when.
    pub valid_from: PartialDate,
}

/// Exempt from work and meetings.
#[derive(Clone, Debug, Serialize)]
pub struct Exemption {
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// The member's record.
    #[serde(serialize_with = "hyphenated")]
    pub member: Uuid,
    /// Code of the cell.
    pub unit: String,
    /// Since when.
    pub valid_from: PartialDate,
    /// Coded ground.
    pub ground: &'static str,
    /// Number of the resolution.
    pub resolution_no: String,
    /// When it was resolved.
    pub resolved_on: PartialDate,
}

/// Makes the events of one scope.
pub(crate) struct Chronicler<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) draw: Draw,
    pub(crate) ids: Ids,
}

impl Chronicler<'_> {
    /// All events of one member, oldest sort first.
    pub(crate) fn events(&mut self, member: &Member, duty: &Duty) -> Vec<Event> {
        let mut events = vec![Event::Admission(self.admission(member))];
        events.extend(self.recognition(member, duty).map(Event::Recognition));
        events.extend(duty.grade.map(|grade| Event::Review(self.review(member, grade))));
        events.extend(
            duty.secretary_of.iter().map(|&unit| Event::Post(self.secretary(member, unit))),
        );
        events.extend(
            duty.village_post.map(|post| Event::Post(self.village_post(member, duty, post))),
        );
        events.extend(duty.task.map(|task| Event::Assignment(self.assignment(member, task))));
        events.extend(duty.is_exempt.then(|| Event::Exemption(self.exemption(member))));
        events
    }

    fn admission(&mut self, member: &Member) -> Admission {
        Admission {
            id: self.ids.mint(),
            member: member.id,
            sequence: 1,
            unit: member.unit.clone(),
            admission_decided_on: member.admission_decided_on,
            decision_no: member.admission_decision_no.clone(),
            decided_by: member.admission_decision_by.clone(),
            admitted_on: member.admitted_on,
        }
    }

    fn recognition(&mut self, member: &Member, duty: &Duty) -> Option<Recognition> {
        let official_on = member.official_on?;
        Some(Recognition {
            id: self.ids.mint(),
            member: member.id,
            sequence: 1,
            unit: member.unit.clone(),
            official_on,
            decision_no: member.official_decision_no.clone(),
            decided_on: PartialDate::new(duty.recognised?, official_on.precision()),
            decided_by: member.admission_decision_by.clone(),
        })
    }

    fn review(&mut self, member: &Member, grade: &'static str) -> Review {
        Review {
            id: self.ids.mint(),
            member: member.id,
            year: 2019,
            unit: member.unit.clone(),
            self_review_received: !self.draw.chance(0.03),
            proposed_grade: grade,
            confirmed_grade: grade,
            confirmed_on: PartialDate::from(plus_days(day(2019, 12, 2), self.draw.below(27))),
            decision_no: self.decision_no(),
        }
    }

    fn secretary(&mut self, member: &Member, unit: usize) -> Post {
        // Terms began with the congresses of 2015.
        let start = plus_days(day(2015, 3, 1), self.draw.below(90)).into();
        let unit = self.units[unit].code.clone();
        self.post(
            member,
            Post { post_group: "party", party_post: Some("secretary"), unit, ..vacant(start) },
        )
    }

    fn village_post(&mut self, member: &Member, duty: &Duty, post: &'static str) -> Post {
        let start = plus_days(day(2017, 4, 1), self.draw.below(90)).into();
        let village = self.units[duty.cell].village.clone();
        let unit = member.unit.clone();
        self.post(
            member,
            Post {
                post_group: "village",
                village_post: Some(post),
                village,
                unit,
                ..vacant(start)
            },
        )
    }

    /// Nobody leads before admission.
    fn post(&mut self, member: &Member, post: Post) -> Post {
        let valid_from = post.valid_from.max(member.official_on.unwrap_or(member.admitted_on));
        Post { id: self.ids.mint(), member: member.id, valid_from, ..post }
    }

    fn assignment(&mut self, member: &Member, task: &'static str) -> Assignment {
        let start = PartialDate::from(plus_days(day(2019, 1, 2), self.draw.below(60)));
        Assignment {
            id: self.ids.mint(),
            member: member.id,
            task,
            valid_from: start.max(member.admitted_on),
        }
    }

    fn exemption(&mut self, member: &Member) -> Exemption {
        let resolved = plus_days(day(2014, 1, 2), self.draw.below(2000));
        Exemption {
            id: self.ids.mint(),
            member: member.id,
            unit: member.unit.clone(),
            valid_from: plus_days(resolved, 1).into(),
            ground: "R1",
            resolution_no: self.decision_no().replace("QĐ", "NQ"),
            resolved_on: resolved.into(),
        }
    }

    fn decision_no(&mut self) -> String {
        format!("{}-QĐ/ĐU", self.draw.between(1, 200))
    }
}

/// A post that nobody holds yet.
fn vacant(valid_from: PartialDate) -> Post {
    Post {
        id: Uuid::nil(),
        member: Uuid::nil(),
        unit: String::new(),
        post_group: "",
        party_post: None,
        village_post: None,
        village: None,
        valid_from,
    }
}
