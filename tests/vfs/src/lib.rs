//! A disk that breaks when it is told to, under the product's own code.
//!
//! [`install`] puts a file system of ours in front of the one that SQLite uses. What lies under a
//! [`Disk`]'s directory goes through that disk, which counts the calls and makes one of them fail,
//! finds no more room, or loses power; everything else passes untouched. The replica and the
//! registry run on it unchanged: they do not know that it is there.
//!
//! Power loss is the hard part. What SQLite writes reaches the real file at once, so that everyone
//! reads it; the disk remembers beside it what was there at the last sync. When the power goes, each
//! write since then is lost, kept, torn at a sector or kept without the one before it, as the dice
//! fall ([`Disk::power_back`]).
//!
//! Deliberately absent: files that are not SQLite's (`outbox.log`, key files, locks), which are
//! written through the standard library: a test cuts those itself; and the shared-memory file,
//! which is gone after a power cut.

mod disk;
mod image;
mod shim;

pub use disk::{Calls, Disk, Effect};
pub use shim::install;
