//! Looking at records: `record show`, `list`, `search`.

use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::ScopeId;
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;
use serde_json::{Value as Json, json};

use super::args::{ListArgs, RecordArgs, RecordCommand, SearchArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::text::{Codes, Grid};
use super::{edit, node, view};
use crate::registry;

/// Fields by which a record is told from others, shown in lists.
const NAMING_FIELDS: [&str; 6] = ["full_name", "name_full", "name", "birth_date", "code", "member"];

/// Does one of the commands.
///
/// # Errors
/// No such record, kind or scope, or the store's.
pub fn run(ctx: &Context, command: &RecordCommand) -> Result<()> {
    match command {
        RecordCommand::Show(args) => show(ctx, args),
        RecordCommand::List(args) => list(ctx, args),
        RecordCommand::Search(args) => search(ctx, args),
        RecordCommand::Edit(args) => edit::edit(ctx, args),
    }
}

fn show(ctx: &Context, args: &RecordArgs) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (record, codes) =
        store.read_now(|tx| Ok::<_, Fault>((edit::find(tx, args.record)?, Codes::read(tx)?)))?;
    let now_ms = ctx.now_ms();
    let json = view::record_json(&record, &codes, now_ms);
    ctx.show(&json, |words| view::record_text(words, &record, &codes, now_ms))
}

fn kind_named(name: &str) -> Result<&'static Kind> {
    let known = || catalogue().kinds().iter().map(|k| k.name.as_str()).collect::<Vec<_>>();
    catalogue().kind_named(name).ok_or_else(|| {
        let fault = Fault::new(Exit::NotFound, "fault-no-such-kind").with("kind", name);
        fault.with("kinds", known().join(", "))
    })
}

fn list(ctx: &Context, args: &ListArgs) -> Result<()> {
    let kind = kind_named(&args.kind)?;
    let store = ctx.home()?.registry()?;
    let (records, codes) = store.read_now(|tx| {
        let home = match &args.scope {
            Some(code) if code == registry::REFERENCE_CODE => Some(ScopeId::REFERENCE),
            Some(code) => Some(node::scope(tx, code)?.id),
            None => None,
        };
        let records = registry::list(tx, kind, home, args.after, args.limit)?;
        Ok::<_, Fault>((records, Codes::read(tx)?))
    })?;
    show_all(ctx, kind, &records, &codes)
}

fn search(ctx: &Context, args: &SearchArgs) -> Result<()> {
    let kind = kind_named(&args.kind)?;
    let store = ctx.home()?.registry()?;
    let (records, codes) = store.read_now(|tx| {
        let records = registry::search(tx, kind, &args.text, args.limit)?;
        Ok::<_, Fault>((records, Codes::read(tx)?))
    })?;
    show_all(ctx, kind, &records, &codes)
}

fn show_all(ctx: &Context, kind: &Kind, records: &[Record], codes: &Codes) -> Result<()> {
    let now_ms = ctx.now_ms();
    let all: Vec<Json> = records.iter().map(|r| view::record_json(r, codes, now_ms)).collect();
    ctx.show(&json!({ "records": all }), |words| {
        let mut grid = Grid::new(words, &["head-record", "head-scope", "head-shown"]);
        for record in records {
            grid.row([record.id.to_string(), codes.one(record.home), naming(kind, record)]);
        }
        grid.or(words, "records-none")
    })
}

/// What tells a record from others, in one cell.
fn naming(kind: &Kind, record: &Record) -> String {
    let fields = NAMING_FIELDS.iter().filter_map(|name| kind.field_named(name));
    let shown = fields.filter_map(|f| record.shown(f.id).map(|v| (f.id, v)));
    let shown = shown.filter(|(_, value)| **value != Value::Null);
    shown.map(|(f, v)| view::value_text(kind.id, f, v)).collect::<Vec<_>>().join(" · ")
}
