//! One field of a kind: what it holds, who may see and write it, and how it merges.
//!
//! Fields are data (see `proto/catalogue/*.toml`); this module only gives them types. Limits here
//! are limits of meaning (80 characters of a name), not of transport (`limits`).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::load::BadCatalogue;
use crate::id::FieldId;

/// In every kind: the home scope. It is the placement itself, written by the system, not a column.
pub const HOME: FieldId = FieldId(1);
/// In every kind: why the record was voided. A record is never deleted; it is voided with a reason.
pub const VOID: FieldId = FieldId(2);
/// The first number of a kind's own fields; below it are the fields common to all kinds.
pub const OWN_FIELDS_MIN: FieldId = FieldId(10);
/// Longest reason for voiding: a note for the file, not an essay (notes are limited everywhere).
pub const VOID_REASON_CHARS_MAX: u16 = 200;

/// A field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its number within the kind; never reused.
    pub id: FieldId,
    /// Its name in commands, JSON and SQL; ASCII, snake case.
    pub name: String,
    /// What it holds.
    pub ty: FieldType,
    /// What the office calls it.
    pub label_vi: String,
    /// The same in English.
    pub label_en: String,
    /// How it is protected.
    pub sensitivity: Sensitivity,
    /// Who may write it.
    pub writers: Writers,
    /// Who may read it.
    pub readers: Readers,
    /// How concurrent values merge.
    pub rule: Rule,
    /// Whether a record cannot be saved without it.
    pub required: bool,
    /// Whether it is on the visitor card, the least that another commune sees of a member.
    pub visitor: bool,
    /// Whether the receiving commune sees it while the file is in transfer.
    pub transfer: bool,
    /// Whether full-text search finds it.
    pub searched: bool,
    /// Whether it is a date that cannot lie in the future, as a birth.
    pub past: bool,
    /// The schema version that brought it.
    pub since: u32,
    /// The paper form or regulation that it comes from.
    pub source: String,
}

impl Field {
    /// Whether it has a column: all but the placement and what is computed.
    pub fn is_stored(&self) -> bool {
        self.id != HOME && self.rule != Rule::Computed
    }

    /// The label in one of the two languages: English for `en`, else Vietnamese.
    pub fn label(&self, lang: &str) -> &str {
        if lang.starts_with("en") { &self.label_en } else { &self.label_vi }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text.
    Text {
        /// Longest, in characters after NFC.
        max_chars: u16,
    },
    /// A number that is a name: digits with leading zeros.
    Digits {
        /// Fewest digits.
        min: u8,
        /// Most digits.
        max: u8,
    },
    /// A date.
    Date {
        /// Whether the day, or day and month, may be unknown.
        partial: bool,
    },
    /// A code of this table.
    Code(String),
    /// A whole number.
    Int {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// Yes or no.
    Bool,
    /// A record of this kind.
    Ref(String),
}

impl FieldType {
    /// The type without its limits: what may never change under a number.
    pub fn family(&self) -> String {
        match self {
            FieldType::Text { .. } => "text".into(),
            FieldType::Digits { .. } => "digits".into(),
            FieldType::Date { .. } => "date".into(),
            FieldType::Int { .. } => "int".into(),
            FieldType::Bool | FieldType::Code(_) | FieldType::Ref(_) => self.to_string(),
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldType::Text { max_chars } => write!(f, "text({max_chars})"),
            FieldType::Digits { min, max } => write!(f, "digits({min},{max})"),
            FieldType::Date { partial: false } => f.write_str("date"),
            FieldType::Date { partial: true } => f.write_str("pdate"),
            FieldType::Code(table) => write!(f, "code({table})"),
            FieldType::Int { min, max } => write!(f, "int({min},{max})"),
            FieldType::Bool => f.write_str("bool"),
            FieldType::Ref(kind) => write!(f, "ref({kind})"),
        }
    }
}

impl FromStr for FieldType {
    type Err = BadCatalogue;

    /// Reads the notation of the catalogue files: `text(80)`, `digits(8,12)`, `date`, `pdate`,
    /// `code(sex)`, `int(0,100)`, `bool`, `ref(unit)`.
    fn from_str(s: &str) -> Result<Self, BadCatalogue> {
        let bad = || BadCatalogue::Type(s.to_owned());
        let (name, inner) = match s.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').ok_or_else(bad)?),
            None => (s, ""),
        };
        let pair = inner.split_once(',').unwrap_or((inner, ""));
        Ok(match name {
            "text" => FieldType::Text { max_chars: number(inner, s)? },
            "digits" => FieldType::Digits { min: number(pair.0, s)?, max: number(pair.1, s)? },
            "date" if inner.is_empty() => FieldType::Date { partial: false },
            "pdate" if inner.is_empty() => FieldType::Date { partial: true },
            "code" if !inner.is_empty() => FieldType::Code(inner.to_owned()),
            "int" => FieldType::Int { min: number(pair.0, s)?, max: number(pair.1, s)? },
            "bool" if inner.is_empty() => FieldType::Bool,
            "ref" if !inner.is_empty() => FieldType::Ref(inner.to_owned()),
            _ => return Err(bad()),
        })
    }
}

fn number<N: FromStr>(text: &str, whole: &str) -> Result<N, BadCatalogue> {
    text.trim().parse().map_err(|_| BadCatalogue::Type(whole.to_owned()))
}

/// How a field is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Known inside the unit: name, unit, kind, party dates, posts; also the reference.
    Public,
    /// Basic personal data in the sense of the law.
    Basic,
    /// Restricted, though not sensitive in the sense of the law.
    Internal,
    /// Sensitive in the sense of the law: masked by role, and its reading is logged.
    Sensitive,
}

/// Who may write a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writers {
    /// The cell proposes, the commune's node records.
    Cell,
    /// The commune.
    Commune,
    /// The commune asks with evidence, the province approves.
    Request,
    /// The province only.
    Province,
    /// Nobody: placed or computed by the system.
    System,
}

/// Who may read a field: the one named, those below it in this list, and the province. There is no
/// field that only the province sees: a home scope is entitled to all of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readers {
    /// Every node: the reference.
    Everyone,
    /// The member's cell.
    Cell,
    /// The home commune; the cell sees a mask.
    Commune,
    /// The named clerks of the home commune.
    Clerk,
}

/// How concurrent values of a field merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A change is a request that the province approves.
    Locked,
    /// Written once; a second value is a request, concurrent firsts are a conflict.
    WriteOnce,
    /// Rank first, then the later order stamp.
    Authority,
    /// Content of an append-only row: two live rows with one natural key are a conflict on the row.
    Append,
    /// Computed from other records; never written, never stored.
    Computed,
}

macro_rules! names {
    ($t:ty, $($variant:ident => $name:literal),+) => {
        impl fmt::Display for $t {
            /// The word of the catalogue files.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        }
    };
}
names!(Sensitivity, Public => "public", Basic => "basic", Internal => "internal", Sensitive => "sensitive");
names!(Writers, Cell => "cell", Commune => "commune", Request => "request", Province => "province", System => "system");
names!(Readers, Everyone => "everyone", Cell => "cell", Commune => "commune", Clerk => "clerk");
names!(Rule, Locked => "locked", WriteOnce => "write_once", Authority => "authority", Append => "append", Computed => "computed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_of_types_comes_back() {
        for text in [
            "text(80)",
            "digits(8,12)",
            "date",
            "pdate",
            "code(sex)",
            "int(-1,100)",
            "bool",
            "ref(unit)",
        ] {
            assert_eq!(text.parse::<FieldType>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn unknown_notation_is_refused() {
        for text in [
            "",
            "text",
            "text(80",
            "text(70000)",
            "digits(8)",
            "code()",
            "blob",
            "date(1)",
            "bool()x",
        ] {
            assert!(text.parse::<FieldType>().is_err(), "{text}");
        }
    }
}
