//! `status`: where everything that was entered is, in plain words, and what to do next.

use comfy_table::presets::NOTHING;
use dongbo_sqlite::Guarded;

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
        out::json(&standing.to_json());
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
    if standing.conflicts > 0 {
        out::line(&shell.words.with("status-conflicts", &[("count", &standing.conflicts)]));
    }
    if status.opened.rewound > 0 {
        out::line(&shell.words.with("status-rewound", &[("count", &status.opened.rewound)]));
    }
    for fork in &status.forked {
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("at", &fork.at), ("author", &fork.author)];
        out::line(&shell.words.with("status-forked", &args));
    }
    next(shell, standing);
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

fn next(shell: &Shell, standing: &Standing) {
    let all = standing.next();
    if all.is_empty() {
        out::line(&shell.say("next-nothing"));
    }
    for next in all {
        out::line(&format!("→ {}", shell.say(next.key())));
    }
}
