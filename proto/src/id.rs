//! Names of things: a newtype for every id, so that a scope is never taken for a kind.
//!
//! Ids are made elsewhere (random bits and time are passed in); here they only are.
//! No id is ever reused, so comparing two of them is always meaningful.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One record, for ever: a UUIDv7 (RFC 9562) made where the record was created.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RecordId(pub [u8; 16]);

impl RecordId {
    /// Makes an id from a time in milliseconds since 1970 and 80 random bits of which 74 are used.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        RecordId(
            uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid().into_bytes(),
        )
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an id of the wanted sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct BadId;

impl FromStr for RecordId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        uuid::Uuid::parse_str(s).map(|u| RecordId(u.into_bytes())).map_err(|_| BadId)
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who writes a journal: a node (64 random bits, drawn when it joins) or the province
/// (drawn anew at each server start, so that a restore can never reuse a position).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AuthorId(pub u64);

impl fmt::Display for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AuthorId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        u64::from_str_radix(s, 16).map(AuthorId).map_err(|_| BadId)
    }
}

/// An act: the author and its position in the author's journal, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ActId {
    /// Whose journal.
    pub author: AuthorId,
    /// Which row of it; the first is 1.
    pub position: u64,
}

impl ActId {
    /// Names an act.
    pub const fn new(author: AuthorId, position: u64) -> Self {
        ActId { author, position }
    }
}

impl fmt::Display for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.author, self.position)
    }
}

impl fmt::Debug for ActId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ActId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        let (author, position) = s.split_once(':').ok_or(BadId)?;
        Ok(ActId::new(author.parse()?, position.parse().map_err(|_| BadId)?))
    }
}

macro_rules! by_text {
    ($t:ty) => {
        impl Serialize for $t {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
by_text!(AuthorId);
by_text!(ActId);

/// What is replicated as a whole: one grassroots organisation. Drawn by the registry, never re-issued.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ScopeId(pub u32);

impl ScopeId {
    /// The reference that everyone pulls first: units, villages, codes, rule packs.
    pub const REFERENCE: ScopeId = ScopeId(0);
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a kind in the catalogue; never reused.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct KindId(pub u16);

/// The number of a field within its kind; never reused.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FieldId(pub u16);

/// A numbered set of acts that is shown as *k of n* and undone as one: an import, a reorganisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct JobId(pub [u8; 16]);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RecordId(self.0).fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for JobId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        s.parse::<RecordId>().map(|r| JobId(r.0))
    }
}
by_text!(JobId);

/// 32 bytes of SHA-256: of an act, of a chain, of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6].iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str("…")
    }
}

impl FromStr for Hash {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(s.as_bytes()).map_err(|_| BadId)?;
        bytes.try_into().map(Hash).map_err(|_| BadId)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A life of the server's database: 128 random bits, drawn at `init` and after each way back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Epoch(pub [u8; 16]);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
