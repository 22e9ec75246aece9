//! Whether an act takes effect, and with which rank, before anything of it is applied.
//!
//! One fate for the whole act: the first reason found holds it. What may be judged from the act,
//! its author and the placement that the author had been shown is `merge::judge`'s; this file
//! fetches the facts for it.

use dongbo_proto::act::{Act, Intent, Op, Projection, RecordWrites};
use dongbo_proto::fate::Reason;
use dongbo_proto::id::{ActId, AuthorId, RecordId, ScopeId};
use dongbo_proto::limits::FIELD_HEADS_MAX;
use dongbo_proto::merge::{self, Author, Target};
use dongbo_proto::record::Rank;
use dongbo_proto::stamp::UnixMs;

use super::desk::Desk;
use super::error::Result;
use super::work::Work;

/// Who an act is judged as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Party<'a> {
    pub province: bool,
    pub scopes: &'a [ScopeId],
    /// Whether it may only deliver: everything is held.
    pub deliver_only: bool,
    /// Server time up to which the author has been shown everything.
    pub shown_ms: UnixMs,
}

/// A fate that is not an error of the store.
pub(super) type Judged = std::result::Result<Rank, Reason>;

/// The rank of an act, or why it is held. `checked` is what `merge::check_act` says of it.
pub(super) fn judge(
    desk: &mut Desk<'_, '_>,
    id: ActId,
    act: &Act,
    checked: std::result::Result<(), Reason>,
    party: Party<'_>,
) -> Result<Judged> {
    if party.deliver_only {
        return Ok(Err(Reason::DeliverOnly));
    }
    if let Err(reason) = checked {
        return Ok(Err(reason));
    }
    let asks = act.intent == Intent::Request && !party.province;
    let mut rank = Rank::Province;
    let mut created: Vec<RecordId> = Vec::new();
    for op in &act.ops {
        let judged = match op {
            Op::Write(w) if !asks && created.contains(&w.record) && w.create.is_none() => {
                Ok(Rank::Province)
            }
            Op::Write(w) => judge_writes(desk, id, act.intent, w, party)?,
            _ if asks => Err(Reason::NeedsApproval),
            Op::Retract(acts) => judge_retract(desk, id, acts, party)?,
            Op::Decide(..) | Op::Place { .. } if party.province => Ok(Rank::Province),
            Op::Decide(..) | Op::Place { .. } => Err(Reason::ProvinceOnly),
            Op::Unknown(..) => Err(Reason::NeedsNewerServer),
        };
        match judged {
            Ok(of_op) => rank = rank.min(of_op),
            Err(reason) => return Ok(Err(reason)),
        }
        created.extend(op_creates(op));
    }
    Ok(Ok(rank))
}

fn op_creates(op: &Op) -> Option<RecordId> {
    match op {
        Op::Write(w) if w.create.is_some() => Some(w.record),
        _ => None,
    }
}

fn judge_writes(
    desk: &mut Desk<'_, '_>,
    id: ActId,
    intent: Intent,
    w: &RecordWrites,
    party: Party<'_>,
) -> Result<Judged> {
    if let Some(home) = w.create
        && !desk.has_scope(home)?
    {
        return Ok(Err(Reason::NotWritable));
    }
    let author = Author { province: party.province, scopes: party.scopes };
    let Some(at) = desk.find(w.record, w.kind)? else {
        return judge_absent(desk, intent, id.author, w, author);
    };
    let home_shown = home_shown(desk, at, w, party)?;
    let work = &desk.works[at];
    let guest = seen_as_guest(work, party.scopes);
    let target = Target { meta: &work.meta, home_shown, home: work.home, guest };
    let judged = merge::judge(w, intent, author, Some(target));
    if judged == Err(Reason::RecordLeft) && !was_ever_shown(desk, at, w.record, party)? {
        return Ok(Err(Reason::UnknownRecord));
    }
    let Ok(rank) = judged else { return Ok(judged) };
    if party.province && w.create.is_some() {
        return Ok(Err(Reason::NotWritable));
    }
    desk.need(at, w.fields.iter().map(|f| f.field))?;
    Ok(if over_full(desk, at, w) { Err(Reason::OverLimit) } else { Ok(rank) })
}

/// Whether a record was ever at home with its author. What is held in words that tell a record
/// elsewhere from none at all would say what is there.
fn was_ever_shown(
    desk: &mut Desk<'_, '_>,
    at: usize,
    record: RecordId,
    party: Party<'_>,
) -> Result<bool> {
    let shown = |home: &ScopeId| party.scopes.contains(home);
    let work = &desk.works[at];
    let here = shown(&work.home) || work.guests.iter().any(|guest| shown(&guest.scope));
    Ok(here || desk.tx.stays(record)?.iter().any(|stay| shown(&stay.home)))
}

/// A record that the registry does not hold: created now, or waiting itself.
fn judge_absent(
    desk: &mut Desk<'_, '_>,
    intent: Intent,
    by: AuthorId,
    w: &RecordWrites,
    author: Author<'_>,
) -> Result<Judged> {
    if w.create.is_none() && author.province {
        return Ok(Err(Reason::UnknownRecord));
    }
    Ok(match merge::judge(w, intent, author, None) {
        // An act that asks for something on a record that waits is held with it, whatever it asks.
        Err(Reason::UnknownRecord | Reason::NeedsApproval)
            if w.create.is_none()
                && desk.tx.creation_held(w.record)?.is_some_and(|act| act.author == by) =>
        {
            Err(Reason::CreationHeld)
        }
        judged => judged,
    })
}

/// The most that a scope of the author sees of a record as a guest.
fn seen_as_guest(work: &Work<'_>, scopes: &[ScopeId]) -> Option<Projection> {
    let seen = work.guests.iter().filter(|g| scopes.contains(&g.scope)).map(|g| g.projection);
    seen.min()
}

/// Whether a write would stand beside as many heads as a field may have.
fn over_full(desk: &Desk<'_, '_>, at: usize, w: &RecordWrites) -> bool {
    let work = &desk.works[at];
    w.fields.iter().any(|write| {
        let Some(state) = work.slot(write.field) else { return false };
        state.heads.len() >= FIELD_HEADS_MAX && {
            let named = merge::named(&write.over, work.meta.created.act);
            !state.heads.iter().any(|h| named.contains(&h.act))
        }
    })
}

/// The home that the author had been shown: by the placement that its write names, and not older
/// than what it has confirmed to have been shown.
fn home_shown(
    desk: &mut Desk<'_, '_>,
    at: usize,
    w: &RecordWrites,
    party: Party<'_>,
) -> Result<ScopeId> {
    let work = &desk.works[at];
    let (home, placed) = (work.home, work.meta.placed);
    if party.province || placed.is_none() || w.under == placed {
        return Ok(home);
    }
    let named = w.under.unwrap_or(work.meta.created.act);
    let stays = desk.tx.stays(w.record)?;
    let Some(from) = stays.iter().position(|s| s.act == named) else { return Ok(home) };
    let shown = stays[from..].iter().take_while(|s| s.act == named || s.since_ms <= party.shown_ms);
    Ok(shown.last().map_or(home, |s| s.home))
}

/// A node may take back its own acts that merged by themselves; anything else is for the province.
fn judge_retract(
    desk: &mut Desk<'_, '_>,
    id: ActId,
    acts: &[ActId],
    party: Party<'_>,
) -> Result<Judged> {
    for act in acts {
        let own = act.author == id.author && act.position < id.position;
        if party.province {
            if !desk.arrived(*act)? {
                return Ok(Err(Reason::UnknownRecord));
            }
        } else if !own || desk.held_here.contains(act) || desk.tx.held(*act)?.is_some() {
            return Ok(Err(Reason::NeedsApproval));
        }
    }
    Ok(Ok(Rank::Province))
}
