//! Values of the registry as SQLite values and back: ids, hashes and the values of fields.
//!
//! Dates are ISO text, as long as they are known; a column that holds another type than its field
//! says is damage, not a guess.

use dongbo_proto::catalogue::{Field, FieldType};
use dongbo_proto::digest::Digest;
use dongbo_proto::id::{ActId, AuthorId, Hash, RecordId};
use dongbo_proto::value::Value;
use dongbo_sqlite::rusqlite::types::{ToSqlOutput, ValueRef};
use dongbo_sqlite::rusqlite::{self, Row, Statement, ToSql};

use crate::store::error::{Result, StoreError};

/// A field's value as a parameter.
pub(super) struct Column<'a>(pub &'a Value);

impl ToSql for Column<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null | Value::Opaque(..) => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Int(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Value::Ref(id) => ToSqlOutput::Borrowed(ValueRef::Blob(&id.0)),
            Value::Date(date) => ToSqlOutput::Owned(date.iso().into()),
        })
    }
}

/// What a column holds, as its field says it must.
pub(super) fn column(field: &Field, held: ValueRef<'_>) -> Result<Value> {
    let damaged = || StoreError::damaged("a field's column");
    Ok(match (held, &field.ty) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Text(bytes), FieldType::Date { .. }) => {
            let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
            Value::Date(text.parse().map_err(|_| damaged())?)
        }
        (
            ValueRef::Text(bytes),
            FieldType::Text { .. } | FieldType::Digits { .. } | FieldType::Code(_),
        ) => Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| damaged())?),
        (ValueRef::Integer(n), FieldType::Int { .. } | FieldType::Bool) => Value::Int(n),
        (ValueRef::Blob(bytes), FieldType::Ref(_)) => {
            Value::Ref(RecordId(bytes.try_into().map_err(|_| damaged())?))
        }
        _ => return Err(damaged()),
    })
}

/// Bytes of a known length.
pub(super) fn fixed<const N: usize>(
    row: &Row<'_>,
    at: usize,
    what: &'static str,
) -> Result<[u8; N]> {
    let blob = row.get_ref(at)?.as_blob().map_err(|_| StoreError::damaged(what))?;
    blob.try_into().map_err(|_| StoreError::damaged(what))
}

pub(super) fn hash(row: &Row<'_>, at: usize) -> Result<Hash> {
    fixed(row, at, "a hash").map(Hash)
}

pub(super) fn digest(row: &Row<'_>, at: usize) -> Result<Digest> {
    fixed(row, at, "a digest").map(Digest::from_bytes)
}

pub(super) fn record_id(row: &Row<'_>, at: usize) -> Result<RecordId> {
    fixed(row, at, "a record's id").map(RecordId)
}

/// An unsigned number; SQLite's are signed and hold the same 64 bits.
pub(super) fn number(row: &Row<'_>, at: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(at)?.cast_unsigned())
}

/// A number that a smaller type holds.
pub(super) fn small<T: TryFrom<i64>>(row: &Row<'_>, at: usize, what: &'static str) -> Result<T> {
    T::try_from(row.get::<_, i64>(at)?).map_err(|_| StoreError::damaged(what))
}

pub(super) fn act_id(row: &Row<'_>, at: usize) -> Result<ActId> {
    Ok(ActId::new(AuthorId(number(row, at)?), number(row, at + 1)?))
}

/// All rows of a query, each through a function that may find damage.
pub(super) fn collect<T>(
    statement: &mut Statement<'_>,
    params: impl rusqlite::Params,
    mut each: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(each(row)?);
    }
    Ok(out)
}

/// The one row of a query, if there is one.
pub(super) fn optional<T>(
    statement: &mut Statement<'_>,
    params: impl rusqlite::Params,
    each: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut rows = statement.query(params)?;
    rows.next()?.map(each).transpose()
}

/// A bound that SQLite takes. In SQL it stands as `LIMIT (?n + 0)`: SQLite would plan by the value of a
/// bare parameter, and prepare the statement anew at each binding.
pub(super) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
