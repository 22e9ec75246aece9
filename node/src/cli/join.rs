//! `join`: first contact, and the first exchange.

use dongbo_proto::code::JoinCode;
use dongbo_proto::id::ScopeId;
use serde_json::json;

use super::args::Join;
use super::shell::{Passphrase, Shell};
use super::{Exit, out, sync};
use crate::exchange::ExchangeError;
use crate::office::join::{self, Newcomer};
use crate::office::{Desk, OfficeError, Result};

/// Joins a province.
pub fn run(shell: &mut Shell, args: Join) -> Result<Exit> {
    let code: JoinCode = args.code.parse()?;
    if args.again {
        return again(shell, &args, &code);
    }
    let passphrase = passphrase(shell, args.ask_passphrase)?;
    let passphrase = passphrase.as_ref().map(|p| p.as_str());
    let newcomer = Newcomer::prepare(shell.opener(), &args.server, passphrase)?;
    let mut desk = ask(shell, newcomer, &code)?;
    let tally = if args.no_sync { None } else { Some(sync::exchange(shell, &mut desk)) };
    tell(shell, &desk, tally)
}

/// Joins again with the key and the journal that are here.
fn again(shell: &Shell, args: &Join, code: &JoinCode) -> Result<Exit> {
    let mut desk = shell.open()?;
    shell.runtime()?.block_on(join::again(&mut desk, &args.server, code))?;
    let tally = (!args.no_sync).then(|| sync::exchange(shell, &mut desk));
    tell(shell, &desk, tally)
}

/// The passphrase that will guard the data, if the person wants one.
fn passphrase(shell: &Shell, ask: bool) -> Result<Option<Passphrase>> {
    if ask {
        return super::passphrase::ask_new(shell).map(Some);
    }
    shell.given_passphrase()
}

fn ask(shell: &Shell, newcomer: Newcomer, code: &JoinCode) -> Result<Desk> {
    match shell.runtime()?.block_on(newcomer.ask(code)) {
        Ok(joined) => newcomer.begin(joined),
        Err(error) => {
            if is_final(&error) {
                newcomer.abandon()?;
            }
            Err(error)
        }
    }
}

/// Whether the province has certainly not let this machine in: only then is what was made here
/// thrown away.
fn is_final(error: &OfficeError) -> bool {
    matches!(error, OfficeError::Exchange(ExchangeError::Refused(_) | ExchangeError::Link(_)))
}

fn tell(shell: &Shell, desk: &Desk, tally: Option<Result<sync::Report>>) -> Result<Exit> {
    let grants = desk.grants()?;
    let own = grants.iter().filter(|g| g.scope != ScopeId::REFERENCE);
    let codes: Vec<_> = own.map(|g| g.code.clone()).collect();
    let synced = tally.as_ref().map(|t| t.as_ref().ok().map(sync::Report::to_json));
    if shell.json {
        out::json(&json!({
            "province": desk.identity.province,
            "author": desk.identity.author,
            "scopes": grants.iter().map(|g| json!({
                "scope": g.scope.0, "code": g.code, "name": g.name,
            })).collect::<Vec<_>>(),
            "sync": synced.flatten(),
        }));
    } else {
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("province", &desk.identity.province), ("scopes", &codes.join(", "))];
        out::line(&shell.words.with("join-done", &args));
    }
    match tally {
        None => Ok(Exit::Done),
        // The machine has joined whatever became of the first exchange: the next sync goes on.
        Some(Err(error)) => {
            out::note(&shell.say("join-first-sync-failed"));
            Err(error)
        }
        Some(Ok(report)) => {
            if !shell.json {
                report.print(shell);
            }
            Ok(report.exit())
        }
    }
}
