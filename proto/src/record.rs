//! A record as the registry holds it: its fields, each with its heads, and the packed blob
//! that keeps the heads beside the ordinary columns of a row.
//!
//! Cost follows the row, not the field: a new record has one origin, and only the fields that
//! later diverge from it have an entry of their own in [`Meta`]. Shown values live in columns;
//! losing heads, values that have no column here, and rare bookkeeping live in the blob.

use smallvec::SmallVec;

use crate::act::{Projection, read_act_id, write_act_id};
use crate::bytes::{Reader, Truncated, Writer};
use crate::catalogue::{Kind, catalogue, field};
use crate::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use crate::merge;
use crate::stamp::Stamp;
use crate::value::Value;

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
        [Rank::Import, Rank::Other, Rank::Home, Rank::Province].into_iter().find(|r| *r as u8 == n)
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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FieldState {
    /// Current values, by act id: one normally, several are a conflict.
    pub heads: SmallVec<[Head; 1]>,
    /// Acts that were named before they arrived: when they do, they go straight to history.
    pub ahead: Vec<ActId>,
    /// Retracted acts and what they had named: who replaces one replaces those too.
    pub undone: Vec<(ActId, Named)>,
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

/// A head in the blob; the value is absent where a column holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct PackedHead {
    origin: Origin,
    value: Option<Value>,
}

/// A field that differs from the record's origin.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Diverged {
    field: FieldId,
    heads: SmallVec<[PackedHead; 1]>,
    ahead: Vec<ActId>,
    undone: Vec<(ActId, Named)>,
}

/// What a row keeps beside its ordinary columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// The act that created the record, which is also the head of every field that has no entry.
    pub created: Origin,
    /// The act that placed it, where that is not its creation.
    pub placed: Option<ActId>,
    /// Whether other scopes see it as a guest (the server's note; no part of any digest).
    pub guests: bool,
    diverged: Vec<Diverged>,
}

const VERSION: u8 = 1;
const PLACED: u8 = 1;
const GUESTS: u8 = 2;
const SAME_AUTHOR: u8 = 0;
const OTHER_AUTHOR: u8 = 1;

impl Meta {
    /// A new record's blob.
    pub fn new(created: Origin) -> Self {
        Meta { created, placed: None, guests: false, diverged: Vec::new() }
    }

    /// Splits a record into its blob and the values for its columns. `in_column` says which
    /// fields have one.
    pub fn of(
        record: &Record,
        in_column: impl Fn(FieldId) -> bool,
    ) -> (Meta, Vec<(FieldId, Value)>) {
        let mut meta = Meta { placed: record.placed, ..Meta::new(record.created) };
        let mut columns = Vec::with_capacity(record.fields.len());
        for (field, state) in &record.fields {
            let rule = merge::rule_of(record.kind, *field);
            if let Some(value) = meta.set(*field, state, rule, in_column(*field)) {
                columns.push((*field, value));
            }
        }
        (meta, columns)
    }

    /// What merge knows of a field, given what its column holds.
    pub fn state(&self, field: FieldId, column: Option<Value>) -> FieldState {
        match self.find(field) {
            Ok(at) => self.diverged[at].state(column),
            Err(_) => match column {
                Some(value) if !value.is_null() => FieldState::sole(Head::new(self.created, value)),
                _ => FieldState::default(),
            },
        }
    }

    /// Whether a field has an entry of its own.
    pub fn has_diverged(&self, field: FieldId) -> bool {
        self.find(field).is_ok()
    }

    /// The fields that have an entry of their own.
    pub fn diverged_fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.diverged.iter().map(|d| d.field)
    }

    /// The fields with more than one head: what a list of conflicts looks at first.
    pub fn contested_fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.diverged.iter().filter(|d| d.heads.len() > 1).map(|d| d.field)
    }

    /// Takes in a field's new state and returns the value for its column, if it has one.
    pub fn set(
        &mut self,
        field: FieldId,
        state: &FieldState,
        rule: crate::catalogue::Rule,
        in_column: bool,
    ) -> Option<Value> {
        let shown = merge::shown(rule, &state.heads);
        let column = shown.filter(|_| in_column).map(|at| state.heads[at].value.clone());
        let plain = in_column && self.is_plain(state);
        match (self.find(field), plain || state.is_blank()) {
            (Ok(at), true) => drop(self.diverged.remove(at)),
            (Err(_), true) => {}
            (Ok(at), false) => self.diverged[at] = Diverged::of(field, state, shown, in_column),
            (Err(at), false) => {
                self.diverged.insert(at, Diverged::of(field, state, shown, in_column));
            }
        }
        column.filter(|_| in_column).or(in_column.then_some(Value::Null))
    }

    /// Whether a state is what the creating act left: needs no entry.
    fn is_plain(&self, state: &FieldState) -> bool {
        let [head] = state.heads.as_slice() else { return false };
        head.origin() == self.created
            && !head.value.is_null()
            && state.ahead.is_empty()
            && state.undone.is_empty()
    }

    fn find(&self, field: FieldId) -> Result<usize, usize> {
        self.diverged.binary_search_by_key(&field, |d| d.field)
    }

    /// Puts a record together from its blob and its columns (those that are NULL left out).
    pub fn into_record(
        self,
        id: RecordId,
        kind: KindId,
        home: ScopeId,
        columns: impl IntoIterator<Item = (FieldId, Value)>,
    ) -> Record {
        let mut record = Record::new(id, kind, self.created, home);
        record.placed = self.placed;
        let mut columns: Vec<_> = columns.into_iter().collect();
        columns.sort_by_key(|c| c.0);
        for (field, value) in columns {
            let state = self.state(field, Some(value));
            if !state.is_blank() {
                record.fields.push((field, state));
            }
        }
        for entry in &self.diverged {
            if record.fields.binary_search_by_key(&entry.field, |f| f.0).is_err() {
                *record.field_mut(entry.field) = entry.state(None);
            }
        }
        record
    }

    /// Applies new facts to the heads of one act: what an acknowledgement says of it. Where a
    /// field is in conflict another head may now be shown, so the caller takes the states of
    /// [`Meta::contested_fields`] before and [`Meta::set`]s them again after.
    pub fn restamp(&mut self, act: ActId, stamp: Stamp, rank: Rank) {
        if self.created.act == act {
            self.created = Origin { act, stamp, rank };
        }
        for head in self.diverged.iter_mut().flat_map(|d| &mut d.heads) {
            if head.origin.act == act {
                head.origin = Origin { act, stamp, rank };
            }
        }
    }

    /// The blob.
    pub fn pack(&self) -> Vec<u8> {
        let mut w = Writer::reuse(Vec::with_capacity(32 + 24 * self.diverged.len()));
        w.byte(VERSION);
        w.byte(
            if self.placed.is_some() { PLACED } else { 0 } | if self.guests { GUESTS } else { 0 },
        );
        write_act_id(&mut w, self.created.act);
        w.raw(&self.created.stamp.0.to_be_bytes());
        w.byte(self.created.rank as u8);
        if let Some(act) = self.placed {
            write_act_id(&mut w, act);
        }
        w.number(self.diverged.len() as u64);
        self.diverged.iter().for_each(|d| d.pack(self.created.act.author, &mut w));
        w.into_bytes()
    }

    /// Reads a blob.
    pub fn unpack(bytes: &[u8]) -> Result<Self, Truncated> {
        let r = &mut Reader::new(bytes);
        if r.byte()? != VERSION {
            return Err(Truncated);
        }
        let flags = r.byte()?;
        let act = read_act_id(r)?;
        let created = Origin { act, stamp: Stamp(u64::from_be_bytes(r.array()?)), rank: rank(r)? };
        let placed = if flags & PLACED != 0 { Some(read_act_id(r)?) } else { None };
        let count = r.number()?;
        let diverged =
            (0..count).map(|_| Diverged::unpack(act.author, r)).collect::<Result<Vec<_>, _>>()?;
        if !r.is_empty() || !diverged.is_sorted_by(|a, b| a.field < b.field) {
            return Err(Truncated);
        }
        Ok(Meta { created, placed, guests: flags & GUESTS != 0, diverged })
    }
}

fn rank(r: &mut Reader<'_>) -> Result<Rank, Truncated> {
    Rank::from_number(r.byte()?).ok_or(Truncated)
}

fn pack_act(own: AuthorId, act: ActId, w: &mut Writer) {
    if act.author == own {
        w.byte(SAME_AUTHOR);
    } else {
        w.byte(OTHER_AUTHOR);
        w.raw(&act.author.0.to_be_bytes());
    }
    w.number(act.position);
}

fn unpack_act(own: AuthorId, r: &mut Reader<'_>) -> Result<ActId, Truncated> {
    let author = match r.byte()? {
        SAME_AUTHOR => own,
        _ => AuthorId(u64::from_be_bytes(r.array()?)),
    };
    Ok(ActId::new(author, r.number()?))
}

impl Diverged {
    fn of(field: FieldId, state: &FieldState, shown: Option<usize>, in_column: bool) -> Self {
        let packed = |(at, head): (usize, &Head)| PackedHead {
            origin: head.origin(),
            value: (!(in_column && Some(at) == shown)).then(|| head.value.clone()),
        };
        Diverged {
            field,
            heads: state.heads.iter().enumerate().map(packed).collect(),
            ahead: state.ahead.clone(),
            undone: state.undone.clone(),
        }
    }

    fn state(&self, column: Option<Value>) -> FieldState {
        let mut column = column;
        let head = |h: &PackedHead| {
            let value = h.value.clone().or_else(|| column.take()).unwrap_or_default();
            Head::new(h.origin, value)
        };
        FieldState {
            heads: self.heads.iter().map(head).collect(),
            ahead: self.ahead.clone(),
            undone: self.undone.clone(),
        }
    }

    fn pack(&self, own: AuthorId, w: &mut Writer) {
        w.number(u64::from(self.field.0));
        let rare = !self.ahead.is_empty() || !self.undone.is_empty();
        w.number((self.heads.len() as u64) << 1 | u64::from(rare));
        for head in &self.heads {
            pack_act(own, head.origin.act, w);
            w.raw(&head.origin.stamp.0.to_be_bytes());
            w.byte(head.origin.rank as u8 | if head.value.is_some() { 0x80 } else { 0 });
            if let Some(value) = &head.value {
                value.write(w);
            }
        }
        if rare {
            w.number(self.ahead.len() as u64);
            self.ahead.iter().for_each(|a| pack_act(own, *a, w));
            w.number(self.undone.len() as u64);
            for (act, named) in &self.undone {
                pack_act(own, *act, w);
                w.number(named.len() as u64);
                named.iter().for_each(|a| pack_act(own, *a, w));
            }
        }
    }

    fn unpack(own: AuthorId, r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let field = FieldId(r.narrow()?);
        let count = r.number()?;
        let heads =
            (0..count >> 1).map(|_| PackedHead::unpack(own, r)).collect::<Result<_, _>>()?;
        let (mut ahead, mut undone) = (Vec::new(), Vec::new());
        if count & 1 == 1 {
            let acts = |r: &mut Reader<'_>| -> Result<Named, Truncated> {
                let n = r.number()?;
                (0..n).map(|_| unpack_act(own, r)).collect()
            };
            ahead = acts(r)?.into_vec();
            let n = r.number()?;
            undone = (0..n)
                .map(|_| Ok((unpack_act(own, r)?, acts(r)?)))
                .collect::<Result<_, Truncated>>()?;
        }
        Ok(Diverged { field, heads, ahead, undone })
    }
}

impl PackedHead {
    fn unpack(own: AuthorId, r: &mut Reader<'_>) -> Result<Self, Truncated> {
        let act = unpack_act(own, r)?;
        let stamp = Stamp(u64::from_be_bytes(r.array()?));
        let byte = r.byte()?;
        let rank = Rank::from_number(byte & 0x7f).ok_or(Truncated)?;
        let value = if byte & 0x80 != 0 { Some(Value::read(r)?) } else { None };
        Ok(PackedHead { origin: Origin { act, stamp, rank }, value })
    }
}
