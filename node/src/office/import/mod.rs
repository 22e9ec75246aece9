//! Reading a file of records in: JSON lines, one record a line, all of it one job.
//!
//! ```text
//! lines → row (what the line says) → plan (creations, edits, in acts within the limits) → save
//! ```
//!
//! A row whose id is here edits that record. With a `_version`, as `export` writes it, the edit
//! names the heads that the file shows and only says what differs from them; without one it names
//! nothing, so everything newer stays. Bad rows are named by row and column, never by value.
//!
//! Deliberately absent: other formats, and guesses at what a bad value may have meant.

pub mod plan;
pub mod report;
pub mod row;
pub mod version;

use std::io::BufRead;

use dongbo_proto::id::JobId;
use dongbo_proto::seam::bytes;

use super::place::Codes;
use super::{Desk, OfficeError, Result};
use plan::Planner;
use report::Fault;
use row::{Lines, Row};

/// What is kept of a file with bad rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing, if one row is bad.
    AllOrNothing,
    /// The good rows.
    GoodRows,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Imported {
    /// The job, if anything was saved.
    pub job: Option<JobId>,
    /// Acts that were saved.
    pub acts: usize,
    /// Rows read, the notice not counted.
    pub rows: usize,
    /// Records created.
    pub added: usize,
    /// Records edited.
    pub changed: usize,
    /// Rows that said nothing new.
    pub unchanged: usize,
    /// Rows, or fields of rows, that the province is asked to approve.
    pub requested: usize,
    /// What is wrong with the bad rows.
    pub faults: Vec<Fault>,
}

/// Who shows how far it is.
pub trait Progress {
    /// So many bytes of the file are read.
    fn read(&mut self, bytes: u64);
    /// So many acts are about to be saved in one transaction.
    fn saving(&mut self, acts: usize);
}

/// Reads a file in.
///
/// # Errors
/// Only what storage says: bad rows are in [`Imported::faults`], and nothing was saved if `keep`
/// says so.
pub fn import(
    desk: &mut Desk,
    file: impl BufRead,
    keep: Keep,
    progress: &mut dyn Progress,
) -> Result<Imported> {
    let job = JobId(
        dongbo_proto::id::RecordId::new(
            u64::try_from(desk.clock.now_ms()).unwrap_or(0),
            bytes(&*desk.entropy),
        )
        .0,
    );
    let codes = Codes::read(&desk.replica)?;
    let (grants, today) = (desk.grants()?, desk.today()?);
    let person = desk.person.clone();
    let mut planner = Planner::new(&person, job, &grants);
    let mut imported = Imported::default();
    let mut lines = Lines::new(file);
    while let Some(line) = lines.line()? {
        progress.read(lines.bytes());
        let parsed = line.and_then(|(number, text)| Row::read(number, &text, &codes, today));
        let row = match parsed {
            Ok(None) => continue,
            Ok(Some(row)) => row,
            Err(fault) => {
                imported.rows += 1;
                imported.faults.push(fault);
                continue;
            }
        };
        imported.rows += 1;
        let known = row.id.map(|id| desk.replica.record_of(row.kind.id, id)).transpose()?.flatten();
        let home = |id| desk.replica.record(id).map(|r| r.map(|r| r.home));
        if let Err(fault) = planner.take(row, known.as_ref(), &|| desk.new_id(), &home)? {
            imported.faults.push(fault);
        }
    }
    save(desk, planner, keep, progress, imported)
}

fn save(
    desk: &mut Desk,
    planner: Planner<'_>,
    keep: Keep,
    progress: &mut dyn Progress,
    mut imported: Imported,
) -> Result<Imported> {
    let job = planner.job();
    if !imported.faults.is_empty() && keep == Keep::AllOrNothing {
        return Ok(imported);
    }
    let planned = planner.finish();
    progress.saving(planned.drafts.len());
    imported.acts = desk.save(&planned.drafts)?.len();
    imported.job = (imported.acts > 0).then_some(job);
    (imported.added, imported.changed) = (planned.added, planned.changed);
    (imported.unchanged, imported.requested) = (planned.unchanged, planned.requested);
    Ok(imported)
}

impl Imported {
    /// An error where rows were bad.
    pub fn bad_rows(&self) -> Option<OfficeError> {
        let mut rows: Vec<usize> = self.faults.iter().map(|f| f.row).collect();
        rows.dedup();
        (!rows.is_empty()).then_some(OfficeError::BadRows { count: rows.len() })
    }
}
