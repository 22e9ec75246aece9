//! A machine that is no longer welcome.

use std::time::{Duration, Instant};

use crate::{Story, ensure, ensure_eq, members, office};

/// Fault 34: it is cut off at once, and from then on only delivers. [I2 I8]
#[test]
fn a_revoked_machine_is_cut_at_once_and_only_delivers() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let watch = lan.watch()?;
    watch.until(Duration::from_secs(10), |event| event["event"] == "in_step")?;
    let began = Instant::now();
    world.server.revoke("lan")?;
    watch.until(Duration::from_secs(10), |event| event["event"] != "in_step")?;
    eprintln!("cut after {:?}", began.elapsed());
    watch.kill();
    // Nothing comes down.
    let before = lan.value(&own[0], "phone")?;
    minh.edit(&own[0], "phone", "0000999999")?;
    minh.sync()?;
    lan.edit(&own[1], "email", "revoked@example.vn")?;
    let sync = lan.run_json(&["sync"])?;
    ensure_eq(sync.code, 5)?;
    ensure_eq(lan.value(&own[0], "phone")?, before)?;
    // What was written there is kept, and waits.
    ensure(world.server.value(&own[1], "email")? != "revoked@example.vn", || "it writes".into())?;
    let waiting = world.server.held()?;
    ensure_eq(waiting.len(), 1)?;
    let equation = lan.equation()?;
    ensure(equation.unsent == 0 && equation.held == 1, || format!("{equation:?}"))?;
    // The province may still take it.
    world.server.approve(&waiting[0], "15-QĐ/TU")?;
    ensure_eq(world.server.value(&own[1], "email")?, "revoked@example.vn")?;
    minh.sync()?;
    world.in_step(&minh)
}

/// Fault 34: what it had saved is delivered, and nothing comes down. [I2 I8]
/// Fault 38: a machine that is gone is revoked, and hears nothing more. [I8]
/// Story 3: lost access is a last delivery and a sentence.
#[test]
fn a_machine_revoked_while_it_was_away_delivers_what_it_had() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.link.pull();
    for member in own.iter().take(3) {
        lan.edit(member, "email", "away@example.vn")?;
    }
    world.server.revoke("lan")?;
    lan.link.mend();
    ensure_eq(lan.run(&["sync"])?.code, 5)?;
    ensure_eq(world.server.held()?.len(), 3)?;
    // Again changes nothing.
    ensure_eq(lan.run(&["sync"])?.code, 5)?;
    ensure_eq(world.server.held()?.len(), 3)?;
    ensure_eq(lan.equation()?.held, 3)
}

#[test]
fn a_machine_that_is_invited_again_goes_on() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    world.server.revoke("lan")?;
    lan.edit(&own[0], "email", "before@example.vn")?;
    lan.run(&["sync"])?;
    let code = world.server.run(&["invite", "--again", "lan"])?.ok()?.out.trim().to_owned();
    lan.join_again(&code)?.ok()?;
    lan.sync()?;
    lan.edit(&own[1], "email", "after@example.vn")?;
    lan.sync()?;
    ensure_eq(world.server.value(&own[1], "email")?, "after@example.vn")?;
    world.in_step(&lan)
}
