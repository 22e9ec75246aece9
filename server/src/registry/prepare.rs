//! Before the writer: decode a batch, hash its acts, follow its chain, check its signature.
//!
//! Pure CPU without a transaction, so that it runs beside the writer and one node's large batch
//! costs the others nothing.

use dongbo_proto::act::Act;
use dongbo_proto::chain;
use dongbo_proto::frame::{Batch, Stop};
use dongbo_proto::id::Hash;
use dongbo_proto::{sign, wire};

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
}

impl Prepared {
    /// The chain after so many of its acts.
    pub fn chain_after(&self, acts: usize) -> Hash {
        self.hashes.iter().take(acts).fold(self.batch.before, |chain, hash| chain::extend(chain, *hash))
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
    let acts = wire::decode_acts(batch.first, &batch.body, batch.raw_len).map_err(|_| Stop::BadBatch)?;
    if acts.len() != batch.count as usize {
        return Err(Stop::BadBatch);
    }
    let hashes = hashes(&batch, &acts).ok_or(Stop::BadBatch)?;
    let bytes = wire::batch_bytes(&batch);
    let prepared = Prepared { batch, acts, hashes, bytes };
    let holds = prepared.chain_after(prepared.acts.len()) == prepared.batch.after;
    if holds { Ok(prepared) } else { Err(Stop::BadBatch) }
}

/// The hash of each act; `None` where a seed is missing.
pub(super) fn hashes(batch: &Batch, acts: &[Act]) -> Option<Vec<Hash>> {
    let mut buffer = Vec::with_capacity(1024);
    let one = |act: &Act| Some(chain::act_hash_in(act, batch.seed_at(act.position)?, &mut buffer));
    acts.iter().map(one).collect()
}
