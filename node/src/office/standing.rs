//! How the node stands: the equation of promise 2 in numbers, its scopes, its certificate, its
//! clock, its protection, how the last exchange ended, and the states that hold now.
//!
//! *Entered here = at the province + held for review + refused with a reason + not yet sent.* The
//! first three are from a receipt that the province signed, never from hearsay.

use std::collections::BTreeSet;

use dongbo_proto::fate::{Fate, Reason};
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::states::{State, of_reason};
use dongbo_sqlite::Guarded;
use serde_json::{Value as Json, json};

use super::last::{LastFailure, last_failure};
use super::shown::when;
use super::sync::server_ahead_ms;
use super::{Desk, Result};
use crate::replica::{Replica, ScopeState, Status};

/// A certificate that ends sooner than this is worth a word, in days: a month of no link may come.
const CERTIFICATE_DAYS_SHORT: i64 = 30;
/// Clocks that differ by less than this are right enough, in milliseconds.
const CLOCK_MS_MAX: i64 = 60_000;
/// Silence after which the office is told to exchange, in milliseconds: three days.
const SILENCE_MS_MAX: i64 = 3 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// Everything that `status` says.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What the replica knows.
    pub status: Status,
    /// Where the province is.
    pub server: String,
    /// What protects the data on this disk.
    pub guarded: Guarded,
    /// When the certificate ends.
    pub certificate_ends_ms: Option<UnixMs>,
    /// The wall clock.
    pub now_ms: UnixMs,
    /// How far the province's clock was ahead when they last met.
    pub server_ahead_ms: Option<i64>,
    /// Fields in conflict.
    pub conflicts: usize,
    /// What the last exchange ended with, where that was not in step.
    pub last_failure: Option<LastFailure>,
    /// Why the province holds or has refused acts of this office, each reason once.
    pub held: BTreeSet<Reason>,
}

/// Held and refused acts that are read for their reasons: above it the reasons repeat.
const HELD_READ_MAX: usize = 1_000;
/// The most conflicts that are counted: above it the number says nothing more.
const CONFLICTS_COUNTED_MAX: usize = 100_000;

impl Standing {
    /// Looks.
    pub fn of(desk: &Desk) -> Result<Self> {
        let conflicts = desk.replica.conflicts(CONFLICTS_COUNTED_MAX)?;
        Ok(Standing {
            status: desk.replica.status()?,
            server: desk.identity.server.clone(),
            guarded: desk.key.guarded(),
            certificate_ends_ms: desk.identity.certificate_ends_ms(),
            now_ms: desk.clock.now_ms(),
            server_ahead_ms: server_ahead_ms(&desk.replica)?,
            conflicts: conflicts.iter().map(|c| c.fields.len()).sum(),
            last_failure: last_failure(&desk.replica)?,
            held: held(&desk.replica)?,
        })
    }

    /// Whole days until the certificate ends, by the better of the two clocks.
    pub fn certificate_days(&self) -> Option<i64> {
        let now = self.true_now_ms();
        self.certificate_ends_ms.map(|ends| ends.saturating_sub(now).div_euclid(DAY_MS))
    }

    /// The time as the province would say it.
    pub fn true_now_ms(&self) -> UnixMs {
        let shifted = self.now_ms.saturating_add(self.server_ahead_ms.unwrap_or(0));
        shifted.max(self.status.last_server_ms)
    }

    /// Whether this computer's clock is wrong, as far as it can be known.
    pub fn clock_is_wrong(&self) -> bool {
        let behind = self.now_ms.saturating_add(CLOCK_MS_MAX) < self.status.last_server_ms;
        behind || self.server_ahead_ms.is_some_and(|ms| ms.saturating_abs() > CLOCK_MS_MAX)
    }

    /// Every state that holds now, the gravest first.
    pub fn states(&self) -> Vec<State> {
        let status = &self.status;
        let equation = &status.equation;
        let days = self.certificate_days();
        let silent = self.true_now_ms().saturating_sub(status.last_server_ms) > SILENCE_MS_MAX;
        let own = [
            (status.uninvited, State::NotAsLeft),
            (equation.unsent > 0, State::Unsent),
            (status.scopes.iter().any(|s| s.granted && s.is_filling()), State::Filling),
            (status.scopes.iter().any(|s| !s.granted), State::ScopeWithdrawn),
            (silent, State::Silence),
            (days.is_some_and(|d| (0..CERTIFICATE_DAYS_SHORT).contains(&d)), State::CertificateDue),
            (days.is_some_and(|d| d < 0), State::CertificateExpired),
            (self.clock_is_wrong(), State::ClockWrong),
            (status.opened.rewound > 0, State::TakenFromOutbox),
            (!equation.holds(), State::Unbalanced),
            (self.conflicts > 0, State::Conflicts),
        ];
        let own = own.into_iter().filter(|(holds, _)| *holds).map(|(_, state)| state);
        let last = self.last_failure.as_ref().map(|last| last.state);
        let held = self.held.iter().map(|reason| of_reason(*reason));
        let mut all: Vec<State> = last.into_iter().chain(own).chain(held).collect();
        all.sort_by_key(|state| std::cmp::Reverse(state.severity()));
        all
    }

    /// How the last exchange ended; null before the first.
    fn last_json(&self) -> Json {
        let heard_ms = self.status.last_server_ms;
        match &self.last_failure {
            Some(last) => json!({
                "end": last.state.name(), "at_ms": last.at_ms, "at": when(last.at_ms),
                "since_ms": last.since_ms, "since": when(last.since_ms), "times": last.times,
            }),
            None if heard_ms > 0 => json!({
                "end": "in_step", "at_ms": heard_ms, "at": when(heard_ms),
                "since_ms": null, "since": null, "times": null,
            }),
            None => Json::Null,
        }
    }

    /// The JSON that is a contract.
    pub fn to_json(&self) -> Json {
        let status = &self.status;
        json!({
            "province": status.province,
            "author": status.author,
            "server": self.server,
            "epoch": status.receipt.as_ref().map(|r| r.epoch.to_string()),
            "equation": equation_json(&status.equation),
            "receipt": status.receipt.as_ref().map(|r| json!({
                "position": r.position, "at_ms": r.at_ms, "when": when(r.at_ms), "chain": r.chain,
            })),
            "last_contact_ms": status.last_server_ms,
            "last_contact": when(status.last_server_ms),
            "backed_up": status.backed_up,
            "scopes": status.scopes.iter().map(scope_json).collect::<Vec<_>>(),
            "certificate": {
                "ends": self.certificate_ends_ms.map(when),
                "days_left": self.certificate_days(),
            },
            "protection": protection(self.guarded),
            "clock": {
                "local_ms": self.now_ms,
                "server_ahead_ms": self.server_ahead_ms,
                "wrong": self.clock_is_wrong(),
            },
            "forks": status.forked.iter().map(|fork| json!({
                "author": fork.author, "parent": fork.parent, "at": fork.at,
            })).collect::<Vec<_>>(),
            "uninvited": status.uninvited,
            "conflicts": self.conflicts,
            "inbox": status.inbox,
            "mended": {
                "acts_from_outbox": status.opened.rewound,
                "acts_to_outbox": status.opened.topped_up,
                "outbox_torn": status.opened.torn,
            },
            "last_exchange": self.last_json(),
        })
    }
}

/// Why acts of this office are held or were refused.
fn held(replica: &Replica) -> Result<BTreeSet<Reason>> {
    let waiting = replica.waiting(HELD_READ_MAX)?;
    Ok(waiting
        .iter()
        .filter_map(|own| match own.fate {
            Some(Fate::Held(reason) | Fate::Refused(reason)) => Some(reason),
            _ => None,
        })
        .collect())
}

/// The equation as numbers, and whether it balances.
pub fn equation_json(equation: &crate::replica::Equation) -> Json {
    json!({
        "entered": equation.entered,
        "merged": equation.merged,
        "held": equation.held,
        "refused": equation.refused,
        "unsent": equation.unsent,
        "balances": equation.holds(),
    })
}

/// Where a scope stands, in a word.
pub fn scope_word(scope: &ScopeState) -> &'static str {
    match (scope.granted, scope.is_filling()) {
        (false, _) => "withdrawn",
        (true, true) => "filling",
        (true, false) => "in_step",
    }
}

fn scope_json(scope: &ScopeState) -> Json {
    json!({
        "scope": scope.grant.scope.0,
        "code": scope.grant.code,
        "name": scope.grant.name,
        "state": scope_word(scope),
        "revision": scope.visible,
        "refills": scope.refills,
    })
}

/// The word for what protects the data on this disk.
pub fn protection(guarded: Guarded) -> &'static str {
    match guarded {
        Guarded::ByFile => "key_file",
        Guarded::ByPassphrase => "passphrase",
    }
}
