//! The database key: 256 random bits and the salt that SQLCipher keeps in the first 16
//! bytes of the file.
//!
//! The salt is held here as well because a file whose first 16 bytes are damaged opens
//! when key *and* salt are given, and not at all when only the key is.
//!
//! The key goes to SQLCipher as it is, so that a database can be rescued with the stock
//! `sqlcipher` shell and the key file alone. Everything else that it protects is sealed
//! under keys derived from it, one per purpose ([`DatabaseKey::sealer`]).
//!
//! Not here: the file it lives in (`keyfile`) and the passphrase that may wrap it.

use std::fmt;

use aws_lc_rs::{aead, hkdf, hmac};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::Entropy;
use crate::seal::Sealer;

/// Length of the key, in bytes: AES-256.
pub const KEY_BYTES: usize = 32;
/// Length of the salt, in bytes: what SQLCipher keeps at the start of a file.
pub const SALT_BYTES: usize = 16;
/// Length of the check value, in bytes: 128 bits leave no accidental match.
pub const CHECK_BYTES: usize = 16;

/// SQLCipher derives its page MAC key with this many rounds; the key is already random.
const MAC_KEY_ROUNDS: u8 = 2;
/// SQLCipher's mask that makes the salt of the MAC key from the salt of the file.
const MAC_SALT_MASK: u8 = 0x3a;

/// What stands between a stolen disk and the data. `status` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// The key lies beside the data: copies of the database alone are protected, a stolen
    /// disk is not.
    ByFile,
    /// The key is wrapped by a passphrase: a stolen disk is protected too.
    ByPassphrase,
}

/// The key and salt of one data directory. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DatabaseKey {
    key: Zeroizing<[u8; KEY_BYTES]>,
    salt: [u8; SALT_BYTES],
    guarded: Guarded,
}

impl DatabaseKey {
    /// A fresh key from the entropy that the caller passes in.
    pub fn generate(entropy: &mut Entropy<'_>) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let mut salt = [0; SALT_BYTES];
        entropy(&mut key[..]);
        entropy(&mut salt);
        Self::from_parts(key, salt, Guarded::ByFile)
    }

    pub(crate) fn from_parts(
        key: Zeroizing<[u8; KEY_BYTES]>,
        salt: [u8; SALT_BYTES],
        guarded: Guarded,
    ) -> Self {
        Self { key, salt, guarded }
    }

    /// What protects this key, as its file said when it was read.
    #[must_use]
    pub fn guarded(&self) -> Guarded {
        self.guarded
    }

    /// A sealer whose key is derived from this one for one purpose. Two labels never share
    /// a key, and none shares the database's: what is sealed for one opens for no other.
    #[must_use]
    pub fn sealer(&self, label: &str) -> Sealer {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.salt).extract(&self.key[..]);
        let info = [b"dongbo seal 1 ".as_slice(), label.as_bytes()];
        let okm =
            prk.expand(&info, &aead::AES_256_GCM_SIV).expect("one hash block is never too long");
        Sealer::new(aead::UnboundKey::from(okm), label)
    }

    /// 32 secret bytes derived for one purpose, for a key that must be the same at each opening. No
    /// label gives the bytes that another gives, and none those of a sealer.
    #[must_use]
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.salt).extract(&self.key[..]);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        prk.expand(&[b"dongbo derive 1 ", label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|o| o.fill(&mut bytes[..]))
            .expect("one hash block is never too long");
        bytes
    }

    /// A value that only this key and salt give, and that gives nothing of them away.
    #[must_use]
    pub fn check_value(&self) -> [u8; CHECK_BYTES] {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.salt).extract(&self.key[..]);
        let mut okm = [0; 32];
        prk.expand(&[b"dongbo key check 1"], hkdf::HKDF_SHA256)
            .and_then(|o| o.fill(&mut okm))
            .expect("one hash block is never too long");
        std::array::from_fn(|i| okm[i])
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    pub(crate) fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.salt
    }

    /// The value of `PRAGMA key`: key and salt as one hexadecimal blob literal.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * (KEY_BYTES + SALT_BYTES) + 3));
        text.push_str("x'");
        HEXLOWER.encode_append(&self.key[..], &mut text);
        HEXLOWER.encode_append(&self.salt, &mut text);
        text.push('\'');
        text
    }

    /// The key under which SQLCipher signs each page: PBKDF2-HMAC-SHA512 with two rounds
    /// over the masked salt, one block long. Written out because two rounds are fewer than
    /// a password function lets through.
    pub(crate) fn page_mac_key(&self) -> hmac::Key {
        let prf = hmac::Key::new(hmac::HMAC_SHA512, &self.key[..]);
        let mut message = self.salt.map(|b| b ^ MAC_SALT_MASK).to_vec();
        message.extend_from_slice(&1_u32.to_be_bytes());
        let mut round = hmac::sign(&prf, &message);
        let mut block: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(first_32(round.as_ref()));
        for _ in 1..MAC_KEY_ROUNDS {
            round = hmac::sign(&prf, round.as_ref());
            block.iter_mut().zip(round.as_ref()).for_each(|(b, r)| *b ^= r);
        }
        hmac::Key::new(hmac::HMAC_SHA512, &block[..])
    }
}

fn first_32(tag: &[u8]) -> [u8; KEY_BYTES] {
    std::array::from_fn(|i| tag[i])
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseKey").field("guarded", &self.guarded).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> DatabaseKey {
        DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(byte))
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", key(0xab)), "DatabaseKey { guarded: ByFile, .. }");
    }

    #[test]
    fn check_values_differ_and_are_stable() {
        assert_eq!(key(1).check_value(), key(1).check_value());
        assert_ne!(key(1).check_value(), key(2).check_value());
    }

    #[test]
    fn what_is_derived_differs_by_purpose_and_key() {
        assert_eq!(key(1).derive("stick"), key(1).derive("stick"));
        assert_ne!(key(1).derive("stick"), key(1).derive("other"));
        assert_ne!(key(1).derive("stick"), key(2).derive("stick"));
    }

    #[test]
    fn the_pragma_names_key_and_salt() {
        assert_eq!(key(0).pragma().len(), 2 + 64 + 32 + 1);
    }
}
