//! Who is served now, who waits, and who comes back when: pure, so that fairness can be proved.
//!
//! A conversation that works takes *units*, more where it brings or fetches more. What finds no room
//! waits in a short line, by number; what finds no place in the line is given a *ticket*, which keeps
//! the number, and a time to come back at. Numbers are drawn at the first asking, so whoever comes
//! back goes before everyone who asked later, and pushes the youngest out of a line that is full: a
//! node is sent away again only while the whole line is older than it. Each node that is served makes
//! one fewer who can be before it.
//!
//! Times to come back are one *stride* apart, which is what a conversation took when the line was
//! never empty: nodes return as fast as they can be served. The estimate may be wrong, so each further
//! ticket of a node is for twice as long as the last one was, at least.
//!
//! Deliberately absent: clocks, waking and sockets (`admission`), and who is who: anyone with a
//! certificate may ask.

use std::collections::{BTreeMap, HashMap};

use dongbo_proto::frame::Hello;
use dongbo_proto::id::AuthorId;
use dongbo_proto::stamp::UnixMs;

/// Units of all conversations that work at once. A filling holds at most some four megabytes of pages
/// on their way, for each of its units half a megabyte: 64 MB in all.
pub const UNITS_MAX: u32 = 128;
/// Conversations that may wait in the line, each with its stream open. They have sent their first
/// flight already, a day's acts, which lies in memory: some hundred kilobytes, four megabytes at most.
pub const LINE_MAX: usize = 64;
/// Tickets that are remembered: more machines than any province has. Beyond them whoever asks is sent
/// away without one.
pub const TICKETS_MAX: usize = 65_536;
/// How long a ticket is kept after its time, in milliseconds: a link may be away for a while, and the
/// node adds a quarter of its wait by chance.
pub const TICKET_MS_MAX: i64 = 2 * 3_600_000;
/// The longest that anyone is asked to stay away, in seconds. An office's day must not pass over it,
/// and an estimate so far ahead is wrong anyway: whoever comes back too soon keeps its number.
pub const COME_BACK_S_MAX: u32 = 600;
/// How often the least time to stay away doubles, from a second on: to half a minute.
const DOUBLED_MAX: u32 = 5;
/// The first guess of the stride, in milliseconds: a short conversation on two cores.
const STRIDE_MS_FIRST: f64 = 20.0;
/// The least and the most that one conversation changes the stride to: a slow link says nothing of
/// how fast the server is.
const STRIDE_MS: std::ops::RangeInclusive<f64> = 1.0..=2_000.0;
/// How much of the stride is what was measured last, at least: the first few count for more, so that
/// a wrong guess is soon forgotten.
const STRIDE_LAST: f64 = 0.05;

/// What a conversation is about to do, by what its Hello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It has nothing to send, and scopes that it has heard before.
    Quiet,
    /// It brings acts.
    Delivering,
    /// It lacks whole scopes.
    Filling,
}

impl Work {
    /// What a Hello says. One that lies gains nothing but its turn: what a conversation holds is
    /// bounded whatever it does.
    #[must_use]
    pub fn of(hello: &Hello) -> Self {
        let lacks = |c: &dongbo_proto::frame::ScopeCursor| c.visible == 0 || c.filled_to.is_some();
        if hello.epoch.is_none() || hello.scopes.iter().any(lacks) {
            Work::Filling
        } else if hello.position > hello.acknowledged {
            Work::Delivering
        } else {
            Work::Quiet
        }
    }

    /// Its share of [`UNITS_MAX`]: a filling reads, lays out and sends whole scopes, a delivery is
    /// decoded, hashed and merged, a quiet one reads a few rows.
    #[must_use]
    pub fn units(self) -> u32 {
        match self {
            Work::Quiet => 1,
            Work::Delivering => 4,
            Work::Filling => 8,
        }
    }
}

/// The bounds of a line; the default is made of this module's constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineLimits {
    /// See [`UNITS_MAX`].
    pub units: u32,
    /// See [`LINE_MAX`].
    pub line: usize,
}

impl Default for LineLimits {
    fn default() -> Self {
        LineLimits { units: UNITS_MAX, line: LINE_MAX }
    }
}

/// The place of a conversation in the order of first askings.
pub type Number = u64;

/// What becomes of one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Be served.
    Come,
    /// Wait in the line under this number; the second is who must leave it, and when it comes back.
    Wait(Number, Option<(Number, u32)>),
    /// Come back in so many seconds.
    Back(u32),
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    author: AuthorId,
    units: u32,
    sent_away: u32,
}

#[derive(Clone, Copy, Debug)]
struct Ticket {
    number: Number,
    due_ms: UnixMs,
    /// How often its node was sent away.
    times: u32,
}

/// The line.
#[derive(Clone, Debug)]
pub struct Line {
    limits: LineLimits,
    taken: u32,
    waiting: BTreeMap<Number, Waiting>,
    tickets: HashMap<AuthorId, Ticket>,
    early: u64,
    last: Number,
    /// The moment that the next ticket is for.
    next_ms: UnixMs,
    stride_ms: f64,
    /// How often the stride was measured.
    measured: u32,
    /// When somebody was last done while others waited.
    done_ms: Option<UnixMs>,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn new(limits: LineLimits) -> Self {
        Line {
            limits,
            taken: 0,
            waiting: BTreeMap::new(),
            tickets: HashMap::new(),
            early: 0,
            last: 0,
            next_ms: 0,
            stride_ms: STRIDE_MS_FIRST,
            measured: 0,
            done_ms: None,
        }
    }

    /// Its bounds.
    #[must_use]
    pub fn limits(&self) -> LineLimits {
        self.limits
    }

    /// Units that are taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// Conversations in the line.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Nodes that were sent away and are expected.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.tickets.len()
    }

    /// Times that a node came before the moment that it was given. It gains nothing by it.
    #[must_use]
    pub fn early(&self) -> u64 {
        self.early
    }

    /// Someone asks to be served.
    pub fn ask(&mut self, author: AuthorId, work: Work, now_ms: UnixMs) -> Told {
        let units = work.units().min(self.limits.units);
        let (number, sent_away) = self.number(author, now_ms);
        if self.waiting.is_empty() && self.fits(units) {
            self.taken += units;
            return Told::Come;
        }
        let youngest = self.waiting.last_key_value().map(|(number, _)| *number);
        let mut leaves = None;
        if self.waiting.len() >= self.limits.line {
            if youngest.is_none_or(|youngest| youngest < number) {
                let waiting = Waiting { author, units, sent_away };
                return Told::Back(self.send_away(waiting, number, now_ms));
            }
            leaves = self
                .waiting
                .pop_last()
                .map(|(number, waiting)| (number, self.send_away(waiting, number, now_ms)));
        }
        self.waiting.insert(number, Waiting { author, units, sent_away });
        Told::Wait(number, leaves)
    }

    /// The number of one who was sent away, and how often; or the next.
    fn number(&mut self, author: AuthorId, now_ms: UnixMs) -> (Number, u32) {
        let kept = self.tickets.remove(&author);
        self.early += u64::from(kept.is_some_and(|ticket| now_ms < ticket.due_ms));
        // A second conversation of one node does not take the place of the first.
        if let Some(kept) = kept.filter(|kept| !self.waiting.contains_key(&kept.number)) {
            return (kept.number, kept.times);
        }
        self.last += 1;
        (self.last, 0)
    }

    fn fits(&self, units: u32) -> bool {
        self.taken + units <= self.limits.units
    }

    /// A ticket with the old number for the next moment; answers in how many seconds that is.
    fn send_away(&mut self, who: Waiting, number: Number, now_ms: UnixMs) -> u32 {
        // The line itself is served first.
        let line_ms = (self.waiting.len() as f64 * self.stride_ms) as i64;
        self.next_ms = self.next_ms.max(now_ms + line_ms);
        let least_ms = 1_000 << who.sent_away.min(DOUBLED_MAX);
        let due_ms = self.next_ms.max(now_ms + least_ms);
        let due_ms = due_ms.min(now_ms + i64::from(COME_BACK_S_MAX) * 1_000);
        self.next_ms += self.stride_ms.ceil() as i64;
        if self.tickets.len() >= TICKETS_MAX {
            self.tickets.retain(|_, ticket| now_ms < ticket.due_ms + TICKET_MS_MAX);
        }
        if self.tickets.len() < TICKETS_MAX {
            let ticket = Ticket { number, due_ms, times: who.sent_away + 1 };
            self.tickets.insert(who.author, ticket);
        }
        let seconds = (due_ms - now_ms + 999) / 1_000;
        u32::try_from(seconds).unwrap_or(1).clamp(1, COME_BACK_S_MAX)
    }

    /// One who waits has waited long enough: it is given a ticket, and keeps its number. Answers in how
    /// many seconds it is to come back; `None` if it does not wait.
    pub fn send_back(&mut self, number: Number, now_ms: UnixMs) -> Option<u32> {
        let waiting = self.waiting.remove(&number)?;
        Some(self.send_away(waiting, number, now_ms))
    }

    /// A conversation gives units back; `is_done`: it needs nothing more. Answers who is to come, with
    /// the units that it has from now on.
    pub fn give_back(&mut self, units: u32, is_done: bool, now_ms: UnixMs) -> Vec<(Number, u32)> {
        self.taken = self.taken.saturating_sub(units);
        if is_done {
            self.measure(now_ms);
        }
        self.call()
    }

    /// One who waits has gone.
    pub fn leave(&mut self, number: Number) -> Vec<(Number, u32)> {
        self.waiting.remove(&number);
        self.call()
    }

    /// Those at the head of the line for whom there is room, strictly in order: a large one that waits
    /// is not overtaken by small ones.
    pub fn call(&mut self) -> Vec<(Number, u32)> {
        let mut called = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if self.taken + first.get().units > self.limits.units {
                break;
            }
            self.taken += first.get().units;
            called.push((*first.key(), first.get().units));
            first.remove();
        }
        called
    }

    /// The stride is measured only where somebody waited all the while: then it is the server's own.
    fn measure(&mut self, now_ms: UnixMs) {
        let before =
            std::mem::replace(&mut self.done_ms, (!self.waiting.is_empty()).then_some(now_ms));
        if let Some(before) = before {
            let took = ((now_ms - before) as f64).clamp(*STRIDE_MS.start(), *STRIDE_MS.end());
            self.measured += 1;
            let weight = (1.0 / f64::from(self.measured)).max(STRIDE_LAST);
            self.stride_ms += (took - self.stride_ms) * weight;
        }
    }
}

#[cfg(test)]
mod tests;
