//! One line of an import file: a JSON object under the catalogue's field names, as one record.
//!
//! `kind` and `id` name the record; `unit`, `village` and `scope` are codes, because that is what
//! papers and spreadsheets have. A line without a kind that carries only a `notice` is a remark.

use std::collections::BTreeMap;

use dongbo_proto::act::{FieldWrite, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{Field, FieldType, Invalid, Kind, Rule, Writers, catalogue, json};
use dongbo_proto::id::{FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::value::Value;
use serde_json::{Map, Value as Json};

use super::known::Known;
use crate::registry;
use crate::store::ReadTx;

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// The key of the line that is wrong; empty where it is the line itself.
    pub column: String,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A sentence by key.
    Key(&'static str),
    /// A rule of the field.
    Rule(Invalid),
}

/// What a line turns out to be.
#[derive(Debug)]
pub enum Line {
    /// A record to be created.
    Record(Box<Draft>),
    /// A remark or an empty line.
    Nothing,
}

/// A record to be created.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its kind.
    pub kind: KindId,
    /// Its id; `None` where the file gives none.
    pub id: Option<RecordId>,
    /// Its home.
    pub home: ScopeId,
    values: BTreeMap<FieldId, Value>,
}

impl Draft {
    /// The operation that creates it.
    #[must_use]
    pub fn into_op(self, id: RecordId) -> Op {
        let write = |(field, value)| FieldWrite { field, value, over: Over::Nothing };
        let fields = self.values.into_iter().map(write).collect();
        Op::Write(RecordWrites {
            record: id,
            kind: self.kind,
            create: Some(self.home),
            under: None,
            fields,
        })
    }
}

/// What reading a line gives: a finding about it is no error of the store.
pub type Read = registry::Result<std::result::Result<Line, Bad>>;

fn bad<T>(column: &str, key: &'static str) -> std::result::Result<T, Bad> {
    Err(Bad { column: column.to_owned(), why: Why::Key(key) })
}

/// Reads a line.
///
/// # Errors
/// The store's.
pub fn read(tx: &dyn ReadTx, known: &Known, line: &str) -> Read {
    if line.trim().is_empty() {
        return Ok(Ok(Line::Nothing));
    }
    let Ok(Json::Object(object)) = serde_json::from_str::<Json>(line) else {
        return Ok(bad("", "why-not-json"));
    };
    if !object.contains_key("kind") && object.contains_key("notice") {
        return Ok(Ok(Line::Nothing));
    }
    let draft = match shape(known, &object) {
        Ok(shaped) => shaped,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let (kind, id, values) = draft;
    Ok(match home(tx, known, kind, &object, &values)? {
        Ok(home) => Ok(Line::Record(Box::new(Draft { kind: kind.id, id, home, values }))),
        Err(wrong) => Err(wrong),
    })
}

type Shaped = (&'static Kind, Option<RecordId>, BTreeMap<FieldId, Value>);

fn shape(known: &Known, object: &Map<String, Json>) -> std::result::Result<Shaped, Bad> {
    let named = object.get("kind").and_then(Json::as_str).and_then(|n| catalogue().kind_named(n));
    let Some(kind) = named else { return bad("kind", "why-no-such-kind") };
    let id = match object.get("id") {
        None | Some(Json::Null) => None,
        Some(id) => match id.as_str().and_then(|t| t.parse().ok()) {
            Some(id) => Some(id),
            None => return bad("id", "invalid-not-an-id"),
        },
    };
    let mut values = BTreeMap::new();
    for (name, json) in object {
        if let Some((field, value)) = cell(known, kind, name, json)? {
            values.insert(field, value);
        }
    }
    values.retain(|_, value| *value != Value::Null);
    match kind.fields().iter().find(|f| f.required && !values.contains_key(&f.id)) {
        Some(lacking) => bad(&lacking.name, "invalid-required"),
        None => Ok((kind, id, values)),
    }
}

type Cell = Option<(FieldId, Value)>;

fn cell(known: &Known, kind: &Kind, name: &str, json: &Json) -> std::result::Result<Cell, Bad> {
    match (name, json) {
        ("kind" | "id" | "scope" | "notice", _) | (_, Json::Null) => Ok(None),
        ("unit", Json::String(code)) if is_code(code) => match known.units.get(code) {
            Some(unit) => Ok(refer(kind, &["unit_id", "unit"], unit.id)),
            None => bad(name, "why-no-such-unit"),
        },
        ("village", Json::String(code)) if is_code(code) => match known.villages.get(code) {
            Some(id) => Ok(refer(kind, &["village_id", "village"], *id)),
            None => bad(name, "why-no-such-village"),
        },
        _ => {
            let Some(field) = kind.field_named(name) else { return bad(name, "why-no-such-field") };
            if !field.is_stored()
                || field.writers == Writers::System
                || field.rule == Rule::Computed
            {
                return bad(name, "why-computed");
            }
            value(field, json).map(Some)
        }
    }
}

/// A code, and no record's id: kinds with a field `unit` may also name the record itself.
fn is_code(text: &str) -> bool {
    text.parse::<RecordId>().is_err()
}

fn refer(kind: &Kind, names: &[&str], id: RecordId) -> Cell {
    let field = names.iter().find_map(|name| kind.field_named(name));
    field.map(|f| (f.id, Value::Ref(id)))
}

fn value(field: &Field, json: &Json) -> std::result::Result<(FieldId, Value), Bad> {
    let value = json::from_json(field, json);
    let wrong = |why| Bad { column: field.name.clone(), why: Why::Rule(why) };
    value.map(|v| (field.id, v)).map_err(wrong)
}

/// Where the record lives: where the line says, with the record that it belongs to, or with its unit.
fn home(
    tx: &dyn ReadTx,
    known: &Known,
    kind: &Kind,
    object: &Map<String, Json>,
    values: &BTreeMap<FieldId, Value>,
) -> registry::Result<std::result::Result<ScopeId, Bad>> {
    if kind.reference {
        return Ok(Ok(ScopeId::REFERENCE));
    }
    if let Some(code) = object.get("scope").and_then(Json::as_str) {
        let scope = known.scopes.get(code).copied().filter(|s| *s != ScopeId::REFERENCE);
        return Ok(scope.map_or_else(|| bad("scope", "why-no-such-scope"), Ok));
    }
    if let Some(field) = kind.subject.and_then(|id| kind.field(id))
        && let (Some(Value::Ref(of)), FieldType::Ref(name)) = (values.get(&field.id), &field.ty)
        && let Some(subject) = catalogue().kind_named(name)
    {
        let home = known.home(tx, subject, *of)?;
        return Ok(home.map_or_else(|| bad(&field.name, "why-no-such-record"), Ok));
    }
    let unit = object.get("unit").and_then(Json::as_str).and_then(|code| known.units.get(code));
    Ok(match unit {
        Some(unit) => unit.scope.map_or_else(|| bad("unit", "why-no-scope-of-unit"), Ok),
        None => bad("unit", "invalid-required"),
    })
}
