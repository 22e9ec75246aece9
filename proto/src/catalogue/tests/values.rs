//! Values in: what people type, what files hold, what the wire brings.

use chrono::NaiveDate;
use serde_json::json;

use super::super::validate::{check, check_today, from_json, parse, to_json};
use super::*;
use crate::id::RecordId;

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
        [include_str!("../../../words/shared.vi.ftl"), include_str!("../../../words/shared.en.ftl")]
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
