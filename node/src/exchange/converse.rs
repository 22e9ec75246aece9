//! One conversation with the server over a gRPC stream: performs what the session says.
//!
//! The replica is worked on the calling task: a node does one thing at a time, and its transactions
//! are short. Deliberately absent: when to try again (`watch`), and what the frames mean (the session).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::digest::Digest;
use dongbo_proto::frame::{Batch, Down, HistoryItem, States, Up};
use dongbo_proto::id::{AuthorId, RecordId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::wire::WireError;
use dongbo_proto::{chain, limits, wire};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use wire::pb::exchange_client::ExchangeClient;

use super::ExchangeError;
use super::key::NodeKey;
use super::trust::certifies;
use crate::replica::{Page, Replica, ReplicaError, Turn, Word, counts};
use crate::session::{Do, End, Event, Session};

/// Silence after which the link counts as cut: three round trips of the slowest link, and a large
/// page at 9.6 kbit/s. HTTP/2 keepalive notices a dead link sooner.
const SILENCE_S_MAX: u64 = 120;
/// Frames that may wait between the session and the link.
const FRAMES_WAITING_MAX: usize = 4;
/// Records in frames that were read and wait for the replica: while it writes, the next are made
/// sense of. One frame more may be in hand.
const RECORDS_READ_MAX: usize = 2 * limits::PAGE_RECORDS_MAX;
/// The same in frames, which may be empty.
const FRAMES_READ_MAX: usize = 64;
/// How often an open stream looks for what another program of this office has saved.
const LOOK_FOR_SAVES_MS: u64 = 250;
/// Records that share a transaction, where they come that fast: ids are spread over the whole index, so
/// each transaction writes most of it. An old machine is done with so many in a second or two, for
/// which the office waits.
const WRITE_RECORDS_MAX: usize = 4 * limits::PAGE_RECORDS_MAX;
/// How long a page waits for the next before it is written: small pages share a transaction, whose
/// flush to the disk takes about as long.
const PAGES_LINGER_MS: u64 = 20;
/// Time for the last frame to leave and the server to close, in seconds.
const FAREWELL_S_MAX: u64 = 10;

/// What came of a conversation, besides its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Acts sent.
    pub acts_sent: u64,
    /// Bytes of frames sent, before TLS and HTTP/2.
    pub bytes_up: u64,
    /// Bytes of frames received, before TLS and HTTP/2.
    pub bytes_down: u64,
    /// Records that changed here.
    pub records_changed: usize,
    /// Records that were staged in pages.
    pub records_received: u64,
    /// Scopes whose digest differed and that were filled again.
    pub refilled: usize,
    /// Times that everything was said.
    pub completes: u32,
}

/// What the office sees while a conversation goes on.
pub trait Watcher: Send {
    /// Something moved.
    fn moved(&mut self, tally: &Tally);
    /// The node is in step; the stream stays open.
    fn in_step(&mut self, tally: &Tally);
    /// Whether the office wants to stop an open stream.
    fn wants_to_leave(&self) -> bool {
        false
    }
}

/// Nobody looks.
impl Watcher for () {
    fn moved(&mut self, _: &Tally) {}
    fn in_step(&mut self, _: &Tally) {}
}

/// What a conversation needs.
pub struct Conversation<'a> {
    /// The replica.
    pub replica: &'a mut Replica,
    /// The key that signs batches and certificate requests.
    pub key: &'a NodeKey,
    /// The wall clock.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub entropy: &'a dyn Entropy,
    /// Who looks.
    pub watcher: &'a mut dyn Watcher,
    /// A record whose history is asked for, once.
    pub history: Option<RecordId>,
}

/// What a conversation gave.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What moved.
    pub tally: Tally,
    /// A renewed certificate, in DER, to be kept.
    pub certificate: Option<Vec<u8>>,
    /// The history that was asked for.
    pub history: Option<Vec<HistoryItem>>,
    /// How far the server's clock was ahead of this one at Welcome, in milliseconds.
    pub server_ahead_ms: Option<i64>,
    /// The server asks the node to come back in so many seconds; 0 leaves it to the node.
    pub come_back_s: u32,
}

struct Talk<'a, 'b> {
    at: &'b mut Conversation<'a>,
    session: Session,
    up: Option<mpsc::Sender<wire::pb::UpFrame>>,
    tally: Tally,
    end: Option<End>,
    certificate: Option<Vec<u8>>,
    history: Option<Vec<HistoryItem>>,
    /// The record whose history was asked for, until it is answered.
    asked: Option<RecordId>,
    server_ahead_ms: Option<i64>,
    come_back_s: u32,
    resting: bool,
    /// Pages that have come and are not written yet: small ones share a transaction.
    pages: Vec<Page>,
    /// What the records of the page in hand count.
    counts: Vec<Digest>,
    /// They contain this node's acts up to this position.
    known: u64,
    /// Of bringing states: read at each Hello.
    turn: Turn,
}

/// Converses until the session ends or the link is cut.
pub async fn converse(
    at: &mut Conversation<'_>,
    session: Session,
    channel: Channel,
) -> Result<Outcome, ExchangeError> {
    let (up, frames) = mpsc::channel(FRAMES_WAITING_MAX);
    let mut client = ExchangeClient::new(channel)
        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
        .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
    // The first flight leaves before the server's first answer, so the call runs beside the talk.
    let call = tokio::spawn(async move { client.exchange(ReceiverStream::new(frames)).await });
    let talk = Talk {
        at,
        session,
        up: Some(up),
        tally: Tally::default(),
        end: None,
        certificate: None,
        history: None,
        asked: None,
        server_ahead_ms: None,
        come_back_s: 0,
        resting: false,
        pages: Vec::new(),
        counts: Vec::new(),
        known: 0,
        turn: Turn::default(),
    };
    talk.run(call).await
}

/// A frame that came down.
struct Frame {
    bytes: u64,
    down: Down,
    /// If it is a page of a filling: what its records count.
    counts: Vec<Digest>,
    /// Given back when the replica takes the frame.
    _room: OwnedSemaphorePermit,
}

/// A frame that came down; the last item says why there is no other.
type Came = Result<Frame, ExchangeError>;

/// Reads frames and makes sense of them beside the replica's work.
fn read(mut down: Streaming<wire::pb::DownFrame>) -> mpsc::Receiver<Came> {
    let (came, frames) = mpsc::channel(FRAMES_READ_MAX);
    let room = Arc::new(Semaphore::new(RECORDS_READ_MAX));
    tokio::spawn(async move {
        loop {
            let read = match down.message().await {
                Ok(Some(frame)) => make_sense(frame, &room).await,
                Ok(None) => return,
                Err(status) => Err(status.into()),
            };
            let is_last = read.is_err();
            if came.send(read).await.is_err() || is_last {
                return;
            }
        }
    });
    frames
}

/// Reads a frame once there is room for what is in it.
async fn make_sense(frame: wire::pb::DownFrame, room: &Arc<Semaphore>) -> Came {
    let bytes = wire::encoded_len(&frame);
    let down = wire::down_from_pb(frame)?;
    let records = if let Down::States(page) = &down { page.records.len() } else { 0 };
    let records = records.clamp(1, RECORDS_READ_MAX) as u32;
    let room = room.clone().acquire_many_owned(records).await.map_err(|_| ExchangeError::Cut)?;
    let counts = if let Down::States(page) = &down { counts(page) } else { Vec::new() };
    Ok(Frame { bytes, down, counts, _room: room })
}

type Call =
    tokio::task::JoinHandle<Result<tonic::Response<Streaming<wire::pb::DownFrame>>, tonic::Status>>;

impl Talk<'_, '_> {
    async fn run(mut self, call: Call) -> Result<Outcome, ExchangeError> {
        let started = self.started()?;
        let started = self.perform(started).await;
        let response = within(call).await?;
        let response = response.map_err(|_| ExchangeError::Cut)??;
        started?;
        let mut down = read(response.into_inner());
        while self.end.is_none() {
            let Some(event) = self.next(&mut down).await? else { continue };
            self.perform(event).await?;
        }
        self.up = None;
        let farewell = async { while let Some(Ok(_)) = down.recv().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(FAREWELL_S_MAX), farewell).await;
        let end = self.end.unwrap_or(End::Confused);
        Ok(Outcome {
            end,
            tally: self.tally,
            certificate: self.certificate,
            history: self.history,
            server_ahead_ms: self.server_ahead_ms,
            come_back_s: self.come_back_s,
        })
    }

    fn started(&mut self) -> Result<Event, ExchangeError> {
        self.turn = self.at.replica.turn()?;
        let facts = self.at.replica.facts()?;
        Ok(Event::Started(Box::new(facts), self.at.clock.now_ms()))
    }

    /// The next event: a frame, or something saved here while the stream rests.
    async fn next(
        &mut self,
        down: &mut mpsc::Receiver<Came>,
    ) -> Result<Option<Event>, ExchangeError> {
        if let Ok(came) = down.try_recv() {
            return self.received(came).map(Some);
        }
        if !self.pages.is_empty() {
            let linger = Duration::from_millis(PAGES_LINGER_MS);
            if let Ok(came) = tokio::time::timeout(linger, down.recv()).await {
                return self.received(came.unwrap_or(Err(ExchangeError::Cut))).map(Some);
            }
            self.write_pages()?;
        }
        if !self.resting {
            let came = within(down.recv()).await?;
            return self.received(came.unwrap_or(Err(ExchangeError::Cut))).map(Some);
        }
        let look = tokio::time::sleep(Duration::from_millis(LOOK_FOR_SAVES_MS));
        // In this order, so that a simulation repeats: what comes down goes before a look around.
        tokio::select! {
            biased;
            came = down.recv() => self.received(came.unwrap_or(Err(ExchangeError::Cut))).map(Some),
            () = look => self.look_around(),
        }
    }

    fn look_around(&mut self) -> Result<Option<Event>, ExchangeError> {
        if self.at.watcher.wants_to_leave() {
            self.end = Some(End::InStep);
            return Ok(None);
        }
        let saved = self.at.replica.equation()?.entered > self.session.sent();
        Ok(saved.then_some(Event::Saved))
    }

    fn received(&mut self, came: Came) -> Result<Event, ExchangeError> {
        // What has come before a cut is kept.
        let Frame { bytes, down, counts, .. } = match came {
            Ok(frame) => frame,
            Err(error) => {
                self.write_pages()?;
                return Err(error);
            }
        };
        self.tally.bytes_down += bytes;
        self.counts = counts;
        match &down {
            Down::States(page) => self.tally.records_received += page.records.len() as u64,
            Down::ComeBack(seconds) => self.come_back_s = (*seconds).min(limits::COME_BACK_S_MAX),
            _ => {}
        }
        self.at.watcher.moved(&self.tally);
        Ok(Event::Frame(down))
    }

    async fn perform(&mut self, event: Event) -> Result<(), ExchangeError> {
        let mut todo = VecDeque::from(self.session.on(event));
        while let Some(step) = todo.pop_front() {
            if let Some(event) = self.step(step).await? {
                todo.extend(self.session.on(event));
            }
        }
        Ok(())
    }

    /// Writes the pages that have come, durably.
    fn write_pages(&mut self) -> Result<(), ExchangeError> {
        let pages = std::mem::take(&mut self.pages);
        if !pages.is_empty() {
            self.at.replica.stage(&pages, self.known, &mut self.turn)?;
        }
        Ok(())
    }

    /// Pages that wait together were acknowledged together: acknowledgements write them first.
    fn keep_page(&mut self, page: States, known: u64) -> Result<(), ExchangeError> {
        self.known = known;
        let counts = std::mem::take(&mut self.counts);
        self.pages.push(Page::with_counts(page, counts));
        let records: usize = self.pages.iter().map(Page::records).sum();
        if records < WRITE_RECORDS_MAX { Ok(()) } else { self.write_pages() }
    }

    async fn step(&mut self, step: Do) -> Result<Option<Event>, ExchangeError> {
        if !matches!(step, Do::Stage { .. }) {
            self.write_pages()?;
        }
        let replica = &mut *self.at.replica;
        match step {
            Do::Send(up) => self.send(up).await?,
            Do::Load { after, bytes_max } => {
                let batch = load(replica, self.at.key, after, bytes_max)?;
                return Ok(Some(Event::Loaded(batch)));
            }
            Do::StartOver => return Ok(Some(self.started()?)),
            Do::Welcome(welcome) => {
                let ahead = welcome.server_ms.saturating_sub(self.at.clock.now_ms());
                self.server_ahead_ms = Some(ahead);
                replica.welcome(&welcome)?;
            }
            Do::Acknowledge(runs, receipt) => match replica.acknowledge(&runs, &receipt) {
                Err(ReplicaError::Word(Word::ReceiptMismatch)) => {
                    return Ok(Some(Event::OtherJournal));
                }
                taken => taken?,
            },
            Do::Stage { page, known } => self.keep_page(*page, known)?,
            Do::Outcomes(outcomes) => replica.take_outcomes(&outcomes)?,
            Do::Complete(complete) => {
                let done = match replica.complete(&complete, &mut self.turn) {
                    Err(ReplicaError::Word(Word::CheckpointWentBack))
                        if self.session.may_prove() =>
                    {
                        return Ok(Some(Event::WentBack));
                    }
                    done => done?,
                };
                if done.overtaken {
                    return Ok(Some(Event::Completed(done)));
                }
                self.tally.records_changed += done.changed;
                self.tally.refilled += done.mismatched.len();
                self.tally.completes += 1;
                self.come_back_s = complete.come_back_s.min(limits::COME_BACK_S_MAX);
                return Ok(Some(Event::Completed(done)));
            }
            Do::LookWhere => {
                let facts = replica.facts()?;
                return Ok(Some(Event::Here(facts.token, facts.position)));
            }
            Do::Chains(positions) => {
                return Ok(Some(Event::Chains(replica.chains_at(&positions)?)));
            }
            Do::Fork(common) => {
                let author = AuthorId(self.at.entropy.number());
                replica.fork(common, author, &mut |bytes| self.at.entropy.fill(bytes))?;
            }
            Do::LookAgain => return Ok(Some(Event::Looked(replica.facts()?.position))),
            Do::FindProof => return Ok(Some(Event::Proof(Box::new(replica.proof()?)))),
            Do::MakeRequest => return Ok(Some(Event::Request(self.at.key.csr_der()?))),
            Do::KeepCertificate(der) => {
                if !certifies(&der, self.at.key.public()) {
                    return Err(WireError::Malformed.into());
                }
                self.certificate = Some(der);
            }
            // What was not asked for is no answer, and says nothing of being in step.
            Do::ShowHistory(record, items) => {
                if self.asked.take_if(|asked| *asked == record).is_some() {
                    self.history = Some(items);
                    self.end = Some(End::InStep);
                }
            }
            Do::Rest => {
                self.resting = true;
                self.at.watcher.in_step(&self.tally);
                self.asked = self.at.history.take();
                return Ok(self.asked.map(Event::WantHistory));
            }
            Do::End(end) => self.end = Some(end),
        }
        Ok(None)
    }

    async fn send(&mut self, up: Up) -> Result<(), ExchangeError> {
        if let Up::Batch(batch) = &up {
            self.tally.acts_sent += u64::from(batch.count);
        }
        let frame = wire::up_to_pb(&up);
        self.tally.bytes_up += wire::encoded_len(&frame);
        let Some(channel) = &self.up else { return Ok(()) };
        within(channel.send(frame)).await?.map_err(|_| ExchangeError::Cut)?;
        self.at.watcher.moved(&self.tally);
        Ok(())
    }
}

/// The acts after a position, signed.
pub(super) fn load(
    replica: &Replica,
    key: &NodeKey,
    after: u64,
    bytes_max: usize,
) -> Result<Option<Batch>, ExchangeError> {
    let batch = replica.acts_after(after, limits::BATCH_ACTS_MAX, bytes_max)?;
    Ok(batch.map(|mut batch| {
        let signed = chain::signed_bytes(batch.author, batch.last(), batch.after);
        batch.signature = key.sign(&signed).to_vec();
        batch
    }))
}

/// What the replica knows of itself, as the session takes it.
async fn within<T>(work: impl Future<Output = T>) -> Result<T, ExchangeError> {
    tokio::time::timeout(Duration::from_secs(SILENCE_S_MAX), work)
        .await
        .map_err(|_| ExchangeError::Cut)
}
