//! The table of each kind: its statements, written once from the catalogue, and rows in and out.
//!
//! A row is a whole [`Record`] here. The shortcut for edits of single fields, which reads and
//! writes only their columns, is in `work`. Search rows and the list of contested records follow
//! every row from here, so that nobody can forget them.

use std::collections::HashMap;

use dongbo_proto::act::RecordWrites;
use dongbo_proto::bytes::{Reader, Writer};
use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::catalogue::{Field, Kind, catalogue};
use dongbo_proto::id::{FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Meta, Origin, Record};
use dongbo_proto::value::Value;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::cell::{self, Cell};
use super::error::{ReplicaError, Result};
use super::find;

/// Rows that are looked at together after an upgrade: a page of a few megabytes.
const ROWS_AT_ONCE: usize = 1_000;
/// Columns before those of the fields in every `SELECT` made here: rowid, id, _scope, _meta.
pub(super) const LEADING: usize = 4;

/// One kind's table.
#[derive(Debug)]
pub(super) struct KindTable {
    /// The kind.
    pub kind: &'static Kind,
    /// Its fields that have a column, in the order of the columns.
    pub fields: Vec<&'static Field>,
    /// `SELECT` of whole rows without a condition.
    pub select: String,
    select_one: String,
    insert: String,
    update: String,
    delete: String,
    /// The ids of the records whose home is a scope.
    pub ids_in_scope: String,
    /// Statements that read and write one field, by the field's index in the kind.
    pub one: Vec<(String, String)>,
    /// Where a field's column stands among those of the fields, by the field's index in the kind.
    column: Vec<Option<usize>>,
    /// Statements of its full-text index, if a field of it is searched.
    pub search: Option<find::Index>,
}

impl KindTable {
    fn new(kind: &'static Kind) -> Self {
        let fields: Vec<&'static Field> = kind.stored().collect();
        let name = quoted(&kind.name);
        let columns: Vec<String> = fields.iter().map(|f| quoted(&f.name)).collect();
        let listed = columns.iter().map(|c| format!(", {c}")).collect::<String>();
        let set = columns.iter().map(|c| format!(", {c} = ?")).collect::<String>();
        let select = format!("SELECT rowid, id, _scope, _meta{listed} FROM {name}");
        KindTable {
            select_one: format!("{select} WHERE id = ?"),
            insert: format!(
                "INSERT INTO {name} (id, _scope, _meta{listed}) VALUES (?, ?, ?{}) ON CONFLICT (id) DO NOTHING",
                ", ?".repeat(fields.len())
            ),
            update: format!("UPDATE {name} SET _scope = ?, _meta = ?{set} WHERE rowid = ?"),
            delete: format!("DELETE FROM {name} WHERE rowid = ?"),
            ids_in_scope: format!("SELECT id FROM {name} WHERE _scope = ?"),
            one: kind.fields().iter().map(|f| one_field(&name, &quoted(&f.name))).collect(),
            column: kind
                .fields()
                .iter()
                .map(|f| fields.iter().position(|s| s.id == f.id))
                .collect(),
            search: find::Index::new(kind),
            kind,
            fields,
            select,
        }
    }

    /// The statements that add records.
    pub fn inserting<'a>(&'a self, db: &'a Connection) -> Result<Inserting<'a>> {
        let words = match &self.search {
            Some(index) => Some((index, db.prepare_cached(&index.put)?)),
            None => None,
        };
        Ok(Inserting { table: self, row: db.prepare_cached(&self.insert)?, words })
    }

    /// Whether the field's value lies in a column, for the record as it is.
    fn in_column(&self, record: &Record, field: FieldId) -> bool {
        self.kind.field(field).is_some_and(|f| {
            f.is_stored() && record.shown(field).is_none_or(|value| cell::fits(&f.ty, value))
        })
    }

    /// The values by column of a record that is as its creation left it, with every value in a
    /// column: the commonest by far. `None` if it is any other.
    fn plain<'v>(
        &self,
        fields: impl Iterator<Item = (FieldId, &'v Value)>,
    ) -> Option<Vec<Option<&'v Value>>> {
        let mut columns = vec![None; self.fields.len()];
        for (field, value) in fields {
            let at = self.column[self.kind.index_of(field)?]?;
            if value.is_null() || !cell::fits(&self.fields[at].ty, value) {
                return None;
            }
            columns[at] = Some(value);
        }
        Some(columns)
    }

    /// A record from a row of [`KindTable::select`].
    pub fn record(&self, row: &Row<'_>) -> Result<Record> {
        let id = RecordId(row.get(1)?);
        let home = ScopeId(row.get(2)?);
        let meta = Meta::unpack(blob(row, 3)?)?;
        let mut joining = meta.join(id, self.kind.id, home, self.fields.len());
        for (at, field) in self.fields.iter().enumerate() {
            if let Some(value) = cell::read(&field.ty, row.get_ref(LEADING + at)?)? {
                joining.column(field.id, value);
            }
        }
        Ok(joining.finish())
    }

    /// Rows, each with whether it lies as this build would write it.
    fn page(&self, db: &Connection, sql: &str, after: i64) -> Result<Vec<(Stored, bool)>> {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query([after])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let record = self.record(row)?;
            let (meta, values) = self.split(&record);
            let mut lies_so = meta.pack() == blob(row, 3)?;
            for (at, (field, value)) in self.fields.iter().zip(&values).enumerate() {
                let held = cell::read(&field.ty, row.get_ref(LEADING + at)?)?;
                lies_so &= held.unwrap_or_default() == *value;
            }
            page.push((Stored { rowid: row.get(0)?, record }, lies_so));
        }
        Ok(page)
    }

    /// The record's blob and one value for each column.
    fn split(&self, record: &Record) -> (Meta, Vec<Value>) {
        let (meta, pairs) = Meta::of(record, |field| self.in_column(record, field));
        let mut pairs = pairs.into_iter().peekable();
        let value = |field: &&Field| match pairs.next_if(|(id, _)| *id == field.id) {
            Some((_, value)) => value,
            None => Value::Null,
        };
        (meta, self.fields.iter().map(value).collect())
    }
}

fn one_field(table: &str, column: &str) -> (String, String) {
    (
        format!("SELECT rowid, _scope, _meta, {column} FROM {table} WHERE id = ?"),
        format!("UPDATE {table} SET _meta = ?, {column} = ? WHERE rowid = ?"),
    )
}

/// The bytes of a blob column, borrowed.
pub(super) fn blob<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a [u8]> {
    row.get_ref(at)?.as_blob().map_err(|_| ReplicaError::Damaged("a blob"))
}

/// A row as it was loaded.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its place in its table; 0 for a kind that this build does not know.
    pub rowid: i64,
    /// What it holds.
    pub record: Record,
}

/// All tables.
#[derive(Debug)]
pub(super) struct Tables {
    kinds: Vec<KindTable>,
    by_kind: HashMap<KindId, usize>,
}

impl Tables {
    /// Writes the statements of every kind in the catalogue.
    pub fn new() -> Self {
        let kinds: Vec<_> = catalogue().kinds().iter().map(KindTable::new).collect();
        let by_kind = kinds.iter().enumerate().map(|(at, t)| (t.kind.id, at)).collect();
        Tables { kinds, by_kind }
    }

    /// The table of a kind that this build knows.
    pub fn get(&self, kind: KindId) -> Option<&KindTable> {
        self.by_kind.get(&kind).map(|&at| &self.kinds[at])
    }

    /// All of them, by kind.
    pub fn all(&self) -> &[KindTable] {
        &self.kinds
    }

    /// Loads a record of a kind.
    pub fn load(&self, db: &Connection, kind: KindId, id: RecordId) -> Result<Option<Stored>> {
        let Some(table) = self.get(kind) else { return load_unknown(db, id) };
        let mut statement = db.prepare_cached(&table.select_one)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Stored { rowid: row.get(0)?, record: table.record(row)? }))
    }

    /// Adds a record that is not there; `false` if it is.
    pub fn insert(&self, db: &Connection, record: &Record) -> Result<bool> {
        match self.get(record.kind) {
            Some(table) => self.insert_with(db, &mut table.inserting(db)?, record),
            None => insert_unknown(db, record),
        }
    }

    /// The same with statements of the record's kind that are kept.
    pub fn insert_with(
        &self,
        db: &Connection,
        into: &mut Inserting<'_>,
        record: &Record,
    ) -> Result<bool> {
        let table = into.table;
        if let Some(values) = as_created(record).and_then(|fields| table.plain(fields)) {
            let mut meta = Meta::new(record.created);
            meta.placed = record.placed;
            return into.row(db, (record.id, record.home), &meta, &values);
        }
        let (meta, values) = table.split(record);
        let values: Vec<Option<&Value>> = values.iter().map(Some).collect();
        let is_new = into.row(db, (record.id, record.home), &meta, &values)?;
        if is_new {
            contest(db, record.id, record.kind, false, contested(record))?;
        }
        Ok(is_new)
    }

    /// Brings a row from what it was to what it shall be; returns whether anything was written.
    pub fn store(
        &self,
        db: &Connection,
        old: Option<&Stored>,
        new: Option<&Record>,
    ) -> Result<bool> {
        match (old, new) {
            (None, None) => Ok(false),
            (None, Some(new)) => self.insert(db, new),
            (Some(old), None) => self.remove(db, old).map(|()| true),
            (Some(old), Some(new)) if old.record == *new => Ok(false),
            (Some(old), Some(new)) => self.update(db, old, new).map(|()| true),
        }
    }

    /// Brings every row of a kind to what this build makes of it: values of fields that were unknown
    /// until now move from the blob to their columns, the head that is shown is the one that today's
    /// rules choose, and today's fields are searched. Rows that lie so already are not written.
    pub fn rewrite(&self, db: &Connection, kind: KindId) -> Result<()> {
        let Some(table) = self.get(kind) else { return Ok(()) };
        let sql = format!("{} WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}", table.select);
        let mut after = 0;
        loop {
            let page = table.page(db, &sql, after)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = last.rowid;
            for (stored, lies_so) in &page {
                if !lies_so {
                    self.update(db, stored, &stored.record)?;
                }
                if let Some(index) = &table.search {
                    index.put(db, stored.rowid, &stored.record, None)?;
                }
            }
        }
    }

    /// Moves records of kinds that were unknown until now to their tables.
    pub fn adopt(&self, db: &Connection) -> Result<()> {
        let mut statement = db.prepare("SELECT bytes FROM unknown_record")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        for bytes in rows.collect::<rusqlite::Result<Vec<_>>>()? {
            let record = Record::read(&mut Reader::new(&bytes))?;
            if self.get(record.kind).is_some() && self.insert(db, &record)? {
                remove_unknown(db, record.id)?;
            }
        }
        Ok(())
    }

    fn update(&self, db: &Connection, old: &Stored, new: &Record) -> Result<()> {
        let Some(table) = self.get(new.kind) else {
            remove_unknown(db, new.id)?;
            return insert_unknown(db, new).map(drop);
        };
        let (meta, values) = table.split(new);
        let mut statement = db.prepare_cached(&table.update)?;
        statement.raw_bind_parameter(1, new.home.0)?;
        statement.raw_bind_parameter(2, meta.pack())?;
        for (at, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(3 + at, Cell(value))?;
        }
        statement.raw_bind_parameter(3 + values.len(), old.rowid)?;
        statement.raw_execute()?;
        if let Some(index) = &table.search {
            index.put(db, old.rowid, new, Some(&old.record))?;
        }
        contest(db, new.id, new.kind, contested(&old.record), contested(new))
    }

    fn remove(&self, db: &Connection, old: &Stored) -> Result<()> {
        let record = &old.record;
        let Some(table) = self.get(record.kind) else { return remove_unknown(db, record.id) };
        db.prepare_cached(&table.delete)?.execute([old.rowid])?;
        if let Some(index) = &table.search {
            index.remove(db, old.rowid)?;
        }
        contest(db, record.id, record.kind, contested(record), false)
    }
}

/// The values of a record if it is as its creation left it.
fn as_created(record: &Record) -> Option<impl Iterator<Item = (FieldId, &Value)>> {
    let plain = |state: &FieldState| {
        matches!(state.heads.as_slice(), [head] if head.origin() == record.created)
            && state.ahead.is_empty()
            && state.undone.is_empty()
    };
    let all = record.fields.iter().all(|(_, state)| plain(state));
    all.then(|| record.fields.iter().map(|(field, state)| (*field, &state.heads[0].value)))
}

/// What adds records of one kind. Kept for many: finding its statements costs as much as a value.
pub(super) struct Inserting<'a> {
    /// The kind's table.
    pub table: &'a KindTable,
    row: CachedStatement<'a>,
    words: Option<(&'a find::Index, CachedStatement<'a>)>,
}

impl Inserting<'_> {
    /// Adds the record that these writes create, straight from them. `None`: it is not as plain as
    /// that; `Some(false)`: it is there already.
    pub fn created(
        &mut self,
        db: &Connection,
        writes: &RecordWrites,
        home: ScopeId,
        origin: Origin,
    ) -> Result<Option<bool>> {
        let table = self.table;
        let fields = writes.fields.iter().map(|write| (write.field, &write.value));
        let Some(values) = table.plain(fields) else { return Ok(None) };
        self.row(db, (writes.record, home), &Meta::new(origin), &values).map(Some)
    }

    fn row(
        &mut self,
        db: &Connection,
        of: (RecordId, ScopeId),
        meta: &Meta,
        values: &[Option<&Value>],
    ) -> Result<bool> {
        let (table, statement) = (self.table, &mut self.row);
        // Most columns of most rows are empty; unbound they are NULL.
        statement.clear_bindings();
        statement.raw_bind_parameter(1, of.0.0)?;
        statement.raw_bind_parameter(2, of.1.0)?;
        statement.raw_bind_parameter(3, meta.pack())?;
        for (at, value) in values.iter().enumerate() {
            if let Some(value) = value {
                statement.raw_bind_parameter(LEADING + at, Cell(value))?;
            }
        }
        if statement.raw_execute()? == 0 {
            return Ok(false);
        }
        if let Some((index, put)) = &mut self.words {
            let shown = |field| values[table.column[table.kind.index_of(field)?]?];
            put.execute(params![db.last_insert_rowid(), index.words_of(shown)])?;
        }
        Ok(true)
    }
}

/// Whether a field of the record has several heads.
pub(super) fn contested(record: &Record) -> bool {
    record.fields.iter().any(|(_, state)| state.heads.len() > 1)
}

/// Keeps the list of contested records when one joins or leaves it.
pub(super) fn contest(
    db: &Connection,
    id: RecordId,
    kind: KindId,
    was: bool,
    is: bool,
) -> Result<()> {
    if was == is {
        return Ok(());
    }
    if is {
        let sql = "INSERT OR REPLACE INTO contested (record, kind) VALUES (?, ?)";
        db.prepare_cached(sql)?.execute(params![id.0, kind.0])?;
    } else {
        db.prepare_cached("DELETE FROM contested WHERE record = ?")?.execute([id.0])?;
    }
    Ok(())
}

/// The rule by which a field's heads are shown.
pub(super) fn rule(kind: KindId, field: FieldId) -> dongbo_proto::catalogue::Rule {
    merge::rule_of(kind, field)
}

fn load_unknown(db: &Connection, id: RecordId) -> Result<Option<Stored>> {
    let mut statement = db.prepare_cached("SELECT bytes FROM unknown_record WHERE id = ?")?;
    let bytes: Option<Vec<u8>> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    let record = bytes.map(|b| Record::read(&mut Reader::new(&b))).transpose()?;
    Ok(record.map(|record| Stored { rowid: 0, record }))
}

fn insert_unknown(db: &Connection, record: &Record) -> Result<bool> {
    let mut w = Writer::default();
    record.write(&mut w);
    let sql = "INSERT OR IGNORE INTO unknown_record (id, kind, scope, bytes) VALUES (?, ?, ?, ?)";
    let row = params![record.id.0, record.kind.0, record.home.0, w.into_bytes()];
    Ok(db.prepare_cached(sql)?.execute(row)? > 0)
}

fn remove_unknown(db: &Connection, id: RecordId) -> Result<()> {
    db.prepare_cached("DELETE FROM unknown_record WHERE id = ?")?.execute([id.0])?;
    Ok(())
}
