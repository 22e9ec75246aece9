//! First contact: a one-time code, a key made here, and a certificate for it.
//!
//! The code carries the authority's fingerprint, so both sides know each other before anything
//! else is said. Deliberately absent: writing anything down (the caller keeps what comes back).

use dongbo_proto::catalogue::catalogue;
use dongbo_proto::code::JoinCode;
use dongbo_proto::fate::Receipt;
use dongbo_proto::frame::{Grant, Token};
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::wire::{WireError, grant_from_pb, pb, receipt_from_pb};
use tonic::transport::Channel;

use super::ExchangeError;
use super::key::NodeKey;

/// Why the server would not let a machine join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know the code.
    UnknownCode,
    /// The code has let another machine in.
    UsedCode,
    /// The code's time is over.
    ExpiredCode,
    /// It could not read the request.
    BadRequest,
    /// The machine's id is taken (chance, or a copied disk): try once more.
    AuthorTaken,
    /// Too many tries from this address: wait.
    TooManyTries,
    /// It cannot write at present.
    Storage,
}

impl Refusal {
    /// The key of its sentence.
    pub fn key(self) -> &'static str {
        match self {
            Refusal::UnknownCode => "join-unknown-code",
            Refusal::UsedCode => "join-used-code",
            Refusal::ExpiredCode => "join-expired-code",
            Refusal::BadRequest => "join-bad-request",
            Refusal::AuthorTaken => "join-author-taken",
            Refusal::TooManyTries => "join-too-many-tries",
            Refusal::Storage => "join-storage",
        }
    }

    fn from_pb(refusal: pb::join_reply::Refusal) -> Option<Self> {
        use pb::join_reply::Refusal as Pb;
        Some(match refusal {
            Pb::None => return None,
            Pb::UnknownCode => Refusal::UnknownCode,
            Pb::UsedCode => Refusal::UsedCode,
            Pb::ExpiredCode => Refusal::ExpiredCode,
            Pb::BadRequest => Refusal::BadRequest,
            Pb::AuthorTaken => Refusal::AuthorTaken,
            Pb::TooManyTries => Refusal::TooManyTries,
            Pb::Storage => Refusal::Storage,
        })
    }
}

/// What joining gives: all that a new replica begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The node's certificate, in DER.
    pub certificate: Vec<u8>,
    /// The province's authority, in DER.
    pub ca: Vec<u8>,
    /// The key that receipts and checkpoints are signed with.
    pub signing_key: [u8; 32],
    /// The epoch in force.
    pub epoch: Epoch,
    /// The node's scopes.
    pub grants: Vec<Grant>,
    /// The province's name.
    pub province: String,
    /// Server time.
    pub server_ms: UnixMs,
    /// The token for the first exchange.
    pub token: Token,
    /// The server's key to which files on a stick are sealed, if it said one.
    pub sealing_key: Option<[u8; 32]>,
    /// How far the province holds the journal of this machine, if it said so.
    pub receipt: Option<Receipt>,
}

/// Joins over a channel that pinned the code's authority.
pub async fn join(
    channel: Channel,
    code: &JoinCode,
    key: &NodeKey,
    author: AuthorId,
    local_ms: UnixMs,
) -> Result<Joined, ExchangeError> {
    let request = request(code, key, author, local_ms)?;
    let mut client = pb::joining_client::JoiningClient::new(channel);
    let reply = client.join(request).await?.into_inner();
    match Refusal::from_pb(reply.refusal()) {
        Some(refusal) => Err(ExchangeError::Refused(refusal)),
        None => Ok(read(reply)?),
    }
}

/// What a machine says that asks to join.
pub(super) fn request(
    code: &JoinCode,
    key: &NodeKey,
    author: AuthorId,
    local_ms: UnixMs,
) -> Result<pb::JoinRequest, ExchangeError> {
    Ok(pb::JoinRequest {
        code: code.secret().to_vec(),
        csr: key.csr_der()?,
        author: author.0,
        schema: catalogue().version(),
        local_ms,
    })
}

pub(super) fn read(reply: pb::JoinReply) -> Result<Joined, WireError> {
    let fixed16 = |b: Vec<u8>| b.try_into().map_err(|_| WireError::Malformed);
    Ok(Joined {
        certificate: reply.certificate,
        ca: reply.ca,
        signing_key: reply.signing_key.try_into().map_err(|_| WireError::Malformed)?,
        epoch: Epoch(fixed16(reply.epoch)?),
        grants: reply.grants.into_iter().map(grant_from_pb).collect(),
        province: reply.province,
        server_ms: reply.server_ms,
        token: fixed16(reply.token)?,
        sealing_key: reply.sealing_key.try_into().ok(),
        receipt: reply.receipt.map(receipt_from_pb).transpose()?,
    })
}
