//! Letting conversations in: the line with a clock and a bell for each who waits.
//!
//! A conversation asks when its Hello is heard, before anything is read for it. It holds its place
//! while it works, and gives it back when it comes to rest: open streams that rest cost a connection
//! and nothing else. A conversation that is slow waits for its link and not for the server, and soon
//! keeps one unit only; one that has had its turn gives way to who waits, and goes on from where it
//! was when it comes back.
//!
//! Deliberately absent: who goes first (`line`), and what a conversation does (`converse`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dongbo_proto::id::AuthorId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::line::{Line, LineLimits, Number, Told, Work};

/// After so long a conversation is slow, in seconds: an exchange of a day takes a tenth of one. What
/// it waits for then is its link, so it gives its units back but one.
pub const SLOW_S: u64 = 5;
/// The turn of a conversation, in seconds. After it, it gives way as soon as it can be parted, if
/// others wait: 128 of the slowest links must not keep a province out.
pub const TURN_S_MAX: u64 = 120;
/// The longest that one waits in the line, in seconds: a node gives up a link that is silent for 120.
pub const LINE_S_MAX: u64 = 60;

/// In how many seconds one is to come back that has given way: those in the line go before it anyway.
const GIVE_WAY_S: u32 = 5;

/// What becomes of one who asks.
pub enum Admitted {
    /// It is served, and holds this while it works.
    Place(Place),
    /// It is to come back in so many seconds.
    Back(u32),
}

/// The door of a province. A handle: clones share it.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<Mutex<Inner>>,
    line_wait: Duration,
}

struct Inner {
    line: Line,
    bells: HashMap<Number, oneshot::Sender<Admitted>>,
    began: Instant,
    counts: Counts,
}

/// What the door has seen since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Conversations that were let in.
    pub admitted: u64,
    /// Times that someone was asked to come back.
    pub sent_back: u64,
    /// Times that a node came before the moment that it was given.
    pub early: u64,
    /// The most units that were taken at once.
    pub units_peak: u32,
    /// The most that waited in the line at once.
    pub line_peak: usize,
}

impl Admission {
    /// An open door.
    #[must_use]
    pub fn new(limits: LineLimits) -> Self {
        let (line, bells) = (Line::new(limits), HashMap::new());
        let inner = Inner { line, bells, began: Instant::now(), counts: Counts::default() };
        let line_wait = Duration::from_secs(LINE_S_MAX);
        Admission { inner: Arc::new(Mutex::new(inner)), line_wait }
    }

    /// What the door has seen.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Conversations that are served now, in units, and those that wait.
    #[must_use]
    pub fn load(&self) -> (u32, usize) {
        let inner = self.lock();
        (inner.line.taken(), inner.line.waiting())
    }

    /// Asks to be let in, and waits in the line for at most [`LINE_S_MAX`]. Safe to drop: who has gone
    /// leaves the line.
    pub async fn ask(&self, author: AuthorId, work: Work) -> Admitted {
        let (number, bell) = match self.begin(author, work) {
            Ok(waits) => waits,
            Err(told) => return told,
        };
        let stands = Stands { door: self, number };
        let rung = tokio::time::timeout(self.line_wait, bell).await;
        match rung {
            Ok(Ok(admitted)) => admitted,
            // Whoever waited so long goes before who asked later.
            _ => Admitted::Back(stands.tires()),
        }
    }

    /// A number and a bell for who waits; else what it is told.
    fn begin(&self, author: AuthorId, work: Work) -> Result<(Number, Bell), Admitted> {
        let mut inner = self.lock();
        let now_ms = inner.now_ms();
        let told = inner.line.ask(author, work, now_ms);
        inner.note();
        match told {
            Told::Come => {
                inner.counts.admitted += 1;
                let units = work.units().min(inner.line.limits().units);
                Err(Admitted::Place(self.place(units)))
            }
            Told::Back(seconds) => {
                inner.counts.sent_back += 1;
                Err(Admitted::Back(seconds))
            }
            Told::Wait(number, leaves) => {
                if let Some((number, seconds)) = leaves {
                    inner.counts.sent_back += 1;
                    inner.bells.remove(&number).map(|bell| bell.send(Admitted::Back(seconds)));
                }
                let (bell, hears) = oneshot::channel();
                inner.bells.insert(number, bell);
                Ok((number, hears))
            }
        }
    }

    fn place(&self, units: u32) -> Place {
        Place { door: self.clone(), units, since: Instant::now() }
    }

    /// Rings for those who are to come. One who has gone in this moment gives its place to the next.
    fn call(&self, inner: &mut Inner, mut called: Vec<(Number, u32)>) {
        while let Some((number, units)) = called.pop() {
            let place = Admitted::Place(self.place(units));
            let rung = inner
                .bells
                .remove(&number)
                .map_or(Err(None), |bell| bell.send(place).map_err(Some));
            match rung {
                Ok(()) => inner.counts.admitted += 1,
                Err(unheard) => {
                    // Its end would ask for the lock that is held here.
                    if let Some(Admitted::Place(mut place)) = unheard {
                        place.units = 0;
                    }
                    let now_ms = inner.now_ms();
                    called.extend(inner.line.give_back(units, false, now_ms));
                }
            }
        }
        inner.note();
    }

    fn give(&self, units: u32, is_done: bool) {
        let mut inner = self.lock();
        let now_ms = inner.now_ms();
        let called = inner.line.give_back(units, is_done, now_ms);
        self.call(&mut inner, called);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// If nobody hears it, the place that rings is given back by its own end.
type Bell = oneshot::Receiver<Admitted>;

impl Inner {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn note(&mut self) {
        self.counts.early = self.line.early();
        let (units, line) = (self.line.taken(), self.line.waiting());
        self.counts.units_peak = self.counts.units_peak.max(units);
        self.counts.line_peak = self.counts.line_peak.max(line);
    }
}

/// One who waits; it leaves the line when it is dropped.
struct Stands<'a> {
    door: &'a Admission,
    number: Number,
}

impl Stands<'_> {
    /// It goes, and keeps its number; in how many seconds it is to come back.
    fn tires(&self) -> u32 {
        let mut inner = self.door.lock();
        let now_ms = inner.now_ms();
        inner.bells.remove(&self.number);
        inner.counts.sent_back += 1;
        let seconds = inner.line.send_back(self.number, now_ms).unwrap_or(1);
        // It may have been the large one at the head.
        let called = inner.line.call();
        self.door.call(&mut inner, called);
        seconds
    }
}

impl Drop for Stands<'_> {
    fn drop(&mut self) {
        let mut inner = self.door.lock();
        // One who was called or sent away is in neither.
        if inner.bells.remove(&self.number).is_some() {
            let called = inner.line.leave(self.number);
            self.door.call(&mut inner, called);
        }
    }
}

/// A place among those who are served, given back when it is dropped.
pub struct Place {
    door: Admission,
    units: u32,
    since: Instant,
}

impl Place {
    /// When the conversation counts as slow, if it has units to give back then.
    #[must_use]
    pub fn slow_at(&self) -> Option<Instant> {
        (self.units > 1).then(|| self.since + Duration::from_secs(SLOW_S))
    }

    /// The conversation waits for its link: it keeps one unit.
    pub fn slows(&mut self) {
        let units = self.units.saturating_sub(1);
        self.units -= units;
        if units > 0 {
            self.door.give(units, false);
        }
    }

    /// Whether its turn is over and others wait: in how many seconds it is to come back.
    #[must_use]
    pub fn must_give_way(&self) -> Option<u32> {
        let over = self.since.elapsed() > Duration::from_secs(TURN_S_MAX);
        let waits = || self.door.lock().line.waiting() > 0;
        (over && waits()).then_some(GIVE_WAY_S)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.units > 0 {
            self.door.give(self.units, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn place(door: &Admission, author: u64, work: Work) -> Place {
        match door.ask(AuthorId(author), work).await {
            Admitted::Place(place) => place,
            Admitted::Back(seconds) => panic!("sent away for {seconds} s"),
        }
    }

    /// Waits until so many stand in the line.
    async fn line_of(door: &Admission, wanted: usize) {
        while door.load().1 != wanted {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_waits_is_called_and_who_has_gone_holds_nobody_up() {
        let door = Admission::new(LineLimits { units: 8, line: 4 });
        let first = place(&door, 1, Work::Filling).await;
        let waits = |author| {
            let door = door.clone();
            tokio::spawn(async move { place(&door, author, Work::Filling).await })
        };
        let gone = waits(2);
        line_of(&door, 1).await;
        let second = waits(3);
        line_of(&door, 2).await;
        gone.abort();
        line_of(&door, 1).await;
        drop(first);
        let second = second.await.expect("it is let in");
        assert_eq!(door.load(), (8, 0));
        drop(second);
        assert_eq!(door.load(), (0, 0));
        assert_eq!(door.counts().units_peak, 8);
    }

    /// Fault 24: a slow link keeps nobody out who has a good one. [I14 I15]
    #[tokio::test]
    async fn a_slow_conversation_keeps_one_unit_and_lets_others_in() {
        let door = Admission::new(LineLimits { units: 8, line: 4 });
        let mut slow = place(&door, 1, Work::Filling).await;
        slow.slows();
        slow.slows();
        assert_eq!(door.load(), (1, 0));
        let beside = place(&door, 2, Work::Delivering).await;
        assert_eq!(door.load(), (5, 0));
        drop((slow, beside));
        assert_eq!(door.load(), (0, 0));
    }

    #[tokio::test]
    async fn a_line_that_does_not_move_is_not_waited_in_for_ever() {
        let mut door = Admission::new(LineLimits { units: 8, line: 4 });
        door.line_wait = Duration::from_millis(50);
        let first = place(&door, 1, Work::Filling).await;
        assert!(matches!(door.ask(AuthorId(2), Work::Quiet).await, Admitted::Back(1..)));
        assert_eq!((door.load().1, door.counts().sent_back), (0, 1));
        door.line_wait = Duration::from_secs(LINE_S_MAX);
        assert_eq!(first.must_give_way(), None, "nobody waits");
        let other = door.clone();
        let waits = tokio::spawn(async move { place(&other, 3, Work::Quiet).await });
        line_of(&door, 1).await;
        assert_eq!(first.must_give_way(), None, "its turn is not over");
        waits.abort();
    }
}
