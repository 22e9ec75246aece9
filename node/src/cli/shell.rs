//! What every command has: the language, the data directory, who and when, and how to refuse.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use console::Term;
use dongbo_proto::seam::Clock;
use dongbo_proto::states::State;
use dongbo_proto::words::Words;
use dongbo_sqlite::{Guarded, KeyError, KeyFile};
use serde_json::json;
use zeroize::Zeroizing;

use super::args::Args;
use super::clock::ShiftedClock;
use super::{Exit, out, said};
use crate::office::desk::{KEY_FILE, Opener, has_joined};
use crate::office::{Desk, OfficeError, Result};
use crate::system::System;

/// Variables in which systems say who is logged in.
const PERSON_VARIABLES: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];
/// Who it was where the system does not say.
const PERSON_UNKNOWN: &str = "office";
/// Where the data are if nothing says so.
const DATA_DEFAULT: &str = "dongbo";

/// A passphrase; wiped when dropped.
pub type Passphrase = Zeroizing<String>;

/// What the global arguments say.
pub struct Shell {
    /// The sentences.
    pub words: Words,
    /// Whether a script reads.
    pub json: bool,
    /// The data directory.
    pub dir: PathBuf,
    /// Who does it.
    pub person: String,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    passphrase_file: Option<PathBuf>,
}

impl Shell {
    /// From the arguments.
    pub fn new(args: &Args, words: Words) -> Self {
        Shell {
            words,
            json: args.json,
            dir: args.data.clone().unwrap_or_else(|| PathBuf::from(DATA_DEFAULT)),
            person: args.person.clone().unwrap_or_else(person),
            clock: Arc::new(ShiftedClock { offset_s: args.clock_offset }),
            passphrase_file: args.passphrase_file.clone(),
        }
    }

    /// What a desk is opened with.
    pub fn opener(&self) -> Opener {
        Opener {
            dir: self.dir.clone(),
            person: self.person.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(System),
        }
    }

    /// Opens the data directory.
    pub fn open(&self) -> Result<Desk> {
        if !has_joined(&self.dir) {
            return Err(OfficeError::NotJoined);
        }
        let passphrase = self.passphrase()?;
        Desk::open(self.opener(), passphrase.as_ref().map(|p| p.as_str()))
    }

    /// The passphrase, where the key file needs one: from its file, or asked for at a terminal.
    pub fn passphrase(&self) -> Result<Option<Passphrase>> {
        if KeyFile::guarded(&self.dir.join(KEY_FILE))? == Guarded::ByFile {
            return Ok(None);
        }
        self.given_passphrase()?
            .map_or_else(|| self.ask("ask-passphrase").map(Some), |p| Ok(Some(p)))
    }

    /// The passphrase of `--passphrase-file`.
    pub fn given_passphrase(&self) -> Result<Option<Passphrase>> {
        self.passphrase_file.as_ref().map(read_passphrase).transpose()
    }

    /// Asks for a passphrase at the terminal, unseen.
    pub fn ask(&self, key: &str) -> Result<Passphrase> {
        if !io::stdin().is_terminal() {
            return Err(KeyError::NeedsPassphrase.into());
        }
        out::note(&self.words.get(key));
        Ok(Zeroizing::new(Term::stderr().read_secure_line()?))
    }

    /// A runtime for the exchange: the replica works on the calling thread, and one more keeps the
    /// link alive meanwhile.
    pub fn runtime(&self) -> Result<tokio::runtime::Runtime> {
        Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
    }

    /// Says why a command was not done, and how it ends.
    pub fn refuse(&self, error: &OfficeError) -> Exit {
        let said = said::of(error, &self.dir);
        if said.exit == Exit::Unexpected {
            // For whoever repairs the program; errors hold no member's data.
            tracing::warn!(?error, "unexpected");
        }
        let sentence = said.sentence(&self.words);
        if self.json {
            let state = State::of_key(&said.key).map(State::name);
            let exit = said.exit as u8;
            out::note_json(
                &json!({ "error": said.key, "state": state, "message": sentence, "exit": exit }),
            );
        } else {
            out::note(&sentence);
        }
        said.exit
    }

    /// A sentence.
    pub fn say(&self, key: &str) -> String {
        self.words.get(key)
    }

    /// The language as the catalogue's labels take it.
    pub fn lang(&self) -> &'static str {
        match self.words.lang() {
            dongbo_proto::words::Lang::Vi => "vi",
            dongbo_proto::words::Lang::En => "en",
        }
    }
}

/// A passphrase is the first line of its file.
pub fn read_passphrase(path: &PathBuf) -> Result<Passphrase> {
    let text = Zeroizing::new(std::fs::read_to_string(path)?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn person() -> String {
    let said = PERSON_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    said.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| PERSON_UNKNOWN.to_owned())
}
