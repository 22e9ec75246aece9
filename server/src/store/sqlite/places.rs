//! Scopes and placements: who sees which record.

use dongbo_proto::act::Projection;
use dongbo_proto::id::{KindId, RecordId, ScopeId};
use dongbo_sqlite::rusqlite::{Row, params};

use super::bind;
use super::tx::SqliteTx;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{Placement, ScopeRow, Stay};

const SCOPE: &str = "SELECT id, code, name, revision, chain, digest FROM scope";

fn scope_row(row: &Row<'_>) -> Result<ScopeRow> {
    Ok(ScopeRow {
        id: ScopeId(bind::small(row, 0, "a scope")?),
        code: row.get(1)?,
        name: row.get(2)?,
        revision: bind::number(row, 3)?,
        chain: bind::hash(row, 4)?,
        digest: bind::digest(row, 5)?,
    })
}

fn projection(row: &Row<'_>, at: usize) -> Result<Projection> {
    let number = bind::small(row, at, "a projection")?;
    Projection::from_number(number).ok_or(StoreError::damaged("a projection"))
}

fn placement(row: &Row<'_>) -> Result<Placement> {
    Ok(Placement {
        scope: ScopeId(bind::small(row, 0, "a scope")?),
        record: bind::record_id(row, 1)?,
        kind: KindId(bind::small(row, 2, "a kind")?),
        projection: projection(row, 3)?,
    })
}

impl SqliteTx<'_> {
    pub(super) fn scope_by_id(&self, id: ScopeId) -> Result<Option<ScopeRow>> {
        let mut statement = self.statement(&format!("{SCOPE} WHERE id = ?1"))?;
        bind::optional(&mut statement, [id.0], scope_row)
    }

    pub(super) fn scope_by_code(&self, code: &str) -> Result<Option<ScopeRow>> {
        let mut statement = self.statement(&format!("{SCOPE} WHERE code = ?1"))?;
        bind::optional(&mut statement, [code], scope_row)
    }

    pub(super) fn all_scopes(&self) -> Result<Vec<ScopeRow>> {
        bind::collect(&mut *self.statement(&format!("{SCOPE} ORDER BY id"))?, [], scope_row)
    }

    pub(super) fn write_scopes(&self, scopes: &[ScopeRow]) -> Result<()> {
        let mut statement = self.statement(
            "INSERT INTO scope (id, code, name, revision, chain, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET code = ?2, name = ?3, revision = ?4, chain = ?5, digest = ?6",
        )?;
        for s in scopes {
            let (revision, digest) = (s.revision.cast_signed(), s.digest.to_bytes());
            statement.execute(params![
                s.id.0,
                s.code,
                s.name,
                revision,
                &s.chain.0[..],
                &digest[..]
            ])?;
        }
        Ok(())
    }

    pub(super) fn one_placement(
        &self,
        scope: ScopeId,
        record: RecordId,
        kind: KindId,
    ) -> Result<Option<Projection>> {
        let mut statement = self.statement(
            "SELECT projection FROM placement WHERE scope = ?1 AND record = ?2 AND kind = ?3",
        )?;
        bind::optional(&mut statement, params![scope.0, &record.0[..], kind.0], |row| {
            projection(row, 0)
        })
    }

    pub(super) fn next_placements(
        &self,
        scope: ScopeId,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Placement>> {
        let mut statement = self.statement(
            "SELECT scope, record, kind, projection FROM placement
             WHERE scope = ?1 AND record > ?2 ORDER BY record, kind LIMIT (?3 + 0)",
        )?;
        let after = after.map_or(Vec::new(), |id| id.0.to_vec());
        let mut found =
            bind::collect(&mut statement, params![scope.0, after, bind::limit(max)], placement)?;
        if let Some(last) = found.last().copied().filter(|_| found.len() == max) {
            found.extend(self.namesakes(&last)?);
        }
        Ok(found)
    }

    /// Placements of the same record id under a later kind: ids are random, so there are none,
    /// unless somebody forges one.
    fn namesakes(&self, last: &Placement) -> Result<Vec<Placement>> {
        let mut statement = self.statement(
            "SELECT scope, record, kind, projection FROM placement
             WHERE scope = ?1 AND record = ?2 AND kind > ?3 ORDER BY kind",
        )?;
        bind::collect(
            &mut statement,
            params![last.scope.0, &last.record.0[..], last.kind.0],
            placement,
        )
    }

    pub(super) fn guest_placements(
        &self,
        record: RecordId,
        kind: KindId,
    ) -> Result<Vec<Placement>> {
        let mut statement = self.statement(
            "SELECT scope, record, kind, projection FROM guest WHERE record = ?1 AND kind = ?2 ORDER BY scope",
        )?;
        bind::collect(&mut statement, params![&record.0[..], kind.0], placement)
    }

    pub(super) fn write_placements(&self, placements: &[Placement]) -> Result<()> {
        let mut statement = self.statement(
            "INSERT INTO placement (scope, record, kind, projection) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (scope, record, kind) DO UPDATE SET projection = ?4",
        )?;
        for p in placements {
            statement.execute(params![p.scope.0, &p.record.0[..], p.kind.0, p.projection as u8])?;
        }
        placements.iter().try_for_each(|p| self.write_guest(p))
    }

    /// Keeps the list of guests by record: a home is none.
    fn write_guest(&self, p: &Placement) -> Result<()> {
        if p.projection == Projection::Home {
            return Ok(());
        }
        let mut statement = self.statement(
            "INSERT INTO guest (record, kind, scope, projection) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (record, kind, scope) DO UPDATE SET projection = ?4",
        )?;
        statement.execute(params![&p.record.0[..], p.kind.0, p.scope.0, p.projection as u8])?;
        Ok(())
    }

    pub(super) fn drop_placement(&self, p: &Placement) -> Result<()> {
        self.statement("DELETE FROM placement WHERE scope = ?1 AND record = ?2 AND kind = ?3")?
            .execute(params![p.scope.0, &p.record.0[..], p.kind.0])?;
        self.statement("DELETE FROM guest WHERE record = ?1 AND kind = ?2 AND scope = ?3")?
            .execute(params![&p.record.0[..], p.kind.0, p.scope.0])?;
        Ok(())
    }

    pub(super) fn stays_of(&self, record: RecordId) -> Result<Vec<Stay>> {
        let mut statement = self.statement(
            "SELECT record, author, position, home, since_ms FROM stay WHERE record = ?1 ORDER BY number",
        )?;
        bind::collect(&mut statement, [&record.0[..]], |row| {
            Ok(Stay {
                record: bind::record_id(row, 0)?,
                act: bind::act_id(row, 1)?,
                home: ScopeId(bind::small(row, 3, "a home")?),
                since_ms: row.get(4)?,
            })
        })
    }

    pub(super) fn write_stay(&self, stay: &Stay) -> Result<()> {
        let mut statement = self.statement(
            "INSERT INTO stay (record, number, author, position, home, since_ms) VALUES
             (?1, (SELECT count(*) FROM stay WHERE record = ?1), ?2, ?3, ?4, ?5)",
        )?;
        let (author, position) = (stay.act.author.0.cast_signed(), stay.act.position.cast_signed());
        statement.execute(params![
            &stay.record.0[..],
            author,
            position,
            stay.home.0,
            stay.since_ms
        ])?;
        Ok(())
    }
}
