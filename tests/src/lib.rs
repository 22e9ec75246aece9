//! A province in a box.

pub mod province;
