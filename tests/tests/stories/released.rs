//! Every release that is kept under `tests/fixtures` opens with today's programs, and goes on.

use std::time::Duration;

use dongbo_tests::harness::{Link, Node, Server};
use dongbo_tests::released;

use crate::{Story, ensure, ensure_eq};

/// The releases that are kept: none is ever taken out.
const RELEASES: [&str; 1] = ["v0.1"];

/// Fault 41: a province and a machine of every release open, verify, exchange and are in step. [I1 I13 I17]
/// Fault 35: whatever the age of their certificates. [I15]
#[test]
fn every_release_opens_verifies_and_goes_on() -> Story {
    for release in RELEASES {
        let dir = tempfile::tempdir()?;
        released::put_back(release, dir.path())?;
        let mut server = Server::at(&dir.path().join("server"));
        server.verified()?;
        server.start()?;
        let link = Link::to(server.address())?;
        let node = Node::new("node", &[released::SCOPE], &dir.path().join("node"), link);
        node.verified()?;
        let equation = node.equation()?;
        ensure(equation.unsent == 1 && equation.adds_up(), || format!("{equation:?}"))?;
        // The address of that day is gone; the new one is said once.
        let address = node.link.address().to_string();
        let bundle = dir.path().join("bundle").to_string_lossy().into_owned();
        node.run(&["bundle", "export", &bundle, "--server", &address])?.ok()?;
        let moved = node.exchange(Duration::from_secs(20))?;
        ensure_eq(moved.acts_sent, 1)?;
        ensure_eq(node.equation()?.unsent, 0)?;
        ensure_eq(node.conflicts()?, server.conflicts()?)?;
        ensure_eq(node.conflicts()?.len(), 1)?;
        let found = node.run_json(&["member", "search", "le thi thu hai"])?.ok()?;
        ensure(found.out.contains("Lê Thị Thử Hai"), || found.out.clone())?;
        node.verified()?;
        server.verified()?;
    }
    Ok(())
}
