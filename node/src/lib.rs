//! The commune's node of Đồng Bộ: an encrypted replica that works offline, and the exchange that
//! brings the office's acts to the province and the province's word back.
//!
//! ```text
//! main → cli → office → exchange → session
//!                 └──────→ replica ←─┘        (all of them over dongbo-proto)
//! ```
//!
//! - [`replica`]: the only room with SQL. The view, the journal, the outbox, the scopes.
//! - [`session`]: the conversation without I/O. [`exchange`]: the only room with tonic and TLS.
//! - [`office`]: what people do with it. [`cli`]: the command line, whose names and JSON are a
//!   contract (`node/docs/CLI.md`).
//! - [`system`]: the one place that asks the machine for time and chance.
//!
//! Deliberately absent: merging (the server does it, the replica runs the same pure function for
//! its own view), and anything of the server's: both sides share `dongbo-proto` only.

pub mod cli;
pub mod exchange;
pub mod office;
pub mod replica;
pub mod session;
pub mod system;
