//! Why the store could not do it, in terms of what the caller can do about it.
//!
//! No error names a value of a record: only tables, columns and numbers reach a log.

use std::sync::Arc;

/// A storage failure. Cheap to clone, since one failed commit fails every job that was in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the database: do it again.
    #[error("the database is busy")]
    Busy,
    /// No room on the disk; nothing of it was kept.
    #[error("the disk is full")]
    Full,
    /// The file or its directory may not be written.
    #[error("the database may not be written")]
    ReadOnly,
    /// Bytes that nobody wrote, or a row that says something impossible.
    #[error("the database is damaged at {0}")]
    Damaged(&'static str),
    /// The store was closed, or its writer is gone.
    #[error("the store is closed")]
    Closed,
    /// A job panicked; it was rolled back alone.
    #[error("a job failed in a way that is a bug")]
    Panicked,
    /// The backend refused for another reason: a bug of ours, or the disk.
    #[error("the database refused")]
    Backend(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A row whose packed bytes do not read back.
    pub fn damaged(what: &'static str) -> Self {
        StoreError::Damaged(what)
    }
}

/// What every transaction method returns.
pub type Result<T> = std::result::Result<T, StoreError>;
