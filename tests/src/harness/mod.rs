//! A province of real processes: a server, nodes, and the links between them, for the demo, the stories and the
//! kill tests.
//!
//! Everything goes through the binaries that ship and the command lines that people type, over real TLS. The only
//! thing in between is a [`Link`], a wire that can be pulled, slowed down, or cut after so many bytes. Every wait has
//! an end, so that a hang is a failure that says where.
//!
//! Machines run this release, or a later one that is made from it ([`Release`]).
//!
//! Deliberately absent: any type of the product. What it says of itself in `--json` is the contract, and is read here
//! as a stranger would read it ([`says`]).

mod binaries;
mod clerk;
mod desk;
mod disk;
mod link;
mod node;
mod process;
mod release;
pub mod says;
pub mod scrape;
mod server;
pub mod strangers;
pub mod tamper;
mod world;

pub use binaries::{Binaries, NotBuilt, binaries};
pub use disk::SmallDisk;
pub use link::Link;
pub use node::{Clock, Node, Watch};
pub use process::{Ran, Trouble};
pub use release::{Release, Side};
pub use server::Server;
pub use world::World;
