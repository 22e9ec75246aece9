//! Steps run once, whole, in order; a database carried along equals one made today.

use dongbo_sqlite::migrate::{schema_text, version};
use dongbo_sqlite::{Access, Knobs, MigrateError, Schema, open};

use crate::house::{House, SCHEMA, add_members, count};

const FIRST_RELEASE: Schema =
    Schema { application_id: SCHEMA.application_id, migrations: &[SCHEMA.migrations[0]] };

const BROKEN: Schema = Schema {
    application_id: SCHEMA.application_id,
    migrations: &[
        SCHEMA.migrations[0],
        ("broken", "CREATE TABLE half (a INTEGER) STRICT; CREATE TABLE member (x);"),
    ],
};

#[test]
fn fresh_equals_carried_along() {
    let fresh = House::with_members(0);
    let carried = House::new();
    let knobs = Knobs::NODE;
    let mut conn =
        open(&carried.path(), &carried.key, &FIRST_RELEASE, knobs, Access::Create).unwrap();
    assert_eq!(FIRST_RELEASE.migrate(&mut conn).unwrap(), 1);
    add_members(&mut conn, 3);
    drop(conn);
    let mut conn = carried.open(Access::ReadWrite).unwrap();
    assert_eq!(SCHEMA.migrate(&mut conn).unwrap(), 1);
    assert_eq!(SCHEMA.migrate(&mut conn).unwrap(), 0);
    assert_eq!((version(&conn).unwrap(), count(&conn)), (2, 3));
    let fresh = fresh.open(Access::ReadOnly).unwrap();
    assert_eq!(schema_text(&conn).unwrap(), schema_text(&fresh).unwrap());
}

/// Fault 13: a step that fails on odd data leaves everything before it. [I13 I17]
#[test]
fn a_failed_step_leaves_the_database_before_it() {
    let house = House::new();
    let mut conn = open(&house.path(), &house.key, &BROKEN, Knobs::NODE, Access::Create).unwrap();
    let failed = BROKEN.migrate(&mut conn).unwrap_err();
    assert!(matches!(failed, MigrateError::Step { name: "broken", .. }), "{failed:?}");
    assert_eq!(version(&conn).unwrap(), 1);
    assert!(!schema_text(&conn).unwrap().contains("half"));
    assert_eq!(SCHEMA.migrate(&mut conn).unwrap(), 1);
}

/// Fault 13: an old program does not touch a newer schema. [I13]
#[test]
fn a_newer_database_is_not_migrated() {
    let house = House::with_members(0);
    let mut conn = house.open(Access::ReadWrite).unwrap();
    let refused = FIRST_RELEASE.migrate(&mut conn).unwrap_err();
    assert!(matches!(refused, MigrateError::NewerVersion { found: 2, known: 1 }), "{refused:?}");
}

#[test]
fn two_processes_bring_up_one_file_together() {
    let house = House::new();
    drop(house.open(Access::Create).unwrap());
    let ran: u32 = std::thread::scope(|s| {
        let one = || SCHEMA.migrate(&mut house.open(Access::ReadWrite).unwrap()).unwrap();
        let threads: Vec<_> = (0..4).map(|_| s.spawn(one)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(ran, 2);
}

#[test]
fn an_edited_step_changes_its_fingerprint() {
    let prints = SCHEMA.fingerprints();
    assert_eq!(prints[0], FIRST_RELEASE.fingerprints()[0]);
    assert_ne!(prints[1].1, BROKEN.fingerprints()[1].1);
}
