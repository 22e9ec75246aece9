//! Looking: `status`, `conflicts`, `history`, `digest`.
//!
//! Reads only, each from one snapshot; all of them work while the server runs.

use dongbo_proto::id::ScopeId;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::states::State;
use dongbo_proto::words::Words;
use serde_json::{Map, Value as Json, json};

use super::args::{RecordArgs, StatusArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::home::Home;
use super::node::{self, Node};
use super::text::{self, Codes, Grid};
use super::view;
use crate::registry::{self, Conflicts, Fleet, HistoryEntry, Machine, Status};

/// Fields in conflict that are listed: above it somebody must look for a common cause first.
const CONFLICTS_MAX: usize = 10_000;
/// Names of silent nodes that are spelt out in a terminal; JSON has them all.
const SILENT_NAMED_MAX: usize = 10;

/// A backup that is older is worth a word: it is made every night, and one night may fail.
const BACKUP_MS_MAX: i64 = 2 * DAY_MS;
/// How long the finding that the registry was put back is named as a state.
const WENT_BACK_MS_MAX: i64 = 30 * DAY_MS;
/// A machine that has not brought what it said it had is named after this long: before, it may be at it.
const BEHIND_MS_MIN: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

struct Standing {
    status: Status,
    nodes: Vec<Node>,
    conflicts: usize,
    twins: usize,
    fleet: Fleet,
    bytes: u64,
    /// The process that serves, where one does; `Some(None)` if it cannot be named.
    serving: Option<Option<u32>>,
    now_ms: UnixMs,
}

/// How the province stands.
///
/// # Errors
/// The store's.
pub fn status(ctx: &Context, args: &StatusArgs) -> Result<()> {
    let home = ctx.home()?;
    let store = home.registry()?;
    let now_ms = ctx.now_ms();
    let (status, nodes, conflicts, fleet) = store.read_now(|tx| {
        let conflicts = registry::conflicts(tx, CONFLICTS_MAX)?;
        let fleet = registry::fleet(tx)?;
        Ok::<_, Fault>((registry::status(tx)?, node::all(tx, now_ms)?, conflicts, fleet))
    })?;
    let standing = Standing {
        status,
        nodes,
        conflicts: conflicts.fields.len(),
        twins: conflicts.twins.len(),
        fleet,
        bytes: store.store().bytes()?,
        serving: serving(&home),
        now_ms,
    };
    let silent_days = i64::from(args.silent_days);
    let mut json = standing.json(silent_days);
    let states = standing.states(silent_days);
    json["states"] = states.iter().map(|state| state_json(&ctx.words, *state)).collect();
    ctx.show(&json, |words| {
        format!("{}\n{}", standing.text(words, silent_days), states_text(words, &states))
    })
}

fn state_json(words: &Words, state: State) -> Json {
    json!({
        "name": state.name(),
        "severity": state.severity().word(),
        "sentence": words.get(state.sentence()),
        "way_out": words.get(state.way_out()),
    })
}

/// What is the matter, and the way out of each.
fn states_text(words: &Words, states: &[State]) -> String {
    if states.is_empty() {
        return words.get("status-all-is-well");
    }
    let mut lines = vec![words.get("status-states")];
    for state in states {
        lines.push(format!("• {}", words.get(state.sentence())));
        lines.push(format!("  → {}", words.get(state.way_out())));
    }
    lines.join("\n")
}

/// Who serves, if anybody does. Trying the lock is the only way to know, and takes microseconds.
fn serving(home: &Home) -> Option<Option<u32>> {
    match dongbo_sqlite::DirLock::acquire(home.dir(), "status", std::time::Duration::ZERO) {
        Err(dongbo_sqlite::LockError::Held { pid, .. }) => Some(pid),
        _ => None,
    }
}

impl Standing {
    fn silent(&self, days: i64) -> Vec<&Node> {
        let expected = self.nodes.iter().filter(|n| n.standing == "good");
        expected.filter(|n| n.silent_days >= days).collect()
    }

    /// Every state that holds now, the gravest first.
    fn states(&self, silent_days: i64) -> Vec<State> {
        let (s, now_ms) = (&self.status, self.now_ms);
        let within =
            |at: Option<UnixMs>, ms: i64| at.is_some_and(|at| now_ms.saturating_sub(at) <= ms);
        let any = |of: &dyn Fn(&Machine) -> bool| self.fleet.machines.iter().any(of);
        let late = |m: &Machine| m.behind() > 0 && m.silent_ms(now_ms) > BEHIND_MS_MIN;
        let all = [
            (self.serving.is_none(), State::NotServing),
            (within(s.went_back.map(|w| w.at_ms), WENT_BACK_MS_MAX), State::WentBack),
            (s.backup_ms.is_none(), State::NoBackup),
            (s.backup_ms.is_some() && !within(s.backup_ms, BACKUP_MS_MAX), State::BackupOld),
            (s.held > 0, State::HeldActs),
            (self.conflicts > 0, State::Conflicts),
            (self.twins > 0, State::Twins),
            (!self.silent(silent_days).is_empty(), State::NodesQuiet),
            (any(&late), State::NodesBehind),
            (any(&|m| m.stopped() && !m.delivers_only()), State::NodesStopped),
            (any(&Machine::delivers_only), State::NodesDeliverOnly),
        ];
        let mut all: Vec<State> =
            all.into_iter().filter(|(holds, _)| *holds).map(|(_, state)| state).collect();
        all.sort_by_key(|state| std::cmp::Reverse(state.severity()));
        all
    }

    fn json(&self, silent_days: i64) -> Json {
        let s = &self.status;
        let records: Map<String, Json> = s
            .kinds
            .iter()
            .map(|(kind, live, void)| {
                (view::kind_name(*kind), json!({ "live": live, "void": void }))
            })
            .collect();
        let revoked = self.nodes.iter().filter(|n| n.standing != "good").count();
        json!({
            "province": s.province,
            "epoch": s.epoch.to_string(),
            "epochs": s.epochs,
            "went_back_ms": s.went_back.map(|w| w.at_ms),
            "went_back_shown_by": s.went_back.map(|w| w.shown_by.to_string()),
            "serving": self.serving.is_some(),
            "pid": self.serving.flatten(),
            "now_ms": self.now_ms,
            "scopes": s.scopes,
            "records": records,
            "acts": { "merged": s.merged, "held": s.held, "refused": s.refused },
            "held": s.held,
            "conflicts": self.conflicts,
            "twins": self.twins,
            "nodes": { "total": self.nodes.len(), "revoked": revoked, "list": self.nodes },
            "silent": { "days": silent_days, "nodes": self.silent(silent_days) },
            "database_bytes": self.bytes,
            "backup_ms": s.backup_ms,
            "backup_age_s": s.backup_ms.map(|ms| self.now_ms.saturating_sub(ms) / 1_000),
        })
    }

    fn text(&self, words: &Words, silent_days: i64) -> String {
        let s = &self.status;
        let mut lines = vec![words.with("status-province", &[("province", &s.province)])];
        lines.push(match self.serving {
            Some(Some(pid)) => words.with("status-serving", &[("pid", &pid)]),
            Some(None) => words.with("status-serving", &[("pid", &"?")]),
            None => words.get("status-not-serving"),
        });
        let epoch = s.epoch.to_string();
        lines.push(words.with("status-epoch", &[("epoch", &epoch), ("epochs", &s.epochs)]));
        if let Some(back) = s.went_back {
            let (at, by) = (text::moment(back.at_ms), back.shown_by.to_string());
            lines.push(words.with("status-went-back", &[("at", &at), ("node", &by)]));
        }
        lines.push(words.with("status-scopes", &[("scopes", &s.scopes)]));
        for (kind, live, void) in s.kinds.iter().filter(|k| k.1 + k.2 > 0) {
            let name = view::kind_name(*kind);
            lines.push(
                words.with("status-kind", &[("kind", &name), ("live", live), ("void", void)]),
            );
        }
        let acts: [(&str, &dyn std::fmt::Display); 3] =
            [("merged", &s.merged), ("held", &s.held), ("refused", &s.refused)];
        lines.push(words.with("status-acts", &acts));
        let disputes: [(&str, &dyn std::fmt::Display); 2] =
            [("conflicts", &self.conflicts), ("twins", &self.twins)];
        lines.push(words.with("status-conflicts", &disputes));
        lines.extend(self.nodes_text(words, silent_days));
        lines.push(words.with("status-size", &[("size", &text::megabytes(self.bytes))]));
        lines.push(match s.backup_ms {
            Some(ms) => words.with("status-backup", &[("when", &text::moment(ms))]),
            None => words.get("status-no-backup"),
        });
        lines.join("\n")
    }

    fn nodes_text(&self, words: &Words, silent_days: i64) -> Vec<String> {
        let silent = self.silent(silent_days);
        let heard = self.nodes.iter().filter(|n| n.standing == "good").count() - silent.len();
        let args: [(&str, &dyn std::fmt::Display); 3] =
            [("nodes", &self.nodes.len()), ("heard", &heard), ("days", &silent_days)];
        let mut lines = vec![words.with("status-nodes", &args)];
        for node in silent.iter().take(SILENT_NAMED_MAX) {
            let args: [(&str, &dyn std::fmt::Display); 3] =
                [("name", &node.name), ("author", &node.author), ("days", &node.silent_days)];
            lines.push(words.with("status-silent", &args));
        }
        lines
    }
}

/// Lists what is disputed.
///
/// # Errors
/// The store's.
pub fn conflicts(ctx: &Context) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (found, codes) = store.read_now(|tx| {
        Ok::<_, Fault>((registry::conflicts(tx, CONFLICTS_MAX)?, Codes::read(tx)?))
    })?;
    ctx.show(&conflicts_json(&found, &codes), |words| conflicts_text(words, &found, &codes))
}

fn conflicts_json(found: &Conflicts, codes: &Codes) -> Json {
    let field = |c: &registry::Conflict| {
        let heads: Vec<Json> =
            c.heads.iter().map(|h| view::head_json(c.kind, c.field, h)).collect();
        json!({
            "record": c.record,
            "kind": view::kind_name(c.kind),
            "scope": codes.one(c.home),
            "field": view::field_name(c.kind, c.field),
            "shown": heads.first().map(|h| h["value"].clone()),
            "heads": heads,
        })
    };
    let twins = |t: &(dongbo_proto::id::KindId, Vec<dongbo_proto::id::RecordId>)| json!({ "kind": view::kind_name(t.0), "records": t.1 });
    json!({
        "conflicts": found.fields.iter().map(field).collect::<Vec<_>>(),
        "twins": found.twins.iter().map(twins).collect::<Vec<_>>(),
    })
}

fn conflicts_text(words: &Words, found: &Conflicts, codes: &Codes) -> String {
    if found.fields.is_empty() && found.twins.is_empty() {
        return words.get("conflicts-none");
    }
    let mut lines = Vec::new();
    for c in &found.fields {
        let field = view::field_name(c.kind, c.field);
        lines.push(format!(
            "{} {} ({}) {field}",
            view::kind_name(c.kind),
            c.record,
            codes.one(c.home)
        ));
        for (at, head) in c.heads.iter().enumerate() {
            let mark = if at == 0 { "→" } else { "≠" };
            lines.push(format!("  {mark} {}", view::head_text(c.kind, c.field, head)));
        }
    }
    for (kind, records) in &found.twins {
        let ids: Vec<String> = records.iter().map(ToString::to_string).collect();
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("kind", &view::kind_name(*kind)), ("records", &ids.join(", "))];
        lines.push(words.with("conflicts-twins", &args));
    }
    lines.join("\n")
}

/// The history of a record, oldest first.
///
/// # Errors
/// There is no such record, or the store's.
pub fn history(ctx: &Context, args: &RecordArgs) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (entries, codes) = store.read_now(|tx| {
        let kind = registry::kind_of(tx, args.record)?.ok_or_else(|| no_record(args))?;
        Ok::<_, Fault>((registry::history(tx, kind, args.record)?, Codes::read(tx)?))
    })?;
    let json = json!({
        "record": args.record,
        "history": entries.iter().map(|e| entry_json(e, &codes)).collect::<Vec<_>>(),
    });
    ctx.show(&json, |words| {
        let entries: Vec<String> = entries.iter().map(|e| entry_text(words, e, &codes)).collect();
        entries.join("\n")
    })
}

fn no_record(args: &RecordArgs) -> Fault {
    Fault::new(Exit::NotFound, "fault-no-such-record").with("record", args.record)
}

fn entry_json(e: &HistoryEntry, codes: &Codes) -> Json {
    let act = &e.item.act;
    json!({
        "act": act.id(e.item.author),
        "author": e.item.author,
        "author_name": e.author_name,
        "person": act.person,
        "intent": view::intent_word(act.intent),
        "grounds": act.grounds,
        "job": act.job.map(|j| json!({ "id": j.job, "item": j.item, "of": j.of })),
        "claimed_ms": act.claimed.ms(),
        "order_ms": e.item.stamp.ms(),
        "rank": e.item.rank.word(),
        "fate": view::fate_word(e.item.fate),
        "scope": e.at.map(|at| codes.one(at.0)),
        "revision": e.at.map(|at| at.1),
        "decided_by": e.decided_by,
        "retracted_by": e.retracted_by,
        "replaced_by": e.replaced_by,
        "ops": view::ops_json(act, codes),
    })
}

fn entry_text(words: &Words, e: &HistoryEntry, codes: &Codes) -> String {
    let act = &e.item.act;
    let by = format!("{} · {}", act.person, e.author_name);
    let fate = words.get(match (e.item.retracted, view::fate_word(e.item.fate)) {
        (true, _) => "fate-retracted",
        (_, "merged") => "fate-merged",
        (_, "held") => "fate-held",
        _ => "fate-refused",
    });
    let when = text::moment(e.item.stamp.ms());
    let mut lines =
        vec![format!("{when}  {}  {by}  {}  {fate}", act.id(e.item.author), e.item.rank.word())];
    if let Some(grounds) = &act.grounds {
        lines.push(format!("    {}", words.with("history-grounds", &[("grounds", grounds)])));
    }
    lines.extend(view::ops_text(words, act, codes).into_iter().map(|l| format!("    {l}")));
    lines.join("\n")
}

/// The digest of each scope.
///
/// # Errors
/// The store's.
pub fn digest(ctx: &Context) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let (epoch, scopes) =
        store.read_now(|tx| Ok::<_, Fault>((registry::epoch(tx)?.epoch, tx.scopes()?)))?;
    let json = json!({
        "epoch": epoch.to_string(),
        "scopes": scopes.iter().map(|s| json!({
            "id": s.id,
            "code": s.code,
            "name": s.name,
            "revision": s.revision,
            "chain": s.chain,
            "digest": s.digest.to_string(),
        })).collect::<Vec<_>>(),
    });
    ctx.show(&json, |words| {
        let mut grid = Grid::new(words, &["head-scope", "head-revision", "head-digest"]);
        for s in &scopes {
            let code = if s.id == ScopeId::REFERENCE { "0".to_owned() } else { s.code.clone() };
            grid.row([code, s.revision.to_string(), s.digest.to_string()]);
        }
        grid.or(words, "digest-none")
    })
}
