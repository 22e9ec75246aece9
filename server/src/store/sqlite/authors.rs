//! Authors, what they hold, and their inboxes.

use dongbo_proto::fate::{Fate, Outcome};
use dongbo_proto::frame::Fork;
use dongbo_proto::id::{AuthorId, ScopeId};
use dongbo_proto::stamp::Stamp;
use dongbo_sqlite::rusqlite::{Row, params};

use super::bind;
use super::tx::SqliteTx;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{AuthorRow, ForkRow};

const AUTHOR: &str = "SELECT id, public_key, province, name, position, head, last_order, merged, held, \
     refused, inbox, inbox_confirmed, token, token_previous, complete_ms, confirmed_ms, contact_ms, joined_ms, \
     revoked_ms, backed_up FROM author";

const FORK: &str = "SELECT author, parent, at, head, made_ms FROM fork";

fn fork_row(row: &Row<'_>) -> Result<ForkRow> {
    Ok(ForkRow {
        fork: Fork {
            author: AuthorId(bind::number(row, 0)?),
            parent: AuthorId(bind::number(row, 1)?),
            at: bind::number(row, 2)?,
            head: bind::hash(row, 3)?,
        },
        made_ms: row.get(4)?,
    })
}

fn author_row(row: &Row<'_>) -> Result<AuthorRow> {
    Ok(AuthorRow {
        id: AuthorId(bind::number(row, 0)?),
        public_key: bind::fixed(row, 1, "a public key")?,
        province: row.get(2)?,
        name: row.get(3)?,
        position: bind::number(row, 4)?,
        head: bind::hash(row, 5)?,
        last_order: Stamp(bind::number(row, 6)?),
        merged: bind::number(row, 7)?,
        held: bind::number(row, 8)?,
        refused: bind::number(row, 9)?,
        inbox: bind::number(row, 10)?,
        inbox_confirmed: bind::number(row, 11)?,
        token: bind::fixed(row, 12, "a token")?,
        token_previous: bind::fixed(row, 13, "a token")?,
        complete_ms: row.get(14)?,
        confirmed_ms: row.get(15)?,
        contact_ms: row.get(16)?,
        joined_ms: row.get(17)?,
        revoked_ms: row.get(18)?,
        backed_up: bind::number(row, 19)?,
    })
}

impl SqliteTx<'_> {
    pub(super) fn one_author(&self, id: AuthorId) -> Result<Option<AuthorRow>> {
        let mut statement = self.statement(&format!("{AUTHOR} WHERE id = ?1"))?;
        bind::optional(&mut statement, [id.0.cast_signed()], author_row)
    }

    pub(super) fn all_authors(&self) -> Result<Vec<AuthorRow>> {
        bind::collect(
            &mut *self.statement(&format!("{AUTHOR} ORDER BY joined_ms, id"))?,
            [],
            author_row,
        )
    }

    pub(super) fn write_author(&self, a: &AuthorRow) -> Result<()> {
        let mut statement = self.statement(
            "INSERT OR REPLACE INTO author (id, public_key, province, name, position, head, last_order, merged, held, \
             refused, inbox, inbox_confirmed, token, token_previous, complete_ms, confirmed_ms, contact_ms, joined_ms, \
             revoked_ms, backed_up) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        )?;
        let n = |n: u64| n.cast_signed();
        statement.execute(params![
            n(a.id.0),
            &a.public_key[..],
            a.province,
            a.name,
            n(a.position),
            &a.head.0[..],
            n(a.last_order.0),
            n(a.merged),
            n(a.held),
            n(a.refused),
            n(a.inbox),
            n(a.inbox_confirmed),
            &a.token[..],
            &a.token_previous[..],
            a.complete_ms,
            a.confirmed_ms,
            a.contact_ms,
            a.joined_ms,
            a.revoked_ms,
            n(a.backed_up)
        ])?;
        Ok(())
    }

    pub(super) fn one_fork(&self, author: AuthorId) -> Result<Option<ForkRow>> {
        let mut statement = self.statement(&format!("{FORK} WHERE author = ?1"))?;
        bind::optional(&mut statement, [author.0.cast_signed()], fork_row)
    }

    pub(super) fn all_forks_of(&self, parent: AuthorId) -> Result<Vec<ForkRow>> {
        let mut statement =
            self.statement(&format!("{FORK} WHERE parent = ?1 ORDER BY made_ms, author"))?;
        bind::collect(&mut statement, [parent.0.cast_signed()], fork_row)
    }

    pub(super) fn write_fork(&self, row: &ForkRow) -> Result<()> {
        let ForkRow { fork, made_ms } = row;
        let sql =
            "INSERT INTO fork (author, parent, at, head, made_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
        let n = |n: u64| n.cast_signed();
        let (author, parent) = (n(fork.author.0), n(fork.parent.0));
        self.statement(sql)?.execute(params![
            author,
            parent,
            n(fork.at),
            &fork.head.0[..],
            made_ms
        ])?;
        Ok(())
    }

    pub(super) fn scopes_granted(&self, author: AuthorId) -> Result<Vec<ScopeId>> {
        let mut statement =
            self.statement("SELECT scope FROM access WHERE author = ?1 ORDER BY scope")?;
        bind::collect(&mut statement, [author.0.cast_signed()], |row| {
            Ok(ScopeId(bind::small(row, 0, "a scope")?))
        })
    }

    pub(super) fn write_grants(&self, author: AuthorId, scopes: &[ScopeId]) -> Result<()> {
        let author = author.0.cast_signed();
        self.statement("DELETE FROM access WHERE author = ?1")?.execute([author])?;
        let mut statement =
            self.statement("INSERT OR IGNORE INTO access (author, scope) VALUES (?1, ?2)")?;
        for scope in scopes {
            statement.execute(params![author, scope.0])?;
        }
        Ok(())
    }

    pub(super) fn write_backup_mark(&self, now_ms: i64) -> Result<()> {
        self.statement("UPDATE author SET backed_up = position")?.execute([])?;
        self.write_note("backup_ms", &now_ms.to_be_bytes())
    }

    pub(super) fn next_outcomes(
        &self,
        author: AuthorId,
        sequence: u64,
        max: usize,
    ) -> Result<Vec<Outcome>> {
        let mut statement = self.statement(
            "SELECT sequence, act_author, act_position, fate, text, at_ms FROM outcome
             WHERE author = ?1 AND sequence > ?2 ORDER BY sequence LIMIT (?3 + 0)",
        )?;
        let params = params![author.0.cast_signed(), sequence.cast_signed(), bind::limit(max)];
        bind::collect(&mut statement, params, |row| {
            let fate = Fate::from_number(bind::small(row, 3, "a fate")?);
            Ok(Outcome {
                sequence: bind::number(row, 0)?,
                act: bind::act_id(row, 1)?,
                fate: fate.ok_or(StoreError::damaged("a fate"))?,
                text: row.get(4)?,
                at_ms: row.get(5)?,
            })
        })
    }

    pub(super) fn write_outcome(&self, author: AuthorId, o: &Outcome) -> Result<()> {
        let mut statement = self.statement(
            "INSERT INTO outcome (author, sequence, act_author, act_position, fate, text, at_ms) VALUES
             (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let n = |n: u64| n.cast_signed();
        statement.execute(params![
            n(author.0),
            n(o.sequence),
            n(o.act.author.0),
            n(o.act.position),
            o.fate.number(),
            o.text,
            o.at_ms
        ])?;
        Ok(())
    }
}
