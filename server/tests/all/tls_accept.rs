//! The accept loop with real handshakes, over pipes in memory and over TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dongbo_proto::link::{ALPN_JOIN, ALPN_MAIN, SERVER_NAME};
use dongbo_server::ca::{CA_VALIDITY_S, Ca, NODE_VALIDITY_S, ServerIdentity};
use dongbo_server::service::accept::{self, AcceptLimits, Accepted, Listener};
use dongbo_server::service::connection::{Conn, OPENING_BYTES, PeerInfo};
use dongbo_server::service::table::ConnectionTable;
use dongbo_server::service::tls::ServerTls;
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::crypto::aws_lc_rs;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

const NOW: i64 = 1_800_000_000;
const NODE: u64 = 0xabcd;
const SOON: Duration = Duration::from_secs(5);
const NO_CERTIFICATE: Option<Credentials> = None;

type Credentials = (CertificateDer<'static>, PrivateKeyDer<'static>);

#[derive(Debug)]
struct Fixed;

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW as u64 + 1)))
    }
}

/// A listener whose connections are pipes: what the simulator does with its own.
struct Pipes(mpsc::Receiver<(DuplexStream, SocketAddr)>);

impl Listener for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(connection) => Ok(connection),
            None => std::future::pending().await,
        }
    }
}

struct House {
    ca: Ca,
    identity: ServerIdentity,
    tls: Arc<ServerTls>,
    table: ConnectionTable,
    shutdown: CancellationToken,
    dial: mpsc::Sender<(DuplexStream, SocketAddr)>,
    out: Accepted<DuplexStream>,
}

impl House {
    fn new() -> Self {
        Self::with(AcceptLimits::default())
    }

    fn with(limits: AcceptLimits) -> Self {
        let ca = Ca::create("Tỉnh Thử", CA_VALIDITY_S, NOW).expect("authority");
        let identity = ca.issue_server(&[], NOW).expect("identity");
        let tls = Arc::new(ServerTls::new(&identity).expect("tls"));
        let (table, shutdown) = (ConnectionTable::new(), CancellationToken::new());
        let (dial, pipes) = mpsc::channel(100);
        let (out, run) =
            accept::accept(Pipes(pipes), tls.clone(), table.clone(), limits, shutdown.clone());
        tokio::spawn(run);
        Self { ca, identity, tls, table, shutdown, dial, out }
    }

    fn node(&self, node_id: u64) -> Option<Credentials> {
        self.node_until(node_id, NOW + NODE_VALIDITY_S)
    }

    fn node_until(&self, node_id: u64, not_after: i64) -> Option<Credentials> {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
        let request = CertificateParams::default().serialize_request(&key).expect("request");
        let from = NOW - NODE_VALIDITY_S;
        let certificate =
            self.ca.sign_node(request.der(), node_id, &[1], from, not_after).expect("signed");
        Some((certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }

    fn client(&self, protocols: &[&[u8]], credentials: Option<Credentials>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.certificate().clone()).expect("root");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Fixed));
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match credentials {
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate], key).expect("client")
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        config
    }

    async fn pipe(&self, remote: &str) -> DuplexStream {
        let (near, far) = duplex(64 * 1024);
        let sent = self.dial.send((far, remote.parse().expect("address"))).await;
        sent.expect("the loop runs");
        near
    }

    async fn connect(&self, config: ClientConfig) -> io::Result<TlsStream<DuplexStream>> {
        let pipe = self.pipe("10.0.0.1:999").await;
        shake(config, pipe).await
    }

    async fn up(&mut self, node_id: u64) -> (TlsStream<DuplexStream>, Conn<DuplexStream>) {
        let config = self.client(&[ALPN_MAIN], self.node(node_id));
        let client = self.connect(config).await.expect("client");
        (client, self.next_main().await)
    }

    async fn next_main(&mut self) -> Conn<DuplexStream> {
        soon(self.out.main.next()).await.expect("open").expect("connection")
    }

    async fn next_join(&mut self) -> Conn<DuplexStream> {
        soon(self.out.join.next()).await.expect("open").expect("connection")
    }

    /// An admitted connection would keep its place, in a stream if nowhere else.
    async fn nobody_comes(&self) {
        soon(async {
            while !self.table.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, work).await.expect("in time")
}

async fn shake<Io>(config: ClientConfig, io: Io) -> io::Result<TlsStream<Io>>
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let name = ServerName::try_from(SERVER_NAME).expect("name");
    soon(TlsConnector::from(Arc::new(config)).connect(name, io)).await
}

/// In TLS 1.3 a client hears of a refused certificate only when it reads.
async fn refused(client: io::Result<TlsStream<DuplexStream>>) -> io::Error {
    match client {
        Err(error) => error,
        Ok(mut stream) => match soon(stream.read(&mut [0; 1])).await {
            Err(error) => error,
            Ok(count) => panic!("the server sent {count} bytes instead of refusing"),
        },
    }
}

#[tokio::test]
async fn two_protocols_land_in_their_own_streams() {
    let mut house = House::new();
    let mut newcomer =
        house.connect(house.client(&[ALPN_JOIN], NO_CERTIFICATE)).await.expect("newcomer");
    let mut joining = house.next_join().await;
    assert_eq!(joining.peer().node, None);
    assert_eq!(joining.peer().remote, "10.0.0.1:999".parse().expect("address"));
    let (mut node, mut serving) = house.up(NODE).await;
    assert_eq!(serving.peer().node.as_ref().map(|node| node.node_id), Some(NODE));
    for (client, server) in [(&mut newcomer, &mut joining), (&mut node, &mut serving)] {
        client.write_all(b"hello").await.expect("written");
        client.flush().await.expect("flushed");
        let mut heard = [0; 5];
        soon(server.read_exact(&mut heard)).await.expect("read");
        assert_eq!(&heard, b"hello");
    }
}

/// Only a newcomer needs the authority's certificate; a node has it.
#[tokio::test]
async fn the_authority_is_sent_to_newcomers_only() {
    let mut house = House::new();
    let newcomer =
        house.connect(house.client(&[ALPN_JOIN], NO_CERTIFICATE)).await.expect("newcomer");
    let sent = newcomer.get_ref().1.peer_certificates().expect("chain");
    assert_eq!(sent, [house.identity.certificate().clone(), house.ca.certificate().clone()]);
    let (node, _serving) = house.up(NODE).await;
    assert_eq!(node.get_ref().1.peer_certificates().expect("chain").len(), 1);
}

/// Counterexample 34: who may join may do nothing else.
#[tokio::test]
async fn whoever_offers_both_protocols_gets_the_lesser() {
    let mut house = House::new();
    let both = house.client(&[ALPN_MAIN, ALPN_JOIN], house.node(NODE));
    let _client = house.connect(both).await.expect("client");
    assert_eq!(house.next_join().await.peer().node, None);
}

/// Fault 36: without a certificate there is no service. [I8]
/// Counterexample 34: only joining is open to who has no certificate.
#[tokio::test]
async fn the_service_requires_a_certificate() {
    let house = House::new();
    let client = house.connect(house.client(&[ALPN_MAIN], NO_CERTIFICATE)).await;
    let error = refused(client).await;
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    house.nobody_comes().await;
}

/// Fault 36: another authority, another role and no name are refused. [I8 I9]
#[tokio::test]
async fn certificates_that_are_not_a_nodes_of_this_province_are_refused() {
    let house = House::new();
    let stranger = House::new().node(NODE);
    let server_key = PrivatePkcs8KeyDer::from(house.identity.pkcs8().to_vec()).into();
    let server = Some((house.identity.certificate().clone(), server_key));
    for credentials in [stranger, server] {
        let client = house.connect(house.client(&[ALPN_MAIN], credentials)).await;
        refused(client).await;
        house.nobody_comes().await;
    }
}

/// A node's certificate with somebody else's key proves nothing.
/// Fault 38: a certificate without its key opens nothing. [I8]
#[tokio::test]
async fn a_stolen_certificate_is_useless_without_its_key() {
    let house = House::new();
    let (stolen, other) = (house.node(NODE).expect("node"), house.node(NODE + 1).expect("node"));
    let provider = aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(other.1).expect("key");
    let certified = rustls::sign::CertifiedKey::new(vec![stolen.0], key);
    let mut config = house.client(&[ALPN_MAIN], NO_CERTIFICATE);
    config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    let client = house.connect(config).await;
    refused(client).await;
    house.nobody_comes().await;
}

#[tokio::test]
async fn an_expired_node_is_admitted_and_seen_as_expired() {
    let mut house = House::new();
    let config = house.client(&[ALPN_MAIN], house.node_until(NODE, NOW - 1));
    let _client = house.connect(config).await.expect("client");
    let node = house.next_main().await.peer().node.clone().expect("identity");
    assert!(node.expired_at(NOW) && node.node_id == NODE);
}

#[tokio::test]
async fn other_protocols_and_older_tls_are_refused() {
    let house = House::new();
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let client = house.connect(house.client(protocols, house.node(NODE))).await;
        refused(client).await;
        house.nobody_comes().await;
    }
    let mut roots = RootCertStore::empty();
    roots.add(house.ca.certificate().clone()).expect("root");
    let builder = ClientConfig::builder_with_details(
        Arc::new(aws_lc_rs::default_provider()),
        Arc::new(Fixed),
    );
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).expect("version");
    let mut old = builder.with_root_certificates(roots).with_no_client_auth();
    old.alpn_protocols = vec![ALPN_JOIN.to_vec()];
    let client = house.connect(old).await;
    refused(client).await;
    house.nobody_comes().await;
}

#[tokio::test]
async fn cutting_a_node_ends_its_connections_now_and_no_others() {
    let mut house = House::new();
    let (mut client, mut first) = house.up(NODE).await;
    let (_other_client, mut second) = house.up(NODE).await;
    let (mut neighbour, mut third) = house.up(NODE + 1).await;
    assert_eq!(house.table.count_of(NODE), 2);
    // A reader that waits, as a live stream does, is woken by the cut.
    let waiting = tokio::spawn(async move { first.read(&mut [0; 1]).await });
    tokio::task::yield_now().await;
    assert_eq!(house.table.cut(NODE), 2);
    let error = soon(waiting).await.expect("task").expect_err("cut");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    assert!(second.write(b"x").await.is_err());
    let seen = soon(client.read(&mut [0; 1])).await;
    assert!(!matches!(seen, Ok(1..)), "the client sees the end: {seen:?}");
    drop(second);
    neighbour.write_all(b"x").await.expect("written");
    assert_eq!(soon(third.read(&mut [0; 1])).await.expect("read"), 1);
    assert_eq!((house.table.count_of(NODE), house.table.len()), (0, 1));
    assert_eq!(house.table.cut(NODE), 0);
}

fn hasty() -> AcceptLimits {
    let brief = Duration::from_secs(1);
    AcceptLimits { handshake: brief, first_byte: brief, handshakes: 2, per_address: 3 }
}

/// Silent from the start, silent after half a hello, and endless rubbish-to-come:
/// each is dropped at the deadline, and those behind them get their turn.
#[tokio::test]
async fn a_handshake_that_never_finishes_is_dropped_at_its_deadline() {
    let mut house = House::with(hasty());
    let begun = Instant::now();
    let mut silent = house.pipe("10.0.0.1:1").await;
    let mut half = house.pipe("10.0.0.1:2").await;
    half.write_all(&[22, 3, 1, 2, 0, 1, 0]).await.expect("written");
    let honest = house.client(&[ALPN_MAIN], house.node(NODE));
    let waiting = house.pipe("10.0.0.2:1").await;
    let client = tokio::spawn(shake(honest, waiting));
    assert_eq!(soon(silent.read(&mut [0; 1])).await.expect("closed"), 0);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(soon(half.read(&mut [0; 1])).await.expect("closed"), 0);
    // Both handshakes that may run at once were taken: the honest one waited.
    assert_eq!(house.next_main().await.peer().node.as_ref().map(|node| node.node_id), Some(NODE));
    client.await.expect("task").expect("client");
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_dropped() {
    let mut house = House::with(hasty());
    let (_client, mut silent) = house.up(NODE).await;
    let error = soon(silent.read(&mut [0; 1])).await.expect_err("dropped");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let (mut client, mut talking) = house.up(NODE).await;
    let opening = [b'x'; OPENING_BYTES];
    client.write_all(&opening).await.expect("written");
    soon(talking.read_exact(&mut [0; OPENING_BYTES])).await.expect("read");
    let later = tokio::time::timeout(Duration::from_millis(1_500), talking.read(&mut [0; 1])).await;
    assert!(later.is_err(), "after its opening a connection may be silent");
}

#[tokio::test]
async fn an_address_cannot_take_every_place() {
    let mut house = House::with(AcceptLimits { per_address: 2, ..AcceptLimits::default() });
    let _up = [house.up(NODE).await, house.up(NODE + 1).await];
    let _silent = [house.pipe("10.0.0.1:1").await, house.pipe("10.0.0.1:2").await];
    let mut third = house.pipe("10.0.0.1:3").await;
    assert_eq!(soon(third.read(&mut [0; 1])).await.expect("closed"), 0);
    let elsewhere = house.pipe("10.0.0.2:1").await;
    let config = house.client(&[ALPN_MAIN], house.node(NODE + 2));
    shake(config, elsewhere).await.expect("another address is served");
}

#[tokio::test]
async fn shutdown_ends_the_streams_and_leaves_the_connections() {
    let mut house = House::new();
    let (mut client, mut server) = house.up(NODE).await;
    let mut under_way = house.pipe("10.0.0.1:2").await;
    tokio::task::yield_now().await;
    house.shutdown.cancel();
    assert!(soon(house.out.main.next()).await.is_none());
    assert!(soon(house.out.join.next()).await.is_none());
    assert_eq!(soon(under_way.read(&mut [0; 1])).await.expect("closed"), 0);
    client.write_all(b"x").await.expect("written");
    assert_eq!(soon(server.read(&mut [0; 1])).await.expect("read"), 1);
    assert_eq!(house.table.cut_all(), 1);
    assert!(server.read(&mut [0; 1]).await.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_the_next_handshake_on() {
    let mut house = House::new();
    let (mut before, mut server) = house.up(NODE).await;
    let renewed = house.ca.renew_server(&house.identity, &[], NOW + 1).expect("renewed");
    house.tls.replace(&renewed).expect("replaced");
    let (after, _connection) = house.up(NODE).await;
    assert_eq!(after.get_ref().1.peer_certificates().expect("chain")[0], *renewed.certificate());
    before.write_all(b"x").await.expect("written");
    assert_eq!(soon(server.read(&mut [0; 1])).await.expect("read"), 1);
}

/// tonic over TCP, from the listener to the request's extensions, and a revocation
/// that ends a live stream.
#[tokio::test]
async fn tonic_serves_the_connections_and_a_cut_ends_a_live_stream() {
    use tonic::transport::{Endpoint, Server};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let house = House::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let (out, run) = accept::accept(
        listener,
        house.tls.clone(),
        house.table.clone(),
        AcceptLimits::default(),
        house.shutdown.clone(),
    );
    tokio::spawn(run);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    let (seen, mut sightings) = mpsc::unbounded_channel();
    let look = move |request: tonic::Request<()>| {
        let _ = seen.send(request.extensions().get::<PeerInfo>().cloned());
        Ok(request)
    };
    let watched = tonic::service::interceptor::InterceptedService::new(health, look);
    let ended = house.shutdown.clone().cancelled_owned();
    let serving = Server::builder().serve_with_incoming_shutdown(watched, out.main, ended);
    let serving = tokio::spawn(serving);

    let config = house.client(&[ALPN_MAIN], house.node(NODE));
    let connect = tower::service_fn(move |_: http::Uri| {
        let config = config.clone();
        async move {
            shake(config, tokio::net::TcpStream::connect(address).await?).await.map(TokioIo::new)
        }
    });
    let endpoint = Endpoint::from_static("http://server.dongbo.internal");
    let channel = endpoint.connect_with_connector(connect).await.expect("channel");
    let mut client = HealthClient::new(channel);
    let mut live = client.watch(HealthCheckRequest::default()).await.expect("stream").into_inner();
    assert!(soon(live.message()).await.expect("first").is_some());
    let peer = sightings.recv().await.expect("request").expect("peer");
    assert_eq!(peer.node.map(|node| node.node_id), Some(NODE));
    assert_eq!(house.table.cut(NODE), 1);
    assert!(soon(live.message()).await.is_err(), "the live stream ends");
    house.shutdown.cancel();
    soon(serving).await.expect("task").expect("served");
}
