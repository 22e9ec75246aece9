//! What node and server agree on, byte for byte and rule for rule.
//!
//! Everything here is pure: no I/O, no clock, no randomness, no threads. Time, random bytes and
//! ids are passed in, which is what lets the simulator run the very code that runs in a commune.
//! The words are those of `docs/SYNC.md`: record, act, journal, scope, placement, revision, head.
//!
//! Deliberately absent: SQL (`dongbo-sqlite`, the replica, the store), sockets (exchange, service)
//! and sentences for people beyond the one mechanism that looks them up by key (`words`).

pub mod act;
pub mod bytes;
pub mod catalogue;
pub mod chain;
pub mod code;
pub mod digest;
pub mod fate;
pub mod frame;
pub mod id;
pub mod invariant;
pub mod limits;
pub mod link;
pub mod merge;
pub mod record;
pub mod seam;
pub mod sign;
pub mod squash;
pub mod stamp;
pub mod states;
pub mod stick;
pub mod value;
pub mod wire;
pub mod words;
