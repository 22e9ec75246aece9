//! Writing records out as JSON lines, each with the version that it shows, so that the file can be
//! edited and read in again without overwriting what nobody saw.
//!
//! Deliberately absent: masking by role, which comes with accounts. What is written is members'
//! data: the file is private to its owner.

use std::io::{self, Write};

use dongbo_proto::catalogue::Kind;
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use serde_json::{Map, Value as Json, json};

use super::import::version::Version;
use super::place::Codes;
use super::shown::values;
use super::{Desk, Result};

/// Writes all records of a kind; returns how many.
///
/// # Errors
/// What storage or the file system says.
pub fn export(desk: &Desk, kind: &Kind, to: &mut dyn Write) -> Result<u64> {
    let codes = Codes::read(&desk.replica)?;
    let mut written = 0;
    desk.replica.each(kind.id, |record| {
        if record.fields.iter().all(|(_, state)| state.heads.is_empty()) {
            return Ok(());
        }
        let line = serde_json::to_string(&row(kind, &record, &codes)).map_err(io::Error::other)?;
        writeln!(to, "{line}")?;
        written += 1;
        Ok(())
    })?;
    to.flush()?;
    Ok(written)
}

/// One row: kind, id, the fields by name with units and villages by code, and the version.
pub fn row(kind: &Kind, record: &Record, codes: &Codes) -> Json {
    let mut row = Map::new();
    row.insert("kind".into(), json!(kind.name));
    row.insert("id".into(), json!(record.id));
    row.append(&mut values(record));
    for of in ["unit", "village"] {
        let Some(field) = kind.field_named(&format!("{of}_id")) else { continue };
        if let Some(Value::Ref(id)) = record.shown(field.id)
            && let Some(code) = codes.code_of(*id)
            && codes
                .find(if of == "unit" { "unit" } else { "village" }, code)
                .is_ok_and(|c| c.id == *id)
        {
            row.remove(&field.name);
            row.insert(of.into(), json!(code));
        }
    }
    row.insert("_version".into(), json!(Version::of(record)));
    Json::Object(row)
}
