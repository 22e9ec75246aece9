//! The records against the contract's own catalogue: what a node imports must be what the generator writes.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use dongbo_proto::catalogue::{Kind, catalogue, flags, json};
use dongbo_tests::province::{Province, Size};
use serde_json::Value as Json;

use crate::{SEED, full};

/// Keys of the lines that are not fields: the kind, the id, and relations given by code.
const NOT_FIELDS: [&str; 4] = ["kind", "id", "unit", "village"];

/// Every field is one of its kind's and has a value that the kind allows. Returns the flags that it raises.
fn check(object: &Json) -> Vec<&'static str> {
    let name = object["kind"].as_str().unwrap();
    let kind: &Kind = catalogue().kind_named(name).unwrap();
    let mut values = BTreeMap::new();
    for (key, value) in object.as_object().unwrap() {
        if NOT_FIELDS.contains(&key.as_str()) {
            continue;
        }
        let field = kind.field_named(key).unwrap_or_else(|| panic!("{name} has no field {key}"));
        let value = json::from_json(field, value).unwrap_or_else(|e| panic!("{name}.{key}: {e}"));
        values.insert(field.id, value);
    }
    for field in kind.fields().iter().filter(|field| field.required) {
        assert!(values.contains_key(&field.id), "{name} lacks {}", field.name);
    }
    let today = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    flags::flags(kind, |id| values.get(&id), today).iter().map(|flag| flag.code.as_str()).collect()
}

#[test]
fn every_member_is_valid_and_raises_no_flag() {
    for member in &full().members {
        let raised = check(&serde_json::to_value(member).unwrap());
        assert!(raised.is_empty(), "{}: {raised:?}", member.id);
    }
}

#[test]
fn every_event_is_valid_and_raises_no_flag() {
    let province = Province::generate(SEED, Size::Tenth);
    for scope in province.scopes() {
        for event in province.events_of(&scope.code) {
            let raised = check(&serde_json::to_value(&event).unwrap());
            assert!(raised.is_empty(), "{:?}: {raised:?}", event.ids());
        }
    }
}

#[test]
fn units_and_villages_have_codes_of_the_catalogue() {
    let holds = |table: &str, code: &str| {
        let found = catalogue().codes(table).unwrap().entry(code).is_some();
        assert!(found || code.is_empty(), "{table} has no {code}");
    };
    for unit in &full().units {
        holds("level_kind", unit.level_kind);
        holds("unit_type", unit.unit_type);
        holds("unit_sub_type", unit.sub_type);
        assert!(unit.name_full.chars().count() <= 200 && unit.name_short.chars().count() <= 80);
    }
    full().villages.iter().for_each(|village| holds("village_kind", village.kind));
}
