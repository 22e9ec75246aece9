//! Ed25519 signatures: one signer and one check, shared by both sides.
//!
//! Batches are signed by their author's key, receipts and epochs by the
//! server's. What is signed, and under which prefix, is said where the bytes are
//! made; this module only knows bytes.
//!
//! Deliberately absent: making keys (that takes randomness, so it belongs to the
//! node's `exchange` and to the server's `ca`), certificates, and any choice of
//! algorithm.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// Bytes of an Ed25519 public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Bytes of the seed that an Ed25519 private key is.
pub const SEED_BYTES: usize = 32;

/// Why a private key could not be used. It never says anything about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The bytes are not an unencrypted PKCS#8 Ed25519 private key.
    #[error("not an Ed25519 private key in PKCS#8 form")]
    NotAKey,
}

/// True when `signature` was made over exactly `message` by the private half of
/// `public`. A malformed key or signature is simply not a valid signature.
#[must_use]
pub fn verify(
    public: &[u8; PUBLIC_KEY_BYTES],
    message: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
) -> bool {
    let public = UnparsedPublicKey::new(&ED25519, public);
    public.verify(message, signature).is_ok()
}

/// A private key that signs. Its `Debug` shows the public half only.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl Signer {
    /// Reads an unencrypted PKCS#8 private key (version 1 or 2).
    ///
    /// # Errors
    /// [`SignError::NotAKey`] when the bytes are anything else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| SignError::NotAKey)?;
        Self::from_pair(pair)
    }

    /// The key that a 32-byte seed stands for: the simulator and the generator
    /// take theirs from a seeded stream, so that a run can be had again.
    ///
    /// # Errors
    /// [`SignError::NotAKey`] when the library refuses the seed.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<Self, SignError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SignError::NotAKey)?;
        Self::from_pair(pair)
    }

    fn from_pair(pair: Ed25519KeyPair) -> Result<Self, SignError> {
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| SignError::NotAKey)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public
    }

    /// Signs `message`. The same key and message always give the same bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = data_encoding::HEXLOWER.encode(&self.public);
        f.debug_struct("Signer").field("public", &public).field("private", &"[redacted]").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let bytes = HEXLOWER.decode(hex.as_bytes()).expect("hex");
        bytes.try_into().expect("length")
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn agrees_with_rfc_8032() {
        let signer = Signer::from_seed(&bytes(SEED)).expect("key");
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signer.public(), &bytes::<32>(public));
        assert_eq!(signer.sign(&[0x72]), bytes::<64>(signature));
        assert!(verify(signer.public(), &[0x72], &signer.sign(&[0x72])));
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let signer = Signer::from_seed(&bytes(SEED)).expect("key");
        let signature = signer.sign(b"an act");
        for bit in 0..SIGNATURE_BYTES * 8 {
            let mut bad = signature;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(signer.public(), b"an act", &bad), "bit {bit}");
        }
        assert!(!verify(signer.public(), b"another act", &signature));
        assert!(!verify(&[0xff; 32], b"an act", &signature));
    }

    #[test]
    fn debug_never_shows_the_seed() {
        let signer = Signer::from_seed(&bytes(SEED)).expect("key");
        let shown = format!("{signer:?}");
        assert!(shown.contains("redacted") && !shown.contains(&SEED[..8]));
    }

    #[test]
    fn junk_is_not_a_key() {
        assert_eq!(Signer::from_pkcs8(b"junk").err(), Some(SignError::NotAKey));
    }
}
