//! A record as people and scripts see it: the JSON that is a contract (`node/docs/CLI.md`).
//!
//! Pure. The values are a member's data: what is made here goes to the person who asked, never to
//! a log. Deliberately absent: masking by role, which comes with accounts.

use chrono::{DateTime, FixedOffset, NaiveDate};
use dongbo_proto::catalogue::{Kind, catalogue, flags, validate};
use dongbo_proto::id::{AuthorId, FieldId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Head, Record};
use dongbo_proto::stamp::{Stamp, UnixMs};
use dongbo_proto::value::Value;
use serde_json::{Map, Value as Json, json};

/// Hours that clocks in Viet Nam are ahead of UTC; a computer's own time zone decides nothing.
const ZONE_HOURS: i32 = 7;

/// What is needed to show records: whose replica it is, how far it is acknowledged, the day.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// This node.
    pub author: AuthorId,
    /// Own acts up to here have a fate.
    pub acknowledged: u64,
    /// The day on which flags are looked at.
    pub today: NaiveDate,
    /// Codes of the scopes held.
    pub scopes: Vec<(ScopeId, String)>,
}

impl Viewer {
    /// Whether an act is this node's and the province has not answered.
    pub fn is_pending(&self, head: &Head) -> bool {
        head.act.author == self.author && head.act.position > self.acknowledged
    }

    /// The code of a scope, or its number where it is not held.
    pub fn scope_code(&self, scope: ScopeId) -> String {
        let held = self.scopes.iter().find(|(id, _)| *id == scope);
        held.map_or_else(|| scope.to_string(), |(_, code)| code.clone())
    }

    /// A record in full.
    pub fn record(&self, record: &Record) -> Json {
        let kind = catalogue().kind(record.kind);
        json!({
            "id": record.id,
            "kind": kind_name(record),
            "scope": record.home.0,
            "home": self.scope_code(record.home),
            "created": {
                "act": record.created.act,
                "stamp": record.created.stamp.0,
                "when": when(record.created.stamp.ms()),
                "rank": record.created.rank.word(),
            },
            "void": record.is_void(),
            "fields": self.fields(record, kind),
            "flags": self.flags(record, kind),
        })
    }

    fn fields(&self, record: &Record, kind: Option<&Kind>) -> Json {
        let shown = |(id, state): &(FieldId, FieldState)| {
            let at = merge::shown(merge::rule_of(record.kind, *id), &state.heads)?;
            Some((field_name(kind, *id), self.field(kind, *id, state, at)))
        };
        Json::Object(record.fields.iter().filter_map(shown).collect())
    }

    fn field(&self, kind: Option<&Kind>, id: FieldId, state: &FieldState, at: usize) -> Json {
        let head = &state.heads[at];
        let mut json = self.head(kind, id, head);
        json["stamp"] = json!(head.stamp.0);
        json["pending"] = json!(self.is_pending(head));
        json["conflict"] = Json::Array(Vec::new());
        if state.in_conflict() {
            let all = state.heads.iter().map(|h| self.head(kind, id, h));
            json["conflict"] = Json::Array(all.collect());
        }
        json
    }

    /// One head: value, act, rank, when, author.
    pub fn head(&self, kind: Option<&Kind>, field: FieldId, head: &Head) -> Json {
        json!({
            "value": value(kind, field, &head.value),
            "act": head.act,
            "rank": head.rank.word(),
            "when": when(head.stamp.ms()),
            "author": head.act.author,
        })
    }

    /// What looks wrong in a record.
    pub fn flags(&self, record: &Record, kind: Option<&Kind>) -> Vec<Json> {
        let Some(kind) = kind else { return Vec::new() };
        let found = flags::flags(kind, |field| record.shown(field), self.today);
        let flag = |f: flags::Flag| json!({ "code": f.code.as_str(), "field": field_name(Some(kind), f.field) });
        found.into_iter().map(flag).collect()
    }

    /// A record in a list: its id and the values shown.
    pub fn brief(&self, record: &Record) -> Json {
        json!({
            "id": record.id,
            "kind": kind_name(record),
            "void": record.is_void(),
            "fields": values(record),
        })
    }
}

/// The values that a record shows, by name; cleared and empty fields are left out.
pub fn values(record: &Record) -> Map<String, Json> {
    let kind = catalogue().kind(record.kind);
    let shown = |(id, _): &(FieldId, FieldState)| {
        let shown = record.shown(*id).filter(|v| !v.is_null())?;
        Some((field_name(kind, *id), value(kind, *id, shown)))
    };
    record.fields.iter().filter_map(shown).collect()
}

/// A value in JSON.
pub fn value(kind: Option<&Kind>, field: FieldId, value: &Value) -> Json {
    match kind.and_then(|k| k.field(field)) {
        Some(field) => validate::to_json(field, value),
        None => json!({ "unknown_type": value.tag() }),
    }
}

/// A value as a cell of a table: codes by their label, dates as the office writes them.
pub fn cell(kind: &Kind, field: FieldId, value: &Value, lang: &str) -> String {
    use dongbo_proto::catalogue::FieldType;
    let ty = kind.field(field).map(|f| &f.ty);
    match (ty, value) {
        (_, Value::Null) => String::new(),
        (Some(FieldType::Code(table)), Value::Text(code)) => {
            let entry = catalogue().codes(table).and_then(|t| t.entry(code));
            let label = entry.map(|e| if lang == "en" { &e.en } else { &e.vi });
            label.unwrap_or(code).clone()
        }
        (Some(FieldType::Bool), Value::Int(n)) => if *n == 0 { "–" } else { "✓" }.to_owned(),
        (_, Value::Text(text)) => text.clone(),
        (_, Value::Int(n)) => n.to_string(),
        (_, Value::Date(date)) if lang == "en" => date.to_string(),
        (_, Value::Date(date)) => day_first(*date),
        (_, Value::Ref(id)) => id.to_string(),
        (_, Value::Opaque(tag, _)) => format!("?{tag}"),
    }
}

fn day_first(date: dongbo_proto::value::PDate) -> String {
    match (date.month(), date.day()) {
        (Some(month), Some(day)) => format!("{day:02}/{month:02}/{}", date.year()),
        (Some(month), None) => format!("{month:02}/{}", date.year()),
        _ => date.year().to_string(),
    }
}

/// The name of a record's kind; its number where a newer build made it.
pub fn kind_name(record: &Record) -> String {
    let kind = catalogue().kind(record.kind);
    kind.map_or_else(|| format!("#{}", record.kind.0), |k| k.name.clone())
}

/// The name of a field; its number where a newer build made it.
pub fn field_name(kind: Option<&Kind>, field: FieldId) -> String {
    let known = kind.and_then(|k| k.field(field));
    known.map_or_else(|| format!("#{}", field.0), |f| f.name.clone())
}

/// A moment for scripts: RFC 3339 in Viet Nam's time.
pub fn when(ms: UnixMs) -> String {
    moment(ms).map_or_else(String::new, |t| t.to_rfc3339())
}

/// A moment for people.
pub fn spoken(ms: UnixMs) -> String {
    moment(ms).map_or_else(String::new, |t| t.format("%d/%m/%Y %H:%M").to_string())
}

/// The day of a moment in Viet Nam.
pub fn day(ms: UnixMs) -> NaiveDate {
    moment(ms).map_or(NaiveDate::MIN, |t| t.date_naive())
}

/// The moment of a stamp for people.
pub fn spoken_stamp(stamp: Stamp) -> String {
    spoken(stamp.ms())
}

fn moment(ms: UnixMs) -> Option<DateTime<FixedOffset>> {
    let zone = FixedOffset::east_opt(ZONE_HOURS * 3600)?;
    DateTime::from_timestamp_millis(ms).map(|t| t.with_timezone(&zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::catalogue::kind;
    use dongbo_proto::id::{ActId, RecordId};
    use dongbo_proto::record::{Origin, Rank};

    fn viewer() -> Viewer {
        Viewer {
            author: AuthorId(5),
            acknowledged: 1,
            today: NaiveDate::from_ymd_opt(2025, 1, 1).unwrap(),
            scopes: vec![(ScopeId(4), "TCCS-01".into())],
        }
    }

    fn record() -> Record {
        let origin = |author, position| Origin {
            act: ActId::new(AuthorId(author), position),
            stamp: Stamp::new(1_700_000_000_000, 0),
            rank: Rank::Home,
        };
        let member = catalogue().kind(kind::MEMBER).unwrap();
        let phone = member.field_named("phone").unwrap().id;
        let mut record = Record::new(RecordId([3; 16]), kind::MEMBER, origin(5, 1), ScopeId(4));
        let heads = &mut record.field_mut(phone).heads;
        heads.push(Head::new(origin(5, 2), Value::Text("1".into())));
        heads.push(Head::new(origin(6, 9), Value::Text("2".into())));
        record
    }

    #[test]
    fn a_conflict_shows_every_head_with_its_act() {
        let json = viewer().record(&record());
        let phone = &json["fields"]["phone"];
        assert_eq!((&phone["value"], &phone["pending"]), (&json!("2"), &json!(false)));
        assert_eq!(phone["conflict"][0]["act"], json!("0000000000000005:2"));
        assert_eq!(phone["conflict"][1]["value"], json!("2"));
        assert_eq!(json["home"], json!("TCCS-01"));
    }

    #[test]
    fn moments_are_in_vietnamese_time() {
        assert_eq!(spoken(0), "01/01/1970 07:00");
        assert_eq!(when(0), "1970-01-01T07:00:00+07:00");
    }
}
