//! In which scope a new record has its home, and which record a code means.
//!
//! Pure but for two readings. The code of a unit is for people and may be issued again after a
//! rename, so only units that have not ended are meant.

use std::collections::HashMap;

use dongbo_proto::catalogue::{Kind, catalogue, kind};
use dongbo_proto::frame::Grant;
use dongbo_proto::id::{KindId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::value::Value;

use super::{OfficeError, Result};
use crate::replica::{Filter, Replica};

/// More units than this with one code are not looked at: two are already too many.
const SAME_CODE_MAX: usize = 8;

/// A unit or village as a code finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// The record.
    pub id: RecordId,
    /// The code of its scope, for a unit that has one.
    pub scope: Option<String>,
}

/// What the reference says of codes, read once for a whole file.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    found: HashMap<(KindId, String), Option<Coded>>,
    codes: HashMap<RecordId, String>,
}

impl Codes {
    /// Reads all units and villages.
    pub fn read(replica: &Replica) -> Result<Self> {
        let mut codes = Codes::default();
        for of in [kind::UNIT, kind::VILLAGE] {
            replica.each(of, |record| {
                codes.add(&record);
                Ok(())
            })?;
        }
        Ok(codes)
    }

    fn add(&mut self, record: &Record) {
        let Some(code) = text(record, "code") else { return };
        self.codes.insert(record.id, code.clone());
        if is_over(record) {
            return;
        }
        let coded = Coded { id: record.id, scope: text(record, "scope_code") };
        let entry = self.found.entry((record.kind, code));
        // A second one in force makes the code ambiguous: never guess.
        entry.and_modify(|known| *known = None).or_insert(Some(coded));
    }

    /// The unit or village in force with this code.
    pub fn find(&self, kind: &'static str, code: &str) -> Result<&Coded> {
        let id = catalogue().kind_named(kind).map(|k| k.id).unwrap_or_default();
        match self.found.get(&(id, code.to_owned())) {
            Some(Some(coded)) => Ok(coded),
            Some(None) => Err(OfficeError::AmbiguousCode { kind, code: code.to_owned() }),
            None => Err(OfficeError::UnknownCode { kind, code: code.to_owned() }),
        }
    }

    /// The code of a unit or village.
    pub fn code_of(&self, id: RecordId) -> Option<&str> {
        self.codes.get(&id).map(String::as_str)
    }
}

/// The one unit or village in force with this code.
pub fn by_code(replica: &Replica, kind: &'static str, code: &str) -> Result<Coded> {
    let unknown = || OfficeError::UnknownCode { kind, code: code.to_owned() };
    let of = catalogue().kind_named(kind).ok_or_else(unknown)?;
    let field = of.field_named("code").ok_or_else(unknown)?.id;
    let equals = vec![(field, Value::Text(code.to_owned()))];
    let found = replica.list(of.id, &Filter { equals, ..Filter::default() }, SAME_CODE_MAX)?;
    let mut alive = found.iter().filter(|record| !is_over(record));
    match (alive.next(), alive.next()) {
        (None, _) => Err(unknown()),
        (Some(one), None) => Ok(Coded { id: one.id, scope: text(one, "scope_code") }),
        _ => Err(OfficeError::AmbiguousCode { kind, code: code.to_owned() }),
    }
}

/// The static name of a kind that has codes.
pub fn coded_kind(kind: &str) -> &'static str {
    if kind == "village" { "village" } else { "unit" }
}

fn is_over(record: &Record) -> bool {
    let kind = catalogue().kind(record.kind);
    let ended = kind.and_then(|k| k.field_named("ended_on")).and_then(|f| record.shown(f.id));
    record.is_void() || ended.is_some_and(|v| !v.is_null())
}

/// The code of the scope that a unit belongs to.
pub fn scope_of_unit(unit: &Record) -> Option<String> {
    text(unit, "scope_code")
}

fn text(record: &Record, field: &str) -> Option<String> {
    let field = catalogue().kind(record.kind)?.field_named(field)?;
    match record.shown(field.id)? {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// What says where a new record belongs, the most telling first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The code of a scope, given by the person.
    pub scope: Option<String>,
    /// The code of the scope of the unit that it belongs to.
    pub unit: Option<String>,
    /// The home of the record that it belongs to.
    pub subject: Option<ScopeId>,
}

/// The home of a new record among the node's scopes.
pub fn home(hints: &Hints, grants: &[Grant]) -> Result<ScopeId> {
    let own = || grants.iter().filter(|g| g.scope != ScopeId::REFERENCE);
    let coded = |code: &String| {
        let found = own().find(|g| g.code == *code).map(|g| g.scope);
        found.ok_or_else(|| OfficeError::UnknownScope { code: code.clone() })
    };
    if let Some(code) = hints.scope.as_ref().or(hints.unit.as_ref()) {
        return coded(code);
    }
    if let Some(home) = hints.subject.filter(|home| own().any(|g| g.scope == *home)) {
        return Ok(home);
    }
    match own().collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.scope),
        many => {
            Err(OfficeError::WhichScope { codes: many.iter().map(|g| g.code.clone()).collect() })
        }
    }
}

/// The record that an entry of this kind belongs to, as its subject field names it.
pub fn subject(kind: &Kind, entries: &[(dongbo_proto::id::FieldId, Value)]) -> Option<RecordId> {
    let field = kind.subject?;
    entries.iter().find_map(|(f, v)| match v {
        Value::Ref(id) if *f == field => Some(*id),
        _ => None,
    })
}

/// The unit that an entry names.
pub fn unit(kind: &Kind, entries: &[(dongbo_proto::id::FieldId, Value)]) -> Option<RecordId> {
    let field = kind.field_named("unit_id")?.id;
    entries.iter().find_map(|(f, v)| match v {
        Value::Ref(id) if *f == field => Some(*id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(codes: &[&str]) -> Vec<Grant> {
        let grant = |(n, code): (u32, &&str)| Grant {
            scope: ScopeId(n),
            code: (*code).to_owned(),
            name: String::new(),
        };
        (0..).zip(codes).map(grant).collect()
    }

    #[test]
    fn the_only_scope_is_meant_and_several_are_asked_about() {
        assert_eq!(home(&Hints::default(), &grants(&["*", "A"])).unwrap(), ScopeId(1));
        let many = home(&Hints::default(), &grants(&["*", "A", "B"]));
        assert!(matches!(many, Err(OfficeError::WhichScope { codes }) if codes == ["A", "B"]));
    }

    #[test]
    fn the_person_goes_before_the_unit_and_the_unit_before_the_subject() {
        let grants = grants(&["*", "A", "B", "C"]);
        let mut hints = Hints { subject: Some(ScopeId(3)), ..Hints::default() };
        assert_eq!(home(&hints, &grants).unwrap(), ScopeId(3));
        hints.unit = Some("B".into());
        assert_eq!(home(&hints, &grants).unwrap(), ScopeId(2));
        hints.scope = Some("A".into());
        assert_eq!(home(&hints, &grants).unwrap(), ScopeId(1));
        hints.scope = Some("Z".into());
        assert!(matches!(home(&hints, &grants), Err(OfficeError::UnknownScope { .. })));
    }
}
