//! The rows that the registry reads and writes, as plain values without a database in them.
//!
//! Each is one noun of the design: an author, a scope, a frame of the journal, a line of a scope's
//! feed, a held act, a placement. Deliberately absent: how any of them is kept.

use std::borrow::Cow;

use dongbo_proto::act::Projection;
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::Reason;
use dongbo_proto::frame::{Fork, Token};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::Rank;
use dongbo_proto::stamp::{Stamp, UnixMs};
use dongbo_proto::value::Value;
use smallvec::SmallVec;

/// The store's own handle of a record's row, so that what was just read is written without a
/// second search. Valid within its transaction only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey(pub i64);

/// A few fields of a record: most edits write one.
pub type Fields = SmallVec<[FieldId; 4]>;

/// A record of which merge wants a few fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The record.
    pub record: RecordId,
    /// Its kind, which must be of the catalogue.
    pub kind: KindId,
    /// The stored fields whose columns are wanted, ascending.
    pub fields: Fields,
}

/// What was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its handle.
    pub key: RowKey,
    /// Its home scope.
    pub home: ScopeId,
    /// `record::Meta`, packed.
    pub meta: Vec<u8>,
    /// What the wanted columns hold; [`Value::Null`] where nothing.
    pub columns: SmallVec<[(FieldId, Value); 2]>,
}

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRow<'a> {
    /// The record.
    pub record: RecordId,
    /// Its kind, which must be of the catalogue.
    pub kind: KindId,
    /// Its handle; `None` inserts it.
    pub key: Option<RowKey>,
    /// Its home scope; written if it is new or has moved.
    pub home: ScopeId,
    /// Whether the home is another than the row has.
    pub moved: bool,
    /// `record::Meta`, packed.
    pub meta: Vec<u8>,
    /// The columns to be written, ascending; others stay.
    pub columns: Vec<(FieldId, Cow<'a, Value>)>,
}

/// A scope: its name for people, and where its revision, chain and digest stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRow {
    /// Its id.
    pub id: ScopeId,
    /// Its code, for people.
    pub code: String,
    /// Its name, for people.
    pub name: String,
    /// Acts merged into it.
    pub revision: u64,
    /// The chain over them.
    pub chain: Hash,
    /// The sum over its placements.
    pub digest: Digest,
}

/// Whoever has a journal: a node, or one life of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorRow {
    /// Its id.
    pub id: AuthorId,
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// Whether its acts are the province's.
    pub province: bool,
    /// What people call it.
    pub name: String,
    /// Its last position in the journal.
    pub position: u64,
    /// The chain hash there.
    pub head: Hash,
    /// The order stamp of its last act.
    pub last_order: Stamp,
    /// Acts of it in the registry.
    pub merged: u64,
    /// Acts of it that wait.
    pub held: u64,
    /// Acts of it that were refused.
    pub refused: u64,
    /// The last line of its inbox.
    pub inbox: u64,
    /// The last line that it has confirmed.
    pub inbox_confirmed: u64,
    /// The token that it was last given.
    pub token: Token,
    /// The token that it last proved to have.
    pub token_previous: Token,
    /// Server time of the last `Complete` that was sent to it; 0 if never.
    pub complete_ms: UnixMs,
    /// Server time of the last `Complete` that it proved to have; 0 if never.
    pub confirmed_ms: UnixMs,
    /// Server time at which it last delivered or completed; 0 if never.
    pub contact_ms: UnixMs,
    /// Server time at which it joined.
    pub joined_ms: UnixMs,
    /// Server time at which it was revoked.
    pub revoked_ms: Option<UnixMs>,
    /// The position that the last backup has passed.
    pub backed_up: u64,
}

impl AuthorRow {
    /// An author that has written nothing.
    pub fn new(
        id: AuthorId,
        public_key: [u8; 32],
        province: bool,
        name: &str,
        now_ms: UnixMs,
    ) -> Self {
        AuthorRow {
            id,
            public_key,
            province,
            name: name.to_owned(),
            position: 0,
            head: Hash::default(),
            last_order: Stamp::default(),
            merged: 0,
            held: 0,
            refused: 0,
            inbox: 0,
            inbox_confirmed: 0,
            token: Token::default(),
            token_previous: Token::default(),
            complete_ms: 0,
            confirmed_ms: 0,
            contact_ms: 0,
            joined_ms: now_ms,
            revoked_ms: None,
            backed_up: 0,
        }
    }
}

/// A frame of the journal: one batch as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRow {
    /// The store's number of it, rising in commit order; 0 before it is appended.
    pub id: i64,
    /// Whose acts.
    pub author: AuthorId,
    /// Position of the first act that this frame brought (a batch may begin with known ones).
    pub first: u64,
    /// How many it brought.
    pub count: u32,
    /// The batch, `wire::batch_bytes`.
    pub bytes: Vec<u8>,
    /// What became of its acts when it came (`registry::outcome`).
    pub outcome: Vec<u8>,
}

/// One line of a scope's feed: the revisions that one frame gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// The scope.
    pub scope: ScopeId,
    /// The revision before the first of its acts.
    pub from: u64,
    /// The revision after the last.
    pub to: u64,
    /// The frame.
    pub frame: i64,
    /// The scope's chain at `to`.
    pub chain: Hash,
    /// What was touched at which revision, where the frame's writes do not say it by themselves
    /// (`registry::touched`).
    pub touched: Option<Vec<u8>>,
}

/// What became of a held act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HeldState {
    /// It waits.
    Waiting = 0,
    /// It took effect.
    Merged = 1,
    /// It was refused.
    Refused = 2,
}

/// An act that was held when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The act.
    pub act: ActId,
    /// Why it was held.
    pub reason: Reason,
    /// What became of it.
    pub state: HeldState,
    /// The act that decided it.
    pub decided_by: Option<ActId>,
    /// The rank with which it took effect.
    pub rank: Rank,
    /// The province's words, where it was refused.
    pub text: String,
    /// Server time at which it came.
    pub at_ms: UnixMs,
    /// Server time at which it was decided.
    pub decided_ms: Option<UnixMs>,
    /// The records that it touches, with whether it creates each.
    pub records: Vec<(RecordId, KindId, bool)>,
}

/// A record placed in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The scope.
    pub scope: ScopeId,
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindId,
    /// How much the scope sees.
    pub projection: Projection,
}

/// A home that a record has had: by the act that made it so, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The record.
    pub record: RecordId,
    /// The act that placed it there: its creation, or a placement.
    pub act: ActId,
    /// The scope.
    pub home: ScopeId,
    /// Server time at which it came there; 0 for its creation.
    pub since_ms: UnixMs,
}

/// An invitation: what is kept of a one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// SHA-256 of the code's secret.
    pub code_hash: [u8; 32],
    /// What people call the node that will join.
    pub name: String,
    /// The scopes that it will hold besides the reference.
    pub scopes: Vec<ScopeId>,
    /// The node that is invited again, if it is one.
    pub again: Option<AuthorId>,
    /// Server time at which it was made.
    pub created_ms: UnixMs,
    /// Server time from which it is void.
    pub expires_ms: UnixMs,
    /// Who used it.
    pub used_by: Option<AuthorId>,
}

/// A journal that goes on as another author's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForkRow {
    /// The new author, whose own acts begin after `at`, the author before it, and where they part.
    pub fork: Fork,
    /// Server time at which it was heard of.
    pub made_ms: UnixMs,
}

/// A life of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// The epoch.
    pub epoch: Epoch,
    /// The one that it descends from.
    pub parent: Option<Epoch>,
    /// Server time at which it began.
    pub at_ms: UnixMs,
    /// Where every scope's chain stood when it began.
    pub heads: Vec<(ScopeId, u64, Hash)>,
}

/// What a line of the standing list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StandingWhat {
    /// An author joined: eight bytes of its id.
    Joined = 1,
    /// An author was revoked: eight bytes of its id.
    Revoked = 2,
    /// A code was spent or withdrawn: its hash.
    Spent = 3,
    /// A record was purged: its id.
    Purged = 4,
}

impl StandingWhat {
    /// From its number in a row.
    pub fn from_number(n: u8) -> Option<Self> {
        use StandingWhat::*;
        [Joined, Revoked, Spent, Purged].into_iter().find(|w| *w as u8 == n)
    }
}

/// A line of the standing list: without personal data, append-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRow {
    /// Its number, gapless from 1: the list's version.
    pub sequence: u64,
    /// What it says.
    pub what: StandingWhat,
    /// Of whom: the bytes of an id or a hash.
    pub subject: Vec<u8>,
    /// Server time.
    pub at_ms: UnixMs,
}
