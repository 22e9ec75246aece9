//! The names of the faults, counterexamples and stories, from `list.toml`.

use serde::Deserialize;

use super::scan::{Claim, Topic};

/// The invariants are I1 to I17.
pub const INVARIANTS: u8 = 17;

/// All names, by number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The faults, in groups.
    pub group: Vec<Group>,
    counterexamples: Names,
    stories: Names,
}

/// Faults of one sort.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Of which sort.
    pub name: String,
    /// The number of the first of them.
    pub first: u16,
    /// Their names.
    pub faults: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<String>,
}

impl List {
    /// The list of this build.
    ///
    /// # Panics
    /// If the file beside this one is not well formed: a test reads it.
    #[must_use]
    pub fn embedded() -> Self {
        toml::from_str(include_str!("list.toml")).expect("list.toml is well formed")
    }

    /// The names of a topic, with their numbers.
    #[must_use]
    pub fn of(&self, topic: Topic) -> Vec<(u16, &str)> {
        match topic {
            Topic::Fault => self.group.iter().flat_map(Group::numbered).collect(),
            Topic::Counterexample => self.counterexamples.numbered(),
            Topic::Story => self.stories.numbered(),
        }
    }

    /// What claims say that cannot be.
    #[must_use]
    pub fn wrong(&self, claims: &[Claim]) -> Vec<String> {
        let unknown = |c: &&Claim| !self.of(c.topic).iter().any(|(n, _)| *n == c.number);
        let bare = |c: &&Claim| {
            let known = c.invariants.iter().all(|i| (1..=INVARIANTS).contains(i));
            !known || c.invariants.is_empty() == (c.topic == Topic::Fault)
        };
        let mut wrong: Vec<String> = Vec::new();
        for claim in claims.iter().filter(unknown) {
            wrong.push(format!("{}: there is no {} {}", claim.at(), claim.topic, claim.number));
        }
        for claim in claims.iter().filter(bare) {
            let (at, topic) = (claim.at(), claim.topic);
            wrong.push(format!("{at}: a fault names its invariants, nothing else does: {topic}"));
        }
        wrong
    }
}

impl Names {
    fn numbered(&self) -> Vec<(u16, &str)> {
        (1..).zip(self.names.iter().map(String::as_str)).collect()
    }
}

impl Group {
    /// Its faults with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u16, &str)> {
        (self.first..).zip(self.faults.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_48_faults_40_counterexamples_and_20_stories_without_gaps() {
        let list = List::embedded();
        let counts = [(Topic::Fault, 48), (Topic::Counterexample, 40), (Topic::Story, 20)];
        for (topic, count) in counts {
            let numbers: Vec<u16> = list.of(topic).iter().map(|(n, _)| *n).collect();
            assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "{topic}");
        }
    }

    #[test]
    fn what_cannot_be_is_wrong() {
        let claim = |topic, number, invariants: &[u8]| Claim {
            topic,
            number,
            says: "so.".into(),
            invariants: invariants.to_vec(),
            file: "a.rs".into(),
            test: "a_test".into(),
        };
        let list = List::embedded();
        let wrong = |c| list.wrong(&[c]).len();
        assert_eq!(wrong(claim(Topic::Fault, 48, &[1, 17])), 0);
        assert_eq!(wrong(claim(Topic::Story, 20, &[])), 0);
        assert_eq!(wrong(claim(Topic::Fault, 49, &[1])), 1);
        assert_eq!(wrong(claim(Topic::Fault, 1, &[])), 1);
        assert_eq!(wrong(claim(Topic::Fault, 1, &[18])), 1);
        assert_eq!(wrong(claim(Topic::Counterexample, 1, &[2])), 1);
    }
}
