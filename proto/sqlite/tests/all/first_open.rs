//! Many threads whose first act in a new process is to open a database.

use std::process::Command;
use std::sync::Barrier;

use dongbo_sqlite::Access;

use crate::house::House;

const CHILD: &str = "DONGBO_TEST_FIRST_OPEN";
const PROCESSES: usize = 150;
const THREADS: usize = 8;

/// Seen once in a simulation of many seeds: SQLCipher was still starting on another thread.
/// Without `start`, about one process in twenty of these fails on two cores.
#[test]
fn threads_that_open_first_and_together_all_open() {
    if std::env::var_os(CHILD).is_some() {
        return open_together();
    }
    for process in 0..PROCESSES {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "first_open::threads_that_open_first_and_together_all_open"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&child.stdout);
        assert!(printed.contains("1 passed"), "process {process}: {printed}");
    }
}

fn open_together() {
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let house = House::new();
                together.wait();
                house.open(Access::Create).unwrap();
            });
        }
    });
}
