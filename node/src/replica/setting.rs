//! What there is only one of: who the node is, and what it was last told.

use dongbo_proto::frame::{Grant, Token};
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::sign::PUBLIC_KEY_BYTES;
use dongbo_proto::stamp::UnixMs;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{ReplicaError, Result};

/// What joining gave the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id under which it writes.
    pub author: AuthorId,
    /// The province's name.
    pub province: String,
    /// The authority that it pins, DER.
    pub ca_der: Vec<u8>,
    /// The province's key for receipts and checkpoints.
    pub signing_key: [u8; PUBLIC_KEY_BYTES],
    /// The epoch in force when it joined.
    pub epoch: Epoch,
    /// Its scopes.
    pub grants: Vec<Grant>,
    /// The token for its first exchange.
    pub token: Token,
    /// Server time when it joined.
    pub server_ms: UnixMs,
}

/// The first author of the journal; see `line`.
pub(super) const AUTHOR: &str = "author";
pub(super) const PROVINCE: &str = "province";
pub(super) const CA: &str = "ca";
pub(super) const SIGNING_KEY: &str = "signing_key";
pub(super) const EPOCH: &str = "epoch";
pub(super) const TOKEN: &str = "token";
pub(super) const SERVER_MS: &str = "server_ms";
pub(super) const BACKED_UP: &str = "backed_up";
/// How far the server in force holds this journal, where that is less than was acknowledged.
pub(super) const DELIVERED: &str = "delivered";
/// How often states were taken in, and by which file last.
pub(super) const TURN: &str = "turn";
/// Where the journal went on under another author id.
pub(super) const FORKS: &str = "forks";
/// The author of the fork under which the province has invited this machine again.
pub(super) const FORK_CERTIFIED: &str = "fork_certified";
/// The outbox is still that of the journal before it parted.
pub(super) const OUTBOX_STALE: &str = "outbox_stale";
/// The position and chain behind which the journal begins here: what came before it was lost with a
/// replica, and is at the province.
pub(super) const FOOT: &str = "foot";
pub(super) const CATALOGUE: &str = "catalogue";
/// Names that callers give to what they keep here begin so.
pub(super) const NOTE: &str = "note.";

/// Reads a setting.
pub(super) fn get(db: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    let mut statement = db.prepare_cached("SELECT value FROM meta WHERE key = ?")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Reads a setting of a fixed length.
pub(super) fn fixed<const N: usize>(db: &Connection, key: &str) -> Result<Option<[u8; N]>> {
    let bytes = get(db, key)?;
    let array = |b: Vec<u8>| b.try_into().map_err(|_| ReplicaError::Damaged("a setting"));
    bytes.map(array).transpose()
}

/// Reads a setting without which there is no replica.
pub(super) fn must<const N: usize>(db: &Connection, key: &str) -> Result<[u8; N]> {
    fixed(db, key)?.ok_or(ReplicaError::Damaged("a setting"))
}

/// Writes a setting.
pub(super) fn put(db: &Connection, key: &str, value: &[u8]) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)";
    db.prepare_cached(sql)?.execute(params![key, value])?;
    Ok(())
}

/// Forgets a setting.
pub(super) fn remove(db: &Connection, key: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM meta WHERE key = ?")?.execute([key])?;
    Ok(())
}

/// Writes everything that joining gave.
pub(super) fn put_identity(db: &Connection, who: &Identity) -> Result<()> {
    put(db, AUTHOR, &who.author.0.to_be_bytes())?;
    put(db, PROVINCE, who.province.as_bytes())?;
    put(db, CA, &who.ca_der)?;
    put(db, SIGNING_KEY, &who.signing_key)?;
    put(db, EPOCH, &who.epoch.0)?;
    put(db, TOKEN, &who.token)?;
    put(db, SERVER_MS, &who.server_ms.to_be_bytes())?;
    super::scope::grant(db, &who.grants)
}
