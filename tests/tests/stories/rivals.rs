//! Two machines of one office that did not know of each other.

use dongbo_tests::harness::Node;
use dongbo_tests::harness::World;

use crate::{Story, ensure, ensure_eq, members, office};

/// Both edit one field of one member without a link, `minh` later, and both deliver.
fn both_edit(
    world: &World,
    lan: &Node,
    minh: &Node,
    values: [&str; 2],
) -> Result<String, dongbo_tests::harness::Trouble> {
    let member = members(world, &lan.scopes[0])[1].clone();
    for node in [lan, minh] {
        node.link.pull();
    }
    lan.edit(&member, "phone", values[0])?;
    minh.edit(&member, "phone", values[1])?;
    // The later one delivers first: order of arrival decides nothing.
    for node in [minh, lan, minh] {
        node.link.mend();
        node.sync()?;
    }
    Ok(member)
}

/// Fault 44: both values are kept and listed until someone settles. [I1 I2]
#[test]
fn both_edit_one_field_and_nothing_is_lost() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = both_edit(&world, &lan, &minh, ["0000111111", "0000222222"])?;
    let at_province = world.server.conflicts()?;
    ensure_eq(at_province.len(), 1)?;
    ensure_eq((&at_province[0].record, at_province[0].field.as_str()), (&member, "phone"))?;
    ensure_eq(&at_province[0].values, &["0000222222", "0000111111"])?;
    for node in [&lan, &minh] {
        ensure_eq(node.conflicts()?, at_province.clone())?;
        ensure_eq(node.value(&member, "phone")?, "0000222222")?;
        world.in_step(node)?;
        node.verified()?;
    }
    let history = world.server.history(&member)?;
    for value in ["0000111111", "0000222222"] {
        ensure(history.iter().any(|e| e.value == value), || format!("{value}: {history:?}"))?;
    }
    world.server.verified()
}

#[test]
fn settling_on_one_settles_everywhere() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = both_edit(&world, &lan, &minh, ["0000111111", "0000222222"])?;
    let unasked = lan.try_edit(&member, &[("phone", "0000333333")], &[])?;
    crate::refused(unasked, 8, &["phone"])?;
    let conflict = lan.conflicts()?.remove(0);
    lan.settle(&conflict, "0000111111")?;
    ensure_eq(lan.conflicts()?, vec![])?;
    lan.sync()?;
    minh.sync()?;
    ensure_eq(world.server.conflicts()?, vec![])?;
    for node in [&lan, &minh] {
        ensure_eq(node.conflicts()?, vec![])?;
        ensure_eq(node.value(&member, "phone")?, "0000111111")?;
        world.in_step(node)?;
    }
    ensure_eq(world.server.value(&member, "phone")?, "0000111111")
}

/// Counterexample 17: equal values of two people are both kept, and no conflict.
#[test]
fn equal_values_are_no_conflict() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = both_edit(&world, &lan, &minh, ["0000111111", "0000111111"])?;
    ensure_eq(world.server.conflicts()?, vec![])?;
    ensure_eq(lan.conflicts()?, vec![])?;
    ensure_eq(minh.value(&member, "phone")?, "0000111111")?;
    world.in_step(&lan)?;
    world.in_step(&minh)
}

#[test]
fn different_fields_of_one_member_are_both_kept() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = members(&world, &lan.scopes[0])[2].clone();
    lan.edit(&member, "phone", "0000111111")?;
    minh.edit(&member, "email", "minh@example.vn")?;
    for node in [&lan, &minh, &lan] {
        node.sync()?;
    }
    for node in [&lan, &minh] {
        ensure_eq(node.value(&member, "phone")?, "0000111111")?;
        ensure_eq(node.value(&member, "email")?, "minh@example.vn")?;
        world.in_step(node)?;
    }
    ensure_eq(world.server.conflicts()?, vec![])
}

/// Counterexample 1: who was shown a value replaces it, and nobody else.
#[test]
fn who_knew_of_the_other_value_replaces_it() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = members(&world, &lan.scopes[0])[3].clone();
    for (node, other, value) in
        [(&lan, &minh, "0000000001"), (&minh, &lan, "0000000002"), (&lan, &minh, "0000000003")]
    {
        node.edit(&member, "phone", value)?;
        node.sync()?;
        other.sync()?;
        ensure_eq(other.value(&member, "phone")?, value)?;
    }
    ensure_eq(world.server.conflicts()?, vec![])?;
    let phones = world.server.history(&member)?.into_iter().filter(|e| e.field == "phone");
    ensure(phones.count() >= 3, || "a value has left the history".into())
}
