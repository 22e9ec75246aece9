//! What the province itself does: decides, settles, edits, takes back, places, imports.
//!
//! Each is an act of the province's own author for this life of the server, journalled as a frame
//! that the server's key signs and merged by the function that merges everyone's. An author id is
//! drawn at each start, so that a restore can never use a position twice.

use std::sync::Arc;

use dongbo_proto::act::{
    Act, FieldWrite, Intent, JobItem, Op, Over, Projection, RecordWrites, Verdict,
};
use dongbo_proto::catalogue::catalogue;
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{ActId, AuthorId, FieldId, JobId, KindId, RecordId, ScopeId};
use dongbo_proto::limits::{ACT_RECORDS_MAX, BATCH_ACTS_MAX, RETRACT_ACTS_MAX};
use dongbo_proto::record::Record;
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::{Stamp, UnixMs, Window, claim};
use dongbo_proto::value::Value;
use dongbo_proto::wire;
use sha2::{Digest as _, Sha256};

use super::error::{Error, Result};
use super::judge::Party;
use super::merge::{Arrival, merge_as};
use super::prepare::prepare;
use crate::store::rows::AuthorRow;
use crate::store::{ReadTx, WriteTx};

/// Acts in one frame of the province: bounds the memory of an import.
const FRAME_ACTS_MAX: usize = BATCH_ACTS_MAX / 2;

/// The province as an author: drawn at each start of a process that writes.
#[derive(Clone)]
pub struct Province {
    /// This life's author id: 64 random bits.
    pub author: AuthorId,
    secret: [u8; 32],
    signer: Arc<Signer>,
}

impl std::fmt::Debug for Province {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Province").field("author", &self.author).finish_non_exhaustive()
    }
}

impl Province {
    /// An author from random bits, passed in, and the key that signs receipts.
    pub fn new(author: AuthorId, secret: [u8; 32], signer: Arc<Signer>) -> Self {
        Province { author, secret, signer }
    }

    /// The salt seed of the frame that begins at a position. It must not be guessed and need not be
    /// kept: the frame carries it.
    fn seed(&self, first: u64) -> Seed {
        Seed(
            Sha256::new()
                .chain_update(self.secret)
                .chain_update(first.to_be_bytes())
                .finalize()
                .into(),
        )
    }
}

/// One act of the province, to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Who, at the province.
    pub person: String,
    /// Why: a change ranks above all, an import below.
    pub intent: Intent,
    /// The decision that it rests on.
    pub grounds: Option<String>,
    /// The job that it is an item of.
    pub job: Option<JobItem>,
    /// What it does.
    pub ops: Vec<Op>,
}

impl Deed {
    /// A change by a person.
    pub fn change(person: &str, grounds: Option<&str>, ops: Vec<Op>) -> Self {
        let grounds = grounds.map(str::to_owned);
        Deed { person: person.to_owned(), intent: Intent::Change, grounds, job: None, ops }
    }
}

/// Does one thing.
///
/// # Errors
/// [`Error::NotTaken`] where it breaks a limit or names a record that is none; or the store's.
pub fn enact(
    tx: &mut dyn WriteTx,
    province: &Province,
    deed: Deed,
    now_ms: UnixMs,
) -> Result<ActId> {
    enact_all(tx, province, vec![deed], now_ms)?
        .pop()
        .ok_or(Error::Damaged("the province's journal"))
}

/// Does several, in order, all or none.
///
/// # Errors
/// As [`enact`].
pub fn enact_all(
    tx: &mut dyn WriteTx,
    province: &Province,
    deeds: Vec<Deed>,
    now_ms: UnixMs,
) -> Result<Vec<ActId>> {
    let mut ids = Vec::with_capacity(deeds.len());
    let mut deeds = deeds.into_iter().peekable();
    while deeds.peek().is_some() {
        let some: Vec<Deed> = deeds.by_ref().take(FRAME_ACTS_MAX).collect();
        ids.extend(enact_frame(tx, province, some, now_ms)?);
    }
    Ok(ids)
}

fn enact_frame(
    tx: &mut dyn WriteTx,
    province: &Province,
    deeds: Vec<Deed>,
    now_ms: UnixMs,
) -> Result<Vec<ActId>> {
    let public_key = *province.signer.public();
    let row = match tx.author(province.author)? {
        Some(row) if row.public_key == public_key && row.province => row,
        Some(_) => return Err(Error::Exists("author")),
        None => {
            let row = AuthorRow::new(province.author, public_key, true, "province", now_ms);
            tx.put_author(&row)?;
            row
        }
    };
    let acts = to_acts(deeds, row.position + 1, row.last_order, now_ms);
    let ids = acts.iter().map(|a| a.id(province.author)).collect();
    let batch = sign_batch(province, &acts, row.head);
    let prepared = prepare(batch, &public_key).map_err(Error::Stop)?;
    let ctx =
        Arrival { window: Window { since_ms: now_ms, until_ms: now_ms, offset_ms: 0 }, now_ms };
    let party = Party { province: true, scopes: &[], deliver_only: false, shown_ms: now_ms };
    merge_as(tx, &prepared, &ctx, party)?;
    Ok(ids)
}

fn to_acts(deeds: Vec<Deed>, first: u64, last_order: Stamp, now_ms: UnixMs) -> Vec<Act> {
    let mut claimed = last_order;
    let act = |(position, deed): (u64, Deed)| {
        claimed = claim(claimed, now_ms);
        Act {
            position,
            claimed,
            person: deed.person,
            intent: deed.intent,
            grounds: deed.grounds,
            job: deed.job,
            linked: None,
            ops: deed.ops.into(),
        }
    };
    (first..).zip(deeds).map(act).collect()
}

fn sign_batch(province: &Province, acts: &[Act], before: dongbo_proto::id::Hash) -> Batch {
    let first = acts.first().map_or(0, |a| a.position);
    let last = acts.last().map_or(0, |a| a.position);
    let seed = province.seed(first);
    let after =
        acts.iter().fold(before, |chain, act| chain::extend(chain, chain::act_hash(act, &seed)));
    let (body, raw_len) = wire::encode_acts(acts);
    let signature =
        province.signer.sign(&chain::signed_bytes(province.author, last, after)).to_vec();
    let count = acts.len() as u32;
    Batch {
        author: province.author,
        first,
        count,
        before,
        after,
        seeds: vec![(first, seed)],
        signature,
        body,
        raw_len,
    }
}

/// Decides a held act.
///
/// # Errors
/// [`Error::Unknown`] if it is not held, [`Error::NotTaken`] if it cannot take effect, or the store's.
pub fn decide(
    tx: &mut dyn WriteTx,
    province: &Province,
    (person, grounds): (&str, Option<&str>),
    act: ActId,
    verdict: Verdict,
    now_ms: UnixMs,
) -> Result<ActId> {
    tx.held(act)?.ok_or(Error::Unknown("held act"))?;
    enact(tx, province, Deed::change(person, grounds, vec![Op::Decide(act, verdict)]), now_ms)
}

/// Writes fields over everything that they hold now: an edit by someone who sees it all, which settles
/// any conflict in them.
///
/// # Errors
/// [`Error::Unknown`], [`Error::NotTaken`], or the store's.
pub fn edit(
    tx: &mut dyn WriteTx,
    province: &Province,
    (person, grounds): (&str, Option<&str>),
    (kind, record): (KindId, RecordId),
    values: Vec<(FieldId, Value)>,
    now_ms: UnixMs,
) -> Result<ActId> {
    let held = whole(tx.reading(), kind, record)?;
    let mut fields: Vec<FieldWrite> =
        values.into_iter().map(|(f, v)| over_all(&held, f, v)).collect();
    fields.sort_by_key(|f| f.field);
    let write = RecordWrites { record, kind, create: None, under: held.placed, fields };
    enact(tx, province, Deed::change(person, grounds, vec![Op::Write(write)]), now_ms)
}

/// Settles a conflict by the value of one of its heads.
///
/// # Errors
/// As [`edit`]; [`Error::Unknown`] if the act is none of the field's heads.
pub fn settle(
    tx: &mut dyn WriteTx,
    province: &Province,
    by: (&str, Option<&str>),
    (kind, record): (KindId, RecordId),
    field: FieldId,
    head: ActId,
    now_ms: UnixMs,
) -> Result<ActId> {
    let held = whole(tx.reading(), kind, record)?;
    let value = held
        .field(field)
        .and_then(|s| s.heads.iter().find(|h| h.act == head))
        .map(|h| h.value.clone());
    let value = value.ok_or(Error::Unknown("head"))?;
    edit(tx, province, by, (kind, record), vec![(field, value)], now_ms)
}

fn over_all(held: &Record, field: FieldId, value: Value) -> FieldWrite {
    let heads = held
        .field(field)
        .map(|s| s.heads.iter().map(|h| h.act).collect::<Vec<_>>())
        .unwrap_or_default();
    let over = match heads.as_slice() {
        [] => Over::Nothing,
        [only] if *only == held.created.act => Over::Creation,
        _ => Over::Heads(heads.into()),
    };
    FieldWrite { field, value, over }
}

/// A whole record, or that there is none.
pub(super) fn whole(tx: &dyn ReadTx, kind: KindId, record: RecordId) -> Result<Record> {
    let kind = catalogue().kind(kind).ok_or(Error::Unknown("kind"))?;
    tx.records(kind, &[record])?.pop().flatten().ok_or(Error::Unknown("record"))
}

/// Takes acts back, as so many acts of the province as the limit of one asks for.
///
/// # Errors
/// [`Error::NotTaken`] if one of them has not merged, or the store's.
pub fn retract(
    tx: &mut dyn WriteTx,
    province: &Province,
    (person, grounds): (&str, Option<&str>),
    acts: &[ActId],
    now_ms: UnixMs,
) -> Result<Vec<ActId>> {
    let deeds = retract_chunks(tx.reading(), acts)?;
    let deed = |acts: Vec<ActId>| Deed::change(person, grounds, vec![Op::Retract(acts)]);
    enact_all(tx, province, deeds.into_iter().map(deed).collect(), now_ms)
}

/// Retractions of which each touches no more records than an act may.
fn retract_chunks(tx: &dyn ReadTx, acts: &[ActId]) -> Result<Vec<Vec<ActId>>> {
    let (mut chunks, mut records) = (vec![Vec::new()], 0);
    for act in acts {
        let touches = super::journal::tell(tx, *act)?.map_or(0, |t| t.act.records().count());
        let full = records + touches > ACT_RECORDS_MAX
            || chunks.last().is_some_and(|c: &Vec<ActId>| c.len() == RETRACT_ACTS_MAX);
        if full && records > 0 {
            chunks.push(Vec::new());
            records = 0;
        }
        records += touches;
        chunks.last_mut().into_iter().for_each(|c| c.push(*act));
    }
    chunks.retain(|c| !c.is_empty());
    Ok(chunks)
}

/// Places a record with all the rows that belong to it (a member's admissions, reviews, posts …): in a
/// new home, as a guest, or (`None`) no longer as a guest.
///
/// # Errors
/// [`Error::Unknown`], [`Error::NotTaken`], or the store's.
pub fn place(
    tx: &mut dyn WriteTx,
    province: &Province,
    (person, grounds): (&str, Option<&str>),
    (kind, record): (KindId, RecordId),
    scope: ScopeId,
    projection: Option<Projection>,
    now_ms: UnixMs,
) -> Result<ActId> {
    whole(tx.reading(), kind, record)?;
    let mut all = vec![(record, kind)];
    all.extend(belonging(tx.reading(), kind, record)?);
    let op = |(record, kind)| Op::Place { record, kind, scope, projection };
    enact(tx, province, Deed::change(person, grounds, all.into_iter().map(op).collect()), now_ms)
}

/// The rows whose subject is a record.
pub(super) fn belonging(
    tx: &dyn ReadTx,
    of: KindId,
    record: RecordId,
) -> Result<Vec<(RecordId, KindId)>> {
    let of = &catalogue().kind(of).ok_or(Error::Unknown("kind"))?.name;
    let mut rows = Vec::new();
    for kind in catalogue().kinds() {
        let Some(field) = kind.subject.and_then(|id| kind.field(id)) else { continue };
        if field.ty == dongbo_proto::catalogue::FieldType::Ref(of.clone()) {
            rows.extend(tx.referring(kind, field.id, record)?.into_iter().map(|id| (id, kind.id)));
        }
    }
    Ok(rows)
}

/// Deals operations out to the acts of a job, so many to an act: an import, a reference.
pub fn job(
    by: (&str, Option<&str>),
    intent: Intent,
    job: JobId,
    ops: Vec<Op>,
    ops_per_act: usize,
) -> Vec<Deed> {
    let per_act = ops_per_act.clamp(1, ACT_RECORDS_MAX);
    let of = ops.len().div_ceil(per_act) as u32;
    let mut ops = ops.into_iter();
    let item = |item: u32| Deed {
        person: by.0.to_owned(),
        intent,
        grounds: by.1.map(str::to_owned),
        job: Some(JobItem { job, item, of }),
        ops: ops.by_ref().take(per_act).collect(),
    };
    (1..=of).map(item).collect()
}

/// The acts of a job, whoever's it is, in order: what undoing the job takes back.
///
/// # Errors
/// The store's.
pub fn acts_of_job(tx: &dyn ReadTx, job: JobId) -> Result<Vec<ActId>> {
    let mut found = Vec::new();
    for author in tx.authors()? {
        found.extend(acts_where(tx, author.id, |act| act.job.is_some_and(|j| j.job == job))?);
    }
    Ok(found)
}

/// The acts that an author claimed to have made since a moment, in order: what undoing a device takes back.
///
/// # Errors
/// The store's.
pub fn acts_since(tx: &dyn ReadTx, author: AuthorId, since_ms: UnixMs) -> Result<Vec<ActId>> {
    acts_where(tx, author, |act| act.claimed.ms() >= since_ms)
}

fn acts_where(
    tx: &dyn ReadTx,
    author: AuthorId,
    wanted: impl Fn(&Act) -> bool,
) -> Result<Vec<ActId>> {
    const FRAMES_AT_ONCE: usize = 16;
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let frames = tx.frames_after(author, after, FRAMES_AT_ONCE)?;
        let Some(last) = frames.last() else { return Ok(found) };
        after = last.first + u64::from(last.count) - 1;
        for row in &frames {
            let frame = super::journal::Frame::open(row)?;
            found.extend(frame.acts.iter().filter(|a| wanted(a)).map(|a| a.id(author)));
        }
    }
}
