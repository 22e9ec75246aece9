//! Acts that were saved together share a row of the journal and of the log: what is acknowledged,
//! taken back, lost or changed in the middle of one.

use std::fs;

use dongbo_node::replica::{Draft, OUTBOX_FILE, Opening, REPLICA_FILE, Replica, SCHEMA, draft};
use dongbo_proto::act::Op;
use dongbo_proto::id::ActId;
use dongbo_sqlite::{Access, Knobs, open};

use crate::replica_support::*;

const NOW: i64 = 1_700_000_000_000;
/// Members whose creation takes several blocks, the last of them not full.
const MANY: u32 = 700;

fn members(from: u32, to: u32) -> Vec<Draft> {
    let name = "Nguyễn Thị Ánh Nguyệt ".repeat(3);
    (from..=to).map(|n| Draft::change("lan", member(n, P, name.trim()))).collect()
}

fn blocks(dir: &std::path::Path) -> Vec<(i64, i64)> {
    let path = dir.join(REPLICA_FILE);
    let db = open(&path, &key(), &SCHEMA, Knobs::NODE, Access::ReadOnly).unwrap();
    let mut statement = db.prepare("SELECT first, last FROM journal ORDER BY last").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn saved(replica: &mut Replica, drafts: Vec<Draft>) {
    let count = drafts.len();
    assert_eq!(replica.save(drafts, NOW, &mut entropy()).unwrap().len(), count);
}

#[test]
fn a_save_of_many_acts_is_a_few_rows_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let mut replica = Province::new(&[P]).join(dir.path(), 5);
    saved(&mut replica, members(1, MANY));
    saved(&mut replica, members(MANY + 1, MANY + 1));
    let rows = blocks(dir.path());
    assert!((3..=20).contains(&rows.len()), "{rows:?}");
    assert_eq!(rows.first().unwrap().0, 1);
    assert_eq!(rows.last().unwrap(), &(i64::from(MANY) + 1, i64::from(MANY) + 1));
    assert!(rows.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{rows:?}");
    let middle = replica.act(350).unwrap().unwrap().act;
    assert_eq!(middle.records().next().unwrap().0, record_id(350));
    assert_eq!(replica.history_here(record_id(351)).unwrap().len(), 1);
    assert_eq!(replica.acts(340, 360, 5).unwrap().len(), 5);
    assert_sound(&mut replica);
}

/// The province takes batches of three: every acknowledgement ends within a block, and so do the
/// chain that a receipt names and the log that is kept of the rest.
#[test]
fn what_is_acknowledged_ends_within_a_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    saved(&mut replica, members(1, 100));
    let batch = replica.acts_after(0, 41, 1 << 20).unwrap().unwrap();
    let (runs, receipt) = province.receive(&batch);
    replica.acknowledge(&runs, &receipt).unwrap();
    assert_sound(&mut replica);
    drop(replica);
    let mut replica = Replica::open(dir.path(), &key()).unwrap();
    assert_eq!((replica.opened(), replica.facts().unwrap().acknowledged), (Opening::default(), 41));
    assert_eq!(replica.facts().unwrap().acknowledged_head, batch.after);
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn an_act_of_the_same_save_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    saved(&mut replica, members(1, 2));
    let shown = replica.record(record_id(1)).unwrap().unwrap();
    let edit = draft::edit(&shown, [(PHONE, text("0912"))]);
    let undo = Op::Retract(vec![ActId::new(replica.author(), 3)]);
    saved(&mut replica, vec![Draft::change("lan", edit), Draft::change("lan", undo)]);
    let phone = replica.record(record_id(1)).unwrap().unwrap().shown(PHONE).cloned();
    assert_eq!(phone, Some(text("0900000001")));
    assert_sound(&mut replica);
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

/// The database is put back to a moment before the last save: the log brings its acts again.
#[test]
fn a_lost_block_comes_back_from_the_log() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    saved(&mut replica, members(1, 3));
    drop(replica);
    fs::copy(dir.path().join(REPLICA_FILE), old.path().join(REPLICA_FILE)).unwrap();
    let mut replica = Replica::open(dir.path(), &key()).unwrap();
    saved(&mut replica, members(4, 4 + MANY));
    drop(replica);
    for file in fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(REPLICA_FILE) {
            fs::remove_file(file).unwrap();
        }
    }
    fs::copy(old.path().join(REPLICA_FILE), dir.path().join(REPLICA_FILE)).unwrap();
    assert!(fs::metadata(dir.path().join(OUTBOX_FILE)).unwrap().len() > 0);
    let mut replica = Replica::open(dir.path(), &key()).unwrap();
    assert_eq!(replica.opened().rewound, u64::from(MANY) + 1);
    assert_eq!(replica.facts().unwrap().position, u64::from(MANY) + 4);
    assert_sound(&mut replica);
    assert!(meet(&mut province, &mut replica).in_step);
    assert_in_step(&province, &replica);
}
