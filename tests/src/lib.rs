//! A province in a box.

pub mod bench;
pub mod demo;
pub mod faults;
pub mod fuzz;
pub mod harness;
pub mod herd;
#[cfg(target_os = "linux")]
pub mod links;
pub mod province;
pub mod released;
pub mod sim;
pub mod skew;
