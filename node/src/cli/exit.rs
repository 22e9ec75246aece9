//! The exit codes: a contract with scripts (`node/docs/CLI.md`).

use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; after an exchange: in step.
    Done = 0,
    /// A fault of the program or of the machine that has no better name.
    Unexpected = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The data given are not valid; nothing, or only the good rows, was kept.
    BadData = 3,
    /// No link, or it was cut; everything here is kept.
    NoLink = 4,
    /// The province refused, or this machine may only deliver.
    Refused = 5,
    /// The files could not be read or written: full, damaged, wrong key, newer version.
    Storage = 6,
    /// Another process is using the data directory.
    Busy = 7,
    /// A field is in conflict and `--settle` was not given.
    InConflict = 8,
    /// What was named is not here.
    NotFound = 9,
    /// Something does not agree: `verify` found it, or the digests differ.
    NotInStep = 10,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
