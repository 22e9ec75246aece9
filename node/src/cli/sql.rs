//! `sql`: for those who can write SQL, a look at the tables that cannot change them.
//!
//! The connection is read-only, and only statements that read are let through.

use std::io::{IsTerminal, stdin};

use data_encoding::HEXLOWER;
use dongbo_proto::id::RecordId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use serde_json::{Map, Value as Json, json};

use super::args::Sql;
use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::{OfficeError, Result};
use crate::replica::{Replica, ReplicaError};

/// How statements that read begin.
const READING: [&str; 4] = ["select", "with", "explain", "values"];

/// Runs one statement, or each line of standard input.
pub fn run(shell: &mut Shell, args: Sql) -> Result<Exit> {
    // Opening mends what a power cut left, which a read-only connection could not.
    let desk = shell.open()?;
    let db = Replica::sql(&desk.dir, &desk.key)?;
    if let Some(statement) = &args.statement {
        one(shell, &db, statement)?;
        return Ok(Exit::Done);
    }
    if stdin().is_terminal() {
        out::note(&shell.say("sql-hint"));
    }
    let mut exit = Exit::Done;
    for line in stdin().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        if let Err(error) = one(shell, &db, &line) {
            exit = shell.refuse(&error);
        }
    }
    Ok(exit)
}

fn one(shell: &Shell, db: &Connection, text: &str) -> Result<()> {
    let lower = text.trim_start().to_ascii_lowercase();
    if !READING.iter().any(|word| lower.starts_with(word)) {
        return Err(OfficeError::NotReadOnly);
    }
    let mut statement = db.prepare(text).map_err(refused)?;
    if !statement.readonly() {
        return Err(OfficeError::NotReadOnly);
    }
    print(shell, &mut statement).map_err(refused)
}

/// What SQLite says of a statement names words of the statement, never data.
fn refused(error: rusqlite::Error) -> OfficeError {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => OfficeError::Statement(msg),
        rusqlite::Error::MultipleStatement => OfficeError::NotReadOnly,
        other => ReplicaError::from(other).into(),
    }
}

fn print(shell: &Shell, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    let (mut list, mut text) = (Vec::new(), table(columns.clone()));
    while let Some(row) = rows.next()? {
        let mut cells = Vec::with_capacity(columns.len());
        for at in 0..columns.len() {
            cells.push(cell(row.get_ref(at)?));
        }
        if shell.json {
            let object: Map<String, Json> = columns.iter().cloned().zip(cells).collect();
            list.push(Json::Object(object));
        } else {
            text.add_row(cells.iter().map(plain).collect::<Vec<_>>());
        }
    }
    if shell.json {
        out::json(&Json::Array(list));
    } else {
        out::line(&text.to_string());
    }
    Ok(())
}

/// A blob of 16 bytes is a record's id; any other is shown as hexadecimal.
fn cell(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(n) => json!(n),
        ValueRef::Real(n) => json!(n),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(id) => json!(RecordId(id)),
            Err(_) => json!(HEXLOWER.encode(bytes)),
        },
    }
}

fn plain(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
