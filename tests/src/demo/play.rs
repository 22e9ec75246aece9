//! What the chapters share: the stage, the province, the machines, and what was learned on the way.

use std::time::Duration;

use super::cast::on_each;
use super::picture;
use super::stage::Stage;
use crate::harness::says::Moved;
use crate::harness::{Node, Trouble, World};

/// How long a machine tries again after a cut or a crash.
pub(super) const AGAIN: Duration = Duration::from_secs(30);

/// A story under way.
pub(super) struct Play<'a> {
    /// Where it is told.
    pub(super) stage: &'a Stage,
    /// The province.
    pub(super) world: World,
    /// The machines.
    pub(super) cast: Vec<Node>,
    /// The member whose telephone two machines change at once.
    pub(super) rival: String,
    /// What the two wrote.
    pub(super) rival_values: [String; 2],
    /// The office's name of the machine that was revoked, once it is.
    pub(super) revoked: Option<usize>,
}

impl Play<'_> {
    /// The machines that are still welcome.
    pub(super) fn welcome(&self) -> Vec<&Node> {
        let is_revoked = |at: usize| self.revoked == Some(at);
        self.cast.iter().enumerate().filter(|(at, _)| !is_revoked(*at)).map(|(_, n)| n).collect()
    }

    /// Does something on each machine that is welcome, under a bar.
    pub(super) fn each<T: Send>(
        &self,
        key: &str,
        work: impl Fn(&Node) -> Result<T, Trouble> + Sync,
    ) -> Result<Vec<T>, Trouble> {
        let nodes = self.welcome();
        let bar = self.stage.bar(key, nodes.len());
        let done = on_each(&nodes, || bar.inc(1), work);
        bar.finish_and_clear();
        done
    }

    /// An exchange of each machine; what they moved together.
    pub(super) fn exchange(&self) -> Result<Moved, Trouble> {
        let moved = self.each("wait-exchange", |node| node.exchange(AGAIN))?;
        Ok(moved.into_iter().fold(Moved::default(), |sum, one| Moved {
            bytes_up: sum.bytes_up + one.bytes_up,
            bytes_down: sum.bytes_down + one.bytes_down,
            acts_sent: sum.acts_sent + one.acts_sent,
            records_received: sum.records_received + one.records_received,
        }))
    }

    /// Draws the province as it stands.
    pub(super) fn draw(&self) -> Result<(), Trouble> {
        let stands = self.each("wait-look", |node| picture::stand(&self.world, node))?;
        picture::draw(self, &stands);
        Ok(())
    }

    /// The office's name of a machine.
    pub(super) fn office(&self, node: &Node) -> String {
        let code = node.scopes.first().map_or("", String::as_str);
        let unit = self.world.province.units.iter().find(|u| u.code == code);
        unit.map_or_else(|| code.to_owned(), |u| u.name_short.clone())
    }
}
