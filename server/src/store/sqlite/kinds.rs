//! The tables of kinds: made from the catalogue, and the text of the statements on them.
//!
//! Deliberately absent: what the columns mean (`catalogue::table` says it).

use dongbo_proto::catalogue::table::{add_column, create_table, quoted};
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::FieldId;
use dongbo_sqlite::rusqlite::{Connection, TransactionBehavior};

use crate::store::error::Result;

/// Makes the tables and columns that the catalogue has and the file has not.
pub(super) fn bring_up(conn: &mut Connection) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for kind in catalogue().kinds() {
        let held = columns_of(&tx, &kind.name)?;
        if held.is_empty() {
            tx.execute_batch(&create_table(kind))?;
            continue;
        }
        for field in kind.stored().filter(|f| !held.contains(&f.name)) {
            tx.execute_batch(&add_column(kind, field))?;
        }
    }
    Ok(tx.commit()?)
}

fn columns_of(conn: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<std::result::Result<_, _>>()?)
}

fn names(kind: &Kind, fields: &[FieldId], each: impl Fn(usize, &str) -> String) -> String {
    let known = fields.iter().filter_map(|id| kind.field(*id)).enumerate();
    known.map(|(at, field)| each(at, &quoted(&field.name))).collect()
}

/// Reads one record by id, with some of its columns.
pub(super) fn select_some(kind: &Kind, fields: &[FieldId]) -> String {
    let columns = names(kind, fields, |_, name| format!(", {name}"));
    format!(
        "SELECT rowid, \"_scope\", \"_meta\"{columns} FROM {} WHERE id = ?1",
        quoted(&kind.name)
    )
}

/// Reads whole records: id, home, meta, then every stored column.
pub(super) fn select_all(kind: &Kind, rest: &str) -> String {
    let columns: Vec<String> = kind.columns().iter().map(|c| quoted(c)).collect();
    format!("SELECT {} FROM {} {rest}", columns.join(", "), quoted(&kind.name))
}

/// Inserts a row with some of its columns: id, home, meta, columns.
pub(super) fn insert(kind: &Kind, fields: &[FieldId]) -> String {
    let columns = names(kind, fields, |_, name| format!(", {name}"));
    let marks = names(kind, fields, |at, _| format!(", ?{}", at + 4));
    format!(
        "INSERT INTO {} (id, \"_scope\", \"_meta\"{columns}) VALUES (?1, ?2, ?3{marks})",
        quoted(&kind.name)
    )
}

/// Updates a row by its handle: handle, meta, columns, and the home if it moved.
pub(super) fn update(kind: &Kind, fields: &[FieldId], moved: bool) -> String {
    let columns = names(kind, fields, |at, name| format!(", {name} = ?{}", at + 3));
    let home = if moved { format!(", \"_scope\" = ?{}", fields.len() + 3) } else { String::new() };
    format!("UPDATE {} SET \"_meta\" = ?2{columns}{home} WHERE rowid = ?1", quoted(&kind.name))
}

/// Whether a row is live: not voided, and something of it left.
pub(super) fn live(kind: &Kind) -> String {
    let own: Vec<String> = kind.stored().map(|f| quoted(&f.name)).collect();
    format!("(void_reason IS NULL AND coalesce({}) IS NOT NULL)", own.join(", "))
}

/// The natural keys that several live rows share.
pub(super) fn select_twins(kind: &Kind) -> Option<String> {
    let fields: Vec<&str> =
        kind.natural_key.iter().filter_map(|id| kind.field(*id)).map(|f| f.name.as_str()).collect();
    if fields.is_empty() {
        return None;
    }
    let key = fields.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
    let known = fields
        .iter()
        .map(|n| format!("{} IS NOT NULL", quoted(n)))
        .collect::<Vec<_>>()
        .join(" AND ");
    Some(format!(
        "SELECT group_concat(hex(id)) FROM {} WHERE {} AND {known} GROUP BY {key} HAVING count(*) > 1 LIMIT (?1 + 0)",
        quoted(&kind.name),
        live(kind)
    ))
}
