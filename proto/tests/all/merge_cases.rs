//! Runs the table of cases, each in every order and with every line doubled.

use dongbo_proto::catalogue::Rule;
use dongbo_proto::id::{ActId, AuthorId};
use dongbo_proto::merge::Written;
use dongbo_proto::record::{Named, Origin, Rank};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;

use crate::journal::{Arrival, FieldJournal, permutations};

const TABLE: &str = include_str!("../merge_cases.txt");

/// What a case expects.
#[derive(Debug, PartialEq)]
struct Expected {
    heads: Vec<ActId>,
    shows: Option<ActId>,
    conflict: bool,
}

#[derive(Debug)]
struct Case {
    title: String,
    rule: Rule,
    arrivals: Vec<Arrival>,
    expected: Expected,
}

/// An act's id from its name: authors differ by letter, so that ids order as names do.
fn act(name: &str) -> ActId {
    let number = name.bytes().fold(0u64, |n, b| n * 256 + u64::from(b));
    ActId::new(AuthorId(number), 7)
}

fn rule(word: &str) -> Rule {
    match word {
        "authority" => Rule::Authority,
        "locked" => Rule::Locked,
        "write_once" => Rule::WriteOnce,
        "append" => Rule::Append,
        other => panic!("unknown rule {other}"),
    }
}

fn rank(word: &str) -> Option<Rank> {
    [Rank::Import, Rank::Other, Rank::Home, Rank::Province].into_iter().find(|r| r.word() == word)
}

/// `NAME: VALUE [over NAME...] [RANK] [at N]`. A value may have several words.
fn write(line: &str, nth: usize) -> Written {
    let (name, rest) = line.split_once(": ").unwrap_or_else(|| panic!("no name: {line}"));
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let mut stamp = Stamp::new(nth as i64, 0);
    if words.len() >= 2 && words[words.len() - 2] == "at" {
        stamp = Stamp::new(words[words.len() - 1].parse().expect("a number behind `at`"), 0);
        words.truncate(words.len() - 2);
    }
    let given = words.last().copied().and_then(rank).filter(|_| words.len() > 1);
    words.truncate(words.len() - usize::from(given.is_some()));
    let cut = words.iter().position(|w| *w == "over").unwrap_or(words.len());
    let value = words[..cut].join(" ");
    let over: Named = words[cut..].iter().skip(1).map(|name| act(name)).collect();
    let value = if value == "-" { Value::Null } else { Value::Text(value) };
    Written {
        origin: Origin { act: act(name), stamp, rank: given.unwrap_or(Rank::Home) },
        value,
        over,
    }
}

fn expected(line: &str) -> Expected {
    let parts: Vec<Vec<&str>> = line.split(';').map(|p| p.split_whitespace().collect()).collect();
    let [heads, shows, verdict] = &parts[..] else { panic!("three parts: {line}") };
    assert_eq!((heads[0], shows[0]), ("heads", "shows"), "{line}");
    assert!(["settled", "conflict"].contains(&verdict[0]), "{line}");
    let mut heads: Vec<ActId> = heads[1..].iter().map(|name| act(name)).collect();
    heads.sort();
    let shows = Some(shows[1]).filter(|name| *name != "nothing").map(act);
    Expected { heads, shows, conflict: verdict[0] == "conflict" }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut title, mut merge_rule, mut arrivals) = (String::new(), Rule::Authority, Vec::new());
    for line in TABLE.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix("case ") {
            (title, merge_rule, arrivals) = (name.to_owned(), Rule::Authority, Vec::new());
        } else if let Some(word) = line.strip_prefix("rule ") {
            merge_rule = rule(word);
        } else if let Some(name) = line.strip_prefix("undo ") {
            arrivals.push(Arrival::Undo(act(name)));
        } else if let Some(rest) = line.strip_prefix("=> ") {
            let (title, arrivals) = (std::mem::take(&mut title), std::mem::take(&mut arrivals));
            cases.push(Case { title, rule: merge_rule, arrivals, expected: expected(rest) });
        } else {
            arrivals.push(Arrival::Write(write(line, arrivals.len() + 1)));
        }
    }
    cases
}

fn outcome(journal: &FieldJournal, rule: Rule) -> Expected {
    Expected {
        heads: journal.heads(),
        shows: journal.shown(rule).map(|(act, _)| act),
        conflict: journal.state.in_conflict(),
    }
}

#[test]
fn every_case_holds_in_every_order() {
    let cases = cases();
    assert!(cases.len() >= 60, "the table was read: {} cases", cases.len());
    for case in &cases {
        permutations(&case.arrivals, |order| {
            let journal = FieldJournal::of(order);
            assert_eq!(outcome(&journal, case.rule), case.expected, "{}: {order:?}", case.title);
            assert_eq!(journal.vanished(), [], "{}", case.title);
            assert_eq!(journal.oracle().heads, journal.state.heads, "{}", case.title);
        });
    }
}

/// Fault 20: a write that comes twice is one write. [I4]
#[test]
fn every_case_holds_with_every_line_twice() {
    for case in &cases() {
        let twice: Vec<&Arrival> = case.arrivals.iter().chain(case.arrivals.iter().rev()).collect();
        let journal = FieldJournal::of(twice);
        assert_eq!(outcome(&journal, case.rule), case.expected, "{}", case.title);
    }
}

#[test]
fn titles_are_unique() {
    let cases = cases();
    let titles: std::collections::BTreeSet<_> = cases.iter().map(|c| &c.title).collect();
    assert_eq!(titles.len(), cases.len());
}
