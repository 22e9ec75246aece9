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
use dongbo_proto::limits;
use dongbo_proto::stamp::Window;
use dongbo_proto::wire::{self, pb};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::Province;
use super::account::{Account, refills};
use super::admission::{Admitted, Place};
use super::line::Work;
use super::metrics::LimitHit;
use super::prepared::{Ready, Room};
use crate::ca::NodeIdentity;
use crate::registry;
use crate::session::{Answer, Ask, Awaits, Do, Event, Session};
use crate::store::Executor;

/// Prepared batches that may wait for the one before them to merge.
const BATCHES_WAITING_MAX: usize = 2;
/// The longest that a frame may wait for a node that reads, in seconds: forty kilobytes at a crawl of
/// 1,200 bit/s. Whoever takes nothing for so long holds memory, and a place among those who are served.
const TAKES_S_MAX: u64 = 300;
/// A handshake that takes longer comes over a slow link, in milliseconds: it is three kilobytes and a
/// round trip. A server whose processors are busy may take as long; it then sends smaller pages for a
/// while, which cost it a little.
const SLOW_HANDSHAKE_MS: u32 = 2_000;
/// Records that a slow link carries in the time of its handshake, divided by its seconds: a page
/// should be through within seconds, for at the next cut whatever is not through is lost.
const SLOW_RECORDS: u32 = 120;
/// The least records in a page: fewer cost more in frames than a cut does.
const PAGE_RECORDS_MIN: usize = 8;
/// As long as nothing is awaited of the node: a year.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

pub(super) type Wires = mpsc::Sender<Result<pb::DownFrame, Status>>;
pub(super) type Happening = Event<Ready>;

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
    /// Records in a page: fewer over a slow link.
    records_max: usize,
    /// A page was read: however little room there is, each file brings the node on.
    has_paged: bool,
    /// Pages on their way out while the next are read.
    leaving: Option<tokio::task::JoinHandle<()>>,
    /// Its place among those who are served, while it works.
    place: Option<Place>,
    /// It was asked to come back, or takes nothing of what it is sent.
    left: bool,
    account: Account,
}

/// Records in a page over a link whose handshake took so long.
pub(super) fn page_of(handshake_ms: u32) -> usize {
    if handshake_ms < SLOW_HANDSHAKE_MS {
        return limits::PAGE_RECORDS_MAX;
    }
    let records = SLOW_RECORDS * 1_000 / handshake_ms;
    usize::try_from(records).unwrap_or_default().max(PAGE_RECORDS_MIN)
}

/// Serves one stream until either side ends it, with so many records in a page.
pub async fn serve(
    province: Arc<Province>,
    node: NodeIdentity,
    up: Streaming<pb::UpFrame>,
    down: Wires,
    records_max: usize,
) {
    let mut news = province.news.subscribe();
    let (events, mut heard) = mpsc::channel(BATCHES_WAITING_MAX);
    let (served, may_prepare) = watch::channel(false);
    let reading = tokio::spawn(read(province.clone(), node.clone(), up, events, may_prepare));
    let mut talk = Talk::new(province, node, down, u64::MAX);
    talk.records_max = records_max;
    let mut heard_at = Instant::now();
    while !talk.is_over() {
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
            () = tokio::time::sleep_until(talk.slow_at()) => {
                talk.slows();
                continue;
            }
            () = tokio::time::sleep_until(silent) => {
                talk.fell_silent();
                break;
            }
        };
        if !talk.is_admitted(&event).await {
            break;
        }
        served.send_replace(true);
        let is_news = matches!(event, Event::News);
        if is_news && talk.is_revoked().await {
            talk.perform(Event::Revoked).await;
        } else {
            talk.perform(event).await;
        }
        talk.rests();
        if !is_news {
            heard_at = Instant::now();
        }
    }
    reading.abort();
    talk.end().await;
}

/// Reads frames, and prepares batches away from the conversation, once it is served: those that wait
/// for their turn lie as they came.
async fn read(
    province: Arc<Province>,
    node: NodeIdentity,
    mut up: Streaming<pb::UpFrame>,
    events: mpsc::Sender<Happening>,
    mut may_prepare: watch::Receiver<bool>,
) {
    let room = Room::of(province.prepared.clone());
    let mut has_greeted = false;
    while let Ok(Some(frame)) = up.message().await {
        province.metrics.received(wire::encoded_len(&frame));
        let event = match wire::up_from_pb(frame) {
            // Out of turn: there is nobody yet whose turn it could wait for.
            Ok(Up::Batch(_)) if !has_greeted => Event::Batch(Err(Stop::BadFrame)),
            Ok(up @ Up::Batch(_)) => {
                if may_prepare.wait_for(|served| *served).await.is_err() {
                    return;
                }
                happening(&province, &node, up, &room).await
            }
            Ok(up) => {
                has_greeted |= matches!(up, Up::Hello(_));
                happening(&province, &node, up, &room).await
            }
            Err(_) => Event::Batch(Err(Stop::BadFrame)),
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}

/// What a frame of a node means to its session.
pub(super) async fn happening(
    province: &Province,
    node: &NodeIdentity,
    up: Up,
    room: &Room,
) -> Happening {
    let key = node.public_key;
    match up {
        Up::Batch(batch) => match province.compute(move || registry::prepare(batch, &key)).await {
            Ok(batch) => Event::Batch(room.keep(batch).await),
            Err(stop) => Event::Batch(Err(stop)),
        },
        frame => Event::Frame(frame),
    }
}

fn is_states(step: &Do<Ready>) -> bool {
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

/// What a conversation is about to do, where that must be asked for: at its Hello. One that rests is
/// served as things happen, by the same queues as all.
fn work_of(event: &Happening) -> Option<Work> {
    match event {
        Event::Frame(Up::Hello(hello)) => Some(Work::of(hello)),
        _ => None,
    }
}

impl Talk {
    /// A conversation that has not begun, of at most about `room` bytes of frames.
    pub(super) fn new(province: Arc<Province>, node: NodeIdentity, down: Wires, room: u64) -> Self {
        let session = province.session(&node);
        let session = if room < u64::MAX { session.by_file() } else { session };
        Talk {
            province,
            node,
            session,
            down,
            kept: None,
            room,
            records_max: limits::PAGE_RECORDS_MAX,
            has_paged: false,
            leaving: None,
            place: None,
            left: false,
            account: Account::default(),
        }
    }

    /// Whether the conversation may go on: one that says Hello waits for its turn, and may be asked to
    /// come back.
    async fn is_admitted(&mut self, event: &Happening) -> bool {
        let Some(work) = work_of(event).filter(|_| self.place.is_none()) else { return true };
        let door = self.province.door.clone();
        let admitted = tokio::select! {
            biased;
            // Who has gone need not be waited for.
            () = self.down.closed() => return false,
            admitted = door.ask(self.author(), work) => admitted,
        };
        match admitted {
            Admitted::Place(place) => {
                self.place = Some(place);
                true
            }
            Admitted::Back(seconds) => {
                self.comes_back(seconds).await;
                false
            }
        }
    }

    /// Asks the node to come back. All that was acknowledged or staged is kept.
    async fn comes_back(&mut self, seconds: u32) {
        self.left = true;
        self.send(Some(wire::down_to_pb(&Down::ComeBack(seconds)))).await;
    }

    /// When the conversation counts as slow.
    fn slow_at(&self) -> Instant {
        let at = self.place.as_ref().and_then(Place::slow_at);
        at.unwrap_or_else(|| Instant::now() + NEVER)
    }

    /// It waits for its link: its place is lighter from now on.
    fn slows(&mut self) {
        if let Some(place) = &mut self.place {
            place.slows();
        }
    }

    /// Gives its place back if everything was said.
    fn rests(&mut self) {
        if self.session.awaits() == Awaits::Nothing {
            self.place = None;
        }
    }

    /// Waits for the link, lighter after a while; `None` if the node takes nothing for too long.
    async fn patiently<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let until = Instant::now() + Duration::from_secs(TAKES_S_MAX);
        loop {
            let slow = self.slow_at().min(until);
            match tokio::time::timeout_at(slow, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if Instant::now() >= until => {
                    tracing::debug!(node = %self.author(), "left a node that takes nothing");
                    self.left = true;
                    return None;
                }
                Err(_) => self.slows(),
            }
        }
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
        self.session.author()
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
        self.left || self.session.is_over()
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
            if self.left {
                return;
            }
            if let Do::Page(_) = &step {
                if let Some(seconds) = self.place.as_ref().and_then(Place::must_give_way) {
                    return self.comes_back(seconds).await;
                }
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
    async fn send_apart(&mut self, pages: Vec<Do<Ready>>) {
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
        let Some(mut leaving) = self.leaving.take() else { return };
        if self.patiently(&mut leaving).await.is_none() {
            leaving.abort();
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
            let down = self.down.clone();
            if self.patiently(down.send(Ok(frame))).await.is_none() {
                return;
            }
        }
    }

    async fn step(&mut self, step: Do<Ready>) -> Option<Happening> {
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
            Do::View(author, token) => {
                let now = self.province.clock.now_ms();
                match self.province.view(author, &self.node.public_key, token).await {
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
            Do::Adopt(epoch) => {
                let adopted = self.province.adopt(&self.node, epoch).await;
                adopted.err().map(|s| Event::Judged(Err(s)))
            }
            Do::BeginAgain => {
                self.province.begin_again(self.author()).await.err().map(|s| Event::Judged(Err(s)))
            }
            Do::Chain(positions) => {
                Some(match self.province.chain(self.author(), positions).await {
                    Ok(heads) => Event::Chain(heads),
                    Err(stop) => Event::Received(Err(stop)),
                })
            }
            Do::Fork(fork) => {
                Some(Event::Forked(self.province.fork(fork, self.node.public_key).await))
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
        ready: Ready,
        window: Window,
    ) -> Result<(Vec<AckRun>, Box<Receipt>), Stop> {
        let window = Window { until_ms: self.province.clock.now_ms(), ..window };
        let Ready { batch, room: _room } = ready;
        let received = self.province.receive(batch, window).await?;
        Ok((received.0, Box::new(received.1)))
    }

    /// A page, unless the node was revoked a moment ago: standing is asked at every request.
    async fn page(&self, ask: Ask) -> Result<Answer, Stop> {
        if self.is_revoked().await {
            return Err(Stop::Revoked);
        }
        self.province.page(self.author(), ask, self.records_max).await
    }

    async fn finish(
        &self,
        marks: Option<Vec<ScopeMark>>,
        backed_up: u64,
    ) -> Result<Complete, Stop> {
        let server_ms = self.province.clock.now_ms();
        let (epoch, token) = self.province.finish(self.author(), server_ms).await?;
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
