//! Own acts that did not simply become part of the registry, and search within one kind.

use dongbo_proto::fate::Fate;
use dongbo_proto::id::KindId;
use dongbo_proto::record::Record;

use super::Replica;
use super::error::Result;
use super::find;
use super::journal::uint;
use super::read::{self, OwnAct};

/// Fates are kept as numbers: those from here on are held or refused.
const FATE_HELD_MIN: u8 = 64;

impl Replica {
    /// Acts that the province holds for review or has refused, oldest first.
    ///
    /// # Errors
    /// What storage says.
    pub fn waiting(&self, limit: usize) -> Result<Vec<OwnAct>> {
        self.read(|work| {
            let sql = "SELECT first, last FROM ack WHERE fate >= ? ORDER BY first";
            let mut statement = work.db.prepare_cached(sql)?;
            let mut rows = statement.query([FATE_HELD_MIN])?;
            let mut waiting = Vec::new();
            while let Some(row) = rows.next()? {
                let (first, last) = (uint(row.get(0)?), uint(row.get(1)?));
                let left = limit.saturating_sub(waiting.len());
                let acts = read::own_acts(work, first, last, left)?;
                // The last word counts: what was held may have been merged since.
                let still = |own: &OwnAct| !matches!(own.fate, None | Some(Fate::Merged { .. }));
                waiting.extend(acts.into_iter().filter(still));
            }
            Ok(waiting)
        })
    }

    /// As [`Replica::search`], among the records of one kind.
    ///
    /// # Errors
    /// What storage says.
    pub fn search_of(&self, kind: KindId, typed: &str, limit: usize) -> Result<Vec<Record>> {
        self.read(|work| {
            let Some(table) = work.tables.get(kind) else { return Ok(Vec::new()) };
            read::search_in(work, table, &find::query(typed), limit)
        })
    }
}
