//! Pages of states: staged, so that nobody sees half of an act; visible at `complete`.
//!
//! A scope of which nothing was ever visible is filled in place, record by record, and shown as
//! filling. A scope that must be filled again, because its digest differed, is staged like any
//! other, so that what is shown stays whole until then.
//!
//! A fill says all that a scope holds: what is here of it when its first page comes is staged as
//! gone, and each record that the fill brings takes its place back.

use std::collections::BTreeMap;

use dongbo_proto::act::Projection;
use dongbo_proto::bytes::Writer;
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::frame::States;
use dongbo_proto::id::{KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use rusqlite::params;

use super::Replica;
use super::complete::records_in;
use super::error::{Result, Word};
use super::journal::int;
use super::place::{Coming, State};
use super::scope::{self, ScopeState};
use super::settle::{Settle, pending};
use super::turn::Turn;
use super::work::{Work, damaged};

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staged {
    /// It is durable here.
    Applied,
    /// It does not continue what is here (old, repeated, or of a scope that is not held).
    Skipped,
    /// Another carrier has brought states since this one greeted: it must greet again.
    Overtaken,
}

/// A page on its way into the replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    states: States,
    /// What each record of a filling counts, where that is known.
    counts: Vec<Digest>,
}

impl From<States> for Page {
    fn from(states: States) -> Self {
        Page { states, counts: Vec::new() }
    }
}

impl Page {
    /// A page with the [`counts`] of its records.
    #[must_use]
    pub fn with_counts(states: States, counts: Vec<Digest>) -> Self {
        Page { states, counts }
    }

    /// How many records it brings or takes away.
    #[must_use]
    pub fn records(&self) -> usize {
        self.states.records.len() + self.states.gone.len()
    }
}

/// What each record of a filling page counts in the digest of its home. Hashing takes half as long as
/// writing, so that who reads pages derives it beside the one who writes them; the replica derives
/// what it is not given.
#[must_use]
pub fn counts(page: &States) -> Vec<Digest> {
    let count = |(seen, record): &(Projection, Record)| match seen {
        Projection::Home => digest::of_record(record),
        _ => Digest::default(),
    };
    if page.filling { page.records.iter().map(count).collect() } else { Vec::new() }
}

impl Replica {
    /// Takes in pages of states that follow each other, in one transaction (a province of small
    /// scopes comes in many small pages); durable when this returns. `known`: they contain this
    /// node's acts up to this position, those that their carrier had acknowledged before them.
    ///
    /// # Errors
    /// What storage says; none of the pages is here then.
    pub fn stage(&mut self, pages: &[Page], known: u64, turn: &mut Turn) -> Result<Vec<Staged>> {
        let (staged, next) = self.write("stage", |work| {
            let Some(next) = turn.next(work.db)? else {
                return Ok((vec![Staged::Overtaken; pages.len()], *turn));
            };
            let mut filling = Filling::new(known);
            let staged: Result<_> =
                pages.iter().map(|page| stage_page(work, &mut filling, page)).collect();
            filling.put_back(work)?;
            Ok((staged?, next))
        })?;
        *turn = next;
        Ok(staged)
    }
}

/// The scopes that are filled in place, from the first such page of a transaction on.
struct Filling<'w, 'a> {
    /// The pages contain this node's acts up to this position.
    known: u64,
    settle: Option<Settle<'w, 'a>>,
    before: BTreeMap<ScopeId, ScopeState>,
}

impl<'w, 'a> Filling<'w, 'a> {
    fn new(known: u64) -> Self {
        Filling { known, settle: None, before: BTreeMap::new() }
    }

    fn scope(&self, work: &Work<'_>, id: ScopeId) -> Result<Option<ScopeState>> {
        match &self.settle {
            Some(settle) => Ok(settle.scopes.get(&id).cloned()),
            None => scope::one(work.db, id),
        }
    }

    fn begin(&mut self, work: &'w Work<'a>) -> Result<&mut Settle<'w, 'a>> {
        if self.settle.is_none() {
            let mut settle = Settle::new(work)?;
            settle.index(&pending(work)?)?;
            self.before = settle.scopes.clone();
            self.settle = Some(settle);
        }
        self.settle.as_mut().ok_or(damaged("a fill"))
    }

    fn set(&mut self, work: &Work<'_>, scope: ScopeState) -> Result<()> {
        match &mut self.settle {
            Some(settle) => drop(settle.scopes.insert(scope.grant.scope, scope)),
            None => scope::put(work.db, &scope)?,
        }
        Ok(())
    }

    /// Writes the scopes that changed, those included where a record was here already through them.
    fn put_back(self, work: &Work<'_>) -> Result<()> {
        let after = self.settle.into_iter().flat_map(|settle| settle.scopes);
        let mut changed = after.filter(|(id, scope)| self.before.get(id) != Some(scope));
        changed.try_for_each(|(_, scope)| scope::put(work.db, &scope))
    }
}

fn stage_page<'w, 'a>(
    work: &'w Work<'a>,
    filling: &mut Filling<'w, 'a>,
    Page { states: page, counts }: &Page,
) -> Result<Staged> {
    let Some(scope) = filling.scope(work, page.scope)? else { return Ok(Staged::Skipped) };
    if !continues(&scope, page) {
        return Ok(Staged::Skipped);
    }
    if !page.records.iter().all(|(seen, record)| is_placed(page.scope, *seen, record)) {
        return Err(Word::PageMisplaced.into());
    }
    if page.filling && scope.staged == 0 {
        begin_fill(work, filling, &scope)?;
    }
    let mut scope = if scope.fills_in_place() {
        let known = filling.known;
        let settle = filling.begin(work)?;
        fill(work, settle, known, page, counts)?;
        settle.scopes.get(&page.scope).cloned().unwrap_or(scope)
    } else {
        stage_rows(work, filling.known, page)?;
        scope
    };
    advance(&mut scope, page);
    filling.set(work, scope)?;
    Ok(Staged::Applied)
}

/// What the fill does not bring again is gone from the scope, with this node's acts on it that were
/// acknowledged by now: no later page speaks of them. Of a scope that is new here only such acts
/// can have made anything, so that no table has to be searched for it.
fn begin_fill<'w, 'a>(
    work: &'w Work<'a>,
    filling: &mut Filling<'w, 'a>,
    scope: &ScopeState,
) -> Result<()> {
    let (id, known) = (scope.grant.scope, filling.known);
    let here = match scope.fills_in_place() {
        true => filling.begin(work)?.records_touched_by(known),
        false => records_in(work, id)?,
    };
    here.into_iter().try_for_each(|of| put_staged(work, id, of, None, known, None))
}

/// Whether a page continues what is here. A scope that is being filled takes any page.
fn continues(scope: &ScopeState, page: &States) -> bool {
    scope.is_filling() || (!page.filling && page.from <= scope.staged && scope.staged < page.to)
}

/// Whether a record is seen whole exactly where it is at home: one that is not would be counted to
/// a scope that no filling of this one could clean.
fn is_placed(scope: ScopeId, seen: Projection, record: &Record) -> bool {
    (seen == Projection::Home) == (record.home == scope)
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

/// Writes records to their tables; the digests follow.
fn fill(
    work: &Work<'_>,
    settle: &mut Settle<'_, '_>,
    known: u64,
    page: &States,
    counts: &[Digest],
) -> Result<()> {
    for (at, (projection, record)) in page.records.iter().enumerate() {
        let counts = counts.get(at).copied();
        if page.filling && settle.fresh(page.scope, *projection, record, counts)? {
            continue;
        }
        let (scope, projection, record) = (page.scope, *projection, record.clone());
        let of = (record.id, record.kind);
        if projection != Projection::Home {
            // What another scope shows of it is its word to change: at `complete`.
            put_staged(work, scope, of, Some(projection), known, Some(&packed(&record)))?;
            continue;
        }
        let states = vec![State { scope, projection, record, known }];
        one(settle, of, Coming { states, ..Coming::default() })?;
        put_staged(work, scope, of, Some(projection), known, None)?;
    }
    page.gone.iter().try_for_each(|of| {
        one(settle, *of, Coming { gone: vec![(page.scope, known)], ..Coming::default() })?;
        put_staged(work, page.scope, *of, None, known, None)
    })
}

fn one(settle: &mut Settle<'_, '_>, record: (RecordId, KindId), coming: Coming) -> Result<()> {
    let mut coming = Some(coming);
    settle.records(&[record], |_| Ok(coming.take().unwrap_or_default()))
}

fn stage_rows(work: &Work<'_>, known: u64, page: &States) -> Result<()> {
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
