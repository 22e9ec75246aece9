//! A province that comes back from a backup.

use std::fs;

use dongbo_tests::harness::{World, strangers};

use crate::{AGAIN, Story, ensure, ensure_eq, members, office, refused};

/// Backs up while the server runs.
fn back_up(world: &World) -> Result<String, dongbo_tests::harness::Trouble> {
    let file = world.dir().join("backup.db").to_string_lossy().into_owned();
    world.server.run(&["backup", &file])?.ok()?;
    Ok(file)
}

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
    for side in ["", "-wal", "-shm"] {
        let file = world.server.dir().join(format!("dongbo.db{side}"));
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

#[test]
fn a_running_province_is_not_restored_over() -> Story {
    let (world, [lan, _]) = office()?;
    let backup = back_up(&world)?;
    refused(world.server.run(&["restore", &backup])?, 7, &[])?;
    refused(world.server.run(&["backup", &backup])?, 5, &[])?;
    lan.sync()?;
    world.in_step(&lan)
}

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
