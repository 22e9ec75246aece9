//! A province comes back at once, on paper: who is served when, and that nobody is left.

use super::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens in the model, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Done(u32),
    Asks(u64),
}

struct Herd {
    line: Line,
    events: BinaryHeap<Reverse<(UnixMs, What)>>,
    numbers: HashMap<Number, u64>,
    tries: HashMap<u64, u32>,
    asked_ms: HashMap<u64, UnixMs>,
    waited_ms: HashMap<u64, UnixMs>,
    work: fn(u64) -> Work,
    took_ms: fn(u64) -> i64,
    dice: u64,
    most_taken: u32,
}

impl Herd {
    fn new(limits: LineLimits, work: fn(u64) -> Work, took_ms: fn(u64) -> i64) -> Self {
        Herd {
            line: Line::new(limits),
            events: BinaryHeap::new(),
            numbers: HashMap::new(),
            tries: HashMap::new(),
            asked_ms: HashMap::new(),
            waited_ms: HashMap::new(),
            work,
            took_ms,
            dice: 7,
            most_taken: 0,
        }
    }

    fn comes(&mut self, node: u64, at_ms: UnixMs) {
        self.events.push(Reverse((at_ms, What::Asks(node))));
    }

    fn draw(&mut self, below: i64) -> i64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) as i64 % below.max(1)
    }

    fn served(&mut self, node: u64, now_ms: UnixMs) {
        let before = self.waited_ms.insert(node, now_ms - self.asked_ms[&node]);
        assert_eq!(before, None, "node {node} is served once");
        let units = (self.work)(node).units().min(self.line.limits.units);
        self.events.push(Reverse((now_ms + (self.took_ms)(node), What::Done(units))));
    }

    /// As the node does: not before the moment, and up to a quarter later.
    fn sent_away(&mut self, node: u64, seconds: u32, now_ms: UnixMs) {
        let base = i64::from(seconds) * 1_000;
        let at_ms = now_ms + base + self.draw((base / 4).max(1_000));
        self.comes(node, at_ms);
    }

    fn run(&mut self) {
        while let Some(Reverse((now_ms, what))) = self.events.pop() {
            match what {
                What::Asks(node) => self.asks(node, now_ms),
                What::Done(units) => {
                    for (number, _) in self.line.give_back(units, true, now_ms) {
                        let node = self.numbers[&number];
                        self.served(node, now_ms);
                    }
                }
            }
            self.most_taken = self.most_taken.max(self.line.taken());
            assert!(self.line.taken() <= self.line.limits.units, "units are bounded");
            assert!(self.line.waiting() <= self.line.limits.line, "the line is bounded");
        }
    }

    fn asks(&mut self, node: u64, now_ms: UnixMs) {
        *self.tries.entry(node).or_default() += 1;
        self.asked_ms.entry(node).or_insert(now_ms);
        match self.line.ask(AuthorId(node), (self.work)(node), now_ms) {
            Told::Come => self.served(node, now_ms),
            Told::Wait(number, leaves) => {
                self.numbers.insert(number, node);
                if let Some((number, seconds)) = leaves {
                    let youngest = self.numbers[&number];
                    self.sent_away(youngest, seconds, now_ms);
                }
            }
            Told::Back(seconds) => self.sent_away(node, seconds, now_ms),
        }
    }

    fn longest_ms(&self) -> i64 {
        self.waited_ms.values().copied().max().unwrap_or_default()
    }

    fn most_tries(&self) -> u32 {
        self.tries.values().copied().max().unwrap_or_default()
    }
}

fn mixed(node: u64) -> Work {
    [Work::Quiet, Work::Delivering, Work::Filling][(node % 3) as usize]
}

/// Fault 26: all communes come at once; everyone is served, in a bounded time and number of tries. [I14 I15]
#[test]
fn a_whole_province_at_once_is_served_in_a_bounded_time_and_number_of_tries() {
    for (nodes, took) in [(800, 500), (2_000, 100), (60, 3_000)] {
        let took_ms: fn(u64) -> i64 = match took {
            500 => |_| 500,
            100 => |node| 20 + (node % 160) as i64,
            _ => |_| 3_000,
        };
        let mut herd = Herd::new(LineLimits { units: 16, line: 8 }, mixed, took_ms);
        (0..nodes).for_each(|node| herd.comes(node, (node / 100) as i64));
        herd.run();
        assert_eq!(herd.waited_ms.len() as u64, nodes, "everyone is served");
        // Work of all nodes, one after the other through the units that there are; and half as much
        // again for nodes that are still on their way when there is room.
        let work: i64 = (0..nodes).map(|n| i64::from(mixed(n).units()) * took_ms(n)).sum();
        let bound = work / 16 * 3 / 2 + 15_000;
        let (longest, tries) = (herd.longest_ms(), herd.most_tries());
        println!(
            "{nodes} nodes: {} ms of work, longest {longest} ms, {tries} tries at most",
            work / 16
        );
        assert!(longest <= bound, "{longest} of {bound} ms");
        assert_eq!(herd.line.early(), 0);
        assert!(tries <= 8, "{tries} tries");
        assert_eq!((herd.line.taken(), herd.line.waiting(), herd.line.expected()), (0, 0, 0));
    }
}

/// Fault 26: a stream of newcomers that never ends does not starve one who was sent away. [I15]
#[test]
fn newcomers_without_end_do_not_starve_one_who_was_sent_away() {
    let mut herd = Herd::new(LineLimits { units: 8, line: 4 }, |_| Work::Filling, |_| 400);
    (0..60).for_each(|node| herd.comes(node, 0));
    // Twice as many as can be served, for ten minutes.
    (0..3_000).for_each(|at| herd.comes(1_000 + at, 10 + at as i64 * 200));
    herd.run();
    let first: Vec<i64> = (0..60).map(|node| herd.waited_ms[&node]).collect();
    let longest = first.iter().max().copied().unwrap_or_default();
    // Those sixty need 24 seconds of the server.
    assert!(longest <= 60_000, "one of the first waited {longest} ms");
}

#[test]
fn a_large_one_that_waits_is_not_overtaken_by_small_ones() {
    let mut line = Line::new(LineLimits { units: 8, line: 8 });
    assert_eq!(line.ask(AuthorId(1), Work::Quiet, 0), Told::Come);
    assert_eq!(line.ask(AuthorId(2), Work::Filling, 0), Told::Wait(2, None));
    assert_eq!(
        line.ask(AuthorId(3), Work::Quiet, 0),
        Told::Wait(3, None),
        "there is room, but not before the large one"
    );
    assert_eq!(line.give_back(1, true, 5), [(2, 8)]);
    assert_eq!(line.give_back(8, true, 9), [(3, 1)]);
}

#[test]
fn one_who_comes_back_takes_the_place_of_the_youngest_and_nobody_older_is_sent_away() {
    let mut line = Line::new(LineLimits { units: 1, line: 1 });
    assert_eq!(line.ask(AuthorId(1), Work::Quiet, 0), Told::Come);
    assert_eq!(line.ask(AuthorId(2), Work::Quiet, 0), Told::Wait(2, None));
    assert!(matches!(line.ask(AuthorId(3), Work::Quiet, 0), Told::Back(1..)));
    assert_eq!(line.give_back(1, true, 10), [(2, 1)]);
    assert_eq!(line.ask(AuthorId(4), Work::Quiet, 20), Told::Wait(4, None));
    assert!(matches!(line.ask(AuthorId(3), Work::Quiet, 2_000), Told::Wait(3, Some((4, 1..)))));
    assert!(matches!(line.ask(AuthorId(4), Work::Quiet, 4_000), Told::Back(1..)));
    assert!(
        matches!(line.send_back(3, 5_000), Some(1..)),
        "it waited for long, and keeps its number"
    );
    assert!(matches!(line.ask(AuthorId(4), Work::Quiet, 6_000), Told::Wait(4, None)));
    assert!(matches!(line.ask(AuthorId(3), Work::Quiet, 7_000), Told::Wait(3, Some((4, 1..)))));
    assert_eq!(line.leave(3), []);
    assert_eq!(line.expected(), 1);
}
