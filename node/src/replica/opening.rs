//! Making a replica and opening one: the schema, the catalogue's tables, and the outbox held
//! against the journal.
//!
//! A log that is behind the journal is written up. A journal that is behind its log has lost acts
//! that were reported as saved (a shortened WAL, a disk put back): it is named, and they are done
//! again from the log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dongbo_proto::act::Act;
use dongbo_proto::bytes::Reader;
use dongbo_proto::catalogue::{catalogue, table};
use dongbo_proto::chain;
use dongbo_proto::id::AuthorId;
use dongbo_sqlite::{Access, DatabaseKey, Knobs, LockFile, Schema, open};
use rusqlite::{Connection, TransactionBehavior};

use super::error::{ReplicaError, Result};
use super::journal::{self, uint};
use super::line::Line;
use super::outbox::{LogRow, Outbox};
use super::save::{self, Entering};
use super::setting::{self, Identity};
use super::table::Tables;
use super::work::{Work, damaged};
use super::{Replica, ack, find, fork};

/// The database's name in the data directory.
pub const REPLICA_FILE: &str = "replica.db";
/// How long an operation waits for another process on the same directory: longer than the largest
/// page or import takes to commit on an old disk.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Marks the file as a node's replica ("DBn1").
const APPLICATION_ID: i32 = 0x4442_6e31;

/// The steps of the replica's schema, without the tables of the kinds.
pub const SCHEMA: Schema = Schema {
    application_id: APPLICATION_ID,
    migrations: &[
        ("replica", include_str!("sql/001_replica.sql")),
        ("002_fork", include_str!("sql/002_fork.sql")),
    ],
};

/// What opening found and mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Acts that the replica had lost and that were done again from the outbox.
    pub rewound: u64,
    /// Acts that the outbox had lost and that were written to it again.
    pub topped_up: u64,
    /// Whether the outbox ended in a row that was cut off.
    pub torn: bool,
}

impl Replica {
    /// Makes the replica of a node that has joined.
    ///
    /// # Errors
    /// [`ReplicaError::Exists`] if there is one; else what storage says.
    pub fn create(dir: &Path, key: &DatabaseKey, who: &Identity) -> Result<Self> {
        let mut lock = LockFile::open(dir)?;
        {
            let _guard = lock.acquire("create", LOCK_WAIT)?;
            let path = dir.join(REPLICA_FILE);
            let mut db = open(&path, key, &SCHEMA, Knobs::NODE, Access::Create)?;
            SCHEMA.migrate(&mut db)?;
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if setting::get(&tx, setting::AUTHOR)?.is_some() {
                return Err(ReplicaError::Exists);
            }
            bring_up(&tx, &Tables::new())?;
            setting::put_identity(&tx, who)?;
            tx.commit()?;
        }
        Self::open(dir, key)
    }

    /// Opens the replica of a data directory, brings its schema up and mends the outbox.
    ///
    /// # Errors
    /// What storage says, by name; [`ReplicaError::Rewound`] if the replica was put back behind
    /// acts that only the province still has.
    pub fn open(dir: &Path, key: &DatabaseKey) -> Result<Self> {
        let mut lock = LockFile::open(dir)?;
        let guard = lock.acquire("open", LOCK_WAIT)?;
        let mut conn = open(&dir.join(REPLICA_FILE), key, &SCHEMA, Knobs::NODE, Access::ReadWrite)?;
        SCHEMA.migrate(&mut conn)?;
        let tables = Tables::new();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first = AuthorId(u64::from_be_bytes(setting::must(&tx, setting::AUTHOR)?));
        let signing_key = setting::must(&tx, setting::SIGNING_KEY)?;
        bring_up(&tx, &tables)?;
        let outbox = Outbox::new(dir, key, first);
        let line = Line::read(&tx, first)?;
        let work = Work::new(&tx, &tables, &line);
        fork::bring_up_outbox(&work, &outbox)?;
        let opened = reconcile(&work, &outbox)?;
        drop(work);
        tx.commit()?;
        drop(guard);
        Ok(Replica {
            dir: PathBuf::from(dir),
            key: key.clone(),
            conn,
            spent: false,
            lock,
            tables,
            outbox,
            first,
            author: line.author(),
            signing_key,
            opened,
        })
    }
}

/// Makes the tables of kinds that are not there, adds columns of new fields, moves what an older
/// build had to carry blindly into them, and shows and searches by the rules of this build.
pub(super) fn bring_up(db: &Connection, tables: &Tables) -> Result<()> {
    let found = setting::fixed(db, setting::CATALOGUE)?.map(u32::from_be_bytes);
    let known = catalogue().version();
    match found {
        Some(found) if found == known => return Ok(()),
        Some(found) if found > known => {
            dongbo_sqlite::leave_as_it_is(db);
            return Err(ReplicaError::NewerCatalogue { found, known });
        }
        _ => {}
    }
    for kind in catalogue().kinds() {
        let there = columns(db, &kind.name)?;
        // A field may be searched from now on, in a kind that is known already.
        db.execute_batch(&find::create(kind).unwrap_or_default())?;
        if there.is_empty() {
            db.execute_batch(&table::create_table(kind))?;
            continue;
        }
        for field in kind.stored().filter(|f| !there.contains(&f.name)) {
            db.execute_batch(&table::add_column(kind, field))?;
        }
        tables.rewrite(db, kind.id)?;
    }
    tables.adopt(db)?;
    setting::put(db, setting::CATALOGUE, &known.to_be_bytes())
}

fn columns(db: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = db.prepare("SELECT name FROM pragma_table_info(?)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Brings outbox and journal to the same end.
fn reconcile(work: &Work<'_>, outbox: &Outbox) -> Result<Opening> {
    let contents = outbox.contents()?;
    let mut places = contents.places;
    let mut opened = Opening { torn: contents.torn, ..Opening::default() };
    let tail = journal::tail(work.db)?;
    // A row that was cut off within its length does not open: as torn as a short one.
    let mut last = None;
    while let Some(place) = places.last() {
        match outbox.row(*place) {
            Ok(row) => {
                last = Some(row);
                break;
            }
            Err(ReplicaError::Damaged(_)) => {
                opened.torn = true;
                places.pop();
            }
            Err(e) => return Err(e),
        }
    }
    let logged = last.as_ref().map_or(0, |row| row.last);
    if logged > tail.position {
        let from = places.iter().rposition(|p| p.first <= tail.position + 1);
        let first = places.first().map_or(0, |p| p.first);
        let from = from.ok_or(ReplicaError::Rewound { journal: tail.position, outbox: first })?;
        for place in &places[from..] {
            opened.rewound += again(work, &outbox.row(*place)?)?;
        }
    } else if let Some(row) = &last
        && journal::chain_at(work.db, row.last)? != Some(row.after)
    {
        return Err(damaged("outbox.log"));
    }
    let known = ack::acknowledged(work.db)?;
    let tail = journal::tail(work.db)?.position;
    if opened.torn || logged.max(known) < tail {
        opened.topped_up = tail.saturating_sub(logged.max(known));
        outbox.replace(&unsent(work, known)?)?;
    }
    Ok(opened)
}

/// Does the acts of a row again that the journal has lost.
pub(super) fn again(work: &Work<'_>, row: &LogRow) -> Result<u64> {
    let tail = journal::tail(work.db)?;
    let (mut count, mut chain_before) = (0, row.before);
    let mut entering = Entering::with_seed(work, tail, journal::seed_at(work.db, tail.position)?);
    for (position, bytes) in (row.first..).zip(row.acts()?.iter()) {
        let act = Act::read(&mut Reader::new(bytes))?;
        let seed = *journal::seed_of(&row.seeds, position).ok_or(damaged("outbox.log"))?;
        if position > tail.position {
            if position != entering.tail.position + 1 || chain_before != entering.tail.chain {
                return Err(damaged("outbox.log"));
            }
            entering.take_seed(seed)?;
            entering.enter(&act)?;
            save::keep_job(work, &act)?;
            count += 1;
        }
        chain_before = chain::extend(chain_before, chain::act_hash(&act, &seed.1));
    }
    entering.finish()?;
    if chain_before != row.after { Err(damaged("outbox.log")) } else { Ok(count) }
}

/// The blocks that hold acts after a position, as rows of the log.
pub(super) fn unsent(work: &Work<'_>, after: u64) -> Result<Vec<LogRow>> {
    let mut rows = Vec::new();
    journal::blocks(work.db, after + 1, u64::MAX, |block| {
        let (first, last) = (block.first, block.last);
        rows.push(LogRow {
            first,
            last,
            before: journal::chain_at(work.db, first - 1)?.ok_or(damaged("the journal"))?,
            after: block.chain,
            seeds: journal::seeds(work.db, first, last)?,
            acts: block.acts.pack(),
        });
        Ok(true)
    })?;
    Ok(rows)
}

impl Replica {
    /// Takes acknowledged acts out of the log. What the database holds is moved out of its WAL
    /// first: a WAL that is cut short must never take with it what the log no longer has.
    pub(super) fn trim_outbox(&mut self) -> Result<()> {
        let _guard = self.lock.acquire("outbox", LOCK_WAIT)?;
        let line = Line::read(&self.conn, self.first)?;
        let work = Work::new(&self.conn, &self.tables, &line);
        let known = ack::acknowledged(work.db)?;
        let places = self.outbox.contents()?.places;
        // A row ends where the next begins; the last one with the journal.
        let end = match places.as_slice() {
            [] => return Ok(()),
            [_] => journal::tail(work.db)?.position,
            [_, second, ..] => second.first - 1,
        };
        if end > known {
            return Ok(());
        }
        let left: i64 = self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        })?;
        if uint(left) == 0 {
            self.outbox.replace(&unsent(&work, known)?)?;
        }
        Ok(())
    }
}
