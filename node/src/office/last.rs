//! What the last exchange ended with: kept, so that `status` still says it days later, with since
//! when, and what to do.
//!
//! Nothing is written while exchanges end in step: the replica's own words (last contact, receipt) say
//! that. A failure is kept with the token that was in force then; once another exchange has
//! completed, by whatever way, the failure is history.
//!
//! Deliberately absent: sentences (the catalogue of states has the keys).

use dongbo_proto::frame::Token;
use dongbo_proto::id::Hash;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::states::{State, of_stop};
use dongbo_sqlite::Kind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exchange::ExchangeError;
use crate::exchange::fault::LinkFault;
use crate::replica::{Replica, ReplicaError};
use crate::session::End;

/// The note that holds it; empty once an exchange has come to its end.
const NOTE: &str = "last_failure";

/// An exchange that did not end in step, and how often it ended so in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// What it ended with.
    pub state: State,
    /// When it first ended so, by this computer's clock.
    pub since_ms: UnixMs,
    /// When it last did.
    pub at_ms: UnixMs,
    /// How many exchanges in a row did.
    pub times: u64,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
struct Note {
    state: String,
    since_ms: UnixMs,
    at_ms: UnixMs,
    times: u64,
    /// Of the token in force: another one means that an exchange has completed since.
    token: String,
}

/// The state that an exchange leaves the office in; none where it is in step.
#[must_use]
pub fn of_end(end: &End) -> Option<State> {
    match end {
        End::InStep => None,
        End::DeliverOnly => Some(State::DeliverOnly),
        End::Rewound => Some(State::Rewound),
        End::WentBack { .. } => Some(State::ServerLost),
        End::TwoServers { .. } => Some(State::TwoServers),
        End::Diverged => Some(State::Diverged),
        End::Stopped(stop) => Some(of_stop(*stop)),
        End::Confused => Some(State::Confused),
    }
}

/// The state that an exchange leaves the office in that did not come to an end.
#[must_use]
pub fn of_error(error: &ExchangeError) -> State {
    match error {
        ExchangeError::Link(fault) => of_link(*fault),
        ExchangeError::Cut => State::LinkCut,
        ExchangeError::Wire(_) => State::NotUnderstood,
        ExchangeError::Replica(e) => of_replica(e),
        ExchangeError::Key(_) => State::NodeKeyUnusable,
        ExchangeError::Certificate(_) => State::CertificateUnusable,
        ExchangeError::Refused(_) => State::JoinRefused,
        ExchangeError::Stick(_) | ExchangeError::OldAnswer | ExchangeError::NoCard => {
            State::BundleRefused
        }
    }
}

fn of_link(fault: LinkFault) -> State {
    match fault {
        LinkFault::Unreachable => State::Unreachable,
        LinkFault::Broken => State::LinkCut,
        LinkFault::WrongAuthority => State::WrongAuthority,
        LinkFault::NotTheServer => State::NotTheServer,
        LinkFault::ServerExpired => State::ServerExpired,
        LinkFault::Refused => State::LinkRefused,
        LinkFault::NotOurProtocol => State::NotOurProtocol,
    }
}

fn of_replica(error: &ReplicaError) -> State {
    match (error, error.storage()) {
        (ReplicaError::Word(_), _) => State::WordBroken,
        (ReplicaError::Rewound { .. }, _) => State::PutBack,
        (ReplicaError::NewerCatalogue { .. }, _) => State::NewerVersion,
        (_, Some(Kind::Full)) => State::DiskFull,
        (_, Some(Kind::ReadOnly)) => State::ReadOnly,
        (_, Some(Kind::Damaged)) => State::Damaged,
        (_, Some(Kind::Busy)) => State::InUse,
        (_, Some(Kind::Io)) => State::DiskFault,
        _ => State::Unexpected,
    }
}

/// Keeps how an exchange ended. A disk that does not take the note is no further failure: its own
/// state says so as soon as anything is done.
pub fn keep(replica: &mut Replica, ended: Option<State>, now_ms: UnixMs) {
    let kept = match ended {
        None => forget(replica),
        Some(state) => remember(replica, state, now_ms),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "how the exchange ended could not be noted");
    }
}

fn forget(replica: &mut Replica) -> Result<(), ReplicaError> {
    if replica.note(NOTE)?.is_none_or(|note| note.is_empty()) {
        return Ok(());
    }
    replica.set_note(NOTE, &[])
}

fn remember(replica: &mut Replica, state: State, now_ms: UnixMs) -> Result<(), ReplicaError> {
    let before = last_failure(replica)?.filter(|before| before.state == state);
    let note = Note {
        state: state.name().to_owned(),
        since_ms: before.as_ref().map_or(now_ms, |before| before.since_ms),
        at_ms: now_ms,
        times: before.map_or(1, |before| before.times.saturating_add(1)),
        token: mark(&replica.facts()?.token),
    };
    let note = serde_json::to_vec(&note).map_err(|_| ReplicaError::Damaged("a note"))?;
    replica.set_note(NOTE, &note)
}

/// What the last exchange ended with, if no other has completed since; none where all is well.
///
/// # Errors
/// What storage says.
pub fn last_failure(replica: &Replica) -> Result<Option<LastFailure>, ReplicaError> {
    let Some(note) = replica.note(NOTE)?.filter(|note| !note.is_empty()) else { return Ok(None) };
    let note: Note = serde_json::from_slice(&note).map_err(|_| ReplicaError::Damaged("a note"))?;
    if note.token != mark(&replica.facts()?.token) {
        return Ok(None);
    }
    // A name that only another version of the program knows.
    let state = State::of_name(&note.state).unwrap_or(State::Unexpected);
    let Note { since_ms, at_ms, times, .. } = note;
    Ok(Some(LastFailure { state, since_ms, at_ms, times }))
}

/// The token itself is a secret of the exchange and lies in one place only.
fn mark(token: &Token) -> String {
    Hash(Sha256::digest(token).into()).to_string()
}
