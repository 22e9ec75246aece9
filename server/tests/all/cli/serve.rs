//! `serve`: who holds the directory, what works beside it, how it ends.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{AN, Site};

/// A server that is stopped when it is dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(site: &Site, json: bool) -> (Serving, String) {
    let mut command = site.command(&site.data());
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"]);
    command.args(json.then_some("--json")).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let serving = Serving(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    (serving, line.trim().to_owned())
}

#[test]
fn it_says_where_it_listens_and_listens_there() {
    let site = Site::made();
    let (_serving, line) = serve(&site, false);
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    assert_ne!(address.port(), 0);
    TcpStream::connect(address).unwrap();
}

#[test]
fn a_second_one_is_told_who_serves() {
    let site = Site::made();
    let (serving, line) = serve(&site, true);
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["pid"], serving.0.id());
    let second = site.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.fault(7), "fault-in-use");
    assert!(second.err.contains(&serving.0.id().to_string()), "{second:?}");
    let file = site.path("backup.db");
    let file = file.to_str().unwrap();
    site.run(&["backup", file]).json();
    assert_eq!(site.run(&["restore", file]).fault(7), "fault-in-use");
    assert_eq!(site.run(&["status"]).json()["pid"], serving.0.id());
}

#[test]
fn the_desk_works_beside_it() {
    let site = Site::peopled();
    let (_serving, _) = serve(&site, false);
    site.run(&["invite", "--scope", "07201"]).json();
    site.run(&["record", "edit", AN, "--set", "phone=0912"]).json();
    assert_eq!(
        site.run(&["verify"]).json(),
        json!({ "sound": true, "pages_checked": false, "findings": [] })
    );
    assert_eq!(site.run(&["conflicts"]).code, 0);
}

#[test]
fn an_address_in_use_is_said() {
    let site = Site::made();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(site.run(&["serve", "--listen", &address]).fault(4), "fault-address");
    assert_eq!(site.run(&["serve", "--log", "a=b=c"]).fault(2), "fault-log-filter");
}

#[cfg(unix)]
#[test]
fn it_ends_in_order_when_told_to() {
    let site = Site::peopled();
    for signal in ["-TERM", "-INT"] {
        let (mut serving, _) = serve(&site, false);
        let pid = serving.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let begun = Instant::now();
        let ended = loop {
            if let Some(status) = serving.0.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "still running after {signal}");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(ended.success(), "{signal}: {ended}");
    }
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}
