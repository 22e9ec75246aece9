//! Files in and out, and every bad input of the contract: a sentence, an exit code, nothing lost.

use crate::cli_support::{CELL, FOREIGN_CELL, NOBODY, Office, id, shown};
use serde_json::{Value as Json, json};

fn member(n: u32, more: Json) -> String {
    let mut row = json!({
        "kind": "member", "id": id(1_000 + n), "unit": CELL, "full_name": format!("Người Thứ {n}"),
        "sex": "F", "birth_date": "1971-02", "phone": format!("000{n}"),
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{row}\n")
}

fn rows(n: u32) -> String {
    let notice = "{\"notice\":\"DỮ LIỆU MÔ PHỎNG\"}\n".to_owned();
    notice + &(0..n).map(|n| member(n, json!({}))).collect::<String>()
}

#[test]
fn a_file_becomes_one_job_that_is_undone_as_one() {
    let office = Office::new();
    let event = json!({ "kind": "admission", "member": id(1_000), "sequence": 1, "unit": CELL, "admitted_on": "1999" });
    let file = office.write("in.jsonl", &(rows(1_200) + &event.to_string()));
    let done = office.json(&["import", &file, "--job-name", "đợt 1"]);
    assert_eq!(
        (&done["rows"], &done["added"], &done["rows_bad"]),
        (&json!(1_201), &json!(1_201), &json!(0))
    );
    let count = || office.json(&["sql", "SELECT count(*) AS n FROM member"])[0]["n"].clone();
    assert_eq!(count(), json!(1_200));
    let acts = office.replica().pending(100).unwrap();
    assert!(acts.iter().all(|own| own.act.ops.len() <= 1_000 && own.act.job.is_some()));
    let again = office.json(&["import", &file]);
    // The event had no id, so it is entered again: only an id says that two rows are one.
    assert_eq!((&again["unchanged"], &again["added"]), (&json!(1_200), &json!(1)));
    office.json(&["undo", done["job"].as_str().unwrap()]);
    assert_eq!(office.json(&["member", "list"]), json!([]));
    office.run(&["undo", done["job"].as_str().unwrap()]).refused(9);
}

/// Fault 46: a file with wrong rows is named by row before anything is kept. [I2]
#[test]
fn bad_rows_are_named_by_row_and_column_and_never_by_value() {
    let office = Office::new();
    let text = member(1, json!({}))
        + &member(2, json!({ "birth_date": "1970-02-30" }))
        + "{\"kind\": \"member\", broken\n"
        + &member(4, json!({ "full_name": "Bí Mật ".repeat(40) }))
        + &member(5, json!({ "unit": FOREIGN_CELL }))
        + &member(6, json!({ "unit": "KHONG-CO" }))
        + &member(7, json!({ "fullname": "Bí Mật" }))
        + &member(1, json!({}));
    let file = office.write("bad.jsonl", &text);
    let none = office.run(&["import", &file]);
    none.refused(3);
    assert!(
        none.err.contains("Row 2, column birth_date") && !none.err.contains("Bí Mật"),
        "{}",
        none.err
    );
    assert_eq!(office.json(&["member", "list"]), json!([]));

    let good = office.run(&["import", &file, "--good-rows", "--json"]);
    assert_eq!(good.code, 3);
    let said: Json = serde_json::from_str(&good.out).unwrap();
    let faults: Vec<_> = said["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["row"].as_u64().unwrap(), f["column"].as_str(), f["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(
        faults,
        [
            (2, Some("birth_date"), "invalid-not-a-date"),
            (3, None, "row-not-an-object"),
            (4, Some("full_name"), "invalid-too-long"),
            (5, Some("unit"), "row-foreign-scope"),
            (6, Some("unit"), "row-unknown-code"),
            (7, Some("fullname"), "row-unknown-field-near"),
            (8, Some("id"), "row-repeated-id"),
        ]
    );
    let report = std::fs::read_to_string(said["report"].as_str().unwrap()).unwrap();
    assert_eq!(report.lines().count(), 7);
    assert!(!report.contains("Bí Mật") && !good.out.contains("Bí Mật"));
    assert_eq!(office.json(&["member", "list"]).as_array().unwrap().len(), 1);
}

/// Counterexample 2: a file names the versions that it showed.
#[test]
fn an_exported_file_comes_back_and_says_only_what_was_changed() {
    let office = Office::new();
    let file = office.write("in.jsonl", &rows(3));
    office.json(&["import", &file]);
    let out = office.path("out.jsonl");
    let written = office.json(&["export", "--out", shown(&out)]);
    assert_eq!(written["records"], json!(3));
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("\"_version\"") && text.contains(CELL));
    // Somebody changes a telephone here while the file is being edited elsewhere.
    office.json(&["member", "edit", &id(1_001), "--set", "phone=777"]);
    let edited = text.replace("\"phone\":\"0002\"", "\"phone\":\"0009\"");
    let file = office.write("back.jsonl", &edited);
    let back = office.json(&["import", &file]);
    assert_eq!((&back["changed"], &back["unchanged"]), (&json!(1), &json!(2)));
    let phone = |n: u32| office.json(&["member", "show", &id(n)])["fields"]["phone"].clone();
    assert_eq!((&phone(1_001)["value"], &phone(1_002)["value"]), (&json!("777"), &json!("0009")));
    assert_eq!(phone(1_002)["conflict"], json!([]));
}

/// Fault 46: a file without versions overwrites nothing. [I2]
/// Story 10: a list that was read in does not beat what a person wrote.
#[test]
fn a_file_without_versions_overwrites_nothing_newer() {
    let office = Office::new();
    let file = office.write("in.jsonl", &rows(1));
    office.json(&["import", &file]);
    office.json(&["member", "edit", &id(1_000), "--set", "phone=777"]);
    let back = office.json(&["import", &file]);
    assert_eq!(back["changed"], json!(1));
    let phone = office.json(&["member", "show", &id(1_000)])["fields"]["phone"].clone();
    assert_eq!((&phone["value"], phone["conflict"].as_array().unwrap().len()), (&json!("777"), 2));
}

#[test]
fn exports_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let office = Office::new();
    let out = office.path("out.jsonl");
    office.json(&["export", "--out", shown(&out)]);
    assert_eq!(std::fs::metadata(out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn input_that_cannot_be_is_refused_by_field() {
    let office = Office::new();
    let member = office.add("A B", &[]);
    let edit = |set: &str| office.run(&["member", "edit", &member, "--set", set]);
    assert!(edit("birth_date=1970-02-30").refused(3).err.contains("birth_date"));
    let long = format!("phone={}", "0".repeat(500));
    assert!(!edit(&long).refused(3).err.contains("0000000000"));
    assert!(edit("phon=1").refused(2).err.contains("phone"));
    edit("phone").refused(2);
    edit("status=x").refused(3);
    edit("unit_id=KHONG-CO").refused(9);
    office.run(&["member", "edit", &id(77), "--set", "phone=1"]).refused(9);
    office.run(&["member", "show", "xyz"]).refused(2);
    office.run(&["record", "list", "--kind", "membr"]).refused(2);
    let unheld =
        ["member", "add", "--set", "full_name=A", "--set", "sex=M", "--set", "birth_date=1970"];
    office.run(&[&unheld[..], &["--unit", FOREIGN_CELL]].concat()).refused(9);
    office.run(&[&unheld[..], &["--scope", "ZZ"]].concat()).refused(9);
    let lacking = office.run(&["member", "add", "--set", "full_name=A"]);
    assert!(lacking.refused(3).err.contains("sex, birth_date"), "{}", lacking.err);
    office.run(&["record", "edit", "--kind", "unit", &id(1), "--set", "code=X"]).refused(3);
    assert_eq!(office.json(&["status"])["equation"]["entered"], json!(1));
}

#[test]
fn no_link_keeps_everything_and_says_so() {
    let office = Office::new();
    office.add("A B", &[]);
    let said = office.run(&["sync"]);
    assert!(said.refused(4).err.contains("cannot be reached"), "{}", said.err);
    let status = office.json(&["status"]);
    assert_eq!(status["equation"]["unsent"], json!(1));
    let json = office.run(&["sync", "--json"]);
    let error: Json = serde_json::from_str(json.err.trim()).unwrap();
    assert_eq!((&error["error"], &error["exit"]), (&json!("link-unreachable"), &json!(4)));
    assert_eq!(error["state"], json!("unreachable"));
}

#[test]
fn join_refuses_bad_codes_and_used_directories_and_leaves_nothing_behind() {
    let office = Office::new();
    let code =
        dongbo_proto::code::JoinCode::new([7; 16], dongbo_proto::code::CaPin::of_certificate(b"x"));
    let code = code.to_string();
    office.run(&["join", "--server", NOBODY, "--code", &code]).refused(2);
    let fresh = office.path("new");
    let join = |code: &str| {
        office.run(&["join", "--data", shown(&fresh), "--server", NOBODY, "--code", code])
    };
    join("DB1-12345").refused(2);
    join(&code.replace('0', "1").replace('2', "3")).refused(2);
    assert!(!fresh.exists());
    join(&code).refused(4);
    assert!(!fresh.exists());
    office.run(&["status", "--data", shown(&fresh)]).refused(9);
}

#[test]
fn files_that_do_not_open_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let office = Office::new();
    let key = office.path("key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(office.run(&["status"]).refused(6).err.contains("chmod 600"));
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();

    let other = Office::new();
    let foreign = std::fs::read(other.path("identity")).unwrap();
    let own = std::fs::read(office.path("identity")).unwrap();
    std::fs::write(office.path("identity"), &foreign[..foreign.len() - 1]).unwrap();
    office.run(&["status"]).refused(6);
    std::fs::write(office.path("identity"), own).unwrap();

    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, text.replacen("key ", "kex ", 1)).unwrap();
    office.run(&["status"]).refused(6);
    std::fs::write(&key, text).unwrap();
    office.json(&["status"]);

    std::fs::rename(office.path("replica.db"), office.path("away.db")).unwrap();
    office.run(&["status"]).refused(6);
    std::fs::write(office.path("replica.db"), b"not a database at all, and long enough to look at")
        .unwrap();
    office.run(&["status"]).refused(6);
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let office = Office::new();
    let schema = dongbo_node::replica::SCHEMA;
    let db = dongbo_sqlite::open(
        &office.path("replica.db"),
        &crate::replica_support::key(),
        &schema,
        dongbo_sqlite::Knobs::NODE,
        dongbo_sqlite::Access::ReadWrite,
    )
    .unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    assert!(office.run(&["status"]).refused(6).err.contains("99"));
}

#[test]
fn a_directory_in_use_is_said_to_be_by_whom() {
    let office = Office::new();
    let lock =
        dongbo_sqlite::DirLock::acquire(office.dir.path(), "a test", std::time::Duration::ZERO)
            .unwrap();
    let said = office.run(&["status"]);
    let pid = std::process::id().to_string();
    assert!(said.refused(7).err.contains(&pid) && said.err.contains("a test"), "{}", said.err);
    drop(lock);
    office.json(&["status"]);
}

#[test]
fn a_missing_file_is_no_disaster() {
    let office = Office::new();
    office.run(&["import", "/khong/co"]).refused(9);
    office.run(&["export", "--out", "/khong/co/out.jsonl"]).refused(9);
}
