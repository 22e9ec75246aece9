//! A machine whose data are protected by a passphrase.

use std::fs;

use crate::{Story, empty_province, ensure_eq, first_scope, members, refused};

/// Fault 38: with a passphrase a stolen disk opens to nobody. [I8]
/// Counterexample 39: a passphrase wraps the key.
#[test]
fn a_wrong_passphrase_opens_nothing_and_harms_nothing() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    world.server.import(&[&world.file_of(&scope)])?;
    let node = world.machine("lan", &[&scope])?;
    let (right, wrong) = (world.dir().join("right"), world.dir().join("wrong"));
    fs::write(&right, "một câu đủ dài để nhớ\n")?;
    fs::write(&wrong, "một câu khác cũng đủ dài\n")?;
    let (right, wrong) = (right.to_string_lossy(), wrong.to_string_lossy());
    let server = node.link.address().to_string();
    let code = world.server.invite("lan", &[&scope])?;
    node.run(&["join", "--server", &server, "--code", &code, "--passphrase-file", &right])?.ok()?;
    refused(node.run(&["status", "--passphrase-file", &wrong])?, 6, &[])?;
    refused(node.run(&["status"])?, 6, &[])?;
    let member = &members(&world, &scope)[0];
    let set = ["member", "edit", member, "--set", "phone=0000123456", "--passphrase-file"];
    refused(node.run(&[&set[..], &[&wrong]].concat())?, 6, &[])?;
    node.run(&[&set[..], &[&right]].concat())?.ok()?;
    node.run(&["sync", "--passphrase-file", &right])?.ok()?;
    ensure_eq(world.server.value(member, "phone")?, "0000123456")
}
