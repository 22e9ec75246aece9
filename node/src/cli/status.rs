//! `status`: where everything that was entered is, in plain words, and what to do next.

use comfy_table::presets::NOTHING;
use dongbo_proto::states::State;
use dongbo_sqlite::Guarded;
use serde_json::{Value as Json, json};

use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::Result;
use crate::office::shown::spoken;
use crate::office::standing::{Standing, scope_word};
use crate::replica::Equation;

/// Says how the node stands.
pub fn run(shell: &mut Shell) -> Result<Exit> {
    let desk = shell.open()?;
    let standing = Standing::of(&desk)?;
    if shell.json {
        let mut json = standing.to_json();
        json["states"] = standing.states().iter().map(|state| to_json(shell, *state)).collect();
        out::json(&json);
    } else {
        print(shell, &standing);
    }
    Ok(if standing.status.equation.holds() { Exit::Done } else { Exit::NotInStep })
}

/// Promise 2 in one line: what was entered and where it is, and whether that adds up.
pub fn equation(shell: &Shell, e: &Equation) -> String {
    let args: [(&str, &dyn std::fmt::Display); 5] = [
        ("entered", &e.entered),
        ("merged", &e.merged),
        ("held", &e.held),
        ("refused", &e.refused),
        ("unsent", &e.unsent),
    ];
    let balances = if e.holds() { "status-balances" } else { "status-does-not-balance" };
    format!("{} {}", shell.words.with("status-equation", &args), shell.say(balances))
}

fn print(shell: &Shell, standing: &Standing) {
    let status = &standing.status;
    let who: [(&str, &dyn std::fmt::Display); 3] =
        [("province", &status.province), ("author", &status.author), ("server", &standing.server)];
    out::line(&shell.words.with("status-who", &who));
    out::line(&equation(shell, &status.equation));
    out::line(&contact(shell, standing));
    scopes(shell, standing);
    certificate(shell, standing);
    let guarded = match standing.guarded {
        Guarded::ByFile => "status-guarded-file",
        Guarded::ByPassphrase => "status-guarded-passphrase",
    };
    out::line(&shell.say(guarded));
    if standing.clock_is_wrong() {
        let local = spoken(standing.now_ms);
        out::line(&shell.words.with("status-clock-wrong", &[("local", &local)]));
    }
    for fork in &status.forked {
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("at", &fork.at), ("author", &fork.author)];
        out::line(&shell.words.with("status-forked", &args));
    }
    last(shell, standing);
    states(shell, standing);
}

fn contact(shell: &Shell, standing: &Standing) -> String {
    match standing.status.receipt.as_ref() {
        None => shell.say("status-no-receipt"),
        Some(receipt) => {
            let (heard, signed) = (spoken(standing.status.last_server_ms), spoken(receipt.at_ms));
            shell.words.with("status-contact", &[("heard", &heard), ("signed", &signed)])
        }
    }
}

fn scopes(shell: &Shell, standing: &Standing) {
    let mut rows = table(["col-code", "col-name", "col-state"].map(|key| shell.say(key)));
    rows.load_preset(NOTHING);
    for scope in &standing.status.scopes {
        let state = match scope_word(scope) {
            "filling" => "scope-filling",
            "withdrawn" => "scope-withdrawn",
            _ => "scope-in-step",
        };
        rows.add_row([scope.grant.code.clone(), scope.grant.name.clone(), shell.say(state)]);
    }
    out::line(&rows.to_string());
}

fn certificate(shell: &Shell, standing: &Standing) {
    let (Some(ends), Some(days)) = (standing.certificate_ends_ms, standing.certificate_days())
    else {
        return;
    };
    let key = if days < 0 { "status-certificate-over" } else { "status-certificate" };
    out::line(&shell.words.with(key, &[("ends", &spoken(ends)), ("days", &days)]));
}

/// How the last exchange ended, where that was not in step.
fn last(shell: &Shell, standing: &Standing) {
    let Some(last) = &standing.last_failure else { return };
    let (since, at) = (spoken(last.since_ms), spoken(last.at_ms));
    let args: [(&str, &dyn std::fmt::Display); 4] =
        [("state", &last.state.name()), ("since", &since), ("times", &last.times), ("at", &at)];
    out::line(&shell.words.with("status-last", &args));
}

/// What is the matter, and the way out of each.
fn states(shell: &Shell, standing: &Standing) {
    let all = standing.states();
    if all.is_empty() {
        out::line(&shell.say("status-all-is-well"));
    }
    for state in all {
        out::line(&format!("• {}", shell.say(state.sentence())));
        out::line(&format!("  → {}", shell.say(state.way_out())));
    }
}

fn to_json(shell: &Shell, state: State) -> Json {
    json!({
        "name": state.name(),
        "severity": state.severity().word(),
        "sentence": shell.say(state.sentence()),
        "way_out": shell.say(state.way_out()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{said, sync};
    use crate::exchange::ExchangeError;
    use crate::exchange::fault::LinkFault;
    use crate::office::last::{of_end, of_error};
    use crate::replica::{ReplicaError, Word};
    use crate::session::End;
    use dongbo_proto::frame::Stop;
    use dongbo_proto::id::Epoch;
    use dongbo_sqlite::rusqlite::{Error, ffi};

    #[test]
    fn every_end_says_the_same_by_command_and_by_state() {
        let (known, met) = (Epoch([1; 16]), Epoch([2; 16]));
        let ends = [
            End::DeliverOnly,
            End::Rewound,
            End::WentBack { acknowledged: 2, held: 1 },
            End::TwoServers { known, met },
            End::Diverged,
            End::Confused,
        ];
        let stops = (0..=u8::MAX).filter_map(Stop::from_number).map(End::Stopped);
        for end in ends.into_iter().chain(stops) {
            let state = of_end(&end).expect("a state");
            assert!(state.said_as().contains(&sync::end_key(&end)), "{end:?}");
        }
        assert_eq!(of_end(&End::InStep), None);
    }

    #[test]
    fn every_error_of_an_exchange_says_the_same_by_command_and_by_state() {
        use LinkFault as L;
        let links = [
            L::Unreachable,
            L::Broken,
            L::WrongAuthority,
            L::NotTheServer,
            L::ServerExpired,
            L::Refused,
            L::NotOurProtocol,
        ];
        let sqlite = |code| ReplicaError::Sqlite(Error::SqliteFailure(ffi::Error::new(code), None));
        let storage =
            [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_CORRUPT, ffi::SQLITE_BUSY];
        let replica = storage.into_iter().map(sqlite).chain([
            ReplicaError::Damaged("a row"),
            ReplicaError::Word(Word::AckGap),
            ReplicaError::Rewound { journal: 1, outbox: 3 },
            ReplicaError::NewerCatalogue { found: 2, known: 1 },
        ]);
        let errors = links.into_iter().map(ExchangeError::Link);
        let errors = errors.chain(replica.map(ExchangeError::Replica)).chain([
            ExchangeError::Cut,
            ExchangeError::OldAnswer,
            ExchangeError::NoCard,
        ]);
        for error in errors {
            let key = said::of_exchange(&error).key;
            assert!(of_error(&error).said_as().contains(&key.as_str()), "{error:?}: {key}");
        }
    }
}
