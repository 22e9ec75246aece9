//! The roads to the province: crowded, slow, and bad.

mod crowded;
#[cfg(target_os = "linux")]
mod slow;
