//! Every sentence is in both languages, and every key that the program uses has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dongbo_node::cli::{WORDS_EN, WORDS_VI};
use dongbo_proto::words::{SHARED_VI, Words};

fn keys(source: &str) -> BTreeSet<String> {
    Words::keys(source).into_iter().collect()
}

/// All texts in double quotes that look like a key, in the sources of the command line and office.
fn used(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.extend(
                code.split('"')
                    .skip(1)
                    .step_by(2)
                    .filter(|t| looks_like_a_key(t))
                    .map(str::to_owned),
            );
        }
    }
}

/// Keys begin with the name of what they speak of.
const FIRST_WORDS: [&str; 22] = [
    "ask",
    "bundle",
    "code",
    "col",
    "conflicts",
    "db",
    "dir",
    "disk",
    "edit",
    "err",
    "export",
    "fate",
    "file",
    "history",
    "import",
    "inbox",
    "join",
    "key",
    "link",
    "row",
    "status",
    "sync",
];

fn looks_like_a_key(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    plain
        && text
            .split_once('-')
            .is_some_and(|(first, rest)| FIRST_WORDS.contains(&first) && !rest.is_empty())
}

#[test]
fn both_languages_have_the_same_keys_in_the_same_order() {
    assert_eq!(Words::keys(WORDS_VI), Words::keys(WORDS_EN));
}

#[test]
fn every_line_is_a_sentence_or_a_remark() {
    for (name, source) in [("vi", WORDS_VI), ("en", WORDS_EN)] {
        assert_eq!(keys(source).len(), Words::keys(source).len(), "{name}: a key is there twice");
        for line in source.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            assert_eq!(Words::keys(line).len(), 1, "{name}: {line}");
        }
    }
}

#[test]
fn every_key_that_is_used_has_a_sentence() {
    let known: BTreeSet<_> = keys(WORDS_VI).union(&keys(SHARED_VI)).cloned().collect();
    let mut found = BTreeSet::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    ["cli", "office", "exchange"].iter().for_each(|dir| used(&src.join(dir), &mut found));
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(
        missing.is_empty() && found.len() > 100,
        "no sentence for {missing:?} ({} found)",
        found.len()
    );
}

#[test]
fn every_finding_of_verify_has_a_sentence() {
    let source = include_str!("../../src/replica/verify.rs");
    let codes: BTreeSet<_> =
        source.split("Finding::new(\"").skip(1).filter_map(|t| t.split('"').next()).collect();
    assert!(codes.len() > 8);
    for code in codes {
        assert!(keys(WORDS_VI).contains(&format!("found-{code}")), "no sentence for {code}");
    }
}

#[test]
fn sentences_name_the_same_things_in_both_languages() {
    let names = |source: &str, key: &str| -> BTreeSet<String> {
        let start = format!("{key} = ");
        let line = source.lines().find(|l| l.starts_with(&start)).unwrap_or_default();
        line.split("{ $").skip(1).filter_map(|t| t.split(" }").next()).map(str::to_owned).collect()
    };
    for key in Words::keys(WORDS_VI) {
        assert_eq!(names(WORDS_VI, &key), names(WORDS_EN, &key), "{key}");
    }
}
