//! The lock between processes: a real second process holds it, is named, and is killed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dongbo_sqlite::{DirLock, LockError, LockFile};

const HELD_DIR: &str = "DONGBO_TEST_HELD_DIR";

/// Not a test of its own: the body of the second process, which the tests below start.
#[test]
fn second_process() {
    let Some(dir) = std::env::var_os(HELD_DIR) else { return };
    let _lock = DirLock::acquire(Path::new(&dir), "đồng bộ", Duration::ZERO).unwrap();
    println!("\nheld");
    let _ = std::io::stdin().read(&mut [0]);
}

fn hold(dir: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::second_process", "--nocapture"])
        .env(HELD_DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "held"));
    child
}

/// Fault 15: the lock names its holder and dies with it. [I1]
#[test]
fn another_process_is_named_and_its_death_frees_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = hold(dir.path());
    let refused = DirLock::acquire(dir.path(), "edit", Duration::from_millis(50)).unwrap_err();
    let LockError::Held { pid, purpose } = refused else { panic!("{refused}") };
    assert_eq!((pid, purpose.as_str()), (Some(child.id()), "đồng bộ"));
    child.kill().unwrap();
    child.wait().unwrap();
    DirLock::acquire(dir.path(), "edit", Duration::from_secs(5)).unwrap();
}

#[test]
fn a_lock_is_cheap_enough_to_take_for_each_operation() {
    const TIMES: u32 = 2_000;
    let dir = tempfile::tempdir().unwrap();
    let mut file = LockFile::open(dir.path()).unwrap();
    let began = Instant::now();
    for _ in 0..TIMES {
        drop(file.acquire("edit", Duration::ZERO).unwrap());
    }
    let kept_open = began.elapsed() / TIMES;
    let began = Instant::now();
    for _ in 0..TIMES {
        drop(DirLock::acquire(dir.path(), "edit", Duration::ZERO).unwrap());
    }
    println!("a lock: {kept_open:?} kept open, {:?} opened each time", began.elapsed() / TIMES);
    // A commit costs a hundred times this; only a mistake such as an fsync would exceed it.
    assert!(kept_open < Duration::from_millis(1), "{kept_open:?}");
}
