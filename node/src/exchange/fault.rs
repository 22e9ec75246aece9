//! What a failed connection means to the person in front of it. A transport error
//! is a chain of wrappers; the sentence that the office shows depends on what lies
//! at its bottom: no link, the wrong province, or a certificate that ended.
//!
//! Deliberately absent: the sentences (by key, elsewhere), and refusals by the
//! session, which come as frames and not as errors.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::trust::NotThePinnedAuthority;

/// Why no connection came about, or why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Nothing answers there, or the link is down: try again later.
    Unreachable,
    /// The link was there and broke off, or went silent: try again.
    Broken,
    /// The server belongs to another authority than the pinned one: a wrong code, a
    /// wrong address, or somebody between.
    WrongAuthority,
    /// The authority signed it, but not as the province's server.
    NotTheServer,
    /// The server's certificate had ended by the last time that it told.
    ServerExpired,
    /// The server refused this node's certificate in the handshake: it is of another
    /// authority, or missing.
    Refused,
    /// Something answers, but not this protocol.
    NotOurProtocol,
}

/// Looks for the cause at the bottom of an error's chain. `None` when there is
/// neither a TLS nor a network error in it.
#[must_use]
pub fn link_fault(error: &(dyn Error + 'static)) -> Option<LinkFault> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(tls));
    }
    let io = error.downcast_ref::<io::Error>();
    let inner = io.and_then(|io| io.get_ref()).map(|inner| inner as &(dyn Error + 'static));
    let deeper = inner.or_else(|| error.source()).and_then(link_fault);
    deeper.or_else(|| io.map(|io| of_io(io.kind())))
}

fn of_io(kind: io::ErrorKind) -> LinkFault {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    match kind {
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof | TimedOut => {
            LinkFault::Broken
        }
        _ => LinkFault::Unreachable,
    }
}

fn of_tls(error: &rustls::Error) -> LinkFault {
    match error {
        rustls::Error::InvalidCertificate(why) => of_certificate(why),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        _ => LinkFault::NotOurProtocol,
    }
}

fn of_certificate(why: &CertificateError) -> LinkFault {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            LinkFault::ServerExpired
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            LinkFault::WrongAuthority
        }
        CertificateError::Other(other) if other.0.is::<NotThePinnedAuthority>() => {
            LinkFault::WrongAuthority
        }
        _ => LinkFault::NotTheServer,
    }
}

fn of_alert(alert: AlertDescription) -> LinkFault {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired
        | A::BadCertificate
        | A::UnknownCA
        | A::CertificateUnknown
        | A::UnsupportedCertificate
        | A::DecryptError
        | A::AccessDenied => LinkFault::Refused,
        _ => LinkFault::NotOurProtocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_under_its_wrappers() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(link_fault(&wrapped), Some(LinkFault::ServerExpired));
    }

    #[test]
    fn a_plain_network_error_is_itself() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let reset = io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(link_fault(&refused), Some(LinkFault::Unreachable));
        assert_eq!(link_fault(&reset), Some(LinkFault::Broken));
        assert_eq!(link_fault(&std::fmt::Error), None);
    }
}
