//! What a row keeps beside its ordinary columns: who made it, who placed it, and the heads of the
//! fields that are no longer as the creation left them.
//!
//! Deliberately absent: how it is laid out in bytes (`blob`).

use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::{FieldState, Head, Named, Origin, Rank, Record};
use crate::id::{ActId, FieldId, KindId, RecordId, ScopeId};
use crate::merge;
use crate::stamp::Stamp;
use crate::value::Value;

/// A head in the blob; the value is absent where a column holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PackedHead {
    pub origin: Origin,
    pub value: Option<Value>,
}

/// A field that differs from the record's origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Diverged {
    pub field: FieldId,
    pub heads: SmallVec<[PackedHead; 1]>,
    pub ahead: ThinVec<ActId>,
    pub undone: ThinVec<(ActId, Named)>,
}

/// What a row keeps beside its ordinary columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// The act that created the record, which is also the head of every field that has no entry.
    pub created: Origin,
    /// The act that placed it, where that is not its creation.
    pub placed: Option<ActId>,
    /// Whether other scopes see it as a guest (the server's note; no part of any digest).
    pub guests: bool,
    pub(super) diverged: Vec<Diverged>,
}

impl Meta {
    /// A new record's blob.
    pub fn new(created: Origin) -> Self {
        Meta { created, placed: None, guests: false, diverged: Vec::new() }
    }

    /// Splits a record into its blob and the values for its columns. `in_column` says which
    /// fields have one.
    pub fn of(
        record: &Record,
        in_column: impl Fn(FieldId) -> bool,
    ) -> (Meta, Vec<(FieldId, Value)>) {
        let mut meta = Meta { placed: record.placed, ..Meta::new(record.created) };
        let mut columns = Vec::with_capacity(record.fields.len());
        for (field, state) in &record.fields {
            let rule = merge::rule_of(record.kind, *field);
            if let Some(value) = meta.set(*field, state, rule, in_column(*field)) {
                columns.push((*field, value));
            }
        }
        (meta, columns)
    }

    /// What merge knows of a field, given what its column holds.
    pub fn state(&self, field: FieldId, column: Option<Value>) -> FieldState {
        match self.find(field) {
            Ok(at) => self.diverged[at].state(column),
            Err(_) => match column {
                Some(value) if !value.is_null() => FieldState::sole(Head::new(self.created, value)),
                _ => FieldState::default(),
            },
        }
    }

    /// Whether a field has an entry of its own.
    pub fn has_diverged(&self, field: FieldId) -> bool {
        self.find(field).is_ok()
    }

    /// The fields that have an entry of their own.
    pub fn diverged_fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.diverged.iter().map(|d| d.field)
    }

    /// The fields with more than one head: what a list of conflicts looks at first.
    pub fn contested_fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.diverged.iter().filter(|d| d.heads.len() > 1).map(|d| d.field)
    }

    /// Takes in a field's new state and returns the value for its column, if it has one.
    pub fn set(
        &mut self,
        field: FieldId,
        state: &FieldState,
        rule: crate::catalogue::Rule,
        in_column: bool,
    ) -> Option<Value> {
        let shown = merge::shown(rule, &state.heads);
        let column = shown.filter(|_| in_column).map(|at| state.heads[at].value.clone());
        let plain = in_column && self.is_plain(state);
        match (self.find(field), plain || state.is_blank()) {
            (Ok(at), true) => drop(self.diverged.remove(at)),
            (Err(_), true) => {}
            (Ok(at), false) => self.diverged[at] = Diverged::of(field, state, shown, in_column),
            (Err(at), false) => {
                self.diverged.insert(at, Diverged::of(field, state, shown, in_column));
            }
        }
        column.filter(|_| in_column).or(in_column.then_some(Value::Null))
    }

    /// Whether a state is what the creating act left: needs no entry.
    fn is_plain(&self, state: &FieldState) -> bool {
        let [head] = state.heads.as_slice() else { return false };
        head.origin() == self.created
            && !head.value.is_null()
            && state.ahead.is_empty()
            && state.undone.is_empty()
    }

    fn find(&self, field: FieldId) -> Result<usize, usize> {
        self.diverged.binary_search_by_key(&field, |d| d.field)
    }

    /// Puts a record together from its blob and its columns (those that are NULL left out).
    pub fn into_record(
        self,
        id: RecordId,
        kind: KindId,
        home: ScopeId,
        columns: impl IntoIterator<Item = (FieldId, Value)>,
    ) -> Record {
        let columns = columns.into_iter();
        let mut joining = self.join(id, kind, home, columns.size_hint().0);
        columns.for_each(|(field, value)| joining.column(field, value));
        joining.finish()
    }

    /// Begins to put a record together; `columns` is how many values are expected.
    pub fn join(self, id: RecordId, kind: KindId, home: ScopeId, columns: usize) -> Joining {
        let mut record = Record::new(id, kind, self.created, home);
        record.placed = self.placed;
        record.fields.reserve_exact(columns);
        Joining { meta: self, record }
    }

    /// Applies new facts to the heads of one act: what an acknowledgement says of it. Where a
    /// field is in conflict another head may now be shown, so the caller takes the states of
    /// [`Meta::contested_fields`] before and [`Meta::set`]s them again after.
    pub fn restamp(&mut self, act: ActId, stamp: Stamp, rank: Rank) {
        if self.created.act == act {
            self.created = Origin { act, stamp, rank };
        }
        for head in self.diverged.iter_mut().flat_map(|d| &mut d.heads) {
            if head.origin.act == act {
                head.origin = Origin { act, stamp, rank };
            }
        }
    }
}

/// A record on its way from its blob and its columns.
#[derive(Debug)]
pub struct Joining {
    meta: Meta,
    record: Record,
}

impl Joining {
    /// Takes the value of a column; NULL is no value.
    pub fn column(&mut self, field: FieldId, value: Value) {
        let state = self.meta.state(field, Some(value));
        if !state.is_blank() {
            self.record.fields.push((field, state));
        }
    }

    /// The record. Columns may have come in any order, and fields without one stand in the blob.
    pub fn finish(mut self) -> Record {
        if !self.record.fields.is_sorted_by_key(|f| f.0) {
            self.record.fields.sort_by_key(|f| f.0);
        }
        for entry in &self.meta.diverged {
            if self.record.fields.binary_search_by_key(&entry.field, |f| f.0).is_err() {
                *self.record.field_mut(entry.field) = entry.state(None);
            }
        }
        self.record
    }
}

impl Diverged {
    fn of(field: FieldId, state: &FieldState, shown: Option<usize>, in_column: bool) -> Self {
        let packed = |(at, head): (usize, &Head)| PackedHead {
            origin: head.origin(),
            value: (!(in_column && Some(at) == shown)).then(|| head.value.clone()),
        };
        Diverged {
            field,
            heads: state.heads.iter().enumerate().map(packed).collect(),
            ahead: state.ahead.clone(),
            undone: state.undone.clone(),
        }
    }

    fn state(&self, column: Option<Value>) -> FieldState {
        let mut column = column;
        let head = |h: &PackedHead| {
            let value = h.value.clone().or_else(|| column.take()).unwrap_or_default();
            Head::new(h.origin, value)
        };
        FieldState {
            heads: self.heads.iter().map(head).collect(),
            ahead: self.ahead.clone(),
            undone: self.undone.clone(),
        }
    }
}
