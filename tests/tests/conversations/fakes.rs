//! A replica and a province of a few lines: positions, revisions and what was heard of them.
//!
//! An act is its position; it merges into scope 5 and advances it by one. A state is the revision
//! at which something else changed. A scope's digest is that of the revisions heard, so that a
//! missing or doubled one shows.

use std::collections::{BTreeMap, BTreeSet};

use dongbo_node::session::{Completed, Facts};
use dongbo_proto::act::Projection;
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::{Checkpoint, Fate, Outcome, Reason, Receipt, ScopeMark};
use dongbo_proto::frame::{
    AckRun, Batch, Complete, Fork, Grant, Proof, ScopeCursor, States, Stop, Token, Welcome,
};
use dongbo_proto::id::{ActId, AuthorId, Epoch, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::{Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_server::session::{Answer, Ask, CertificateAge, Positions, Presented, View};

pub const AUTHOR: AuthorId = AuthorId(0xfeed);
/// The scope into which the node's acts merge.
pub const HOME: ScopeId = ScopeId(5);
/// Revisions on one page.
const PAGE_MAX: usize = 3;
/// Acts in one batch.
const BATCH_MAX: u64 = 2;

/// A batch that the server has looked into.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent(pub Batch);

impl Positions for Sent {
    fn author(&self) -> AuthorId {
        self.0.author
    }
    fn first(&self) -> u64 {
        self.0.first
    }
    fn last(&self) -> u64 {
        self.0.last()
    }
}

/// The chain of a journal at a position; `life` tells apart what was written after a restore, behind
/// the positions that are common to both.
pub fn head(position: u64, (life, common): (u8, u64)) -> Hash {
    let life_at = |p: u64| if p > common { life } else { 0 };
    let act = |p: u64| Hash([(p % 251) as u8 ^ life_at(p); 32]);
    (1..=position).fold(Hash::default(), |chain, p| chain::extend(chain, act(p)))
}

/// What was heard of a scope, as its digest.
fn digest(heard: &BTreeSet<u64>) -> Digest {
    let mut sum = Digest::default();
    for revision in heard {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&revision.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        sum.add(Digest::from_bytes(bytes));
    }
    sum
}

fn mark(scope: ScopeId, revision: u64, heard: &BTreeSet<u64>) -> ScopeMark {
    let chain = head(revision, (scope.0 as u8, 0));
    ScopeMark { scope, revision, chain, digest: digest(heard) }
}

/// A revision as a record, so that a page carries something.
fn record(scope: ScopeId, revision: u64) -> Record {
    let act = ActId::new(AuthorId(7), revision);
    let origin = Origin { act, stamp: Stamp::new(revision as i64, 0), rank: Rank::Province };
    let mut id = [0; 16];
    id[8..].copy_from_slice(&revision.to_be_bytes());
    Record::new(RecordId(id), KindId(10), origin, scope)
}

fn revision_of(record: &Record) -> u64 {
    record.created.act.position
}

#[derive(Clone, Debug, Default)]
pub struct Held {
    pub visible: u64,
    pub staged: u64,
    pub heard: BTreeSet<u64>,
    pub pages: BTreeSet<u64>,
}

/// The node's side of the answers. It survives every cut.
#[derive(Clone, Debug)]
pub struct Replica {
    pub epoch: Epoch,
    pub position: u64,
    /// Which life, and from where.
    pub life: (u8, u64),
    pub forks: Vec<Fork>,
    pub acknowledged: u64,
    /// The revision at which each acknowledged act merged, until base reaches it.
    pub unsettled: BTreeMap<u64, u64>,
    pub token: Token,
    pub inbox: u64,
    pub scopes: BTreeMap<ScopeId, Held>,
    pub receipt: Option<Receipt>,
    /// Complete frames taken in.
    pub completes: usize,
    /// Digests of so many completes to come are called different.
    pub doubts: usize,
    /// Before so many completes to come another carrier brings states.
    pub overtaken: usize,
    pub certificate: usize,
    pub histories: usize,
}

impl Replica {
    pub fn joined(province: &Province) -> Self {
        Replica {
            epoch: province.epoch,
            position: 0,
            life: (0, 0),
            forks: Vec::new(),
            acknowledged: 0,
            unsettled: BTreeMap::new(),
            token: [0; 16],
            inbox: 0,
            scopes: province.scopes.keys().map(|s| (*s, Held::default())).collect(),
            receipt: None,
            completes: 0,
            doubts: 0,
            overtaken: 0,
            certificate: 0,
            histories: 0,
        }
    }

    pub fn facts(&self) -> Facts {
        let cursor = |(scope, held): (&ScopeId, &Held)| ScopeCursor {
            scope: *scope,
            visible: held.visible,
            staged: held.staged,
            filled_to: None,
        };
        let marks: Vec<ScopeMark> =
            self.scopes.iter().map(|(id, held)| mark(*id, held.visible, &held.heard)).collect();
        Facts {
            author: self.author(),
            forks: self.forks.clone(),
            schema: 1,
            epoch: Some(self.epoch),
            position: self.position,
            head: head(self.position, self.life),
            acknowledged: self.acknowledged,
            acknowledged_head: head(self.acknowledged, self.life),
            token: self.token,
            inbox: self.inbox,
            scopes: self.scopes.iter().map(cursor).collect(),
            state: chain::state_hash(marks.iter()),
            grants: Vec::new(),
            last_server_ms: 0,
        }
    }

    pub fn author(&self) -> AuthorId {
        self.forks.last().map_or(AUTHOR, |fork| fork.author)
    }

    pub fn chains(&self, positions: &[u64]) -> Vec<(u64, Hash)> {
        positions.iter().map(|at| (*at, head(*at, self.life))).collect()
    }

    /// Goes on under another id, and fills its scopes again.
    pub fn fork(&mut self, at: u64) {
        let author = AuthorId(0xf0 + self.forks.len() as u64);
        let (parent, head) = (self.author(), head(at, self.life));
        self.forks.push(Fork { author, parent, at, head });
        (self.inbox, self.acknowledged) = (0, self.acknowledged.min(at));
        self.receipt = self.receipt.take().filter(|receipt| receipt.position <= at);
        self.unsettled.retain(|position, _| *position <= at);
        self.scopes.values_mut().for_each(|held| *held = Held::default());
    }

    pub fn load(&self, after: u64) -> Option<Batch> {
        let count = (self.position - after.min(self.position)).min(BATCH_MAX);
        (count > 0).then(|| Batch {
            author: self.author(),
            first: after + 1,
            count: count as u32,
            before: head(after, self.life),
            after: head(after + count, self.life),
            seeds: vec![(after + 1, Seed([1; 32]))],
            signature: vec![2; 64],
            body: vec![3; 4],
            raw_len: 4,
        })
    }

    pub fn welcome(&mut self, welcome: &Welcome) {
        if welcome.epoch != self.epoch {
            assert!(
                welcome.ancestors.contains(&self.epoch),
                "the session follows descendants only"
            );
            self.epoch = welcome.epoch;
            self.acknowledged = self.acknowledged.min(welcome.position);
            self.unsettled.clear();
            self.inbox = 0;
            self.scopes.values_mut().for_each(|held| *held = Held::default());
        }
    }

    /// `Err` where the receipt is not of this journal.
    pub fn acknowledge(&mut self, runs: &[AckRun], receipt: &Receipt) -> Result<(), &'static str> {
        let here = (receipt.position <= self.position).then(|| head(receipt.position, self.life));
        if here != Some(receipt.chain) {
            return Err("a receipt of another journal");
        }
        self.receipt = Some(receipt.clone());
        for run in runs {
            assert!(run.first <= self.acknowledged + 1, "acknowledgements leave no gap");
            for (at, position) in (run.first..=run.last()).enumerate() {
                if position > self.acknowledged {
                    self.acknowledged = position;
                    let merged = run.at.first().map(|(_, revision)| revision + at as u64);
                    merged.map(|revision| self.unsettled.insert(position, revision));
                }
            }
        }
        Ok(())
    }

    pub fn proof(&self) -> Proof {
        Proof { receipt: self.receipt.clone(), checkpoint: None }
    }

    pub fn stage(&mut self, page: &States) {
        let held = self.scopes.entry(page.scope).or_default();
        // As the replica does: a page that does not continue what is here is skipped, and the digest
        // of the next `Complete` tells whether anything is missing.
        if page.from > held.staged || page.to <= held.staged {
            return;
        }
        held.pages.extend(page.records.iter().map(|(_, record)| revision_of(record)));
        held.staged = page.to;
    }

    pub fn outcomes(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if outcome.sequence <= self.inbox {
                continue;
            }
            assert_eq!(outcome.sequence, self.inbox + 1, "the inbox is gapless");
            self.inbox = outcome.sequence;
        }
    }

    pub fn complete(&mut self, complete: &Complete) -> Completed {
        if let Some(left) = self.overtaken.checked_sub(1) {
            self.overtaken = left;
            return Completed { overtaken: true, ..Completed::default() };
        }
        self.completes += 1;
        self.token = complete.token;
        let Some(checkpoint) = &complete.checkpoint else { return Completed::default() };
        let mut done = Completed::default();
        for theirs in &checkpoint.marks {
            let held = self.scopes.entry(theirs.scope).or_default();
            held.heard.append(&mut held.pages);
            if theirs.scope == HOME {
                let reached = self.unsettled.values().filter(|r| **r <= theirs.revision);
                held.heard.extend(reached);
                self.unsettled.retain(|_, r| *r > theirs.revision);
            }
            let ours = mark(theirs.scope, theirs.revision, &held.heard);
            if ours != *theirs || self.doubts > 0 {
                done.mismatched.push(theirs.scope);
                *held = Held::default();
            } else {
                (held.visible, held.staged) = (theirs.revision, theirs.revision);
                done.changed += 1;
            }
        }
        self.doubts = self.doubts.saturating_sub(1);
        done
    }
}

/// The server's side of the answers. It survives every cut.
#[derive(Clone, Debug)]
pub struct Province {
    pub epoch: Epoch,
    pub ancestors: Vec<Epoch>,
    pub position: u64,
    /// Whose journal it holds.
    pub life: (u8, u64),
    /// Under which other id the node goes on.
    pub fork: Option<Fork>,
    pub presented: Presented,
    /// It is from before this node joined.
    pub is_from_before: bool,
    /// At which revision of its home each act merged; `None`: held.
    pub merged: Vec<Option<u64>>,
    /// Batches that held nothing new.
    pub repeated: usize,
    pub revoked: bool,
    /// It begins no epoch, whatever it is shown.
    pub stubborn: bool,
    pub certificate: CertificateAge,
    /// Each scope's revisions, and whether the node made them.
    pub scopes: BTreeMap<ScopeId, Vec<bool>>,
    pub outcomes: Vec<Outcome>,
    pub token: u8,
    pub confirmed: Option<Token>,
    pub now: i64,
}

impl Province {
    pub fn new() -> Self {
        Province {
            epoch: Epoch([6; 16]),
            ancestors: Vec::new(),
            position: 0,
            life: (0, 0),
            fork: None,
            presented: Presented::Fits,
            is_from_before: false,
            merged: Vec::new(),
            repeated: 0,
            revoked: false,
            stubborn: false,
            certificate: CertificateAge::Fresh,
            scopes: BTreeMap::from([(ScopeId(0), vec![false; 2]), (HOME, vec![false; 4])]),
            outcomes: Vec::new(),
            token: 0,
            confirmed: None,
            now: 1_700_000_000_000,
        }
    }

    /// Someone else changes something.
    pub fn news(&mut self, scope: ScopeId) {
        self.scopes.entry(scope).or_default().push(false);
    }

    /// A later outcome of one of the node's acts.
    pub fn outcome(&mut self, position: u64) {
        self.outcomes.push(Outcome {
            sequence: self.outcomes.len() as u64 + 1,
            act: ActId::new(AUTHOR, position),
            fate: Fate::Refused(Reason::RefusedByProvince),
            text: "không".into(),
            at_ms: self.now,
        });
    }

    /// Whether it is the node's own id, or the one under which it goes on.
    pub fn knows(&self, author: AuthorId) -> bool {
        !self.is_from_before && [Some(AUTHOR), self.fork.map(|f| f.author)].contains(&Some(author))
    }

    pub fn view(&self) -> View {
        let grant =
            |s: &ScopeId| Grant { scope: *s, code: format!("C{s}"), name: format!("Xã {s}") };
        View {
            position: self.position,
            head: head(self.position, self.life),
            grants: self.scopes.keys().map(grant).collect(),
            empty: Vec::new(),
            revoked: self.revoked,
            last_complete_ms: 0,
            epoch: self.epoch,
            epoch_ms: 0,
            ancestors: self.ancestors.clone(),
            backed_up: 0,
            presented: self.presented,
        }
    }

    fn run(&self, first: u64, last: u64) -> Vec<AckRun> {
        let run = |position: u64| {
            let merged = self.merged[position as usize - 1];
            let fate = match merged {
                Some(_) => Fate::Merged { as_written: true },
                None => Fate::Held(Reason::DeliverOnly),
            };
            let at = merged.map(|revision| (HOME, revision)).into_iter().collect();
            AckRun { first: position, fate, at, rank: Rank::Home, count: 1, stamps: None }
        };
        (first..=last).map(run).collect()
    }

    /// Begins an epoch if it holds less than it signed.
    pub fn judge(&mut self, proof: &Proof) -> Result<(), Stop> {
        let lost = proof.receipt.as_ref().is_some_and(|r| r.position > self.position);
        if lost && !self.stubborn {
            self.begin_again();
        }
        Ok(())
    }

    pub fn adopt(&mut self, known: Option<Epoch>) {
        if known == Some(self.epoch) {
            self.begin_again();
        }
        (self.is_from_before, self.revoked) = (false, true);
    }

    pub fn begin_again(&mut self) {
        self.ancestors.insert(0, self.epoch);
        self.epoch = Epoch([self.epoch.0[0] + 1; 16]);
    }

    /// The journal goes on as another author's, who may only deliver. What the other life did stays.
    pub fn fork(&mut self, fork: &Fork, life: (u8, u64)) -> Result<(), Stop> {
        if self.fork.as_ref() == Some(fork) {
            return Ok(());
        }
        if fork.at > self.position || head(fork.at, self.life) != fork.head {
            return Err(Stop::Forked);
        }
        (self.position, self.life, self.fork) = (fork.at, life, Some(*fork));
        self.merged.truncate(fork.at as usize);
        self.revoked = true;
        Ok(())
    }

    pub fn receipt(&self) -> Receipt {
        let merged = self.merged.iter().flatten().count() as u64;
        Receipt {
            epoch: self.epoch,
            author: self.fork.map_or(AUTHOR, |fork| fork.author),
            position: self.position,
            chain: head(self.position, self.life),
            merged,
            held: self.position - merged,
            refused: 0,
            at_ms: self.now,
            signature: vec![9; 64],
        }
    }

    pub fn receive(&mut self, batch: &Batch) -> Result<(Vec<AckRun>, Box<Receipt>), Stop> {
        let known = self.position.min(batch.last());
        let same = batch.before == head(batch.first - 1, self.life)
            && (known < batch.last() || batch.after == head(known, self.life));
        if !same || batch.first > self.position + 1 {
            return Err(Stop::Forked);
        }
        self.repeated += usize::from(batch.last() <= self.position);
        for _ in self.position..batch.last() {
            let log = self.scopes.entry(HOME).or_default();
            if !self.revoked {
                log.push(true);
            }
            self.merged.push((!self.revoked).then_some(log.len() as u64));
            self.position += 1;
        }
        Ok((self.run(batch.first, batch.last()), Box::new(self.receipt())))
    }

    pub fn page(&self, ask: &Ask) -> Answer {
        let acks = ask.acks_from.map_or(Vec::new(), |from| self.run(from + 1, self.position));
        let mut answer = Answer { acks, cursors: ask.cursors.clone(), ..Answer::default() };
        let outcomes = self.outcomes.iter().filter(|o| o.sequence > ask.inbox);
        answer.outcomes = outcomes.cloned().collect();
        let mut budget = PAGE_MAX;
        for cursor in &mut answer.cursors {
            self.send_on(cursor, &mut budget, &mut answer.states);
        }
        let heard = |c: &ScopeCursor| c.staged >= self.scopes[&c.scope].len() as u64;
        let all = !answer.cursors.is_empty() && answer.cursors.iter().all(heard);
        answer.complete = all.then(|| self.marks());
        answer
    }

    fn send_on(&self, cursor: &mut ScopeCursor, budget: &mut usize, pages: &mut Vec<States>) {
        let log = &self.scopes[&cursor.scope];
        // What is new to the node has the acts that it made, too.
        let fresh = cursor.visible == 0;
        let mut records = Vec::new();
        let from = cursor.staged;
        while *budget > 0 && (cursor.staged as usize) < log.len() {
            cursor.staged += 1;
            if fresh || !log[cursor.staged as usize - 1] {
                records.push((Projection::Home, record(cursor.scope, cursor.staged)));
                *budget -= 1;
            }
        }
        if !records.is_empty() {
            let (scope, to) = (cursor.scope, cursor.staged);
            pages.push(States { scope, from, to, filling: false, records, gone: Vec::new() });
        }
    }

    pub fn marks(&self) -> Vec<ScopeMark> {
        let whole = |log: &Vec<bool>| (1..=log.len() as u64).collect::<BTreeSet<u64>>();
        self.scopes.iter().map(|(id, log)| mark(*id, log.len() as u64, &whole(log))).collect()
    }

    pub fn finish(&mut self, marks: Option<Vec<ScopeMark>>) -> Complete {
        self.token += 1;
        self.now += 1_000;
        let (epoch, at_ms) = (self.epoch, self.now);
        let signed = |marks| Checkpoint { epoch, at_ms, marks, signature: vec![8; 64] };
        Complete {
            checkpoint: marks.map(signed),
            token: [self.token; 16],
            server_ms: self.now,
            backed_up: 0,
            come_back_s: 0,
        }
    }
}
