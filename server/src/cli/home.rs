//! The data directory of a province: which file is which, and how each is opened.
//!
//! ```text
//! key          the key of the database (dongbo-sqlite's key file)
//! dongbo.db    the registry, encrypted; with dongbo.db-wal and -shm while it is open
//! ca.pem, ca.key, server.pem, server.key
//! lock         who serves
//! ```
//!
//! Deliberately absent: making it (`init`) and what is in the database (`registry`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::sign::Signer;
use dongbo_proto::stick::{SEALING_LABEL, SealingKey};
use dongbo_sqlite::{Access, DatabaseKey, DirLock, KeyFile};

use super::exit::Exit;
use super::fault::{Fault, Result};
use crate::ca::{Ca, ServerIdentity};
use crate::store::sqlite::SqliteStore;
use crate::store::{Executor, StoreHandle};

/// The key file.
pub const KEY_FILE: &str = "key";
/// The registry.
pub const DATABASE_FILE: &str = "dongbo.db";
/// What the lock's text says while the server runs.
pub const SERVING: &str = "serve";

/// A data directory.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    passphrase: Option<String>,
}

impl Home {
    /// A directory that has a province in it.
    ///
    /// # Errors
    /// It is not there, or has none.
    pub fn open(dir: &Path, passphrase: Option<String>) -> Result<Self> {
        let home = Home { dir: dir.to_owned(), passphrase };
        if home.database().exists() || home.key_path().exists() {
            return Ok(home);
        }
        Err(Fault::new(Exit::NotFound, "fault-no-province").at(dir))
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The registry's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.join(DATABASE_FILE)
    }

    fn key_path(&self) -> PathBuf {
        self.dir.join(KEY_FILE)
    }

    /// The database's key.
    ///
    /// # Errors
    /// Missing, damaged, readable by others, or under another passphrase.
    pub fn key(&self) -> Result<DatabaseKey> {
        let path = self.key_path();
        KeyFile::open(&path, self.passphrase.as_deref()).map_err(|e| Fault::key(&path, &e))
    }

    /// The registry, to read and write.
    ///
    /// # Errors
    /// It does not open.
    pub fn store(&self) -> Result<Arc<SqliteStore>> {
        self.store_for(Access::ReadWrite)
    }

    /// The registry, opened for some access.
    ///
    /// # Errors
    /// It does not open.
    pub fn store_for(&self, access: Access) -> Result<Arc<SqliteStore>> {
        let path = self.database();
        let store = SqliteStore::open(&path, self.key()?, access);
        store.map(Arc::new).map_err(|e| Fault::store(&path, &e))
    }

    /// The registry as one command uses it: each job at once, on the caller.
    ///
    /// # Errors
    /// It does not open.
    pub fn registry(&self) -> Result<StoreHandle> {
        Ok(StoreHandle::new(self.store()?, Executor::Inline))
    }

    /// The province's authority.
    ///
    /// # Errors
    /// Its files are missing or do not belong together.
    pub fn authority(&self) -> Result<Ca> {
        Ok(Ca::load(&self.dir)?)
    }

    /// The key with which the province signs what it writes and what it receives.
    ///
    /// # Errors
    /// Its files are missing or not a key.
    pub fn signer(&self) -> Result<Signer> {
        signer(&ServerIdentity::load(&self.dir)?)
    }

    /// The key to which files on a stick are sealed: the same for as long as the key file is.
    ///
    /// # Errors
    /// As [`Home::key`].
    pub fn sealing(&self) -> Result<SealingKey> {
        Ok(SealingKey::of(self.key()?.derive(SEALING_LABEL)))
    }

    /// Takes the lock that says which process serves.
    ///
    /// # Errors
    /// Another one does.
    pub fn lock(&self, purpose: &str) -> Result<DirLock> {
        DirLock::acquire(&self.dir, purpose, Duration::ZERO).map_err(|e| Fault::lock(&self.dir, &e))
    }
}

/// The signing key of an identity.
///
/// # Errors
/// It is not an Ed25519 key.
pub fn signer(identity: &ServerIdentity) -> Result<Signer> {
    let signer = Signer::from_pkcs8(identity.pkcs8());
    signer.map_err(|e| Fault::new(Exit::Storage, "fault-authority").because(e))
}
