//! Every reason why a database does not open has its own name, and none harms the file.

use std::fs;

use dongbo_sqlite::rusqlite::Connection;
use dongbo_sqlite::{
    Access, Damage, DatabaseKey, Kind, Knobs, OpenError, Schema, classify, damaged_pages, open,
    quick_check,
};

use crate::house::{House, SCHEMA, count, entropy};

const PAGE: usize = 4096;

fn damage(opened: Result<Connection, OpenError>) -> Damage {
    match opened {
        Err(OpenError::Damaged { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_is_read_again() {
    let house = House::with_members(300);
    for access in [Access::ReadOnly, Access::ReadWrite, Access::Create, Access::ReadOnly] {
        assert_eq!(count(&house.open(access).unwrap()), 300, "{access:?}");
    }
}

#[test]
fn a_missing_database_is_not_made_by_accident() {
    let house = House::new();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert!(matches!(house.open(access), Err(OpenError::Missing)));
    }
    assert!(house.names().is_empty());
}

#[test]
fn a_wrong_key_is_a_wrong_key() {
    let house = House::with_members(300);
    let other = DatabaseKey::generate(&mut entropy(2));
    let opened = open(&house.path(), &other, &SCHEMA, Knobs::NODE, Access::ReadWrite);
    assert!(matches!(opened, Err(OpenError::WrongKey)), "{opened:?}");
    assert_eq!(count(&house.open(Access::ReadWrite).unwrap()), 300);
}

/// Fault 7: the first sixteen bytes may be lost: key and salt are in the key file. [I2 I17]
/// Counterexample 11: a flipped salt does not lock everything up.
#[test]
fn a_flipped_salt_is_survived() {
    for bit in 0..128 {
        let house = House::with_members(5);
        house.change(|bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert_eq!(count(&house.open(Access::ReadWrite).unwrap()), 5, "bit {bit}");
    }
}

#[test]
fn a_damaged_first_page_is_damage_and_not_a_wrong_key() {
    let house = House::with_members(300);
    house.change(|bytes| bytes[100] ^= 1);
    assert_eq!(damage(house.open(Access::ReadWrite)), Damage::Header);
    // Even when all of it is gone, salt included, the other pages know the key.
    house.change(|bytes| bytes[..PAGE].fill(0xee));
    assert_eq!(damage(house.open(Access::ReadWrite)), Damage::Header);
    assert_eq!(damage(house.open(Access::Create)), Damage::Header);
}

#[test]
fn an_empty_file_is_damage_and_create_finishes_it() {
    let house = House::new();
    fs::write(house.path(), b"").unwrap();
    assert_eq!(damage(house.open(Access::ReadWrite)), Damage::Empty);
    assert_eq!(damage(house.open(Access::ReadOnly)), Damage::Empty);
    let mut conn = house.open(Access::Create).unwrap();
    assert_eq!(SCHEMA.migrate(&mut conn).unwrap(), 2);
}

#[test]
fn a_cut_off_database_is_damage() {
    let house = House::with_members(300);
    house.change(|bytes| bytes.truncate(5 * PAGE));
    assert_eq!(damage(house.open(Access::ReadWrite)), Damage::Contents);
}

#[test]
fn other_files_are_not_databases() {
    let house = House::new();
    fs::write(house.path(), b"hello").unwrap();
    assert!(matches!(house.open(Access::ReadWrite), Err(OpenError::NotADatabase)));
    fs::remove_file(house.path()).unwrap();
    dongbo_sqlite::start();
    #[expect(clippy::disallowed_methods, reason = "a plain database is what is refused")]
    let plain = Connection::open(house.path()).unwrap();
    plain.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(plain);
    let before = fs::read(house.path()).unwrap();
    assert!(matches!(house.open(Access::Create), Err(OpenError::NotADatabase)));
    assert_eq!(fs::read(house.path()).unwrap(), before);
}

#[test]
fn the_other_sides_database_is_refused() {
    let house = House::with_members(1);
    let other = Schema { application_id: 0x7072_6f76, ..SCHEMA };
    for access in [Access::ReadWrite, Access::Create] {
        let opened = open(&house.path(), &house.key, &other, Knobs::NODE, access);
        assert!(matches!(opened, Err(OpenError::NotADatabase)), "{opened:?}");
    }
}

/// Fault 42: the file is equal before and after. [I13]
#[test]
fn a_newer_database_is_refused_untouched() {
    let house = House::with_members(1);
    let conn = house.open(Access::ReadWrite).unwrap();
    conn.pragma_update(None, "user_version", 9).unwrap();
    conn.close().unwrap();
    let before = fs::read(house.path()).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite, Access::Create] {
        let opened = house.open(access);
        let named = matches!(opened, Err(OpenError::NewerVersion { found: 9, known: 2 }));
        assert!(named, "{opened:?}");
    }
    assert_eq!(fs::read(house.path()).unwrap(), before);
}

/// Fault 7: a flipped bit in any page is noticed. [I17]
#[test]
fn a_flipped_bit_in_any_page_is_noticed() {
    let pages = fs::metadata(House::with_members(300).path()).unwrap().len() as usize / PAGE;
    assert!(pages > 8, "{pages} pages");
    for page in 1..pages {
        let house = House::with_members(300);
        house.change(|bytes| bytes[page * PAGE + 1000] ^= 0x10);
        let conn = house.open(Access::ReadOnly).unwrap();
        let damaged = damaged_pages(&conn).unwrap();
        assert_eq!(damaged.len(), 1, "page {page}: {damaged:?}");
        assert!(!quick_check(&conn).unwrap().is_empty(), "page {page}");
    }
}

#[test]
fn a_read_of_a_damaged_page_is_an_error_of_kind_damaged() {
    let house = House::with_members(300);
    house.change(|bytes| bytes[6 * PAGE + 1000] ^= 0x10);
    let conn = house.open(Access::ReadWrite).unwrap();
    let read = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let first = read("SELECT sum(length(name)) FROM member").unwrap_err();
    assert_eq!(classify(&first), Kind::Damaged, "{first:?}");
    // The connection is spent: nothing that it says afterwards is a result.
    let next = read("SELECT max(id) FROM member WHERE id > 5").unwrap_err();
    println!("afterwards: {next:?}");
    assert_ne!(classify(&next), Kind::Constraint);
}

#[test]
fn a_sound_database_has_no_findings() {
    let house = House::with_members(300);
    let conn = house.open(Access::ReadOnly).unwrap();
    assert_eq!(quick_check(&conn).unwrap(), Vec::<String>::new());
    assert_eq!(damaged_pages(&conn).unwrap(), Vec::<String>::new());
}

#[test]
fn a_reader_cannot_write_even_if_it_asks() {
    let house = House::with_members(1);
    let conn = house.open(Access::ReadOnly).unwrap();
    let error = conn.execute_batch("PRAGMA query_only = OFF; DELETE FROM member").unwrap_err();
    assert_eq!(classify(&error), Kind::ReadOnly);
}

#[test]
fn a_reader_sees_what_is_only_in_the_wal() {
    let house = House::with_members(1);
    let mut writer = house.open(Access::ReadWrite).unwrap();
    crate::house::add_members(&mut writer, 4);
    assert_eq!(count(&house.open(Access::ReadOnly).unwrap()), 5);
}

#[cfg(unix)]
#[test]
fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::with_members(1);
    let _open = house.open(Access::ReadWrite).unwrap();
    for name in house.names() {
        let mode = fs::metadata(house.dir.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_write_that_waits_too_long_is_busy() {
    let house = House::with_members(1);
    let one = house.open(Access::ReadWrite).unwrap();
    let two = house.open(Access::ReadWrite).unwrap();
    two.busy_timeout(std::time::Duration::from_millis(20)).unwrap();
    one.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = two.execute("DELETE FROM member", []).unwrap_err();
    assert_eq!(classify(&error), Kind::Busy);
}
