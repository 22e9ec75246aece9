//! The replica against a model of the province, the node's certificate checks, and its commands as
//! people and scripts run them. One program, since each links SQLCipher.

mod cli_files;
mod cli_office;
mod cli_states;
mod cli_support;
mod cli_words;
mod replica_acts;
mod replica_blocks;
mod replica_durable;
mod replica_exchange;
mod replica_fill;
mod replica_fork;
mod replica_model;
mod replica_restore;
mod replica_support;
mod replica_turns;
mod tls_trust;
