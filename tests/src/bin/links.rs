//! `cargo links`: slow and bad links for real, both profiles. Ends with 1 if something was missed, with 2 if something
//! failed, with 3 where this machine cannot make such links.

use std::process::ExitCode;

use clap::Parser;

/// Carries a commune's acts up and the province's records down over links that are slow, lose packets and are cut, and
/// prints what that cost. Needs root and iproute2.
#[derive(Parser)]
struct Arguments {
    /// Acts that the commune brings.
    #[arg(long, default_value_t = 300)]
    acts: usize,
    /// The most seconds that one profile may take.
    #[arg(long, default_value_t = 900)]
    within: u64,
    /// Say only whether this machine can make such links.
    #[arg(long)]
    can: bool,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use dongbo_tests::links::{Profile, Wanted, can, run};
    let arguments = Arguments::parse();
    match can() {
        Ok(by) if arguments.can => {
            println!("{by}");
            return ExitCode::SUCCESS;
        }
        Ok(by) => eprintln!("packets are carried by {by}"),
        Err(why) => {
            eprintln!("NOT DONE: this machine cannot make bad links. {why}");
            return ExitCode::from(3);
        }
    }
    let mut missed = false;
    for profile in [Profile::SLOW, Profile::LOSSY] {
        let (acts, within_s) = (arguments.acts, arguments.within);
        let wanted = Wanted { profile, acts, cuts_max: u32::MAX, within_s };
        match run(wanted) {
            Ok(report) if arguments.json => println!("{:#}", report.json()),
            Ok(report) => {
                print!("{}", report.text());
                report.missed().iter().for_each(|what| println!("  MISSED: {what}"));
                missed |= !report.missed().is_empty();
            }
            Err(error) => {
                eprintln!("{}: {error}", profile.name);
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::from(u8::from(missed))
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    let _ = Arguments::parse();
    eprintln!("NOT DONE: bad links need the network namespaces of Linux.");
    ExitCode::from(3)
}
