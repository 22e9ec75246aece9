//! First contact: who may come in, and who is told what otherwise.

use dongbo_tests::harness::Server;

use crate::{Story, empty_province, ensure_eq, first_scope, refused};

/// Two hours, for a code that was good for one.
const LATER_S: i64 = 2 * 3_600;

/// Fault 39: a code is used once. [I9]
#[test]
fn a_code_lets_one_machine_in_once() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    let code = world.server.invite("lan", &[&scope])?;
    let [first, second] = [world.machine("first", &[&scope])?, world.machine("second", &[&scope])?];
    first.join(&code)?.ok()?;
    refused(second.join(&code)?, 5, &[])?;
    // Nothing half-made is left behind: the same directory joins with a good code.
    second.join(&world.server.invite("minh", &[&scope])?)?.ok()?;
    second.sync()?;
    world.in_step(&second)
}

#[test]
fn a_machine_joins_once() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    let node = world.node("lan", &[&scope])?;
    let again = node.join(&world.server.invite("again", &[&scope])?)?;
    refused(again, 2, &[])?;
    node.sync()?;
    world.in_step(&node)
}

/// Fault 39: a code that is late is refused. [I9]
#[test]
fn an_expired_code_is_refused() -> Story {
    let mut world = empty_province()?;
    let scope = first_scope(&world);
    let args = ["invite", "--name", "late", "--scope", &scope, "--expires-hours", "1"];
    let code = world.server.run(&args)?.ok()?.out.trim().to_owned();
    world.server.set_clock(LATER_S);
    world.server.crash()?;
    refused(world.machine("late", &[&scope])?.join(&code)?, 5, &[])
}

/// Fault 39: a guess opens nothing. [I9]
#[test]
fn an_unknown_and_a_mistyped_code_are_told_apart() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    let node = world.machine("lan", &[&scope])?;
    let code = world.server.invite("lan", &[&scope])?;
    let typed = code.replacen(code.chars().nth(8).unwrap_or('x'), "?", 1);
    refused(node.join(&typed)?, 2, &[])?;
    let short = &code[..code.len() - 3];
    refused(node.join(short)?, 2, &[])?;
    node.join(&code)?.ok().map(drop)
}

#[test]
fn an_unknown_scope_is_no_invitation() -> Story {
    let world = empty_province()?;
    refused(world.server.run(&["invite", "--scope", "NO-SUCH"])?, 9, &["NO-SUCH"])
}

/// Fault 36: a server of another authority is not believed, before anything is said. [I8]
#[test]
fn a_code_of_another_province_opens_no_door() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    let tables = world.dir().join("province");
    let mut other = Server::init(&world.dir().join("other"), "Tỉnh khác", &tables)?;
    other.start()?;
    let code = other.invite("lan", &[&scope])?;
    let node = world.machine("lan", &[&scope])?;
    refused(node.join(&code)?, 5, &[])?;
    // A code that the right server does not know, with the right authority, is unknown.
    let nobody = other.run(&["nodes", "--json"])?.value()?;
    ensure_eq(nobody["nodes"].as_array().map(Vec::len), Some(0))
}

#[test]
fn a_server_of_another_province_is_not_believed() -> Story {
    let mut world = empty_province()?;
    let scope = first_scope(&world);
    let node = world.node("lan", &[&scope])?;
    let tables = world.dir().join("province");
    let mut other = Server::init(&world.dir().join("other"), "Tỉnh khác", &tables)?;
    other.listen_at(world.server.address());
    ensure_eq(world.server.stop()?, 0)?;
    other.start()?;
    node.add(&[("full_name", "Lê Thị Mới"), ("sex", "F"), ("birth_date", "1999-05")])?;
    refused(node.run(&["sync"])?, 5, &[])?;
    other.kill();
    world.server.start()?;
    node.sync()?;
    ensure_eq(node.equation()?.unsent, 0)?;
    world.in_step(&node)
}
