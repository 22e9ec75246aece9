//! `member` and `record`: enter, change, show, list, search.

use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::{ActId, FieldId, RecordId};
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use serde_json::{Value as Json, json};

use super::args::{Add, Edit, List, Records};
use super::shell::Shell;
use super::table::table;
use super::{Exit, history, out};
use crate::office::edit::{self, How, Plan};
use crate::office::form::{self, Entries, field_named, kind_named};
use crate::office::place::{self, Hints};
use crate::office::shown::{cell, field_name, kind_name, spoken_stamp};
use crate::office::{Desk, OfficeError, Result};
use crate::replica::Filter;

/// Columns of a list of members: what tells people apart.
const MEMBER_COLUMNS: [&str; 4] = ["full_name", "sex", "birth_date", "unit_id"];
/// Columns of a list of units and villages.
const CODED_COLUMNS: [&str; 3] = ["code", "name_full", "name"];
/// Columns of other lists: the first so many fields.
const COLUMNS_MAX: usize = 5;

/// Does one of them.
pub fn run(shell: &mut Shell, kind: &str, command: Records) -> Result<Exit> {
    let kind = kind_named(kind)?;
    match command {
        Records::Add(args) => add(shell, kind, args),
        Records::Edit(args) => edit_one(shell, kind, args),
        Records::Show { id } => show(shell, id.parse().map_err(|_| OfficeError::BadId)?),
        Records::List(args) => list(shell, kind, args),
        Records::Search { text, limit } => search(shell, kind, &text.join(" "), limit),
        Records::History { id, here } => {
            history::run(shell, id.parse().map_err(|_| OfficeError::BadId)?, here)
        }
    }
}

fn add(shell: &Shell, kind: &Kind, args: Add) -> Result<Exit> {
    let mut desk = shell.open()?;
    let mut entries = entries(&desk, kind, &args.sets, &[])?;
    let mut hints = Hints { scope: args.scope, ..Hints::default() };
    put_unit(&desk, kind, &mut entries, args.unit.as_deref())?;
    if let Some(unit) = place::unit(kind, &entries) {
        let unit = desk.replica.record_of(dongbo_proto::catalogue::kind::UNIT, unit)?;
        hints.unit = unit.as_ref().and_then(place::scope_of_unit);
    }
    if let Some(subject) = place::subject(kind, &entries) {
        hints.subject = desk.replica.record(subject)?.map(|r| r.home);
    }
    let home = place::home(&hints, &desk.grants()?)?;
    let id = desk.new_id();
    let how = How { person: desk.person.clone(), grounds: args.grounds.grounds, ..How::default() };
    let plan = edit::add(kind, id, home, entries, &how)?;
    let acts = desk.save(&plan.drafts)?;
    added(shell, &desk, kind, id, &plan, &acts)
}

/// The values of the arguments.
fn entries(desk: &Desk, kind: &Kind, sets: &[String], clears: &[String]) -> Result<Entries> {
    let resolve = |of: &str, code: &str| desk.by_code(of, code);
    form::entries(kind, sets, clears, desk.today()?, &resolve)
}

/// `--unit CODE` is `unit_id`.
fn put_unit(desk: &Desk, kind: &Kind, entries: &mut Entries, code: Option<&str>) -> Result<()> {
    let Some(code) = code else { return Ok(()) };
    let field = field_named(kind, "unit_id")?;
    entries.push((field.id, Value::Ref(desk.by_code("unit", code)?)));
    *entries = form::each_once(kind, std::mem::take(entries))?;
    Ok(())
}

fn added(
    shell: &Shell,
    desk: &Desk,
    kind: &Kind,
    id: RecordId,
    plan: &Plan,
    acts: &[ActId],
) -> Result<Exit> {
    let asked = plan.request_at().is_some();
    if shell.json {
        let mut json = match desk.replica.record_of(kind.id, id)? {
            Some(record) => desk.viewer()?.record(&record),
            None => json!({ "id": id, "kind": kind.name }),
        };
        json["acts"] = json!(acts);
        json["requested"] = json!(asked);
        out::json(&json);
    } else {
        let key = if asked { "record-asked-for" } else { "record-added" };
        out::line(&shell.words.with(key, &[("kind", &kind.label(shell.lang())), ("id", &id)]));
    }
    Ok(Exit::Done)
}

fn edit_one(shell: &Shell, kind: &Kind, args: Edit) -> Result<Exit> {
    let mut desk = shell.open()?;
    let id: RecordId = args.id.parse().map_err(|_| OfficeError::BadId)?;
    let shown = desk.record_of(kind.id, id)?;
    let mut entries = entries(&desk, kind, &args.sets, &args.clears)?;
    put_unit(&desk, kind, &mut entries, args.unit.as_deref())?;
    let over =
        args.over.map(|acts| acts.iter().map(|a| act(a)).collect::<Result<_>>()).transpose()?;
    let how = How {
        person: desk.person.clone(),
        grounds: args.grounds.grounds,
        over,
        settle: args.settle,
    };
    let plan = edit::edit(kind, &shown, entries, &how)?;
    let acts = desk.save(&plan.drafts)?;
    edited(shell, kind, id, &plan, &acts);
    Ok(Exit::Done)
}

/// An act's id.
pub fn act(text: &str) -> Result<ActId> {
    text.parse().map_err(|_| OfficeError::BadId)
}

/// Says what became of an edit: which parts changed, which the province is asked for.
pub fn edited(shell: &Shell, kind: &Kind, id: RecordId, plan: &Plan, acts: &[ActId]) {
    let names =
        |fields: &[FieldId]| fields.iter().map(|f| field_name(Some(kind), *f)).collect::<Vec<_>>();
    let request = plan.request_at();
    let change = (0..plan.drafts.len()).find(|at| Some(*at) != request);
    let act = |at: Option<usize>| at.and_then(|at| acts.get(at)).copied();
    if shell.json {
        return out::json(&json!({
            "id": id,
            "kind": kind.name,
            "acts": acts,
            "change": act(change),
            "request": act(request),
            "changed": names(&plan.changed),
            "requested": names(&plan.requested),
            "unchanged": names(&plan.unchanged),
        }));
    }
    let lines = [
        ("edit-changed", &plan.changed),
        ("edit-requested", &plan.requested),
        ("edit-unchanged", &plan.unchanged),
    ];
    for (key, fields) in lines.into_iter().filter(|(_, fields)| !fields.is_empty()) {
        let labels = labels(shell, kind, fields);
        out::line(&shell.words.with(key, &[("fields", &labels)]));
    }
    if let Some(last) = acts.first() {
        out::line(&shell.words.with("edit-act", &[("act", last)]));
    }
}

fn labels(shell: &Shell, kind: &Kind, fields: &[FieldId]) -> String {
    let label = |f: &FieldId| {
        kind.field(*f)
            .map_or_else(|| field_name(None, *f), |field| field.label(shell.lang()).to_owned())
    };
    fields.iter().map(label).collect::<Vec<_>>().join(", ")
}

fn show(shell: &Shell, id: RecordId) -> Result<Exit> {
    let desk = shell.open()?;
    let record = desk.record(id)?;
    if shell.json {
        out::json(&desk.viewer()?.record(&record));
    } else {
        print(shell, &desk, &record)?;
    }
    Ok(Exit::Done)
}

fn print(shell: &Shell, desk: &Desk, record: &Record) -> Result<()> {
    let viewer = desk.viewer()?;
    let Some(kind) = catalogue().kind(record.kind) else {
        out::json(&viewer.record(record));
        return Ok(());
    };
    let home = viewer.scope_code(record.home);
    let title: [(&str, &dyn std::fmt::Display); 3] =
        [("kind", &kind.label(shell.lang())), ("id", &record.id), ("home", &home)];
    out::line(&shell.words.with("show-title", &title));
    let mut rows = table(["col-field", "col-value", "col-since"].map(|key| shell.say(key)));
    for (field, state) in &record.fields {
        let shown =
            dongbo_proto::merge::shown(dongbo_proto::merge::rule_of(kind.id, *field), &state.heads);
        let Some(head) = shown.map(|at| &state.heads[at]) else { continue };
        let label = labels(shell, kind, &[*field]);
        let mut since = spoken_stamp(head.stamp);
        if viewer.is_pending(head) {
            since = format!("{since} · {}", shell.say("show-pending"));
        }
        rows.add_row([label, value(desk, kind, *field, &head.value, shell.lang())?, since]);
        for other in state.heads.iter().filter(|h| state.in_conflict() && h.act != head.act) {
            let value = value(desk, kind, *field, &other.value, shell.lang())?;
            rows.add_row([
                format!("  ⚠ {}", shell.say("show-other")),
                value,
                other.act.to_string(),
            ]);
        }
    }
    out::line(&rows.to_string());
    for flag in viewer.flags(record, Some(kind)) {
        let code = flag["code"].as_str().unwrap_or_default().to_lowercase().replace('_', "-");
        out::line(&format!("⚑ {}", shell.say(&format!("flag-{code}"))));
    }
    Ok(())
}

/// A value as people read it: units and villages by their code.
pub fn value(
    desk: &Desk,
    kind: &Kind,
    field: FieldId,
    value: &Value,
    lang: &str,
) -> Result<String> {
    use dongbo_proto::catalogue::FieldType;
    let ty = kind.field(field).map(|f| &f.ty);
    if let (Value::Ref(id), Some(FieldType::Ref(of))) = (value, ty)
        && form::has_codes(of)
        && let Some(of) = catalogue().kind_named(of)
        && let Some(record) = desk.replica.record_of(of.id, *id)?
        && let Some(Value::Text(code)) = of.field_named("code").and_then(|f| record.shown(f.id))
    {
        return Ok(code.clone());
    }
    Ok(cell(kind, field, value, lang))
}

fn list(shell: &Shell, kind: &Kind, args: List) -> Result<Exit> {
    let desk = shell.open()?;
    let mut filter = Filter { voided: args.voided, offset: args.offset, ..Filter::default() };
    for pair in &args.wheres {
        filter.equals.push(condition(&desk, kind, pair)?);
    }
    if let Some(code) = &args.scope {
        let grants = desk.grants()?;
        let grant = grants.iter().find(|g| g.code == *code);
        let unknown = || OfficeError::UnknownScope { code: code.clone() };
        filter.scope = Some(grant.ok_or_else(unknown)?.scope);
    }
    let records = desk.replica.list(kind.id, &filter, args.limit)?;
    print_list(shell, &desk, kind, &records, &args.columns)
}

/// One condition; `unit=CODE` is `unit_id`, an empty value means that nothing is shown.
fn condition(desk: &Desk, kind: &Kind, pair: &str) -> Result<(FieldId, Value)> {
    let (name, text) = pair.split_once('=').ok_or(OfficeError::NotAPair)?;
    let name = match name.trim() {
        of @ ("unit" | "village") if kind.field_named(of).is_none() => format!("{of}_id"),
        other => other.to_owned(),
    };
    let field = field_named(kind, &name)?;
    if text.trim().is_empty() {
        return Ok((field.id, Value::Null));
    }
    let resolve = |of: &str, code: &str| desk.by_code(of, code);
    Ok((field.id, form::value(field, text, chrono::NaiveDate::MAX, &resolve)?))
}

fn search(shell: &Shell, kind: &Kind, text: &str, limit: usize) -> Result<Exit> {
    let desk = shell.open()?;
    let records = desk.replica.search_of(kind.id, text, limit)?;
    print_list(shell, &desk, kind, &records, &[])
}

fn print_list(
    shell: &Shell,
    desk: &Desk,
    kind: &Kind,
    records: &[Record],
    columns: &[String],
) -> Result<Exit> {
    if shell.json {
        let viewer = desk.viewer()?;
        out::json(&Json::Array(records.iter().map(|r| viewer.brief(r)).collect()));
        return Ok(Exit::Done);
    }
    let fields = columns_of(kind, columns)?;
    let labels = fields.iter().map(|f| labels(shell, kind, &[*f]));
    let mut rows = table(std::iter::once("id".to_owned()).chain(labels));
    for record in records {
        let mut row = vec![record.id.to_string()];
        for field in &fields {
            let shown = record.shown(*field).unwrap_or(&Value::Null);
            row.push(value(desk, kind, *field, shown, shell.lang())?);
        }
        rows.add_row(row);
    }
    out::line(&rows.to_string());
    let count: [(&str, &dyn std::fmt::Display); 1] = [("count", &records.len())];
    out::line(&shell.words.with("list-count", &count));
    Ok(Exit::Done)
}

fn columns_of(kind: &Kind, wanted: &[String]) -> Result<Vec<FieldId>> {
    if !wanted.is_empty() {
        return wanted.iter().map(|name| field_named(kind, name).map(|f| f.id)).collect();
    }
    let usual = MEMBER_COLUMNS.iter().chain(&CODED_COLUMNS);
    let known = |names: &mut dyn Iterator<Item = &&str>| -> Vec<FieldId> {
        names.filter_map(|name| kind.field_named(name)).map(|f| f.id).collect()
    };
    match kind_name_of(kind) {
        "member" | "unit" | "village" => Ok(known(&mut usual.into_iter())),
        _ => Ok(kind.stored().skip(1).take(COLUMNS_MAX).map(|f| f.id).collect()),
    }
}

fn kind_name_of(kind: &Kind) -> &str {
    &kind.name
}

/// The label of a record's kind.
pub fn kind_label(shell: &Shell, record: &Record) -> String {
    let kind = catalogue().kind(record.kind);
    kind.map_or_else(|| kind_name(record), |k| k.label(shell.lang()).to_owned())
}
