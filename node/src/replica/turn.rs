//! Whose turn it is to bring states.
//!
//! Several carriers may be at work on one replica: an open stream, another program's, an answer on a
//! stick. Each was told states against the cursors that it named in its Hello; once another carrier
//! has moved them, what still comes down to it was meant for a replica that is no more. So whatever
//! brings states or completes an exchange is counted, and a carrier that is behind the count takes
//! in nothing more: it greets again, from where the replica stands now.
//!
//! Acknowledgements and outcomes need no turn: they are numbered, and taken once whoever brings them.

use dongbo_proto::stick::FileId;
use rusqlite::Connection;

use super::error::{ReplicaError, Result};
use super::{Replica, setting};

const COUNT_BYTES: usize = 8;

/// A carrier's place in the order of those that bring states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How often states were taken in, or an exchange completed, when this carrier did so last.
    count: u64,
    /// The file that it is; none for a stream.
    file: Option<FileId>,
}

impl Turn {
    /// The same place, held by a file.
    #[must_use]
    pub fn of_file(self, file: FileId) -> Self {
        Turn { file: Some(file), ..self }
    }

    /// Whether it was this file that brought the last states.
    #[must_use]
    pub fn is_of(self, file: FileId) -> bool {
        self.file == Some(file)
    }

    /// The next one, if nobody else came between.
    pub(super) fn next(self, db: &Connection) -> Result<Option<Turn>> {
        if last(db)?.count != self.count {
            return Ok(None);
        }
        let next = Turn { count: self.count + 1, ..self };
        let file = next.file.as_ref().map_or(&[][..], |file| file);
        setting::put(db, setting::TURN, &[&next.count.to_be_bytes()[..], file].concat())?;
        Ok(Some(next))
    }
}

impl Replica {
    /// The turn of whoever brought states last, for a carrier that begins: to be read before the
    /// facts of its Hello, so that what moves between the two counts against it.
    ///
    /// # Errors
    /// What storage says.
    pub fn turn(&self) -> Result<Turn> {
        self.read(|work| last(work.db))
    }
}

fn last(db: &Connection) -> Result<Turn> {
    let Some(bytes) = setting::get(db, setting::TURN)? else { return Ok(Turn::default()) };
    let damaged = ReplicaError::Damaged("a setting");
    let (count, file) = bytes.split_first_chunk::<COUNT_BYTES>().ok_or(damaged)?;
    Ok(Turn { count: u64::from_be_bytes(*count), file: file.try_into().ok() })
}
