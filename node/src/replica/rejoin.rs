//! A node that the province invited again goes on with its journal under a new token.

use dongbo_proto::sign::PUBLIC_KEY_BYTES;

use super::error::{Result, Word};
use super::setting::{self, Identity};
use super::{Replica, fork, scope};

impl Replica {
    /// Takes in what a further invitation gave. The epoch stays the one known here: the next
    /// greeting says whether the province's descends from it.
    ///
    /// # Errors
    /// [`Word::ReceiptForOther`] if it is for another node or of another province; nothing is
    /// changed then.
    pub fn invited_again(&mut self, who: &Identity) -> Result<()> {
        self.write("join again", |work| {
            let known: [u8; PUBLIC_KEY_BYTES] = setting::must(work.db, setting::SIGNING_KEY)?;
            if who.author != work.line.author() || who.signing_key != known {
                return Err(Word::ReceiptForOther.into());
            }
            fork::certified(work)?;
            setting::put(work.db, setting::TOKEN, &who.token)?;
            scope::grant(work.db, &who.grants)
        })
    }
}
