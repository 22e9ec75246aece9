//! `inbox`: what the province answered after it had received an act.

use serde_json::{Value as Json, json};

use super::args::Inbox;
use super::history::{fate_key, fate_word, reason_key};
use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::Result;
use crate::office::shown::{spoken, when};
use dongbo_proto::fate::Outcome;

/// Lists outcomes.
pub fn run(shell: &mut Shell, args: Inbox) -> Result<Exit> {
    let desk = shell.open()?;
    let outcomes = desk.replica.inbox(args.after, args.limit)?;
    if shell.json {
        out::json(&Json::Array(outcomes.iter().map(to_json).collect()));
        return Ok(Exit::Done);
    }
    if outcomes.is_empty() {
        out::line(&shell.say("inbox-empty"));
        return Ok(Exit::Done);
    }
    let head = ["col-number", "col-when", "col-act", "col-fate", "col-reason"];
    let mut rows = table(head.map(|key| shell.say(key)));
    for outcome in &outcomes {
        let reason = match outcome.text.as_str() {
            "" => reason_key(outcome.fate).map_or_else(String::new, |key| shell.say(key)),
            text => text.to_owned(),
        };
        rows.add_row([
            outcome.sequence.to_string(),
            spoken(outcome.at_ms),
            outcome.act.to_string(),
            shell.say(fate_key(Some(outcome.fate))),
            reason,
        ]);
    }
    out::line(&rows.to_string());
    Ok(Exit::Done)
}

fn to_json(outcome: &Outcome) -> Json {
    json!({
        "sequence": outcome.sequence,
        "act": outcome.act,
        "fate": fate_word(outcome.fate),
        "reason": reason_key(outcome.fate),
        "text": outcome.text,
        "when": when(outcome.at_ms),
    })
}
