//! The command line: arguments in, sentences or JSON out, an exit code that scripts can trust.
//!
//! One file a command. Names, JSON shapes and exit codes are a contract: `node/docs/CLI.md`.
//! Every sentence comes from `node/words` by key; `--help` alone is bilingual in place, since it
//! is printed before a language is known.
//!
//! Deliberately absent: what the commands mean (`office`), and SQL but for the read-only shell.

pub mod args;
mod bundle;
mod clock;
mod conflicts;
mod digest;
mod exit;
mod exports;
mod history;
mod imports;
mod inbox;
mod join;
mod out;
mod passphrase;
mod record;
mod said;
mod salvage;
mod shell;
mod sql;
mod status;
mod sync;
mod table;
mod undo;
mod verify;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dongbo_proto::words::Words;

use crate::office::Result;
use args::{Args, Command};
pub use exit::Exit;
use shell::Shell;

/// The node's sentences in Vietnamese.
pub const WORDS_VI: &str = include_str!("../../words/node.vi.ftl");
/// The node's sentences in English.
pub const WORDS_EN: &str = include_str!("../../words/node.en.ftl");

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_of(std::env::args_os())
}

/// Runs a command line: the program's name and its arguments.
pub fn main_of(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(e) => {
            // Help and version are answers; the rest is a wrong use.
            let _ = e.print();
            return if e.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    log();
    let words = Words::new(args.lang, WORDS_VI, WORDS_EN);
    let mut shell = Shell::new(&args, words);
    match run(&mut shell, args.command) {
        Ok(exit) => exit.into(),
        Err(error) => shell.refuse(&error).into(),
    }
}

/// Warnings of the program to stderr; more with `RUST_LOG`. Nothing logged holds a member's data.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

fn run(shell: &mut Shell, command: Command) -> Result<Exit> {
    match command {
        Command::Join(args) => join::run(shell, args),
        Command::Sync(args) if args.watch => watch::run(shell),
        Command::Sync(_) => sync::run(shell),
        Command::Status => status::run(shell),
        Command::Member(command) => record::run(shell, "member", command),
        Command::Record(args) => record::run(shell, &args.kind.clone(), args.command),
        Command::Conflicts(command) => conflicts::run(shell, command),
        Command::Bundle(command) => bundle::run(shell, command),
        Command::Undo(args) => undo::run(shell, args),
        Command::Import(args) => imports::run(shell, args),
        Command::Export(args) => exports::run(shell, args),
        Command::Inbox(args) => inbox::run(shell, args),
        Command::Digest => digest::run(shell),
        Command::Salvage(args) => salvage::run(shell, args),
        Command::Verify => verify::run(shell),
        Command::Sql(args) => sql::run(shell, args),
        Command::Passphrase(command) => passphrase::run(shell, command),
    }
}
