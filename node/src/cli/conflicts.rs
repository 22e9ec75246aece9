//! `conflicts`: fields on which people disagree; list, show, settle.

use dongbo_proto::catalogue::catalogue;
use dongbo_proto::id::RecordId;
use dongbo_proto::record::Record;
use serde_json::Value as Json;

use super::args::{Conflicts, Settle};
use super::record::{act, edited, kind_label, value};
use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::conflict;
use crate::office::edit::How;
use crate::office::form::{self, field_named};
use crate::office::shown::spoken_stamp;
use crate::office::{Desk, OfficeError, Result};

/// Does one of them.
pub fn run(shell: &mut Shell, command: Conflicts) -> Result<Exit> {
    match command {
        Conflicts::List { limit } => list(shell, limit),
        Conflicts::Show { id } => show(shell, id.parse().map_err(|_| OfficeError::BadId)?),
        Conflicts::Settle(args) => settle(shell, args),
    }
}

fn list(shell: &Shell, limit: usize) -> Result<Exit> {
    let desk = shell.open()?;
    let records: Vec<Record> =
        desk.replica.conflicts(limit)?.into_iter().map(|c| c.record).collect();
    print(shell, &desk, &records)
}

fn show(shell: &Shell, id: RecordId) -> Result<Exit> {
    let desk = shell.open()?;
    let record = desk.record(id)?;
    print(shell, &desk, &[record])
}

fn print(shell: &Shell, desk: &Desk, records: &[Record]) -> Result<Exit> {
    let viewer = desk.viewer()?;
    if shell.json {
        let all = records.iter().flat_map(|record| {
            conflict::fields(record).map(|(f, s)| conflict::to_json(&viewer, record, *f, s))
        });
        out::json(&Json::Array(all.collect()));
        return Ok(Exit::Done);
    }
    let head = ["col-record", "col-field", "col-value", "col-act", "col-when"];
    let mut rows = table(head.map(|key| shell.say(key)));
    let mut count = 0;
    for record in records {
        count += add_rows(shell, desk, record, &mut rows)?;
    }
    if count == 0 {
        out::line(&shell.say("conflicts-none"));
        return Ok(Exit::Done);
    }
    out::line(&rows.to_string());
    out::line(&shell.words.with("conflicts-count", &[("count", &count)]));
    Ok(Exit::Done)
}

fn add_rows(
    shell: &Shell,
    desk: &Desk,
    record: &Record,
    rows: &mut comfy_table::Table,
) -> Result<usize> {
    let Some(kind) = catalogue().kind(record.kind) else { return Ok(0) };
    let mut count = 0;
    for (field, state) in conflict::fields(record) {
        count += 1;
        let label = kind.field(*field).map_or("?", |f| f.label(shell.lang())).to_owned();
        let shown =
            dongbo_proto::merge::shown(dongbo_proto::merge::rule_of(kind.id, *field), &state.heads);
        for (at, head) in state.heads.iter().enumerate() {
            let mark = if Some(at) == shown { "→ " } else { "  " };
            let text = value(desk, kind, *field, &head.value, shell.lang())?;
            let (record, label) = match at {
                0 => (format!("{} {}", kind_label(shell, record), record.id), label.clone()),
                _ => (String::new(), String::new()),
            };
            let when = spoken_stamp(head.stamp);
            rows.add_row([record, label, format!("{mark}{text}"), head.act.to_string(), when]);
        }
    }
    Ok(count)
}

fn settle(shell: &Shell, args: Settle) -> Result<Exit> {
    let mut desk = shell.open()?;
    let id: RecordId = args.id.parse().map_err(|_| OfficeError::BadId)?;
    let record = desk.record(id)?;
    let kind = catalogue().kind(record.kind).ok_or(OfficeError::NothingToSettle)?;
    let only = args.field.as_ref().map(|name| field_named(kind, name).map(|f| f.id)).transpose()?;
    let resolve = |of: &str, code: &str| desk.by_code(of, code);
    let mut entries = form::entries(kind, &args.sets, &[], desk.today()?, &resolve)?;
    let take = args.take.iter().map(|a| act(a)).collect::<Result<Vec<_>>>()?;
    entries.extend(conflict::take(&record, &take, only)?);
    if args.shown {
        let fields = conflict::fields(&record).filter(|(f, _)| only.is_none_or(|o| o == *f));
        entries.extend(fields.filter_map(|(f, _)| Some((*f, record.shown(*f)?.clone()))));
    }
    let entries = form::each_once(kind, entries)?;
    let person = desk.person.clone();
    let how = How { person, grounds: args.grounds.grounds, ..How::default() };
    let plan = conflict::settle(kind, &record, entries, &how)?;
    let acts = desk.save(&plan.drafts)?;
    edited(shell, kind, id, &plan, &acts);
    Ok(Exit::Done)
}
