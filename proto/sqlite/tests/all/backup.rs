//! Copies under load, copies that fail, and the way back.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use dongbo_sqlite::{
    Access, BackupError, DatabaseKey, Existing, Kind, Knobs, OpenError, Progress, backup, open,
    restore,
};

use crate::house::{House, SCHEMA, add_members, count, entropy};

fn silent() -> impl FnMut(Progress) {
    |_| {}
}

#[test]
fn a_backup_under_concurrent_writes_is_one_snapshot() {
    let house = House::with_members(20_000);
    let reader = house.open(Access::ReadOnly).unwrap();
    let (stop, target) = (AtomicBool::new(false), house.dir.path().join("backup.db"));
    let mut seen = Vec::new();
    let written = std::thread::scope(|s| {
        s.spawn(|| {
            let mut writer = house.open(Access::ReadWrite).unwrap();
            while !stop.load(Ordering::Relaxed) {
                add_members(&mut writer, 10);
            }
            add_members(&mut writer, 10);
        });
        let mut progress = |p| seen.push(p);
        let done = backup(&reader, &house.key, &SCHEMA, &target, Existing::Refuse, &mut progress);
        stop.store(true, Ordering::Relaxed);
        done.unwrap()
    });
    let last = seen.last().unwrap();
    assert!(seen.len() > 1 && last.done == last.total, "{seen:?}");
    assert!(seen.iter().all(|p| p.total == last.total), "one snapshot has one size");
    assert_eq!((written.version, written.bytes), (2, fs::metadata(&target).unwrap().len()));
    let copy = open(&target, &house.key, &SCHEMA, Knobs::NODE, Access::ReadOnly).unwrap();
    let copied = count(&copy);
    assert!(copied >= 20_000 && copied % 10 == 0, "{copied}");
    assert!(count(&reader) > copied, "the writer was writing meanwhile");
}

#[test]
fn a_backup_leaves_one_file_and_never_replaces_unasked() {
    let house = House::with_members(10);
    let conn = house.open(Access::ReadWrite).unwrap();
    let target = house.dir.path().join("backup.db");
    let take = |existing| backup(&conn, &house.key, &SCHEMA, &target, existing, &mut silent());
    take(Existing::Refuse).unwrap();
    assert!(matches!(take(Existing::Refuse), Err(BackupError::Exists)));
    take(Existing::Replace).unwrap();
    let beside: Vec<_> = house.names().into_iter().filter(|n| n.starts_with("backup")).collect();
    assert_eq!(beside, ["backup.db"]);
}

/// Fault 14: a backup that was interrupted leaves no file that looks like one. [I17]
#[test]
fn a_backup_that_cannot_be_finished_leaves_nothing() {
    let house = House::with_members(3_000);
    house.change(|bytes| bytes[60 * 4096 + 7] ^= 1);
    let conn = house.open(Access::ReadOnly).unwrap();
    let target = house.dir.path().join("backup.db");
    let failed = backup(&conn, &house.key, &SCHEMA, &target, Existing::Refuse, &mut silent());
    let failed = failed.unwrap_err();
    println!("{failed:?}");
    assert_eq!(failed.kind(), Kind::Damaged);
    assert!(house.names().iter().all(|name| !name.starts_with("backup")), "{:?}", house.names());
}

/// Fault 14: after a crash in a backup the next one is made. [I17]
#[test]
fn what_a_crash_left_of_a_backup_is_not_in_the_way() {
    let house = House::with_members(10);
    let target = house.dir.path().join("backup.db");
    fs::write(house.dir.path().join("backup.db.partial"), b"half").unwrap();
    fs::write(house.dir.path().join("backup.db.partial-wal"), b"half").unwrap();
    let conn = house.open(Access::ReadOnly).unwrap();
    backup(&conn, &house.key, &SCHEMA, &target, Existing::Refuse, &mut silent()).unwrap();
    assert!(house.names().iter().all(|name| !name.contains("partial")));
}

#[test]
fn a_backup_comes_back() {
    let house = House::with_members(500);
    let copy = house.dir.path().join("backup.db");
    let conn = house.open(Access::ReadWrite).unwrap();
    backup(&conn, &house.key, &SCHEMA, &copy, Existing::Refuse, &mut silent()).unwrap();
    let back = || restore(&copy, &house.key, &SCHEMA, &house.path(), &mut silent());
    assert!(matches!(back(), Err(BackupError::Exists)), "a live database is never overwritten");
    drop(conn);
    fs::remove_file(house.path()).unwrap();
    fs::write(house.dir.path().join("replica.db-wal"), b"of another database").unwrap();
    assert!(matches!(back(), Err(BackupError::Exists)), "nor is a WAL left to be replayed");
    fs::remove_file(house.dir.path().join("replica.db-wal")).unwrap();
    back().unwrap();
    assert_eq!(count(&house.open(Access::ReadWrite).unwrap()), 500);
}

#[test]
fn partial_damaged_and_foreign_files_are_not_restored() {
    let house = House::with_members(500);
    let copy = house.dir.path().join("backup.db");
    let conn = house.open(Access::ReadWrite).unwrap();
    backup(&conn, &house.key, &SCHEMA, &copy, Existing::Refuse, &mut silent()).unwrap();
    let whole = fs::read(&copy).unwrap();
    let target = house.dir.path().join("restored.db");
    let back = |key: &DatabaseKey| restore(&copy, key, &SCHEMA, &target, &mut silent());
    let other = DatabaseKey::generate(&mut entropy(8));
    assert!(matches!(back(&other), Err(BackupError::Open(OpenError::WrongKey))));
    for length in [0, 1000, 4096, 40_000, whole.len() - 1] {
        fs::write(&copy, &whole[..length]).unwrap();
        let refused = back(&house.key).unwrap_err();
        assert_eq!(refused.kind(), Kind::Damaged, "{length} bytes: {refused:?}");
    }
    for at in [100, 4096 * 3 + 9, whole.len() - 30] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&copy, bytes).unwrap();
        assert_eq!(back(&house.key).unwrap_err().kind(), Kind::Damaged, "byte {at}");
    }
    assert!(house.names().iter().all(|name| !name.starts_with("restored")), "{:?}", house.names());
}
