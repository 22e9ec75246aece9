//! Goals 5 and 6b: the server merges edits of many offices at once, and what that adds to its store.
//!
//! Each office sends one batch of 500; all come at once, are decoded, hashed and verified beside the writer, and share
//! its commits, as in service. First every edit is the only one on its field; then other offices, who have not heard of
//! them, edit the same fields: every edit is in conflict, and both values are kept. R makes the same edits in batches of
//! 500 with a commit each. All clocks run over a checkpoint.
//!
//! The records lie in the file in the order in which they were entered over the years, offices mixed, so that edits hit
//! pages at random, as the bars assume; a second base, loaded office by office, shows what order is worth.
//! Deliberately absent: links.

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use dongbo_node::system::System;
use dongbo_proto::act::{Act, Intent, Op};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::fate::Fate;
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{Hash, ScopeId};
use dongbo_proto::seam::Clock;
use dongbo_proto::stamp::{Stamp, UnixMs, Window};
use dongbo_proto::wire;
use dongbo_server::registry::{self, Arrival, Received};
use dongbo_server::store::{Executor, StoreHandle};
use dongbo_sqlite::Knobs;
use dongbo_sqlite::pages::wal_frames;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use smallvec::smallvec;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::edit::writes;
use super::goal::Finding;
use super::machine::settle;
use super::plain::{Cipher, Plain, used_bytes};
use super::realm::{Office, checkpoint_registry, open_store, registry_file};
use super::report::{short, thousands};
use super::series::{Series, Spread, timed};
use super::suite::{PERSON, Suite, creation, filled};
use super::workload::{BATCH_EDITS, Edit, Member, Workload};

/// Batches that are prepared at once: more would only queue before the writer.
const PREPARED_AT_ONCE: usize = 4;
/// Acts in a batch of the base's load.
const LOAD_ACTS: usize = 1_000;
/// Batches of which the dirtied pages are counted: below the size at which the server checkpoints by itself.
const COUNTED_BATCHES: usize = 10;

/// The order in which the base's records were entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Offices mixed.
    Mixed,
    /// Office by office.
    ByOffice,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Order::Mixed => "mixed",
            Order::ByOffice => "by-office",
        }
    }
}

/// The edits of one round: a batch for each office, and the same for R.
struct Round {
    batches: Vec<(Batch, [u8; 32])>,
    edits: Vec<Vec<Edit>>,
}

/// A loaded registry and plain table, and two rounds to make on them.
struct Base {
    order: Order,
    now_ms: UnixMs,
    clean: Round,
    conflicting: Round,
}

impl Base {
    fn state(&self) -> String {
        format!("base-{}", self.order.name())
    }

    fn plain_state(&self) -> String {
        format!("base-{}-plain", self.order.name())
    }

    fn count(&self) -> usize {
        self.clean.edits.iter().map(Vec::len).sum()
    }
}

/// Goals 5 and 6b.
///
/// # Errors
/// What failed.
pub fn merges(suite: &mut Suite) -> Result<Vec<Finding>> {
    let mut findings = measured(suite, Order::Mixed, suite.runs)?;
    findings.extend(measured(suite, Order::ByOffice, suite.runs.min(3))?);
    Ok(findings)
}

fn measured(suite: &Suite, order: Order, runs: usize) -> Result<Vec<Finding>> {
    let base = make(suite, order)?;
    let (mut clean, mut conflicting, mut worse) =
        (Series::default(), Series::default(), Series::default());
    let mut growth = (0.0, 0.0);
    for run in 0..runs {
        // The limit goes first and last by turns.
        let raw = if run % 2 == 0 { Some(raw_run(suite, &base)?) } else { None };
        let product = product_run(suite, &base)?;
        let raw = match raw {
            Some(raw) => raw,
            None => raw_run(suite, &base)?,
        };
        let rate = |seconds: f64| base.count() as f64 / seconds;
        clean.push(rate(raw.seconds[0]), rate(product.seconds[0]));
        conflicting.push(rate(raw.seconds[1]), rate(product.seconds[1]));
        worse.push(product.seconds[0], product.seconds[1]);
        growth = (product.growth, raw.growth);
    }
    Ok(lines(suite, &base, [clean, conflicting, worse], growth, pages(suite, &base)?))
}

fn lines(
    suite: &Suite,
    base: &Base,
    series: [Series; 3],
    growth: (f64, f64),
    pages: (f64, f64),
) -> Vec<Finding> {
    let [clean, conflicting, worse] = series;
    let rates =
        |s: &Series| (format!("{}/s", short(s.product())), format!("{}/s", short(s.limit())));
    let work =
        format!("{} edits of {} offices", thousands(base.count() as f64), base.clean.batches.len());
    let (figure, limit) = rates(&conflicting);
    let (clean_figure, clean_limit) = rates(&clean);
    let each = |n: f64, unit: &str| format!("{} {unit}", short(n));
    if base.order == Order::ByOffice {
        let what = format!("{work}, all in conflict, records loaded office by office");
        return vec![
            Finding::shown("5 local", what, conflicting.ratios(), "× R").beside(figure, limit),
            Finding::shown("5 local", "the same without conflict", clean.ratios(), "× R")
                .beside(clean_figure, clean_limit),
        ];
    }
    let plain = suite.load.len();
    vec![
        Finding::of(
            "5",
            format!("{work} on {} records", thousands(plain as f64)),
            conflicting.ratios(),
        )
        .beside(figure, limit),
        Finding::shown("5 clean", "the same without conflict", clean.ratios(), "× R")
            .beside(clean_figure, clean_limit),
        Finding::shown(
            "5 worse",
            "conflicting / clean, time (goal: at most 1.3)",
            worse.ratios(),
            "×",
        ),
        Finding::shown(
            "5 pages",
            "pages dirtied by an edit of a batch, clean",
            Spread::exact(pages.0 / pages.1),
            "× R",
        )
        .beside(each(pages.0, "pages"), each(pages.1, "pages")),
        Finding::of(
            "6b",
            "clean; with author, time, signature and digest",
            Spread::exact(growth.0),
        )
        .beside(each(growth.0, "B"), format!("{} B in the plain table", short(growth.1))),
    ]
}

/// What one run of both rounds gave.
struct Ran {
    seconds: [f64; 2],
    /// Bytes that an edit of the first round added.
    growth: f64,
}

fn raw_run(suite: &Suite, base: &Base) -> Result<Ran> {
    let path = suite.copy(&base.plain_state(), "run-plain")?.join("plain.db");
    let mut table = Plain::open(&path, Knobs::SERVER, Cipher::On)?;
    let before = table.bytes()?;
    let mut once = |round: &Round| -> Result<f64> {
        settle();
        let all = |table: &mut Plain| {
            round.edits.iter().try_for_each(|batch| table.edit(&suite.load, batch))
        };
        let ((), took) = timed(|| all(&mut table).and_then(|()| table.checkpoint()))?;
        Ok(took.as_secs_f64())
    };
    let clean = once(&base.clean)?;
    let conflicting = once(&base.conflicting)?;
    let growth = (table.bytes()? - before) as f64 / (2 * base.count()) as f64;
    Ok(Ran { seconds: [clean, conflicting], growth })
}

fn product_run(suite: &Suite, base: &Base) -> Result<Ran> {
    let dir = suite.copy(&base.state(), "run-server")?;
    let bytes = || -> Result<u64> { Ok(used_bytes(&registry_file(&dir)?)?) };
    let before = bytes()?;
    let store = open_store(&dir, Executor::Threads)?;
    let once = |round: &Round, as_written: bool| -> Result<f64> {
        settle();
        let all = receive_all(&store, round, base.now_ms);
        let (fates, took) =
            timed(|| suite.serve(all).and_then(|fates| checkpoint_registry(&dir).map(|()| fates)))?;
        let wanted = Fate::Merged { as_written };
        let good: u64 = fates
            .iter()
            .flat_map(|r| &r.runs)
            .filter(|r| r.fate == wanted)
            .map(|r| u64::from(r.count))
            .sum();
        ensure!(
            good == base.count() as u64,
            "{good} of {} edits came out as {wanted:?}",
            base.count()
        );
        Ok(took.as_secs_f64())
    };
    let clean = once(&base.clean, true)?;
    let growth = (bytes()? - before) as f64 / base.count() as f64;
    let conflicting = once(&base.conflicting, false)?;
    Ok(Ran { seconds: [clean, conflicting], growth })
}

/// All batches at once, as when the link comes back for everyone.
async fn receive_all(store: &StoreHandle, round: &Round, now_ms: UnixMs) -> Result<Vec<Received>> {
    let places = Arc::new(Semaphore::new(PREPARED_AT_ONCE));
    let mut under_way = JoinSet::new();
    for (batch, key) in &round.batches {
        let (store, places, batch, key) = (store.clone(), places.clone(), batch.clone(), *key);
        under_way.spawn(async move {
            let place = places.acquire_owned().await?;
            let bytes = batch.body.len();
            let prepared =
                tokio::task::spawn_blocking(move || registry::prepare(batch, &key)).await?;
            let prepared = prepared.map_err(|stop| anyhow!("a batch was refused: {stop:?}"))?;
            drop(place);
            let arrival = arrival(now_ms);
            Ok::<_, anyhow::Error>(
                store
                    .write_sized(bytes, move |tx| registry::merge(tx, &prepared, &arrival))
                    .await?,
            )
        });
    }
    let mut all = Vec::with_capacity(round.batches.len());
    while let Some(done) = under_way.join_next().await {
        all.push(done??);
    }
    Ok(all)
}

fn arrival(now_ms: UnixMs) -> Arrival {
    // What the offices claim lies within the window, as with clocks that are right.
    Arrival { window: Window { since_ms: 0, until_ms: now_ms, offset_ms: 0 }, now_ms }
}

/// Pages that an edit of a batch dirties, with a commit for each batch: the product's and R's.
fn pages(suite: &Suite, base: &Base) -> Result<(f64, f64)> {
    let dir = suite.copy(&base.state(), "run-server")?;
    let store = open_store(&dir, Executor::Inline)?;
    let path = suite.copy(&base.plain_state(), "run-plain")?.join("plain.db");
    let mut table = Plain::open(&path, Knobs::SERVER, Cipher::On)?;
    let beside = registry_file(&dir)?;
    let (mut product, mut raw, mut count) = (0, 0, 0);
    for ((batch, key), edits) in
        base.clean.batches.iter().zip(&base.clean.edits).take(COUNTED_BATCHES)
    {
        checkpoint_registry(&dir)?;
        let prepared = registry::prepare(batch.clone(), key).map_err(|stop| anyhow!("{stop:?}"))?;
        store.write_now(|tx| registry::merge(tx, &prepared, &arrival(base.now_ms)))?;
        product += wal_frames(&beside)?;
        raw += table.pages(&suite.load, &[edits])?;
        count += edits.len();
    }
    Ok((product as f64 / count as f64, raw as f64 / count as f64))
}

/// Loads a registry and a plain table in one order, and prepares both rounds.
fn make(suite: &Suite, order: Order) -> Result<Base> {
    let load = &suite.load;
    let dir = suite.path(&format!("base-{}", order.name()));
    let scopes = suite.realm.found(&dir, load)?;
    let store = open_store(&dir, Executor::Inline)?;
    let loader = suite.realm.admit(&store, "loader", &scopes)?;
    let mut entered: Vec<usize> = (0..load.len()).collect();
    if order == Order::Mixed {
        entered.shuffle(&mut ChaCha8Rng::seed_from_u64(20_191_231));
    }
    let now_ms = System.now_ms();
    let mut journal = Journal::new(&loader, now_ms - 10_000_000);
    for some in entered.chunks(LOAD_ACTS) {
        let acts = some.iter().map(|at| smallvec![create(load, &scopes, *at)]);
        merge_now(&store, &journal.batch(acts), loader.key.public(), now_ms)?;
    }
    let plain = suite.path(&format!("base-{}-plain", order.name()));
    std::fs::create_dir_all(&plain)?;
    let rows: Vec<Member> = entered.iter().map(|at| load.members[*at].clone()).collect();
    drop(filled(&plain.join("plain.db"), Knobs::SERVER, Cipher::On, &rows)?);
    let clean = round(suite, &store, &scopes, 0, now_ms)?;
    let conflicting = round(suite, &store, &scopes, 1, now_ms)?;
    drop(store);
    checkpoint_registry(&dir)?;
    Ok(Base { order, now_ms, clean, conflicting })
}

fn create(load: &Workload, scopes: &[ScopeId], at: usize) -> Op {
    let scope = load.scopes.partition_point(|scope| scope.2.end <= at);
    creation(&load.members[at], scopes[scope]).ops.remove(0)
}

fn merge_now(store: &StoreHandle, batch: &Batch, key: &[u8; 32], now_ms: UnixMs) -> Result<()> {
    let prepared = registry::prepare(batch.clone(), key).map_err(|stop| anyhow!("{stop:?}"))?;
    let received = store.write_now(|tx| registry::merge(tx, &prepared, &arrival(now_ms)))?;
    let good = received.runs.iter().all(|r| matches!(r.fate, Fate::Merged { .. }));
    ensure!(good && !received.runs.is_empty(), "the base did not merge");
    Ok(())
}

/// Offices that have joined, and a batch of edits of each.
fn round(
    suite: &Suite,
    store: &StoreHandle,
    scopes: &[ScopeId],
    number: u64,
    now_ms: UnixMs,
) -> Result<Round> {
    let load = &suite.load;
    let mut round = Round { batches: Vec::new(), edits: Vec::new() };
    for share in load.shares(load.offices()) {
        let office = suite.realm.admit(store, "office", &scopes[share.clone()])?;
        let edits = load.edits(load.members_of(&share), BATCH_EDITS, number);
        // The second round's offices speak later, as far as anyone can tell.
        let mut journal =
            Journal::new(&office, now_ms - 1_000_000 + 500_000 * number.cast_signed());
        let acts = edits.iter().map(|edit| smallvec![Op::Write(writes(load, edit))]);
        round.batches.push((journal.batch(acts), *office.key.public()));
        round.edits.push(edits);
    }
    Ok(round)
}

/// An office's journal without its replica: positions, claims and the chain.
struct Journal<'a> {
    office: &'a Office,
    position: u64,
    head: Hash,
    claimed_ms: UnixMs,
}

impl<'a> Journal<'a> {
    fn new(office: &'a Office, from_ms: UnixMs) -> Self {
        Journal { office, position: 0, head: Hash::default(), claimed_ms: from_ms }
    }

    /// The next batch, signed. An act a minute or so, as in an office.
    fn batch(&mut self, acts: impl Iterator<Item = smallvec::SmallVec<[Op; 1]>>) -> Batch {
        let (first, before, seed) =
            (self.position + 1, self.head, Seed([first_byte(self.position); 32]));
        let acts: Vec<Act> = acts.map(|ops| self.act(ops)).collect();
        let mut buffer = Vec::new();
        for act in &acts {
            self.head = chain::extend(self.head, chain::act_hash_in(act, &seed, &mut buffer));
        }
        let (body, raw_len) = wire::encode_acts(&acts);
        let signed = chain::signed_bytes(self.office.author, self.position, self.head);
        Batch {
            author: self.office.author,
            first,
            count: acts.len() as u32,
            before,
            after: self.head,
            seeds: vec![(first, seed)],
            signature: self.office.key.sign(&signed).to_vec(),
            body,
            raw_len,
        }
    }

    fn act(&mut self, ops: smallvec::SmallVec<[Op; 1]>) -> Act {
        self.position += 1;
        self.claimed_ms += 40 + self.position.cast_signed() * 7 % 90;
        Act {
            position: self.position,
            claimed: Stamp::new(self.claimed_ms, 0),
            person: PERSON.into(),
            intent: Intent::Change,
            grounds: None,
            job: None,
            linked: None,
            ops,
        }
    }
}

fn first_byte(position: u64) -> u8 {
    position.to_le_bytes()[0]
}
