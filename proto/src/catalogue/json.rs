//! Values in JSON: what `--json` prints, what `export` writes and `import` reads.
//!
//! Text, codes, dates and ids are strings, numbers are numbers, yes and no are booleans, cleared is
//! null. A string is also taken where a number or boolean belongs, because spreadsheets give one;
//! a number is not taken for digits, because its leading zeros are gone.

use serde_json::{Value as Json, json};

use super::field::{Field, FieldType};
use super::validate::{self, Invalid};
use crate::value::Value;

/// Reads a value of the field. Errors: the rule that it breaks.
pub fn from_json(field: &Field, json: &Json) -> Result<Value, Invalid> {
    let value = match (&field.ty, json) {
        (_, Json::Null) => Value::Null,
        (_, Json::String(text)) => return validate::parse(field, text),
        (FieldType::Int { .. }, Json::Number(n)) => {
            Value::Int(n.as_i64().ok_or(Invalid::NotANumber)?)
        }
        (FieldType::Bool, Json::Number(n)) => Value::Int(n.as_i64().ok_or(Invalid::NotABool)?),
        (FieldType::Bool, Json::Bool(yes)) => Value::Int(i64::from(*yes)),
        _ => return Err(Invalid::WrongType),
    };
    validate::check(field, &value)?;
    Ok(value)
}

/// Writes a value of the field. A value of a type that this build does not know is shown as an
/// object with its tag and its bytes' length; it cannot be read back from JSON.
pub fn to_json(field: &Field, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => json!(text),
        Value::Int(n) if field.ty == FieldType::Bool => json!(*n != 0),
        Value::Int(n) => json!(n),
        Value::Date(date) => json!(date.to_string()),
        Value::Ref(id) => json!(id.to_string()),
        Value::Opaque(tag, bytes) => json!({ "unknown_type": tag, "bytes": bytes.len() }),
    }
}
