//! A passphrase turned into a wrapping key: argon2id, with its costs stored beside the
//! salt so that a later release can raise them and still open old files.
//!
//! Vietnamese typed on two systems may arrive composed or decomposed (`ệ` as one code
//! point or three), so the text is brought to NFC first: one passphrase is one key.
//!
//! Not here: the file format, and any judgement of strength beyond a shortest length.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::seal::Sealer;

/// Memory that one derivation takes, in KiB: RFC 9106's choice for machines that cannot
/// spare 2 GiB, which an office PC cannot.
pub const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory: with [`MEMORY_KIB`] a quarter of a second on a server core, about
/// a second on an old PC, once at each start.
pub const PASSES: u32 = 3;
/// Lanes: one, since we compute on one core and a thief would use them all.
pub const LANES: u32 = 1;
/// Length of the salt, in bytes.
pub const KDF_SALT_BYTES: usize = 16;
/// Shortest passphrase, in characters: shorter ones are guessed in an afternoon.
pub const PASSPHRASE_CHARS_MIN: usize = 8;

/// Most memory that a key file may ask for, in KiB, so that a damaged one cannot freeze a PC.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// Most passes that a key file may ask for, for the same reason.
const PASSES_MAX: u32 = 64;
/// Most lanes that a key file may ask for, for the same reason.
const LANES_MAX: u32 = 16;

/// The costs of one derivation, as a key file states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    pub(crate) const NOW: Self = Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES };

    /// Whether a derivation at these costs ends in reasonable time and memory.
    pub(crate) fn is_bounded(self) -> bool {
        self.memory_kib <= MEMORY_KIB_MAX && self.passes <= PASSES_MAX && self.lanes <= LANES_MAX
    }
}

/// Whether a passphrase is long enough to be taken for a new key file.
pub(crate) fn is_long_enough(passphrase: &str) -> bool {
    passphrase.nfc().count() >= PASSPHRASE_CHARS_MIN
}

/// The sealer that wraps the database key, or nothing if the costs are not argon2 costs.
pub(crate) fn wrapper(passphrase: &str, salt: &[u8; KDF_SALT_BYTES], cost: Cost) -> Option<Sealer> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let text: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
    let mut key = Zeroizing::new([0_u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(text.as_bytes(), salt, &mut key[..])
        .ok()?;
    let key = aead::UnboundKey::new(&aead::AES_256_GCM_SIV, &key[..]).ok()?;
    Some(Sealer::new(key, "passphrase"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    #[test]
    fn composed_and_decomposed_are_one_passphrase() {
        let composed = "Đồng Bộ Ninh Bình";
        let decomposed: String = composed.nfd().collect();
        assert_ne!(composed, decomposed);
        let sealed = wrapper(composed, &[1; 16], CHEAP).unwrap().seal([0; 12], b"", b"key");
        assert!(wrapper(&decomposed, &[1; 16], CHEAP).unwrap().open(b"", &sealed).is_ok());
        assert!(wrapper(composed, &[2; 16], CHEAP).unwrap().open(b"", &sealed).is_err());
    }

    #[test]
    fn length_is_counted_in_composed_characters() {
        let seven: String = "ệệệệệệệ".nfd().collect();
        assert!(!is_long_enough(&seven));
        assert!(is_long_enough("ệệệệệệệệ"));
    }

    #[test]
    fn absurd_costs_are_out_of_bounds() {
        assert!(Cost::NOW.is_bounded());
        assert!(!Cost { memory_kib: u32::MAX, ..Cost::NOW }.is_bounded());
        assert!(!Cost { passes: 1_000_000, ..Cost::NOW }.is_bounded());
    }
}
