//! Shares, dates, names and numbers of the members.

use std::collections::{BTreeMap, HashSet};

use dongbo_tests::province::Member;
use unicode_normalization::is_nfc;

use crate::{assert_near, full, percent, units};

/// Age on 31 December 2019 from what is known of the birth date; a year alone counts from its middle.
fn age(member: &Member) -> f64 {
    let born = member.birth_date;
    let month = if born.month == 0 { 7 } else { born.month };
    f64::from(2019 - born.year) + f64::from(12 - month) / 12.0
}

#[test]
fn sex_and_ethnicity_have_the_published_shares() {
    assert_near("women", percent(|m| m.sex == "F"), 32.0, 0.1);
    let new: Vec<_> = full().members.iter().filter(|m| m.admitted_on.year == 2019).collect();
    let new_women = new.iter().filter(|m| m.sex == "F").count() as f64;
    assert_near("women admitted in 2019", 100.0 * new_women / new.len() as f64, 48.0, 0.1);
    let count = |code: &str| full().members.iter().filter(|m| m.ethnicity == code).count();
    let counts = ["nung", "tay", "san_diu", "san_chay", "hoa", "dao"].map(count);
    assert_eq!(counts, [4_269, 2_287, 1_548, 1_431, 1_065, 512]);
    assert_eq!(full().members.len() - count("kinh"), 11_136);
}

#[test]
fn minorities_live_where_the_table_puts_them() {
    let units = units();
    let upper = |m: &Member| {
        units[units[m.unit.as_str()].scope.as_deref().unwrap()].parent.as_deref().unwrap()
    };
    for (code, share) in [("219", 46.0), ("220", 62.0), ("218", 18.0), ("215", 32.0), ("217", 7.0)]
    {
        let all = full().members.iter().filter(|m| upper(m) == code).count() as f64;
        let minority =
            full().members.iter().filter(|m| upper(m) == code && m.ethnicity != "kinh").count()
                as f64;
        assert_near(code, 100.0 * minority / all, share, 1.0);
    }
}

#[test]
fn religion_education_and_occupation_have_the_published_shares() {
    for (code, share) in [("none", 98.8), ("buddhist", 0.6), ("catholic", 0.5)] {
        assert_near(code, percent(|m| m.religion == code), share, 0.05);
    }
    for (code, share) in [("upper_secondary", 86.0), ("lower_secondary", 12.5), ("primary", 1.5)] {
        assert_near(code, percent(|m| m.general_education == code), share, 0.05);
    }
    let levels = [
        ("vocational", 9.0),
        ("intermediate", 15.0),
        ("college", 9.0),
        ("university", 33.0),
        ("master", 3.8),
    ];
    for (code, share) in levels.into_iter().chain([("doctor", 0.2)]) {
        assert_near(code, percent(|m| m.professional_level == Some(code)), share, 0.05);
    }
    for (code, share) in
        [("none", 42.0), ("elementary", 37.0), ("intermediate", 17.0), ("advanced", 4.0)]
    {
        assert_near(code, percent(|m| m.political_theory == code), share, 0.05);
    }
    let is = |m: &Member, codes: &[&str]| codes.contains(&m.occupation_current);
    for (codes, share) in [
        (&["a8"][..], 27.0),
        (&["b"], 33.0),
        (&["a5"], 14.0),
        (&["a3", "a4"], 7.5),
        (&["a1", "a2"], 5.0),
        (&["a71", "a72", "a73"], 6.0),
        (&["a9"], 4.0),
        (&["a10"], 0.6),
        (&["a12"], 2.9),
    ] {
        assert_near(&format!("{codes:?}"), percent(|m| is(m, codes)), share, 0.05);
    }
    assert_near("owners", percent(|m| m.is_private_business_owner), 0.3, 0.05);
    let degree = |m: &Member| {
        matches!(m.professional_level, Some("college" | "university" | "master" | "doctor"))
    };
    assert!(percent(|m| degree(m) && m.general_education != "upper_secondary") < 0.05);
}

#[test]
fn ages_and_party_ages_are_those_of_the_published_simulation() {
    let ages: Vec<f64> = full().members.iter().map(age).collect();
    let mean = ages.iter().sum::<f64>() / ages.len() as f64;
    let bands = [
        (18, 31, 9.4),
        (31, 36, 11.3),
        (36, 41, 13.0),
        (41, 46, 12.7),
        (46, 51, 12.0),
        (51, 56, 10.5),
    ];
    let band = |from: i32, to: i32| percent(|m| (f64::from(from)..f64::from(to)).contains(&age(m)));
    println!(
        "mean age {mean:.1}; bands {:?}",
        bands.map(|(from, to, _)| format!("{:.1}", band(from, to)))
    );
    assert_near("mean age", mean, 49.2, 1.0);
    for (from, to, share) in bands.into_iter().chain([(56, 61, 8.3), (61, 120, 22.9)]) {
        assert_near(&format!("aged {from} to {to}"), band(from, to), share, 1.5);
    }
    for (years, share) in [(30, 29.3), (40, 16.1), (50, 6.2), (60, 1.1)] {
        let found = percent(|m| m.admission_decided_on.year <= 2019 - years);
        assert_near(&format!("party age {years}"), found, share, 1.0);
    }
}

#[test]
fn dates_are_in_order_and_partial_as_often_as_wanted() {
    for member in &full().members {
        let (decided, admitted) = (member.admission_decided_on, member.admitted_on);
        assert!(decided.to_string() <= admitted.to_string(), "{} {decided} {admitted}", member.id);
        assert!(member.official_on.is_none_or(|on| on.year == admitted.year + 1), "{}", member.id);
        assert!((17..=61).contains(&(admitted.year - member.birth_date.year)), "{}", member.id);
        assert!(
            member.declared_on.is_none_or(|on| on.to_string().as_str() <= "2019-12-31"),
            "{}",
            member.id
        );
    }
    assert_near("partial births", percent(|m| m.birth_date.day == 0), 8.0, 0.5);
    let old: Vec<_> = full().members.iter().filter(|m| m.admitted_on.year < 1976).collect();
    let partial = old.iter().filter(|m| m.admitted_on.day == 0).count() as f64;
    assert_near("partial old admissions", 100.0 * partial / old.len() as f64, 15.0, 1.5);
    assert!(full().members.iter().all(|m| m.admitted_on.year < 1976 || m.admitted_on.day > 0));
}

#[test]
fn probation_is_the_last_year_and_a_few_overdue() {
    let probation: Vec<_> = full().members.iter().filter(|m| m.official_on.is_none()).collect();
    let last_year = full().members.iter().filter(|m| m.admitted_on.year == 2019).count();
    let overdue = probation.iter().filter(|m| m.admitted_on.year == 2018).count();
    println!("on probation: {} admitted in 2019, {overdue} overdue", last_year);
    assert_eq!(probation.len(), last_year + overdue);
    assert!((2_400..=2_454).contains(&last_year) && (20..=30).contains(&overdue));
    assert!(
        probation.iter().all(|m| m.party_card_no.is_none() && m.official_decision_no.is_none())
    );
}

#[test]
fn ids_are_unique_and_could_not_be_real() {
    let province = full();
    let mut ids: HashSet<_> = province.members.iter().map(|m| m.id).collect();
    ids.extend(province.units.iter().map(|unit| unit.id));
    ids.extend(province.villages.iter().map(|village| village.id));
    assert_eq!(ids.len(), province.members.len() + province.units.len() + province.villages.len());
    assert!(ids.iter().all(|id| id.get_version_num() == 7));
    assert!(
        province
            .members
            .iter()
            .filter_map(|m| m.national_id.as_ref())
            .all(|id| id.len() == 12 && id.starts_with('9'))
    );
    assert!(
        province
            .members
            .iter()
            .filter_map(|m| m.phone.as_ref())
            .all(|phone| phone.starts_with("0000"))
    );
    assert_near("without personal id", percent(|m| m.national_id.is_none()), 3.0, 0.3);
    let mut numbers: Vec<_> = province.members.iter().map(|m| &m.profile_no).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), province.members.len());
}

#[test]
fn twins_are_one_person_in_two_communes_and_nobody_else_shares_an_id() {
    let province = full();
    let scope_of: BTreeMap<&str, &str> =
        province.cells().map(|cell| (cell.code.as_str(), cell.scope.as_deref().unwrap())).collect();
    let members: BTreeMap<_, _> = province.members.iter().map(|m| (m.id, m)).collect();
    assert_eq!(province.twins.len(), 128);
    let mut shared = 0;
    for (first, second) in &province.twins {
        let (first, second) = (members[first], members[second]);
        assert_ne!(scope_of[first.unit.as_str()], scope_of[second.unit.as_str()]);
        assert_eq!(
            (first.birth_date, first.admitted_on, first.sex),
            (second.birth_date, second.admitted_on, second.sex)
        );
        assert_ne!(first.full_name, second.full_name);
        shared +=
            usize::from(first.national_id.is_some() && first.national_id == second.national_id);
    }
    let national: Vec<_> = province.members.iter().filter_map(|m| m.national_id.as_ref()).collect();
    let distinct: HashSet<_> = national.iter().collect();
    assert!(shared > 50);
    assert_eq!(national.len() - distinct.len(), shared);
}

#[test]
fn names_are_nfc_and_some_are_shared_by_hundreds() {
    let mut by_name: BTreeMap<&str, u32> = BTreeMap::new();
    for member in &full().members {
        assert!(is_nfc(&member.full_name) && is_nfc(&member.perm_addr_detail), "{}", member.id);
        assert!((2..=5).contains(&member.full_name.split(' ').count()), "{}", member.id);
        *by_name.entry(&member.full_name).or_default() += 1;
    }
    println!("Nguyễn Văn Hùng: {}", by_name["Nguyễn Văn Hùng"]);
    assert!((250..=450).contains(&by_name["Nguyễn Văn Hùng"]));
    assert_near("Nguyễn", percent(|m| m.full_name.starts_with("Nguyễn ")), 31.4, 1.5);
    let four = percent(|m| m.full_name.split(' ').count() == 4);
    assert_near("four words", four, 0.68 * 12.0 + 0.32 * 20.0, 1.0);
}
