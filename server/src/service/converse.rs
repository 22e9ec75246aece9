//! One conversation with a node over a gRPC stream: performs what the session says.
//!
//! Batches are prepared (decoded, hashed, verified) while the one before them merges; merges go
//! through the writer that many conversations share. Deliberately absent: what frames mean (the
//! session) and what acts do (the registry).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dongbo_proto::fate::{Checkpoint, Receipt, ScopeMark};
use dongbo_proto::frame::{AckRun, Complete, Down, Stop, Up};
use dongbo_proto::id::{AuthorId, ScopeId};
use dongbo_proto::seam;
use dongbo_proto::stamp::Window;
use dongbo_proto::wire::{self, pb};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::Province;
use super::account::{Account, refills};
use super::metrics::LimitHit;
use crate::ca::NodeIdentity;
use crate::registry::{self, Prepared};
use crate::session::{Answer, Ask, Awaits, Do, Event, Session};
use crate::store::Executor;

/// Prepared batches that may wait for the one before them to merge.
const BATCHES_WAITING_MAX: usize = 2;
/// As long as nothing is awaited of the node: a year.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

pub(super) type Wires = mpsc::Sender<Result<pb::DownFrame, Status>>;
pub(super) type Happening = Event<Prepared>;

/// One conversation under way.
pub(super) struct Talk {
    province: Arc<Province>,
    node: NodeIdentity,
    session: Session,
    down: Wires,
    /// A Welcome that waits for what is said with it: apart, each costs a record of TLS.
    kept: Option<pb::DownFrame>,
    /// Bytes of frames that may still be begun: a stream has no end, a file on a stick has.
    room: u64,
    /// A page was read: however little room there is, each file brings the node on.
    has_paged: bool,
    /// Pages on their way out while the next are read.
    leaving: Option<tokio::task::JoinHandle<()>>,
    account: Account,
}

/// Serves one stream until either side ends it.
pub async fn serve(
    province: Arc<Province>,
    node: NodeIdentity,
    up: Streaming<pb::UpFrame>,
    down: Wires,
) {
    let mut news = province.news.subscribe();
    let (events, mut heard) = mpsc::channel(BATCHES_WAITING_MAX);
    let reading = tokio::spawn(read(province.clone(), node, up, events));
    let mut talk = Talk::new(province, node, down, u64::MAX);
    let mut heard_at = Instant::now();
    while !talk.session.is_over() {
        let silent = talk.silent_at(heard_at);
        let event = tokio::select! {
            biased;
            event = heard.recv() => match event {
                Some(event) => event,
                None => break,
            },
            told = news.recv() => match talk.concerns(told) {
                Some(event) => event,
                None => continue,
            },
            () = tokio::time::sleep_until(silent) => {
                talk.fell_silent();
                break;
            }
        };
        let is_news = matches!(event, Event::News);
        if is_news && talk.is_revoked().await {
            talk.perform(Event::Revoked).await;
        } else {
            talk.perform(event).await;
        }
        if !is_news {
            heard_at = Instant::now();
        }
    }
    reading.abort();
    talk.end().await;
}

/// Reads frames, and prepares batches away from the conversation.
async fn read(
    province: Arc<Province>,
    node: NodeIdentity,
    mut up: Streaming<pb::UpFrame>,
    events: mpsc::Sender<Happening>,
) {
    while let Ok(Some(frame)) = up.message().await {
        province.metrics.received(wire::encoded_len(&frame));
        let event = match wire::up_from_pb(frame) {
            Ok(up) => happening(&province, &node, up).await,
            Err(_) => Event::Batch(Err(Stop::BadFrame)),
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// What a frame of a node means to its session.
pub(super) async fn happening(province: &Province, node: &NodeIdentity, up: Up) -> Happening {
    let key = node.public_key;
    match up {
        Up::Batch(batch) => {
            Event::Batch(province.compute(move || registry::prepare(batch, &key)).await)
        }
        frame => Event::Frame(frame),
    }
}

fn is_states(step: &Do<Prepared>) -> bool {
    matches!(step, Do::Send(down) if matches!(**down, Down::States(_)))
}

/// What was told to every conversation.
#[derive(Clone, Debug)]
pub enum News {
    /// These scopes advanced.
    Scopes(Arc<[ScopeId]>),
    /// An outcome waits for this author.
    Outcome(AuthorId),
    /// This node was revoked.
    Revoked(AuthorId),
    /// Another process wrote; look.
    Anything,
    /// A new epoch began: a node, which is answered in it, has shown that the registry went back.
    Epoch(AuthorId),
    /// The server is about to stop.
    Closing,
}

impl Talk {
    /// A conversation that has not begun, of at most about `room` bytes of frames.
    pub(super) fn new(province: Arc<Province>, node: NodeIdentity, down: Wires, room: u64) -> Self {
        let session = province.session(&node);
        let account = Account::default();
        let (kept, has_paged, leaving) = (None, false, None);
        Talk { province, node, session, down, kept, room, has_paged, leaving, account }
    }

    /// When silence has lasted too long, counted from what the node said last.
    fn silent_at(&self, heard_at: Instant) -> Instant {
        let patience = self.province.patience;
        match self.session.awaits() {
            Awaits::Hello => heard_at + patience.hello,
            Awaits::Frame => heard_at + patience.frame,
            Awaits::Nothing => Instant::now() + NEVER,
        }
    }

    fn author(&self) -> AuthorId {
        AuthorId(self.node.node_id)
    }

    /// Whether news concerns this node; having missed some counts as news.
    fn concerns(&self, told: Result<News, broadcast::error::RecvError>) -> Option<Happening> {
        match told {
            Ok(News::Revoked(author)) if author == self.author() => Some(Event::Revoked),
            Ok(News::Scopes(scopes)) if scopes.iter().any(|s| self.session.holds(*s)) => {
                Some(Event::News)
            }
            Ok(News::Outcome(author)) if author == self.author() => Some(Event::News),
            // Whoever conversed in the old one greets again.
            Ok(News::Epoch(author)) if author == self.author() => None,
            Ok(News::Epoch(_)) | Ok(News::Closing) => Some(Event::Received(Err(Stop::Busy))),
            Ok(News::Anything) | Err(broadcast::error::RecvError::Lagged(_)) => Some(Event::News),
            _ => None,
        }
    }

    /// Whether the node was revoked since: an open stream must not hear another byte.
    async fn is_revoked(&self) -> bool {
        !self.session.delivers_only()
            && matches!(self.province.is_revoked(self.author()).await, Ok(true))
    }

    /// Whether the conversation is over.
    pub(super) fn is_over(&self) -> bool {
        self.session.is_over()
    }

    /// The node was at turn and said nothing.
    fn fell_silent(&mut self) {
        let limit = match self.session.awaits() {
            Awaits::Hello => LimitHit::HelloTime,
            _ => LimitHit::FrameTime,
        };
        self.province.metrics.limit(limit);
        self.account.fell_silent();
        tracing::debug!(node = %self.author(), "left a node that was at turn and said nothing");
    }

    /// All frames came in a file: nothing is confirmed before the next one.
    pub(super) fn carried(&mut self) {
        self.account.carried();
    }

    /// The conversation is over: counts what it came to, and keeps what of it was not kept yet.
    pub(super) async fn end(&mut self) {
        self.province.metrics.exchange(self.account.end());
        if let Some(word) = self.account.take_word() {
            self.province.keep_word(self.author(), word).await;
        }
    }

    /// Takes note of a frame that came.
    fn note(&mut self, event: &Happening) {
        let Event::Frame(up) = event else { return };
        if let Up::Hello(hello) = up {
            self.province.metrics.refills(refills(hello));
        }
        let now_ms = self.province.clock.now_ms();
        self.account.heard(up, self.node.not_after, now_ms);
    }

    /// Takes note of a frame that goes.
    fn note_down(&mut self, down: &Down) {
        if matches!(down, Down::Stop(Stop::BadFrame)) {
            self.province.metrics.limit(LimitHit::Frame);
        }
        self.account.said(down);
    }

    /// Performs what the session says to an event, to its end.
    pub(super) async fn perform(&mut self, event: Happening) {
        self.note(&event);
        if matches!(event, Event::Revoked) {
            self.leaving.take().inspect(tokio::task::JoinHandle::abort);
        }
        let mut todo = VecDeque::from(self.session.on(event));
        while let Some(step) = todo.pop_front() {
            if is_states(&step) && self.encodes_apart() {
                let more = todo.iter().take_while(|step| is_states(step)).count();
                let pages = std::iter::once(step).chain(todo.drain(..more)).collect();
                self.send_apart(pages).await;
                continue;
            }
            if let Do::Page(_) = &step {
                // A file that is full ends here: the next one goes on from what this one brought.
                if self.room == 0 && self.has_paged {
                    break;
                }
                self.has_paged = true;
            }
            if let Some(event) = self.step(step).await {
                todo.extend(self.session.on(event));
            }
        }
        self.send(None).await;
    }

    /// Whether pages may be laid out beside the reading of the next: there are threads for it, and
    /// nobody counts their bytes.
    fn encodes_apart(&self) -> bool {
        self.province.executor == Executor::Threads && self.room == u64::MAX
    }

    /// Lays pages out and sends them beside what follows; one group at a time, in order.
    async fn send_apart(&mut self, pages: Vec<Do<Prepared>>) {
        self.send(None).await;
        self.land().await;
        let (province, down) = (self.province.clone(), self.down.clone());
        self.leaving = Some(tokio::spawn(async move {
            for page in pages {
                let Do::Send(page) = page else { continue };
                let frame = province.compute(move || Ok(wire::down_to_pb(&page))).await;
                frame.iter().for_each(|frame| province.metrics.sent(wire::encoded_len(frame)));
                if down.send(frame.map_err(|_| Status::internal("a page"))).await.is_err() {
                    return;
                }
            }
        }));
    }

    /// Waits until the pages that leave are on the stream.
    async fn land(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            let _ = leaving.await;
        }
    }

    /// Sends what was kept, then a frame. A node that is gone is noticed by the reader.
    async fn send(&mut self, frame: Option<pb::DownFrame>) {
        if self.kept.is_some() || frame.is_some() {
            self.land().await;
        }
        for frame in self.kept.take().into_iter().chain(frame) {
            let bytes = wire::encoded_len(&frame);
            self.province.metrics.sent(bytes);
            if self.room < u64::MAX {
                self.room = self.room.saturating_sub(bytes);
            }
            let _ = self.down.send(Ok(frame)).await;
        }
    }

    async fn step(&mut self, step: Do<Prepared>) -> Option<Happening> {
        if let Do::Send(down) = &step {
            self.note_down(down);
        }
        match step {
            Do::Send(down) if matches!(*down, Down::Welcome(_)) => {
                self.send(None).await;
                self.kept = Some(wire::down_to_pb(&down));
                None
            }
            Do::Send(down) => {
                self.send(Some(wire::down_to_pb(&down))).await;
                None
            }
            Do::View(author) => {
                let now = self.province.clock.now_ms();
                match self.province.view(author).await {
                    Ok(view) => Some(Event::Viewed(view.map(Box::new), now)),
                    Err(stop) => Some(Event::Received(Err(stop))),
                }
            }
            Do::Receive(batch, window) => Some(Event::Received(self.receive(batch, window).await)),
            Do::Page(ask) => Some(Event::Paged(self.page(ask).await.map(Box::new))),
            Do::Receipt(runs) => match self.province.receipt(self.author()).await {
                Ok(receipt) => Some(Event::Receipt(runs, Box::new(receipt))),
                Err(stop) => Some(Event::Received(Err(stop))),
            },
            Do::Finish(marks, backed_up) => {
                Some(Event::Finished(self.finish(marks, backed_up).await.map(Box::new)))
            }
            Do::Confirm(token, inbox) => {
                let (author, word) = (self.author(), self.account.take_word());
                self.province
                    .confirm(author, token, inbox, word)
                    .await
                    .err()
                    .map(|s| Event::Received(Err(s)))
            }
            Do::Judge(proof) => {
                Some(Event::Judged(self.province.judge(self.author(), *proof).await))
            }
            Do::Renew(request) => Some(Event::Renewed(self.renew(request).await)),
            Do::History(record) => {
                let items = self.province.history(self.author(), record).await;
                Some(Event::History(record, items.unwrap_or_default()))
            }
            Do::Close => None,
        }
    }

    async fn receive(
        &self,
        batch: Prepared,
        window: Window,
    ) -> Result<(Vec<AckRun>, Box<Receipt>), Stop> {
        let window = Window { until_ms: self.province.clock.now_ms(), ..window };
        let received = self.province.receive(batch, window).await?;
        Ok((received.0, Box::new(received.1)))
    }

    /// A page, unless the node was revoked a moment ago: standing is asked at every request.
    async fn page(&self, ask: Ask) -> Result<Answer, Stop> {
        if self.is_revoked().await {
            return Err(Stop::Revoked);
        }
        self.province.page(self.author(), ask).await
    }

    async fn finish(
        &self,
        marks: Option<Vec<ScopeMark>>,
        backed_up: u64,
    ) -> Result<Complete, Stop> {
        let token = seam::bytes(self.province.entropy.as_ref());
        let server_ms = self.province.clock.now_ms();
        let epoch = self.province.finish(self.author(), token, server_ms).await?;
        let checkpoint = marks.map(|marks| {
            let mut checkpoint =
                Checkpoint { epoch, at_ms: server_ms, marks, signature: Vec::new() };
            checkpoint.signature = self.province.sign(&checkpoint.signed_bytes());
            checkpoint
        });
        Ok(Complete { checkpoint, token, server_ms, backed_up, come_back_s: 0 })
    }

    async fn renew(&self, request: Vec<u8>) -> Result<Vec<u8>, Stop> {
        self.province.renew(&self.node, request).await
    }
}
