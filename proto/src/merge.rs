//! The merge: pure functions from a field's state and a write to the field's new state.
//!
//! **The law:** for every set of acts and every permutation and duplication of it, heads and shown
//! value are equal. It holds because a field's heads are a function of the *set* of writes: those
//! that no other write names, directly or through a chain ([`heads_of_set`] says it in one
//! expression and is the oracle of the tests; [`apply`] keeps it up step by step, and after a
//! retraction a field is derived again from all its writes). No clock is asked whether a value is
//! replaced; rank and stamp only choose which head is shown.
//!
//! Deliberately absent: storage, the order of journals, and duplicates of whole acts (the caller
//! knows which acts it holds and gives each once).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::act::{Act, FieldWrite, Intent, Op, Over, Projection, RecordWrites};
use crate::catalogue::field::VOID;
use crate::catalogue::{Invalid, Kind, Rule, Writers, catalogue, text, validate};
use crate::fate::Reason;
use crate::id::{ActId, FieldId, KindId, RecordId, ScopeId};
use crate::limits;
use crate::record::{FieldState, Head, Meta, Named, Origin, Rank, sees};
use crate::value::Value;

/// What a write did to its field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It is the field's sole head now.
    Sole,
    /// It stands beside other heads.
    Beside,
    /// Someone who knew it has already replaced it: it went straight to history.
    History,
}

/// The merge rule of a field; fields that this build does not know merge by authority.
pub fn rule_of(kind: KindId, field: FieldId) -> Rule {
    let known = catalogue().kind(kind).and_then(|k| k.field(field));
    known.map_or(Rule::Authority, |f| f.rule)
}

/// Resolves what a write names, given the act that created its record.
pub fn named(over: &Over, created: ActId) -> Named {
    match over {
        Over::Nothing => Named::new(),
        Over::Creation => smallvec::smallvec![created],
        Over::Heads(heads) => heads.clone(),
    }
}

/// Merges one write of an act that this field has not seen before. An act that is a head already is
/// left as it is; one that names itself (as a creation that elides its own id would) names nothing.
///
/// `arrived` says whether the caller's journal has merged an act: one that is named, is no head and
/// has not arrived is remembered, and goes straight to history when it comes. A caller that holds
/// everything that may be named (a node replaying its own acts) answers `true`.
pub fn apply(
    field: &mut FieldState,
    origin: Origin,
    value: Value,
    over: &[ActId],
    arrived: impl Fn(ActId) -> bool,
) -> Effect {
    if field.heads.iter().any(|head| head.act == origin.act) {
        return if field.heads.len() == 1 { Effect::Sole } else { Effect::Beside };
    }
    let other = |act: &ActId| *act != origin.act;
    if field.undone.is_empty() {
        over.iter().filter(|a| other(a)).for_each(|act| replace(field, *act, &arrived));
    } else {
        let all = through_undone(field, over);
        all.into_iter().filter(other).for_each(|act| replace(field, act, &arrived));
    }
    if let Some(at) = field.ahead.iter().position(|a| *a == origin.act) {
        field.ahead.remove(at);
        return Effect::History;
    }
    let at = field.heads.partition_point(|h| h.act < origin.act);
    field.heads.insert(at, Head::new(origin, value));
    if field.heads.len() == 1 { Effect::Sole } else { Effect::Beside }
}

/// What a write replaces when it names retracted acts: those, and what they had replaced.
fn through_undone(field: &FieldState, over: &[ActId]) -> BTreeSet<ActId> {
    let mut all = BTreeSet::new();
    let mut todo: Vec<ActId> = over.to_vec();
    while let Some(act) = todo.pop() {
        if all.insert(act) {
            let undone = field.undone.iter().filter(|(id, _)| *id == act);
            todo.extend(undone.flat_map(|(_, named)| named.iter().copied()));
        }
    }
    all
}

/// Takes a named act out of the heads, or remembers it until it arrives.
fn replace(field: &mut FieldState, act: ActId, arrived: &impl Fn(ActId) -> bool) {
    if let Some(at) = field.heads.iter().position(|h| h.act == act) {
        field.heads.remove(at);
    } else if !arrived(act) && !field.ahead.contains(&act) {
        let at = field.ahead.partition_point(|a| *a < act);
        field.ahead.insert(at, act);
    }
}

/// Which head a listing shows: the highest rank, then the later order stamp (the *earlier* for a
/// write-once field), then the greater id, so that all replicas show the same.
pub fn shown(rule: Rule, heads: &[Head]) -> Option<usize> {
    let latest = |h: &&Head| (h.rank, h.stamp, h.act);
    let first = |h: &&Head| (h.rank, Reverse(h.stamp), Reverse(h.act));
    let best = match rule {
        Rule::WriteOnce | Rule::Append => heads.iter().max_by_key(first),
        Rule::Locked | Rule::Authority | Rule::Computed => heads.iter().max_by_key(latest),
    }?;
    heads.iter().position(|h| h.act == best.act)
}

/// One write on a field, as history holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Who wrote, with the facts fixed at merge.
    pub origin: Origin,
    /// What.
    pub value: Value,
    /// What it named.
    pub over: Named,
}

/// The state of a field from all writes on it and the set of retracted acts: the specification
/// that the step-by-step merge must equal, and how the server re-derives a field after a retraction.
pub fn heads_of_set(writes: &[Written], retracted: &BTreeSet<ActId>) -> FieldState {
    let find = |act: ActId| writes.iter().find(|w| w.origin.act == act);
    let lives = |w: &&Written| !retracted.contains(&w.origin.act);
    let mut replaced = BTreeSet::new();
    for write in writes.iter().filter(lives) {
        let mut reached = BTreeSet::new();
        let mut todo = write.over.to_vec();
        while let Some(act) = todo.pop() {
            if act != write.origin.act && reached.insert(act) && retracted.contains(&act) {
                todo.extend(find(act).into_iter().flat_map(|w| w.over.iter().copied()));
            }
        }
        replaced.extend(reached);
    }
    let mut state = FieldState::default();
    let is_head = |w: &&Written| lives(w) && !replaced.contains(&w.origin.act);
    state.heads =
        writes.iter().filter(is_head).map(|w| Head::new(w.origin, w.value.clone())).collect();
    state.heads.sort_by_key(|h| h.act);
    state.heads.dedup_by_key(|h| h.act);
    state.ahead = replaced.iter().copied().filter(|a| find(*a).is_none()).collect();
    let undone = writes.iter().filter(|w| retracted.contains(&w.origin.act));
    state.undone = undone.map(|w| (w.origin.act, w.over.clone())).collect();
    state.undone.sort();
    state.undone.dedup();
    state
}

/// The act being merged, as far as its authority goes.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// A person at the province.
    pub province: bool,
    /// The scopes that the node holds.
    pub scopes: &'a [ScopeId],
}

/// What the store knows of the record that an act writes to.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its blob.
    pub meta: &'a Meta,
    /// The home that the author had been shown, by the placement that its write names.
    pub home_shown: ScopeId,
    /// Its home now.
    pub home: ScopeId,
    /// How much of it the author's scopes see as a guest; nobody writes what they may not see.
    pub guest: Option<Projection>,
}

/// Whether a whole act is within the limits and in words that this build knows.
pub fn check_act(act: &Act) -> Result<(), Reason> {
    if act.ops.len() > limits::ACT_RECORDS_MAX
        || act.person.len() > limits::PERSON_BYTES_MAX
        || act.grounds.as_ref().is_some_and(|g| g.len() > limits::GROUNDS_BYTES_MAX)
        || act.content_len() > limits::ACT_BYTES_MAX
    {
        return Err(Reason::OverLimit);
    }
    let said = std::iter::once(&act.person).chain(&act.grounds);
    if writes_twice(act) || !said.map(String::as_str).all(text::is_visible) {
        return Err(Reason::InvalidValue);
    }
    act.ops.iter().try_for_each(|op| match op {
        Op::Unknown(..) => Err(Reason::NeedsNewerServer),
        Op::Retract(acts) if acts.len() > limits::RETRACT_ACTS_MAX => Err(Reason::OverLimit),
        Op::Write(w) => check_writes(w),
        _ => Ok(()),
    })
}

/// Whether an act writes one field twice: a field's heads are known by their acts, one each.
fn writes_twice(act: &Act) -> bool {
    let rising = |w: &RecordWrites| w.fields.is_sorted_by(|a, b| a.field < b.field);
    if act.ops.len() == 1 && act.writes().all(rising) {
        return false;
    }
    let mut seen: BTreeSet<(RecordId, FieldId)> = BTreeSet::new();
    let mut fields = act.writes().flat_map(|w| w.fields.iter().map(|f| (w.record, f.field)));
    !fields.all(|field| seen.insert(field))
}

/// Whether every write fits its field. A field, a type of value or a code that a newer node knows must
/// wait for a newer server.
fn check_writes(writes: &RecordWrites) -> Result<(), Reason> {
    let kind = catalogue().kind(writes.kind).ok_or(Reason::NeedsNewerServer)?;
    if writes.fields.len() > limits::RECORD_FIELDS_MAX {
        return Err(Reason::OverLimit);
    }
    writes.fields.iter().try_for_each(|write| {
        if matches!(&write.over, Over::Heads(h) if h.len() > limits::OVER_MAX) {
            return Err(Reason::OverLimit);
        }
        let field = kind.field(write.field).ok_or(Reason::NeedsNewerServer)?;
        match (&write.value, validate::check(field, &write.value)) {
            (Value::Null, _) => Ok(()),
            // No column could hold it: merged now, it would be lost.
            (Value::Opaque(..), _) | (_, Err(Invalid::UnknownCode)) => {
                Err(Reason::NeedsNewerServer)
            }
            (_, checked) => checked.map_err(|_| Reason::InvalidValue),
        }
    })
}

/// The rank with which an author may make these writes, or why the whole act is held.
///
/// It depends on the act, on its author and on the placement that the author had been shown;
/// never on which other acts happen to have arrived, or permutations would differ.
pub fn judge(
    writes: &RecordWrites,
    intent: Intent,
    author: Author<'_>,
    target: Option<Target<'_>>,
) -> Result<Rank, Reason> {
    let kind = catalogue().kind(writes.kind).ok_or(Reason::NeedsNewerServer)?;
    if author.province {
        return Ok(if intent == Intent::Import { Rank::Import } else { Rank::Province });
    }
    if intent == Intent::Request {
        return Err(Reason::NeedsApproval);
    }
    let standing = standing(kind, writes, author, target)?;
    match writes.create {
        Some(_) => check_creation(kind, writes)?,
        None => check_writers(kind, writes)?,
    }
    Ok(if intent == Intent::Import { Rank::Import } else { standing })
}

/// Whether the author speaks as the record's home or from elsewhere.
fn standing(
    kind: &Kind,
    writes: &RecordWrites,
    author: Author<'_>,
    target: Option<Target<'_>>,
) -> Result<Rank, Reason> {
    let holds = |scope: ScopeId| author.scopes.contains(&scope);
    match (writes.create, target) {
        (Some(home), None) if holds(home) => Ok(Rank::Home),
        (Some(_), _) => Err(Reason::NotWritable),
        (None, None) => Err(Reason::UnknownRecord),
        (None, Some(t)) if holds(t.home_shown) => Ok(Rank::Home),
        (None, Some(Target { guest: Some(projection), .. })) => {
            // A guest sees that a record was voided; to void it is its home's.
            let may = |w: &FieldWrite| w.field != VOID && sees(Some(kind), w.field, projection);
            if writes.fields.iter().all(may) { Ok(Rank::Other) } else { Err(Reason::NotWritable) }
        }
        (None, Some(_)) => Err(Reason::RecordLeft),
    }
}

/// Whether a commune may create such a record. What is on the papers it enters, locked fields
/// included; what only the province decides (an exit, a suspension) it asks for.
fn check_creation(kind: &Kind, writes: &RecordWrites) -> Result<(), Reason> {
    if kind.reference {
        return Err(Reason::NotWritable);
    }
    if kind.creators() == Writers::Province {
        return Err(Reason::NeedsApproval);
    }
    writes.fields.iter().try_for_each(|write| {
        let field = kind.field(write.field).ok_or(Reason::NeedsNewerServer)?;
        let by_system = field.writers == Writers::System || field.rule == Rule::Computed;
        if by_system { Err(Reason::NotWritable) } else { Ok(()) }
    })
}

/// Whether the catalogue lets a commune make these changes to a record that exists.
fn check_writers(kind: &Kind, writes: &RecordWrites) -> Result<(), Reason> {
    writes.fields.iter().try_for_each(|write| {
        let field = kind.field(write.field).ok_or(Reason::NeedsNewerServer)?;
        let first = write.over == Over::Nothing;
        match (field.writers, field.rule) {
            (Writers::System, _) | (_, Rule::Computed) => Err(Reason::NotWritable),
            _ if kind.reference => Err(Reason::NotWritable),
            (Writers::Province, _) => Err(Reason::NeedsApproval),
            (_, Rule::Locked | Rule::WriteOnce | Rule::Append) if !first => {
                Err(Reason::NeedsApproval)
            }
            _ => Ok(()),
        }
    })
}

/// Whether one write of a commune to an existing record would be held for approval: what the
/// office asks before it splits a save into a change and a request.
pub fn needs_request(kind: &Kind, field: FieldId, over: &Over) -> bool {
    let Some(field) = kind.field(field) else { return true };
    field.writers == Writers::Province
        || (*over != Over::Nothing
            && matches!(field.rule, Rule::Locked | Rule::WriteOnce | Rule::Append))
}
