//! `dongbo-node`: the node of a commune's office. Everything is in `dongbo_node::cli`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    dongbo_node::cli::main()
}
