//! The wire: the only room that knows the generated protobuf types.
//!
//! `up_to_bytes` and its sisters turn frames into messages and back; `columns` lays acts and
//! states out column by column, which saves 15–30 % of the bytes; `pack` compresses within bounds.
//! Everything that arrives is bounded and checked here: what leaves this module is well-formed,
//! though not yet believed.

mod acts;
mod apart;
mod columns;
mod frames;
mod pack;
mod states;

use crate::id::Hash;

pub use acts::{batch_acts, decode_acts, encode_acts};
pub use frames::{
    batch_bytes, batch_from_bytes, down_from_pb, down_to_pb, grant_from_pb, grant_to_pb,
    receipt_from_pb, receipt_to_pb, up_from_pb, up_to_pb,
};
pub use states::{decode_states, encode_states};

/// The generated messages and services.
#[allow(missing_docs, clippy::all)]
pub mod pb {
    tonic::include_proto!("dongbo.v1");
}

/// The compiled descriptor set of `exchange.proto`, for the reflection service.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/exchange.bin"));

/// Bytes from the other side that are not what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A column, id or number is missing, too long, or of the wrong shape.
    #[error("a message is malformed")]
    Malformed,
    /// A message or its decompressed body is over a limit.
    #[error("a message is over its size limit")]
    TooLarge,
    /// A frame that this build does not know.
    #[error("a frame of an unknown kind")]
    UnknownFrame,
}

type Result<T> = std::result::Result<T, WireError>;

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| WireError::Malformed)
}

fn hash(bytes: &[u8]) -> Result<Hash> {
    Ok(Hash(fixed(bytes)?))
}

fn bounded(len: usize, max: usize) -> Result<()> {
    if len > max { Err(WireError::TooLarge) } else { Ok(()) }
}

impl From<crate::bytes::Truncated> for WireError {
    fn from(_: crate::bytes::Truncated) -> Self {
        WireError::Malformed
    }
}

impl From<prost::DecodeError> for WireError {
    fn from(_: prost::DecodeError) -> Self {
        WireError::Malformed
    }
}

/// The bytes of a message that stands alone: the body of a file on a stick.
pub fn message_to_bytes(message: &impl prost::Message) -> Vec<u8> {
    message.encode_to_vec()
}

/// A message that stands alone. Whoever reads the bytes has bounded them.
///
/// # Errors
/// [`WireError::Malformed`] when they are no such message.
pub fn message_from_bytes<M: prost::Message + Default>(bytes: &[u8]) -> Result<M> {
    Ok(M::decode(bytes)?)
}

/// Bytes that a message takes on the wire, before TLS and HTTP/2.
pub fn encoded_len(message: &impl prost::Message) -> u64 {
    message.encoded_len() as u64
}
