//! Reading a node's certificate: which node, which key, for how long.
//!
//! Deliberately absent: trust. Nothing here checks who signed; the handshake has
//! done so before anybody asks.

use std::sync::Arc;

use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use super::{CaError, RENEW_AT_PERCENT};

/// Where a node's certificate names its scopes: an identifier under 2.25, the arc of
/// self-drawn numbers. It is there for people and auditors: what a node may see is
/// decided by the store's grants, at every request.
pub(super) const SCOPES_OID: &[u64] = &[2, 25, 6_177_842_093_512_770_469];

/// Who is at the other end of a link, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeIdentity {
    /// The node's id, never reused.
    pub node_id: u64,
    /// Its Ed25519 public key, the one that its batches are signed with.
    pub public_key: [u8; 32],
    /// First second of the certificate's life, unix seconds.
    pub not_before: i64,
    /// Last second of the certificate's life, unix seconds.
    pub not_after: i64,
    /// The scopes that it names, as they were when it was signed.
    pub scopes: Arc<[u32]>,
}

impl NodeIdentity {
    /// True when the certificate's life is over: the session then lets the node do
    /// nothing but renew.
    #[must_use]
    pub fn expired_at(&self, now_s: i64) -> bool {
        now_s > self.not_after
    }

    /// The moment from which the server asks the node to renew, unix seconds.
    #[must_use]
    pub fn renew_at(&self) -> i64 {
        renew_at(self.not_before, self.not_after)
    }
}

/// The moment at 70 % of a life, unix seconds: early enough for the weeks that a
/// node may be away.
#[must_use]
pub fn renew_at(not_before: i64, not_after: i64) -> i64 {
    let life = not_after.saturating_sub(not_before);
    // Divided first: no life is so long that it overflows, and a minute of a
    // hundred is far below what matters.
    not_before.saturating_add((life / 100).saturating_mul(RENEW_AT_PERCENT))
}

/// Reads the node's identity out of its certificate.
///
/// # Errors
/// [`CaError::Certificate`] when it is not a certificate of a node,
/// [`CaError::NotEd25519`] when its key is of another sort.
pub fn node_id_of(certificate: &[u8]) -> Result<NodeIdentity, CaError> {
    let scopes = scopes_of(certificate)?.into();
    let certificate = parse(certificate)?;
    let validity = certificate.validity();
    Ok(NodeIdentity {
        node_id: node_id(certificate.subject())?,
        public_key: ed25519_key(certificate.public_key())?,
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        scopes,
    })
}

/// The scopes that a node's certificate names, as they were when it was signed.
///
/// # Errors
/// [`CaError::Certificate`] when it is not a certificate, or its list is damaged.
pub fn scopes_of(certificate: &[u8]) -> Result<Vec<u32>, CaError> {
    let certificate = parse(certificate)?;
    let is_ours = |oid: &x509_parser::der_parser::oid::Oid| {
        oid.iter().is_some_and(|arcs| arcs.eq(SCOPES_OID.iter().copied()))
    };
    let mut found = certificate.extensions().iter().filter(|extension| is_ours(&extension.oid));
    found.next().map_or(Ok(Vec::new()), |extension| decode_scopes(extension.value))
}

/// The scopes as an OCTET STRING of big-endian numbers.
pub(super) fn encode_scopes(scopes: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = scopes.iter().flat_map(|scope| scope.to_be_bytes()).collect();
    let mut der = vec![0x04];
    // `CERTIFICATE_SCOPES_MAX` keeps the length within two bytes.
    let [high, low] = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => der.push(low),
        (0, _) => der.extend([0x81, low]),
        _ => der.extend([0x82, high, low]),
    }
    der.extend(bytes);
    der
}

fn decode_scopes(der: &[u8]) -> Result<Vec<u32>, CaError> {
    let damaged = || CaError::Certificate("its list of scopes is damaged");
    let (rest, octets) =
        x509_parser::der_parser::der::parse_der_octetstring(der).map_err(|_| damaged())?;
    let bytes = octets.as_slice().map_err(|_| damaged())?;
    if !rest.is_empty() || !bytes.len().is_multiple_of(4) {
        return Err(damaged());
    }
    let number = |four: &[u8]| four.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
    Ok(bytes.chunks(4).map(number).collect())
}

pub(super) fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, CaError> {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(CaError::Certificate("bytes follow it")),
        Err(_) => Err(CaError::Certificate("not an X.509 certificate")),
    }
}

/// The 32 bytes of an Ed25519 key.
pub(super) fn ed25519_key(key: &SubjectPublicKeyInfo<'_>) -> Result<[u8; 32], CaError> {
    if key.algorithm.algorithm != OID_SIG_ED25519 {
        return Err(CaError::NotEd25519);
    }
    let bytes = key.subject_public_key.data.as_ref();
    bytes.try_into().map_err(|_| CaError::NotEd25519)
}

/// Sixteen lower-case hex digits, in exactly one common name: one spelling for one
/// node, so that a name can be compared as text in a log.
fn node_id(subject: &X509Name<'_>) -> Result<u64, CaError> {
    let mut names = subject.iter_common_name();
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err(CaError::Certificate("it does not name one node"));
    };
    let name = name.as_str().unwrap_or_default();
    let digits = name.len() == 16 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = u64::from_str_radix(name, 16).ok().filter(|_| digits);
    id.ok_or(CaError::Certificate("its name is not a node id"))
}

/// How a node id is spelled in a certificate.
pub(super) fn node_name(node_id: u64) -> String {
    format!("{node_id:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_at_seventy_percent() {
        assert_eq!(renew_at(0, 90 * 86_400), 63 * 86_400);
        assert_eq!(renew_at(i64::MAX - 10, i64::MAX), i64::MAX - 10);
    }

    #[test]
    fn scopes_of_every_count_are_read_back() {
        for count in [0, 1, 13, 31, 32, 63, 64, 209, 1024] {
            let scopes: Vec<u32> = (0..count).map(|n| n * 4_099).collect();
            assert_eq!(decode_scopes(&encode_scopes(&scopes)).expect("scopes"), scopes);
        }
        assert!(decode_scopes(&[4, 3, 0, 0, 1]).is_err());
        assert!(decode_scopes(&[4, 4, 0, 0, 0, 1, 0]).is_err());
    }
}
