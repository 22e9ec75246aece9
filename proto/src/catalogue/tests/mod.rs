//! The catalogue as a whole: the data keeps the rules that the code relies on (`data`), values of
//! every type come in and are refused as they should (`values`), numbers are held and the written
//! table is fresh (`committed`).

mod committed;
mod data;
mod values;

use super::*;
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
