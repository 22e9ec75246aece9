//! A province in a box.

pub mod bench;
pub mod demo;
pub mod fuzz;
pub mod harness;
pub mod herd;
pub mod province;
pub mod sim;
