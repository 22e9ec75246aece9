//! Under whose name each act of this journal stands.
//!
//! A journal that parted from the one at the province goes on under another author id (`fork`); what
//! lies before stays its first author's.

use dongbo_proto::act::Act;
use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::frame::Fork;
use dongbo_proto::id::{ActId, AuthorId, Hash};
use rusqlite::Connection;

use super::error::Result;
use super::setting;

/// The authors of a journal, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    first: AuthorId,
    forks: Vec<Fork>,
}

impl Line {
    /// The line of a replica whose first author is known.
    pub fn read(db: &Connection, first: AuthorId) -> Result<Self> {
        let forks = match setting::get(db, setting::FORKS)? {
            Some(bytes) => unpack(&bytes)?,
            None => Vec::new(),
        };
        Ok(Line { first, forks })
    }

    /// Keeps a longer line.
    pub fn put(&self, db: &Connection) -> Result<()> {
        setting::put(db, setting::FORKS, &pack(&self.forks))
    }

    /// Under whose name the next act will stand.
    pub fn author(&self) -> AuthorId {
        self.forks.last().map_or(self.first, |fork| fork.author)
    }

    /// Under whose name the act at a position stands.
    pub fn at(&self, position: u64) -> AuthorId {
        let fork = self.forks.iter().rev().find(|fork| fork.at < position);
        fork.map_or(self.first, |fork| fork.author)
    }

    /// The id of an act of this journal.
    pub fn id(&self, act: &Act) -> ActId {
        act.id(self.at(act.position))
    }

    /// Whether an act is of this journal.
    pub fn owns(&self, act: ActId) -> bool {
        self.at(act.position) == act.author
    }

    /// Where it parted, oldest first.
    pub fn forks(&self) -> &[Fork] {
        &self.forks
    }

    /// The same, going on from a position as another author's.
    pub fn forked(&self, at: u64, head: Hash, author: AuthorId) -> Self {
        let mut line = self.clone();
        line.forks.retain(|fork| fork.at <= at);
        line.forks.push(Fork { author, parent: line.author(), at, head });
        line
    }
}

fn pack(forks: &[Fork]) -> Vec<u8> {
    let mut w = Writer::default();
    w.number(forks.len() as u64);
    for fork in forks {
        w.raw(&fork.author.0.to_be_bytes());
        w.raw(&fork.parent.0.to_be_bytes());
        w.number(fork.at);
        w.raw(&fork.head.0);
    }
    w.into_bytes()
}

fn unpack(bytes: &[u8]) -> std::result::Result<Vec<Fork>, Truncated> {
    let r = &mut Reader::new(bytes);
    (0..r.number()?)
        .map(|_| {
            let (author, parent) = (r.array()?, r.array()?);
            Ok(Fork {
                author: AuthorId(u64::from_be_bytes(author)),
                parent: AuthorId(u64::from_be_bytes(parent)),
                at: r.number()?,
                head: Hash(r.array()?),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_position_stands_under_the_author_of_its_time() {
        let first = Line { first: AuthorId(1), forks: Vec::new() };
        let line =
            first.forked(5, Hash([5; 32]), AuthorId(2)).forked(9, Hash([9; 32]), AuthorId(3));
        assert_eq!([5, 6, 9, 10].map(|at| line.at(at).0), [1, 2, 2, 3]);
        assert_eq!(line.author(), AuthorId(3));
        assert_eq!(unpack(&pack(line.forks())), Ok(line.forks.clone()));
        assert!(line.owns(ActId::new(AuthorId(1), 5)) && !line.owns(ActId::new(AuthorId(1), 6)));
    }

    #[test]
    fn a_fork_behind_another_takes_its_place() {
        let first = Line { first: AuthorId(1), forks: Vec::new() };
        let line =
            first.forked(5, Hash([5; 32]), AuthorId(2)).forked(3, Hash([3; 32]), AuthorId(3));
        assert_eq!(line.forks().iter().map(|f| (f.parent.0, f.at)).collect::<Vec<_>>(), [(1, 3)]);
    }
}
