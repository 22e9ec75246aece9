//! The goals: what each compares, the floor that may not be missed, and the aim.
//!
//! A goal is a ratio to a limit that is measured in the same run, or a count. Deliberately absent: how anything is
//! measured, and any figure of another machine.

use super::series::Spread;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// The figure must be at least the floor.
    AtLeast,
    /// The figure must be at most the floor.
    AtMost,
}

/// One goal.
#[derive(Debug)]
pub struct Goal {
    /// Its number.
    pub id: &'static str,
    /// What is compared with what.
    pub name: &'static str,
    /// Which way is better.
    pub sense: Sense,
    /// What may not be missed.
    pub floor: f64,
    /// What the design is for.
    pub aim: f64,
    /// The unit of floor and aim: `×` of a limit, or a count.
    pub unit: &'static str,
}

const fn at_least(
    id: &'static str,
    name: &'static str,
    floor: f64,
    aim: f64,
    unit: &'static str,
) -> Goal {
    Goal { id, name, sense: Sense::AtLeast, floor, aim, unit }
}

const fn at_most(
    id: &'static str,
    name: &'static str,
    floor: f64,
    aim: f64,
    unit: &'static str,
) -> Goal {
    Goal { id, name, sense: Sense::AtMost, floor, aim, unit }
}

/// All goals, in the order of the table.
///
/// L: gRPC, TLS and zstd into a plain table. R: raw SQLite on the same edits. E: one protobuf message a record, zstd.
/// All of them under the encryption, the knobs and the durability of the product.
pub const GOALS: [Goal; 13] = [
    at_least("1", "upload, durable and merged / L", 0.35, 0.5, "× L"),
    at_most("1b", "bytes of the upload / E", 1.10, 0.87, "× E"),
    at_least("2", "fresh node, into durable SQL / L", 0.5, 0.75, "× L"),
    at_most("3", "500 edits, bytes both ways, warm / E", 1.25, 1.05, "× E"),
    at_most("3b", "round trips in a row, push and pull, warm", 3.0, 1.0, "trips"),
    at_most("3c", "nothing to say, bytes both ways, warm", 500.0, 250.0, "B"),
    at_most("4", "local edits in batches of 500 / R", 1.8, 1.4, "× R"),
    at_most("4b", "local edit, a transaction each / R", 1.4, 1.2, "× R"),
    at_most("4c", "local insert in batches of 500 / R", 2.0, 1.5, "× R"),
    at_least("5", "server merge, all in conflict / R", 0.5, 0.7, "× R"),
    at_most("6s", "server's store after load / plain table", 2.0, 1.5, "× R"),
    at_most("6c", "client's store after load / plain table", 1.6, 1.25, "× R"),
    at_most("6b", "server's growth for each later edit", 150.0, 80.0, "B"),
];

impl Goal {
    /// The goal of a number.
    ///
    /// # Panics
    /// Where there is none: the numbers are this program's own.
    #[must_use]
    pub fn named(id: &str) -> &'static Goal {
        GOALS.iter().find(|goal| goal.id == id).unwrap_or_else(|| panic!("no goal {id}"))
    }

    fn reached(&self, figure: f64, bar: f64) -> bool {
        match self.sense {
            Sense::AtLeast => figure >= bar,
            Sense::AtMost => figure <= bar,
        }
    }
}

/// How a finding stands to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The aim is reached.
    Aim,
    /// The floor is kept.
    Floor,
    /// The floor is missed.
    Missed,
    /// There is no bar for it.
    Shown,
}

impl Verdict {
    /// Its word in the table and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Aim => "aim met",
            Verdict::Floor => "floor met",
            Verdict::Missed => "MISSED",
            Verdict::Shown => "shown",
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The goal; `None` for a line that explains others.
    pub goal: Option<&'static Goal>,
    /// The number, or the topic of a line that explains.
    pub id: &'static str,
    /// What exactly was done, and how often.
    pub what: String,
    /// The product's own figure, for people.
    pub figure: String,
    /// The limit's figure, for people; empty for a count.
    pub limit: String,
    /// What is held against the bars.
    pub value: Spread,
    /// The unit of `value`.
    pub unit: &'static str,
}

impl Finding {
    /// A line for a goal.
    #[must_use]
    pub fn of(id: &'static str, what: impl Into<String>, value: Spread) -> Self {
        let goal = Goal::named(id);
        Finding { goal: Some(goal), unit: goal.unit, ..Finding::shown(id, what, value, goal.unit) }
    }

    /// A line without a bar.
    #[must_use]
    pub fn shown(
        id: &'static str,
        what: impl Into<String>,
        value: Spread,
        unit: &'static str,
    ) -> Self {
        let (figure, limit) = (String::new(), String::new());
        Finding { goal: None, id, what: what.into(), figure, limit, value, unit }
    }

    /// The same with the two figures for people.
    #[must_use]
    pub fn beside(self, figure: impl Into<String>, limit: impl Into<String>) -> Self {
        Finding { figure: figure.into(), limit: limit.into(), ..self }
    }

    /// How it stands to its goal. A figure that is no number misses.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.goal {
            None => Verdict::Shown,
            Some(goal) if goal.reached(self.value.median, goal.aim) => Verdict::Aim,
            Some(goal) if goal.reached(self.value.median, goal.floor) => Verdict::Floor,
            Some(_) => Verdict::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &'static str, figure: f64) -> Verdict {
        Finding::of(id, "", Spread::exact(figure)).verdict()
    }

    #[test]
    fn a_floor_and_an_aim_are_kept_at_their_very_figure() {
        assert_eq!(verdict("1", 0.5), Verdict::Aim);
        assert_eq!(verdict("1", 0.35), Verdict::Floor);
        assert_eq!(verdict("1", 0.349), Verdict::Missed);
        assert_eq!(verdict("4", 1.4), Verdict::Aim);
        assert_eq!(verdict("4", 1.81), Verdict::Missed);
    }

    #[test]
    fn what_could_not_be_measured_misses() {
        assert_eq!(verdict("1", f64::NAN), Verdict::Missed);
        assert_eq!(verdict("4", f64::NAN), Verdict::Missed);
    }

    #[test]
    fn an_aim_is_never_easier_than_its_floor() {
        for goal in &GOALS {
            assert!(goal.reached(goal.aim, goal.floor), "{}", goal.id);
        }
    }
}
