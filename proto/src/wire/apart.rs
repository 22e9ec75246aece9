//! The frames by which a machine that is not where the server left it finds out since when.

use super::{Result, WireError, bounded, fixed, hash, pb};
use crate::frame::Fork;
use crate::id::{AuthorId, Hash};
use crate::limits;

const HASH_BYTES: usize = 32;

pub(super) fn fork_to_pb(f: &Fork) -> pb::Fork {
    pb::Fork { author: f.author.0, parent: f.parent.0, at: f.at, head: f.head.0.to_vec() }
}

pub(super) fn fork_from_pb(f: &pb::Fork) -> Result<Fork> {
    Ok(Fork {
        author: AuthorId(f.author),
        parent: AuthorId(f.parent),
        at: f.at,
        head: hash(&f.head)?,
    })
}

pub(super) fn chain_to_pb(heads: &[Option<Hash>]) -> pb::Chain {
    pb::Chain { heads: heads.iter().flat_map(|h| h.unwrap_or_default().0).collect() }
}

pub(super) fn chain_from_pb(c: &pb::Chain) -> Result<Vec<Option<Hash>>> {
    bounded(c.heads.len(), limits::CHAIN_ASKED_MAX * HASH_BYTES)?;
    if !c.heads.len().is_multiple_of(HASH_BYTES) {
        return Err(WireError::Malformed);
    }
    let head = |bytes: &[u8]| Ok(Some(Hash(fixed(bytes)?)).filter(|h| *h != Hash::default()));
    c.heads.chunks(HASH_BYTES).map(head).collect()
}
