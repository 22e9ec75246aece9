//! One transaction's view of the replica: the connection with what every step of it needs.
//!
//! Nothing is kept across transactions but prepared statements: another process may have written
//! in between.

use std::cell::{OnceCell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use dongbo_proto::act::{Act, Op, RecordWrites};
use dongbo_proto::bytes::Reader;
use dongbo_proto::id::{ActId, KindId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{Meta, Record};
use rusqlite::{CachedStatement, Connection};

use super::cell::{self, Cell};
use super::error::{ReplicaError, Result};
use super::journal::{self, Block};
use super::line::Line;
use super::prior::{self, Before, Part, Touch};
use super::replay::{self, Undone};
use super::table::{Inserting, KindTable, Stored, Tables, blob, contest, rule};
use super::{find, scope};

/// Blocks of the journal kept in memory at once: some megabytes.
const BLOCKS_MAX: usize = 32;

/// One transaction.
pub(super) struct Work<'a> {
    /// The connection, in a transaction.
    pub db: &'a Connection,
    /// The tables of the kinds.
    pub tables: &'a Tables,
    /// Whose journal it is.
    pub line: &'a Line,
    held: OnceCell<Vec<ScopeId>>,
    prepared: RefCell<BTreeMap<(KindId, usize), Prepared<'a>>>,
    searching: RefCell<BTreeMap<KindId, find::Statements<'a>>>,
    inserting: RefCell<Option<Inserting<'a>>>,
    /// Blocks of the journal that were read, by their last position.
    blocks: RefCell<BTreeMap<u64, Rc<Block>>>,
}

/// Statements for one field of one kind.
struct Prepared<'a> {
    select: CachedStatement<'a>,
    update: CachedStatement<'a>,
}

impl<'a> Work<'a> {
    /// A transaction's view.
    pub fn new(db: &'a Connection, tables: &'a Tables, line: &'a Line) -> Self {
        Work {
            db,
            tables,
            line,
            held: OnceCell::new(),
            prepared: RefCell::default(),
            searching: RefCell::default(),
            inserting: RefCell::new(None),
            blocks: RefCell::default(),
        }
    }

    /// The scopes held, by id.
    pub fn held(&self) -> Result<&[ScopeId]> {
        if self.held.get().is_none() {
            let scopes = scope::held(self.db)?;
            return Ok(self.held.get_or_init(|| scopes));
        }
        Ok(self.held.get().map_or(&[], Vec::as_slice))
    }

    /// Whether this node speaks as the home of a record there.
    pub fn holds(&self, scope: ScopeId) -> Result<bool> {
        Ok(self.held()?.contains(&scope))
    }

    /// Loads a record of a kind.
    pub fn load(&self, kind: KindId, id: RecordId) -> Result<Option<Stored>> {
        self.tables.load(self.db, kind, id)
    }

    /// Does an act of this node's own to the view and returns what it replaced.
    pub fn perform(&self, act: &Act) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        if !replay::has_effect(act) {
            return Ok(parts);
        }
        for writes in act.writes() {
            parts.push(self.write(act, writes)?);
        }
        if act.ops.iter().any(|op| matches!(op, Op::Retract(_))) {
            self.retract(act, &mut parts)?;
        }
        Ok(parts)
    }

    fn write(&self, act: &Act, writes: &RecordWrites) -> Result<Part> {
        match (self.tables.get(writes.kind), writes.fields.as_slice()) {
            (Some(table), [_]) if writes.create.is_none() => self.write_one(act, writes, table),
            _ => self.write_row(act, writes),
        }
    }

    /// Writes through whole rows: creations, and edits of several fields.
    fn write_row(&self, act: &Act, writes: &RecordWrites) -> Result<Part> {
        if let Some(home) = writes.create {
            let origin = replay::origin(self.line.id(act), act, self.holds(home)?);
            let mut into = self.inserting(writes.kind)?;
            let created = match into.as_mut() {
                Some(into) => into.created(self.db, writes, home, origin)?,
                None => None,
            };
            if created == Some(true) {
                return Ok(Part { touch: Touch::Created, ..Part::absent(writes) });
            }
        }
        let old = self.load(writes.kind, writes.record)?;
        let (part, view) = self.written(act, writes, old.as_ref())?;
        self.tables.store(self.db, old.as_ref(), view.as_ref())?;
        Ok(part)
    }

    fn written(
        &self,
        act: &Act,
        writes: &RecordWrites,
        old: Option<&Stored>,
    ) -> Result<(Part, Option<Record>)> {
        let mut view = old.map(|stored| stored.record.clone());
        let home = replay::home(view.as_ref(), writes);
        let at_home = home.is_some_and(|h| self.held().is_ok_and(|held| held.contains(&h)));
        let part =
            replay::write(&mut view, writes, replay::origin(self.line.id(act), act, at_home));
        Ok((part, view))
    }

    /// The commonest act by far: one field of a record that is here. One `SELECT`, one `UPDATE`.
    fn write_one(&self, act: &Act, writes: &RecordWrites, table: &'a KindTable) -> Result<Part> {
        let write = &writes.fields[0];
        let (kind, id) = (writes.kind, writes.record);
        let mut part = Part::absent(writes);
        let Some(at) = table.kind.index_of(write.field) else { return self.write_row(act, writes) };
        let field = &table.kind.fields()[at];
        let mut prepared = self.prepared(table, at)?;
        let mut rows = prepared.select.query([id.0])?;
        let Some(row) = rows.next()? else { return Ok(part) };
        let (rowid, home): (i64, u32) = (row.get(0)?, row.get(1)?);
        let mut meta = Meta::unpack(blob(row, 2)?)?;
        let before = meta.state(write.field, cell::read(&field.ty, row.get_ref(3)?)?);
        drop(rows);

        let mut state = before.clone();
        let named = merge::named(&write.over, meta.created.act);
        let origin = replay::origin(self.line.id(act), act, self.holds(ScopeId(home))?);
        merge::apply(&mut state, origin, write.value.clone(), &named, |_| true);
        let was = meta.contested_fields().next().is_some();
        let rule = rule(kind, write.field);
        let shown = merge::shown(rule, &state.heads).map(|at| &state.heads[at].value);
        let fits = shown.is_none_or(|value| cell::fits(&field.ty, value));
        let value = meta.set(write.field, &state, rule, fits).unwrap_or_default();
        prepared.update.raw_bind_parameter(1, meta.pack())?;
        prepared.update.raw_bind_parameter(2, Cell(&value))?;
        prepared.update.raw_bind_parameter(3, rowid)?;
        prepared.update.raw_execute()?;
        contest(self.db, id, kind, was, meta.contested_fields().next().is_some())?;
        if let Some(index) = table.search.as_ref().filter(|index| index.has(write.field)) {
            let mut kept = self.searching.borrow_mut();
            let statements = match kept.entry(kind) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(index.prepare(self.db)?),
            };
            index.put_one(statements, rowid, write.field, shown.unwrap_or(&value))?;
        }
        part.touch = Touch::Edited;
        part.fields.push((write.field, Before::of(before, meta.created)));
        Ok(part)
    }

    /// The statements that read and write one field: kept for the whole transaction, for even
    /// finding them in the connection's cache is felt.
    fn prepared(&self, table: &'a KindTable, at: usize) -> Result<RefMut<'_, Prepared<'a>>> {
        let mut kept = self.prepared.borrow_mut();
        let key = (table.kind.id, at);
        if let Entry::Vacant(place) = kept.entry(key) {
            let (select, update) = &table.one[at];
            let (select, update) =
                (self.db.prepare_cached(select)?, self.db.prepare_cached(update)?);
            place.insert(Prepared { select, update });
        }
        RefMut::filter_map(kept, |kept| kept.get_mut(&key)).map_err(|_| damaged("a statement"))
    }

    /// Adds a record that is not there; `false` if it is.
    pub fn insert(&self, record: &Record) -> Result<bool> {
        match self.inserting(record.kind)?.as_mut() {
            Some(into) => self.tables.insert_with(self.db, into, record),
            None => self.tables.insert(self.db, record),
        }
    }

    /// The statements that add records of a kind: kept while records of one kind are added. None
    /// for a kind that this build does not know.
    fn inserting(&self, kind: KindId) -> Result<RefMut<'_, Option<Inserting<'a>>>> {
        let mut kept = self.inserting.borrow_mut();
        if kept.as_ref().is_none_or(|into| into.table.kind.id != kind) {
            *kept = None;
            if let Some(table) = self.tables.get(kind) {
                *kept = Some(table.inserting(self.db)?);
            }
        }
        Ok(kept)
    }

    /// Takes acts of this node's own back in the view.
    fn retract(&self, act: &Act, parts: &mut Vec<Part>) -> Result<()> {
        let own = self.own(&replay::retracted(act))?;
        let undone = borrowed(self.line, &own);
        for (record, kind) in touched(&own) {
            let old = self.load(kind, record)?;
            let mut view = old.as_ref().map(|stored| stored.record.clone());
            let find = |id| self.own_act(id);
            if let Some(part) = replay::retract(&mut view, record, &undone, &find)? {
                self.tables.store(self.db, old.as_ref(), view.as_ref())?;
                parts.push(part);
            }
        }
        Ok(())
    }

    /// Those of the acts that are in this journal, with what they replaced, in the order given.
    pub fn own(&self, acts: &[ActId]) -> Result<Vec<(Act, Vec<Part>)>> {
        acts.iter().filter_map(|id| self.own_act(*id).transpose()).collect()
    }

    /// An act of this journal with what it replaced.
    pub fn own_act(&self, id: ActId) -> Result<Option<(Act, Vec<Part>)>> {
        if !self.line.owns(id) {
            return Ok(None);
        }
        self.own_row(id.position)
    }

    /// The act at a position of this journal with what it replaced.
    pub fn own_row(&self, position: u64) -> Result<Option<(Act, Vec<Part>)>> {
        let Some(block) = self.block(position)? else { return Ok(None) };
        let Some((act, prior)) = block.row(position) else { return Ok(None) };
        let act = Act::read(&mut Reader::new(act))?;
        let parts = prior::unpack(&act, prior)?;
        Ok(Some((act, parts)))
    }

    /// The block of the journal that holds a position. Some are kept, for acts are asked for one by
    /// one and stand together.
    fn block(&self, position: u64) -> Result<Option<Rc<Block>>> {
        let mut kept = self.blocks.borrow_mut();
        let near = kept.range(position..).next().filter(|(_, block)| block.first <= position);
        if let Some((_, block)) = near {
            return Ok(Some(Rc::clone(block)));
        }
        let Some(block) = journal::block(self.db, position)?.map(Rc::new) else { return Ok(None) };
        if kept.len() >= BLOCKS_MAX {
            kept.clear();
        }
        kept.insert(block.last, Rc::clone(&block));
        Ok(Some(block))
    }

    /// Writes what acts replaced anew, given by position.
    pub fn set_priors(&self, mut anew: Vec<(u64, Vec<u8>)>) -> Result<()> {
        anew.sort_unstable_by_key(|(position, _)| *position);
        let mut rest = anew.as_slice();
        while let Some((first, _)) = rest.first() {
            let block = self.block(*first)?.ok_or(damaged("the journal"))?;
            let (here, behind) = rest.split_at(rest.partition_point(|(at, _)| *at <= block.last));
            journal::set_priors(self.db, &block, here)?;
            self.blocks.borrow_mut().remove(&block.last);
            rest = behind;
        }
        Ok(())
    }
}

/// Own acts as [`replay::retract`] takes them.
pub(super) fn borrowed<'o>(line: &Line, own: &'o [(Act, Vec<Part>)]) -> Vec<Undone<'o>> {
    own.iter().map(|(act, parts)| Undone { act, id: line.id(act), parts }).collect()
}

/// The records that some acts write to, each once.
pub(super) fn touched(own: &[(Act, Vec<Part>)]) -> Vec<(RecordId, KindId)> {
    let mut records: Vec<_> = own.iter().flat_map(|(act, _)| act.records()).collect();
    records.sort();
    records.dedup();
    records
}

/// A replica that could not be right is not written to.
pub(super) const fn damaged(what: &'static str) -> ReplicaError {
    ReplicaError::Damaged(what)
}
