//! Exit codes: what a script can act on. They are a contract (`server/docs/CLI.md`) and mean the
//! same on the node's command line.

/// Why the program ended. Zero is success and is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Something that nobody foresaw.
    Unexpected = 1,
    /// The command line does not say what to do.
    Usage = 2,
    /// A file or a value that was given is not valid; nothing of it was kept.
    BadInput = 3,
    /// The other side could not be reached (the node's; here a port that is taken).
    Unreachable = 4,
    /// It was understood, and may not be done.
    Refused = 5,
    /// The disk, the database or its key.
    Storage = 6,
    /// Another process has it.
    Busy = 7,
    /// A field is in conflict, and settling it was not asked for.
    Conflict = 8,
    /// There is no such thing.
    NotFound = 9,
    /// `verify` found something.
    Findings = 10,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}
