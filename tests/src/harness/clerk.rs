//! What a clerk does at a commune's machine, a command each (`node/docs/CLI.md`).

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::node::Node;
use super::process::{Ran, Trouble};
use super::says::{self, Conflict, Entry, Equation, Moved};

/// More than any list of these stories has.
const ALL: &str = "1000000";

impl Node {
    /// Edits fields of a member; the command as it ended.
    ///
    /// # Errors
    /// When it cannot be run at all.
    pub fn try_edit(
        &self,
        member: &str,
        fields: &[(&str, &str)],
        more: &[&str],
    ) -> Result<Ran, Trouble> {
        let sets: Vec<String> = fields.iter().map(|(f, v)| format!("{f}={v}")).collect();
        let mut args = vec!["member", "edit", member];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        args.extend(more);
        self.run_json(&args)
    }

    /// Edits one field of a member.
    ///
    /// # Errors
    /// When it refuses.
    pub fn edit(&self, member: &str, field: &str, value: &str) -> Result<Value, Trouble> {
        self.try_edit(member, &[(field, value)], &[])?.json()
    }

    /// Adds a member; its id.
    ///
    /// # Errors
    /// When it refuses.
    pub fn add(&self, fields: &[(&str, &str)]) -> Result<String, Trouble> {
        let sets: Vec<String> = fields.iter().map(|(f, v)| format!("{f}={v}")).collect();
        let mut args = vec!["member", "add"];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        says::text(&self.ask(&args)?, "id")
    }

    /// The shown value of a member's field; null where there is none.
    ///
    /// # Errors
    /// When there is no such member here.
    pub fn value(&self, member: &str, field: &str) -> Result<Value, Trouble> {
        Ok(says::shown(&self.ask(&["member", "show", member])?, field))
    }

    /// The members here, as the list shows them.
    ///
    /// # Errors
    /// When it cannot list them.
    pub fn members(&self) -> Result<Vec<Value>, Trouble> {
        let listed = self.ask(&["member", "list", "--limit", ALL])?;
        says::rows(&listed)
    }

    /// How many members there are here.
    ///
    /// # Errors
    /// As [`Node::members`].
    pub fn count_members(&self) -> Result<u64, Trouble> {
        Ok(self.members()?.len() as u64)
    }

    /// The fields in conflict here.
    ///
    /// # Errors
    /// When it cannot list them.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, Trouble> {
        says::conflicts(&self.ask(&["conflicts", "list"])?)
    }

    /// Settles a conflict with a value.
    ///
    /// # Errors
    /// When it refuses.
    pub fn settle(&self, conflict: &Conflict, value: &str) -> Result<Value, Trouble> {
        let set = format!("{}={value}", conflict.field);
        self.ask(&["conflicts", "settle", &conflict.record, "--set", &set])
    }

    /// Imports a file; the job's id and how many records it brought.
    ///
    /// # Errors
    /// When it refuses.
    pub fn import(&self, file: &Path) -> Result<(String, u64), Trouble> {
        let said = self.ask(&["import", &file.to_string_lossy()])?;
        Ok((says::text(&said, "job")?, says::number(&said, "added")?))
    }

    /// Takes a job or an act back.
    ///
    /// # Errors
    /// When it refuses.
    pub fn undo(&self, what: &str) -> Result<Value, Trouble> {
        self.ask(&["undo", what])
    }

    /// A record's history, as the province tells it.
    ///
    /// # Errors
    /// When the province cannot be asked.
    pub fn history(&self, member: &str) -> Result<Vec<Entry>, Trouble> {
        says::history(&self.ask(&["member", "history", member])?)
    }

    /// The equation of promise 2.
    ///
    /// # Errors
    /// When it cannot say.
    pub fn equation(&self) -> Result<Equation, Trouble> {
        says::equation(&self.ask(&["status"])?)
    }

    /// One exchange, tried again for some time; what it moved.
    ///
    /// # Errors
    /// The last refusal.
    pub fn exchange(&self, limit: Duration) -> Result<Moved, Trouble> {
        says::moved(&self.sync_until(limit)?)
    }

    /// Rows of a query.
    ///
    /// # Errors
    /// When it refuses.
    pub fn sql(&self, query: &str) -> Result<Vec<Value>, Trouble> {
        says::rows(&self.ask(&["sql", query])?)
    }

    /// The ids of all records in all tables of kinds.
    ///
    /// # Errors
    /// When it refuses.
    pub fn record_ids(&self) -> Result<Vec<String>, Trouble> {
        let kinds = self.sql(
            "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.name = '_scope'",
        )?;
        let mut ids = Vec::new();
        for kind in kinds.iter().filter_map(|row| row["name"].as_str()) {
            let rows = self.sql(&format!("SELECT id FROM \"{kind}\""))?;
            ids.extend(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)));
        }
        if ids.is_empty() { Err(Trouble(format!("no record in {kinds:?}"))) } else { Ok(ids) }
    }

    /// Whether `verify` finds nothing; else what it found.
    ///
    /// # Errors
    /// What it found.
    pub fn verified(&self) -> Result<(), Trouble> {
        self.run(&["verify"])?.ok().map(drop)
    }
}
