//! `history`: every act on a record, as the province tells it to those who may see it; without a
//! link, this node's own acts.

use dongbo_proto::act::{Act, Intent, Op, Over, RecordWrites};
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::fate::Fate;
use dongbo_proto::frame::HistoryItem;
use dongbo_proto::id::{ActId, AuthorId, RecordId};
use serde_json::{Map, Value as Json, json};

use super::shell::Shell;
use super::sync::ask_history;
use super::table::table;
use super::{Exit, out, record};
use crate::office::shown::{field_name, spoken, value, when};
use crate::office::{Desk, OfficeError, Result};

/// Shows the history of a record.
pub fn run(shell: &Shell, id: RecordId, here: bool) -> Result<Exit> {
    let mut desk = shell.open()?;
    let asked = if here { Ok(None) } else { ask(shell, &mut desk, id) };
    let (items, complete) = match asked {
        Ok(Some(items)) => (items.iter().map(|i| told(i, id)).collect(), true),
        Ok(None) => (own(&desk, id)?, false),
        Err(error) => {
            // The link is away: what is here is shown, and said to be a part.
            out::note(&super::said::of(&error, &shell.dir).sentence(&shell.words));
            (own(&desk, id)?, false)
        }
    };
    if items.is_empty() && desk.replica.record(id)?.is_none() {
        return Err(OfficeError::NotFound(id));
    }
    print(shell, &desk, id, &items, complete)
}

fn ask(shell: &Shell, desk: &mut Desk, id: RecordId) -> Result<Option<Vec<HistoryItem>>> {
    Ok(ask_history(shell, desk, id)?.outcome.history)
}

/// One act in the history of a record.
struct Item {
    act: Act,
    author: AuthorId,
    order_ms: Option<i64>,
    rank: Option<&'static str>,
    fate: Option<Fate>,
    retracted: bool,
    record: RecordId,
}

fn told(item: &HistoryItem, record: RecordId) -> Item {
    Item {
        act: item.act.clone(),
        author: item.author,
        order_ms: Some(item.stamp.ms()),
        rank: Some(item.rank.word()),
        fate: Some(item.fate),
        retracted: item.retracted,
        record,
    }
}

fn own(desk: &Desk, record: RecordId) -> Result<Vec<Item>> {
    let item = |own: crate::replica::OwnAct| Item {
        act: own.act,
        author: own.id.author,
        order_ms: None,
        rank: None,
        fate: own.fate,
        retracted: false,
        record,
    };
    Ok(desk.replica.history_here(record)?.into_iter().map(item).collect())
}

impl Item {
    fn id(&self) -> ActId {
        self.act.id(self.author)
    }

    fn writes(&self) -> impl Iterator<Item = &RecordWrites> {
        self.act.writes().filter(|w| w.record == self.record)
    }

    fn creates(&self) -> bool {
        self.writes().any(|w| w.create.is_some())
    }

    fn to_json(&self) -> Json {
        json!({
            "act": self.id(),
            "author": self.author,
            "person": self.act.person,
            "intent": intent_word(self.act.intent),
            "grounds": self.act.grounds,
            "job": self.act.job.map(|j| j.job),
            "claimed": when(self.act.claimed.ms()),
            "when": self.order_ms.map(when),
            "rank": self.rank,
            "fate": self.fate.map(fate_word),
            "reason": self.fate.and_then(reason_key),
            "retracted": self.retracted,
            "creates": self.creates(),
            "retracts": self.retracts(),
            "fields": self.fields(),
        })
    }

    fn retracts(&self) -> Vec<ActId> {
        let acts = |op: &Op| match op {
            Op::Retract(acts) => acts.clone(),
            _ => Vec::new(),
        };
        self.act.ops.iter().flat_map(acts).collect()
    }

    fn fields(&self) -> Json {
        let mut fields = Map::new();
        for writes in self.writes() {
            let kind = catalogue().kind(writes.kind);
            for write in &writes.fields {
                let over = match &write.over {
                    Over::Nothing => json!([]),
                    Over::Creation => json!("creation"),
                    Over::Heads(heads) => json!(heads.as_slice()),
                };
                let said = json!({ "value": value(kind, write.field, &write.value), "over": over });
                fields.insert(field_name(kind, write.field), said);
            }
        }
        Json::Object(fields)
    }
}

/// The word for an intent.
pub fn intent_word(intent: Intent) -> &'static str {
    match intent {
        Intent::Change => "change",
        Intent::Import => "import",
        Intent::Request => "request",
    }
}

/// The word for a fate.
pub fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Merged { .. } => "merged",
        Fate::Held(_) => "held",
        Fate::Refused(_) => "refused",
    }
}

/// The key of the reason of a fate.
pub fn reason_key(fate: Fate) -> Option<&'static str> {
    match fate {
        Fate::Merged { .. } => None,
        Fate::Held(reason) | Fate::Refused(reason) => Some(reason.key()),
    }
}

/// The key of the sentence for a fate.
pub fn fate_key(fate: Option<Fate>) -> &'static str {
    match fate {
        None => "fate-unsent",
        Some(Fate::Merged { .. }) => "fate-merged",
        Some(Fate::Held(_)) => "fate-held",
        Some(Fate::Refused(_)) => "fate-refused",
    }
}

fn print(shell: &Shell, desk: &Desk, id: RecordId, items: &[Item], complete: bool) -> Result<Exit> {
    if shell.json {
        let acts: Vec<Json> = items.iter().map(Item::to_json).collect();
        out::json(&json!({ "id": id, "complete": complete, "acts": acts }));
        return Ok(Exit::Done);
    }
    let head = ["col-when", "col-who", "col-what", "col-fate"];
    let mut rows = table(head.map(|key| shell.say(key)));
    for item in items {
        let ms = item.order_ms.unwrap_or(item.act.claimed.ms());
        let who = format!("{} ({})", item.act.person, item.author);
        let mut fate = shell.say(fate_key(item.fate));
        if item.retracted {
            fate = format!("{fate} · {}", shell.say("history-retracted"));
        }
        rows.add_row([spoken(ms), who, what(shell, desk, item)?, fate]);
    }
    out::line(&rows.to_string());
    if !complete {
        out::line(&shell.say("history-partial"));
    }
    Ok(Exit::Done)
}

fn what(shell: &Shell, desk: &Desk, item: &Item) -> Result<String> {
    let mut lines = Vec::new();
    if item.creates() {
        lines.push(shell.say("history-created"));
    }
    for act in item.retracts() {
        lines.push(shell.words.with("history-retracts", &[("act", &act)]));
    }
    for writes in item.writes() {
        let Some(kind) = catalogue().kind(writes.kind) else { continue };
        for write in &writes.fields {
            let label = kind.field(write.field).map_or("?", |f| f.label(shell.lang()));
            let text = record::value(desk, kind, write.field, &write.value, shell.lang())?;
            lines.push(format!("{label}: {text}"));
        }
    }
    Ok(lines.join("\n"))
}
