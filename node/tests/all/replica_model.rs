//! Random histories of two offices and a province, against the specification of the merge: what a
//! node shows is the set of all writes it knows, merged; what is in base is what the server has.

use std::collections::{BTreeMap, BTreeSet};

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Replica, draft};
use dongbo_proto::act::{Act, Intent, Op};
use dongbo_proto::id::{ActId, AuthorId, FieldId, RecordId};
use dongbo_proto::merge::{self, Written};
use dongbo_proto::record::{Head, Origin, Rank, Record};

/// Histories of so many steps each; the seed of a failing one is printed.
const HISTORIES: u64 = 60;
const STEPS: usize = 45;

/// SplitMix64: the same seed gives the same history.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct Office {
    replica: Replica,
    _dir: tempfile::TempDir,
    /// What base holds by the specification: the writes and retractions at the last complete.
    writes: BTreeMap<(RecordId, FieldId), Vec<Written>>,
    retracted: BTreeSet<ActId>,
    settled: u64,
    /// Records as a form showed them some time ago.
    forms: Vec<Record>,
    clock: i64,
}

impl Office {
    fn new(province: &mut Province, author: u64, clock: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut replica = province.join(dir.path(), author);
        assert!(meet(province, &mut replica).in_step);
        let mut office = Office {
            replica,
            _dir: dir,
            writes: BTreeMap::new(),
            retracted: BTreeSet::new(),
            settled: 0,
            forms: Vec::new(),
            clock,
        };
        office.settle(province);
        office
    }

    fn settle(&mut self, province: &Province) {
        self.writes = province.writes.clone();
        self.retracted = province.retracted.clone();
        self.settled = self.replica.facts().unwrap().acknowledged;
    }

    fn pending(&self) -> Vec<Act> {
        let acts = self.replica.acts(self.settled + 1, u64::MAX >> 1, usize::MAX >> 1).unwrap();
        acts.into_iter().map(|own| own.act).collect()
    }

    /// What this office must be shown, by the specification, where that can be said exactly: what
    /// a pending undo shows until the province answers is not.
    fn expected(&self) -> BTreeMap<(RecordId, FieldId), Vec<Head>> {
        let author = self.replica.author();
        let pending = self.pending();
        let mut writes = self.writes.clone();
        let mut created: BTreeMap<RecordId, ActId> = BTreeMap::new();
        let mut unsure: BTreeSet<ActId> = self.retracted.clone();
        for act in &pending {
            unsure.extend(act.ops.iter().flat_map(|op| match op {
                Op::Retract(acts) => acts.clone(),
                _ => Vec::new(),
            }));
            if act.intent == Intent::Request {
                continue;
            }
            let rank = if act.intent == Intent::Import { Rank::Import } else { Rank::Home };
            let origin = Origin { act: act.id(author), stamp: act.claimed, rank };
            for w in act.writes() {
                if w.create.is_some() {
                    created.insert(w.record, origin.act);
                }
                let by = created.get(&w.record).copied();
                let by = by
                    .unwrap_or_else(|| self.replica.record(w.record).unwrap().unwrap().created.act);
                for f in &w.fields {
                    let over = merge::named(&f.over, by);
                    let all = writes.entry((w.record, f.field)).or_default();
                    all.push(Written { origin, value: f.value.clone(), over });
                }
            }
        }
        let sure = |all: &Vec<Written>| !all.iter().any(|w| unsure.contains(&w.origin.act));
        let heads =
            |all: Vec<Written>| merge::heads_of_set(&all, &BTreeSet::new()).heads.into_vec();
        writes.into_iter().filter(|(_, all)| sure(all)).map(|(k, all)| (k, heads(all))).collect()
    }

    fn check(&mut self) {
        for ((record, field), heads) in self.expected() {
            let here =
                self.replica.record(record).unwrap().expect("a record that is known is here");
            let here = here.field(field).map(|s| s.heads.to_vec()).unwrap_or_default();
            assert_eq!(here, heads, "record {record} field {}", field.0);
        }
        assert_sound(&mut self.replica);
    }

    fn save(&mut self, draft: Draft) {
        self.clock += 7;
        self.replica.save(&[draft], self.clock, &mut entropy()).expect("the act is saved");
    }

    fn some_record(&self, dice: &mut Dice) -> Option<Record> {
        let all = self
            .replica
            .list(dongbo_proto::catalogue::kind::MEMBER, &Default::default(), 999)
            .unwrap();
        (!all.is_empty()).then(|| all[dice.below(all.len())].clone())
    }

    fn step(&mut self, dice: &mut Dice, fresh: &mut u32) {
        let author = self.replica.author();
        let n = dice.next();
        let value = text(&format!("{}", n % 5));
        match dice.below(12) {
            0 => {
                *fresh += 1;
                self.save(Draft::change(
                    "lan",
                    member(*fresh, if n.is_multiple_of(2) { P } else { Q }, "Lê Hoa"),
                ));
            }
            1 => {
                let last = self.replica.facts().unwrap().position;
                let target = ActId::new(author, 1 + dice.next() % last.max(1));
                if last > 0 {
                    self.save(Draft::change("lan", Op::Retract(vec![target])));
                }
            }
            2 => self.forms.extend(self.some_record(dice)),
            kind => {
                let stale = (kind == 3).then(|| self.forms.pop()).flatten();
                let Some(shown) = stale.or_else(|| self.some_record(dice)) else { return };
                if self.replica.record(shown.id).unwrap().is_none() {
                    return;
                }
                let field = FIELDS[dice.below(FIELDS.len())];
                let other = FIELDS[dice.below(FIELDS.len())];
                let mut fields = vec![(field, value.clone())];
                if kind > 9 && other != field {
                    fields.push((other, dongbo_proto::value::Value::Null));
                }
                let draft = Draft::change("lan", draft::edit(&shown, fields));
                self.save(match kind {
                    4 => draft.with_intent(Intent::Import),
                    5 => draft.with_intent(Intent::Request),
                    _ => draft,
                });
            }
        }
    }

    fn exchange(&mut self, province: &mut Province, cut: Cut) {
        if exchange(province, &mut self.replica, cut).is_some() {
            self.settle(province);
        }
    }
}

fn history(seed: u64) {
    let dice = &mut Dice(seed);
    let mut province = Province::new(&[P, Q]);
    let mut fresh = 0;
    for _ in 0..4 {
        fresh += 1;
        province.acts(member(fresh, if fresh % 2 == 0 { P } else { Q }, "Lê Hoa"));
    }
    let clocks = [1_000, 2_051_222_400_000];
    let mut offices = clocks.map(|clock| Office::new(&mut province, 5 + clock as u64 % 7, clock));
    for _ in 0..STEPS {
        province.shift_ms = if dice.one_in(3) { -500 } else { 0 };
        let office = &mut offices[dice.below(2)];
        match dice.below(8) {
            0 => office.exchange(&mut province, Cut::None),
            1 => office.exchange(
                &mut province,
                [Cut::AfterSending, Cut::AfterAcks, Cut::AfterStates][dice.below(3)],
            ),
            2 => {
                let ids: Vec<RecordId> = province.records.keys().copied().collect();
                let shown = province.state(ids[dice.below(ids.len())]).unwrap();
                let value = text(&format!("{}", dice.next() % 5));
                province.acts(draft::edit(&shown, [(FIELDS[dice.below(4)], value)]));
            }
            _ => office.step(dice, &mut fresh),
        }
        office.check();
    }
    // Heal: everyone exchanges until nothing moves.
    for _ in 0..3 {
        for office in &mut offices {
            office.exchange(&mut province, Cut::None);
            office.check();
        }
    }
    for office in &mut offices {
        assert_in_step(&province, &office.replica);
        assert!(office.pending().is_empty());
        let refills: u64 = office.replica.status().unwrap().scopes.iter().map(|s| s.refills).sum();
        assert_eq!(refills, 0, "nothing had to be filled again");
        assert!(office.replica.equation().unwrap().holds());
    }
}

#[test]
fn every_history_shows_what_the_specification_says() {
    for seed in 0..HISTORIES {
        let ran = std::panic::catch_unwind(|| history(seed));
        assert!(ran.is_ok(), "the history of seed {seed} fails");
    }
}

#[test]
fn two_authors_never_meet_in_one_id() {
    assert_ne!(AuthorId(5 + 1_000 % 7), AuthorId(5 + 2_051_222_400_000 % 7));
}
