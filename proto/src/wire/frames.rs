//! Frames to messages and back.

use prost::Message;

use super::columns::{deltas, undeltas};
use super::{Result, WireError, apart, bounded, fixed, hash, pb};
use super::{decode_states, encode_states};
use crate::act::Act;
use crate::bytes::{Reader, Writer};
use crate::chain::Seed;
use crate::digest::Digest;
use crate::fate::{Checkpoint, Fate, Outcome, Receipt, ScopeMark};
use crate::frame::{
    AckRun, Batch, Complete, Down, Grant, Hello, HistoryItem, Proof, ScopeCursor, Standing, States,
    Stop, Up, Welcome,
};
use crate::id::{ActId, AuthorId, Epoch, RecordId, ScopeId};
use crate::limits;
use crate::record::Rank;
use crate::sign::SIGNATURE_BYTES;
use crate::stamp::Stamp;

fn epoch(bytes: &[u8]) -> Result<Epoch> {
    Ok(Epoch(fixed(bytes)?))
}

fn scopes_to_pb(scopes: impl Iterator<Item = ScopeId>) -> Vec<u32> {
    let mut last = 0;
    scopes.map(|s| s.0.wrapping_sub(std::mem::replace(&mut last, s.0))).collect()
}

fn scopes_from_pb(differences: &[u32]) -> Result<Vec<ScopeId>> {
    bounded(differences.len(), limits::NODE_SCOPES_MAX)?;
    let mut last = 0u32;
    let mut out = Vec::with_capacity(differences.len());
    for (at, d) in differences.iter().enumerate() {
        last = last.checked_add(*d).ok_or(WireError::Malformed)?;
        if at > 0 && *d == 0 {
            return Err(WireError::Malformed);
        }
        out.push(ScopeId(last));
    }
    Ok(out)
}

fn hello_to_pb(h: &Hello) -> pb::Hello {
    let filled = h.scopes.iter().any(|s| s.filled_to.is_some());
    let staged = h.scopes.iter().any(|s| s.staged != s.visible);
    pb::Hello {
        author: h.author.0,
        schema: h.schema,
        epoch: h.epoch.map(|e| e.0.to_vec()).unwrap_or_default(),
        position: h.position,
        head: h.head.0.to_vec(),
        acknowledged: h.acknowledged,
        acknowledged_head: match h.acknowledged_head == h.head {
            true => Vec::new(),
            false => h.acknowledged_head.0.to_vec(),
        },
        local_ms: h.local_ms,
        token: h.token.to_vec(),
        inbox: h.inbox,
        scopes: scopes_to_pb(h.scopes.iter().map(|s| s.scope)),
        visible: h.scopes.iter().map(|s| s.visible).collect(),
        staged: if staged { h.scopes.iter().map(|s| s.staged).collect() } else { Vec::new() },
        filled_to: match filled {
            true => h.scopes.iter().flat_map(|s| s.filled_to.unwrap_or_default().0).collect(),
            false => Vec::new(),
        },
        state: h.state.to_vec(),
        live: h.live,
        flush: h.flush,
    }
}

fn hello_from_pb(h: pb::Hello) -> Result<Hello> {
    let head = hash(&h.head)?;
    let scopes = scopes_from_pb(&h.scopes)?;
    let (n, filled) = (scopes.len(), h.filled_to.len());
    if h.visible.len() != n
        || !(h.staged.is_empty() || h.staged.len() == n)
        || !(filled == 0 || filled == n * 16)
    {
        return Err(WireError::Malformed);
    }
    let cursor = |(at, scope): (usize, ScopeId)| {
        let filled = h.filled_to.get(at * 16..at * 16 + 16).map(fixed::<16>).transpose()?;
        Ok(ScopeCursor {
            scope,
            visible: h.visible[at],
            staged: h.staged.get(at).copied().unwrap_or(h.visible[at]),
            filled_to: filled.filter(|id| *id != [0; 16]).map(RecordId),
        })
    };
    Ok(Hello {
        author: AuthorId(h.author),
        schema: h.schema,
        epoch: if h.epoch.is_empty() { None } else { Some(epoch(&h.epoch)?) },
        position: h.position,
        head,
        acknowledged: h.acknowledged,
        acknowledged_head: match h.acknowledged_head.is_empty() {
            true => head,
            false => hash(&h.acknowledged_head)?,
        },
        local_ms: h.local_ms,
        token: fixed(&h.token)?,
        inbox: h.inbox,
        scopes: scopes.into_iter().enumerate().map(cursor).collect::<Result<_>>()?,
        state: fixed(&h.state)?,
        live: h.live,
        flush: h.flush,
    })
}

fn batch_to_pb(b: &Batch) -> pb::Batch {
    pb::Batch {
        author: b.author.0,
        first: b.first,
        count: b.count,
        before: b.before.0.to_vec(),
        after: b.after.0.to_vec(),
        seed_from: b.seeds.iter().map(|s| s.0).collect(),
        seeds: b.seeds.iter().flat_map(|s| s.1.0).collect(),
        signature: b.signature.clone(),
        body: b.body.clone(),
        raw_len: b.raw_len,
    }
}

fn batch_from_pb(b: pb::Batch) -> Result<Batch> {
    bounded(b.count as usize, limits::BATCH_ACTS_MAX)?;
    bounded(b.body.len(), limits::BATCH_BYTES_MAX)?;
    bounded(b.raw_len as usize, limits::BATCH_RAW_BYTES_MAX)?;
    bounded(b.seed_from.len(), limits::BATCH_ACTS_MAX)?;
    bounded(b.signature.len(), SIGNATURE_BYTES)?;
    if b.count == 0 || b.first == 0 || b.seeds.len() != b.seed_from.len() * 32 {
        return Err(WireError::Malformed);
    }
    b.first.checked_add(u64::from(b.count)).ok_or(WireError::Malformed)?;
    let rising = b.seed_from.is_sorted_by(|x, y| x < y);
    let last = b.first + (u64::from(b.count) - 1);
    let cover = b.seed_from.first().is_some_and(|f| *f <= b.first);
    if !rising || !cover || b.seed_from.last().is_some_and(|f| *f > last) {
        return Err(WireError::Malformed);
    }
    let seeds = b.seed_from.iter().zip(b.seeds.chunks_exact(32));
    let seeds = seeds.map(|(from, s)| Ok((*from, Seed(fixed(s)?)))).collect::<Result<_>>()?;
    Ok(Batch {
        author: AuthorId(b.author),
        first: b.first,
        count: b.count,
        before: hash(&b.before)?,
        after: hash(&b.after)?,
        seeds,
        signature: b.signature,
        body: b.body,
        raw_len: b.raw_len,
    })
}

/// A batch as the journal keeps it: as it was received.
pub fn batch_bytes(batch: &Batch) -> Vec<u8> {
    batch_to_pb(batch).encode_to_vec()
}

/// Reads a batch from the journal.
pub fn batch_from_bytes(bytes: &[u8]) -> Result<Batch> {
    batch_from_pb(pb::Batch::decode(bytes)?)
}

/// A frame for the server.
pub fn up_to_pb(up: &Up) -> pb::UpFrame {
    use pb::up_frame::Frame;
    let frame = match up {
        Up::Hello(h) => Frame::Hello(hello_to_pb(h)),
        Up::Batch(b) => Frame::Batch(batch_to_pb(b)),
        Up::Flush => Frame::Flush(pb::Flush {}),
        Up::Confirm { token, inbox } => {
            Frame::Confirm(pb::Confirm { token: token.to_vec(), inbox: *inbox })
        }
        Up::Renew(csr) => Frame::Renew(csr.clone()),
        Up::AskHistory(id) => Frame::AskHistory(id.0.to_vec()),
        Up::Prove(proof) => Frame::Proof(proof_to_pb(proof)),
        Up::AskChain(positions) => Frame::AskChain(pb::AskChain { positions: positions.clone() }),
        Up::Fork(fork) => Frame::Fork(apart::fork_to_pb(fork)),
    };
    pb::UpFrame { frame: Some(frame) }
}

/// A frame from a node.
pub fn up_from_pb(up: pb::UpFrame) -> Result<Up> {
    use pb::up_frame::Frame;
    Ok(match up.frame.ok_or(WireError::UnknownFrame)? {
        Frame::Hello(h) => Up::Hello(hello_from_pb(h)?),
        Frame::Batch(b) => Up::Batch(batch_from_pb(b)?),
        Frame::Flush(_) => Up::Flush,
        Frame::Confirm(c) => Up::Confirm { token: fixed(&c.token)?, inbox: c.inbox },
        Frame::Renew(csr) => {
            bounded(csr.len(), limits::CSR_BYTES_MAX)?;
            Up::Renew(csr)
        }
        Frame::AskHistory(id) => Up::AskHistory(RecordId(fixed(&id)?)),
        Frame::Proof(proof) => Up::Prove(Box::new(proof_from_pb(proof)?)),
        Frame::AskChain(ask) => {
            bounded(ask.positions.len(), limits::CHAIN_ASKED_MAX)?;
            Up::AskChain(ask.positions)
        }
        Frame::Fork(fork) => Up::Fork(apart::fork_from_pb(&fork)?),
    })
}

/// A grant for the wire.
pub fn grant_to_pb(g: &Grant) -> pb::Grant {
    pb::Grant { scope: g.scope.0, code: g.code.clone(), name: g.name.clone() }
}

/// A grant from the wire.
pub fn grant_from_pb(g: pb::Grant) -> Grant {
    Grant { scope: ScopeId(g.scope), code: g.code, name: g.name }
}

fn welcome_to_pb(w: &Welcome) -> pb::Welcome {
    pb::Welcome {
        epoch: w.epoch.0.to_vec(),
        ancestors: w.ancestors.iter().flat_map(|e| e.0).collect(),
        position: w.position,
        head: w.head.map(|h| h.0.to_vec()).unwrap_or_default(),
        server_ms: w.server_ms,
        schema: w.schema,
        standing: match w.standing {
            Standing::Good => 0,
            Standing::Renew => 1,
            Standing::Expired => 2,
            Standing::DeliverOnly => 3,
        },
        grants_differ: w.grants.is_some(),
        grants: w.grants.iter().flatten().map(grant_to_pb).collect(),
    }
}

fn welcome_from_pb(w: pb::Welcome) -> Result<Welcome> {
    bounded(w.grants.len(), limits::NODE_SCOPES_MAX)?;
    Ok(Welcome {
        epoch: epoch(&w.epoch)?,
        ancestors: w.ancestors.chunks(16).map(epoch).collect::<Result<_>>()?,
        position: w.position,
        head: if w.head.is_empty() { None } else { Some(hash(&w.head)?) },
        server_ms: w.server_ms,
        schema: w.schema,
        standing: match w.standing {
            0 => Standing::Good,
            1 => Standing::Renew,
            2 => Standing::Expired,
            _ => Standing::DeliverOnly,
        },
        grants: w.grants_differ.then(|| w.grants.into_iter().map(grant_from_pb).collect()),
    })
}

fn run_to_pb(run: &AckRun) -> pb::AckRun {
    pb::AckRun {
        first: run.first,
        count: run.count,
        fate: u32::from(run.fate.number()),
        scopes: run.at.iter().map(|a| a.0.0).collect(),
        revisions: run.at.iter().map(|a| a.1).collect(),
        rank: run.rank as u32,
        stamps: match &run.stamps {
            Some(stamps) => deltas(&stamps.iter().map(|s| s.0).collect::<Vec<_>>()),
            None => Vec::new(),
        },
    }
}

fn small(n: u32) -> Result<u8> {
    u8::try_from(n).map_err(|_| WireError::Malformed)
}

fn fate_of(n: u32) -> Result<Fate> {
    Fate::from_number(small(n)?).ok_or(WireError::Malformed)
}

fn rank_of(n: u32) -> Result<Rank> {
    Rank::from_number(small(n)?).ok_or(WireError::Malformed)
}

fn run_from_pb(run: pb::AckRun) -> Result<AckRun> {
    let whole = run.stamps.is_empty() || run.stamps.len() == run.count as usize;
    let empty = run.count == 0 || run.first == 0;
    let fits = |n: &u64| n.checked_add(u64::from(run.count)).is_some();
    let fit = fits(&run.first) && run.revisions.iter().all(fits);
    if empty || !whole || !fit || run.scopes.len() != run.revisions.len() {
        return Err(WireError::Malformed);
    }
    Ok(AckRun {
        first: run.first,
        fate: fate_of(run.fate)?,
        at: run.scopes.into_iter().map(ScopeId).zip(run.revisions).collect(),
        rank: rank_of(run.rank)?,
        count: run.count,
        stamps: match run.stamps.is_empty() {
            true => None,
            false => Some(undeltas(&run.stamps).into_iter().map(Stamp).collect()),
        },
    })
}

/// A receipt as it travels.
pub fn receipt_to_pb(r: &Receipt) -> pb::Receipt {
    pb::Receipt {
        epoch: r.epoch.0.to_vec(),
        author: r.author.0,
        position: r.position,
        chain: r.chain.0.to_vec(),
        merged: r.merged,
        held: r.held,
        refused: r.refused,
        at_ms: r.at_ms,
        signature: r.signature.clone(),
    }
}

/// A receipt that came.
///
/// # Errors
/// [`WireError::Malformed`].
pub fn receipt_from_pb(r: pb::Receipt) -> Result<Receipt> {
    Ok(Receipt {
        epoch: epoch(&r.epoch)?,
        author: AuthorId(r.author),
        position: r.position,
        chain: hash(&r.chain)?,
        merged: r.merged,
        held: r.held,
        refused: r.refused,
        at_ms: r.at_ms,
        signature: r.signature,
    })
}

fn outcome_to_pb(o: &Outcome) -> pb::Outcome {
    pb::Outcome {
        sequence: o.sequence,
        author: o.act.author.0,
        position: o.act.position,
        fate: u32::from(o.fate.number()),
        text: o.text.clone(),
        at_ms: o.at_ms,
    }
}

fn outcome_from_pb(o: pb::Outcome) -> Result<Outcome> {
    bounded(o.text.len(), limits::TEXT_BYTES_MAX)?;
    Ok(Outcome {
        sequence: o.sequence,
        act: ActId::new(AuthorId(o.author), o.position),
        fate: fate_of(o.fate)?,
        text: o.text,
        at_ms: o.at_ms,
    })
}

fn checkpoint_to_pb(c: &Checkpoint) -> pb::Checkpoint {
    pb::Checkpoint {
        epoch: c.epoch.0.to_vec(),
        at_ms: c.at_ms,
        scopes: scopes_to_pb(c.marks.iter().map(|m| m.scope)),
        revisions: c.marks.iter().map(|m| m.revision).collect(),
        chains: c.marks.iter().flat_map(|m| m.chain.0).collect(),
        digests: c.marks.iter().flat_map(|m| m.digest.to_bytes()).collect(),
        signature: c.signature.clone(),
    }
}

fn checkpoint_from_pb(c: pb::Checkpoint) -> Result<Checkpoint> {
    let scopes = scopes_from_pb(&c.scopes)?;
    let n = scopes.len();
    if c.revisions.len() != n || c.chains.len() != n * 32 || c.digests.len() != n * 32 {
        return Err(WireError::Malformed);
    }
    let mark = |(at, scope): (usize, ScopeId)| {
        let at32 = at * 32..at * 32 + 32;
        Ok(ScopeMark {
            scope,
            revision: c.revisions[at],
            chain: hash(&c.chains[at32.clone()])?,
            digest: Digest::from_bytes(fixed(&c.digests[at32])?),
        })
    };
    Ok(Checkpoint {
        epoch: epoch(&c.epoch)?,
        at_ms: c.at_ms,
        marks: scopes.into_iter().enumerate().map(mark).collect::<Result<_>>()?,
        signature: c.signature,
    })
}

fn proof_to_pb(p: &Proof) -> pb::Proof {
    pb::Proof {
        receipt: p.receipt.as_ref().map(receipt_to_pb),
        checkpoint: p.checkpoint.as_ref().map(checkpoint_to_pb),
    }
}

fn proof_from_pb(p: pb::Proof) -> Result<Proof> {
    Ok(Proof {
        receipt: p.receipt.map(receipt_from_pb).transpose()?,
        checkpoint: p.checkpoint.map(checkpoint_from_pb).transpose()?,
    })
}

fn complete_to_pb(c: &Complete) -> pb::Complete {
    pb::Complete {
        checkpoint: c.checkpoint.as_ref().map(checkpoint_to_pb),
        token: c.token.to_vec(),
        server_ms: c.server_ms,
        backed_up: c.backed_up,
        come_back_s: c.come_back_s,
    }
}

fn complete_from_pb(c: pb::Complete) -> Result<Complete> {
    Ok(Complete {
        checkpoint: c.checkpoint.map(checkpoint_from_pb).transpose()?,
        token: fixed(&c.token)?,
        server_ms: c.server_ms,
        backed_up: c.backed_up,
        come_back_s: c.come_back_s,
    })
}

fn states_to_pb(s: &States) -> pb::States {
    let (body, raw_len) = encode_states(&s.records, &s.gone);
    pb::States { scope: s.scope.0, from: s.from, to: s.to, filling: s.filling, body, raw_len }
}

fn states_from_pb(s: pb::States) -> Result<States> {
    bounded(s.body.len(), limits::BATCH_BYTES_MAX)?;
    let (records, gone) = decode_states(&s.body, s.raw_len)?;
    let (from, to) = (s.from, s.to);
    Ok(States { scope: ScopeId(s.scope), from, to, filling: s.filling, records, gone })
}

fn item_to_pb(i: &HistoryItem) -> pb::HistoryItem {
    let mut w = Writer::default();
    i.act.write(&mut w);
    pb::HistoryItem {
        author: i.author.0,
        act: w.into_bytes(),
        stamp: i.stamp.0,
        rank: i.rank as u32,
        fate: u32::from(i.fate.number()),
        retracted: i.retracted,
    }
}

fn item_from_pb(i: pb::HistoryItem) -> Result<HistoryItem> {
    bounded(i.act.len(), 2 * limits::ACT_BYTES_MAX)?;
    Ok(HistoryItem {
        author: AuthorId(i.author),
        act: Act::read(&mut Reader::new(&i.act))?,
        stamp: Stamp(i.stamp),
        rank: rank_of(i.rank)?,
        fate: fate_of(i.fate)?,
        retracted: i.retracted,
    })
}

/// A frame for a node.
pub fn down_to_pb(down: &Down) -> pb::DownFrame {
    use pb::down_frame::Frame;
    let frame = match down {
        Down::Welcome(w) => Frame::Welcome(welcome_to_pb(w)),
        Down::Acks(runs, receipt) => Frame::Acks(pb::Acks {
            runs: runs.iter().map(run_to_pb).collect(),
            receipt: Some(receipt_to_pb(receipt)),
        }),
        Down::States(s) => Frame::States(states_to_pb(s)),
        Down::Outcomes(o) => {
            Frame::Outcomes(pb::Outcomes { outcomes: o.iter().map(outcome_to_pb).collect() })
        }
        Down::Complete(c) => Frame::Complete(complete_to_pb(c)),
        Down::Certificate(der) => Frame::Certificate(der.clone()),
        Down::History(record, items) => Frame::History(pb::History {
            record: record.0.to_vec(),
            items: items.iter().map(item_to_pb).collect(),
        }),
        Down::Stop(stop) => Frame::Stop(*stop as u32),
        Down::Chain(heads) => Frame::Chain(apart::chain_to_pb(heads)),
        Down::Apart => Frame::Apart(pb::Apart {}),
        Down::ComeBack(_) => Frame::Stop(Stop::Busy as u32),
    };
    let come_back_s = if let Down::ComeBack(seconds) = down { *seconds } else { 0 };
    pb::DownFrame { frame: Some(frame), come_back_s }
}

/// A frame from the server.
pub fn down_from_pb(down: pb::DownFrame) -> Result<Down> {
    use pb::down_frame::Frame;
    let come_back_s = down.come_back_s;
    Ok(match down.frame.ok_or(WireError::UnknownFrame)? {
        Frame::Welcome(w) => Down::Welcome(welcome_from_pb(w)?),
        Frame::Acks(a) => {
            let receipt = receipt_from_pb(a.receipt.ok_or(WireError::Malformed)?)?;
            let runs = a.runs.into_iter().map(run_from_pb).collect::<Result<_>>()?;
            Down::Acks(runs, Box::new(receipt))
        }
        Frame::States(s) => Down::States(states_from_pb(s)?),
        Frame::Outcomes(o) => {
            bounded(o.outcomes.len(), limits::OUTCOMES_MAX)?;
            Down::Outcomes(o.outcomes.into_iter().map(outcome_from_pb).collect::<Result<_>>()?)
        }
        Frame::Complete(c) => Down::Complete(complete_from_pb(c)?),
        Frame::Certificate(der) => Down::Certificate(der),
        Frame::History(h) => {
            bounded(h.items.len(), limits::HISTORY_ACTS_MAX)?;
            let items = h.items.into_iter().map(item_from_pb).collect::<Result<_>>()?;
            Down::History(RecordId(fixed(&h.record)?), items)
        }
        Frame::Stop(n) => match Stop::from_number(small(n)?).ok_or(WireError::UnknownFrame)? {
            Stop::Busy if come_back_s > 0 => Down::ComeBack(come_back_s),
            stop => Down::Stop(stop),
        },
        Frame::Chain(chain) => Down::Chain(apart::chain_from_pb(&chain)?),
        Frame::Apart(_) => Down::Apart,
    })
}
