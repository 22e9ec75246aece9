//! `server/docs/OPERATING.md`, run: every command of its blocks, in their order, on real processes.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use dongbo_server::ca::{
    CA_VALIDITY_S, DAY_S, NODE_VALIDITY_S, RENEW_AT_PERCENT, SERVER_VALIDITY_S,
};
use dongbo_tests::harness::{Trouble, binaries};

use crate::{Story, ensure, ensure_eq, office};

const PAGE: &str = include_str!("../../../server/docs/OPERATING.md");
/// What stands in the page for places of a real machine.
const PLACES: [&str; 3] = ["/srv", "/backup", "/office"];
/// The ports that the page names.
const PORTS: [&str; 2] = ["127.0.0.1:7443", "127.0.0.1:9464"];

/// The blocks that are to be run, joined.
fn script() -> String {
    let mut blocks = Vec::new();
    for rest in PAGE.split("```sh\n").skip(1) {
        blocks.extend(rest.split("\n```").next());
    }
    blocks.join("\n")
}

/// An address that nobody has at this moment.
fn free() -> Result<String, Trouble> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// The script as it can be run here: its places under a directory, its ports free ones.
fn run_here(dir: &Path) -> Result<String, Trouble> {
    let mut script = script();
    for place in PLACES {
        std::fs::create_dir(dir.join(&place[1..]))?;
        let here = dir.join(&place[1..]).display().to_string();
        script = script.replace(&format!("{place}/"), &format!("{here}/"));
    }
    for port in PORTS {
        script = script.replace(port, &free()?);
    }
    // Whatever fails, the server that the script started is stopped.
    Ok(format!("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -x\n{script}\n"))
}

/// The drills of the page: a burned server comes back from a backup and the machines, one that was put
/// back finds it out, a second one is not followed, a lost laptop gets nothing more.
///
/// Fault 48: what the backup lacks comes back from the machines, by the commands of the page. [I2 I12 I17]
/// Fault 38: a revoked machine delivers only, and both sides say so. [I8]
#[test]
fn every_command_of_the_operating_page_does_what_the_page_says() -> Story {
    ensure(script().lines().filter(|l| l.starts_with("dongbo-")).count() > 30, script)?;
    let dir = tempfile::tempdir()?;
    let programs = binaries().map_err(|e| Trouble(e.to_string()))?;
    let programs = programs.server.parent().ok_or_else(|| Trouble("no directory".into()))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let ran = Command::new("bash")
        .args(["-c", &run_here(dir.path())?])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env_remove("DONGBO_SERVER_DATA")
        .env_remove("DONGBO_DATA")
        .stdin(Stdio::null())
        .output()?;
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    ensure(ran.status.success(), || said)
}

#[test]
fn the_operating_page_names_every_figure_and_the_lives_of_certificates() -> Story {
    let (mut world, _) = office()?;
    world.server.run(&["backup", &world.dir().join("b.db").to_string_lossy()])?.ok()?;
    world.server.count();
    world.server.crash()?;
    let said = world.server.scrape()?.text;
    let families: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    ensure(families.len() > 20, || said.clone())?;
    let unnamed: Vec<_> = families.iter().filter(|name| !PAGE.contains(*name)).collect();
    ensure(unnamed.is_empty(), || format!("the page does not name {unnamed:?}"))?;
    let named = PAGE.split("`dongbo_").skip(1);
    let word = |rest: &str| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned)
    };
    for name in named.filter_map(word) {
        let plain = name.trim_end_matches("_total");
        let known = families.iter().any(|f| f.strip_prefix("dongbo_") == Some(plain));
        // Counters without a label of their own are said with their first event.
        let later = ["exchanges", "joins", "refused", "held_acts"].contains(&plain);
        ensure(known || later, || format!("the page names {name}, which is no figure"))?;
    }
    let days = |seconds: i64| format!("| {} days |", seconds / DAY_S);
    for life in [NODE_VALIDITY_S, SERVER_VALIDITY_S, CA_VALIDITY_S] {
        ensure(PAGE.contains(&days(life)), || days(life))?;
    }
    ensure_eq(PAGE.matches(&format!("at {RENEW_AT_PERCENT} % of its life")).count(), 2)
}
