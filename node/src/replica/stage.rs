//! Pages of states: staged, so that nobody sees half of an act; visible at `complete`.
//!
//! A scope of which nothing was ever visible is filled in place, record by record, and shown as
//! filling. A scope that must be filled again, because its digest differed, is staged like any
//! other, so that what is shown stays whole until then.

use dongbo_proto::bytes::Writer;
use dongbo_proto::frame::States;
use dongbo_proto::act::Projection;
use dongbo_proto::id::{KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use rusqlite::params;

use super::error::Result;
use super::journal::int;
use super::place::{Coming, State};
use super::scope::{self, ScopeState};
use super::settle::{Settle, pending};
use super::work::Work;
use super::{Replica, ack};

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staged {
    /// It is durable here.
    Applied,
    /// It does not continue what is here (old, repeated, or of a scope that is not held).
    Skipped,
}

impl Replica {
    /// Takes in a page of states; durable when this returns.
    ///
    /// # Errors
    /// What storage says; the page is then not here at all.
    pub fn stage(&mut self, page: &States) -> Result<Staged> {
        self.write("stage", |work| {
            let Some(scope) = scope::one(work.db, page.scope)? else { return Ok(Staged::Skipped) };
            if !continues(&scope, page) {
                return Ok(Staged::Skipped);
            }
            let mut scope = if scope.fills_in_place() {
                fill(work, page)?.unwrap_or(scope)
            } else {
                stage_rows(work, page)?;
                scope
            };
            advance(&mut scope, page);
            scope::put(work.db, &scope)?;
            Ok(Staged::Applied)
        })
    }
}

/// Whether a page continues what is here. A scope that is being filled takes any page.
fn continues(scope: &ScopeState, page: &States) -> bool {
    scope.is_filling() || (!page.filling && page.from <= scope.staged && scope.staged < page.to)
}

/// Moves the cursor. While a scope is filled it stays at the revision of the first page: what
/// changed behind the filling comes again in the pages after that revision.
fn advance(scope: &mut ScopeState, page: &States) {
    if page.filling {
        scope.filled_to = page.records.last().map(|(_, r)| r.id).or(scope.filled_to);
    }
    let ends_filling = !page.filling && scope.filled_to.take().is_some();
    if scope.staged == 0 || !(page.filling || ends_filling) {
        scope.staged = scope.staged.max(page.to);
    }
}

/// Writes records to their tables. Returns the scope with its digest.
fn fill(work: &Work<'_>, page: &States) -> Result<Option<ScopeState>> {
    let mut settle = Settle::new(work)?;
    settle.index(&pending(work)?)?;
    let known = ack::acknowledged(work.db)?;
    for (projection, record) in &page.records {
        if !settle.fresh(page.scope, *projection, record)? {
            let (scope, projection, record) = (page.scope, *projection, record.clone());
            let of = (record.id, record.kind);
            let states = vec![State { scope, projection, record, known }];
            one(&mut settle, of, Coming { states, ..Coming::default() })?;
            put_staged(work, scope, of, Some(projection), known, None)?;
        }
    }
    for gone in &page.gone {
        one(&mut settle, *gone, Coming { gone: vec![page.scope], ..Coming::default() })?;
    }
    // Other scopes change where a record was here already through them.
    for (id, scope) in &settle.scopes {
        if *id != page.scope {
            scope::put(work.db, scope)?;
        }
    }
    Ok(settle.scopes.remove(&page.scope))
}

fn one(settle: &mut Settle<'_, '_>, record: (RecordId, KindId), coming: Coming) -> Result<()> {
    let mut coming = Some(coming);
    settle.records(&[record], |_| Ok(coming.take().unwrap_or_default()))
}

fn stage_rows(work: &Work<'_>, page: &States) -> Result<()> {
    let known = ack::acknowledged(work.db)?;
    for (projection, record) in &page.records {
        let (of, bytes) = ((record.id, record.kind), packed(record));
        put_staged(work, page.scope, of, Some(*projection), known, Some(&bytes))?;
    }
    page.gone.iter().try_for_each(|of| put_staged(work, page.scope, *of, None, known, None))
}

fn put_staged(
    work: &Work<'_>,
    scope: ScopeId,
    of: (RecordId, KindId),
    projection: Option<Projection>,
    known: u64,
    bytes: Option<&[u8]>,
) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO staged (record, scope, kind, projection, known, bytes) VALUES (?, ?, ?, ?, ?, ?)";
    let projection = projection.map(|p| p as u8);
    let row = params![of.0.0, scope.0, of.1.0, projection, int(known), bytes];
    work.db.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn packed(record: &Record) -> Vec<u8> {
    let mut w = Writer::default();
    record.write(&mut w);
    w.into_bytes()
}
