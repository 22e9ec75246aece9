//! The node's own key: made here, never sent. It signs the node's batches and is
//! the identity behind its certificate, so renewal asks with the same key.
//!
//! Deliberately absent: where the key is kept (the replica's directory, wrapped as
//! the office chose) and what is signed.

use std::fmt;

use dongbo_proto::sign::{SignError, Signer};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ED25519};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a key could not be made or used. It never says anything about the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The stored bytes are not an Ed25519 private key.
    #[error(transparent)]
    NotAKey(#[from] SignError),
    /// The library refused to make a key or a request.
    #[error("making a key or a certificate request failed")]
    Making(#[from] rcgen::Error),
}

/// An Ed25519 key pair. Its `Debug` shows the public half only.
pub struct NodeKey {
    pkcs8: Vec<u8>,
    signer: Signer,
}

impl NodeKey {
    /// Makes a key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Making`] when the system has none.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pkcs8(KeyPair::generate_for(&PKCS_ED25519)?.serialized_der())
    }

    /// Reads a stored key.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`] when the bytes are anything else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let signer = Signer::from_pkcs8(pkcs8)?;
        Ok(Self { pkcs8: pkcs8.to_vec(), signer })
    }

    /// The private key as it is stored: whoever has it is this node.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        self.signer.public()
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signer.sign(message)
    }

    /// A certificate request (PKCS#10, DER): the public key and the proof of the
    /// private one. It names nothing, since the server alone says who a node is.
    ///
    /// # Errors
    /// [`KeyError::Making`] when the library refuses.
    pub fn csr_der(&self) -> Result<Vec<u8>, KeyError> {
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&self.borrowed(), &PKCS_ED25519)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&pair)?.der().to_vec())
    }

    pub(super) fn tls_key(&self) -> PrivateKeyDer<'static> {
        self.borrowed().clone_key().into()
    }

    fn borrowed(&self) -> PrivatePkcs8KeyDer<'_> {
        PrivatePkcs8KeyDer::from(self.pkcs8.as_slice())
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.signer, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_the_same_key() {
        let key = NodeKey::generate().expect("key");
        let again = NodeKey::from_pkcs8(key.pkcs8()).expect("key");
        assert_eq!(again.public(), key.public());
        assert!(dongbo_proto::sign::verify(key.public(), b"batch", &again.sign(b"batch")));
    }

    #[test]
    fn two_keys_differ_and_junk_is_none() {
        let keys = [NodeKey::generate(), NodeKey::generate()].map(|key| key.expect("key"));
        assert_ne!(keys[0].public(), keys[1].public());
        assert!(matches!(NodeKey::from_pkcs8(b"junk"), Err(KeyError::NotAKey(_))));
    }

    #[test]
    fn debug_never_shows_the_key() {
        let key = NodeKey::generate().expect("key");
        let seed = data_encoding::HEXLOWER.encode(&key.pkcs8()[16..32]);
        let shown = format!("{key:?}");
        assert!(shown.contains("redacted") && !shown.contains(&seed));
    }
}
