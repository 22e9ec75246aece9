//! Which SQLite and which SQLCipher this binary carries. A test of each shipped binary
//! holds them against [`SQLITE_VERSION_MIN`].

use rusqlite::Connection;

/// Oldest SQLite that may be shipped: before 3.51.3 a WAL reset could corrupt a database
/// that two connections used.
pub const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// The versions linked into this binary, as they name themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// SQLite, such as `3.54.1`.
    pub sqlite: String,
    /// SQLCipher, such as `4.20.0 community`; empty in a build without it.
    pub cipher: String,
}

impl Versions {
    /// Whether this build may be shipped: encrypted, and past the WAL bug.
    #[must_use]
    pub fn may_ship(&self) -> bool {
        !self.cipher.is_empty() && sqlite_number() >= SQLITE_VERSION_MIN
    }
}

/// The versions behind a connection.
///
/// # Errors
/// What `rusqlite` says of a connection that cannot run a statement.
pub fn versions(conn: &Connection) -> rusqlite::Result<Versions> {
    Ok(Versions { sqlite: rusqlite::version().to_owned(), cipher: cipher_version(conn)? })
}

/// The linked SQLite as numbers.
#[must_use]
pub fn sqlite_number() -> (u32, u32, u32) {
    let number = rusqlite::version_number().unsigned_abs();
    (number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

/// SQLCipher's version, or nothing: plain SQLite takes the pragma for an unknown one and is silent.
pub(crate) fn cipher_version(conn: &Connection) -> rusqlite::Result<String> {
    let mut version = String::new();
    conn.pragma_query(None, "cipher_version", |row| {
        version = row.get(0)?;
        Ok(())
    })?;
    Ok(version)
}
