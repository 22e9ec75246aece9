//! What is committed beside the code: the written table of fields and the list of numbers.
//! `DONGBO_BLESS=1` writes them anew; it never blesses a number that changed its meaning.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

fn blessing() -> bool {
    std::env::var_os("DONGBO_BLESS").is_some()
}

fn beside(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_written_table_of_fields_is_fresh() {
    let (path, made) = (beside("docs/FIELDS.md"), markdown());
    if blessing() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/FIELDS.md is stale: DONGBO_BLESS=1 writes it");
}

/// What each number means: `kind_number field_number` → `kind.field type` without limits.
type Meanings = BTreeMap<(u16, u16), String>;

fn meanings() -> Meanings {
    let meaning = |(kind, field): (&Kind, &Field)| {
        ((kind.id.0, field.id.0), format!("{}.{} {}", kind.name, field.name, field.ty.family()))
    };
    all_fields().map(meaning).collect()
}

fn parse_numbers(list: &str) -> Meanings {
    let line = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let mut number = || parts.next().and_then(|n| n.parse().ok()).expect("a number");
        let key = (number(), number());
        (key, parts.next().expect("a meaning").to_owned())
    };
    list.lines().filter(|l| !l.starts_with('#')).map(line).collect()
}

/// The first number that the list and the catalogue do not hold alike. New numbers are no breach.
fn broken(held: &Meanings, now: &Meanings) -> Option<(u16, u16)> {
    held.iter()
        .find(|(number, meaning)| now.get(number) != Some(meaning))
        .map(|(&number, _)| number)
}

#[test]
fn numbers_keep_their_meaning_for_ever() {
    let path = beside("catalogue/numbers.txt");
    let list = std::fs::read_to_string(&path).unwrap_or_default();
    let (held, now) = (parse_numbers(&list), meanings());
    // Blessing appends; it never makes a changed, lost or reused number right.
    assert_eq!(broken(&held, &now), None, "a number changed its meaning or disappeared");
    let new: String = now
        .iter()
        .filter(|(number, _)| !held.contains_key(number))
        .map(|((kind, field), meaning)| format!("{kind} {field} {meaning}\n"))
        .collect();
    if blessing() {
        std::fs::write(&path, list + &new).unwrap();
    } else {
        assert_eq!(new, "", "new numbers are not in numbers.txt: DONGBO_BLESS=1 appends them");
    }
}

#[test]
fn the_list_notices_a_changed_a_lost_and_a_reused_number() {
    let held = meanings();
    let change = |edit: &dyn Fn(&mut Meanings)| {
        let mut now = held.clone();
        edit(&mut now);
        broken(&held, &now)
    };
    assert_eq!(change(&|_| ()), None);
    assert_eq!(change(&|now| drop(now.insert((10, 60_000), "member.new text".into()))), None);
    assert_eq!(change(&|now| drop(now.remove(&(10, 43)))), Some((10, 43)));
    assert_eq!(change(&|now| drop(now.insert((10, 43), "member.fax text".into()))), Some((10, 43)));
    assert_eq!(
        change(&|now| drop(now.insert((10, 24), "member.birth_date text".into()))),
        Some((10, 24))
    );
}
