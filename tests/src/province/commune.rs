//! The 209 communes of 2020, from the fixture: the only real names in the province.
//!
//! Deliberately absent: what changed before and after; a reorganisation is a story of its own.

use super::plan::DISTRICTS;

/// One of the real communes.
pub(crate) struct Commune {
    pub(crate) code: String,
    /// With its kind, as it stands inside a sentence: `xã Đồng Tiến`.
    pub(crate) name: String,
    pub(crate) district: usize,
}

/// The 209 communes of 2020, district by district in the order of [`DISTRICTS`].
pub(crate) fn communes() -> Vec<Commune> {
    let text = include_str!("../../fixtures/communes_2020.csv");
    let mut all: Vec<Commune> = text.lines().skip(1).filter_map(commune).collect();
    all.sort_by(|a, b| (a.district, &a.code).cmp(&(b.district, &b.code)));
    all
}

fn commune(line: &str) -> Option<Commune> {
    let mut columns = line.trim_end().split(',');
    let (code, name, district_code) = (columns.next()?, columns.next()?, columns.next()?);
    let district = DISTRICTS.iter().position(|district| district.code == district_code)?;
    let kind_end = name.find(' ')?;
    Some(Commune {
        code: code.to_owned(),
        name: name[..kind_end].to_lowercase() + &name[kind_end..],
        district,
    })
}
