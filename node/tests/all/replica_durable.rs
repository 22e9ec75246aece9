//! What was said to be saved survives `kill -9`, torn and lost logs, replicas put back and bytes
//! changed on the disk; and what cannot be mended is named.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::replica_support::*;
use dongbo_node::replica::{
    Draft, OUTBOX_FILE, Opening, REPLICA_FILE, Replica, ReplicaError, SCHEMA, draft,
};
use dongbo_proto::act::{FieldWrite, Op, Over};
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::catalogue::{Field, FieldType, catalogue};
use dongbo_proto::id::RecordId;
use dongbo_sqlite::knobs::PAGE_BYTES;
use dongbo_sqlite::{Access, Kind, Knobs, OpenError, open};

const NOW: i64 = 1_700_000_000_000;
const DIR: &str = "DONGBO_TEST_DIR";
const FIRST: &str = "DONGBO_TEST_FIRST";

fn save(replica: &mut Replica, n: u32) {
    let draft = Draft::change("lan", member(n, P, "Lê Hoa"));
    replica.save(&[draft], NOW, &mut entropy()).expect("the act is saved");
}

fn edit(replica: &mut Replica, n: u32, phone: &str) {
    let shown = replica.record(record_id(n)).unwrap().unwrap();
    let op = draft::edit(&shown, [(PHONE, text(phone))]);
    replica.save(&[Draft::change("lan", op)], NOW, &mut entropy()).expect("the act is saved");
}

fn reopened(dir: &Path) -> Replica {
    Replica::open(dir, &key()).expect("it opens")
}

/// A copy of the database as it is, with its WAL.
fn copy(dir: &Path, to: &Path) {
    for file in [REPLICA_FILE.to_owned(), format!("{REPLICA_FILE}-wal")] {
        let _ = fs::remove_file(to.join(&file));
        if dir.join(&file).exists() {
            fs::copy(dir.join(&file), to.join(&file)).unwrap();
        }
    }
    let _ = fs::remove_file(to.join(format!("{REPLICA_FILE}-shm")));
}

/// Run as a process of its own by the tests below: saves until it is killed, saying what is saved.
#[test]
fn child_that_saves() {
    let (Ok(dir), Ok(first)) = (std::env::var(DIR), std::env::var(FIRST)) else { return };
    let mut replica = reopened(&PathBuf::from(dir));
    let first: u32 = first.parse().unwrap();
    for n in first..first + 40 {
        save(&mut replica, n);
        println!("saved {n}");
    }
}

fn child(dir: &Path, first: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "replica_durable::child_that_saves", "--nocapture"])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn saved_lines(child: &mut Child) -> impl Iterator<Item = u32> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split("saved ").nth(1).and_then(|n| n.trim().parse().ok()))
}

/// Fault 1: what was said to be saved is there after a kill. [I3]
#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_said_to_be_saved() {
    let dir = tempfile::tempdir().unwrap();
    drop(Province::new(&[P]).join(dir.path(), 5));
    let mut said: Vec<u32> = Vec::new();
    for round in 0..6u32 {
        let mut child = child(dir.path(), 1_000 * (round + 1));
        let lines: Vec<u32> = saved_lines(&mut child).take(3 + 5 * round as usize).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        said.extend(lines);
        let mut replica = reopened(dir.path());
        for n in &said {
            assert!(
                replica.record(record_id(*n)).unwrap().is_some(),
                "record {n} of round {round}"
            );
        }
        assert!(replica.facts().unwrap().position >= said.len() as u64);
        assert_sound(&mut replica);
    }
}

/// Fault 15: two programs on one directory take turns. [I1 I3]
#[test]
fn two_processes_may_save_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(Province::new(&[P]).join(dir.path(), 5));
    let mut children = [child(dir.path(), 1_000), child(dir.path(), 2_000)];
    let counts: Vec<usize> = children.iter_mut().map(|c| saved_lines(c).count()).collect();
    assert!(children.iter_mut().all(|c| c.wait().unwrap().success()));
    assert_eq!(counts, [40, 40]);
    let mut replica = reopened(dir.path());
    assert_eq!(replica.facts().unwrap().position, 80);
    assert_eq!(replica.opened(), Opening::default());
    assert_sound(&mut replica);
}

/// Story 19: the outbox and the journal make each other whole.
#[test]
fn a_log_that_was_cut_or_lost_is_written_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    (1..=4).for_each(|n| save(&mut replica, n));
    drop(replica);
    let log = dir.path().join(OUTBOX_FILE);
    let whole = fs::read(&log).unwrap();
    for cut in [whole.len() - 1, whole.len() - 40, whole.len() / 2, 5, 0] {
        fs::write(&log, &whole[..cut]).unwrap();
        let mut replica = reopened(dir.path());
        let opened = replica.opened();
        assert!(opened.topped_up > 0 && opened.rewound == 0, "cut at {cut}: {opened:?}");
        assert_sound(&mut replica);
    }
    let mut torn = whole.clone();
    torn.extend_from_slice(&[0xff; 30]);
    fs::write(&log, &torn).unwrap();
    assert!(reopened(dir.path()).opened().torn);
    fs::remove_file(&log).unwrap();
    assert_eq!(reopened(dir.path()).opened().topped_up, 4);
    assert_sound(&mut reopened(dir.path()));
}

/// Fault 8: a replica that is behind its outbox says so and catches up. [I2 I12]
#[test]
fn a_replica_behind_its_log_is_named_and_its_acts_are_done_again() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    save(&mut replica, 1);
    edit(&mut replica, 1, "1");
    drop(replica);
    copy(dir.path(), old.path());
    let mut replica = reopened(dir.path());
    edit(&mut replica, 1, "2");
    save(&mut replica, 2);
    edit(&mut replica, 2, "3");
    let facts = replica.facts().unwrap();
    drop(replica);
    copy(old.path(), dir.path());
    let mut replica = reopened(dir.path());
    assert_eq!(replica.opened().rewound, 3);
    assert_eq!(replica.facts().unwrap(), facts, "the same acts, the same chain");
    assert_eq!(replica.record(record_id(2)).unwrap().unwrap().shown(PHONE), Some(&text("3")));
    assert_sound(&mut replica);
    drop(replica);
    assert_eq!(reopened(dir.path()).opened(), Opening::default());
}

/// Fault 8: acts that a shortened log took away come back from the outbox. [I2 I12]
/// Counterexample 11: a log that was silently cut short is noticed.
/// Story 19: unsent work lies apart from the database.
#[test]
fn a_wal_that_was_silently_cut_short_loses_nothing() {
    let (dir, at) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    (1..=20).for_each(|n| save(&mut replica, n));
    // As the disk is at a power cut: with the WAL, without a clean close.
    copy(dir.path(), at.path());
    fs::copy(dir.path().join(OUTBOX_FILE), at.path().join(OUTBOX_FILE)).unwrap();
    let wal = at.path().join(format!("{REPLICA_FILE}-wal"));
    let mut bytes = fs::read(&wal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&wal, &bytes).unwrap();
    let mut replica = reopened(at.path());
    assert!(replica.opened().rewound > 0, "SQLite dropped frames without a word");
    assert_eq!(replica.facts().unwrap().position, 20);
    assert_sound(&mut replica);
}

/// Fault 9: a replica that is behind its own outbox takes no new act under a used number. [I4 I12]
/// Story 1: no act is entered where it would never be sent.
#[test]
fn a_replica_put_back_behind_what_only_the_province_has_is_not_written_to() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    save(&mut replica, 1);
    drop(replica);
    copy(dir.path(), old.path());
    let mut replica = reopened(dir.path());
    (2..=5).for_each(|n| save(&mut replica, n));
    assert!(meet(&mut province, &mut replica).in_step);
    assert!(
        fs::read(dir.path().join(OUTBOX_FILE)).unwrap().is_empty(),
        "what is acknowledged leaves the log"
    );
    save(&mut replica, 6);
    drop(replica);
    copy(old.path(), dir.path());
    let put_back = Replica::open(dir.path(), &key());
    assert!(
        matches!(put_back, Err(ReplicaError::Rewound { journal: 1, outbox: 6 })),
        "{put_back:?}"
    );
}

#[test]
fn changed_bytes_are_found_through_the_key_and_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    (1..=30).for_each(|n| save(&mut replica, n));
    assert!(meet(&mut province, &mut replica).in_step);
    assert_sound(&mut replica);
    drop(replica);
    let path = dir.path().join(REPLICA_FILE);
    let by_hand = |sql: &str| {
        let db = open(&path, &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        let found = reopened(dir.path()).verify().unwrap();
        found.into_iter().map(|f| (f.code, f.detail)).collect::<Vec<_>>()
    };
    let change = "UPDATE journal SET acts = CAST(substr(acts, 1, 40) || x'41' || substr(acts, 42) AS BLOB) WHERE last = 7";
    assert!(by_hand(change).contains(&("journal", "7".into())));
    assert!(
        by_hand("UPDATE member SET phone = '113' WHERE rowid = 3").iter().any(|f| f.0 == "digest")
    );
    assert!(
        by_hand("DELETE FROM receipt; UPDATE checkpoint SET signature = x'00'")
            .iter()
            .any(|f| f.0 == "checkpoint")
    );
    assert!(by_hand("DELETE FROM member_search WHERE rowid = 2").iter().any(|f| f.0 == "search"));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    match Replica::open(dir.path(), &key()) {
        Ok(mut replica) => assert!(replica.verify().unwrap().iter().any(|f| f.code == "page")),
        Err(error) => assert_eq!(error.storage(), Some(Kind::Damaged)),
    }
}

/// A member whose row is longer than a page: its end is on pages of its own, which SQLCipher reads
/// as zeros if they are damaged.
fn long_member(n: u32) -> Op {
    let kind = catalogue().kind(MEMBER).unwrap();
    let long = |f: &&Field| matches!(f.ty, FieldType::Text { max_chars } if max_chars >= 60);
    let Op::Write(mut writes) = member(n, P, "Lê Hoa") else { unreachable!() };
    let named: Vec<_> = writes.fields.iter().map(|f| f.field).collect();
    for field in kind.stored().filter(long).filter(|f| !named.contains(&f.id)) {
        let value = text(&"ế".repeat(60));
        writes.fields.push(FieldWrite { field: field.id, value, over: Over::Nothing });
    }
    writes.fields.sort_by_key(|f| f.field);
    Op::Write(writes)
}

/// Fault 7: a damaged page is named, and never read as something else. [I2 I17]
#[test]
fn no_page_that_was_damaged_is_read_as_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    replica.save(&[Draft::change("lan", long_member(1))], NOW, &mut entropy()).unwrap();
    let whole = replica.record(record_id(1)).unwrap();
    drop(replica);
    let path = dir.path().join(REPLICA_FILE);
    let sound = fs::read(&path).unwrap();
    let mut named = 0;
    for page in 1..sound.len() / PAGE_BYTES {
        let mut bytes = sound.clone();
        bytes[page * PAGE_BYTES + 99] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let read = Replica::open(dir.path(), &key()).and_then(|r| r.record(record_id(1)));
        match read {
            Ok(record) => assert_eq!(record, whole, "page {page}"),
            Err(error) => {
                assert_eq!(error.storage(), Some(Kind::Damaged), "page {page}");
                named += 1;
            }
        }
    }
    assert!(named >= 3, "the row and its ends were not among {named} damaged pages");
}

#[test]
fn a_wrong_key_and_a_newer_version_are_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(Province::new(&[P]).join(dir.path(), 5));
    let other = dongbo_sqlite::DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(1));
    let wrong = Replica::open(dir.path(), &other);
    assert!(matches!(wrong, Err(ReplicaError::Open(OpenError::WrongKey))), "{wrong:?}");
    let again = Replica::create(dir.path(), &key(), &Province::new(&[P]).identity(5));
    assert!(matches!(again, Err(ReplicaError::Exists)), "{again:?}");
    let path = dir.path().join(REPLICA_FILE);
    let db = open(&path, &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite).unwrap();
    db.execute("UPDATE meta SET value = x'0000ffff' WHERE key = 'catalogue'", []).unwrap();
    drop(db);
    let newer = Replica::open(dir.path(), &key());
    assert!(matches!(newer, Err(ReplicaError::NewerCatalogue { found: 0xffff, .. })), "{newer:?}");
    let db = open(&path, &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let newer = Replica::open(dir.path(), &key());
    assert!(matches!(newer, Err(ReplicaError::Open(OpenError::NewerVersion { .. }))), "{newer:?}");
}

/// Fault 41: values that were carried unseen are columns after the upgrade. [I1 I13]
#[test]
fn a_later_catalogue_moves_what_was_carried_blindly_into_its_columns() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    (1..=3).for_each(|n| save(&mut replica, n));
    edit(&mut replica, 2, "0123");
    assert!(meet(&mut province, &mut replica).in_step);
    drop(replica);
    // As an older build would have left it: no such column, no such table, an older number.
    let path = dir.path().join(REPLICA_FILE);
    let db = open(&path, &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite).unwrap();
    let older = "ALTER TABLE member DROP COLUMN employer_type; DROP TABLE death; UPDATE meta SET value = x'00000000' WHERE key = 'catalogue'";
    db.execute_batch(older).unwrap();
    drop(db);
    let mut replica = reopened(dir.path());
    assert_in_step(&province, &replica);
    assert_eq!(replica.count(dongbo_proto::catalogue::kind::DEATH).unwrap(), 0);
    assert_sound(&mut replica);
    let shown: Option<String> = Replica::sql(dir.path(), &key())
        .unwrap()
        .query_row("SELECT phone FROM member WHERE id = ?", [record_id(2).0], |row| row.get(0))
        .unwrap();
    assert_eq!(shown.as_deref(), Some("0123"));
}

#[test]
fn the_sql_shell_can_only_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    save(&mut replica, 1);
    let db = Replica::sql(dir.path(), &key()).unwrap();
    let name: String = db.query_row("SELECT full_name FROM member", [], |row| row.get(0)).unwrap();
    assert_eq!(name, "Lê Hoa");
    assert!(db.execute("DELETE FROM member", []).is_err());
    assert_ne!(RecordId::default(), record_id(1));
}
