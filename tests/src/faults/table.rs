//! The table, as text, and the list of what no test speaks of.

use std::collections::BTreeSet;

use super::list::List;
use super::scan::{Claim, Topic};

const HEAD: &str = "# What can go wrong, and which test says that it does not

Made from the tests themselves: each carries the lines that stand here (`tests/src/faults` reads them;
`DONGBO_BLESS=1 cargo test -p dongbo-tests --lib faults` writes this page anew). A line means that the
test would fail without the behaviour. What stands as *not covered yet* is listed in
[gaps.txt](gaps.txt), and that list can only become shorter.
";

const NOT_YET: &str = "*not covered yet*";

/// The whole page.
#[must_use]
pub fn markdown(list: &List, claims: &[Claim]) -> String {
    let mut page = HEAD.to_owned();
    page += &format!("\n{}\n", summary(list, claims));
    for group in &list.group {
        page += &format!("\n## {}\n\n", group.name);
        page +=
            "| | fault | what the system does | test | keeps |\n| --- | --- | --- | --- | --- |\n";
        for (number, name) in group.numbered() {
            page += &rows(claims, Topic::Fault, number, name);
        }
    }
    let lessons = [
        (Topic::Counterexample, "The ways in which the first design broke"),
        (Topic::Story, "Losses of others"),
    ];
    for (topic, title) in lessons {
        page += &format!("\n## {title}\n\n| | lesson | what the system does | test |\n");
        page += "| --- | --- | --- | --- |\n";
        for (number, name) in list.of(topic) {
            page += &rows(claims, topic, number, name);
        }
    }
    page
}

fn summary(list: &List, claims: &[Claim]) -> String {
    let count = |topic, what: &str| {
        let all = list.of(topic);
        let covered = all.iter().filter(|(n, _)| is_covered(claims, topic, *n)).count();
        format!("{covered} of {} {what}", all.len())
    };
    let tests: BTreeSet<_> = claims.iter().map(|c| (&c.file, &c.test)).collect();
    format!(
        "Covered: {}, {}, {}, by {} tests.",
        count(Topic::Fault, "faults"),
        count(Topic::Counterexample, "counterexamples"),
        count(Topic::Story, "stories"),
        tests.len()
    )
}

fn rows(claims: &[Claim], topic: Topic, number: u16, name: &str) -> String {
    let with_invariants = topic == Topic::Fault;
    let mut head = format!("| {number} | {name} |");
    let mut rows = String::new();
    for claim in claims.iter().filter(|c| (c.topic, c.number) == (topic, number)) {
        let says = claim.says.replace('|', "\\|");
        rows += &format!("{head} {says} | {} |", link(claim));
        if with_invariants {
            let keeps: Vec<_> = claim.invariants.iter().map(|i| format!("I{i}")).collect();
            rows += &format!(" {} |", keeps.join(" "));
        }
        rows.push('\n');
        head = "| | |".into();
    }
    if rows.is_empty() {
        let keeps = if with_invariants { " |" } else { "" };
        rows = format!("{head} {NOT_YET} | |{keeps}\n");
    }
    rows
}

fn link(claim: &Claim) -> String {
    format!("[`{}`](../../{})", claim.test, claim.file)
}

fn is_covered(claims: &[Claim], topic: Topic, number: u16) -> bool {
    claims.iter().any(|c| (c.topic, c.number) == (topic, number))
}

fn gap(topic: Topic, number: u16) -> String {
    format!("{topic} {number}")
}

/// The lines of the list that name a gap.
fn entries(gaps: &str) -> impl Iterator<Item = &str> {
    gaps.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Where the list of gaps says something else than the tests.
#[must_use]
pub fn gaps_that_are_wrong(list: &List, claims: &[Claim], gaps: &str) -> Vec<String> {
    let listed: BTreeSet<&str> = entries(gaps).collect();
    let mut open = BTreeSet::new();
    for topic in Topic::ALL {
        let all = list.of(topic).into_iter().map(|(number, _)| number);
        open.extend(all.filter(|n| !is_covered(claims, topic, *n)).map(|n| gap(topic, n)));
    }
    let missing = open.iter().filter(|gap| !listed.contains(gap.as_str()));
    let missing = missing.map(|gap| format!("{gap} has no test any more: write one"));
    let closed = listed.iter().filter(|gap| !open.contains(**gap));
    missing.chain(closed.map(|gap| format!("{gap} is no gap: take it out"))).collect()
}

/// The list of gaps without those that have a test by now. Nothing is ever added.
#[must_use]
pub fn without_closed(gaps: &str, claims: &[Claim]) -> String {
    let closed: BTreeSet<String> = claims.iter().map(|c| gap(c.topic, c.number)).collect();
    let kept = gaps.lines().filter(|line| !closed.contains(line.trim()));
    kept.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(topic: Topic, number: u16, test: &str) -> Claim {
        Claim {
            topic,
            number,
            says: "it is kept.".into(),
            invariants: vec![2, 15],
            file: "node/tests/all/a.rs".into(),
            test: test.into(),
        }
    }

    #[test]
    fn a_fault_with_two_tests_has_two_rows_and_one_without_says_so() {
        let claims = [claim(Topic::Fault, 9, "one"), claim(Topic::Fault, 9, "other")];
        let page = markdown(&List::embedded(), &claims);
        let row = "| it is kept. | [`one`](../../node/tests/all/a.rs) | I2 I15 |\n\
                   | | | it is kept. | [`other`](../../node/tests/all/a.rs) | I2 I15 |\n| 10 |";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("old backup | *not covered yet* | | |\n"), "{page}");
        assert!(page.contains("1 of 48 faults"), "{page}");
    }

    #[test]
    fn the_list_of_gaps_must_be_the_gaps_and_only_shrinks() {
        let list = List::embedded();
        let all: Vec<Claim> = Topic::ALL
            .into_iter()
            .flat_map(|t| list.of(t).into_iter().map(move |(n, _)| claim(t, n, "a")))
            .collect();
        assert!(gaps_that_are_wrong(&list, &all, "# a remark\n").is_empty());
        assert_eq!(gaps_that_are_wrong(&list, &all, "Story 3\n").len(), 1);
        assert_eq!(gaps_that_are_wrong(&list, &all[1..], "").len(), 1);
        assert!(gaps_that_are_wrong(&list, &all[1..], "Fault 1\n").is_empty());
        assert_eq!(without_closed("# why\nFault 1\nFault 2\n", &all[1..]), "# why\nFault 1\n");
    }
}
