//! The rule is data: one catalogue of kinds and fields.
//!
//! Merge, validation, SQL columns, forms, import, export, masking and the written table of fields
//! (`proto/docs/FIELDS.md`) all come from the TOML files in `proto/catalogue`, which are embedded
//! here and parsed once. A field is named by its number, which is never reused: the committed list
//! `numbers.txt` and a test hold every number to its meaning.
//!
//! Deliberately absent: how values merge (`merge`), how they travel (`wire`), where they are kept
//! (`dongbo-sqlite`), what a rule pack of a certain year demands, and everything that the registry
//! must not collect: relatives, opinions, health, property.

pub mod access;
pub mod codes;
pub mod field;
pub mod flags;
pub mod fold;
pub mod json;
pub mod kind;
mod latin;
mod load;
mod markdown;
pub mod table;
pub mod text;
pub mod validate;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::OnceLock;

pub use access::Role;
pub use codes::{CodeEntry, CodeTable};
pub use field::{Field, FieldType, Readers, Rule, Sensitivity, Writers};
pub use flags::{Flag, FlagCode};
pub use kind::Kind;
pub use load::BadCatalogue;
pub use markdown::markdown;
pub use validate::Invalid;

use crate::id::KindId;

/// The version of the embedded catalogue; a node says in Hello which one it speaks ([`Catalogue::version`]).
/// It grows by one with each release that adds a kind, a field or a code.
pub const SCHEMA_VERSION: u32 = 1;

/// All kinds, fields and code tables. Valid by construction.
#[derive(Debug)]
pub struct Catalogue {
    version: u32,
    kinds: Vec<Kind>,
    by_number: HashMap<KindId, usize>,
    by_name: HashMap<String, usize>,
    codes: Vec<CodeTable>,
    code_by_name: HashMap<String, usize>,
}

impl Catalogue {
    /// The schema version: what both sides tell each other, and what a database remembers.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The kinds, by rising number.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind of this number; `None` for one that a newer build made.
    pub fn kind(&self, id: KindId) -> Option<&Kind> {
        self.by_number.get(&id).map(|&at| &self.kinds[at])
    }

    /// The kind of this name, as in `member`.
    pub fn kind_named(&self, name: &str) -> Option<&Kind> {
        self.by_name.get(name).map(|&at| &self.kinds[at])
    }

    /// The code table of this name, as in `ethnicity`.
    pub fn codes(&self, table: &str) -> Option<&CodeTable> {
        self.code_by_name.get(table).map(|&at| &self.codes[at])
    }

    /// All code tables, in the order of the file.
    pub fn code_tables(&self) -> &[CodeTable] {
        &self.codes
    }

    fn assemble(version: u32, mut kinds: Vec<Kind>, codes: Vec<CodeTable>) -> Self {
        kinds.sort_by_key(|kind| kind.id);
        let names = |(at, kind): (usize, &Kind)| (kind.name.clone(), at);
        Catalogue {
            version,
            by_number: kinds.iter().enumerate().map(|(at, kind)| (kind.id, at)).collect(),
            by_name: kinds.iter().enumerate().map(names).collect(),
            code_by_name: codes.iter().enumerate().map(|(at, t)| (t.name.clone(), at)).collect(),
            kinds,
            codes,
        }
    }
}

static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();

/// The catalogue of this process: the embedded one, parsed at first use.
pub fn catalogue() -> &'static Catalogue {
    CATALOGUE.get_or_init(|| {
        // The files are part of the build and a test reads them: this cannot fail in a shipped binary.
        load::build(SCHEMA_VERSION, load::KINDS, load::CODES)
            .expect("the embedded catalogue is well formed")
    })
}

/// The text of the catalogue's files: what a later release begins from.
#[derive(Clone, Debug)]
pub struct Files {
    /// One file a kind.
    pub kinds: Vec<String>,
    /// The code tables.
    pub codes: String,
}

impl Files {
    /// Those of this build.
    pub fn embedded() -> Self {
        let kinds = load::KINDS.iter().map(|text| (*text).to_owned()).collect();
        Files { kinds, codes: load::CODES.to_owned() }
    }

    /// Makes these the catalogue of this process, as another release would have it. Only before
    /// anything has asked for the catalogue, which is why no shipped program can: a program that
    /// stands for another release does it first of all, so that two releases can meet in a test.
    ///
    /// # Errors
    /// [`BadCatalogue`] where they do not hold together, or the catalogue is in use.
    pub fn stand_in(&self, version: u32) -> Result<(), BadCatalogue> {
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        let catalogue = load::build(version, &kinds, &self.codes)?;
        CATALOGUE.set(catalogue).map_err(|_| BadCatalogue::InUse)
    }
}
