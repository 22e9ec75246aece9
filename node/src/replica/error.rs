//! What can go wrong with a replica, by what the caller can do about it.
//!
//! No error holds a member's data: only ids, positions and the names of things.

use dongbo_proto::bytes::Truncated;
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{RecordId, ScopeId};
use dongbo_proto::wire::WireError;
use dongbo_sqlite::{Failure, Kind, LockError, MigrateError, OpenError, classify, classify_io};

/// Why an operation on the replica was not done. Unless said otherwise nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The database does not open.
    #[error("the replica does not open")]
    Open(#[from] OpenError),
    /// Another process is using the data directory and did not give way.
    #[error("the data directory is in use")]
    Locked(#[from] LockError),
    /// The schema could not be brought up.
    #[error("the replica's schema could not be brought up")]
    Migrate(#[from] MigrateError),
    /// A newer build wrote this replica: its catalogue has fields that this one does not know.
    #[error("the replica has catalogue {found}, this build knows {known}")]
    NewerCatalogue {
        /// The catalogue found.
        found: u32,
        /// The catalogue of this build.
        known: u32,
    },
    /// There already is a replica in this directory.
    #[error("there already is a replica in this directory")]
    Exists,
    /// SQLite refused; [`ReplicaError::storage`] says what that means.
    #[error("the replica could not be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// The system refused.
    #[error("a file beside the replica could not be read or written")]
    Io(#[from] std::io::Error),
    /// A row or a log holds bytes that nobody wrote there.
    #[error("the replica contradicts itself at {0}")]
    Damaged(&'static str),
    /// The log of unsent acts reaches further than the replica, and acts between are missing: the
    /// replica was put back to an earlier state. Nothing may be written to it.
    #[error(
        "the journal ends at {journal} and the outbox begins at {outbox}: the replica was put back"
    )]
    Rewound {
        /// The last position of the journal.
        journal: u64,
        /// The first position that the outbox still has.
        outbox: u64,
    },
    /// Acts are missing between what the province holds and what is left here: the damaged replica may
    /// still have them. Nothing was changed.
    #[error("acts {from} to {to} are neither at the province nor readable here")]
    Unsalvageable {
        /// The first position that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The server would not take this act; it was not saved.
    #[error("draft {draft} cannot be saved: {reason:?}")]
    Refused {
        /// Its index among those given.
        draft: usize,
        /// Why.
        reason: Reason,
    },
    /// An act writes to a record that is not here.
    #[error("record {0} is not in this replica")]
    UnknownRecord(RecordId),
    /// An act creates a record that is here already.
    #[error("record {0} is already in this replica")]
    RecordExists(RecordId),
    /// An act creates a record in a scope that this node does not hold.
    #[error("scope {0} is not held by this node")]
    ScopeNotHeld(ScopeId),
    /// A receipt, checkpoint or outcome does not follow from what was said before.
    #[error("the server's word does not hold: {0}")]
    Word(#[from] Word),
    /// Stored acts could not be laid out for sending.
    #[error("acts could not be laid out")]
    Wire(#[from] WireError),
}

/// In which way something that the server said does not hold. Nothing was overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Word {
    /// The signature of a receipt is not the province's.
    #[error("the signature of a receipt is not the province's")]
    ReceiptSignature,
    /// A receipt is for another author or epoch.
    #[error("a receipt is for another author or epoch")]
    ReceiptForOther,
    /// A receipt speaks of acts that this node never made, or hashes them otherwise.
    #[error("a receipt does not match this node's journal")]
    ReceiptMismatch,
    /// The parts of a receipt do not add up.
    #[error("the parts of a receipt do not add up")]
    ReceiptSum,
    /// Acknowledgements leave out acts, or name acts that were never made.
    #[error("acknowledgements do not follow each other")]
    AckGap,
    /// The signature of a checkpoint is not the province's.
    #[error("the signature of a checkpoint is not the province's")]
    CheckpointSignature,
    /// A checkpoint is for another epoch.
    #[error("a checkpoint is for another epoch")]
    CheckpointForOther,
    /// A checkpoint does not extend the last one: a scope went back, or its history was changed.
    #[error("a checkpoint does not extend the one before")]
    CheckpointWentBack,
    /// A page says of a record that it is at home in its scope, and the record says otherwise.
    #[error("a page holds a record that is at home elsewhere")]
    PageMisplaced,
    /// Outcomes leave a gap in the inbox.
    #[error("outcomes leave a gap in the inbox")]
    InboxGap,
    /// The server's epoch does not descend from the one known here.
    #[error("the server's epoch does not descend from the one known here")]
    ForeignEpoch,
}

impl ReplicaError {
    /// What it means for storage, where it is a matter of storage.
    pub fn storage(&self) -> Option<Kind> {
        match self {
            ReplicaError::Open(e) => Some(e.kind()),
            ReplicaError::Locked(LockError::Held { .. }) => Some(Kind::Busy),
            ReplicaError::Locked(LockError::Io(e)) | ReplicaError::Io(e) => Some(classify_io(e)),
            ReplicaError::Migrate(MigrateError::Step { source, .. }) => Some(classify(source)),
            ReplicaError::Migrate(MigrateError::Sqlite(e)) | ReplicaError::Sqlite(e) => {
                Some(classify(e))
            }
            ReplicaError::Damaged(_) => Some(Kind::Damaged),
            _ => None,
        }
    }
}

impl Failure for ReplicaError {
    fn storage(&self) -> Option<Kind> {
        ReplicaError::storage(self)
    }
}

impl From<Truncated> for ReplicaError {
    fn from(_: Truncated) -> Self {
        ReplicaError::Damaged("packed bytes")
    }
}

/// The result of an operation on the replica.
pub type Result<T> = std::result::Result<T, ReplicaError>;
