//! Twenty-three years of admissions, and what they left in the stock of 31 December 2019.
//!
//! The table is data of the domain specification; the cohorts of the generated members follow it exactly.
//! `stock at the end = stock before + admitted + net`, where net is every other change of the year (deaths,
//! exits, transfers), which is not broken down here.

use super::quota::apportion;

/// One year's flow, in persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearFlow {
    /// The calendar year.
    pub year: i32,
    /// Admitted in the year, by the date of the ceremony.
    pub admitted: u32,
    /// All other changes together.
    pub net: i32,
    /// Members on 31 December.
    pub stock: u32,
}

/// Members on 31 December 1996.
pub const OPENING_STOCK: u32 = 43_306;
/// Of those admitted from 1997 to 2019, how many were still members here at the end.
pub const RETAINED: u32 = 50_272;
/// Admitted elsewhere from 1997 on and transferred in.
pub const TRANSFERRED_IN: u32 = 1_132;

const fn flow(year: i32, admitted: u32, net: i32, stock: u32) -> YearFlow {
    YearFlow { year, admitted, net, stock }
}

/// The flows of 1997 to 2019.
pub const FLOWS: [YearFlow; 23] = [
    flow(1997, 1451, -364, 44393),
    flow(1998, 1601, -376, 45618),
    flow(1999, 1752, -388, 46982),
    flow(2000, 1902, -401, 48483),
    flow(2001, 1952, -413, 50022),
    flow(2002, 2052, -425, 51649),
    flow(2003, 2152, -437, 53364),
    flow(2004, 2252, -449, 55167),
    flow(2005, 2352, -461, 57058),
    flow(2006, 2402, -473, 58987),
    flow(2007, 2452, -486, 60953),
    flow(2008, 2502, -498, 62957),
    flow(2009, 2602, -510, 65049),
    flow(2010, 2703, -522, 67230),
    flow(2011, 2652, -534, 69348),
    flow(2012, 2703, -546, 71505),
    flow(2013, 2753, -558, 73700),
    flow(2014, 2803, -571, 75932),
    flow(2015, 2652, -583, 78001),
    flow(2016, 2602, -595, 80008),
    flow(2017, 2552, -607, 81953),
    flow(2018, 2502, -619, 83836),
    flow(2019, 2454, -631, 85659),
];

/// Members of the 2019 stock who were admitted in a span of years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// First year of admission.
    pub from: i32,
    /// Last year of admission.
    pub to: i32,
    /// How many of them are in the stock of 31 December 2019.
    pub members: u32,
}

/// The admission cohorts of the 2019 stock.
pub const COHORTS: [Cohort; 5] = [
    Cohort { from: 1942, to: 1944, members: 5 },
    Cohort { from: 1945, to: 1954, members: 250 },
    Cohort { from: 1955, to: 1975, members: 9_500 },
    Cohort { from: 1976, to: 1996, members: 24_500 },
    Cohort { from: 1997, to: 2019, members: RETAINED + TRANSFERRED_IN },
];

/// The stock of 2019 by year of admission.
#[must_use]
pub fn stock_by_year() -> Vec<(i32, u32)> {
    // Later years weigh more, as survival would have it; the flat start of the fourth cohort brings the shares of
    // party age 30, 40 and 50 to the published ones.
    let head_start = [0.0, 0.0, 0.0, 53.0];
    let old = COHORTS.iter().zip(head_start).flat_map(|(cohort, start)| {
        let weights: Vec<f64> =
            (1..=cohort.to - cohort.from + 1).map(|n| start + f64::from(n)).collect();
        (cohort.from..).zip(apportion(cohort.members, &weights))
    });
    old.chain(recent_stock()).collect()
}

/// 1997 to 2019: the admissions, less those who left since, plus those who came from elsewhere.
fn recent_stock() -> Vec<(i32, u32)> {
    let admitted: u32 = FLOWS.iter().map(|flow| flow.admitted).sum();
    let exposure: Vec<f64> = FLOWS
        .iter()
        .map(|flow| f64::from(flow.admitted) * (2019.5 - f64::from(flow.year)))
        .collect();
    // Nobody is transferred in during the year of admission.
    let arriving: Vec<f64> = FLOWS
        .iter()
        .map(|flow| if flow.year < 2019 { f64::from(flow.admitted) } else { 0.0 })
        .collect();
    let lost = apportion(admitted - RETAINED, &exposure);
    let gained = apportion(TRANSFERRED_IN, &arriving);
    FLOWS
        .iter()
        .zip(lost)
        .zip(gained)
        .map(|((flow, lost), gained)| (flow.year, flow.admitted - lost + gained))
        .collect()
}
