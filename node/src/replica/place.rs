//! Which scopes a record is here for, and how what comes for each of them makes one row. Pure.
//!
//! The home is the record's own; other placements are guests with a projection. A state that came
//! for a guest placement says nothing of fields outside its projection, which another placement
//! may still show.

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::id::{FieldId, KindId, ScopeId};
use dongbo_proto::record::{FieldState, Record, sees};

/// A scope with how much it sees.
pub(super) type Place = (ScopeId, Projection);

/// A state that came for a record.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// For which scope.
    pub scope: ScopeId,
    /// How much it shows.
    pub projection: Projection,
    /// The record.
    pub record: Record,
    /// It contains this node's acts up to this position: those acknowledged when it came.
    pub known: u64,
}

/// What came for one record.
#[derive(Clone, Debug, Default)]
pub(super) struct Coming {
    /// The scopes that it left, with this node's acts up to this position: what they wrote left too.
    pub gone: Vec<(ScopeId, u64)>,
    /// Its states, by scope.
    pub states: Vec<State>,
    /// It was filled in place, with this node's acts up to this position in it.
    pub filled: Option<u64>,
}

impl Coming {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.states.is_empty() && self.filled.is_none()
    }

    /// If it left a scope: with which of this node's acts.
    pub fn left(&self, scope: ScopeId) -> Option<u64> {
        self.gone.iter().find(|(left, _)| *left == scope).map(|(_, known)| *known)
    }

    /// Whether a scope says that it is not, or no longer, the record's home.
    pub fn denies_home(&self, scope: ScopeId) -> bool {
        let guest = |state: &State| state.scope == scope && state.projection != Projection::Home;
        self.left(scope).is_some() || self.states.iter().any(guest)
    }
}

/// A record after what came for it.
#[derive(Debug)]
pub(super) struct Combined {
    /// The record, if any scope still shows it.
    pub base: Option<Record>,
    /// Its guest placements.
    pub guests: Vec<Place>,
    /// What the server's word replaced here: how much of it, and up to which own act.
    pub said: Option<(Projection, u64)>,
}

/// The placements of a record that is here: its home, if that is held, and the guests.
pub(super) fn places(
    base: Option<&Record>,
    guests: &[Place],
    held: impl Fn(ScopeId) -> bool,
) -> Vec<Place> {
    let Some(record) = base else { return Vec::new() };
    let home = held(record.home).then_some((record.home, Projection::Home));
    let others = guests.iter().copied().filter(|(scope, _)| *scope != record.home && held(*scope));
    home.into_iter().chain(others).collect()
}

/// The record and its guest placements after what came.
pub(super) fn combine(
    base: Option<Record>,
    guests: Vec<Place>,
    coming: Coming,
    held: impl Fn(ScopeId) -> bool,
) -> Combined {
    let mut guests = guests;
    guests.retain(|(scope, _)| held(*scope) && coming.left(*scope).is_none());
    for state in &coming.states {
        guests.retain(|(known, _)| *known != state.scope);
        if state.projection != Projection::Home {
            guests.push((state.scope, state.projection));
        }
    }
    guests.sort();
    let at_home = |base: &Option<Record>| {
        base.as_ref().is_some_and(|b| held(b.home) && !coming.denies_home(b.home))
    };
    let (mut base, mut said) = (base, None);
    for state in richest_last(&coming.states) {
        // At home everything is seen: what a guest placement shows of it says nothing more.
        if state.projection == Projection::Home || !at_home(&base) {
            said = Some((state.projection, state.known));
            base = Some(overlay(base, state.projection, state.record.clone()));
        }
    }
    if !at_home(&base) {
        let left = base.as_ref().and_then(|b| coming.left(b.home));
        base = base.filter(|_| !guests.is_empty()).map(|b| only_seen(b, &guests));
        if let (None, Some(known)) = (&base, left) {
            said = Some((Projection::Home, known));
        }
    }
    Combined { base, guests, said }
}

/// States of one record, the one that shows most last.
fn richest_last(states: &[State]) -> Vec<&State> {
    let mut states: Vec<&State> = states.iter().collect();
    states.sort_by_key(|state| (std::cmp::Reverse(state.projection), state.scope));
    states
}

/// A state over what was known: fields outside its projection stay.
fn overlay(base: Option<Record>, projection: Projection, state: Record) -> Record {
    if projection == Projection::Home {
        return state;
    }
    let Some(base) = base else { return state };
    let kind = catalogue().kind(state.kind);
    let mut merged = state;
    for (field, known) in base.fields {
        let outside = is_known(merged.kind, field) && !sees(kind, field, projection);
        if outside && merged.field(field).is_none() {
            *merged.field_mut(field) = known;
        }
    }
    merged
}

/// Leaves out the fields that no placement shows.
fn only_seen(mut record: Record, guests: &[Place]) -> Record {
    let kind = catalogue().kind(record.kind);
    let of = record.kind;
    let shown = |field: FieldId| {
        !is_known(of, field) || guests.iter().any(|(_, projection)| sees(kind, field, *projection))
    };
    record.fields.retain(|(field, _)| shown(*field));
    record
}

/// Fields that a newer catalogue brought are the server's to project.
fn is_known(kind: KindId, field: FieldId) -> bool {
    catalogue().kind(kind).is_some_and(|k| k.field(field).is_some())
}

/// What a record counts in the digest of one of its scopes. Where that is its only one, what is
/// here is what the scope sees, fields of a newer catalogue included.
pub(super) fn counted(record: &Record, projection: Projection, places: &[Place]) -> Digest {
    if places.len() == 1 {
        digest::of_record(record)
    } else {
        digest::of_projected(record, projection)
    }
}

/// What a change at home takes from the digest and adds to it: only fields that differ are hashed.
pub(super) fn home_change(old: &Record, new: &Record) -> (Digest, Digest) {
    let existence = |r: &Record| (r.id, r.kind, r.created, r.home);
    if existence(old) != existence(new) {
        return (digest::of_record(old), digest::of_record(new));
    }
    let (mut minus, mut plus) = (Digest::default(), Digest::default());
    let mut buffer = Vec::with_capacity(128);
    let mut hash = |r: &Record, (field, state): &(FieldId, FieldState)| {
        digest::of_field(r.id, r.kind, *field, state, &mut buffer)
    };
    for entry in &old.fields {
        if new.field(entry.0).is_none_or(|state| state.heads != entry.1.heads) {
            minus.add(hash(old, entry));
        }
    }
    for entry in &new.fields {
        if old.field(entry.0).is_none_or(|state| state.heads != entry.1.heads) {
            plus.add(hash(new, entry));
        }
    }
    (minus, plus)
}
