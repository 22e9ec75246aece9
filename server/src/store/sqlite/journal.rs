//! The journal's frames and the feeds of scopes: appended, never changed.

use dongbo_proto::id::{ActId, AuthorId, ScopeId};
use dongbo_sqlite::rusqlite::{Row, params};

use super::bind;
use super::tx::SqliteTx;
use crate::store::error::Result;
use crate::store::rows::{FeedRow, FrameRow};

const FRAME: &str = "SELECT id, author, first, count, bytes, outcome FROM frame";

fn frame_row(row: &Row<'_>) -> Result<FrameRow> {
    Ok(FrameRow {
        id: row.get(0)?,
        author: AuthorId(bind::number(row, 1)?),
        first: bind::number(row, 2)?,
        count: bind::small(row, 3, "a frame")?,
        bytes: row.get(4)?,
        outcome: row.get(5)?,
    })
}

impl SqliteTx<'_> {
    pub(super) fn frame_of_act(&self, act: ActId) -> Result<Option<FrameRow>> {
        let sql = format!("{FRAME} WHERE author = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1");
        let id = params![act.author.0.cast_signed(), act.position.cast_signed()];
        let frame = bind::optional(&mut *self.statement(&sql)?, id, frame_row)?;
        Ok(frame.filter(|f| act.position < f.first + u64::from(f.count)))
    }

    pub(super) fn one_frame(&self, id: i64) -> Result<Option<FrameRow>> {
        bind::optional(&mut *self.statement(&format!("{FRAME} WHERE id = ?1"))?, [id], frame_row)
    }

    pub(super) fn next_frames(
        &self,
        author: AuthorId,
        position: u64,
        max: usize,
    ) -> Result<Vec<FrameRow>> {
        // The frame that holds the next position may begin before it.
        let sql = format!(
            "{FRAME} WHERE author = ?1 AND first + count > ?2 AND first > ?3 ORDER BY first LIMIT (?4 + 0)"
        );
        let next = position.saturating_add(1);
        let holding = self.frame_of_act(ActId::new(author, next))?.map_or(next, |f| f.first);
        let params = params![
            author.0.cast_signed(),
            next.cast_signed(),
            holding.cast_signed() - 1,
            bind::limit(max)
        ];
        bind::collect(&mut *self.statement(&sql)?, params, frame_row)
    }

    pub(super) fn next_feed(
        &self,
        scope: ScopeId,
        revision: u64,
        max: usize,
    ) -> Result<Vec<FeedRow>> {
        let mut statement = self.statement(
            "SELECT scope, from_revision, to_revision, frame, chain, touched FROM feed
             WHERE scope = ?1 AND to_revision > ?2 ORDER BY to_revision LIMIT (?3 + 0)",
        )?;
        bind::collect(
            &mut statement,
            params![scope.0, revision.cast_signed(), bind::limit(max)],
            |row| {
                Ok(FeedRow {
                    scope: ScopeId(bind::small(row, 0, "a scope")?),
                    from: bind::number(row, 1)?,
                    to: bind::number(row, 2)?,
                    frame: row.get(3)?,
                    chain: bind::hash(row, 4)?,
                    touched: row.get(5)?,
                })
            },
        )
    }

    pub(super) fn write_frame(&self, f: &FrameRow) -> Result<i64> {
        let mut statement = self.statement(
            "INSERT INTO frame (author, first, count, bytes, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute(params![
            f.author.0.cast_signed(),
            f.first.cast_signed(),
            f.count,
            f.bytes,
            f.outcome
        ])?;
        Ok(self.conn.last_insert_rowid())
    }

    pub(super) fn write_feed(&self, lines: &[FeedRow]) -> Result<()> {
        let mut statement = self.statement(
            "INSERT INTO feed (scope, to_revision, from_revision, frame, chain, touched) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for l in lines {
            let (from, to) = (l.from.cast_signed(), l.to.cast_signed());
            statement.execute(params![l.scope.0, to, from, l.frame, &l.chain.0[..], l.touched])?;
        }
        Ok(())
    }
}
