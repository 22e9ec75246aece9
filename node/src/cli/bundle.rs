//! `bundle`: the commune's end of a stick.
//!
//! Deliberately absent: the envelope (`proto::stick`), the frames (`exchange::stick`) and the keys
//! (`office::stick`).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use dongbo_proto::limits::STICK_BYTES_MAX;
use dongbo_proto::stick::{Kind, StickError};
use dongbo_sqlite::files::replace_private;
use serde_json::json;

use super::args::{Bundle, BundleExport};
use super::shell::Shell;
use super::sync::{end_exit, end_key, end_word, kilobytes};
use super::{Exit, out, status};
use crate::exchange::ExchangeError;
use crate::exchange::stick::{Taken, kind_of};
use crate::office::desk::has_joined;
use crate::office::join::Newcomer;
use crate::office::standing::equation_json;
use crate::office::stick::{self, Imported};
use crate::office::{Desk, OfficeError, Result};

/// Writes a bundle, or takes one in.
pub fn run(shell: &mut Shell, command: Bundle) -> Result<Exit> {
    match command {
        Bundle::Export(args) => match &args.code {
            Some(code) => ask_to_join(shell, &args, code),
            None => export(shell, &args),
        },
        Bundle::Import { file } => import(shell, &file),
    }
}

fn ask_to_join(shell: &Shell, args: &BundleExport, code: &str) -> Result<Exit> {
    let code = code.parse()?;
    let card = read(args.card.as_deref().ok_or(ExchangeError::NoCard)?)?;
    let passphrase = shell.given_passphrase()?;
    let passphrase = passphrase.as_ref().map(|p| p.as_str());
    let server = args.server.as_deref().unwrap_or_default();
    let mut newcomer = Newcomer::prepare(shell.opener(), server, passphrase)?;
    let file = match newcomer.ask_by_stick(&code, &card) {
        Ok(file) => file,
        Err(error) => {
            newcomer.abandon()?;
            return Err(error);
        }
    };
    replace_private(&args.file, &file)?;
    if shell.json {
        out::json(&json!({ "file": args.file, "joining": true, "acts": 0, "left": 0 }));
    } else {
        let say: [(&str, &dyn std::fmt::Display); 2] =
            [("path", &args.file.display()), ("dir", &shell.dir.display())];
        out::line(&shell.words.with("bundle-asked", &say));
    }
    Ok(Exit::Done)
}

fn export(shell: &Shell, args: &BundleExport) -> Result<Exit> {
    let mut desk = shell.open()?;
    if let Some(card) = &args.card {
        stick::keep_card(&mut desk, &read(card)?)?;
    }
    if let Some(server) = &args.server {
        desk.identity.server = server.clone();
        desk.keep_identity()?;
    }
    let request = stick::request(&desk, args.bytes_max)?;
    replace_private(&args.file, &request.file)?;
    if shell.json {
        let (acts, left) = (request.acts, request.left);
        out::json(&json!({ "file": args.file, "joining": false, "acts": acts, "left": left }));
        return Ok(Exit::Done);
    }
    let say: [(&str, &dyn std::fmt::Display); 2] =
        [("acts", &request.acts), ("path", &args.file.display())];
    out::line(&shell.words.with("bundle-exported", &say));
    if request.left > 0 {
        out::line(&shell.words.with("bundle-left", &[("count", &request.left)]));
    }
    Ok(Exit::Done)
}

fn import(shell: &Shell, path: &Path) -> Result<Exit> {
    let file = read(path)?;
    let kind = kind_of(&file)?;
    if has_joined(&shell.dir) {
        let mut desk = shell.open()?;
        return match stick::import(&mut desk, &file)? {
            Imported::Card => card_kept(shell),
            Imported::Answer(taken) => tell(shell, &desk, &taken),
        };
    }
    match kind {
        Kind::JoinAnswer => {}
        Kind::Card | Kind::Answer => return Err(OfficeError::NotJoined),
        _ => return Err(ExchangeError::from(StickError::WrongWay).into()),
    }
    let passphrase = shell.passphrase()?;
    let newcomer = Newcomer::waiting(shell.opener(), passphrase.as_ref().map(|p| p.as_str()))?;
    let (desk, taken) = newcomer.begin_by_stick(&file)?;
    tell(shell, &desk, &taken)
}

fn card_kept(shell: &Shell) -> Result<Exit> {
    if shell.json {
        out::json(&json!({ "end": "card" }));
    } else {
        out::line(&shell.say("bundle-card-kept"));
    }
    Ok(Exit::Done)
}

fn tell(shell: &Shell, desk: &Desk, taken: &Taken) -> Result<Exit> {
    let equation = desk.replica.equation()?;
    let exit = taken.end.as_ref().map_or(Exit::NotInStep, end_exit);
    if shell.json {
        out::json(&json!({
            "end": taken.end.as_ref().map_or("more", end_word),
            "province": desk.identity.province,
            "records_received": taken.tally.records_received,
            "records_changed": taken.tally.records_changed,
            "bytes_down": taken.tally.bytes_down,
            "refilled": taken.tally.refilled,
            "certificate_renewed": taken.certificate.is_some(),
            "equation": equation_json(&equation),
        }));
        return Ok(exit);
    }
    out::line(&shell.say(taken.end.as_ref().map_or("bundle-more", end_key)));
    let down = kilobytes(taken.tally.bytes_down);
    let say: [(&str, &dyn std::fmt::Display); 2] =
        [("records", &taken.tally.records_changed), ("down", &down)];
    out::line(&shell.words.with("bundle-taken", &say));
    if taken.certificate.is_some() {
        out::line(&shell.say("sync-renewed"));
    }
    out::line(&status::equation(shell, &equation));
    Ok(exit)
}

/// A bundle, at most as large as any that is written.
fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(STICK_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
