//! `cargo herd`: every office of a province at once against one server. Ends with 1 if a bound was missed, with 2 if
//! something failed.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use dongbo_tests::herd::{Report, Wanted, run};
use dongbo_tests::province::Size;

/// As in the product's binaries.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Starts the server as a process of its own, lets every office of a province come to it at once, new and
/// after an outage, and prints how long they waited and what the server took for it.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  cargo herd\n  cargo herd --nodes 200 --beside 50 --size tenth --json"
)]
struct Arguments {
    /// How many offices.
    #[arg(long, default_value_t = 800)]
    nodes: usize,
    /// The smaller herd, with which the server's memory is compared.
    #[arg(long, default_value_t = 200)]
    beside: usize,
    /// How large the province is: full, tenth or hundredth.
    #[arg(long, default_value = "full")]
    size: Size,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let say = |what: &str| eprintln!("{:4} s  {what}", begun.elapsed().as_secs());
    let of = |nodes| run(&Wanted { nodes, size: arguments.size }, say);
    match of(arguments.beside).and_then(|beside| Ok((beside, of(arguments.nodes)?))) {
        Ok((beside, herd)) => {
            let report = Report { herd: herd.into(), beside: beside.into() };
            let text =
                if arguments.json { format!("{:#}\n", report.json()) } else { report.text() };
            print!("{text}");
            ExitCode::from(u8::from(!report.missed().is_empty()))
        }
        Err(error) => {
            eprintln!("the herd failed, so there are no figures: {error:?}");
            ExitCode::from(2)
        }
    }
}
