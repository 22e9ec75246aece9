//! Invitations, epochs, the standing list and the province's small facts.

use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::id::{AuthorId, Epoch, Hash, ScopeId};
use dongbo_sqlite::rusqlite::{Row, params};

use super::bind;
use super::tx::SqliteTx;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{EpochRow, InviteRow, StandingRow, StandingWhat};

const INVITE: &str =
    "SELECT code_hash, name, scopes, again, created_ms, expires_ms, used_by FROM invite";

fn invite_row(row: &Row<'_>) -> Result<InviteRow> {
    let author = |at| {
        Ok::<_, StoreError>(row.get::<_, Option<i64>>(at)?.map(|n| AuthorId(n.cast_unsigned())))
    };
    let scopes = unpack_scopes(&row.get::<_, Vec<u8>>(2)?);
    Ok(InviteRow {
        code_hash: bind::fixed(row, 0, "an invitation")?,
        name: row.get(1)?,
        scopes: scopes.map_err(|_| StoreError::damaged("an invitation"))?,
        again: author(3)?,
        created_ms: row.get(4)?,
        expires_ms: row.get(5)?,
        used_by: author(6)?,
    })
}

fn pack_scopes(scopes: &[ScopeId]) -> Vec<u8> {
    let mut w = Writer::default();
    scopes.iter().for_each(|s| w.number(u64::from(s.0)));
    w.into_bytes()
}

fn unpack_scopes(bytes: &[u8]) -> std::result::Result<Vec<ScopeId>, Truncated> {
    let r = &mut Reader::new(bytes);
    let mut scopes = Vec::new();
    while !r.is_empty() {
        scopes.push(ScopeId(r.number()? as u32));
    }
    Ok(scopes)
}

fn pack_heads(heads: &[(ScopeId, u64, Hash)]) -> Vec<u8> {
    let mut w = Writer::default();
    for (scope, revision, chain) in heads {
        w.number(u64::from(scope.0));
        w.number(*revision);
        w.raw(&chain.0);
    }
    w.into_bytes()
}

fn unpack_heads(bytes: &[u8]) -> std::result::Result<Vec<(ScopeId, u64, Hash)>, Truncated> {
    let r = &mut Reader::new(bytes);
    let mut heads = Vec::new();
    while !r.is_empty() {
        heads.push((ScopeId(r.number()? as u32), r.number()?, Hash(r.array()?)));
    }
    Ok(heads)
}

impl SqliteTx<'_> {
    pub(super) fn one_invite(&self, code_hash: &[u8; 32]) -> Result<Option<InviteRow>> {
        let mut statement = self.statement(&format!("{INVITE} WHERE code_hash = ?1"))?;
        bind::optional(&mut statement, [&code_hash[..]], invite_row)
    }

    pub(super) fn all_invites(&self) -> Result<Vec<InviteRow>> {
        bind::collect(
            &mut *self.statement(&format!("{INVITE} ORDER BY created_ms, code_hash"))?,
            [],
            invite_row,
        )
    }

    pub(super) fn write_invite(&self, i: &InviteRow) -> Result<()> {
        let mut statement = self.statement(
            "INSERT OR REPLACE INTO invite (code_hash, name, scopes, again, created_ms, expires_ms, used_by) VALUES
             (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let author = |id: Option<AuthorId>| id.map(|a| a.0.cast_signed());
        statement.execute(params![
            &i.code_hash[..],
            i.name,
            pack_scopes(&i.scopes),
            author(i.again),
            i.created_ms,
            i.expires_ms,
            author(i.used_by)
        ])?;
        Ok(())
    }

    pub(super) fn all_epochs(&self) -> Result<Vec<EpochRow>> {
        let mut statement =
            self.statement("SELECT epoch, parent, at_ms, heads FROM epoch ORDER BY number DESC")?;
        bind::collect(&mut statement, [], |row| {
            let parent = match row.get_ref(1)?.as_blob_or_null() {
                Ok(Some(_)) => Some(Epoch(bind::fixed(row, 1, "an epoch")?)),
                _ => None,
            };
            let heads = unpack_heads(&row.get::<_, Vec<u8>>(3)?);
            Ok(EpochRow {
                epoch: Epoch(bind::fixed(row, 0, "an epoch")?),
                parent,
                at_ms: row.get(2)?,
                heads: heads.map_err(|_| StoreError::damaged("an epoch"))?,
            })
        })
    }

    pub(super) fn write_epoch(&self, e: &EpochRow) -> Result<()> {
        let parent = e.parent.as_ref().map(|p| &p.0[..]);
        self.statement("INSERT INTO epoch (epoch, parent, at_ms, heads) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![&e.epoch.0[..], parent, e.at_ms, pack_heads(&e.heads)])?;
        Ok(())
    }

    pub(super) fn next_standing(&self, sequence: u64, max: usize) -> Result<Vec<StandingRow>> {
        let mut statement = self.statement(
            "SELECT sequence, what, subject, at_ms FROM standing WHERE sequence > ?1 ORDER BY sequence LIMIT (?2 + 0)",
        )?;
        bind::collect(&mut statement, params![sequence.cast_signed(), bind::limit(max)], |row| {
            let what = StandingWhat::from_number(bind::small(row, 1, "the standing list")?);
            Ok(StandingRow {
                sequence: bind::number(row, 0)?,
                what: what.ok_or(StoreError::damaged("the standing list"))?,
                subject: row.get(2)?,
                at_ms: row.get(3)?,
            })
        })
    }

    pub(super) fn last_standing(&self) -> Result<u64> {
        let mut statement = self.statement("SELECT coalesce(max(sequence), 0) FROM standing")?;
        Ok(bind::optional(&mut statement, [], |row| bind::number(row, 0))?.unwrap_or(0))
    }

    pub(super) fn write_standing(&self, l: &StandingRow) -> Result<()> {
        self.statement(
            "INSERT INTO standing (sequence, what, subject, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![l.sequence.cast_signed(), l.what as u8, l.subject, l.at_ms])?;
        Ok(())
    }

    pub(super) fn one_note(&self, name: &str) -> Result<Option<Vec<u8>>> {
        bind::optional(
            &mut *self.statement("SELECT value FROM note WHERE name = ?1")?,
            [name],
            |row| Ok(row.get(0)?),
        )
    }

    pub(super) fn write_note(&self, name: &str, value: &[u8]) -> Result<()> {
        self.statement("INSERT INTO note (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")?
            .execute(params![name, value])?;
        Ok(())
    }
}
