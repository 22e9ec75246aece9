//! The tokens that nodes present: each `Complete` carries one, and the next Hello shows it.
//!
//! A token is a moment and a proof that this server named it: the moment is the server's time in
//! milliseconds, or one more than that of the token before. So of two tokens of one node the later is
//! known, and a token that this registry never gave, but this server did, is seen for what it is: the
//! registry went back. Nothing is signed for others to check: the proof is the head of a signature
//! that the server makes again.
//!
//! The token of an invitation is drawn by chance and says nothing; until the node has proved that it
//! heard a `Complete` of the epoch in force, nothing is judged.

use dongbo_proto::frame::Token;
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::UnixMs;

use super::view::NodeView;
use crate::session::Presented;

/// Bytes of the moment; the rest is the proof.
const MOMENT_BYTES: usize = 6;

/// Names and knows tokens of one epoch.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    /// The server's key.
    pub signer: &'a Signer,
    /// The epoch in force.
    pub epoch: Epoch,
}

impl Tokens<'_> {
    /// The token after the one that an author was given last.
    pub fn next(&self, author: AuthorId, last: &Token, now_ms: UnixMs) -> Token {
        let after = self.moment(author, last).map_or(0, |last| last + 1);
        self.name(author, after.max(u64::try_from(now_ms).unwrap_or(0)))
    }

    /// What a presented token says, beside those that the registry holds.
    pub fn judge(&self, node: &NodeView, presented: &Token) -> Presented {
        let moment = |token| self.moment(node.author, token);
        let Some(proved) = moment(&node.token_previous) else { return Presented::Fits };
        match moment(presented) {
            Some(shown) if moment(&node.token_current).is_some_and(|given| shown > given) => {
                Presented::Ahead
            }
            Some(shown) if shown >= proved => Presented::Fits,
            _ => Presented::Stale,
        }
    }

    /// The moment of a token that this server named for this author in this epoch.
    fn moment(&self, author: AuthorId, token: &Token) -> Option<u64> {
        let moment = token[..MOMENT_BYTES].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        (self.name(author, moment) == *token).then_some(moment)
    }

    fn name(&self, author: AuthorId, moment: u64) -> Token {
        let moment = &moment.to_be_bytes()[8 - MOMENT_BYTES..];
        let words = [b"dongbo token".as_slice(), &author.0.to_be_bytes(), &self.epoch.0, moment];
        let proof = self.signer.sign(&words.concat());
        let mut token = Token::default();
        token[..MOMENT_BYTES].copy_from_slice(moment);
        let rest = token.len() - MOMENT_BYTES;
        token[MOMENT_BYTES..].copy_from_slice(&proof[..rest]);
        token
    }
}
