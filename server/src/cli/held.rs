//! Held acts: what waits for the province, and its verdicts.
//!
//! A verdict is an act of the province and goes into the journal with the person and the grounds;
//! the office reads it in its inbox at its next exchange.

use dongbo_proto::act::Verdict;
use dongbo_proto::id::ActId;
use dongbo_proto::limits::GROUNDS_BYTES_MAX;
use serde_json::{Value as Json, json};

use super::args::{HeldArgs, HeldCommand, RefuseArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::text::{self, Codes, Grid};
use super::{view, work};
use crate::registry::{self, HeldAct};
use crate::store::WriteTx;
use crate::store::rows::HeldState;

/// Held acts that are listed at once.
const LISTED_MAX: usize = 10_000;

/// Does one of the commands.
///
/// # Errors
/// No such held act, or the store's.
pub fn run(ctx: &Context, command: &HeldCommand) -> Result<()> {
    match command {
        HeldCommand::List => list(ctx),
        HeldCommand::Show(args) => show(ctx, args.act),
        HeldCommand::Approve(args) => approve(ctx, args),
        HeldCommand::Refuse(args) => refuse(ctx, args),
    }
}

fn list(ctx: &Context) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (held, codes) = store.read_now(|tx| {
        Ok::<_, Fault>((registry::held_list(tx, None, LISTED_MAX)?, Codes::read(tx)?))
    })?;
    let json = json!({ "held": held.iter().map(|h| held_json(h, &codes)).collect::<Vec<_>>() });
    ctx.show(&json, |words| {
        let mut grid =
            Grid::new(words, &["head-act", "head-name", "head-person", "head-since", "head-why"]);
        for h in &held {
            grid.row([
                h.row.act.to_string(),
                h.author_name.clone(),
                h.act.as_ref().map(|a| a.person.clone()).unwrap_or_default(),
                text::moment(h.row.at_ms),
                words.get(h.row.reason.key()),
            ]);
        }
        grid.or(words, "held-none")
    })
}

fn show(ctx: &Context, act: ActId) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (held, codes) = store.read_now(|tx| {
        Ok::<_, Fault>((registry::held_one(tx, act).map_err(|e| lost(e, act))?, Codes::read(tx)?))
    })?;
    ctx.show(&held_json(&held, &codes), |words| {
        let mut lines = vec![format!(
            "{}  {}  {}  {}",
            held.row.act,
            held.author_name,
            text::moment(held.row.at_ms),
            words.get(held.row.reason.key())
        )];
        if let Some(act) = &held.act {
            lines
                .extend(view::ops_text(words, act, &codes).into_iter().map(|l| format!("    {l}")));
        }
        lines.join("\n")
    })
}

fn lost(error: registry::Error, act: ActId) -> Fault {
    match error {
        registry::Error::Unknown(_) => {
            Fault::new(Exit::NotFound, "fault-no-such-held").with("act", act)
        }
        other => other.into(),
    }
}

fn held_json(h: &HeldAct, codes: &Codes) -> Json {
    let records: Vec<Json> = h
        .row
        .records
        .iter()
        .map(|(id, kind, creates)| json!({ "id": id, "kind": view::kind_name(*kind), "creates": creates }))
        .collect();
    json!({
        "act": h.row.act,
        "author": h.row.act.author,
        "author_name": h.author_name,
        "state": state_word(h.row.state),
        "reason": h.row.reason,
        "text": h.row.text,
        "since_ms": h.row.at_ms,
        "decided_ms": h.row.decided_ms,
        "decided_by": h.row.decided_by,
        "records": records,
        "person": h.act.as_ref().map(|a| a.person.clone()),
        "intent": h.act.as_ref().map(|a| view::intent_word(a.intent)),
        "grounds": h.act.as_ref().and_then(|a| a.grounds.clone()),
        "claimed_ms": h.act.as_ref().map(|a| a.claimed.ms()),
        "ops": h.act.as_ref().map(|a| view::ops_json(a, codes)),
    })
}

fn state_word(state: HeldState) -> &'static str {
    match state {
        HeldState::Waiting => "waiting",
        HeldState::Merged => "merged",
        HeldState::Refused => "refused",
    }
}

fn approve(ctx: &Context, args: &HeldArgs) -> Result<()> {
    let by = decide(ctx, args.act, args.grounds.as_deref(), Verdict::Approve)?;
    told(ctx, args.act, by, "held-approved")
}

fn refuse(ctx: &Context, args: &RefuseArgs) -> Result<()> {
    if args.reason.trim().is_empty() || args.reason.len() > GROUNDS_BYTES_MAX {
        return Err(Fault::new(Exit::BadInput, "fault-reason").with("max", GROUNDS_BYTES_MAX));
    }
    let by = decide(ctx, args.act, None, Verdict::Refuse(args.reason.clone()))?;
    told(ctx, args.act, by, "held-refused")
}

fn decide(ctx: &Context, act: ActId, grounds: Option<&str>, verdict: Verdict) -> Result<ActId> {
    let home = ctx.home()?;
    let store = home.registry()?;
    let province = work::province(ctx, &home)?;
    let now_ms = ctx.now_ms();
    store.write_now(|tx: &mut dyn WriteTx| {
        let held = registry::held_one(tx.reading(), act).map_err(|e| lost(e, act))?;
        if held.row.state != HeldState::Waiting {
            return Err(Fault::new(Exit::Refused, "fault-decided").with("act", act));
        }
        let by = (ctx.person.as_str(), grounds);
        Ok(registry::decide(tx, &province, by, act, verdict.clone(), now_ms)?)
    })
}

fn told(ctx: &Context, act: ActId, by: ActId, key: &'static str) -> Result<()> {
    let json = json!({ "act": act, "decided_by": by });
    ctx.show(&json, |words| words.with(key, &[("act", &act), ("by", &by)]))
}
