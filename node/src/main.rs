//! `dongbo-node`: the node of a commune's office. Everything is in `dongbo_node::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dongbo_node::cli::main()
}
