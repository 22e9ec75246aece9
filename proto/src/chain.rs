//! Hashes of acts and the chains over them: what an author signs and what an auditor follows.
//!
//! An act's hash is a small Merkle tree: one leaf for its header and one for each operation, each
//! leaf salted from a seed that covers a run of acts. So a purge can destroy one record's content
//! and salt and keep the hash, and a proof opens only the leaves it needs. A signature an act
//! would cost more than the merge, so each batch signs the head of its chain.

use sha2::{Digest as _, Sha256};

use crate::act::Act;
use crate::bytes::Writer;
use crate::id::{AuthorId, Hash};

/// Random bytes from which the salts of a run of acts are expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Bytes of one leaf's salt.
const SALT_BYTES: usize = 16;

const LEAF: u8 = 0;
const NODE: u8 = 1;
const SALT: u8 = 2;

/// The salt of one leaf: leaf 0 is the header, leaf n the n-th operation.
pub fn salt(seed: &Seed, position: u64, leaf: u64) -> [u8; SALT_BYTES] {
    let full = Sha256::new()
        .chain_update([SALT])
        .chain_update(seed.0)
        .chain_update(position.to_be_bytes())
        .chain_update(leaf.to_be_bytes())
        .finalize();
    let mut short = [0; SALT_BYTES];
    short.copy_from_slice(&full[..SALT_BYTES]);
    short
}

/// The commitment to one leaf.
pub fn leaf_hash(salt: &[u8; SALT_BYTES], content: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([LEAF])
            .chain_update(salt)
            .chain_update(content)
            .finalize()
            .into(),
    )
}

/// The hash of an act.
pub fn act_hash(act: &Act, seed: &Seed) -> Hash {
    act_hash_in(act, seed, &mut Vec::new())
}

/// The commitments of an act: its header's, then one for each operation. What a purge keeps of an
/// act, and what a proof shows of the leaves that it does not open.
pub fn leaves(act: &Act, seed: &Seed) -> Vec<Hash> {
    let mut w = Writer::default();
    act.write_header(&mut w);
    let mut all = vec![leaf_hash(&salt(seed, act.position, 0), w.as_slice())];
    for (leaf, op) in (1..).zip(&act.ops) {
        w = Writer::reuse(w.into_bytes());
        op.write(&mut w);
        all.push(leaf_hash(&salt(seed, act.position, leaf), w.as_slice()));
    }
    all
}

/// The hash of an act from its commitments, without its contents or salts.
pub fn hash_of_leaves(leaves: &[Hash]) -> Hash {
    let mut root = Sha256::new().chain_update([NODE]);
    leaves.iter().for_each(|leaf| root.update(leaf.0));
    Hash(root.finalize().into())
}

/// The hash of an act, with a buffer that a hot loop lends again and again; it holds the act's
/// canonical bytes afterwards.
pub fn act_hash_in(act: &Act, seed: &Seed, buffer: &mut Vec<u8>) -> Hash {
    let mut root = Sha256::new().chain_update([NODE]);
    let mut w = Writer::reuse(std::mem::take(buffer));
    act.write_header(&mut w);
    root.update(leaf_hash(&salt(seed, act.position, 0), w.as_slice()).0);
    for (leaf, op) in (1..).zip(&act.ops) {
        let start = w.as_slice().len();
        op.write(&mut w);
        root.update(leaf_hash(&salt(seed, act.position, leaf), &w.as_slice()[start..]).0);
    }
    *buffer = w.into_bytes();
    Hash(root.finalize().into())
}

/// The chain after one more act; it starts from [`Hash::default`].
pub fn extend(chain: Hash, act: Hash) -> Hash {
    Hash(Sha256::new().chain_update(chain.0).chain_update(act.0).finalize().into())
}

/// What a batch's signature is over: whose chain, how far, and its hash there.
pub fn signed_bytes(author: AuthorId, last: u64, head: Hash) -> Vec<u8> {
    let mut w = Writer::default();
    w.raw(b"dongbo batch 1\0");
    w.raw(&author.0.to_be_bytes());
    w.number(last);
    w.raw(&head.0);
    w.into_bytes()
}

/// What [`state_hash`] gives.
pub type StateHash = [u8; 16];

/// The first half of a hash over what a node holds of all its scopes.
///
/// Hello carries it, and marks follow only where it differs. It proves nothing to anybody: a node
/// that sends a wrong one only hears less. So half is enough. Scopes must come in order of id.
pub fn state_hash<'a>(marks: impl Iterator<Item = &'a crate::fate::ScopeMark>) -> StateHash {
    let mut hash = Sha256::new();
    for mark in marks {
        hash.update(mark.scope.0.to_be_bytes());
        hash.update(mark.revision.to_be_bytes());
        hash.update(mark.chain.0);
        hash.update(mark.digest.to_bytes());
    }
    let whole: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|at| whole[at])
}
