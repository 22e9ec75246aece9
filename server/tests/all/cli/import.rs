//! `import`: good lines, wrong lines, and taking it back.

use serde_json::json;

use super::{AN, Ran, Site, member};

const BINH: &str = "016f5e66-e801-79a9-8395-4d191daa9f88";
const EVENT: &str = "016f5e66-e801-79a9-8395-4d191daa9f99";

fn import(site: &Site, lines: &str, more: &[&str]) -> Ran {
    let file = site.write("lines.jsonl", lines);
    site.run(&[&["import", file.to_str().unwrap()], more].concat())
}

fn admission(member: &str) -> String {
    let line = json!({
        "kind": "admission", "id": EVENT, "member": member, "sequence": 1, "unit": "07204-C001",
        "admission_decided_on": "1995-03", "admitted_on": "1995-03-26",
    });
    format!("{line}\n")
}

#[test]
fn members_and_their_events_find_their_scope_by_code() {
    let site = Site::made();
    let lines = format!(
        "{}\n{}\n{}{}",
        json!({ "notice": "DỮ LIỆU MÔ PHỎNG" }),
        member(AN, "07201-C001").trim(),
        member(BINH, "07204-C001"),
        // A row lives with its member, wherever its unit is.
        admission(AN),
    );
    let done = import(&site, &lines, &["--grounds", "CV 12"]).json();
    assert_eq!(done["records"], json!({ "member": 2, "admission": 1 }));
    let shown = site.run(&["record", "show", AN]).json();
    assert_eq!((&shown["scope"], &shown["fields"]["sex"]), (&json!("07201"), &json!("F")));
    assert!(shown["fields"]["unit_id"].is_string());
    assert_eq!(site.run(&["record", "show", EVENT]).json()["scope"], "07201");
    let history = site.run(&["history", AN]).json();
    let first = &history["history"][0];
    assert_eq!((&first["rank"], &first["grounds"]), (&json!("import"), &json!("CV 12")));
    assert_eq!(first["job"]["id"], done["job"]);
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn a_wrong_line_is_named_and_nothing_is_kept() {
    let good = member(BINH, "07204-C001");
    let cases = [
        ("{\"kind\":\"member\"", "row 2: not a JSON object"),
        ("{\"kind\":\"person\"}", "row 2, column kind"),
        ("{\"kind\":\"member\",\"unit\":\"1\",\"full_name\":\"A\"}", "row 2, column unit"),
        (
            "{\"kind\":\"member\",\"unit\":\"24\",\"full_name\":\"A\",\"sex\":\"F\",\"birth_date\":\"1970\"}",
            "belongs to no scope",
        ),
        ("{\"kind\":\"member\",\"unit\":\"07201-C001\"}", "must not be empty"),
        (
            "{\"kind\":\"member\",\"unit\":\"07201-C001\",\"full_name\":\"A\",\"birth_date\":\"1970-02-30\"}",
            "column birth_date",
        ),
        ("{\"kind\":\"member\",\"unit\":\"07201-C001\",\"shoe_size\":42}", "column shoe_size"),
        ("{\"kind\":\"member\",\"unit\":\"07201-C001\",\"status\":\"official\"}", "computed"),
        ("{\"kind\":\"member\",\"id\":\"7\"}", "column id"),
        (good.trim(), "occurs twice"),
    ];
    for (line, named) in cases {
        let site = Site::made();
        let refused = import(&site, &format!("{good}{line}\n"), &[]);
        assert_eq!(refused.fault(3), "fault-import-none", "{line}");
        assert!(refused.err.contains(named), "{named}: {refused:?}");
        let records = &site.run(&["status"]).json()["records"];
        assert_eq!(records["member"]["live"], 0, "{line}");
    }
}

#[test]
fn a_wrong_value_is_never_repeated() {
    let site = Site::made();
    let line = json!({ "kind": "member", "unit": "07201-C001", "full_name": "A", "national_id": "SECRET-77" });
    let refused = import(&site, &line.to_string(), &[]);
    assert_eq!(refused.code, 3);
    assert!(!refused.err.contains("SECRET") && !refused.out.contains("SECRET"), "{refused:?}");
}

#[test]
fn good_lines_are_kept_where_that_was_chosen() {
    let site = Site::made();
    let long = format!("{{\"kind\":\"member\",\"full_name\":\"{}\"}}", "x".repeat(300_000));
    let lines =
        format!("{}\n{long}\nnonsense\n{}", member(AN, "07201-C001").trim(), member(BINH, "07204"));
    let kept = import(&site, &lines, &["--keep-good"]);
    assert_eq!(kept.fault(3), "fault-import-some");
    assert!(kept.err.contains("row 2: the line is too long"), "{kept:?}");
    assert_eq!(site.run(&["status"]).json()["records"]["member"]["live"], 2);
    // Doing it again finds them there, and changes nothing.
    assert_eq!(import(&site, &member(AN, "07201-C001"), &[]).fault(3), "fault-import-none");
}

#[test]
fn an_import_is_taken_back_as_one() {
    let site = Site::made();
    let lines = format!("{}{}", member(AN, "07201-C001"), member(BINH, "07204-C001"));
    let job = import(&site, &lines, &[]).json()["job"].as_str().unwrap().to_owned();
    assert_eq!(site.run(&["undo", &job]).json()["undone"], 2);
    assert_eq!(site.run(&["status"]).json()["records"]["member"]["live"], 0);
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
    let other = "016f5e66-e801-79a9-8395-000000000000";
    assert_eq!(site.run(&["undo", other]).fault(9), "fault-no-such-job");
    assert_eq!(site.run(&["undo", "7"]).fault(2), "fault-act-or-job");
}

#[test]
fn a_missing_file_is_said() {
    let site = Site::made();
    assert_eq!(site.run(&["import", "/no/such/file.jsonl"]).fault(9), "fault-file-missing");
}
