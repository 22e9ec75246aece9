//! Runs the simulator over many seeds, or one seed again.
//!
//! Deliberately absent: what is simulated and checked (`dongbo_tests::sim`).

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use dongbo_tests::sim::{Counts, Failure, Plan, Story, run};

/// Runs the real server and the real nodes on a simulated network, with everything going wrong that
/// can, and checks every promise. The same seed gives the same run.
#[derive(Parser)]
#[command(after_help = "Examples:
  simulate                          30 seeds, from 1
  simulate --seeds 1000 --from 500  seeds 500 to 1499
  simulate --seed 7                 seed 7 again, with its event log
  simulate --seed 7 --twice         seed 7 twice: the logs must be equal
  simulate --seeds 20 --nodes 20    twenty communes in each run

Exit code: 0 if every promise was kept in every run, 1 if one was broken; the seed and the command
that replays it are printed.")]
struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 30)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Communes in each run; 3 to 5 by the seed unless given.
    #[arg(long)]
    nodes: Option<usize>,
    /// One seed, with its event log.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Run each seed twice and compare the event logs.
    #[arg(long)]
    twice: bool,
    /// Simulated seconds of trouble in each run.
    #[arg(long, default_value_t = 180)]
    trouble: u64,
    /// Runs at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only failures and the table.
    #[arg(long)]
    quiet: bool,
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    failed: Vec<u64>,
    faults: Counts,
    deeds: Counts,
    checks: Counts,
}

impl Sum {
    fn add(&mut self, story: &Story) {
        for (into, from) in [
            (&mut self.faults, &story.faults),
            (&mut self.deeds, &story.deeds),
            (&mut self.checks, &story.checks),
        ] {
            from.iter().for_each(|(name, count)| *into.entry(name).or_default() += count);
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let sum = Mutex::new(Sum::default());
    let (first, count) = options.seed.map_or((options.from, options.seeds), |seed| (seed, 1));
    let next = AtomicU64::new(0);
    let began = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..options.jobs.max(1) {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    one(&options, first + at, &sum);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    table(&sum);
    println!(
        "{} runs, {} failed, {:.1} s",
        sum.runs,
        sum.failed.len(),
        began.elapsed().as_secs_f64()
    );
    if sum.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("failed: {:?}", sum.failed);
    ExitCode::FAILURE
}

fn one(options: &Options, seed: u64, sum: &Mutex<Sum>) {
    let plan = Plan::of_seed(seed, options.nodes, options.trouble);
    let began = Instant::now();
    let mut outcome = run(plan);
    if options.twice
        && let Ok(story) = &outcome
        && let Err(failure) = same_again(plan, story)
    {
        outcome = Err(failure);
    }
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.runs += 1;
    match outcome {
        Ok(story) => {
            if options.seed.is_some() {
                story.log.lines().iter().for_each(|line| println!("{line}"));
            }
            if !options.quiet {
                line(&story, began.elapsed().as_secs_f64());
            }
            sum.add(&story);
        }
        Err(failure) => {
            broken(options, &failure);
            sum.failed.push(seed);
        }
    }
}

fn same_again(plan: Plan, story: &Story) -> Result<(), Box<Failure>> {
    let again = run(plan)?;
    let Some((at, one, other)) = story.log.parting(&again.log) else { return Ok(()) };
    let what = format!("the same seed gave another run, from line {at}:\n  {one}\n  {other}");
    Err(Box::new(Failure { plan, what, log: again.log }))
}

fn line(story: &Story, took_s: f64) {
    let total = |counts: &Counts| counts.values().sum::<u64>();
    println!(
        "seed {:>6}  {} nodes  {:>4} deeds  {:>3} faults  {:>5} checks  {:>4.0} s simulated, healed in {:>3.0} s  \
         {:.2} s  log {}",
        story.plan.seed,
        story.plan.nodes,
        total(&story.deeds),
        total(&story.faults),
        total(&story.checks),
        story.lasted.as_secs_f64(),
        story.healed_in.as_secs_f64(),
        took_s,
        story.log.hash(),
    );
}

fn broken(options: &Options, failure: &Failure) {
    const LINES_SHOWN: usize = 60;
    let lines = failure.log.lines();
    let from = if options.seed.is_some() { 0 } else { lines.len().saturating_sub(LINES_SHOWN) };
    lines[from..].iter().for_each(|line| println!("{line}"));
    let Plan { seed, nodes, trouble_s } = failure.plan;
    println!("seed {seed:>6}  BROKEN: {}", failure.what);
    println!(
        "replay: cargo run --release -p dongbo-tests --bin simulate -- --seed {seed} --nodes {nodes} --trouble {trouble_s}"
    );
}

fn table(sum: &Sum) {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["", "what", "times"]);
    for (title, counts) in [
        ("faults injected", &sum.faults),
        ("people did", &sum.deeds),
        ("invariants checked", &sum.checks),
    ] {
        for (at, (name, count)) in counts.iter().enumerate() {
            table.add_row([if at == 0 { title } else { "" }, name, &count.to_string()]);
        }
    }
    println!("{table}");
}
