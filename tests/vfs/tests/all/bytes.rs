//! A bit is flipped in a page of whatever kind: it is found, and named as damage.

use std::fs;

use dongbo_node::replica::{REPLICA_FILE, Replica};
use dongbo_sqlite::knobs::PAGE_BYTES;

use crate::faults::number;
use crate::house::{House, disk_key};
use crate::steps::STEPS;

/// Between two pages that are tried, where the environment does not say; every kind of page is among
/// the first ones, and again behind them.
const STRIDE: u64 = 3;
/// Places within a page: its first bytes, its middle, and its MAC at the end.
const PLACES: [usize; 3] = [0, PAGE_BYTES / 2, PAGE_BYTES - 1];

/// Fault 7: a flipped bit in any page of the replica, the first 16 bytes included, is found at opening or by verify. [I17]
#[test]
fn a_flipped_bit_in_any_page_of_the_replica_is_found() {
    let step = STEPS.iter().find(|step| step.name == "migrate").unwrap();
    let house = House::from(&step.before, 1);
    drop(house.replica().unwrap());
    let path = house.node_dir().join(REPLICA_FILE);
    let sound = fs::read(&path).unwrap();
    let stride = number("DONGBO_VFS_STRIDE", STRIDE) as usize;
    for page in (0..sound.len() / PAGE_BYTES).step_by(stride) {
        let place = page * PAGE_BYTES + PLACES[page / stride % PLACES.len()];
        let mut bytes = sound.clone();
        bytes[place] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = Replica::is_sound(&house.node_dir(), &disk_key(1));
        // The salt in the first bytes lies in the key file too: SQLCipher takes it from there.
        assert!(!found.unwrap() || place < 16, "byte {place} of page {page}");
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(house.node_dir().join(format!("{REPLICA_FILE}{end}")));
        }
    }
}

/// Fault 7: so is one in any page of the registry. [I17]
#[test]
fn a_flipped_bit_in_any_page_of_the_registry_is_found() {
    let step = STEPS.iter().find(|step| step.name == "migrate").unwrap();
    let house = House::from(&step.before, 1);
    drop(house.store().unwrap());
    let path = house.server_dir().join(crate::house::DATABASE);
    let sound = fs::read(&path).unwrap();
    let stride = number("DONGBO_VFS_STRIDE", STRIDE) as usize;
    for page in (1..sound.len() / PAGE_BYTES).step_by(stride) {
        let mut bytes = sound.clone();
        bytes[page * PAGE_BYTES + PLACES[page / stride % PLACES.len()]] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = house.store().map(|store| store.damaged_pages().unwrap().len());
        assert!(found.map_or(true, |pages| pages == 1), "page {page}");
    }
}
