//! What an operator does at a desk: invitations, records, placements, questions.

use dongbo_proto::code::JoinCode;
use serde_json::json;

use super::{AN, Site};

#[test]
fn an_invitation_prints_only_the_code() {
    let site = Site::made();
    let said = site.say(&["invite", "--scope", "07201", "07204", "--name", "Máy An"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    said.out.trim().parse::<JoinCode>().expect("a join code");
    assert_eq!(said.out.lines().count(), 1);
    let open = &site.run(&["nodes"]).json()["invitations"][0];
    assert_eq!((&open["name"], &open["scopes"]), (&json!("Máy An"), &json!(["07201", "07204"])));
}

#[test]
fn unknown_scopes_and_nodes_are_said() {
    let site = Site::made();
    let unknown = site.run(&["invite", "--scope", "07201", "--scope", "00000"]);
    assert_eq!(unknown.fault(9), "fault-no-such-scope");
    // A leading zero is part of a code.
    assert!(unknown.err.contains("00000"), "{unknown:?}");
    assert_eq!(site.run(&["invite", "--scope", "0"]).fault(9), "fault-no-such-scope");
    assert_eq!(site.run(&["invite"]).code, 2);
    assert_eq!(site.run(&["invite", "--again", "Nobody"]).fault(9), "fault-no-such-node");
    assert_eq!(site.run(&["revoke", "0123456789abcdef"]).fault(9), "fault-no-such-node");
    assert_eq!(site.run(&["nodes"]).json()["invitations"], json!([]));
}

#[test]
fn an_edit_is_an_act_with_its_person_and_grounds() {
    let site = Site::peopled();
    let edit = ["record", "edit", AN, "--set", "phone=0912", "--set", "email=", "--person", "lan"];
    let edited = site.run(&[&edit[..], &["--grounds", "12-QĐ"]].concat()).json();
    assert_eq!(edited["fields"]["phone"], "0912");
    let history = site.run(&["history", AN]).json();
    let act = &history["history"][1];
    assert_eq!(act["act"], edited["act"]);
    assert_eq!(
        (&act["person"], &act["grounds"], &act["rank"]),
        (&json!("lan"), &json!("12-QĐ"), &json!("province"))
    );
    assert_eq!(act["ops"][0]["fields"]["phone"]["over"], "creation");
    assert_eq!(history["history"][0]["replaced_by"], json!([edited["act"]]));
    site.run(&["undo", edited["act"].as_str().unwrap()]).json();
    assert_eq!(site.run(&["record", "show", AN]).json()["fields"]["phone"], "0000111222");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn wrong_edits_change_nothing() {
    let site = Site::peopled();
    let edit = |set: &str| site.run(&["record", "edit", AN, "--set", set]);
    assert_eq!(edit("phone").fault(2), "fault-set");
    assert_eq!(edit("shoe=42").fault(3), "fault-no-such-field");
    assert_eq!(edit("birth_date=31/02/1970").fault(3), "fault-bad-value");
    assert_eq!(edit(&format!("full_name={}", "x".repeat(200))).fault(3), "fault-bad-value");
    assert_eq!(edit("status=official").fault(3), "fault-no-such-field");
    let nobody = "016f5e66-e801-79a9-8395-000000000000";
    let fault = site.run(&["record", "edit", nobody, "--set", "phone=1"]).fault(9);
    assert_eq!(fault, "fault-no-such-record");
    assert_eq!(site.run(&["history", AN]).json()["history"].as_array().unwrap().len(), 1);
}

#[test]
fn search_needs_no_tone_marks() {
    let site = Site::peopled();
    let found = site.run(&["record", "search", "nguyen thi mau"]).json();
    assert_eq!(found["records"][0]["id"], AN);
    assert_eq!(site.run(&["record", "search", "tran"]).json()["records"], json!([]));
    let listed = |scope: &str| site.run(&["record", "list", "--scope", scope]).json();
    assert_eq!(listed("07201")["records"].as_array().unwrap().len(), 1);
    assert_eq!(listed("07204")["records"], json!([]));
    assert_eq!(site.run(&["record", "list", "--kind", "ship"]).fault(9), "fault-no-such-kind");
}

#[test]
fn a_record_is_placed_shown_and_moved() {
    let site = Site::peopled();
    let revision = |code: &str| {
        let digest = site.run(&["digest"]).json();
        let scopes = digest["scopes"].as_array().unwrap().clone();
        scopes.into_iter().find(|s| s["code"] == code).unwrap()["revision"].as_u64().unwrap()
    };
    let before = revision("07204");
    site.run(&["place", AN, "--guest", "07204", "--as", "transfer"]).json();
    assert_eq!(revision("07204"), before + 1);
    site.run(&["place", AN, "--home", "07204"]).json();
    assert_eq!(site.run(&["record", "show", AN]).json()["scope"], "07204");
    assert_eq!(site.run(&["place", AN, "--home", "0"]).fault(9), "fault-no-such-scope");
    assert_eq!(site.run(&["place", AN]).code, 2);
    let unit = site.run(&["record", "list", "--kind", "unit", "--limit", "1"]).json();
    let unit = unit["records"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.run(&["place", &unit, "--home", "07201"]).fault(5), "fault-place-reference");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn placements_are_not_undone_but_placed_again() {
    let site = Site::peopled();
    let placed = site.run(&["place", AN, "--home", "07204"]).json();
    let fault = site.run(&["undo", placed["act"].as_str().unwrap()]).fault(5);
    assert_eq!(fault, "fault-undo-no-writes");
}

#[test]
fn questions_in_sql_only_read() {
    let site = Site::peopled();
    let rows = site.run(&["sql", "SELECT full_name, id FROM member"]).json();
    assert_eq!(rows["rows"], json!([{ "full_name": "Nguyễn Thị Mẫu", "id": AN }]));
    for statement in ["DELETE FROM member", "CREATE TABLE t (a)", "PRAGMA user_version = 9"] {
        assert_ne!(site.run(&["sql", statement]).code, 0, "{statement}");
    }
    let elsewhere = site.path("other.db");
    let attach = format!("ATTACH '{}' AS other", elsewhere.display());
    assert_ne!(site.run(&["sql", &attach]).code, 0);
    assert!(!elsewhere.exists());
    assert_eq!(site.run(&["sql", "SELEC"]).fault(3), "fault-sql");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn nothing_held_and_nothing_disputed_is_said() {
    let site = Site::peopled();
    assert_eq!(site.run(&["held", "list"]).json(), json!({ "held": [] }));
    assert_eq!(site.run(&["conflicts"]).json(), json!({ "conflicts": [], "twins": [] }));
    let approve = site.run(&["held", "approve", "0123456789abcdef:7"]);
    assert_eq!(approve.fault(9), "fault-no-such-held");
    let status = site.run(&["status"]).json();
    assert_eq!((&status["held"], &status["conflicts"]), (&json!(0), &json!(0)));
    assert_eq!((&status["serving"], &status["backup_ms"]), (&json!(false), &json!(null)));
}

#[test]
fn a_clock_in_1999_or_2035_loses_nothing() {
    let site = Site::peopled();
    for (offset, phone) in [("-860000000", "1999"), ("300000000", "2035"), ("0", "2026")] {
        let mut command = site.command(&site.data());
        command.env("DONGBO_CLOCK_OFFSET_S", offset);
        command.args(["record", "edit", AN, "--set", &format!("phone={phone}"), "--json"]);
        let ran: super::Ran = command.output().unwrap().into();
        assert_eq!(ran.json()["fields"]["phone"], phone);
    }
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}
