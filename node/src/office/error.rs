//! Why something that the office wanted was not done, by what the person can do about it.
//!
//! No error holds a member's data: only ids, the names of fields and kinds, codes of units and
//! scopes, and row numbers. Nothing of a refused action was kept unless the variant says so.

use std::io;

use dongbo_proto::catalogue::Invalid;
use dongbo_proto::code::CodeError;
use dongbo_proto::id::{ActId, RecordId};
use dongbo_sqlite::KeyError;

use crate::exchange::{ExchangeError, key};
use crate::replica::ReplicaError;

/// Why an action of the office was not done.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The replica could not do it.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The exchange did not come to its end.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The key file gave no key.
    #[error(transparent)]
    KeyFile(#[from] KeyError),
    /// The machine could not make its own key.
    #[error(transparent)]
    NodeKey(#[from] key::KeyError),
    /// A file could not be read or written.
    #[error("a file could not be read or written")]
    Io(#[from] io::Error),
    /// The directory holds no node.
    #[error("this directory has not joined a province")]
    NotJoined,
    /// The directory holds a node already.
    #[error("this directory has joined a province already")]
    AlreadyJoined,
    /// There is nothing to salvage: the replica is sound.
    #[error("the replica is sound")]
    NotDamaged,
    /// The file with the node's identity is damaged, or belongs to another key file.
    #[error("the identity file does not open under this key")]
    IdentityDamaged,
    /// The text is not a join code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// There is no such kind of record.
    #[error("unknown kind of record")]
    UnknownKind {
        /// The kind that the text comes nearest to.
        near: Option<String>,
    },
    /// The kind has no such field.
    #[error("unknown field of {kind}")]
    UnknownField {
        /// The kind.
        kind: String,
        /// What was given for a field's name.
        field: String,
        /// The field that the text comes nearest to.
        near: Option<String>,
    },
    /// An argument is not `field=value`.
    #[error("not field=value")]
    NotAPair,
    /// A field was given twice.
    #[error("field {field} is given twice")]
    GivenTwice {
        /// The field.
        field: String,
    },
    /// A value breaks a rule of its field.
    #[error("{field}: {why}")]
    Invalid {
        /// The field.
        field: String,
        /// The rule.
        why: Invalid,
    },
    /// A new record lacks fields that it cannot do without.
    #[error("fields are missing: {}", fields.join(", "))]
    Missing {
        /// The fields.
        fields: Vec<String>,
    },
    /// The field is computed or placed by the system.
    #[error("{field} is never written by hand")]
    NeverWritten {
        /// The field.
        field: String,
    },
    /// Records of the kind are the province's to write.
    #[error("{kind} is written by the province")]
    Reference {
        /// The kind.
        kind: String,
    },
    /// The field has several values that people disagree on; an edit of it settles that.
    #[error("{field} is in conflict")]
    InConflict {
        /// The field.
        field: String,
        /// How many values stand.
        heads: usize,
    },
    /// The field is not in conflict, or none of its heads is the act given.
    #[error("nothing to settle")]
    NothingToSettle,
    /// The text is not an id.
    #[error("not an id")]
    BadId,
    /// The record is not in this replica.
    #[error("record {0} is not here")]
    NotFound(RecordId),
    /// There is no such scope among the node's.
    #[error("scope {code} is not held here")]
    UnknownScope {
        /// What was given.
        code: String,
    },
    /// The node has several scopes and nothing says which is meant.
    #[error("which of the scopes {}?", codes.join(", "))]
    WhichScope {
        /// Their codes.
        codes: Vec<String>,
    },
    /// No unit or village in force has this code.
    #[error("no {kind} has code {code}")]
    UnknownCode {
        /// `unit` or `village`.
        kind: &'static str,
        /// What was given.
        code: String,
    },
    /// Several units or villages have this code.
    #[error("several of {kind} have code {code}")]
    AmbiguousCode {
        /// `unit` or `village`.
        kind: &'static str,
        /// What was given.
        code: String,
    },
    /// Nothing was saved here that could be taken back.
    #[error("nothing to undo")]
    NothingToUndo,
    /// The act, or job, is not of this node, or takes something back itself.
    #[error("not an act of this node that can be taken back")]
    NotUndoable(Option<ActId>),
    /// The act was taken back before.
    #[error("{0} was taken back before")]
    AlreadyUndone(ActId),
    /// A file had bad rows; the report says which and why.
    #[error("{count} bad rows")]
    BadRows {
        /// How many.
        count: usize,
    },
    /// A statement is not one that only reads.
    #[error("only statements that read")]
    NotReadOnly,
    /// SQLite does not understand a statement. Its own words hold the statement, not data.
    #[error("the statement is not understood: {0}")]
    Statement(String),
}

/// The result of an action of the office.
pub type Result<T> = std::result::Result<T, OfficeError>;
