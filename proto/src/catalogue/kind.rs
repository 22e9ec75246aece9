//! One kind of record: its fields, by number and by name.
//!
//! Lookups by number are an index into a small array, because merge and the digest do one for
//! every field of every record.

use std::collections::HashMap;

use super::field::Field;
use crate::id::{FieldId, KindId};

/// An organisation: a committee, a cell.
pub const UNIT: KindId = KindId(1);
/// A village, hamlet or residential group.
pub const VILLAGE: KindId = KindId(2);
/// A name that a unit had in a period.
pub const UNIT_NAME: KindId = KindId(3);
/// The unit above a unit in a period.
pub const UNIT_PARENT: KindId = KindId(4);
/// The level and rights of a unit in a period.
pub const UNIT_LEVEL: KindId = KindId(5);
/// A name that a village had in a period.
pub const VILLAGE_NAME: KindId = KindId(6);
/// A village that a cell covers in a period.
pub const VILLAGE_CELL: KindId = KindId(7);
/// A member.
pub const MEMBER: KindId = KindId(10);
/// An admission of a member.
pub const ADMISSION: KindId = KindId(20);
/// A recognition as official member.
pub const RECOGNITION: KindId = KindId(21);
/// A transfer of activity.
pub const TRANSFER: KindId = KindId(22);
/// A leaving: expelled, struck off, resigned.
pub const EXIT: KindId = KindId(23);
/// A death.
pub const DEATH: KindId = KindId(24);
/// An exemption from work and activity.
pub const EXEMPTION: KindId = KindId(25);
/// A post held by a member.
pub const POST: KindId = KindId(26);
/// A yearly review.
pub const REVIEW: KindId = KindId(27);
/// A task assigned to a member.
pub const ASSIGNMENT: KindId = KindId(28);
/// A reinstatement.
pub const REINSTATEMENT: KindId = KindId(29);
/// A suspension from activity.
pub const SUSPENSION: KindId = KindId(30);

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its number; never reused.
    pub id: KindId,
    /// Its name in commands, JSON and SQL.
    pub name: String,
    /// What the office calls it.
    pub label_vi: String,
    /// The same in English.
    pub label_en: String,
    /// The schema version that brought it.
    pub since: u32,
    /// Whether it lives in scope 0, written by the province and pulled by all.
    pub reference: bool,
    /// The fields by which two rows are the same row entered twice; empty if nothing tells.
    pub natural_key: Vec<FieldId>,
    /// The field that names the record it belongs to, as `member` of a review.
    pub subject: Option<FieldId>,
    fields: Vec<Field>,
    columns: Vec<String>,
    /// Index of a field by its number; `NONE` where there is none.
    by_number: Vec<u16>,
    by_name: HashMap<String, u16>,
}

const NONE: u16 = u16::MAX;

impl Kind {
    /// Gives the kind its fields; used once, when the catalogue is read.
    pub(super) fn with_fields(mut self, mut fields: Vec<Field>) -> Self {
        fields.sort_by_key(|field| field.id);
        self.by_number = vec![NONE; fields.last().map_or(0, |last| usize::from(last.id.0) + 1)];
        for (at, field) in fields.iter().enumerate() {
            self.by_number[usize::from(field.id.0)] = at as u16;
            self.by_name.insert(field.name.clone(), at as u16);
        }
        self.columns = super::table::column_names(&fields);
        self.fields = fields;
        self
    }

    /// A kind without fields.
    pub(super) fn empty(id: KindId, name: String) -> Self {
        Kind {
            id,
            name,
            label_vi: String::new(),
            label_en: String::new(),
            since: 1,
            reference: false,
            natural_key: Vec::new(),
            subject: None,
            fields: Vec::new(),
            columns: Vec::new(),
            by_number: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// All fields by rising number: the two common ones (`home`, `void_reason`), then its own.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of this number; `None` for one that a newer build made.
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.index_of(id).map(|at| &self.fields[at])
    }

    /// The field of this name.
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|&at| &self.fields[usize::from(at)])
    }

    /// Where the field stands in [`Kind::fields`].
    pub fn index_of(&self, id: FieldId) -> Option<usize> {
        let at = self.by_number.get(usize::from(id.0)).copied().filter(|&at| at != NONE)?;
        Some(usize::from(at))
    }

    /// The fields that have a column, in the order of the columns.
    pub fn stored(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_stored())
    }

    /// The names of all columns of its table, in order; see [`super::table`].
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The label in one of the two languages: English for `en`, else Vietnamese.
    pub fn label(&self, lang: &str) -> &str {
        if lang.starts_with("en") { &self.label_en } else { &self.label_vi }
    }
}
