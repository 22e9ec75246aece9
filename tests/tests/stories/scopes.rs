//! Who may know what: scopes, guests, moves.

use std::collections::HashSet;

use dongbo_tests::harness::{Node, Trouble, World};

use crate::{AGAIN, Story, empty_province, ensure, ensure_eq, members};

/// Two offices with their members at the province, and a machine of each.
fn two_offices() -> Result<(World, [Node; 2]), Trouble> {
    let world = empty_province()?;
    let codes: Vec<String> = world.scopes().iter().take(2).map(|u| u.code.clone()).collect();
    let files: Vec<_> = codes.iter().map(|code| world.file_of(code)).collect();
    world.server.import(&files.iter().map(|f| f.as_path()).collect::<Vec<_>>())?;
    let nodes = [world.node("lan", &[&codes[0]])?, world.node("minh", &[&codes[1]])?];
    Ok((world, nodes))
}

/// Fails where a replica holds any member of a scope.
fn knows_nobody_of(world: &World, node: &Node, scope: &str) -> Story {
    let theirs: HashSet<String> = members(world, scope).into_iter().collect();
    let here = node.record_ids()?;
    let strange: Vec<_> = here.iter().filter(|id| theirs.contains(*id)).collect();
    ensure(strange.is_empty(), || format!("{} knows {strange:?}", node.name))
}

#[test]
fn a_replica_holds_nothing_of_other_offices() -> Story {
    let (world, [lan, minh]) = two_offices()?;
    for (node, other) in [(&lan, &minh), (&minh, &lan)] {
        ensure_eq(node.count_members()?, members(&world, &node.scopes[0]).len() as u64)?;
        knows_nobody_of(&world, node, &other.scopes[0])?;
        world.in_step(node)?;
    }
    Ok(())
}

#[test]
fn a_machine_of_two_offices_holds_both() -> Story {
    let (world, [lan, minh]) = two_offices()?;
    let both = world.node("both", &[&lan.scopes[0], &minh.scopes[0]])?;
    let all = lan.count_members()? + minh.count_members()?;
    ensure_eq(both.count_members()?, all)?;
    world.in_step(&both)
}

#[test]
fn a_guest_is_shown_its_card_and_no_more() -> Story {
    let (world, [lan, minh]) = two_offices()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let name = lan.value(member, "full_name")?;
    lan.edit(member, "phone", "0000424242")?;
    lan.sync()?;
    world.server.run(&["place", member, "--guest", &minh.scopes[0], "--as", "visitor"])?.ok()?;
    minh.sync()?;
    ensure_eq(minh.value(member, "full_name")?, name)?;
    let card = minh.ask(&["member", "show", member])?;
    ensure(!card.to_string().contains("0000424242"), || "the card shows a telephone".into())?;
    let rows = minh
        .ask(&["sql", "SELECT * FROM member WHERE phone IS NOT NULL AND phone = '0000424242'"])?;
    ensure_eq(rows.as_array().map(Vec::len), Some(0))?;
    world.in_step(&minh)?;
    // It goes when the visit is over.
    world.server.run(&["place", member, "--leave", &minh.scopes[0]])?.ok()?;
    minh.sync()?;
    knows_nobody_of(&world, &minh, &lan.scopes[0])?;
    world.in_step(&minh)?;
    lan.sync()?;
    world.in_step(&lan)
}

/// Fault 45: an edit made at the old home follows the record. [I2 I8]
/// Story 4: what was written is delivered before the record is purged.
#[test]
fn a_member_moves_and_leaves_nothing_behind() -> Story {
    let (world, [lan, minh]) = two_offices()?;
    let member = members(&world, &lan.scopes[0])[0].clone();
    // Written at the old office before it has heard of the move: drained first, purged after.
    lan.link.pull();
    lan.edit(&member, "phone", "0000515151")?;
    let place = ["place", &member, "--home", &minh.scopes[0], "--grounds", "15-QĐ/TU"];
    world.server.run(&place)?.ok()?;
    lan.link.mend();
    for node in [&lan, &minh, &lan, &minh] {
        node.exchange(AGAIN)?;
    }
    let equation = lan.equation()?;
    ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
    let here = lan.record_ids()?;
    ensure(!here.contains(&member), || "the record is still at its old office".into())?;
    ensure_eq(minh.value(&member, "phone")?, "0000515151")?;
    minh.edit(&member, "email", "new-home@example.vn")?;
    minh.exchange(AGAIN)?;
    ensure_eq(world.server.value(&member, "email")?, "new-home@example.vn")?;
    for node in [&lan, &minh] {
        world.in_step(node)?;
        node.verified()?;
    }
    world.server.verified()
}

#[test]
fn nobody_writes_to_another_office() -> Story {
    let (world, [lan, minh]) = two_offices()?;
    let theirs = &members(&world, &minh.scopes[0])[0];
    let ran = lan.try_edit(theirs, &[("phone", "0000666666")], &[])?;
    ensure_eq(ran.code, 9)?;
    ensure(world.server.value(theirs, "phone")? != "0000666666", || "written".into())
}
