//! The published tables, and that what is generated sums to them.

use std::collections::BTreeMap;

use dongbo_tests::province::{
    BLOCKS, Block, BlockPlan, COHORTS, DISTRICTS, FLOWS, OPENING_STOCK, Plan, Province, RETAINED,
    Size, TRANSFERRED_IN, Unit, stock_by_year,
};

use crate::{full, units};

#[test]
fn flows_lead_from_the_opening_to_the_closing_stock() {
    let mut stock = i64::from(OPENING_STOCK);
    for (flow, year) in FLOWS.iter().zip(1997..) {
        assert_eq!(flow.year, year);
        stock += i64::from(flow.admitted) + i64::from(flow.net);
        assert_eq!(stock, i64::from(flow.stock), "stock at the end of {year}");
    }
    let admitted: u32 = FLOWS.iter().map(|flow| flow.admitted).sum();
    let net: i32 = FLOWS.iter().map(|flow| flow.net).sum();
    assert_eq!((admitted, net, stock), (53_800, -11_447, 85_659));
}

#[test]
fn cohorts_account_for_every_loss() {
    let [oldest, old, middle, late, recent] = COHORTS.map(|cohort| cohort.members);
    assert_eq!((oldest, old, middle, late, recent), (5, 250, 9_500, 24_500, 51_404));
    assert_eq!(oldest + old + middle + late + recent, 85_659);
    let (lost_old, lost_new) = (OPENING_STOCK - (oldest + old + middle + late), 53_800 - RETAINED);
    assert_eq!((lost_old, lost_new), (9_051, 3_528));
    assert_eq!(i64::from(TRANSFERRED_IN) - i64::from(lost_old + lost_new), -11_447);
    for cohort in COHORTS {
        let years = stock_by_year()
            .into_iter()
            .filter(|(year, _)| (cohort.from..=cohort.to).contains(year));
        assert_eq!(years.map(|(_, members)| members).sum::<u32>(), cohort.members, "{cohort:?}");
    }
}

#[test]
fn generated_cohorts_are_the_published_ones() {
    let mut by_year: BTreeMap<i32, u32> = BTreeMap::new();
    full()
        .members
        .iter()
        .for_each(|member| *by_year.entry(member.admitted_on.year).or_default() += 1);
    assert_eq!(by_year.into_iter().collect::<Vec<_>>(), stock_by_year());
}

#[test]
fn plans_sum_to_the_published_counts() {
    let published = [
        (Size::Full, 769, 4_501, 85_659),
        (Size::Tenth, 77, 450, 8_566),
        (Size::Hundredth, 8, 45, 857),
    ];
    for (size, orgs, cells, members) in published {
        let plan = Plan::new(size);
        let sum = |of: fn(&BlockPlan) -> u32| plan.blocks.iter().map(of).sum::<u32>();
        assert_eq!(
            (sum(|b| b.orgs), sum(|b| b.cells), sum(|b| b.members)),
            (orgs, cells, members),
            "{size}"
        );
        for (c, block) in BLOCKS[..6].iter().enumerate() {
            let shared: u32 = plan.districts.iter().map(|district| district.members[c]).sum();
            assert_eq!(shared, plan.block(*block).members, "{size} {block:?}");
        }
    }
    for (plan, district) in Plan::new(Size::Full).districts.iter().zip(DISTRICTS) {
        assert_eq!(plan.members.iter().sum::<u32>(), district.members, "{}", district.name);
        assert_eq!(
            (plan.communes, plan.villages),
            (district.communes, district.villages),
            "{}",
            district.name
        );
    }
}

#[test]
fn every_size_has_its_organisations_cells_and_members() {
    for (size, orgs, communes, cells, villages, heads, members) in [
        (Size::Full, 769, 209, 4_501, 2_128, 1_498, 85_659),
        (Size::Tenth, 77, 21, 450, 213, 150, 8_566),
        (Size::Hundredth, 8, 2, 45, 21, 15, 857),
    ] {
        let province = Province::generate(7, size);
        assert_eq!(province.scopes().count(), orgs, "{size}");
        assert_eq!(province.communes().count(), communes, "{size}");
        assert_eq!(province.cells().count(), cells, "{size}");
        assert_eq!(province.villages.len(), villages, "{size}");
        assert_eq!(
            province.villages.iter().filter(|v| v.head_member.is_some()).count(),
            heads,
            "{size}"
        );
        assert_eq!(province.members.len(), members, "{size}");
        let in_scopes: usize =
            province.scopes().map(|scope| province.members_of(&scope.code).len()).sum();
        assert_eq!(in_scopes, members, "{size}");
    }
}

#[test]
fn blocks_and_districts_have_their_published_members() {
    let units = units();
    let mut by_sort: BTreeMap<&str, u32> = BTreeMap::new();
    let mut by_upper: BTreeMap<&str, u32> = BTreeMap::new();
    for member in &full().members {
        let cell = units[member.unit.as_str()];
        let org = units[cell.scope.as_deref().unwrap()];
        let is_commune = matches!(org.unit_type, "commune" | "ward" | "town");
        *by_sort.entry(if is_commune { cell.sub_type } else { "elsewhere" }).or_default() += 1;
        *by_upper.entry(org.parent.as_deref().unwrap()).or_default() += 1;
    }
    let sorts = [
        ("commune_office", 2_926),
        ("elsewhere", 19_233),
        ("health_station", 940),
        ("residential", 53_200),
    ];
    assert_eq!(by_sort, sorts.into_iter().chain([("school", 9_360)]).collect());
    for district in DISTRICTS {
        assert_eq!(by_upper[district.code], district.members, "{}", district.name);
    }
    for (code, members) in
        [("KCQ", 4_300), ("KDN", 3_400), ("CAT", 2_300), ("QST", 1_100), ("24", 893)]
    {
        assert_eq!(by_upper[code], members, "{code}");
    }
}

#[test]
fn organisations_and_cells_stand_where_the_table_puts_them() {
    let units = units();
    let upper_of = |org: &Unit| units[org.parent.as_deref().unwrap()];
    let is_commune = |org: &Unit| matches!(org.unit_type, "commune" | "ward" | "town");
    let in_districts =
        |org: &Unit| DISTRICTS.iter().any(|district| district.code == upper_of(org).code);
    let orgs: Vec<&Unit> = full().scopes().collect();
    let cells_of = |keep: &dyn Fn(&Unit) -> bool| {
        full().cells().filter(|cell| keep(units[cell.scope.as_deref().unwrap()])).count()
    };
    let is_firm = |org: &Unit| {
        matches!(
            org.unit_type,
            "soe_100" | "joint_stock" | "limited" | "foreign_invested" | "cooperative"
        )
    };
    let count = |keep: &dyn Fn(&Unit) -> bool| {
        (orgs.iter().filter(|org| keep(org)).count(), cells_of(keep))
    };
    assert_eq!(count(&is_commune), (209, 2_128 + 720 + 209 + 209));
    assert_eq!(count(&|org| in_districts(org) && !is_commune(org) && !is_firm(org)), (280, 320));
    assert_eq!(count(&|org| in_districts(org) && is_firm(org)), (90, 95));
    let upper = [
        (Block::ProvinceOffices, "KCQ"),
        (Block::ProvinceEnterprises, "KDN"),
        (Block::Police, "CAT"),
    ];
    for (block, code) in upper.into_iter().chain([(Block::Army, "QST"), (Block::Direct, "24")]) {
        let plan = Plan::new(Size::Full).block(block);
        assert_eq!(
            count(&|org| upper_of(org).code == code),
            (plan.orgs as usize, plan.cells as usize),
            "{block:?}"
        );
    }
}
