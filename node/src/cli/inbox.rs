//! `inbox`: which acts the province holds or refused, and what it answered after it had received
//! an act.

use dongbo_proto::fate::{Fate, Outcome};
use dongbo_proto::id::ActId;
use serde_json::{Value as Json, json};

use super::args::Inbox;
use super::history::{fate_key, fate_word, reason_key};
use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::Result;
use crate::office::shown::{spoken, when};
use crate::replica::OwnAct;

/// Lists what waits and what was answered.
pub fn run(shell: &mut Shell, args: Inbox) -> Result<Exit> {
    let desk = shell.open()?;
    let outcomes = desk.replica.inbox(args.after, args.limit)?;
    let waiting = desk.replica.waiting(args.limit)?;
    if shell.json {
        let waits = |own: &OwnAct| waiting_json(own, own.id);
        out::json(&json!({
            "waiting": waiting.iter().map(waits).collect::<Vec<_>>(),
            "outcomes": outcomes.iter().map(to_json).collect::<Vec<_>>(),
        }));
        return Ok(Exit::Done);
    }
    if waiting.is_empty() && outcomes.is_empty() {
        out::line(&shell.say("inbox-empty"));
    }
    if !waiting.is_empty() {
        print_waiting(shell, &waiting);
    }
    if !outcomes.is_empty() {
        print_outcomes(shell, &outcomes);
    }
    Ok(Exit::Done)
}

fn print_waiting(shell: &Shell, waiting: &[OwnAct]) {
    out::line(&shell.say("inbox-waiting"));
    let head = ["col-when", "col-act", "col-fate", "col-reason", "col-record"];
    let mut rows = table(head.map(|key| shell.say(key)));
    for own in waiting {
        let reason = own.fate.and_then(reason_key).map_or_else(String::new, |key| shell.say(key));
        rows.add_row([
            spoken(own.act.claimed.ms()),
            own.id.to_string(),
            shell.say(fate_key(own.fate)),
            reason,
            records(own).join("\n"),
        ]);
    }
    out::line(&rows.to_string());
}

/// The records that an act is about, each once.
fn records(own: &OwnAct) -> Vec<String> {
    let mut records: Vec<String> = own.act.records().map(|(id, _)| id.to_string()).collect();
    records.dedup();
    records
}

fn print_outcomes(shell: &Shell, outcomes: &[Outcome]) {
    out::line(&shell.say("inbox-outcomes"));
    let head = ["col-number", "col-when", "col-act", "col-fate", "col-reason"];
    let mut rows = table(head.map(|key| shell.say(key)));
    for outcome in outcomes {
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
}

fn waiting_json(own: &OwnAct, id: ActId) -> Json {
    json!({
        "act": id,
        "fate": own.fate.map(fate_word),
        "reason": own.fate.and_then(reason_key),
        "person": own.act.person,
        "claimed": when(own.act.claimed.ms()),
        "records": records(own),
        "refused": matches!(own.fate, Some(Fate::Refused(_))),
    })
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
