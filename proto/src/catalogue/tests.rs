//! The catalogue as a whole: the data keeps the rules that the code relies on, numbers are held,
//! the written table is fresh, and values of every type come in and are refused as they should.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use serde_json::json;

use super::field::{HOME, VOID};
use super::validate::{check, check_today, from_json, parse, to_json};
use super::*;
use crate::id::{FieldId, RecordId};
use crate::value::Value;

fn member() -> &'static Kind {
    catalogue().kind(kind::MEMBER).unwrap()
}

fn field_of(name: &str) -> &'static Field {
    member().field_named(name).unwrap_or_else(|| panic!("no field {name}"))
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn all_fields() -> impl Iterator<Item = (&'static Kind, &'static Field)> {
    catalogue().kinds().iter().flat_map(|kind| kind.fields().iter().map(move |field| (kind, field)))
}

// --- the data

#[test]
fn every_kind_has_its_constant_and_its_name() {
    let named = [
        (kind::UNIT, "unit"),
        (kind::VILLAGE, "village"),
        (kind::UNIT_NAME, "unit_name"),
        (kind::UNIT_PARENT, "unit_parent"),
        (kind::UNIT_LEVEL, "unit_level"),
        (kind::VILLAGE_NAME, "village_name"),
        (kind::VILLAGE_CELL, "village_cell"),
        (kind::MEMBER, "member"),
        (kind::ADMISSION, "admission"),
        (kind::RECOGNITION, "recognition"),
        (kind::TRANSFER, "transfer"),
        (kind::EXIT, "exit"),
        (kind::DEATH, "death"),
        (kind::EXEMPTION, "exemption"),
        (kind::POST, "post"),
        (kind::REVIEW, "review"),
        (kind::ASSIGNMENT, "assignment"),
        (kind::REINSTATEMENT, "reinstatement"),
        (kind::SUSPENSION, "suspension"),
    ];
    for (id, name) in named {
        assert_eq!(catalogue().kind(id).map(|kind| kind.name.as_str()), Some(name));
        assert_eq!(catalogue().kind_named(name).map(|kind| kind.id), Some(id));
    }
    assert_eq!(catalogue().kinds().len(), named.len());
}

#[test]
fn a_field_is_found_by_number_and_by_name_where_it_stands() {
    for (kind, field) in all_fields() {
        let at = kind.index_of(field.id).unwrap();
        assert_eq!(&kind.fields()[at], field);
        assert_eq!(kind.field_named(&field.name), Some(field));
    }
    assert_eq!(member().field(FieldId(0)), None);
    assert_eq!(member().field(FieldId(u16::MAX)), None);
    assert_eq!(member().field_named("nothing"), None);
    assert!(catalogue().kind(crate::id::KindId(9_999)).is_none());
}

#[test]
fn every_kind_has_a_home_without_a_column_and_a_void_reason_with_one() {
    for kind in catalogue().kinds() {
        assert!(!kind.field(HOME).unwrap().is_stored());
        assert_eq!(kind.field(VOID).unwrap().name, "void_reason");
        assert!(kind.columns().iter().any(|column| column == "void_reason"));
    }
}

#[test]
fn who_may_write_may_read() {
    for (kind, field) in all_fields() {
        for role in Role::ALL {
            let may = field.may_write(role) || field.may_create(role) || field.may_request(role);
            assert!(!may || field.may_read(role), "{}.{} {role:?}", kind.name, field.name);
        }
        let nobody = !Role::ALL.into_iter().any(|role| field.may_write(role));
        let system = field.writers == Writers::System;
        assert_eq!(nobody, system, "{}.{}", kind.name, field.name);
    }
}

#[test]
fn more_entitled_roles_may_do_all_that_lesser_ones_may() {
    for (kind, field) in all_fields() {
        for pair in Role::ALL.windows(2) {
            let name = format!("{}.{}", kind.name, field.name);
            assert!(field.may_read(pair[1]) || !field.may_read(pair[0]), "{name}");
            assert!(field.may_write(pair[1]) || !field.may_write(pair[0]), "{name}");
        }
    }
}

#[test]
fn what_the_province_decides_is_not_created_by_a_commune() {
    let creators = |id| catalogue().kind(id).unwrap().creators();
    for id in [kind::EXIT, kind::SUSPENSION, kind::REINSTATEMENT, kind::UNIT, kind::UNIT_NAME] {
        assert_eq!(creators(id), Writers::Province, "{id:?}");
    }
    for id in [kind::MEMBER, kind::ADMISSION, kind::TRANSFER, kind::DEATH] {
        assert_eq!(creators(id), Writers::Commune, "{id:?}");
    }
}

#[test]
fn a_commune_enters_locked_fields_and_asks_to_change_them() {
    let name = field_of("full_name");
    assert!(name.may_create(Role::Commune) && name.may_request(Role::Commune));
    assert!(!name.may_write(Role::Commune) && !name.may_create(Role::Cell));
    let ethnicity = field_of("ethnicity");
    assert!(!ethnicity.may_read(Role::Commune) && !ethnicity.may_create(Role::Commune));
    assert!(ethnicity.may_create(Role::Clerk) && !ethnicity.may_write(Role::Clerk));
    assert!(
        field_of("phone").may_write(Role::Cell) && !field_of("status").may_write(Role::Province)
    );
    assert!(
        field_of("void_reason").may_request(Role::Commune)
            && !field_of("void_reason").may_write(Role::Clerk)
    );
}

#[test]
fn computed_is_of_the_system_and_nothing_else_but_home_is() {
    for (kind, field) in all_fields() {
        let system = field.writers == Writers::System;
        assert_eq!(
            system,
            field.rule == Rule::Computed || field.id == HOME,
            "{}.{}",
            kind.name,
            field.name
        );
    }
}

#[test]
fn locked_is_what_is_asked_for_or_the_provinces() {
    for (kind, field) in all_fields().filter(|(_, f)| f.rule == Rule::Locked) {
        let held = matches!(field.writers, Writers::Request | Writers::Province);
        assert!(held, "{}.{}", kind.name, field.name);
    }
}

#[test]
fn sensitive_fields_are_masked_and_travel_late() {
    for (kind, field) in all_fields().filter(|(_, f)| f.sensitivity == Sensitivity::Sensitive) {
        let name = format!("{}.{}", kind.name, field.name);
        assert_eq!(field.readers, Readers::Clerk, "{name}");
        assert!(!field.visitor && !field.transfer && !field.searched, "{name}");
    }
}

#[test]
fn the_reference_is_the_provinces_and_everyones() {
    for (kind, field) in all_fields() {
        let name = format!("{}.{}", kind.name, field.name);
        assert_eq!(kind.reference, field.readers == Readers::Everyone, "{name}");
        assert!(
            !kind.reference || matches!(field.writers, Writers::Province | Writers::System),
            "{name}"
        );
    }
}

#[test]
fn the_visitor_card_is_minimal() {
    let shown: Vec<_> =
        member().fields().iter().filter(|f| f.visitor).map(|f| f.name.as_str()).collect();
    assert_eq!(shown, ["home", "void_reason", "full_name", "name_in_use", "unit_id", "birth_year"]);
}

#[test]
fn a_natural_key_is_content_of_the_row_and_the_subject_is_in_it() {
    for kind in catalogue().kinds().iter().filter(|kind| !kind.natural_key.is_empty()) {
        assert!(kind.natural_key.contains(&kind.subject.unwrap()), "{}", kind.name);
        for &id in &kind.natural_key {
            assert_eq!(kind.field(id).unwrap().rule, Rule::Append, "{}", kind.name);
        }
    }
}

#[test]
fn nothing_that_must_not_be_collected_has_a_field() {
    let refused = [
        "father",
        "mother",
        "spouse",
        "relative",
        "family",
        "income",
        "asset",
        "land",
        "house",
        "health",
        "diagnos",
        "opinion",
        "thought",
        "wounded",
        "marital",
        "foreign_travel",
        "score_risk",
        "location",
    ];
    for (kind, field) in all_fields() {
        assert!(
            !refused.iter().any(|word| field.name.contains(word)),
            "{}.{}",
            kind.name,
            field.name
        );
    }
}

#[test]
fn labels_are_there_and_in_normal_form() {
    for (kind, field) in all_fields() {
        for label in
            [&field.label_vi, &field.label_en, &field.source, &kind.label_vi, &kind.label_en]
        {
            assert_eq!(text::check(label), Ok(()), "{}.{}", kind.name, field.name);
        }
    }
    for table in catalogue().code_tables() {
        for entry in &table.entries {
            assert_eq!(
                text::check(&entry.vi).and(text::check(&entry.en)),
                Ok(()),
                "{}.{}",
                table.name,
                entry.code
            );
            assert_eq!(
                table.meant(&entry.vi).map(|e| &e.code),
                Some(&entry.code),
                "{} is ambiguous",
                entry.vi
            );
        }
    }
}

#[test]
fn the_tables_hold_what_the_forms_count() {
    let len = |name: &str| catalogue().codes(name).unwrap().entries.len();
    assert_eq!(len("ethnicity"), 54 + 2);
    assert_eq!(len("badge"), 12);
    assert!(catalogue().codes("badge").unwrap().entry("35").is_none());
    let town = catalogue().codes("unit_type").unwrap().entry("town").unwrap();
    assert_eq!(town.to, "2025-06-30".parse().ok());
}

// --- values

#[test]
fn text_is_taken_in_normal_form_whatever_was_typed() {
    let name = field_of("full_name");
    let decomposed = "Nguye\u{302}\u{303}n Va\u{306}n Đu\u{31b}\u{301}c";
    for typed in ["Nguyễn Văn Đức", "  Nguyễn Văn Đức ", "Nguyễn\u{a0}Văn Ðức", decomposed]
    {
        assert!(parse(name, typed) == Ok(text("Nguyễn Văn Đức")), "{typed}");
    }
    assert_eq!(parse(name, "Lê\u{200b}Hoa"), Err(Invalid::Invisible));
    assert_eq!(parse(name, "Lê\u{202e}Hoa"), Err(Invalid::Invisible));
}

#[test]
fn limits_count_characters_and_not_bytes() {
    let name = field_of("full_name");
    assert!(parse(name, &"ễ".repeat(80)).is_ok());
    assert_eq!(parse(name, &"ễ".repeat(81)), Err(Invalid::TooLong { max: 80 }));
    assert_eq!(check(name, &text(&"a".repeat(1_000_000))), Err(Invalid::TooLong { max: 80 }));
}

#[test]
fn empty_clears_and_required_does_not_clear() {
    assert_eq!(parse(field_of("phone"), " \u{a0}"), Ok(Value::Null));
    assert_eq!(parse(field_of("full_name"), ""), Err(Invalid::Required));
    assert_eq!(check(field_of("full_name"), &Value::Null), Err(Invalid::Required));
    assert_eq!(check(field_of("phone"), &Value::Null), Ok(()));
    assert_eq!(check(field_of("phone"), &text("")), Err(Invalid::NotNormal));
}

#[test]
fn codes_are_taken_by_code_or_label_and_never_guessed() {
    for meant in ["M", "Nam", "NAM", "nam", "male"] {
        assert_eq!(parse(field_of("sex"), meant), Ok(text("M")), "{meant}");
    }
    assert_eq!(parse(field_of("ethnicity"), "Sán Dìu"), Ok(text("san_diu")));
    assert_eq!(parse(field_of("ethnicity"), "kinh"), Ok(text("kinh")));
    for unknown in ["X", "nu nam", "35"] {
        assert_eq!(parse(field_of("sex"), unknown), Err(Invalid::UnknownCode));
    }
    assert_eq!(check(field_of("sex"), &text("Nam")), Err(Invalid::UnknownCode));
}

#[test]
fn dates_are_read_as_machines_and_as_offices_write_them() {
    let birth = field_of("birth_date");
    let reads = [
        ("1970-05-19", "1970-05-19"),
        ("19/05/1970", "1970-05-19"),
        ("9/5/1970", "1970-05-09"),
        ("5/1970", "1970-05"),
        ("05/1970", "1970-05"),
        ("1970-05", "1970-05"),
        ("1970", "1970"),
    ];
    for (typed, stored) in reads {
        assert_eq!(parse(birth, typed), Ok(Value::Date(stored.parse().unwrap())), "{typed}");
    }
    for wrong in [
        "31/02/1950",
        "1950-02-30",
        "00/05/1950",
        "19/5/70",
        "1/2/3/1950",
        "+1/5/1950",
        "/1950",
        "mai",
        "1970-5-1",
        "99999",
    ] {
        assert_eq!(parse(birth, wrong), Err(Invalid::NotADate), "{wrong}");
    }
    assert_eq!(parse(field_of("declared_on"), "5/1970"), Err(Invalid::NotAFullDate));
}

#[test]
fn a_birth_in_the_future_is_refused_and_a_contract_is_not() {
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let date = |text: &str| Value::Date(text.parse().unwrap());
    assert_eq!(
        check_today(field_of("birth_date"), &date("2026-11-24"), today),
        Err(Invalid::Future)
    );
    assert_eq!(check_today(field_of("birth_date"), &date("2026-11-23"), today), Ok(()));
    assert_eq!(check_today(field_of("birth_date"), &date("2026"), today), Ok(()));
    assert_eq!(check_today(field_of("contract_from"), &date("2027-01-01"), today), Ok(()));
}

#[test]
fn digits_keep_their_zeros_and_their_length() {
    let id = field_of("national_id");
    assert_eq!(parse(id, "001234567890"), Ok(text("001234567890")));
    for wrong in ["1234567890", "0012345678901", "00123456789a", "٠٠١٢٣٤٥٦٧٨٩٠"] {
        assert_eq!(parse(id, wrong), Err(Invalid::NotDigits { min: 12, max: 12 }), "{wrong}");
    }
    assert_eq!(from_json(id, &json!(901234567890_i64)), Err(Invalid::WrongType));
}

#[test]
fn numbers_booleans_and_ids_are_read_within_their_bounds() {
    assert_eq!(parse(field_of("list_no"), "7"), Ok(Value::Int(7)));
    assert_eq!(parse(field_of("list_no"), "0"), Err(Invalid::OutOfRange { min: 1, max: 99_999 }));
    assert_eq!(parse(field_of("list_no"), "7.5"), Err(Invalid::NotANumber));
    for (typed, is) in
        [("x", 1), ("Có", 1), ("TRUE", 1), ("1", 1), ("không", 0), ("0", 0), ("false", 0)]
    {
        assert_eq!(parse(field_of("is_youth_union_member"), typed), Ok(Value::Int(is)), "{typed}");
    }
    assert_eq!(parse(field_of("is_youth_union_member"), "2"), Err(Invalid::NotABool));
    assert_eq!(check(field_of("is_youth_union_member"), &Value::Int(2)), Err(Invalid::NotABool));
    let id = RecordId::new(1_700_000_000_000, [7; 10]);
    assert_eq!(parse(field_of("unit_id"), &id.to_string()), Ok(Value::Ref(id)));
    assert_eq!(parse(field_of("unit_id"), "Chi bộ 1"), Err(Invalid::NotAnId));
}

#[test]
fn a_value_of_another_type_is_refused_and_one_of_an_unknown_type_is_carried() {
    for (_, field) in all_fields() {
        assert_eq!(check(field, &Value::Opaque(99, vec![1])), Ok(()));
        let wrong = match field.ty {
            FieldType::Int { .. } | FieldType::Bool => text("1"),
            _ => Value::Int(1),
        };
        assert_eq!(check(field, &wrong), Err(Invalid::WrongType), "{}", field.name);
    }
}

#[test]
fn what_goes_to_json_comes_back() {
    let values = [
        ("full_name", "Lê Thị Hoa"),
        ("birth_date", "1970-05"),
        ("sex", "F"),
        ("list_no", "12"),
        ("is_youth_union_member", "có"),
        ("unit_id", "018bcfe5-6800-7707-8707-070707070707"),
        ("phone", ""),
    ];
    for (name, typed) in values {
        let value = parse(field_of(name), typed).unwrap();
        assert_eq!(
            from_json(field_of(name), &to_json(field_of(name), &value)),
            Ok(value),
            "{name}"
        );
    }
    assert_eq!(to_json(field_of("is_youth_union_member"), &Value::Int(1)), json!(true));
    assert_eq!(from_json(field_of("list_no"), &json!([1])), Err(Invalid::WrongType));
    assert_eq!(from_json(field_of("list_no"), &json!(1.5)), Err(Invalid::NotANumber));
    assert_eq!(from_json(field_of("full_name"), &json!(null)), Err(Invalid::Required));
}

#[test]
fn an_error_never_shows_the_value() {
    let secret = "090123456789x";
    let error = parse(field_of("national_id"), secret).unwrap_err();
    assert!(!format!("{error} {error:?} {}", error.key()).contains("0901"));
}

#[test]
fn every_broken_rule_and_every_flag_has_its_sentence_in_both_languages() {
    let rules = [
        Invalid::Required,
        Invalid::TooLong { max: 1 },
        Invalid::Invisible,
        Invalid::NotNormal,
        Invalid::NotDigits { min: 1, max: 2 },
        Invalid::NotADate,
        Invalid::NotAFullDate,
        Invalid::Future,
        Invalid::UnknownCode,
        Invalid::NotANumber,
        Invalid::OutOfRange { min: 1, max: 2 },
        Invalid::NotABool,
        Invalid::NotAnId,
        Invalid::WrongType,
    ];
    for words in
        [include_str!("../../words/shared.vi.ftl"), include_str!("../../words/shared.en.ftl")]
    {
        let line = |key: &str| {
            words.lines().find(|l| l.starts_with(&format!("{key} = "))).map(str::to_owned)
        };
        for rule in rules {
            let sentence =
                line(rule.key()).unwrap_or_else(|| panic!("{} has no sentence", rule.key()));
            for (name, _) in rule.args() {
                assert!(sentence.contains(&format!("{{ ${name} }}")), "{sentence}");
            }
        }
        for flag in FlagCode::ALL {
            assert!(line(&flag.key()).is_some(), "{} has no sentence", flag.key());
        }
    }
}

// --- what is committed beside the code

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
