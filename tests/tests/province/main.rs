//! The generated province against the published tables: every sum exactly, every share closely, and the same bytes
//! for the same seed.

mod catalogue;
mod duties;
mod files;
mod people;
mod tables;
mod tree;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Instant;

use dongbo_tests::province::{Member, Province, Size, Unit};

/// The seed of the specification's own simulation.
const SEED: u64 = 20_191_231;

fn full() -> &'static Province {
    static FULL: OnceLock<Province> = OnceLock::new();
    FULL.get_or_init(|| {
        let started = Instant::now();
        let province = Province::generate(SEED, Size::Full);
        println!("seed {SEED}: {} members in {:?}", province.members.len(), started.elapsed());
        province
    })
}

fn units() -> BTreeMap<&'static str, &'static Unit> {
    full().units.iter().map(|unit| (unit.code.as_str(), unit)).collect()
}

/// Members for whom `is` holds, in percent.
fn percent(is: impl Fn(&Member) -> bool) -> f64 {
    let members = &full().members;
    100.0 * members.iter().filter(|member| is(member)).count() as f64 / members.len() as f64
}

#[track_caller]
fn assert_near(what: &str, found: f64, wanted: f64, within: f64) {
    assert!((found - wanted).abs() <= within, "{what}: {found:.2}, wanted {wanted} ± {within}");
}
