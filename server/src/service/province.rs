//! The province as a conversation sees it: the registry's answers, made through the store's
//! executor, with receipts and checkpoints signed. Everything that a process needs to serve.
//!
//! Deliberately absent: what frames mean (`session`), what acts do (`registry`), sockets (`run`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use dongbo_proto::catalogue::catalogue;
use dongbo_proto::fate::Receipt;
use dongbo_proto::frame::{AckRun, Fork, HistoryItem, Proof, Stop, Token};
use dongbo_proto::id::{AuthorId, Epoch, Hash, RecordId, ScopeId};
use dongbo_proto::seam::{self, Clock, Entropy};
use dongbo_proto::sign::{self, Signer};
use dongbo_proto::stamp::Window;
use dongbo_proto::stick::SealingKey;
use tokio::sync::{Semaphore, broadcast};

use super::admission::Admission;
use super::converse::News;
use super::line::LineLimits;
use super::metrics::{LimitHit, Metrics};
use super::prepared::all_room;
use super::table::ConnectionTable;
use crate::ca::{Ca, NODE_VALIDITY_S, NodeIdentity, public_key_of_request};
use crate::registry::{self, Arrival, PageAsk, Prepared, RegistryError, Tokens, Word};
use crate::session::{Answer, Ask, CertificateAge, Session, View};
use crate::store::{Executor, ReadTx, StoreError, StoreHandle};

/// News that a slow conversation may fall behind before it is told simply to look.
const NEWS_WAITING_MAX: usize = 1_024;

/// Batches that are decoded and hashed at once, over all conversations: laid out, one may take
/// `CONTENT_BYTES_MAX`, and more of them than there are cores would not be ready sooner.
pub const BATCHES_AT_ONCE_MAX: usize = 4;
/// Snapshots that are read at once, over all conversations: each is a connection with a cache of 16 MiB
/// and a page of records in the making. More readers than cores only wait for the disk, and those that
/// rest are woken by the hundred when the province imports. Whoever asked first reads first.
pub const READS_AT_ONCE_MAX: usize = 8;
/// Time from the opening of a stream to a whole Hello, in seconds: it is some hundred bytes, and
/// leaves with the request.
pub const HELLO_S_MAX: u64 = 30;
/// Time in which a node that is at turn must have sent a whole frame, in seconds. The node itself
/// gives a link up after 120 silent seconds, and halves its batches then: a longer patience here
/// only serves who drips.
pub const FRAME_S_MAX: u64 = 150;

/// How long a conversation waits for its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// See [`HELLO_S_MAX`].
    pub hello: Duration,
    /// See [`FRAME_S_MAX`].
    pub frame: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            hello: Duration::from_secs(HELLO_S_MAX),
            frame: Duration::from_secs(FRAME_S_MAX),
        }
    }
}

/// Everything that serving needs.
pub struct Province {
    /// The store with its executor.
    pub store: StoreHandle,
    /// Where pure work runs: beside the conversations, or inline in the simulator.
    pub executor: Executor,
    /// The authority that signs certificates.
    pub ca: Ca,
    /// The key of receipts and checkpoints.
    pub signer: Arc<Signer>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// What conversations tell each other.
    pub news: broadcast::Sender<News>,
    /// The connections that are up.
    pub table: ConnectionTable,
    /// The key to which files on a stick are sealed; none where no stick is taken (the simulator).
    pub sealing: Option<SealingKey>,
    /// How long conversations wait for their nodes.
    pub patience: Patience,
    /// Who is served, and who waits.
    pub door: Admission,
    /// Memory for batches that wait to merge.
    pub prepared: Arc<Semaphore>,
    /// What is counted.
    pub metrics: Metrics,
    computing: Semaphore,
    reading: Semaphore,
}

/// A registry error as the end of a conversation. The log has the rest.
fn stop(error: RegistryError) -> Stop {
    tracing::warn!(%error, "a conversation stops");
    match error {
        RegistryError::Store(StoreError::Busy | StoreError::Closed) => Stop::Busy,
        RegistryError::Stop(stop) => stop,
        _ => Stop::Storage,
    }
}

impl Province {
    /// Puts a province together.
    pub fn new(
        store: StoreHandle,
        executor: Executor,
        ca: Ca,
        signer: Signer,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (news, _) = broadcast::channel(NEWS_WAITING_MAX);
        let metrics = Metrics::default();
        let table = ConnectionTable::counted(metrics.clone());
        let (patience, computing) = (Patience::default(), Semaphore::new(BATCHES_AT_ONCE_MAX));
        let (sealing, signer) = (None, Arc::new(signer));
        Province {
            store,
            executor,
            ca,
            signer,
            clock,
            entropy,
            news,
            table,
            sealing,
            patience,
            door: Admission::new(LineLimits::default()),
            prepared: all_room(),
            metrics,
            computing,
            reading: Semaphore::new(READS_AT_ONCE_MAX),
        }
    }

    /// The same, with the key to which files on a stick are sealed.
    #[must_use]
    pub fn with_sealing(mut self, key: SealingKey) -> Self {
        self.sealing = Some(key);
        self
    }

    /// Tells every conversation. Nobody listening is no error.
    pub fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }

    /// Signs with the server's key.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.signer.sign(bytes).to_vec()
    }

    /// A session for the node of a certificate.
    pub fn session(&self, node: &NodeIdentity) -> Session {
        let now_s = self.clock.now_ms() / 1_000;
        let age = if node.expired_at(now_s) {
            CertificateAge::Expired
        } else if now_s >= node.renew_at() {
            CertificateAge::Due
        } else {
            CertificateAge::Fresh
        };
        Session::new(AuthorId(node.node_id), age, catalogue().version())
    }

    /// Runs pure work where the executor wants it, [`BATCHES_AT_ONCE_MAX`] at a time.
    pub async fn compute<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Stop> + Send + 'static,
    ) -> Result<R, Stop> {
        match self.executor {
            Executor::Inline => work(),
            Executor::Threads => {
                let Ok(_room) = self.computing.acquire().await else { return Err(Stop::Busy) };
                tokio::task::spawn_blocking(work).await.unwrap_or(Err(Stop::BadBatch))
            }
        }
    }

    /// Reads from one snapshot, [`READS_AT_ONCE_MAX`] at a time, in the order of asking.
    async fn read<R: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn ReadTx) -> registry::Result<R> + Send + 'static,
    ) -> registry::Result<R> {
        let room = match self.executor {
            Executor::Inline => None,
            Executor::Threads => self.reading.acquire().await.ok(),
        };
        let read = self.store.read(job).await;
        drop(room);
        read
    }

    /// What is known of an author, if its key is this one, and what a token says of it.
    pub async fn view(
        &self,
        author: AuthorId,
        key: &[u8; 32],
        token: Token,
    ) -> Result<Option<View>, Stop> {
        let view = self.read(move |tx| registry::node_view(tx, author)).await.map_err(stop)?;
        let Some(view) = view.filter(|view| view.public_key == *key) else { return Ok(None) };
        let epochs = |tx: &dyn ReadTx| {
            Ok::<_, RegistryError>((registry::epochs(tx)?, registry::epoch(tx)?.at_ms))
        };
        let (epochs, epoch_ms) = self.read(epochs).await.map_err(stop)?;
        let Some((epoch, ancestors)) = epochs.split_first() else { return Err(Stop::Storage) };
        let presented = Tokens { signer: &self.signer, epoch: *epoch }.judge(&view, &token);
        Ok(Some(View {
            presented,
            position: view.position,
            head: view.head,
            grants: view.grants,
            empty: view.empty,
            revoked: view.revoked,
            last_complete_ms: view.last_complete_ms,
            epoch: *epoch,
            epoch_ms,
            ancestors: ancestors.to_vec(),
            backed_up: view.backed_up,
        }))
    }

    /// Merges a batch; the answer is durable.
    pub async fn receive(
        &self,
        batch: Prepared,
        window: Window,
    ) -> Result<(Vec<AckRun>, Receipt), Stop> {
        let now_ms = self.clock.now_ms();
        let (author, size) = (batch.batch.author, batch.batch.body.len());
        let acts = u64::from(batch.batch.count);
        let arrival = Arrival { window, now_ms };
        let job = move |tx: &mut dyn crate::store::WriteTx| {
            let received = registry::merge(tx, &batch, &arrival)?;
            let receipt = registry::receipt(tx.reading(), author, now_ms)?;
            Ok::<_, RegistryError>((received, receipt))
        };
        let began = Instant::now();
        let written = self.store.write_sized(size, job).await;
        if let Err(RegistryError::Store(StoreError::Busy)) = &written {
            self.metrics.limit(LimitHit::WriterQueue);
        }
        let (received, receipt) = written.map_err(stop)?;
        self.metrics.batch(acts, began.elapsed());
        self.tell(News::Scopes(received.news.into()));
        Ok((received.runs, self.signed(receipt)))
    }

    fn signed(&self, mut receipt: Receipt) -> Receipt {
        receipt.signature = self.sign(&receipt.signed_bytes());
        receipt
    }

    /// The signed receipt of an author.
    pub async fn receipt(&self, author: AuthorId) -> Result<Receipt, Stop> {
        let now_ms = self.clock.now_ms();
        let read = self.read(move |tx| registry::receipt(tx, author, now_ms)).await;
        Ok(self.signed(read.map_err(stop)?))
    }

    /// Whether a node was revoked.
    pub async fn is_revoked(&self, author: AuthorId) -> Result<bool, Stop> {
        self.read(move |tx| registry::is_revoked(tx, author)).await.map_err(stop)
    }

    /// What one snapshot has for a node.
    pub async fn page(
        &self,
        author: AuthorId,
        ask: Ask,
        records_max: usize,
    ) -> Result<Answer, Stop> {
        let ask = PageAsk {
            author,
            cursors: ask.cursors,
            acks_from: ask.acks_from,
            inbox: ask.inbox,
            records_max,
        };
        let reply = self.read(move |tx| registry::page(tx, &ask)).await.map_err(stop)?;
        Ok(Answer {
            acks: reply.acks,
            outcomes: reply.outcomes,
            states: reply.states,
            cursors: reply.cursors,
            complete: reply.complete,
        })
    }

    /// Names and keeps the token that a `Complete` will carry; answers it with the epoch in force.
    pub async fn finish(&self, author: AuthorId, now_ms: i64) -> Result<(Epoch, Token), Stop> {
        let signer = self.signer.clone();
        let job =
            move |tx: &mut dyn crate::store::WriteTx| registry::finish(tx, author, &signer, now_ms);
        self.store.write(job).await.map_err(stop)
    }

    /// The chain hashes of an author's journal at some positions; none where it does not reach.
    pub async fn chain(
        &self,
        author: AuthorId,
        positions: Vec<u64>,
    ) -> Result<Vec<Option<Hash>>, Stop> {
        let job = move |tx: &dyn ReadTx| {
            positions.iter().map(|at| registry::chain_at(tx, author, *at)).collect()
        };
        self.store.read(job).await.map_err(stop)
    }

    /// Takes down that a journal of a key goes on as another author's, *deliver only*.
    pub async fn fork(&self, fork: Fork, key: [u8; 32]) -> Result<(), Stop> {
        let now_ms = self.clock.now_ms();
        let job = move |tx: &mut dyn crate::store::WriteTx| registry::fork(tx, &fork, &key, now_ms);
        self.store.write(job).await.map_err(stop)?;
        tracing::warn!(
            parent = %fork.parent, author = %fork.author, at = fork.at,
            "a machine is not where it was left: its disk was put back, or is a copy; it may only \
             deliver until it is invited again"
        );
        Ok(())
    }

    /// A node presented a token that this server named and the registry does not know.
    pub async fn begin_again(&self, author: AuthorId) -> Result<(), Stop> {
        let (epoch, now_ms) = (Epoch(seam::bytes(self.entropy.as_ref())), self.clock.now_ms());
        let job = move |tx: &mut dyn crate::store::WriteTx| {
            registry::begin_again(tx, author, epoch, now_ms)
        };
        self.store.write(job).await.map_err(stop)?;
        self.began(author, epoch);
        Ok(())
    }

    /// Takes in a node that the registry does not know, by its certificate, *deliver only*.
    pub async fn adopt(&self, node: &NodeIdentity, known: Option<Epoch>) -> Result<(), Stop> {
        let (next, now_ms) = (Epoch(seam::bytes(self.entropy.as_ref())), self.clock.now_ms());
        let (author, key) = (AuthorId(node.node_id), node.public_key);
        let scopes: Vec<ScopeId> = node.scopes.iter().copied().map(ScopeId).collect();
        let job = move |tx: &mut dyn crate::store::WriteTx| {
            if known
                .is_some_and(|known| registry::epoch(tx.reading()).is_ok_and(|e| e.epoch == known))
            {
                registry::begin_again(tx, author, next, now_ms)?;
            }
            registry::adopt(tx, author, &key, &scopes, now_ms)?;
            Ok::<_, RegistryError>(registry::epoch(tx.reading())?.epoch)
        };
        let epoch = self.store.write(job).await.map_err(stop)?;
        tracing::warn!(
            node = %author,
            "a node has a certificate of this province and is not in the registry, which is older; \
             it may only deliver until it is invited again"
        );
        if epoch == next {
            self.began(author, epoch);
        }
        Ok(())
    }

    fn began(&self, author: AuthorId, epoch: Epoch) {
        tracing::error!(
            node = %author, %epoch,
            "the registry was put back: a node holds this server's word of what it lacks; a new \
             epoch began, and nodes send again what was lost"
        );
        self.metrics.epoch_begun();
        self.tell(News::Epoch(author));
    }

    /// Keeps that a node has a token and outcomes, and with it what it said of itself.
    pub async fn confirm(
        &self,
        author: AuthorId,
        token: Token,
        inbox: u64,
        word: Option<Word>,
    ) -> Result<(), Stop> {
        let job = move |tx: &mut dyn crate::store::WriteTx| {
            word.iter().try_for_each(|word| registry::keep_word(tx, author, word))?;
            registry::confirm(tx, author, token, inbox)
        };
        self.store.write(job).await.map_err(stop)
    }

    /// Keeps what a node said of itself, where nothing else is written. A store that does not take
    /// it is no further failure.
    pub async fn keep_word(&self, author: AuthorId, word: Word) {
        let job = move |tx: &mut dyn crate::store::WriteTx| registry::keep_word(tx, author, &word);
        if let Err(error) = self.store.write(job).await {
            tracing::debug!(node = %author, %error, "a node's last word was not kept");
        }
    }

    /// Looks at what a node has of this server's own signatures; where the registry holds less, a new
    /// epoch is in force when this returns, and every other conversation is told to come again.
    pub async fn judge(&self, author: AuthorId, proof: Proof) -> Result<(), Stop> {
        let proof = self.genuine(proof);
        let (epoch, now_ms) = (Epoch(seam::bytes(self.entropy.as_ref())), self.clock.now_ms());
        let job = move |tx: &mut dyn crate::store::WriteTx| {
            registry::judge(tx, author, &proof, epoch, now_ms)
        };
        if self.store.write(job).await.map_err(stop)? {
            self.began(author, epoch);
        }
        Ok(())
    }

    /// What of a proof this server has signed.
    fn genuine(&self, proof: Proof) -> Proof {
        let key = self.signer.public();
        let signed = |bytes: Vec<u8>, signature: &[u8]| {
            signature.try_into().is_ok_and(|signature| sign::verify(key, &bytes, signature))
        };
        Proof {
            receipt: proof.receipt.filter(|r| signed(r.signed_bytes(), &r.signature)),
            checkpoint: proof.checkpoint.filter(|c| signed(c.signed_bytes(), &c.signature)),
        }
    }

    /// The history of a record, as far as the author may see it.
    pub async fn history(
        &self,
        author: AuthorId,
        record: RecordId,
    ) -> Result<Vec<HistoryItem>, Stop> {
        self.read(move |tx| registry::history_for(tx, author, record)).await.map_err(stop)
    }

    /// Signs a renewal: only for the key that the node has.
    pub async fn renew(&self, node: &NodeIdentity, request: Vec<u8>) -> Result<Vec<u8>, Stop> {
        if public_key_of_request(&request).ok() != Some(node.public_key) {
            return Err(Stop::BadFrame);
        }
        let author = AuthorId(node.node_id);
        let view = self.view(author, &node.public_key, Token::default()).await?;
        let view = view.filter(|v| !v.revoked).ok_or(Stop::Revoked)?;
        let scopes: Vec<u32> = view.grants.iter().map(|g| g.scope.0).collect();
        let now_s = self.clock.now_ms() / 1_000;
        let until = now_s.saturating_add(NODE_VALIDITY_S);
        let signed = self.ca.sign_node(&request, node.node_id, &scopes, now_s, until);
        signed.map(|der| der.to_vec()).map_err(|_| Stop::BadFrame)
    }
}
