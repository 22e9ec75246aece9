//! What an operator does at the province, a command each (`server/docs/CLI.md`).

use std::path::Path;

use serde_json::Value;

use super::process::Trouble;
use super::says::{self, Conflict, Entry, Held};
use super::server::Server;

impl Server {
    /// Imports files; how many records they brought.
    ///
    /// # Errors
    /// When it refuses.
    pub fn import(&self, files: &[&Path]) -> Result<u64, Trouble> {
        let files: Vec<_> = files.iter().map(|f| f.to_string_lossy().into_owned()).collect();
        let mut args = vec!["import"];
        args.extend(files.iter().map(String::as_str));
        let said = self.ask(&args)?;
        let kinds =
            said["records"].as_object().ok_or_else(|| Trouble(format!("no records: {said}")))?;
        Ok(kinds.values().filter_map(Value::as_u64).sum())
    }

    /// The fields in conflict.
    ///
    /// # Errors
    /// When it cannot list them.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, Trouble> {
        says::conflicts(&self.ask(&["conflicts"])?)
    }

    /// A record's history.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn history(&self, record: &str) -> Result<Vec<Entry>, Trouble> {
        says::history(&self.ask(&["history", record])?)
    }

    /// The shown value of a record's field; null where there is none.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn value(&self, record: &str, field: &str) -> Result<Value, Trouble> {
        Ok(says::shown(&self.ask(&["record", "show", record])?, field))
    }

    /// The acts that wait for the province.
    ///
    /// # Errors
    /// When it cannot list them.
    pub fn held(&self) -> Result<Vec<Held>, Trouble> {
        says::held(&self.ask(&["held", "list"])?)
    }

    /// Approves a held act.
    ///
    /// # Errors
    /// When it refuses.
    pub fn approve(&self, held: &Held, grounds: &str) -> Result<(), Trouble> {
        self.run(&["held", "approve", &held.act, "--grounds", grounds])?.ok().map(drop)
    }

    /// Refuses a held act.
    ///
    /// # Errors
    /// When it will not.
    pub fn refuse(&self, held: &Held, reason: &str) -> Result<(), Trouble> {
        self.run(&["held", "refuse", &held.act, "--reason", reason])?.ok().map(drop)
    }

    /// Revokes a machine by its name.
    ///
    /// # Errors
    /// When there is no such machine.
    pub fn revoke(&self, node: &str) -> Result<(), Trouble> {
        self.run(&["revoke", node])?.ok().map(drop)
    }

    /// Rows of a query.
    ///
    /// # Errors
    /// When it refuses.
    pub fn sql(&self, query: &str) -> Result<Vec<Value>, Trouble> {
        says::rows(&self.ask(&["sql", query])?)
    }

    /// How many members there are, those that were taken back not counted.
    ///
    /// # Errors
    /// When it cannot say.
    pub fn count_members(&self) -> Result<u64, Trouble> {
        says::number(&self.ask(&["status"])?, "records.member.live")
    }

    /// Fails where `verify` finds anything.
    ///
    /// # Errors
    /// What it found.
    pub fn verified(&self) -> Result<(), Trouble> {
        self.run(&["verify"])?.ok().map(drop)
    }
}
