//! The tree's two sorts of rows: Party organisations, and the villages that some of their cells belong to.
//!
//! Fields follow the domain's unit record; codes are those of the catalogue. Relations are by code, as
//! in the spreadsheets that a province would start from; the ids are for whoever builds registry records directly.

use uuid::Uuid;

use super::date::PartialDate;

/// One Party organisation.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Identity.
    pub id: Uuid,
    /// Human code, unique at a date. A commune's organisation has the commune's own code.
    pub code: String,
    /// Full name.
    pub name_full: String,
    /// Short name, for lists.
    pub name_short: String,
    /// `province`, `district_equiv`, `grassroots_committee`, `grassroots_cell` or `cell`.
    pub level_kind: &'static str,
    /// Row of the statistics (table T9), e.g. `commune`; a cell has its organisation's.
    pub unit_type: &'static str,
    /// What sort of cell, e.g. `residential` or `school`; empty for other units.
    pub sub_type: &'static str,
    /// Code of the unit above; `None` for the province.
    pub parent: Option<String>,
    /// Code of the grassroots organisation whose scope holds the row: its own code for a grassroots organisation,
    /// `None` above that.
    pub scope: Option<String>,
    /// When it was founded.
    pub founded_on: PartialDate,
    /// Code of the commune in which it sits.
    pub admin_area_code: String,
    /// Code of the village, for a residential cell.
    pub village: Option<String>,
}

impl Unit {
    /// Whether it is a grassroots organisation, and so a scope of its own.
    #[must_use]
    pub fn is_grassroots(&self) -> bool {
        self.scope.as_ref() == Some(&self.code)
    }

    /// Whether members sit in it. An organisation of a single cell is that cell.
    #[must_use]
    pub fn is_cell(&self) -> bool {
        matches!(self.level_kind, "cell" | "grassroots_cell")
    }
}

/// One village, hamlet or residential group.
#[derive(Clone, Debug)]
pub struct Village {
    /// Identity.
    pub id: Uuid,
    /// Human code.
    pub code: String,
    /// Name with its kind.
    pub name: String,
    /// `village`, `hamlet` or `residential_group`.
    pub kind: &'static str,
    /// Code of the commune.
    pub commune: String,
    /// Code of the grassroots organisation whose scope holds the row.
    pub scope: String,
    /// Code of its cell.
    pub cell: String,
    /// Name of the village head.
    pub head_name: String,
    /// The head's member record, if the head is a member.
    pub head_member: Option<Uuid>,
}
