//! What the lines of an import refer to by code or id: units, villages, scopes, and the homes of
//! records that are there or have come in this import.

use std::collections::{HashMap, HashSet};

use dongbo_proto::catalogue::{Kind, catalogue, kind};
use dongbo_proto::id::{KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;

use crate::registry;
use crate::store::ReadTx;
use crate::store::rows::Wanted;

/// Records that are read at once.
const AT_ONCE: usize = 1_000;

/// A unit, as far as an import wants to know.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Its record.
    pub id: RecordId,
    /// The scope that holds its members; none above the grassroots.
    pub scope: Option<ScopeId>,
}

/// What is known by code and by id.
#[derive(Debug, Default)]
pub struct Known {
    /// Units by code.
    pub units: HashMap<String, Unit>,
    /// Villages by code.
    pub villages: HashMap<String, RecordId>,
    /// Scopes by code.
    pub scopes: HashMap<String, ScopeId>,
    homes: HashMap<RecordId, ScopeId>,
    taken: HashSet<(KindId, RecordId)>,
}

impl Known {
    /// Reads the reference.
    ///
    /// # Errors
    /// The store's.
    pub fn read(tx: &dyn ReadTx) -> registry::Result<Self> {
        let scopes = tx.scopes()?.into_iter().map(|s| (s.code, s.id)).collect();
        let mut known = Known { scopes, ..Known::default() };
        let (unit, village) = (catalogue().kind(kind::UNIT), catalogue().kind(kind::VILLAGE));
        for record in all(tx, unit)? {
            let scope = unit.and_then(|k| text(k, &record, "scope_code"));
            let scope = scope.and_then(|code| known.scopes.get(code).copied());
            if let Some(code) = unit.and_then(|k| text(k, &record, "code")) {
                known.units.insert(code.to_owned(), Unit { id: record.id, scope });
            }
        }
        for record in all(tx, village)? {
            if let Some(code) = village.and_then(|k| text(k, &record, "code")) {
                known.villages.insert(code.to_owned(), record.id);
            }
        }
        Ok(known)
    }

    /// The home of a record that came before, or is in the registry.
    ///
    /// # Errors
    /// The store's.
    pub fn home(
        &self,
        tx: &dyn ReadTx,
        kind: &Kind,
        id: RecordId,
    ) -> registry::Result<Option<ScopeId>> {
        if let Some(home) = self.homes.get(&id) {
            return Ok(Some(*home));
        }
        let wanted = Wanted { record: id, kind: kind.id, fields: Default::default() };
        Ok(tx.rows(&[wanted])?.pop().flatten().map(|row| row.home))
    }

    /// Notes a record of this import; false where its id has come before.
    pub fn note(&mut self, kind: KindId, id: RecordId, home: ScopeId) -> bool {
        // Only what others refer to needs a home to be found by.
        if kind == kind::MEMBER {
            self.homes.insert(id, home);
        }
        self.taken.insert((kind, id))
    }
}

/// Which of some records are in the registry already.
///
/// # Errors
/// The store's.
pub fn there(
    tx: &dyn ReadTx,
    ids: &[(KindId, RecordId)],
) -> registry::Result<HashSet<(KindId, RecordId)>> {
    let mut there = HashSet::new();
    for some in ids.chunks(AT_ONCE) {
        let want = |(kind, record): &(KindId, RecordId)| Wanted {
            record: *record,
            kind: *kind,
            fields: Default::default(),
        };
        let wanted: Vec<Wanted> = some.iter().map(want).collect();
        let rows = tx.rows(&wanted)?;
        there.extend(some.iter().zip(rows).filter(|(_, row)| row.is_some()).map(|(id, _)| *id));
    }
    Ok(there)
}

fn all(tx: &dyn ReadTx, kind: Option<&Kind>) -> registry::Result<Vec<Record>> {
    let (Some(kind), mut all) = (kind, Vec::new()) else { return Ok(Vec::new()) };
    loop {
        let after = all.last().map(|r: &Record| r.id);
        let some = tx.records_after(kind, after, AT_ONCE)?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
    }
}

fn text<'r>(kind: &Kind, record: &'r Record, field: &str) -> Option<&'r str> {
    match record.shown(kind.field_named(field)?.id)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
