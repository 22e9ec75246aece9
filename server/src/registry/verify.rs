//! Checks everything that the registry keeps twice: digests against rows, chains against the journal,
//! signatures against keys, counts against fates, placements against homes, feeds against revisions.
//!
//! What `proto::invariant` judges is read here; what only a registry can contradict itself in is judged
//! here. A finding names ids, positions and revisions, never a value. Nothing is repaired.

use std::collections::BTreeMap;

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::digest::{self, Digest};
use dongbo_proto::fate::{Fate, SCOPE_BORN};
use dongbo_proto::id::{ActId, Hash, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::{chain, invariant};

use super::error::{Error, Result};
use super::fork::fates;
use super::journal::{Frame, chain_at};
use crate::store::rows::{AuthorRow, ForkRow, FrameRow, HeldState, Placement, ScopeRow};
use crate::store::{ReadTx, StoreHandle};

/// Rows that are held in memory at once.
const AT_ONCE: usize = 1_000;
/// Frames that are held in memory at once.
const FRAMES_AT_ONCE: usize = 16;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What sort: a stable word for scripts.
    pub code: &'static str,
    /// Where: ids, positions, revisions.
    pub detail: String,
}

fn finding(code: &'static str, detail: impl ToString) -> Finding {
    Finding { code, detail: detail.to_string() }
}

/// Checks everything; nothing found is sound.
///
/// # Errors
/// The store's, where it cannot even be read.
pub fn verify(store: &StoreHandle) -> Result<Vec<Finding>> {
    let mut found: Vec<Finding> = Vec::new();
    found.extend(store.store().check()?.into_iter().map(|d| finding("store", d)));
    found.extend(store.read_now(verify_rows)?);
    Ok(found)
}

/// Checks the rows of one snapshot.
///
/// # Errors
/// The store's.
pub fn verify_rows(tx: &dyn ReadTx) -> Result<Vec<Finding>> {
    let mut checks = Checks { tx, found: Vec::new(), merged: BTreeMap::new() };
    for author in tx.authors()? {
        checks.author(&author)?;
    }
    for scope in tx.scopes()? {
        checks.chain(&scope)?;
        checks.digest(&scope)?;
    }
    for kind in catalogue().kinds() {
        checks.homes(kind)?;
    }
    checks.held()?;
    Ok(checks.found)
}

/// The digest of a scope, derived from its rows: what the kept sum must equal.
///
/// # Errors
/// [`Error::Damaged`] where a placement has no record, or the store's.
pub fn rederive(tx: &dyn ReadTx, scope: ScopeId) -> Result<Digest> {
    let mut sum = Digest::default();
    each_placed(tx, scope, &mut |placed, record| {
        let record = record.ok_or(Error::Damaged("a placement"))?;
        sum.add(digest::of_projected(&record, placed.projection));
        Ok(())
    })?;
    Ok(sum)
}

fn each_placed(
    tx: &dyn ReadTx,
    scope: ScopeId,
    each: &mut dyn FnMut(&Placement, Option<Record>) -> Result<()>,
) -> Result<()> {
    let mut after = None;
    loop {
        let placed = tx.placements_after(scope, after, AT_ONCE)?;
        let Some(last) = placed.last() else { return Ok(()) };
        after = Some(last.record);
        for run in placed.chunk_by(|a, b| a.kind == b.kind) {
            let kind = catalogue().kind(run[0].kind).ok_or(Error::Damaged("a placement"))?;
            let ids: Vec<RecordId> = run.iter().map(|p| p.record).collect();
            for (place, record) in run.iter().zip(tx.records(kind, &ids)?) {
                each(place, record)?;
            }
        }
    }
}

struct Checks<'t> {
    tx: &'t dyn ReadTx,
    found: Vec<Finding>,
    /// Which act gave a scope which revision.
    merged: BTreeMap<ScopeId, BTreeMap<u64, Hash>>,
}

impl Checks<'_> {
    fn say(&mut self, code: &'static str, detail: impl ToString) {
        self.found.push(finding(code, detail));
    }

    /// An author's frames: gapless, chained, signed, and counted as its row says.
    fn author(&mut self, author: &AuthorRow) -> Result<()> {
        let (mut position, mut head, mut counts) = self.start(author)?;
        loop {
            let frames = self.tx.frames_after(author.id, position, FRAMES_AT_ONCE)?;
            if frames.is_empty() {
                break;
            }
            for row in &frames {
                if row.first != position + 1 {
                    self.say("journal-gap", ActId::new(author.id, position + 1));
                }
                position = row.first + u64::from(row.count) - 1;
                head = self.frame(author, row, head, &mut counts)?;
            }
        }
        if (position, head) != (author.position, author.head) {
            self.say("author-head", ActId::new(author.id, author.position));
        }
        let [merged, held, refused] = counts;
        let sum = invariant::equation_holds(author.position, merged, held, refused, 0);
        if sum.is_some() || counts != [author.merged, author.held, author.refused] {
            self.say("author-counts", author.id);
        }
        Ok(())
    }

    /// Where an author's own frames begin: at the start, or where it parted from another.
    fn start(&mut self, author: &AuthorRow) -> Result<(u64, Hash, [u64; 3])> {
        let Some(ForkRow { fork, .. }) = self.tx.fork(author.id)? else {
            return Ok((0, Hash::default(), [0; 3]));
        };
        if chain_at(self.tx, fork.parent, fork.at)? != Some(fork.head) {
            self.say("fork", ActId::new(author.id, fork.at));
        }
        Ok((fork.at, fork.head, fates(self.tx, fork.parent, fork.at)?))
    }

    fn frame(
        &mut self,
        author: &AuthorRow,
        row: &FrameRow,
        before: Hash,
        counts: &mut [u64; 3],
    ) -> Result<Hash> {
        let at = ActId::new(author.id, row.first);
        let Ok(frame) = Frame::open(row) else {
            self.say("frame-unreadable", at);
            return Ok(before);
        };
        let hashes = frame.hashes()?;
        let head = hashes.iter().fold(before, |c, h| chain::extend(c, *h));
        let batch = &frame.batch;
        // A batch that began with acts that were known names what is before those.
        let follows = batch.first != row.first || batch.before == before;
        let extends = invariant::chain_extends(before, hashes.iter().copied(), batch.after);
        if extends.is_some() || batch.author != author.id || !follows {
            self.say("author-chain", at);
        }
        let (last, signature, key) = (batch.last(), &batch.signature, &author.public_key);
        if invariant::batch_is_signed(author.id, last, batch.after, signature, key).is_some() {
            self.say("signature", at);
        }
        self.fates(&frame, &hashes, counts)?;
        Ok(head)
    }

    fn fates(&mut self, frame: &Frame, hashes: &[Hash], counts: &mut [u64; 3]) -> Result<()> {
        let covered: u64 = frame.runs.iter().map(|r| u64::from(r.count)).sum();
        if covered != frame.acts.len() as u64 {
            self.say(
                "outcome",
                ActId::new(frame.author, frame.acts.first().map_or(0, |a| a.position)),
            );
        }
        for (act, hash) in frame.acts.iter().zip(hashes) {
            let Some(run) = frame.run(act.position) else { continue };
            for (scope, first) in &run.at {
                let revision = first + (act.position - run.first);
                self.merged.entry(*scope).or_default().insert(revision, *hash);
            }
            counts[self.fate_now(act.id(frame.author), run.fate)?] += 1;
        }
        Ok(())
    }

    /// 0 merged, 1 held, 2 refused: what the author's row counts it as.
    fn fate_now(&mut self, act: ActId, fate: Fate) -> Result<usize> {
        if !matches!(fate, Fate::Held(_)) {
            return Ok(usize::from(matches!(fate, Fate::Refused(_))) * 2);
        }
        Ok(match self.tx.held(act)?.map(|h| h.state) {
            Some(HeldState::Merged) => 0,
            Some(HeldState::Waiting) => 1,
            Some(HeldState::Refused) => 2,
            None => {
                self.say("held-lost", act);
                1
            }
        })
    }

    /// A scope's feed: gapless, and chained over the acts that the journal says it merged.
    fn chain(&mut self, scope: &ScopeRow) -> Result<()> {
        let hashes = self.merged.remove(&scope.id).unwrap_or_default();
        let (mut revision, mut chain_now) = (SCOPE_BORN, Hash::default());
        loop {
            let lines = self.tx.feed_after(scope.id, revision, AT_ONCE)?;
            if lines.is_empty() {
                break;
            }
            for line in &lines {
                if line.from != revision {
                    self.say("feed-gap", format!("{}@{}", scope.id, revision));
                }
                for revision in line.from + 1..=line.to {
                    match hashes.get(&revision) {
                        Some(hash) => chain_now = chain::extend(chain_now, *hash),
                        None => self.say("revision-lost", format!("{}@{revision}", scope.id)),
                    }
                }
                if chain_now != line.chain {
                    self.say("scope-chain", format!("{}@{}", scope.id, line.to));
                    chain_now = line.chain;
                }
                revision = line.to;
            }
        }
        if (revision, chain_now) != (scope.revision, scope.chain)
            || hashes.len() as u64 + SCOPE_BORN != revision
        {
            self.say("scope-head", format!("{}@{}", scope.id, scope.revision));
        }
        Ok(())
    }

    /// A scope's kept digest, and its placements.
    fn digest(&mut self, scope: &ScopeRow) -> Result<()> {
        let (mut sum, mut found) = (Digest::default(), Vec::new());
        each_placed(self.tx, scope.id, &mut |placed, record| {
            let Some(record) = record else {
                found.push(finding("placement-without-record", placed.record));
                return Ok(());
            };
            if (placed.projection == Projection::Home) != (record.home == placed.scope) {
                found.push(finding("placement-not-home", placed.record));
            }
            sum.add(digest::of_projected(&record, placed.projection));
            Ok(())
        })?;
        self.found.extend(found);
        if invariant::digests_equal(scope.id, scope.digest, sum).is_some() {
            self.say("digest", scope.id);
        }
        Ok(())
    }

    /// Every row is placed at its home.
    fn homes(&mut self, kind: &Kind) -> Result<()> {
        let mut after = None;
        loop {
            let records = self.tx.records_after(kind, after, AT_ONCE)?;
            let Some(last) = records.last() else { return Ok(()) };
            after = Some(last.id);
            for record in &records {
                if self.tx.placement(record.home, record.id, kind.id)? != Some(Projection::Home) {
                    self.say("record-without-placement", record.id);
                }
            }
        }
    }

    /// Every held act is in the journal, and what it creates does not exist while it waits.
    fn held(&mut self) -> Result<()> {
        for state in [HeldState::Waiting, HeldState::Merged, HeldState::Refused] {
            let mut after = None;
            loop {
                let rows = self.tx.held_after(state, after, AT_ONCE)?;
                let Some(last) = rows.last() else { break };
                after = Some(last.act);
                for row in &rows {
                    self.held_row(row.act)?;
                }
            }
        }
        Ok(())
    }

    fn held_row(&mut self, act: ActId) -> Result<()> {
        let run = match self.tx.frame_of(act)? {
            Some(row) => Frame::open(&row)?.run(act.position).map(|r| r.fate),
            None => None,
        };
        if !matches!(run, Some(Fate::Held(_))) {
            self.say("held-not-in-journal", act);
        }
        Ok(())
    }
}
