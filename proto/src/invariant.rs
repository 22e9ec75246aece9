//! The nine promises as sentences and functions.
//!
//! Production (`verify` on both sides), the tests and the simulator call the same functions, so
//! that what is promised, what is checked and what is simulated cannot drift apart. Each function
//! takes plain data, wherever it was read from, and answers with what does not hold; nothing is
//! repaired here. A finding names ids, positions and revisions, never a value.
//!
//! Deliberately absent: reading rows or files (the callers), and what only a crash can show (that
//! a commit was durable: the crash tests hold what was said to be saved against [`kept`]).

use std::collections::BTreeSet;
use std::fmt;

use crate::act::Projection;
use crate::catalogue::{Rule, catalogue};
use crate::chain;
use crate::digest::Digest;
use crate::fate::{Checkpoint, Receipt, ScopeMark};
use crate::id::{ActId, AuthorId, Epoch, FieldId, Hash, RecordId, ScopeId};
use crate::merge::{self, Written};
use crate::record::{FieldState, Record, sees};
use crate::sign::{self, PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::stamp::{Stamp, UnixMs};

/// What is promised; the numbers are those of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Promise {
    /// What the office said is saved, and what the server acknowledged, survives.
    Durable = 1,
    /// Every act reaches the journal, and every value is current, kept, in history or purged by name.
    NothingLost = 2,
    /// A node that has heard everything holds what the server holds.
    InStep = 3,
    /// Who had been shown a value replaces it, whatever any clock says.
    KnowingBeatsTime = 4,
    /// Delivering anything twice, late or out of order changes nothing.
    Once = 5,
    /// Nobody sees half of an act.
    Whole = 6,
    /// A node holds nothing that its scopes do not entitle it to.
    NeedToKnow = 7,
    /// Who, what, when, on which grounds: provable and tamper-evident.
    Accountable = 8,
    /// Going back, on either side, is noticed, named and mended.
    Heals = 9,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {}", *self as u8)
    }
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which promise it breaks.
    pub promise: Promise,
    /// Which check found it: a stable word for scripts and for the sentence to show.
    pub code: &'static str,
    /// Where: ids, positions, revisions.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.promise, self.code, self.detail)
    }
}

/// What a check answers: nothing where all is well.
pub type Found = Option<Finding>;

fn check(
    holds: bool,
    promise: Promise,
    code: &'static str,
    detail: impl FnOnce() -> String,
) -> Found {
    if holds { None } else { Some(Finding { promise, code, detail: detail() }) }
}

/// **1. Durable.** Every position that the office was told is saved is in the journal that was
/// found after the crash.
pub fn kept(said: impl IntoIterator<Item = u64>, journal_last: u64) -> Found {
    let lost: Vec<u64> = said.into_iter().filter(|p| *p > journal_last).collect();
    check(lost.is_empty(), Promise::Durable, "saved-act-lost", || {
        format!("{lost:?} of {journal_last}")
    })
}

/// **1. Durable.** The second log holds every act that is not acknowledged: it begins at or before
/// the first of them and ends where the journal ends.
pub fn outbox_covers(
    log_first: Option<u64>,
    log_last: u64,
    acknowledged: u64,
    journal_last: u64,
) -> Found {
    let unsent = journal_last > acknowledged;
    let covered = log_first.is_some_and(|first| first <= acknowledged.saturating_add(1));
    let holds = !unsent || (covered && log_last == journal_last);
    let detail = || format!("{log_first:?}..{log_last} of {acknowledged}..{journal_last}");
    check(holds, Promise::Durable, "outbox-incomplete", detail)
}

/// **2. Nothing is lost.** *Entered here = at the province + held for review + refused with a reason
/// + not yet sent.*
pub fn equation_holds(entered: u64, merged: u64, held: u64, refused: u64, unsent: u64) -> Found {
    let parts = [merged, held, refused, unsent];
    let sum = parts.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
    check(sum == Some(entered), Promise::NothingLost, "equation", || {
        format!("{entered} = {parts:?}")
    })
}

/// **2. Nothing is lost.** Positions rise by one from the first: none is missing, none comes twice.
pub fn positions_gapless(first: u64, positions: impl IntoIterator<Item = u64>) -> Found {
    gapless(first, positions, "position-gap")
}

/// **2. Nothing is lost.** A node's inbox has every outcome from the first.
pub fn inbox_gapless(sequences: impl IntoIterator<Item = u64>) -> Found {
    gapless(1, sequences, "inbox-gap")
}

/// **2. Nothing is lost.** A scope's feed has every revision from the first.
pub fn revisions_gapless(first: u64, revisions: impl IntoIterator<Item = u64>) -> Found {
    gapless(first, revisions, "revision-gap")
}

fn gapless(first: u64, numbers: impl IntoIterator<Item = u64>, code: &'static str) -> Found {
    let mut expected = first;
    for number in numbers {
        if number != expected {
            let detail = || format!("{expected} is followed or replaced by {number}");
            return check(false, Promise::NothingLost, code, detail);
        }
        expected = expected.saturating_add(1);
    }
    None
}

/// **2. Nothing is lost.** Every value ever written to a field is a head, or was retracted, or is
/// replaced by a live act that names it, directly or through retracted ones.
pub fn values_accounted_for(
    writes: &[Written],
    retracted: &BTreeSet<ActId>,
    state: &FieldState,
) -> Found {
    let named = named_by_live(writes, retracted);
    let heads: BTreeSet<ActId> = state.heads.iter().map(|h| h.act).collect();
    let gone = |a: &ActId| !heads.contains(a) && !retracted.contains(a) && !named.contains(a);
    let lost: Vec<ActId> = writes.iter().map(|w| w.origin.act).filter(gone).collect();
    check(lost.is_empty(), Promise::NothingLost, "value-lost", || format!("{lost:?}"))
}

/// **3. In step.** The digest of a scope is the same on both sides, or the same as that of its rows.
pub fn digests_equal(scope: ScopeId, here: Digest, there: Digest) -> Found {
    check(here == there, Promise::InStep, "digest", || format!("scope {scope}: {here} and {there}"))
}

/// **3. In step.** Two marks of one scope at one revision have one chain and one digest.
pub fn marks_equal(here: &ScopeMark, there: &ScopeMark) -> Found {
    let detail = || format!("scope {} at {} and {}", here.scope, here.revision, there.revision);
    check(here == there, Promise::InStep, "mark", detail)
}

/// **4. Knowing beats time.** No head is named by another live act, and the heads are exactly those
/// of the whole set of writes.
pub fn heads_are_unnamed(
    writes: &[Written],
    retracted: &BTreeSet<ActId>,
    state: &FieldState,
) -> Found {
    let ids = |s: &FieldState| s.heads.iter().map(|h| h.act).collect::<Vec<_>>();
    let (expected, found) = (ids(&merge::heads_of_set(writes, retracted)), ids(state));
    let detail = || format!("{found:?} instead of {expected:?}");
    check(expected == found, Promise::KnowingBeatsTime, "heads", detail)
}

/// **4. Knowing beats time.** The value that a listing shows is that of the head which rule, rank
/// and order stamp choose.
pub fn shown_is_chosen(rule: Rule, state: &FieldState, shown: Option<ActId>) -> Found {
    let chosen = merge::shown(rule, &state.heads).map(|at| state.heads[at].act);
    check(chosen == shown, Promise::KnowingBeatsTime, "shown", || {
        format!("{shown:?}, not {chosen:?}")
    })
}

/// **4. Knowing beats time.** The order stamps of one author rise with its positions, and none lies
/// beyond the server time of its merge (by more than its author had acts in that millisecond).
pub fn stamps_in_order(stamps: impl IntoIterator<Item = Stamp>, merged_ms: UnixMs) -> Found {
    let mut last: Option<Stamp> = None;
    for stamp in stamps {
        let rises = last.is_none_or(|last| last < stamp);
        if !rises || stamp.ms() > merged_ms {
            let detail = || format!("{last:?} then {stamp:?}, merged at {merged_ms}");
            return check(false, Promise::KnowingBeatsTime, "stamp", detail);
        }
        last = Some(stamp);
    }
    None
}

/// **5. Once.** One act has one hash wherever it is met: another hash at a known id is a fork.
pub fn act_is_the_same(act: ActId, known: Hash, met: Hash) -> Found {
    check(known == met, Promise::Once, "fork", || format!("{act}: {known:?} and {met:?}"))
}

/// **6. Whole.** Of the fields that an act wrote and this reader may see, all know the act or none.
pub fn act_is_whole(act: ActId, fields: &[(RecordId, FieldId, bool)]) -> Found {
    let known = fields.iter().filter(|f| f.2).count();
    let whole = known == 0 || known == fields.len();
    check(whole, Promise::Whole, "half-act", || {
        format!("{act}: {known} of {} fields", fields.len())
    })
}

/// **7. Need to know.** A record that is here is at home in a scope that is held, or a guest in one,
/// and has no field beyond what that shows. Fields of a newer catalogue are the server's to leave out.
pub fn entitled(record: &Record, held: &[ScopeId], guest: &[Projection]) -> Found {
    if held.contains(&record.home) {
        return None;
    }
    let kind = catalogue().kind(record.kind);
    let known = |field: FieldId| kind.is_some_and(|k| k.field(field).is_some());
    let shown = |field: FieldId| guest.iter().any(|p| sees(kind, field, *p));
    let beyond = record.fields.iter().map(|f| f.0).find(|f| known(*f) && !shown(*f));
    let holds = !guest.is_empty() && beyond.is_none();
    let detail = || format!("{} at home in {}: {beyond:?}", record.id, record.home);
    check(holds, Promise::NeedToKnow, "not-entitled", detail)
}

/// **8. Accountable.** The chain after some acts is the one before them, extended by their hashes in
/// order.
pub fn chain_extends(before: Hash, acts: impl IntoIterator<Item = Hash>, after: Hash) -> Found {
    let followed = acts.into_iter().fold(before, chain::extend);
    check(followed == after, Promise::Accountable, "chain", || {
        format!("{followed:?}, not {after:?}")
    })
}

/// **8. Accountable.** The author signed the head of its chain at this position.
pub fn batch_is_signed(
    author: AuthorId,
    last: u64,
    head: Hash,
    signature: &[u8],
    key: &[u8; PUBLIC_KEY_BYTES],
) -> Found {
    let holds = verifies(key, &chain::signed_bytes(author, last, head), signature);
    check(holds, Promise::Accountable, "batch-signature", || {
        format!("{}", ActId::new(author, last))
    })
}

/// **8. Accountable.** The server signed the receipt, and its parts make up its position.
pub fn receipt_is_signed(receipt: &Receipt, key: &[u8; PUBLIC_KEY_BYTES]) -> Found {
    let parts = receipt.merged.checked_add(receipt.held);
    let sum = parts.and_then(|n| n.checked_add(receipt.refused));
    let holds =
        sum == Some(receipt.position) && verifies(key, &receipt.signed_bytes(), &receipt.signature);
    let detail = || format!("{}", ActId::new(receipt.author, receipt.position));
    check(holds, Promise::Accountable, "receipt", detail)
}

/// **8. Accountable.** The server signed the checkpoint.
pub fn checkpoint_is_signed(checkpoint: &Checkpoint, key: &[u8; PUBLIC_KEY_BYTES]) -> Found {
    let holds = verifies(key, &checkpoint.signed_bytes(), &checkpoint.signature);
    let detail = || format!("epoch {:?} at {}", checkpoint.epoch, checkpoint.at_ms);
    check(holds, Promise::Accountable, "checkpoint-signature", detail)
}

/// **8. Accountable.** A checkpoint only extends the one before it: no scope went back, and none
/// changed its past.
pub fn checkpoint_extends(earlier: &[ScopeMark], later: &Checkpoint) -> Found {
    let detail = || format!("epoch {:?} at {}", later.epoch, later.at_ms);
    check(later.extends(earlier), Promise::Accountable, "checkpoint-went-back", detail)
}

/// **9. Heals.** A node follows only an epoch that descends from the one that it knows.
pub fn epoch_descends(known: Epoch, met: Epoch, ancestors: &[Epoch]) -> Found {
    let holds = known == met || ancestors.contains(&known);
    check(holds, Promise::Heals, "foreign-epoch", || format!("{known:?} and {met:?}"))
}

/// **9. Heals.** What was acknowledged to an author in this epoch is in the journal, with its hash.
pub fn acknowledged_is_held(
    author: AuthorId,
    acknowledged: (u64, Hash),
    held: Option<Hash>,
) -> Found {
    let (position, head) = acknowledged;
    let holds = held == Some(head) || (position == 0 && head == Hash::default());
    check(holds, Promise::Heals, "went-back", || format!("{}", ActId::new(author, position)))
}

fn verifies(key: &[u8; PUBLIC_KEY_BYTES], signed: &[u8], signature: &[u8]) -> bool {
    let signature: Result<&[u8; SIGNATURE_BYTES], _> = signature.try_into();
    signature.is_ok_and(|signature| sign::verify(key, signed, signature))
}

/// The acts that live writes name, through retracted ones to what those had named.
fn named_by_live(writes: &[Written], retracted: &BTreeSet<ActId>) -> BTreeSet<ActId> {
    let live = writes.iter().filter(|w| !retracted.contains(&w.origin.act));
    let mut todo: Vec<ActId> = live.flat_map(|w| w.over.iter().copied()).collect();
    let mut named = BTreeSet::new();
    while let Some(act) = todo.pop() {
        if named.insert(act) && retracted.contains(&act) {
            let behind = writes.iter().filter(|w| w.origin.act == act);
            todo.extend(behind.flat_map(|w| w.over.iter().copied()));
        }
    }
    named
}
