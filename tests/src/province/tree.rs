//! Grows the organisation tree: province, districts and blocs, grassroots organisations, cells, villages.
//!
//! Commune names and codes are the real ones; every other name is made up and says so ("Mẫu 12"). The tree also
//! says how many members sit in each cell, and of which sort: the *seats* that `people` fills. No persons here.

use std::collections::BTreeMap;

use super::commune::{Commune, communes};
use super::date::{PartialDate, nth_day};
use super::draw::{Draw, Ids};
use super::plan::{Block, DISTRICTS, DistrictPlan, Plan};
use super::quota::{apportion, clamp};
use super::sort::{BLOCS, UPPER_BLOCKS, org_sorts, size_ratio};
use super::unit::{Unit, Village};

/// Code of the province in the list of the General Statistics Office.
pub(crate) const PROVINCE_CODE: &str = "24";
/// The domain's clamp on village cells, members.
const VILLAGE_CELL_MEMBERS: (u32, u32) = (3, 110);
/// A cell needs three official members to exist for long.
const CELL_MEMBERS_MIN: u32 = 3;
/// No other sort of cell is larger than this.
const CELL_MEMBERS_MAX: u32 = 200;
/// A cell with the number of members that sit in it.
pub(crate) struct Seat {
    /// Index of the cell's unit.
    pub(crate) unit: usize,
    /// Index of the grassroots organisation's unit.
    pub(crate) org: usize,
    pub(crate) block: Block,
    /// `None` for what is not under a district.
    pub(crate) district: Option<usize>,
    /// Index of the village, for a residential cell.
    pub(crate) village: Option<usize>,
    pub(crate) members: u32,
    /// To be left with fewer than three official members.
    pub(crate) short: bool,
}

/// The whole tree. Seats of one organisation are neighbours.
pub(crate) struct Tree {
    pub(crate) units: Vec<Unit>,
    pub(crate) villages: Vec<Village>,
    pub(crate) seats: Vec<Seat>,
}

/// Grows the tree of `plan`.
pub(crate) fn grow(plan: &Plan, draw: Draw, ids: Ids) -> Tree {
    let mut grower = Grower {
        draw,
        ids,
        org_count: 0,
        mock_numbers: BTreeMap::new(),
        tree: Tree { units: vec![], villages: vec![], seats: vec![] },
    };
    grower.upper_levels();
    let communes = communes();
    let villages: Vec<f64> = plan.districts.iter().map(|d| f64::from(d.villages)).collect();
    let short = apportion(plan.short_cells, &villages);
    for (d, district) in plan.districts.iter().enumerate() {
        let own: Vec<&Commune> = communes.iter().filter(|commune| commune.district == d).collect();
        grower.communes(&spread(&own, district.communes as usize), district, short[d]);
        grower.district_orgs(d, district, &own[0].code);
    }
    let seat = &communes[0].code;
    for (block, parent) in UPPER_BLOCKS {
        let sums = plan.block(block);
        grower.orgs(
            Home { block, district: None, parent, area: seat },
            sums.orgs,
            sums.cells,
            sums.members,
        );
    }
    grower.tree
}

/// `count` of `all`, evenly spaced.
fn spread<'a>(all: &[&'a Commune], count: usize) -> Vec<&'a Commune> {
    (0..count).map(|i| all[(2 * i + 1) * all.len() / (2 * count)]).collect()
}

/// Where new organisations go.
#[derive(Clone, Copy)]
struct Home<'a> {
    block: Block,
    district: Option<usize>,
    /// Code of the unit above.
    parent: &'a str,
    /// Code of the commune in which they sit.
    area: &'a str,
}

struct Grower {
    draw: Draw,
    ids: Ids,
    org_count: u32,
    mock_numbers: BTreeMap<&'static str, u32>,
    tree: Tree,
}

impl Grower {
    fn upper_levels(&mut self) {
        let province = ("Đảng bộ tỉnh Bắc Giang (mô phỏng)".to_owned(), "Đảng bộ tỉnh".to_owned());
        self.upper(PROVINCE_CODE, province, "province", None);
        for district in &DISTRICTS {
            let names = (format!("Đảng bộ {}", district.name), format!("ĐB {}", district.name));
            self.upper(district.code, names, "district_equiv", Some(PROVINCE_CODE));
        }
        for (code, full, short) in BLOCS {
            self.upper(
                code,
                (full.to_owned(), short.to_owned()),
                "district_equiv",
                Some(PROVINCE_CODE),
            );
        }
    }

    fn upper(
        &mut self,
        code: &str,
        names: (String, String),
        level_kind: &'static str,
        parent: Option<&str>,
    ) {
        let unit = self.unit(code.to_owned(), names, level_kind, (1946, 1963));
        self.tree.units.push(Unit {
            parent: parent.map(str::to_owned),
            admin_area_code: "07201".to_owned(),
            ..unit
        });
    }

    /// A unit with what all units have; the caller fills in the rest.
    fn unit(
        &mut self,
        code: String,
        names: (String, String),
        level_kind: &'static str,
        founded: (u32, u32),
    ) -> Unit {
        let year = self.draw.between(founded.0, founded.1);
        Unit {
            id: self.ids.mint(),
            code,
            name_full: names.0,
            name_short: names.1,
            level_kind,
            unit_type: "",
            sub_type: "",
            parent: None,
            scope: None,
            founded_on: PartialDate::from(nth_day(year as i32, self.draw.below(365))),
            admin_area_code: String::new(),
            village: None,
        }
    }

    fn communes(&mut self, communes: &[&Commune], plan: &DistrictPlan, short: u32) {
        let uneven = |draw: &mut Draw| 0.75 + draw.unit() * 0.6;
        let weights: Vec<f64> = communes.iter().map(|_| uneven(&mut self.draw)).collect();
        let mut villages = apportion(plan.villages, &weights);
        clamp(&mut villages, 4, 25);
        let mut schools = apportion(plan.schools, &weights);
        clamp(&mut schools, 2, 9);
        let (mut village_cells, is_short) = self.village_cells(plan, short);
        let mut school_cells = self.sizes(plan.schools, plan.members[1], (4, 60)).into_iter();
        let offices = self.sizes(plan.communes, plan.members[2], (8, 30));
        let health = self.sizes(plan.communes, plan.members[3], (CELL_MEMBERS_MIN, 12));
        let mut is_short = is_short.into_iter();
        for (i, commune) in communes.iter().enumerate() {
            let org = self.commune(commune);
            for (number, members) in (1..=villages[i]).zip(village_cells.by_ref()) {
                self.village_cell(org, commune, number, members, is_short.next().unwrap_or(false));
            }
            for (number, members) in (1..=schools[i]).zip(school_cells.by_ref()) {
                let names =
                    (format!("Chi bộ trường học Mẫu {number}"), format!("CB trường {number}"));
                self.commune_cell(org, commune, names, (Block::School, "school", members));
            }
            let names =
                |what: &str| (format!("Chi bộ {what} {}", commune.name), format!("CB {what}"));
            self.commune_cell(
                org,
                commune,
                names("cơ quan"),
                (Block::Office, "commune_office", offices[i]),
            );
            self.commune_cell(
                org,
                commune,
                names("trạm y tế"),
                (Block::Health, "health_station", health[i]),
            );
        }
    }

    fn commune(&mut self, commune: &Commune) -> usize {
        let names = (format!("Đảng bộ {}", commune.name), format!("ĐB {}", commune.name));
        let unit = self.unit(commune.code.clone(), names, "grassroots_committee", (1947, 1965));
        let unit_type = match commune.name.chars().next() {
            Some('p') => "ward",
            Some('t') => "town",
            _ => "commune",
        };
        self.tree.units.push(Unit {
            unit_type,
            parent: Some(DISTRICTS[commune.district].code.to_owned()),
            scope: Some(commune.code.clone()),
            admin_area_code: commune.code.clone(),
            ..unit
        });
        self.tree.units.len() - 1
    }

    /// Sizes of a district's village cells, and which of them are the short ones: the smallest, cut to three.
    fn village_cells(
        &mut self,
        plan: &DistrictPlan,
        short: u32,
    ) -> (std::vec::IntoIter<u32>, Vec<bool>) {
        let mut sizes = self.sizes(plan.villages, plan.members[0], VILLAGE_CELL_MEMBERS);
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&i| (sizes[i], i));
        let (smallest, others) = order.split_at(short as usize);
        let mut is_short = vec![false; sizes.len()];
        let mut freed = 0;
        for &i in smallest {
            freed += sizes[i] - CELL_MEMBERS_MIN;
            sizes[i] = CELL_MEMBERS_MIN;
            is_short[i] = true;
        }
        let room = others.iter().rev().skip(others.len() / 4).cycle();
        room.take(freed as usize).for_each(|&i| sizes[i] += 1);
        (sizes.into_iter(), is_short)
    }

    fn village_cell(
        &mut self,
        org: usize,
        commune: &Commune,
        number: u32,
        members: u32,
        short: bool,
    ) {
        let (kind, word) = match commune.name.chars().next() {
            Some('p' | 't') => ("residential_group", "tổ dân phố"),
            // The two highland districts have hamlets beside villages.
            _ if matches!(DISTRICTS[commune.district].code, "219" | "220")
                && number.is_multiple_of(3) =>
            {
                ("hamlet", "bản")
            }
            _ => ("village", "thôn"),
        };
        let names = (format!("Chi bộ {word} Mẫu {number}"), format!("CB {word} {number}"));
        let code = format!("{}-T{number:02}", commune.code);
        let seat = self.commune_cell(org, commune, names, (Block::Village, "residential", members));
        self.tree.seats[seat].short = short;
        self.tree.seats[seat].village = Some(self.tree.villages.len());
        let unit = &mut self.tree.units[self.tree.seats[seat].unit];
        unit.village = Some(code.clone());
        let cell = unit.code.clone();
        let mut name = format!("{word} Mẫu {number}");
        if let Some(first) = word.chars().next() {
            name.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
        }
        let (id, scope) = (self.ids.mint(), commune.code.clone());
        let village = Village {
            id,
            code,
            name,
            kind,
            commune: scope.clone(),
            scope,
            cell,
            head_name: String::new(),
            head_member: None,
        };
        self.tree.villages.push(village);
    }

    fn commune_cell(
        &mut self,
        org: usize,
        commune: &Commune,
        names: (String, String),
        (block, sub_type, members): (Block, &'static str, u32),
    ) -> usize {
        let home = Home {
            block,
            district: Some(commune.district),
            parent: &commune.code,
            area: &commune.code,
        };
        self.cell(org, home, names, sub_type, members)
    }

    /// A cell below the organisation `org`, named by its number there; returns its seat.
    fn cell(
        &mut self,
        org: usize,
        home: Home<'_>,
        names: (String, String),
        sub_type: &'static str,
        members: u32,
    ) -> usize {
        let number = self.tree.units.len() - org;
        let unit = self.unit(format!("{}-C{number:03}", home.parent), names, "cell", (1960, 2015));
        self.tree.units.push(Unit {
            unit_type: self.tree.units[org].unit_type,
            sub_type,
            parent: Some(home.parent.to_owned()),
            scope: Some(home.parent.to_owned()),
            admin_area_code: home.area.to_owned(),
            ..unit
        });
        self.seat(self.tree.units.len() - 1, org, home, members)
    }

    fn seat(&mut self, unit: usize, org: usize, home: Home<'_>, members: u32) -> usize {
        let (block, district) = (home.block, home.district);
        self.tree.seats.push(Seat {
            unit,
            org,
            block,
            district,
            village: None,
            members,
            short: false,
        });
        self.tree.seats.len() - 1
    }

    fn district_orgs(&mut self, d: usize, plan: &DistrictPlan, area: &str) {
        for (k, block) in [Block::Agency, Block::Enterprise].into_iter().enumerate() {
            let home = Home { block, district: Some(d), parent: DISTRICTS[d].code, area };
            self.orgs(home, plan.orgs[k], plan.org_cells[k], plan.members[4 + k]);
        }
    }

    /// `orgs` organisations with `cells` cells among them: the larger an organisation, the more cells.
    fn orgs(&mut self, home: Home<'_>, orgs: u32, cells: u32, members: u32) {
        let sizes = self.sizes(orgs, members, (CELL_MEMBERS_MIN, u32::MAX));
        let mut counts = vec![1_u32; sizes.len()];
        for _ in orgs..cells {
            let crowded = (0..sizes.len()).max_by_key(|&i| (sizes[i] * 1000 / counts[i], i));
            crowded.into_iter().for_each(|i| counts[i] += 1);
        }
        for (size, count) in sizes.into_iter().zip(counts) {
            self.org(home, count, size);
        }
    }

    fn org(&mut self, home: Home<'_>, cells: u32, members: u32) {
        let (unit_type, name, sub_type, cell_name) = self.draw.weighted(org_sorts(home.block));
        self.org_count += 1;
        let number = self.mock_numbers.entry(name).or_default();
        *number += 1;
        let (prefix, level) = if cells == 1 {
            ("Chi bộ", "grassroots_cell")
        } else {
            ("Đảng bộ", "grassroots_committee")
        };
        let names = (format!("{prefix} {name} {number}"), format!("{name} {number}"));
        let code = format!("TG-{:04}", self.org_count);
        let unit = self.unit(code.clone(), names, level, (1985, 2016));
        let org = self.tree.units.len();
        self.tree.units.push(Unit {
            unit_type,
            sub_type: if cells == 1 { sub_type } else { "" },
            parent: Some(home.parent.to_owned()),
            scope: Some(code.clone()),
            admin_area_code: home.area.to_owned(),
            ..unit
        });
        if cells == 1 {
            self.seat(org, org, home, members);
            return;
        }
        let below = Home { parent: &code, ..home };
        for (number, members) in
            (1..).zip(self.sizes(cells, members, (CELL_MEMBERS_MIN, CELL_MEMBERS_MAX)))
        {
            let names =
                (format!("Chi bộ {cell_name} {number}"), format!("CB {cell_name} {number}"));
            self.cell(org, below, names, sub_type, members);
        }
    }

    /// `count` sizes off the curve that sum to `members`.
    fn sizes(&mut self, count: u32, members: u32, (low, high): (u32, u32)) -> Vec<u32> {
        let weights: Vec<f64> = (0..count).map(|_| size_ratio(self.draw.unit())).collect();
        let mut sizes = apportion(members, &weights);
        clamp(&mut sizes, low, high);
        sizes
    }
}
