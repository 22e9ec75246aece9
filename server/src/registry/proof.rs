//! The registry that was put back without knowing it: the image of a disk, a standby that was
//! promoted too early, a copy of the file by hand. It is the epoch that it was, and less.
//!
//! Nobody can tell it so but those who hold its signature over what it lacks. Shown one, it begins a
//! new epoch before it merges anything from that node, so that everyone sends again what it lost and
//! fills its scopes again. What the province's own people did since and no node can send again is lost
//! with it: nodes still show what they saw of it until they are filled again, and `status` says when.
//!
//! An image from before an epoch began is another line of descent: nodes that follow that epoch stop
//! in *two servers*, for nobody can tell such an image from a second server.
//!
//! Deliberately absent: whether a signature is the server's (the service, which has the key).

use dongbo_proto::fate::{Checkpoint, Receipt};
use dongbo_proto::frame::Proof;
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::stamp::UnixMs;

use super::enrol::begin_epoch;
use super::error::{Error, Result};
use super::journal::chain_at;
use super::view;
use crate::store::{ReadTx, WriteTx};

/// The note that holds when this registry last found that it had gone back, and by whom.
const NOTE: &str = "went_back";

/// A registry that found that it had gone back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// Server time at which it was shown.
    pub at_ms: UnixMs,
    /// The node that showed it.
    pub shown_by: AuthorId,
}

/// Compares what a node has of this server's signatures, checked by the caller, with what is held;
/// where that is less, or is something else, begins the epoch. Answers whether it began.
///
/// # Errors
/// The store's.
pub fn judge(
    tx: &mut dyn WriteTx,
    author: AuthorId,
    proof: &Proof,
    epoch: Epoch,
    now_ms: UnixMs,
) -> Result<bool> {
    if !contradicts(tx.reading(), author, proof)? {
        return Ok(false);
    }
    begin_again(tx, author, epoch, now_ms)?;
    Ok(true)
}

/// Begins the epoch of a registry that a node has shown to be an older one.
///
/// # Errors
/// The store's.
pub fn begin_again(
    tx: &mut dyn WriteTx,
    shown_by: AuthorId,
    epoch: Epoch,
    now_ms: UnixMs,
) -> Result<()> {
    begin_epoch(tx, epoch, now_ms)?;
    Ok(tx.put_note(NOTE, &[now_ms.to_be_bytes(), shown_by.0.to_be_bytes()].concat())?)
}

/// When this registry last found that it had gone back; `None` if it never did.
///
/// # Errors
/// The store's.
pub fn went_back(tx: &dyn ReadTx) -> Result<Option<WentBack>> {
    let Some(note) = tx.note(NOTE)? else { return Ok(None) };
    let (at, by) = note.split_first_chunk().ok_or(Error::Damaged("a note"))?;
    let by = by.try_into().map_err(|_| Error::Damaged("a note"))?;
    let (at_ms, shown_by) = (i64::from_be_bytes(*at), AuthorId(u64::from_be_bytes(by)));
    Ok(Some(WentBack { at_ms, shown_by }))
}

/// Whether the registry, in the epoch of a proof, does not hold what the proof says. Words of an
/// earlier epoch prove nothing: that it ended is known.
fn contradicts(tx: &dyn ReadTx, author: AuthorId, proof: &Proof) -> Result<bool> {
    let epoch = view::epoch(tx)?.epoch;
    let receipt = proof.receipt.as_ref().filter(|r| r.epoch == epoch && r.author == author);
    let checkpoint = proof.checkpoint.as_ref().filter(|c| c.epoch == epoch);
    Ok(receipt.map_or(Ok(false), |receipt| lacks_acts(tx, receipt))?
        || checkpoint.map_or(Ok(false), |checkpoint| lacks_revisions(tx, checkpoint))?)
}

fn lacks_acts(tx: &dyn ReadTx, receipt: &Receipt) -> Result<bool> {
    let held = tx.author(receipt.author)?.map_or(0, |row| row.position);
    Ok(held < receipt.position
        || chain_at(tx, receipt.author, receipt.position)? != Some(receipt.chain))
}

fn lacks_revisions(tx: &dyn ReadTx, checkpoint: &Checkpoint) -> Result<bool> {
    for mark in &checkpoint.marks {
        let held = tx.scope(mark.scope)?;
        let holds = held.is_some_and(|scope| {
            scope.revision > mark.revision
                || (scope.revision == mark.revision && scope.chain == mark.chain)
        });
        if !holds {
            return Ok(true);
        }
    }
    Ok(false)
}
