//! What the office reads: records, lists, search, its own acts and what became of them.
//!
//! Voided records, and those of which an undo left nothing, are not listed unless asked for.

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::catalogue::table::quoted;
use dongbo_proto::fate::{Fate, Outcome};
use dongbo_proto::id::{ActId, FieldId, JobId, KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use rusqlite::{OptionalExtension, ToSql};

use super::cell::Cell;
use super::error::Result;
use super::journal::{self, uint};
use super::table::KindTable;
use super::work::Work;
use super::{Replica, ack, find};

/// Which records of a kind are listed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// Fields that must show these values; [`Value::Null`]: nothing.
    pub equals: Vec<(FieldId, Value)>,
    /// Only records whose home is this scope.
    pub scope: Option<ScopeId>,
    /// Voided ones too.
    pub voided: bool,
    /// How many are passed over.
    pub offset: usize,
}

/// An act of this node's own with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAct {
    /// Its id.
    pub id: ActId,
    /// The act.
    pub act: Act,
    /// Its fate, the last that was heard; `None`: not acknowledged.
    pub fate: Option<Fate>,
}

/// A job of this node's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Who began it.
    pub person: String,
    /// Position of its first act.
    pub first: u64,
    /// Position of its last act.
    pub last: u64,
    /// How many of its acts are saved.
    pub items: u64,
    /// How many it has.
    pub of: u64,
    /// The time that its first act claims.
    pub claimed: Stamp,
}

impl Replica {
    /// A record, whatever its kind.
    ///
    /// # Errors
    /// What storage says.
    pub fn record(&self, id: RecordId) -> Result<Option<Record>> {
        self.read(|work| {
            for table in work.tables.all() {
                if let Some(stored) = work.load(table.kind.id, id)? {
                    return Ok(Some(stored.record));
                }
            }
            Ok(work.load(KindId(u16::MAX), id)?.map(|stored| stored.record))
        })
    }

    /// A record of a kind.
    ///
    /// # Errors
    /// What storage says.
    pub fn record_of(&self, kind: KindId, id: RecordId) -> Result<Option<Record>> {
        self.read(|work| Ok(work.load(kind, id)?.map(|stored| stored.record)))
    }

    /// Records of a kind, in the order in which they came here; of a kind that this build does
    /// not know, none.
    ///
    /// # Errors
    /// What storage says.
    pub fn list(&self, kind: KindId, filter: &Filter, limit: usize) -> Result<Vec<Record>> {
        self.read(|work| {
            let Some(table) = work.tables.get(kind) else { return Ok(Vec::new()) };
            let (sql, bound) = list_sql(table, filter, limit);
            let bound: Vec<&dyn ToSql> = bound.iter().map(|b| &**b).collect();
            records(work, table, &sql, &bound)
        })
    }

    /// Records whose searched fields have a word that begins with each word typed, without regard
    /// to tone marks and case.
    ///
    /// # Errors
    /// What storage says.
    pub fn search(&self, typed: &str, limit: usize) -> Result<Vec<Record>> {
        self.read(|work| {
            let words = find::query(typed);
            let mut found = Vec::new();
            for table in work.tables.all() {
                found.extend(search_in(work, table, &words, limit - found.len())?);
            }
            Ok(found)
        })
    }

    /// How many records of a kind are here, voided ones included.
    ///
    /// # Errors
    /// What storage says.
    pub fn count(&self, kind: KindId) -> Result<u64> {
        self.read(|work| {
            let Some(table) = work.tables.get(kind) else { return Ok(0) };
            let sql = format!("SELECT count(*) FROM {}", quoted(&table.kind.name));
            Ok(uint(work.db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?))
        })
    }

    /// Acts that no receipt covers yet, oldest first.
    ///
    /// # Errors
    /// What storage says.
    pub fn pending(&self, limit: usize) -> Result<Vec<OwnAct>> {
        self.read(|work| own_acts(work, ack::acknowledged(work.db)? + 1, u64::MAX, limit))
    }

    /// Acts in a range of positions, oldest first.
    ///
    /// # Errors
    /// What storage says.
    pub fn acts(&self, first: u64, last: u64, limit: usize) -> Result<Vec<OwnAct>> {
        self.read(|work| own_acts(work, first, last, limit))
    }

    /// This node's own acts on a record, oldest first: its history as far as it is here.
    ///
    /// # Errors
    /// What storage says.
    pub fn history_here(&self, record: RecordId) -> Result<Vec<OwnAct>> {
        self.read(|work| {
            let mut found = Vec::new();
            journal::scan(work.db, 1, u64::MAX, |_, act| {
                // Canonical bytes hold the id as it is: looking for it leaves few acts to decode.
                if act.windows(record.0.len()).any(|part| part == record.0) {
                    let act = Act::read(&mut Reader::new(act))?;
                    if act.records().any(|(id, _)| id == record) {
                        found.push(with_fate(work, act)?);
                    }
                }
                Ok(true)
            })?;
            Ok(found)
        })
    }

    /// Outcomes after one, oldest first.
    ///
    /// # Errors
    /// What storage says.
    pub fn inbox(&self, after: u64, limit: usize) -> Result<Vec<Outcome>> {
        self.read(|work| ack::outcomes(work.db, after, limit))
    }

    /// The jobs of this node, newest first.
    ///
    /// # Errors
    /// What storage says.
    pub fn jobs(&self, limit: usize) -> Result<Vec<Job>> {
        self.read(|work| {
            let sql = "SELECT id, person, first, last, items, of, claimed FROM job ORDER BY first DESC LIMIT ?";
            let mut statement = work.db.prepare_cached(sql)?;
            let job = |row: &rusqlite::Row<'_>| {
                Ok(Job {
                    id: JobId(row.get(0)?),
                    person: row.get(1)?,
                    first: uint(row.get(2)?),
                    last: uint(row.get(3)?),
                    items: uint(row.get(4)?),
                    of: uint(row.get(5)?),
                    claimed: Stamp(uint(row.get(6)?)),
                })
            };
            Ok(statement.query_map([limit as i64], job)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The positions of the acts of a job, oldest first: what undoing it retracts.
    ///
    /// # Errors
    /// What storage says.
    pub fn job_acts(&self, job: JobId) -> Result<Vec<u64>> {
        self.read(|work| {
            let mut statement =
                work.db.prepare_cached("SELECT first, last FROM job WHERE id = ?")?;
            let ends = |row: &rusqlite::Row<'_>| Ok((uint(row.get(0)?), uint(row.get(1)?)));
            let mut positions = Vec::new();
            let Some((first, last)) = statement.query_row([job.0], ends).optional()? else {
                return Ok(positions);
            };
            journal::scan(work.db, first, last, |position, act| {
                let act = Act::read(&mut Reader::new(act))?;
                if act.job.is_some_and(|item| item.job == job) {
                    positions.push(position);
                }
                Ok(true)
            })?;
            Ok(positions)
        })
    }
}

/// Records of one kind that have each of the words.
pub(super) fn search_in(
    work: &Work<'_>,
    table: &KindTable,
    words: &[String],
    limit: usize,
) -> Result<Vec<Record>> {
    let Some(index) = table.search.as_ref().filter(|_| limit > 0 && !words.is_empty()) else {
        return Ok(Vec::new());
    };
    let (all, matching) = (&table.select, index.matching(words.len()));
    let sql = format!(
        "{all} WHERE rowid IN ({matching}) AND void_reason IS NULL ORDER BY rowid LIMIT {limit}"
    );
    let bound: Vec<&dyn ToSql> = words.iter().map(|word| word as &dyn ToSql).collect();
    records(work, table, &sql, &bound)
}

fn list_sql<'f>(
    table: &KindTable,
    filter: &'f Filter,
    limit: usize,
) -> (String, Vec<Box<dyn ToSql + 'f>>) {
    let mut sql = format!("{} WHERE true", table.select);
    let mut bound: Vec<Box<dyn ToSql + 'f>> = Vec::new();
    if !filter.voided {
        sql += " AND void_reason IS NULL";
    }
    if let Some(scope) = filter.scope {
        sql += " AND _scope = ?";
        bound.push(Box::new(scope.0));
    }
    for (field, value) in &filter.equals {
        // A field without a column shows nothing here.
        let column = table.kind.field(*field).filter(|f| f.is_stored());
        sql += &column.map_or(" AND false".into(), |f| format!(" AND {} IS ?", quoted(&f.name)));
        if column.is_some() {
            bound.push(Box::new(Cell(value)));
        }
    }
    sql += &format!(" ORDER BY rowid LIMIT {limit} OFFSET {}", filter.offset);
    (sql, bound)
}

pub(super) fn records(
    work: &Work<'_>,
    table: &KindTable,
    sql: &str,
    bound: &[&dyn ToSql],
) -> Result<Vec<Record>> {
    let mut statement = work.db.prepare_cached(sql)?;
    let mut rows = statement.query(bound)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let record = table.record(row)?;
        if record.fields.iter().any(|(_, state)| !state.heads.is_empty()) {
            records.push(record);
        }
    }
    Ok(records)
}

pub(super) fn own_acts(
    work: &Work<'_>,
    first: u64,
    last: u64,
    limit: usize,
) -> Result<Vec<OwnAct>> {
    let mut acts = Vec::new();
    journal::scan(work.db, first, last, |_, act| {
        if acts.len() < limit {
            acts.push(with_fate(work, Act::read(&mut Reader::new(act))?)?);
        }
        Ok(acts.len() < limit)
    })?;
    Ok(acts)
}

fn with_fate(work: &Work<'_>, act: Act) -> Result<OwnAct> {
    let id = work.line.id(&act);
    let later = ack::outcome_of(work.db, id)?;
    let fate = match later {
        Some(fate) => Some(fate),
        None => ack::run_of(work.db, act.position)?.map(|run| run.fate),
    };
    Ok(OwnAct { id, act, fate })
}

/// Every record of a table, for checks.
pub(super) fn every(
    work: &Work<'_>,
    table: &KindTable,
    mut each: impl FnMut(i64, Record) -> Result<()>,
) -> Result<()> {
    let mut statement = work.db.prepare(&format!("{} ORDER BY rowid", table.select))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, table.record(row)?)?;
    }
    Ok(())
}

impl Replica {
    /// Calls `each` with every record of a kind, for exports; voided ones included.
    ///
    /// # Errors
    /// What storage says, or `each`.
    pub fn each(&self, kind: KindId, mut each: impl FnMut(Record) -> Result<()>) -> Result<()> {
        self.read(|work| match work.tables.get(kind) {
            Some(table) => every(work, table, |_, record| each(record)),
            None => Ok(()),
        })
    }

    /// The act at a position of this node's journal.
    ///
    /// # Errors
    /// What storage says.
    pub fn act(&self, position: u64) -> Result<Option<OwnAct>> {
        self.read(|work| match work.own_row(position)? {
            Some((act, _)) => with_fate(work, act).map(Some),
            None => Ok(None),
        })
    }
}
