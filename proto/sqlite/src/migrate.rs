//! The schema of a database: who it belongs to, and the numbered steps that make it.
//!
//! A step runs in one transaction with its number, so a crash leaves a database before it
//! or behind it. Released steps are never edited: a database made today must equal one that
//! was carried along, and [`Schema::fingerprints`] lets each side pin that in a test.
//!
//! Not here: the steps (they are SQL beside the code of each side), and downgrades: a
//! database from a newer build is refused, whole and untouched.

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, TransactionBehavior};

/// One step: its name, for people, and its SQL, without any `BEGIN` or `COMMIT`.
pub type Migration = (&'static str, &'static str);

/// What a database is and how it comes to be.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Marks the file as ours and as this side's (SQLite's `application_id`): never zero.
    pub application_id: i32,
    /// The steps, in order; the first one is number 1.
    pub migrations: &'static [Migration],
}

/// Why a schema could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer build wrote this database.
    #[error("the database has schema {found}, this build knows {known}")]
    NewerVersion {
        /// The schema found.
        found: u32,
        /// The newest schema of this build.
        known: u32,
    },
    /// A step failed; the database stands where it stood before that step.
    #[error("schema step {name} failed")]
    Step {
        /// The step that failed.
        name: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The version could not be read.
    #[error("the schema version cannot be read")]
    Sqlite(#[from] rusqlite::Error),
}

impl Schema {
    /// The newest version that this build knows: the number of its last step.
    #[must_use]
    pub fn known(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }

    /// Runs the steps that this database has not had, and returns how many they were.
    ///
    /// # Errors
    /// Any [`MigrateError`]; steps before a failed one are kept.
    pub fn migrate(&self, conn: &mut Connection) -> Result<u32, MigrateError> {
        let mut ran = 0;
        while self.step(conn)? {
            ran += 1;
        }
        Ok(ran)
    }

    /// Name and hash of each step. A side's test holds this against a committed list, so
    /// that an edit of a released step fails the build.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<(&'static str, String)> {
        let hash = |sql: &str| {
            let digest = digest::digest(&digest::SHA256, sql.as_bytes());
            HEXLOWER.encode(&digest.as_ref()[..8])
        };
        self.migrations.iter().map(|(name, sql)| (*name, hash(sql))).collect()
    }

    /// One step, if one is due. The version is read inside the write transaction: another
    /// process may be bringing up the same file.
    fn step(&self, conn: &mut Connection) -> Result<bool, MigrateError> {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&tx)?;
        if found > self.known() {
            return Err(MigrateError::NewerVersion { found, known: self.known() });
        }
        let Some((name, sql)) = self.migrations.get(found as usize) else { return Ok(false) };
        tx.execute_batch(sql)
            .and_then(|()| tx.pragma_update(None, "user_version", found + 1))
            .and_then(|()| tx.commit())
            .map_err(|source| MigrateError::Step { name, source })?;
        Ok(true)
    }
}

/// The schema version of a database; 0 before its first step.
///
/// # Errors
/// What `rusqlite` says of a database that cannot be read.
pub fn version(conn: &Connection) -> rusqlite::Result<u32> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The schema as text, in an order that does not depend on how it came to be: equal for two
/// databases if and only if they have the same tables, indexes, views and triggers.
///
/// # Errors
/// What `rusqlite` says of a database that cannot be read.
pub fn schema_text(conn: &Connection) -> rusqlite::Result<String> {
    let mut rows = conn.prepare(
        "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1",
    )?;
    let lines: rusqlite::Result<Vec<String>> = rows.query_map([], |row| row.get(0))?.collect();
    Ok(lines?.join("\n"))
}
