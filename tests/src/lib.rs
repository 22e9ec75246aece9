//! A province in a box.

pub mod bench;
pub mod province;
pub mod sim;
