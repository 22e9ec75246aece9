//! Communes, villages and cells: whole, well formed, of the wanted sizes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dongbo_tests::province::{Province, Size};
use unicode_normalization::is_nfc;

use crate::{SEED, assert_near, full};

#[test]
fn communes_of_a_tenth_are_whole_and_of_realistic_size() {
    for province in [&Province::generate(SEED, Size::Tenth), full()] {
        for commune in province.communes() {
            let members = province.members_of(&commune.code).len();
            assert!((120..=800).contains(&members), "{} has {members}", commune.name_full);
            let cells = |sub_type: &str| {
                province
                    .cells()
                    .filter(|c| c.parent.as_ref() == Some(&commune.code) && c.sub_type == sub_type)
                    .count()
            };
            assert_eq!(
                (cells("commune_office"), cells("health_station")),
                (1, 1),
                "{}",
                commune.name_full
            );
            assert!(cells("residential") >= 4 && cells("school") >= 2, "{}", commune.name_full);
        }
    }
    let sizes: Vec<usize> =
        full().communes().map(|commune| full().members_of(&commune.code).len()).collect();
    println!("communes: {:?} to {:?} members", sizes.iter().min(), sizes.iter().max());
    assert_eq!(sizes.iter().sum::<usize>(), 66_426);
}

#[test]
fn commune_names_and_codes_are_the_real_ones() {
    let fixture = include_str!("../../fixtures/communes_2020.csv");
    let real: BTreeSet<(String, String)> = fixture
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|row| (row[0].to_owned(), format!("Đảng bộ {}", row[1]).to_lowercase()))
        .collect();
    let found =
        full().communes().map(|unit| (unit.code.clone(), unit.name_full.to_lowercase())).collect();
    assert_eq!(real, found);
    assert_eq!(real.len(), 209);
}

#[test]
fn the_tree_is_a_tree_and_scopes_follow_it() {
    let mut seen: HashSet<&str> = HashSet::new();
    for unit in &full().units {
        let parent = unit.parent.as_deref();
        assert!(
            parent.is_none_or(|parent| seen.contains(parent)),
            "{} comes before its parent",
            unit.code
        );
        assert!(seen.insert(&unit.code), "{} twice", unit.code);
        assert_eq!(
            unit.scope.is_none(),
            matches!(unit.level_kind, "province" | "district_equiv"),
            "{}",
            unit.code
        );
        assert!(unit.level_kind != "cell" || unit.scope == unit.parent, "{}", unit.code);
        assert!(unit.code.len() <= 20 && is_nfc(&unit.name_full));
    }
    let cells: HashSet<&str> = full().cells().map(|cell| cell.code.as_str()).collect();
    let villages: BTreeSet<&str> =
        full().villages.iter().map(|village| village.code.as_str()).collect();
    assert_eq!(villages.len(), 2_128);
    assert!(full().villages.iter().all(|village| cells.contains(village.cell.as_str())));
    assert!(
        full()
            .cells()
            .filter_map(|cell| cell.village.as_deref())
            .all(|village| villages.contains(village))
    );
}

#[test]
fn village_cells_have_sizes_off_the_published_curve() {
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    full().members.iter().for_each(|member| *sizes.entry(&member.unit).or_default() += 1);
    let villages: Vec<u32> =
        full().villages.iter().map(|village| sizes[village.cell.as_str()]).collect();
    let within = |low, high| villages.iter().filter(|size| (low..=high).contains(*size)).count();
    let bands = [(3, 5), (6, 8), (9, 14), (15, 20), (21, 30), (31, 50), (51, 110)]
        .map(|(low, high)| within(low, high));
    println!("village cells by size: {bands:?}");
    assert_eq!(bands.iter().sum::<usize>(), 2_128);
    assert!(sizes.values().all(|size| *size >= 3));
    for (found, wanted) in bands.into_iter().zip([26, 48, 371, 510, 644, 456, 98]) {
        assert_near(
            "village cells of a band",
            found as f64,
            f64::from(wanted),
            25.0 + f64::from(wanted) * 0.25,
        );
    }
}

fn short_cells(province: &Province) -> usize {
    let mut officials: BTreeMap<&str, u32> =
        province.cells().map(|cell| (cell.code.as_str(), 0)).collect();
    for member in province.members.iter().filter(|member| member.official_on.is_some()) {
        *officials.get_mut(member.unit.as_str()).unwrap() += 1;
    }
    officials.values().filter(|count| **count < 3).count()
}

#[test]
fn exactly_the_wanted_cells_are_short_of_official_members() {
    assert_eq!(short_cells(full()), 25);
    for seed in 0..20 {
        for (size, wanted) in [(Size::Tenth, 3), (Size::Hundredth, 1)] {
            assert_eq!(short_cells(&Province::generate(seed, size)), wanted, "seed {seed} {size}");
        }
    }
}

#[test]
fn heads_of_seven_villages_in_ten_are_members_of_the_village_cell() {
    let members: BTreeMap<_, _> = full().members.iter().map(|member| (member.id, member)).collect();
    let heads: Vec<_> = full()
        .villages
        .iter()
        .filter_map(|v| v.head_member.map(|head| (v, members[&head])))
        .collect();
    assert!(heads.iter().all(|(village, head)| village.cell == head.unit && village.head_name == head.full_name));
    assert!(full().villages.iter().all(|village| !village.head_name.is_empty()));
    assert_near("heads", 100.0 * heads.len() as f64 / full().villages.len() as f64, 70.4, 0.05);
}
