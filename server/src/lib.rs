//! stub

pub mod ca;
pub mod service;
pub mod registry;
pub mod session;
pub mod store;
