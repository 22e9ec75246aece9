//! Local acts: journal, view and outbox, all or nothing, durable when this returns.

use dongbo_proto::act::{Act, Op};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{FieldId, ScopeId};
use dongbo_proto::limits;
use dongbo_proto::merge;
use dongbo_proto::stamp::{self, UnixMs};
use dongbo_sqlite::Entropy;
use rusqlite::params;

use super::block::{BLOCK_BYTES_MAX, List};
use super::draft::{Draft, Saved};
use super::error::{ReplicaError, Result};
use super::journal::{self, SEED_ACTS_MAX, Tail, int};
use super::outbox::LogRow;
use super::prior::{self, Part, Touch};
use super::work::Work;
use super::{Replica, ack};

impl Replica {
    /// Saves acts in one transaction: all of them are durable when this returns, or none is.
    ///
    /// `now_ms` is the office's wall clock; `entropy` fills the salts' seeds.
    ///
    /// # Errors
    /// [`ReplicaError::Refused`] names the draft that the province would not take; the others say
    /// what could not be written.
    pub fn save(
        &mut self,
        drafts: impl Into<Vec<Draft>>,
        now_ms: UnixMs,
        entropy: &mut Entropy<'_>,
    ) -> Result<Vec<Saved>> {
        let drafts = drafts.into();
        self.write_logged("save", |work| {
            let mut entering = Entering::begin(work, entropy)?;
            let first = entering.tail.position + 1;
            let mut saved = Vec::with_capacity(drafts.len());
            for (at, draft) in drafts.into_iter().enumerate() {
                entering.salt(entropy)?;
                let act = act_of(draft, first, entering.tail, now_ms);
                check(at, &act, work)?;
                let parts = entering.enter(&act)?;
                confirm(&act, &parts)?;
                keep_job(work, &act)?;
                saved.push(Saved { position: act.position, claimed: act.claimed });
            }
            Ok((saved, entering.finish()?))
        })
    }
}

fn act_of(draft: Draft, first: u64, tail: Tail, now_ms: UnixMs) -> Act {
    Act {
        position: tail.position + 1,
        claimed: stamp::claim(tail.claimed, now_ms),
        person: draft.person,
        intent: draft.intent,
        grounds: draft.grounds,
        job: draft.job,
        linked: draft.linked.map(|at| first + at as u64),
        ops: draft.ops,
    }
}

/// Whether the province could take the act at all.
fn check(draft: usize, act: &Act, work: &Work<'_>) -> Result<()> {
    let refused = |reason| ReplicaError::Refused { draft, reason };
    merge::check_act(act).map_err(refused)?;
    for writes in act.writes() {
        let kind = work.tables.get(writes.kind).map(|t| t.kind);
        let stored =
            |field: FieldId| kind.and_then(|k| k.field(field)).is_some_and(|f| f.is_stored());
        if !writes.fields.iter().all(|write| stored(write.field)) {
            return Err(refused(Reason::NotWritable));
        }
        // The reference is pulled by all and written by the province.
        if let Some(home) = writes.create
            && (home == ScopeId::REFERENCE || !work.holds(home)?)
        {
            return Err(ReplicaError::ScopeNotHeld(home));
        }
    }
    if writes_twice(act) { Err(refused(Reason::InvalidValue)) } else { Ok(()) }
}

/// Whether an act writes one field twice: its heads could not be told apart.
fn writes_twice(act: &Act) -> bool {
    // As forms and imports write them: in the order of fields.
    if let [Op::Write(w)] = act.ops.as_slice()
        && w.fields.is_sorted_by(|a, b| a.field < b.field)
    {
        return false;
    }
    let fields = |w: &dongbo_proto::act::RecordWrites| {
        let record = w.record;
        w.fields.iter().map(move |f| (record, f.field)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = act.writes().flat_map(fields).collect();
    all.sort_unstable();
    all.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether every record was as the act took it to be.
fn confirm(act: &Act, parts: &[Part]) -> Result<()> {
    for (writes, part) in act.writes().zip(parts) {
        match (writes.create, part.touch) {
            (_, Touch::Absent) => return Err(ReplicaError::UnknownRecord(writes.record)),
            (Some(_), Touch::Edited) => return Err(ReplicaError::RecordExists(writes.record)),
            _ => {}
        }
    }
    Ok(())
}

/// Acts on their way into the journal.
pub(super) struct Entering<'w, 'a> {
    work: &'w Work<'a>,
    /// Where the journal ends with the acts that have entered.
    pub tail: Tail,
    seed: (u64, Seed),
    /// The end of the last block, behind which the acts of the open one stand.
    closed: Tail,
    acts: List,
    priors: List,
    seeds: Vec<(u64, Seed)>,
    /// The closed blocks, for the log.
    log: Vec<LogRow>,
    bytes: Vec<u8>,
}

impl<'w, 'a> Entering<'w, 'a> {
    /// Begins behind the last act. A seed covers what is sent together: one that the province has
    /// seen is not used again.
    fn begin(work: &'w Work<'a>, entropy: &mut Entropy<'_>) -> Result<Self> {
        let tail = journal::tail(work.db)?;
        let acknowledged = ack::acknowledged(work.db)?;
        let newest = journal::seed_at(work.db, tail.position + 1)?;
        let mut entering = Self::with_seed(work, tail, newest);
        if newest.is_none_or(|(from, _)| from <= acknowledged) {
            entering.draw(entropy)?;
        }
        Ok(entering)
    }

    /// Begins behind the last act with a seed that is known.
    pub fn with_seed(work: &'w Work<'a>, tail: Tail, seed: Option<(u64, Seed)>) -> Self {
        let seed = seed.unwrap_or((0, Seed([0; 32])));
        let (acts, priors) = (List::default(), List::default());
        let (seeds, log, bytes) = (Vec::new(), Vec::new(), Vec::new());
        Entering { work, tail, seed, closed: tail, acts, priors, seeds, log, bytes }
    }

    /// Takes another seed that is known.
    pub fn take_seed(&mut self, seed: (u64, Seed)) -> Result<()> {
        if self.seed != seed {
            self.seed = seed;
            journal::put_seed(self.work.db, seed.0, &seed.1)?;
        }
        Ok(())
    }

    /// Begins behind the last act with a seed of its own.
    pub fn anew(work: &'w Work<'a>, entropy: &mut Entropy<'_>) -> Result<Self> {
        let mut entering = Self::with_seed(work, journal::tail(work.db)?, None);
        entering.draw(entropy)?;
        Ok(entering)
    }

    fn draw(&mut self, entropy: &mut Entropy<'_>) -> Result<()> {
        let mut bytes = [0; 32];
        entropy(&mut bytes);
        self.seed = (self.tail.position + 1, Seed(bytes));
        journal::put_seed(self.work.db, self.seed.0, &self.seed.1)
    }

    /// Draws another seed where the one in force has salted enough.
    pub fn salt(&mut self, entropy: &mut Entropy<'_>) -> Result<()> {
        if self.tail.position + 1 - self.seed.0 < SEED_ACTS_MAX {
            Ok(())
        } else {
            self.draw(entropy)
        }
    }

    /// Enters one act: view, journal and log.
    pub fn enter(&mut self, act: &Act) -> Result<Vec<Part>> {
        // What an act takes back is looked up in the journal.
        if act.ops.iter().any(|op| matches!(op, Op::Retract(_))) {
            self.close()?;
        }
        let parts = self.work.perform(act)?;
        let hash = chain::act_hash_in(act, &self.seed.1, &mut self.bytes);
        let after = chain::extend(self.tail.chain, hash);
        if self.bytes.len() > limits::ACT_BYTES_MAX {
            return Err(ReplicaError::Refused { draft: 0, reason: Reason::OverLimit });
        }
        self.acts.push(&self.bytes);
        self.priors.push(&prior::pack(act, &parts));
        if self.seeds.last() != Some(&self.seed) {
            self.seeds.push(self.seed);
        }
        self.tail = Tail { position: act.position, chain: after, claimed: act.claimed };
        if self.acts.bytes() + self.priors.bytes() >= BLOCK_BYTES_MAX {
            self.close()?;
        }
        Ok(parts)
    }

    /// Writes the open block.
    fn close(&mut self) -> Result<()> {
        if self.acts.len() == 0 {
            return Ok(());
        }
        let row = LogRow {
            first: self.closed.position + 1,
            last: self.tail.position,
            before: self.closed.chain,
            after: self.tail.chain,
            seeds: std::mem::take(&mut self.seeds),
            acts: self.acts.pack(),
        };
        journal::put(self.work.db, &row, self.tail.claimed, &self.priors)?;
        self.log.push(row);
        self.acts.clear();
        self.priors.clear();
        self.closed = self.tail;
        Ok(())
    }

    /// Writes what is left and gives the blocks for the log.
    pub fn finish(mut self) -> Result<Vec<LogRow>> {
        self.close()?;
        Ok(self.log)
    }
}

/// Notes which job the act belongs to.
pub(super) fn keep_job(work: &Work<'_>, act: &Act) -> Result<()> {
    let Some(item) = act.job else { return Ok(()) };
    let row = params![item.job.0, act.person, int(act.position), item.of, int(act.claimed.0)];
    work.db.prepare_cached(include_str!("sql/keep_job.sql"))?.execute(row)?;
    Ok(())
}
