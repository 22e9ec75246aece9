//! What every command needs: where the data is, the language, how to print, and the one source of
//! time and randomness.
//!
//! Deliberately absent: what any command does, and the texts (`words`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dongbo_proto::catalogue::text::{is_visible, visible};
use dongbo_proto::limits::PERSON_BYTES_MAX;
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::words::{Lang, Words};
use serde::Serialize;

use super::args::Global;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::home::Home;
use crate::system::System;

/// Vietnamese sentences of the server.
pub const VI: &str = include_str!("../../words/server.vi.ftl");
/// English sentences of the server.
pub const EN: &str = include_str!("../../words/server.en.ftl");

/// Who acts where nobody says so.
const PERSON_DEFAULT: &str = "province";

/// The system's clock, moved: the seam by which stories set a clock to 2035.
struct Shifted {
    offset_ms: i64,
}

impl Clock for Shifted {
    fn now_ms(&self) -> UnixMs {
        System.now_ms().saturating_add(self.offset_ms)
    }
}

/// What every command needs.
pub struct Context {
    data: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    /// The sentences.
    pub words: Words,
    /// Whether to print JSON.
    pub json: bool,
    /// Who acts.
    pub person: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// The sentences of the server in a language.
#[must_use]
pub fn words(lang: Lang) -> Words {
    Words::new(lang, VI, EN)
}

impl Context {
    /// From the options that all commands have.
    ///
    /// # Errors
    /// A person's name that no act can carry.
    pub fn new(global: &Global) -> Result<Self> {
        let person = global.person.clone().unwrap_or_else(|| PERSON_DEFAULT.to_owned());
        if person.trim().is_empty() || person.len() > PERSON_BYTES_MAX || !is_visible(&person) {
            let fault = Fault::new(Exit::Usage, "fault-person");
            return Err(fault.with("max", PERSON_BYTES_MAX));
        }
        Ok(Context {
            data: global.data.clone(),
            passphrase_file: global.passphrase_file.clone(),
            words: words(global.lang),
            json: global.json,
            person,
            clock: Arc::new(Shifted { offset_ms: global.clock_offset.saturating_mul(1_000) }),
            entropy: Arc::new(System),
        })
    }

    /// The data directory that was named.
    ///
    /// # Errors
    /// None was.
    pub fn data(&self) -> Result<&Path> {
        self.data.as_deref().ok_or_else(|| Fault::new(Exit::Usage, "fault-no-data"))
    }

    /// The data directory, which must be one.
    ///
    /// # Errors
    /// It is not there, or is something else.
    pub fn home(&self) -> Result<Home> {
        Home::open(self.data()?, self.passphrase()?)
    }

    /// The passphrase of the key file, from the file that was named.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn passphrase(&self) -> Result<Option<String>> {
        let Some(path) = &self.passphrase_file else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| Fault::file(path, &e))?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }

    /// Server time, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }

    /// Prints a result: JSON where that was asked for, else the text.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn show(&self, json: &impl Serialize, text: impl FnOnce(&Words) -> String) -> Result<()> {
        if self.json {
            return print(&serde_json::to_string(json).map_err(|e| unexpected(&e))?);
        }
        print(visible(text(&self.words).trim_end()).as_ref())
    }

    /// Prints a sentence to standard error: what a person is told beside the result.
    pub fn tell(&self, sentence: &str) {
        eprintln!("{}", visible(sentence));
    }
}

/// Prints lines to standard output and flushes them. A reader that went away (`| head`) is no
/// fault.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(unexpected(&e)),
        _ => Ok(()),
    }
}

/// Something that nobody foresaw.
pub fn unexpected(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(Exit::Unexpected, "fault-unexpected").because(error)
}
