//! One field as a journal that merges keeps it: what arrived, and the state it led to.
//!
//! It does what the province does: duplicates of whole acts are dropped, a write is applied step
//! by step, and a retraction (or a write that was retracted before it came) derives the field
//! again from all its writes.

use std::collections::BTreeSet;

use dongbo_proto::catalogue::Rule;
use dongbo_proto::id::ActId;
use dongbo_proto::merge::{self, Written};
use dongbo_proto::record::FieldState;
use dongbo_proto::value::Value;

/// Something that arrives.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A write of an act.
    Write(Written),
    /// A retraction of an act.
    Undo(ActId),
}

/// The journal of one field.
#[derive(Clone, Debug, Default)]
pub struct FieldJournal {
    known: BTreeSet<ActId>,
    writes: Vec<Written>,
    retracted: BTreeSet<ActId>,
    /// What the merge has come to.
    pub state: FieldState,
}

impl FieldJournal {
    /// A journal that has heard these in this order.
    pub fn of<'a>(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Self {
        let mut journal = FieldJournal::default();
        arrivals.into_iter().for_each(|a| journal.hear(a));
        journal
    }

    /// Takes one arrival in.
    pub fn hear(&mut self, arrival: &Arrival) {
        self.hear_beside(arrival, |_| false);
    }

    /// Takes one arrival in, where the journal as a whole may hold acts that do not write this field.
    pub fn hear_beside(&mut self, arrival: &Arrival, elsewhere: impl Fn(ActId) -> bool) {
        match arrival {
            Arrival::Undo(act) => {
                self.retracted.insert(*act);
                self.derive();
            }
            Arrival::Write(write) if self.known.insert(write.origin.act) => {
                self.writes.push(write.clone());
                if self.retracted.contains(&write.origin.act) {
                    self.derive();
                } else {
                    let (value, over) = (write.value.clone(), &write.over);
                    merge::apply(&mut self.state, write.origin, value, over, |a| {
                        self.known.contains(&a) || elsewhere(a)
                    });
                }
            }
            Arrival::Write(_) => {}
        }
    }

    fn derive(&mut self) {
        self.state = merge::heads_of_set(&self.writes, &self.retracted);
    }

    /// What the specification says of everything heard.
    pub fn oracle(&self) -> FieldState {
        merge::heads_of_set(&self.writes, &self.retracted)
    }

    /// The acts whose values stand.
    pub fn heads(&self) -> Vec<ActId> {
        self.state.heads.iter().map(|h| h.act).collect()
    }

    /// The act and value that a listing shows.
    pub fn shown(&self, rule: Rule) -> Option<(ActId, Value)> {
        let head = &self.state.heads[merge::shown(rule, &self.state.heads)?];
        Some((head.act, head.value.clone()))
    }

    /// The writes that are neither a head, nor retracted, nor replaced by a live act that names
    /// them: there must be none, ever.
    pub fn vanished(&self) -> Vec<ActId> {
        let lives = |w: &&Written| !self.retracted.contains(&w.origin.act);
        let named: BTreeSet<ActId> =
            self.writes.iter().filter(lives).flat_map(|w| self.reach(w)).collect();
        let heads = self.heads();
        let acts = self.writes.iter().map(|w| w.origin.act);
        acts.filter(|a| !heads.contains(a) && !self.retracted.contains(a) && !named.contains(a))
            .collect()
    }

    /// What a write names, through retracted acts to what those had named.
    fn reach(&self, write: &Written) -> BTreeSet<ActId> {
        let (mut all, mut todo) = (BTreeSet::new(), write.over.to_vec());
        while let Some(act) = todo.pop() {
            if all.insert(act) && self.retracted.contains(&act) {
                let behind = self.writes.iter().filter(|w| w.origin.act == act);
                todo.extend(behind.flat_map(|w| w.over.iter().copied()));
            }
        }
        all
    }
}

/// Calls `see` with every order of the items (Heap's algorithm).
pub fn permutations<T: Clone>(items: &[T], mut see: impl FnMut(&[T])) {
    let mut items = items.to_vec();
    let mut counters = vec![0; items.len()];
    see(&items);
    let mut at = 0;
    while at < items.len() {
        if counters[at] < at {
            items.swap(if at % 2 == 0 { 0 } else { counters[at] }, at);
            see(&items);
            counters[at] += 1;
            at = 0;
        } else {
            counters[at] = 0;
            at += 1;
        }
    }
}
