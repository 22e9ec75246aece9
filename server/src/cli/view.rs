//! Records, heads and acts as JSON and as lines for a terminal. Field names are the catalogue's.
//!
//! The province sees every field of every record; what it prints is for the operator's eyes, and
//! never goes into the log.

use dongbo_proto::act::{Act, Intent, Op, Over, Projection, Verdict};
use dongbo_proto::catalogue::{Kind, catalogue, flags, json};
use dongbo_proto::fate::Fate;
use dongbo_proto::id::{FieldId, KindId};
use dongbo_proto::record::{Head, Record};
use dongbo_proto::value::Value;
use dongbo_proto::words::{Lang, Words};
use serde_json::{Map, Value as Json, json};

use super::text::{self, Codes};
use crate::registry::disputes;

/// A kind's name; its number where this build does not know it.
#[must_use]
pub fn kind_name(kind: KindId) -> String {
    catalogue().kind(kind).map_or_else(|| format!("#{}", kind.0), |k| k.name.clone())
}

/// A field's name; its number where this build does not know it.
#[must_use]
pub fn field_name(kind: KindId, field: FieldId) -> String {
    let known = catalogue().kind(kind).and_then(|k| k.field(field));
    known.map_or_else(|| format!("#{}", field.0), |f| f.name.clone())
}

/// A value as JSON.
#[must_use]
pub fn value_json(kind: KindId, field: FieldId, value: &Value) -> Json {
    match catalogue().kind(kind).and_then(|k| k.field(field)) {
        Some(known) => json::to_json(known, value),
        None => json!({ "unknown_field": field.0 }),
    }
}

/// A value for a terminal.
#[must_use]
pub fn value_text(kind: KindId, field: FieldId, value: &Value) -> String {
    match value_json(kind, field, value) {
        Json::Null => "–".to_owned(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// A record as JSON.
#[must_use]
pub fn record_json(record: &Record, codes: &Codes, now_ms: i64) -> Json {
    let mut fields = Map::new();
    for (field, _) in &record.fields {
        if let Some(value) = record.shown(*field) {
            fields.insert(field_name(record.kind, *field), value_json(record.kind, *field, value));
        }
    }
    let mut shown = json!({
        "id": record.id,
        "kind": kind_name(record.kind),
        "scope": codes.one(record.home),
        "void": record.is_void(),
        "created": { "act": record.created.act, "order_ms": record.created.stamp.ms() },
        "fields": fields,
    });
    let Some(kind) = catalogue().kind(record.kind) else { return shown };
    let mut conflicts = Map::new();
    for conflict in disputes(kind, record) {
        let heads: Vec<Json> =
            conflict.heads.iter().map(|h| head_json(record.kind, conflict.field, h)).collect();
        conflicts.insert(field_name(record.kind, conflict.field), Json::Array(heads));
    }
    shown["conflicts"] = Json::Object(conflicts);
    shown["flags"] = flags_json(kind, record, now_ms);
    shown
}

fn flags_json(kind: &Kind, record: &Record, now_ms: i64) -> Json {
    let raised = raised(kind, record, now_ms).into_iter();
    let flag =
        |f: flags::Flag| json!({ "code": f.code.as_str(), "field": field_name(kind.id, f.field) });
    raised.map(flag).collect()
}

fn raised(kind: &Kind, record: &Record, now_ms: i64) -> Vec<flags::Flag> {
    let today = chrono::DateTime::from_timestamp_millis(now_ms).map(|t| t.date_naive());
    flags::flags(kind, |field| record.shown(field), today.unwrap_or_default())
}

/// A head of a field as JSON.
#[must_use]
pub fn head_json(kind: KindId, field: FieldId, head: &Head) -> Json {
    json!({
        "act": head.act,
        "author": head.act.author,
        "rank": head.rank.word(),
        "order_ms": head.stamp.ms(),
        "value": value_json(kind, field, &head.value),
    })
}

/// A record for a terminal: a line a field.
#[must_use]
pub fn record_text(words: &Words, record: &Record, codes: &Codes, now_ms: i64) -> String {
    let Some(kind) = catalogue().kind(record.kind) else { return record.id.to_string() };
    let lang = words.lang().to_string();
    let mut lines =
        vec![format!("{} {} ({})", kind.label(&lang), record.id, codes.one(record.home))];
    let disputed = disputes(kind, record);
    for (field, _) in &record.fields {
        let Some(value) = record.shown(*field) else { continue };
        let label = kind.field(*field).map_or_else(String::new, |f| f.label(&lang).to_owned());
        let name = field_name(record.kind, *field);
        lines.push(format!("  {name}: {} · {label}", value_text(record.kind, *field, value)));
        for conflict in disputed.iter().filter(|c| c.field == *field) {
            let others = conflict.heads.iter().skip(1);
            lines.extend(others.map(|h| format!("    ≠ {}", head_text(record.kind, *field, h))));
        }
    }
    for flag in raised(kind, record, now_ms) {
        let field = field_name(kind.id, flag.field);
        lines.push(format!("  ! {field}: {}", words.get(&flag.code.key())));
    }
    lines.join("\n")
}

/// A head for a terminal.
#[must_use]
pub fn head_text(kind: KindId, field: FieldId, head: &Head) -> String {
    let value = value_text(kind, field, &head.value);
    format!("{value} ({}, {}, {})", head.act, head.rank.word(), text::moment(head.stamp.ms()))
}

/// The word of a fate in JSON.
#[must_use]
pub fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Merged { .. } => "merged",
        Fate::Held(_) => "held",
        Fate::Refused(_) => "refused",
    }
}

/// The word of an intent in JSON.
#[must_use]
pub fn intent_word(intent: Intent) -> &'static str {
    match intent {
        Intent::Change => "change",
        Intent::Import => "import",
        Intent::Request => "request",
    }
}

/// The operations of an act as JSON.
#[must_use]
pub fn ops_json(act: &Act, codes: &Codes) -> Vec<Json> {
    act.ops.iter().map(|op| op_json(op, codes)).collect()
}

fn op_json(op: &Op, codes: &Codes) -> Json {
    match op {
        Op::Write(w) => {
            let field = |f: &dongbo_proto::act::FieldWrite| {
                (
                    field_name(w.kind, f.field),
                    json!({
                        "value": value_json(w.kind, f.field, &f.value),
                        "over": over_json(&f.over),
                    }),
                )
            };
            json!({
                "op": "write",
                "record": w.record,
                "kind": kind_name(w.kind),
                "creates_in": w.create.map(|s| codes.one(s)),
                "fields": w.fields.iter().map(field).collect::<Map<_, _>>(),
            })
        }
        Op::Retract(acts) => json!({ "op": "retract", "acts": acts }),
        Op::Decide(act, Verdict::Approve) => json!({ "op": "approve", "act": act }),
        Op::Decide(act, Verdict::Judge) => json!({ "op": "judge_again", "act": act }),
        Op::Decide(act, Verdict::Refuse(reason)) => {
            json!({ "op": "refuse", "act": act, "reason": reason })
        }
        Op::Place { record, kind, scope, projection } => json!({
            "op": "place",
            "record": record,
            "kind": kind_name(*kind),
            "scope": codes.one(*scope),
            "as": projection_word(*projection),
        }),
        Op::Unknown(tag, bytes) => json!({ "op": "unknown", "tag": tag, "bytes": bytes.len() }),
    }
}

fn over_json(over: &Over) -> Json {
    match over {
        Over::Nothing => json!([]),
        Over::Creation => json!("creation"),
        Over::Heads(heads) => json!(heads.as_slice()),
    }
}

/// The word of a projection in JSON; `gone` where the scope no longer sees the record.
#[must_use]
pub fn projection_word(projection: Option<Projection>) -> &'static str {
    match projection {
        Some(Projection::Home) => "home",
        Some(Projection::Transfer) => "transfer",
        Some(Projection::Visitor) => "visitor",
        None => "gone",
    }
}

/// The operations of an act for a terminal: a line for each field written.
#[must_use]
pub fn ops_text(words: &Words, act: &Act, codes: &Codes) -> Vec<String> {
    let mut lines = Vec::new();
    for op in &act.ops {
        match op {
            Op::Write(w) => {
                let name = if words.lang() == Lang::En { "new" } else { "mới" };
                let new = if w.create.is_some() { format!(" ({name})") } else { String::new() };
                lines.push(format!("{} {}{new}", kind_name(w.kind), w.record));
                let field = |f: &dongbo_proto::act::FieldWrite| {
                    let value = value_text(w.kind, f.field, &f.value);
                    format!("  {} = {value}", field_name(w.kind, f.field))
                };
                lines.extend(w.fields.iter().map(field));
            }
            other => lines.push(op_json(other, codes).to_string()),
        }
    }
    lines
}
