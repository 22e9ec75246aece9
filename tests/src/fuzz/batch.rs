//! What the server does with a batch before its writer sees it, for an author who signs whatever it likes.

use dongbo_proto::chain;
use dongbo_proto::sign::Signer;
use dongbo_proto::wire;
use dongbo_server::registry;

/// Reads a batch, puts its signature and chain right as far as they can be, and prepares it.
pub fn batch(data: &[u8]) {
    let Ok(mut batch) = wire::batch_from_bytes(data) else { return };
    let Ok(signer) = Signer::from_seed(&[7; 32]) else { return };
    let acts = wire::decode_acts(batch.first, &batch.body, batch.raw_len).unwrap_or_default();
    let hash = |act| batch.seed_at(batch.first).map(|seed| chain::act_hash(act, seed));
    batch.after = acts.iter().filter_map(hash).fold(batch.before, chain::extend);
    let signed = chain::signed_bytes(batch.author, batch.last(), batch.after);
    batch.signature = signer.sign(&signed).to_vec();
    if let Ok(prepared) = registry::prepare(batch, signer.public()) {
        assert_eq!(prepared.acts.len(), prepared.hashes.len());
    }
}
