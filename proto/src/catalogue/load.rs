//! Reads the embedded TOML into the catalogue and refuses what does not hold together.
//!
//! Every check here is on our own files, so the errors speak to a developer.

use std::collections::HashSet;

use serde::Deserialize;

use super::codes::{CodeEntry, CodeTable};
use super::field::{
    Field, FieldType, HOME, OWN_FIELDS_MIN, Readers, Rule, Sensitivity, VOID,
    VOID_REASON_CHARS_MAX, Writers,
};
use super::{Catalogue, Kind};
use crate::id::{FieldId, KindId};
use crate::value::PDate;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(include_str!(concat!("../../catalogue/", $name, ".toml"))),+]
    };
}

/// The kinds, one file each.
pub(super) const KINDS: &[&str] = embedded![
    "unit",
    "village",
    "unit_name",
    "unit_parent",
    "unit_level",
    "village_name",
    "village_cell",
    "member",
    "admission",
    "recognition",
    "transfer",
    "exit",
    "death",
    "exemption",
    "post",
    "review",
    "assignment",
    "reinstatement",
    "suspension",
];
/// The code tables.
pub(super) const CODES: &str = include_str!("../../catalogue/codes.toml");

/// What is wrong with a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCatalogue {
    /// Not TOML, or a key is missing or unknown.
    #[error("{0}")]
    Toml(String),
    /// A type that does not parse.
    #[error("type {0:?} is not known")]
    Type(String),
    /// A name or number that occurs twice, or is out of place.
    #[error("{0} occurs twice or is out of place")]
    Name(String),
    /// A name of a kind, field or code table that does not exist.
    #[error("{0} refers to something that does not exist")]
    Dangling(String),
    /// The process has asked for its catalogue already.
    #[error("the catalogue is in use")]
    InUse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    number: u16,
    name: String,
    vi: String,
    en: String,
    #[serde(default = "one")]
    since: u32,
    #[serde(default)]
    reference: bool,
    #[serde(default)]
    natural_key: Vec<String>,
    subject: Option<String>,
    /// Who may void a record; by default the commune, or the province for the reference.
    void: Option<Writers>,
    fields: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    n: u16,
    name: String,
    #[serde(rename = "type")]
    ty: String,
    vi: String,
    en: String,
    sens: Sensitivity,
    write: Writers,
    read: Readers,
    rule: Rule,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    visitor: bool,
    #[serde(default)]
    transfer: bool,
    #[serde(default)]
    searched: bool,
    #[serde(default)]
    past: bool,
    #[serde(default = "one")]
    since: u32,
    src: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCodes {
    table: Vec<RawTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    name: String,
    vi: String,
    en: String,
    codes: Vec<RawCode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCode {
    code: String,
    vi: String,
    en: String,
    from: Option<String>,
    to: Option<String>,
}

fn one() -> u32 {
    1
}

/// Builds the catalogue from the text of its files.
pub(super) fn build(version: u32, kinds: &[&str], codes: &str) -> Result<Catalogue, BadCatalogue> {
    let tables = read::<RawCodes>(codes)?.table.into_iter().map(table).collect::<Result<_, _>>()?;
    let kinds = kinds.iter().map(|text| kind(read(text)?)).collect::<Result<Vec<_>, _>>()?;
    unique(kinds.iter().map(|k| k.name.clone()))?;
    unique(kinds.iter().map(|k| format!("kind {}", k.id.0)))?;
    let catalogue = Catalogue::assemble(version, kinds, tables);
    unique(catalogue.codes.iter().map(|t| t.name.clone()))?;
    references_exist(&catalogue)?;
    Ok(catalogue)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, BadCatalogue> {
    toml::from_str(text).map_err(|e| BadCatalogue::Toml(e.to_string()))
}

fn unique(names: impl Iterator<Item = String>) -> Result<(), BadCatalogue> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(BadCatalogue::Name(name));
        }
    }
    Ok(())
}

fn table(raw: RawTable) -> Result<CodeTable, BadCatalogue> {
    unique(raw.codes.iter().map(|c| format!("{}.{}", raw.name, c.code)))?;
    let entries = raw.codes.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(CodeTable::new(raw.name, raw.vi, raw.en, entries))
}

fn entry(raw: RawCode) -> Result<CodeEntry, BadCatalogue> {
    let date = |text: Option<String>| match text {
        None => Ok(None),
        Some(t) => t.parse::<PDate>().map(Some).map_err(|_| BadCatalogue::Type(t)),
    };
    let (from, to) = (date(raw.from)?, date(raw.to)?);
    Ok(CodeEntry { code: raw.code, vi: raw.vi, en: raw.en, from, to })
}

fn kind(raw: RawKind) -> Result<Kind, BadCatalogue> {
    let mut fields = common(raw.reference, raw.void);
    for own in raw.fields {
        fields.push(field(own, &raw.name)?);
    }
    unique(fields.iter().map(|f| format!("{}.{}", raw.name, f.name)))?;
    unique(fields.iter().map(|f| format!("{} {}", raw.name, f.id.0)))?;
    let number = |name: &String| {
        let found = fields.iter().find(|f| &f.name == name).map(|f| f.id);
        found.ok_or_else(|| BadCatalogue::Dangling(format!("{}.{name}", raw.name)))
    };
    let natural_key = raw.natural_key.iter().map(number).collect::<Result<_, _>>()?;
    let subject = raw.subject.as_ref().map(number).transpose()?;
    let mut kind = Kind::empty(KindId(raw.number), raw.name);
    (kind.label_vi, kind.label_en, kind.since, kind.reference) =
        (raw.vi, raw.en, raw.since, raw.reference);
    (kind.natural_key, kind.subject) = (natural_key, subject);
    Ok(kind.with_fields(fields))
}

fn field(raw: RawField, kind: &str) -> Result<Field, BadCatalogue> {
    let plain = raw.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if raw.n < OWN_FIELDS_MIN.0 || !plain || raw.name.starts_with('_') || raw.name == "id" {
        return Err(BadCatalogue::Name(format!("{kind}.{}", raw.name)));
    }
    Ok(Field {
        id: FieldId(raw.n),
        ty: raw.ty.parse()?,
        name: raw.name,
        label_vi: raw.vi,
        label_en: raw.en,
        sensitivity: raw.sens,
        writers: raw.write,
        readers: raw.read,
        rule: raw.rule,
        required: raw.required,
        visitor: raw.visitor,
        transfer: raw.transfer,
        searched: raw.searched,
        past: raw.past,
        since: raw.since,
        source: raw.src,
    })
}

/// The fields that every kind has: home scope and void reason.
fn common(reference: bool, void: Option<Writers>) -> Vec<Field> {
    let home = Field {
        id: HOME,
        name: "home".into(),
        ty: FieldType::Int { min: 0, max: i64::from(u32::MAX) },
        label_vi: "Phạm vi quản lý".into(),
        label_en: "Home scope".into(),
        sensitivity: Sensitivity::Public,
        writers: Writers::System,
        readers: if reference { Readers::Everyone } else { Readers::Cell },
        rule: Rule::Authority,
        required: false,
        visitor: true,
        transfer: true,
        searched: false,
        past: false,
        since: 1,
        source: "registry".into(),
    };
    let void_reason = Field {
        id: VOID,
        name: "void_reason".into(),
        ty: FieldType::Text { max_chars: VOID_REASON_CHARS_MAX },
        label_vi: "Lý do hủy bản ghi".into(),
        label_en: "Reason for voiding".into(),
        writers: void.unwrap_or(if reference { Writers::Province } else { Writers::Commune }),
        ..home.clone()
    };
    vec![home, void_reason]
}

fn references_exist(catalogue: &Catalogue) -> Result<(), BadCatalogue> {
    for kind in catalogue.kinds() {
        for field in kind.fields() {
            let known = match &field.ty {
                FieldType::Code(table) => catalogue.codes(table).is_some(),
                FieldType::Ref(to) => catalogue.kind_named(to).is_some(),
                _ => true,
            };
            if !known {
                return Err(BadCatalogue::Dangling(format!("{}.{}", kind.name, field.name)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEX: &str = r#"table = [{ name = "sex", vi = "", en = "", codes = [{ code = "M", vi = "Nam", en = "Man" }] }]"#;

    fn thing(fields: &str) -> Result<Catalogue, BadCatalogue> {
        let text =
            format!("number = 1\nname = \"thing\"\nvi = \"\"\nen = \"\"\nfields = [{fields}]");
        build(1, &[&text], SEX)
    }

    fn line(n: u16, name: &str, ty: &str) -> String {
        format!(
            r#"{{ n = {n}, name = "{name}", type = "{ty}", vi = "", en = "", sens = "public", write = "cell", read = "cell", rule = "authority", src = "" }}"#
        )
    }

    #[test]
    fn a_well_formed_kind_has_its_fields_and_the_common_ones() {
        let catalogue = thing(&line(10, "a", "code(sex)")).unwrap();
        let names: Vec<_> = catalogue.kinds()[0].fields().iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["home", "void_reason", "a"]);
    }

    #[test]
    fn a_number_or_name_given_twice_is_refused() {
        let twice = |a, b| thing(&format!("{}, {}", line(10, "a", "bool"), line(b, a, "bool")));
        assert!(matches!(twice("b", 10), Err(BadCatalogue::Name(_))));
        assert!(matches!(twice("a", 11), Err(BadCatalogue::Name(_))));
    }

    #[test]
    fn a_number_of_the_common_fields_is_refused() {
        assert!(matches!(thing(&line(2, "a", "bool")), Err(BadCatalogue::Name(_))));
    }

    #[test]
    fn a_name_that_sql_owns_is_refused() {
        for name in ["id", "_meta", "Tên", "a b"] {
            assert!(matches!(thing(&line(10, name, "bool")), Err(BadCatalogue::Name(_))), "{name}");
        }
    }

    #[test]
    fn an_unknown_table_or_kind_is_refused() {
        for ty in ["code(nothing)", "ref(nothing)"] {
            assert!(matches!(thing(&line(10, "a", ty)), Err(BadCatalogue::Dangling(_))), "{ty}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let text = line(10, "a", "bool").replace("rule", "role");
        assert!(matches!(thing(&text), Err(BadCatalogue::Toml(_))));
    }
}
