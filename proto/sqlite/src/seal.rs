//! Sealing of things that lie beside the database: the node's identity key, rows of
//! `outbox.log`, whatever must not be readable on a copied disk.
//!
//! AES-256-GCM-SIV rather than GCM: a log that goes back in time with its disk image may
//! meet the same nonce again, which breaks GCM and here shows only that two rows are equal.
//!
//! Not here: which nonce (the caller passes it in, from its one random source) and what
//! the context says (a row's position, a file's purpose).

use std::fmt;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Length of the nonce that goes in front of what is sealed, in bytes.
pub const NONCE_BYTES: usize = aead::NONCE_LEN;
/// What sealing adds to a length, in bytes: the nonce in front and the tag behind.
pub const SEAL_OVERHEAD_BYTES: usize = NONCE_BYTES + 16;

/// Seals and opens under one derived key. `Debug` shows its label only.
pub struct Sealer {
    key: LessSafeKey,
    label: String,
}

/// What was sealed does not open: another key, another label, another context, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open under this key and context")]
pub struct SealBroken;

impl Sealer {
    pub(crate) fn new(key: UnboundKey, label: &str) -> Self {
        Self { key: LessSafeKey::new(key), label: label.to_owned() }
    }

    /// Seals `plain` to this key and `context` (not stored: give the same one to open it).
    /// The result is nonce, ciphertext and tag.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + SEAL_OVERHEAD_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed[NONCE_BYTES..],
            )
            .expect("sealing refuses only lengths beyond any limit of ours");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`Self::seal`] made with the same context. The plain bytes are wiped when
    /// dropped.
    ///
    /// # Errors
    /// [`SealBroken`] if the key, the label, the context or one bit differs.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealBroken> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(context), &mut plain);
        let length = opened.map_err(|_| SealBroken)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("label", &self.label).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::DatabaseKey;

    use super::*;

    fn key() -> DatabaseKey {
        DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(7))
    }

    #[test]
    fn opens_only_what_it_sealed() {
        let outbox = key().sealer("outbox");
        let sealed = outbox.seal([1; NONCE_BYTES], b"row 5", b"an act");
        assert_eq!(sealed.len(), 6 + SEAL_OVERHEAD_BYTES);
        assert_eq!(outbox.open(b"row 5", &sealed).unwrap().as_slice(), b"an act");
        assert_eq!(outbox.open(b"row 6", &sealed), Err(SealBroken));
        assert_eq!(key().sealer("identity").open(b"row 5", &sealed), Err(SealBroken));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sealer = key().sealer("outbox");
        let sealed = sealer.seal([2; NONCE_BYTES], b"", b"an act");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open(b"", &changed), Err(SealBroken), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(sealer.open(b"", &sealed[..length]), Err(SealBroken), "{length} bytes");
        }
    }
}
