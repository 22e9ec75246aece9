//! The law of the merge, over random histories: several authors, writes that name heads they were
//! shown, heads that arrive later, heads that never arrive, and retractions of any of them.

use std::collections::{BTreeMap, BTreeSet};

use dongbo_proto::catalogue::Rule;
use dongbo_proto::digest;
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::merge::{self, Effect, Written};
use dongbo_proto::record::{FieldState, Named, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::journal::{Arrival, FieldJournal, permutations};
use crate::made;

const RULES: [Rule; 4] = [Rule::Authority, Rule::Locked, Rule::WriteOnce, Rule::Append];

fn nth(at: usize) -> ActId {
    ActId::new(AuthorId(1 + at as u64 % 3), 1 + at as u64)
}

/// Writes that name any of the others, earlier or later, and one act that never comes.
fn writes(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Written>> {
    let one = (0u8..3, 0u8..4, 0i64..4, vec(any::<Index>(), 0..3));
    vec(one, n).prop_map(|all| {
        let count = all.len() + 1;
        let written = |(at, (value, rank, ms, over)): (usize, (u8, u8, i64, Vec<Index>))| Written {
            origin: Origin {
                act: nth(at),
                stamp: Stamp::new(ms, 0),
                rank: Rank::from_number(rank).expect("four ranks"),
            },
            value: if value == 0 { Value::Null } else { Value::Int(value.into()) },
            over: over.iter().map(|i| nth(i.index(count))).collect(),
        };
        all.into_iter().enumerate().map(written).collect()
    })
}

fn arrivals(writes: &[Written], undone: &[Index]) -> Vec<Arrival> {
    let acts = undone.iter().map(|i| Arrival::Undo(writes[i.index(writes.len())].origin.act));
    writes.iter().cloned().map(Arrival::Write).chain(acts).collect()
}

fn shown_by_all(state: &FieldState) -> Vec<Option<usize>> {
    RULES.iter().map(|rule| merge::shown(*rule, &state.heads)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..Default::default() })]

    /// Counterexample 18: the law is about sets: every order ends equal.
    #[test]
    fn every_permutation_of_a_small_history_ends_equal(
        writes in writes(1..5),
        undone in vec(any::<Index>(), 0..3),
    ) {
        let all = arrivals(&writes, &undone);
        let first = FieldJournal::of(&all);
        let mut failed = None;
        permutations(&all, |order| {
            let journal = FieldJournal::of(order);
            let equal = journal.state.heads == first.state.heads
                && shown_by_all(&journal.state) == shown_by_all(&first.state)
                && journal.state.heads == journal.oracle().heads
                && journal.vanished().is_empty();
            if !equal && failed.is_none() {
                failed = Some(order.to_vec());
            }
        });
        prop_assert_eq!(failed, None);
    }

    #[test]
    fn a_long_history_shuffled_and_doubled_ends_equal(
        (all, shuffled) in (writes(1..40), vec(any::<Index>(), 0..8)).prop_flat_map(|(w, u)| {
            let all = arrivals(&w, &u);
            let twice: Vec<Arrival> = all.iter().chain(&all).cloned().collect();
            (Just(all), Just(twice).prop_shuffle())
        }),
    ) {
        let (once, twice) = (FieldJournal::of(&all), FieldJournal::of(&shuffled));
        prop_assert_eq!(&once.state.heads, &twice.state.heads);
        prop_assert_eq!(shown_by_all(&once.state), shown_by_all(&twice.state));
        prop_assert_eq!(&twice.state.heads, &twice.oracle().heads);
        prop_assert_eq!(twice.vanished(), vec![]);
    }

    /// What a step remembers (acts ahead, what retracted ones had named) is what the whole
    /// set says, so that a state which was derived and one which was built go on alike.
    #[test]
    fn a_state_built_step_by_step_remembers_what_the_set_says(
        writes in writes(1..12),
        undone in vec(any::<Index>(), 0..3),
    ) {
        let journal = FieldJournal::of(&arrivals(&writes, &undone));
        prop_assert_eq!(journal.state.clone(), journal.oracle());
    }

    #[test]
    fn hearing_more_never_brings_a_replaced_value_back_unless_something_is_undone(
        writes in writes(2..12),
    ) {
        let mut journal = FieldJournal::default();
        let mut gone: BTreeSet<ActId> = BTreeSet::new();
        for write in &writes {
            journal.hear(&Arrival::Write(write.clone()));
            let heads = journal.heads();
            prop_assert!(gone.iter().all(|act| !heads.contains(act)));
            let heard = writes.iter().map(|w| w.origin.act).take_while(|a| *a != write.origin.act);
            gone.extend(heard.filter(|act| !heads.contains(act)));
        }
    }

    #[test]
    fn the_effect_says_what_became_of_the_write(writes in writes(1..12)) {
        let (mut state, mut known) = (FieldState::default(), BTreeSet::new());
        for w in &writes {
            known.insert(w.origin.act);
            let effect =
                merge::apply(&mut state, w.origin, w.value.clone(), &w.over, |a| known.contains(&a));
            let stands = state.heads.iter().any(|h| h.act == w.origin.act);
            let said = match effect {
                Effect::Sole => stands && state.heads.len() == 1,
                Effect::Beside => stands && state.heads.len() > 1,
                Effect::History => !stands,
            };
            prop_assert!(said, "{effect:?}");
        }
    }

    /// Acts of several fields: what other fields' journals hold counts as arrived, and changes no head.
    #[test]
    fn acts_of_several_fields_end_equal(
        (acts, shuffled) in vec((writes(1..2), 1u8..8), 1..12).prop_flat_map(|acts| {
            let numbered: Vec<(Written, u8)> = acts.into_iter().enumerate().map(|(at, (w, mask))| {
                let mut write = w[0].clone();
                write.origin.act = nth(at);
                (write, mask)
            }).collect();
            (Just(numbered.clone()), Just(numbered).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(heads_by_field(&acts), heads_by_field(&shuffled));
    }
}

fn heads_by_field(acts: &[(Written, u8)]) -> BTreeMap<u8, Vec<ActId>> {
    let (mut fields, mut known) = (BTreeMap::<u8, FieldJournal>::new(), BTreeSet::new());
    for (write, mask) in acts {
        known.insert(write.origin.act);
        for field in (0..3).filter(|f| mask & (1 << f) != 0) {
            let journal = fields.entry(field).or_default();
            journal.hear_beside(&Arrival::Write(write.clone()), |a| known.contains(&a));
        }
    }
    fields.into_iter().map(|(field, journal)| (field, journal.heads())).collect()
}

type Line = (RecordId, KindId, Origin, ScopeId, Vec<(FieldId, Vec<String>)>);

fn line(record: &Record) -> Line {
    let heads = |s: &FieldState| {
        let bytes = |h: &dongbo_proto::record::Head| {
            let mut w = dongbo_proto::bytes::Writer::default();
            h.value.write(&mut w);
            format!("{:?} {:?} {:?} {:?}", h.act, h.stamp, h.rank, w.into_bytes())
        };
        s.heads.iter().map(bytes).collect::<Vec<_>>()
    };
    let fields = record.fields.iter().filter(|(_, s)| !s.heads.is_empty());
    let fields = fields.map(|(field, state)| (*field, heads(state))).collect();
    (record.id, record.kind, record.created, record.home, fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..Default::default() })]

    #[test]
    fn digests_are_equal_where_heads_are_and_only_there(a in made::record(), b in made::record()) {
        prop_assert_eq!(digest::of_record(&a) == digest::of_record(&b), line(&a) == line(&b));
        let bare = made::heads_only(a.clone());
        prop_assert_eq!(digest::of_record(&a), digest::of_record(&bare));
    }

    #[test]
    fn any_small_difference_shows_in_the_digest(
        record in made::record(),
        at in any::<Index>(),
        what in 0u8..6,
    ) {
        let mut other = made::heads_only(record.clone());
        let record = other.clone();
        let fields = other.fields.len();
        match what {
            0 => other.home = ScopeId(other.home.0 ^ 1),
            1 => other.created.stamp = Stamp(other.created.stamp.0 ^ 1),
            2 => other.created.act.position ^= 1,
            _ if fields == 0 => return Ok(()),
            3 => drop(other.fields.remove(at.index(fields))),
            4 => other.fields[at.index(fields)].1.heads[0].stamp.0 ^= 1,
            _ => other.fields[at.index(fields)].1.heads[0].value = Value::Text("other".into()),
        }
        prop_assert_eq!(other == record, digest::of_record(&other) == digest::of_record(&record));
    }

    #[test]
    fn the_sum_of_a_scope_needs_no_order(
        (records, shuffled) in vec(made::record(), 0..6)
            .prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
    ) {
        let sum = |all: &[Record]| {
            all.iter().fold(digest::Digest::default(), |mut sum, r| {
                sum.add(digest::of_record(r));
                sum
            })
        };
        prop_assert_eq!(sum(&records), sum(&shuffled));
        let mut rest = sum(&records);
        records.iter().for_each(|r| rest.sub(digest::of_record(r)));
        prop_assert_eq!(rest, digest::Digest::default());
    }
}

/// A named type in the signature of tests above; kept here so that the law reads without it.
#[test]
fn a_write_may_name_many() {
    let over: Named = (0..40).map(nth).collect();
    let origin = Origin { act: nth(99), stamp: Stamp::new(1, 0), rank: Rank::Home };
    let mut state = FieldState::default();
    for at in 0..40 {
        let origin = Origin { act: nth(at), ..origin };
        merge::apply(&mut state, origin, Value::Int(at as i64), &[], |_| true);
    }
    assert_eq!(state.heads.len(), 40);
    assert_eq!(merge::apply(&mut state, origin, Value::Int(1), &over, |_| true), Effect::Sole);
}
