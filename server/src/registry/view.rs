//! How the province sees one node, and what a session writes of it: tokens, times, receipts.

use dongbo_proto::fate::Receipt;
use dongbo_proto::frame::{Grant, Token};
use dongbo_proto::id::{AuthorId, Epoch, Hash, ScopeId};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::{Stamp, UnixMs};

use super::error::{Error, Result};
use super::page::granted;
use super::token::Tokens;
use crate::store::rows::{EpochRow, ForkRow, ScopeRow};
use crate::store::{ReadTx, WriteTx};

/// A node, as the province sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub author: AuthorId,
    /// What people call it.
    pub name: String,
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// The position up to which the journal holds it.
    pub position: u64,
    /// Its chain hash there.
    pub head: Hash,
    /// Its scopes with the reference, by id.
    pub grants: Vec<Grant>,
    /// Those of them to which nothing was ever merged, with their revisions.
    pub empty: Vec<(ScopeId, u64)>,
    /// Whether it may only deliver.
    pub revoked: bool,
    /// Server time of the last `Complete` that it proved to have; 0 if never.
    pub last_complete_ms: UnixMs,
    /// Server time at which it last delivered or completed; 0 if never.
    pub last_contact_ms: UnixMs,
    /// The order stamp of its last act.
    pub last_order: Stamp,
    /// The token that it was last given.
    pub token_current: Token,
    /// The token that it last proved to have; both are good.
    pub token_previous: Token,
    /// Acts of it in the registry.
    pub merged: u64,
    /// Acts of it that wait.
    pub held: u64,
    /// Acts of it that were refused.
    pub refused: u64,
    /// The position that the last backup has passed.
    pub backed_up: u64,
    /// The last line of its inbox.
    pub inbox_last: u64,
    /// Whose journal it goes on with, if it parted from another node's.
    pub fork: Option<ForkRow>,
}

/// A node; `None` for an author that is none (the province's own authors are none either).
///
/// # Errors
/// The store's.
pub fn node_view(tx: &dyn ReadTx, author: AuthorId) -> Result<Option<NodeView>> {
    let Some(row) = tx.author(author)?.filter(|a| !a.province) else { return Ok(None) };
    let scopes = granted(tx, author)?;
    Ok(Some(NodeView {
        author,
        name: row.name,
        public_key: row.public_key,
        position: row.position,
        head: row.head,
        empty: scopes
            .iter()
            .filter(|s| s.chain == Hash::default())
            .map(|s| (s.id, s.revision))
            .collect(),
        grants: scopes.into_iter().map(named).collect(),
        revoked: row.revoked_ms.is_some(),
        last_complete_ms: row.confirmed_ms,
        last_contact_ms: row.contact_ms,
        last_order: row.last_order,
        token_current: row.token,
        token_previous: row.token_previous,
        merged: row.merged,
        held: row.held,
        refused: row.refused,
        backed_up: row.backed_up,
        inbox_last: row.inbox,
        fork: tx.fork(author)?,
    }))
}

/// Whether a node was revoked: what is asked at every page. `false` for an author that is no node.
///
/// # Errors
/// The store's.
pub fn is_revoked(tx: &dyn ReadTx, author: AuthorId) -> Result<bool> {
    Ok(tx.author(author)?.is_some_and(|row| !row.province && row.revoked_ms.is_some()))
}

/// The scopes of a node with the reference, by id.
pub(super) fn grants(tx: &dyn ReadTx, author: AuthorId) -> Result<Vec<Grant>> {
    Ok(granted(tx, author)?.into_iter().map(named).collect())
}

fn named(scope: ScopeRow) -> Grant {
    Grant { scope: scope.id, code: scope.code, name: scope.name }
}

/// Notes that a `Complete` is about to be sent, and names its token. Those before it stay good until
/// the node proves that it has this one.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn finish(
    tx: &mut dyn WriteTx,
    author: AuthorId,
    signer: &Signer,
    now_ms: UnixMs,
) -> Result<(Epoch, Token)> {
    let epoch = epoch(tx.reading())?.epoch;
    let mut row = tx.author(author)?.ok_or(Error::Unknown("author"))?;
    row.token = Tokens { signer, epoch }.next(author, &row.token, now_ms);
    (row.complete_ms, row.contact_ms) = (now_ms, now_ms);
    tx.put_author(&row)?;
    Ok((epoch, row.token))
}

/// Notes that a node has proved to have the `Complete` of this token: by `Confirm`, or by presenting
/// the token in its next Hello (call it there too: a `Confirm` may be lost). Another token changes nothing.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn confirm(tx: &mut dyn WriteTx, author: AuthorId, token: Token, inbox: u64) -> Result<()> {
    let mut row = tx.author(author)?.ok_or(Error::Unknown("author"))?;
    if row.token != token {
        return Ok(());
    }
    row.token_previous = token;
    row.confirmed_ms = row.complete_ms;
    row.inbox_confirmed = row.inbox_confirmed.max(inbox.min(row.inbox));
    Ok(tx.put_author(&row)?)
}

/// The server's word on all of one author's acts so far, without its signature.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn receipt(tx: &dyn ReadTx, author: AuthorId, now_ms: UnixMs) -> Result<Receipt> {
    let row = tx.author(author)?.ok_or(Error::Unknown("author"))?;
    Ok(Receipt {
        epoch: epoch(tx)?.epoch,
        author,
        position: row.position,
        chain: row.head,
        merged: row.merged,
        held: row.held,
        refused: row.refused,
        at_ms: now_ms,
        signature: Vec::new(),
    })
}

/// The epoch in force.
///
/// # Errors
/// [`Error::Unknown`] in a registry that was not founded, or the store's.
pub fn epoch(tx: &dyn ReadTx) -> Result<EpochRow> {
    tx.epochs()?.into_iter().next().ok_or(Error::Unknown("epoch"))
}

/// The epochs, the one in force first, then those that it descends from, nearest first.
///
/// # Errors
/// The store's.
pub fn epochs(tx: &dyn ReadTx) -> Result<Vec<Epoch>> {
    Ok(tx.epochs()?.into_iter().map(|e| e.epoch).collect())
}
