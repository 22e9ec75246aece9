//! Local acts: journal, view and outbox, all or nothing, durable when this returns.

use dongbo_proto::act::Act;
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{FieldId, ScopeId};
use dongbo_proto::limits;
use dongbo_proto::merge;
use dongbo_proto::stamp::{self, UnixMs};
use dongbo_sqlite::Entropy;
use rusqlite::{CachedStatement, params};

use super::draft::{Draft, Saved};
use super::error::{ReplicaError, Result};
use super::journal::{self, SEED_ACTS_MAX, Tail, int};
use super::outbox::Rows;
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
            Ok((saved, entering.log.rows))
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
    if let [dongbo_proto::act::Op::Write(w)] = act.ops.as_slice()
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
    /// Where the journal ends now.
    pub tail: Tail,
    seed: (u64, Seed),
    /// The same acts for the log.
    pub log: Rows,
    adding: CachedStatement<'a>,
    bytes: Vec<u8>,
}

impl<'w, 'a> Entering<'w, 'a> {
    /// Begins behind the last act. A seed covers what is sent together: one that the province has
    /// seen is not used again.
    fn begin(work: &'w Work<'a>, entropy: &mut Entropy<'_>) -> Result<Self> {
        let tail = journal::tail(work.db)?;
        let acknowledged = ack::acknowledged(work.db)?;
        let newest = journal::seed_at(work.db, tail.position + 1)?;
        let mut entering = Self::with_seed(work, tail, newest)?;
        if newest.is_none_or(|(from, _)| from <= acknowledged) {
            entering.draw(entropy)?;
        }
        Ok(entering)
    }

    /// Begins behind the last act with a seed that is known.
    pub fn with_seed(work: &'w Work<'a>, tail: Tail, seed: Option<(u64, Seed)>) -> Result<Self> {
        let (log, seed) = (Rows::default(), seed.unwrap_or((0, Seed([0; 32]))));
        let (adding, bytes) = (journal::adding(work.db)?, Vec::new());
        Ok(Entering { work, tail, seed, log, adding, bytes })
    }

    /// Takes another seed that is known.
    pub fn take_seed(&mut self, seed: (u64, Seed)) -> Result<()> {
        if self.seed != seed {
            self.seed = seed;
            journal::put_seed(self.work.db, seed.0, &seed.1)?;
        }
        Ok(())
    }

    fn draw(&mut self, entropy: &mut Entropy<'_>) -> Result<()> {
        let mut bytes = [0; 32];
        entropy(&mut bytes);
        self.seed = (self.tail.position + 1, Seed(bytes));
        journal::put_seed(self.work.db, self.seed.0, &self.seed.1)
    }

    fn salt(&mut self, entropy: &mut Entropy<'_>) -> Result<()> {
        if self.tail.position + 1 - self.seed.0 < SEED_ACTS_MAX {
            Ok(())
        } else {
            self.draw(entropy)
        }
    }

    /// Enters one act: view, journal and log.
    pub fn enter(&mut self, act: &Act) -> Result<Vec<Part>> {
        let parts = self.work.perform(act)?;
        let hash = chain::act_hash_in(act, &self.seed.1, &mut self.bytes);
        let after = chain::extend(self.tail.chain, hash);
        if self.bytes.len() > limits::ACT_BYTES_MAX {
            return Err(ReplicaError::Refused { draft: 0, reason: Reason::OverLimit });
        }
        let prior = prior::pack(act, &parts);
        self.adding.raw_bind_parameter(1, int(act.position))?;
        self.adding.raw_bind_parameter(2, self.bytes.as_slice())?;
        self.adding.raw_bind_parameter(3, after.0)?;
        self.adding.raw_bind_parameter(4, prior)?;
        self.adding.raw_execute()?;
        self.log.push(act.position, &self.bytes, self.tail.chain, after, &self.seed);
        self.tail = Tail { position: act.position, chain: after, claimed: act.claimed };
        Ok(parts)
    }
}

/// Notes which job the act belongs to.
fn keep_job(work: &Work<'_>, act: &Act) -> Result<()> {
    let Some(item) = act.job else { return Ok(()) };
    let row = params![item.job.0, act.person, int(act.position), item.of, int(act.claimed.0)];
    work.db.prepare_cached(include_str!("sql/keep_job.sql"))?.execute(row)?;
    Ok(())
}
