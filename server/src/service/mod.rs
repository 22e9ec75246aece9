//! The server's edge: sockets, TLS and gRPC.
//!
//! `accept` turns sockets into connections of known peers, `tls` says who gets
//! through, `table` cuts them again. Deliberately absent: what frames mean (`session`)
//! and what the province does with them.

pub mod accept;
pub mod connection;
pub mod table;
pub mod tls;
