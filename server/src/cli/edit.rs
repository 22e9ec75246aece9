//! Changing what is there, as the province: `record edit`, `undo`, `place`.
//!
//! Each is one act (undo of a job perhaps several) with the person and the grounds in it. Heads are
//! read and named in the transaction that writes, so nothing is replaced that was not there to see.

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::{Kind, Rule, Writers, catalogue, validate};
use dongbo_proto::id::{ActId, FieldId, JobId, RecordId};
use dongbo_proto::limits::GROUNDS_BYTES_MAX;
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use serde_json::json;

use super::args::{EditArgs, GuestAs, PlaceArgs, UndoArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::text::Codes;
use super::{node, view, work};
use crate::registry;
use crate::store::{ReadTx, WriteTx};

/// Edits fields of a record, and settles conflicts where that was asked for.
///
/// # Errors
/// No such record or field, a value that is not valid, a conflict without `--settle`.
pub fn edit(ctx: &Context, args: &EditArgs) -> Result<()> {
    check_grounds(args.grounds.as_deref())?;
    let home = ctx.home()?;
    let store = home.registry()?;
    let province = work::province(ctx, &home)?;
    let now_ms = ctx.now_ms();
    let (act, record, codes) = store.write_now(|tx: &mut dyn WriteTx| {
        let shown = find(tx.reading(), args.record)?;
        let kind = catalogue().kind(shown.kind).ok_or_else(|| no_record(args.record))?;
        let values = values(kind, &args.set)?;
        refuse_conflicts(&shown, &values, args.settle)?;
        let by = (ctx.person.as_str(), args.grounds.as_deref());
        let target = (shown.kind, args.record);
        let act = registry::edit(tx, &province, by, target, values, now_ms)?;
        Ok::<_, Fault>((act, find(tx.reading(), args.record)?, Codes::read(tx.reading())?))
    })?;
    let mut json = view::record_json(&record, &codes, now_ms);
    json["act"] = json!(act);
    ctx.show(&json, |words| {
        let done = words.with("edit-done", &[("act", &act)]);
        format!("{done}\n{}", view::record_text(words, &record, &codes, now_ms))
    })
}

/// A record by its id alone.
///
/// # Errors
/// There is none.
pub fn find(tx: &dyn ReadTx, id: RecordId) -> Result<Record> {
    match registry::record(tx, id) {
        Err(registry::Error::Unknown(_)) => Err(no_record(id)),
        other => Ok(other?),
    }
}

fn no_record(id: RecordId) -> Fault {
    Fault::new(Exit::NotFound, "fault-no-such-record").with("record", id)
}

fn values(kind: &Kind, sets: &[String]) -> Result<Vec<(FieldId, Value)>> {
    let mut values: Vec<(FieldId, Value)> = Vec::new();
    for set in sets {
        let Some((name, text)) = set.split_once('=') else {
            return Err(Fault::new(Exit::Usage, "fault-set"));
        };
        let name = name.trim();
        let fault = |key| Fault::new(Exit::BadInput, key).with("field", name);
        let field = kind.field_named(name).filter(|f| f.is_stored());
        let field = field.ok_or_else(|| fault("fault-no-such-field").with("kind", &kind.name))?;
        if field.writers == Writers::System || field.rule == Rule::Computed {
            return Err(fault("fault-computed-field"));
        }
        if values.iter().any(|v| v.0 == field.id) {
            return Err(fault("fault-field-twice"));
        }
        let value =
            validate::parse(field, text).map_err(|why| fault("fault-bad-value").with_rule(why))?;
        values.push((field.id, value));
    }
    Ok(values)
}

fn refuse_conflicts(shown: &Record, values: &[(FieldId, Value)], settle: bool) -> Result<()> {
    let disputed = values.iter().find(|(field, _)| {
        shown.field(*field).is_some_and(dongbo_proto::record::FieldState::in_conflict)
    });
    match disputed {
        Some((field, _)) if !settle => {
            let fault = Fault::new(Exit::Conflict, "fault-conflict");
            Err(fault.with("field", view::field_name(shown.kind, *field)).with("record", shown.id))
        }
        _ => Ok(()),
    }
}

fn check_grounds(grounds: Option<&str>) -> Result<()> {
    match grounds {
        Some(text) if text.len() > GROUNDS_BYTES_MAX => {
            Err(Fault::new(Exit::BadInput, "fault-grounds").with("max", GROUNDS_BYTES_MAX))
        }
        _ => Ok(()),
    }
}

/// Takes back one act, or every act of a job.
///
/// # Errors
/// There is no such act or job, or it has not merged.
pub fn undo(ctx: &Context, args: &UndoArgs) -> Result<()> {
    check_grounds(args.grounds.as_deref())?;
    let what = What::parse(&args.what)?;
    let home = ctx.home()?;
    let store = home.registry()?;
    let province = work::province(ctx, &home)?;
    let now_ms = ctx.now_ms();
    let (taken, by) = store.write_now(|tx: &mut dyn WriteTx| {
        let acts = what.acts(tx.reading())?;
        let who = (ctx.person.as_str(), args.grounds.as_deref());
        let by = registry::retract(tx, &province, who, &acts, now_ms)?;
        Ok::<_, Fault>((acts, by))
    })?;
    let json = json!({ "undone": taken.len(), "acts": taken, "by": by });
    ctx.show(&json, |words| words.with("undo-done", &[("acts", &taken.len())]))
}

enum What {
    Act(ActId),
    Job(JobId),
}

impl What {
    fn parse(text: &str) -> Result<Self> {
        if let Ok(act) = text.parse() {
            return Ok(What::Act(act));
        }
        let job = text.parse().map(What::Job);
        job.map_err(|_| Fault::new(Exit::Usage, "fault-act-or-job"))
    }

    fn acts(&self, tx: &dyn ReadTx) -> Result<Vec<ActId>> {
        let none = |key, id: &dyn std::fmt::Display| Fault::new(Exit::NotFound, key).with("id", id);
        match self {
            What::Act(act) => match registry::act(tx, *act)? {
                Some(told) if told.writes().next().is_some() => Ok(vec![*act]),
                Some(_) => Err(Fault::new(Exit::Refused, "fault-undo-no-writes").with("act", act)),
                None => Err(none("fault-no-such-act", act)),
            },
            What::Job(job) => {
                let acts = registry::acts_of_job(tx, *job)?;
                if acts.is_empty() { Err(none("fault-no-such-job", job)) } else { Ok(acts) }
            }
        }
    }
}

/// Places a record, with the rows that belong to it.
///
/// # Errors
/// There is no such record or scope, or it is its home already.
pub fn place(ctx: &Context, args: &PlaceArgs) -> Result<()> {
    check_grounds(args.grounds.as_deref())?;
    let (code, projection) = target(args)?;
    let home = ctx.home()?;
    let store = home.registry()?;
    let province = work::province(ctx, &home)?;
    let now_ms = ctx.now_ms();
    let (act, scope) = store.write_now(|tx: &mut dyn WriteTx| {
        let record = find(tx.reading(), args.record)?;
        if catalogue().kind(record.kind).is_none_or(|k| k.reference) {
            return Err(Fault::new(Exit::Refused, "fault-place-reference"));
        }
        let scope = node::scope(tx.reading(), code)?;
        let by = (ctx.person.as_str(), args.grounds.as_deref());
        let key = (record.kind, record.id);
        let act = registry::place(tx, &province, by, key, scope.id, projection, now_ms)?;
        Ok::<_, Fault>((act, scope))
    })?;
    let word = view::projection_word(projection);
    let json = json!({ "act": act, "record": args.record, "scope": scope.code, "as": word });
    ctx.show(&json, |words| {
        let key = match projection {
            Some(Projection::Home) => "place-home",
            Some(_) => "place-guest",
            None => "place-leave",
        };
        words.with(key, &[("record", &args.record), ("scope", &scope.code), ("name", &scope.name)])
    })
}

fn target(args: &PlaceArgs) -> Result<(&str, Option<Projection>)> {
    match (&args.home, &args.guest, &args.leave, args.projection) {
        (Some(code), ..) => Ok((code, Some(Projection::Home))),
        (_, Some(code), _, Some(GuestAs::Visitor)) => Ok((code, Some(Projection::Visitor))),
        (_, Some(code), _, Some(GuestAs::Transfer)) => Ok((code, Some(Projection::Transfer))),
        (_, _, Some(code), _) => Ok((code, None)),
        _ => Err(Fault::new(Exit::Usage, "fault-place")),
    }
}
