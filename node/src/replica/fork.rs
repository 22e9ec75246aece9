//! A journal that parted from the one at the province: this disk was put back to an older state, or is a
//! copy of another, and what was saved since stands at positions where the province holds other acts.
//!
//! The acts behind the last common position go on under another author id, with the positions that they
//! had: nothing that refers to a position (jobs, fates, what an act replaced) changes. Acts that name
//! such an act are written anew, and so are hashes, salts and the outbox. Nothing is lost, and nothing
//! of the other life of this journal is claimed.
//!
//! Every scope is filled again behind what is shown: pages that came for the author of before left out
//! what that author had written.
//!
//! Deliberately absent: how the last common position is found (`session`), and who may go on receiving
//! (the province, by a new invitation).

use dongbo_proto::act::{Act, Op, Over};
use dongbo_proto::bytes::Reader;
use dongbo_proto::id::{ActId, AuthorId, Hash};
use dongbo_sqlite::Entropy;
use rusqlite::TransactionBehavior;

use super::block::List;
use super::error::Result;
use super::journal::{self, int};
use super::line::Line;
use super::opening::{LOCK_WAIT, unsent};
use super::outbox::Outbox;
use super::replay;
use super::save::Entering;
use super::settle::pending;
use super::work::{Work, damaged};
use super::{Replica, ack, complete, scope, setting, verify};

impl Replica {
    /// The chain hashes of the journal at those of some positions that it has: what came before a
    /// replica was salvaged is not here.
    ///
    /// # Errors
    /// What storage says.
    pub fn chains_at(&self, positions: &[u64]) -> Result<Vec<(u64, Hash)>> {
        self.read(|work| {
            let one = |at: &u64| Ok(journal::chain_at(work.db, *at)?.map(|head| (*at, head)));
            positions.iter().filter_map(|at| one(at).transpose()).collect()
        })
    }

    /// Goes on under another author id behind the last position that the province has too.
    ///
    /// # Errors
    /// What storage says; nothing is changed then.
    pub fn fork(&mut self, at: u64, author: AuthorId, entropy: &mut Entropy<'_>) -> Result<()> {
        let _guard = self.lock.acquire("fork", LOCK_WAIT)?;
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let line = Line::read(&tx, self.first)?;
        let head = journal::chain_at(&tx, at)?.ok_or(damaged("the journal"))?;
        let forked = line.forked(at, head, author);
        let acts = take_out(&Work::new(&tx, &self.tables, &line), at)?;
        forked.put(&tx)?;
        let work = Work::new(&tx, &self.tables, &forked);
        enter_again(&work, acts, &line, entropy)?;
        fill_again(&work)?;
        setting::put(&tx, setting::OUTBOX_STALE, &[])?;
        drop(work);
        tx.commit()?;
        self.author = author;
        // A crash before this is made good at the next opening.
        bring_up_outbox(&Work::new(&self.conn, &self.tables, &forked), &self.outbox)
    }
}

/// Whether the journal went on under another id since the province last invited this machine.
pub(super) fn is_uninvited(work: &Work<'_>) -> Result<bool> {
    let certified = setting::fixed(work.db, setting::FORK_CERTIFIED)?.map(u64::from_be_bytes);
    Ok(work.line.forks().last().is_some_and(|fork| Some(fork.author.0) != certified))
}

/// A certificate for the author of now is here.
pub(super) fn certified(work: &Work<'_>) -> Result<()> {
    match work.line.forks().last() {
        Some(fork) => setting::put(work.db, setting::FORK_CERTIFIED, &fork.author.0.to_be_bytes()),
        None => Ok(()),
    }
}

/// Writes the outbox anew if it is still that of the journal before it parted.
pub(super) fn bring_up_outbox(work: &Work<'_>, outbox: &Outbox) -> Result<()> {
    if setting::get(work.db, setting::OUTBOX_STALE)?.is_none() {
        return Ok(());
    }
    outbox.replace(&unsent(work, ack::acknowledged(work.db)?)?)?;
    setting::remove(work.db, setting::OUTBOX_STALE)
}

/// Takes the acts behind a position out of view, journal and acknowledgements, and answers them in
/// order.
fn take_out(work: &Work<'_>, at: u64) -> Result<Vec<Act>> {
    for (first, last) in pending(work)?.into_iter().rev() {
        for position in (first.max(at + 1)..=last).rev() {
            undo(work, position)?;
        }
    }
    let mut acts = Vec::new();
    journal::scan(work.db, at + 1, u64::MAX, |_, act| {
        acts.push(Act::read(&mut Reader::new(act))?);
        Ok(true)
    })?;
    cut(work, at)?;
    if ack::forget_after(work.db, at)? {
        count_again(work)?;
    }
    Ok(acts)
}

fn undo(work: &Work<'_>, position: u64) -> Result<()> {
    let (act, parts) = work.own_row(position)?.ok_or(damaged("the journal"))?;
    if !replay::has_effect(&act) {
        return Ok(());
    }
    for part in parts.into_iter().rev() {
        let old = work.load(part.kind, part.record)?;
        let mut view = old.as_ref().map(|stored| stored.record.clone());
        part.undo(&mut view);
        work.tables.store(work.db, old.as_ref(), view.as_ref())?;
    }
    Ok(())
}

/// Cuts the journal off behind a position.
fn cut(work: &Work<'_>, at: u64) -> Result<()> {
    let spanning = journal::block(work.db, at + 1)?.filter(|block| block.first <= at);
    let chain = journal::chain_at(work.db, at)?.ok_or(damaged("the journal"))?;
    work.db.execute("DELETE FROM journal WHERE last > ?", [int(at)])?;
    work.db.execute("DELETE FROM seed WHERE from_position > ?", [int(at)])?;
    let Some(block) = spanning else { return Ok(()) };
    let (mut acts, mut priors) = (List::default(), List::default());
    for position in block.first..=at {
        let (act, prior) = block.row(position).ok_or(damaged("the journal"))?;
        acts.push(act);
        priors.push(prior);
    }
    let last = acts.get(acts.len() - 1).ok_or(damaged("the journal"))?;
    let claimed = Act::read(&mut Reader::new(last))?.claimed;
    let row = super::outbox::LogRow {
        first: block.first,
        last: at,
        before: Hash::default(),
        after: chain,
        seeds: Vec::new(),
        acts: acts.pack(),
    };
    journal::put(work.db, &row, claimed, &priors)
}

/// Base is another one where acts that were settled are no longer: the rows decide.
fn count_again(work: &Work<'_>) -> Result<()> {
    let mut scopes = scope::all(work.db)?;
    let ids: Vec<_> = scopes.iter().map(|scope| scope.grant.scope).collect();
    let sums = verify::base_sums(work, &ids)?;
    scopes.iter_mut().try_for_each(|scope| {
        scope.digest = sums.get(&scope.grant.scope).copied().unwrap_or_default();
        scope::put(work.db, scope)
    })
}

fn enter_again(
    work: &Work<'_>,
    acts: Vec<Act>,
    before: &Line,
    entropy: &mut Entropy<'_>,
) -> Result<()> {
    if acts.is_empty() {
        return Ok(());
    }
    let mut entering = Entering::anew(work, entropy)?;
    for mut act in acts {
        rename(&mut act, before, work.line);
        entering.salt(entropy)?;
        entering.enter(&act)?;
    }
    entering.finish().map(drop)
}

/// Names the journal's own acts by their new ids.
fn rename(act: &mut Act, before: &Line, now: &Line) {
    let renamed = |id: &mut ActId| {
        if before.owns(*id) {
            id.author = now.at(id.position);
        }
    };
    let mut ops = std::mem::take(&mut act.ops);
    for op in &mut ops {
        match op {
            Op::Write(writes) => {
                for field in &mut writes.fields {
                    if let Over::Heads(heads) = &mut field.over {
                        heads.iter_mut().for_each(renamed);
                        heads.sort_unstable();
                    }
                }
            }
            Op::Retract(acts) => acts.iter_mut().for_each(renamed),
            _ => {}
        }
    }
    act.ops = ops;
}

/// Everything that the province shows is to be heard again, and what became of acts too.
fn fill_again(work: &Work<'_>) -> Result<()> {
    for mut scope in scope::all(work.db)? {
        complete::begin_again(&mut scope);
        scope::put(work.db, &scope)?;
    }
    work.db.execute("DELETE FROM staged", [])?;
    work.db.execute("DELETE FROM inbox", [])?;
    Ok(())
}
