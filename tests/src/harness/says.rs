//! Reading what the two command lines print with `--json`, as `node/docs/CLI.md` and `server/docs/CLI.md` promise it.
//!
//! The only place of the tests that knows the names of keys. A key that is missing is a broken contract, and is
//! named together with what was printed instead.

use std::collections::BTreeMap;

use serde_json::Value;

use super::process::Trouble;

/// What one side says of one scope: equal on both sides where they are in step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many acts the province has merged into it.
    pub revision: u64,
    /// The sum of its records' hashes.
    pub digest: String,
}

/// The equation of promise 2, as a node shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Equation {
    /// Acts entered here.
    pub entered: u64,
    /// Acts at the province.
    pub merged: u64,
    /// Acts held for review.
    pub held: u64,
    /// Acts refused with a reason.
    pub refused: u64,
    /// Acts not yet sent.
    pub unsent: u64,
}

impl Equation {
    /// Whether nothing is missing.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.entered == self.merged + self.held + self.refused + self.unsent
    }
}

/// What an exchange moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes of frames up.
    pub bytes_up: u64,
    /// Bytes of frames down.
    pub bytes_down: u64,
    /// Acts sent.
    pub acts_sent: u64,
    /// Records that came down.
    pub records_received: u64,
}

/// A field with several heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The record's id.
    pub record: String,
    /// The field's name.
    pub field: String,
    /// All its values, the shown one first.
    pub values: Vec<Value>,
}

/// One entry of a record's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who.
    pub person: String,
    /// The field's name.
    pub field: String,
    /// The value.
    pub value: Value,
}

/// A held act, as the province lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id, as commands take it.
    pub act: String,
    /// Why it was held.
    pub reason: String,
}

fn get<'a>(value: &'a Value, key: &str) -> Result<&'a Value, Trouble> {
    let found = key.split('.').try_fold(value, |value, key| value.get(key));
    found.ok_or_else(|| Trouble(format!("no {key:?} in {value}")))
}

/// A number under a key; dots lead inwards.
///
/// # Errors
/// It is not there, or not a number.
pub fn number(value: &Value, key: &str) -> Result<u64, Trouble> {
    get(value, key)?.as_u64().ok_or_else(|| Trouble(format!("{key:?} is no number in {value}")))
}

/// A text under a key; dots lead inwards.
///
/// # Errors
/// It is not there, or not a text.
pub fn text(value: &Value, key: &str) -> Result<String, Trouble> {
    let found = get(value, key)?.as_str().map(str::to_owned);
    found.ok_or_else(|| Trouble(format!("{key:?} is no text in {value}")))
}

/// A list under a key; dots lead inwards.
///
/// # Errors
/// It is not there, or not a list.
pub fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, Trouble> {
    get(value, key)?.as_array().ok_or_else(|| Trouble(format!("{key:?} is no list in {value}")))
}

/// The rows of a list, which is the value itself or under a key.
fn rows_of<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, Trouble> {
    value.as_array().map_or_else(|| list(value, key), Ok)
}

/// The digests of all scopes, by code.
///
/// # Errors
/// A broken contract.
pub fn digests(value: &Value) -> Result<BTreeMap<String, Digest>, Trouble> {
    let scope = |row: &Value| {
        let digest = Digest { revision: number(row, "revision")?, digest: text(row, "digest")? };
        Ok((text(row, "code")?, digest))
    };
    rows_of(value, "scopes")?.iter().map(scope).collect()
}

/// The equation in what `status` or `sync` prints.
///
/// # Errors
/// A broken contract.
pub fn equation(value: &Value) -> Result<Equation, Trouble> {
    let of = |key: &str| number(value, &format!("equation.{key}"));
    Ok(Equation {
        entered: of("entered")?,
        merged: of("merged")?,
        held: of("held")?,
        refused: of("refused")?,
        unsent: of("unsent")?,
    })
}

/// What `sync` prints.
///
/// # Errors
/// A broken contract.
pub fn moved(value: &Value) -> Result<Moved, Trouble> {
    Ok(Moved {
        bytes_up: number(value, "bytes_up")?,
        bytes_down: number(value, "bytes_down")?,
        acts_sent: number(value, "acts_sent")?,
        records_received: number(value, "records_received")?,
    })
}

/// What `conflicts` prints on either side.
///
/// # Errors
/// A broken contract.
pub fn conflicts(value: &Value) -> Result<Vec<Conflict>, Trouble> {
    let mut all = Vec::new();
    for row in rows_of(value, "conflicts")? {
        let mut heads: Vec<&Value> = list(row, "heads")?.iter().collect();
        // A node marks the one that is shown; the province lists it first.
        heads.sort_by_key(|head| head["shown"] != true);
        let values = heads.into_iter().map(|head| head["value"].clone()).collect();
        all.push(Conflict { record: text(row, "record")?, field: text(row, "field")?, values });
    }
    Ok(all)
}

/// What `history` prints on either side.
///
/// # Errors
/// A broken contract.
pub fn history(value: &Value) -> Result<Vec<Entry>, Trouble> {
    let mut entries = Vec::new();
    // A node lists the writes to the one record; the province whole acts.
    let acts = value.get("acts").or_else(|| value.get("history"));
    let acts = acts.and_then(Value::as_array);
    for act in acts.ok_or_else(|| Trouble(format!("no history: {value}")))? {
        let person = text(act, "person")?;
        let writes = act.get("ops").and_then(Value::as_array);
        let writes = writes.map_or_else(|| vec![act], |ops| ops.iter().collect());
        for (field, write) in writes.iter().filter_map(|w| w["fields"].as_object()).flatten() {
            let (person, field, value) = (person.clone(), field.clone(), write["value"].clone());
            entries.push(Entry { person, field, value });
        }
    }
    Ok(entries)
}

/// What `held list` prints.
///
/// # Errors
/// A broken contract.
pub fn held(value: &Value) -> Result<Vec<Held>, Trouble> {
    let held = |row: &Value| Ok(Held { act: text(row, "act")?, reason: row["reason"].to_string() });
    list(value, "held")?.iter().map(held).collect()
}

/// What `sql` prints on either side: an object a row.
///
/// # Errors
/// A broken contract.
pub fn rows(value: &Value) -> Result<Vec<Value>, Trouble> {
    rows_of(value, "rows").cloned()
}

/// The value that a record shows in a field; null where it shows none.
#[must_use]
pub fn shown(record: &Value, field: &str) -> Value {
    let shown = &record["fields"][field];
    // A node tells the act behind a value as well.
    shown.get("value").unwrap_or(shown).clone()
}
