//! `complete`: in one transaction what was staged becomes visible, acknowledged acts move to base,
//! and the acts that are still pending are done again on top.

use std::collections::BTreeSet;

use dongbo_proto::act::Projection;
use dongbo_proto::bytes::Reader;
use dongbo_proto::fate::{Checkpoint, ScopeMark};
use dongbo_proto::frame::{Complete, Grant, ScopeCursor, Welcome};
use dongbo_proto::id::{Epoch, KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::sign::{self, SIGNATURE_BYTES};
use rusqlite::params;

use super::error::{ReplicaError, Result, Word};
use super::journal::uint;
use super::place::{Coming, State};
use super::scope::{self, ScopeState};
use super::setting;
use super::settle::{Settle, pending};
use super::turn::Turn;
use super::work::Work;
use super::{Replica, ack, verify};
use crate::session::Completed;

impl Replica {
    /// Takes in the server's greeting: the epoch and the scopes.
    ///
    /// # Errors
    /// [`Word::ForeignEpoch`] if the epoch does not descend from the one known here.
    pub fn welcome(&mut self, welcome: &Welcome) -> Result<()> {
        self.write("welcome", |work| {
            let known = Epoch(setting::must(work.db, setting::EPOCH)?);
            if known != welcome.epoch {
                if !welcome.ancestors.contains(&known) {
                    return Err(Word::ForeignEpoch.into());
                }
                follow(work, welcome)?;
            }
            match &welcome.grants {
                Some(grants) => scope::grant(work.db, grants),
                None => Ok(()),
            }
        })
    }

    /// Makes what was staged visible, as far as a signed checkpoint covers it, and moves acknowledged
    /// acts to base. Nothing of it where another carrier has brought states since.
    ///
    /// # Errors
    /// [`ReplicaError::Word`] if the checkpoint does not extend the last one; nothing is changed.
    pub fn complete(&mut self, complete: &Complete, turn: &mut Turn) -> Result<Completed> {
        let key = self.signing_key;
        let (done, next) = self.write("complete", |work| {
            let Some(next) = turn.next(work.db)? else {
                return Ok((Completed { overtaken: true, ..Completed::default() }, *turn));
            };
            if let Some(checkpoint) = &complete.checkpoint {
                check(work, checkpoint, &key)?;
            }
            let done = settle(work, complete.checkpoint.as_ref())?;
            setting::put(work.db, setting::TOKEN, &complete.token)?;
            setting::put(work.db, setting::SERVER_MS, &complete.server_ms.to_be_bytes())?;
            setting::put(work.db, setting::BACKED_UP, &complete.backed_up.to_be_bytes())?;
            Ok((done, next))
        })?;
        *turn = next;
        // All that was said is durable. A log that holds acts for longer than it need is trimmed at the
        // next exchange.
        if let Err(error) = self.trim_outbox() {
            tracing::warn!(kind = ?error.storage(), "the outbox could not be trimmed");
        }
        Ok(done)
    }
}

/// Goes over to an epoch that descends from the known one: its revisions are other revisions, so
/// every scope is filled again behind what is shown; and the acts that the server lost are sent again.
fn follow(work: &Work<'_>, welcome: &Welcome) -> Result<()> {
    for mut scope in scope::all(work.db)? {
        scope.said = Default::default();
        begin_again(&mut scope);
        scope::put(work.db, &scope)?;
    }
    work.db.execute("DELETE FROM staged", [])?;
    // What was decided after the backup is undecided again, and its numbers will be used anew: the
    // server says all of its outcomes again.
    work.db.execute("DELETE FROM inbox", [])?;
    ack::put_delivered(work.db, welcome.position, ack::acknowledged(work.db)?)?;
    setting::put(work.db, setting::EPOCH, &welcome.epoch.0)
}

/// A scope that is to be filled again behind what is shown.
pub(super) fn begin_again(scope: &mut ScopeState) {
    (scope.visible, scope.staged) = (0, 0);
    scope.filled_to = Some(ScopeCursor::FROM_THE_START);
    scope.refills += 1;
}

fn check(work: &Work<'_>, checkpoint: &Checkpoint, key: &[u8; 32]) -> Result<()> {
    let signature: &[u8; SIGNATURE_BYTES] =
        checkpoint.signature.as_slice().try_into().map_err(|_| Word::CheckpointSignature)?;
    if !sign::verify(key, &checkpoint.signed_bytes(), signature) {
        return Err(Word::CheckpointSignature.into());
    }
    if checkpoint.epoch != Epoch(setting::must(work.db, setting::EPOCH)?) {
        return Err(Word::CheckpointForOther.into());
    }
    let said: Vec<ScopeMark> = scope::all(work.db)?.iter().map(last_said).collect();
    if !checkpoint.extends(&said) {
        return Err(Word::CheckpointWentBack.into());
    }
    let sql =
        "INSERT OR REPLACE INTO checkpoint (epoch, at_ms, signed, signature) VALUES (?, ?, ?, ?)";
    let (epoch, signed) = (checkpoint.epoch.0, checkpoint.signed_bytes());
    work.db.prepare_cached(sql)?.execute(params![epoch, checkpoint.at_ms, signed, signature])?;
    Ok(())
}

fn last_said(scope: &ScopeState) -> ScopeMark {
    ScopeMark { revision: scope.said.0, chain: scope.said.1, ..scope.mark() }
}

fn settle(work: &Work<'_>, checkpoint: Option<&Checkpoint>) -> Result<Completed> {
    let mut settle = Settle::new(work)?;
    if let Some(checkpoint) = checkpoint {
        meet(&mut settle, checkpoint);
    }
    settle.leaving = leaving(&settle);
    let marks = marks(&settle, checkpoint);
    settle.index(&pending(work)?)?;
    settle.settle_acts(|scope| marks.iter().find(|m| m.scope == scope).map(|m| m.revision))?;

    let mut records: BTreeSet<(RecordId, KindId)> = settle.records_of_settled().collect();
    // Pages are unsigned: what no checkpoint covers stays staged, for one that does.
    let arrives = checkpoint.is_some();
    if arrives {
        records.extend(staged_records(work)?);
    }
    for scope in &settle.leaving {
        records.extend(records_in(work, *scope)?);
    }
    let records: Vec<_> = records.into_iter().collect();
    settle.records(&records, |id| match arrives {
        true => staged_for(work, id),
        false => Ok(Coming::default()),
    })?;
    if arrives {
        work.db.execute("DELETE FROM staged", [])?;
    }
    close(work, settle, checkpoint)
}

/// A scope that the checkpoint names and the greeting did not: it begins empty.
fn meet(settle: &mut Settle<'_, '_>, checkpoint: &Checkpoint) {
    for mark in &checkpoint.marks {
        let unnamed = Grant { scope: mark.scope, code: String::new(), name: String::new() };
        settle.scopes.entry(mark.scope).or_insert_with(|| scope::fresh(unnamed));
    }
}

/// The scopes that are no longer granted. One that a checkpoint does not name waits for the next.
fn leaving(settle: &Settle<'_, '_>) -> Vec<ScopeId> {
    settle.scopes.values().filter(|s| !s.granted).map(|s| s.grant.scope).collect()
}

/// Where each scope is after this.
fn marks(settle: &Settle<'_, '_>, checkpoint: Option<&Checkpoint>) -> Vec<ScopeMark> {
    match checkpoint {
        Some(checkpoint) => checkpoint.marks.clone(),
        None => settle.scopes.values().map(ScopeState::mark).collect(),
    }
}

fn staged_records(work: &Work<'_>) -> Result<Vec<(RecordId, KindId)>> {
    let mut statement = work.db.prepare_cached("SELECT DISTINCT record, kind FROM staged")?;
    let rows = statement.query_map([], |row| Ok((RecordId(row.get(0)?), KindId(row.get(1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// All records that are here for a scope.
pub(super) fn records_in(work: &Work<'_>, scope: ScopeId) -> Result<Vec<(RecordId, KindId)>> {
    let mut records = Vec::new();
    for table in work.tables.all() {
        let mut statement = work.db.prepare_cached(&table.ids_in_scope)?;
        let rows =
            statement.query_map([scope.0], |row| Ok((RecordId(row.get(0)?), table.kind.id)))?;
        records.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    for sql in [
        "SELECT id, kind FROM unknown_record WHERE scope = ?",
        "SELECT record, kind FROM guest WHERE scope = ?",
    ] {
        let mut statement = work.db.prepare_cached(sql)?;
        let pair = |row: &rusqlite::Row<'_>| Ok((RecordId(row.get(0)?), KindId(row.get(1)?)));
        records
            .extend(statement.query_map([scope.0], pair)?.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(records)
}

/// What was staged for a record.
fn staged_for(work: &Work<'_>, record: RecordId) -> Result<Coming> {
    let sql = "SELECT scope, projection, known, bytes FROM staged WHERE record = ?";
    let mut statement = work.db.prepare_cached(sql)?;
    let mut rows = statement.query([record.0])?;
    let mut coming = Coming::default();
    while let Some(row) = rows.next()? {
        let (scope, known) = (ScopeId(row.get(0)?), uint(row.get(2)?));
        let bytes: Option<Vec<u8>> = row.get(3)?;
        match (row.get::<_, Option<u8>>(1)?, bytes) {
            (None, _) => coming.gone.push((scope, known)),
            (Some(_), None) => coming.filled = coming.filled.max(Some(known)),
            (Some(number), Some(bytes)) => {
                let projection = Projection::from_number(number);
                let projection = projection.ok_or(ReplicaError::Damaged("a staged state"))?;
                let record = Record::read(&mut Reader::new(&bytes))?;
                coming.states.push(State { scope, projection, record, known });
            }
        }
    }
    Ok(coming)
}

/// Writes where the scopes stand now and compares digests.
fn close(
    work: &Work<'_>,
    settle: Settle<'_, '_>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Completed> {
    let mut done = Completed { changed: settle.changed, ..Completed::default() };
    let mut filling = false;
    let leaving = settle.leaving;
    let (left, mut stay): (Vec<_>, Vec<_>) =
        settle.scopes.into_values().partition(|s| leaving.contains(&s.grant.scope));
    left.iter().try_for_each(|scope| scope::remove(work.db, scope.grant.scope))?;
    ask_the_rows(work, &mut stay, checkpoint)?;
    for mut scope in stay {
        if let Some(mark) = said_of(checkpoint, scope.grant.scope) {
            arrive(&mut scope, mark, &mut done);
        }
        filling |= scope.filled_to.is_some() || scope.staged != scope.visible;
        scope::put(work.db, &scope)?;
    }
    done.in_step = done.mismatched.is_empty() && !filling;
    Ok(done)
}

fn said_of(checkpoint: Option<&Checkpoint>, scope: ScopeId) -> Option<&ScopeMark> {
    checkpoint.and_then(|c| c.marks.iter().find(|m| m.scope == scope))
}

/// Where a kept sum differs from the server's word, the rows decide: a sum that went wrong would
/// otherwise stay wrong through every filling.
fn ask_the_rows(
    work: &Work<'_>,
    scopes: &mut [ScopeState],
    checkpoint: Option<&Checkpoint>,
) -> Result<()> {
    let differs =
        |s: &ScopeState| said_of(checkpoint, s.grant.scope).is_some_and(|m| m.digest != s.digest);
    if !scopes.iter().any(differs) {
        return Ok(());
    }
    let ids: Vec<ScopeId> = scopes.iter().map(|s| s.grant.scope).collect();
    let sums = verify::base_sums(work, &ids)?;
    for scope in scopes {
        scope.digest = sums.get(&scope.grant.scope).copied().unwrap_or_default();
    }
    Ok(())
}

fn arrive(scope: &mut ScopeState, mark: &ScopeMark, done: &mut Completed) {
    scope.said = (mark.revision, mark.chain);
    scope.chain = mark.chain;
    if scope.digest == mark.digest {
        (scope.visible, scope.staged, scope.filled_to) = (mark.revision, mark.revision, None);
    } else {
        done.mismatched.push(mark.scope);
        begin_again(scope);
    }
}
