//! Fields that only the province may change.

use crate::{Story, ensure, ensure_eq, members, office};

#[test]
fn an_approved_request_takes_effect_and_says_who_asked() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let before = world.server.value(member, "full_name")?;
    let edit = [("full_name", "Ngô Thị Đúng"), ("phone", "0000123456")];
    lan.try_edit(member, &edit, &["--person", "hoa", "--grounds", "giấy khai sinh"])?.ok()?;
    lan.sync()?;
    // The free field does not wait for the locked one.
    ensure_eq(world.server.value(member, "phone")?, "0000123456")?;
    ensure_eq(world.server.value(member, "full_name")?, before)?;
    let waiting = world.server.held()?;
    ensure_eq(waiting.len(), 1)?;
    let equation = lan.equation()?;
    ensure(equation.held == 1 && equation.merged == 1 && equation.adds_up(), || {
        format!("{equation:?}")
    })?;
    world.server.approve(&waiting[0], "12-QĐ/TU")?;
    for node in [&lan, &minh] {
        node.sync()?;
        ensure_eq(node.value(member, "full_name")?, "Ngô Thị Đúng")?;
        world.in_step(node)?;
    }
    let equation = lan.equation()?;
    ensure(equation.held == 0 && equation.merged == 2, || format!("{equation:?}"))?;
    let history = lan.history(member)?;
    let asked = history.iter().any(|e| e.person == "hoa" && e.value == "Ngô Thị Đúng");
    ensure(asked, || format!("{history:?}"))?;
    lan.verified()
}

/// Counterexample 30: what becomes of a request comes by the inbox.
#[test]
fn a_refused_request_leaves_the_value_and_gives_the_reason() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let before = lan.value(member, "full_name")?;
    lan.edit(member, "full_name", "Ngô Thị Sai")?;
    lan.sync()?;
    let waiting = world.server.held()?;
    ensure_eq(waiting.len(), 1)?;
    world.server.refuse(&waiting[0], "thiếu giấy khai sinh")?;
    lan.sync()?;
    ensure_eq(lan.value(member, "full_name")?, before)?;
    let equation = lan.equation()?;
    ensure(equation.refused == 1 && equation.adds_up(), || format!("{equation:?}"))?;
    let inbox = lan.run_json(&["inbox"])?.ok()?;
    ensure(inbox.out.contains("thiếu giấy khai sinh"), || inbox.out.clone())?;
    world.in_step(&lan)
}

#[test]
fn acts_on_a_member_whose_creation_waits_wait_with_it() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    // A second request on the same field waits as well, and the acts behind both pass.
    lan.edit(member, "full_name", "Ngô Thị Một")?;
    lan.edit(member, "birth_date", "1971-02-03")?;
    lan.edit(member, "phone", "0000123456")?;
    lan.sync()?;
    ensure_eq(world.server.held()?.len(), 2)?;
    ensure_eq(world.server.value(member, "phone")?, "0000123456")?;
    world.in_step(&lan)
}
