//! Grades, posts and the events that a member's status is computed from.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dongbo_tests::province::Event;

use crate::{assert_near, full};

#[test]
fn grades_keep_their_shares_and_the_cap_in_every_organisation() {
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in full().scopes() {
        let mut own: BTreeMap<&str, usize> = BTreeMap::new();
        for event in full().events_of(&scope.code) {
            if let Event::Review(review) = event {
                *own.entry(review.confirmed_grade).or_default() += 1;
            }
        }
        let of = |grade| own.get(grade).copied().unwrap_or(0);
        assert!(of("A") * 5 <= of("B"), "{}: {own:?}", scope.code);
        own.into_iter().for_each(|(grade, count)| *all.entry(grade).or_default() += count);
    }
    let reviewed = all.values().sum::<usize>() as f64;
    for (grade, share) in [("A", 12.5), ("B", 77.0), ("C", 10.0), ("D", 0.5)] {
        assert_near(grade, 100.0 * all[grade] as f64 / reviewed, share, 0.5);
    }
}

#[test]
fn every_member_has_the_events_that_status_is_computed_from() {
    let (mut admissions, mut recognitions, mut exempt, mut heads) = (0, 0, 0, 0);
    let mut led: BTreeSet<String> = BTreeSet::new();
    let mut ids = HashSet::new();
    for scope in full().scopes() {
        let members: HashSet<_> = full().members_of(&scope.code).map(|m| m.id).collect();
        for event in full().events_of(&scope.code) {
            let (id, member) = event.ids();
            assert!(members.contains(&member) && ids.insert(id), "{}", scope.code);
            match event {
                Event::Admission(_) => admissions += 1,
                Event::Recognition(_) => recognitions += 1,
                Event::Exemption(_) => exempt += 1,
                Event::Post(post) if post.village_post == Some("head") => heads += 1,
                Event::Post(post) if post.party_post == Some("secretary") => {
                    assert!(led.insert(post.unit))
                }
                _ => {}
            }
        }
    }
    let official = full().members.iter().filter(|m| m.official_on.is_some()).count();
    assert_eq!((admissions, recognitions, heads), (85_659, official, 1_498));
    assert_near("exempt", 100.0 * f64::from(exempt) / 85_659.0, 6.0, 0.05);
    let led_by_a_committee = full().scopes().filter(|scope| !scope.is_cell()).count();
    assert_eq!(led.len(), full().cells().count() + led_by_a_committee);
}
