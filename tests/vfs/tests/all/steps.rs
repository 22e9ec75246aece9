//! The named steps of an office's day and of the province's, each from the moment before it.

use std::sync::LazyLock;

use dongbo_server::store::sqlite::SCHEMA;
use dongbo_sqlite::{Existing, backup};

use crate::house::{Done, House, Moment};

/// Which side's disk a step works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Node,
    Server,
}

/// Something that is done in one go.
pub struct Step {
    pub name: &'static str,
    pub side: Side,
    pub before: Moment,
    pub run: fn(&mut House) -> Done,
}

const MANY: u32 = 60;

fn save(house: &mut House) -> Done {
    let mut replica = house.replica()?;
    house.save(&mut replica, 1)
}

fn save_many(house: &mut House) -> Done {
    let mut replica = house.replica()?;
    house.save(&mut replica, MANY)?;
    replica.sync_outbox()?;
    house.log_is_synced();
    Ok(())
}

fn take_in(house: &mut House) -> Done {
    house.take_in().map(drop)
}

fn back_up(house: &mut House) -> Done {
    let store = house.store()?;
    let (from, to) = (store.connection()?, house.server_dir().join("backup.db"));
    backup::backup(&from, store.key(), &SCHEMA, &to, Existing::Replace, &mut |_| {})?;
    Ok(())
}

fn restore(house: &mut House) -> Done {
    let (from, to) = (house.server_dir().join("backup.db"), house.server_dir().join("fresh.db"));
    backup::restore(&from, &crate::house::disk_key(2), &SCHEMA, &to, &mut |_| {})?;
    Ok(())
}

/// Opening a replica that an older build left: a column and a table are missing, and are made.
fn bring_up(house: &mut House) -> Done {
    house.replica().map(drop)
}

fn make_older(house: &House) {
    let path = house.node_dir().join(dongbo_node::replica::REPLICA_FILE);
    let schema = &dongbo_node::replica::SCHEMA;
    let (key, knobs) = (crate::house::disk_key(1), dongbo_sqlite::Knobs::NODE);
    let access = dongbo_sqlite::Access::ReadWrite;
    let db = dongbo_sqlite::open(&path, &key, schema, knobs, access).unwrap();
    let older = "ALTER TABLE member DROP COLUMN employer_type; DROP TABLE death;
        UPDATE meta SET value = x'00000000' WHERE key = 'catalogue'";
    db.execute_batch(older).unwrap();
}

/// Every step, in an order in which each finds what it needs.
pub static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let mut house = House::new();
    let mut steps = Vec::new();
    let mut step = |house: &mut House, name, side, run: fn(&mut House) -> Done| {
        let before = house.moment();
        run(house).unwrap_or_else(|e| panic!("{name} on a sound disk: {e:?}"));
        steps.push(Step { name, side, before, run });
    };
    step(&mut house, "save", Side::Node, save);
    step(&mut house, "save many", Side::Node, save_many);
    step(&mut house, "send", Side::Node, House::send);
    step(&mut house, "receive and merge", Side::Server, House::receive);
    step(&mut house, "acknowledged, complete", Side::Node, take_in);
    step(&mut house, "the province edits", Side::Server, House::enact);
    house.send().unwrap();
    step(&mut house, "page", Side::Server, House::receive);
    step(&mut house, "stage and complete", Side::Node, take_in);
    step(&mut house, "back up", Side::Server, back_up);
    step(&mut house, "restore", Side::Server, restore);
    make_older(&house);
    step(&mut house, "migrate", Side::Node, bring_up);
    steps
});
