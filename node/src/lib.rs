//! The commune's node: an encrypted replica that works offline and brings its acts up when there
//! is a link.
//!
//! ```text
//! cli → office → replica (the only room with SQL)
//!           └──→ exchange (the only room with gRPC) → session (no I/O) → dongbo-proto
//! ```

pub mod exchange;
pub mod replica;
pub mod session;
pub mod system;
