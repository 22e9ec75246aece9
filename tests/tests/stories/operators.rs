//! Operators see it: the figures of a serving province, who is heard and who is not, and what the
//! matter was with the last exchange.

use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use dongbo_tests::harness::scrape::ask;
use dongbo_tests::harness::{Node, Trouble, World, strangers};
use serde_json::{Value, json};

use crate::{AGAIN, Story, ensure, ensure_eq, first_scope, members, office, refused};

/// How long the server may take to notice what became of a conversation, in seconds.
const NOTICED_S_MAX: u64 = 10;
/// Idle connections that fill the endpoint of the figures.
const IDLE: usize = 4;
/// How long it may then take to answer again, in seconds: the time for a head, and some.
const FREE_AGAIN_S_MAX: u64 = 9;

fn counting(world: &mut World) -> Story {
    world.server.count();
    world.server.crash().map(drop)
}

/// Two people of one office write the same field, neither knowing of the other.
fn disagree(nodes: &[Node; 2], member: &str) -> Story {
    nodes[0].edit(member, "phone", "0000111222")?;
    nodes[1].edit(member, "phone", "0000333444")?;
    nodes[0].exchange(AGAIN)?;
    nodes[1].exchange(AGAIN)?;
    Ok(())
}

/// Figures of a real server over HTTP, before and after what happened.
#[test]
fn the_servers_figures_are_what_happened() -> Story {
    let (mut world, nodes) = office()?;
    counting(&mut world)?;
    let member = members(&world, &first_scope(&world))[0].clone();
    let before = world.server.scrape()?;
    ensure_eq(before.get("dongbo_exchanges_total{end=\"in_step\"}"), 0.0)?;

    disagree(&nodes, &member)?;
    let asked = nodes[0].run(&["member", "edit", &member, "--set", "full_name=Nguyễn Thị Khác"])?;
    asked.ok()?;
    nodes[0].exchange(AGAIN)?;
    let code = world.server.invite("hoa", &[&first_scope(&world)])?;
    let hoa = world.machine("hoa", &[&first_scope(&world)])?;
    hoa.join(&code)?.ok()?;
    let late = world.machine("late", &[&first_scope(&world)])?;
    refused(late.join(&code)?, 5, &["has let another machine in"])?;
    ask(world.server.address(), "GET / HTTP/1.1\r\n\r\n")?;

    let after = world.server.scrape()?;
    let entered: u64 =
        nodes.iter().map(|n| n.equation().map(|e| e.entered)).sum::<Result<_, _>>()?;
    let since = |name: &str| after.since(&before, name);
    ensure_eq(since("dongbo_exchanges_total{end=\"in_step\"}"), 4.0)?;
    ensure_eq(since("dongbo_acts_received_total"), entered as f64)?;
    ensure_eq(since("dongbo_commit_seconds_count"), 3.0)?;
    ensure(since("dongbo_commit_seconds_sum") > 0.0, || after.text.clone())?;
    ensure(since("dongbo_received_bytes_total") > 500.0, || after.text.clone())?;
    ensure(since("dongbo_sent_bytes_total") > 500.0, || after.text.clone())?;
    ensure_eq(since("dongbo_joins_total{end=\"joined\"}"), 1.0)?;
    ensure_eq(since("dongbo_joins_total{end=\"used_code\"}"), 1.0)?;
    ensure_eq(since("dongbo_refused_total{why=\"handshake\"}"), 1.0)?;
    ensure_eq(since("dongbo_nodes"), 1.0)?;
    ensure_eq(after.get("dongbo_held_acts{reason=\"needs_approval\"}"), 1.0)?;
    ensure_eq(after.get("dongbo_acts_held"), 1.0)?;
    ensure_eq(after.get("dongbo_epochs"), 1.0)?;
    ensure_eq(after.text.matches("dongbo_node_silence_seconds{").count(), 3)?;

    // Counters are the process's, and begin again; what the registry knows is still there.
    world.server.crash()?;
    let anew = world.server.scrape()?;
    ensure_eq(anew.get("dongbo_exchanges_total{end=\"in_step\"}"), 0.0)?;
    ensure_eq(anew.get("dongbo_conflicts"), 1.0)?;
    ensure_eq(anew.get("dongbo_held_acts{reason=\"needs_approval\"}"), 1.0)
}

/// Nobody is named, what is asked wrongly is refused, and who dawdles holds a place for seconds only.
#[test]
fn the_figures_name_nobody_and_their_endpoint_is_bounded() -> Story {
    let (mut world, nodes) = office()?;
    counting(&mut world)?;
    disagree(&nodes, &members(&world, &first_scope(&world))[0])?;
    let at = world.server.metrics_at()?;
    let said = world.server.scrape()?.text;
    for named in ["0000111222", "\"lan\"", "\"minh\"", &world.scopes()[0].name_full] {
        ensure(!said.contains(named), || format!("{named} is in the figures"))?;
    }
    let nodes_named = said.split("{node=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let is_id = |id: &str| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
    ensure(nodes_named.clone().count() > 5 && nodes_named.clone().all(is_id), || said.clone())?;

    ensure(ask(at, "GET / HTTP/1.1\r\n\r\n")?.starts_with("HTTP/1.1 404 "), || "a path".into())?;
    let post = "POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\nsome body";
    ensure(ask(at, post)?.starts_with("HTTP/1.1 405 "), || "a method".into())?;
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    ensure(!ask(at, &long)?.contains("dongbo_"), || "a head without end was answered".into())?;

    let idle: Vec<TcpStream> = (0..IDLE)
        .map(|_| {
            let mut stream = TcpStream::connect(at)?;
            stream.write_all(b"G")?;
            Ok(stream)
        })
        .collect::<Result<_, Trouble>>()?;
    let began = Instant::now();
    world.server.scrape()?;
    let took = began.elapsed();
    drop(idle);
    ensure(took < Duration::from_secs(FREE_AGAIN_S_MAX), || format!("it took {took:?}"))?;
    // The exchange goes on meanwhile, whoever dawdles at the figures.
    nodes[0].exchange(AGAIN).map(drop)
}

/// Sends until the wire goes down, and then dies: the province has heard what there is, and not got it.
fn die_while_sending(node: &Node, bytes: u64) -> Story {
    node.link.cut_after(bytes);
    let mut command = node.command(&["sync"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let began = Instant::now();
    while node.link.is_up() && began.elapsed() < Duration::from_secs(NOTICED_S_MAX) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    ensure(!node.link.is_up(), || "the wire was never cut".into())
}

fn fleet(world: &World, args: &[&str]) -> Result<(i32, Value), Trouble> {
    let all = [&["fleet", "--json"], args].concat();
    let ran = world.server.run(&all)?;
    let json = serde_json::from_str(&ran.out).map_err(|e| ran.trouble(&e.to_string()))?;
    Ok((ran.code, json))
}

fn machine<'v>(fleet: &'v Value, name: &str) -> &'v Value {
    let offices = fleet["offices"].as_array().into_iter().flatten();
    let machines = offices.flat_map(|office| office["machines"].as_array().into_iter().flatten());
    machines.into_iter().find(|m| m["name"] == name).unwrap_or(&Value::Null)
}

/// Expected against heard: a machine that is behind, an office that has gone quiet, offices without any.
#[test]
fn the_fleet_says_who_is_behind_or_quiet_and_what_the_totals_miss() -> Story {
    let (mut world, nodes) = office()?;
    let (code, well) = fleet(&world, &[])?;
    let offices = world.scopes().len();
    ensure_eq((code, &well["expected"], &well["heard"]), (0, &json!(offices), &json!(1)))?;
    ensure_eq(&well["missing"]["no_machine"], &json!(offices - 1))?;
    ensure_eq(&machine(&well, "lan")["last_end"], &json!("in_step"))?;

    let list = world.dir().join("list.jsonl");
    strangers::write(&list, 1, 2_000)?;
    nodes[0].import(&list)?;
    die_while_sending(&nodes[0], 12_000)?;
    let began = Instant::now();
    let behind = loop {
        let (code, seen) = fleet(&world, &[])?;
        ensure_eq(code, 0)?;
        if seen["missing"]["acts_behind"] != 0 {
            break seen;
        }
        ensure(began.elapsed() < Duration::from_secs(NOTICED_S_MAX), || seen.to_string())?;
    };
    let lan = machine(&behind, "lan");
    ensure_eq((&lan["behind"], &lan["last_end"]), (&json!(2), &json!("link_cut")))?;
    ensure_eq(&machine(&behind, "minh")["behind"], &json!(0))?;
    nodes[0].link.mend();
    nodes[0].exchange(AGAIN)?;
    let (_, caught_up) = fleet(&world, &[])?;
    ensure_eq(&caught_up["missing"]["acts_behind"], &json!(0))?;

    // Three weeks later nobody has been heard: the totals are as of the last time.
    world.server.set_clock(21 * 86_400);
    let (code, quiet) = fleet(&world, &[])?;
    let missing = &quiet["missing"];
    ensure_eq((code, &missing["quiet"]), (10, &json!(1)))?;
    let members = world.server.count_members()?;
    ensure_eq(&missing["quiet_members"], &json!(members))?;
    ensure(missing["quiet_since_ms"].is_i64(), || quiet.to_string())?;
    let told = world.server.run(&["fleet"])?;
    ensure_eq(told.code, 10)?;
    let sentence = format!("1 of {offices} organisations have not been heard from for 14 days");
    ensure(told.out.contains(&sentence), || told.out.clone())?;
    let (code, patient) = fleet(&world, &["--quiet-days", "30"])?;
    ensure_eq((code, &patient["missing"]["quiet"]), (0, &json!(0)))
}

/// A rehearsal on a real province: what the machines hold comes back from them, what the province did not.
#[test]
fn a_rehearsal_says_which_machines_would_send_what_again() -> Story {
    let (world, nodes) = office()?;
    let own = members(&world, &first_scope(&world));
    let backup = world.dir().join("backup.db").to_string_lossy().into_owned();
    world.server.ask(&["backup", &backup])?;
    nodes[0].edit(&own[0], "phone", "0000111222")?;
    nodes[0].exchange(AGAIN)?;
    world.server.ask(&["record", "edit", &own[1], "--set", "phone=0000333444"])?;
    let said = world.server.ask(&["restore", &backup, "--rehearse"])?;
    ensure_eq((&said["acts_sent_again"], &said["acts_lost"]), (&json!(1), &json!(1)))?;
    let machines = said["machines"].as_array().into_iter().flatten();
    let sent: Vec<_> = machines.map(|m| (&m["name"], &m["sent_again"])).collect();
    ensure_eq(sent, vec![(&json!("lan"), &json!(1)), (&json!("minh"), &json!(0))])?;
    // Done in earnest, it is as it was said.
    let mut world = world;
    ensure_eq(world.server.stop()?, 0)?;
    world.server.ask(&["restore", &backup])?;
    world.server.start()?;
    nodes.iter().try_for_each(|node| node.exchange(AGAIN).map(drop))?;
    ensure_eq(world.server.value(&own[0], "phone")?, "0000111222")?;
    ensure(world.server.value(&own[1], "phone")? != "0000333444", || "it came back".into())
}

/// The names of the states in a `status`.
fn states(status: &Value) -> Vec<&str> {
    let all = status["states"].as_array().into_iter().flatten();
    all.filter_map(|state| state["name"].as_str()).collect()
}

/// Both sides name the state of a machine that was revoked, days after the exchange that found it.
#[test]
fn what_the_matter_is_both_sides_still_say_after_the_exchange() -> Story {
    let (world, nodes) = office()?;
    ensure_eq(states(&nodes[0].ask(&["status"])?), Vec::<&str>::new())?;
    ensure_eq(states(&world.server.ask(&["status"])?), vec!["no_backup"])?;
    world.server.ask(&["revoke", "lan"])?;
    ensure_eq(nodes[0].run(&["sync"])?.code, 5)?;
    let status = nodes[0].ask(&["status"])?;
    ensure_eq(states(&status), vec!["deliver_only"])?;
    ensure_eq(&status["last_exchange"]["end"], &json!("deliver_only"))?;
    let there = world.server.ask(&["status"])?;
    ensure_eq(states(&there), vec!["no_backup", "nodes_deliver_only"])?;
    let (_, fleet) = fleet(&world, &[])?;
    ensure_eq(&machine(&fleet, "lan")["last_end"], &json!("deliver_only"))?;
    ensure_eq(&machine(&fleet, "lan")["standing"], &json!("deliver_only"))
}
