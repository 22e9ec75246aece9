//! Which sentence an error gets, and which exit code. Every sentence says what happened, what was
//! kept, and what to do. Pure.

use std::path::Path;

use dongbo_proto::code::CodeError;
use dongbo_proto::stick::StickError;
use dongbo_proto::words::Words;
use dongbo_sqlite::{KeyError, Kind, LockError, OpenError};

use super::Exit;
use crate::exchange::ExchangeError;
use crate::exchange::fault::LinkFault;
use crate::office::OfficeError;
use crate::replica::ReplicaError;

/// A sentence by key with what it names, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The key of the sentence; also the word for scripts.
    pub key: String,
    /// What it names: ids, names of fields and files, counts.
    pub args: Vec<(&'static str, Text)>,
    /// How the command ends.
    pub exit: Exit,
}

/// An argument of a sentence: as it is, or a sentence of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// As it is.
    Plain(String),
    /// A sentence with numbers in it.
    Sentence(String, Vec<(&'static str, i64)>),
}

impl Said {
    fn new(key: &str, exit: Exit) -> Self {
        Said { key: key.to_owned(), args: Vec::new(), exit }
    }

    fn with(mut self, name: &'static str, text: impl ToString) -> Self {
        self.args.push((name, Text::Plain(text.to_string())));
        self
    }

    /// The sentence in a language.
    pub fn sentence(&self, words: &Words) -> String {
        let texts: Vec<(&str, String)> =
            self.args.iter().map(|(name, text)| (*name, text.in_words(words))).collect();
        let args: Vec<(&str, &dyn std::fmt::Display)> =
            texts.iter().map(|(name, text)| (*name, text as &dyn std::fmt::Display)).collect();
        words.with(&self.key, &args)
    }
}

impl Text {
    fn in_words(&self, words: &Words) -> String {
        match self {
            Text::Plain(text) => text.clone(),
            Text::Sentence(key, numbers) => {
                let args: Vec<(&str, &dyn std::fmt::Display)> =
                    numbers.iter().map(|(name, n)| (*name, n as &dyn std::fmt::Display)).collect();
                words.with(key, &args)
            }
        }
    }
}

/// The sentence for an error in a data directory.
pub fn of(error: &OfficeError, dir: &Path) -> Said {
    let said = match error {
        OfficeError::Replica(e) => of_replica(e),
        OfficeError::Exchange(e) => of_exchange(e),
        OfficeError::KeyFile(e) => of_key_file(e),
        OfficeError::Code(e) => of_code(e),
        OfficeError::NodeKey(_) => Said::new("err-node-key", Exit::Unexpected),
        OfficeError::Io(e) => of_io(e),
        OfficeError::NotJoined => Said::new("err-not-joined", Exit::NotFound),
        OfficeError::AlreadyJoined => Said::new("err-already-joined", Exit::Usage),
        OfficeError::NotDamaged => Said::new("err-not-damaged", Exit::Usage),
        OfficeError::IdentityDamaged => Said::new("err-identity-damaged", Exit::Storage),
        other => of_input(other),
    };
    said.with("dir", dir.display())
}

/// What a person gave that cannot be.
fn of_input(error: &OfficeError) -> Said {
    use OfficeError as E;
    match error {
        E::UnknownKind { near } => guessed("err-unknown-kind", near),
        E::UnknownField { kind, field, near } => {
            guessed("err-unknown-field", near).with("kind", kind).with("field", field)
        }
        E::NotAPair => Said::new("err-not-a-pair", Exit::Usage),
        E::GivenTwice { field } => Said::new("err-given-twice", Exit::BadData).with("field", field),
        E::Invalid { field, why } => {
            let mut said = Said::new("err-invalid", Exit::BadData).with("field", field);
            said.args.push(("why", Text::Sentence(why.key().to_owned(), why.args())));
            said
        }
        E::Missing { fields } => {
            Said::new("err-missing", Exit::BadData).with("fields", fields.join(", "))
        }
        E::NeverWritten { field } => {
            Said::new("err-never-written", Exit::BadData).with("field", field)
        }
        E::Reference { kind } => Said::new("err-reference", Exit::BadData).with("kind", kind),
        E::InConflict { field, heads } => {
            Said::new("err-in-conflict", Exit::InConflict).with("field", field).with("count", heads)
        }
        E::BadRows { count } => Said::new("err-bad-rows", Exit::BadData).with("count", count),
        E::NotReadOnly => Said::new("err-not-read-only", Exit::Usage),
        E::Statement(why) => Said::new("err-statement", Exit::Usage).with("why", why),
        other => of_name(other),
    }
}

/// Something named that is not here, or not one thing.
fn of_name(error: &OfficeError) -> Said {
    use OfficeError as E;
    match error {
        E::BadId => Said::new("err-bad-id", Exit::Usage),
        E::NotFound(id) => Said::new("err-not-found", Exit::NotFound).with("id", id),
        E::UnknownScope { code } => {
            Said::new("err-unknown-scope", Exit::NotFound).with("code", code)
        }
        E::WhichScope { codes } => {
            Said::new("err-which-scope", Exit::Usage).with("codes", codes.join(", "))
        }
        E::UnknownCode { kind, code } => {
            Said::new("err-unknown-code", Exit::NotFound).with("kind", kind).with("code", code)
        }
        E::AmbiguousCode { kind, code } => {
            Said::new("err-ambiguous-code", Exit::BadData).with("kind", kind).with("code", code)
        }
        E::NothingToSettle => Said::new("err-nothing-to-settle", Exit::NotFound),
        E::NothingToUndo => Said::new("err-nothing-to-undo", Exit::NotFound),
        E::NotUndoable(_) => Said::new("err-not-undoable", Exit::NotFound),
        E::AlreadyUndone(act) => Said::new("err-already-undone", Exit::NotFound).with("act", act),
        _ => Said::new("err-unexpected", Exit::Unexpected),
    }
}

fn guessed(key: &str, near: &Option<String>) -> Said {
    match near {
        Some(near) => Said::new(&format!("{key}-near"), Exit::Usage).with("near", near),
        None => Said::new(key, Exit::Usage),
    }
}

fn of_code(error: &CodeError) -> Said {
    match error {
        CodeError::Character { group, place } => {
            Said::new("code-character", Exit::Usage).with("group", group).with("place", place)
        }
        CodeError::Length { found } => Said::new("code-length", Exit::Usage).with("found", found),
        CodeError::Checksum => Said::new("code-checksum", Exit::Usage),
        CodeError::Version => Said::new("code-version", Exit::Usage),
    }
}

fn of_key_file(error: &KeyError) -> Said {
    match error {
        KeyError::Missing => Said::new("key-missing", Exit::Storage),
        KeyError::Exists => Said::new("key-exists", Exit::Storage),
        KeyError::TooOpen { mode } => {
            Said::new("key-too-open", Exit::Storage).with("mode", format!("{mode:o}"))
        }
        KeyError::Malformed { what } => Said::new("key-damaged", Exit::Storage).with("what", what),
        KeyError::NewerVersion { found } => {
            Said::new("key-newer", Exit::Storage).with("found", found)
        }
        KeyError::WrongPassphrase => Said::new("key-wrong-passphrase", Exit::Storage),
        KeyError::NeedsPassphrase => Said::new("key-needs-passphrase", Exit::Storage),
        KeyError::PassphraseTooShort => Said::new("key-passphrase-short", Exit::BadData),
        KeyError::Io(e) => of_io(e),
    }
}

fn of_io(error: &std::io::Error) -> Said {
    match dongbo_sqlite::classify_io(error) {
        Kind::Full => Said::new("disk-full", Exit::Storage),
        Kind::ReadOnly => Said::new("disk-read-only", Exit::Storage),
        _ if error.kind() == std::io::ErrorKind::NotFound => {
            Said::new("file-missing", Exit::NotFound)
        }
        _ => Said::new("disk-fault", Exit::Storage).with("why", error.kind()),
    }
}

fn of_replica(error: &ReplicaError) -> Said {
    use ReplicaError as E;
    match error {
        E::Open(e) => of_open(e),
        E::Locked(LockError::Held { pid, purpose }) => Said::new("dir-busy", Exit::Busy)
            .with("pid", pid.map_or_else(|| "?".to_owned(), |p| p.to_string()))
            .with("purpose", purpose),
        E::NewerCatalogue { found, known } => {
            Said::new("db-newer", Exit::Storage).with("found", found).with("known", known)
        }
        E::Migrate(dongbo_sqlite::MigrateError::NewerVersion { found, known }) => {
            Said::new("db-newer", Exit::Storage).with("found", found).with("known", known)
        }
        E::Exists => Said::new("err-already-joined", Exit::Usage),
        E::Damaged(what) => Said::new("db-contradicts", Exit::Storage).with("what", what),
        E::Rewound { journal, outbox } => {
            Said::new("db-rewound", Exit::Storage).with("journal", journal).with("outbox", outbox)
        }
        E::Unsalvageable { from, to } => {
            Said::new("db-unsalvageable", Exit::Storage).with("from", from).with("to", to)
        }
        E::Refused { reason, .. } => {
            let mut said = Said::new("err-not-savable", Exit::BadData);
            said.args.push(("why", Text::Sentence(reason.key().to_owned(), Vec::new())));
            said
        }
        E::UnknownRecord(id) => Said::new("err-not-found", Exit::NotFound).with("id", id),
        E::RecordExists(id) => Said::new("err-record-exists", Exit::BadData).with("id", id),
        E::ScopeNotHeld(scope) => {
            Said::new("err-unknown-scope", Exit::NotFound).with("code", scope)
        }
        E::Word(word) => Said::new("err-word", Exit::NotInStep).with("why", word),
        E::Wire(_) => Said::new("err-unexpected", Exit::Unexpected),
        E::Io(e) => of_io(e),
        other => of_storage(other),
    }
}

/// What SQLite said, by what can be done about it.
fn of_storage(error: &ReplicaError) -> Said {
    match error.storage() {
        Some(Kind::Full) => Said::new("disk-full", Exit::Storage),
        Some(Kind::Busy) => Said::new("dir-busy-unknown", Exit::Busy),
        Some(Kind::ReadOnly) => Said::new("disk-read-only", Exit::Storage),
        Some(Kind::Damaged) => Said::new("db-damaged", Exit::Storage),
        Some(Kind::Io) => Said::new("disk-fault", Exit::Storage).with("why", error),
        _ => Said::new("err-unexpected", Exit::Unexpected),
    }
}

fn of_open(error: &OpenError) -> Said {
    match error {
        OpenError::Missing => Said::new("db-missing", Exit::Storage),
        OpenError::NewerVersion { found, known } => {
            Said::new("db-newer", Exit::Storage).with("found", found).with("known", known)
        }
        OpenError::Damaged { .. } => Said::new("db-damaged", Exit::Storage),
        OpenError::WrongKey => Said::new("db-wrong-key", Exit::Storage),
        OpenError::NotADatabase => Said::new("db-not-ours", Exit::Storage),
        OpenError::Busy => Said::new("dir-busy-unknown", Exit::Busy),
        OpenError::Full => Said::new("disk-full", Exit::Storage),
        OpenError::ReadOnly => Said::new("disk-read-only", Exit::Storage),
        OpenError::NoCipher => Said::new("db-no-cipher", Exit::Unexpected),
        OpenError::Io(e) => of_io(e),
        OpenError::Sqlite(_) if error.kind() == Kind::Io => {
            Said::new("disk-fault", Exit::Storage).with("why", error)
        }
        OpenError::Sqlite(_) => Said::new("err-unexpected", Exit::Unexpected),
    }
}

/// Why an exchange did not come to its end.
pub fn of_exchange(error: &ExchangeError) -> Said {
    match error {
        ExchangeError::Link(fault) => of_link(*fault),
        ExchangeError::Cut => Said::new("link-cut", Exit::NoLink),
        ExchangeError::Wire(_) => Said::new("link-not-understood", Exit::Unexpected),
        ExchangeError::Replica(e) => of_replica(e),
        ExchangeError::Key(_) => Said::new("err-node-key", Exit::Unexpected),
        ExchangeError::Certificate(_) => Said::new("err-certificate", Exit::Storage),
        ExchangeError::Stick(why) => of_stick(*why),
        ExchangeError::OldAnswer => Said::new("bundle-old-answer", Exit::Refused),
        ExchangeError::NoCard => Said::new("bundle-no-card", Exit::Usage),
        ExchangeError::Refused(refusal) => Said::new(refusal.key(), Exit::Refused),
    }
}

fn of_stick(why: StickError) -> Said {
    use StickError as E;
    let exit = match why {
        E::Forged | E::WrongWay | E::OtherProvince | E::OtherNode | E::NotOpened => Exit::Refused,
        E::NotOurs | E::Newer(_) | E::Torn | E::TooLarge => Exit::BadData,
    };
    Said::new(why.key(), exit)
}

fn of_link(fault: LinkFault) -> Said {
    match fault {
        LinkFault::Unreachable => Said::new("link-unreachable", Exit::NoLink),
        LinkFault::Broken => Said::new("link-cut", Exit::NoLink),
        LinkFault::WrongAuthority => Said::new("link-wrong-authority", Exit::Refused),
        LinkFault::NotTheServer => Said::new("link-not-the-server", Exit::Refused),
        LinkFault::ServerExpired => Said::new("link-server-expired", Exit::Refused),
        LinkFault::Refused => Said::new("link-refused", Exit::Refused),
        LinkFault::NotOurProtocol => Said::new("link-not-our-protocol", Exit::Refused),
    }
}
