//! The SQL table of a kind, as text. Pure: who runs it is not decided here.
//!
//! One ordinary rowid table per kind, named as the kind, so that anyone who can write SQL can read
//! it. (Random 16-byte keys in a `WITHOUT ROWID` table measured 4–5 times slower.) Columns:
//!
//! | column | type | holds |
//! | --- | --- | --- |
//! | `id` | BLOB | the record's UUIDv7, 16 bytes, unique |
//! | `_scope` | INTEGER | the scope of the placement through which the row is here |
//! | `_meta` | BLOB | the record packed: head ids, losing heads, flags, unknown fields |
//! | one per stored field | TEXT, INTEGER or BLOB | the shown value; NULL if cleared or never written |
//!
//! Text, codes, digits and dates (ISO, as long as they are known: `1950`, `1950-05`, `1950-05-19`)
//! are TEXT, numbers and booleans INTEGER, references BLOB of 16 bytes. The field columns come last,
//! by field number, so that a column which a later version adds stands where a fresh table has it.
//! A record with a `void_reason` is voided. The columns are what people query; `_meta` is what the
//! digest and the merge are taken over.

use super::field::{Field, FieldType};
use super::kind::Kind;

/// The columns that every table has before those of its fields.
pub const COMMON_COLUMNS: [&str; 3] = ["id", "_scope", "_meta"];

/// The statements that make the table of a kind and the index on its subject. Run as a batch.
pub fn create_table(kind: &Kind) -> String {
    let mut sql = format!(
        "CREATE TABLE {} (\n  \"id\" BLOB NOT NULL UNIQUE,\n  \"_scope\" INTEGER NOT NULL,\n  \"_meta\" BLOB NOT NULL",
        quoted(&kind.name)
    );
    for field in kind.stored() {
        sql += &format!(",\n  {}", definition(field));
    }
    sql += "\n) STRICT;\n";
    if let Some(subject) = kind.subject.and_then(|id| kind.field(id)) {
        let index = quoted(&format!("{}_by_{}", kind.name, subject.name));
        sql += &format!(
            "CREATE INDEX {index} ON {} ({});\n",
            quoted(&kind.name),
            quoted(&subject.name)
        );
    }
    sql
}

/// The statement that gives an existing table the column of a field that a later version added.
pub fn add_column(kind: &Kind, field: &Field) -> String {
    format!("ALTER TABLE {} ADD COLUMN {};\n", quoted(&kind.name), definition(field))
}

/// The names of all columns, in the order in which [`create_table`] makes them; not quoted.
pub fn columns(kind: &Kind) -> &[String] {
    kind.columns()
}

/// A name as SQL takes it, whatever keyword it may be.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn column_names(fields: &[Field]) -> Vec<String> {
    let own = fields.iter().filter(|f| f.is_stored()).map(|f| f.name.clone());
    COMMON_COLUMNS.iter().map(|name| name.to_string()).chain(own).collect()
}

fn definition(field: &Field) -> String {
    format!("{} {}", quoted(&field.name), sql_type(&field.ty))
}

fn sql_type(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Text { .. }
        | FieldType::Digits { .. }
        | FieldType::Date { .. }
        | FieldType::Code(_) => "TEXT",
        FieldType::Int { .. } | FieldType::Bool => "INTEGER",
        FieldType::Ref(_) => "BLOB",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{catalogue, kind};
    use super::*;

    #[test]
    fn the_table_of_a_small_kind_reads_well() {
        let death = catalogue().kind(kind::DEATH).unwrap();
        let sql = create_table(death);
        assert!(
            sql.starts_with("CREATE TABLE \"death\" (\n  \"id\" BLOB NOT NULL UNIQUE,\n"),
            "{sql}"
        );
        assert!(sql.contains("\n  \"member\" BLOB,\n"), "{sql}");
        assert!(
            sql.ends_with(
                ") STRICT;\nCREATE INDEX \"death_by_member\" ON \"death\" (\"member\");\n"
            ),
            "{sql}"
        );
    }

    #[test]
    fn columns_are_those_of_the_table_and_hold_nothing_computed() {
        for kind in catalogue().kinds() {
            let sql = create_table(kind);
            for column in columns(kind) {
                assert!(
                    sql.contains(&format!("\n  {} ", quoted(column))),
                    "{}.{column}",
                    kind.name
                );
            }
            assert_eq!(columns(kind).len(), 3 + kind.stored().count());
            assert!(!columns(kind).iter().any(|c| c == "home" || c == "party_age_years"));
        }
    }

    #[test]
    fn a_quote_in_a_name_cannot_end_it() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
