//! `cargo demo`: the README's first command. The story is in `dongbo_tests::demo`.

use std::process::ExitCode;

use clap::Parser;
use dongbo_tests::demo::{Options, run};

fn main() -> ExitCode {
    run(&Options::parse())
}
