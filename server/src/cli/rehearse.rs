//! `restore --rehearse`: what a restore of this backup would bring back, from which machines, and what
//! nobody can send again.
//!
//! Reads only, while the server runs or not: neither file is changed.

use dongbo_proto::words::Words;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::args::RestoreArgs;
use super::context::Context;
use super::fault::{Fault, Result};
use super::home::Home;
use super::text::{self, Grid};
use super::view;
use crate::registry::{self, Lost, Returning};
use crate::store::sqlite::SqliteStore;
use crate::store::{Executor, StoreHandle};

/// Acts that are named: above it somebody must look at the journal of the old file itself.
const NAMED_MAX: usize = 1_000;
/// Acts that are named in a terminal; JSON has more.
const NAMED_SHOWN_MAX: usize = 20;

#[derive(Serialize)]
struct Machine<'a> {
    author: String,
    name: &'a str,
    in_backup: Option<u64>,
    known: u64,
    sent_again: u64,
    need_not_be_kept: u64,
    revoked_since: bool,
}

impl<'a> Machine<'a> {
    fn of(one: &'a Returning) -> Self {
        Machine {
            author: one.author.to_string(),
            name: &one.name,
            in_backup: one.in_backup,
            known: one.known,
            sent_again: one.sent_again(),
            need_not_be_kept: one.need_not_be_kept(),
            revoked_since: one.revoked_since,
        }
    }
}

/// Says what a restore would bring back.
///
/// # Errors
/// The backup does not open with this directory's key, or is damaged.
pub fn run(ctx: &Context, args: &RestoreArgs) -> Result<()> {
    let home = ctx.home()?;
    let backup = registry_at(&home, &args.file)?.read_now(registry::known_authors)?;
    // What burned, or is damaged, is what a restore is for: the rehearsal then knows less, and says so.
    let live = registry_at(&home, &home.database()).ok().and_then(|store| {
        let known = store.read_now(registry::known_authors).ok()?;
        Some((store, known))
    });
    let all = registry::compare(&backup, live.as_ref().map(|(_, known)| known.as_slice()));
    let lost = match &live {
        Some((store, _)) => store.read_now(|tx| registry::name_lost(tx, &all, NAMED_MAX))?,
        None => Vec::new(),
    };
    let rehearsal = Rehearsal { live: live.is_some(), all, lost };
    ctx.show(&rehearsal.json(args), |words| rehearsal.text(words))
}

fn registry_at(home: &Home, file: &std::path::Path) -> Result<StoreHandle> {
    let store = SqliteStore::open(file, home.key()?, dongbo_sqlite::Access::ReadOnly);
    let store = store.map_err(|e| Fault::store(file, &e))?;
    Ok(StoreHandle::new(std::sync::Arc::new(store), Executor::Inline))
}

struct Rehearsal {
    /// Whether the registry in use could be read.
    live: bool,
    all: Vec<Returning>,
    lost: Vec<Lost>,
}

impl Rehearsal {
    fn machines(&self) -> impl Iterator<Item = &Returning> {
        self.all.iter().filter(|one| !one.province)
    }

    fn sum(&self, of: impl Fn(&Returning) -> u64) -> u64 {
        self.all.iter().map(of).sum()
    }

    fn json(&self, args: &RestoreArgs) -> Json {
        let machines: Vec<Machine<'_>> = self.machines().map(Machine::of).collect();
        let lost = |lost: &Lost| {
            let kinds: Vec<String> = lost.kinds.iter().map(|kind| view::kind_name(*kind)).collect();
            json!({
                "act": lost.act, "person": lost.person, "order_ms": lost.stamp.ms(), "kinds": kinds,
            })
        };
        json!({
            "rehearsed": args.file,
            "live": self.live,
            "machines": machines,
            "acts_sent_again": self.sum(Returning::sent_again),
            "acts_need_not_be_kept": self.sum(Returning::need_not_be_kept),
            "acts_lost": self.sum(Returning::lost),
            "lost": self.lost.iter().map(lost).collect::<Vec<_>>(),
        })
    }

    fn text(&self, words: &Words) -> String {
        let mut lines = Vec::new();
        if !self.live {
            lines.push(words.get("rehearse-no-live"));
        }
        let again = self.sum(Returning::sent_again);
        let machines = self.machines().filter(|one| one.sent_again() > 0).count();
        let args: [(&str, &dyn std::fmt::Display); 2] = [("acts", &again), ("machines", &machines)];
        lines.push(words.with("rehearse-again", &args));
        let unkept = self.sum(Returning::need_not_be_kept);
        if unkept > 0 {
            lines.push(words.with("rehearse-later-backup", &[("acts", &unkept)]));
        }
        let joined: Vec<&str> =
            self.machines().filter(|m| m.in_backup.is_none()).map(|m| m.name.as_str()).collect();
        if !joined.is_empty() {
            lines.push(words.with("rehearse-joined", &[("names", &joined.join(", "))]));
        }
        let revoked: Vec<&str> =
            self.machines().filter(|m| m.revoked_since).map(|m| m.name.as_str()).collect();
        if !revoked.is_empty() {
            lines.push(words.with("rehearse-revoked", &[("names", &revoked.join(", "))]));
        }
        lines.push(self.grid(words));
        lines.push(words.with("rehearse-lost", &[("acts", &self.sum(Returning::lost))]));
        for lost in self.lost.iter().take(NAMED_SHOWN_MAX) {
            let kinds: Vec<String> = lost.kinds.iter().map(|kind| view::kind_name(*kind)).collect();
            let when = text::moment(lost.stamp.ms());
            lines.push(format!("  {when}  {}  {}  {}", lost.act, lost.person, kinds.join(" ")));
        }
        lines.push(words.get("rehearse-nothing-changed"));
        lines.join("\n")
    }

    fn grid(&self, words: &Words) -> String {
        let heads = ["head-node", "head-name", "head-in-backup", "head-known", "head-again"];
        let mut grid = Grid::new(words, &heads);
        for one in self.machines() {
            let in_backup = one.in_backup.map_or_else(|| "–".to_owned(), |at| at.to_string());
            grid.row([
                one.author.to_string(),
                one.name.clone(),
                in_backup,
                one.known.to_string(),
                one.sent_again().to_string(),
            ]);
        }
        grid.or(words, "nodes-none")
    }
}
