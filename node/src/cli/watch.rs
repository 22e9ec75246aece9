//! `sync --watch`: stays connected, comes back when the link is cut, and ends when it is told to.
//!
//! One line an event, JSON with `--json`. Pauses between tries grow and differ from node to node,
//! so that a province that comes back is not stormed; what the province asks for goes first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Notify;

use super::shell::Shell;
use super::sync::{end_exit, end_key, end_word, error_sentence, kilobytes};
use super::{Exit, out};
use crate::exchange::ExchangeError;
use crate::exchange::connect::tcp;
use crate::exchange::converse::{Outcome, Tally, Watcher};
use crate::office::pause::pause;
use crate::office::sync::{Wish, exchange_once};
use crate::office::{Desk, Result};
use crate::session::End;

/// How often a watch says what has moved before everything is said, in seconds: over a slow link that
/// takes minutes, and whoever looks must see that it goes on.
const MOVED_S: u64 = 5;
/// How long an exchange under way may go on after the office wants to stop, in seconds. All that
/// was acknowledged or staged by then is kept.
const FAREWELL_S_MAX: u64 = 5;

/// Whether the office wants to stop, and a bell that rings when it does.
#[derive(Default)]
struct Leave {
    wanted: AtomicBool,
    bell: Notify,
}

impl Leave {
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Waits until the office wants to stop.
    async fn rung(&self) {
        while !self.is_wanted() {
            self.bell.notified().await;
        }
    }
}

/// Stays connected until it is told to end.
pub fn run(shell: &mut Shell) -> Result<Exit> {
    let mut desk = shell.open()?;
    shell.runtime()?.block_on(watch(shell, &mut desk))
}

async fn watch(shell: &Shell, desk: &mut Desk) -> Result<Exit> {
    let leave = Arc::new(Leave::default());
    tokio::spawn(listen(leave.clone()));
    let mut cuts = 0;
    let mut exit = Exit::Done;
    while !leave.is_wanted() {
        let mut teller = Teller::new(shell, leave.clone());
        let unsent = desk.replica.equation()?.unsent;
        let dial = tcp(desk.identity.server.clone());
        let wish = Wish { live: true, history: None };
        let mut parties = desk.parties();
        let talk = exchange_once(&mut parties, dial, wish, &mut teller);
        let late = async {
            leave.rung().await;
            tokio::time::sleep(Duration::from_secs(FAREWELL_S_MAX)).await;
        };
        let talked = tokio::select! {
            talked = talk => talked,
            () = late => Err(ExchangeError::Cut),
        };
        // A link that is cut every half minute carries something each time: it must not be waited for
        // longer and longer.
        let has_moved =
            teller.moved.records_received > 0 || desk.replica.equation()?.unsent < unsent;
        cuts = if teller.met || has_moved { 0 } else { cuts };
        cuts += 1;
        if leave.is_wanted() {
            break;
        }
        exit = tell(shell, &talked, &teller.moved)?;
        if is_final(&talked) {
            return Ok(exit);
        }
        let asked_s = talked.as_ref().map_or(0, |outcome| outcome.come_back_s);
        let pause = pause(asked_s, cuts, &*desk.entropy);
        waiting(shell, pause.as_secs());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = leave.rung() => {}
        }
    }
    desk.replica.sync_outbox()?;
    if shell.json {
        out::json(&json!({ "event": "left" }));
    } else {
        out::line(&shell.say("watch-left"));
    }
    // It was told to end: a link that was just away is no failure then.
    Ok(if exit == Exit::NoLink { Exit::Done } else { exit })
}

/// Listens for the signals by which people and systems end a program.
async fn listen(leave: Arc<Leave>) {
    signalled().await;
    leave.wanted.store(true, Ordering::Relaxed);
    leave.bell.notify_waiters();
    leave.bell.notify_one();
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let term = signal(SignalKind::terminate());
    let (Ok(mut term), ctrl_c) = (term, tokio::signal::ctrl_c()) else { return };
    tokio::select! {
        _ = term.recv() => {}
        _ = ctrl_c => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Whether trying again by itself would change nothing: a person must act.
fn is_final(talked: &std::result::Result<Outcome, ExchangeError>) -> bool {
    match talked {
        Ok(outcome) => match end_exit(&outcome.end) {
            Exit::Refused => outcome.end != End::DeliverOnly,
            exit => exit == Exit::Unexpected,
        },
        Err(ExchangeError::Cut) => false,
        Err(ExchangeError::Link(fault)) => {
            use crate::exchange::fault::LinkFault::{Broken, Unreachable};
            !matches!(fault, Broken | Unreachable)
        }
        Err(ExchangeError::Replica(e)) => e.storage() != Some(dongbo_sqlite::Kind::Busy),
        Err(_) => true,
    }
}

fn tell(
    shell: &Shell,
    talked: &std::result::Result<Outcome, ExchangeError>,
    moved: &Tally,
) -> Result<Exit> {
    match talked {
        Ok(outcome) => {
            let (word, key) = (end_word(&outcome.end), end_key(&outcome.end));
            if shell.json {
                out::json(&json!({
                    "event": "ended", "end": word, "key": key,
                    "come_back_s": outcome.come_back_s, "message": shell.say(key),
                }));
            } else {
                out::line(&shell.say(key));
            }
            Ok(end_exit(&outcome.end))
        }
        Err(error) => {
            let (key, sentence, exit) = error_sentence(shell, error);
            if shell.json {
                out::json(&json!({
                    "event": "cut", "error": key, "message": sentence,
                    "acts_sent": moved.acts_sent, "records_received": moved.records_received,
                    "bytes_up": moved.bytes_up, "bytes_down": moved.bytes_down,
                }));
            } else {
                out::line(&sentence);
            }
            Ok(exit)
        }
    }
}

fn waiting(shell: &Shell, seconds: u64) {
    if shell.json {
        out::json(&json!({ "event": "waiting", "seconds": seconds }));
    } else {
        out::line(&shell.words.with("watch-waiting", &[("seconds", &seconds)]));
    }
}

/// Says what moves.
struct Teller<'a> {
    shell: &'a Shell,
    leave: Arc<Leave>,
    last: Tally,
    met: bool,
    /// What this connection has moved.
    moved: Tally,
    said: Instant,
}

impl<'a> Teller<'a> {
    fn new(shell: &'a Shell, leave: Arc<Leave>) -> Self {
        let (last, moved) = Default::default();
        Teller { shell, leave, last, met: false, moved, said: Instant::now() }
    }
}

impl Watcher for Teller<'_> {
    fn moved(&mut self, tally: &Tally) {
        self.moved = tally.clone();
        if self.met || self.said.elapsed() < Duration::from_secs(MOVED_S) {
            return;
        }
        self.said = Instant::now();
        if self.shell.json {
            out::json(&json!({
                "event": "moved", "acts_sent": tally.acts_sent,
                "records_received": tally.records_received,
                "bytes_up": tally.bytes_up, "bytes_down": tally.bytes_down,
            }));
            return;
        }
        let (up, down) = (kilobytes(tally.bytes_up), kilobytes(tally.bytes_down));
        let args: [(&str, &dyn std::fmt::Display); 4] = [
            ("acts", &tally.acts_sent),
            ("records", &tally.records_received),
            ("up", &up),
            ("down", &down),
        ];
        out::line(&self.shell.words.with("sync-progress", &args));
    }

    fn in_step(&mut self, tally: &Tally) {
        self.met = true;
        let sent = tally.acts_sent - self.last.acts_sent;
        let received = tally.records_received - self.last.records_received;
        let changed = tally.records_changed - self.last.records_changed;
        let (up, down) =
            (tally.bytes_up - self.last.bytes_up, tally.bytes_down - self.last.bytes_down);
        self.last = tally.clone();
        if self.shell.json {
            out::json(&json!({
                "event": "in_step", "acts_sent": sent, "records_changed": changed,
                "records_received": received,
                "bytes_up": up, "bytes_down": down, "refilled": tally.refilled,
            }));
            return;
        }
        let (up, down) = (kilobytes(up), kilobytes(down));
        let args: [(&str, &dyn std::fmt::Display); 4] =
            [("acts", &sent), ("records", &changed), ("up", &up), ("down", &down)];
        out::line(&self.shell.words.with("watch-in-step", &args));
    }

    fn wants_to_leave(&self) -> bool {
        self.leave.is_wanted()
    }
}
