//! Values in and out of ordinary SQL columns.
//!
//! What a column cannot hold (a value of a type that a newer build gave to the field) stays in the
//! row's blob: [`fits`] says so, and both ways of reading agree on it.

use dongbo_proto::catalogue::FieldType;
use dongbo_proto::id::RecordId;
use dongbo_proto::value::Value;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};

use super::error::{ReplicaError, Result};

/// A value as a column takes it.
pub(super) struct Cell<'a>(pub &'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Owned(Owned::Null),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Int(n) => ToSqlOutput::Owned(Owned::Integer(*n)),
            Value::Date(date) => ToSqlOutput::Owned(Owned::Text(date.iso())),
            Value::Ref(id) => ToSqlOutput::Borrowed(ValueRef::Blob(&id.0)),
            Value::Opaque(_, bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Whether the column of a field of this type can hold the value and give it back.
pub(super) fn fits(ty: &FieldType, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(_) => {
            matches!(ty, FieldType::Text { .. } | FieldType::Digits { .. } | FieldType::Code(_))
        }
        Value::Int(_) => matches!(ty, FieldType::Int { .. } | FieldType::Bool),
        Value::Date(_) => matches!(ty, FieldType::Date { .. }),
        Value::Ref(_) => matches!(ty, FieldType::Ref(_)),
        Value::Opaque(..) => false,
    }
}

/// Reads a column back; NULL is no value.
pub(super) fn read(ty: &FieldType, cell: ValueRef<'_>) -> Result<Option<Value>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| BAD);
    Ok(Some(match (cell, ty) {
        (ValueRef::Null, _) => return Ok(None),
        (ValueRef::Text(t), FieldType::Date { .. }) => {
            Value::Date(text(t)?.parse().map_err(|_| BAD)?)
        }
        (ValueRef::Text(t), _) => Value::Text(text(t)?),
        (ValueRef::Integer(n), _) => Value::Int(n),
        (ValueRef::Blob(b), _) => Value::Ref(RecordId(b.try_into().map_err(|_| BAD)?)),
        (ValueRef::Real(_), _) => return Err(BAD),
    }))
}

const BAD: ReplicaError = ReplicaError::Damaged("a column");
