//! What a node last said of itself when it greeted, and how that conversation ended: what tells an
//! office that is behind from one that has nothing to say.
//!
//! A small note for each node, written with what is written anyway. It proves nothing (a node may say
//! what it likes) and decides nothing: it is for people who look.

use dongbo_proto::id::AuthorId;
use dongbo_proto::stamp::UnixMs;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::store::{ReadTx, WriteTx};

/// What names of these notes begin with.
const NOTE: &str = "word-";

/// A node's last word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The last position of its journal, as it said.
    pub position: u64,
    /// The catalogue that it speaks.
    pub schema: u32,
    /// Server time.
    pub at_ms: UnixMs,
    /// How far its clock was ahead of the server's, in milliseconds; the way there is in it.
    pub ahead_ms: i64,
    /// When the certificate that it showed ends, in unix seconds.
    pub certificate_until_s: i64,
    /// How the conversation ended: `in_step`, or what the matter was.
    pub end: String,
}

/// Keeps a node's word. One of an author that is no node is passed over.
///
/// # Errors
/// The store's.
pub fn keep_word(tx: &mut dyn WriteTx, author: AuthorId, word: &Word) -> Result<()> {
    if tx.author(author)?.is_none_or(|row| row.province) {
        return Ok(());
    }
    let bytes = serde_json::to_vec(word).map_err(|_| Error::Damaged("a note"))?;
    Ok(tx.put_note(&format!("{NOTE}{author}"), &bytes)?)
}

/// A node's last word; `None` if it never greeted. One that a newer server wrote in another way
/// counts as none.
///
/// # Errors
/// The store's.
pub fn word(tx: &dyn ReadTx, author: AuthorId) -> Result<Option<Word>> {
    let note = tx.note(&format!("{NOTE}{author}"))?;
    Ok(note.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
