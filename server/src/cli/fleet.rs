//! `fleet`: who is expected, who was heard, how far behind each machine is, and what the totals
//! therefore miss.
//!
//! Reads only, from one snapshot, while the server runs or not. Deliberately absent: how it is judged
//! (`registry::fleet`).

use dongbo_proto::stamp::UnixMs;
use dongbo_proto::words::Words;
use serde::Serialize;

use super::args::FleetArgs;
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::text::{self, Grid};
use crate::registry::{self, Fleet, Heard, Machine, Office};

const DAY_MS: i64 = 86_400_000;

#[derive(Serialize)]
struct Shown {
    now_ms: UnixMs,
    quiet_days: u32,
    expected: usize,
    heard: usize,
    machines: usize,
    missing: Missing,
    offices: Vec<OfficeShown>,
}

/// What the totals of the province do not have.
#[derive(Serialize, Default)]
struct Missing {
    quiet: usize,
    quiet_members: u64,
    /// The moment from which on nothing is known of the one that has been quiet longest.
    quiet_since_ms: Option<UnixMs>,
    deliver_only: usize,
    deliver_only_members: u64,
    no_machine: usize,
    no_machine_members: u64,
    machines_behind: usize,
    acts_behind: u64,
    acts_held: u64,
}

#[derive(Serialize)]
struct OfficeShown {
    code: String,
    name: String,
    members: u64,
    heard: &'static str,
    heard_ms: Option<UnixMs>,
    machines: Vec<MachineShown>,
}

#[derive(Serialize)]
struct MachineShown {
    author: String,
    name: String,
    standing: &'static str,
    heard_ms: UnixMs,
    silent_days: i64,
    position: u64,
    said_position: Option<u64>,
    behind: u64,
    not_backed_up: u64,
    held: u64,
    certificate_days: Option<i64>,
    clock_ahead_ms: Option<i64>,
    schema: Option<u32>,
    last_end: Option<String>,
}

/// Shows the fleet.
///
/// # Errors
/// [`Exit::Findings`] where an organisation that has machines has gone quiet; the store's.
pub fn run(ctx: &Context, args: &FleetArgs) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let fleet = store.read_now(registry::fleet)?;
    let shown = Shown::of(&fleet, args.quiet_days, ctx.now_ms());
    ctx.show(&shown, |words| shown.text(words, args.all))?;
    match shown.missing.quiet {
        0 => Ok(()),
        count => Err(Fault::new(Exit::Findings, "fault-fleet-quiet")
            .with("count", count)
            .with("days", args.quiet_days)),
    }
}

impl Shown {
    fn of(fleet: &Fleet, quiet_days: u32, now_ms: UnixMs) -> Self {
        let quiet_ms = i64::from(quiet_days) * DAY_MS;
        let judged: Vec<(&Office, Heard)> =
            fleet.offices.iter().map(|o| (o, fleet.heard(o, quiet_ms, now_ms))).collect();
        let office = |(office, heard): &(&Office, Heard)| OfficeShown {
            code: office.scope.code.clone(),
            name: office.scope.name.clone(),
            members: office.members,
            heard: heard.word(),
            heard_ms: fleet.heard_ms(office),
            machines: fleet.machines_of(office).map(|m| MachineShown::of(m, now_ms)).collect(),
        };
        Shown {
            now_ms,
            quiet_days,
            expected: judged.len(),
            heard: judged.iter().filter(|(_, heard)| *heard == Heard::Lately).count(),
            machines: fleet.machines.len(),
            missing: Missing::of(fleet, &judged),
            offices: judged.iter().map(office).collect(),
        }
    }

    fn text(&self, words: &Words, all: bool) -> String {
        let args: [(&str, &dyn std::fmt::Display); 4] = [
            ("expected", &self.expected),
            ("machines", &self.machines),
            ("heard", &self.heard),
            ("days", &self.quiet_days),
        ];
        let mut lines = vec![words.with("fleet-heard", &args)];
        lines.extend(self.missing.text(words, self.expected, self.quiet_days));
        let mut grid = Grid::new(words, &HEADS);
        for office in self.offices.iter().filter(|o| all || o.is_worth_a_line()) {
            office.rows(words, &mut grid);
        }
        lines.push(grid.or(words, "fleet-all-well"));
        lines.join("\n")
    }
}

const HEADS: [&str; 9] = [
    "head-scope",
    "head-name",
    "head-members",
    "head-heard",
    "head-node",
    "head-contact",
    "head-behind",
    "head-certificate",
    "head-last-end",
];

impl Missing {
    fn of(fleet: &Fleet, judged: &[(&Office, Heard)]) -> Self {
        let mut missing = Missing::default();
        for (office, heard) in judged {
            let (count, members) = match heard {
                Heard::Lately => continue,
                Heard::Quiet => (&mut missing.quiet, &mut missing.quiet_members),
                Heard::DeliverOnly => {
                    (&mut missing.deliver_only, &mut missing.deliver_only_members)
                }
                Heard::NoMachine => (&mut missing.no_machine, &mut missing.no_machine_members),
            };
            *count += 1;
            *members += office.members;
            if *heard == Heard::Quiet {
                let known = [missing.quiet_since_ms, fleet.heard_ms(office)];
                missing.quiet_since_ms = known.into_iter().flatten().min();
            }
        }
        let machines = &fleet.machines;
        missing.machines_behind = machines.iter().filter(|m| m.behind() > 0).count();
        missing.acts_behind = machines.iter().map(Machine::behind).sum();
        missing.acts_held = machines.iter().map(|m| m.row.held).sum();
        missing
    }

    /// What is missing, a sentence each; nothing is said of what is not.
    fn text(&self, words: &Words, expected: usize, days: u32) -> Vec<String> {
        let since = self.quiet_since_ms.map_or_else(String::new, text::moment);
        let offices = |key, count: usize, members: u64| {
            let args: [(&str, &dyn std::fmt::Display); 5] = [
                ("count", &count),
                ("expected", &expected),
                ("days", &days),
                ("members", &members),
                ("since", &since),
            ];
            (count > 0).then(|| words.with(key, &args))
        };
        let acts: [(&str, &dyn std::fmt::Display); 2] =
            [("machines", &self.machines_behind), ("acts", &self.acts_behind)];
        let behind = (self.acts_behind > 0).then(|| words.with("fleet-behind", &acts));
        let held: [(&str, &dyn std::fmt::Display); 1] = [("acts", &self.acts_held)];
        let held = (self.acts_held > 0).then(|| words.with("fleet-held", &held));
        let lines = [
            offices("fleet-quiet", self.quiet, self.quiet_members),
            offices("fleet-deliver-only", self.deliver_only, self.deliver_only_members),
            offices("fleet-no-machine", self.no_machine, self.no_machine_members),
            behind,
            held,
        ];
        lines.into_iter().flatten().collect()
    }
}

impl OfficeShown {
    /// Whether anybody must look: not where all is well, nor where no machine was ever expected.
    fn is_worth_a_line(&self) -> bool {
        let heard = [Heard::Lately.word(), Heard::NoMachine.word()].contains(&self.heard);
        !heard || self.machines.iter().any(|m| m.behind > 0 || m.last_end_is_a_state())
    }

    fn rows(&self, words: &Words, grid: &mut Grid) {
        let heard = words.get(match self.heard {
            "heard" => "heard-lately",
            "quiet" => "heard-quiet",
            "deliver_only" => "heard-deliver-only",
            _ => "heard-no-machine",
        });
        let (code, name, members) = (&self.code, &self.name, self.members.to_string());
        let none = || "–".to_owned();
        if self.machines.is_empty() {
            let machine = std::array::from_fn::<String, 5, _>(|_| none());
            let [a, b, c, d, e] = machine;
            grid.row([code.clone(), name.clone(), members, heard, a, b, c, d, e]);
            return;
        }
        for m in &self.machines {
            grid.row([
                code.clone(),
                name.clone(),
                members.clone(),
                heard.clone(),
                m.author.clone(),
                text::moment(m.heard_ms),
                m.behind.to_string(),
                m.certificate_days.map_or_else(none, |days| days.to_string()),
                m.last_end.clone().unwrap_or_else(none),
            ]);
        }
    }
}

impl MachineShown {
    fn of(machine: &Machine, now_ms: UnixMs) -> Self {
        let (row, word) = (&machine.row, machine.word.as_ref());
        let days_left =
            |until_s: i64| until_s.saturating_sub(now_ms / 1_000).div_euclid(DAY_MS / 1_000);
        MachineShown {
            author: row.id.to_string(),
            name: row.name.clone(),
            standing: if machine.delivers_only() { "deliver_only" } else { "good" },
            heard_ms: machine.heard_ms(),
            silent_days: text::days(machine.silent_ms(now_ms)),
            position: row.position,
            said_position: word.map(|word| word.position),
            behind: machine.behind(),
            not_backed_up: machine.not_backed_up(),
            held: row.held,
            certificate_days: word.map(|word| days_left(word.certificate_until_s)),
            clock_ahead_ms: word.map(|word| word.ahead_ms),
            schema: word.map(|word| word.schema),
            last_end: word.map(|word| word.end.clone()),
        }
    }

    fn last_end_is_a_state(&self) -> bool {
        self.last_end.as_deref().is_some_and(registry::needs_a_person)
    }
}
