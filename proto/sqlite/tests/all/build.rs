//! The build itself: versions, full-text search, strict tables, encryption at all.

use dongbo_sqlite::rusqlite::ErrorCode;
use dongbo_sqlite::{Access, Kind, classify, versions};

use crate::house::House;

/// Counterexample 37: the one SQLCipher that both sides link has the fix.
#[test]
fn this_build_may_ship() {
    let versions = versions(&House::with_members(1).open(Access::ReadOnly).unwrap()).unwrap();
    println!("{versions:?}");
    assert!(versions.may_ship(), "{versions:?}");
}

/// Fault 38: nothing readable is on the disk. [I8]
#[test]
fn nothing_readable_reaches_the_disk() {
    let house = House::with_members(50);
    let conn = house.open(Access::ReadWrite).unwrap();
    conn.execute("INSERT INTO member (name) VALUES ('Nguyễn Thị Rất Riêng')", []).unwrap();
    for name in house.names() {
        let bytes = std::fs::read(house.dir.path().join(&name)).unwrap();
        for plain in ["Nguy", "CREATE TABLE", "SQLite format"] {
            let found = bytes.windows(plain.len()).any(|w| w == plain.as_bytes());
            assert!(!found, "{plain} in {name}");
        }
    }
}

#[test]
fn full_text_search_without_contents_can_delete() {
    let conn = House::with_members(0).open(Access::ReadWrite).unwrap();
    conn.execute_batch(
        "CREATE VIRTUAL TABLE found USING fts5
           (folded, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
         INSERT INTO found (found, rank) VALUES ('secure-delete', 1);
         INSERT INTO found (rowid, folded) VALUES (1, 'nguyen van duc'), (2, 'tran thi duc');
         DELETE FROM found WHERE rowid = 1;",
    )
    .unwrap();
    let hits = |what: &str| -> i64 {
        let sql = "SELECT count(*) FROM found WHERE found MATCH ?1";
        conn.query_row(sql, [what], |row| row.get(0)).unwrap()
    };
    assert_eq!((hits("duc"), hits("nguyen")), (1, 0));
}

#[test]
fn strict_tables_hold_their_types() {
    let conn = House::with_members(1).open(Access::ReadWrite).unwrap();
    let error = conn.execute("INSERT INTO member VALUES ('chín', 'x', NULL)", []).unwrap_err();
    assert_eq!(classify(&error), Kind::Constraint);
}

#[test]
fn the_settings_that_promises_rest_on_are_in_force() {
    let conn = House::with_members(1).open(Access::ReadWrite).unwrap();
    let expected = [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("secure_delete", "1"),
        ("cell_size_check", "1"),
        ("temp_store", "2"),
        ("page_size", "4096"),
        ("wal_autocheckpoint", "4000"),
        ("cache_size", "-16384"),
        ("busy_timeout", "5000"),
        ("cipher_status", "1"),
        ("cipher_use_hmac", "1"),
        ("cipher_page_size", "4096"),
    ];
    for (pragma, value) in expected {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let found: String = conn
            .query_row(&sql, [], |row| row.get(0))
            .or_else(|_| conn.pragma_query_value(None, pragma, text))
            .unwrap();
        assert_eq!(found, value, "{pragma}");
    }
}

fn text(row: &dongbo_sqlite::rusqlite::Row<'_>) -> dongbo_sqlite::rusqlite::Result<String> {
    use dongbo_sqlite::rusqlite::types::ValueRef;
    Ok(match row.get_ref(0)? {
        ValueRef::Integer(n) => n.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    })
}

#[test]
fn nobody_edits_the_schema_table_or_misspells_a_column() {
    let conn = House::with_members(1).open(Access::ReadWrite).unwrap();
    conn.execute_batch("PRAGMA writable_schema = ON").unwrap();
    assert!(conn.execute("DELETE FROM sqlite_schema", []).is_err());
    assert!(conn.prepare("SELECT id FROM member WHERE \"nmae\" = 'x'").is_err());
}

/// Fault 5: a transaction that finds no room is kept whole or not at all. [I2]
#[test]
fn a_full_disk_is_named_and_nothing_is_half_kept() {
    let house = House::with_members(10);
    let mut conn = house.open(Access::ReadWrite).unwrap();
    conn.pragma_update(None, "max_page_count", 12).unwrap();
    let tx = conn.transaction().unwrap();
    let error = (0..1_000)
        .find_map(|n| {
            let name = format!("{n:0>200}");
            tx.execute("INSERT INTO member (name) VALUES (?1)", [name]).err()
        })
        .unwrap();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    assert_eq!(classify(&error), Kind::Full);
    drop(tx);
    assert_eq!(crate::house::count(&conn), 10);
}
