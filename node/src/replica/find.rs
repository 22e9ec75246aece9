//! Search without tone marks: `nguyen van duc` finds `Nguyễn Văn Đức`.
//!
//! Each kind with searched fields has a narrow table beside it: for each record the words of those
//! fields, folded, one line a field, a space before each word. A search reads all of it, which for
//! a commune is a few dozen pages and for a whole province a few milliseconds a megabyte; an edit
//! replaces one line. (A full-text index, FTS5 without content, measured nine times the cost of an
//! edit of a searched field and kept words of records that had left.) Nobody is identified by it: it finds
//! candidates for a person to look at.

use std::borrow::Cow;

use dongbo_proto::catalogue::fold::fold;
use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::catalogue::{Field, Kind};
use dongbo_proto::id::FieldId;
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use rusqlite::{CachedStatement, Connection, params};

use super::error::{ReplicaError, Result};

/// Words that one search may ask for: more than a name, a number and a village have together.
const WORDS_MAX: usize = 16;

/// What reads and writes one row.
pub(super) struct Statements<'a> {
    get: CachedStatement<'a>,
    put: CachedStatement<'a>,
}

/// The search table of one kind.
#[derive(Debug)]
pub(super) struct Index {
    fields: Vec<FieldId>,
    name: String,
    /// Writes the words of a row.
    pub put: String,
    get: String,
    remove: String,
    /// All rows of it, for checks.
    pub all: String,
}

impl Index {
    /// The statements for a kind; `None` if nothing in it is searched.
    pub fn new(kind: &Kind) -> Option<Self> {
        let searched = |f: &&Field| f.searched && f.is_stored();
        let fields: Vec<FieldId> = kind.stored().filter(searched).map(|f| f.id).collect();
        let name = table_name(kind);
        (!fields.is_empty()).then(|| Index {
            fields,
            put: format!("INSERT OR REPLACE INTO {name} (rowid, words) VALUES (?, ?)"),
            get: format!("SELECT words FROM {name} WHERE rowid = ?"),
            remove: format!("DELETE FROM {name} WHERE rowid = ?"),
            all: format!("SELECT rowid, words FROM {name}"),
            name,
        })
    }

    /// Whether a field's value is in the table.
    pub fn has(&self, field: FieldId) -> bool {
        self.fields.contains(&field)
    }

    /// Writes a record's words, unless what is searched is as before.
    pub fn put(
        &self,
        db: &Connection,
        rowid: i64,
        new: &Record,
        old: Option<&Record>,
    ) -> Result<()> {
        let same = |old: &Record| self.fields.iter().all(|f| old.shown(*f) == new.shown(*f));
        if old.is_none_or(|old| !same(old)) {
            db.prepare_cached(&self.put)?.execute(params![rowid, self.words(new)])?;
        }
        Ok(())
    }

    /// Writes the words of one field of a record anew.
    pub fn put_one(
        &self,
        Statements { get, put }: &mut Statements<'_>,
        rowid: i64,
        field: FieldId,
        value: &Value,
    ) -> Result<()> {
        let mut rows = get.query([rowid])?;
        let row = rows.next()?.ok_or(ReplicaError::Damaged("a search row"))?;
        let old = row.get_ref(0)?.as_str().map_err(|_| ReplicaError::Damaged("a search row"))?;
        let at = self.fields.iter().position(|of| *of == field);
        let Some((before, after)) = at.and_then(|at| around_line(old, at)) else {
            return Err(ReplicaError::Damaged("a search row"));
        };
        let mut words = String::with_capacity(old.len() + 16);
        words.push_str(before);
        push_line(value, &mut words);
        words.push_str(after);
        drop(rows);
        put.execute(params![rowid, words])?;
        Ok(())
    }

    /// The statements of [`Index::put_one`].
    pub fn prepare<'a>(&self, db: &'a Connection) -> Result<Statements<'a>> {
        Ok(Statements { get: db.prepare_cached(&self.get)?, put: db.prepare_cached(&self.put)? })
    }

    /// Takes a row out.
    pub fn remove(&self, db: &Connection, rowid: i64) -> Result<()> {
        db.prepare_cached(&self.remove)?.execute([rowid])?;
        Ok(())
    }

    /// The words of a record, one line for each searched field.
    pub fn words(&self, record: &Record) -> String {
        self.words_of(|field| record.shown(field))
    }

    /// The words of a record, given what its fields show.
    pub fn words_of<'v>(&self, shown: impl Fn(FieldId) -> Option<&'v Value>) -> String {
        let mut words = String::with_capacity(96);
        for field in &self.fields {
            if let Some(value) = shown(*field) {
                push_line(value, &mut words);
            }
            words.push('\n');
        }
        words
    }

    /// The rows that have a word beginning with each of so many words, for a `WHERE rowid IN (…)`.
    pub fn matching(&self, words: usize) -> String {
        let each = vec!["instr(words, ?) > 0"; words].join(" AND ");
        format!("SELECT rowid FROM {} WHERE {each}", self.name)
    }
}

/// What stands before and behind a line, whose end is not part of it.
fn around_line(words: &str, line: usize) -> Option<(&str, &str)> {
    let mut ends = words.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at);
    let start = if line == 0 { 0 } else { ends.nth(line - 1)? + 1 };
    Some((words.get(..start)?, words.get(ends.next()?..)?))
}

fn push_line(value: &Value, words: &mut String) {
    let Value::Text(text) = value else { return };
    // Numbers and addresses have nothing to fold but case.
    let folded =
        if text.is_ascii() { Cow::Borrowed(text.as_str()) } else { Cow::Owned(fold(text)) };
    let mut between = true;
    for c in folded.chars() {
        if is_between(c) {
            between = true;
            continue;
        }
        if std::mem::take(&mut between) {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
}

/// What stands between words: anything of ASCII but letters and digits.
fn is_between(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphanumeric()
}

/// The words of a folded text: letters and digits, whatever stands between them.
fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(is_between).filter(|w| !w.is_empty())
}

/// The name of the search table of a kind, quoted.
fn table_name(kind: &Kind) -> String {
    quoted(&format!("{}_search", kind.name))
}

/// The statement that makes the search table of a kind that has none, if a field of it is searched.
pub(super) fn create(kind: &Kind) -> Option<String> {
    let searched = kind.stored().any(|f| f.searched);
    let columns = "(rowid INTEGER PRIMARY KEY, words TEXT NOT NULL) STRICT";
    searched.then(|| format!("CREATE TABLE IF NOT EXISTS {} {columns};\n", table_name(kind)))
}

/// What a person typed, as the beginnings of words. Empty if nothing in it can be searched.
pub(super) fn query(typed: &str) -> Vec<String> {
    split(&fold(typed)).take(WORDS_MAX).map(|word| format!(" {word}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_words() {
        assert_eq!(query("Đức OR\" NEAR("), [" duc", " or", " near"]);
        assert!(query(" .-' ").is_empty());
    }

    #[test]
    fn a_line_is_made_of_the_words_that_a_search_asks_for() {
        for text in ["Nguyễn Văn Đức", "12-A/3 (cũ)", "a@B.example", " ' ", "Tổ  5"] {
            let mut line = String::new();
            push_line(&Value::Text(text.into()), &mut line);
            let words: String = split(&fold(text)).map(|word| format!(" {word}")).collect();
            assert_eq!(line, words.to_lowercase(), "{text}");
        }
    }
}
