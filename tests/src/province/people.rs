//! Puts a person on every seat: which life sits where, doing what.
//!
//! Occupations are quotas over the blocks; the oldest are the retired, the youngest the students, and the rest is
//! chance. Here too the cells that are to be short of official members become so, and no others.
//! Deliberately absent: sex, education and the like (`traits`), which are dealt afterwards and by occupation.

use super::code::{OCCUPATIONS, RETIRED, STUDENT, VILLAGE_POST};
use super::cohort::{Life, lives};
use super::draw::Draw;
use super::plan::{Block, Plan};
use super::quota::{apportion, fit, pile};
use super::tree::{Seat, Tree};

/// Below this many official members a cell may not vote on admissions.
const OFFICIALS_MIN: usize = 3;
/// Spread of the age at which people retire, years.
const RETIREMENT_SD_YEARS: f64 = 2.5;
/// A cell this large can spare an official member or take one on probation.
const ROOMY_CELL_MEMBERS: u32 = 8;

/// A life on a seat.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) life: Life,
    /// Index of the seat.
    pub(crate) seat: usize,
    /// Position in [`OCCUPATIONS`].
    pub(crate) occupation: usize,
    /// Heads the village of the seat.
    pub(crate) is_head: bool,
}

/// Everybody, in the order of the seats.
pub(crate) fn cast(plan: &Plan, tree: &Tree, cohorts: &mut Draw, draw: &mut Draw) -> Vec<Person> {
    let lives = lives(plan.members(), cohorts);
    let slots = slots(plan, &tree.seats, draw);
    let mut people = match_by_age(lives, slots, draw);
    settle_probation(&mut people, &tree.seats, draw);
    people.sort_by_key(|person| person.seat);
    people
}

/// A place to fill: seat, occupation, and whether its holder heads the village.
type Slot = (usize, usize, bool);

fn slots(plan: &Plan, seats: &[Seat], draw: &mut Draw) -> Vec<Slot> {
    let rows = plan.blocks.map(|block| block.members);
    let weights: Vec<Vec<f64>> =
        (0..rows.len()).map(|b| OCCUPATIONS.iter().map(|o| o.blocks[b]).collect()).collect();
    let table = fit(&weights, &rows, &apportion(plan.members(), &OCCUPATIONS.map(|o| o.share)));
    let mut slots = Vec::with_capacity(plan.members() as usize);
    for block in plan.blocks {
        let own = || (0..seats.len()).filter(|&s| seats[s].block == block.block);
        let mut counts = table[block.block as usize].clone();
        let mut free: Vec<usize> =
            own().flat_map(|s| std::iter::repeat_n(s, seats[s].members as usize)).collect();
        if block.block == Block::Village {
            let heads = heads(own().collect(), plan.member_heads.min(counts[VILLAGE_POST]), draw);
            counts[VILLAGE_POST] -= heads.len() as u32;
            free = without(free, &heads);
            slots.extend(heads.iter().map(|&s| (s, VILLAGE_POST, true)));
        }
        draw.shuffle(&mut free);
        slots.extend(
            free.into_iter().zip(pile(&counts)).map(|(s, occupation)| (s, occupation, false)),
        );
    }
    slots
}

/// The village cells whose village head is a member of them.
fn heads(mut cells: Vec<usize>, count: u32, draw: &mut Draw) -> Vec<usize> {
    draw.shuffle(&mut cells);
    cells.truncate(count as usize);
    cells.sort_unstable();
    cells
}

/// `places` with each of `taken` removed once; both are sorted.
fn without(places: Vec<usize>, taken: &[usize]) -> Vec<usize> {
    let mut taken = taken.iter().copied().peekable();
    places.into_iter().filter(|&place| taken.next_if_eq(&place).is_none()).collect()
}

/// The oldest retire, the youngest study, the rest do anything.
fn match_by_age(lives: Vec<Life>, slots: Vec<Slot>, draw: &mut Draw) -> Vec<Person> {
    let mut aged: Vec<(f64, Life)> = lives
        .into_iter()
        .map(|life| (life.age() + draw.normal(0.0, RETIREMENT_SD_YEARS), life))
        .collect();
    aged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let count = |occupation| slots.iter().filter(|slot| slot.1 == occupation).count();
    let (retired, students) = (count(RETIRED), count(STUDENT));
    let working = retired..aged.len() - students;
    draw.shuffle(&mut aged[working]);
    let mut order: Vec<Slot> = slots;
    order.sort_by_key(|&(_, occupation, _)| match occupation {
        RETIRED => 0,
        STUDENT => 2,
        _ => 1,
    });
    // Slots of one occupation come in the order of blocks; the retired must not fill villages oldest first.
    draw.shuffle(&mut order[..retired]);
    aged.into_iter()
        .zip(order)
        .map(|((_, life), (seat, occupation, is_head))| Person { life, seat, occupation, is_head })
        .collect()
}

/// Leaves exactly the cells that the tree calls short with fewer than three official members, by swapping seats of
/// people of the same block, so that no quota moves.
fn settle_probation(people: &mut [Person], seats: &[Seat], draw: &mut Draw) {
    let mut officials = vec![0; seats.len()];
    people.iter().filter(|p| p.life.is_official()).for_each(|p| officials[p.seat] += 1);
    let mut by_seat: Vec<Vec<usize>> = vec![vec![]; seats.len()];
    people.iter().enumerate().for_each(|(i, person)| by_seat[person.seat].push(i));
    for s in 0..seats.len() {
        while seats[s].short != (officials[s] < OFFICIALS_MIN) {
            let wants_official = !seats[s].short;
            let Some(out) = by_seat[s]
                .iter()
                .copied()
                .find(|&i| movable(&people[i]) && people[i].life.is_official() != wants_official)
            else {
                break;
            };
            let Some(other) = exchange(people, seats, &officials, out, draw) else { break };
            let there = people[other].seat;
            people[other].seat = s;
            people[out].seat = there;
            by_seat[s].retain(|&i| i != out);
            by_seat[there].retain(|&i| i != other);
            by_seat[s].push(other);
            by_seat[there].push(out);
            officials[s] = if wants_official { officials[s] + 1 } else { officials[s] - 1 };
            officials[there] =
                if wants_official { officials[there] - 1 } else { officials[there] + 1 };
        }
    }
}

fn movable(person: &Person) -> bool {
    !person.is_head
}

/// Somebody of the other standing in a roomy cell of the same block, from a random start on.
fn exchange(
    people: &[Person],
    seats: &[Seat],
    officials: &[usize],
    out: usize,
    draw: &mut Draw,
) -> Option<usize> {
    let from = &seats[people[out].seat];
    let start = draw.index(people.len());
    (start..people.len()).chain(0..start).find(|&i| {
        let to = &seats[people[i].seat];
        movable(&people[i])
            && people[i].life.is_official() != people[out].life.is_official()
            && to.block == from.block
            && !to.short
            && to.members >= ROOMY_CELL_MEMBERS.min(from.members + 2)
            && officials[people[i].seat] > OFFICIALS_MIN
    })
}
