//! Why a command did not do what was asked: an exit code, the key of a sentence and its arguments.
//!
//! Every sentence says what happened, what was kept and what to do. Arguments are paths, codes,
//! field names, numbers and ids, never a member's data; so nothing needs to be hidden here.

use std::fmt::Display;
use std::io;
use std::path::Path;

use dongbo_proto::catalogue::Invalid;
use dongbo_proto::words::Words;
use dongbo_sqlite::{BackupError, KeyError, LockError, MigrateError, OpenError, classify_io};

use super::exit::Exit;
use crate::ca::CaError;
use crate::registry::Error as RegistryError;
use crate::store::StoreError;
use crate::store::sqlite::SqliteOpenError;

/// An argument of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Arg {
    Text(String),
    /// A sentence of its own, put into the other's place.
    Words(&'static str, Vec<(&'static str, i64)>),
}

/// Why a command ended without doing what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The exit code.
    pub exit: Exit,
    /// The key of the sentence.
    pub key: &'static str,
    args: Vec<(&'static str, Arg)>,
    /// What a library said, for whoever repairs it.
    cause: Option<String>,
}

/// What commands return.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    /// A fault with a sentence.
    pub fn new(exit: Exit, key: &'static str) -> Self {
        Fault { exit, key, args: Vec::new(), cause: None }
    }

    /// With an argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.args.push((name, Arg::Text(value.to_string())));
        self
    }

    /// With a path.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        self.with("path", path.display())
    }

    /// With the sentence of another key as an argument.
    #[must_use]
    pub fn with_words(mut self, name: &'static str, key: &'static str) -> Self {
        self.args.push((name, Arg::Words(key, Vec::new())));
        self
    }

    /// With the rule that a value breaks.
    #[must_use]
    pub fn with_rule(mut self, invalid: Invalid) -> Self {
        self.args.push(("why", Arg::Words(invalid.key(), invalid.args())));
        self
    }

    /// With what a library said.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// What a library said.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The sentence for a person.
    #[must_use]
    pub fn sentence(&self, words: &Words) -> String {
        let spell = |arg: &Arg| match arg {
            Arg::Text(text) => text.clone(),
            Arg::Words(key, args) => {
                let args: Vec<(&str, &dyn Display)> =
                    args.iter().map(|(name, n)| (*name, n as &dyn Display)).collect();
                words.with(key, &args)
            }
        };
        let spelt: Vec<(&str, String)> = self.args.iter().map(|(n, a)| (*n, spell(a))).collect();
        let args: Vec<(&str, &dyn Display)> =
            spelt.iter().map(|(n, t)| (*n, t as &dyn Display)).collect();
        let sentence = words.with(self.key, &args);
        match &self.cause {
            Some(cause) => format!("{sentence}\n  ({cause})"),
            None => sentence,
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        let (exit, key) = match error.kind() {
            io::ErrorKind::NotFound => (Exit::NotFound, "fault-file-missing"),
            _ => of_kind(classify_io(error)),
        };
        Fault::new(exit, key).at(path).because(error)
    }

    /// A key file that gave no key.
    pub fn key(path: &Path, error: &KeyError) -> Self {
        let (exit, key) = match error {
            KeyError::Missing => (Exit::Storage, "fault-key-missing"),
            KeyError::Exists => (Exit::Refused, "fault-exists"),
            KeyError::TooOpen { .. } => (Exit::Refused, "fault-key-too-open"),
            KeyError::NewerVersion { .. } => (Exit::Storage, "fault-newer-version"),
            KeyError::WrongPassphrase => (Exit::Refused, "fault-wrong-passphrase"),
            KeyError::NeedsPassphrase => (Exit::Refused, "fault-needs-passphrase"),
            KeyError::PassphraseTooShort => (Exit::BadInput, "fault-passphrase-too-short"),
            KeyError::Io(e) => return Fault::file(path, e),
            _ => (Exit::Storage, "fault-key-damaged"),
        };
        Fault::new(exit, key).at(path).because(error)
    }

    /// A database that did not open.
    pub fn open(path: &Path, error: &OpenError) -> Self {
        let (exit, key) = match error {
            OpenError::Missing => (Exit::Storage, "fault-database-missing"),
            OpenError::NewerVersion { .. } => (Exit::Storage, "fault-newer-version"),
            OpenError::WrongKey => (Exit::Refused, "fault-wrong-key"),
            OpenError::NotADatabase => (Exit::Storage, "fault-not-a-database"),
            OpenError::NoCipher => (Exit::Unexpected, "fault-unexpected"),
            other => of_kind(other.kind()),
        };
        Fault::new(exit, key).at(path).because(error)
    }

    /// A store that did not open.
    pub fn store(path: &Path, error: &SqliteOpenError) -> Self {
        match error {
            SqliteOpenError::Open(e) => Fault::open(path, e),
            SqliteOpenError::Migrate(MigrateError::NewerVersion { .. }) => {
                Fault::new(Exit::Storage, "fault-newer-version").at(path).because(error)
            }
            SqliteOpenError::Migrate(_) => {
                Fault::new(Exit::Storage, "fault-storage").at(path).because(error)
            }
            SqliteOpenError::Kinds(e) => Fault::from(e.clone()),
        }
    }

    /// A copy that was not made.
    pub fn copy(path: &Path, error: &BackupError) -> Self {
        match error {
            BackupError::Exists => Fault::new(Exit::Refused, "fault-exists").at(path),
            BackupError::Open(e) => Fault::open(path, e),
            BackupError::Io(e) => Fault::file(path, e),
            BackupError::Unsound { .. } => {
                Fault::new(Exit::Storage, "fault-damaged").at(path).because(error)
            }
            BackupError::Sqlite(_) => {
                let (exit, key) = of_kind(error.kind());
                Fault::new(exit, key).at(path).because(error)
            }
        }
    }

    /// A data directory that another process has.
    pub fn lock(dir: &Path, error: &LockError) -> Self {
        match error {
            LockError::Held { pid, purpose } => Fault::new(Exit::Busy, "fault-in-use")
                .at(dir)
                .with("pid", pid.map_or_else(|| "?".to_owned(), |p| p.to_string()))
                .with("purpose", purpose),
            LockError::Io(e) => Fault::file(dir, e),
        }
    }

    /// A cell of a table or a line of a file that is not valid.
    pub fn cell(path: &Path, row: u64, column: &str, key: &'static str) -> Self {
        Fault::new(Exit::BadInput, "fault-bad-cell")
            .at(path)
            .with("row", row)
            .with("column", column)
            .with_words("why", key)
    }

    /// The same, where the value breaks a rule of its field.
    pub fn value(path: &Path, row: u64, column: &str, invalid: Invalid) -> Self {
        let fault = Fault::new(Exit::BadInput, "fault-bad-cell").at(path);
        fault.with("row", row).with("column", column).with_rule(invalid)
    }
}

fn of_kind(kind: dongbo_sqlite::Kind) -> (Exit, &'static str) {
    use dongbo_sqlite::Kind;
    match kind {
        Kind::Full => (Exit::Storage, "fault-disk-full"),
        Kind::Busy => (Exit::Busy, "fault-database-busy"),
        Kind::ReadOnly => (Exit::Storage, "fault-read-only"),
        Kind::Damaged => (Exit::Storage, "fault-damaged"),
        _ => (Exit::Storage, "fault-storage"),
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let (exit, key) = match &error {
            StoreError::Busy => (Exit::Busy, "fault-database-busy"),
            StoreError::Full => (Exit::Storage, "fault-disk-full"),
            StoreError::ReadOnly => (Exit::Storage, "fault-read-only"),
            StoreError::Damaged(_) => (Exit::Storage, "fault-damaged"),
            StoreError::Panicked => (Exit::Unexpected, "fault-unexpected"),
            StoreError::Closed | StoreError::Backend(_) => (Exit::Storage, "fault-storage"),
        };
        let cause = match &error {
            StoreError::Backend(source) => format!("{error}: {source}"),
            other => other.to_string(),
        };
        Fault::new(exit, key).with("path", "dongbo.db").because(cause)
    }
}

impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(e) => e.into(),
            RegistryError::Stop(stop) => {
                Fault::new(Exit::Refused, "fault-refused").with_words("why", stop.key())
            }
            RegistryError::NotTaken(reason) => {
                Fault::new(Exit::Refused, "fault-refused").with_words("why", reason.key())
            }
            RegistryError::Damaged(_) => {
                let fault = Fault::new(Exit::Storage, "fault-damaged").with("path", "dongbo.db");
                fault.because(error)
            }
            RegistryError::Unknown(what) => {
                Fault::new(Exit::NotFound, "fault-unknown").with("what", what)
            }
            RegistryError::Exists(what) => {
                Fault::new(Exit::Refused, "fault-already").with("what", what)
            }
            RegistryError::TooMany(what) => {
                Fault::new(Exit::BadInput, "fault-too-many").with("what", what)
            }
        }
    }
}

impl From<CaError> for Fault {
    fn from(error: CaError) -> Self {
        match &error {
            CaError::File { path, source } => Fault::file(path, source),
            CaError::AlreadyThere(path) => Fault::new(Exit::Refused, "fault-exists").at(path),
            CaError::Unfit(what) => {
                Fault::new(Exit::BadInput, "fault-certificate-unfit").with("what", what)
            }
            _ => Fault::new(Exit::Storage, "fault-authority").because(&error),
        }
    }
}
