//! The sentences: both languages have all keys, every key that is used exists, none is left over.

use std::collections::BTreeSet;
use std::path::Path;

use dongbo_proto::words::{Lang, SHARED_VI, Words};
use dongbo_server::cli::context::{EN, VI, words};

/// What keys begin with. Other texts with a dash in the sources are none.
const PREFIXES: [&str; 32] = [
    "backup-",
    "bundle-",
    "conflicts-",
    "digest-",
    "edit-",
    "fate-",
    "fault-",
    "finding-",
    "fleet-",
    "head-",
    "heard-",
    "held-",
    "history-",
    "import-",
    "init-",
    "invalid-",
    "nodes-",
    "place-",
    "progress-",
    "reason-",
    "record-",
    "records-",
    "rehearse-",
    "restore-",
    "revoke-",
    "standing-",
    "status-",
    "stop-",
    "undo-",
    "verify-",
    "why-",
    "flag-",
];
/// The texts between quotes that look like keys. No line of the sources has a quote inside one.
fn used(dir: &Path, keys: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used(&path, keys);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let texts = source.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_key = |text: &&str| {
            PREFIXES.iter().any(|p| text.starts_with(p))
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !text.ends_with('-')
        };
        keys.extend(texts.filter(is_key).map(str::to_owned));
    }
}

#[test]
fn both_languages_have_the_same_keys_in_the_same_order() {
    assert_eq!(Words::keys(VI), Words::keys(EN));
}

#[test]
fn every_key_that_is_used_exists_and_every_key_is_used() {
    let mut keys = BTreeSet::new();
    used(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli")), &mut keys);
    let own: BTreeSet<String> = Words::keys(VI).into_iter().collect();
    let shared: BTreeSet<String> = Words::keys(SHARED_VI).into_iter().collect();
    let lacking: Vec<_> =
        keys.iter().filter(|k| !own.contains(*k) && !shared.contains(*k)).collect();
    assert!(lacking.is_empty(), "no sentence for {lacking:?}");
    let left: Vec<_> =
        own.iter().filter(|k| !keys.contains(*k) && !k.starts_with("finding-")).collect();
    assert!(left.is_empty(), "nobody says {left:?}");
}

#[test]
fn every_finding_has_a_sentence() {
    let verify = include_str!("../../../src/registry/verify.rs");
    let calls = ["say(\"", "finding(\""].into_iter().flat_map(|call| verify.split(call).skip(1));
    let codes: BTreeSet<&str> = calls.filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() > 10, "{codes:?}");
    let own = Words::keys(VI);
    let lacking: Vec<_> =
        codes.iter().filter(|code| !own.contains(&format!("finding-{code}"))).collect();
    assert!(lacking.is_empty(), "no sentence for {lacking:?}");
}

#[test]
fn every_sentence_is_read_and_numbers_stay_as_they_are() {
    for lang in [Lang::Vi, Lang::En] {
        let words = words(lang);
        for key in Words::keys(VI) {
            let said = words.get(&key);
            assert!(said != key && !said.is_empty(), "{key}");
        }
        let said = words.with("fault-no-such-scope", &[("code", &"07201")]);
        assert!(said.contains("07201"), "{said}");
    }
}
