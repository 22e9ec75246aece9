//! Deals sex, ethnicity, religion and education, so that the province's shares are met to the person.
//!
//! Each trait is a quota, dealt within groups that matter for it: sex by occupation and by whether the member was
//! admitted in the last year, ethnicity by region, education by occupation and age. Deliberately absent: health,
//! family, opinions, and everything else that the domain says not to collect.

use chrono::Datelike;

use super::code::{
    GENERAL, MINORITIES, OCCUPATIONS, PROFESSIONAL, REGIONS, RELIGION, RETIRED, THEORY,
};
use super::date::snapshot;
use super::draw::Draw;
use super::people::Person;
use super::plan::DISTRICTS;
use super::quota::{apportion, deal, fit, percent, scatter};
use super::tree::Tree;

/// Women in the stock.
const WOMEN_SHARE: f64 = 0.32;
/// Women among those admitted in 2019.
const WOMEN_SHARE_NEW: f64 = 0.48;
/// Exempt from work and meetings, of all members.
const EXEMPT_SHARE: f64 = 0.06;
/// Members of a minority at full size, and all members.
const MINORITY_MEMBERS: (u32, u32) = (11_136, 85_659);

/// What is dealt to one person: positions in the tables of `code`.
#[derive(Clone, Default)]
pub(crate) struct Traits {
    pub(crate) is_woman: bool,
    /// `None` for Kinh, else a position in [`MINORITIES`].
    pub(crate) minority: Option<usize>,
    pub(crate) religion: usize,
    pub(crate) general: usize,
    pub(crate) professional: usize,
    pub(crate) theory: usize,
    pub(crate) is_exempt: bool,
}

impl Traits {
    pub(crate) fn ethnicity(&self) -> &'static str {
        self.minority.map_or("kinh", |i| MINORITIES[i].code)
    }
}

/// The traits of `people`, in their order.
pub(crate) fn deal_traits(people: &[Person], tree: &Tree, draw: &mut Draw) -> Vec<Traits> {
    let women = sexes(people, draw);
    let minorities = minorities(people, tree, draw);
    let religion = deal(
        draw,
        &vec![0; people.len()],
        &[vec![1.0; 5]],
        &percent(people.len(), RELIGION.map(|r| r.1)),
    );
    let occupations: Vec<usize> = people.iter().map(|person| person.occupation).collect();
    let weights: Vec<Vec<f64>> = OCCUPATIONS.iter().map(|o| o.professional.to_vec()).collect();
    let professional =
        deal(draw, &occupations, &weights, &percent(people.len(), PROFESSIONAL.map(|p| p.1)));
    let weights: Vec<Vec<f64>> = OCCUPATIONS.iter().map(|o| o.theory.to_vec()).collect();
    let theory = deal(draw, &occupations, &weights, &percent(people.len(), THEORY.map(|t| t.1)));
    let general = general(people, &professional, draw);
    let exempt = exempt(people);
    (0..people.len())
        .map(|i| Traits {
            is_woman: women[i],
            minority: minorities[i],
            religion: religion[i],
            general: general[i],
            professional: professional[i],
            theory: theory[i],
            is_exempt: exempt[i],
        })
        .collect()
}

fn is_new(person: &Person) -> bool {
    person.life.admitted.year() == snapshot().year()
}

/// The new ones and the others each have their share of women, spread over occupations by the occupations' weights.
fn sexes(people: &[Person], draw: &mut Draw) -> Vec<bool> {
    let group =
        |person: &Person| person.occupation + if is_new(person) { OCCUPATIONS.len() } else { 0 };
    let groups: Vec<usize> = people.iter().map(group).collect();
    let new = people.iter().filter(|person| is_new(person)).count() as f64;
    let new_women = (new * WOMEN_SHARE_NEW).round();
    let old_women = (people.len() as f64 * WOMEN_SHARE).round() - new_women;
    let mut counts = vec![0; 2 * OCCUPATIONS.len()];
    groups.iter().for_each(|&group| counts[group] += 1);
    let weights: Vec<Vec<f64>> =
        OCCUPATIONS.iter().map(|o| vec![100.0 - o.women, o.women]).collect();
    let half = |counts: &[u32], women: f64| {
        let all: u32 = counts.iter().sum();
        let women = women as u32;
        fit(&weights, counts, &[all - women, women])
    };
    let (old, new) = counts.split_at(OCCUPATIONS.len());
    let table = [half(old, old_women), half(new, new_women)].concat();
    scatter(draw, &groups, &table).into_iter().map(|sex| sex == 1).collect()
}

/// Minorities region by region: first how many, then which.
fn minorities(people: &[Person], tree: &Tree, draw: &mut Draw) -> Vec<Option<usize>> {
    let region = |person: &Person| {
        let code = tree.seats[person.seat].district.map_or("", |d| DISTRICTS[d].code);
        REGIONS.iter().position(|region| region.0 == code).unwrap_or(REGIONS.len() - 1)
    };
    let regions: Vec<usize> = people.iter().map(region).collect();
    let mut sizes = vec![0_u32; REGIONS.len()];
    regions.iter().for_each(|&region| sizes[region] += 1);
    let weights: Vec<f64> = REGIONS
        .iter()
        .zip(&sizes)
        .map(|((_, share, members), &size)| share * f64::from(size) / f64::from(*members))
        .collect();
    let total = (people.len() as f64 * f64::from(MINORITY_MEMBERS.0)
        / f64::from(MINORITY_MEMBERS.1))
    .round() as u32;
    let rows = apportion(total, &weights);
    let cols = apportion(total, &MINORITIES.map(|minority| f64::from(minority.members)));
    let seed: Vec<Vec<f64>> =
        (0..REGIONS.len()).map(|r| MINORITIES.iter().map(|m| m.regions[r]).collect()).collect();
    let mut table = fit(&seed, &rows, &cols);
    // The last column is everybody else.
    table
        .iter_mut()
        .zip(rows.iter().zip(&sizes))
        .for_each(|(row, (minority, size))| row.push(size - minority));
    let dealt = scatter(draw, &regions, &table);
    dealt.into_iter().map(|which| (which < MINORITIES.len()).then_some(which)).collect()
}

/// Who has a degree has finished school; the rest of the gaps are with the old.
fn general(people: &[Person], professional: &[usize], draw: &mut Draw) -> Vec<usize> {
    let groups: Vec<usize> = people
        .iter()
        .zip(professional)
        .map(|(person, &level)| level * 2 + usize::from(person.life.age() > 55.0))
        .collect();
    let weights: Vec<Vec<f64>> = (0..PROFESSIONAL.len() * 2)
        .map(|group| match (group / 2, group % 2 == 1) {
            (0, true) => vec![0.08, 0.5, 1.0],
            (0, false) => vec![0.005, 0.2, 1.0],
            (1 | 2, true) => vec![0.01, 0.25, 1.0],
            (1 | 2, false) => vec![0.0, 0.08, 1.0],
            _ => vec![0.0, 0.0, 1.0],
        })
        .collect();
    deal(draw, &groups, &weights, &percent(people.len(), GENERAL.map(|g| g.1)))
}

/// The oldest of the retired who are official members.
fn exempt(people: &[Person]) -> Vec<bool> {
    let mut retired: Vec<usize> = (0..people.len())
        .filter(|&i| {
            people[i].occupation == RETIRED && people[i].life.is_official() && !people[i].is_head
        })
        .collect();
    retired.sort_by_key(|&i| (people[i].life.born, i));
    let count = (people.len() as f64 * EXEMPT_SHARE).round() as usize;
    let mut exempt = vec![false; people.len()];
    retired.iter().take(count).for_each(|&i| exempt[i] = true);
    exempt
}
