//! The authority and the server's identity as files of a data directory: `ca.pem`,
//! `ca.key`, `server.pem`, `server.key`, in PEM so that `openssl` reads them too.
//!
//! Keys are readable by their owner only. A file appears whole or not at all: it is
//! written beside its place, synced, and renamed. An authority is never overwritten.
//!
//! Deliberately absent: encryption of the keys at rest; the directory's protection
//! is the operator's, and `server/docs` says so.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::authority::{Ca, ServerIdentity, key_of};
use super::{CaError, DAY_S};

/// The authority's certificate.
pub const CA_CERTIFICATE_FILE: &str = "ca.pem";
/// The authority's private key: whoever has it can make nodes.
pub const CA_KEY_FILE: &str = "ca.key";
/// The server's certificate, followed by the authority's.
pub const SERVER_CERTIFICATE_FILE: &str = "server.pem";
/// The server's private key.
pub const SERVER_KEY_FILE: &str = "server.key";

/// Characters of a line of PEM, as the standard has it.
const PEM_LINE_CHARS: usize = 64;

impl Ca {
    /// Reads the authority from a data directory.
    ///
    /// # Errors
    /// [`CaError::File`] when a file is missing or unreadable, otherwise what is
    /// wrong with its contents.
    pub fn load(directory: &Path) -> Result<Self, CaError> {
        let key = read_key(&directory.join(CA_KEY_FILE))?;
        let mut chain = read_chain(&directory.join(CA_CERTIFICATE_FILE))?;
        match chain.pop() {
            Some(certificate) if chain.is_empty() => Self::from_parts(certificate, key_of(&key)?),
            _ => Err(CaError::Certificate("one certificate is expected")),
        }
    }

    /// Writes the authority into a data directory that has none yet.
    ///
    /// # Errors
    /// [`CaError::AlreadyThere`] when it has one, [`CaError::File`] otherwise.
    pub fn save(&self, directory: &Path) -> Result<(), CaError> {
        let certificate = directory.join(CA_CERTIFICATE_FILE);
        let key = directory.join(CA_KEY_FILE);
        if certificate.exists() || key.exists() {
            return Err(CaError::AlreadyThere(directory.to_path_buf()));
        }
        write_whole(&key, &pem(KEY_LABEL, self.key().serialized_der()), OWNER_ONLY)?;
        write_whole(&certificate, &pem(CERTIFICATE_LABEL, self.certificate()), ANYONE_READS)
    }

    /// The server's identity in a data directory, as `serve` wants it at its start:
    /// read, or made when it is missing, or renewed with its key when 70 % of its
    /// life is over at `now_s`; then written back.
    ///
    /// # Errors
    /// Those of reading, making and writing.
    pub fn server_identity(
        &self,
        directory: &Path,
        names: &[String],
        now_s: i64,
    ) -> Result<ServerIdentity, CaError> {
        let fresh = if directory.join(SERVER_KEY_FILE).exists() {
            let old = ServerIdentity::load(directory)?;
            if !old.renewal_due(now_s) && old.authority() == self.certificate() {
                return Ok(old);
            }
            self.renew_server(&old, names, now_s)?
        } else {
            self.issue_server(names, now_s)?
        };
        fresh.save(directory)?;
        tracing::info!(
            days = (fresh.validity().1 - now_s) / DAY_S,
            "made the server's certificate"
        );
        Ok(fresh)
    }
}

impl ServerIdentity {
    /// Reads the server's identity from a data directory.
    ///
    /// # Errors
    /// [`CaError::File`] when a file is missing or unreadable, otherwise what is
    /// wrong with its contents.
    pub fn load(directory: &Path) -> Result<Self, CaError> {
        let key = read_key(&directory.join(SERVER_KEY_FILE))?;
        let chain = read_chain(&directory.join(SERVER_CERTIFICATE_FILE))?;
        match <[CertificateDer<'static>; 2]>::try_from(chain) {
            Ok([leaf, authority]) => Self::from_parts(leaf, authority, &key),
            Err(_) => Err(CaError::Certificate("the server's and the authority's are expected")),
        }
    }

    /// Writes the server's identity into a data directory, over an older one.
    ///
    /// # Errors
    /// [`CaError::File`].
    pub fn save(&self, directory: &Path) -> Result<(), CaError> {
        let chain =
            [self.certificate(), self.authority()].map(|c| pem(CERTIFICATE_LABEL, c)).concat();
        // Only the first save changes the key (renewal keeps it), so a crash between
        // the two files leaves a pair that still belongs together.
        write_whole(&directory.join(SERVER_CERTIFICATE_FILE), &chain, ANYONE_READS)?;
        write_whole(&directory.join(SERVER_KEY_FILE), &pem(KEY_LABEL, self.pkcs8()), OWNER_ONLY)
    }
}

const CERTIFICATE_LABEL: &str = "CERTIFICATE";
const KEY_LABEL: &str = "PRIVATE KEY";
const OWNER_ONLY: u32 = 0o600;
const ANYONE_READS: u32 = 0o644;

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines = text.as_bytes().chunks(PEM_LINE_CHARS).map(String::from_utf8_lossy);
    let body: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN {label}-----\n{body}-----END {label}-----\n")
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CaError> {
    let text = fs::read(path).map_err(at(path))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.map_err(|_| CaError::Certificate("not in PEM form"))
}

fn read_key(path: &Path) -> Result<Vec<u8>, CaError> {
    let text = fs::read(path).map_err(at(path))?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| CaError::Key)?;
    Ok(key.secret_pkcs8_der().to_vec())
}

fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), CaError> {
    let beside = path.with_added_extension("new");
    write_synced(&beside, text, mode).map_err(at(&beside))?;
    fs::rename(&beside, path).map_err(at(path))?;
    sync_directory(path).map_err(at(path))
}

fn write_synced(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    // A leftover of a crash may have other permissions: the mode counts at creation.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create(path, mode)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn create(path: &Path, mode: u32) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Elsewhere the directory's own protection is what there is.
#[cfg(not(unix))]
fn create(path: &Path, _mode: u32) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> CaError {
    let path: PathBuf = path.to_path_buf();
    move |source| CaError::File { path, source }
}
