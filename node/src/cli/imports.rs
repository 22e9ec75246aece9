//! `import`: reads a file of records in, as one job that can be undone as one.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::{Path, PathBuf};

use dongbo_sqlite::files::{remove_if_there, replace_private, with_suffix};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::args::Import;
use super::said::{Said, Text};
use super::shell::Shell;
use super::{Exit, out};
use crate::office::Result;
use crate::office::import::report::Fault;
use crate::office::import::{Imported, Keep, Progress, import};

/// Bad rows that are printed; all of them are in the report.
const FAULTS_SHOWN_MAX: usize = 20;
/// What the report of a file is called.
const REPORT_SUFFIX: &str = ".report.jsonl";
/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads a file in.
pub fn run(shell: &mut Shell, args: Import) -> Result<Exit> {
    let mut desk = shell.open()?;
    let keep = if args.good_rows { Keep::GoodRows } else { Keep::AllOrNothing };
    let (file, bytes) = open(&args.file)?;
    let mut bar = Bar::new(shell, bytes);
    let imported = import(&mut desk, file, keep, &mut bar)?;
    bar.0.finish_and_clear();
    if let (Some(job), Some(name)) = (imported.job, &args.job_name) {
        desk.replica.set_note(&format!("job.{job}"), name.as_bytes())?;
    }
    let report = report(shell, &args, &imported.faults)?;
    tell(shell, &imported, keep, report.as_deref());
    match imported.bad_rows() {
        Some(error) if keep == Keep::AllOrNothing => Err(error),
        Some(_) => Ok(Exit::BadData),
        None => Ok(Exit::Done),
    }
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, u64)> {
    if path == Path::new("-") {
        return Ok((Box::new(stdin().lock()), 0));
    }
    let file = File::open(path)?;
    let bytes = file.metadata().map_or(0, |m| m.len());
    Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), bytes))
}

/// Writes what is wrong beside the file; a report of an earlier try is taken away.
fn report(shell: &Shell, args: &Import, faults: &[Fault]) -> Result<Option<PathBuf>> {
    let from_file = args.file != Path::new("-");
    let beside = from_file.then(|| with_suffix(&args.file, REPORT_SUFFIX));
    let Some(path) = args.report.clone().or(beside) else { return Ok(None) };
    if faults.is_empty() {
        remove_if_there(&path)?;
        return Ok(None);
    }
    let mut text = Vec::new();
    for fault in faults {
        writeln!(text, "{}", fault.to_json(&sentence(shell, fault)))?;
    }
    replace_private(&path, &text)?;
    Ok(Some(path))
}

fn sentence(shell: &Shell, fault: &Fault) -> String {
    let plain = |(name, text): (&'static str, String)| (name, Text::Plain(text));
    let args = fault.why.args().into_iter().map(plain).collect();
    Said { key: fault.why.key().to_owned(), args, exit: Exit::BadData }.sentence(&shell.words)
}

fn tell(shell: &Shell, imported: &Imported, keep: Keep, report: Option<&Path>) {
    if shell.json {
        return out::json(&json!({
            "job": imported.job,
            "acts": imported.acts,
            "rows": imported.rows,
            "added": imported.added,
            "changed": imported.changed,
            "unchanged": imported.unchanged,
            "requested": imported.requested,
            "rows_bad": imported.bad_rows().map_or(0, |_| count(&imported.faults)),
            "kept": if imported.job.is_some() { "rows" } else { "nothing" },
            "faults": imported.faults.iter().map(|f| f.to_json(&sentence(shell, f))).collect::<Vec<_>>(),
            "report": report,
        }));
    }
    for fault in imported.faults.iter().take(FAULTS_SHOWN_MAX) {
        let column = fault.column.clone().unwrap_or_else(|| "–".to_owned());
        let why = sentence(shell, fault);
        let args: [(&str, &dyn std::fmt::Display); 3] =
            [("row", &fault.row), ("column", &column), ("why", &why)];
        out::note(&shell.words.with("import-fault", &args));
    }
    if let Some(path) = report {
        out::note(&shell.words.with("import-report", &[("file", &path.display())]));
    }
    if keep == Keep::AllOrNothing && !imported.faults.is_empty() {
        return;
    }
    let args: [(&str, &dyn std::fmt::Display); 5] = [
        ("rows", &imported.rows),
        ("added", &imported.added),
        ("changed", &imported.changed),
        ("unchanged", &imported.unchanged),
        ("requested", &imported.requested),
    ];
    out::line(&shell.words.with("import-done", &args));
    if let Some(job) = imported.job {
        out::line(&shell.words.with("import-job", &[("job", &job)]));
    }
}

fn count(faults: &[Fault]) -> usize {
    let mut rows: Vec<usize> = faults.iter().map(|f| f.row).collect();
    rows.dedup();
    rows.len()
}

/// Progress at a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(shell: &Shell, bytes: u64) -> Self {
        let looked_at = out::someone_looks() && !shell.json;
        let bar = if looked_at { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg}") {
            bar.set_style(style);
        }
        Bar(bar)
    }
}

impl Progress for Bar {
    fn read(&mut self, bytes: u64) {
        self.0.set_position(bytes);
    }

    fn saving(&mut self, acts: usize) {
        self.0.set_message(format!("+{acts}"));
    }
}
