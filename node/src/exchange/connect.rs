//! From an address to a TLS stream that tonic can use: the seam where the simulator
//! puts its own network in place of TCP.
//!
//! ```text
//! Endpoint::from_static(SERVER_URI).connect_with_connector(tls_connector(config, tcp(address)))
//! ```
//!
//! Deliberately absent: retries, back-off and addresses from a configuration.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::trust::server_name;

/// Time to reach the server, in seconds: a mobile link wakes up in ten; after twenty
/// the office is told that there is no link.
pub const CONNECT_S_MAX: u64 = 20;
/// Time for the TLS handshake, in seconds: longer than the server grants, so that
/// its answer is heard rather than guessed.
pub const HANDSHAKE_S_MAX: u64 = 30;
/// What tonic is told to connect to. The scheme is http because this module, not
/// tonic, speaks TLS; the real address is the dialler's.
pub const SERVER_URI: &str = "http://server.dongbo.internal";

/// A connector for tonic's `Endpoint::connect_with_connector`: dials with `dial`,
/// then shakes hands over whatever that gave. Errors carry the TLS library's own
/// (see `fault`).
pub fn tls_connector<D, F, Io>(
    config: Arc<ClientConfig>,
    dial: D,
) -> impl Service<
    Uri,
    Response = TokioIo<TlsStream<Io>>,
    Error = io::Error,
    Future = BoxFuture<'static, io::Result<TokioIo<TlsStream<Io>>>>,
> + Clone
+ Send
+ 'static
where
    D: Fn(Uri) -> F + Clone + Send + 'static,
    F: Future<Output = io::Result<Io>> + Send + 'static,
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connector = TlsConnector::from(config);
    tower::service_fn(move |uri| {
        let (dialled, connector) = (dial(uri), connector.clone());
        let connected: BoxFuture<'static, _> =
            Box::pin(async move { shake(connector, dialled.await?).await.map(TokioIo::new) });
        connected
    })
}

/// A dialler of plain TCP, for production: `address` is `host:port`.
pub fn tcp(
    address: String,
) -> impl Fn(Uri) -> BoxFuture<'static, io::Result<TcpStream>> + Clone + Send {
    move |_uri| {
        let address = address.clone();
        Box::pin(async move { dial_tcp(&address).await })
    }
}

async fn dial_tcp(address: &str) -> io::Result<TcpStream> {
    let stream = within(CONNECT_S_MAX, TcpStream::connect(address)).await.map_err(no_answer)?;
    // Frames are written whole; waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Silence while dialling means that nobody is there, not that a link broke.
fn no_answer(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::TimedOut => io::ErrorKind::HostUnreachable.into(),
        _ => error,
    }
}

async fn shake<Io>(connector: TlsConnector, io: Io) -> io::Result<TlsStream<Io>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    within(HANDSHAKE_S_MAX, connector.connect(server_name(), io)).await
}

async fn within<T>(seconds: u64, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let done = tokio::time::timeout(Duration::from_secs(seconds), work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
