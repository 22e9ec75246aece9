//! Held acts, what waits on them, and acts that were taken back.

use dongbo_proto::bytes::{Reader, Writer};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{ActId, AuthorId, KindId, RecordId};
use dongbo_proto::record::Rank;
use dongbo_sqlite::rusqlite::{Row, params};

use super::bind;
use super::tx::SqliteTx;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{HeldRow, HeldState};

const HELD: &str = "SELECT author, position, reason, state, by_author, by_position, rank, text, at_ms, \
     decided_ms, records FROM held";

fn held_row(row: &Row<'_>) -> Result<HeldRow> {
    let damaged = || StoreError::damaged("a held act");
    let state = match row.get::<_, i64>(3)? {
        0 => HeldState::Waiting,
        1 => HeldState::Merged,
        2 => HeldState::Refused,
        _ => return Err(damaged()),
    };
    let by: Option<i64> = row.get(4)?;
    Ok(HeldRow {
        act: bind::act_id(row, 0)?,
        reason: Reason::from_number(bind::small(row, 2, "a held act")?).ok_or_else(damaged)?,
        state,
        decided_by: if by.is_some() { Some(bind::act_id(row, 4)?) } else { None },
        rank: Rank::from_number(bind::small(row, 6, "a held act")?).ok_or_else(damaged)?,
        text: row.get(7)?,
        at_ms: row.get(8)?,
        decided_ms: row.get(9)?,
        records: unpack(&row.get::<_, Vec<u8>>(10)?).map_err(|_| damaged())?,
    })
}

fn pack(records: &[(RecordId, KindId, bool)]) -> Vec<u8> {
    let mut w = Writer::default();
    for (record, kind, creates) in records {
        w.raw(&record.0);
        w.number(u64::from(kind.0) << 1 | u64::from(*creates));
    }
    w.into_bytes()
}

fn unpack(
    bytes: &[u8],
) -> std::result::Result<Vec<(RecordId, KindId, bool)>, dongbo_proto::bytes::Truncated> {
    let r = &mut Reader::new(bytes);
    let mut records = Vec::new();
    while !r.is_empty() {
        let record = RecordId(r.array()?);
        let kind = r.number()?;
        records.push((record, KindId((kind >> 1) as u16), kind & 1 == 1));
    }
    Ok(records)
}

impl SqliteTx<'_> {
    pub(super) fn one_held(&self, act: ActId) -> Result<Option<HeldRow>> {
        let mut statement =
            self.statement(&format!("{HELD} WHERE author = ?1 AND position = ?2"))?;
        bind::optional(
            &mut statement,
            params![act.author.0.cast_signed(), act.position.cast_signed()],
            held_row,
        )
    }

    pub(super) fn next_held(
        &self,
        state: HeldState,
        after: Option<ActId>,
        max: usize,
    ) -> Result<Vec<HeldRow>> {
        let mut statement = self.statement(&format!(
            "{HELD} WHERE state = ?1 AND (author, position) > (?2, ?3) ORDER BY author, position LIMIT (?4 + 0)"
        ))?;
        let (author, position) = after
            .map_or((i64::MIN, i64::MIN), |a| (a.author.0.cast_signed(), a.position.cast_signed()));
        bind::collect(
            &mut statement,
            params![state as u8, author, position, bind::limit(max)],
            held_row,
        )
    }

    pub(super) fn held_decided_by(&self, act: ActId) -> Result<Vec<HeldRow>> {
        let mut statement = self.statement(&format!(
            "{HELD} WHERE by_author = ?1 AND by_position = ?2 ORDER BY author, position"
        ))?;
        bind::collect(
            &mut statement,
            params![act.author.0.cast_signed(), act.position.cast_signed()],
            held_row,
        )
    }

    pub(super) fn creation_waiting(&self, record: RecordId) -> Result<Option<ActId>> {
        let mut statement =
            self.statement("SELECT author, position FROM waiting WHERE record = ?1 AND creates ORDER BY author, position")?;
        bind::optional(&mut statement, [&record.0[..]], |row| bind::act_id(row, 0))
    }

    pub(super) fn acts_waiting_on(&self, record: RecordId) -> Result<Vec<ActId>> {
        let mut statement = self.statement(
            "SELECT author, position FROM waiting WHERE record = ?1 AND NOT creates ORDER BY author, position",
        )?;
        bind::collect(&mut statement, [&record.0[..]], |row| bind::act_id(row, 0))
    }

    pub(super) fn write_held(&self, h: &HeldRow) -> Result<()> {
        let mut statement = self.statement(
            "INSERT OR REPLACE INTO held (author, position, reason, state, by_author, by_position, rank, text, at_ms, \
             decided_ms, records) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        let author = |id: AuthorId| id.0.cast_signed();
        statement.execute(params![
            author(h.act.author),
            h.act.position.cast_signed(),
            h.reason as u8,
            h.state as u8,
            h.decided_by.map(|a| author(a.author)),
            h.decided_by.map(|a| a.position.cast_signed()),
            h.rank as u8,
            h.text,
            h.at_ms,
            h.decided_ms,
            pack(&h.records)
        ])?;
        self.write_waiting(h)
    }

    /// Only creations, and acts that wait for one, are found by record.
    fn write_waiting(&self, h: &HeldRow) -> Result<()> {
        let (author, position) = (h.act.author.0.cast_signed(), h.act.position.cast_signed());
        for (record, _, creates) in &h.records {
            let waits =
                h.state == HeldState::Waiting && (*creates || h.reason == Reason::CreationHeld);
            if waits {
                self.statement("INSERT OR REPLACE INTO waiting (record, author, position, creates) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![&record.0[..], author, position, creates])?;
            } else {
                self.statement(
                    "DELETE FROM waiting WHERE record = ?1 AND author = ?2 AND position = ?3",
                )?
                .execute(params![&record.0[..], author, position])?;
            }
        }
        Ok(())
    }

    pub(super) fn retracted_by(&self, act: ActId) -> Result<Option<ActId>> {
        let mut statement = self.statement(
            "SELECT by_author, by_position FROM retracted WHERE author = ?1 AND position = ?2",
        )?;
        let params = params![act.author.0.cast_signed(), act.position.cast_signed()];
        bind::optional(&mut statement, params, |row| bind::act_id(row, 0))
    }

    pub(super) fn write_retracted(&self, act: ActId, by: ActId) -> Result<()> {
        let n = |n: u64| n.cast_signed();
        self.statement(
            "INSERT OR IGNORE INTO retracted (author, position, by_author, by_position) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![n(act.author.0), n(act.position), n(by.author.0), n(by.position)])?;
        Ok(())
    }
}
