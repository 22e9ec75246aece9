//! Two releases meet: a field, a kind and a code more, and one rule changed, on one side first.

use std::collections::BTreeMap;
use std::path::Path;

use dongbo_tests::harness::{Node, Release, Trouble, World};
use dongbo_tests::skew::{AFTER_NEXT, NEXT};

use crate::{Story, ensure, ensure_eq, first_scope, members, office, refused};

const LATER: Release = Release::Later(NEXT);

/// Ends the province's program and starts another release of it on the same data.
fn install(world: &mut World, release: Release) -> Story {
    world.server.stop()?;
    world.server.release = release;
    world.server.start().map(drop)
}

/// Enters what only the later release knows: a field, a record of a new kind, a new code. Its id.
fn enter_new_things(node: &Node, member: &str) -> Result<String, Trouble> {
    node.edit(member, "app_account", "an.khang.01")?;
    node.edit(member, "general_education", "remote")?;
    let (of, title) = (format!("member={member}"), "title=Chiến sĩ thi đua");
    let kind = ["record", "--kind", "commendation", "add"];
    let said = node.ask(&[&kind[..], &["--set", &of, "--set", title]].concat())?;
    dongbo_tests::harness::says::text(&said, "id")
}

/// Whether the later release on this machine shows all of it, and finds it.
fn shows_new_things(node: &Node, member: &str, record: &str) -> Story {
    ensure_eq(node.value(member, "app_account")?, "an.khang.01")?;
    ensure_eq(node.value(member, "general_education")?, "remote")?;
    ensure_eq(node.value(record, "title")?, "Chiến sĩ thi đua")?;
    let found = node.run_json(&["member", "search", "an.khang.01"])?.ok()?;
    ensure(found.out.contains(member), || format!("not found by its account: {}", found.out))?;
    let column = node.sql("SELECT count(*) AS n FROM member WHERE app_account = 'an.khang.01'")?;
    ensure_eq(&column[0]["n"], 1)
}

/// Fault 41: an old node keeps fields, kinds and codes that it does not know, gives them back and shows them after its upgrade. [I1 I13]
/// Fault 41: a node two releases behind exchanges and is in step. [I13 I15]
/// Story 17: a later release sends nothing to the fleet because of its new columns.
#[test]
fn an_old_node_carries_what_a_newer_one_wrote_and_shows_it_after_its_upgrade() -> Story {
    let (mut world, [mut lan, mut minh]) = office()?;
    let ids = members(&world, &lan.scopes[0]);
    let member = &ids[0];
    install(&mut world, LATER)?;
    let moved = lan.exchange(crate::AGAIN)?;
    ensure_eq(moved.records_received, 0)?;
    lan.release = LATER;
    let moved = lan.exchange(crate::AGAIN)?;
    ensure_eq((moved.records_received, moved.acts_sent), (0, 0))?;
    let record = enter_new_things(&lan, member)?;
    lan.sync()?;
    ensure_eq(lan.equation()?.held, 0)?;
    minh.sync()?;
    world.in_step(&minh)?;
    minh.verified()?;
    // What it knows of the record it edits as ever; the rest stays as it was.
    minh.edit(member, "email", "khang@example.vn")?;
    minh.sync()?;
    lan.sync()?;
    shows_new_things(&lan, member, &record)?;
    ensure_eq(lan.value(member, "email")?, "khang@example.vn")?;
    install(&mut world, Release::Later(AFTER_NEXT))?;
    minh.sync()?;
    world.in_step(&minh)?;
    minh.release = Release::Later(AFTER_NEXT);
    shows_new_things(&minh, member, &record)?;
    minh.verified()?;
    minh.edit(member, "app_account", "an.khang.02")?;
    minh.edit(member, "email", "an.khang@example.vn")?;
    minh.sync()?;
    lan.sync()?;
    ensure_eq(lan.value(member, "app_account")?, "an.khang.02")?;
    for node in [&lan, &minh] {
        world.in_step(node)?;
        node.verified()?;
    }
    world.server.verified()
}

/// Fault 41: an old server keeps what it cannot read, blocks nothing behind it, and its upgrade merges it as its author's. [I2 I13 I15]
/// Counterexample 31: an act that the server cannot read waits in the journal, whole.
#[test]
fn an_old_server_keeps_what_it_cannot_read_and_merges_it_after_its_upgrade() -> Story {
    let (mut world, [mut lan, minh]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    lan.release = LATER;
    let record = enter_new_things(&lan, member)?;
    lan.edit(member, "email", "khang@example.vn")?;
    lan.sync()?;
    let equation = lan.equation()?;
    ensure(equation.held == 3 && equation.merged == 1, || format!("{equation:?}"))?;
    let inbox = lan.run_json(&["inbox"])?.ok()?;
    ensure(inbox.out.contains("needs-newer-server"), || inbox.out.clone())?;
    ensure_eq(world.server.value(member, "email")?, "khang@example.vn")?;
    world.server.verified()?;
    world.in_step(&lan)?;
    // A restart of the same release changes nothing of that.
    install(&mut world, Release::This)?;
    ensure_eq(world.server.held()?.len(), 3)?;
    install(&mut world, LATER)?;
    ensure_eq(world.server.held()?.len(), 0)?;
    world.server.verified()?;
    lan.sync()?;
    shows_new_things(&lan, member, &record)?;
    let equation = lan.equation()?;
    ensure(equation.held == 0 && equation.merged == 4, || format!("{equation:?}"))?;
    // Judged as its author's: the home's own word, not the province's.
    let shown = lan.ask(&["member", "show", member])?;
    ensure_eq(&shown["fields"]["app_account"]["rank"], "home")?;
    let history = world.server.history(member)?;
    ensure(history.iter().any(|e| e.value == "an.khang.01"), || format!("{history:?}"))?;
    minh.sync()?;
    for node in [&lan, &minh] {
        world.in_step(node)?;
        node.verified()?;
    }
    world.server.verified()
}

/// Fault 43: where a rule changed, the province decides and says so, and after its upgrade a node shows what the province shows. [I1 I2]
/// Counterexample 16: the rank of a write and its heads stay what they were when it merged; a new rule chooses among them.
#[test]
fn a_rule_that_changed_is_the_provinces_to_apply() -> Story {
    let (mut world, [mut lan, minh]) = office()?;
    let unit = lan.value(&members(&world, &lan.scopes[0])[0], "unit_id")?;
    let unit = unit.as_str().unwrap_or_default().to_owned();
    let who = [("full_name", "Ngô Thị Mới"), ("sex", "F"), ("birth_date", "1980-02-03")];
    let member = lan.add(&[&who[..], &[("unit_id", unit.as_str())]].concat())?;
    lan.sync()?;
    minh.sync()?;
    // Two first numbers that did not know of each other: by the old rule the later one is shown.
    lan.edit(&member, "phone", "0000111111")?;
    minh.edit(&member, "phone", "0000222222")?;
    for node in [&lan, &minh, &lan] {
        node.sync()?;
    }
    let number = format!("SELECT phone FROM member WHERE id = x'{}'", member.replace('-', ""));
    ensure_eq(world.server.value(&member, "phone")?, "0000222222")?;
    ensure_eq(&world.server.sql(&number)?[0]["phone"], "0000222222")?;
    install(&mut world, LATER)?;
    ensure_eq(world.server.value(&member, "phone")?, "0000111111")?;
    ensure_eq(&world.server.sql(&number)?[0]["phone"], "0000111111")?;
    world.server.verified()?;
    // By the old rule this settles; by the new one a written number is changed on request.
    let known = members(&world, &minh.scopes[0])[0].clone();
    let before = world.server.value(&known, "phone")?;
    minh.edit(&known, "phone", "0000333333")?;
    minh.sync()?;
    ensure_eq(minh.equation()?.held, u64::from(!before.is_null()))?;
    if !before.is_null() {
        ensure_eq(minh.value(&known, "phone")?, before)?;
    }
    lan.sync()?;
    lan.release = LATER;
    ensure_eq(lan.value(&member, "phone")?, "0000111111")?;
    ensure_eq(&lan.sql(&number)?[0]["phone"], "0000111111")?;
    for node in [&lan, &minh] {
        ensure_eq(node.conflicts()?.len(), 1)?;
        world.in_step(node)?;
        node.verified()?;
    }
    Ok(())
}

/// Every file of a directory but the lock, which says who looked last, and the index of the log of
/// writes, which anyone who looks may make again.
fn contents(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Trouble> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !name.contains("lock") && !name.ends_with("-shm") {
            all.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(all)
}

/// Fault 42: a program over a newer database refuses with a sentence, and not a byte of the directory changes. [I13]
#[test]
fn an_older_program_leaves_the_files_of_a_newer_one_alone() -> Story {
    let (mut world, [mut lan, _]) = office()?;
    let member = &members(&world, &first_scope(&world))[0];
    install(&mut world, LATER)?;
    lan.release = LATER;
    lan.edit(member, "app_account", "an.khang.01")?;
    world.server.stop()?;
    (world.server.release, lan.release) = (Release::This, Release::This);
    let before = [contents(lan.dir())?, contents(world.server.dir())?];
    for command in [&["status"][..], &["sync"], &["verify"], &["member", "show", member]] {
        refused(lan.run(command)?, 6, &["newer"])?;
    }
    for command in [&["status"][..], &["verify"], &["serve", "--listen", "127.0.0.1:0"]] {
        refused(world.server.run(command)?, 6, &["newer"])?;
    }
    let after = [contents(lan.dir())?, contents(world.server.dir())?];
    for (before, after) in before.iter().zip(&after) {
        ensure_eq(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>())?;
        let changed = before.iter().find(|(name, bytes)| after.get(*name) != Some(bytes));
        ensure(changed.is_none(), || format!("{:?} was written to", changed.map(|c| c.0)))?;
    }
    // And the newer programs go on where they were.
    (world.server.release, lan.release) = (LATER, LATER);
    world.server.start()?;
    lan.sync()?;
    world.in_step(&lan)
}
