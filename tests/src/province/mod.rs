//! A deterministic synthetic province: its organisations, its villages and 85,659 members as of 31 December 2019.
//!
//! The same seed and size give the same bytes on every machine. The sums are the published ones, the places are
//! real, and no person is: names, numbers and histories are drawn, and every file says so. Demo, benchmarks and
//! tests use it in memory ([`Province::members_of`]) or as files ([`Province::write`]).
//!
//! How it is made: `plan` and `flows` hold the tables; `tree` grows organisations and seats; `cohort` makes lives,
//! `people` seats them, `traits` and `duties` deal out the rest; `fill` and `event` write records.
//! Deliberately absent: registry types of the contract. What reads these files is tested by them, so they must not
//! be made by it.

mod code;
mod cohort;
mod commune;
mod date;
mod draw;
mod duties;
mod event;
mod fill;
mod flows;
mod member;
mod name;
mod people;
mod plan;
mod quota;
mod sort;
mod traits;
mod tree;
mod twins;
mod unit;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::Datelike;
use uuid::Uuid;

pub use date::{PartialDate, Precision};
pub use event::{Admission, Assignment, Event, Exemption, Post, Recognition, Review};
pub use flows::{
    COHORTS, Cohort, FLOWS, OPENING_STOCK, RETAINED, TRANSFERRED_IN, YearFlow, stock_by_year,
};
pub use member::Member;
pub use plan::{
    BLOCKS, Block, BlockPlan, DISTRICTS, District, DistrictPlan, Plan, Size, UnknownSize,
};
pub use unit::{Unit, Village};
pub use write::{NOTICE, Written};

use draw::{Draw, Ids, Stream};
use duties::Duty;
use event::Chronicler;
use fill::{Filler, Subject};
use people::Person;
use traits::Traits;
use tree::Tree;

/// When the records claim to have been made: 1 January 2020, 00:00 UTC, in milliseconds.
const RECORDS_FROM_MILLIS: u64 = 1_577_836_800_000;
/// Units are a day older.
const UNITS_FROM_MILLIS: u64 = RECORDS_FROM_MILLIS - 86_400_000;
/// Events begin a day later, and each scope has this many milliseconds of its own.
const EVENTS_FROM_MILLIS: u64 = RECORDS_FROM_MILLIS + 86_400_000;
const SCOPE_MILLIS: u64 = 100_000;

/// A whole synthetic province.
pub struct Province {
    /// What it was made from.
    pub seed: u64,
    /// How large it is.
    pub size: Size,
    /// Organisations, parents before children, each grassroots organisation followed by its cells.
    pub units: Vec<Unit>,
    /// Villages.
    pub villages: Vec<Village>,
    /// Members, scope by scope and cell by cell, in the order of `units`.
    pub members: Vec<Member>,
    /// Double registrations: pairs of member records that are one person.
    pub twins: Vec<(Uuid, Uuid)>,
    /// Parallel to `members`.
    duties: Vec<Duty>,
    /// Where each scope's members are.
    spans: BTreeMap<String, Range<usize>>,
}

impl Province {
    /// Makes the province of this seed and size.
    #[must_use]
    pub fn generate(seed: u64, size: Size) -> Self {
        let plan = Plan::new(size);
        let mut ids = Ids::new(Draw::new(seed, Stream::Ids), RECORDS_FROM_MILLIS);
        let tree_ids = Ids::new(Draw::new(seed, Stream::UnitIds), UNITS_FROM_MILLIS);
        let mut tree = tree::grow(&plan, Draw::new(seed, Stream::Tree), tree_ids);
        let mut cohorts = Draw::new(seed, Stream::Cohorts);
        let mut people =
            people::cast(&plan, &tree, &mut cohorts, &mut Draw::new(seed, Stream::Seats));
        let traits = traits::deal_traits(&people, &tree, &mut Draw::new(seed, Stream::Traits));
        let mut name_draw = Draw::new(seed, Stream::Names);
        let mut names = names(&people, &traits, &mut name_draw);
        let mut twin_draw = Draw::new(seed, Stream::Twins);
        let pairs = twins::pairs(&people, &traits, &tree, &mut twin_draw);
        for &(first, second) in &pairs {
            people[second].life = people[first].life;
            names[second] = name::respelled(&names[first], &mut twin_draw);
        }
        let duties = duties::duties(&people, &traits, &tree, &mut Draw::new(seed, Stream::Duties));
        let mut members =
            records(&people, &traits, names, &tree, &mut ids, Draw::new(seed, Stream::Details));
        for &(first, second) in &pairs {
            members[second].national_id =
                twins::second_id(members[first].national_id.clone(), &mut twin_draw);
        }
        seat_heads(&mut tree, &people, &members, &mut name_draw);
        let spans = spans(&people, &tree);
        let twins =
            pairs.iter().map(|&(first, second)| (members[first].id, members[second].id)).collect();
        Self {
            seed,
            size,
            units: tree.units,
            villages: tree.villages,
            members,
            twins,
            duties,
            spans,
        }
    }

    /// The grassroots organisations, which are the scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.is_grassroots())
    }

    /// The communes' organisations.
    pub fn communes(&self) -> impl Iterator<Item = &Unit> {
        self.scopes().filter(|unit| matches!(unit.unit_type, "commune" | "ward" | "town"))
    }

    /// The cells, organisations of a single cell included.
    pub fn cells(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.is_cell())
    }

    /// The members of one scope; none if there is no such scope.
    pub fn members_of(&self, scope: &str) -> std::slice::Iter<'_, Member> {
        self.members[self.span(scope)].iter()
    }

    /// The event records of one scope's members, made on the spot and the same each time.
    #[must_use]
    pub fn events_of(&self, scope: &str) -> Vec<Event> {
        let span = self.span(scope);
        let start = span.start as u64;
        let mut chronicler = Chronicler {
            units: &self.units,
            draw: Draw::nth(self.seed, Stream::Events, 2 * start),
            ids: Ids::new(
                Draw::nth(self.seed, Stream::Events, 2 * start + 1),
                EVENTS_FROM_MILLIS + start * SCOPE_MILLIS,
            ),
        };
        self.members[span.clone()]
            .iter()
            .zip(&self.duties[span])
            .flat_map(|(member, duty)| chronicler.events(member, duty))
            .collect()
    }

    fn span(&self, scope: &str) -> Range<usize> {
        self.spans.get(scope).cloned().unwrap_or_default()
    }
}

fn names(people: &[Person], traits: &[Traits], draw: &mut Draw) -> Vec<String> {
    let name = |(person, traits): (&Person, &Traits)| {
        name::full_name(traits.is_woman, person.life.born.year(), traits.ethnicity(), draw)
    };
    people.iter().zip(traits).map(name).collect()
}

fn records(
    people: &[Person],
    traits: &[Traits],
    names: Vec<String>,
    tree: &Tree,
    ids: &mut Ids,
    draw: Draw,
) -> Vec<Member> {
    let communes = commune::communes();
    let mut filler = Filler { tree, communes: &communes, draw };
    let mut list_no = 0;
    let mut cell = usize::MAX;
    (0..)
        .zip(people.iter().zip(traits).zip(names))
        .map(|(number, ((person, traits), name))| {
            list_no = if person.seat == cell { list_no + 1 } else { 1 };
            cell = person.seat;
            filler.fill(Subject { id: ids.mint(), number, list_no, name, person, traits })
        })
        .collect()
}

/// Names the village heads: the members who are, and people of whom nothing is known but a name.
fn seat_heads(tree: &mut Tree, people: &[Person], members: &[Member], draw: &mut Draw) {
    for village in &mut tree.villages {
        let is_woman = draw.chance(0.2);
        village.head_name = name::full_name(is_woman, 1970, "kinh", draw);
    }
    for (person, member) in people.iter().zip(members).filter(|(person, _)| person.is_head) {
        if let Some(village) = tree.seats[person.seat].village {
            tree.villages[village].head_name.clone_from(&member.full_name);
            tree.villages[village].head_member = Some(member.id);
        }
    }
}

fn spans(people: &[Person], tree: &Tree) -> BTreeMap<String, Range<usize>> {
    let org = |person: &Person| tree.seats[person.seat].org;
    let mut start = 0;
    let mut spans = BTreeMap::new();
    for group in people.chunk_by(|a, b| org(a) == org(b)) {
        let span = start..start + group.len();
        start = span.end;
        spans.insert(tree.units[org(&group[0])].code.clone(), span);
    }
    spans
}
