//! The exchange over gRPC: the only room of the node that knows tonic.
//!
//! `join` makes first contact with a one-time code; `converse` says Hello and converses once. The
//! network is a parameter (what dials is passed to [`channel`]), so that the simulator can put
//! its own in place of TCP. Deliberately absent: SQL, and what frames mean (`session`).

pub mod connect;
pub mod converse;
pub mod fault;
pub mod join;
pub mod key;
pub mod stick;
pub mod tls;
mod trust;

use std::future::Future;
use std::io;
use std::time::Duration;

use dongbo_proto::stick::StickError;
use dongbo_proto::wire::WireError;
use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint};

use self::connect::{SERVER_URI, tls_connector};
use self::fault::{LinkFault, link_fault};
use crate::replica::ReplicaError;

/// How often a quiet link is asked whether it lives, in seconds: below the usual NAT timeout.
const KEEPALIVE_S: u64 = 20;
/// How long it may take to answer, in seconds.
const KEEPALIVE_ANSWER_S: u64 = 20;
/// Bytes that may be on their way before the other side must have read some: an upload must not
/// wait for each 64 KB over a slow round trip.
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Why an exchange did not come to its end. Everything saved here is kept in every case.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection came about, or it was refused.
    #[error("no connection ({0:?})")]
    Link(LinkFault),
    /// The link was cut or went silent.
    #[error("the link was cut")]
    Cut,
    /// The server said something that is not the protocol.
    #[error("the server's answer was not understood")]
    Wire(#[from] WireError),
    /// The replica could not take something in.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The machine could not make a key or a request.
    #[error(transparent)]
    Key(#[from] key::KeyError),
    /// The certificate or authority kept here is not usable.
    #[error("the certificate kept here is not usable")]
    Certificate(#[from] rustls::Error),
    /// The server refused to let the machine join.
    #[error("joining was refused ({0:?})")]
    Refused(join::Refusal),
    /// A file on a stick is not taken.
    #[error(transparent)]
    Stick(#[from] StickError),
    /// The answer on a stick is older than what is here: the node has exchanged since.
    #[error("an answer that is behind what is here")]
    OldAnswer,
    /// The province's sealing key is not known here yet: a card is needed.
    #[error("the province's sealing key is not known")]
    NoCard,
}

impl From<tonic::Status> for ExchangeError {
    /// What lies at the bottom of a failed call: the link, usually.
    fn from(status: tonic::Status) -> Self {
        match link_fault(&status) {
            Some(LinkFault::Broken) | None => ExchangeError::Cut,
            Some(fault) => ExchangeError::Link(fault),
        }
    }
}

impl From<tonic::transport::Error> for ExchangeError {
    fn from(error: tonic::transport::Error) -> Self {
        ExchangeError::Link(link_fault(&error).unwrap_or(LinkFault::Unreachable))
    }
}

/// A channel over `dial`, with TLS by `config`.
pub async fn channel<D, F, Io>(
    config: std::sync::Arc<rustls::ClientConfig>,
    dial: D,
) -> Result<Channel, ExchangeError>
where
    D: Fn(Uri) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<Io>> + Send + 'static,
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let endpoint = Endpoint::from_static(SERVER_URI)
        .http2_keep_alive_interval(Duration::from_secs(KEEPALIVE_S))
        .keep_alive_timeout(Duration::from_secs(KEEPALIVE_ANSWER_S))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    Ok(endpoint.connect_with_connector(tls_connector(config, dial)).await?)
}
