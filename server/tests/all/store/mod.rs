//! The SQLite store: the suite that every backend passes, group commit, and two processes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dongbo_server::store::sqlite::{SCHEMA, SqliteStore};
use dongbo_server::store::{Executor, StoreError, StoreHandle, WriteTx};
use dongbo_sqlite::{Access, DatabaseKey};

mod conformance;

fn key() -> DatabaseKey {
    let mut n = 0_u8;
    DatabaseKey::generate(&mut |bytes| {
        n += 1;
        bytes.fill(n);
    })
}

fn open(dir: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(&dir.join("registry.db"), key(), Access::Create).expect("opens"))
}

#[test]
fn it_keeps_what_every_store_promises() {
    for (name, check) in conformance::SUITE {
        println!("{name}");
        let dir = tempfile::tempdir().expect("a directory");
        check(&StoreHandle::new(open(dir.path()), Executor::Inline));
    }
}

fn note(name: &str, value: u8) -> impl FnMut(&mut dyn WriteTx) -> Result<(), StoreError> + use<> {
    let name = name.to_owned();
    move |tx| tx.put_note(&name, &[value])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_share_commits_and_each_hears_of_its_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = StoreHandle::new(open(dir.path()), Executor::Threads);
    let runs = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..200_u8 {
        let (store, runs) = (store.clone(), runs.clone());
        tasks.push(tokio::spawn(async move {
            let mut job = note(&format!("n{n}"), n);
            let outcome = store.write(move |tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                job(tx)?;
                match n % 10 {
                    0 => Err(StoreError::Damaged("a test")),
                    1 => panic!("a bug"),
                    _ => Ok(n),
                }
            });
            (n, outcome.await)
        }));
    }
    for task in tasks {
        let (n, outcome) = task.await.expect("ends");
        match n % 10 {
            0 => assert!(matches!(outcome, Err(StoreError::Damaged(_))), "{n}: {outcome:?}"),
            1 => assert!(matches!(outcome, Err(StoreError::Panicked)), "{n}: {outcome:?}"),
            _ => assert_eq!(outcome.ok(), Some(n)),
        }
        let held: Result<_, StoreError> = store.read(move |tx| tx.note(&format!("n{n}"))).await;
        assert_eq!(held.expect("is read").is_some(), n % 10 > 1, "{n}");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 200);
}

#[test]
fn another_process_that_commits_is_noticed_and_our_own_commits_are_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = StoreHandle::new(open(dir.path()), Executor::Inline);
    let admin = StoreHandle::new(open(dir.path()), Executor::Inline);
    let before = serving.store().foreign_version().expect("is read");
    serving.write_now(note("ours", 1)).expect("is written");
    assert_eq!(serving.store().foreign_version().expect("is read"), before);
    admin.write_now(note("theirs", 1)).expect("is written");
    assert_ne!(serving.store().foreign_version().expect("is read"), before);
    let seen: Option<Vec<u8>> = serving.read_now(|tx| tx.note("theirs")).expect("is read");
    assert_eq!(seen, Some(vec![1]));
}

#[test]
fn a_fresh_file_equals_one_that_was_carried_along() {
    use dongbo_sqlite::migrate::schema_text;
    let (fresh, carried) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let conn = open(fresh.path()).connection().expect("opens");
    let wanted = schema_text(&conn).expect("is read");
    // A file of an earlier build, which did not know one of the kinds.
    drop(open(carried.path()));
    let path = carried.path().join("registry.db");
    let knobs = dongbo_sqlite::Knobs::SERVER;
    let old = dongbo_sqlite::open(&path, &key(), &SCHEMA, knobs, Access::ReadWrite).expect("opens");
    old.execute_batch("DROP TABLE suspension").expect("drops");
    assert_ne!(schema_text(&old).expect("is read"), wanted);
    drop(old);
    let conn = open(carried.path()).connection().expect("opens");
    assert_eq!(schema_text(&conn).expect("is read"), wanted);
}

#[test]
fn a_wrong_key_and_a_foreign_file_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()));
    let other = DatabaseKey::generate(&mut |bytes| bytes.fill(99));
    let wrong = SqliteStore::open(&dir.path().join("registry.db"), other, Access::ReadWrite);
    assert!(wrong.is_err());
    let missing = SqliteStore::open(&dir.path().join("none.db"), key(), Access::ReadWrite);
    assert!(missing.is_err());
}

#[test]
fn released_schema_steps_are_never_edited() {
    assert_eq!(SCHEMA.fingerprints().len(), SCHEMA.known() as usize);
    let names: Vec<_> = SCHEMA.fingerprints().iter().map(|f| f.0).collect();
    assert_eq!(names, ["001_registry", "002_fork"]);
}
