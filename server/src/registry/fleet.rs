//! The fleet: which organisations are expected to be heard, which were, how far behind each machine
//! is, and what the totals therefore miss.
//!
//! Read from one snapshot, judged by functions of plain data. Deliberately absent: sentences and
//! tables (`cli`), figures for machines (`service::gauges`).

use std::collections::HashMap;

use dongbo_proto::catalogue::{catalogue, kind};
use dongbo_proto::id::{AuthorId, ScopeId};
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::states::{Severity, State};

use super::error::Result;
use super::word::{Word, word};
use crate::store::ReadTx;
use crate::store::rows::{AuthorRow, ScopeRow};

/// A machine of a commune.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What the registry holds of it.
    pub row: AuthorRow,
    /// Its scopes, the reference left out.
    pub scopes: Vec<ScopeId>,
    /// What it last said of itself.
    pub word: Option<Word>,
}

/// An organisation that is expected to be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    /// Its scope.
    pub scope: ScopeRow,
    /// Its members in the registry, live ones.
    pub members: u64,
    /// Its machines, by their places in [`Fleet::machines`].
    pub machines: Vec<usize>,
}

/// Everyone.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fleet {
    /// All machines, by the time at which they joined.
    pub machines: Vec<Machine>,
    /// All organisations, by id.
    pub offices: Vec<Office>,
}

/// Whether an organisation is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// A machine of it was heard lately.
    Lately,
    /// It has machines, and none was heard for too long.
    Quiet,
    /// All its machines may only deliver.
    DeliverOnly,
    /// It has no machine.
    NoMachine,
}

impl Heard {
    /// The word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Heard::Lately => "heard",
            Heard::Quiet => "quiet",
            Heard::DeliverOnly => "deliver_only",
            Heard::NoMachine => "no_machine",
        }
    }
}

/// Whether the end of a conversation is a state that does not pass by itself. A cut does: the machine
/// comes again.
#[must_use]
pub fn needs_a_person(end: &str) -> bool {
    State::of_name(end).is_some_and(|state| state.severity() > Severity::Passing)
}

/// Reads the fleet.
///
/// # Errors
/// The store's.
pub fn fleet(tx: &dyn ReadTx) -> Result<Fleet> {
    let mut machines = Vec::new();
    for row in tx.authors()?.into_iter().filter(|row| !row.province) {
        let mut scopes = tx.grants(row.id)?;
        scopes.retain(|scope| *scope != ScopeId::REFERENCE);
        machines.push(Machine { word: word(tx, row.id)?, scopes, row });
    }
    let members: HashMap<ScopeId, u64> = match catalogue().kind(kind::MEMBER) {
        Some(member) => tx.count_at_home(member)?.into_iter().collect(),
        None => HashMap::new(),
    };
    let mut at: HashMap<ScopeId, Vec<usize>> = HashMap::new();
    for (place, machine) in machines.iter().enumerate() {
        machine.scopes.iter().for_each(|scope| at.entry(*scope).or_default().push(place));
    }
    let scopes = tx.scopes()?.into_iter().filter(|scope| scope.id != ScopeId::REFERENCE);
    let office = |scope: ScopeRow| Office {
        members: members.get(&scope.id).copied().unwrap_or(0),
        machines: at.remove(&scope.id).unwrap_or_default(),
        scope,
    };
    let offices = scopes.map(office).collect();
    Ok(Fleet { machines, offices })
}

impl Machine {
    /// Its id.
    #[must_use]
    pub fn author(&self) -> AuthorId {
        self.row.id
    }

    /// When it was last heard by network or by stick; when it joined, if never since.
    #[must_use]
    pub fn heard_ms(&self) -> UnixMs {
        let said = self.word.as_ref().map_or(0, |word| word.at_ms);
        self.row.contact_ms.max(said).max(self.row.joined_ms)
    }

    /// Milliseconds since then.
    #[must_use]
    pub fn silent_ms(&self, now_ms: UnixMs) -> i64 {
        now_ms.saturating_sub(self.heard_ms()).max(0)
    }

    /// Acts that it said it had, and that are not here.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.word.as_ref().map_or(0, |word| word.position.saturating_sub(self.row.position))
    }

    /// Acts of it that no backup has.
    #[must_use]
    pub fn not_backed_up(&self) -> u64 {
        self.row.position.saturating_sub(self.row.backed_up)
    }

    /// Whether it may only deliver.
    #[must_use]
    pub fn delivers_only(&self) -> bool {
        self.row.revoked_ms.is_some()
    }

    /// Whether its last conversation ended in a way that it does not get out of by itself.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.word.as_ref().is_some_and(|word| needs_a_person(&word.end))
    }
}

impl Fleet {
    /// The machines of an organisation.
    pub fn machines_of(&self, office: &Office) -> impl Iterator<Item = &Machine> {
        office.machines.iter().filter_map(|place| self.machines.get(*place))
    }

    /// Whether an organisation is heard.
    #[must_use]
    pub fn heard(&self, office: &Office, quiet_ms: i64, now_ms: UnixMs) -> Heard {
        let mut good = self.machines_of(office).filter(|m| !m.delivers_only()).peekable();
        if office.machines.is_empty() {
            Heard::NoMachine
        } else if good.peek().is_none() {
            Heard::DeliverOnly
        } else if good.any(|machine| machine.silent_ms(now_ms) < quiet_ms) {
            Heard::Lately
        } else {
            Heard::Quiet
        }
    }

    /// When an organisation was last heard; `None` where it has no machine.
    #[must_use]
    pub fn heard_ms(&self, office: &Office) -> Option<UnixMs> {
        self.machines_of(office).map(Machine::heard_ms).max()
    }
}
