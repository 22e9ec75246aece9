//! What the province looks at: how nodes stand, what waits, what is disputed, who is who.
//!
//! Reads only, each from one snapshot. Deliberately absent: sentences and tables for people (`cli`).

use dongbo_proto::act::Act;
use dongbo_proto::catalogue::fold::fold;
use dongbo_proto::catalogue::{Kind, catalogue};
use dongbo_proto::id::{ActId, Epoch, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::record::{Head, Record};
use dongbo_proto::stamp::{Stamp, UnixMs};
use dongbo_proto::value::Value;

use super::error::{Error, Result};
use super::journal;
use super::proof::{WentBack, went_back};
use super::view::{NodeView, node_view};
use crate::store::ReadTx;
use crate::store::rows::{HeldRow, HeldState};

/// Records that a scan holds in memory at once.
const SCAN_RECORDS: usize = 1_000;
/// Groups of rows with one natural key that are listed of one kind.
const TWINS_MAX: usize = 1_000;

/// How the province stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub province: String,
    /// The epoch in force.
    pub epoch: Epoch,
    /// How many epochs it has had.
    pub epochs: usize,
    /// Records of each kind: live, then voided or emptied by a retraction.
    pub kinds: Vec<(KindId, u64, u64)>,
    /// Scopes, the reference left out.
    pub scopes: usize,
    /// Nodes, by the time at which they joined.
    pub nodes: Vec<NodeView>,
    /// Acts that wait.
    pub held: u64,
    /// Acts merged, of everyone.
    pub merged: u64,
    /// Acts refused.
    pub refused: u64,
    /// Server time of the last backup; `None` if there was none.
    pub backup_ms: Option<UnixMs>,
    /// When it last found that it had been put back without knowing it.
    pub went_back: Option<WentBack>,
}

/// How the province stands.
///
/// # Errors
/// [`Error::Unknown`] in a registry that was not founded, or the store's.
pub fn status(tx: &dyn ReadTx) -> Result<Status> {
    let epochs = super::view::epochs(tx)?;
    let authors = tx.authors()?;
    let kinds =
        catalogue().kinds().iter().map(|k| tx.count(k).map(|(live, void)| (k.id, live, void)));
    Ok(Status {
        province: super::enrol::province_name(tx)?,
        epoch: *epochs.first().ok_or(Error::Unknown("epoch"))?,
        epochs: epochs.len(),
        kinds: kinds.collect::<std::result::Result<_, _>>()?,
        scopes: tx.scopes()?.len().saturating_sub(1),
        held: authors.iter().map(|a| a.held).sum(),
        merged: authors.iter().map(|a| a.merged).sum(),
        refused: authors.iter().map(|a| a.refused).sum(),
        nodes: nodes(tx)?,
        backup_ms: super::backup::backup_ms(tx)?,
        went_back: went_back(tx)?,
    })
}

/// All nodes, by the time at which they joined.
///
/// # Errors
/// The store's.
pub fn nodes(tx: &dyn ReadTx) -> Result<Vec<NodeView>> {
    let mut nodes = Vec::new();
    for author in tx.authors()? {
        nodes.extend(node_view(tx, author.id)?);
    }
    Ok(nodes)
}

/// An act that waits, with what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldAct {
    /// Why, since when, on which records.
    pub row: HeldRow,
    /// The act; `None` if its contents do not read back.
    pub act: Option<Act>,
    /// Its order stamp.
    pub stamp: Stamp,
    /// What its author is called.
    pub author_name: String,
}

/// Acts that wait, by author and position, after one of them.
///
/// # Errors
/// The store's.
pub fn held_list(tx: &dyn ReadTx, after: Option<ActId>, max: usize) -> Result<Vec<HeldAct>> {
    let rows = tx.held_after(HeldState::Waiting, after, max)?;
    rows.into_iter().map(|row| held_act(tx, row)).collect()
}

/// One act that was held, whatever became of it.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn held_one(tx: &dyn ReadTx, act: ActId) -> Result<HeldAct> {
    held_act(tx, tx.held(act)?.ok_or(Error::Unknown("held act"))?)
}

fn held_act(tx: &dyn ReadTx, row: HeldRow) -> Result<HeldAct> {
    let told = journal::tell(tx, row.act)?;
    let author_name = tx.author(row.act.author)?.map(|a| a.name).unwrap_or_default();
    let stamp = told.as_ref().map(|t| t.stamp).unwrap_or_default();
    Ok(HeldAct { row, act: told.map(|t| t.act), stamp, author_name })
}

/// A field about which people disagree.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindId,
    /// Its home.
    pub home: ScopeId,
    /// The field.
    pub field: FieldId,
    /// Its heads, the shown one first.
    pub heads: Vec<Head>,
}

/// What is disputed.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Conflicts {
    /// Fields with several values.
    pub fields: Vec<Conflict>,
    /// Live rows with one natural key.
    pub twins: Vec<(KindId, Vec<RecordId>)>,
}

/// Every dispute, up to so many fields.
///
/// # Errors
/// The store's.
pub fn conflicts(tx: &dyn ReadTx, max: usize) -> Result<Conflicts> {
    let mut found = Conflicts::default();
    for kind in catalogue().kinds() {
        scan(tx, kind, &mut |record| {
            found.fields.extend(disputes(kind, record));
            found.fields.len() < max
        })?;
        found.twins.extend(tx.twins(kind, TWINS_MAX)?.into_iter().map(|ids| (kind.id, ids)));
    }
    found.fields.truncate(max);
    Ok(found)
}

/// The disputed fields of one record.
pub fn disputes(kind: &Kind, record: &Record) -> Vec<Conflict> {
    let disputed = record.fields.iter().filter(|(_, state)| state.in_conflict());
    let conflict = |(field, state): &(FieldId, dongbo_proto::record::FieldState)| {
        let mut heads = state.heads.to_vec();
        let rule = dongbo_proto::merge::rule_of(kind.id, *field);
        if let Some(shown) = dongbo_proto::merge::shown(rule, &heads) {
            heads[..=shown].rotate_right(1);
        }
        Conflict { record: record.id, kind: kind.id, home: record.home, field: *field, heads }
    };
    disputed.map(conflict).collect()
}

/// Every record of a kind by rising id, until told to stop.
fn scan(tx: &dyn ReadTx, kind: &Kind, each: &mut dyn FnMut(&Record) -> bool) -> Result<()> {
    let mut after = None;
    loop {
        let records = tx.records_after(kind, after, SCAN_RECORDS)?;
        let Some(last) = records.last() else { return Ok(()) };
        after = Some(last.id);
        if !records.iter().all(&mut *each) {
            return Ok(());
        }
    }
}

/// A record by its id alone.
///
/// # Errors
/// [`Error::Unknown`], or the store's.
pub fn record(tx: &dyn ReadTx, id: RecordId) -> Result<Record> {
    let kind = super::history::kind_of(tx, id)?.ok_or(Error::Unknown("record"))?;
    super::province::whole(tx, kind, id)
}

/// Records of a kind by rising id after one, perhaps only of one home.
///
/// # Errors
/// The store's.
pub fn list(
    tx: &dyn ReadTx,
    kind: &Kind,
    home: Option<ScopeId>,
    after: Option<RecordId>,
    max: usize,
) -> Result<Vec<Record>> {
    let Some(home) = home else { return Ok(tx.records_after(kind, after, max)?) };
    let (mut found, mut after) = (Vec::new(), after);
    while found.len() < max {
        let placed = tx.placements_after(home, after, SCAN_RECORDS)?;
        let Some(last) = placed.last() else { break };
        after = Some(last.record);
        let at_home = |p: &&crate::store::rows::Placement| {
            p.kind == kind.id && p.projection == dongbo_proto::act::Projection::Home
        };
        let ids: Vec<RecordId> = placed.iter().filter(at_home).map(|p| p.record).collect();
        found.extend(tx.records(kind, &ids)?.into_iter().flatten());
    }
    found.truncate(max);
    Ok(found)
}

/// Live records of a kind in whose searched fields every word of a text is found, whatever its tone
/// marks and case.
///
/// # Errors
/// The store's.
pub fn search(tx: &dyn ReadTx, kind: &Kind, text: &str, max: usize) -> Result<Vec<Record>> {
    let text = fold(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let fields: Vec<FieldId> = kind.fields().iter().filter(|f| f.searched).map(|f| f.id).collect();
    let mut found = Vec::new();
    scan(tx, kind, &mut |record| {
        if !record.is_void() && matches(record, &fields, &words) {
            found.push(record.clone());
        }
        found.len() < max
    })?;
    Ok(found)
}

fn matches(record: &Record, fields: &[FieldId], words: &[&str]) -> bool {
    let mut held = String::new();
    for field in fields {
        if let Some(Value::Text(text)) = record.shown(*field) {
            held.push_str(&fold(text));
            held.push(' ');
        }
    }
    !words.is_empty() && words.iter().all(|word| held.contains(word))
}
