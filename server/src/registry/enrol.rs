//! Founding the registry, inviting and admitting nodes, withdrawing and revoking them.
//!
//! Every such fact that must survive a restore goes to the standing list too: author ids,
//! revocations, spent codes. It holds no personal data.
//!
//! Deliberately absent: certificates and the code's letters (`ca`, `proto::code`).

use dongbo_proto::digest::Digest;
use dongbo_proto::fate::SCOPE_BORN;
use dongbo_proto::frame::{Grant, Token};
use dongbo_proto::id::{AuthorId, Epoch, Hash, ScopeId};
use dongbo_proto::limits::NODE_SCOPES_MAX;
use dongbo_proto::stamp::UnixMs;

use super::error::{Error, Result};
use super::view::{epoch, grants};
use crate::store::rows::{AuthorRow, EpochRow, InviteRow, ScopeRow, StandingRow, StandingWhat};
use crate::store::{ReadTx, StoreError, WriteTx};

/// Code of scope 0 for people.
pub const REFERENCE_CODE: &str = "0";

/// Why a code does not admit.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JoinError {
    /// No such code was made.
    #[error("unknown code")]
    UnknownCode,
    /// It was used.
    #[error("used code")]
    UsedCode,
    /// It has expired.
    #[error("expired code")]
    ExpiredCode,
    /// The author id that the node drew is another's.
    #[error("author taken")]
    AuthorTaken,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for JoinError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(e) => JoinError::Store(e),
            _ => JoinError::Store(StoreError::Damaged("the registry")),
        }
    }
}

/// A node that knocks with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// SHA-256 of the code's secret.
    pub code_hash: [u8; 32],
    /// The author id that it drew for itself.
    pub author: AuthorId,
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// Its first token, drawn by the server.
    pub token: Token,
    /// Server time.
    pub now_ms: UnixMs,
}

/// A node that was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its scopes with the reference, by id.
    pub grants: Vec<Grant>,
    /// The epoch in force.
    pub epoch: Epoch,
    /// Its first token.
    pub token: Token,
}

/// Makes an empty registry: its name, scope 0 and its first epoch.
///
/// # Errors
/// [`Error::Exists`] if it was founded before, or the store's.
pub fn found(tx: &mut dyn WriteTx, province: &str, epoch: Epoch, now_ms: UnixMs) -> Result<()> {
    if !tx.epochs()?.is_empty() {
        return Err(Error::Exists("registry"));
    }
    tx.put_epoch(&EpochRow { epoch, parent: None, at_ms: now_ms, heads: Vec::new() })?;
    tx.put_note("province", province.as_bytes())?;
    add_scope(tx, ScopeId::REFERENCE, REFERENCE_CODE, province)
}

/// The province's name, as it was founded.
///
/// # Errors
/// [`Error::Unknown`] in a registry that was not founded, or the store's.
pub fn province_name(tx: &dyn ReadTx) -> Result<String> {
    let name = tx.note("province")?.ok_or(Error::Unknown("registry"))?;
    String::from_utf8(name).map_err(|_| Error::Damaged("the province's name"))
}

/// Begins a new epoch from the one in force: after a restore, or when the server finds that it went back.
/// Open codes are void in it. It begins behind every `Complete` of the one before, whatever the clock
/// says: who completed nothing since it began is given a receipt of it.
///
/// # Errors
/// The store's.
pub fn begin_epoch(tx: &mut dyn WriteTx, epoch: Epoch, now_ms: UnixMs) -> Result<()> {
    let parent = tx.epochs()?.first().map(|e| e.epoch);
    let heads = tx.scopes()?.iter().map(|s| (s.id, s.revision, s.chain)).collect();
    let completed = tx.authors()?.iter().map(|a| a.complete_ms.max(a.confirmed_ms)).max();
    let at_ms = completed.map_or(now_ms, |last| now_ms.max(last.saturating_add(1)));
    tx.put_epoch(&EpochRow { epoch, parent, at_ms, heads })?;
    for mut invite in tx.invites()? {
        if invite.used_by.is_none() && invite.expires_ms > now_ms {
            invite.expires_ms = now_ms;
            tx.put_invite(&invite)?;
        }
    }
    Ok(())
}

/// Makes a scope; its id is drawn by the registry and never re-issued.
pub(super) fn add_scope(tx: &mut dyn WriteTx, id: ScopeId, code: &str, name: &str) -> Result<()> {
    let (chain, digest) = (Hash::default(), Digest::default());
    let row =
        ScopeRow { id, code: code.into(), name: name.into(), revision: SCOPE_BORN, chain, digest };
    Ok(tx.put_scopes(&[row])?)
}

/// Makes scopes of grassroots organisations that have none yet, by code and name; returns all ids in order.
///
/// # Errors
/// The store's.
pub fn make_scopes(tx: &mut dyn WriteTx, scopes: &[(String, String)]) -> Result<Vec<ScopeId>> {
    let mut next = tx.scopes()?.last().map_or(0, |s| s.id.0) + 1;
    let mut ids = Vec::with_capacity(scopes.len());
    for (code, name) in scopes {
        let id = match tx.scope_of_code(code)? {
            Some(known) => known.id,
            None => {
                add_scope(tx, ScopeId(next), code, name)?;
                next += 1;
                ScopeId(next - 1)
            }
        };
        ids.push(id);
    }
    Ok(ids)
}

/// Keeps a one-time code: its hash, for whom, which scopes, until when.
///
/// # Errors
/// [`Error::Unknown`] for a scope or node that is none, [`Error::TooMany`], or the store's.
pub fn invite(tx: &mut dyn WriteTx, invite: &InviteRow) -> Result<()> {
    if invite.scopes.len() > NODE_SCOPES_MAX {
        return Err(Error::TooMany("scopes"));
    }
    for scope in &invite.scopes {
        tx.scope(*scope)?.ok_or(Error::Unknown("scope"))?;
    }
    if let Some(again) = invite.again {
        tx.author(again)?.filter(|a| !a.province).ok_or(Error::Unknown("node"))?;
    }
    if tx.invite(&invite.code_hash)?.is_some() {
        return Err(Error::Exists("code"));
    }
    Ok(tx.put_invite(invite)?)
}

/// Withdraws a code that nobody has used.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn withdraw_invite(tx: &mut dyn WriteTx, code_hash: &[u8; 32], now_ms: UnixMs) -> Result<()> {
    let mut invite =
        tx.invite(code_hash)?.filter(|i| i.used_by.is_none()).ok_or(Error::Unknown("open code"))?;
    invite.expires_ms = invite.expires_ms.min(now_ms);
    tx.put_invite(&invite)?;
    note_standing(tx, StandingWhat::Spent, code_hash, now_ms)
}

/// Admits a node with a code, once. The same node with the same code and key is admitted again, for
/// its first answer may have been lost on the way.
///
/// # Errors
/// Any [`JoinError`]; nothing was changed then.
pub fn join(tx: &mut dyn WriteTx, new: &Newcomer) -> std::result::Result<Joined, JoinError> {
    let mut invite = tx.invite(&new.code_hash)?.ok_or(JoinError::UnknownCode)?;
    let known = tx.author(new.author)?;
    admits(&invite, known.as_ref(), new)?;
    let fresh = AuthorRow::new(new.author, new.public_key, false, &invite.name, new.now_ms);
    let mut row = known.unwrap_or(fresh);
    (row.public_key, row.revoked_ms) = (new.public_key, None);
    (row.token, row.token_previous) = (new.token, new.token);
    tx.put_author(&row)?;
    tx.put_grants(new.author, &invite.scopes)?;
    if invite.used_by.is_none() {
        invite.used_by = Some(new.author);
        tx.put_invite(&invite)?;
        note_standing(tx, StandingWhat::Joined, &new.author.0.to_be_bytes(), new.now_ms)?;
        note_standing(tx, StandingWhat::Spent, &new.code_hash, new.now_ms)?;
    }
    Ok(Joined {
        grants: grants(tx.reading(), new.author)?,
        epoch: epoch(tx.reading())?.epoch,
        token: new.token,
    })
}

/// Takes in a node that this registry does not know, though the province's authority has certified it:
/// the registry is from before it joined. Its acts are received and held until it is invited again.
///
/// # Errors
/// [`Error::Exists`], or the store's.
pub fn adopt(
    tx: &mut dyn WriteTx,
    author: AuthorId,
    key: &[u8; 32],
    scopes: &[ScopeId],
    now_ms: UnixMs,
) -> Result<()> {
    if tx.author(author)?.is_some() {
        return Err(Error::Exists("node"));
    }
    let mut row = AuthorRow::new(author, *key, false, &author.to_string(), now_ms);
    row.revoked_ms = Some(now_ms);
    tx.put_author(&row)?;
    let known = |scope: &&ScopeId| matches!(tx.scope(**scope), Ok(Some(_)));
    let scopes: Vec<ScopeId> = scopes.iter().filter(known).copied().collect();
    tx.put_grants(author, &scopes)?;
    for what in [StandingWhat::Joined, StandingWhat::Revoked] {
        note_standing(tx, what, &author.0.to_be_bytes(), now_ms)?;
    }
    Ok(())
}

fn admits(
    invite: &InviteRow,
    known: Option<&AuthorRow>,
    new: &Newcomer,
) -> std::result::Result<(), JoinError> {
    match (&invite.used_by, known) {
        (Some(by), Some(row))
            if *by == new.author && row.public_key == new.public_key && row.position == 0 =>
        {
            Ok(())
        }
        (Some(_), _) => Err(JoinError::UsedCode),
        (None, _) if invite.expires_ms <= new.now_ms => Err(JoinError::ExpiredCode),
        (None, Some(row)) if row.province || invite.again != Some(new.author) => {
            Err(JoinError::AuthorTaken)
        }
        (None, None) if invite.again.is_some_and(|again| again != new.author) => {
            Err(JoinError::AuthorTaken)
        }
        (None, _) => Ok(()),
    }
}

/// Gives a node exactly these scopes, besides the reference.
///
/// # Errors
/// [`Error::Unknown`], [`Error::TooMany`], or the store's.
pub fn grant(tx: &mut dyn WriteTx, author: AuthorId, scopes: &[ScopeId]) -> Result<()> {
    if scopes.len() > NODE_SCOPES_MAX {
        return Err(Error::TooMany("scopes"));
    }
    tx.author(author)?.filter(|a| !a.province).ok_or(Error::Unknown("node"))?;
    for scope in scopes {
        tx.scope(*scope)?.ok_or(Error::Unknown("scope"))?;
    }
    Ok(tx.put_grants(author, scopes)?)
}

/// From now on the node may only deliver: its acts are held, and nothing goes down to it.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn revoke(tx: &mut dyn WriteTx, author: AuthorId, now_ms: UnixMs) -> Result<()> {
    let mut row = tx.author(author)?.filter(|a| !a.province).ok_or(Error::Unknown("node"))?;
    if row.revoked_ms.is_some() {
        return Ok(());
    }
    row.revoked_ms = Some(now_ms);
    tx.put_author(&row)?;
    note_standing(tx, StandingWhat::Revoked, &author.0.to_be_bytes(), now_ms)
}

/// Appends a line to the standing list.
pub(super) fn note_standing(
    tx: &mut dyn WriteTx,
    what: StandingWhat,
    subject: &[u8],
    at_ms: UnixMs,
) -> Result<()> {
    let sequence = standing_version(tx.reading())? + 1;
    Ok(tx.append_standing(&StandingRow { sequence, what, subject: subject.to_vec(), at_ms })?)
}

/// The number of the last line of the standing list.
///
/// # Errors
/// The store's.
pub fn standing_version(tx: &dyn ReadTx) -> Result<u64> {
    Ok(tx.standing_version()?)
}
