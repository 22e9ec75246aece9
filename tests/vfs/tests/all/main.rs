//! The product on a disk that breaks: every named step of replica and registry, every call of it.
//!
//! Each loop takes a stride through the calls of a step so that a run takes seconds, and prints its
//! seed when it fails. `DONGBO_VFS_STRIDE=1` makes every loop exhaustive, `DONGBO_VFS_SEEDS=n` draws
//! n power cuts at each call, `DONGBO_VFS_SEED=n` begins at another seed:
//!
//! ```sh
//! DONGBO_VFS_STRIDE=1 DONGBO_VFS_SEEDS=4 cargo test --release -p dongbo-vfs -- --nocapture
//! ```

mod bytes;
mod faults;
mod house;
mod power;
mod steps;
