//! Full-text search without tone marks: `nguyen van duc` finds `Nguyễn Văn Đức`.
//!
//! Each kind with searched fields has an FTS5 index over their folded values, without a copy of
//! the content. It is touched only when a searched value changes, since an index entry costs as
//! much as the row. Nobody is identified by it: it finds candidates for a person to look at.

use dongbo_proto::catalogue::fold::fold;
use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::catalogue::{Field, Kind};
use dongbo_proto::id::FieldId;
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use rusqlite::{Connection, params};

use super::error::Result;

/// The full-text index of one kind.
#[derive(Debug)]
pub(super) struct Index {
    fields: Vec<FieldId>,
    put: String,
    remove: String,
    purge: String,
    /// The rows of the index that match, for a `WHERE rowid IN (…)`.
    pub matching: String,
    /// How many rows it has.
    pub count: String,
}

impl Index {
    /// The statements for a kind; `None` if nothing in it is searched.
    pub fn new(kind: &Kind) -> Option<Self> {
        let searched = |f: &&Field| f.searched && f.is_stored();
        let fields: Vec<FieldId> = kind.stored().filter(searched).map(|f| f.id).collect();
        let name = table_name(kind);
        (!fields.is_empty()).then(|| Index {
            fields,
            put: format!("INSERT OR REPLACE INTO {name} (rowid, text) VALUES (?, ?)"),
            remove: format!("DELETE FROM {name} WHERE rowid = ?"),
            purge: format!("INSERT INTO {name} ({name}) VALUES ('optimize')"),
            matching: format!("SELECT rowid FROM {name} WHERE {name} MATCH ?"),
            count: format!("SELECT count(*) FROM {name}"),
        })
    }

    /// Whether a field's value is in the index.
    pub fn has(&self, field: FieldId) -> bool {
        self.fields.contains(&field)
    }

    /// Indexes a row, unless what is searched is as before.
    pub fn put(&self, db: &Connection, rowid: i64, new: &Record, old: Option<&Record>) -> Result<()> {
        let same = |old: &Record| self.fields.iter().all(|f| old.shown(*f) == new.shown(*f));
        if old.is_none_or(|old| !same(old)) {
            db.prepare_cached(&self.put)?.execute(params![rowid, self.text(new)])?;
        }
        Ok(())
    }

    /// Takes a row out.
    pub fn remove(&self, db: &Connection, rowid: i64) -> Result<()> {
        db.prepare_cached(&self.remove)?.execute([rowid])?;
        Ok(())
    }

    /// Rewrites the index without what was taken out: a record that left is gone from it too.
    pub fn purge(&self, db: &Connection) -> Result<()> {
        db.execute(&self.purge, [])?;
        Ok(())
    }

    /// What is indexed of a record: the searched values, folded.
    pub fn text(&self, record: &Record) -> String {
        let mut text = String::new();
        for value in self.fields.iter().filter_map(|f| record.shown(*f)) {
            if let Value::Text(t) = value {
                text.push_str(&fold(t));
                text.push(' ');
            }
        }
        text
    }
}

/// The name of the index of a kind, quoted.
fn table_name(kind: &Kind) -> String {
    quoted(&format!("{}_search", kind.name))
}

/// The statement that makes the index of a kind, if a field of it is searched.
pub(super) fn create(kind: &Kind) -> Option<String> {
    let searched = kind.stored().any(|f| f.searched);
    searched.then(|| {
        let options = "content = '', contentless_delete = 1, detail = 'none', tokenize = 'ascii'";
        format!("CREATE VIRTUAL TABLE {} USING fts5(text, {options});\n", table_name(kind))
    })
}

/// What a person typed, as a query: every word must begin a word of the record. `None` if nothing
/// in it can be searched.
pub(super) fn query(typed: &str) -> Option<String> {
    let folded = fold(typed);
    let words = folded.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    let terms: Vec<String> =
        words.filter(|w| !w.is_empty()).map(|w| format!("\"{w}\"*")).collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_cannot_be_syntax() {
        assert_eq!(query("Đức OR\" NEAR(").as_deref(), Some("\"duc\"* AND \"or\"* AND \"near\"*"));
        assert_eq!(query(" .-' "), None);
    }
}
