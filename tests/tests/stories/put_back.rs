//! A commune's disk that is put back to an older state, or copied.

use std::fs;
use std::path::Path;

use dongbo_tests::harness::{Node, Trouble, World};

use crate::{Story, ensure, ensure_eq, members, office};

fn copy(from: &Path, to: &Path) -> Story {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The machine may only deliver, says so, and says what to do.
fn is_known_for_an_older_disk(node: &Node) -> Story {
    ensure_eq(node.run(&["sync"])?.code, 5)?;
    let status = node.ask(&["status"])?;
    let states = status["states"].as_array().cloned().unwrap_or_default();
    let is_named = states.iter().any(|state| state["name"] == "not_as_left");
    ensure(status["uninvited"] == true && is_named, || status.to_string())
}

/// The province invites it again under the id that it has now.
fn invite_again(world: &World, node: &Node) -> Story {
    let author = node.ask(&["status"])?["author"].as_str().unwrap_or_default().to_owned();
    let code = world.server.run(&["invite", "--again", &author])?.ok()?.out.trim().to_owned();
    node.join_again(&code)?.ok()?;
    node.sync().map(drop)
}

fn ends_well(world: &World, nodes: &[&Node]) -> Story {
    for _ in 0..2 {
        for node in nodes {
            node.sync()?;
        }
    }
    for node in nodes {
        world.in_step(node)?;
        let equation = node.equation()?;
        ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
        node.verified()?;
    }
    world.server.verified()
}

/// It gets nothing until it is invited again, and then holds what everyone holds.
/// Fault 9: a disk that was put back delivers under an id of its own. [I2 I4 I6 I12]
#[test]
fn a_machine_whose_disk_was_put_back_loses_nothing_and_is_asked_about() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    lan.sync()?;
    let backup = world.dir().join("backup of lan");
    copy(lan.dir(), &backup)?;
    // What is at the province by the time the disk dies stays there.
    lan.edit(&own[0], "phone", "0000000002")?;
    lan.edit(&own[1], "email", "first@example.vn")?;
    lan.sync()?;
    copy(&backup, lan.dir())?;
    lan.edit(&own[2], "email", "second@example.vn")?;
    is_known_for_an_older_disk(&lan)?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000000002")?;
    ensure_eq(lan.value(&own[0], "phone")?, "0000000001")?;
    // What was saved since waits at the province, and takes effect when somebody says so.
    let waiting = world.server.held()?;
    ensure_eq(waiting.len(), 1)?;
    world.server.approve(&waiting[0], "15-QĐ/TU")?;
    invite_again(&world, &lan)?;
    ensure_eq(lan.value(&own[0], "phone")?, "0000000002")?;
    ensure_eq(world.server.value(&own[2], "email")?, "second@example.vn")?;
    lan.edit(&own[3], "email", "third@example.vn")?;
    ends_well(&world, &[&lan, &minh])?;
    ensure_eq(world.server.value(&own[3], "email")?, "third@example.vn")
}

/// Counterexample 26: nothing re-keys by itself: a copy delivers until a person invites it.
/// Fault 11: a copied disk is noticed though it only reads, and nothing is lost. [I4 I12]
#[test]
fn a_copy_of_a_machine_is_noticed_even_if_it_only_reads() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.sync()?;
    let twin =
        Node::new("twin", &[lan.scopes[0].as_str()], &world.dir().join("twin"), lan.link.clone());
    copy(lan.dir(), twin.dir())?;
    lan.sync()?;
    minh.edit(&own[0], "phone", "0000000003")?;
    minh.sync()?;
    let before = twin.value(&own[0], "phone")?;
    is_known_for_an_older_disk(&twin)?;
    ensure_eq(twin.value(&own[0], "phone")?, before)?;
    // It writes, too, at positions that the other has used.
    twin.edit(&own[1], "email", "twin@example.vn")?;
    lan.edit(&own[1], "email", "lan@example.vn")?;
    lan.sync()?;
    ensure_eq(twin.run(&["sync"])?.code, 5)?;
    ensure_eq(twin.equation()?.held, 1)?;
    ensure_eq(world.server.value(&own[1], "email")?, "lan@example.vn")?;
    invite_again(&world, &twin)?;
    let waiting = world.server.held()?;
    world.server.approve(&waiting[0], "16-QĐ/TU")?;
    ends_well(&world, &[&lan, &minh, &twin])?;
    // Neither knew of the other: both values are kept until somebody settles it.
    ensure_eq(world.server.conflicts()?.len(), 1)
}

/// Fault 10: a province from before a machine joined takes it in by its certificate. [I2 I12]
#[test]
fn a_machine_that_joined_after_the_backup_is_taken_in_by_its_certificate() -> Story {
    let (mut world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let file = world.dir().join("backup.db").to_string_lossy().into_owned();
    world.server.run(&["backup", &file])?.ok()?;
    let late = join_late(&world, &lan)?;
    late.edit(&own[0], "email", "late@example.vn")?;
    late.sync()?;
    world.server.kill();
    for side in ["dongbo.db", "dongbo.db-wal", "dongbo.db-shm"] {
        let file = world.server.dir().join(side);
        if file.exists() {
            fs::remove_file(file)?;
        }
    }
    world.server.run(&["restore", &file])?.ok()?;
    world.server.start()?;
    ensure_eq(late.run(&["sync"])?.code, 5)?;
    let waiting = world.server.held()?;
    ensure_eq(waiting.len(), 1)?;
    world.server.approve(&waiting[0], "17-QĐ/TU")?;
    invite_again(&world, &late)?;
    ensure_eq(world.server.value(&own[0], "email")?, "late@example.vn")?;
    ends_well(&world, &[&lan, &minh, &late])
}

fn join_late(world: &World, beside: &Node) -> Result<Node, Trouble> {
    let scope = beside.scopes[0].as_str();
    let late = Node::new("late", &[scope], &world.dir().join("late"), beside.link.clone());
    let code = world.server.run(&["invite", "--scope", scope, "--name", "late"])?.ok()?;
    late.join(code.out.trim())?.ok()?;
    late.sync()?;
    Ok(late)
}
