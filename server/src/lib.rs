//! stub

pub mod ca;
pub mod service;
