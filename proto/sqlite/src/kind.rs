//! What a storage error means to the one who must act on it. Both sides turn a [`Kind`]
//! into a sentence; neither matches on SQLite's codes.
//!
//! Not here: the sentence, and any retry. A connection that met a damaged page is spent,
//! and what it says afterwards may go by another name: ask through
//! [`verified`](crate::verified) first.

use std::io;

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// What can be done about a storage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No room on the disk: make room, then do it again. Nothing of it was kept.
    Full,
    /// Another process or connection is writing: do it again.
    Busy,
    /// The file, its directory or the connection may not be written.
    ReadOnly,
    /// The file holds bytes that nobody wrote.
    Damaged,
    /// The disk or the system failed.
    Io,
    /// A row breaks a rule of its table: a bug of ours or bad input, never the disk.
    Constraint,
    /// Anything else: a bug of ours.
    Other,
}

/// The kind of an error that `rusqlite` returned.
#[must_use]
pub fn classify(error: &rusqlite::Error) -> Kind {
    use rusqlite::Error::{SqlInputError, SqliteFailure};
    match error {
        SqliteFailure(code, _) | SqlInputError { error: code, .. } => of_code(*code),
        _ => Kind::Other,
    }
}

/// The kind of an error of the file system.
#[must_use]
pub fn classify_io(error: &io::Error) -> Kind {
    use io::ErrorKind as E;
    match error.kind() {
        E::StorageFull | E::QuotaExceeded => Kind::Full,
        E::PermissionDenied | E::ReadOnlyFilesystem => Kind::ReadOnly,
        E::WouldBlock | E::ResourceBusy => Kind::Busy,
        _ => Kind::Io,
    }
}

fn of_code(code: ffi::Error) -> Kind {
    match code.extended_code {
        // The shared-memory file could not grow: what a full disk looks like to the first
        // reader after a start.
        ffi::SQLITE_IOERR_SHMSIZE => return Kind::Full,
        ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA => return Kind::Damaged,
        _ => {}
    }
    match code.code {
        ErrorCode::DiskFull => Kind::Full,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => Kind::Busy,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Kind::ReadOnly,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Kind::Damaged,
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Kind::Io,
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
            Kind::Constraint
        }
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_what_can_be_done() {
        let cases = [
            (ffi::SQLITE_FULL, Kind::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, Kind::Full),
            (ffi::SQLITE_BUSY_SNAPSHOT, Kind::Busy),
            (ffi::SQLITE_LOCKED, Kind::Busy),
            (ffi::SQLITE_READONLY_DIRECTORY, Kind::ReadOnly),
            (ffi::SQLITE_CORRUPT_VTAB, Kind::Damaged),
            (ffi::SQLITE_NOTADB, Kind::Damaged),
            (ffi::SQLITE_IOERR_FSYNC, Kind::Io),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, Kind::Constraint),
            (ffi::SQLITE_MISUSE, Kind::Other),
        ];
        for (code, kind) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(classify(&error), kind, "code {code}");
        }
    }

    #[test]
    fn a_full_disk_is_full_to_the_file_system_too() {
        assert_eq!(classify_io(&io::ErrorKind::StorageFull.into()), Kind::Full);
        assert_eq!(classify_io(&io::ErrorKind::ReadOnlyFilesystem.into()), Kind::ReadOnly);
    }
}
