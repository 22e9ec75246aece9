//! `passphrase`: what stands between a stolen disk and the data.

use std::path::PathBuf;

use dongbo_sqlite::passphrase::PASSPHRASE_CHARS_MIN;
use dongbo_sqlite::{Guarded, KeyError, KeyFile, Protection};
use serde_json::json;

use super::args;
use super::shell::{Passphrase, Shell, read_passphrase};
use super::{Exit, out};
use crate::office::desk::KEY_FILE;
use crate::office::standing::protection;
use crate::office::{OfficeError, Result};

/// Sets or removes it.
pub fn run(shell: &mut Shell, command: args::Passphrase) -> Result<Exit> {
    let desk = shell.open()?;
    let new = match command {
        args::Passphrase::Set { new_passphrase_file } => Some(wanted(shell, new_passphrase_file)?),
        args::Passphrase::Remove => None,
    };
    let by = new.as_ref().map_or(Protection::File, |p| Protection::Passphrase(p));
    let entropy = desk.entropy.clone();
    let key = KeyFile::protect(&desk.path(KEY_FILE), &desk.key, by, &mut |b| entropy.fill(b))?;
    tell(shell, key.guarded());
    Ok(Exit::Done)
}

fn wanted(shell: &Shell, file: Option<PathBuf>) -> Result<Passphrase> {
    file.map_or_else(|| ask_new(shell), |path| read_passphrase(&path))
}

/// Asks for a new passphrase, twice.
pub fn ask_new(shell: &Shell) -> Result<Passphrase> {
    let min: [(&str, &dyn std::fmt::Display); 1] = [("min", &PASSPHRASE_CHARS_MIN)];
    out::note(&shell.words.with("ask-new-passphrase", &min));
    let first = shell.ask("ask-passphrase")?;
    let second = shell.ask("ask-passphrase-again")?;
    if *first == *second { Ok(first) } else { Err(OfficeError::KeyFile(KeyError::WrongPassphrase)) }
}

fn tell(shell: &Shell, guarded: Guarded) {
    if shell.json {
        return out::json(&json!({ "protection": protection(guarded) }));
    }
    let key = match guarded {
        Guarded::ByFile => "status-guarded-file",
        Guarded::ByPassphrase => "status-guarded-passphrase",
    };
    out::line(&shell.say(key));
}
