//! The stick: a file that carries the frames of an exchange, for an office without a network.
//!
//! This module is the envelope: who it is from and for, sealed to the receiver, signed by the sender
//! (`docs/STICK.md` has the bytes). Sealing is HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305)
//! as rustls has it over AWS-LC, signing is Ed25519 as everywhere; nothing is invented here.
//!
//! HPKE draws its ephemeral key from the library's own randomness: the one thing in this crate that
//! is not a function of its arguments.
//!
//! Deliberately absent: files, what the frames inside mean (both sessions), and whose key is whose
//! (both sides' carriers look that up before they believe a signature).

use aws_lc_rs::agreement::{PrivateKey, X25519};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use zeroize::Zeroizing;

use crate::code::{CA_PIN_BYTES, CaPin};
use crate::id::AuthorId;
use crate::limits::STICK_BYTES_MAX;
use crate::sign::{self, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};

/// What every file begins with. The odd bytes show a copy that was made as text.
pub const MAGIC: [u8; 8] = *b"\x89DBS\r\n\x1a\n";
/// The format that this build writes and reads.
pub const VERSION: u8 = 1;
/// Bytes of an X25519 key, either half, and of what HPKE encapsulates.
pub const SEALING_KEY_BYTES: usize = 32;
/// The purpose for which both sides derive their sealing key from their key file.
pub const SEALING_LABEL: &str = "stick";

/// What is signed begins with this, so that no signature of a file is one of anything else.
const SIGNED: &[u8] = b"dongbo stick 1\0";
/// HPKE's `info`: what the sealing is for.
const INFO: &[u8] = b"dongbo stick 1";
/// Magic, version, kind, province, node.
const HEADER_BYTES: usize = 8 + 1 + 1 + CA_PIN_BYTES + 8;
/// The header, the encapsulated key and the length of the body.
const FRONT_BYTES: usize = HEADER_BYTES + SEALING_KEY_BYTES + 4;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The province's keys, open, signed by its authority: what a node seals its first file to.
    Card = 1,
    /// A machine asks to join with a one-time code; signed by the machine's new key.
    JoinRequest = 2,
    /// The answer: certificate, grants and the first fill; signed by the authority.
    JoinAnswer = 3,
    /// Frames up, signed by the node.
    Request = 4,
    /// Frames down, signed by the server's signing key.
    Answer = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Kind::Card, Kind::JoinRequest, Kind::JoinAnswer, Kind::Request, Kind::Answer]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// What a file says of itself in the open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// The province that it is from or for: the head of its authority's fingerprint.
    pub province: CaPin,
    /// The node that it is from or for; 0 on a card.
    pub node: AuthorId,
}

/// Why a file is not taken. Nothing of it was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StickError {
    /// It does not begin as ours do.
    #[error("not a bundle")]
    NotOurs,
    /// A newer build wrote it.
    #[error("a bundle of a newer version ({0})")]
    Newer(u8),
    /// It ends too early or too late.
    #[error("a torn bundle")]
    Torn,
    /// Over [`STICK_BYTES_MAX`].
    #[error("a bundle over its size limit")]
    TooLarge,
    /// The signature is not that of the sender, or what is inside is not what the sender writes.
    #[error("a forged bundle")]
    Forged,
    /// It is of a kind that goes the other way.
    #[error("a bundle that goes the other way")]
    WrongWay,
    /// It is for another province.
    #[error("a bundle of another province")]
    OtherProvince,
    /// It is for another node.
    #[error("a bundle of another node")]
    OtherNode,
    /// It is sealed to another key.
    #[error("a bundle that does not open")]
    NotOpened,
}

impl StickError {
    /// The key of its sentence.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            StickError::NotOurs => "stick-not-ours",
            StickError::Newer(_) => "stick-newer",
            StickError::Torn => "stick-torn",
            StickError::TooLarge => "stick-too-large",
            StickError::Forged => "stick-forged",
            StickError::WrongWay => "stick-wrong-way",
            StickError::OtherProvince => "stick-other-province",
            StickError::OtherNode => "stick-other-node",
            StickError::NotOpened => "stick-not-opened",
        }
    }
}

/// What this module returns.
pub type Result<T> = std::result::Result<T, StickError>;

/// The private key to which files are sealed, with its public half. It has no `Debug`.
pub struct SealingKey {
    secret: Zeroizing<[u8; SEALING_KEY_BYTES]>,
    public: [u8; SEALING_KEY_BYTES],
}

impl SealingKey {
    /// The X25519 key that 32 secret bytes stand for.
    #[must_use]
    pub fn of(secret: Zeroizing<[u8; SEALING_KEY_BYTES]>) -> Self {
        let key = PrivateKey::from_private_key(&X25519, &secret[..]);
        let key = key.expect("every 32 bytes are an X25519 key");
        let public = key.compute_public_key().expect("every such key has a public half");
        let mut bytes = [0; SEALING_KEY_BYTES];
        bytes.copy_from_slice(public.as_ref());
        SealingKey { secret, public: bytes }
    }

    /// The public half, which files are sealed to.
    #[must_use]
    pub fn public(&self) -> &[u8; SEALING_KEY_BYTES] {
        &self.public
    }
}

/// Writes a sealed file: only who has the private half of `to` reads it.
///
/// # Errors
/// [`StickError::TooLarge`], or [`StickError::NotOpened`] when `to` is not a key that can be sealed to.
pub fn seal(
    header: &Header,
    plain: &[u8],
    to: &[u8; SEALING_KEY_BYTES],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
) -> Result<Vec<u8>> {
    let front = front(header);
    let to = HpkePublicKey(to.to_vec());
    let sealed = SUITE.seal(INFO, &front, plain, &to).map_err(|_| StickError::NotOpened)?;
    finish(front, &sealed.0.0, &sealed.1, sign)
}

/// Writes a file that everybody may read: a card.
///
/// # Errors
/// [`StickError::TooLarge`].
pub fn publish(
    header: &Header,
    plain: &[u8],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
) -> Result<Vec<u8>> {
    finish(front(header), &[0; SEALING_KEY_BYTES], plain, sign)
}

fn front(header: &Header) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([VERSION, header.kind as u8]);
    bytes.extend(header.province.as_bytes());
    bytes.extend(header.node.0.to_be_bytes());
    bytes
}

fn finish(
    mut bytes: Vec<u8>,
    encapsulated: &[u8],
    body: &[u8],
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
) -> Result<Vec<u8>> {
    if FRONT_BYTES + body.len() + SIGNATURE_BYTES > STICK_BYTES_MAX {
        return Err(StickError::TooLarge);
    }
    let length = u32::try_from(body.len()).map_err(|_| StickError::TooLarge)?;
    bytes.extend(encapsulated);
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    let signature = sign(&signed(&bytes));
    bytes.extend(signature);
    Ok(bytes)
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    [SIGNED, bytes].concat()
}

/// What names a file: the secret that it encapsulates, drawn anew for each. Zeros on a card.
pub type FileId = [u8; SEALING_KEY_BYTES];

/// A file that is whole. Nothing of it is believed before [`Sealed::verify`].
#[derive(Clone, Debug)]
pub struct Sealed<'a> {
    /// What it says of itself.
    pub header: Header,
    /// All that is signed.
    signed: &'a [u8],
    signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> Sealed<'a> {
    /// Takes a file apart.
    ///
    /// # Errors
    /// [`StickError::NotOurs`], [`StickError::Newer`], [`StickError::TooLarge`] or [`StickError::Torn`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.starts_with(&MAGIC) {
            return Err(if MAGIC.starts_with(bytes) {
                StickError::Torn
            } else {
                StickError::NotOurs
            });
        }
        match bytes.get(MAGIC.len()) {
            Some(&VERSION) => {}
            Some(0) => return Err(StickError::NotOurs),
            Some(version) => return Err(StickError::Newer(*version)),
            None => return Err(StickError::Torn),
        }
        if bytes.len() > STICK_BYTES_MAX {
            return Err(StickError::TooLarge);
        }
        let (signed, signature) = bytes.split_last_chunk().ok_or(StickError::Torn)?;
        let front = signed.get(..FRONT_BYTES).ok_or(StickError::Torn)?;
        let length = front.last_chunk().map_or(0, |n| u32::from_be_bytes(*n));
        if u64::from(length) != (signed.len() - FRONT_BYTES) as u64 {
            return Err(StickError::Torn);
        }
        Ok(Sealed { header: header(front)?, signed, signature })
    }

    /// What names this file among all others.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.signed[HEADER_BYTES..].first_chunk().copied().unwrap_or_default()
    }

    /// Whether `public` signed it.
    ///
    /// # Errors
    /// [`StickError::Forged`].
    pub fn verify(&self, public: &[u8; PUBLIC_KEY_BYTES]) -> Result<()> {
        let genuine = sign::verify(public, &signed(self.signed), self.signature);
        if genuine { Ok(()) } else { Err(StickError::Forged) }
    }

    /// Opens what was sealed to `key`.
    ///
    /// # Errors
    /// [`StickError::NotOpened`] when it was sealed to another, or is not as it was sealed.
    pub fn open(&self, key: &SealingKey) -> Result<Vec<u8>> {
        let (front, rest) = self.signed.split_at(HEADER_BYTES);
        let encapsulated = EncapsulatedSecret(rest[..SEALING_KEY_BYTES].to_vec());
        let secret = HpkePrivateKey::from(key.secret.to_vec());
        let opened = SUITE.open(&encapsulated, INFO, front, self.body(), &secret);
        opened.map_err(|_| StickError::NotOpened)
    }

    /// The body as it lies there: sealed, or a card's words.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.signed[FRONT_BYTES..]
    }
}

fn header(front: &[u8]) -> Result<Header> {
    let at = MAGIC.len() + 1;
    let kind = Kind::of(front[at]).ok_or(StickError::NotOurs)?;
    let province: [u8; CA_PIN_BYTES] =
        front[at + 1..][..CA_PIN_BYTES].try_into().map_err(|_| StickError::Torn)?;
    let node: [u8; 8] =
        front[at + 1 + CA_PIN_BYTES..][..8].try_into().map_err(|_| StickError::Torn)?;
    let node = AuthorId(u64::from_be_bytes(node));
    Ok(Header { kind, province: CaPin::of_bytes(province), node })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Signer;

    fn key(byte: u8) -> SealingKey {
        SealingKey::of(Zeroizing::new([byte; 32]))
    }

    fn signer() -> Signer {
        Signer::from_seed(&[7; 32]).expect("key")
    }

    fn about() -> Header {
        let province = CaPin::of_certificate(b"a certificate");
        Header { kind: Kind::Request, province, node: AuthorId(0x0102_0304) }
    }

    fn file() -> Vec<u8> {
        seal(&about(), b"frames", key(1).public(), |bytes| signer().sign(bytes)).expect("sealed")
    }

    #[test]
    fn what_was_sealed_is_read_by_its_receiver_alone() {
        let file = file();
        let sealed = Sealed::parse(&file).expect("whole");
        assert_eq!(sealed.header, about());
        assert_eq!(sealed.verify(signer().public()), Ok(()));
        assert_eq!(sealed.open(&key(1)).as_deref(), Ok(b"frames".as_slice()));
        assert_eq!(sealed.open(&key(2)), Err(StickError::NotOpened));
        assert!(!file.windows(6).any(|w| w == b"frames"));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let file = file();
        for bit in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let taken = Sealed::parse(&bad).and_then(|s| s.verify(signer().public()));
            assert!(taken.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_length_but_its_own_is_refused() {
        let file = file();
        for length in 0..file.len() {
            assert!(Sealed::parse(&file[..length]).is_err(), "{length} bytes");
        }
        let longer = [&file[..], b"x"].concat();
        assert_eq!(Sealed::parse(&longer).err(), Some(StickError::Torn));
    }

    #[test]
    fn the_header_is_bound_to_what_is_sealed() {
        let file = file();
        let other = Header { node: AuthorId(9), ..about() };
        let mut moved = file.clone();
        moved[..HEADER_BYTES].copy_from_slice(&front(&other));
        let sealed = Sealed::parse(&moved).expect("whole");
        assert_eq!(sealed.open(&key(1)), Err(StickError::NotOpened));
    }

    #[test]
    fn another_version_and_another_file_are_named() {
        let mut newer = file();
        newer[8] = 2;
        assert_eq!(Sealed::parse(&newer).err(), Some(StickError::Newer(2)));
        assert_eq!(Sealed::parse(b"PK\x03\x04 a document").err(), Some(StickError::NotOurs));
        assert_eq!(Sealed::parse(b"").err(), Some(StickError::Torn));
    }
}
