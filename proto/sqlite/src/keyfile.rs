//! The key file: a few lines of text, made once, readable by its owner only.
//!
//! ```text
//! dongbo-key 1
//! salt <32 hex>                         also the first 16 bytes of the database
//! key <64 hex>                          or, under a passphrase:
//! argon2id <KiB> <passes> <lanes> <32 hex>
//! wrapped <120 hex>
//! check <32 hex>                        only this key and salt give it
//! sum <32 hex>                          over the lines above
//! ```
//!
//! `sum` tells a damaged file from a wrong passphrase; `check` ties the key to its file, so
//! that "the key is right and the database is damaged" can be said with certainty.
//!
//! Not here: what the key opens (`open`), and when to make one (the caller's `init`/`join`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::Entropy;
use crate::files::{create_private, replace_private};
use crate::key::{CHECK_BYTES, DatabaseKey, Guarded, KEY_BYTES, SALT_BYTES};
use crate::passphrase::{self, Cost, KDF_SALT_BYTES, PASSPHRASE_CHARS_MIN};
use crate::seal::{NONCE_BYTES, SEAL_OVERHEAD_BYTES};
use text::{Body, Text};

mod text;

/// The version of the format that this build writes, and the newest it reads.
pub const KEY_FILE_VERSION: u32 = 1;
/// Longest key file, in bytes: ours has under 500, anything longer is another file.
const KEY_FILE_BYTES_MAX: u64 = 4096;
const WRAPPED_BYTES: usize = KEY_BYTES + SEAL_OVERHEAD_BYTES;
const SUM_BYTES: usize = 16;

/// How a key file guards its key.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// By file permissions alone.
    File,
    /// By a passphrase, asked for at each start.
    Passphrase(&'a str),
}

/// Why a key file gave no key. The caller knows the path and puts it in the sentence.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no file of this name.
    #[error("the key file is missing")]
    Missing,
    /// There already is a file of this name; a key is never overwritten.
    #[error("there already is a key file")]
    Exists,
    /// Others than the owner can read or write it.
    #[error("the key file is open to other users (mode {mode:o})")]
    TooOpen {
        /// The permission bits found.
        mode: u32,
    },
    /// It is damaged, or not a key file.
    #[error("the key file is damaged at {what}")]
    Malformed {
        /// The name of the line that does not hold.
        what: &'static str,
    },
    /// A later release wrote it.
    #[error("the key file has format {found}, this build knows {KEY_FILE_VERSION}")]
    NewerVersion {
        /// The format found.
        found: u32,
    },
    /// The file is whole and the passphrase is not the one it was made with.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The key is wrapped and no passphrase was given.
    #[error("the key file needs its passphrase")]
    NeedsPassphrase,
    /// A new passphrase is shorter than [`PASSPHRASE_CHARS_MIN`] characters.
    #[error("a passphrase needs {PASSPHRASE_CHARS_MIN} characters or more")]
    PassphraseTooShort,
    /// The system refused.
    #[error("the key file cannot be read or written")]
    Io(#[source] io::Error),
}

/// The functions of the key file; the file itself is only ever read whole or written whole.
pub struct KeyFile;

impl KeyFile {
    /// Makes a new key and its file, durable before this returns.
    ///
    /// # Errors
    /// [`KeyError::Exists`] (the old key is untouched), [`KeyError::PassphraseTooShort`],
    /// [`KeyError::Io`].
    pub fn create(
        path: &Path,
        protection: Protection<'_>,
        entropy: &mut Entropy<'_>,
    ) -> Result<DatabaseKey, KeyError> {
        let key = DatabaseKey::generate(entropy);
        let (text, guarded) = wrap(&key, protection, entropy)?;
        create_private(path, text.render().as_bytes()).map_err(io_error)?;
        Ok(guarded_by(&key, guarded))
    }

    /// Writes the same key again under another protection: a passphrase set, changed or
    /// taken away. The data needs no rewriting.
    ///
    /// # Errors
    /// [`KeyError::PassphraseTooShort`], [`KeyError::Io`]; the old file is then in place.
    pub fn protect(
        path: &Path,
        key: &DatabaseKey,
        protection: Protection<'_>,
        entropy: &mut Entropy<'_>,
    ) -> Result<DatabaseKey, KeyError> {
        let (text, guarded) = wrap(key, protection, entropy)?;
        replace_private(path, text.render().as_bytes()).map_err(io_error)?;
        Ok(guarded_by(key, guarded))
    }

    /// Reads the key. A passphrase that is given but not needed is ignored.
    ///
    /// # Errors
    /// Any [`KeyError`] but `Exists` and `PassphraseTooShort`.
    pub fn open(path: &Path, passphrase: Option<&str>) -> Result<DatabaseKey, KeyError> {
        let text = Text::parse(&read(path)?)?;
        let (key, guarded) = match &text.body {
            Body::Plain(key) => (key.clone(), Guarded::ByFile),
            Body::Wrapped { .. } => (unwrap(&text, passphrase)?, Guarded::ByPassphrase),
        };
        let key = DatabaseKey::from_parts(key, text.salt, guarded);
        if key.check_value() == text.check {
            Ok(key)
        } else {
            Err(KeyError::Malformed { what: "check" })
        }
    }

    /// Whether opening needs a passphrase, so that a caller knows when to ask.
    ///
    /// # Errors
    /// Those of reading: `Missing`, `TooOpen`, `Malformed`, `NewerVersion`, `Io`.
    pub fn guarded(path: &Path) -> Result<Guarded, KeyError> {
        Ok(match Text::parse(&read(path)?)?.body {
            Body::Plain(_) => Guarded::ByFile,
            Body::Wrapped { .. } => Guarded::ByPassphrase,
        })
    }
}

fn guarded_by(key: &DatabaseKey, guarded: Guarded) -> DatabaseKey {
    DatabaseKey::from_parts(Zeroizing::new(*key.bytes()), *key.salt(), guarded)
}

fn wrap(
    key: &DatabaseKey,
    protection: Protection<'_>,
    entropy: &mut Entropy<'_>,
) -> Result<(Text, Guarded), KeyError> {
    let (body, guarded) = match protection {
        Protection::File => (Body::Plain(Zeroizing::new(*key.bytes())), Guarded::ByFile),
        Protection::Passphrase(p) => (wrapped(key, p, entropy)?, Guarded::ByPassphrase),
    };
    Ok((Text { salt: *key.salt(), body, check: key.check_value() }, guarded))
}

fn wrapped(
    key: &DatabaseKey,
    passphrase: &str,
    entropy: &mut Entropy<'_>,
) -> Result<Body, KeyError> {
    if !passphrase::is_long_enough(passphrase) {
        return Err(KeyError::PassphraseTooShort);
    }
    let (mut kdf_salt, mut nonce) = ([0; KDF_SALT_BYTES], [0; NONCE_BYTES]);
    entropy(&mut kdf_salt);
    entropy(&mut nonce);
    let wrapper = passphrase::wrapper(passphrase, &kdf_salt, Cost::NOW)
        .expect("the costs of this build are argon2 costs");
    let wrapped = wrapper.seal(nonce, key.salt(), key.bytes());
    let wrapped = wrapped.try_into().expect("sealing adds a fixed length");
    Ok(Body::Wrapped { cost: Cost::NOW, kdf_salt, wrapped })
}

fn unwrap(text: &Text, passphrase: Option<&str>) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let Body::Wrapped { cost, kdf_salt, wrapped } = &text.body else {
        return Err(KeyError::Malformed { what: "wrapped" });
    };
    let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
    let wrapper = passphrase::wrapper(passphrase, kdf_salt, *cost)
        .ok_or(KeyError::Malformed { what: "argon2id" })?;
    let plain = wrapper.open(&text.salt, wrapped).map_err(|_| KeyError::WrongPassphrase)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&plain);
    Ok(key)
}

/// Permissions are asked of the handle that is then read, so that nothing can be put in its
/// place between the two.
fn read(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let file = File::open(path).map_err(io_error)?;
    let metadata = file.metadata().map_err(KeyError::Io)?;
    refuse_too_open(&metadata)?;
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_BYTES_MAX as usize));
    match file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            Err(KeyError::Malformed { what: "dongbo-key" })
        }
        Err(e) => Err(KeyError::Io(e)),
    }
}

#[cfg(unix)]
fn refuse_too_open(metadata: &std::fs::Metadata) -> Result<(), KeyError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::TooOpen { mode }) }
}

/// Elsewhere the directory's access list decides, which the installer sets.
#[cfg(not(unix))]
fn refuse_too_open(_metadata: &std::fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

fn io_error(error: io::Error) -> KeyError {
    match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing,
        io::ErrorKind::AlreadyExists => KeyError::Exists,
        _ => KeyError::Io(error),
    }
}

fn sum(lines: &str) -> [u8; SUM_BYTES] {
    let digest = digest::digest(&digest::SHA256, lines.as_bytes());
    std::array::from_fn(|i| digest.as_ref()[i])
}
