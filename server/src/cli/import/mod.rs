//! `import`: records from JSONL files, as a job of the province with the rank of an import.
//!
//! Every line of every file is read and held against the registry before the first is written, so
//! that a wrong line leaves nothing behind unless `--keep-good` says otherwise. The files are read
//! twice for that: a province's worth of lines needs no memory.
//!
//! Records that are there already are wrong lines, never overwritten: an import that was cut off
//! is finished with `--keep-good`, and any import is taken back with `undo JOB`.

pub mod known;
pub mod line;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use dongbo_proto::act::{Intent, Op};
use dongbo_proto::id::{JobId, KindId, RecordId};
use dongbo_proto::limits::{ACT_BYTES_MAX, GROUNDS_BYTES_MAX};
use dongbo_proto::words::Words;
use serde::Serialize;

use super::args::ImportArgs;
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::{progress, view, work};
use crate::registry::{self, Deed};
use crate::store::{ReadTx, StoreHandle};
use known::Known;
use line::{Bad, Draft, Line, Why};

/// Longest line, in bytes: an act's worth. A longer one is no record, and is not read into memory.
const LINE_BYTES_MAX: u64 = ACT_BYTES_MAX as u64;
/// Wrong lines that are listed one by one.
const BAD_LISTED_MAX: usize = 20;

/// A line that is no record.
#[derive(Debug)]
struct Wrong {
    path: PathBuf,
    row: u64,
    bad: Bad,
}

/// What the first reading found.
#[derive(Debug, Default)]
struct Survey {
    records: BTreeMap<KindId, u64>,
    groups: usize,
    wrong: Vec<Wrong>,
    wrong_count: u64,
}

#[derive(Serialize)]
struct Done {
    job: JobId,
    files: usize,
    acts: usize,
    records: BTreeMap<String, u64>,
    bad_lines: u64,
    bad: Vec<BadLine>,
}

#[derive(Serialize)]
struct BadLine {
    file: PathBuf,
    row: u64,
    column: String,
    why: String,
}

/// Imports files.
///
/// # Errors
/// A wrong line (nothing was kept, or the good ones where that was chosen), or the store's.
pub fn run(ctx: &Context, args: &ImportArgs) -> Result<()> {
    if args.grounds.as_ref().is_some_and(|g| g.len() > GROUNDS_BYTES_MAX) {
        return Err(Fault::new(Exit::BadInput, "fault-grounds").with("max", GROUNDS_BYTES_MAX));
    }
    let home = ctx.home()?;
    let store = home.registry()?;
    let province = work::province(ctx, &home)?;
    let survey = survey(ctx, &store, args)?;
    if survey.wrong_count > 0 && !args.keep_good {
        list_wrong(ctx, &survey);
        return Err(refused(&survey));
    }
    let job = work::Job::new(ctx, Intent::Import, args.grounds.clone());
    ctx.tell(&ctx.words.with("import-job", &[("job", &job.id)]));
    write(ctx, &store, &province, args, &survey, &job)?;
    show(ctx, args, &survey, job.id)?;
    if survey.wrong_count == 0 {
        return Ok(());
    }
    list_wrong(ctx, &survey);
    let fault = Fault::new(Exit::BadInput, "fault-import-some");
    Err(fault.with("bad", survey.wrong_count).with("good", total(&survey)))
}

/// One wrong line is the sentence itself; several are counted, after the list.
fn refused(survey: &Survey) -> Fault {
    let fault = Fault::new(Exit::BadInput, "fault-import-none");
    fault.with("bad", survey.wrong_count).with("good", total(survey))
}

fn total(survey: &Survey) -> u64 {
    survey.records.values().sum()
}

/// Reads everything once: what is there, and what is wrong with it.
fn survey(ctx: &Context, store: &StoreHandle, args: &ImportArgs) -> Result<Survey> {
    let bar = progress::bar(args.files.len() as u64, &ctx.words.get("progress-reading"));
    let survey = store.read_now(|tx| {
        let mut known = Known::read(tx)?;
        let mut survey = Survey::default();
        for path in &args.files {
            let drafts = survey.file(tx, &mut known, path)?;
            survey.groups += groups(drafts, &mut RecordId::default).len();
            bar.inc(1);
        }
        Ok::<_, Fault>(survey)
    });
    bar.finish_and_clear();
    survey
}

impl Survey {
    /// The good lines of a file; the wrong ones are noted.
    fn file(&mut self, tx: &dyn ReadTx, known: &mut Known, path: &Path) -> Result<Vec<Draft>> {
        let mut drafts: Vec<(u64, Draft)> = Vec::new();
        for read in Lines::open(path)? {
            let (row, text) = read?;
            let line = match text {
                Ok(text) => line::read(tx, known, &text)?,
                Err(why) => Err(Bad { column: String::new(), why: Why::Key(why) }),
            };
            match line {
                Ok(Line::Nothing) => {}
                Ok(Line::Record(draft)) => {
                    let fresh = draft.id.is_none_or(|id| known.note(draft.kind, id, draft.home));
                    if fresh {
                        drafts.push((row, *draft));
                    } else {
                        self.wrong(path, row, twice("why-id-twice"));
                    }
                }
                Err(bad) => self.wrong(path, row, bad),
            }
        }
        let ids: Vec<_> = drafts.iter().filter_map(|(_, d)| Some((d.kind, d.id?))).collect();
        let there = known::there(tx, &ids)?;
        let is_there = |d: &Draft| d.id.is_some_and(|id| there.contains(&(d.kind, id)));
        let (old, new): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|(_, d)| is_there(d));
        old.iter().for_each(|(row, _)| self.wrong(path, *row, twice("why-record-exists")));
        new.iter().for_each(|(_, d)| *self.records.entry(d.kind).or_default() += 1);
        Ok(new.into_iter().map(|(_, draft)| draft).collect())
    }

    fn wrong(&mut self, path: &Path, row: u64, bad: Bad) {
        self.wrong_count += 1;
        if self.wrong.len() < BAD_LISTED_MAX {
            self.wrong.push(Wrong { path: path.to_owned(), row, bad });
        }
    }
}

fn twice(key: &'static str) -> Bad {
    Bad { column: "id".to_owned(), why: Why::Key(key) }
}

/// Cuts drafts into acts, none of which is in two scopes: each advances one revision.
fn groups(drafts: Vec<Draft>, new_id: &mut dyn FnMut() -> RecordId) -> Vec<Vec<Op>> {
    let mut all = Vec::new();
    for run in drafts.chunk_by(|a, b| a.home == b.home) {
        let op = |d: &Draft| d.clone().into_op(d.id.unwrap_or_else(&mut *new_id));
        all.extend(work::groups(run.iter().map(op).collect()));
    }
    all
}

/// Reads the files again and writes their good lines, a few acts to a commit.
fn write(
    ctx: &Context,
    store: &StoreHandle,
    province: &registry::Province,
    args: &ImportArgs,
    survey: &Survey,
    job: &work::Job,
) -> Result<()> {
    let bar = progress::bar(total(survey), &ctx.words.get("progress-import"));
    let now_ms = ctx.now_ms();
    let mut known = store.read_now(Known::read)?;
    let mut item = 0;
    let of = u32::try_from(survey.groups).unwrap_or(u32::MAX);
    for path in &args.files {
        // What the first reading found wrong is passed over without a word.
        let drafts = store.read_now(|tx| Survey::default().file(tx, &mut known, path))?;
        let groups = groups(drafts, &mut || work::new_id(ctx.entropy.as_ref(), now_ms));
        let deeds: Vec<Deed> = job.deeds(groups, item, of);
        item += u32::try_from(deeds.len()).unwrap_or_default();
        work::carry_out(store, province, &deeds, now_ms, &mut |n| bar.inc(n))?;
    }
    bar.finish_and_clear();
    Ok(())
}

fn show(ctx: &Context, args: &ImportArgs, survey: &Survey, job: JobId) -> Result<()> {
    let records = survey.records.iter().map(|(k, n)| (view::kind_name(*k), *n)).collect();
    let done = Done {
        job,
        files: args.files.len(),
        acts: survey.groups,
        records,
        bad_lines: survey.wrong_count,
        bad: survey.wrong.iter().map(|w| w.json(&ctx.words)).collect(),
    };
    ctx.show(&done, |words| {
        let kinds: Vec<String> = done.records.iter().map(|(k, n)| format!("{k} {n}")).collect();
        let args: [(&str, &dyn Display); 4] = [
            ("records", &total(survey)),
            ("kinds", &kinds.join(", ")),
            ("acts", &done.acts),
            ("job", &done.job),
        ];
        words.with("import-done", &args)
    })
}

fn list_wrong(ctx: &Context, survey: &Survey) {
    for wrong in &survey.wrong {
        ctx.tell(&wrong.sentence(&ctx.words));
    }
    let more = survey.wrong_count - survey.wrong.len() as u64;
    if more > 0 {
        ctx.tell(&ctx.words.with("import-more-bad", &[("more", &more)]));
    }
}

impl Wrong {
    fn why(&self, words: &Words) -> String {
        match self.bad.why {
            Why::Key(key) => words.get(key),
            Why::Rule(why) => {
                let args = why.args();
                let args: Vec<(&str, &dyn Display)> =
                    args.iter().map(|(n, v)| (*n, v as &dyn Display)).collect();
                words.with(why.key(), &args)
            }
        }
    }

    fn sentence(&self, words: &Words) -> String {
        let (path, why) = (self.path.display(), self.why(words));
        let key = if self.bad.column.is_empty() { "import-bad-line" } else { "import-bad-cell" };
        let args: [(&str, &dyn Display); 4] =
            [("path", &path), ("row", &self.row), ("column", &self.bad.column), ("why", &why)];
        words.with(key, &args)
    }

    fn json(&self, words: &Words) -> BadLine {
        let (file, column) = (self.path.clone(), self.bad.column.clone());
        BadLine { file, row: self.row, column, why: self.why(words) }
    }
}

/// The lines of a file, numbered from 1, each within its limit and in UTF-8, or why not.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    row: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Fault::file(path, &e))?;
        Ok(Lines { path: path.to_owned(), reader: BufReader::new(file), row: 0 })
    }

    /// The rest of a line that is too long, without keeping it.
    fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let held = self.reader.fill_buf()?;
            let end = held.iter().position(|b| *b == b'\n');
            let (seen, done) =
                (end.map_or(held.len(), |at| at + 1), end.is_some() || held.is_empty());
            self.reader.consume(seen);
            if done {
                return Ok(());
            }
        }
    }

    fn line(&mut self) -> std::io::Result<Option<std::result::Result<String, &'static str>>> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
            self.skip_rest()?;
            return Ok(Some(Err("why-line-too-long")));
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        Ok(Some(String::from_utf8(text.to_vec()).map_err(|_| "why-not-utf8")))
    }
}

type Numbered = (u64, std::result::Result<String, &'static str>);

impl Iterator for Lines {
    type Item = Result<Numbered>;

    fn next(&mut self) -> Option<Result<Numbered>> {
        self.row += 1;
        match self.line() {
            Ok(line) => line.map(|line| Ok((self.row, line))),
            Err(e) => Some(Err(Fault::file(&self.path, &e))),
        }
    }
}
