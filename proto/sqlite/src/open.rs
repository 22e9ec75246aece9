//! Opening a database, with every setting that its promises rest on, or saying which of
//! the known things is wrong with it.
//!
//! A build without SQLCipher takes `PRAGMA key` for an unknown pragma and would write plain
//! text without a word, so opening asks for the cipher's version each time.
//!
//! Not here: bringing the schema up ([`Schema::migrate`]), and the lock of the data
//! directory (`lock`), which is the caller's to hold.

use std::io;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::diagnose::{Damage, Diagnosis, diagnose};
use crate::files::{new_private, sync_parent};
use crate::key::DatabaseKey;
use crate::kind::{Kind, classify, classify_io};
use crate::knobs::{self, Knobs, PAGE_BYTES};
use crate::migrate::{Schema, version};
use crate::start::start;
use crate::version::cipher_version;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes a database that is there.
    ReadWrite,
    /// Reads a database that is there.
    ReadOnly,
    /// Makes the database if it is not there, or finishes one whose making was cut off;
    /// else as `ReadWrite`.
    Create,
}

/// Why a database did not open. The caller knows the path and puts it in the sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file of this name.
    #[error("the database is missing")]
    Missing,
    /// A newer build wrote it: update this one. Nothing was touched.
    #[error("the database has schema {found}, this build knows {known}")]
    NewerVersion {
        /// The schema found.
        found: u32,
        /// The newest schema of this build.
        known: u32,
    },
    /// It is ours, the key is right, and bytes in it are not what was written.
    #[error("the database is damaged ({what:?})")]
    Damaged {
        /// What does not hold.
        what: Damage,
    },
    /// No page of it was written under this key: another directory's key file or database.
    #[error("the database was not written under this key")]
    WrongKey,
    /// It is some other file: unencrypted, too short, or of another application or side.
    #[error("the file is not a database of this program")]
    NotADatabase,
    /// Another process holds it for longer than the knobs wait.
    #[error("the database is busy")]
    Busy,
    /// There is no room on the disk.
    #[error("the disk is full")]
    Full,
    /// The file or its directory may not be written.
    #[error("the database may not be written")]
    ReadOnly,
    /// This binary was built without SQLCipher and must not be used.
    #[error("this build has no SQLCipher")]
    NoCipher,
    /// The system refused.
    #[error("the database cannot be read or written")]
    Io(#[source] io::Error),
    /// SQLite refused for a reason that is none of the above.
    #[error("the database cannot be opened")]
    Sqlite(#[source] rusqlite::Error),
}

impl OpenError {
    /// What can be done about it, in the terms of [`classify`].
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Damaged { .. } => Kind::Damaged,
            Self::Busy => Kind::Busy,
            Self::Full => Kind::Full,
            Self::ReadOnly => Kind::ReadOnly,
            Self::Io(e) => classify_io(e),
            Self::Sqlite(e) => classify(e),
            _ => Kind::Other,
        }
    }
}

/// Opens a database of this schema's side.
///
/// The schema may be older than this build's: [`Schema::migrate`] brings it up.
///
/// # Errors
/// Any [`OpenError`]; the file is unchanged by a refusal.
pub fn open(
    path: &Path,
    key: &DatabaseKey,
    schema: &Schema,
    knobs: Knobs,
    access: Access,
) -> Result<Connection, OpenError> {
    if access == Access::Create {
        make_file(path)?;
    }
    let conn = connect(path, key, knobs, access)?;
    identify(&conn, path, key, schema, access)?;
    knobs::apply_any(&conn, knobs).map_err(|e| of_sqlite(e, path, key))?;
    if access == Access::ReadOnly {
        conn.pragma_update(None, "query_only", true).map_err(|e| of_sqlite(e, path, key))?;
    } else {
        knobs::apply_writer(&conn, knobs).map_err(|e| of_sqlite(e, path, key))?;
    }
    Ok(conn)
}

/// A keyed connection that has read its first page, with no other setting and no check of
/// whose file it is.
pub(crate) fn connect(
    path: &Path,
    key: &DatabaseKey,
    knobs: Knobs,
    access: Access,
) -> Result<Connection, OpenError> {
    if !path.try_exists().map_err(of_io)? {
        return Err(OpenError::Missing);
    }
    let flags = match access {
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::ReadWrite | Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    start();
    #[expect(clippy::disallowed_methods, reason = "the one place that opens, and gives the key")]
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| of_sqlite(e, path, key))?;
    give_key(&conn, key, knobs).map_err(|e| of_sqlite(e, path, key))?;
    if cipher_version(&conn).map_err(OpenError::Sqlite)?.is_empty() {
        return Err(OpenError::NoCipher);
    }
    read_first_page(&conn).map_err(|e| of_sqlite(e, path, key))?;
    Ok(conn)
}

/// The key must come before anything that reads the file.
fn give_key(conn: &Connection, key: &DatabaseKey, knobs: Knobs) -> rusqlite::Result<()> {
    conn.busy_timeout(knobs.busy_timeout)?;
    // Else SQLCipher prints a line to stderr for every page that it refuses; whoever reads
    // the result prints one sentence instead.
    conn.pragma_update(None, "cipher_log_level", "NONE")?;
    conn.pragma_update(None, "key", key.pragma().as_str())?;
    conn.pragma_update(None, "cipher_page_size", PAGE_BYTES as i64)
}

fn read_first_page(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Whose file is it, and from which build?
fn identify(
    conn: &Connection,
    path: &Path,
    key: &DatabaseKey,
    schema: &Schema,
    access: Access,
) -> Result<(), OpenError> {
    let read = || -> rusqlite::Result<(i32, u32, i64)> {
        let id = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let pages = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        Ok((id, version(conn)?, pages))
    };
    match read().map_err(|e| of_sqlite(e, path, key))? {
        (id, found, _) if id == schema.application_id => {
            let checked = refuse_newer(found, schema.known());
            if checked.is_err() {
                leave_as_it_is(conn);
            }
            checked
        }
        // SQLite takes an empty file for a database without tables.
        (0, 0, 0) if access == Access::Create => mark(conn, path, key, schema),
        (0, 0, 0) => Err(OpenError::Damaged { what: Damage::Empty }),
        _ => Err(OpenError::NotADatabase),
    }
}

/// Says that a database which is refused must not be touched when this connection closes: what its
/// last user left in the log of writes would else be moved into the file. For a refusal that a caller
/// finds after [`open`], before anything was written.
pub fn leave_as_it_is(conn: &Connection) {
    let log = conn.path().map(|path| format!("{path}-wal"));
    // An empty log is this connection's own, and goes with it.
    if log.is_some_and(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0)) {
        // Where SQLite does not know the setting, closing does what it always does.
        let _ = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

fn refuse_newer(found: u32, known: u32) -> Result<(), OpenError> {
    if found > known { Err(OpenError::NewerVersion { found, known }) } else { Ok(()) }
}

/// The first write to a new file says whose it is, so that there is no moment at which it
/// is a database of nobody.
fn mark(
    conn: &Connection,
    path: &Path,
    key: &DatabaseKey,
    schema: &Schema,
) -> Result<(), OpenError> {
    conn.pragma_update(None, "application_id", schema.application_id)
        .map_err(|e| of_sqlite(e, path, key))
}

/// Makes the empty file ourselves: SQLite would make it readable by everyone.
fn make_file(path: &Path) -> Result<(), OpenError> {
    match new_private(path) {
        Ok(_) => sync_parent(path).map_err(of_io),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(of_io(e)),
    }
}

pub(crate) fn of_io(error: io::Error) -> OpenError {
    match (error.kind(), classify_io(&error)) {
        (io::ErrorKind::NotFound, _) => OpenError::Missing,
        (_, Kind::Full) => OpenError::Full,
        (_, Kind::ReadOnly) => OpenError::ReadOnly,
        _ => OpenError::Io(error),
    }
}

/// Names an error of SQLite's. Only "not a database" needs a look at the file itself.
fn of_sqlite(error: rusqlite::Error, path: &Path, key: &DatabaseKey) -> OpenError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        return match diagnose(path, key) {
            Ok(Diagnosis::Damaged(what)) => OpenError::Damaged { what },
            Ok(Diagnosis::WrongKey) => OpenError::WrongKey,
            Ok(Diagnosis::NotADatabase) => OpenError::NotADatabase,
            Err(e) => of_io(e),
        };
    }
    match classify(&error) {
        Kind::Full => OpenError::Full,
        Kind::Busy => OpenError::Busy,
        Kind::ReadOnly => OpenError::ReadOnly,
        Kind::Damaged => OpenError::Damaged { what: Damage::Contents },
        _ => OpenError::Sqlite(error),
    }
}
