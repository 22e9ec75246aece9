//! The registry's laws, the stores' contract, the listener and the operator's commands. One
//! program, since each links SQLCipher.

mod cli;
mod registry_fork;
mod registry_law;
mod registry_lessons;
mod registry_merge;
mod registry_page;
mod registry_proof;
mod registry_retract;
mod registry_world;
mod store;
mod tls_accept;
mod tls_ca;
