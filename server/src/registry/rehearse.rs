//! What a restore would bring back, said beforehand: what the backup has of each author against what the
//! registry in use knows of it, and what nobody can send again.
//!
//! Machines send again what they hold; the province's own acts are in the registry and its backups only.
//! Deliberately absent: opening either file, and sentences (`cli`).

use std::collections::HashMap;

use dongbo_proto::act::Op;
use dongbo_proto::id::{ActId, AuthorId, KindId};
use dongbo_proto::stamp::Stamp;

use super::error::Result;
use super::journal;
use super::word::word;
use crate::store::ReadTx;
use crate::store::rows::AuthorRow;

/// An author, as a restore would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returning {
    /// Its id.
    pub author: AuthorId,
    /// What people call it.
    pub name: String,
    /// Whether its acts are the province's own.
    pub province: bool,
    /// The position that the backup holds; `None` if it joined since.
    pub in_backup: Option<u64>,
    /// The furthest position that anyone knows of: held by the registry in use, or said by the machine.
    pub known: u64,
    /// The furthest position that some backup has passed: up to there a machine need not keep its acts.
    pub passed: u64,
    /// Whether it was revoked since the backup.
    pub revoked_since: bool,
}

/// An act of the province that is in no machine's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The act.
    pub act: ActId,
    /// Who made it.
    pub person: String,
    /// Its order stamp.
    pub stamp: Stamp,
    /// The kinds of records that it touches.
    pub kinds: Vec<KindId>,
}

impl Returning {
    /// Acts that the backup lacks.
    #[must_use]
    pub fn lacking(&self) -> u64 {
        self.known.saturating_sub(self.in_backup.unwrap_or(0))
    }

    /// Acts that the machine will send again; none of the province.
    #[must_use]
    pub fn sent_again(&self) -> u64 {
        if self.province { 0 } else { self.lacking() }
    }

    /// Of those, acts that the machine need not keep, since a later backup has passed them.
    #[must_use]
    pub fn need_not_be_kept(&self) -> u64 {
        let passed = self.passed.min(self.known).saturating_sub(self.in_backup.unwrap_or(0));
        passed.min(self.sent_again())
    }

    /// Acts that nobody can send again.
    #[must_use]
    pub fn lost(&self) -> u64 {
        if self.province { self.lacking() } else { 0 }
    }
}

/// What is known of the authors in one registry: positions, and what machines last said.
///
/// # Errors
/// The store's.
pub fn known_authors(tx: &dyn ReadTx) -> Result<Vec<(AuthorRow, u64)>> {
    let mut all = Vec::new();
    for row in tx.authors()? {
        let said = word(tx, row.id)?.map_or(0, |word| word.position);
        all.push((row, said));
    }
    Ok(all)
}

/// Compares a backup with the registry in use; where that cannot be read, with what the backup itself
/// knows of what machines had said.
#[must_use]
pub fn compare(backup: &[(AuthorRow, u64)], live: Option<&[(AuthorRow, u64)]>) -> Vec<Returning> {
    let held: HashMap<AuthorId, &AuthorRow> = backup.iter().map(|(row, _)| (row.id, row)).collect();
    let all = live.unwrap_or(backup).iter();
    all.map(|(row, said)| {
        let before = held.get(&row.id);
        Returning {
            author: row.id,
            name: row.name.clone(),
            province: row.province,
            in_backup: before.map(|before| before.position),
            known: row.position.max(*said),
            passed: row.backed_up,
            revoked_since: row.revoked_ms.is_some()
                && before.is_some_and(|before| before.revoked_ms.is_none()),
        }
    })
    .collect()
}

/// Names the province's own acts behind what the backup has, up to so many.
///
/// # Errors
/// The store's.
pub fn name_lost(live: &dyn ReadTx, all: &[Returning], max: usize) -> Result<Vec<Lost>> {
    let mut lost = Vec::new();
    for one in all.iter().filter(|one| one.lost() > 0) {
        for position in one.in_backup.unwrap_or(0) + 1..=one.known {
            if lost.len() == max {
                return Ok(lost);
            }
            let id = ActId::new(one.author, position);
            let Some(told) = journal::tell(live, id)? else { continue };
            let mut kinds: Vec<KindId> = told.act.ops.iter().filter_map(kind_of_op).collect();
            kinds.dedup();
            lost.push(Lost { act: id, person: told.act.person, stamp: told.stamp, kinds });
        }
    }
    Ok(lost)
}

fn kind_of_op(op: &Op) -> Option<KindId> {
    match op {
        Op::Write(writes) => Some(writes.kind),
        Op::Place { kind, .. } => Some(*kind),
        _ => None,
    }
}
