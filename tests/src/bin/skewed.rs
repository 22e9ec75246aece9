//! Both programs as a later release would have them: `skewed <schema version> node|server …`, where
//! the rest is a command line of theirs. For the stories in which two releases meet.

use std::ffi::OsString;
use std::process::ExitCode;

use dongbo_tests::skew;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let (_, version, side) = (args.next(), args.next(), args.next());
    let version = version.and_then(|text| text.to_str()?.parse().ok());
    let Some(version) = version.filter(|v| (skew::NEXT..=skew::AFTER_NEXT).contains(v)) else {
        return usage();
    };
    if let Err(error) = skew::files(version).stand_in(version) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let with = |name: &str| [OsString::from(name)].into_iter().chain(args);
    match side.as_deref().and_then(|side| side.to_str()) {
        Some("node") => dongbo_node::cli::main_of(with("dongbo-node")),
        Some("server") => dongbo_server::cli::main_of(with("dongbo-server")),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("skewed 2|3 node|server ARGUMENTS…");
    ExitCode::from(2)
}
