//! Computers whose clocks are wrong by years.

use dongbo_tests::harness::Clock;

use crate::{Story, ensure, ensure_eq, members, office};

/// Fault 17: an exchange goes on whatever the clock says. [I7 I15]
/// Counterexample 13: certificates are not judged by a commune's clock.
/// Story 11: a wrong clock stops nothing.
#[test]
fn clocks_of_2035_and_1999_lose_and_stop_nothing() -> Story {
    let (world, [mut lan, mut minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    (lan.clock, minh.clock) = (Clock::in_year(2035), Clock::in_year(1999));
    // Each works alone first.
    for (at, member) in own.iter().take(5).enumerate() {
        lan.edit(member, "phone", &format!("00002035{at:02}"))?;
        minh.edit(member, "email", &format!("y1999-{at}@example.vn"))?;
    }
    for node in [&lan, &minh, &lan, &minh] {
        node.sync()?;
    }
    for node in [&lan, &minh] {
        let equation = node.equation()?;
        ensure(equation.adds_up() && equation.merged == 5, || format!("{equation:?}"))?;
        world.in_step(node)?;
    }
    // Knowing beats time, both ways.
    for (node, other, value) in
        [(&lan, &minh, "0000000011"), (&minh, &lan, "0000000022"), (&lan, &minh, "0000000033")]
    {
        node.edit(&own[0], "phone", value)?;
        node.sync()?;
        other.sync()?;
        ensure_eq(other.value(&own[0], "phone")?, value)?;
        ensure_eq(world.server.value(&own[0], "phone")?, value)?;
    }
    ensure_eq(world.server.conflicts()?, vec![])?;
    lan.verified()?;
    minh.verified()?;
    world.server.verified()
}

/// Fault 17: a clock that is ahead wins no conflict by it. [I7]
/// Counterexample 14: nobody's clock advances from another's stamp.
/// Story 11: a wrong clock wins nothing.
#[test]
fn a_clock_of_2035_does_not_win_for_ever() -> Story {
    let (world, [mut lan, minh]) = office()?;
    let member = members(&world, &lan.scopes[0])[0].clone();
    lan.clock = Clock::in_year(2035);
    lan.link.pull();
    minh.link.pull();
    lan.edit(&member, "phone", "0000203500")?;
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    minh.edit(&member, "phone", "0000202600")?;
    // `lan` delivers first, so that its act cannot be squeezed in behind the other.
    for node in [&lan, &minh, &lan] {
        node.link.mend();
        node.sync()?;
    }
    // Neither knew of the other: the one that was really later is shown, and both are kept.
    ensure_eq(world.server.value(&member, "phone")?, "0000202600")?;
    ensure_eq(lan.conflicts()?.len(), 1)?;
    ensure_eq(lan.conflicts()?, minh.conflicts()?)?;
    world.in_step(&lan)
}

/// Fault 17: a clock may jump between any two acts. [I7 I15]
#[test]
fn a_clock_that_jumps_between_commands_breaks_nothing() -> Story {
    let (world, [mut lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    for (at, year) in [2035, 1999, 2026, 1970, 2099].into_iter().enumerate() {
        lan.clock = Clock::in_year(year);
        lan.edit(&own[0], "phone", &format!("0000{at:06}"))?;
        if at % 2 == 0 {
            lan.sync()?;
        }
    }
    lan.clock = Clock::Right;
    lan.sync()?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000000004")?;
    ensure_eq(lan.equation()?.unsent, 0)?;
    world.in_step(&lan)?;
    lan.verified()
}
