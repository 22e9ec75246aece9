//! How many of what: the unit counts of 31 December 2019, at three sizes.
//!
//! The full plan is the published tables. A tenth and a hundredth are smaller provinces of the same make, not
//! thinned ones: fewer communes, each of them whole. Deliberately absent: names, and anything random.

use std::fmt;
use std::str::FromStr;

use super::quota::{apportion, fit};

/// How large a province to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 85,659 members in 769 grassroots organisations.
    Full,
    /// 8,566 members in 77 grassroots organisations, 21 of them communes.
    Tenth,
    /// 857 members in 8 grassroots organisations, 2 of them communes.
    Hundredth,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Tenth => "tenth",
            Self::Hundredth => "hundredth",
        })
    }
}

/// The text names no size.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownSize;

impl fmt::Display for UnknownSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("full | tenth | hundredth")
    }
}

impl std::error::Error for UnknownSize {}

impl FromStr for Size {
    type Err = UnknownSize;

    fn from_str(text: &str) -> Result<Self, UnknownSize> {
        match text {
            "full" | "1" => Ok(Self::Full),
            "tenth" | "1/10" => Ok(Self::Tenth),
            "hundredth" | "1/100" => Ok(Self::Hundredth),
            _ => Err(UnknownSize),
        }
    }
}

/// A row of the table of unit counts: which sort of cells a member sits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// Village cells of the communes.
    Village,
    /// School cells of the communes.
    School,
    /// Commune office cells.
    Office,
    /// Health-station cells of the communes.
    Health,
    /// District agencies and units.
    Agency,
    /// Enterprises and co-operatives under the districts.
    Enterprise,
    /// The bloc of provincial agencies.
    ProvinceOffices,
    /// The bloc of provincial enterprises.
    ProvinceEnterprises,
    /// The provincial police.
    Police,
    /// The provincial military command.
    Army,
    /// Directly under the province.
    Direct,
}

/// All blocks, in the order of the table.
pub const BLOCKS: [Block; 11] = [
    Block::Village,
    Block::School,
    Block::Office,
    Block::Health,
    Block::Agency,
    Block::Enterprise,
    Block::ProvinceOffices,
    Block::ProvinceEnterprises,
    Block::Police,
    Block::Army,
    Block::Direct,
];

/// What one block holds. The four kinds of commune cells share the commune's organisation, counted at `Village`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlan {
    /// Which block.
    pub block: Block,
    /// Grassroots organisations.
    pub orgs: u32,
    /// Cells; an organisation that is itself a cell counts as one.
    pub cells: u32,
    /// Members.
    pub members: u32,
}

const FULL: [(u32, u32, u32); 11] = [
    (209, 2128, 53_200),
    (0, 720, 9_360),
    (0, 209, 2_926),
    (0, 209, 940),
    (280, 320, 6_160),
    (90, 95, 1_080),
    (60, 330, 4_300),
    (75, 210, 3_400),
    (33, 150, 2_300),
    (20, 70, 1_100),
    (2, 60, 893),
];
const TENTH: [(u32, u32, u32); 11] = [
    (21, 213, 5_320),
    (0, 72, 936),
    (0, 21, 293),
    (0, 21, 94),
    (28, 32, 616),
    (9, 9, 108),
    (6, 33, 430),
    (7, 21, 340),
    (3, 15, 230),
    (2, 7, 110),
    (1, 6, 89),
];
const HUNDREDTH: [(u32, u32, u32); 11] = [
    (2, 21, 532),
    (0, 7, 94),
    (0, 2, 29),
    (0, 2, 9),
    (1, 3, 62),
    (1, 1, 11),
    (1, 4, 43),
    (1, 2, 34),
    (1, 2, 23),
    (1, 1, 20),
    (0, 0, 0),
];

/// A district as the table knows it.
#[derive(Clone, Copy, Debug)]
pub struct District {
    /// Code of the General Statistics Office.
    pub code: &'static str,
    /// With its kind, as it stands inside a sentence.
    pub name: &'static str,
    /// Its committee, as it signs decisions.
    pub committee: &'static str,
    /// The committee's mark in the numbers of its decisions.
    pub mark: &'static str,
    /// Population of 2019.
    pub population: u32,
    /// Communes.
    pub communes: u32,
    /// Villages, hamlets and residential groups.
    pub villages: u32,
    /// Members of the district's whole organisation.
    pub members: u32,
    /// How many agencies it has beside an ordinary district (1.0); a starting point for the fit.
    agencies: f64,
}

#[expect(clippy::too_many_arguments, reason = "a column each: a row reads as in the table")]
const fn district(
    code: &'static str,
    name: &'static str,
    committee: &'static str,
    mark: &'static str,
    communes: u32,
    population: u32,
    villages: u32,
    members: u32,
    agencies: f64,
) -> District {
    District { code, name, committee, mark, population, communes, villages, members, agencies }
}

/// The ten districts.
pub const DISTRICTS: [District; 10] = [
    district(
        "213",
        "thành phố Bắc Giang",
        "Thành ủy Bắc Giang",
        "ThU",
        16,
        174_229,
        189,
        8_825,
        2.5,
    ),
    district("223", "huyện Hiệp Hòa", "Huyện ủy Hiệp Hòa", "HU", 25, 244_000, 275, 9_376, 1.0),
    district("217", "huyện Lạng Giang", "Huyện ủy Lạng Giang", "HU", 21, 217_000, 239, 8_234, 1.0),
    district("218", "huyện Lục Nam", "Huyện ủy Lục Nam", "HU", 25, 226_194, 262, 8_848, 1.0),
    district("219", "huyện Lục Ngạn", "Huyện ủy Lục Ngạn", "HU", 29, 226_540, 278, 9_200, 1.0),
    district("220", "huyện Sơn Động", "Huyện ủy Sơn Động", "HU", 17, 72_930, 121, 3_616, 0.6),
    district("216", "huyện Tân Yên", "Huyện ủy Tân Yên", "HU", 22, 177_265, 215, 7_140, 1.0),
    district("222", "huyện Việt Yên", "Huyện ủy Việt Yên", "HU", 17, 204_616, 214, 7_524, 1.0),
    district("221", "huyện Yên Dũng", "Huyện ủy Yên Dũng", "HU", 18, 150_000, 179, 5_989, 0.8),
    district("215", "huyện Yên Thế", "Huyện ủy Yên Thế", "HU", 19, 110_920, 156, 4_914, 0.7),
];

/// What one district holds, in the six blocks that districts have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistrictPlan {
    /// Communes, each with one office cell and one health-station cell.
    pub communes: u32,
    /// Villages, each with one cell.
    pub villages: u32,
    /// School cells.
    pub schools: u32,
    /// Organisations of agencies, and of enterprises.
    pub orgs: [u32; 2],
    /// Cells of agencies, and of enterprises.
    pub org_cells: [u32; 2],
    /// Members of the six blocks, `Village` to `Enterprise`.
    pub members: [u32; 6],
}

/// The plan of a province of one size.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The size.
    pub size: Size,
    /// Every block's sums.
    pub blocks: [BlockPlan; 11],
    /// Every district's share, in the order of [`DISTRICTS`].
    pub districts: Vec<DistrictPlan>,
    /// Village cells with fewer than three official members: they may not vote on admissions, and are wanted as cases.
    pub short_cells: u32,
    /// Villages whose head is a member.
    pub member_heads: u32,
}

impl Plan {
    /// The plan for `size`.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let (rows, short_cells, member_heads) = match size {
            Size::Full => (FULL, 25, 1_498),
            Size::Tenth => (TENTH, 3, 150),
            Size::Hundredth => (HUNDREDTH, 1, 15),
        };
        let blocks = blocks(rows);
        let districts = scale(&full_districts(), &blocks);
        Self { size, blocks, districts, short_cells, member_heads }
    }

    /// The sums of one block.
    #[must_use]
    pub fn block(&self, block: Block) -> BlockPlan {
        self.blocks[block as usize]
    }

    /// Members of the whole province.
    #[must_use]
    pub fn members(&self) -> u32 {
        self.blocks.iter().map(|block| block.members).sum()
    }
}

fn blocks(rows: [(u32, u32, u32); 11]) -> [BlockPlan; 11] {
    std::array::from_fn(|i| {
        let (orgs, cells, members) = rows[i];
        BlockPlan { block: BLOCKS[i], orgs, cells, members }
    })
}

/// The ten districts at full size: members fitted to the sums of both published tables, the rest by members.
fn full_districts() -> Vec<DistrictPlan> {
    let weights: Vec<Vec<f64>> = DISTRICTS.iter().map(seed_row).collect();
    let rows = DISTRICTS.map(|district| district.members);
    let cols: [u32; 6] = std::array::from_fn(|i| FULL[i].2);
    let members = fit(&weights, &rows, &cols);
    let column = |c: usize| -> Vec<f64> { members.iter().map(|row| f64::from(row[c])).collect() };
    // Two schools a commune, the others where the pupils are.
    let more_schools = apportion(FULL[1].1 - 2 * FULL[0].0, &column(1));
    let (agencies, enterprises) =
        (apportion(FULL[4].0, &column(4)), apportion(FULL[5].0, &column(5)));
    let more_agency_cells = apportion(FULL[4].1 - FULL[4].0, &column(4));
    let more_enterprise_cells = apportion(FULL[5].1 - FULL[5].0, &column(5));
    (0..DISTRICTS.len())
        .map(|d| DistrictPlan {
            communes: DISTRICTS[d].communes,
            villages: DISTRICTS[d].villages,
            schools: 2 * DISTRICTS[d].communes + more_schools[d],
            orgs: [agencies[d], enterprises[d]],
            org_cells: [
                agencies[d] + more_agency_cells[d],
                enterprises[d] + more_enterprise_cells[d],
            ],
            members: std::array::from_fn(|c| members[d][c]),
        })
        .collect()
}

/// Where a district's members would sit if it were an average one.
fn seed_row(district: &District) -> Vec<f64> {
    let people = f64::from(district.population) / 1_803_694.0;
    let communes = f64::from(district.communes);
    vec![
        f64::from(district.villages) * 25.0,
        4_680.0 * people + 4_680.0 * communes / 209.0,
        communes * 14.0,
        communes * 4.5,
        616.0 * district.agencies,
        1_080.0 * people,
    ]
}

/// Shares out the sums of a smaller province so that each district keeps its own rates: villages a commune,
/// members a village, and so on. At full size every share is the district's own figure again.
fn scale(full: &[DistrictPlan], blocks: &[BlockPlan; 11]) -> Vec<DistrictPlan> {
    let rate = |total: u32, base: &[u32], of: &dyn Fn(&DistrictPlan) -> (u32, u32)| -> Vec<u32> {
        let weigh = |(plan, &base): (&DistrictPlan, &u32)| {
            let (amount, per) = of(plan);
            f64::from(base) * f64::from(amount) / f64::from(per.max(1))
        };
        apportion(total, &full.iter().zip(base).map(weigh).collect::<Vec<f64>>())
    };
    let ones = vec![1; full.len()];
    let communes = rate(blocks[0].orgs, &ones, &|p| (p.communes, 1));
    let villages = rate(blocks[0].cells, &communes, &|p| (p.villages, p.communes));
    let schools = rate(blocks[1].cells, &communes, &|p| (p.schools, p.communes));
    let orgs = [0, 1].map(|k| rate(blocks[4 + k].orgs, &ones, &|p| (p.orgs[k], 1)));
    let more = [0, 1].map(|k| {
        rate(blocks[4 + k].cells - blocks[4 + k].orgs, &orgs[k], &|p| {
            (p.org_cells[k] - p.orgs[k], p.orgs[k])
        })
    });
    let bases = [
        (&villages, 0),
        (&schools, 1),
        (&communes, 2),
        (&communes, 3),
        (&orgs[0], 4),
        (&orgs[1], 5),
    ];
    let members = bases.map(|(base, c)| {
        let per = |p: &DistrictPlan| {
            [p.villages, p.schools, p.communes, p.communes, p.orgs[0], p.orgs[1]][c]
        };
        rate(blocks[c].members, base, &|p| (p.members[c], per(p)))
    });
    (0..full.len())
        .map(|d| DistrictPlan {
            communes: communes[d],
            villages: villages[d],
            schools: schools[d],
            orgs: [orgs[0][d], orgs[1][d]],
            org_cells: [orgs[0][d] + more[0][d], orgs[1][d] + more[1][d]],
            members: std::array::from_fn(|c| members[c][d]),
        })
        .collect()
}
