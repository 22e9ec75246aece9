//! Reading a certificate request (PKCS#10) of somebody who is not trusted yet.
//!
//! Only two things are taken from it: the public key, and the proof that whoever
//! asks holds the private half. Its subject, its extensions and its attributes are
//! wishes, and are ignored: the authority alone says what a certificate means.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::FromDer;

use super::identity::ed25519_key;
use super::{CaError, REQUEST_BYTES_MAX};

/// The Ed25519 public key that a request asks a certificate for, after its own
/// signature was checked. On renewal it must equal the key that the node has.
///
/// # Errors
/// [`CaError::RequestUnreadable`], [`CaError::NotEd25519`] or
/// [`CaError::RequestSignature`].
pub fn public_key_of_request(request: &[u8]) -> Result<[u8; 32], CaError> {
    let request = parse(request)?;
    let info = &request.certification_request_info;
    let key = ed25519_key(&info.subject_pki)?;
    if request.signature_algorithm.algorithm != OID_SIG_ED25519 {
        return Err(CaError::NotEd25519);
    }
    // The parser lets a signature of a broken number of bits pass as whole bytes.
    if request.signature_value.unused_bits != 0 {
        return Err(CaError::RequestUnreadable);
    }
    UnparsedPublicKey::new(&ED25519, key)
        .verify(info.raw, &request.signature_value.data)
        .map_err(|_| CaError::RequestSignature)?;
    Ok(key)
}

fn parse(request: &[u8]) -> Result<X509CertificationRequest<'_>, CaError> {
    if request.len() > REQUEST_BYTES_MAX {
        return Err(CaError::RequestUnreadable);
    }
    match X509CertificationRequest::from_der(request) {
        Ok(([], request)) => Ok(request),
        _ => Err(CaError::RequestUnreadable),
    }
}
