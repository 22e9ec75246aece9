//! Links that end at any byte, programs that are put to sleep or told to end in the middle of an exchange.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use dongbo_tests::harness::{Node, Trouble};

use crate::{AGAIN, Story, ensure, ensure_eq, members, office};

/// Places at which a stream is cut, from its first bytes to its last.
const CUTS: u64 = 12;
/// What each chunk of a slowed link waits for, in milliseconds.
const SLOW_MS: u64 = 15;

/// Edits of one machine that an exchange will carry.
fn work(node: &Node, own: &[String], round: u64) -> Story {
    for (at, member) in own.iter().take(3).enumerate() {
        node.edit(member, "phone", &format!("0000{round:03}{at:03}"))?;
    }
    Ok(())
}

/// Fault 21: wherever a stream ends, a batch has arrived whole or not at all, and the next exchange brings the rest. [I3 I6]
#[test]
fn a_stream_that_ends_at_any_byte_brings_whole_batches_or_nothing() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    work(&lan, &own, 999)?;
    let before = lan.link.carried();
    lan.sync()?;
    let exchange = lan.link.carried() - before;
    for cut in 1..=CUTS {
        work(&lan, &own, cut)?;
        lan.link.cut_after(exchange * cut / CUTS);
        let mut sync = lan.begin(&["sync"])?;
        while lan.link.is_up() && !sync.has_ended() {
            sleep(Duration::from_millis(2));
        }
        let equation = lan.equation()?;
        ensure(equation.adds_up(), || format!("after cut {cut}: {equation:?}"))?;
        lan.link.mend();
        ensure_eq(sync.end(AGAIN)?, 0)?;
        ensure_eq(lan.equation()?.unsent, 0)?;
        world.in_step(&lan)?;
    }
    lan.verified()?;
    world.server.verified()
}

fn signal(pid: u32, name: &str) -> Story {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status()?;
    ensure(sent.success(), || format!("kill -{name} {pid}: {sent}"))
}

/// Fault 25: a program that slept through the end of its session goes on by itself when it wakes. [I6 I15]
#[test]
fn a_program_that_sleeps_in_mid_session_goes_on_when_it_wakes() -> Story {
    let (mut world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let watch = lan.watch()?;
    watch.until(AGAIN, |event| event["event"] == "in_step")?;
    signal(watch.pid(), "STOP")?;
    // Its session dies meanwhile, and the world goes on.
    lan.edit(&own[0], "phone", "0000123456")?;
    lan.link.pull();
    world.server.crash()?;
    minh.edit(&own[1], "email", "minh@example.vn")?;
    minh.exchange(AGAIN)?;
    lan.link.mend();
    signal(watch.pid(), "CONT")?;
    watch.until(AGAIN, |event| event["event"] == "in_step")?;
    ensure_eq(lan.value(&own[1], "email")?, "minh@example.vn")?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000123456")?;
    ensure_eq(watch.stop()?, 0)?;
    world.in_step(&lan)
}

/// Fault 47: an exchange that is told to end, ends, and the next one goes on from there. [I3 I6]
#[test]
fn an_exchange_that_is_told_to_end_ends_and_loses_nothing() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    for round in 1..=4 {
        work(&lan, &own, round)?;
        lan.link.pace(Duration::from_millis(SLOW_MS));
        let exchange = lan.begin(&["sync"])?;
        sleep(Duration::from_millis(SLOW_MS * 3 * round));
        exchange.stop()?;
        lan.link.mend();
        let equation = lan.equation()?;
        ensure(equation.adds_up(), || format!("{equation:?}"))?;
        lan.exchange(AGAIN)?;
        ensure_eq(world.server.value(&own[0], "phone")?, format!("0000{round:03}000"))?;
    }
    world.in_step(&lan)?;
    lan.verified()
}

/// Fault 39: of two machines that race for one code, one joins and the other is told. [I9]
#[test]
fn of_two_machines_that_race_for_one_code_one_joins() -> Story {
    let world = crate::empty_province()?;
    let scope = crate::first_scope(&world);
    for round in 0..3 {
        let code = world.server.invite(&format!("race-{round}"), &[&scope])?;
        let machines = [0, 1].map(|n| world.machine(&format!("racer-{round}-{n}"), &[&scope]));
        let code = &code;
        let join = &|node: &Result<Node, Trouble>| {
            node.as_ref().map_err(Clone::clone)?.join(code).map(|ran| ran.code)
        };
        let codes: Vec<i32> = std::thread::scope(|threads| {
            let running = machines.each_ref().map(|node| threads.spawn(move || join(node)));
            let ended = running.into_iter().map(|t| t.join().expect("no panic"));
            ended.collect::<Result<_, _>>()
        })?;
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        ensure_eq(sorted, vec![0, 5])?;
    }
    world.server.verified()
}
