//! A transaction on a connection: the two traits, handed on to a file for each noun.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::Kind;
use dongbo_proto::fate::Outcome;
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_sqlite::rusqlite::{CachedStatement, Connection};

use crate::store::error::Result;
use crate::store::rows::{
    AuthorRow, EpochRow, FeedRow, ForkRow, FrameRow, HeldRow, HeldState, InviteRow, Placement,
    PutRow, Row, ScopeRow, StandingRow, Stay, Wanted,
};
use crate::store::{ReadTx, WriteTx};

/// What a statement on a kind's table does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    Select,
    Insert,
    Update { moved: bool },
}

/// Texts of statements by what they do, for the life of a transaction.
type Texts = HashMap<(KindId, Verb, Vec<FieldId>), Rc<str>>;

/// A transaction that has begun.
pub(super) struct SqliteTx<'c> {
    pub conn: &'c Connection,
    pub texts: RefCell<Texts>,
}

impl<'c> SqliteTx<'c> {
    pub fn new(conn: &'c Connection) -> Self {
        SqliteTx { conn, texts: RefCell::default() }
    }

    /// A statement that stays prepared with its connection.
    pub fn statement(&self, sql: &str) -> Result<CachedStatement<'c>> {
        Ok(self.conn.prepare_cached(sql)?)
    }
}

impl ReadTx for SqliteTx<'_> {
    fn rows(&self, wanted: &[Wanted]) -> Result<Vec<Option<Row>>> {
        self.some_rows(wanted)
    }
    fn records(&self, kind: &Kind, ids: &[RecordId]) -> Result<Vec<Option<Record>>> {
        self.whole_records(kind, ids)
    }
    fn records_after(
        &self,
        kind: &Kind,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Record>> {
        self.next_records(kind, after, max)
    }
    fn referring(&self, kind: &Kind, field: FieldId, to: RecordId) -> Result<Vec<RecordId>> {
        self.referring_records(kind, field, to)
    }
    fn count(&self, kind: &Kind) -> Result<(u64, u64)> {
        self.count_records(kind)
    }
    fn count_at_home(&self, kind: &Kind) -> Result<Vec<(ScopeId, u64)>> {
        self.count_records_at_home(kind)
    }
    fn twins(&self, kind: &Kind, max: usize) -> Result<Vec<Vec<RecordId>>> {
        self.twin_records(kind, max)
    }

    fn placement(
        &self,
        scope: ScopeId,
        record: RecordId,
        kind: KindId,
    ) -> Result<Option<Projection>> {
        self.one_placement(scope, record, kind)
    }
    fn placements_after(
        &self,
        scope: ScopeId,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Placement>> {
        self.next_placements(scope, after, max)
    }
    fn guests(&self, record: RecordId, kind: KindId) -> Result<Vec<Placement>> {
        self.guest_placements(record, kind)
    }
    fn stays(&self, record: RecordId) -> Result<Vec<Stay>> {
        self.stays_of(record)
    }

    fn scope(&self, id: ScopeId) -> Result<Option<ScopeRow>> {
        self.scope_by_id(id)
    }
    fn scope_of_code(&self, code: &str) -> Result<Option<ScopeRow>> {
        self.scope_by_code(code)
    }
    fn scopes(&self) -> Result<Vec<ScopeRow>> {
        self.all_scopes()
    }

    fn author(&self, id: AuthorId) -> Result<Option<AuthorRow>> {
        self.one_author(id)
    }
    fn authors(&self) -> Result<Vec<AuthorRow>> {
        self.all_authors()
    }
    fn fork(&self, author: AuthorId) -> Result<Option<ForkRow>> {
        self.one_fork(author)
    }

    fn forks_of(&self, parent: AuthorId) -> Result<Vec<ForkRow>> {
        self.all_forks_of(parent)
    }

    fn grants(&self, author: AuthorId) -> Result<Vec<ScopeId>> {
        self.scopes_granted(author)
    }

    fn frame_of(&self, act: ActId) -> Result<Option<FrameRow>> {
        self.frame_of_act(act)
    }
    fn frame(&self, id: i64) -> Result<Option<FrameRow>> {
        self.one_frame(id)
    }
    fn frames_after(&self, author: AuthorId, position: u64, max: usize) -> Result<Vec<FrameRow>> {
        self.next_frames(author, position, max)
    }
    fn feed_after(&self, scope: ScopeId, revision: u64, max: usize) -> Result<Vec<FeedRow>> {
        self.next_feed(scope, revision, max)
    }

    fn held(&self, act: ActId) -> Result<Option<HeldRow>> {
        self.one_held(act)
    }
    fn held_after(
        &self,
        state: HeldState,
        after: Option<ActId>,
        max: usize,
    ) -> Result<Vec<HeldRow>> {
        self.next_held(state, after, max)
    }
    fn decided_by(&self, act: ActId) -> Result<Vec<HeldRow>> {
        self.held_decided_by(act)
    }
    fn creation_held(&self, record: RecordId) -> Result<Option<ActId>> {
        self.creation_waiting(record)
    }
    fn waiting_on(&self, record: RecordId) -> Result<Vec<ActId>> {
        self.acts_waiting_on(record)
    }
    fn retracted(&self, act: ActId) -> Result<Option<ActId>> {
        self.retracted_by(act)
    }

    fn outcomes_after(&self, author: AuthorId, sequence: u64, max: usize) -> Result<Vec<Outcome>> {
        self.next_outcomes(author, sequence, max)
    }

    fn invite(&self, code_hash: &[u8; 32]) -> Result<Option<InviteRow>> {
        self.one_invite(code_hash)
    }
    fn invites(&self) -> Result<Vec<InviteRow>> {
        self.all_invites()
    }
    fn epochs(&self) -> Result<Vec<EpochRow>> {
        self.all_epochs()
    }
    fn standing_version(&self) -> Result<u64> {
        self.last_standing()
    }
    fn standing_after(&self, sequence: u64, max: usize) -> Result<Vec<StandingRow>> {
        self.next_standing(sequence, max)
    }
    fn note(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.one_note(name)
    }
}

impl WriteTx for SqliteTx<'_> {
    fn reading(&self) -> &dyn ReadTx {
        self
    }

    fn put_rows(&mut self, rows: &[PutRow<'_>]) -> Result<()> {
        self.write_rows(rows)
    }
    fn put_placements(&mut self, placements: &[Placement]) -> Result<()> {
        self.write_placements(placements)
    }
    fn remove_placement(&mut self, placement: &Placement) -> Result<()> {
        self.drop_placement(placement)
    }
    fn put_stay(&mut self, stay: &Stay) -> Result<()> {
        self.write_stay(stay)
    }

    fn scopes_for_update(&mut self, ids: &[ScopeId]) -> Result<Vec<ScopeRow>> {
        // There is one writer: the transaction is the lock.
        let found = ids.iter().map(|id| self.scope_by_id(*id));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
    fn put_scopes(&mut self, scopes: &[ScopeRow]) -> Result<()> {
        self.write_scopes(scopes)
    }

    fn put_author(&mut self, author: &AuthorRow) -> Result<()> {
        self.write_author(author)
    }
    fn put_fork(&mut self, fork: &ForkRow) -> Result<()> {
        self.write_fork(fork)
    }

    fn put_grants(&mut self, author: AuthorId, scopes: &[ScopeId]) -> Result<()> {
        self.write_grants(author, scopes)
    }
    fn mark_backup(&mut self, now_ms: i64) -> Result<()> {
        self.write_backup_mark(now_ms)
    }

    fn append_frame(&mut self, frame: &FrameRow) -> Result<i64> {
        self.write_frame(frame)
    }
    fn append_feed(&mut self, lines: &[FeedRow]) -> Result<()> {
        self.write_feed(lines)
    }

    fn put_held(&mut self, held: &HeldRow) -> Result<()> {
        self.write_held(held)
    }
    fn put_retracted(&mut self, act: ActId, by: ActId) -> Result<()> {
        self.write_retracted(act, by)
    }
    fn append_outcome(&mut self, author: AuthorId, outcome: &Outcome) -> Result<()> {
        self.write_outcome(author, outcome)
    }

    fn put_invite(&mut self, invite: &InviteRow) -> Result<()> {
        self.write_invite(invite)
    }
    fn put_epoch(&mut self, epoch: &EpochRow) -> Result<()> {
        self.write_epoch(epoch)
    }
    fn append_standing(&mut self, line: &StandingRow) -> Result<()> {
        self.write_standing(line)
    }
    fn put_note(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.write_note(name, value)
    }
}
