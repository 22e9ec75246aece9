//! The code tables that generated members draw from, with the province's shares.
//!
//! Codes are the text codes of the catalogue. Shares are percentages of all members; the
//! weights per occupation are starting points for a fit, not shares. Deliberately absent: labels for people.

/// An occupation (table T4).
pub(crate) struct Occupation {
    pub(crate) code: &'static str,
    /// Percent of all members.
    pub(crate) share: f64,
    /// How many of a hundred are women before the fit to the province's share.
    pub(crate) women: f64,
    /// Weights of [`PROFESSIONAL`].
    pub(crate) professional: [f64; 7],
    /// Weights of [`THEORY`].
    pub(crate) theory: [f64; 4],
    pub(crate) contract: &'static str,
    /// Where, by [`super::plan::BLOCKS`], people of this occupation sit.
    pub(crate) blocks: [f64; 11],
}

/// Positions in [`OCCUPATIONS`] that the generator asks for by name.
pub(crate) const VILLAGE_POST: usize = 3;
pub(crate) const OWNER: usize = 5;
pub(crate) const RESIDENT_STAFF: usize = 8;
pub(crate) const RESIDENT_WORKER: usize = 9;
pub(crate) const FORCES: usize = 11;
pub(crate) const STUDENT: usize = 12;
pub(crate) const RETIRED: usize = 14;

/// Columns of the blocks: village, school, office, health, agency, enterprise, provincial offices, provincial
/// enterprises, police, army, direct.
pub(crate) const OCCUPATIONS: [Occupation; 15] = [
    Occupation {
        code: "a1",
        share: 3.4,
        women: 36.0,
        professional: [0.01, 0.02, 0.1, 0.08, 1.0, 0.25, 0.01],
        theory: [0.1, 0.4, 1.0, 0.35],
        contract: "indefinite",
        blocks: [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a2",
        share: 1.6,
        women: 38.0,
        professional: [0.01, 0.02, 0.1, 0.08, 1.0, 0.25, 0.01],
        theory: [0.1, 0.3, 1.0, 0.45],
        contract: "indefinite",
        blocks: [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a3",
        share: 3.416,
        women: 30.0,
        professional: [0.02, 0.04, 0.35, 0.15, 1.0, 0.04, 0.0],
        theory: [0.1, 0.4, 1.0, 0.05],
        contract: "indefinite",
        blocks: [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a4",
        share: 4.084,
        women: 26.0,
        professional: [0.6, 0.25, 0.35, 0.12, 0.2, 0.0, 0.0],
        theory: [0.4, 1.0, 0.2, 0.0],
        contract: "none",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a5",
        share: 14.0,
        women: 66.0,
        professional: [0.005, 0.02, 0.15, 0.3, 1.0, 0.13, 0.012],
        theory: [0.7, 0.8, 0.35, 0.06],
        contract: "indefinite",
        blocks: [0.0, 1.0, 0.0, 1.0, 0.3, 0.0, 0.3, 0.0, 0.0, 0.0, 0.6],
    },
    Occupation {
        code: "a71",
        share: 0.3,
        women: 28.0,
        professional: [0.05, 0.05, 0.2, 0.2, 1.0, 0.12, 0.01],
        theory: [0.7, 0.6, 0.3, 0.05],
        contract: "owner",
        blocks: [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a72",
        share: 2.1,
        women: 42.0,
        professional: [0.05, 0.1, 0.3, 0.3, 1.0, 0.06, 0.0],
        theory: [0.8, 0.6, 0.15, 0.02],
        contract: "fixed_12",
        blocks: [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a73",
        share: 2.5,
        women: 44.0,
        professional: [0.6, 1.0, 0.4, 0.2, 0.1, 0.0, 0.0],
        theory: [1.0, 0.4, 0.03, 0.0],
        contract: "fixed_12",
        blocks: [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    },
    // The next two work for an enterprise and attend where they live: 1.1 % of all, and alert A10's business.
    Occupation {
        code: "a72",
        share: 0.3,
        women: 42.0,
        professional: [0.05, 0.1, 0.3, 0.3, 1.0, 0.03, 0.0],
        theory: [0.9, 0.5, 0.05, 0.0],
        contract: "fixed_12",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a73",
        share: 0.8,
        women: 46.0,
        professional: [0.6, 1.0, 0.4, 0.2, 0.1, 0.0, 0.0],
        theory: [1.0, 0.4, 0.02, 0.0],
        contract: "fixed_under_12",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a8",
        share: 27.0,
        women: 31.0,
        professional: [1.0, 0.25, 0.25, 0.1, 0.06, 0.0, 0.0],
        theory: [1.0, 0.55, 0.06, 0.0],
        contract: "self",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    Occupation {
        code: "a9",
        share: 4.0,
        women: 10.0,
        professional: [0.03, 0.1, 0.4, 0.3, 1.0, 0.1, 0.002],
        theory: [0.3, 0.7, 0.6, 0.15],
        contract: "indefinite",
        blocks: [0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
    },
    Occupation {
        code: "a10",
        share: 0.6,
        women: 52.0,
        professional: [1.0, 0.02, 0.02, 0.0, 0.02, 0.0, 0.0],
        theory: [1.0, 0.3, 0.0, 0.0],
        contract: "none",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5],
    },
    Occupation {
        code: "a12",
        share: 2.9,
        women: 36.0,
        professional: [0.7, 0.6, 0.5, 0.3, 0.5, 0.01, 0.0],
        theory: [1.0, 0.4, 0.05, 0.0],
        contract: "seasonal",
        blocks: [0.02, 0.0, 0.0, 0.0, 0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.4],
    },
    Occupation {
        code: "b",
        share: 33.0,
        women: 27.0,
        professional: [0.7, 0.2, 0.45, 0.15, 0.6, 0.03, 0.004],
        theory: [0.6, 0.6, 0.35, 0.07],
        contract: "none",
        blocks: [1.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.1, 0.0, 0.0, 0.0, 0.1],
    },
];

/// Table T6; `None` is left out of the record.
pub(crate) const PROFESSIONAL: [(Option<&str>, f64); 7] = [
    (None, 30.0),
    (Some("vocational"), 9.0),
    (Some("intermediate"), 15.0),
    (Some("college"), 9.0),
    (Some("university"), 33.0),
    (Some("master"), 3.8),
    (Some("doctor"), 0.2),
];

/// Table T7.
pub(crate) const THEORY: [(&str, f64); 4] =
    [("none", 42.0), ("elementary", 37.0), ("intermediate", 17.0), ("advanced", 4.0)];

/// Table T5.
pub(crate) const GENERAL: [(&str, f64); 3] =
    [("primary", 1.5), ("lower_secondary", 12.5), ("upper_secondary", 86.0)];

/// Table T3.
pub(crate) const RELIGION: [(&str, f64); 5] =
    [("none", 98.8), ("buddhist", 0.6), ("catholic", 0.5), ("protestant", 0.05), ("other", 0.05)];

/// An ethnicity (table T2).
pub(crate) struct Ethnicity {
    pub(crate) code: &'static str,
    /// Members at full size; the Kinh are the rest.
    pub(crate) members: u32,
    /// Weights by [`REGIONS`].
    pub(crate) regions: [f64; 6],
}

const fn ethnicity(code: &'static str, members: u32, regions: [f64; 6]) -> Ethnicity {
    Ethnicity { code, members, regions }
}

/// The minorities, largest first.
pub(crate) const MINORITIES: [Ethnicity; 8] = [
    ethnicity("nung", 4_269, [6.0, 1.0, 1.0, 4.0, 2.0, 2.0]),
    ethnicity("tay", 2_287, [2.0, 5.0, 2.0, 1.5, 1.0, 2.0]),
    ethnicity("san_diu", 1_548, [3.0, 0.5, 3.0, 0.5, 0.5, 1.0]),
    ethnicity("san_chay", 1_431, [2.0, 3.0, 1.0, 2.0, 0.2, 0.5]),
    ethnicity("hoa", 1_065, [4.0, 1.0, 1.0, 0.5, 0.5, 1.0]),
    ethnicity("dao", 512, [1.0, 3.0, 1.5, 0.2, 0.1, 0.2]),
    ethnicity("muong", 14, [1.0; 6]),
    ethnicity("thai", 10, [1.0; 6]),
];

/// Regions of the table of minorities: the code of the district ("" is all the rest), the percentage of all
/// minority members who are there at full size, and the members that the region then has.
pub(crate) const REGIONS: [(&str, f64, u32); 6] = [
    ("219", 38.0, 9_200),
    ("220", 20.0, 3_616),
    ("218", 14.0, 8_848),
    ("215", 14.0, 4_914),
    ("217", 5.0, 8_234),
    ("", 9.0, 50_847),
];
