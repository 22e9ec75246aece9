//! From what a person typed to fields and values: `phone=0987…`, names by the catalogue.
//!
//! Pure. References may be given as an id or, for units and villages, as a code, which the caller
//! resolves. Deliberately absent: whether the person may write the field (`edit`), and any echo of
//! a value in an error.

use chrono::NaiveDate;
use dongbo_proto::catalogue::{Field, FieldType, Kind, Rule, Writers, catalogue, fold, validate};
use dongbo_proto::id::{FieldId, RecordId};
use dongbo_proto::value::Value;

use super::{OfficeError, Result};

/// A name that is further than this from all known ones, or than a third of its letters, is not
/// guessed at.
const GUESS_EDITS_MAX: usize = 4;

/// Fields with their new values, each field once, by rising number.
pub type Entries = Vec<(FieldId, Value)>;

/// Finds the record that a code means: its kind (`unit` or `village`) and the code.
pub type Resolve<'a> = dyn Fn(&str, &str) -> Result<RecordId> + 'a;

/// The kind of this name.
pub fn kind_named(name: &str) -> Result<&'static Kind> {
    let kinds = || catalogue().kinds().iter().map(|k| k.name.as_str());
    catalogue()
        .kind_named(name)
        .ok_or_else(|| OfficeError::UnknownKind { near: nearest(name, kinds()) })
}

/// The field of this name.
pub fn field_named<'k>(kind: &'k Kind, name: &str) -> Result<&'k Field> {
    let names = || kind.fields().iter().map(|f| f.name.as_str());
    kind.field_named(name).ok_or_else(|| OfficeError::UnknownField {
        kind: kind.name.clone(),
        field: name.to_owned(),
        near: nearest(name, names()),
    })
}

/// Reads `field=value` pairs and names of fields to clear.
pub fn entries(
    kind: &Kind,
    sets: &[String],
    clears: &[String],
    today: NaiveDate,
    resolve: &Resolve<'_>,
) -> Result<Entries> {
    let mut entries = Entries::with_capacity(sets.len() + clears.len());
    for pair in sets {
        let (name, text) = pair.split_once('=').ok_or(OfficeError::NotAPair)?;
        let field = writable(field_named(kind, name.trim())?)?;
        entries.push((field.id, value(field, text, today, resolve)?));
    }
    for name in clears {
        let field = writable(field_named(kind, name.trim())?)?;
        if field.required {
            return Err(invalid(field, validate::Invalid::Required));
        }
        entries.push((field.id, Value::Null));
    }
    each_once(kind, entries)
}

/// One value from its text.
pub fn value(field: &Field, text: &str, today: NaiveDate, resolve: &Resolve<'_>) -> Result<Value> {
    let read = validate::parse(field, text);
    let value = match (&field.ty, read) {
        (FieldType::Ref(kind), Err(validate::Invalid::NotAnId)) if has_codes(kind) => {
            Value::Ref(resolve(kind, text.trim())?)
        }
        (_, read) => read.map_err(|why| invalid(field, why))?,
    };
    validate::check_today(field, &value, today).map_err(|why| invalid(field, why))?;
    Ok(value)
}

/// Whether records of the kind are known to people by a code.
pub fn has_codes(kind: &str) -> bool {
    matches!(kind, "unit" | "village")
}

/// Sorts entries by field, and refuses a field that is given twice.
pub fn each_once(kind: &Kind, mut entries: Entries) -> Result<Entries> {
    entries.sort_by_key(|(field, _)| *field);
    match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        None => Ok(entries),
        Some(pair) => Err(OfficeError::GivenTwice { field: name_of(kind, pair[0].0) }),
    }
}

/// A field's name; its number where a newer build made it.
pub fn name_of(kind: &Kind, field: FieldId) -> String {
    kind.field(field).map_or_else(|| format!("#{}", field.0), |f| f.name.clone())
}

/// Refuses the fields that nobody writes.
pub fn writable(field: &Field) -> Result<&Field> {
    if field.writers == Writers::System || field.rule == Rule::Computed {
        return Err(OfficeError::NeverWritten { field: field.name.clone() });
    }
    Ok(field)
}

/// A broken rule of a field.
pub fn invalid(field: &Field, why: validate::Invalid) -> OfficeError {
    OfficeError::Invalid { field: field.name.clone(), why }
}

/// The known name that a text comes nearest to, if any comes near.
pub fn nearest<'n>(text: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let typed = fold::fold(text).replace(['-', ' '], "_");
    let near = known.map(|name| (edits(&typed, name), name)).min()?;
    let most = GUESS_EDITS_MAX.min(typed.chars().count() / 3);
    (near.0 <= most || (typed.len() > 2 && near.1.contains(&typed))).then(|| near.1.to_owned())
}

/// Letters to add, leave out or change to make one text of another.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::catalogue::kind;

    fn member() -> &'static Kind {
        catalogue().kind(kind::MEMBER).unwrap()
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 6, 1).unwrap()
    }

    fn read(sets: &[&str], clears: &[&str]) -> Result<Entries> {
        let own = |all: &[&str]| all.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let resolve = |_: &str, code: &str| match code {
            "CB-1" => Ok(RecordId([7; 16])),
            _ => Err(OfficeError::UnknownCode { kind: "unit", code: code.to_owned() }),
        };
        entries(member(), &own(sets), &own(clears), today(), &resolve)
    }

    #[test]
    fn pairs_become_values_by_field() {
        let found =
            read(&["sex=M", "full_name=Nguyễn Văn Đức", "unit_id=CB-1"], &["phone"]).unwrap();
        let names: Vec<_> = found.iter().map(|(f, _)| name_of(member(), *f)).collect();
        assert_eq!(names, ["full_name", "sex", "phone", "unit_id"]);
        assert!(found[2].1.is_null() && found[3].1 == Value::Ref(RecordId([7; 16])));
    }

    #[test]
    fn a_value_may_hold_the_equals_sign() {
        assert_eq!(read(&["other_names=a=b"], &[]).unwrap()[0].1, Value::Text("a=b".into()));
    }

    #[test]
    fn a_wrong_name_is_guessed_at() {
        let near = |typed: &str| match read(&[typed], &[]) {
            Err(OfficeError::UnknownField { near, .. }) => near,
            other => panic!("{other:?}"),
        };
        assert_eq!(near("fullname=x").as_deref(), Some("full_name"));
        assert_eq!(near("brith_date=x").as_deref(), Some("birth_date"));
        assert_eq!(near("Phone_=x").as_deref(), Some("phone"));
        assert_eq!(near("zzzzqqqqxxxx=1"), None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_rule() {
        let why = |typed: &str| match read(&[typed], &[]) {
            Err(OfficeError::Invalid { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why("birth_date=1970-02-30"), validate::Invalid::NotADate);
        assert_eq!(why("birth_date=2031-01-01"), validate::Invalid::Future);
        assert_eq!(why("sex=Z"), validate::Invalid::UnknownCode);
        assert!(matches!(read(&["status=1"], &[]), Err(OfficeError::NeverWritten { .. })));
        assert!(matches!(read(&["phone=1", "phone=2"], &[]), Err(OfficeError::GivenTwice { .. })));
        assert!(matches!(read(&["phone"], &[]), Err(OfficeError::NotAPair)));
        assert!(matches!(read(&[], &["full_name"]), Err(OfficeError::Invalid { .. })));
    }
}
