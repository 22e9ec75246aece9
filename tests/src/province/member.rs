//! A generated member's record, under the field names of the domain's catalogue.
//!
//! About forty fields are filled for a typical member; what is unknown is left out. Every number is made up and
//! could not be real: personal ids begin with a province code that does not exist, telephones with 0000.
//! Deliberately absent: status, kind, unit history and party age, which are computed from events.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::date::PartialDate;

/// Writes an id hyphenated, whatever features the `uuid` crate was built with.
pub(crate) fn hyphenated<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&id.hyphenated())
}

/// One member; serialises to the JSON object of the import files. Relations (`unit`) are by code.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Member {
    /// Always `member`.
    pub kind: &'static str,
    /// Identity.
    #[serde(serialize_with = "hyphenated")]
    pub id: Uuid,
    /// Code of the cell.
    pub unit: String,
    /// Number of the CV file.
    pub profile_no: String,
    /// Number of the member card; members on probation have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_card_no: Option<String>,
    /// When the card was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_card_issued_on: Option<PartialDate>,
    /// Who issued the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_card_issued_at: Option<&'static str>,
    /// Personal id, twelve digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub national_id: Option<String>,
    /// Number in the cell's list.
    pub list_no: u32,
    /// Full name as registered at birth.
    pub full_name: String,
    /// `M` or `F`.
    pub sex: &'static str,
    /// Date of birth.
    pub birth_date: PartialDate,
    /// Country of the birth registration.
    pub birth_reg_country: &'static str,
    /// Province of the birth registration.
    pub birth_reg_province: &'static str,
    /// Place of the birth registration.
    pub birth_reg_detail: String,
    /// Country of origin.
    pub hometown_country: &'static str,
    /// Province of origin.
    pub hometown_province: &'static str,
    /// Commune of origin, within the province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hometown_commune: Option<String>,
    /// Country of permanent residence.
    pub perm_addr_country: &'static str,
    /// Province of permanent residence.
    pub perm_addr_province: &'static str,
    /// Commune of permanent residence.
    pub perm_addr_commune: String,
    /// Village of permanent residence.
    pub perm_addr_detail: String,
    /// Country of temporary residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_addr_country: Option<&'static str>,
    /// Province of temporary residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_addr_province: Option<&'static str>,
    /// Commune of temporary residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_addr_commune: Option<String>,
    /// Village of temporary residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_addr_detail: Option<String>,
    /// Ethnicity, table T2.
    pub ethnicity: &'static str,
    /// Local name of the ethnicity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethnicity_local: Option<&'static str>,
    /// Religion, table T3.
    pub religion: &'static str,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When the member joined the Youth Union.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub youth_union_joined_on: Option<PartialDate>,
    /// Still in the Youth Union.
    pub is_youth_union_member: bool,
    /// Occupation at admission, table T4.
    pub occupation_before: &'static str,
    /// Occupation, table T4.
    pub occupation_current: &'static str,
    /// Employer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employer_name: Option<String>,
    /// Employer's type, table T9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employer_type: Option<&'static str>,
    /// Commune of the workplace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workplace_commune: Option<String>,
    /// Contract, table T13.
    pub contract_kind: &'static str,
    /// Start of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_from: Option<PartialDate>,
    /// When a public servant was recruited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recruited_on: Option<PartialDate>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recruited_by: Option<String>,
    /// Enlisted in the forces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enlisted_on: Option<PartialDate>,
    /// Discharged from the forces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discharged_on: Option<PartialDate>,
    /// Retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_on: Option<PartialDate>,
    /// Owns a private business; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_private_business_owner: bool,
    /// Schooling, table T5.
    pub general_education: &'static str,
    /// Professional level, table T6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub professional_level: Option<&'static str>,
    /// Highest degree, table T6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degree_highest: Option<&'static str>,
    /// Political theory, table T7.
    pub political_theory: &'static str,
    /// Computer skills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub it_skill: Option<&'static str>,
    /// Decision of admission: party age counts from it.
    pub admission_decided_on: PartialDate,
    /// Its number; old papers often lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission_decision_no: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission_decision_by: Option<String>,
    /// Ceremony of admission: probation counts from it.
    pub admitted_on: PartialDate,
    /// Cell of the admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admitted_cell_text: Option<String>,
    /// End of probation, if recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub official_on: Option<PartialDate>,
    /// Number of the decision of recognition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub official_decision_no: Option<String>,
    /// Cell of the recognition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub official_cell_text: Option<String>,
    /// Issue of the card form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_form_version: Option<&'static str>,
    /// When the form was filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_on: Option<PartialDate>,
}
