//! What every kind, field and code must keep, whoever adds one.

use super::super::field::{HOME, VOID};
use super::*;
use crate::id::FieldId;

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

/// Counterexample 15: nobody writes what they may not see.
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
