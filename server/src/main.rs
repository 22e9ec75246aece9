//! The provincial server's program: everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dongbo_server::cli::main()
}
