//! Serving: the accept loop, the two gRPC services with their limits, health and reflection, and
//! a graceful end.

use std::option::IntoIter;
use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::limits::MESSAGE_BYTES_MAX;
use dongbo_proto::wire::DESCRIPTORS;
use dongbo_proto::wire::pb::exchange_server::{Exchange, ExchangeServer};
use dongbo_proto::wire::pb::joining_server::JoiningServer;
use dongbo_proto::wire::pb::{DownFrame, UpFrame};
use tokio::sync::mpsc;
use tokio_stream::adapters::Chain;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Iter, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::accept::{AcceptLimits, Listener, accept};
use super::connection::PeerInfo;
use super::converse::{self, News};
use super::joining::JoiningService;
use super::province::Province;
use super::tls::ServerTls;

/// Frames that may wait for a slow link, each a page at most.
const FRAMES_WAITING_MAX: usize = 4;
/// Streams that one connection may have open: a conversation, and a question beside it.
pub const STREAMS_MAX: u32 = 2;
/// Bytes of one request's headers.
pub const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// Streams that a peer may open and reset before they were looked at (CVE-2023-44487).
pub const RESETS_MAX: usize = 16;
/// How often a quiet connection is asked whether it lives, in seconds.
pub const KEEPALIVE_S: u64 = 20;
/// How long it may take to answer, in seconds.
pub const KEEPALIVE_ANSWER_S: u64 = 20;
/// Time for a newcomer's one small request, in seconds: five kilobytes at 9,600 bit/s, twice over.
pub const JOIN_S_MAX: u64 = 20;
/// How long a newcomer's connection is kept, in seconds. Whoever knocks has shown nothing yet, and
/// would otherwise hold the places of its address, which honest nodes may share.
pub const JOIN_CONNECTION_S_MAX: u64 = 30;
/// Bytes under way on one stream before the reader must have read: an upload over a slow round
/// trip must not wait for each 64 KB.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// How often the store is asked whether another process wrote (an invitation, a revocation).
const LOOK_AT_STORE_MS: u64 = 500;
/// How long conversations may take to end at shutdown, in seconds.
const SHUTDOWN_S_MAX: u64 = 10;

type Frame = Result<DownFrame, Status>;

/// The exchange service.
struct ExchangeService {
    province: Arc<Province>,
}

#[tonic::async_trait]
impl Exchange for ExchangeService {
    type ExchangeStream = Chain<Iter<IntoIter<Frame>>, ReceiverStream<Frame>>;

    async fn exchange(
        &self,
        request: Request<Streaming<UpFrame>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let peer = request.extensions().get::<PeerInfo>();
        let node = peer.and_then(|peer| peer.node.clone());
        let records_max = converse::page_of(peer.map_or(0, |peer| peer.handshake_ms));
        let node =
            node.ok_or_else(|| Status::unauthenticated("a client certificate is required"))?;
        let (down, mut stream) = mpsc::channel(FRAMES_WAITING_MAX);
        let province = self.province.clone();
        tokio::spawn(converse::serve(province, node, request.into_inner(), down, records_max));
        // The headers travel with the first frame: alone they would cost a TLS record.
        let first = stream.recv().await;
        Ok(Response::new(tokio_stream::iter(first).chain(ReceiverStream::new(stream))))
    }
}

fn limited() -> Server {
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
        .http2_keepalive_interval(Some(Duration::from_secs(KEEPALIVE_S)))
        .http2_keepalive_timeout(Some(Duration::from_secs(KEEPALIVE_ANSWER_S)))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(STREAM_WINDOW_BYTES)
}

/// Serves until `shutdown`, then ends conversations and returns.
///
/// # Errors
/// What the transport says; connections that fail are no errors.
pub async fn run<L: Listener>(
    province: Arc<Province>,
    tls: Arc<ServerTls>,
    listener: L,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let limits = AcceptLimits::default();
    let table = province.table.clone();
    let (accepted, accepting) = accept(listener, tls, table, limits, shutdown.clone());
    let accepting = tokio::spawn(accepting);
    let looking = tokio::spawn(look_at_store(province.clone(), shutdown.clone()));
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ExchangeServer<ExchangeService>>().await;
    let exchange = ExchangeServer::new(ExchangeService { province: province.clone() })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1();
    let main = limited()
        .add_service(health_service)
        .add_service(exchange)
        .add_optional_service(reflection.ok())
        .serve_with_incoming_shutdown(accepted.main, shutdown.clone().cancelled_owned());
    let joining = JoiningServer::new(JoiningService::new(province.clone()))
        .max_decoding_message_size(dongbo_proto::limits::JOIN_BYTES_MAX);
    let join = limited()
        .timeout(Duration::from_secs(JOIN_S_MAX))
        .max_connection_age(Duration::from_secs(JOIN_CONNECTION_S_MAX))
        .max_connection_age_grace(Duration::from_secs(JOIN_S_MAX))
        .add_service(joining)
        .serve_with_incoming_shutdown(accepted.join, shutdown.clone().cancelled_owned());
    let end = end_within(province, shutdown);
    let done = tokio::select! {
        done = async { tokio::try_join!(main, join) } => done.map(drop),
        () = end => Ok(()),
    };
    accepting.abort();
    looking.abort();
    done
}

/// After shutdown was asked for, gives conversations a moment and then cuts them.
async fn end_within(province: Arc<Province>, shutdown: CancellationToken) {
    shutdown.cancelled().await;
    province.tell(News::Closing);
    tokio::time::sleep(Duration::from_secs(SHUTDOWN_S_MAX)).await;
    province.table.cut_all();
}

/// Notices what other processes of the province wrote: a revocation acts on live connections.
async fn look_at_store(province: Arc<Province>, shutdown: CancellationToken) {
    let mut version = province.store.store().foreign_version().unwrap_or_default();
    while !shutdown.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(LOOK_AT_STORE_MS)).await;
        let Ok(now) = province.store.store().foreign_version() else { continue };
        if std::mem::replace(&mut version, now) != now {
            province.tell(News::Anything);
        }
    }
}
