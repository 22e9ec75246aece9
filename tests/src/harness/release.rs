//! Which release of the programs is installed on a machine: this one, or a later one.

use std::process::Command;

use super::binaries::binaries;

/// A release of the programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// The one that is shipped.
    #[default]
    This,
    /// One with a later catalogue ([`crate::skew`]), by its schema version.
    Later(u32),
}

/// Which of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `dongbo-node`.
    Node,
    /// `dongbo-server`.
    Server,
}

impl Release {
    /// The program of a side, without arguments yet.
    ///
    /// # Panics
    /// If it was not built.
    #[must_use]
    pub fn program(self, side: Side) -> Command {
        let built = binaries().unwrap_or_else(|e| panic!("{e}"));
        match (self, side) {
            (Release::This, Side::Node) => Command::new(&built.node),
            (Release::This, Side::Server) => Command::new(&built.server),
            (Release::Later(version), side) => {
                let mut command = Command::new(&built.skewed);
                let side = if side == Side::Node { "node" } else { "server" };
                command.args([version.to_string().as_str(), side]);
                command
            }
        }
    }
}
