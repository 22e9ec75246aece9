//! Sorts of organisation, what they are called, and how their sizes spread.
//!
//! Data for the tree: made-up names, statistics rows and one size curve. Deliberately absent: how many of each
//! there are, which is the plan's business.

use super::plan::Block;
use super::tree::PROVINCE_CODE;

/// Cell sizes against their mean, as (share of cells below, ratio): a log-normal curve with sd 13 at mean 25.
const SIZE_CURVE: [(f64, f64); 10] = [
    (0.0, 0.16),
    (0.0005, 0.22),
    (0.023, 0.34),
    (0.197, 0.58),
    (0.437, 0.82),
    (0.740, 1.22),
    (0.954, 2.02),
    (0.990, 2.70),
    (0.998, 3.40),
    (1.0, 4.00),
];

/// Blocs at the level of districts: code, full name, short name.
pub(crate) const BLOCS: [(&str, &str, &str); 4] = [
    ("KCQ", "Đảng bộ Khối các cơ quan tỉnh Bắc Giang", "Khối các cơ quan tỉnh"),
    ("KDN", "Đảng bộ Khối doanh nghiệp tỉnh Bắc Giang", "Khối doanh nghiệp tỉnh"),
    ("CAT", "Đảng bộ Công an tỉnh Bắc Giang", "Công an tỉnh"),
    ("QST", "Đảng bộ Quân sự tỉnh Bắc Giang", "Quân sự tỉnh"),
];

/// The blocks outside the districts, each with the unit it hangs from.
pub(crate) const UPPER_BLOCKS: [(Block, &str); 5] = [
    (Block::ProvinceOffices, "KCQ"),
    (Block::ProvinceEnterprises, "KDN"),
    (Block::Police, "CAT"),
    (Block::Army, "QST"),
    (Block::Direct, PROVINCE_CODE),
];

/// Sorts of organisation: statistics row, name before the number, kind of cell, name of its cells.
pub(crate) type OrgSort = (&'static str, &'static str, &'static str, &'static str);

/// Which sorts of organisation a block has, with their weights.
pub(crate) fn org_sorts(block: Block) -> &'static [(OrgSort, f64)] {
    const OFFICES: [(OrgSort, f64); 3] = [
        (("party_agency", "cơ quan đoàn thể Mẫu", "agency", "ban Mẫu"), 25.0),
        (("state_agency", "cơ quan Mẫu", "agency", "phòng Mẫu"), 45.0),
        (("public_unit", "đơn vị sự nghiệp Mẫu", "agency", "bộ phận Mẫu"), 30.0),
    ];
    const FIRMS: [(OrgSort, f64); 5] = [
        (("soe_100", "Công ty Nhà nước Mẫu", "enterprise", "xí nghiệp Mẫu"), 8.0),
        (("joint_stock", "Công ty cổ phần Mẫu", "enterprise", "phân xưởng Mẫu"), 40.0),
        (("limited", "Công ty TNHH Mẫu", "enterprise", "phân xưởng Mẫu"), 30.0),
        (("foreign_invested", "Công ty vốn nước ngoài Mẫu", "enterprise", "chuyền Mẫu"), 7.0),
        (("cooperative", "Hợp tác xã Mẫu", "enterprise", "đội Mẫu"), 15.0),
    ];
    const POLICE: [(OrgSort, f64); 1] =
        [(("police", "Công an đơn vị Mẫu", "other", "đội Mẫu"), 1.0)];
    const ARMY: [(OrgSort, f64); 1] =
        [(("army", "Quân sự đơn vị Mẫu", "other", "đại đội Mẫu"), 1.0)];
    const DIRECT: [(OrgSort, f64); 1] =
        [(("public_unit", "trường, viện tỉnh Mẫu", "agency", "khoa Mẫu"), 1.0)];
    match block {
        Block::Enterprise | Block::ProvinceEnterprises => &FIRMS,
        Block::Police => &POLICE,
        Block::Army => &ARMY,
        Block::Direct => &DIRECT,
        _ => &OFFICES,
    }
}

/// The ratio to the mean size below which a share `below` of the cells lies.
pub(crate) fn size_ratio(below: f64) -> f64 {
    let steps = SIZE_CURVE.windows(2).find(|pair| below < pair[1].0);
    let Some(&[(from, low), (to, high)]) = steps.and_then(|pair| pair.first_chunk::<2>()) else {
        return 1.0;
    };
    low + (high - low) * (below - from) / (to - from)
}
