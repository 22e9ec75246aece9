//! The node's half of an exchange, without I/O: events in, instructions out.
//!
//! A carrier (the gRPC stream, the stick, the simulator) performs the instructions in order
//! and feeds back what they answer. One flight goes up (`Hello`, the acts after the position
//! believed acknowledged, `Flush`), one comes down; where `Welcome` contradicts the belief, the
//! exchange starts over from `Welcome` with a second `Hello`. Then the stream may stay open.
//!
//! A carrier performs the instructions of one event to the end, the answers they give included,
//! before it gives the next. After [`Do::StartOver`] frames of before may still come down; what
//! they say comes again, and the session passes them over.
//!
//! Deliberately absent: SQL (the replica), sockets (`exchange`), retries and waiting (the carrier's
//! loop), and any judgement of what merges: the server merges, a node takes its result.

mod apart;
mod link;
mod step;

use dongbo_proto::chain::StateHash;
use dongbo_proto::fate::{Outcome, Receipt};
use dongbo_proto::frame::{
    AckRun, Batch, Complete, Fork, Grant, HistoryItem, Proof, ScopeCursor, States, Stop, Token, Up,
    Welcome,
};
use dongbo_proto::id::{AuthorId, Epoch, Hash, RecordId};
use dongbo_proto::stamp::UnixMs;

pub use link::Link;
pub use step::Session;

/// What the replica knows of itself, read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Under whose name the journal is written now.
    pub author: AuthorId,
    /// Where it went on under another name, oldest first: said before Hello, for a server that was put
    /// back may have forgotten it.
    pub forks: Vec<Fork>,
    /// The catalogue that this build speaks.
    pub schema: u32,
    /// The epoch that it follows.
    pub epoch: Option<Epoch>,
    /// The last position of the journal.
    pub position: u64,
    /// The chain hash there.
    pub head: Hash,
    /// The position believed acknowledged.
    pub acknowledged: u64,
    /// The chain hash there.
    pub acknowledged_head: Hash,
    /// The token for the next exchange.
    pub token: Token,
    /// The last outcome held.
    pub inbox: u64,
    /// The scopes, by id.
    pub scopes: Vec<ScopeCursor>,
    /// One hash over the marks of all of them.
    pub state: StateHash,
    /// The scopes with their names, as last granted.
    pub grants: Vec<Grant>,
    /// The last server time heard, in milliseconds since 1970; 0 before the first.
    pub last_server_ms: UnixMs,
}

/// What the replica says of a `Complete` that it took in.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Completed {
    /// Rows that were written here.
    pub changed: usize,
    /// Scopes whose digest differed and which will be filled again at the next exchange.
    pub mismatched: Vec<dongbo_proto::id::ScopeId>,
    /// Whether this node now holds what the server holds.
    pub in_step: bool,
    /// Another carrier has brought states since this conversation greeted: nothing was taken in.
    pub overtaken: bool,
}

/// What happens to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The link is up (or the exchange starts over): the replica's facts and the wall clock.
    Started(Box<Facts>, UnixMs),
    /// A frame came down.
    Frame(dongbo_proto::frame::Down),
    /// Answer to [`Do::Load`]: the next acts, signed, or none.
    Loaded(Option<Batch>),
    /// Answer to [`Do::Complete`].
    Completed(Completed),
    /// Answer to [`Do::LookAgain`]: the last position of the journal.
    Looked(u64),
    /// The server's marks, signed by its key, go back behind those that it signed before.
    WentBack,
    /// Answer to [`Do::FindProof`].
    Proof(Box<Proof>),
    /// Answer to [`Do::LookWhere`]: the token and the last position of the journal.
    Here(Token, u64),
    /// A receipt is of another journal than the one here: answer to [`Do::Acknowledge`] where it is.
    OtherJournal,
    /// Answer to both where nobody can be asked anything: an answer on a stick.
    CannotAsk,
    /// Answer to [`Do::Chains`]: the chain hashes at those positions.
    Chains(Vec<(u64, Hash)>),
    /// Answer to [`Do::MakeRequest`].
    Request(Vec<u8>),
    /// Someone saved something here while the stream is open.
    Saved,
    /// Someone wants a record's history.
    WantHistory(RecordId),
}

/// What the carrier does next, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Send a frame up.
    Send(Up),
    /// Read the acts after a position, at most so many bytes, and answer with [`Event::Loaded`].
    Load {
        /// Acts after this position.
        after: u64,
        /// Uncompressed bytes at most; one act is always sent.
        bytes_max: usize,
    },
    /// Read the facts again and answer with [`Event::Started`].
    StartOver,
    /// Take in grants and epoch.
    Welcome(Box<Welcome>),
    /// Take in fates and the receipt.
    Acknowledge(Vec<AckRun>, Box<Receipt>),
    /// Stage a page.
    Stage {
        /// The page.
        page: Box<States>,
        /// It contains this node's acts up to this position: those acknowledged before it in this
        /// conversation. The replica may have heard of more by another way.
        known: u64,
    },
    /// Take in later outcomes.
    Outcomes(Vec<Outcome>),
    /// Make everything visible and answer with [`Event::Completed`].
    Complete(Complete),
    /// Read the journal's last position again and answer with [`Event::Looked`].
    LookAgain,
    /// Read the last words that the server has signed and answer with [`Event::Proof`].
    FindProof,
    /// Read token and position again and answer with [`Event::Here`].
    LookWhere,
    /// Read the journal's chain hashes at some positions and answer with [`Event::Chains`].
    Chains(Vec<u64>),
    /// Go on under another author id behind this position; then start over.
    Fork(u64),
    /// Make a certificate request and answer with [`Event::Request`].
    MakeRequest,
    /// Keep a renewed certificate.
    KeepCertificate(Vec<u8>),
    /// Show a record's history.
    ShowHistory(RecordId, Vec<HistoryItem>),
    /// All is said: the stream stays open only if the session is live.
    Rest,
    /// The exchange is over.
    End(End),
}

/// How an exchange ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything is delivered and everything heard.
    InStep,
    /// Everything is delivered; nothing comes down to this machine.
    DeliverOnly,
    /// The server no longer holds acts that it acknowledged, and begins no new epoch though it was
    /// shown its signature. The acts are here still.
    WentBack {
        /// The position that it had acknowledged.
        acknowledged: u64,
        /// The position that it holds.
        held: u64,
    },
    /// The server holds more of this journal than the machine does, or other acts, and cannot be asked
    /// since when: an answer on a stick. An exchange by network sorts it out.
    Rewound,
    /// This server does not descend from the one that this node knows.
    TwoServers {
        /// The epoch known here.
        known: Epoch,
        /// The epoch met.
        met: Epoch,
    },
    /// Digests differ even after the scopes were filled again.
    Diverged,
    /// The server ended it, and says why.
    Stopped(Stop),
    /// The server sent a frame out of turn, or both sides greeted again and again and still
    /// disagree about what is acknowledged.
    Confused,
}
