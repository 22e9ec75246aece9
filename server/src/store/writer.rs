//! Group commit: jobs of many nodes share one transaction and one fsync.
//!
//! The executor is a seam. [`Executor::Threads`] has one writer thread that drains a bounded queue
//! into one transaction; [`Executor::Inline`] runs each job at once on the caller, so that the
//! simulator and the command line are deterministic and need no runtime. Either way a job's answer
//! is given after the durable commit that holds it.
//!
//! Deliberately absent: what jobs do, and any retry of a failed commit: the caller knows whether
//! to try again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::error::StoreError;
use super::{ReadTx, Rollback, Store, WriteJob, WriteTx};

/// Jobs in one commit: an fsync shared by 64 is already a hundredth of what they cost themselves.
pub const GROUP_JOBS_MAX: usize = 64;
/// Bytes of batches in one commit, so that the WAL stays small.
pub const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A commit starts no further job after this long: nobody waits on a stranger for longer.
pub const GROUP_TIME_MAX: Duration = Duration::from_millis(100);
/// Jobs that may wait; above it nodes are told to come back later.
pub const QUEUE_JOBS_MAX: usize = 4_096;

/// Who runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// A writer thread, and readers on the runtime's blocking threads.
    Threads,
    /// The caller, at once.
    Inline,
}

type Run = Box<dyn FnMut(&mut dyn WriteTx) -> Result<(), Rollback> + Send>;
/// Takes the job back too: what it held is freed where it was made, not on the writer.
type Done = Box<dyn FnOnce(Result<(), StoreError>, Run) + Send>;

struct Queued {
    run: Run,
    done: Done,
    bytes: usize,
}

/// A store with its executor; cheap to clone.
#[derive(Clone)]
pub struct StoreHandle {
    store: Arc<dyn Store>,
    queue: Option<SyncSender<Queued>>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

type Slot<R, E> = Arc<Mutex<Option<Result<R, E>>>>;

/// Makes the untyped job that keeps its typed result in a slot.
fn into_slot<R, E>(
    slot: Slot<R, E>,
    mut job: impl FnMut(&mut dyn WriteTx) -> Result<R, E>,
) -> impl FnMut(&mut dyn WriteTx) -> Result<(), Rollback> {
    move |tx| {
        let result = job(tx);
        let kept = if result.is_ok() { Ok(()) } else { Err(Rollback) };
        if let Ok(mut slot) = slot.lock() {
            *slot = Some(result);
        }
        kept
    }
}

fn out_of_slot<R, E: From<StoreError>>(
    slot: &Slot<R, E>,
    commit: Result<(), StoreError>,
) -> Result<R, E> {
    commit.map_err(E::from)?;
    let taken = slot.lock().ok().and_then(|mut slot| slot.take());
    taken.unwrap_or_else(|| Err(StoreError::Panicked.into()))
}

impl StoreHandle {
    /// Takes a store over; with [`Executor::Threads`] this starts the writer thread, which ends
    /// when the last handle is dropped.
    pub fn new(store: Arc<dyn Store>, executor: Executor) -> Self {
        let mut thread = None;
        let queue = match executor {
            Executor::Inline => None,
            Executor::Threads => {
                let (sender, receiver) = sync_channel(QUEUE_JOBS_MAX);
                let writer = store.clone();
                let named = std::thread::Builder::new().name("store-writer".into());
                // Without a thread the queue has no reader, and each write says `Closed`.
                thread = named.spawn(move || drain(&*writer, &receiver)).ok();
                Some(sender)
            }
        };
        StoreHandle { store, queue, writer: Arc::new(Mutex::new(thread)) }
    }

    /// The writer thread, once, for whoever ends the process: it ends after the last handle is dropped,
    /// and closes the store then. A process that ends meanwhile takes the cipher's library from under it.
    pub fn take_writer(&self) -> Option<JoinHandle<()>> {
        self.writer.lock().ok().and_then(|mut writer| writer.take())
    }

    /// The store itself.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Runs a job in a group commit and answers after it is durable.
    ///
    /// # Errors
    /// The job's own, after which nothing of it was kept; or the store's.
    pub async fn write<R, E, F>(&self, job: F) -> Result<R, E>
    where
        F: FnMut(&mut dyn WriteTx) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_sized(0, job).await
    }

    /// The same, for a job that brings so many bytes.
    ///
    /// # Errors
    /// As [`StoreHandle::write`].
    pub async fn write_sized<R, E, F>(&self, bytes: usize, job: F) -> Result<R, E>
    where
        F: FnMut(&mut dyn WriteTx) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(queue) = &self.queue else { return self.write_now(job) };
        let slot: Slot<R, E> = Slot::default();
        let (sender, receiver) = oneshot::channel();
        let done: Done = Box::new(move |commit, run| drop(sender.send((commit, run))));
        let run: Run = Box::new(into_slot(slot.clone(), job));
        queue.try_send(Queued { run, done, bytes }).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        let commit = receiver.await.map_err(|_| StoreError::Closed).and_then(|(commit, _)| commit);
        out_of_slot(&slot, commit)
    }

    /// Runs a job on the caller and answers after it is durable: for the command line.
    ///
    /// # Errors
    /// As [`StoreHandle::write`].
    pub fn write_now<R, E: From<StoreError>>(
        &self,
        job: impl FnMut(&mut dyn WriteTx) -> Result<R, E>,
    ) -> Result<R, E> {
        let slot: Slot<R, E> = Slot::default();
        let mut run = into_slot(slot.clone(), job);
        let commit = self.store.write(&mut [&mut run as &mut WriteJob<'_>]).map(drop);
        out_of_slot(&slot, commit)
    }

    /// Runs a job on one snapshot.
    ///
    /// # Errors
    /// The job's own, or the store's.
    pub async fn read<R, E, F>(&self, job: F) -> Result<R, E>
    where
        F: FnOnce(&dyn ReadTx) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if self.queue.is_none() {
            return self.read_now(job);
        }
        let this = self.clone();
        let ran = tokio::task::spawn_blocking(move || this.read_now(job)).await;
        ran.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Runs a job on one snapshot, on the caller.
    ///
    /// # Errors
    /// The job's own, or the store's.
    pub fn read_now<R, E: From<StoreError>>(
        &self,
        job: impl FnOnce(&dyn ReadTx) -> Result<R, E>,
    ) -> Result<R, E> {
        let (mut job, mut result) = (Some(job), None);
        self.store.read(&mut |tx| {
            if let Some(job) = job.take() {
                result = Some(job(tx));
            }
        })?;
        result.unwrap_or_else(|| Err(StoreError::Closed.into()))
    }
}

/// The writer thread: one group after another until every handle is gone.
fn drain(store: &dyn Store, queue: &Receiver<Queued>) {
    while let Ok(first) = queue.recv() {
        let group = gather(first, queue);
        commit(store, group);
    }
}

/// What is already waiting, within bounds; nobody is waited for.
fn gather(first: Queued, queue: &Receiver<Queued>) -> Vec<Queued> {
    let mut bytes = first.bytes;
    let mut group = vec![first];
    while group.len() < GROUP_JOBS_MAX && bytes < GROUP_BYTES_MAX {
        let Ok(next) = queue.try_recv() else { break };
        bytes += next.bytes;
        group.push(next);
    }
    group
}

/// Runs a group; what did not start within the time goes into further commits.
fn commit(store: &dyn Store, group: Vec<Queued>) {
    let mut rest = group;
    while !rest.is_empty() {
        let started = commit_some(store, &mut rest);
        let later = rest.split_off(started.0);
        for job in std::mem::replace(&mut rest, later) {
            (job.done)(started.1.clone(), job.run);
        }
    }
}

fn commit_some(store: &dyn Store, jobs: &mut [Queued]) -> (usize, Result<(), StoreError>) {
    let begun = Instant::now();
    let started = Mutex::new(0_usize);
    let mut runs: Vec<_> =
        jobs.iter_mut().map(|job| timed(&mut job.run, begun, &started)).collect();
    let mut refs: Vec<&mut WriteJob<'_>> =
        runs.iter_mut().map(|run| run as &mut WriteJob<'_>).collect();
    let result = store.write(&mut refs).map(drop);
    drop(refs);
    drop(runs);
    let count = started.into_inner().unwrap_or_default().clamp(1, jobs.len());
    (count, result)
}

/// A job that does not start when its group is out of time, and that cannot take the writer down.
fn timed<'a>(
    run: &'a mut Run,
    begun: Instant,
    started: &'a Mutex<usize>,
) -> impl FnMut(&mut dyn WriteTx) -> Result<(), Rollback> + 'a {
    move |tx| {
        let Ok(mut started) = started.lock() else { return Err(Rollback) };
        if *started > 0 && begun.elapsed() > GROUP_TIME_MAX {
            return Err(Rollback);
        }
        *started += 1;
        drop(started);
        catch_unwind(AssertUnwindSafe(|| run(tx))).unwrap_or(Err(Rollback))
    }
}
