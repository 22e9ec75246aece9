//! Before the writer: decode a batch, hash its acts, follow its chain, check its signature.
//!
//! Pure CPU without a transaction, so that it runs beside the writer and one node's large batch
//! costs the others nothing.

use dongbo_proto::act::{Act, Op};
use dongbo_proto::chain;
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::Reason;
use dongbo_proto::frame::{Batch, Stop};
use dongbo_proto::id::Hash;
use dongbo_proto::record::{Origin, Rank};
use dongbo_proto::{merge, sign, wire};

use super::work::Fresh;

/// A batch that is what it says: its acts hash to the chain that its author signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// As it was received.
    pub batch: Batch,
    /// Its acts, in order.
    pub acts: Vec<Act>,
    /// The hash of each.
    pub hashes: Vec<Hash>,
    /// The batch as the journal keeps it.
    pub bytes: Vec<u8>,
    /// Whether each act is within the limits and in words that this build knows.
    pub checked: Vec<Result<(), Reason>>,
    /// For each act that creates records, the sums over their fields if it merges as it claims.
    sums: Vec<Vec<Option<Digest>>>,
}

impl Prepared {
    /// An operation of an act, if it is a plain creation. `as_foreseen`: it merges at its home, with
    /// the stamp that it claims, so that its sum was taken right.
    pub(super) fn creation(&self, act: usize, op: usize, as_foreseen: bool) -> Option<Fresh<'_>> {
        let Op::Write(writes) = self.acts.get(act)?.ops.get(op)? else { return None };
        let sum = self.sums.get(act)?.get(op).copied().flatten().filter(|_| as_foreseen);
        Fresh::of(writes, sum)
    }

    /// The chain after so many of its acts.
    pub fn chain_after(&self, acts: usize) -> Hash {
        self.hashes
            .iter()
            .take(acts)
            .fold(self.batch.before, |chain, hash| chain::extend(chain, *hash))
    }
}

impl crate::session::Positions for Prepared {
    fn author(&self) -> dongbo_proto::id::AuthorId {
        self.batch.author
    }
    fn first(&self) -> u64 {
        self.batch.first
    }
    fn last(&self) -> u64 {
        self.batch.last()
    }
}

/// Decodes and checks a batch.
///
/// # Errors
/// [`Stop::BadBatch`] where it does not decode, hash or verify to what it says.
pub fn prepare(batch: Batch, public_key: &[u8; 32]) -> Result<Prepared, Stop> {
    let signed = chain::signed_bytes(batch.author, batch.last(), batch.after);
    let signature = batch.signature.as_slice().try_into().map_err(|_| Stop::BadBatch)?;
    if !sign::verify(public_key, &signed, signature) {
        return Err(Stop::BadBatch);
    }
    let acts =
        wire::decode_acts(batch.first, &batch.body, batch.raw_len).map_err(|_| Stop::BadBatch)?;
    if acts.len() != batch.count as usize {
        return Err(Stop::BadBatch);
    }
    let hashes = hashes(&batch, &acts).ok_or(Stop::BadBatch)?;
    let bytes = wire::batch_bytes(&batch);
    let checked = acts.iter().map(merge::check_act).collect();
    let sums = acts.iter().map(|act| foreseen(&batch, act)).collect();
    let prepared = Prepared { batch, acts, hashes, bytes, checked, sums };
    let holds = prepared.chain_after(prepared.acts.len()) == prepared.batch.after;
    if holds { Ok(prepared) } else { Err(Stop::BadBatch) }
}

/// What the creations of an act will add to digests if it merges at their homes with its claimed
/// stamp, as nearly all do: hashing forty fields is not for the writer.
fn foreseen(batch: &Batch, act: &Act) -> Vec<Option<Digest>> {
    let origin = Origin { act: act.id(batch.author), stamp: act.claimed, rank: Rank::Home };
    let mut buffer = Vec::with_capacity(128);
    let mut sum = |op: &Op| match op {
        Op::Write(w) if w.create.is_some() => {
            Fresh::of(w, None).map(|f| f.sum(origin, &mut buffer))
        }
        _ => None,
    };
    match act.ops.iter().any(|op| matches!(op, Op::Write(w) if w.create.is_some())) {
        true => act.ops.iter().map(&mut sum).collect(),
        false => Vec::new(),
    }
}

/// The hash of each act; `None` where a seed is missing.
pub(super) fn hashes(batch: &Batch, acts: &[Act]) -> Option<Vec<Hash>> {
    let mut buffer = Vec::with_capacity(1024);
    let one = |act: &Act| Some(chain::act_hash_in(act, batch.seed_at(act.position)?, &mut buffer));
    acts.iter().map(one).collect()
}
