//! One record on the desk: what merge has read of it, before and now.
//!
//! A field's state is read once and written once, however many acts of a batch write it.

use std::borrow::Cow;

use dongbo_proto::act::{FieldWrite, Over, Projection, RecordWrites};
use dongbo_proto::catalogue::{Kind, Rule, catalogue};
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::id::{FieldId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Meta, Origin, Record, sees};
use dongbo_proto::value::Value;

use crate::store::rows::{Placement, PutRow, Row, RowKey};

/// A field before and now.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub field: FieldId,
    pub before: FieldState,
    pub now: FieldState,
}

/// A record on the desk.
#[derive(Clone, Debug)]
pub(super) struct Work<'a> {
    pub id: RecordId,
    pub kind: &'static Kind,
    /// `None` where a batch creates it.
    pub key: Option<RowKey>,
    pub home: ScopeId,
    pub home_before: ScopeId,
    pub meta: Meta,
    /// By field; all of them if `whole`.
    pub slots: Vec<Slot>,
    pub whole: bool,
    /// Who sees it as a guest, now and before.
    pub guests: Vec<Placement>,
    pub guests_before: Vec<Placement>,
    /// Whether its placements changed, so that digests are taken over all of it.
    pub placed: bool,
    pub dirty: bool,
    /// A record that one write created and nothing has touched since; its slots are not made.
    fresh: Option<Fresh<'a>>,
}

/// A creation whose fields are all sole heads in columns: by far the commonest, and needs no states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh<'a> {
    writes: &'a RecordWrites,
    /// The sum over its fields, where it was taken beforehand.
    sum: Option<Digest>,
}

impl<'a> Fresh<'a> {
    /// Whether a write is such a creation.
    pub fn of(writes: &'a RecordWrites, sum: Option<Digest>) -> Option<Self> {
        let kind = catalogue().kind(writes.kind)?;
        let names_nothing = |over: &Over| matches!(over, Over::Nothing | Over::Creation);
        let plain = |f: &FieldWrite| {
            !f.value.is_null() && names_nothing(&f.over) && in_column(kind, f.field)
        };
        let rising = writes.fields.is_sorted_by(|a, b| a.field < b.field);
        let fits = writes.create.is_some() && rising && writes.fields.iter().all(plain);
        fits.then_some(Fresh { writes, sum })
    }

    /// The sum over its fields, if merge gives it this origin.
    pub fn sum(&self, origin: Origin, buffer: &mut Vec<u8>) -> Digest {
        self.sum.unwrap_or_else(|| {
            let (record, kind) = (self.writes.record, self.writes.kind);
            let mut sum = Digest::default();
            for f in &self.writes.fields {
                sum.add(digest::of_sole((record, kind, f.field), origin, &f.value, buffer));
            }
            sum
        })
    }
}

/// Whether a field has a column.
pub(super) fn in_column(kind: &Kind, field: FieldId) -> bool {
    kind.field(field).is_some_and(|f| f.is_stored())
}

fn rule(kind: &Kind, field: FieldId) -> Rule {
    kind.field(field).map_or(Rule::Authority, |f| f.rule)
}

impl<'a> Work<'a> {
    /// A record that an act creates.
    pub fn created(
        id: RecordId,
        kind: &'static Kind,
        home: ScopeId,
        meta: Meta,
        fields: usize,
    ) -> Self {
        Work {
            id,
            kind,
            key: None,
            home,
            home_before: home,
            meta,
            slots: Vec::with_capacity(fields),
            whole: true,
            guests: Vec::new(),
            guests_before: Vec::new(),
            placed: false,
            dirty: true,
            fresh: None,
        }
    }

    /// A record that one write creates, as long as nothing else touches it.
    pub fn fresh(kind: &'static Kind, home: ScopeId, meta: Meta, fresh: Fresh<'a>) -> Self {
        let created = Work::created(fresh.writes.record, kind, home, meta, 0);
        Work { fresh: Some(fresh), ..created }
    }

    /// Makes the slots of a fresh record: something else is about to touch it.
    pub fn thaw(&mut self) {
        let Some(fresh) = self.fresh.take() else { return };
        let created = self.meta.created;
        let slot = |f: &FieldWrite| Slot {
            field: f.field,
            before: FieldState::default(),
            now: FieldState::sole(Head::new(created, f.value.clone())),
        };
        self.slots = fresh.writes.fields.iter().map(slot).collect();
    }

    /// A record as a row says, with the fields that were asked for.
    pub fn found(
        id: RecordId,
        kind: &'static Kind,
        row: Row,
        meta: Meta,
        guests: Vec<Placement>,
    ) -> Self {
        let mut work = Work::created(id, kind, row.home, meta, row.columns.len());
        work.key = Some(row.key);
        work.whole = false;
        work.dirty = false;
        work.guests_before = guests.clone();
        work.guests = guests;
        work.add_slots(row.columns);
        work
    }

    /// Takes in columns that were not read before.
    pub fn add_slots(&mut self, columns: impl IntoIterator<Item = (FieldId, Value)>) {
        for (field, value) in columns {
            if let Err(at) = self.slots.binary_search_by_key(&field, |s| s.field) {
                let state = self.meta.state(field, Some(value));
                self.slots.insert(at, Slot { field, before: state.clone(), now: state });
            }
        }
    }

    /// Whether a field has been read.
    pub fn has(&self, field: FieldId) -> bool {
        self.whole || self.slots.binary_search_by_key(&field, |s| s.field).is_ok()
    }

    /// A field's state, to change it; it must have been read.
    pub fn slot_mut(&mut self, field: FieldId) -> &mut FieldState {
        // New records are written field by field in order: the end is the likely place.
        let at = match self.slots.last() {
            Some(last) if last.field >= field => {
                self.slots.binary_search_by_key(&field, |s| s.field)
            }
            _ => Err(self.slots.len()),
        };
        let at = at.unwrap_or_else(|at| {
            let blank = FieldState::default();
            self.slots.insert(at, Slot { field, before: blank.clone(), now: blank });
            at
        });
        &mut self.slots[at].now
    }

    /// A field's state; blank where nothing was read.
    pub fn slot(&self, field: FieldId) -> Option<&FieldState> {
        self.slots.binary_search_by_key(&field, |s| s.field).ok().map(|at| &self.slots[at].now)
    }

    /// The placements with home, before or now.
    pub fn placements(
        home: ScopeId,
        guests: &[Placement],
    ) -> impl Iterator<Item = (ScopeId, Projection)> + '_ {
        std::iter::once((home, Projection::Home))
            .chain(guests.iter().map(|g| (g.scope, g.projection)))
    }

    /// The whole record; `before` as it was read.
    fn record(&self, before: bool) -> Record {
        let home = if before { self.home_before } else { self.home };
        let mut record = Record::new(self.id, self.kind.id, self.meta.created, home);
        record.placed = self.meta.placed;
        let states = self.slots.iter().map(|s| (s.field, if before { &s.before } else { &s.now }));
        record.fields =
            states.filter(|(_, s)| !s.is_blank()).map(|(f, s)| (f, s.clone())).collect();
        record
    }

    /// What the record's changes do to digests: (scope, taken away, added).
    pub fn digest_changes(
        &self,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(ScopeId, Digest, Digest),
    ) {
        match (self.key, self.placed) {
            (None, false) => each(self.home, Digest::default(), self.sum_created(buffer)),
            (None, true) => self.whole_now(each),
            (Some(_), true) => self.whole_changes(each),
            (Some(_), false) => self.field_changes(buffer, each),
        }
    }

    fn sum_created(&self, buffer: &mut Vec<u8>) -> Digest {
        let bare = Record::new(self.id, self.kind.id, self.meta.created, self.home);
        let mut sum = digest::of_existence(&bare);
        if let Some(fresh) = &self.fresh {
            sum.add(fresh.sum(self.meta.created, buffer));
        }
        for slot in &self.slots {
            sum.add(digest::of_field(self.id, self.kind.id, slot.field, &slot.now, buffer));
        }
        sum
    }

    fn whole_now(&self, each: &mut dyn FnMut(ScopeId, Digest, Digest)) {
        let now = self.record(false);
        for (scope, projection) in Work::placements(self.home, &self.guests) {
            each(scope, Digest::default(), digest::of_projected(&now, projection));
        }
    }

    fn whole_changes(&self, each: &mut dyn FnMut(ScopeId, Digest, Digest)) {
        let before = self.record(true);
        for (scope, projection) in Work::placements(self.home_before, &self.guests_before) {
            each(scope, digest::of_projected(&before, projection), Digest::default());
        }
        self.whole_now(each);
    }

    fn field_changes(&self, buffer: &mut Vec<u8>, each: &mut dyn FnMut(ScopeId, Digest, Digest)) {
        for slot in self.slots.iter().filter(|s| s.before.heads != s.now.heads) {
            let mut of = |state| digest::of_field(self.id, self.kind.id, slot.field, state, buffer);
            let (old, new) = (of(&slot.before), of(&slot.now));
            each(self.home, old, new);
            for guest in &self.guests {
                if sees(Some(self.kind), slot.field, guest.projection) {
                    each(guest.scope, old, new);
                }
            }
        }
    }

    /// The row to write.
    pub fn put_row(&mut self) -> PutRow<'a> {
        let mut columns = Vec::with_capacity(self.slots.len());
        if let Some(fresh) = self.fresh {
            let column = |f: &'a FieldWrite| (f.field, Cow::Borrowed(&f.value));
            columns.extend(fresh.writes.fields.iter().map(column));
        }
        self.meta.guests = !self.guests.is_empty();
        for slot in self.slots.iter().filter(|s| s.before != s.now) {
            let stored = in_column(self.kind, slot.field);
            let value = self.meta.set(slot.field, &slot.now, rule(self.kind, slot.field), stored);
            columns.extend(value.map(|v| (slot.field, Cow::Owned(v))));
        }
        PutRow {
            record: self.id,
            kind: self.kind.id,
            key: self.key,
            home: self.home,
            moved: self.home != self.home_before,
            meta: self.meta.pack(),
            columns,
        }
    }
}
