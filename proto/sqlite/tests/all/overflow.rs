//! What SQLCipher does not say by itself: a damaged page that holds only the end of a long
//! value is read as zeros, and the statement succeeds. [`verified`] says it.

use std::time::{Duration, Instant};

use dongbo_sqlite::rusqlite::{Connection, Error, Result};
use dongbo_sqlite::{
    Access, Existing, Kind, backup, classify, damaged_pages, quick_check, verified,
};

use crate::house::{House, SCHEMA};

const PAGE: usize = 4096;
const VALUE_BYTES: usize = 14_000;

/// A house with one value that is four pages long, the last of which is damaged.
fn damaged_at_the_end() -> House {
    let house = House::with_members(1);
    let conn = house.open(Access::ReadWrite).unwrap();
    conn.execute_batch("CREATE TABLE frame (body BLOB) STRICT").unwrap();
    conn.execute("INSERT INTO frame VALUES (?1)", [vec![0xab_u8; VALUE_BYTES]]).unwrap();
    conn.close().unwrap();
    house.change(|bytes| {
        let last = bytes.len() - PAGE;
        bytes[last + 77] ^= 1;
    });
    house
}

fn read(conn: &Connection) -> Result<Vec<u8>> {
    conn.query_row("SELECT body FROM frame", [], |row| row.get(0))
}

#[test]
fn a_long_value_whose_end_is_damaged_is_not_a_result() {
    let conn = damaged_at_the_end().open(Access::ReadWrite).unwrap();
    let taken = read(&conn);
    // Why this module exists. Should a later SQLCipher refuse here, so much the better.
    println!(
        "zeros in what was read: {:?}",
        taken.as_ref().map(|b| b.iter().filter(|b| **b == 0).count())
    );
    assert_eq!(classify(&verified(&conn, taken).unwrap_err()), Kind::Damaged);
}

#[test]
fn what_fails_because_of_damage_is_called_damage() {
    let conn = damaged_at_the_end().open(Access::ReadWrite).unwrap();
    let _ = read(&conn);
    let wrote = conn.execute("DELETE FROM member", []);
    println!("a write afterwards: {wrote:?}");
    assert_eq!(classify(&verified(&conn, wrote).unwrap_err()), Kind::Damaged);
}

#[test]
fn both_checks_find_it() {
    let conn = damaged_at_the_end().open(Access::ReadOnly).unwrap();
    assert_eq!(damaged_pages(&conn).unwrap().len(), 1);
    assert!(!quick_check(&conn).unwrap().is_empty());
}

/// Fault 7: a backup of damage is refused. [I17]
#[test]
fn a_backup_does_not_turn_damage_into_sound_zeros() {
    let house = damaged_at_the_end();
    let conn = house.open(Access::ReadOnly).unwrap();
    let target = house.dir.path().join("backup.db");
    let taken = backup(&conn, &house.key, &SCHEMA, &target, Existing::Refuse, &mut |_| {});
    assert_eq!(taken.unwrap_err().kind(), Kind::Damaged);
    assert!(house.names().iter().all(|name| !name.starts_with("backup")), "{:?}", house.names());
}

#[test]
fn a_sound_connection_is_trusted_at_little_cost() {
    const TIMES: u32 = 2_000;
    let conn = House::with_members(1).open(Access::ReadWrite).unwrap();
    assert!(matches!(verified(&conn, Err::<(), _>(Error::InvalidQuery)), Err(Error::InvalidQuery)));
    let began = Instant::now();
    for _ in 0..TIMES {
        verified(&conn, Ok::<_, Error>(())).unwrap();
    }
    let each = began.elapsed() / TIMES;
    println!("asking whether a connection is spent: {each:?}");
    assert!(each < Duration::from_millis(1), "{each:?}");
}
