//! Machines that stay connected.

use std::thread::sleep;
use std::time::{Duration, Instant};

use dongbo_tests::harness::{Node, Trouble};

use crate::{AGAIN, Story, ensure, ensure_eq, members, office};

/// How long a change may take from one connected machine to another.
const LIVE_MAX: Duration = Duration::from_secs(10);

/// Waits until a machine shows a value.
fn shows(
    node: &Node,
    member: &str,
    field: &str,
    value: &str,
    within: Duration,
) -> Result<Duration, Trouble> {
    let began = Instant::now();
    loop {
        let shown = node.value(member, field)?;
        if shown == value {
            return Ok(began.elapsed());
        }
        ensure(began.elapsed() < within, || {
            format!("{} shows {shown} after {within:?}", node.name)
        })?;
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_change_arrives_at_the_other_machine_within_seconds() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let (one, other) = (lan.watch()?, minh.watch()?);
    for watch in [&one, &other] {
        watch.until(LIVE_MAX, |event| event["event"] == "in_step")?;
    }
    for (number, member) in own.iter().take(3).enumerate() {
        let value = format!("live{number}@example.vn");
        lan.edit(member, "email", &value)?;
        let took = shows(&minh, member, "email", &value, LIVE_MAX)?;
        eprintln!("a change arrived after {took:?}");
    }
    ensure_eq(one.stop()?, 0)?;
    ensure_eq(other.stop()?, 0)?;
    for node in [&lan, &minh] {
        node.sync()?;
        world.in_step(node)?;
    }
    Ok(())
}

#[test]
fn what_the_province_does_arrives_as_well() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let watch = lan.watch()?;
    watch.until(LIVE_MAX, |event| event["event"] == "in_step")?;
    world.server.run(&["record", "edit", member, "--set", "full_name=Lê Văn Sửa"])?.ok()?;
    shows(&lan, member, "full_name", "Lê Văn Sửa", LIVE_MAX)?;
    ensure_eq(watch.stop()?, 0)?;
    world.in_step(&lan)
}

/// Fault 23: a link that died comes back by itself. [I15]
/// Story 7: a watching machine waits for nobody's edit to try again.
#[test]
fn a_watching_machine_comes_back_by_itself() -> Story {
    let (mut world, [lan, minh]) = office()?;
    let member = members(&world, &lan.scopes[0])[0].clone();
    let watch = minh.watch()?;
    watch.until(LIVE_MAX, |event| event["event"] == "in_step")?;
    world.server.crash()?;
    lan.edit(&member, "email", "again@example.vn")?;
    lan.exchange(AGAIN)?;
    shows(&minh, &member, "email", "again@example.vn", AGAIN)?;
    minh.link.pull();
    lan.edit(&member, "email", "pulled@example.vn")?;
    lan.exchange(AGAIN)?;
    minh.link.mend();
    shows(&minh, &member, "email", "pulled@example.vn", AGAIN)?;
    watch.kill();
    minh.exchange(AGAIN)?;
    world.in_step(&minh)
}

/// Fault 47: asked to end, it ends in order and goes on from there. [I3]
#[test]
fn a_server_that_is_asked_to_end_ends_in_good_order() -> Story {
    let (mut world, [lan, _]) = office()?;
    let watch = lan.watch()?;
    watch.until(LIVE_MAX, |event| event["event"] == "in_step")?;
    let began = Instant::now();
    ensure_eq(world.server.stop()?, 0)?;
    ensure(began.elapsed() < Duration::from_secs(15), || format!("{:?}", began.elapsed()))?;
    watch.kill();
    world.server.start()?;
    lan.exchange(AGAIN)?;
    world.in_step(&lan)
}
