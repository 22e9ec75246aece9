//! After an upgrade: acts that an earlier build could not read are judged, as their authors'.
//!
//! They wait in the journal as they came (a field, a kind, a code or an operation that only a newer
//! node knew). The province releases them by an act of its own, so that they get their revisions like
//! anything else, and what becomes of each is told in its author's inbox.

use dongbo_proto::act::{Op, Verdict};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::ActId;
use dongbo_proto::merge;
use dongbo_proto::stamp::UnixMs;

use super::error::{Error, Result};
use super::journal;
use super::province::{Deed, Province, enact_all};
use crate::store::rows::HeldState;
use crate::store::{ReadTx, WriteTx};

/// Held acts that are read at once.
const HELD_AT_ONCE: usize = 256;

/// The acts that wait for a newer server and that this one can read, by author and position.
///
/// # Errors
/// The store's.
pub fn readable_now(tx: &dyn ReadTx) -> Result<Vec<ActId>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let held = tx.held_after(HeldState::Waiting, after, HELD_AT_ONCE)?;
        let Some(last) = held.last() else { return Ok(found) };
        after = Some(last.act);
        for row in held.iter().filter(|row| row.reason == Reason::NeedsNewerServer) {
            let told = journal::tell(tx, row.act)?.ok_or(Error::Damaged("a held act"))?;
            if merge::check_act(&told.act) != Err(Reason::NeedsNewerServer) {
                found.push(row.act);
            }
        }
    }
}

/// Judges acts that waited again, each as its author's, in the order given. Those that still may not
/// take effect stay held, for the reason that is found now.
///
/// # Errors
/// The store's.
pub fn judge_again(
    tx: &mut dyn WriteTx,
    province: &Province,
    person: &str,
    acts: &[ActId],
    now_ms: UnixMs,
) -> Result<()> {
    let deed = |act: &ActId| Deed::change(person, None, vec![Op::Decide(*act, Verdict::Judge)]);
    let deeds = acts.iter().map(deed).collect();
    enact_all(tx, province, deeds, now_ms).map(drop)
}
