//! From the tables of units and villages to the records of the reference. Pure: ids are passed in.
//!
//! Two sorts of table are taken: the registry's own (`code, name, level, type, parent, scope …`)
//! and a plain list of communes (`code, name` and perhaps `district_code, district_name`), in
//! which every row is a grassroots organisation and a scope of its own.
//!
//! Deliberately absent: rows for earlier periods (`unit_name`, `unit_parent`, `unit_level`): a unit
//! says since when it is as it is, and the first change adds them.

use std::collections::{BTreeMap, HashMap, HashSet};

use dongbo_proto::act::{FieldWrite, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{Kind, catalogue, kind, validate};
use dongbo_proto::id::{FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::value::Value;

use super::super::exit::Exit;
use super::super::fault::{Fault, Result};
use super::super::table::{Row, Table};

/// Columns of the registry's own table of units, with the field of each.
const UNIT_FIELDS: [(&str, &str); 12] = [
    ("code", "code"),
    ("name", "name_full"),
    ("short_name", "name_short"),
    ("level", "level_kind"),
    ("type", "unit_type"),
    ("sub_type", "sub_type"),
    ("founded_on", "founded_on"),
    ("founding_decision", "founding_decision"),
    ("admin_area_code", "admin_area_code"),
    ("employer_name", "employer_name"),
    ("industrial_park", "industrial_park"),
    ("is_authorised_to_admit", "is_authorised_to_admit"),
];
/// Its other columns.
const UNIT_OTHERS: [&str; 5] = ["parent", "scope", "village", "district_code", "district_name"];
/// Columns of the table of villages, with the field of each.
const VILLAGE_FIELDS: [(&str, &str); 5] = [
    ("code", "code"),
    ("name", "name"),
    ("kind", "village_kind"),
    ("commune", "commune_code"),
    ("founded_on", "founded_on"),
];
/// Its other columns. Who heads a village is a post of a member: the reference goes to every node,
/// so these are left out.
const VILLAGE_OTHERS: [&str; 5] = ["cell", "scope", "head_is_member", "head_name", "head_member"];

/// Levels at which an organisation is a grassroots one, and so a scope of its own.
const GRASSROOTS: [&str; 2] = ["grassroots_committee", "grassroots_cell"];
/// The level of a row of a plain list, and of its districts.
const PLAIN_LEVEL: &str = "grassroots_committee";
const DISTRICT_LEVEL: &str = "district_equiv";

type Values = BTreeMap<FieldId, Value>;

/// The records of the reference before they have ids.
#[derive(Debug, Default)]
pub struct Reference {
    /// Scopes to be made: code and name, in the order of the table.
    pub scopes: Vec<(String, String)>,
    /// Columns that nobody reads.
    pub ignored: Vec<String>,
    units: Vec<Unit>,
    villages: Vec<Village>,
}

#[derive(Debug)]
struct Unit {
    code: String,
    row: u64,
    parent: Option<String>,
    village: Option<String>,
    values: Values,
}

#[derive(Debug)]
struct Village {
    code: String,
    row: u64,
    cell: Option<String>,
    values: Values,
}

/// How many records there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Units.
    pub units: usize,
    /// Villages.
    pub villages: usize,
    /// Scopes.
    pub scopes: usize,
}

impl Reference {
    /// Reads both tables and holds them against each other.
    ///
    /// # Errors
    /// The first row and column that is wrong.
    pub fn of(units: &Table, villages: Option<&Table>) -> Result<Self> {
        let mut reference = Reference::default();
        reference.read_units(units)?;
        if let Some(villages) = villages {
            reference.read_villages(villages)?;
        }
        reference.check(units, villages)?;
        Ok(reference)
    }

    /// How many records there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (units, villages) = (self.units.len(), self.villages.len());
        Counts { units, villages, scopes: self.scopes.len() }
    }

    fn read_units(&mut self, table: &Table) -> Result<()> {
        table.require("code")?;
        table.require("name")?;
        let known: Vec<&str> = UNIT_FIELDS.iter().map(|f| f.0).chain(UNIT_OTHERS).collect();
        self.ignored.extend(table.others(&known).into_iter().map(str::to_owned));
        let plain = !table.has("level");
        let mut districts = HashSet::new();
        for row in table.rows() {
            let parent =
                if plain { self.district(row, &mut districts)? } else { text(row, "parent") };
            self.read_unit(row, plain, parent)?;
        }
        Ok(())
    }

    fn read_unit(&mut self, row: Row<'_>, plain: bool, parent: Option<String>) -> Result<()> {
        let kind = kind_of(kind::UNIT)?;
        let mut values = cells(row, kind, &UNIT_FIELDS)?;
        let code = row.needed("code")?.to_owned();
        row.needed("name")?;
        let level = if plain { PLAIN_LEVEL } else { row.needed("level")? };
        let own = GRASSROOTS.contains(&level);
        let scope = text(row, "scope").or_else(|| own.then(|| code.clone()));
        if plain {
            set(&mut values, kind, "level_kind", PLAIN_LEVEL);
            set(&mut values, kind, "unit_type", type_of(row.cell("name")));
        }
        if let Some(scope) = &scope {
            set(&mut values, kind, "scope_code", scope);
        }
        if scope.as_ref() == Some(&code) {
            self.scopes.push((code.clone(), row.cell("name").to_owned()));
        }
        put(&mut values, kind, "counts_as_grassroots", Value::Int(i64::from(own)));
        copy(&mut values, kind, "founded_on", "valid_from");
        let village = text(row, "village");
        self.units.push(Unit { code, row: row.number, parent, village, values });
        Ok(())
    }

    /// The district above a row of a plain list, made at its first commune.
    fn district(&mut self, row: Row<'_>, made: &mut HashSet<String>) -> Result<Option<String>> {
        let (code, name) = (row.cell("district_code"), row.cell("district_name"));
        if code.is_empty() || name.is_empty() {
            return Ok(None);
        }
        if made.insert(code.to_owned()) {
            let kind = kind_of(kind::UNIT)?;
            let mut values = Values::new();
            for (column, field, text) in [
                ("district_code", "code", code),
                ("district_name", "name_full", name),
                ("district_name", "level_kind", DISTRICT_LEVEL),
            ] {
                values.extend(parse(row, column, kind, field, text)?);
            }
            let code = code.to_owned();
            self.units.push(Unit { code, row: row.number, parent: None, village: None, values });
        }
        Ok(Some(code.to_owned()))
    }

    fn read_villages(&mut self, table: &Table) -> Result<()> {
        table.require("code")?;
        table.require("name")?;
        let known: Vec<&str> = VILLAGE_FIELDS.iter().map(|f| f.0).chain(VILLAGE_OTHERS).collect();
        self.ignored.extend(table.others(&known).into_iter().map(str::to_owned));
        let kind = kind_of(kind::VILLAGE)?;
        for row in table.rows() {
            let mut values = cells(row, kind, &VILLAGE_FIELDS)?;
            row.needed("name")?;
            copy(&mut values, kind, "founded_on", "valid_from");
            let code = row.needed("code")?.to_owned();
            self.villages.push(Village { code, row: row.number, cell: text(row, "cell"), values });
        }
        Ok(())
    }

    /// Codes are unique; what a row refers to is there; nobody is above themselves.
    fn check(&self, units: &Table, villages: Option<&Table>) -> Result<()> {
        let wrong = |table: &Table, row, column: &str, key| {
            Err(Fault::cell(table.path(), row, column, key))
        };
        let by_code = index(self.units.iter().map(|u| u.code.as_str()));
        let village_by_code = index(self.villages.iter().map(|v| v.code.as_str()));
        let scopes: HashSet<&str> = self.scopes.iter().map(|s| s.0.as_str()).collect();
        let scope_field = field(kind_of(kind::UNIT)?, "scope_code");
        for (at, unit) in self.units.iter().enumerate() {
            if by_code.get(unit.code.as_str()) != Some(&at) {
                return wrong(units, unit.row, "code", "why-code-twice");
            }
            if unit.parent.as_deref().is_some_and(|p| !by_code.contains_key(p)) {
                return wrong(units, unit.row, "parent", "why-no-such-unit");
            }
            if self.is_above_itself(at, &by_code) {
                return wrong(units, unit.row, "parent", "why-above-itself");
            }
            let scope = scope_field.and_then(|f| unit.values.get(&f));
            if matches!(scope, Some(Value::Text(code)) if !scopes.contains(code.as_str())) {
                return wrong(units, unit.row, "scope", "why-no-such-scope");
            }
            let village = unit.village.as_deref().filter(|_| villages.is_some());
            if village.is_some_and(|v| !village_by_code.contains_key(v)) {
                return wrong(units, unit.row, "village", "why-no-such-village");
            }
        }
        let Some(table) = villages else { return self.some_scope(units) };
        for (at, village) in self.villages.iter().enumerate() {
            if village_by_code.get(village.code.as_str()) != Some(&at) {
                return wrong(table, village.row, "code", "why-code-twice");
            }
            if village.cell.as_deref().is_some_and(|c| !by_code.contains_key(c)) {
                return wrong(table, village.row, "cell", "why-no-such-unit");
            }
        }
        self.some_scope(units)
    }

    /// A province without a scope has nobody to invite.
    fn some_scope(&self, units: &Table) -> Result<()> {
        if self.scopes.is_empty() {
            return Err(Fault::new(Exit::BadInput, "fault-no-scope").at(units.path()));
        }
        Ok(())
    }

    fn is_above_itself(&self, from: usize, by_code: &HashMap<&str, usize>) -> bool {
        let above = |at: usize| by_code.get(self.units[at].parent.as_deref()?).copied();
        let mut at = from;
        for _ in 0..self.units.len() {
            match above(at) {
                None => return false,
                Some(next) if next == from => return true,
                Some(next) => at = next,
            }
        }
        true
    }

    /// The writes that make the records: villages, units, and which cell has which village.
    ///
    /// # Errors
    /// The catalogue lacks a kind: a bug.
    pub fn writes(&self, new_id: &mut dyn FnMut() -> RecordId) -> Result<Vec<Op>> {
        let units: HashMap<&str, RecordId> =
            self.units.iter().map(|u| (u.code.as_str(), new_id())).collect();
        let villages: HashMap<&str, RecordId> =
            self.villages.iter().map(|v| (v.code.as_str(), new_id())).collect();
        let village_kind = kind_of(kind::VILLAGE)?;
        let mut ops = Vec::with_capacity(self.units.len() + 2 * self.villages.len());
        for village in &self.villages {
            ops.push(create(villages[village.code.as_str()], village_kind, village.values.clone()));
        }
        let unit_kind = kind_of(kind::UNIT)?;
        for unit in &self.units {
            let mut values = unit.values.clone();
            let parent = unit.parent.as_deref().and_then(|p| units.get(p));
            refer(&mut values, unit_kind, "parent_id", parent);
            let village = unit.village.as_deref().and_then(|v| villages.get(v));
            refer(&mut values, unit_kind, "village_id", village);
            ops.push(create(units[unit.code.as_str()], unit_kind, values));
        }
        let cell_kind = kind_of(kind::VILLAGE_CELL)?;
        for village in self.villages.iter().filter(|v| v.cell.is_some()) {
            let mut values = Values::new();
            refer(&mut values, cell_kind, "village", villages.get(village.code.as_str()));
            let cell = village.cell.as_deref().and_then(|c| units.get(c));
            refer(&mut values, cell_kind, "unit", cell);
            ops.push(create(new_id(), cell_kind, values));
        }
        Ok(ops)
    }
}

/// The write that creates a record of the reference.
fn create(record: RecordId, kind: &Kind, values: Values) -> Op {
    let write = |(field, value)| FieldWrite { field, value, over: Over::Nothing };
    let fields = values.into_iter().map(write).collect();
    let create = Some(ScopeId::REFERENCE);
    Op::Write(RecordWrites { record, kind: kind.id, create, under: None, fields })
}

fn kind_of(id: KindId) -> Result<&'static Kind> {
    catalogue().kind(id).ok_or_else(|| Fault::new(Exit::Unexpected, "fault-unexpected"))
}

fn field(kind: &Kind, name: &str) -> Option<FieldId> {
    kind.field_named(name).map(|f| f.id)
}

/// The first place of each text.
fn index<'a>(texts: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut index = HashMap::new();
    for (at, text) in texts.enumerate() {
        index.entry(text).or_insert(at);
    }
    index
}

fn text(row: Row<'_>, column: &str) -> Option<String> {
    Some(row.cell(column)).filter(|c| !c.is_empty()).map(str::to_owned)
}

fn cells(row: Row<'_>, kind: &Kind, fields: &[(&str, &str)]) -> Result<Values> {
    let mut values = Values::new();
    for (column, name) in fields {
        let cell = row.cell(column);
        if !cell.is_empty() {
            values.extend(parse(row, column, kind, name, cell)?);
        }
    }
    Ok(values)
}

fn parse(
    row: Row<'_>,
    column: &str,
    kind: &Kind,
    name: &str,
    cell: &str,
) -> Result<Option<(FieldId, Value)>> {
    let Some(field) = kind.field_named(name) else { return Ok(None) };
    let value = validate::parse(field, cell).map_err(|why| row.invalid(column, why))?;
    Ok(Some((field.id, value)))
}

fn set(values: &mut Values, kind: &Kind, name: &str, text: &str) {
    put(values, kind, name, Value::Text(text.to_owned()));
}

fn put(values: &mut Values, kind: &Kind, name: &str, value: Value) {
    values.extend(field(kind, name).map(|f| (f, value)));
}

fn copy(values: &mut Values, kind: &Kind, from: &str, to: &str) {
    if let Some(value) = field(kind, from).and_then(|f| values.get(&f)).cloned() {
        put(values, kind, to, value);
    }
}

fn refer(values: &mut Values, kind: &Kind, name: &str, to: Option<&RecordId>) {
    if let Some(id) = to {
        put(values, kind, name, Value::Ref(*id));
    }
}

/// What sort of commune a name says: wards and towns begin so, all else is a commune.
fn type_of(name: &str) -> &'static str {
    let folded = dongbo_proto::catalogue::fold::fold(name);
    match folded.as_str() {
        n if n.starts_with("phuong") => "ward",
        n if n.starts_with("thi tran") => "town",
        _ => "commune",
    }
}
