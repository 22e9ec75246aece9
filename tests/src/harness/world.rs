//! A province in a box: a directory that goes away, the generated tables, a server, and machines that join it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::link::Link;
use super::node::Node;
use super::process::Trouble;
use super::says;
use super::server::Server;
use crate::province::{Province, Size, Unit};

/// A running province.
pub struct World {
    /// The generated people and organisations.
    pub province: Province,
    /// The server.
    pub server: Server,
    dir: TempDir,
}

impl World {
    /// Generates a province, makes its server and starts it.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub fn start(seed: u64, size: Size, with_events: bool) -> Result<Self, Trouble> {
        let province = Province::generate(seed, size);
        let dir = TempDir::with_prefix("dongbo-")?;
        province.write(&dir.path().join("province"), with_events)?;
        let tables = dir.path().join("province");
        let mut server = Server::init(&dir.path().join("server"), "Bắc Giang", &tables)?;
        server.start()?;
        Ok(Self { province, server, dir })
    }

    /// The directory of it all.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Keeps the directory when the program ends.
    pub fn stay(&mut self) {
        self.dir.disable_cleanup(true);
    }

    /// The records of one scope, as a file.
    #[must_use]
    pub fn file_of(&self, scope: &str) -> PathBuf {
        self.dir.path().join("province/members").join(format!("{scope}.jsonl"))
    }

    /// The scopes, communes first.
    #[must_use]
    pub fn scopes(&self) -> Vec<&Unit> {
        let is_commune = |u: &&Unit| matches!(u.unit_type, "commune" | "ward" | "town");
        let (mut first, rest): (Vec<_>, Vec<_>) = self.province.scopes().partition(is_commune);
        first.extend(rest);
        first
    }

    /// A machine with nothing on it, and its wire.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn machine(&self, name: &str, scopes: &[&str]) -> Result<Node, Trouble> {
        let link = Link::to(self.server.address())?;
        Ok(Node::new(name, scopes, &self.dir.path().join(name), link))
    }

    /// A machine that has joined for some scopes and has heard all of them.
    ///
    /// # Errors
    /// What `invite`, `join` or `sync` say.
    pub fn node(&self, name: &str, scopes: &[&str]) -> Result<Node, Trouble> {
        let node = self.machine(name, scopes)?;
        node.join(&self.server.invite(name, scopes)?)?.ok()?;
        node.sync()?;
        Ok(node)
    }

    /// The scopes whose digest on a machine is not the server's, each with both; none when it is in step.
    ///
    /// # Errors
    /// When a side cannot say.
    pub fn differences(&self, node: &Node) -> Result<Vec<String>, Trouble> {
        let (here, there) = (
            says::digests(&node.ask(&["digest"])?)?,
            says::digests(&self.server.ask(&["digest"])?)?,
        );
        let differ = |(scope, digest): (&String, &says::Digest)| match there.get(scope) {
            Some(other) if other == digest => None,
            other => Some(format!("{scope}: here {digest:?}, there {other:?}")),
        };
        Ok(here.iter().filter_map(differ).collect())
    }

    /// Fails where a machine is not in step with the server, or knows no scope at all.
    ///
    /// # Errors
    /// Which scopes differ.
    pub fn in_step(&self, node: &Node) -> Result<(), Trouble> {
        let differ = self.differences(node)?;
        let scopes = says::digests(&node.ask(&["digest"])?)?.len();
        if differ.is_empty() && scopes >= node.scopes.len() {
            return Ok(());
        }
        Err(Trouble(format!("{} is not in step ({scopes} scopes): {differ:?}", node.name)))
    }
}
