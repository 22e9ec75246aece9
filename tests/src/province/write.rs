//! Writes the province as the files that a real one would start from: two tables and a file of records per scope.
//!
//! Every file that may carry a remark says that its data are simulated; for the tables a notice lies beside them.
//! Deliberately absent: reading them back, which is the product's own business.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::{Province, Unit, Village};

/// What every generated file is marked with.
pub const NOTICE: &str = "DỮ LIỆU MÔ PHỎNG";

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files of records, one a scope.
    pub files: u64,
    /// Member records.
    pub members: u64,
    /// Event records.
    pub events: u64,
}

#[derive(Serialize)]
struct Header {
    notice: &'static str,
}

impl Province {
    /// Writes `units.csv`, `villages.csv`, `NOTICE.txt` and `members/<scope>.jsonl` into `dir`, which is made if need
    /// be; files of these names are replaced.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(&self, dir: &Path, with_events: bool) -> io::Result<Written> {
        fs::create_dir_all(dir.join("members"))?;
        fs::write(
            dir.join("NOTICE.txt"),
            format!("{NOTICE} (seed {}, {})\n", self.seed, self.size),
        )?;
        self.write_units(File::create(dir.join("units.csv"))?)?;
        self.write_villages(File::create(dir.join("villages.csv"))?)?;
        let mut written = Written::default();
        for scope in self.scopes() {
            let path = dir.join("members").join(format!("{}.jsonl", scope.code));
            let (members, events) =
                self.write_scope(&scope.code, with_events, BufWriter::new(File::create(path)?))?;
            written.files += 1;
            written.members += members;
            written.events += events;
        }
        Ok(written)
    }

    /// The table of units.
    ///
    /// # Errors
    /// Whatever `to` says.
    pub fn write_units(&self, to: impl Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(to);
        let header = [
            "code",
            "name",
            "short_name",
            "level",
            "type",
            "sub_type",
            "parent",
            "scope",
            "founded_on",
            "village",
        ];
        table.write_record(header)?;
        self.units.iter().try_for_each(|unit| table.write_record(unit_row(unit)))?;
        table.flush()
    }

    /// The table of villages.
    ///
    /// # Errors
    /// Whatever `to` says.
    pub fn write_villages(&self, to: impl Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(to);
        let header = [
            "code",
            "name",
            "kind",
            "commune",
            "scope",
            "cell",
            "head_is_member",
            "head_name",
            "head_member",
        ];
        table.write_record(header)?;
        self.villages.iter().try_for_each(|village| table.write_record(village_row(village)))?;
        table.flush()
    }

    /// One scope's records, an object a line after the notice; returns how many members and events.
    ///
    /// # Errors
    /// Whatever `to` says.
    pub fn write_scope(
        &self,
        scope: &str,
        with_events: bool,
        mut to: impl Write,
    ) -> io::Result<(u64, u64)> {
        line(&mut to, &Header { notice: NOTICE })?;
        let members = self.members_of(scope);
        let counted = members.len() as u64;
        members.into_iter().try_for_each(|member| line(&mut to, member))?;
        let events = if with_events { self.events_of(scope) } else { vec![] };
        events.iter().try_for_each(|event| line(&mut to, event))?;
        to.flush()?;
        Ok((counted, events.len() as u64))
    }
}

fn line(to: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, object)?;
    to.write_all(b"\n")
}

fn unit_row(unit: &Unit) -> [String; 10] {
    [
        unit.code.clone(),
        unit.name_full.clone(),
        unit.name_short.clone(),
        unit.level_kind.to_owned(),
        unit.unit_type.to_owned(),
        unit.sub_type.to_owned(),
        unit.parent.clone().unwrap_or_default(),
        unit.scope.clone().unwrap_or_default(),
        unit.founded_on.to_string(),
        unit.village.clone().unwrap_or_default(),
    ]
}

fn village_row(village: &Village) -> [String; 9] {
    [
        village.code.clone(),
        village.name.clone(),
        village.kind.to_owned(),
        village.commune.clone(),
        village.scope.clone(),
        village.cell.clone(),
        village.head_member.is_some().to_string(),
        village.head_name.clone(),
        village.head_member.map(|id| id.to_string()).unwrap_or_default(),
    ]
}
