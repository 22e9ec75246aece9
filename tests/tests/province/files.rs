//! What is written: the same bytes for the same seed, and lines that can be read.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use dongbo_tests::province::{NOTICE, Province, Size};

use crate::full;

/// One number for everything in a directory: names and bytes.
fn fingerprint(dir: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut paths: Vec<_> = ["", "members"]
        .iter()
        .flat_map(|sub| std::fs::read_dir(dir.join(sub)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    for path in paths {
        path.strip_prefix(dir).unwrap().hash(&mut hasher);
        std::fs::read(path).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

fn written(seed: u64, with_events: bool) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    Province::generate(seed, Size::Tenth).write(dir.path(), with_events).unwrap();
    fingerprint(dir.path())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    assert_eq!(written(1, true), written(1, true));
    assert_ne!(written(1, true), written(2, true));
    assert_ne!(written(1, true), written(1, false));
}

#[test]
fn files_open_with_the_notice_and_hold_one_object_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let province = Province::generate(3, Size::Hundredth);
    let written = province.write(dir.path(), true).unwrap();
    assert_eq!((written.files, written.members), (8, 857));
    assert!(std::fs::read_to_string(dir.path().join("NOTICE.txt")).unwrap().contains(NOTICE));
    let (mut members, mut events) = (0, 0);
    for scope in province.scopes() {
        let text =
            std::fs::read_to_string(dir.path().join(format!("members/{}.jsonl", scope.code)))
                .unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("{\"notice\":\"DỮ LIỆU MÔ PHỎNG\"}"));
        for line in lines {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let is_member = object["kind"] == "member";
            assert!(
                object["id"].is_string()
                    && object[if is_member { "unit" } else { "member" }].is_string()
            );
            if is_member { members += 1 } else { events += 1 }
        }
    }
    assert_eq!((members, events), (written.members, written.events));
    let units = std::fs::read_to_string(dir.path().join("units.csv")).unwrap();
    assert!(units.starts_with(
        "code,name,short_name,level,type,sub_type,parent,scope,founded_on,village\n24,"
    ));
    assert_eq!(units.lines().count(), province.units.len() + 1);
    let villages = std::fs::read_to_string(dir.path().join("villages.csv")).unwrap();
    assert!(villages.starts_with("code,name,kind,commune,scope,cell,head_is_member,"));
    assert_eq!(villages.matches(",true,").count(), 15);
}

#[test]
fn records_are_as_wide_as_the_workload_wants() {
    let (mut bytes, mut fields) = (0, 0);
    for member in &full().members {
        let json = serde_json::to_value(member).unwrap();
        fields += json.as_object().unwrap().len();
        bytes += serde_json::to_vec(member).unwrap().len();
    }
    let members = full().members.len();
    println!(
        "a member: {} B of JSON, {:.1} fields",
        bytes / members,
        fields as f64 / members as f64
    );
    assert!((38..=46).contains(&(fields / members)));
    assert!(bytes / members < 1_400);
}
