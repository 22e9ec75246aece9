//! An office without a network: bundles on a stick, in every order that people carry them in.

use std::fs;
use std::path::{Path, PathBuf};

use dongbo_tests::harness::{Node, Ran, Server, Trouble, World, strangers};
use serde_json::Value;

use crate::restore::{all_hold_the_same, put_back_untold};
use crate::{AGAIN, Story, ensure, ensure_eq, first_scope, members, office, refused};

/// A hundred days: longer than a node's certificate lives.
const LATER_S: i64 = 100 * 86_400;
/// Places in a file where it is cut and where a bit is turned. The envelope's own tests turn them all.
const PLACES: usize = 24;
/// People of a list: more than one page.
const MANY: u32 = 1_500;
/// Trips after which an office would no longer believe in it.
const TRIPS_MAX: usize = 60;

/// A file on the stick.
fn on_stick(world: &World, name: &str) -> PathBuf {
    world.dir().join(format!("{name}.bundle"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary directory has a plain name")
}

/// Writes what a machine has to say.
fn export(world: &World, node: &Node, name: &str) -> Result<PathBuf, Trouble> {
    let file = on_stick(world, name);
    node.run(&["bundle", "export", text(&file)])?.ok()?;
    Ok(file)
}

/// Takes a bundle in at the province; the answer.
fn answer(server: &Server, bundle: &Path) -> Result<PathBuf, Trouble> {
    let out = bundle.with_extension("answer");
    server.run(&["bundle", "import", text(bundle), "--out", text(&out)])?.ok()?;
    Ok(out)
}

fn import(node: &Node, answer: &Path) -> Result<Ran, Trouble> {
    node.run_json(&["bundle", "import", text(answer)])
}

/// One trip to the province and back; what the answer did.
fn carry(world: &World, node: &Node) -> Result<Value, Trouble> {
    let bundle = export(world, node, &format!("{}-trip", node.name))?;
    import(node, &answer(&world.server, &bundle)?)?.json()
}

/// A machine that no wire reaches.
fn far(world: &World, name: &str, scope: &str) -> Result<Node, Trouble> {
    let node = world.machine(name, &[scope])?;
    node.link.pull();
    Ok(node)
}

/// What a machine without a network asks to join with.
fn ask(world: &World, node: &Node) -> Result<PathBuf, Trouble> {
    let (card, file) = (on_stick(world, "card"), on_stick(world, &format!("{}-asks", node.name)));
    world.server.run(&["bundle", "card", text(&card)])?.ok()?;
    let code = world.server.invite(&node.name, &[&node.scopes[0]])?;
    let address = node.link.address().to_string();
    let args = ["--card", text(&card), "--code", &code, "--server", &address];
    node.run(&[&["bundle", "export", text(&file)][..], &args].concat())?.ok()?;
    Ok(file)
}

/// A machine that has joined by stick and has heard all.
fn joined(world: &World, name: &str, scope: &str) -> Result<Node, Trouble> {
    let node = far(world, name, scope)?;
    let answer = answer(&world.server, &ask(world, &node)?)?;
    ensure_eq(&import(&node, &answer)?.json()?["end"], &Value::from("in_step"))?;
    Ok(node)
}

fn all_is_said(world: &World, node: &Node) -> Story {
    let equation = node.equation()?;
    ensure(equation.adds_up() && equation.unsent == 0, || format!("{equation:?}"))?;
    world.in_step(node)?;
    node.verified()
}

/// Story 13: a first fill can come by stick.
#[test]
fn a_node_kept_by_stick_alone_holds_what_one_kept_by_wire_holds_and_goes_on_by_wire() -> Story {
    let (world, [lan, minh]) = office()?;
    let scope = first_scope(&world);
    let hoa = joined(&world, "hoa", &scope)?;
    ensure_eq(hoa.count_members()?, lan.count_members()?)?;
    let own = members(&world, &scope);
    for (round, member) in own.iter().take(3).enumerate() {
        lan.edit(member, "phone", &format!("000000000{round}"))?;
        hoa.edit(member, "email", &format!("hoa{round}@example.vn"))?;
        hoa.add(&[("full_name", "Lê Thị Xa"), ("sex", "F"), ("birth_date", "1999-05")])?;
        lan.sync()?;
        carry(&world, &hoa)?;
        lan.sync()?;
        all_is_said(&world, &hoa)?;
    }
    for node in [&lan, &hoa] {
        world.in_step(node)?;
        ensure_eq(node.value(&own[2], "phone")?, "0000000002")?;
        ensure_eq(node.value(&own[2], "email")?, "hoa2@example.vn")?;
    }
    // A network comes; and goes, and the stick serves again.
    hoa.link.mend();
    hoa.edit(&own[3], "phone", "0000000009")?;
    hoa.sync()?;
    all_is_said(&world, &hoa)?;
    hoa.link.pull();
    hoa.edit(&own[4], "phone", "0000000008")?;
    carry(&world, &hoa)?;
    minh.sync()?;
    ensure_eq(minh.value(&own[4], "phone")?, "0000000008")?;
    all_is_said(&world, &hoa)?;
    world.server.verified()
}

/// Fault 20: a file that is read twice or a week late changes nothing. [I4 I5]
/// Counterexample 38: a file that comes late is passed over where it says nothing new.
#[test]
fn a_bundle_is_taken_twice_late_and_after_another() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    let first = export(&world, &lan, "first")?;
    lan.edit(&own[1], "phone", "0000000002")?;
    let second = export(&world, &lan, "second")?;
    // The later one arrives first; then both, and each twice.
    let late = answer(&world.server, &second)?;
    let merged = world.server.ask(&["digest"])?;
    let early = answer(&world.server, &first)?;
    let again = on_stick(&world, "again");
    world.server.run(&["bundle", "import", text(&first), "--out", text(&again)])?.ok()?;
    ensure_eq(world.server.ask(&["digest"])?, merged)?;
    // Any of the answers serves; those that come after it change nothing and say so.
    import(&lan, &early)?.ok()?;
    for answer in [&late, &early, &again] {
        refused(import(&lan, answer)?, 5, &["older than what is here"])?;
    }
    carry(&world, &lan)?;
    all_is_said(&world, &lan)?;
    world.server.verified()
}

#[test]
fn lost_bundles_and_lost_answers_cost_another_trip_and_nothing_else() -> Story {
    let (world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    export(&world, &lan, "lost on the way there")?;
    for (round, member) in own.iter().enumerate().take(5).skip(2) {
        lan.edit(member, "phone", &format!("000000000{round}"))?;
        answer(&world.server, &export(&world, &lan, "its answer is lost")?)?;
    }
    lan.edit(&own[5], "phone", "0000000005")?;
    ensure_eq(&carry(&world, &lan)?["end"], &Value::from("in_step"))?;
    all_is_said(&world, &lan)?;
    ensure_eq(world.server.value(&own[5], "phone")?, "0000000005")?;
    // And an answer to what holds nothing new, after another answer was lost.
    answer(&world.server, &export(&world, &lan, "lost again")?)?;
    ensure_eq(&carry(&world, &lan)?["end"], &Value::from("in_step"))?;
    all_is_said(&world, &lan)
}

#[test]
fn what_is_for_someone_else_is_refused() -> Story {
    let (world, [lan, minh]) = office()?;
    let bundle = export(&world, &lan, "lan")?;
    let answer = answer(&world.server, &bundle)?;
    refused(import(&minh, &answer)?, 5, &["another machine"])?;
    refused(import(&lan, &bundle)?, 5, &["the other way"])?;
    let wrong_way = world.server.run(&["bundle", "import", text(&answer)])?;
    refused(wrong_way, 5, &["the other way"])?;
    let tables = world.dir().join("province");
    let other = Server::init(&world.dir().join("other"), "Tỉnh khác", &tables)?;
    refused(other.run(&["bundle", "import", text(&bundle)])?, 5, &["another province"])?;
    let card = on_stick(&world, "other card");
    other.run(&["bundle", "card", text(&card)])?.ok()?;
    refused(import(&lan, &card)?, 5, &["another province"])?;
    // A code of one province with the card of another seals nothing to it.
    let hoa = far(&world, "hoa", &lan.scopes[0])?;
    let code = world.server.invite("hoa", &[&lan.scopes[0]])?;
    let file = on_stick(&world, "hoa");
    let args = ["bundle", "export", text(&file), "--card", text(&card), "--code", &code];
    refused(hoa.run(&args)?, 5, &["another province"])?;
    import(&lan, &answer)?.ok()?;
    all_is_said(&world, &lan)
}

/// A file cut short and with a bit turned, at places all over it.
fn damaged(file: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let whole = fs::read(file)?;
    let mut made = Vec::new();
    for place in 0..PLACES {
        let at = place * (whole.len() - 1) / (PLACES - 1);
        let mut turned = whole.clone();
        turned[at] ^= 1 << (place % 8);
        for (how, bytes) in [("cut", &whole[..at]), ("turned", &turned[..])] {
            let path = file.with_extension(format!("{how}{place}"));
            fs::write(&path, bytes)?;
            made.push(path);
        }
    }
    Ok(made)
}

fn is_refusal(ran: Ran) -> Story {
    let code = if ran.code == 3 { 3 } else { 5 };
    refused(ran, code, &["Nothing was changed"])
}

#[test]
fn torn_and_forged_bundles_are_refused_and_change_nothing() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    minh.edit(&own[1], "phone", "0000000002")?;
    minh.sync()?;
    lan.edit(&own[0], "phone", "0000000001")?;
    let bundle = export(&world, &lan, "lan")?;
    let before = world.server.ask(&["digest"])?;
    for bad in damaged(&bundle)? {
        is_refusal(world.server.run(&["bundle", "import", text(&bad)])?)?;
    }
    ensure_eq(world.server.ask(&["digest"])?, before)?;
    let answer = answer(&world.server, &bundle)?;
    let before = lan.ask(&["digest"])?;
    for bad in damaged(&answer)? {
        is_refusal(lan.run(&["bundle", "import", text(&bad)])?)?;
    }
    ensure_eq(lan.ask(&["digest"])?, before)?;
    import(&lan, &answer)?.ok()?;
    ensure_eq(lan.value(&own[1], "phone")?, "0000000002")?;
    all_is_said(&world, &lan)
}

#[test]
fn two_offices_edit_one_field_by_stick_and_one_of_them_settles() -> Story {
    let (world, [lan, _]) = office()?;
    let hoa = joined(&world, "hoa", &lan.scopes[0])?;
    let member = members(&world, &lan.scopes[0])[0].clone();
    lan.edit(&member, "phone", "0000000001")?;
    hoa.edit(&member, "phone", "0000000002")?;
    for node in [&lan, &hoa, &lan] {
        carry(&world, node)?;
    }
    let at_province = world.server.conflicts()?;
    ensure_eq(at_province.len(), 1)?;
    for node in [&lan, &hoa] {
        ensure_eq(node.conflicts()?, at_province.clone())?;
        all_is_said(&world, node)?;
    }
    let conflict = lan.conflicts()?.remove(0);
    lan.settle(&conflict, "0000000001")?;
    for node in [&lan, &hoa] {
        carry(&world, node)?;
        ensure_eq(node.conflicts()?, vec![])?;
        ensure_eq(node.value(&member, "phone")?, "0000000001")?;
        all_is_said(&world, node)?;
    }
    ensure_eq(world.server.conflicts()?, vec![])
}

/// A trip with the smallest answer; whether it was the last.
fn small_trip(world: &World, node: &Node, bundle: &Path) -> Result<bool, Trouble> {
    let out = bundle.with_extension("answer");
    let args = ["bundle", "import", text(bundle), "--out", text(&out), "--bytes-max", "1"];
    world.server.run(&args)?.ok()?;
    let ran = import(node, &out)?;
    match (ran.code, ran.value()?["end"].as_str()) {
        (10, Some("more")) => Ok(false),
        (0, Some("in_step")) => Ok(true),
        _ => Err(ran.trouble("neither more nor in step")),
    }
}

#[test]
fn what_finds_no_room_comes_with_the_next_bundle() -> Story {
    let (world, [lan, _]) = office()?;
    let scope = first_scope(&world);
    let list = world.dir().join("many.jsonl");
    strangers::write(&list, 3, MANY)?;
    lan.import(&list)?;
    lan.edit(&members(&world, &scope)[0], "phone", "0000000001")?;
    // More than one act, and the smallest bundle holds one.
    let bundle = on_stick(&world, "lan");
    let args = ["bundle", "export", text(&bundle), "--bytes-max", "1"];
    let left = lan.ask(&args)?["left"].as_u64();
    ensure(left.is_some_and(|left| left > 0), || format!("all found room: {left:?}"))?;
    import(&lan, &answer(&world.server, &bundle)?)?.ok()?;
    carry(&world, &lan)?;
    all_is_said(&world, &lan)?;
    // More than one page, and the smallest answer holds one.
    let hoa = far(&world, "hoa", &scope)?;
    let mut bundle = ask(&world, &hoa)?;
    let mut trips = 1;
    while !small_trip(&world, &hoa, &bundle)? {
        ensure(trips < TRIPS_MAX, || "no end of trips".into())?;
        trips += 1;
        bundle = export(&world, &hoa, &format!("hoa-{trips}"))?;
    }
    ensure(trips > 1, || "one trip was enough: nothing was left out".into())?;
    ensure_eq(hoa.count_members()?, lan.count_members()?)?;
    all_is_said(&world, &hoa)
}

/// Counterexample 38: an old answer takes nothing back.
#[test]
fn an_answer_does_not_take_back_what_came_by_wire() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    lan.edit(&own[0], "phone", "0000000001")?;
    let old = answer(&world.server, &export(&world, &lan, "old")?)?;
    minh.edit(&own[1], "phone", "0000000002")?;
    minh.sync()?;
    lan.edit(&own[2], "phone", "0000000003")?;
    lan.exchange(AGAIN)?;
    refused(import(&lan, &old)?, 5, &["older than what is here"])?;
    ensure_eq(lan.value(&own[1], "phone")?, "0000000002")?;
    all_is_said(&world, &lan)?;
    world.server.verified()
}

#[test]
fn a_restored_province_is_heard_of_by_stick_and_gets_back_what_it_lost() -> Story {
    let (mut world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let backup = on_stick(&world, "backup");
    world.server.run(&["backup", text(&backup)])?.ok()?;
    lan.edit(&own[0], "phone", "0000000001")?;
    carry(&world, &lan)?;
    world.server.kill();
    world.server.run(&["restore", text(&backup)])?.ok()?;
    ensure(world.server.value(&own[0], "phone")? != "0000000001", || "nothing was lost".into())?;
    lan.edit(&own[1], "phone", "0000000002")?;
    let heard = import(&lan, &answer(&world.server, &export(&world, &lan, "hears")?)?)?;
    ensure_eq((heard.code, &heard.value()?["end"]), (10, &Value::from("more")))?;
    carry(&world, &lan)?;
    all_is_said(&world, &lan)?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000000001")?;
    ensure_eq(world.server.value(&own[1], "phone")?, "0000000002")
}

#[test]
fn a_province_that_was_put_back_untold_finds_it_out_by_stick() -> Story {
    let (mut world, [lan, minh], [lost, _]) = put_back_untold()?;
    ensure_eq(world.server.stop()?, 0)?;
    // The first trip shows the proof and hears of the new epoch, the second brings what was lost.
    let heard = import(&lan, &answer(&world.server, &export(&world, &lan, "proves")?)?)?;
    ensure_eq((heard.code, &heard.value()?["end"]), (10, &Value::from("more")))?;
    ensure_eq(&world.server.ask(&["status"])?["epochs"], &Value::from(2))?;
    carry(&world, &lan)?;
    ensure_eq(world.server.value(&lost, "phone")?, "0000000001")?;
    world.server.start()?;
    all_hold_the_same(&world, &[&lan, &minh])
}

/// Fault 35: it is renewed by stick as well. [I2 I15]
#[test]
fn an_expired_certificate_is_renewed_by_stick() -> Story {
    let (mut world, [lan, _]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    ensure_eq(world.server.stop()?, 0)?;
    world.server.set_clock(LATER_S);
    lan.edit(&own[0], "phone", "0000000001")?;
    // The first answer says that it has expired; the second one brings the new certificate.
    let first = import(&lan, &answer(&world.server, &export(&world, &lan, "expired")?)?)?;
    ensure_eq(&first.value()?["end"], &Value::from("more"))?;
    let renewed = carry(&world, &lan)?;
    ensure_eq(&renewed["certificate_renewed"], &Value::from(true))?;
    ensure_eq(&renewed["end"], &Value::from("in_step"))?;
    all_is_said(&world, &lan)
}

#[test]
fn a_code_lets_one_machine_in_by_stick_and_the_same_request_again() -> Story {
    let (world, [lan, _]) = office()?;
    let scope = first_scope(&world);
    let hoa = far(&world, "hoa", &scope)?;
    let request = ask(&world, &hoa)?;
    let lost = answer(&world.server, &request)?;
    fs::remove_file(&lost)?;
    let answer = answer(&world.server, &request)?;
    refused(import(&lan, &answer)?, 5, &["another machine"])?;
    import(&hoa, &answer)?.ok()?;
    refused(import(&hoa, &answer)?, 5, &["older than what is here"])?;
    all_is_said(&world, &hoa)?;
    hoa.add(&[("full_name", "Lê Thị Xa"), ("sex", "F"), ("birth_date", "1999-05")])?;
    carry(&world, &hoa)?;
    all_is_said(&world, &hoa)?;
    let used = world.server.run(&["bundle", "import", text(&request)])?;
    refused(used, 5, &["used before"])
}
