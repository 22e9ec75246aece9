//! A commune's data file that was damaged: it is named, set aside, and made anew with every act.

use std::fs;
use std::path::{Path, PathBuf};

use dongbo_tests::harness::tamper::byte_at;
use dongbo_tests::harness::{Node, Trouble, World, strangers};

use crate::{AGAIN, Story, ensure, ensure_eq, members, office, refused};

/// Bytes of a page.
const PAGE: u64 = 4_096;

/// The code with which the province invites a machine again.
fn code_for(world: &World, name: &str) -> Result<String, Trouble> {
    Ok(world.server.run(&["invite", "--again", name])?.ok()?.out.trim().to_owned())
}

/// The old data files, set aside.
fn aside(dir: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let all = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    Ok(all.filter(|path| path.to_string_lossy().contains("replica.db.damaged-")).collect())
}

/// An office of which one machine has acts at the province, acts that wait for its word, and acts that
/// were never sent: a list, an edit and a second edit of the same field.
fn with_unsent() -> Result<(World, [Node; 2], Vec<String>), Trouble> {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    lan.edit(&own[1], "full_name", "Tên Mới")?;
    lan.exchange(AGAIN)?;
    let list = world.dir().join("unsent.jsonl");
    strangers::write(&list, 5, 40)?;
    lan.import(&list)?;
    lan.edit(&own[0], "phone", "0000000002")?;
    lan.edit(&own[0], "phone", "0000000003")?;
    lan.edit(&own[2], "email", "lan@example.vn")?;
    Ok((world, [lan, minh], own))
}

/// After the salvage nothing is missing anywhere.
fn all_is_there(world: &World, [lan, minh]: &[Node; 2], own: &[String], entered: u64) -> Story {
    ensure_eq(world.server.value(&own[0], "phone")?, "0000000003")?;
    ensure_eq(world.server.value(&own[2], "email")?, "lan@example.vn")?;
    ensure_eq(world.server.conflicts()?, vec![])?;
    lan.edit(&own[3], "phone", "0000000004")?;
    lan.exchange(AGAIN)?;
    minh.exchange(AGAIN)?;
    for node in [lan, minh] {
        world.in_step(node)?;
        node.verified()?;
    }
    let equation = lan.equation()?;
    ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
    ensure_eq(equation.entered, entered + 1)?;
    ensure_eq(equation.held, 1)?;
    ensure_eq(minh.value(&own[3], "phone")?, "0000000004")?;
    world.server.verified()
}

/// Fault 7: a damaged page is named, the file set aside, and unsent acts are salvaged into a replica that rebuilds the rest from the province. [I2 I17]
#[test]
fn a_damaged_replica_is_made_anew_with_every_act_that_was_not_sent() -> Story {
    let (world, nodes, own) = with_unsent()?;
    let lan = &nodes[0];
    let before = lan.equation()?;
    ensure(before.unsent > 3, || format!("{before:?}"))?;
    // The first page: nothing in the file can be read.
    byte_at(lan.dir(), 100)?;
    let damaged = fs::read(lan.dir().join("replica.db"))?;
    refused(lan.run(&["status"])?, 6, &["damaged", "salvage"])?;
    // A code of anybody else's changes nothing.
    let stranger = world.server.invite("stranger", &[&lan.scopes[0]])?;
    ensure_eq(lan.run(&["salvage", "--code", &stranger])?.code, 5)?;
    ensure_eq(aside(lan.dir())?.len(), 0)?;
    let code = code_for(&world, "lan")?;
    let said = lan.run_json(&["salvage", "--code", &code])?.json()?;
    ensure_eq(&said["acts"], &serde_json::Value::from(before.unsent))?;
    ensure_eq(&said["sync"]["end"], &serde_json::Value::from("in_step"))?;
    let kept = aside(lan.dir())?;
    ensure_eq(kept.len(), 1)?;
    ensure(fs::read(&kept[0])? == damaged, || "what was set aside was changed".into())?;
    all_is_there(&world, &nodes, &own, before.entered)?;
    // There is nothing to do a second time.
    let code = code_for(&world, "lan")?;
    refused(nodes[0].run(&["salvage", "--code", &code])?, 2, &["sound"])
}

/// The acts that `outbox.log` has lost too are in the journal of the damaged file, which reads on.
///
/// Fault 7: what the log lacks is read from the damaged file, page by page. [I2]
#[test]
fn acts_are_found_in_the_damaged_file_where_the_log_is_gone() -> Story {
    let (world, nodes, own) = with_unsent()?;
    let lan = &nodes[0];
    let before = lan.equation()?;
    fs::remove_file(lan.dir().join("outbox.log"))?;
    // Somewhere among the records, not in the journal's last pages.
    let pages = fs::metadata(lan.dir().join("replica.db"))?.len() / PAGE;
    byte_at(lan.dir(), pages / 2 * PAGE + 2_000)?;
    let found = lan.run_json(&["verify"])?;
    ensure(found.code != 0, || "the damage was not found".into())?;
    let code = code_for(&world, "lan")?;
    let said = lan.run_json(&["salvage", "--code", &code])?.json()?;
    ensure_eq(&said["acts"], &serde_json::Value::from(before.unsent))?;
    all_is_there(&world, &nodes, &own, before.entered)
}

/// The answer to the last exchange was lost with the replica: the province has more than the machine knows.
///
/// Fault 7: positions that the province holds are never used again for other acts. [I2 I4 I12]
#[test]
fn a_replica_that_is_gone_begins_behind_what_the_province_holds() -> Story {
    let (world, [lan, minh], own) = with_unsent()?;
    lan.exchange(AGAIN)?;
    let before = lan.equation()?;
    ensure_eq(before.unsent, 0)?;
    for file in ["replica.db", "outbox.log"] {
        fs::remove_file(lan.dir().join(file))?;
    }
    refused(lan.run(&["status"])?, 6, &["salvage"])?;
    let code = code_for(&world, "lan")?;
    lan.run(&["salvage", "--code", &code])?.ok()?;
    // The equation counts what the province has signed, and what was entered here since.
    ensure_eq(lan.equation()?.entered, before.entered)?;
    all_is_there(&world, &[lan, minh], &own, before.entered)
}
