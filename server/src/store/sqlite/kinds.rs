//! The tables of kinds: made from the catalogue, and the text of the statements on them.
//!
//! The registry notes which catalogue wrote it. A later one brings its tables and columns with it,
//! and shows fields in conflict by its own rules; an earlier one leaves the file alone.
//!
//! Deliberately absent: what the columns mean (`catalogue::table` says it), and acts that waited for
//! a later catalogue (`registry::judge_again`).

use dongbo_proto::catalogue::table::{add_column, create_table, quoted};
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::FieldId;
use dongbo_proto::merge;
use dongbo_proto::record::Meta;
use dongbo_sqlite::rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::bind::Column;
use super::records;
use crate::store::error::{Result, StoreError};

/// The note that says which catalogue wrote the registry.
const CATALOGUE_NOTE: &str = "catalogue";

/// Which catalogue wrote the registry; 0 where none has.
pub(super) fn written_by(conn: &Connection) -> Result<u32> {
    let sql = "SELECT value FROM note WHERE name = ?1";
    let noted: Option<Vec<u8>> =
        conn.query_row(sql, [CATALOGUE_NOTE], |row| row.get(0)).optional()?;
    let Some(bytes) = noted else { return Ok(0) };
    let bytes = bytes.try_into().map_err(|_| StoreError::damaged("the catalogue's version"))?;
    Ok(u32::from_be_bytes(bytes))
}

/// Makes the tables and columns that the catalogue has and the file has not.
pub(super) fn bring_up(conn: &mut Connection) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = catalogue().version();
    let is_older = written_by(&tx)? < known;
    for kind in catalogue().kinds() {
        let held = columns_of(&tx, &kind.name)?;
        if held.is_empty() {
            tx.execute_batch(&create_table(kind))?;
            continue;
        }
        for field in kind.stored().filter(|f| !held.contains(&f.name)) {
            tx.execute_batch(&add_column(kind, field))?;
        }
        if is_older {
            show_again(&tx, kind)?;
        }
    }
    if is_older {
        let sql = "INSERT OR REPLACE INTO note (name, value) VALUES (?1, ?2)";
        tx.execute(sql, params![CATALOGUE_NOTE, known.to_be_bytes()])?;
    }
    Ok(tx.commit()?)
}

/// Fields in conflict show the head that the rules of this catalogue choose: those of the one before
/// may have chosen another.
fn show_again(tx: &Connection, kind: &Kind) -> Result<()> {
    let name = quoted(&kind.name);
    let mut contested: Vec<i64> = Vec::new();
    let mut all = tx.prepare(&format!("SELECT rowid, \"_meta\" FROM {name}"))?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        if meta_of(row.get_ref(1)?.as_blob().ok())?.contested_fields().next().is_some() {
            contested.push(row.get(0)?);
        }
    }
    contested.into_iter().try_for_each(|rowid| show_row_again(tx, kind, rowid))
}

fn show_row_again(tx: &Connection, kind: &Kind, rowid: i64) -> Result<()> {
    let mut one = tx.prepare_cached(&select_all(kind, "WHERE rowid = ?1"))?;
    let mut rows = one.query([rowid])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let mut meta = meta_of(row.get_ref(2)?.as_blob().ok())?;
    let record = records::whole(kind, row)?;
    let contested: Vec<FieldId> = meta.contested_fields().collect();
    for field in contested {
        let stored = kind.field(field).is_some_and(|f| f.is_stored());
        let (Some(state), true) = (record.field(field), stored) else { continue };
        let rule = merge::rule_of(kind.id, field);
        let Some(value) = meta.set(field, state, rule, true) else { continue };
        let sql = update(kind, &[field], false);
        tx.prepare_cached(&sql)?.execute(params![rowid, meta.pack(), Column(&value)])?;
    }
    Ok(())
}

fn meta_of(blob: Option<&[u8]>) -> Result<Meta> {
    let meta = blob.and_then(|bytes| Meta::unpack(bytes).ok());
    meta.ok_or_else(|| StoreError::damaged("a record's heads"))
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
