//! The server's edge: sockets, TLS and gRPC.
//!
//! `admission` lets conversations in, in the order of a `line`; `accept` turns sockets into connections of known peers, `tls` says who gets through, `table`
//! cuts them again; `run` serves, `converse` carries one conversation, `joining` lets newcomers
//! in, `stick` does both for a file, and `province` is what they all ask. Deliberately absent: what frames mean (`session`) and
//! what acts do (`registry`).

pub mod accept;
pub mod admission;
pub mod connection;
pub mod converse;
pub mod joining;
pub mod line;
pub mod prepared;
pub mod province;
pub mod run;
pub mod stick;
pub mod table;
pub mod tls;

pub use province::{Patience, Province};
pub use run::run;
