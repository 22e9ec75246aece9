//! What a transaction can do: one method for each thing that the registry asks for.
//!
//! Hot methods take a whole batch. Nothing here names a column, a statement or a backend.

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::Kind;
use dongbo_proto::fate::Outcome;
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;

use super::error::Result;
use super::rows::{
    AuthorRow, EpochRow, FeedRow, ForkRow, FrameRow, HeldRow, HeldState, InviteRow, Placement,
    PutRow, Row, ScopeRow, StandingRow, Stay, Wanted,
};

/// Reads of one snapshot. Lists are in the order that their name says, and bounded by `max`.
#[allow(clippy::missing_errors_doc)]
pub trait ReadTx {
    /// Rows of records, with only the wanted columns; `None` where there is no such record.
    fn rows(&self, wanted: &[Wanted]) -> Result<Vec<Option<Row>>>;
    /// Whole records of one kind; `None` where there is no such record.
    fn records(&self, kind: &Kind, ids: &[RecordId]) -> Result<Vec<Option<Record>>>;
    /// Whole records of one kind by rising id, after one of them.
    fn records_after(
        &self,
        kind: &Kind,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Record>>;
    /// Records of a kind whose field refers to a record: the rows that belong to it.
    fn referring(&self, kind: &Kind, field: FieldId, to: RecordId) -> Result<Vec<RecordId>>;
    /// How many records of a kind there are: live, and voided or emptied by a retraction.
    fn count(&self, kind: &Kind) -> Result<(u64, u64)>;
    /// How many live records of a kind are at home in each scope that has any, by scope.
    fn count_at_home(&self, kind: &Kind) -> Result<Vec<(ScopeId, u64)>>;
    /// Groups of live records of a kind that have one natural key.
    fn twins(&self, kind: &Kind, max: usize) -> Result<Vec<Vec<RecordId>>>;

    /// How much a scope sees of a record; `None` if nothing.
    fn placement(
        &self,
        scope: ScopeId,
        record: RecordId,
        kind: KindId,
    ) -> Result<Option<Projection>>;
    /// A scope's placements by record id, after a record. It never ends between two of one record.
    fn placements_after(
        &self,
        scope: ScopeId,
        after: Option<RecordId>,
        max: usize,
    ) -> Result<Vec<Placement>>;
    /// The scopes that see a record as a guest, by id.
    fn guests(&self, record: RecordId, kind: KindId) -> Result<Vec<Placement>>;
    /// The homes that a record has had, oldest first; empty if it never moved.
    fn stays(&self, record: RecordId) -> Result<Vec<Stay>>;

    /// A scope.
    fn scope(&self, id: ScopeId) -> Result<Option<ScopeRow>>;
    /// The scope of a code.
    fn scope_of_code(&self, code: &str) -> Result<Option<ScopeRow>>;
    /// All scopes, by id.
    fn scopes(&self) -> Result<Vec<ScopeRow>>;

    /// An author.
    fn author(&self, id: AuthorId) -> Result<Option<AuthorRow>>;
    /// All authors, by the time at which they joined.
    fn authors(&self) -> Result<Vec<AuthorRow>>;
    /// The author whose journal an author goes on with.
    fn fork(&self, author: AuthorId) -> Result<Option<ForkRow>>;
    /// The authors that go on with an author's journal, by id.
    fn forks_of(&self, parent: AuthorId) -> Result<Vec<ForkRow>>;
    /// The scopes that an author holds, by id.
    fn grants(&self, author: AuthorId) -> Result<Vec<ScopeId>>;

    /// The frame that brought an act.
    fn frame_of(&self, act: ActId) -> Result<Option<FrameRow>>;
    /// A frame by its number.
    fn frame(&self, id: i64) -> Result<Option<FrameRow>>;
    /// An author's frames that hold positions after one, in order.
    fn frames_after(&self, author: AuthorId, position: u64, max: usize) -> Result<Vec<FrameRow>>;
    /// A scope's feed: the lines that end after a revision, in order.
    fn feed_after(&self, scope: ScopeId, revision: u64, max: usize) -> Result<Vec<FeedRow>>;

    /// An act that was held when it came.
    fn held(&self, act: ActId) -> Result<Option<HeldRow>>;
    /// Held acts in a state, by author and position, after one of them.
    fn held_after(
        &self,
        state: HeldState,
        after: Option<ActId>,
        max: usize,
    ) -> Result<Vec<HeldRow>>;
    /// The acts that one act decided, in the order of author and position.
    fn decided_by(&self, act: ActId) -> Result<Vec<HeldRow>>;
    /// The waiting act that creates a record, if there is one.
    fn creation_held(&self, record: RecordId) -> Result<Option<ActId>>;
    /// The waiting acts on a record whose creation is held, the creation left out.
    fn waiting_on(&self, record: RecordId) -> Result<Vec<ActId>>;
    /// The act that took an act back.
    fn retracted(&self, act: ActId) -> Result<Option<ActId>>;

    /// An author's inbox after a line.
    fn outcomes_after(&self, author: AuthorId, sequence: u64, max: usize) -> Result<Vec<Outcome>>;

    /// An invitation by the hash of its code.
    fn invite(&self, code_hash: &[u8; 32]) -> Result<Option<InviteRow>>;
    /// All invitations, by the time at which they were made.
    fn invites(&self) -> Result<Vec<InviteRow>>;
    /// The epochs, the one in force first.
    fn epochs(&self) -> Result<Vec<EpochRow>>;
    /// The number of the standing list's last line; 0 if it is empty.
    fn standing_version(&self) -> Result<u64>;
    /// The standing list after a line.
    fn standing_after(&self, sequence: u64, max: usize) -> Result<Vec<StandingRow>>;
    /// A small fact of the province, by name (`province`, `backup_ms`, …).
    fn note(&self, name: &str) -> Result<Option<Vec<u8>>>;
}

/// Reads and writes of one transaction.
#[allow(clippy::missing_errors_doc)]
pub trait WriteTx: ReadTx {
    /// This transaction, to read from.
    fn reading(&self) -> &dyn ReadTx;

    /// Inserts and updates rows of records.
    fn put_rows(&mut self, rows: &[PutRow<'_>]) -> Result<()>;
    /// Adds or changes placements.
    fn put_placements(&mut self, placements: &[Placement]) -> Result<()>;
    /// Takes a placement away.
    fn remove_placement(&mut self, placement: &Placement) -> Result<()>;
    /// Appends a home to those that a record has had.
    fn put_stay(&mut self, stay: &Stay) -> Result<()>;

    /// Locks scopes by ascending id, over the whole transaction, and reads them. Ids must ascend.
    fn scopes_for_update(&mut self, ids: &[ScopeId]) -> Result<Vec<ScopeRow>>;
    /// Writes scopes, new or known.
    fn put_scopes(&mut self, scopes: &[ScopeRow]) -> Result<()>;

    /// Writes an author, new or known.
    fn put_author(&mut self, author: &AuthorRow) -> Result<()>;
    /// Notes whose journal a new author goes on with.
    fn put_fork(&mut self, fork: &ForkRow) -> Result<()>;
    /// Gives an author exactly these scopes.
    fn put_grants(&mut self, author: AuthorId, scopes: &[ScopeId]) -> Result<()>;
    /// Notes that a backup has passed every author's position, and when.
    fn mark_backup(&mut self, now_ms: i64) -> Result<()>;

    /// Appends a frame and returns its number. Its own `id` is not looked at.
    fn append_frame(&mut self, frame: &FrameRow) -> Result<i64>;
    /// Appends lines to feeds.
    fn append_feed(&mut self, lines: &[FeedRow]) -> Result<()>;

    /// Writes a held act, new or decided, with the records that wait on it.
    fn put_held(&mut self, held: &HeldRow) -> Result<()>;
    /// Notes that an act was taken back. Noting it twice keeps the first.
    fn put_retracted(&mut self, act: ActId, by: ActId) -> Result<()>;
    /// Appends a line to an author's inbox.
    fn append_outcome(&mut self, author: AuthorId, outcome: &Outcome) -> Result<()>;

    /// Writes an invitation, new or known.
    fn put_invite(&mut self, invite: &InviteRow) -> Result<()>;
    /// Begins an epoch.
    fn put_epoch(&mut self, epoch: &EpochRow) -> Result<()>;
    /// Appends to the standing list; its `sequence` must be the next.
    fn append_standing(&mut self, line: &StandingRow) -> Result<()>;
    /// Writes a small fact of the province.
    fn put_note(&mut self, name: &str, value: &[u8]) -> Result<()>;
}
