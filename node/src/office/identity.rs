//! Who this node is: its key, its certificate, its authority and where the province is.
//!
//! Kept beside the replica in one small file, `identity`, sealed under a key that is derived from
//! the key file: on a copied disk without the key (or, where one is set, the passphrase) nobody can
//! speak as this node. Until the province has answered, what was made here lies in `joining`.

use std::fs;
use std::io;
use std::path::Path;

use data_encoding::BASE64;
use dongbo_proto::id::AuthorId;
use dongbo_proto::seam::{Entropy, bytes};
use dongbo_proto::stamp::UnixMs;
use dongbo_sqlite::{DatabaseKey, files};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{OfficeError, Result};
use crate::exchange::key::NodeKey;

/// The sealed identity of a node that has joined.
pub const IDENTITY_FILE: &str = "identity";
/// The same before the province has answered; a join that was cut off goes on from it.
pub const JOINING_FILE: &str = "joining";
/// What the sealing key is derived for.
const LABEL: &str = "identity";
/// The format of the file.
const VERSION: u32 = 1;

/// A node's identity. `Debug` shows its public half only.
#[derive(Debug)]
pub struct NodeIdentity {
    /// The id that its certificate names.
    pub author: AuthorId,
    /// The id under which its outbox is sealed, where its journal went on under another since.
    pub logged_by: Option<AuthorId>,
    /// Its key.
    pub key: NodeKey,
    /// Its certificate, DER; empty while it is joining.
    pub certificate: Vec<u8>,
    /// The province's authority, DER; empty while it is joining.
    pub ca: Vec<u8>,
    /// Where the province is, `host:port`.
    pub server: String,
    /// The province's name; empty while it is joining.
    pub province: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    author: AuthorId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logged_by: Option<AuthorId>,
    key: String,
    certificate: String,
    ca: String,
    server: String,
    province: String,
}

impl NodeIdentity {
    /// A new one, with a key that was made here and 64 random bits to write under.
    pub fn make(server: &str, entropy: &dyn Entropy) -> Result<Self> {
        Ok(NodeIdentity {
            author: AuthorId(entropy.number()),
            logged_by: None,
            key: NodeKey::generate()?,
            certificate: Vec::new(),
            ca: Vec::new(),
            server: server.to_owned(),
            province: String::new(),
        })
    }

    /// Reads and opens a file; `None` if there is none.
    pub fn read(path: &Path, key: &DatabaseKey) -> Result<Option<Self>> {
        let sealed = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let plain = key.sealer(LABEL).open(LABEL.as_bytes(), &sealed);
        let plain = plain.map_err(|_| OfficeError::IdentityDamaged)?;
        let stored: Stored =
            serde_json::from_slice(&plain).map_err(|_| OfficeError::IdentityDamaged)?;
        stored.open().map(Some)
    }

    /// Seals and writes the file, whole and durable.
    pub fn write(&self, path: &Path, key: &DatabaseKey, entropy: &dyn Entropy) -> Result<()> {
        let plain =
            Zeroizing::new(serde_json::to_vec(&Stored::of(self)).map_err(io::Error::other)?);
        let sealed = key.sealer(LABEL).seal(bytes(entropy), LABEL.as_bytes(), &plain);
        Ok(files::replace_private(path, &sealed)?)
    }

    /// When the certificate ends, in milliseconds since 1970; `None` if it cannot be read.
    pub fn certificate_ends_ms(&self) -> Option<UnixMs> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&self.certificate).ok()?;
        Some(parsed.validity().not_after.timestamp() * 1_000)
    }
}

impl Stored {
    fn of(identity: &NodeIdentity) -> Self {
        Stored {
            version: VERSION,
            author: identity.author,
            logged_by: identity.logged_by,
            key: BASE64.encode(identity.key.pkcs8()),
            certificate: BASE64.encode(&identity.certificate),
            ca: BASE64.encode(&identity.ca),
            server: identity.server.clone(),
            province: identity.province.clone(),
        }
    }

    fn open(self) -> Result<NodeIdentity> {
        let bytes =
            |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| OfficeError::IdentityDamaged);
        if self.version != VERSION {
            return Err(OfficeError::IdentityDamaged);
        }
        Ok(NodeIdentity {
            author: self.author,
            logged_by: self.logged_by,
            key: NodeKey::from_pkcs8(&Zeroizing::new(bytes(&self.key)?))?,
            certificate: bytes(&self.certificate)?,
            ca: bytes(&self.ca)?,
            server: self.server,
            province: self.province,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;

    fn key(byte: u8) -> DatabaseKey {
        DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(byte))
    }

    #[test]
    fn it_opens_only_under_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(IDENTITY_FILE);
        let made = NodeIdentity::make("may-chu:7443", &System).unwrap();
        made.write(&path, &key(1), &System).unwrap();
        let read = NodeIdentity::read(&path, &key(1)).unwrap().unwrap();
        assert_eq!((read.author, read.key.public()), (made.author, made.key.public()));
        let other = NodeIdentity::read(&path, &key(2));
        assert!(matches!(other, Err(OfficeError::IdentityDamaged)));
        assert!(NodeIdentity::read(&dir.path().join("none"), &key(1)).unwrap().is_none());
    }

    #[test]
    fn nothing_of_it_can_be_read_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(IDENTITY_FILE);
        NodeIdentity::make("may-chu:7443", &System)
            .unwrap()
            .write(&path, &key(1), &System)
            .unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"may-chu"));
    }
}
