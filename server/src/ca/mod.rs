//! The province's certificate authority: it makes itself once (`init`), makes the
//! server's certificate, and signs what nodes ask for when they join and renew.
//!
//! Ed25519 everywhere, one level deep: authority → server, authority → node. A
//! node's certificate says which node it is (the common name is its id), and its
//! validity is read, never enforced, by the handshake: the session refuses an
//! expired node by name, so that its unsent acts still arrive.
//!
//! Deliberately absent: who may have a certificate (join codes, standing and grants
//! of scopes live in the store), revocation (the standing list, not a CRL), clocks
//! (every moment is passed in, in unix seconds), and sockets (`service`).

pub mod authority;
pub mod files;
pub mod identity;
pub mod request;

pub use authority::{Ca, ServerIdentity};
pub use identity::{NodeIdentity, node_id_of, renew_at, scopes_of};
pub use request::public_key_of_request;

/// Seconds in a day.
pub const DAY_S: i64 = 86_400;
/// Life of a node's certificate: nodes are offline for weeks, so a day would lock
/// out the honest; a stolen one is stopped by revocation, not by waiting.
pub const NODE_VALIDITY_S: i64 = 90 * DAY_S;
/// Life of the server's certificate: nodes renew from the server, nobody renews the
/// server for it, so it outlives a forgotten year; it is remade at 70 % of its life.
pub const SERVER_VALIDITY_S: i64 = 730 * DAY_S;
/// Life of the authority itself when `init` is told nothing else: 20 years.
pub const CA_VALIDITY_S: i64 = 7_305 * DAY_S;
/// Share of its life, in percent, after which a certificate is renewed.
pub const RENEW_AT_PERCENT: i64 = 70;
/// Largest certificate request read, in bytes: an Ed25519 request is about 200.
pub const REQUEST_BYTES_MAX: usize = 4 * 1024;
/// Longest name of a province in a certificate, in bytes (64 letters in Vietnamese
/// take up to three bytes each; the standard's bound is 64 characters).
pub const PROVINCE_NAME_BYTES_MAX: usize = 192;
/// Most scopes that a certificate names: more than any province has communes, and
/// the certificate stays below one TLS record.
pub const CERTIFICATE_SCOPES_MAX: usize = 1_024;
/// Last moment that a certificate can name: 31 December 9999.
pub const UNIX_S_MAX: i64 = 253_402_300_799;

/// What went wrong with a key, a certificate or a request, for whoever must act on
/// it. No variant carries bytes of a key.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The request is not a well-formed PKCS#10 request, or is too large.
    #[error("the certificate request cannot be read")]
    RequestUnreadable,
    /// The request was not signed by the key that it asks a certificate for.
    #[error("the certificate request is not signed by its own key")]
    RequestSignature,
    /// The key is not an Ed25519 key.
    #[error("only Ed25519 keys are accepted")]
    NotEd25519,
    /// A certificate that cannot be read, or is not of the expected sort.
    #[error("the certificate cannot be read: {0}")]
    Certificate(&'static str),
    /// A private key that cannot be read.
    #[error("the private key cannot be read")]
    Key,
    /// The certificate and the private key in a directory belong to different pairs.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// A name, a moment or a number of scopes that no certificate can carry.
    #[error("a certificate cannot carry this {0}")]
    Unfit(&'static str),
    /// The library refused to make a key or to sign.
    #[error("making a key or a signature failed")]
    Making(#[from] rcgen::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory already holds an authority; it is never overwritten, since
    /// every node of the province trusts it.
    #[error("{0}: an authority is already here, and is never replaced")]
    AlreadyThere(std::path::PathBuf),
}
