//! Writes a person, with traits and duties, into a member record.
//!
//! Everything that no published sum depends on is drawn here: addresses, numbers, employers, dates of work.
//! Deliberately absent: relatives, property, health, and anything else that the domain refuses to collect.

use chrono::Datelike;
use uuid::Uuid;

use super::code::{
    FORCES, GENERAL, OCCUPATIONS, OWNER, PROFESSIONAL, RELIGION, RESIDENT_STAFF, RESIDENT_WORKER,
    RETIRED, THEORY,
};
use super::commune::Commune;
use super::date::{PartialDate, Precision, nth_day, plus_days, snapshot};
use super::draw::Draw;
use super::member::Member;
use super::people::Person;
use super::plan::{Block, DISTRICTS};
use super::traits::Traits;
use super::tree::{PROVINCE_CODE, Seat, Tree};

const COUNTRY: &str = "VN";
/// Provinces that the others come from.
const OTHER_PROVINCES: [&str; 7] = ["01", "19", "20", "27", "30", "34", "35"];
/// First digits of every personal id: no province has this code.
const ID_PREFIX: &str = "924";
/// Members without a personal id on record.
const MISSING_ID_SHARE: f64 = 0.03;
/// Members who live somewhere else for a time.
const AWAY_SHARE: f64 = 0.015;
/// Members who handed in no supplement slip for the year.
const MISSING_SLIP_SHARE: f64 = 0.18;
/// Modulus of the six-digit serial numbers.
const SERIALS: u32 = 1_000_000;

/// What the records of all members are written from.
pub(crate) struct Filler<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) communes: &'a [Commune],
    pub(crate) draw: Draw,
}

/// One member to write.
pub(crate) struct Subject<'a> {
    pub(crate) id: Uuid,
    /// Position among all members; below a million.
    pub(crate) number: u32,
    pub(crate) list_no: u32,
    pub(crate) name: String,
    pub(crate) person: &'a Person,
    pub(crate) traits: &'a Traits,
}

impl Filler<'_> {
    pub(crate) fn fill(&mut self, subject: Subject<'_>) -> Member {
        let person = subject.person;
        let seat = &self.tree.seats[person.seat];
        let mut member = Member {
            kind: "member",
            id: subject.id,
            unit: self.tree.units[seat.unit].code.clone(),
            profile_no: format!("{:06}BG", serial(subject.number, 271_829)),
            list_no: subject.list_no,
            ..Member::default()
        };
        self.numbers(&mut member, &subject);
        member.full_name = subject.name;
        let traits = subject.traits;
        self.person(&mut member, person, traits);
        self.places(&mut member, seat);
        education(&mut member, traits);
        self.work(&mut member, person, seat);
        self.servant(&mut member, person, seat);
        self.soldier(&mut member, person, traits.is_woman);
        self.admission(&mut member, person, seat);
        self.form(&mut member, person);
        member
    }

    fn numbers(&mut self, member: &mut Member, subject: &Subject<'_>) {
        let recognised = subject.person.life.recognised;
        let issued = recognised.map(|decided| plus_days(decided, 30 + subject.number % 90));
        if let Some(issued) = issued.filter(|day| *day <= snapshot()) {
            member.party_card_no = Some(format!("24{:06}", serial(subject.number, 618_033)));
            member.party_card_issued_on = Some(issued.into());
            member.party_card_issued_at = Some("Tỉnh ủy Bắc Giang");
        }
        let is_missing = self.draw.chance(MISSING_ID_SHARE);
        member.national_id = (!is_missing).then(|| national_id(subject));
    }

    fn person(&mut self, member: &mut Member, person: &Person, traits: &Traits) {
        member.sex = if traits.is_woman { "F" } else { "M" };
        member.birth_date = person.life.birth_date();
        member.ethnicity = traits.ethnicity();
        // Sán Chay is two local names.
        let local =
            (traits.ethnicity() == "san_chay").then(|| *self.draw.pick(&["Sán Chí", "Cao Lan"]));
        member.ethnicity_local = local;
        member.religion = RELIGION[traits.religion].0;
        member.phone = self.draw.chance(0.85).then(|| format!("0000{}", self.draw.digits(6)));
        let joins = self.draw.chance(0.85);
        member.youth_union_joined_on = joins.then(|| self.aged(person, 15, 18, Precision::Year));
        member.is_youth_union_member = person.life.age() <= 30.0 && person.occupation != RETIRED;
    }

    fn places(&mut self, member: &mut Member, seat: &Seat) {
        let home = self.home(seat);
        self.origin(member, home, seat);
        member.perm_addr_country = COUNTRY;
        member.perm_addr_province = PROVINCE_CODE;
        member.perm_addr_commune = self.communes[home].code.clone();
        member.perm_addr_detail = match seat.village {
            Some(village) => self.tree.villages[village].name.clone(),
            None => self.hamlet(),
        };
        if self.draw.chance(AWAY_SHARE) {
            member.temp_addr_country = Some(COUNTRY);
            member.temp_addr_province = Some(PROVINCE_CODE);
            member.temp_addr_commune = Some(self.draw.pick(self.communes).code.clone());
            member.temp_addr_detail = Some(self.hamlet());
        }
    }

    fn hamlet(&mut self) -> String {
        format!("Thôn Mẫu {}", self.draw.between(1, 12))
    }

    /// Where they live: in the commune of the cell, or anywhere in the district (the province).
    fn home(&mut self, seat: &Seat) -> usize {
        let area = &self.tree.units[seat.unit].admin_area_code;
        let stays = seat.village.is_some() || self.draw.chance(0.6);
        let own = self.communes.iter().position(|commune| &commune.code == area).unwrap_or(0);
        if stays { own } else { self.neighbour(seat) }
    }

    /// A commune of the seat's district, or of the province.
    fn neighbour(&mut self, seat: &Seat) -> usize {
        let first = self
            .communes
            .partition_point(|commune| seat.district.is_some_and(|d| commune.district < d));
        let end = self
            .communes
            .partition_point(|commune| seat.district.is_none_or(|d| commune.district <= d));
        first + self.draw.index(end - first)
    }

    /// Where they were born and come from: the same place, and mostly the one where they live.
    fn origin(&mut self, member: &mut Member, home: usize, seat: &Seat) {
        member.birth_reg_country = COUNTRY;
        member.hometown_country = COUNTRY;
        if self.draw.chance(0.06) {
            member.hometown_province = *self.draw.pick(&OTHER_PROVINCES[..]);
            member.birth_reg_detail = format!("Xã Mẫu {}", self.draw.between(1, 40));
        } else {
            let commune = if self.draw.chance(0.75) { home } else { self.neighbour(seat) };
            let commune = &self.communes[commune];
            member.hometown_province = PROVINCE_CODE;
            member.hometown_commune = Some(commune.code.clone());
            member.birth_reg_detail = capitalised(&commune.name);
        }
        member.birth_reg_province = member.hometown_province;
    }

    fn work(&mut self, member: &mut Member, person: &Person, seat: &Seat) {
        let occupation = &OCCUPATIONS[person.occupation];
        member.occupation_before = self.draw.weighted(&OCCUPATIONS_BEFORE);
        member.occupation_current = occupation.code;
        member.contract_kind = occupation.contract;
        member.is_private_business_owner = person.occupation == OWNER;
        let is_resident = matches!(person.occupation, RESIDENT_STAFF | RESIDENT_WORKER);
        let is_employed = seat.village.is_none() && person.occupation != RETIRED;
        if is_resident || is_employed {
            let (name, sort) = self.employer(seat, is_resident);
            member.employer_name = Some(name);
            member.employer_type = Some(sort);
            member.workplace_commune = Some(self.tree.units[seat.unit].admin_area_code.clone());
        }
        if matches!(occupation.contract, "fixed_12" | "fixed_under_12" | "seasonal") {
            member.contract_from = Some(self.recent_month());
        }
        if is_employed && matches!(occupation.code, "a1" | "a2" | "a3" | "a5" | "a71" | "a72") {
            member.it_skill = (person.life.age() < 55.0).then_some("Tin học cơ bản");
            let has_email = self.draw.chance(0.3);
            member.email = has_email.then(|| format!("mau{}@mophong.example", self.draw.digits(6)));
        }
    }

    fn employer(&mut self, seat: &Seat, is_resident: bool) -> (String, &'static str) {
        let unit = &self.tree.units[seat.unit];
        let org = &self.tree.units[seat.org];
        match seat.block {
            _ if is_resident => {
                (format!("Công ty TNHH Mẫu {}", self.draw.between(1, 60)), "limited")
            }
            Block::School | Block::Health => {
                (capitalised(unit.name_short.trim_start_matches("CB ")), "public_unit")
            }
            Block::Office => {
                (format!("UBND {}", org.name_short.trim_start_matches("ĐB ")), "state_agency")
            }
            _ => (org.name_short.clone(), org.unit_type),
        }
    }

    fn recent_month(&mut self) -> PartialDate {
        let year = self.draw.between(2010, 2019) as i32;
        PartialDate::new(nth_day(year, self.draw.below(365)), Precision::Month)
    }

    fn servant(&mut self, member: &mut Member, person: &Person, seat: &Seat) {
        if matches!(member.occupation_current, "a1" | "a2" | "a3" | "a5") {
            let recruiter = seat.district.map_or("tỉnh Bắc Giang", |d| DISTRICTS[d].name);
            member.recruited_on = Some(self.aged(person, 22, 30, Precision::Year));
            member.recruited_by = Some(format!("UBND {recruiter}"));
        }
        if person.occupation == RETIRED {
            member.retired_on = Some(self.aged(person, 52, 60, Precision::Month));
        }
    }

    fn soldier(&mut self, member: &mut Member, person: &Person, is_woman: bool) {
        let is_serving = person.occupation == FORCES;
        let has_served = !is_woman && person.life.age() > 45.0 && self.draw.chance(0.35);
        if is_serving || has_served {
            let enlisted = self.aged(person, 18, 18, Precision::Month);
            let years = self.draw.between(2, 4) as i32;
            member.enlisted_on = Some(enlisted);
            member.discharged_on =
                (!is_serving).then_some(PartialDate { year: enlisted.year + years, ..enlisted });
        }
    }

    /// A day between two ages of life, not after the snapshot.
    fn aged(&mut self, person: &Person, from: u32, to: u32, precision: Precision) -> PartialDate {
        let year = person.life.born.year() + self.draw.between(from, to) as i32;
        PartialDate::new(nth_day(year, self.draw.below(365)).min(snapshot()), precision)
    }

    fn admission(&mut self, member: &mut Member, person: &Person, seat: &Seat) {
        let life = &person.life;
        member.admission_decided_on = life.decided_on();
        member.admitted_on = life.admitted_on();
        member.official_on = life.official_on();
        // Files from before 1997 were often copied out without the numbers.
        if !self.draw.chance(if life.admitted.year() < 1997 { 0.4 } else { 0.95 }) {
            return;
        }
        let (by, mark) = issuer(seat);
        let cell = &self.tree.units[seat.unit].name_full;
        member.admission_decision_no = Some(format!("{}-QĐ/{mark}", self.draw.between(1, 900)));
        member.admission_decision_by = Some(by.to_owned());
        member.admitted_cell_text = Some(cell.clone());
        if life.is_official() {
            member.official_decision_no = Some(format!("{}-QĐ/{mark}", self.draw.between(1, 900)));
            member.official_cell_text = Some(cell.clone());
        }
    }

    /// The card form as declared this year, by those who handed in their slip.
    fn form(&mut self, member: &mut Member, person: &Person) {
        let declared = nth_day(2019, self.draw.below(365)).max(person.life.admitted);
        if !self.draw.chance(MISSING_SLIP_SHARE) {
            member.card_form_version = Some("2012");
            member.declared_on = Some(declared.into());
        }
    }
}

fn education(member: &mut Member, traits: &Traits) {
    let level = PROFESSIONAL[traits.professional].0;
    member.general_education = GENERAL[traits.general].0;
    member.professional_level = level;
    member.degree_highest = level.filter(|level| matches!(*level, "master" | "doctor"));
    member.political_theory = THEORY[traits.theory].0;
}

/// Occupations at admission with their weights.
const OCCUPATIONS_BEFORE: [(&str, f64); 7] = [
    ("a8", 42.0),
    ("a9", 14.0),
    ("a5", 14.0),
    ("a10", 12.0),
    ("a12", 8.0),
    ("a73", 6.0),
    ("a11", 4.0),
];

/// The committee above the grassroots that admits, and its mark.
fn issuer(seat: &Seat) -> (&'static str, &'static str) {
    match (seat.district, seat.block) {
        (Some(district), _) => (DISTRICTS[district].committee, DISTRICTS[district].mark),
        (None, Block::ProvinceOffices | Block::ProvinceEnterprises) => ("Đảng ủy Khối", "ĐUK"),
        (None, Block::Police) => ("Đảng ủy Công an tỉnh", "ĐUCA"),
        (None, Block::Army) => ("Đảng ủy Quân sự tỉnh", "ĐUQS"),
        (None, _) => ("Tỉnh ủy Bắc Giang", "TU"),
    }
}

/// A permutation of the six-digit numbers: unique, and in no visible order.
fn serial(number: u32, factor: u64) -> u64 {
    (u64::from(number) * factor + 104_729) % u64::from(SERIALS)
}

/// Shaped like the real one (province, century and sex, year, serial), with a province that does not exist.
fn national_id(subject: &Subject<'_>) -> String {
    let year = subject.person.life.born.year();
    let century = if year < 2000 { 0 } else { 2 } + u32::from(subject.traits.is_woman);
    format!("{ID_PREFIX}{century}{:02}{:06}", year % 100, serial(subject.number, 381_967))
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
