//! The server's half of an exchange, without I/O: events in, instructions out.
//!
//! It faces `dongbo_node::session`: what one sends the other expects. The service performs the
//! instructions against the registry and feeds back what they answer; the simulator does the same.
//! A `Hello` whose belief contradicts the journal is answered with `Welcome` (and the
//! acknowledgements that were lost), and what follows is passed over until a second `Hello`.
//!
//! A carrier performs the instructions of one event to the end, the answers they give included,
//! before it gives the next frame of the node; news may come at any time.
//!
//! Deliberately absent: the store, TLS, deadlines and counting of connections (the service).

mod step;

use dongbo_proto::fate::{Outcome, Receipt, ScopeMark};
use dongbo_proto::frame::{
    AckRun, Down, Fork, Grant, HistoryItem, Proof, ScopeCursor, States, Stop, Token, Up,
};
use dongbo_proto::id::{AuthorId, Epoch, Hash, RecordId, ScopeId};
use dongbo_proto::stamp::{UnixMs, Window};

pub use step::{Awaits, Positions, Session};

/// What the registry knows of a node when it says Hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The journal position held.
    pub position: u64,
    /// The chain hash there.
    pub head: Hash,
    /// The node's scopes.
    pub grants: Vec<Grant>,
    /// Those of them to which nothing was ever merged, with their revisions: a node that holds
    /// nothing of them holds all.
    pub empty: Vec<(ScopeId, u64)>,
    /// Revoked or closed.
    pub revoked: bool,
    /// Server time at the end of its last exchange.
    pub last_complete_ms: UnixMs,
    /// The epoch in force.
    pub epoch: Epoch,
    /// Server time at which it began.
    pub epoch_ms: UnixMs,
    /// The epochs before, nearest first.
    pub ancestors: Vec<Epoch>,
    /// The position up to which the server's backup has its acts.
    pub backed_up: u64,
    /// What the token in Hello says.
    pub presented: Presented,
}

/// What a token that a node presents says of the disk that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing against it.
    Fits,
    /// The node has proved to have a later one: this is an older disk, or a copy.
    Stale,
    /// This server named it, and does not know: the registry is an older one.
    Ahead,
}

/// How the certificate stands, judged by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateAge {
    /// In the first 70 % of its life.
    Fresh,
    /// Due.
    Due,
    /// Past its end.
    Expired,
}

/// A page as the session asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Where the node stands with each scope.
    pub cursors: Vec<ScopeCursor>,
    /// Acknowledgements are wanted for the positions after this one; `None` wants none.
    pub acks_from: Option<u64>,
    /// Outcomes after this one.
    pub inbox: u64,
}

/// What one read snapshot had for a node.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Answer {
    /// Acknowledgements that were lost.
    pub acks: Vec<AckRun>,
    /// Later outcomes.
    pub outcomes: Vec<Outcome>,
    /// Pages of states.
    pub states: Vec<States>,
    /// Where the node stands after them.
    pub cursors: Vec<ScopeCursor>,
    /// The marks of all its scopes, if the snapshot held nothing more.
    pub complete: Option<Vec<ScopeMark>>,
}

/// What happens to a session. `B` is a batch that was prepared: decoded, hashed and verified.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<B> {
    /// A frame came up (batches come as [`Event::Batch`]).
    Frame(Up),
    /// A batch came up, prepared, or why it is not what it says.
    Batch(Result<B, Stop>),
    /// Answer to [`Do::View`]: the node, or that there is none, with server time.
    Viewed(Option<Box<View>>, UnixMs),
    /// Answer to [`Do::Receive`].
    Received(Result<(Vec<AckRun>, Box<Receipt>), Stop>),
    /// Answer to [`Do::Page`].
    Paged(Result<Box<Answer>, Stop>),
    /// Answer to [`Do::Receipt`].
    Receipt(Vec<AckRun>, Box<Receipt>),
    /// Answer to [`Do::Finish`]: the frame is ready, its token durable.
    Finished(Result<Box<dongbo_proto::frame::Complete>, Stop>),
    /// Answer to [`Do::Judge`]: the next Hello will be answered in the epoch in force then.
    Judged(Result<(), Stop>),
    /// Answer to [`Do::Fork`]: the next Hello may be the new author's.
    Forked(Result<(), Stop>),
    /// Answer to [`Do::Chain`].
    Chain(Vec<Option<Hash>>),
    /// Answer to [`Do::Renew`].
    Renewed(Result<Vec<u8>, Stop>),
    /// Answer to [`Do::History`].
    History(RecordId, Vec<HistoryItem>),
    /// Something was merged that may concern this node.
    News,
    /// The node was revoked while connected.
    Revoked,
}

/// What the service does next, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Do<B> {
    /// Read what is known of an author, if it has the key of this node, and what the token says of
    /// it; answer with [`Event::Viewed`].
    View(AuthorId, Token),
    /// Take in a node that the registry does not know, though its certificate is this province's: the
    /// registry is older than the certificate. With the epoch that the node knows.
    Adopt(Option<Epoch>),
    /// The registry is older than what this server has said: begin a new epoch.
    BeginAgain,
    /// Read the author's chain hashes at some positions and answer with [`Event::Chain`].
    Chain(Vec<u64>),
    /// Take down that a journal goes on as another author's, and answer with [`Event::Forked`].
    Fork(Fork),
    /// Send a frame down.
    Send(Box<Down>),
    /// Merge a batch and answer with [`Event::Received`]. The window ends at the moment of the
    /// merge: who performs this sets `until_ms`.
    Receive(B, Window),
    /// Read a page and answer with [`Event::Paged`].
    Page(Ask),
    /// Make a receipt for acknowledgements that were lost and answer with [`Event::Receipt`].
    Receipt(Vec<AckRun>),
    /// Draw and keep a token and answer with [`Event::Finished`]; the marks are signed where given.
    Finish(Option<Vec<ScopeMark>>, u64),
    /// Keep that the node has this token and these outcomes.
    Confirm(Token, u64),
    /// Compare what a node has of the server's own signature with what is held; where that is less,
    /// begin a new epoch. Answer with [`Event::Judged`].
    Judge(Box<Proof>),
    /// Sign a certificate request and answer with [`Event::Renewed`].
    Renew(Vec<u8>),
    /// Read a record's history and answer with [`Event::History`].
    History(RecordId),
    /// End the stream.
    Close,
}
