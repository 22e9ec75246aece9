//! Taking back what was done: one act, or everything of one import.

use dongbo_tests::harness::strangers;

use crate::{Story, ensure_eq, members, office};

/// Fault 46: a wrong import is taken back as one, at both ends. [I2 I10]
/// Counterexample 25: an import is a job, undone as one.
#[test]
fn an_import_is_taken_back_as_one() -> Story {
    let (world, [lan, minh]) = office()?;
    let before = world.server.count_members()?;
    let list = world.dir().join("wrong.jsonl");
    strangers::write(&list, 1, 120)?;
    let (job, added) = lan.import(&list)?;
    ensure_eq(added, 120)?;
    lan.sync()?;
    minh.sync()?;
    ensure_eq(world.server.count_members()?, before + 120)?;
    // Somebody works on one of them meanwhile: what that person wrote was not the import's, and stays.
    minh.edit(&strangers::id(1, 5), "email", "x@example.vn")?;
    minh.sync()?;
    lan.undo(&job)?;
    lan.sync()?;
    minh.sync()?;
    for node in [&lan, &minh] {
        world.in_step(node)?;
        node.verified()?;
    }
    let left = world.server.count_members()?;
    ensure_eq(left, before + 1)?;
    ensure_eq(lan.count_members()?, before + 1)?;
    world.server.verified()
}

#[test]
fn an_undone_edit_brings_back_the_value_that_it_had_replaced() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    lan.edit(member, "phone", "0000000001")?;
    lan.sync()?;
    let second = lan.edit(member, "phone", "0000000002")?;
    lan.sync()?;
    let act = second["acts"][0].as_str().unwrap_or_default();
    lan.undo(act)?;
    ensure_eq(lan.value(member, "phone")?, "0000000001")?;
    lan.sync()?;
    minh.sync()?;
    for shown in [
        lan.value(member, "phone")?,
        minh.value(member, "phone")?,
        world.server.value(member, "phone")?,
    ] {
        ensure_eq(shown, "0000000001")?;
    }
    world.in_step(&lan)?;
    world.in_step(&minh)
}

#[test]
fn an_import_that_was_never_sent_is_taken_back_too() -> Story {
    let (world, [lan, _]) = office()?;
    let before = lan.count_members()?;
    let list = world.dir().join("wrong.jsonl");
    strangers::write(&list, 1, 30)?;
    lan.link.pull();
    let (job, _) = lan.import(&list)?;
    lan.undo(&job)?;
    ensure_eq(lan.count_members()?, before)?;
    lan.link.mend();
    lan.sync()?;
    ensure_eq(lan.count_members()?, before)?;
    ensure_eq(lan.equation()?.unsent, 0)?;
    world.in_step(&lan)
}
