//! The history of a record: who wrote what, when, over which heads, and what became of it.
//!
//! Found through the feeds of the scopes that the record has lived in, oldest first. A node hears of
//! it through the same entitlement as of its state: scopes that it holds, fields that they may see.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use dongbo_proto::act::{Act, Op, Projection};
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::fate::Fate;
use dongbo_proto::frame::HistoryItem;
use dongbo_proto::id::{ActId, AuthorId, KindId, RecordId, ScopeId};
use dongbo_proto::limits::HISTORY_ACTS_MAX;
use dongbo_proto::record::sees;

use super::error::{Error, Result};
use super::journal::{self, Told};
use crate::store::ReadTx;
use crate::store::rows::HeldState;

/// Held acts that are looked at for one record's history.
const HELD_AT_ONCE: usize = 512;

/// One act of a record's history, as the province sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The act with its author, order stamp, rank and fate.
    pub item: HistoryItem,
    /// What the author is called.
    pub author_name: String,
    /// Who decided it, where it was held.
    pub decided_by: Option<ActId>,
    /// The act that took it back.
    pub retracted_by: Option<ActId>,
    /// The scope and revision at which it took effect; `None` while it waits, or if it was refused.
    pub at: Option<(ScopeId, u64)>,
    /// Later acts of this record that named it: what replaced it.
    pub replaced_by: Vec<ActId>,
}

/// The kind of a record, by its id alone.
///
/// # Errors
/// The store's.
pub fn kind_of(tx: &dyn ReadTx, record: RecordId) -> Result<Option<KindId>> {
    for kind in catalogue().kinds() {
        let wanted =
            crate::store::rows::Wanted { record, kind: kind.id, fields: Default::default() };
        if tx.rows(&[wanted])?.iter().any(Option::is_some) {
            return Ok(Some(kind.id));
        }
    }
    Ok(None)
}

/// The whole history of a record, oldest first, waiting and refused acts included.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn history(tx: &dyn ReadTx, kind: KindId, record: RecordId) -> Result<Vec<HistoryEntry>> {
    let held = super::province::whole(tx, kind, record);
    let home = match held {
        Ok(record) => Some(record.home),
        Err(Error::Unknown("record")) => None,
        Err(other) => return Err(other),
    };
    let mut scopes: BTreeSet<ScopeId> = tx.stays(record)?.iter().map(|s| s.home).collect();
    scopes.extend(home);
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for scope in scopes {
        merged_in(tx, scope, (record, kind), &mut entries)?;
    }
    for state in [HeldState::Waiting, HeldState::Refused] {
        held_on(tx, state, (record, kind), &mut entries)?;
    }
    entries.sort_by_key(|e| (e.item.stamp, e.item.author, e.item.act.position));
    replaced(&mut entries);
    Ok(entries)
}

fn merged_in(
    tx: &dyn ReadTx,
    scope: ScopeId,
    key: (RecordId, KindId),
    into: &mut Vec<HistoryEntry>,
) -> Result<()> {
    journal::walk(tx, scope, 0, &mut |step| {
        if step.records.contains(&key) {
            for told in journal::effective(tx, &step)? {
                let known =
                    into.iter().any(|e| ActId::new(e.item.author, e.item.act.position) == told.id);
                if !known
                    && (concerns(&told.act, key)
                        || told.act.ops.iter().any(|op| matches!(op, Op::Retract(_))))
                {
                    into.push(entry(tx, told, key, Some((scope, step.revision)))?);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn held_on(
    tx: &dyn ReadTx,
    state: HeldState,
    key: (RecordId, KindId),
    into: &mut Vec<HistoryEntry>,
) -> Result<()> {
    let mut after = None;
    loop {
        let held = tx.held_after(state, after, HELD_AT_ONCE)?;
        let Some(last) = held.last() else { return Ok(()) };
        after = Some(last.act);
        for row in held.iter().filter(|h| h.records.iter().any(|r| (r.0, r.1) == key)) {
            if let Some(told) = journal::tell(tx, row.act)? {
                into.push(entry(tx, told, key, None)?);
            }
        }
    }
}

fn concerns(act: &Act, key: (RecordId, KindId)) -> bool {
    act.records().any(|r| r == key)
}

fn entry(
    tx: &dyn ReadTx,
    told: Told,
    key: (RecordId, KindId),
    at: Option<(ScopeId, u64)>,
) -> Result<HistoryEntry> {
    let retracted_by = tx.retracted(told.id)?;
    let author = tx.author(told.id.author)?;
    Ok(HistoryEntry {
        item: HistoryItem {
            author: told.id.author,
            act: only(told.act, key, &|_| true),
            stamp: told.stamp,
            rank: told.rank,
            fate: told.fate,
            retracted: retracted_by.is_some(),
        },
        author_name: author.map(|a| a.name).unwrap_or_default(),
        decided_by: tx.held(told.id)?.and_then(|h| h.decided_by),
        retracted_by,
        at,
        replaced_by: Vec::new(),
    })
}

/// An act with only the operations that touch a record, and of those only the fields that may be seen.
fn only(
    mut act: Act,
    key: (RecordId, KindId),
    seen: &dyn Fn(dongbo_proto::id::FieldId) -> bool,
) -> Act {
    act.ops.retain(|op| match op {
        Op::Write(w) => (w.record, w.kind) == key,
        Op::Place { record, kind, .. } => (*record, *kind) == key,
        Op::Retract(_) | Op::Decide(..) => true,
        Op::Unknown(..) => false,
    });
    for op in &mut act.ops {
        if let Op::Write(w) = op {
            w.fields.retain(|f| seen(f.field));
        }
    }
    act
}

/// Notes of each act which later ones named it.
fn replaced(entries: &mut [HistoryEntry]) {
    let created = entries.iter().find(|e| e.item.act.writes().any(|w| w.create.is_some()));
    let Some(created) = created.map(|e| ActId::new(e.item.author, e.item.act.position)) else {
        return;
    };
    let mut pairs: Vec<(ActId, ActId)> = Vec::new();
    for entry in entries.iter().filter(|e| e.at.is_some() && !e.item.retracted) {
        let by = ActId::new(entry.item.author, entry.item.act.position);
        for write in entry.item.act.writes().flat_map(|w| &w.fields) {
            pairs.extend(
                dongbo_proto::merge::named(&write.over, created).into_iter().map(|old| (old, by)),
            );
        }
    }
    for entry in entries {
        let id = ActId::new(entry.item.author, entry.item.act.position);
        entry.replaced_by = pairs.iter().filter(|p| p.0 == id && p.1 != id).map(|p| p.1).collect();
        entry.replaced_by.sort_unstable();
        entry.replaced_by.dedup();
    }
}

/// The history of a record as far as a node may see it: what took effect in scopes that it holds
/// while the record was placed there, with the fields that they see; the newest where it is long.
///
/// # Errors
/// The store's. Of a record that the node may not see, it is empty.
pub fn history_for(
    tx: &dyn ReadTx,
    author: AuthorId,
    record: RecordId,
) -> Result<Vec<HistoryItem>> {
    let Some(kind) = kind_of(tx, record)?.and_then(|id| catalogue().kind(id)) else {
        return Ok(Vec::new());
    };
    let mut best: Option<Projection> = None;
    for scope in super::page::granted(tx, author)? {
        let seen = tx.placement(scope.id, record, kind.id)?;
        best = match (best, seen) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    let Some(projection) = best else { return Ok(Vec::new()) };
    let entries = history(tx, kind.id, record)?;
    let visible = entries.into_iter().filter(|e| matches!(e.item.fate, Fate::Merged { .. }));
    let mut items: Vec<HistoryItem> =
        visible.map(|e| projected(e.item, kind, record, projection)).collect();
    items.retain(|i| !i.act.ops.is_empty());
    let surplus = items.len().saturating_sub(HISTORY_ACTS_MAX);
    items.drain(..surplus);
    Ok(items)
}

fn projected(
    mut item: HistoryItem,
    kind: &Kind,
    record: RecordId,
    projection: Projection,
) -> HistoryItem {
    item.act = only(item.act, (record, kind.id), &|field| sees(Some(kind), field, projection));
    // What was taken back or decided elsewhere names acts on other records.
    item.act.ops.retain(|op| match op {
        Op::Write(w) => w.create.is_some() || !w.fields.is_empty(),
        Op::Place { .. } => true,
        _ => false,
    });
    item
}
