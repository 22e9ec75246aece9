//! The desk: what one job of the writer has read and changed, until it is put back.
//!
//! Everything is read in one go for a batch, changed in memory act by act, and written in one go:
//! a row once, a scope once, however many acts touched them.

use std::collections::{BTreeMap, HashMap, HashSet};

use dongbo_proto::act::Op;
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::chain;
use dongbo_proto::id::{ActId, AuthorId, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::merge::Written;
use dongbo_proto::record::Meta;
use dongbo_proto::stamp::UnixMs;

use super::error::{Error, Result};
use super::outcome::At;
use super::touched::{self, Touch};
use super::work::Work;
use crate::store::WriteTx;
use crate::store::rows::{AuthorRow, FeedRow, Fields, HeldState, Placement, ScopeRow, Wanted};

/// A scope on the desk.
pub(super) struct ScopeWork {
    pub row: ScopeRow,
    from: u64,
    touches: Vec<Touch>,
    /// Whether the frame's writes alone do not say what was touched.
    explicit: bool,
}

/// The working set of one job.
pub(super) struct Desk<'t, 'a> {
    pub tx: &'t mut dyn WriteTx,
    pub now_ms: UnixMs,
    pub works: Vec<Work<'a>>,
    index: HashMap<(RecordId, KindId), Option<usize>>,
    pub scopes: BTreeMap<ScopeId, ScopeWork>,
    authors: HashMap<AuthorId, AuthorRow>,
    /// Acts of this job that were held, by author and position.
    pub held_here: HashSet<ActId>,
    /// Writes of this job, where one of its acts retracts.
    pub log: Option<Vec<(RecordId, KindId, FieldId, Written)>>,
    /// Records whose writes the act in hand has made.
    pub touched_now: Vec<(ScopeId, RecordId, KindId)>,
    pub special_now: bool,
    buffer: Vec<u8>,
}

impl<'t, 'a> Desk<'t, 'a> {
    pub fn new(tx: &'t mut dyn WriteTx, now_ms: UnixMs) -> Self {
        Desk {
            tx,
            now_ms,
            works: Vec::new(),
            index: HashMap::new(),
            scopes: BTreeMap::new(),
            authors: HashMap::new(),
            held_here: HashSet::new(),
            log: None,
            touched_now: Vec::new(),
            special_now: false,
            buffer: Vec::with_capacity(256),
        }
    }

    /// Reads what some operations will look at, and locks their scopes in order of id.
    pub fn lay_out<'o>(&mut self, ops: impl Iterator<Item = &'o Op>) -> Result<()> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut at: HashMap<(RecordId, KindId), usize> = HashMap::new();
        let mut scopes: Vec<ScopeId> = Vec::new();
        for op in ops {
            let Op::Write(w) = op else { continue };
            let Some(kind) = catalogue().kind(w.kind) else { continue };
            scopes.extend(w.create);
            if self.index.contains_key(&(w.record, w.kind)) {
                continue;
            }
            let place = *at.entry((w.record, w.kind)).or_insert_with(|| {
                wanted.push(Wanted { record: w.record, kind: w.kind, fields: Fields::new() });
                wanted.len() - 1
            });
            // Of a record that this batch creates, nothing is to be read but that it is not there.
            if w.create.is_none() {
                want_fields(kind, &mut wanted[place].fields, w.fields.iter().map(|f| f.field));
            }
        }
        self.read(wanted, &mut scopes)?;
        self.lock(scopes)
    }

    fn read(&mut self, wanted: Vec<Wanted>, scopes: &mut Vec<ScopeId>) -> Result<()> {
        let rows = self.tx.rows(&wanted)?;
        self.works.reserve(rows.len());
        self.index.reserve(rows.len());
        for (want, row) in wanted.into_iter().zip(rows) {
            let kind = catalogue().kind(want.kind).ok_or(Error::Damaged("a kind"))?;
            let mut place = None;
            if let Some(row) = row {
                let meta = Meta::unpack(&row.meta)?;
                let guests =
                    if meta.guests { self.tx.guests(want.record, want.kind)? } else { Vec::new() };
                scopes.push(row.home);
                scopes.extend(guests.iter().map(|g| g.scope));
                place = Some(self.works.len());
                self.works.push(Work::found(want.record, kind, row, meta, guests));
            }
            self.index.insert((want.record, want.kind), place);
        }
        Ok(())
    }

    fn lock(&mut self, mut ids: Vec<ScopeId>) -> Result<()> {
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.scopes.contains_key(id));
        for row in self.tx.scopes_for_update(&ids)? {
            let work = ScopeWork { from: row.revision, row, touches: Vec::new(), explicit: false };
            self.scopes.insert(work.row.id, work);
        }
        Ok(())
    }

    /// Whether a scope exists; it is locked if it does.
    pub fn has_scope(&mut self, id: ScopeId) -> Result<bool> {
        if !self.scopes.contains_key(&id) {
            self.lock(vec![id])?;
        }
        Ok(self.scopes.contains_key(&id))
    }

    fn scope(&mut self, id: ScopeId) -> Result<&mut ScopeWork> {
        self.has_scope(id)?;
        self.scopes.get_mut(&id).ok_or(Error::Damaged("a scope"))
    }

    /// Where a record is on the desk; `None` where there is no such record.
    pub fn find(&mut self, record: RecordId, kind: KindId) -> Result<Option<usize>> {
        if let Some(place) = self.index.get(&(record, kind)) {
            return Ok(*place);
        }
        let mut scopes = Vec::new();
        self.read(vec![Wanted { record, kind, fields: Fields::new() }], &mut scopes)?;
        self.lock(scopes)?;
        Ok(self.index.get(&(record, kind)).copied().flatten())
    }

    /// Puts a new record on the desk.
    pub fn create(&mut self, work: Work<'a>) -> usize {
        let place = self.works.len();
        self.index.insert((work.id, work.kind.id), Some(place));
        self.works.push(work);
        place
    }

    /// Makes sure that fields of a record have been read.
    pub fn need(&mut self, at: usize, fields: impl Iterator<Item = FieldId>) -> Result<()> {
        self.works[at].thaw();
        let work = &self.works[at];
        let mut missing = Fields::new();
        want_fields(work.kind, &mut missing, fields.filter(|f| !work.has(*f)));
        if missing.is_empty() {
            return Ok(());
        }
        let wanted = Wanted { record: work.id, kind: work.kind.id, fields: missing };
        let row = self.tx.rows(&[wanted])?.pop().flatten().ok_or(Error::Damaged("a row"))?;
        self.works[at].add_slots(row.columns);
        Ok(())
    }

    /// Makes sure that all of a record has been read.
    pub fn need_whole(&mut self, at: usize) -> Result<()> {
        self.works[at].thaw();
        if !self.works[at].whole {
            let kind: &'static Kind = self.works[at].kind;
            self.need(at, kind.stored().map(|f| f.id))?;
            self.works[at].whole = true;
        }
        Ok(())
    }

    /// An author's row, to change it.
    pub fn author(&mut self, id: AuthorId) -> Result<&mut AuthorRow> {
        if !self.authors.contains_key(&id) {
            let row = self.tx.author(id)?.ok_or(Error::Unknown("author"))?;
            self.authors.insert(id, row);
        }
        self.authors.get_mut(&id).ok_or(Error::Unknown("author"))
    }

    /// Whether the journal has merged an act: it holds it, and it does not wait and was not refused.
    pub fn arrived(&mut self, act: ActId) -> Result<bool> {
        if self.held_here.contains(&act) {
            return Ok(false);
        }
        let author = match self.author(act.author) {
            Ok(author) => author,
            Err(Error::Unknown(_)) => return Ok(false),
            Err(other) => return Err(other),
        };
        if act.position > author.position {
            return Ok(false);
        }
        if author.held + author.refused == 0 {
            return Ok(true);
        }
        Ok(self.tx.held(act)?.is_none_or(|h| h.state == HeldState::Merged))
    }

    /// Says that the act in hand touched a record, as a scope sees it.
    pub fn touch(&mut self, scope: ScopeId, record: RecordId, kind: KindId) {
        let touch = (scope, record, kind);
        if self.touched_now.last() != Some(&touch) {
            self.touched_now.push(touch);
        }
    }

    /// Ends the act in hand: each scope that it touched goes one revision on.
    pub fn advance(&mut self, hash: Hash) -> Result<At> {
        let mut touches = std::mem::take(&mut self.touched_now);
        let special = std::mem::take(&mut self.special_now);
        if touches.len() > 1 {
            touches.sort_unstable_by_key(|t| (t.0, t.1, t.2));
            touches.dedup();
        }
        let several = touches.first().map(|t| t.0) != touches.last().map(|t| t.0);
        let mut at = At::new();
        for (id, record, kind) in touches.drain(..) {
            let scope = self.scope(id)?;
            if at.last().is_none_or(|last| last.0 != id) {
                scope.row.revision += 1;
                scope.row.chain = chain::extend(scope.row.chain, hash);
                scope.explicit |= special || several;
                at.push((id, scope.row.revision));
            }
            scope.touches.push(Touch { revision: scope.row.revision, record, kind });
        }
        self.touched_now = touches;
        Ok(at)
    }

    /// Writes everything but the frame: rows, placements, scopes, authors.
    pub fn put_back(&mut self) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        for at in 0..self.works.len() {
            let mut changes = Vec::new();
            if self.works[at].dirty {
                self.works[at].digest_changes(&mut buffer, &mut |scope, old, new| {
                    changes.push((scope, old, new))
                });
            }
            for (scope, old, new) in changes {
                let digest = &mut self.scope(scope)?.row.digest;
                digest.sub(old);
                digest.add(new);
            }
        }
        self.buffer = buffer;
        self.put_rows()?;
        let scopes: Vec<ScopeRow> = self.scopes.values().map(|s| s.row.clone()).collect();
        self.tx.put_scopes(&scopes)?;
        let authors = std::mem::take(&mut self.authors);
        authors.values().try_for_each(|a| self.tx.put_author(a))?;
        Ok(())
    }

    fn put_rows(&mut self) -> Result<()> {
        let mut rows = Vec::with_capacity(self.works.len());
        let mut placements = Vec::new();
        for work in self.works.iter_mut().filter(|w| w.dirty) {
            let (record, kind) = (work.id, work.kind.id);
            if work.key.is_none() {
                let projection = dongbo_proto::act::Projection::Home;
                placements.push(Placement { scope: work.home, record, kind, projection });
            }
            rows.push(work.put_row());
        }
        self.tx.put_rows(&rows)?;
        self.tx.put_placements(&placements)?;
        Ok(())
    }

    /// The lines that one frame gives to feeds.
    pub fn feed(&self, frame: i64) -> Vec<FeedRow> {
        let changed = self.scopes.values().filter(|s| s.row.revision > s.from);
        let line = |s: &ScopeWork| FeedRow {
            scope: s.row.id,
            from: s.from,
            to: s.row.revision,
            frame,
            chain: s.row.chain,
            touched: s.explicit.then(|| touched::pack(s.from, &s.touches)),
        };
        changed.map(line).collect()
    }

    /// The scopes that went on.
    pub fn news(&self) -> Vec<ScopeId> {
        self.scopes.values().filter(|s| s.row.revision > s.from).map(|s| s.row.id).collect()
    }
}

/// Adds the fields that have a column, ascending, without doubles.
fn want_fields(kind: &Kind, wanted: &mut Fields, fields: impl Iterator<Item = FieldId>) {
    for field in fields {
        if super::work::in_column(kind, field)
            && let Err(at) = wanted.binary_search(&field)
        {
            wanted.insert(at, field);
        }
    }
}
