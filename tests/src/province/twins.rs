//! Double registrations: one person with a file in two communes, spelled or numbered differently.
//!
//! They are wanted: a province has them, and merging must list them and never unite them by itself. The second
//! record takes the place of an ordinary one with the same sex, cohort, occupation and ethnicity, so that no sum moves.

use std::collections::BTreeMap;

use chrono::Datelike;

use super::draw::Draw;
use super::people::Person;
use super::plan::Block;
use super::traits::Traits;
use super::tree::Tree;

/// Pairs, of all members.
const PAIR_SHARE: f64 = 0.0015;

/// Two positions in the list of people that are one person; the second is the later file.
pub(crate) type Pair = (usize, usize);

/// Chooses the pairs: always two villages of two communes.
pub(crate) fn pairs(
    people: &[Person],
    traits: &[Traits],
    tree: &Tree,
    draw: &mut Draw,
) -> Vec<Pair> {
    let mut alike: BTreeMap<(i32, bool, usize), Vec<usize>> = BTreeMap::new();
    for (i, (person, traits)) in people.iter().zip(traits).enumerate() {
        let is_plain = tree.seats[person.seat].block == Block::Village
            && traits.minority.is_none()
            && !person.is_head;
        if is_plain && person.life.is_official() && !traits.is_exempt {
            let key = (person.life.admitted.year(), traits.is_woman, person.occupation);
            alike.entry(key).or_default().push(i);
        }
    }
    let mut groups: Vec<Vec<usize>> =
        alike.into_values().filter(|group| group.len() >= 2).collect();
    draw.shuffle(&mut groups);
    groups.iter_mut().for_each(|group| draw.shuffle(group));
    let org = |i: usize| tree.seats[people[i].seat].org;
    let wanted = (people.len() as f64 * PAIR_SHARE).round() as usize;
    let mut found = Vec::with_capacity(wanted);
    while found.len() < wanted && groups.iter().any(|group| group.len() >= 2) {
        for group in groups.iter_mut().filter(|group| group.len() >= 2) {
            let (Some(first), Some(second)) = (group.pop(), group.pop()) else { continue };
            if org(first) != org(second) && found.len() < wanted {
                found.push((first.min(second), first.max(second)));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The personal id in the second file: mostly the same, else a digit wrong or missing altogether.
pub(crate) fn second_id(first: Option<String>, draw: &mut Draw) -> Option<String> {
    let id = first?;
    match draw.weighted(&[(0, 60.0), (1, 20.0), (2, 20.0)]) {
        0 => Some(id),
        1 => {
            let digit = id.chars().last().and_then(|last| last.to_digit(10)).unwrap_or(0);
            Some(format!("{}{}", &id[..id.len() - 1], (digit + draw.between(1, 9)) % 10))
        }
        _ => None,
    }
}
