//! A record as the registry holds it: its fields, each with its heads, and the packed blob
//! that keeps the heads beside the ordinary columns of a row.
//!
//! Cost follows the row, not the field: a new record has one origin, and only the fields that
//! later diverge from it have an entry of their own in [`Meta`]. Shown values live in columns;
//! losing heads, values that have no column here, and rare bookkeeping live in the blob.

mod blob;
mod meta;

use smallvec::SmallVec;
use thin_vec::ThinVec;

use crate::act::Projection;
use crate::bytes::{Reader, Truncated, Writer};
use crate::catalogue::{Kind, catalogue, field};
use crate::id::{ActId, FieldId, KindId, RecordId, ScopeId};
use crate::merge;
use crate::stamp::Stamp;
use crate::value::Value;

pub use meta::{Joining, Meta};

/// The authority that a write had when it merged; the listing shows the highest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
#[repr(u8)]
pub enum Rank {
    /// A file that was read in.
    #[default]
    Import = 0,
    /// An office that is not the record's home.
    Other = 1,
    /// The record's home.
    Home = 2,
    /// A person of the province.
    Province = 3,
}

impl Rank {
    /// From its number in a blob or on the wire.
    pub fn from_number(n: u8) -> Option<Self> {
        Some(match n {
            0 => Rank::Import,
            1 => Rank::Other,
            2 => Rank::Home,
            3 => Rank::Province,
            _ => return None,
        })
    }

    /// Its word in JSON output.
    pub fn word(self) -> &'static str {
        ["import", "other", "home", "province"][self as usize]
    }
}

/// The act that wrote something, with the facts that merge fixed for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The act.
    pub act: ActId,
    /// Its order stamp.
    pub stamp: Stamp,
    /// Its rank.
    pub rank: Rank,
}

/// A value that nobody has replaced, with the act that wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The act.
    pub act: ActId,
    /// Its order stamp.
    pub stamp: Stamp,
    /// Its rank.
    pub rank: Rank,
    /// The value.
    pub value: Value,
}

impl Head {
    /// A head of an act with its facts.
    pub fn new(origin: Origin, value: Value) -> Self {
        Head { act: origin.act, stamp: origin.stamp, rank: origin.rank, value }
    }

    /// Its act with the facts that merge fixed.
    pub fn origin(&self) -> Origin {
        Origin { act: self.act, stamp: self.stamp, rank: self.rank }
    }
}

/// The ids that a write named.
pub type Named = SmallVec<[ActId; 1]>;

/// Everything that merge knows of one field.
///
/// There is one for each field of each record in memory: lists that are nearly always empty take
/// the room of a pointer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FieldState {
    /// Current values, by act id: one normally, several are a conflict.
    pub heads: SmallVec<[Head; 1]>,
    /// Acts that were named before they arrived: when they do, they go straight to history.
    pub ahead: ThinVec<ActId>,
    /// Retracted acts and what they had named: who replaces one replaces those too.
    pub undone: ThinVec<(ActId, Named)>,
}

impl FieldState {
    /// A field with one value.
    pub fn sole(head: Head) -> Self {
        FieldState { heads: smallvec::smallvec![head], ..Default::default() }
    }

    /// Whether people disagree: several heads with more than one value between them.
    pub fn in_conflict(&self) -> bool {
        self.heads.iter().skip(1).any(|h| h.value != self.heads[0].value)
    }

    /// Whether there is nothing to remember.
    pub fn is_blank(&self) -> bool {
        self.heads.is_empty() && self.ahead.is_empty() && self.undone.is_empty()
    }
}

/// A record: its origin, its home and its fields by number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: KindId,
    /// The act that created it.
    pub created: Origin,
    /// The act that placed it where it is, where that is not its creation.
    pub placed: Option<ActId>,
    /// Its home scope.
    pub home: ScopeId,
    /// Its fields, sorted by number, those without heads left out unless merge must remember more.
    pub fields: Vec<(FieldId, FieldState)>,
}

impl Record {
    /// A record without fields.
    pub fn new(id: RecordId, kind: KindId, created: Origin, home: ScopeId) -> Self {
        Record { id, kind, created, placed: None, home, fields: Vec::new() }
    }

    /// What is known of a field.
    pub fn field(&self, field: FieldId) -> Option<&FieldState> {
        self.fields.binary_search_by_key(&field, |f| f.0).ok().map(|at| &self.fields[at].1)
    }

    /// What is known of a field, to change it.
    pub fn field_mut(&mut self, field: FieldId) -> &mut FieldState {
        let at = match self.fields.binary_search_by_key(&field, |f| f.0) {
            Ok(at) => at,
            Err(at) => {
                self.fields.insert(at, (field, FieldState::default()));
                at
            }
        };
        &mut self.fields[at].1
    }

    /// The value that a listing shows.
    pub fn shown(&self, field: FieldId) -> Option<&Value> {
        let state = self.field(field)?;
        let rule = merge::rule_of(self.kind, field);
        merge::shown(rule, &state.heads).map(|at| &state.heads[at].value)
    }

    /// Whether it was voided: entered in error, kept with a reason.
    pub fn is_void(&self) -> bool {
        self.shown(field::VOID).is_some_and(|v| !v.is_null())
    }

    /// The fields that a projection shows.
    pub fn project(&self, projection: Projection) -> Record {
        let kind = catalogue().kind(self.kind);
        let seen = |id: FieldId| sees(kind, id, projection);
        Record {
            fields: self.fields.iter().filter(|f| seen(f.0)).cloned().collect(),
            ..self.clone()
        }
    }

    /// Canonical bytes, where a record has no table: staging, and kinds from a newer schema.
    pub fn write(&self, w: &mut Writer) {
        w.raw(&self.id.0);
        w.number(u64::from(self.kind.0));
        w.number(u64::from(self.home.0));
        let (meta, _) = Meta::of(self, |_| false);
        w.block(&meta.pack());
    }

    /// Reads canonical bytes back.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let id = RecordId(r.array()?);
        let kind = KindId(r.narrow()?);
        let home = ScopeId(r.narrow()?);
        let meta = Meta::unpack(r.block()?)?;
        Ok(meta.into_record(id, kind, home, std::iter::empty()))
    }
}

/// Whether a projection shows a field.
pub fn sees(kind: Option<&Kind>, field: FieldId, projection: Projection) -> bool {
    let flag = |pick: fn(&crate::catalogue::Field) -> bool| {
        kind.and_then(|k| k.field(field)).is_some_and(pick)
    };
    match projection {
        Projection::Home => true,
        Projection::Transfer => flag(|f| f.transfer),
        Projection::Visitor => flag(|f| f.visitor),
    }
}
