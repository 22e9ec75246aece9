//! What a line of a feed touched, where the writes of its frame do not say it by themselves: acts in
//! several scopes, placements, decisions, retractions.
//!
//! It names only records that the line's scope sees or saw, so that a page made from it tells a
//! guest nothing of the rest of an act.

use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::id::{KindId, RecordId};

/// A record touched at a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Touch {
    pub revision: u64,
    pub record: RecordId,
    pub kind: KindId,
}

/// The bytes of a line that begins after revision `from`.
pub(super) fn pack(from: u64, touches: &[Touch]) -> Vec<u8> {
    let mut w = Writer::reuse(Vec::with_capacity(touches.len() * 19));
    for touch in touches {
        w.number(touch.revision - from);
        w.raw(&touch.record.0);
        w.number(u64::from(touch.kind.0));
    }
    w.into_bytes()
}

/// Reads them back.
pub(super) fn unpack(from: u64, bytes: &[u8]) -> Result<Vec<Touch>, Truncated> {
    let r = &mut Reader::new(bytes);
    let mut touches = Vec::new();
    while !r.is_empty() {
        let revision = from + r.number()?;
        touches.push(Touch {
            revision,
            record: RecordId(r.array()?),
            kind: KindId(r.number()? as u16),
        });
    }
    Ok(touches)
}
