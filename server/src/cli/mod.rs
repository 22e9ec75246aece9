//! The command line of the provincial server.
//!
//! [`args`] is the contract as clap reads it; each command is a function that takes a
//! [`context::Context`] and its arguments, prints its result to standard output and returns a
//! [`fault::Fault`] otherwise. What is said to people is looked up by key in `server/words`; exit
//! codes are in [`exit`]; names and JSON shapes are written down in `server/docs/CLI.md`.
//!
//! Deliberately absent: what the province does (`registry`) and how it serves (`service`).

pub mod args;
mod bundle;
pub mod context;
mod edit;
pub mod exit;
pub mod fault;
mod fleet;
mod held;
mod home;
mod import;
mod init;
mod keep;
mod look;
mod node;
mod progress;
mod record;
mod rehearse;
mod serve;
mod sql;
mod table;
mod text;
mod view;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dongbo_proto::states::State;
use serde_json::json;

use args::{Cli, Command};
use context::Context;
use fault::{Fault, Result};

/// Runs the program with the process's own arguments.
#[must_use]
pub fn main() -> ExitCode {
    main_of(std::env::args_os())
}

/// Runs a command line: the program's name and its arguments.
#[must_use]
pub fn main_of(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(args);
    match Context::new(&cli.global).and_then(|ctx| run(&ctx, &cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&cli, &fault);
            ExitCode::from(fault.exit.number())
        }
    }
}

/// Says on standard error what went wrong: a sentence, or an object where JSON was asked for.
fn complain(cli: &Cli, fault: &Fault) {
    let sentence = fault.sentence(&context::words(cli.global.lang));
    if cli.global.json {
        let state = State::of_key(fault.key).map(State::name);
        let exit = fault.exit.number();
        let error =
            json!({ "error": fault.key, "state": state, "exit": exit, "message": sentence });
        eprintln!("{error}");
    } else {
        eprintln!("{sentence}");
    }
}

fn run(ctx: &Context, command: &Command) -> Result<()> {
    match command {
        Command::Init(args) => init::run(ctx, args),
        Command::Serve(args) => serve::run(ctx, args),
        Command::Invite(args) => node::invite(ctx, args),
        Command::Revoke(args) => node::revoke(ctx, args),
        Command::Nodes => node::list(ctx),
        Command::Status(args) => look::status(ctx, args),
        Command::Fleet(args) => fleet::run(ctx, args),
        Command::Conflicts => look::conflicts(ctx),
        Command::History(args) => look::history(ctx, args),
        Command::Held(command) => held::run(ctx, command),
        Command::Digest => look::digest(ctx),
        Command::Verify => keep::verify(ctx),
        Command::Backup(args) => keep::backup(ctx, args),
        Command::Restore(args) if args.rehearse => rehearse::run(ctx, args),
        Command::Restore(args) => keep::restore(ctx, args),
        Command::Import(args) => import::run(ctx, args),
        Command::Record(command) => record::run(ctx, command),
        Command::Undo(args) => edit::undo(ctx, args),
        Command::Place(args) => edit::place(ctx, args),
        Command::Bundle(command) => bundle::run(ctx, command),
        Command::Sql(args) => sql::run(ctx, args),
    }
}
