//! The fuzz targets on a stable compiler: the committed corpus, and seeded mutations of it for a while.
//!
//! `DONGBO_FUZZ_S` says for how many seconds a target is mutated (2 where it is absent), `DONGBO_FUZZ_SEED` with which
//! seed. An input that fails is printed in hexadecimal: it belongs into `tests/fuzz/corpus/<target>`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dongbo_tests::fuzz::{Mutator, TARGETS, Target};

const SECONDS: u64 = 2;
const SEED: u64 = 20_261_123;

fn number(name: &str, absent: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(absent)
}

/// Every input of a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&root).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).expect("is read")).collect()
}

fn play(name: &str, target: Target, input: &[u8], from: &str) {
    let played = catch_unwind(AssertUnwindSafe(|| target(input)));
    let shown = || input.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert!(played.is_ok(), "{name} does not take this input ({from}): {}", shown());
}

/// Fault 30: every input that once broke a parser is taken without harm. [I14]
#[test]
fn every_target_takes_its_corpus() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has a corpus");
        corpus.iter().for_each(|input| play(name, target, input, "corpus"));
    }
}

/// Fault 30: mutations of real input are refused without a panic. [I14]
#[test]
fn every_target_takes_mutations_of_its_corpus() {
    let (seconds, seed) = (number("DONGBO_FUZZ_S", SECONDS), number("DONGBO_FUZZ_SEED", SEED));
    for (name, target) in TARGETS {
        let mut mutator = Mutator::new(corpus(name), seed);
        let (began, mut executions) = (Instant::now(), 0_u64);
        while began.elapsed() < Duration::from_secs(seconds) {
            play(name, target, &mutator.input(), &format!("seed {seed}, execution {executions}"));
            executions += 1;
        }
        println!("{name}: {executions} executions in {seconds} s, seed {seed}");
    }
}
