//! The provincial server of Đồng Bộ: it merges what communes wrote offline, keeps every act, and
//! gives each node what is its own.
//!
//! Arrows run down: `cli`, `service` → `registry`, `session` → `store` → `dongbo_proto`. `ca` makes
//! and reads certificates; `system` is the one place that asks the machine for time and random
//! bytes. How it is operated is in `server/docs/CLI.md`.
//!
//! Deliberately absent: anything of a node; both sides meet only in `dongbo_proto`.

pub mod ca;
pub mod cli;
pub mod registry;
pub mod service;
pub mod session;
pub mod store;
pub mod system;
