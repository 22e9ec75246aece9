//! Databases that released builds wrote, page by page: another cipher, page size or key derivation
//! would make every data directory in the field unreadable.
//!
//! `DONGBO_BLESS=1` keeps one that is not there yet; one that is kept is never written again.

use std::fs;
use std::path::PathBuf;

use dongbo_sqlite::{Access, quick_check};

use crate::house::{House, SCHEMA, add_members, count};

/// The releases of which a database is kept.
const RELEASES: [&str; 1] = ["v0.1"];

fn kept(release: &str) -> PathBuf {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fixtures.join(release).join("cipher.db")
}

/// Fault 41: the pages that a released build encrypted are read, checked and written on. [I13 I17]
#[test]
fn pages_of_every_release_are_read() {
    for release in RELEASES {
        let path = kept(release);
        if std::env::var_os("DONGBO_BLESS").is_some() && !path.exists() {
            fs::copy(House::with_members(3).path(), &path).unwrap();
        }
        let house = House::new();
        fs::copy(&path, house.path()).unwrap();
        let mut conn = house.open(Access::ReadWrite).unwrap();
        assert_eq!(SCHEMA.migrate(&mut conn).unwrap(), 0);
        assert!(quick_check(&conn).unwrap().is_empty());
        assert_eq!(count(&conn), 3);
        add_members(&mut conn, 1);
        assert_eq!(count(&conn), 4);
    }
}

/// Fault 42: what the last program left in the log of writes stays there when an older one refuses. [I13]
#[test]
fn a_refusal_leaves_the_log_of_writes_as_it_was() {
    let house = House::with_members(1);
    let mut conn = house.open(Access::ReadWrite).unwrap();
    conn.pragma_update(None, "user_version", 9).unwrap();
    add_members(&mut conn, 1);
    let log = house.dir.path().join("replica.db-wal");
    // As after a kill: nobody has moved the log into the file.
    let files = || [fs::read(house.path()).unwrap(), fs::read(&log).unwrap()];
    let before = files();
    assert!(!before[1].is_empty(), "nothing is in the log");
    let copy = House::new();
    fs::write(copy.path(), &before[0]).unwrap();
    fs::write(copy.dir.path().join("replica.db-wal"), &before[1]).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite, Access::Create] {
        assert!(copy.open(access).is_err(), "{access:?}");
        let after = [
            fs::read(copy.path()).unwrap(),
            fs::read(copy.dir.path().join("replica.db-wal")).unwrap(),
        ];
        assert!(after == before, "{access:?} wrote to a database that it refused");
    }
}
