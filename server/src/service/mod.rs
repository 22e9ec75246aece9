//! The server's edge: sockets, TLS and gRPC.
//!
//! `admission` lets conversations in, in the order of a `line`; `accept` turns sockets into connections of known peers, `tls` says who gets through, `table`
//! cuts them again; `run` serves, `converse` carries one conversation, `joining` lets newcomers
//! in, `stick` does both for a file, and `province` is what they all ask. `metrics` is what they count, and
//! `scrape` shows it. Deliberately absent: what frames mean (`session`) and what acts do (`registry`).

pub mod accept;
mod account;
pub mod admission;
pub mod connection;
pub mod converse;
pub mod gauges;
pub mod joining;
pub mod line;
pub mod metrics;
pub mod prepared;
pub mod province;
pub mod run;
pub mod scrape;
pub mod stick;
pub mod table;
pub mod tls;

pub use province::{Patience, Province};
pub use run::run;
