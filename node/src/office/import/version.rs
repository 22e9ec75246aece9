//! What an exported row knew: for each field the acts whose values it shows, and a check of each
//! value, so that an import can tell what the person changed in the file.
//!
//! ```json
//! "_version": {"created": "<act>", "heads": {"phone": ["<act>", …]}, "sums": {"phone": "1a2b3c4d", …}}
//! ```
//!
//! `heads` leaves out the fields whose one head is the creation. A field without a sum was empty.

use std::collections::BTreeMap;

use dongbo_proto::act::Over;
use dongbo_proto::bytes::Writer;
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::digest::Digest;
use dongbo_proto::id::{ActId, FieldId, RecordId};
use dongbo_proto::record::{FieldState, Record};
use dongbo_proto::value::Value;
use serde::{Deserialize, Serialize};

use crate::office::shown::field_name;
use crate::replica::draft;

/// Hexadecimal digits of a value's check: 32 bits tell an edit from none well enough, and give
/// nothing of the value away that the row beside it does not.
const SUM_DIGITS: usize = 8;

/// The version of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The act that created the record.
    pub created: ActId,
    /// The heads of fields that differ from it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, Vec<ActId>>,
    /// Checks of the values shown.
    #[serde(default)]
    pub sums: BTreeMap<String, String>,
}

impl Version {
    /// The version of a record as it is here.
    pub fn of(record: &Record) -> Self {
        let kind = catalogue().kind(record.kind);
        let mut version = Version { created: record.created.act, ..Version::default() };
        for (field, state) in &record.fields {
            let name = field_name(kind, *field);
            if let Some(value) = record.shown(*field).filter(|v| !v.is_null()) {
                version.sums.insert(name.clone(), sum(record.id, *field, value));
            }
            if let Some(heads) = heads(record, state) {
                version.heads.insert(name, heads);
            }
        }
        version
    }

    /// What a write of this field names: the heads that the file showed.
    pub fn over(&self, name: &str) -> Over {
        match (self.heads.get(name), self.sums.contains_key(name)) {
            (Some(heads), _) => Over::Heads(heads.iter().copied().collect()),
            (None, true) => Over::Creation,
            (None, false) => Over::Nothing,
        }
    }

    /// Whether the file still says what it said when it was exported.
    pub fn is_untouched(
        &self,
        record: RecordId,
        field: FieldId,
        name: &str,
        value: &Value,
    ) -> bool {
        match self.sums.get(name) {
            None => value.is_null(),
            Some(known) => !value.is_null() && *known == sum(record, field, value),
        }
    }
}

/// The heads of a field where they are not the creation alone.
fn heads(record: &Record, state: &FieldState) -> Option<Vec<ActId>> {
    match draft::over(record, Some(state)) {
        Over::Heads(heads) => Some(heads.into_vec()),
        Over::Creation | Over::Nothing => None,
    }
}

fn sum(record: RecordId, field: FieldId, value: &Value) -> String {
    let mut w = Writer::default();
    w.raw(&record.0);
    w.number(u64::from(field.0));
    value.write(&mut w);
    let bytes = Digest::from_bytes(hash(w.as_slice())).to_string();
    bytes[..SUM_DIGITS].to_owned()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().unwrap_or_default()
}

/// The names of the fields of a kind that a version may speak of.
pub fn knows(kind: &Kind, version: &Version) -> bool {
    let known = |name: &String| kind.field_named(name).is_some() || name.starts_with('#');
    version.heads.keys().chain(version.sums.keys()).all(known)
}
