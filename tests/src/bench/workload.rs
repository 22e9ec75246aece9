//! What is loaded and what is edited: the generated province as values of the contract, and single-field edits that
//! always change the value.
//!
//! The same seed gives the same records and the same edits. Limit and product are given the very same ones.
//! Deliberately absent: acts, tables and bytes; each way of storing makes its own.

use std::collections::HashSet;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use dongbo_proto::catalogue::{Field, FieldType, Kind, catalogue, json, kind};
use dongbo_proto::id::{FieldId, RecordId};
use dongbo_proto::value::{PDate, Value};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::province::{self, Province, Size};

/// Edits in one batch: what an office saves in a day, and the batch of every goal on edits.
pub const BATCH_EDITS: usize = 500;
/// Offices that edit in the full province.
const OFFICES: usize = 200;
/// Members in one commune's replica: the replica of the goals that name its size.
pub const COMMUNE_MEMBERS: usize = 430;
/// Keys of a generated member that are no fields.
const NOT_FIELDS: [&str; 3] = ["kind", "id", "unit"];

/// Fields that an office edits in a year, each as likely as the others: free text, text from a small vocabulary,
/// digits, codes, a date, a number, a yes or no. Telephone and e-mail are in the full-text index.
const EDITED: [&str; 12] = [
    "phone",
    "email",
    "perm_addr_detail",
    "temp_addr_detail",
    "occupation_current",
    "occupation_text",
    "employer_name",
    "contract_from",
    "professional_level",
    "political_theory",
    "is_youth_union_member",
    "list_no",
];

/// A member with the values of its fields, by rising field.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id.
    pub id: RecordId,
    /// Its values, none of them empty.
    pub fields: Vec<(FieldId, Value)>,
}

impl Member {
    /// A field's value; empty if there is none.
    #[must_use]
    pub fn value(&self, field: FieldId) -> &Value {
        let at = self.fields.binary_search_by_key(&field, |f| f.0);
        at.map_or(&Value::Null, |at| &self.fields[at].1)
    }
}

/// One edit of one field of one member.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Which of the workload's members.
    pub member: usize,
    /// Which field.
    pub field: FieldId,
    /// The new value, which differs from the one before.
    pub value: Value,
}

/// The province as a load.
pub struct Workload {
    /// Code and name of each scope, with where its members are.
    pub scopes: Vec<(String, String, Range<usize>)>,
    /// The members, scope by scope.
    pub members: Vec<Member>,
    seed: u64,
}

/// The kind of everything here.
#[must_use]
pub fn member_kind() -> &'static Kind {
    catalogue().kind(kind::MEMBER).expect("the catalogue has members")
}

impl Workload {
    /// Generates it.
    ///
    /// # Errors
    /// Where generator and catalogue disagree; nothing would be measured then.
    pub fn generate(seed: u64, size: Size) -> Result<Self> {
        let province = Province::generate(seed, size);
        let mut members = Vec::with_capacity(province.members.len());
        let mut scopes = Vec::new();
        for unit in province.scopes() {
            let first = members.len();
            for member in province.members_of(&unit.code) {
                members.push(converted(member)?);
            }
            scopes.push((unit.code.clone(), unit.name_full.clone(), first..members.len()));
        }
        if members.len() != province.members.len() {
            bail!("a member without a scope");
        }
        Ok(Workload { scopes, members, seed })
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Runs of neighbouring scopes, about equal in members: what an office, or one of so many nodes, holds.
    #[must_use]
    pub fn shares(&self, count: usize) -> Vec<Range<usize>> {
        let count = count.clamp(1, self.scopes.len());
        let mut shares = Vec::with_capacity(count);
        let mut from = 0;
        for share in 1..=count {
            let wanted = self.len() * share / count;
            let last = self.scopes.len() - (count - share);
            let mut to = from + 1;
            while to < last && self.scopes[to - 1].2.end < wanted {
                to += 1;
            }
            shares.push(from..to);
            from = to;
        }
        shares
    }

    /// The members of a run of scopes.
    #[must_use]
    pub fn members_of(&self, scopes: &Range<usize>) -> Range<usize> {
        self.scopes[scopes.start].2.start..self.scopes[scopes.end - 1].2.end
    }

    /// How many offices edit: 200, or fewer in a smaller province, so that each has its members to edit.
    #[must_use]
    pub fn offices(&self) -> usize {
        (OFFICES * self.len() / 85_659).clamp(2, OFFICES)
    }

    /// The scope whose size is nearest to an average commune's.
    #[must_use]
    pub fn commune(&self) -> usize {
        let distance = |at: &usize| self.scopes[*at].2.len().abs_diff(COMMUNE_MEMBERS);
        (0..self.scopes.len()).min_by_key(distance).unwrap_or_default()
    }

    /// Edits of distinct fields of members in a range. Another `round` edits the same fields of the same members to
    /// other values: everything in it conflicts with the first round.
    #[must_use]
    pub fn edits(&self, within: Range<usize>, count: usize, round: u64) -> Vec<Edit> {
        let fields = edited_fields();
        let mut places = ChaCha8Rng::seed_from_u64(self.seed ^ (within.start as u64) << 20);
        let mut values =
            ChaCha8Rng::seed_from_u64(self.seed ^ round.wrapping_add(1).wrapping_mul(0x9e37_79b9));
        let count = count.min(within.len() * fields.len());
        let mut seen = HashSet::with_capacity(count);
        let mut edits = Vec::with_capacity(count);
        while edits.len() < count {
            let member = places.random_range(within.clone());
            let field = fields[places.random_range(0..fields.len())];
            if seen.insert((member, field.id)) {
                let value =
                    other_value(field, self.members[member].value(field.id), round, &mut values);
                edits.push(Edit { member, field: field.id, value });
            }
        }
        edits
    }
}

fn edited_fields() -> Vec<&'static Field> {
    let named = |name: &&str| member_kind().field_named(name);
    EDITED.iter().filter_map(named).collect()
}

/// A value that differs from `old` and from those of other rounds. Empty never comes: everything is written.
fn other_value(field: &Field, old: &Value, round: u64, draw: &mut ChaCha8Rng) -> Value {
    loop {
        let value = drawn(field, round, draw);
        if value != *old {
            return value;
        }
    }
}

fn drawn(field: &Field, round: u64, draw: &mut ChaCha8Rng) -> Value {
    // Small types cannot differ in every round by chance: the round decides.
    match &field.ty {
        FieldType::Bool => Value::Int(i64::from(draw.random_bool(0.5))),
        FieldType::Int { .. } => {
            Value::Int(1 + (draw.random_range(0..60) * 7 + round as i64) % 400)
        }
        FieldType::Date { .. } => {
            let (year, month) = (2_000 + draw.random_range(0..20), draw.random_range(1..=12));
            let date = PDate::new(year, Some(month), Some(1 + (round % 28) as u32));
            date.map_or(Value::Null, Value::Date)
        }
        FieldType::Code(table) => code(table, draw),
        _ => Value::Text(text(&field.name, draw)),
    }
}

fn code(table: &str, draw: &mut ChaCha8Rng) -> Value {
    let Some(table) = catalogue().codes(table) else { return Value::Null };
    let at = draw.random_range(0..table.entries.len());
    Value::Text(table.entries[at].code.clone())
}

fn text(field: &str, draw: &mut ChaCha8Rng) -> String {
    match field {
        "phone" => format!("0000{:06}", draw.random_range(0..1_000_000)),
        "email" => format!("mau{:06}@mophong.example", draw.random_range(0..1_000_000)),
        "employer_name" => format!("Công ty TNHH Mẫu {}", draw.random_range(1..=400)),
        "occupation_text" => format!("Công việc mẫu số {}", draw.random_range(1..=400)),
        _ => format!("Thôn Mẫu {}", draw.random_range(1..=400)),
    }
}

fn converted(member: &province::Member) -> Result<Member> {
    let kind = member_kind();
    let object = serde_json::to_value(member)?;
    let object = object.as_object().context("a member is an object")?;
    let mut fields = Vec::with_capacity(object.len());
    for (name, value) in object.iter().filter(|(name, _)| !NOT_FIELDS.contains(&name.as_str())) {
        let field = kind.field_named(name).with_context(|| format!("no field {name}"))?;
        let value = json::from_json(field, value).with_context(|| format!("a value of {name}"))?;
        if !value.is_null() {
            fields.push((field.id, value));
        }
    }
    fields.sort_by_key(|f| f.0);
    Ok(Member { id: RecordId(*member.id.as_bytes()), fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Workload {
        Workload::generate(20_191_231, Size::Hundredth).expect("workload")
    }

    #[test]
    fn shares_cover_every_scope_once() {
        let load = small();
        for count in [1, 3, load.scopes.len(), 1_000] {
            let shares = load.shares(count);
            assert_eq!(shares.len(), count.min(load.scopes.len()));
            assert!(shares.iter().all(|s| !s.is_empty()));
            let joined: Vec<usize> = shares.into_iter().flatten().collect();
            assert_eq!(joined, (0..load.scopes.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_edit_changes_its_value_and_none_is_twice_the_same_field() {
        let load = small();
        let edits = load.edits(0..load.len(), 300, 0);
        assert_eq!(edits.len(), 300);
        let mut seen = HashSet::new();
        for edit in &edits {
            assert_ne!(load.members[edit.member].value(edit.field), &edit.value);
            assert!(seen.insert((edit.member, edit.field)));
        }
    }

    #[test]
    fn another_round_edits_the_same_fields() {
        let load = small();
        let places = |round| {
            load.edits(0..50, 100, round)
                .into_iter()
                .map(|e| (e.member, e.field))
                .collect::<Vec<_>>()
        };
        assert_eq!(places(0), places(1));
    }
}
