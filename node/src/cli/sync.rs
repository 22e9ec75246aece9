//! `sync`: one exchange, tried again a few times where the link is cut or the province asks to wait a little.

use std::time::{Duration, Instant};

use dongbo_proto::frame::Stop;
use dongbo_proto::id::RecordId;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};

use super::shell::Shell;
use super::{Exit, out, said};
use crate::exchange::ExchangeError;
use crate::exchange::connect::tcp;
use crate::exchange::converse::{Outcome, Tally, Watcher};
use crate::exchange::fault::LinkFault;
use crate::office::pause::pause;
use crate::office::standing::equation_json;
use crate::office::sync::{Wish, exchange_once};
use crate::office::{Desk, Result};
use crate::replica::Equation;
use crate::session::End;

/// Tries of one `sync`: what was delivered stays delivered, so each goes further.
const TRIES_MAX: u32 = 5;
/// The longest that one `sync` waits where the province asks it to come back, in seconds: somebody sits
/// before it. For longer it ends, and says when to try again.
const WAIT_S_MAX: u32 = 60;
/// How often progress is drawn, in milliseconds.
const DRAW_MS: u64 = 100;

/// What came of an exchange.
pub struct Report {
    /// The last conversation.
    pub outcome: Outcome,
    /// What all tries moved.
    pub tally: Tally,
    /// How many tries it took.
    pub tries: u32,
    /// How long it took.
    pub took: Duration,
    /// Where everything is now.
    pub equation: Equation,
}

/// Exchanges once and says how it ended.
pub fn run(shell: &mut Shell) -> Result<Exit> {
    let mut desk = shell.open()?;
    let report = exchange(shell, &mut desk)?;
    if shell.json {
        out::json(&report.to_json());
    } else {
        report.print(shell);
    }
    Ok(report.exit())
}

/// Exchanges, with progress.
pub fn exchange(shell: &Shell, desk: &mut Desk) -> Result<Report> {
    shell.runtime()?.block_on(exchange_with(shell, desk, Wish::default()))
}

/// Asks for a record's history on the way.
pub fn ask_history(shell: &Shell, desk: &mut Desk, record: RecordId) -> Result<Report> {
    let wish = Wish { history: Some(record), live: false };
    shell.runtime()?.block_on(exchange_with(shell, desk, wish))
}

async fn exchange_with(shell: &Shell, desk: &mut Desk, wish: Wish) -> Result<Report> {
    let began = Instant::now();
    let mut bar = Bar::new(shell);
    let (mut tries, mut sum, mut was_cut) = (0, Tally::default(), false);
    let outcome = loop {
        tries += 1;
        bar.latest = Tally::default();
        let dial = tcp(desk.identity.server.clone());
        let talked = exchange_once(&mut desk.parties(), dial, wish, &mut bar).await;
        add(&mut sum, &bar.latest);
        let again = tries < TRIES_MAX && is_worth_another(&talked, was_cut);
        was_cut |= matches!(&talked, Err(ExchangeError::Cut));
        if !again {
            break talked?;
        }
        let asked_s = talked.map_or(0, |outcome| outcome.come_back_s);
        let pause = pause(asked_s, tries, &*desk.entropy);
        bar.waits(pause, asked_s > 0);
        tokio::time::sleep(pause).await;
    };
    bar.bar.finish_and_clear();
    let equation = desk.replica.equation()?;
    Ok(Report { outcome, tally: sum, tries, took: began.elapsed(), equation })
}

/// A cut is tried again soon; where nobody answers, only if somebody did before (a server that
/// starts anew). A province that has others to serve first says when to come back.
fn is_worth_another(talked: &std::result::Result<Outcome, ExchangeError>, was_cut: bool) -> bool {
    match talked {
        Err(ExchangeError::Cut | ExchangeError::Link(LinkFault::Broken)) => true,
        Err(ExchangeError::Link(LinkFault::Unreachable)) => was_cut,
        Ok(outcome) => {
            let asked = (1..=WAIT_S_MAX).contains(&outcome.come_back_s);
            asked && outcome.end == End::Stopped(Stop::Busy)
        }
        Err(_) => false,
    }
}

fn add(sum: &mut Tally, more: &Tally) {
    sum.acts_sent += more.acts_sent;
    sum.bytes_up += more.bytes_up;
    sum.bytes_down += more.bytes_down;
    sum.records_changed += more.records_changed;
    sum.records_received += more.records_received;
    sum.refilled += more.refilled;
    sum.completes += more.completes;
}

/// The word for how an exchange ended.
pub fn end_word(end: &End) -> &'static str {
    match end {
        End::InStep => "in_step",
        End::DeliverOnly => "deliver_only",
        End::Rewound => "rewound",
        End::WentBack { .. } => "went_back",
        End::TwoServers { .. } => "two_servers",
        End::Diverged => "diverged",
        End::Stopped(_) => "stopped",
        End::Confused => "confused",
    }
}

/// The sentence for how an exchange ended.
pub fn end_key(end: &End) -> &'static str {
    match end {
        End::InStep => "sync-in-step",
        End::DeliverOnly => "sync-deliver-only",
        End::Rewound => "sync-rewound",
        End::WentBack { .. } => "sync-went-back",
        End::TwoServers { .. } => "sync-two-servers",
        End::Diverged => "sync-diverged",
        End::Stopped(stop) => stop.key(),
        End::Confused => "sync-confused",
    }
}

/// The exit code for how an exchange ended.
pub fn end_exit(end: &End) -> Exit {
    match end {
        End::InStep => Exit::Done,
        End::DeliverOnly | End::Rewound | End::WentBack { .. } | End::TwoServers { .. } => {
            Exit::Refused
        }
        End::Diverged => Exit::NotInStep,
        End::Stopped(Stop::Busy | Stop::Storage) => Exit::NoLink,
        End::Stopped(_) => Exit::Refused,
        End::Confused => Exit::Unexpected,
    }
}

impl Report {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        end_exit(&self.outcome.end)
    }

    /// The JSON that is a contract.
    pub fn to_json(&self) -> Json {
        json!({
            "end": end_word(&self.outcome.end),
            "reason": match self.outcome.end { End::Stopped(stop) => Some(stop.key()), _ => None },
            "acts_sent": self.tally.acts_sent,
            "records_received": self.tally.records_received,
            "records_changed": self.tally.records_changed,
            "bytes_up": self.tally.bytes_up,
            "bytes_down": self.tally.bytes_down,
            "refilled": self.tally.refilled,
            "tries": self.tries,
            "took_ms": self.took.as_millis() as u64,
            "certificate_renewed": self.outcome.certificate.is_some(),
            "come_back_s": self.outcome.come_back_s,
            "equation": equation_json(&self.equation),
        })
    }

    /// The sentences for people.
    pub fn print(&self, shell: &Shell) {
        let (up, down) = (kilobytes(self.tally.bytes_up), kilobytes(self.tally.bytes_down));
        let args: [(&str, &dyn std::fmt::Display); 4] = [
            ("acts", &self.tally.acts_sent),
            ("records", &self.tally.records_changed),
            ("up", &up),
            ("down", &down),
        ];
        out::line(&shell.say(end_key(&self.outcome.end)));
        if self.outcome.end == End::Stopped(Stop::Busy) && self.outcome.come_back_s > 0 {
            let seconds = self.outcome.come_back_s;
            out::line(&shell.words.with("sync-come-back", &[("seconds", &seconds)]));
        }
        out::line(&shell.words.with("sync-moved", &args));
        if self.tally.refilled > 0 {
            out::line(&shell.words.with("sync-refilled", &[("count", &self.tally.refilled)]));
        }
        if self.outcome.certificate.is_some() {
            out::line(&shell.say("sync-renewed"));
        }
        out::line(&super::status::equation(shell, &self.equation));
    }
}

/// Bytes for people.
pub fn kilobytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Progress at a terminal.
struct Bar<'a> {
    bar: ProgressBar,
    shell: &'a Shell,
    latest: Tally,
    drawn: Instant,
}

impl<'a> Bar<'a> {
    fn new(shell: &'a Shell) -> Self {
        let looked_at = out::someone_looks() && !shell.json;
        let bar = if looked_at { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::default_spinner());
        Bar { bar, shell, latest: Tally::default(), drawn: Instant::now() }
    }

    /// Says that nothing moves for a while, and why.
    fn waits(&self, pause: Duration, is_asked: bool) {
        let key = if is_asked { "sync-waits-its-turn" } else { "watch-waiting" };
        self.bar.set_message(self.shell.words.with(key, &[("seconds", &pause.as_secs())]));
        self.bar.tick();
    }
}

impl Watcher for Bar<'_> {
    fn moved(&mut self, tally: &Tally) {
        self.latest = tally.clone();
        if self.bar.is_hidden() || self.drawn.elapsed() < Duration::from_millis(DRAW_MS) {
            return;
        }
        self.drawn = Instant::now();
        let (up, down) = (kilobytes(tally.bytes_up), kilobytes(tally.bytes_down));
        let args: [(&str, &dyn std::fmt::Display); 4] = [
            ("acts", &tally.acts_sent),
            ("records", &tally.records_received),
            ("up", &up),
            ("down", &down),
        ];
        self.bar.set_message(self.shell.words.with("sync-progress", &args));
        self.bar.tick();
    }

    fn in_step(&mut self, tally: &Tally) {
        self.latest = tally.clone();
    }
}

/// The sentence for an exchange that did not come to its end.
pub fn error_sentence(shell: &Shell, error: &ExchangeError) -> (String, String, Exit) {
    let said = said::of_exchange(error);
    let sentence = said.sentence(&shell.words);
    (said.key, sentence, said.exit)
}
