//! A province that comes back from a backup.

use std::fs;
use std::path::{Path, PathBuf};

use dongbo_tests::harness::{Node, Trouble, World, strangers};
use serde_json::Value;

use crate::{AGAIN, Story, ensure, ensure_eq, members, office, refused};

/// The registry's files.
const SIDES: [&str; 3] = ["dongbo.db", "dongbo.db-wal", "dongbo.db-shm"];

/// Backs up while the server runs.
fn back_up(world: &World) -> Result<String, Trouble> {
    let file = world.dir().join("backup.db").to_string_lossy().into_owned();
    world.server.run(&["backup", &file])?.ok()?;
    Ok(file)
}

/// Fault 10: nodes send again what the backup lacked. [I2 I12]
/// Fault 48: the province rises from last night's backup and its nodes. [I2 I12 I17]
/// Counterexample 4: what names an act that the restore took away is merged, and knows of it when it is back.
/// Story 2: what was handed over is remembered at both ends, beyond the backup.
#[test]
fn the_nodes_bring_back_what_the_backup_did_not_have() -> Story {
    let (mut world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    lan.exchange(AGAIN)?;
    minh.exchange(AGAIN)?;
    let backup = back_up(&world)?;
    // After the backup: edits of both, and a list of new people.
    lan.edit(&own[0], "phone", "0000000002")?;
    lan.exchange(AGAIN)?;
    minh.exchange(AGAIN)?;
    minh.edit(&own[0], "phone", "0000000003")?;
    minh.edit(&own[1], "email", "minh@example.vn")?;
    let list = world.dir().join("more.jsonl");
    strangers::write(&list, 3, 50)?;
    lan.import(&list)?;
    lan.exchange(AGAIN)?;
    minh.exchange(AGAIN)?;
    let before = world.server.count_members()?;
    // The disk dies; and one machine has more to say when the province is back.
    world.server.kill();
    for side in SIDES {
        let file = world.server.dir().join(side);
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    lan.edit(&own[2], "email", "lan@example.vn")?;
    let restored = world.server.run(&["restore", &backup, "--json"])?.json()?;
    ensure(restored["epoch"] != restored["parent"], || restored.to_string())?;
    world.server.start()?;
    ensure_eq(world.server.count_members()?, before - 50)?;
    for node in [&lan, &minh, &lan, &minh] {
        node.exchange(AGAIN)?;
    }
    ensure_eq(world.server.count_members()?, before)?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000000003")?;
    ensure_eq(world.server.value(&own[1], "email")?, "minh@example.vn")?;
    ensure_eq(world.server.value(&own[2], "email")?, "lan@example.vn")?;
    ensure_eq(world.server.conflicts()?, vec![])?;
    for node in [&lan, &minh] {
        world.in_step(node)?;
        let equation = node.equation()?;
        ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
        node.verified()?;
    }
    world.server.verified()
}

/// The image of a virtual machine, a copy of the file by hand: nobody says `restore`.
struct Image(PathBuf);

impl Image {
    fn make(world: &mut World) -> Result<Self, Trouble> {
        ensure_eq(world.server.stop()?, 0)?;
        let image = world.dir().join("image");
        fs::create_dir(&image)?;
        copy_disk(world.server.dir(), &image)?;
        world.server.start()?;
        Ok(Image(image))
    }

    fn put_back(&self, world: &mut World) -> Story {
        ensure_eq(world.server.stop()?, 0)?;
        copy_disk(&self.0, world.server.dir())?;
        world.server.start().map(drop)
    }
}

fn copy_disk(from: &Path, to: &Path) -> Story {
    for side in SIDES {
        let (from, to) = (from.join(side), to.join(side));
        if to.exists() {
            fs::remove_file(&to)?;
        }
        if from.exists() {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// An office whose first machine edited a phone, which the second has heard; then the province is put
/// back to before. Answers the record with that phone, and another.
pub fn put_back_untold() -> Result<(World, [Node; 2], [String; 2]), Trouble> {
    let (mut world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let image = Image::make(&mut world)?;
    lan.edit(&own[0], "phone", "0000000001")?;
    lan.exchange(AGAIN)?;
    minh.exchange(AGAIN)?;
    image.put_back(&mut world)?;
    ensure(world.server.value(&own[0], "phone")? != "0000000001", || "nothing was lost".into())?;
    Ok((world, [lan, minh], [own[0].clone(), own[1].clone()]))
}

/// Fault 10: put back untold, it begins a new epoch by its own signatures, and gets back what it lost. [I2 I12]
/// Counterexample 8: a restore that nobody announced is noticed.
/// Story 5: going back in time is a state of its own.
#[test]
fn a_province_that_was_put_back_untold_finds_it_out_from_a_node_that_had_sent() -> Story {
    let (world, [lan, minh], [lost, other]) = put_back_untold()?;
    lan.edit(&other, "phone", "0000000002")?;
    // In one exchange: the proof, the new epoch, what was lost, and what is new.
    lan.sync()?;
    let status = world.server.ask(&["status"])?;
    ensure_eq(&status["epochs"], &Value::from(2))?;
    ensure(status["went_back_ms"].is_i64() && status["went_back_shown_by"].is_string(), || {
        status.to_string()
    })?;
    ensure_eq(world.server.value(&lost, "phone")?, "0000000001")?;
    ensure_eq(world.server.value(&other, "phone")?, "0000000002")?;
    all_hold_the_same(&world, &[&lan, &minh])
}

/// Fault 10: put back untold, it begins a new epoch by its own signatures, and gets back what it lost. [I2 I12]
/// Counterexample 8: a restore that nobody announced is noticed.
/// Story 5: going back in time is a state of its own.
#[test]
fn a_province_that_was_put_back_untold_finds_it_out_from_a_node_that_had_only_heard() -> Story {
    let (world, [lan, minh], [lost, _]) = put_back_untold()?;
    minh.sync()?;
    ensure_eq(&world.server.ask(&["status"])?["epochs"], &Value::from(2))?;
    lan.sync()?;
    minh.sync()?;
    ensure_eq(minh.value(&lost, "phone")?, "0000000001")?;
    ensure_eq(&world.server.ask(&["status"])?["epochs"], &Value::from(2))?;
    all_hold_the_same(&world, &[&lan, &minh])
}

pub fn all_hold_the_same(world: &World, nodes: &[&Node]) -> Story {
    for node in nodes {
        node.exchange(AGAIN)?;
        world.in_step(node)?;
        let equation = node.equation()?;
        ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
        node.verified()?;
    }
    world.server.verified()
}

/// Fault 10: a restore brings back no revoked machine. [I8 I12]
/// Counterexample 10: a revocation outlives the backup that did not have it.
#[test]
fn a_revocation_survives_the_restore() -> Story {
    let (mut world, [lan, _]) = office()?;
    let backup = back_up(&world)?;
    world.server.revoke("lan")?;
    world.server.kill();
    world.server.run(&["restore", &backup])?.ok()?;
    world.server.start()?;
    ensure_eq(lan.run(&["sync"])?.code, 5)
}

/// Story 16: nothing is restored over what is in use.
#[test]
fn a_running_province_is_not_restored_over() -> Story {
    let (world, [lan, _]) = office()?;
    let backup = back_up(&world)?;
    refused(world.server.run(&["restore", &backup])?, 7, &[])?;
    refused(world.server.run(&["backup", &backup])?, 5, &[])?;
    lan.sync()?;
    world.in_step(&lan)
}

/// Fault 14: a damaged backup is refused, and what is there is kept. [I17]
#[test]
fn a_damaged_backup_is_refused_and_the_province_is_kept() -> Story {
    let (mut world, [lan, _]) = office()?;
    let backup = back_up(&world)?;
    let mut bytes = fs::read(&backup)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&backup, bytes)?;
    world.server.kill();
    let ran = world.server.run(&["restore", &backup])?;
    ensure_eq(ran.code, 6)?;
    world.server.start()?;
    lan.exchange(AGAIN)?;
    world.in_step(&lan)?;
    world.server.verified()
}
