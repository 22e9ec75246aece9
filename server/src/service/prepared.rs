//! Batches that are ready to merge, and the memory that all of them may take together.
//!
//! A batch is laid out before the writer is asked, so that one node's large batch costs the others
//! nothing. What is laid out and waits is counted, over all conversations and for each. Deliberately
//! absent: how many are laid out at one moment (`Province::compute`), and what they do (the registry).

use std::sync::Arc;

use dongbo_proto::frame::Stop;
use dongbo_proto::id::AuthorId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::registry::Prepared;
use crate::session::Positions;

/// Bytes of batches that are laid out and wait to merge, over all conversations: two of the largest
/// that there may be (`CONTENT_BYTES_MAX`), or a hundred of a thousand records.
pub const PREPARED_BYTES_MAX: usize = 384 * 1024 * 1024;
/// The same for one conversation: a batch of any size, or small ones ahead of the one that merges.
/// Whoever lays out much waits for itself first.
pub const PREPARED_EACH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What is counted at once: semaphores count no further than the memory of a machine in bytes.
const UNIT_BYTES: usize = 4 * 1024;
/// What an act takes beside its contents: lists, ids, hashes.
const ACT_BYTES: usize = 512;
/// What a byte of contents takes laid out, at most: a value is a word or two beside its text.
const SPREAD: usize = 4;

/// The memory for batches of one conversation, within that of all.
#[derive(Clone)]
pub struct Room {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// The memory for batches of all conversations.
#[must_use]
pub fn all_room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(PREPARED_BYTES_MAX / UNIT_BYTES))
}

/// A batch that is ready to merge, with the memory that it takes until it has.
pub struct Ready {
    /// The batch.
    pub batch: Prepared,
    /// Given back when it is dropped.
    pub room: [OwnedSemaphorePermit; 2],
}

impl Room {
    /// For one conversation.
    #[must_use]
    pub fn of(all: Arc<Semaphore>) -> Self {
        Room { all, own: Arc::new(Semaphore::new(PREPARED_EACH_BYTES_MAX / UNIT_BYTES)) }
    }

    /// Waits until there is room for a batch: first among its own, then among all, in turn.
    ///
    /// # Errors
    /// [`Stop::Busy`] where the server ends.
    pub async fn keep(&self, batch: Prepared) -> Result<Ready, Stop> {
        let own = take(&self.own, &batch, PREPARED_EACH_BYTES_MAX).await?;
        let all = take(&self.all, &batch, PREPARED_BYTES_MAX).await?;
        Ok(Ready { batch, room: [own, all] })
    }
}

async fn take(
    room: &Arc<Semaphore>,
    batch: &Prepared,
    most: usize,
) -> Result<OwnedSemaphorePermit, Stop> {
    let units = bytes_of(batch).min(most).div_ceil(UNIT_BYTES);
    let units = u32::try_from(units).map_err(|_| Stop::Busy)?;
    room.clone().acquire_many_owned(units).await.map_err(|_| Stop::Busy)
}

/// About what a batch takes in memory.
fn bytes_of(batch: &Prepared) -> usize {
    let acts: usize = batch.acts.iter().map(|act| ACT_BYTES + SPREAD * act.content_len()).sum();
    acts + 2 * batch.bytes.len()
}

impl Positions for Ready {
    fn author(&self) -> AuthorId {
        self.batch.author()
    }
    fn first(&self) -> u64 {
        self.batch.first()
    }
    fn last(&self) -> u64 {
        self.batch.last()
    }
}
