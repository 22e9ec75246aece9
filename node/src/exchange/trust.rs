//! Which server a node believes: the one whose certificate the pinned authority
//! signed, for serving, under the one name.
//!
//! Dates are judged without the node's clock, which may say 1999 or 2035. The last
//! moment that the server told, and signed, is a moment that has certainly passed:
//! a certificate that ended before it is over. One that began after it may well be
//! in force, since that moment lies in the past. So a certificate is judged at the
//! later of the two: that moment, and its own beginning.
//!
//! Deliberately absent: revocation of the server (it would come from the server),
//! and the roots of the operating system, which have no say here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::code::CaPin;
use dongbo_proto::link::SERVER_NAME;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// The chain that the server sent does not hold the authority of the join code: a
/// code of another province, or somebody between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not belong to the authority of the join code")]
pub struct NotThePinnedAuthority;

/// Where the authority comes from.
#[derive(Clone)]
enum Anchor {
    /// At join: it must be in the server's chain, and match the code's pin.
    Pinned(CaPin),
    /// Afterwards: it was stored.
    Known(CertificateDer<'static>),
}

/// Judges the server's certificate in a handshake.
pub(super) struct ServerTrust {
    anchor: Anchor,
    passed_s: Option<i64>,
    provider: Arc<CryptoProvider>,
}

impl ServerTrust {
    /// Trusts the authority with this pin, at a moment within the server
    /// certificate's own life: a newcomer knows no other.
    pub(super) fn pinned(pin: CaPin, provider: Arc<CryptoProvider>) -> Self {
        Self { anchor: Anchor::Pinned(pin), passed_s: None, provider }
    }

    /// Trusts this authority. `passed_s` is the last time that the server told, in
    /// unix seconds.
    pub(super) fn known(
        authority: CertificateDer<'static>,
        passed_s: Option<i64>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { anchor: Anchor::Known(authority), passed_s, provider }
    }

    fn authority(
        &self,
        sent: &[CertificateDer<'_>],
    ) -> Result<CertificateDer<'static>, rustls::Error> {
        match &self.anchor {
            Anchor::Known(authority) => Ok(authority.clone()),
            Anchor::Pinned(pin) => {
                let found = sent.iter().find(|certificate| pin.matches(certificate));
                let found = found.ok_or_else(|| OtherError(Arc::new(NotThePinnedAuthority)));
                Ok(found.map_err(CertificateError::Other)?.clone().into_owned())
            }
        }
    }
}

impl ServerCertVerifier for ServerTrust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority(sent)?)?;
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone());
        let chain = builder.build().map_err(|_| CertificateError::UnknownIssuer)?;
        let at = moment_of_judgement(certificate, self.passed_s)?;
        // The name is the constant, whatever was dialled; and the authority signs
        // servers directly, so nothing else that was sent can matter.
        chain.verify_server_cert(certificate, &[], &server_name(), ocsp, at)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl fmt::Debug for ServerTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTrust").field("passed_s", &self.passed_s).finish_non_exhaustive()
    }
}

/// The one name of a province's server.
pub(super) fn server_name() -> ServerName<'static> {
    ServerName::try_from(SERVER_NAME).expect("the constant is a DNS name")
}

/// Whether a certificate is one for this key: anything else in its place would lock the node out.
pub(super) fn certifies(certificate: &[u8], key: &[u8; 32]) -> bool {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    let of_key = |(rest, parsed): (&[u8], x509_parser::certificate::X509Certificate<'_>)| {
        rest.is_empty() && parsed.public_key().subject_public_key.data.as_ref() == key
    };
    parsed.is_ok_and(of_key)
}

fn moment_of_judgement(
    certificate: &[u8],
    passed_s: Option<i64>,
) -> Result<UnixTime, rustls::Error> {
    let Ok(([], parsed)) = x509_parser::parse_x509_certificate(certificate) else {
        return Err(CertificateError::BadEncoding.into());
    };
    let begin_s = parsed.validity().not_before.timestamp();
    let at_s = passed_s.map_or(begin_s, |passed_s| passed_s.max(begin_s));
    let at_s = u64::try_from(at_s).map_err(|_| CertificateError::BadEncoding)?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(at_s)))
}
