//! The node's two TLS configurations: one to join, one for everything after. TLS 1.3
//! only, no session tickets, and no clock (see `trust`).
//!
//! Deliberately absent: sockets (`connect`), and keeping the certificates.

use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::code::CaPin;
use dongbo_proto::link::{ALPN_JOIN, ALPN_MAIN};
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ConfigBuilder};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::key::NodeKey;
use super::trust::ServerTrust;

/// The configuration of first contact: no certificate of its own yet, and a server
/// whose chain must hold the authority that the join code pins.
///
/// # Errors
/// What the TLS library refuses.
pub fn client_config_join(pin: CaPin) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = ServerTrust::pinned(pin, provider.clone());
    Ok(finish(begin(provider, trust)?.with_no_client_auth(), ALPN_JOIN))
}

/// The configuration of every exchange. `authority` and `certificate` are DER;
/// `last_server_time` is the last time that the server told, in unix seconds: only a
/// certificate that had ended by then is refused.
///
/// # Errors
/// What the TLS library refuses, for instance a certificate of another key.
pub fn client_config_main(
    authority: &[u8],
    certificate: &[u8],
    key: &NodeKey,
    last_server_time: Option<i64>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authority = CertificateDer::from(authority.to_vec());
    let trust = ServerTrust::known(authority, last_server_time, provider.clone());
    let chain = vec![CertificateDer::from(certificate.to_vec())];
    let builder = begin(provider, trust)?;
    Ok(finish(builder.with_client_auth_cert(chain, key.tls_key())?, ALPN_MAIN))
}

fn begin(
    provider: Arc<CryptoProvider>,
    trust: ServerTrust,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let builder = ClientConfig::builder_with_details(provider, Arc::new(NoClock));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13])?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(trust)))
}

fn finish(mut config: ClientConfig, protocol: &[u8]) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![protocol.to_vec()];
    // A resumed session skips the judgement of the server's certificate.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// The node's clock has no say, so the library is given none.
#[derive(Debug)]
struct NoClock;

impl TimeProvider for NoClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::ZERO))
    }
}
