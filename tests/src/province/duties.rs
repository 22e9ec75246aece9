//! What members did and hold: yearly grades, posts, assignments, exemptions.
//!
//! The grades keep the rule that excellent ones are at most a fifth of the good ones in every organisation.
//! Deliberately absent: the text of any review, and the records themselves, which `event` makes from these facts.

use chrono::NaiveDate;

use super::code::VILLAGE_POST;
use super::date::day;
use super::draw::Draw;
use super::people::Person;
use super::plan::Block;
use super::traits::Traits;
use super::tree::Tree;

/// Of a hundred reviewed: excellent, satisfactory, unsatisfactory. The rest are good.
const GRADE_SHARES: [(&str, f64); 3] = [("C", 0.10), ("D", 0.005), ("A", 0.125)];
/// Members with a work assignment on record.
const ASSIGNED_SHARE: f64 = 0.3;
/// Village heads who are also secretary of the village cell.
const HEAD_IS_SECRETARY: f64 = 0.25;

/// One member's part in the organisation's life.
#[derive(Clone, Default)]
pub(crate) struct Duty {
    /// Index of the cell's unit.
    pub(crate) cell: usize,
    pub(crate) recognised: Option<NaiveDate>,
    /// Grade of 2019, if reviewed.
    pub(crate) grade: Option<&'static str>,
    /// Indices of the units led as secretary.
    pub(crate) secretary_of: Vec<usize>,
    /// Post in the village.
    pub(crate) village_post: Option<&'static str>,
    pub(crate) task: Option<&'static str>,
    pub(crate) is_exempt: bool,
}

/// The duties of `people`, in their order.
pub(crate) fn duties(
    people: &[Person],
    traits: &[Traits],
    tree: &Tree,
    draw: &mut Draw,
) -> Vec<Duty> {
    let mut duties: Vec<Duty> = people
        .iter()
        .zip(traits)
        .map(|(person, traits)| Duty {
            cell: tree.seats[person.seat].unit,
            ..duty(person, traits, draw)
        })
        .collect();
    grades(people, traits, tree, &mut duties, draw);
    secretaries(people, traits, tree, &mut duties, draw);
    duties
}

fn duty(person: &Person, traits: &Traits, draw: &mut Draw) -> Duty {
    let village_post = (person.occupation == VILLAGE_POST).then(|| {
        const OTHERS: [&str; 6] = [
            "deputy_head",
            "front_head",
            "women_head",
            "farmers_head",
            "veterans_head",
            "youth_head",
        ];
        if person.is_head { "head" } else { draw.pick(&OTHERS) }
    });
    const TASKS: [&str; 5] =
        ["residential_area", "helping_candidates", "mass_org", "cell_work", "propaganda"];
    let is_assigned = !traits.is_exempt && draw.chance(ASSIGNED_SHARE);
    Duty {
        recognised: person.life.recognised,
        village_post,
        task: is_assigned.then(|| *draw.pick(&TASKS)),
        is_exempt: traits.is_exempt,
        ..Duty::default()
    }
}

/// Organisation by organisation; what rounding leaves over is carried to the next, so that the province's shares hold.
fn grades(people: &[Person], traits: &[Traits], tree: &Tree, duties: &mut [Duty], draw: &mut Draw) {
    let is_reviewed =
        |i: usize| !traits[i].is_exempt && people[i].life.admitted <= day(2019, 6, 30);
    let org = |i: usize| tree.seats[people[i].seat].org;
    let mut carried = [0.0; 3];
    let everyone: Vec<usize> = (0..people.len()).collect();
    for group in everyone.chunk_by(|&a, &b| org(a) == org(b)) {
        let mut reviewed: Vec<usize> = group.iter().copied().filter(|&i| is_reviewed(i)).collect();
        draw.shuffle(&mut reviewed);
        let all = reviewed.len();
        let mut rest = reviewed.into_iter();
        for ((grade, share), carried) in GRADE_SHARES.into_iter().zip(&mut carried) {
            *carried += share * all as f64;
            // A ≤ B / 5, so A is at most a sixth of those who are neither C nor D.
            let limit = if grade == "A" { rest.len() / 6 } else { rest.len() / 4 };
            let count = (carried.max(0.0) as usize).min(limit);
            *carried -= count as f64;
            rest.by_ref().take(count).for_each(|i| duties[i].grade = Some(grade));
        }
        rest.for_each(|i| duties[i].grade = Some("B"));
    }
}

/// A secretary for every cell, and one for every committee from its first cell (for a commune, its office).
fn secretaries(
    people: &[Person],
    traits: &[Traits],
    tree: &Tree,
    duties: &mut [Duty],
    draw: &mut Draw,
) {
    let everyone: Vec<usize> = (0..people.len()).collect();
    for cell in everyone.chunk_by(|&a, &b| people[a].seat == people[b].seat) {
        let seat = &tree.seats[people[cell[0]].seat];
        let fit = |i: &usize| {
            people[*i].life.is_official() && !traits[*i].is_exempt && people[*i].life.age() >= 24.0
        };
        let able: Vec<usize> = cell.iter().copied().filter(fit).collect();
        let able = if able.is_empty() { cell } else { &able };
        let head = able.iter().find(|&&i| people[i].is_head && draw.chance(HEAD_IS_SECRETARY));
        let secretary = *head.unwrap_or_else(|| draw.pick(able));
        duties[secretary].secretary_of.push(seat.unit);
        let leads_org = match seat.block {
            Block::Village | Block::School | Block::Health => false,
            Block::Office => true,
            _ => seat.unit == seat.org + 1,
        };
        if leads_org {
            duties[*draw.pick(able)].secretary_of.push(seat.org);
        }
    }
}
