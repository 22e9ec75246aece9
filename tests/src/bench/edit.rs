//! Goals 4, 4b and 4c: what an office does offline, beside the same change of a plain table in the same encryption.
//!
//! A local edit is journalled, hashed and chained, keeps what it replaced, is shown, indexed for search and written to
//! the outbox; R changes one column. Both are durable at each commit, and both clocks run over a checkpoint.

use std::ops::Range;

use anyhow::{Result, ensure};
use dongbo_node::replica::{Draft, Replica};
use dongbo_node::system::System;
use dongbo_proto::act::{FieldWrite, Op, Over, RecordWrites};
use dongbo_proto::catalogue::kind;
use dongbo_proto::id::RecordId;
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_sqlite::Knobs;
use dongbo_sqlite::pages::wal_frames;

use super::goal::Finding;
use super::machine::{Flushes, settle};
use super::plain::{Cipher, Plain, bench_key};
use super::realm::{checkpoint_replica, replica_file};
use super::report::{short, thousands};
use super::series::{Series, Spread, alternate, timed};
use super::suite::{PERSON, Suite, creation, filled};
use super::workload::{BATCH_EDITS, Edit, Member, Workload};

/// Batches of each run.
const BATCHES: usize = 10;
/// Pairs of a measurement that takes a tenth of a second, or that waits for the disk, for each one
/// that is asked for: a single hiccup of the machine is a fifth of such a run.
const SHORT_RUNS: usize = 3;
/// Edits of a transaction each, of each run.
const SINGLES: usize = 1_200;

/// Edits as drafts: what a form would name is what the load wrote.
#[must_use]
pub fn drafts(load: &Workload, edits: &[Edit]) -> Vec<Draft> {
    edits.iter().map(|edit| Draft::change(PERSON, Op::Write(writes(load, edit)))).collect()
}

/// An edit of a record that is as it was created.
#[must_use]
pub fn writes(load: &Workload, edit: &Edit) -> RecordWrites {
    let member = &load.members[edit.member];
    let over = if member.value(edit.field).is_null() { Over::Nothing } else { Over::Creation };
    let field = FieldWrite { field: edit.field, value: edit.value.clone(), over };
    RecordWrites {
        record: member.id,
        kind: kind::MEMBER,
        create: None,
        under: None,
        fields: vec![field],
    }
}

/// A replica in step, and which members it holds.
struct Desk {
    state: &'static str,
    what: String,
    members: Range<usize>,
}

fn desks(suite: &Suite) -> [Desk; 2] {
    let commune = suite.load.scopes[suite.load.commune()].2.clone();
    let all = 0..suite.load.len();
    let named = |state, members: Range<usize>| {
        let what = format!("in a replica of {} members", thousands(members.len() as f64));
        Desk { state, what, members }
    };
    [named("commune-node", commune), named("wide-node", all)]
}

fn save(replica: &mut Replica, drafts: Vec<Draft>) -> Result<()> {
    let count = drafts.len();
    let saved = replica.save(drafts, System.now_ms(), &mut |bytes| System.fill(bytes))?;
    ensure!(saved.len() == count, "not all was saved");
    Ok(())
}

fn save_all(replica: &mut Replica, batches: Vec<Vec<Draft>>) -> Result<()> {
    batches.into_iter().try_for_each(|batch| save(replica, batch))
}

fn batches_of(drafts: &[Draft], size: usize) -> Vec<Vec<Draft>> {
    drafts.chunks(size).map(<[Draft]>::to_vec).collect()
}

/// One comparison of work on a replica with work on a plain table of the same members.
struct Contest<'a> {
    suite: &'a Suite,
    desk: &'a Desk,
    runs: usize,
}

impl Contest<'_> {
    /// Seconds of both, by turns, each over a checkpoint. What is saved is made before the clock
    /// runs: both sides are given values, not copies of them.
    fn run(
        &self,
        mut raw: impl FnMut(&mut Plain) -> Result<()>,
        drafts: &[Draft],
        size: usize,
        mut product: impl FnMut(&mut Replica, Vec<Vec<Draft>>) -> Result<()>,
    ) -> Result<Series> {
        let base = self.suite.fresh("plain-base")?.join("plain.db");
        drop(filled(
            &base,
            Knobs::NODE,
            Cipher::On,
            &self.suite.load.members[self.desk.members.clone()],
        )?);
        alternate(
            self.runs,
            || {
                let path = self.suite.copy("plain-base", "run-plain")?.join("plain.db");
                let mut table = Plain::open(&path, Knobs::NODE, Cipher::On)?;
                settle();
                let ((), took) = timed(|| raw(&mut table).and_then(|()| Ok(table.checkpoint()?)))?;
                Ok(took.as_secs_f64())
            },
            || {
                let dir = self.suite.copy(self.desk.state, "run-node")?;
                let mut replica = Replica::open(&dir, &bench_key())?;
                let batches = batches_of(drafts, size);
                settle();
                let ((), took) = timed(|| {
                    product(&mut replica, batches).and_then(|()| checkpoint_replica(&dir))
                })?;
                ensure_sound(&replica)?;
                Ok(took.as_secs_f64())
            },
        )
    }
}

/// No time counts if what was saved is not all there.
fn ensure_sound(replica: &Replica) -> Result<()> {
    let equation = replica.equation()?;
    ensure!(equation.holds() && equation.unsent > 0, "the equation does not hold");
    Ok(())
}

fn each(seconds: f64, edits: usize) -> String {
    format!("{} µs", short(seconds * 1e6 / edits as f64))
}

/// Goal 4, and the pages that an edit dirties.
///
/// # Errors
/// What failed.
pub fn batches(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.commune()?;
    suite.wide()?;
    let mut findings = Vec::new();
    for desk in desks(suite) {
        let edits = suite.load.edits(desk.members.clone(), BATCHES * BATCH_EDITS, 0);
        let drafts = drafts(&suite.load, &edits);
        let contest = Contest { suite, desk: &desk, runs: suite.runs * SHORT_RUNS };
        let series = contest.run(
            |table| {
                Ok(edits
                    .chunks(BATCH_EDITS)
                    .try_for_each(|batch| table.edit(&suite.load, batch))?)
            },
            &drafts,
            BATCH_EDITS,
            save_all,
        )?;
        let count = edits.len();
        let (figure, limit) = (each(series.product(), count), each(series.limit(), count));
        findings.push(Finding::of("4", desk.what.clone(), series.ratios()).beside(figure, limit));
        findings.push(pages(suite, &desk, &edits, &drafts)?);
    }
    Ok(findings)
}

/// Pages written for each edit: a count that does not flap as seconds do.
fn pages(suite: &Suite, desk: &Desk, edits: &[Edit], drafts: &[Draft]) -> Result<Finding> {
    let path = suite.copy("plain-base", "run-plain")?.join("plain.db");
    let mut table = Plain::open(&path, Knobs::NODE, Cipher::On)?;
    let dir = suite.copy(desk.state, "run-node")?;
    let mut replica = Replica::open(&dir, &bench_key())?;
    let beside = replica_file(&dir)?;
    let (mut raw, mut product) = (0, 0);
    for (edits, drafts) in
        edits.chunks(BATCH_EDITS).zip(drafts.chunks(BATCH_EDITS)).take(BATCHES / 2)
    {
        raw += table.pages(&suite.load, &[edits])?;
        checkpoint_replica(&dir)?;
        save(&mut replica, drafts.to_vec())?;
        product += wal_frames(&beside)?;
    }
    let count = (BATCHES / 2 * BATCH_EDITS) as f64;
    let page = |pages: u64| format!("{} pages", short(pages as f64 / count));
    let what = format!("pages dirtied by an edit of a batch, {}", desk.what);
    let ratio = Spread::exact(product as f64 / raw as f64);
    Ok(Finding::shown("4 pages", what, ratio, "× R").beside(page(product), page(raw)))
}

/// Goal 4b, with the flushes of the disk where the system counts them.
///
/// # Errors
/// What failed.
pub fn singles(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.commune()?;
    let [desk, _] = desks(suite);
    let edits = suite.load.edits(desk.members.clone(), SINGLES, 0);
    let drafts = drafts(&suite.load, &edits);
    let flushes = Flushes::under(&suite.path("commune-node"));
    let count = || flushes.as_ref().and_then(Flushes::count).unwrap_or_default();
    let (mut raw_flushes, mut product_flushes) = (Vec::new(), Vec::new());
    let contest = Contest { suite, desk: &desk, runs: suite.runs * SHORT_RUNS };
    let series = contest.run(
        |table| {
            let before = count();
            edits.chunks(1).try_for_each(|edit| table.edit(&suite.load, edit))?;
            raw_flushes.push((count() - before) as f64 / SINGLES as f64);
            Ok(())
        },
        &drafts,
        1,
        |replica, drafts| {
            let before = count();
            save_all(replica, drafts)?;
            product_flushes.push((count() - before) as f64 / SINGLES as f64);
            Ok(())
        },
    )?;
    let (figure, limit) = (each(series.product(), SINGLES), each(series.limit(), SINGLES));
    let mut findings = vec![Finding::of("4b", desk.what, series.ratios()).beside(figure, limit)];
    if flushes.is_some() {
        let least = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
        let (product, raw) = (least(&product_flushes), least(&raw_flushes));
        let what = "flushes of the disk for an edit (the least of the runs: others flush too)";
        let shown = Finding::shown("4b fsync", what, Spread::exact(product / raw), "× R");
        findings.push(shown.beside(short(product), short(raw)));
    }
    Ok(findings)
}

/// Goal 4c.
///
/// # Errors
/// What failed.
pub fn inserts(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.commune()?;
    suite.wide()?;
    let home = suite.made()?.scopes[suite.load.commune()];
    let members = newcomers(&suite.load, BATCHES * BATCH_EDITS);
    let drafts: Vec<Draft> = members.iter().map(|member| creation(member, home)).collect();
    let [commune, wide] = desks(suite);
    let mut findings = Vec::new();
    for desk in [&commune, &wide] {
        let series = inserting(suite, desk, &members, &drafts, BATCH_EDITS)?;
        let (figure, limit) =
            (each(series.product(), members.len()), each(series.limit(), members.len()));
        findings.push(Finding::of("4c", desk.what.clone(), series.ratios()).beside(figure, limit));
    }
    let series = inserting(suite, &commune, &members[..SINGLES], &drafts[..SINGLES], 1)?;
    let (figure, limit) = (each(series.product(), SINGLES), each(series.limit(), SINGLES));
    let what = format!("a transaction each, {}", commune.what);
    let shown = Finding::shown("4c one", what, series.ratios(), "× R").beside(figure, limit);
    findings.push(shown);
    Ok(findings)
}

fn inserting(
    suite: &Suite,
    desk: &Desk,
    members: &[Member],
    drafts: &[Draft],
    size: usize,
) -> Result<Series> {
    Contest { suite, desk, runs: suite.runs * SHORT_RUNS }.run(
        |table| Ok(members.chunks(size).try_for_each(|batch| table.insert(batch))?),
        drafts,
        size,
        save_all,
    )
}

/// Members that no replica holds yet: those of the load under ids of today.
fn newcomers(load: &Workload, count: usize) -> Vec<Member> {
    let now_ms = System.now_ms().cast_unsigned();
    let one = |(at, member): (usize, &Member)| {
        let mut random = [0; 10];
        System.fill(&mut random);
        Member { id: RecordId::new(now_ms + at as u64, random), fields: member.fields.clone() }
    };
    load.members.iter().cycle().take(count).enumerate().map(one).collect()
}

/// What encryption costs R itself: the load and edits of a plain table, with and without.
///
/// # Errors
/// What failed.
pub fn cipher(suite: &mut Suite) -> Result<Vec<Finding>> {
    let edits = suite.load.edits(0..suite.load.len(), 20 * BATCH_EDITS, 0);
    let (mut load, mut edit) = (Series::default(), Series::default());
    for _ in 0..suite.runs {
        let once = |cipher| -> Result<(f64, f64)> {
            let path = suite.fresh("cipher")?.join("plain.db");
            settle();
            let (mut table, loading) = timed(|| suite.plain(&path, Knobs::SERVER, cipher))?;
            let all = |table: &mut Plain| {
                edits.chunks(BATCH_EDITS).try_for_each(|batch| table.edit(&suite.load, batch))
            };
            let ((), editing) = timed(|| all(&mut table).and_then(|()| table.checkpoint()))?;
            Ok((loading.as_secs_f64(), editing.as_secs_f64()))
        };
        let (off, on) = (once(Cipher::Off)?, once(Cipher::On)?);
        load.push(off.0, on.0);
        edit.push(off.1, on.1);
    }
    let rows = suite.load.len();
    let line = |what: &str, series: &Series, count| {
        Finding::shown("cipher", what, series.ratios(), "× plain")
            .beside(each(series.product(), count), each(series.limit(), count))
    };
    Ok(vec![
        line("raw insert, encrypted / not: what SQLCipher costs L and R", &load, rows),
        line("raw edit in batches of 500, encrypted / not", &edit, edits.len()),
    ])
}
