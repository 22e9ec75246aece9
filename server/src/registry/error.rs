//! Why the registry could not do what it was asked, in terms of what the caller can do about it.
//!
//! What becomes of an act is never an error: it is its fate. Errors name ids and fields, no values.

use dongbo_proto::bytes::Truncated;
use dongbo_proto::fate::Reason;
use dongbo_proto::frame::Stop;
use dongbo_proto::wire::WireError;

use crate::store::StoreError;

/// What can go wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The conversation with the node must end, for this reason.
    #[error("the exchange must stop: {0:?}")]
    Stop(Stop),
    /// Something in the store does not read back: run `verify`.
    #[error("the registry is damaged at {0}")]
    Damaged(&'static str),
    /// What the province asked for cannot be done, for a reason that a node's act would be held for.
    #[error("the registry does not take this act: {0:?}")]
    NotTaken(Reason),
    /// There is no such thing.
    #[error("no such {0}")]
    Unknown(&'static str),
    /// It is there already.
    #[error("there is already such a {0}")]
    Exists(&'static str),
    /// A list is too long for one request.
    #[error("too many {0}")]
    TooMany(&'static str),
}

/// The name by which the rest of the server knows it.
pub type RegistryError = Error;
/// What the registry's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl From<Truncated> for Error {
    fn from(_: Truncated) -> Self {
        Error::Damaged("packed bytes")
    }
}

impl From<WireError> for Error {
    /// Only for bytes out of the store; what comes from a node is judged in `prepare`.
    fn from(_: WireError) -> Self {
        Error::Damaged("a frame of the journal")
    }
}
