//! Which servers a node believes: real handshakes over pipes, against servers of
//! every wrong sort. No test says what time it is on the node, for nothing asks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dongbo_node::exchange::fault::{LinkFault, link_fault};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::{connect, tls};
use dongbo_proto::code::CaPin;
use dongbo_proto::link::{ALPN_JOIN, ALPN_MAIN, SERVER_NAME};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ED25519,
};
use rustls::server::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;
use tower::Service;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("key")
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    CertifiedIssuer::self_signed(params, key()).expect("authority")
}

/// What a certificate for a server says; each test spoils one thing.
struct Leaf {
    name: &'static str,
    usage: ExtendedKeyUsagePurpose,
    from: i64,
    until: i64,
}

const GOOD: Leaf = Leaf {
    name: SERVER_NAME,
    usage: ExtendedKeyUsagePurpose::ServerAuth,
    from: NOW - DAY,
    until: NOW + DAY,
};

impl Leaf {
    fn signed_by(&self, authority: &Authority, key: &KeyPair) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec![self.name.to_owned()]).expect("params");
        params.extended_key_usages = vec![self.usage.clone()];
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(self.from as u64);
        params.not_after = epoch + Duration::from_secs(self.until as u64);
        params.signed_by(key, authority).expect("leaf").der().clone()
    }
}

/// A server that shows these certificates with this key.
fn server(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Arc<ServerConfig> {
    let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let builder = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ));
    let builder =
        builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key).expect("server");
    config.alpn_protocols = vec![ALPN_JOIN.to_vec(), ALPN_MAIN.to_vec()];
    Arc::new(config)
}

fn shows(leaf: Leaf, authority: &Authority) -> Arc<ServerConfig> {
    let key = key();
    server(vec![leaf.signed_by(authority, &key), authority.der().clone()], &key)
}

/// Connects as production does, but over a pipe, and passes one byte each way.
async fn meet(
    client: Arc<rustls::ClientConfig>,
    server: Arc<ServerConfig>,
) -> Result<(), LinkFault> {
    let (near, far) = duplex(64 * 1024);
    let serving = tokio::spawn(async move {
        let mut stream = TlsAcceptor::from(server).accept(far).await?;
        let byte = stream.read_u8().await?;
        stream.write_u8(byte + 1).await?;
        stream.flush().await
    });
    let near = Arc::new(std::sync::Mutex::new(Some(near)));
    let dial = move |_uri| {
        let near: Option<DuplexStream> = near.lock().expect("lock").take();
        async move { near.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused)) }
    };
    let mut connector = connect::tls_connector(client, dial);
    let connected = connector.call(http::Uri::from_static(connect::SERVER_URI)).await;
    let mut stream = connected.map_err(|error| link_fault(&error).expect("a fault"))?.into_inner();
    stream.write_u8(6).await.expect("written");
    stream.flush().await.expect("flushed");
    assert_eq!(stream.read_u8().await.expect("read"), 7);
    serving.await.expect("task").expect("served");
    Ok(())
}

fn joining(authority: &Authority) -> Arc<rustls::ClientConfig> {
    tls::client_config_join(CaPin::of_certificate(authority.der())).expect("config")
}

fn exchanging(authority: &Authority, last_server_time: Option<i64>) -> Arc<rustls::ClientConfig> {
    let key = NodeKey::generate().expect("key");
    let pair = KeyPair::try_from(key.pkcs8()).expect("pair");
    let leaf =
        Leaf { usage: ExtendedKeyUsagePurpose::ClientAuth, ..GOOD }.signed_by(authority, &pair);
    tls::client_config_main(authority.der(), &leaf, &key, last_server_time).expect("config")
}

#[tokio::test]
async fn the_pinned_authority_is_believed() {
    let province = authority();
    assert_eq!(meet(joining(&province), shows(GOOD, &province)).await, Ok(()));
    assert_eq!(meet(exchanging(&province, None), shows(GOOD, &province)).await, Ok(()));
}

/// Fault 36: another authority is refused. [I8]
#[tokio::test]
async fn another_authority_is_not() {
    let (province, other) = (authority(), authority());
    let wrong = Err(LinkFault::WrongAuthority);
    assert_eq!(meet(joining(&province), shows(GOOD, &other)).await, wrong);
    assert_eq!(meet(exchanging(&province, None), shows(GOOD, &other)).await, wrong);
}

/// The authority's certificate is public: showing it proves nothing, if it did not
/// sign the one that serves.
#[tokio::test]
async fn a_borrowed_authority_is_not_enough() {
    let (province, other, key) = (authority(), authority(), key());
    let leaf = GOOD.signed_by(&other, &key);
    let chain = vec![leaf, province.der().clone()];
    assert_eq!(meet(joining(&province), server(chain, &key)).await, Err(LinkFault::WrongAuthority));
}

#[tokio::test]
async fn a_newcomer_must_be_shown_the_authority() {
    let (province, key) = (authority(), key());
    let alone = server(vec![GOOD.signed_by(&province, &key)], &key);
    assert_eq!(meet(joining(&province), alone.clone()).await, Err(LinkFault::WrongAuthority));
    assert_eq!(meet(exchanging(&province, None), alone).await, Ok(()));
}

/// A node's certificate, or one for another name, does not make a server; nor does
/// the authority's own.
/// Fault 36: a node's certificate is no server's. [I8]
#[tokio::test]
async fn only_the_servers_own_certificate_serves() {
    let province = authority();
    let node = || Leaf { usage: ExtendedKeyUsagePurpose::ClientAuth, ..GOOD };
    let elsewhere = || Leaf { name: "other.dongbo.internal", ..GOOD };
    let not_it = Err(LinkFault::NotTheServer);
    for leaf in [node, elsewhere] as [fn() -> Leaf; 2] {
        assert_eq!(meet(joining(&province), shows(leaf(), &province)).await, not_it);
        assert_eq!(meet(exchanging(&province, None), shows(leaf(), &province)).await, not_it);
    }
    let itself = server(vec![province.der().clone()], province.key());
    assert_eq!(meet(exchanging(&province, None), itself).await, not_it);
}

/// Counterexample 13: validity is judged by the province's time.
#[tokio::test]
async fn dates_are_judged_by_the_last_time_that_the_server_told() {
    let province = authority();
    let told = |at: i64| exchanging(&province, Some(at));
    let shown = || shows(GOOD, &province);
    assert_eq!(meet(told(NOW), shown()).await, Ok(()));
    assert_eq!(meet(told(NOW + DAY), shown()).await, Ok(()), "its last second counts");
    assert_eq!(meet(told(NOW + DAY + 1), shown()).await, Err(LinkFault::ServerExpired));
    // Away since before the certificate was made: that moment has long passed.
    assert_eq!(meet(told(NOW - 400 * DAY), shown()).await, Ok(()));
    // Never told: a newcomer, and a node that has not had its first exchange.
    let long_ago = || Leaf { from: DAY, until: 2 * DAY, ..GOOD };
    assert_eq!(meet(joining(&province), shows(long_ago(), &province)).await, Ok(()));
    assert_eq!(meet(exchanging(&province, None), shows(long_ago(), &province)).await, Ok(()));
}

#[tokio::test]
async fn older_tls_is_not_spoken() {
    let (province, key) = (authority(), key());
    let chain = vec![GOOD.signed_by(&province, &key), province.der().clone()];
    let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let builder = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).expect("version");
    let old = builder.with_no_client_auth().with_single_cert(chain, key).expect("server");
    assert_eq!(meet(joining(&province), Arc::new(old)).await, Err(LinkFault::NotOurProtocol));
}

#[tokio::test]
async fn a_certificate_of_another_key_is_no_identity() {
    let (province, mine) = (authority(), NodeKey::generate().expect("key"));
    let leaf = GOOD.signed_by(&province, &key());
    assert!(tls::client_config_main(province.der(), &leaf, &mine, None).is_err());
}

/// Fault 23: who answers with something else is no server of ours. [I15]
#[tokio::test]
async fn nobody_there_and_somebody_else_there_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address").to_string();
    let rude = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("written");
        let _ = stream.read(&mut [0; 4096]).await;
    });
    let province = authority();
    let uri = || http::Uri::from_static(connect::SERVER_URI);
    let mut connector = connect::tls_connector(joining(&province), connect::tcp(address));
    let error = connector.call(uri()).await.map(drop).expect_err("not TLS");
    assert_eq!(link_fault(&error), Some(LinkFault::NotOurProtocol));
    rude.await.expect("task");
    let error = connector.call(uri()).await.map(drop).expect_err("closed port");
    assert_eq!(link_fault(&error), Some(LinkFault::Unreachable));
}
