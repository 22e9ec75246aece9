//! The scopes that a node holds: where each stands and what was last said of it.

use dongbo_proto::digest::Digest;
use dongbo_proto::fate::ScopeMark;
use dongbo_proto::frame::{Grant, ScopeCursor};
use dongbo_proto::id::{Hash, RecordId, ScopeId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Result;
use super::journal::{int, uint};

/// One scope as the replica holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeState {
    /// The scope, its code and its name.
    pub grant: Grant,
    /// Whether the province still grants it; else its records leave at the next complete.
    pub granted: bool,
    /// The revision that the visible state is at; 0 before the first fill.
    pub visible: u64,
    /// How far staged pages reach.
    pub staged: u64,
    /// While it is being filled: the last record that was written.
    pub filled_to: Option<RecordId>,
    /// The chain at `visible`.
    pub chain: Hash,
    /// The digest of base as it is here.
    pub digest: Digest,
    /// What the last checkpoint said: revision and chain.
    pub said: (u64, Hash),
    /// How often its digest differed and it had to be filled again.
    pub refills: u64,
}

impl ScopeState {
    /// What Hello says of it.
    pub fn cursor(&self) -> ScopeCursor {
        ScopeCursor {
            scope: self.grant.scope,
            visible: self.visible,
            staged: self.staged,
            filled_to: self.filled_to,
        }
    }

    /// Where it stands.
    pub fn mark(&self) -> ScopeMark {
        ScopeMark {
            scope: self.grant.scope,
            revision: self.visible,
            chain: self.chain,
            digest: self.digest,
        }
    }

    /// Whether records go straight to their tables: nothing of the scope was ever visible.
    pub fn fills_in_place(&self) -> bool {
        self.visible == 0 && self.refills == 0
    }

    /// Whether it was never complete, or must be filled again.
    pub fn is_filling(&self) -> bool {
        self.visible == 0
    }
}

const COLUMNS: &str = "id, code, name, granted, visible, staged, filled_to, chain, digest, said_revision, said_chain, refills";

fn of_row(row: &Row<'_>) -> rusqlite::Result<ScopeState> {
    Ok(ScopeState {
        grant: Grant { scope: ScopeId(row.get(0)?), code: row.get(1)?, name: row.get(2)? },
        granted: row.get(3)?,
        visible: uint(row.get(4)?),
        staged: uint(row.get(5)?),
        filled_to: row.get::<_, Option<[u8; 16]>>(6)?.map(RecordId),
        chain: Hash(row.get(7)?),
        digest: Digest::from_bytes(row.get(8)?),
        said: (uint(row.get(9)?), Hash(row.get(10)?)),
        refills: uint(row.get(11)?),
    })
}

/// All scopes, by id, withdrawn ones until they are gone.
pub(super) fn all(db: &Connection) -> Result<Vec<ScopeState>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM scope ORDER BY id"))?;
    let rows = statement.query_map([], of_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One scope.
pub(super) fn one(db: &Connection, scope: ScopeId) -> Result<Option<ScopeState>> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM scope WHERE id = ?"))?;
    Ok(statement.query_row([scope.0], of_row).optional()?)
}

/// The scopes that are granted, by id.
pub(super) fn held(db: &Connection) -> Result<Vec<ScopeId>> {
    let mut statement = db.prepare_cached("SELECT id FROM scope WHERE granted ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0).map(ScopeId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes where a scope stands.
pub(super) fn put(db: &Connection, s: &ScopeState) -> Result<()> {
    let sql = format!("INSERT OR REPLACE INTO scope ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
    db.prepare_cached(&sql)?.execute(params![
        s.grant.scope.0,
        s.grant.code,
        s.grant.name,
        s.granted,
        int(s.visible),
        int(s.staged),
        s.filled_to.map(|id| id.0),
        s.chain.0,
        s.digest.to_bytes(),
        int(s.said.0),
        s.said.1.0,
        int(s.refills),
    ])?;
    Ok(())
}

/// Forgets a scope.
pub(super) fn remove(db: &Connection, scope: ScopeId) -> Result<()> {
    db.prepare_cached("DELETE FROM scope WHERE id = ?")?.execute([scope.0])?;
    Ok(())
}

/// Takes in the province's list: new scopes begin empty, those left out are marked.
pub(super) fn grant(db: &Connection, grants: &[Grant]) -> Result<()> {
    for mut known in all(db)? {
        let granted = grants.iter().find(|g| g.scope == known.grant.scope);
        known.granted = granted.is_some();
        if let Some(grant) = granted {
            known.grant = grant.clone();
        }
        put(db, &known)?;
    }
    for grant in grants {
        if one(db, grant.scope)?.is_none() {
            put(db, &fresh(grant.clone()))?;
        }
    }
    Ok(())
}

/// A scope of which nothing is here.
pub(super) fn fresh(grant: Grant) -> ScopeState {
    ScopeState {
        grant,
        granted: true,
        visible: 0,
        staged: 0,
        filled_to: None,
        chain: Hash::default(),
        digest: Digest::default(),
        said: (0, Hash::default()),
        refills: 0,
    }
}
