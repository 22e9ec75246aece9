//! The benchmark suite: each goal beside its limit, by turns, in one run on one machine, as a ratio.
//!
//! ```text
//! cargo goals                       everything, at the full province: some minutes
//! cargo goals --size tenth --only 1,3b --runs 9
//! ```
//!
//! L, R and E (`limit`, `plain`, `reference`) are what nothing that does the same work is likely to beat; they run under
//! the product's encryption, knobs and durability. No time counts unless the replicas and the registry have equal
//! digests afterwards. `goal` has the bars, `report` the table.
//! Deliberately absent: seconds to be proud of. They are shown so that a ratio can be understood.

mod bootstrap;
mod delta;
mod edit;
mod goal;
mod limit;
mod machine;
mod merge;
mod plain;
mod proxy;
mod realm;
mod reference;
mod report;
mod series;
mod suite;
mod upload;
pub(crate) mod workload;

use anyhow::{Result, bail};

pub use goal::{Finding, GOALS, Goal, Sense, Verdict};
pub use report::Report;
pub use series::{RUNS_MIN, Spread};

use crate::province::Size;
use suite::Suite;
use workload::Workload;

/// The seed of the generated province and of its edits.
const SEED: u64 = 20_191_231;

/// What is wanted of a run.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How large the province is.
    pub size: Size,
    /// Pairs of each measurement.
    pub runs: usize,
    /// Numbers of goals, as `1` or `3b`; all where empty.
    pub only: Vec<String>,
}

/// A part of the suite: the goals that it measures together, and how.
type Part = (&'static [&'static str], &'static str, fn(&mut Suite) -> Result<Vec<Finding>>);

/// All parts, in an order in which each finds made what it needs.
const PARTS: [Part; 10] = [
    (&["1"], "upload", upload::rate),
    (&["1b"], "upload, bytes", upload::size),
    (&["2"], "bootstrap", bootstrap::rate),
    (&["3", "3b", "3c"], "daily exchange", delta::daily),
    (&["4"], "local edits", edit::batches),
    (&["4b"], "local edits, one by one", edit::singles),
    (&["4c"], "local inserts", edit::inserts),
    (&["5", "6b"], "merge", merge::merges),
    (&["6", "6s", "6c"], "stores", bootstrap::sizes),
    (&["cipher"], "what encryption costs", edit::cipher),
];

/// Measures.
///
/// # Errors
/// A goal that there is none of, or what failed: a failure is never a figure.
pub fn run(wanted: &Wanted, mut say: impl FnMut(&str)) -> Result<Report> {
    let known = |id: &String| PARTS.iter().any(|part| part.0.contains(&id.as_str()));
    if let Some(id) = wanted.only.iter().find(|id| !known(id)) {
        bail!("there is no goal {id}");
    }
    say("generating the province");
    let load = Workload::generate(SEED, wanted.size)?;
    let setting = format!(
        "{} members, {} scopes; seed {SEED}; {} pairs of runs by turns, medians of ratios; everything encrypted, \
         synchronous=FULL on both sides, clocks over a checkpoint",
        report::thousands(load.len() as f64),
        load.scopes.len(),
        wanted.runs,
    );
    let mut suite = Suite::new(load, wanted.runs)?;
    let mut report = Report { setting, ..Report::default() };
    for (goals, name, measure) in PARTS {
        let is_wanted = |id: &&str| wanted.only.is_empty() || wanted.only.iter().any(|w| w == id);
        if goals.iter().any(is_wanted) {
            say(name);
            report.findings.extend(measure(&mut suite)?);
        }
    }
    Ok(report)
}
