//! Joining: a one-time code, a request, and a certificate for it.
//!
//! Anyone may knock here, so everything is bounded: one small message each way, and a few tries a
//! minute from one address, so that nobody guesses at 128 bits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use dongbo_proto::code::{SECRET_BYTES, secret_hash};
use dongbo_proto::fate::Receipt;
use dongbo_proto::id::AuthorId;
use dongbo_proto::limits::CSR_BYTES_MAX;
use dongbo_proto::seam;
use dongbo_proto::wire::pb::join_reply::Refusal;
use dongbo_proto::wire::pb::joining_server::Joining;
use dongbo_proto::wire::pb::{JoinReply, JoinRequest};
use dongbo_proto::wire::{grant_to_pb, receipt_to_pb};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tonic::{Request, Response, Status};

use super::connection::PeerInfo;
use super::converse::News;
use super::metrics::LimitHit;
use super::province::Province;
use crate::ca::{NODE_VALIDITY_S, public_key_of_request};
use crate::registry::{self, JoinError, Joined, Newcomer};

/// Tries a minute from one address: a whole province may sit behind one, on its first day.
const TRIES_A_MINUTE_MAX: NonZeroU32 = NonZeroU32::new(240).unwrap();

/// The joining service.
pub struct JoiningService {
    province: Arc<Province>,
    tries: DefaultKeyedRateLimiter<IpAddr>,
}

impl JoiningService {
    /// Lets newcomers into a province.
    pub fn new(province: Arc<Province>) -> Self {
        let tries = RateLimiter::keyed(Quota::per_minute(TRIES_A_MINUTE_MAX));
        JoiningService { province, tries }
    }
}

/// Lets a machine in, by whatever way its request came.
///
/// # Errors
/// Why not; nothing was changed then.
pub(super) async fn admit(
    province: &Province,
    request: &JoinRequest,
) -> Result<JoinReply, Refusal> {
    let secret: [u8; SECRET_BYTES] =
        request.code.as_slice().try_into().map_err(|_| Refusal::BadRequest)?;
    if request.csr.len() > CSR_BYTES_MAX || request.author == 0 {
        return Err(Refusal::BadRequest);
    }
    let public_key = public_key_of_request(&request.csr).map_err(|_| Refusal::BadRequest)?;
    let newcomer = Newcomer {
        code_hash: secret_hash(&secret),
        author: AuthorId(request.author),
        public_key,
        token: seam::bytes(province.entropy.as_ref()),
        now_ms: province.clock.now_ms(),
    };
    let joined = province.store.write(move |tx| registry::join(tx, &newcomer)).await;
    let joined = joined.map_err(refusal)?;
    province.tell(News::Anything);
    let receipt = province.receipt(AuthorId(request.author)).await;
    reply(province, request, joined, &receipt.map_err(|_| Refusal::Storage)?)
}

fn reply(
    province: &Province,
    request: &JoinRequest,
    joined: Joined,
    receipt: &Receipt,
) -> Result<JoinReply, Refusal> {
    let scopes: Vec<u32> = joined.grants.iter().map(|g| g.scope.0).collect();
    let now_ms = province.clock.now_ms();
    let from = now_ms / 1_000;
    let until = from.saturating_add(NODE_VALIDITY_S);
    let signed = province.ca.sign_node(&request.csr, request.author, &scopes, from, until);
    let certificate = signed.map_err(|_| Refusal::BadRequest)?;
    let sealing_key = province.sealing.as_ref().map(|key| key.public().to_vec());
    Ok(JoinReply {
        refusal: Refusal::None as i32,
        certificate: certificate.to_vec(),
        ca: province.ca.certificate().to_vec(),
        signing_key: province.signer.public().to_vec(),
        epoch: joined.epoch.0.to_vec(),
        grants: joined.grants.iter().map(grant_to_pb).collect(),
        province: province.ca.province().to_owned(),
        server_ms: now_ms,
        token: joined.token.to_vec(),
        sealing_key: sealing_key.unwrap_or_default(),
        receipt: Some(receipt_to_pb(receipt)),
    })
}

fn refusal(error: JoinError) -> Refusal {
    match error {
        JoinError::UnknownCode => Refusal::UnknownCode,
        JoinError::UsedCode => Refusal::UsedCode,
        JoinError::ExpiredCode => Refusal::ExpiredCode,
        JoinError::AuthorTaken => Refusal::AuthorTaken,
        JoinError::Store(_) => Refusal::Storage,
    }
}

/// What came of a try, for the metrics.
fn refusal_word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::None => "joined",
        Refusal::UnknownCode => "unknown_code",
        Refusal::UsedCode => "used_code",
        Refusal::ExpiredCode => "expired_code",
        Refusal::BadRequest => "bad_request",
        Refusal::AuthorTaken => "author_taken",
        Refusal::TooManyTries => "too_many_tries",
        Refusal::Storage => "storage",
    }
}

#[tonic::async_trait]
impl Joining for JoiningService {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinReply>, Status> {
        let from = request.extensions().get::<PeerInfo>().map(|p| p.remote.ip());
        if from.is_some_and(|ip| self.tries.check_key(&ip).is_err()) {
            self.province.metrics.limit(LimitHit::JoinTries);
            self.province.metrics.join(refusal_word(Refusal::TooManyTries));
            let refusal = Refusal::TooManyTries as i32;
            return Ok(Response::new(JoinReply { refusal, ..JoinReply::default() }));
        }
        let reply = admit(&self.province, request.get_ref()).await;
        let end = reply.as_ref().map_or_else(|refusal| refusal_word(*refusal), |_| "joined");
        self.province.metrics.join(end);
        Ok(Response::new(reply.unwrap_or_else(|refusal| JoinReply {
            refusal: refusal as i32,
            ..JoinReply::default()
        })))
    }
}
