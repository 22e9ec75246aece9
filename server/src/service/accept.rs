//! The accept loop: sockets in, two streams of connections out, one for joining and
//! one for the service, both past their TLS handshake and ready for
//! `tonic::transport::Server::serve_with_incoming`.
//!
//! ```text
//! accept ─► room for a handshake? ─► place for the address? ─► hello ─► route ─► handshake ─► stream
//! ```
//!
//! It is generic over the listener: production gives it tokio's, the simulator its
//! own, so the code that meets hostile peers is the code that runs. All of it is
//! bounded: time, handshakes at once, connections per address, connections that
//! wait to be served.
//!
//! Deliberately absent: requests (tonic's part, with its own limits), and standing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::connection::Conn;
use super::metrics::LimitHit;
use super::table::{ConnectionTable, Place};
use super::tls::{Route, ServerTls};
use crate::ca::{NodeIdentity, node_id_of};

/// Time for a whole handshake, in seconds. At 9,600 bit/s and three seconds each way
/// a handshake takes eleven; twenty leave room for one lost packet. Whoever dawdles
/// holds one of [`HANDSHAKES_MAX`] places so long, and nothing else.
pub const HANDSHAKE_S_MAX: u64 = 20;
/// Time from the handshake to the opening of HTTP/2, in seconds: a client
/// sends it with the end of its handshake, unless the link cuts in between.
pub const FIRST_BYTE_S_MAX: u64 = 20;
/// Handshakes at once. Each holds some 40 KB; beyond them, the kernel's queue waits.
pub const HANDSHAKES_MAX: usize = 1_024;
/// Connections of one address that have not shown whose they are: in their handshake, or newcomers. A
/// whole province may come from behind one address, in one minute; and it is half of
/// [`HANDSHAKES_MAX`], so that no single address can fill that. Whoever has shown a certificate counts
/// for its node from then on (see `table`).
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 512;
/// Connections past their handshake that wait for tonic to take them.
pub const CONNECTIONS_WAITING_MAX: usize = 64;
/// Pause after the system refused to accept (no file handles left), in milliseconds:
/// asking again at once would spin.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// Where connections come from.
pub trait Listener: Send + 'static {
    /// What carries the bytes of one connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection. It must be safe to drop the future: nothing
    /// that was accepted may be lost with it.
    ///
    /// # Errors
    /// What the system said; the loop pauses and asks again.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, remote) = TcpListener::accept(self).await?;
        // Frames are written whole; waiting to fill a packet would only delay them.
        // A socket that refuses this is dying, which its handshake will show.
        let _ = stream.set_nodelay(true);
        Ok((stream, remote))
    }
}

/// The bounds of an accept loop; the default is made of this module's constants.
#[derive(Debug, Clone, Copy)]
pub struct AcceptLimits {
    /// See [`HANDSHAKE_S_MAX`].
    pub handshake: Duration,
    /// See [`FIRST_BYTE_S_MAX`].
    pub first_byte: Duration,
    /// See [`HANDSHAKES_MAX`].
    pub handshakes: usize,
    /// See [`CONNECTIONS_PER_ADDRESS_MAX`].
    pub per_address: usize,
}

impl Default for AcceptLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(HANDSHAKE_S_MAX),
            first_byte: Duration::from_secs(FIRST_BYTE_S_MAX),
            handshakes: HANDSHAKES_MAX,
            per_address: CONNECTIONS_PER_ADDRESS_MAX,
        }
    }
}

/// A stream of connections, for `serve_with_incoming`. It ends at shutdown.
pub type Incoming<Io> = ReceiverStream<io::Result<Conn<Io>>>;

/// What comes out of the accept loop.
#[derive(Debug)]
pub struct Accepted<Io> {
    /// Newcomers, without identity.
    pub join: Incoming<Io>,
    /// Nodes, each with the identity of its certificate.
    pub main: Incoming<Io>,
}

/// Sets an accept loop up. The second value is the loop itself, to be spawned; it
/// ends, and both streams with it, when `shutdown` is cancelled: handshakes under
/// way are dropped, connections in the streams and in the table stay.
pub fn accept<L: Listener>(
    listener: L,
    tls: Arc<ServerTls>,
    table: ConnectionTable,
    limits: AcceptLimits,
    shutdown: CancellationToken,
) -> (Accepted<L::Io>, impl Future<Output = ()> + Send) {
    let (join, join_out) = mpsc::channel(CONNECTIONS_WAITING_MAX);
    let (main, main_out) = mpsc::channel(CONNECTIONS_WAITING_MAX);
    let accepted = Accepted { join: join_out.into(), main: main_out.into() };
    let door = Arc::new(Door { tls, limits, join, main });
    (accepted, run(listener, door, table, shutdown))
}

/// What every handshake needs: where to learn the route, and where to put the result.
struct Door<Io> {
    tls: Arc<ServerTls>,
    limits: AcceptLimits,
    join: mpsc::Sender<io::Result<Conn<Io>>>,
    main: mpsc::Sender<io::Result<Conn<Io>>>,
}

async fn run<L: Listener>(
    listener: L,
    door: Arc<Door<L::Io>>,
    table: ConnectionTable,
    shutdown: CancellationToken,
) {
    let mut handshakes = JoinSet::new();
    let turns = take_turns(listener, door, table, &mut handshakes);
    shutdown.run_until_cancelled(turns).await;
    // Dropping the set ends the handshakes, and with them the last senders.
}

async fn take_turns<L: Listener>(
    mut listener: L,
    door: Arc<Door<L::Io>>,
    table: ConnectionTable,
    handshakes: &mut JoinSet<()>,
) {
    let rooms = Arc::new(Semaphore::new(door.limits.handshakes));
    while let Ok(room) = rooms.clone().acquire_owned().await {
        while handshakes.try_join_next().is_some() {}
        let (io, remote) = next_of(&mut listener).await;
        match table.enter(remote, door.limits.per_address) {
            Some(place) => drop(handshakes.spawn(door.clone().admit(io, remote, place, room))),
            None => {
                table.metrics().limit(LimitHit::ConnectionsPerAddress);
                tracing::debug!(%remote, "refused: too many connections of this address");
            }
        }
    }
}

async fn next_of<L: Listener>(listener: &mut L) -> (L::Io, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(connection) => return connection,
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accepting connections failed");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// A client that left while it waited must not make the others pause.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Why a connection did not get through the door; for the log only.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the handshake took too long")]
    Late,
    #[error("the client speaks neither protocol")]
    Stranger,
    #[error("the client's certificate is not a node's")]
    Nameless,
    #[error(transparent)]
    Handshake(#[from] io::Error),
}

impl Refusal {
    /// Its name, for the metrics.
    fn word(&self) -> &'static str {
        match self {
            Refusal::Late => "late",
            Refusal::Stranger => "other_protocol",
            Refusal::Nameless => "no_node",
            Refusal::Handshake(_) => "handshake",
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Send + Unpin + 'static> Door<Io> {
    /// The room is held until the connection is handed over, so that connections
    /// which nobody serves stop the loop instead of piling up.
    async fn admit(
        self: Arc<Self>,
        io: Io,
        remote: SocketAddr,
        place: Place,
        room: OwnedSemaphorePermit,
    ) {
        let metrics = place.table().metrics().clone();
        let within = tokio::time::timeout(self.limits.handshake, self.pass(io, place));
        match within.await.unwrap_or(Err(Refusal::Late)) {
            Ok(()) => tracing::trace!(%remote, "connected"),
            Err(refusal) => {
                if matches!(refusal, Refusal::Late) {
                    metrics.limit(LimitHit::HandshakeTime);
                }
                metrics.refused(refusal.word());
                tracing::debug!(%remote, %refusal, "refused");
            }
        }
        drop(room);
    }

    async fn pass(&self, io: Io, place: Place) -> Result<(), Refusal> {
        let begun = Instant::now();
        let (route, stream) = self.shake(io).await?;
        let took = begun.elapsed();
        let node = identify(route, &stream)?;
        let connection = Conn::new(stream, place, node, self.limits.first_byte, took);
        let out = match route {
            Route::Join => &self.join,
            Route::Main => &self.main,
        };
        // A closed stream means that the server is going down: so does this.
        let _ = out.send(Ok(connection)).await;
        Ok(())
    }

    async fn shake(&self, io: Io) -> Result<(Route, TlsStream<Io>), Refusal> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
        let Some((route, config)) = self.tls.choose(&start.client_hello()) else {
            return Err(Refusal::Stranger);
        };
        let stream = start.into_stream(config).await?;
        match stream.get_ref().1.alpn_protocol() {
            Some(agreed) if agreed == route.alpn() => Ok((route, stream)),
            _ => Err(Refusal::Stranger),
        }
    }
}

/// The identity in the certificate that the handshake has checked.
fn identify<Io>(route: Route, stream: &TlsStream<Io>) -> Result<Option<NodeIdentity>, Refusal> {
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    match (route, shown) {
        (Route::Join, _) => Ok(None),
        (Route::Main, Some(leaf)) => node_id_of(leaf).map(Some).map_err(|_| Refusal::Nameless),
        (Route::Main, None) => Err(Refusal::Nameless),
    }
}
