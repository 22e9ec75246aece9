//! `cargo goals`: the benchmark suite on the command line. Ends with 1 if a floor is missed, with 2 if something failed.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use dongbo_tests::bench::{RUNS_MIN, Wanted, run};
use dongbo_tests::province::Size;

/// As in the product's binaries.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the product beside the limits of the machine that it runs on, and prints ratios, floors and aims.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  cargo goals\n  cargo goals --size tenth --only 1,3b --runs 9\n  cargo goals --json"
)]
struct Arguments {
    /// How large the province is: full, tenth or hundredth.
    #[arg(long, default_value = "full")]
    size: Size,
    /// Pairs of each measurement; a median of fewer than five is not to be believed.
    #[arg(long, default_value_t = RUNS_MIN)]
    runs: usize,
    /// Goals to measure, as 1,3b; all if not given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = Wanted { size: arguments.size, runs: arguments.runs.max(1), only: arguments.only };
    let begun = Instant::now();
    let say = |what: &str| eprintln!("{:4} s  {what}", begun.elapsed().as_secs());
    match run(&wanted, say) {
        Ok(report) => {
            let text =
                if arguments.json { format!("{:#}\n", report.json()) } else { report.table() };
            print!("{text}");
            if report.floors_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the suite failed, so there are no figures: {error:?}");
            ExitCode::from(2)
        }
    }
}
