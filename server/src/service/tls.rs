//! The server's two TLS configurations, chosen by what the client's hello offers:
//! joining (`dongbo-join/1`, no client certificate, the authority's certificate sent
//! along so that the node can pin it) and everything else (`h2`, client certificate
//! required in the handshake). TLS 1.3 only, no tickets, no early data: a resumed
//! session would carry an identity past its revocation.
//!
//! A node's certificate is checked for who signed it and whose key it is, not for
//! its dates: an expired node gets through the handshake and is told by the session
//! what to do. So no clock is read here at all.
//!
//! Deliberately absent: sockets (`accept`), and standing (the session asks the store
//! at each request).

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use dongbo_proto::link::{ALPN_JOIN, ALPN_MAIN};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::ca::{NodeIdentity, ServerIdentity, node_id_of};

/// Why the TLS configurations could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The library refused the server's key or certificate.
    #[error("the server's certificate cannot be used: {0}")]
    Identity(#[from] rustls::Error),
    /// The authority's certificate cannot serve as a root.
    #[error("the authority's certificate cannot be used")]
    Authority,
}

/// What a client came for, as its hello says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// First contact: nobody is known yet.
    Join,
    /// The service: the peer is a node.
    Main,
}

impl Route {
    /// The ALPN protocol of the route.
    #[must_use]
    pub fn alpn(self) -> &'static [u8] {
        match self {
            Self::Join => ALPN_JOIN,
            Self::Main => ALPN_MAIN,
        }
    }
}

/// Both configurations, and the place where a renewed certificate is put.
pub struct ServerTls {
    join: Arc<ServerConfig>,
    main: Arc<ServerConfig>,
    shown_to_newcomers: Arc<Shown>,
    shown_to_nodes: Arc<Shown>,
}

impl ServerTls {
    /// Makes both configurations from the server's identity.
    ///
    /// # Errors
    /// [`TlsError`] when the identity cannot be used.
    pub fn new(identity: &ServerIdentity) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let shown_to_newcomers = Arc::new(Shown::new(newcomers_chain(identity, &provider)?));
        let shown_to_nodes = Arc::new(Shown::new(nodes_chain(identity, &provider)?));
        let verifier = NodeVerifier::new(identity.authority(), &provider)?;
        Ok(Self {
            join: config(&provider, Route::Join, None, &shown_to_newcomers)?,
            main: config(&provider, Route::Main, Some(verifier), &shown_to_nodes)?,
            shown_to_newcomers,
            shown_to_nodes,
        })
    }

    /// Shows another certificate of the same authority from the next handshake on;
    /// connections that are up stay up.
    ///
    /// # Errors
    /// [`TlsError`] when it cannot be used; the old one then stays.
    pub fn replace(&self, identity: &ServerIdentity) -> Result<(), TlsError> {
        let provider = aws_lc_rs::default_provider();
        let (newcomers, nodes) =
            (newcomers_chain(identity, &provider)?, nodes_chain(identity, &provider)?);
        self.shown_to_newcomers.set(newcomers);
        self.shown_to_nodes.set(nodes);
        Ok(())
    }

    /// The route and configuration for a hello. Offered both, it takes the one that
    /// grants less. `None` when the client speaks neither protocol.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Option<(Route, Arc<ServerConfig>)> {
        let offers =
            |name: &[u8]| hello.alpn().is_some_and(|mut offered| offered.any(|one| one == name));
        if offers(ALPN_JOIN) {
            Some((Route::Join, self.join.clone()))
        } else if offers(ALPN_MAIN) {
            Some((Route::Main, self.main.clone()))
        } else {
            None
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// A newcomer gets the authority's certificate too: it holds only its fingerprint.
fn newcomers_chain(
    identity: &ServerIdentity,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = vec![identity.certificate().clone(), identity.authority().clone()];
    certified(chain, identity, provider)
}

/// A node holds the authority's certificate; sending it daily would only cost bytes.
fn nodes_chain(
    identity: &ServerIdentity,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    certified(vec![identity.certificate().clone()], identity, provider)
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    identity: &ServerIdentity,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let key = PrivateKeyDer::from(identity.tls_key());
    Ok(CertifiedKey::from_der(chain, key, provider)?)
}

fn config(
    provider: &Arc<CryptoProvider>,
    route: Route,
    verifier: Option<NodeVerifier>,
    shown: &Arc<Shown>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_details(provider.clone(), Arc::new(NoClock));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![route.alpn().to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The certificate in force, swapped when it is renewed.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn new(key: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(key)))
    }

    fn set(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Dates of certificates are judged by the session, so the handshake needs none.
#[derive(Debug)]
struct NoClock;

impl TimeProvider for NoClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::ZERO))
    }
}

/// The node of a certificate that came by another way than a handshake (a file on a stick), checked
/// as a handshake checks it.
///
/// # Errors
/// [`TlsError`] when the authority did not sign it for a node.
pub fn node_of(
    authority: &CertificateDer<'static>,
    certificate: &[u8],
) -> Result<NodeIdentity, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = NodeVerifier::new(authority, &provider)?;
    let certificate = CertificateDer::from(certificate);
    let unread = || TlsError::Identity(CertificateError::BadEncoding.into());
    let node = node_id_of(&certificate).map_err(|_| unread())?;
    verifier.verify_client_cert(&certificate, &[], UnixTime::since_unix_epoch(Duration::ZERO))?;
    Ok(node)
}

/// Lets through every certificate that the authority signed for a node, at a moment
/// inside that certificate's own life.
#[derive(Debug)]
struct NodeVerifier {
    chain: Arc<dyn ClientCertVerifier>,
}

impl NodeVerifier {
    fn new(
        authority: &CertificateDer<'static>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).map_err(|_| TlsError::Authority)?;
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let chain = builder.build().map_err(|_| TlsError::Authority)?;
        Ok(Self { chain })
    }
}

impl ClientCertVerifier for NodeVerifier {
    /// No hints: a node has one certificate, and its province's name is nobody's
    /// business before the handshake is done.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let node = node_id_of(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let begin_s = node.not_before.try_into().map_err(|_| CertificateError::BadEncoding)?;
        let then = UnixTime::since_unix_epoch(Duration::from_secs(begin_s));
        // The authority signs nodes directly: intermediates could only mislead.
        self.chain.verify_client_cert(certificate, &[], then)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOfferedOrEnabled))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
