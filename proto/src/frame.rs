//! The frames of an exchange, as both sessions speak them. `wire` turns them into bytes.
//!
//! **One flight up** (`Hello`, batches, `Flush`), **one flight down** (`Welcome`, acknowledgements,
//! states, outcomes, `Complete`). Three carriers move them: a gRPC stream, a sealed file on a stick,
//! and the simulator. What each frame obliges the other side to do is in `docs/SYNC.md`.

use crate::act::{Act, Projection};
use crate::chain::{Seed, StateHash};
use crate::digest::Digest;
use crate::fate::{Checkpoint, Fate, Outcome, Receipt};
use crate::id::{AuthorId, Epoch, Hash, KindId, RecordId, ScopeId};
use crate::record::{Rank, Record};
use crate::stamp::{Stamp, UnixMs};

/// What the node presents at each exchange and the server replaces: a stale one is a clone or a
/// rewound disk.
pub type Token = [u8; 16];

/// Where a node stands with one scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScopeCursor {
    /// The scope.
    pub scope: ScopeId,
    /// The revision that its visible state is at; 0 before the first fill.
    pub visible: u64,
    /// How far staged pages reach; at least `visible`.
    pub staged: u64,
    /// While a scope is being filled: the last record that came; [`ScopeCursor::FROM_THE_START`]
    /// where it must be filled again and none came yet.
    pub filled_to: Option<RecordId>,
}

impl ScopeCursor {
    /// Before every record: no UUIDv7 is this low, and zero says nothing on the wire.
    pub const FROM_THE_START: RecordId = RecordId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

/// The node's first frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Who it says it is; the certificate decides.
    pub author: AuthorId,
    /// The catalogue that it speaks.
    pub schema: u32,
    /// The epoch that it knows, if it has ever heard one.
    pub epoch: Option<Epoch>,
    /// The last position of its journal.
    pub position: u64,
    /// Its chain hash there.
    pub head: Hash,
    /// The position that it believes acknowledged.
    pub acknowledged: u64,
    /// Its chain hash at the position believed acknowledged.
    pub acknowledged_head: Hash,
    /// Its wall clock.
    pub local_ms: UnixMs,
    /// The token from its last exchange.
    pub token: Token,
    /// The last outcome that it has.
    pub inbox: u64,
    /// Its scopes, by id.
    pub scopes: Vec<ScopeCursor>,
    /// One hash over the marks of all its scopes.
    pub state: StateHash,
    /// Whether it wants the stream to stay open.
    pub live: bool,
    /// It has nothing to send: as if a `Flush` followed.
    pub flush: bool,
}

/// A run of acts from one journal: self-contained, signed, durable alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Whose journal.
    pub author: AuthorId,
    /// Position of the first act.
    pub first: u64,
    /// How many acts.
    pub count: u32,
    /// The chain hash before the first act.
    pub before: Hash,
    /// The chain hash after the last.
    pub after: Hash,
    /// The seeds of the salts: from which position on each holds, the first at or before `first`.
    pub seeds: Vec<(u64, Seed)>,
    /// The author's signature of its chain's head after the last act.
    pub signature: Vec<u8>,
    /// The acts, column by column, compressed (`wire::columns`).
    pub body: Vec<u8>,
    /// Length of `body` once decompressed.
    pub raw_len: u32,
}

impl Batch {
    /// Position of the last act.
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// The seed that salts an act.
    pub fn seed_at(&self, position: u64) -> Option<&Seed> {
        self.seeds.iter().rev().find(|(from, _)| *from <= position).map(|(_, seed)| seed)
    }
}

/// How the server sees a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// All is well.
    Good,
    /// All is well, and the certificate is due for renewal: send a request.
    Renew,
    /// The certificate has expired: renew with the old key; nothing comes down before.
    Expired,
    /// Revoked, closed or rewound: its acts are received and held, nothing comes down.
    DeliverOnly,
}

/// A scope that a node holds, as the server grants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The scope.
    pub scope: ScopeId,
    /// Its code, for people.
    pub code: String,
    /// Its name, for people.
    pub name: String,
}

/// The server's first frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The epoch in force.
    pub epoch: Epoch,
    /// The epochs that it descends from, nearest first.
    pub ancestors: Vec<Epoch>,
    /// The position up to which the server's journal holds this author.
    pub position: u64,
    /// The chain hash there; none where position and hash are those that Hello called acknowledged.
    pub head: Option<Hash>,
    /// Server time.
    pub server_ms: UnixMs,
    /// The catalogue that the server speaks.
    pub schema: u32,
    /// How the server sees the node.
    pub standing: Standing,
    /// All scopes of the node, when they differ from those in Hello.
    pub grants: Option<Vec<Grant>>,
}

/// Consecutive acts with one fate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AckRun {
    /// Position of the first.
    pub first: u64,
    /// The fate of all.
    pub fate: Fate,
    /// Where they merged: the scope and the revision that the first advanced it to. Acts in
    /// several scopes make a run of their own each and list all.
    pub at: Vec<(ScopeId, u64)>,
    /// The rank of all.
    pub rank: Rank,
    /// How many.
    pub count: u32,
    /// The order stamp of each; `None` where each is the stamp that the author claimed.
    pub stamps: Option<Vec<Stamp>>,
}

impl AckRun {
    /// The order stamp of the act at a position of the run, given what its author claimed.
    pub fn stamp(&self, position: u64, claimed: Stamp) -> Stamp {
        let at = position.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let given = self.stamps.as_ref().zip(at).and_then(|(all, at)| all.get(at).copied());
        given.unwrap_or(claimed)
    }

    /// Position of the last act.
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }
}

/// A page of record states of one scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct States {
    /// The scope.
    pub scope: ScopeId,
    /// It applies only if `from` ≤ cursor < `to`, or the scope is being filled.
    pub from: u64,
    /// The revision that the page brings the cursor to, if the page is the last of its range.
    pub to: u64,
    /// While filling: pages continue after this record.
    pub filling: bool,
    /// How much the node sees of these records.
    pub records: Vec<(Projection, Record)>,
    /// Records that left the scope.
    pub gone: Vec<(RecordId, KindId)>,
}

/// All was said: what was staged becomes visible.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complete {
    /// The node's scopes now, by id; `None` where nothing differs from Hello's `state`.
    pub checkpoint: Option<Checkpoint>,
    /// The token for the next exchange.
    pub token: Token,
    /// Server time.
    pub server_ms: UnixMs,
    /// The position up to which the server's *backup* has the node's acts.
    pub backed_up: u64,
    /// The server asks the node to come back in so many seconds; 0 leaves it to the node.
    pub come_back_s: u32,
}

/// One act of a record's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryItem {
    /// Whose journal.
    pub author: AuthorId,
    /// The act, with only the operations that touch the record and that the node may see.
    pub act: Act,
    /// Its order stamp.
    pub stamp: Stamp,
    /// Its rank.
    pub rank: Rank,
    /// Its fate.
    pub fate: Fate,
    /// The act that took it back.
    pub retracted: bool,
}

/// Why the server ends a conversation; the node keeps everything and says why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stop {
    /// The node's certificate names no node of this province.
    UnknownNode = 1,
    /// The node's acts differ from those that the server holds at the same positions.
    Forked = 2,
    /// The batch does not hash or verify to what it says.
    BadBatch = 3,
    /// A frame came out of turn or over a limit.
    BadFrame = 4,
    /// The server is shutting down or overloaded: come back later.
    Busy = 5,
    /// The server cannot write (a full disk, a fault): nothing of this exchange was lost.
    Storage = 6,
    /// Revoked while connected.
    Revoked = 7,
}

impl Stop {
    /// From its number on the wire.
    pub fn from_number(n: u8) -> Option<Self> {
        use Stop::*;
        [UnknownNode, Forked, BadBatch, BadFrame, Busy, Storage, Revoked]
            .into_iter()
            .find(|s| *s as u8 == n)
    }

    /// The key of its sentence.
    pub fn key(self) -> &'static str {
        match self {
            Stop::UnknownNode => "stop-unknown-node",
            Stop::Forked => "stop-forked",
            Stop::BadBatch => "stop-bad-batch",
            Stop::BadFrame => "stop-bad-frame",
            Stop::Busy => "stop-busy",
            Stop::Storage => "stop-storage",
            Stop::Revoked => "stop-revoked",
        }
    }
}

/// From node to server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Up {
    /// First, once.
    Hello(Hello),
    /// Acts.
    Batch(Batch),
    /// That was all: answer with what I lack, then `Complete`.
    Flush,
    /// What `Complete` said is visible and durable here, under this token.
    Confirm {
        /// The token of that `Complete`.
        token: Token,
        /// The last outcome that is durable here.
        inbox: u64,
    },
    /// A certificate request, self-signed by the old or a new key.
    Renew(Vec<u8>),
    /// Send the history of a record.
    AskHistory(RecordId),
    /// What you signed, and may hold no longer.
    Prove(Box<Proof>),
    /// What is your chain hash of my journal at these positions?
    AskChain(Vec<u64>),
    /// From here on this journal is another author's. Before a Hello of that author.
    Fork(Fork),
}

/// A machine that is not where the server left it (its disk was put back, or is a copy) goes on with
/// its journal under an author id of its own, from the last position that both hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fork {
    /// The new author. Its first act has the position after `at`.
    pub author: AuthorId,
    /// The author whose journal it goes on with.
    pub parent: AuthorId,
    /// The last position that is common to both.
    pub at: u64,
    /// The chain hash there.
    pub head: Hash,
}

/// The last words of a server of which a node has its signature: what a server that was put back from
/// an old backup, without knowing it, is shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proof {
    /// How far it held the node's journal.
    pub receipt: Option<Receipt>,
    /// Where the node's scopes stood.
    pub checkpoint: Option<Checkpoint>,
}

/// From server to node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Down {
    /// First, once.
    Welcome(Welcome),
    /// What became of acts, durable.
    Acks(Vec<AckRun>, Box<Receipt>),
    /// States of records.
    States(States),
    /// Later outcomes of the node's own acts.
    Outcomes(Vec<Outcome>),
    /// All was said.
    Complete(Complete),
    /// A renewed certificate.
    Certificate(Vec<u8>),
    /// History of a record, oldest first.
    History(RecordId, Vec<HistoryItem>),
    /// The conversation ends.
    Stop(Stop),
    /// The chain hashes of the node's journal at the positions that it asked for, in their order; none
    /// where the server's journal does not reach.
    Chain(Vec<Option<Hash>>),
    /// The machine is not where this server left it: find the last position that both hold, and fork.
    Apart,
    /// The conversation ends as [`Stop::Busy`]: the server has others to serve first and asks the node
    /// to come back in so many seconds, at least one. Whoever comes then goes before whoever asked later.
    ComeBack(u32),
}

/// The digest that a node should have for a scope it holds nothing of.
pub const EMPTY: Digest = Digest::from_zero();
