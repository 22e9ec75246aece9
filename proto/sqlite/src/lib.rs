//! The one SQLCipher build that both sides link, and everything about a database file
//! that does not depend on what is stored in it.
//!
//! A workspace build unifies features, so a server that asked for plain SQLite would be
//! tested on SQLCipher and shipped without it. Here is the only crate that names the
//! build; node and server reach `rusqlite` through [`rusqlite`].
//!
//! - [`keyfile`], [`key`], [`passphrase`], [`seal`]: where the key lives, and what else it seals
//! - [`mod@start`], [`mod@open`], [`knobs`], [`diagnose`], [`kind`]: opening, and naming what is wrong
//! - [`migrate`], [`check`], [`mod@backup`], [`pages`]: schema, soundness, copies, cost
//! - [`lock`], [`files`]: the data directory around the database
//!
//! Deliberately not here: any table, any record, any sentence for people (errors are
//! kinds; their text is looked up by key), any clock or random source (entropy is passed in).

pub mod backup;
pub mod check;
pub mod diagnose;
pub mod files;
pub mod key;
pub mod keyfile;
pub mod kind;
pub mod knobs;
pub mod lock;
pub mod migrate;
pub mod open;
pub mod pages;
pub mod passphrase;
pub mod seal;
pub mod start;
pub mod version;

pub use backup::{BackupError, Existing, Progress, Written, backup, restore};
pub use check::{Failure, damaged_pages, quick_check, verified};
pub use diagnose::Damage;
pub use key::{DatabaseKey, Guarded};
pub use keyfile::{KeyError, KeyFile, Protection};
pub use kind::{Kind, classify, classify_io};
pub use knobs::Knobs;
pub use lock::{DirLock, LockError, LockFile, LockGuard};
pub use migrate::{MigrateError, Migration, Schema};
pub use open::{Access, OpenError, leave_as_it_is, open};
pub use rusqlite;
pub use seal::{SealBroken, Sealer};
pub use start::start;
pub use version::{SQLITE_VERSION_MIN, Versions, versions};

/// A source of random bytes, passed in by the one place in each binary that has one, so
/// that a simulation with the same seed makes the same keys. It fills the whole slice.
pub type Entropy<'a> = dyn FnMut(&mut [u8]) + 'a;
