//! `sql`: questions to the tables, read-only, for whoever can write SQL.
//!
//! The connection may not write, and may not reach another file. One statement at a time.

use std::io::Read;

use data_encoding::HEXLOWER;
use dongbo_proto::id::RecordId;
use dongbo_sqlite::rusqlite::limits::Limit;
use dongbo_sqlite::rusqlite::types::ValueRef;
use dongbo_sqlite::rusqlite::{self, Connection};
use dongbo_sqlite::{Access, Knobs, open};
use serde_json::{Map, Value as Json, json};

use super::args::SqlArgs;
use super::context::{Context, unexpected};
use super::exit::Exit;
use super::fault::{Fault, Result};
use crate::store::sqlite::SCHEMA;

/// Rows that are printed: more is a report, not a question.
const ROWS_MAX: usize = 100_000;

/// Asks.
///
/// # Errors
/// The statement is none, or would write.
pub fn run(ctx: &Context, args: &SqlArgs) -> Result<()> {
    let home = ctx.home()?;
    let path = home.database();
    let conn = open(&path, &home.key()?, &SCHEMA, Knobs::NODE, Access::ReadOnly);
    let conn = conn.map_err(|e| Fault::open(&path, &e))?;
    conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).map_err(|e| wrong(&e))?;
    let statement = match &args.statement {
        Some(text) => text.clone(),
        None => stdin()?,
    };
    let (columns, rows) = ask(&conn, &statement)?;
    let objects: Vec<Json> = rows
        .iter()
        .map(|row| columns.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>().into())
        .collect();
    ctx.show(&json!({ "columns": columns, "rows": objects }), |_| {
        let line = |cells: Vec<String>| cells.join("\t");
        let head = line(columns.clone());
        let body = rows.iter().map(|row| line(row.iter().map(plain).collect()));
        std::iter::once(head).chain(body).collect::<Vec<_>>().join("\n")
    })
}

fn stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| unexpected(&e))?;
    Ok(text)
}

type Answer = (Vec<String>, Vec<Vec<Json>>);

fn ask(conn: &Connection, text: &str) -> Result<Answer> {
    let mut statement = conn.prepare(text).map_err(|e| wrong(&e))?;
    if !statement.readonly() {
        return Err(Fault::new(Exit::Refused, "fault-sql-writes"));
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(|e| wrong(&e))?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next().map_err(|e| wrong(&e))? {
        let cells = (0..columns.len()).map(|at| row.get_ref(at).map(cell));
        answer.push(cells.collect::<rusqlite::Result<Vec<Json>>>().map_err(|e| wrong(&e))?);
        if answer.len() == ROWS_MAX {
            break;
        }
    }
    Ok((columns, answer))
}

fn wrong(error: &rusqlite::Error) -> Fault {
    Fault::new(Exit::BadInput, "fault-sql").because(error)
}

/// Ids of records are shown as everywhere else, other blobs in hexadecimal.
fn cell(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(n) => json!(n),
        ValueRef::Real(x) => json!(x),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(id) => json!(RecordId(id).to_string()),
            Err(_) => json!(HEXLOWER.encode(bytes)),
        },
    }
}

fn plain(cell: &Json) -> String {
    match cell {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
