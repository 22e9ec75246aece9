//! What people must look at: fields on which offices disagree, and rows entered twice.

use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::id::{FieldId, KindId, RecordId};
use dongbo_proto::record::Record;
use rusqlite::params;

use super::Replica;
use super::error::Result;
use super::table::KindTable;
use super::work::Work;

/// A record with fields on which people disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The record.
    pub record: Record,
    /// The fields with several different values.
    pub fields: Vec<FieldId>,
}

/// Records of one kind that say the same of the same: one of them was entered twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Their kind.
    pub kind: KindId,
    /// The records, oldest here first.
    pub records: Vec<RecordId>,
}

impl Replica {
    /// Records with a field in conflict, by id.
    ///
    /// # Errors
    /// What storage says.
    pub fn conflicts(&self, limit: usize) -> Result<Vec<Conflict>> {
        self.read(|work| {
            let sql = "SELECT record, kind FROM contested ORDER BY record";
            let mut statement = work.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            let mut conflicts = Vec::new();
            while let Some(row) = rows.next()? {
                if conflicts.len() >= limit {
                    break;
                }
                conflicts.extend(conflict(work, KindId(row.get(1)?), RecordId(row.get(0)?))?);
            }
            Ok(conflicts)
        })
    }

    /// Rows of a kind that have one natural key, voided ones left out.
    ///
    /// # Errors
    /// What storage says.
    pub fn duplicates(&self, kind: KindId, limit: usize) -> Result<Vec<Duplicate>> {
        self.read(|work| match work.tables.get(kind) {
            Some(table) if !table.kind.natural_key.is_empty() => duplicates(work, table, limit),
            _ => Ok(Vec::new()),
        })
    }
}

/// The fields on which heads differ in value; heads that agree are no conflict.
pub(super) fn fields_in_conflict(record: &Record) -> Vec<FieldId> {
    let fields = record.fields.iter().filter(|(_, state)| state.in_conflict());
    fields.map(|(field, _)| *field).collect()
}

fn conflict(work: &Work<'_>, kind: KindId, id: RecordId) -> Result<Option<Conflict>> {
    let Some(stored) = work.load(kind, id)? else { return Ok(None) };
    let fields = fields_in_conflict(&stored.record);
    Ok((!fields.is_empty()).then_some(Conflict { record: stored.record, fields }))
}

fn duplicates(work: &Work<'_>, table: &KindTable, limit: usize) -> Result<Vec<Duplicate>> {
    let keys = table.kind.natural_key.iter().filter_map(|id| table.kind.field(*id));
    let keys: Vec<String> = keys.map(|f| quoted(&f.name)).collect();
    let (name, key) = (quoted(&table.kind.name), keys.join(", "));
    let same = keys.iter().map(|k| format!("a.{k} IS b.{k}")).collect::<Vec<_>>().join(" AND ");
    // A first pass finds the keys that occur twice, a second the rows that have them.
    let sql = format!(
        "WITH a AS (SELECT {key}, min(rowid) AS first FROM {name} WHERE void_reason IS NULL AND {} IS NOT NULL \
         GROUP BY {key} HAVING count(*) > 1 LIMIT ?) \
         SELECT a.first, b.id FROM a JOIN {name} b ON {same} WHERE b.void_reason IS NULL ORDER BY a.first, b.rowid",
        keys[0]
    );
    let mut statement = work.db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![limit as i64])?;
    let (mut found, mut last): (Vec<Duplicate>, Option<i64>) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let group: i64 = row.get(0)?;
        if last.replace(group) != Some(group) {
            found.push(Duplicate { kind: table.kind.id, records: Vec::new() });
        }
        if let Some(group) = found.last_mut() {
            group.records.push(RecordId(row.get(1)?));
        }
    }
    Ok(found)
}
