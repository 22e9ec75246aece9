//! The plain table: R's, and where L puts what it receives. A table of the member's columns and a unique index on its
//! id, in the product's encryption and with the product's knobs, and nothing that a merge would need.
//!
//! Deliberately absent: stamps, heads, journals, digests, search. That is what the product is measured against.

use std::path::Path;

use anyhow::Result;
use dongbo_proto::catalogue::Field;
use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::id::FieldId;
use dongbo_proto::value::Value;
use dongbo_sqlite::knobs::PAGE_BYTES;
use dongbo_sqlite::pages::{empty_wal, pages_written};
use dongbo_sqlite::rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use dongbo_sqlite::rusqlite::{self, Connection, ToSql};
use dongbo_sqlite::{Access, DatabaseKey, Knobs, Schema};

use super::workload::{Edit, Member, Workload, member_kind};

/// Rows in a transaction of a load.
pub const LOAD_ROWS: usize = 1_000;
/// The file's mark: neither a node's nor the server's.
const SCHEMA: Schema = Schema { application_id: 0x6467_6252, migrations: &[] };

/// How the file is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// As the product keeps its own.
    On,
    /// Not at all: to show what encryption costs.
    Off,
}

/// A value as a column takes it: the product's own columns hold the same.
struct Cell<'a>(&'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Int(n) => ToSqlOutput::Owned(Owned::Integer(*n)),
            Value::Date(date) => ToSqlOutput::Owned(Owned::Text(date.to_string())),
            Value::Ref(id) => ToSqlOutput::Borrowed(ValueRef::Blob(&id.0)),
            Value::Null | Value::Opaque(..) => ToSqlOutput::Owned(Owned::Null),
        })
    }
}

/// A plain table in a file of its own.
pub struct Plain {
    conn: Connection,
    insert: String,
    fields: Vec<FieldId>,
}

impl Plain {
    /// Makes the file with an empty table.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn create(path: &Path, knobs: Knobs, cipher: Cipher) -> Result<Self> {
        let plain = Self::over(connect(path, knobs, cipher, Access::Create)?);
        let columns: String =
            stored().map(|f| format!(", {} {}", quoted(&f.name), sql_type(f))).collect();
        plain.conn.execute_batch(&format!(
            "CREATE TABLE member (id BLOB NOT NULL UNIQUE{columns}) STRICT"
        ))?;
        Ok(plain)
    }

    /// Opens a file that [`Plain::create`] made.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(path: &Path, knobs: Knobs, cipher: Cipher) -> Result<Self> {
        Ok(Self::over(connect(path, knobs, cipher, Access::ReadWrite)?))
    }

    fn over(conn: Connection) -> Self {
        let fields: Vec<FieldId> = stored().map(|f| f.id).collect();
        let names: String = stored().map(|f| format!(", {}", quoted(&f.name))).collect();
        let insert =
            format!("INSERT INTO member (id{names}) VALUES (?{})", ", ?".repeat(fields.len()));
        Plain { conn, insert, fields }
    }

    /// Adds members in one transaction.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn insert(&mut self, members: &[Member]) -> rusqlite::Result<()> {
        let tx = self.conn.transaction()?;
        {
            let mut statement = tx.prepare_cached(&self.insert)?;
            for member in members {
                statement.raw_bind_parameter(1, member.id.0)?;
                let mut fields = member.fields.iter().peekable();
                for (at, field) in self.fields.iter().enumerate() {
                    let value = fields.next_if(|f| f.0 == *field).map_or(&Value::Null, |f| &f.1);
                    statement.raw_bind_parameter(at + 2, Cell(value))?;
                }
                statement.raw_execute()?;
            }
        }
        tx.commit()
    }

    /// Makes edits in one transaction.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn edit(&mut self, load: &Workload, edits: &[Edit]) -> rusqlite::Result<()> {
        edit(&mut self.conn, load, edits)
    }

    /// Makes batches of edits, a transaction each, and counts the pages that they write.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn pages(&mut self, load: &Workload, batches: &[&[Edit]]) -> rusqlite::Result<u64> {
        let all =
            |conn: &mut Connection| batches.iter().try_for_each(|batch| edit(conn, load, batch));
        pages_written(&mut self.conn, all).map(|((), pages)| pages)
    }

    /// Moves everything into the file.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn checkpoint(&self) -> rusqlite::Result<()> {
        empty_wal(&self.conn)
    }

    /// Bytes in use, pages on the free list left out.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn bytes(&self) -> rusqlite::Result<u64> {
        used_bytes(&self.conn)
    }
}

fn edit(conn: &mut Connection, load: &Workload, edits: &[Edit]) -> rusqlite::Result<()> {
    let tx = conn.transaction()?;
    for edit in edits {
        let id = load.members[edit.member].id.0;
        let mut statement = tx.prepare_cached(update(edit.field))?;
        let changed = statement.execute(rusqlite::params![Cell(&edit.value), id])?;
        if changed != 1 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    tx.commit()
}

/// Bytes in use of a database, pages on the free list left out.
///
/// # Errors
/// What SQLite says.
pub fn used_bytes(conn: &Connection) -> rusqlite::Result<u64> {
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((number("page_count")? - number("freelist_count")?).unsigned_abs() * PAGE_BYTES as u64)
}

/// The key of every plain table: what it guards is made up.
#[must_use]
pub fn bench_key() -> DatabaseKey {
    DatabaseKey::generate(&mut |bytes: &mut [u8]| bytes.fill(0x5a))
}

fn stored() -> impl Iterator<Item = &'static Field> {
    member_kind().stored()
}

fn sql_type(field: &Field) -> &'static str {
    use dongbo_proto::catalogue::FieldType::{Bool, Int, Ref};
    match &field.ty {
        Int { .. } | Bool => "INTEGER",
        Ref(_) => "BLOB",
        _ => "TEXT",
    }
}

/// The statement that edits a field; its text is made once.
fn update(field: FieldId) -> &'static str {
    use std::sync::OnceLock;
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    let texts = TEXTS.get_or_init(|| {
        let text = |f: &Field| format!("UPDATE member SET {} = ? WHERE id = ?", quoted(&f.name));
        member_kind().fields().iter().map(text).collect()
    });
    member_kind().index_of(field).map_or("", |at| &texts[at])
}

fn connect(path: &Path, knobs: Knobs, cipher: Cipher, access: Access) -> Result<Connection> {
    Ok(match cipher {
        Cipher::On => dongbo_sqlite::open(path, &bench_key(), &SCHEMA, knobs, access)?,
        Cipher::Off => unencrypted(path, knobs)?,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is how the cost of the key is shown: made-up data, no key"
)]
fn unencrypted(path: &Path, knobs: Knobs) -> rusqlite::Result<Connection> {
    dongbo_sqlite::start();
    let conn = Connection::open(path)?;
    conn.set_prepared_statement_cache_capacity(knobs.prepared_max);
    conn.pragma_update(None, "page_size", PAGE_BYTES as i64)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", -i64::from(knobs.page_cache_kib))?;
    conn.pragma_update(None, "wal_autocheckpoint", knobs.wal_autocheckpoint_pages)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "secure_delete", true)?;
    Ok(conn)
}
