//! Bytes from strangers, one function for each way in: what cargo-fuzz runs (`tests/fuzz`, which needs a nightly
//! compiler) and what an ordinary test runs over the committed corpus and its mutations (`tests/tests/fuzz.rs`).
//!
//! A target must return, whatever it is given: a panic, an endless loop or memory beyond the limits is a finding.
//! Deliberately absent: what the bytes would mean to a running server or node (`tests/tests/hostile`).

mod batch;
mod import;
mod mutate;
mod request;
mod session;
mod wire;

pub use batch::batch;
pub use import::import;
pub use mutate::Mutator;
pub use request::request;
pub use session::session;
pub use wire::wire;

/// A target: it takes any bytes and returns.
pub type Target = fn(&[u8]);

/// All targets, by the names of their corpora.
pub const TARGETS: [(&str, Target); 5] = [
    ("wire", wire as Target),
    ("session", session),
    ("batch", batch),
    ("import", import),
    ("request", request),
];
