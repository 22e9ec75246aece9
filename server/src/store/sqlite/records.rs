//! Rows of records: what merge reads and writes at every edit, and whole records for pages.

use std::rc::Rc;

use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::{FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{Meta, Record};
use dongbo_sqlite::rusqlite;
use smallvec::SmallVec;

use super::bind::{self, Column};
use super::kinds;
use super::tx::{SqliteTx, Verb};
use crate::store::error::{Result, StoreError};
use crate::store::rows::{PutRow, Row, RowKey, Wanted};

/// Ids in one list of [`rusqlite`] parameters would need a statement for each length; a prepared
/// lookup by id costs a microsecond.
fn kind_of(id: KindId) -> Result<&'static Kind> {
    catalogue().kind(id).ok_or(StoreError::damaged("a kind"))
}

impl SqliteTx<'_> {
    fn text(&self, kind: &Kind, verb: Verb, fields: SmallVec<[FieldId; 8]>) -> Rc<str> {
        let mut texts = self.texts.borrow_mut();
        let key = (kind.id, verb, fields.into_vec());
        if let Some(text) = texts.get(&key) {
            return text.clone();
        }
        let text: Rc<str> = match verb {
            Verb::Select => kinds::select_some(kind, &key.2),
            Verb::Insert => kinds::insert(kind, &key.2),
            Verb::Update { moved } => kinds::update(kind, &key.2, moved),
        }
        .into();
        texts.insert(key, text.clone());
        text
    }

    pub(super) fn some_rows(&self, wanted: &[Wanted]) -> Result<Vec<Option<Row>>> {
        let mut found = Vec::with_capacity(wanted.len());
        // Consecutive records mostly want the same columns: one statement serves the run.
        for run in wanted.chunk_by(|a, b| a.kind == b.kind && a.fields == b.fields) {
            let kind = kind_of(run[0].kind)?;
            let fields = &run[0].fields;
            let text = self.text(kind, Verb::Select, fields.as_slice().into());
            let mut statement = self.statement(&text)?;
            for one in run {
                found.push(bind::optional(&mut statement, [&one.record.0[..]], |row| {
                    some_row(kind, fields, row)
                })?);
            }
        }
        Ok(found)
    }

    pub(super) fn whole_records(
        &self,
        kind: &Kind,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Record>>> {
        let mut statement = self.statement(&kinds::select_all(kind, "WHERE id = ?1"))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(bind::optional(&mut statement, [&id.0[..]], |row| whole(kind, row))?);
        }
        Ok(found)
    }

    pub(super) fn next_records(
        &self,
        kind: &Kind,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Record>> {
        let mut statement =
            self.statement(&kinds::select_all(kind, "WHERE id > ?1 ORDER BY id LIMIT (?2 + 0)"))?;
        let after = after.map_or(Vec::new(), |id| id.0.to_vec());
        bind::collect(&mut statement, rusqlite::params![after, bind::limit(max)], |row| {
            whole(kind, row)
        })
    }

    pub(super) fn referring_records(
        &self,
        kind: &Kind,
        field: FieldId,
        to: RecordId,
    ) -> Result<Vec<RecordId>> {
        let field = kind.field(field).ok_or(StoreError::damaged("a field"))?;
        let sql = format!(
            "SELECT id FROM {} WHERE {} = ?1 ORDER BY id",
            quoted(&kind.name),
            quoted(&field.name)
        );
        bind::collect(&mut *self.statement(&sql)?, [&to.0[..]], |row| bind::record_id(row, 0))
    }

    pub(super) fn count_records(&self, kind: &Kind) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT coalesce(sum({}), 0), count(*) FROM {}",
            kinds::live(kind),
            quoted(&kind.name)
        );
        let counts = bind::optional(&mut *self.statement(&sql)?, [], |row| {
            Ok((bind::number(row, 0)?, bind::number(row, 1)?))
        })?;
        let (live, all) = counts.unwrap_or_default();
        Ok((live, all - live))
    }

    pub(super) fn count_records_at_home(&self, kind: &Kind) -> Result<Vec<(ScopeId, u64)>> {
        let sql = format!(
            "SELECT \"_scope\", count(*) FROM {} WHERE {} GROUP BY 1 ORDER BY 1",
            quoted(&kind.name),
            kinds::live(kind),
        );
        bind::collect(&mut *self.statement(&sql)?, [], |row| {
            Ok((ScopeId(bind::small(row, 0, "a home")?), bind::number(row, 1)?))
        })
    }

    pub(super) fn twin_records(&self, kind: &Kind, max: usize) -> Result<Vec<Vec<RecordId>>> {
        let Some(sql) = kinds::select_twins(kind) else { return Ok(Vec::new()) };
        bind::collect(&mut *self.statement(&sql)?, [bind::limit(max)], |row| {
            let ids: String = row.get(0)?;
            let id = |hex: &str| hex.parse().map_err(|_| StoreError::damaged("a record's id"));
            let mut ids = ids.split(',').map(id).collect::<Result<Vec<RecordId>>>()?;
            ids.sort_unstable();
            Ok(ids)
        })
    }

    pub(super) fn write_rows(&self, rows: &[PutRow<'_>]) -> Result<()> {
        let alike = |a: &PutRow<'_>, b: &PutRow<'_>| {
            let same = || {
                a.moved == b.moved
                    && a.columns.len() == b.columns.len()
                    && a.columns.iter().zip(&b.columns).all(|(a, b)| a.0 == b.0)
            };
            a.kind == b.kind && a.key.is_some() == b.key.is_some() && (a.key.is_none() || same())
        };
        for run in rows.chunk_by(alike) {
            let (kind, first) = (kind_of(run[0].kind)?, &run[0]);
            if first.key.is_none() {
                // New records have this column and not that: one statement names them all, for
                // hardly two records would share one that names their own.
                let mut statement = self.statement(&self.text(kind, Verb::Insert, all(kind)))?;
                run.iter().try_for_each(|row| insert_row(&mut statement, kind, row))?;
            } else {
                let fields = first.columns.iter().map(|c| c.0).collect();
                let verb = Verb::Update { moved: first.moved };
                let mut statement = self.statement(&self.text(kind, verb, fields))?;
                run.iter().try_for_each(|row| update_row(&mut statement, row))?;
            }
        }
        Ok(())
    }
}

fn all(kind: &Kind) -> SmallVec<[FieldId; 8]> {
    kind.stored().map(|field| field.id).collect()
}

fn insert_row(
    statement: &mut rusqlite::Statement<'_>,
    kind: &Kind,
    row: &PutRow<'_>,
) -> Result<()> {
    statement.clear_bindings();
    statement.raw_bind_parameter(1, &row.record.0[..])?;
    statement.raw_bind_parameter(2, row.home.0)?;
    statement.raw_bind_parameter(3, &row.meta[..])?;
    let mut stored = (4..).zip(kind.stored());
    for (field, value) in &row.columns {
        // Columns mostly come in the order of fields. What is passed over stays unbound, which is NULL.
        let found = stored.by_ref().find(|(_, f)| f.id == *field).or_else(|| {
            stored = (4..).zip(kind.stored());
            stored.by_ref().find(|(_, f)| f.id == *field)
        });
        let (at, _) = found.ok_or_else(|| StoreError::damaged("a field"))?;
        statement.raw_bind_parameter::<usize, _>(at, Column(value))?;
    }
    executed(statement)
}

fn update_row(statement: &mut rusqlite::Statement<'_>, row: &PutRow<'_>) -> Result<()> {
    let Some(key) = row.key else { return Err(StoreError::damaged("a row without a key")) };
    statement.raw_bind_parameter(1, key.0)?;
    statement.raw_bind_parameter(2, &row.meta[..])?;
    for (at, (_, value)) in row.columns.iter().enumerate() {
        statement.raw_bind_parameter(3 + at, Column(value))?;
    }
    if row.moved {
        statement.raw_bind_parameter(3 + row.columns.len(), row.home.0)?;
    }
    executed(statement)
}

fn executed(statement: &mut rusqlite::Statement<'_>) -> Result<()> {
    match statement.raw_execute()? {
        1 => Ok(()),
        _ => Err(StoreError::damaged("a row that was there")),
    }
}

fn some_row(kind: &Kind, fields: &[FieldId], row: &rusqlite::Row<'_>) -> Result<Row> {
    let mut columns = SmallVec::with_capacity(fields.len());
    for (at, id) in fields.iter().enumerate() {
        let field = kind.field(*id).ok_or(StoreError::damaged("a field"))?;
        columns.push((*id, bind::column(field, row.get_ref(at + 3)?)?));
    }
    Ok(Row {
        key: RowKey(row.get(0)?),
        home: ScopeId(bind::small(row, 1, "a home")?),
        meta: blob(row, 2)?.to_vec(),
        columns,
    })
}

fn blob<'r>(row: &'r rusqlite::Row<'_>, at: usize) -> Result<&'r [u8]> {
    row.get_ref(at)?.as_blob().map_err(|_| StoreError::damaged("a blob"))
}

pub(super) fn whole(kind: &Kind, row: &rusqlite::Row<'_>) -> Result<Record> {
    let meta = Meta::unpack(blob(row, 2)?).map_err(|_| StoreError::damaged("a record's heads"))?;
    let home = ScopeId(bind::small(row, 1, "a home")?);
    let mut joining = meta.join(bind::record_id(row, 0)?, kind.id, home, kind.columns().len());
    for (at, field) in kind.stored().enumerate() {
        joining.column(field.id, bind::column(field, row.get_ref(at + 3)?)?);
    }
    Ok(joining.finish())
}
