//! The commands of an office as a clerk types them and a script reads them: the real binary on a
//! real data directory.

use crate::cli_support::{CELL, Office, id};
use crate::replica_support::{Province, meet};
use serde_json::json;

#[test]
fn a_member_is_entered_found_and_shown() {
    let office = Office::new();
    let member = office.add("Nguyễn Văn Đức", &["phone=0000111", &format!("unit_id={CELL}")]);
    let found = office.json(&["member", "search", "nguyen", "duc"]);
    assert_eq!((&found[0]["id"], &found[0]["fields"]["unit_id"]), (&json!(member), &json!(id(1))));
    let shown = office.json(&["member", "show", &member]);
    assert_eq!(
        (&shown["kind"], &shown["home"], &shown["void"]),
        (&json!("member"), &json!("C7"), &json!(false))
    );
    let phone = &shown["fields"]["phone"];
    assert_eq!((&phone["value"], &phone["pending"]), (&json!("0000111"), &json!(true)));
    assert_eq!(phone["act"], json!("0000000000000005:1"));
    assert_eq!((&phone["conflict"], &phone["rank"]), (&json!([]), &json!("home")));
    let flags: Vec<_> =
        shown["flags"].as_array().unwrap().iter().map(|f| f["code"].clone()).collect();
    assert!(flags.is_empty(), "{flags:?}");
}

#[test]
fn lists_are_filtered_limited_and_paged() {
    let office = Office::new();
    for n in 0..5 {
        office.add(&format!("Người {n}"), &[&format!("phone=000{}", n % 2)]);
    }
    let count = |args: &[&str]| {
        office.json(&[&["member", "list"], args].concat()).as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 5);
    assert_eq!(count(&["--where", "phone=0001"]), 2);
    assert_eq!(count(&["--where", "phone=0000", "--limit", "2"]), 2);
    assert_eq!(count(&["--offset", "4"]), 1);
    assert_eq!(count(&["--where", "email="]), 5);
    assert_eq!(count(&["--scope", "C7"]), 5);
    let table = office.run(&["member", "list", "--columns", "full_name,phone"]);
    assert!(table.out.contains("Người 3") && table.out.contains("5 records"), "{}", table.out);
}

#[test]
fn an_edit_names_heads_and_a_locked_field_is_asked_for() {
    let mut office = Office::new();
    let member = office.add("Lê Thị Hoa", &["phone=1"]);
    let edited =
        office.json(&["member", "edit", &member, "--set", "phone=2", "--set", "full_name=Lê Hoa"]);
    assert_eq!(edited["acts"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&edited["changed"], &edited["requested"]),
        (&json!(["phone"]), &json!(["full_name"]))
    );
    assert_eq!(edited["change"], json!("0000000000000005:2"));
    assert_eq!(edited["request"], json!("0000000000000005:3"));
    let again = office.json(&["member", "edit", &member, "--set", "phone=2"]);
    assert_eq!((&again["acts"], &again["unchanged"]), (&json!([]), &json!(["phone"])));
    let shown = office.json(&["member", "show", &member]);
    assert_eq!(shown["fields"]["full_name"]["value"], json!("Lê Thị Hoa"));

    office.exchange();
    let status = office.json(&["status"]);
    let equation = json!({ "entered": 3, "merged": 2, "held": 1, "refused": 0, "unsent": 0, "balances": true });
    assert_eq!(status["equation"], equation);
    let inbox = office.json(&["inbox"]);
    assert_eq!(inbox["waiting"][0]["reason"], json!("reason-needs-approval"));
    let said = office.run(&["status"]);
    assert!(said.out.contains("3 acts = at the province 2 + held for review 1"), "{}", said.out);
}

#[test]
fn clearing_a_field_leaves_it_out_of_lists() {
    let office = Office::new();
    let member = office.add("A B", &["phone=1", "email=a@b.vn"]);
    office.json(&["member", "edit", &member, "--clear", "phone"]);
    let fields = office.json(&["member", "list"])[0]["fields"].clone();
    assert!(fields.get("phone").is_none() && fields["email"] == json!("a@b.vn"));
}

/// Two offices of one scope that wrote the same field without knowing of each other.
fn in_conflict() -> (Office, Office, String) {
    let mut first = Office::new();
    let member = first.add("Trần Văn Hai", &["phone=1"]);
    first.exchange();
    let mut second = Office::joined(std::mem::replace(&mut first.province, Province::new(&[])), 6);
    second.exchange();
    first.json(&["member", "edit", &member, "--set", "phone=2"]);
    second.json(&["member", "edit", &member, "--set", "phone=3"]);
    meet(&mut second.province, &mut first.replica());
    second.exchange();
    meet(&mut second.province, &mut first.replica());
    (first, second, member)
}

#[test]
fn a_conflict_is_listed_on_both_and_settled_on_both() {
    let (first, mut second, member) = in_conflict();
    let lists = [&first, &second].map(|office| office.json(&["conflicts", "list"]));
    assert_eq!(lists[0], lists[1]);
    let conflict = &lists[0][0];
    assert_eq!((&conflict["record"], &conflict["field"]), (&json!(member), &json!("phone")));
    let heads = conflict["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 2);
    assert_eq!(first.json(&["status"])["conflicts"], json!(1));

    first.run(&["member", "edit", &member, "--set", "phone=9"]).refused(8);
    let losing = heads.iter().find(|h| h["shown"] == json!(false)).unwrap();
    let take = losing["act"].as_str().unwrap();
    let settled = first.json(&["conflicts", "settle", &member, "--take", take]);
    assert_eq!(settled["changed"], json!(["phone"]));
    meet(&mut second.province, &mut first.replica());
    second.exchange();
    for office in [&first, &second] {
        assert_eq!(office.json(&["conflicts", "list"]), json!([]));
        let value = &office.json(&["member", "show", &member])["fields"]["phone"]["value"];
        assert_eq!(*value, losing["value"]);
    }
    let digests = [&first, &second].map(|office| office.json(&["digest"]));
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn settle_takes_a_new_value_or_the_shown_one() {
    let (first, second, member) = in_conflict();
    first.json(&["member", "edit", &member, "--set", "phone=9", "--settle"]);
    assert_eq!(first.json(&["conflicts", "list"]), json!([]));
    let shown = second.json(&["conflicts", "show", &member])[0]["value"].clone();
    second.json(&["conflicts", "settle", &member, "--shown"]);
    assert_eq!(second.json(&["member", "show", &member])["fields"]["phone"]["value"], shown);
    second.run(&["conflicts", "settle", &member, "--shown"]).refused(9);
}

#[test]
fn undo_brings_back_what_was_there_once() {
    let office = Office::new();
    let member = office.add("A B", &["phone=1"]);
    office.json(&["member", "edit", &member, "--set", "phone=2"]);
    let undone = office.json(&["undo", "--last"]);
    assert_eq!(undone["retracted"], json!(["0000000000000005:2"]));
    let phone = || office.json(&["member", "show", &member])["fields"]["phone"]["value"].clone();
    assert_eq!(phone(), json!("1"));
    office.run(&["undo", "0000000000000005:2"]).refused(9);
    office.run(&["undo", "00000000000000ff:2"]).refused(9);
    office.run(&["undo", "hôm qua"]).refused(2);
    // The next last one is the creation: the record is gone from lists.
    office.json(&["undo", "--last"]);
    assert_eq!(office.json(&["member", "list"]), json!([]));
}

/// Counterexample 33: history that is not here is said not to be here.
#[test]
fn history_without_a_link_is_this_machines_own_and_says_so() {
    let office = Office::new();
    let member = office.add("A B", &["phone=1"]);
    office.json(&["member", "edit", &member, "--set", "phone=2", "--person", "hoa"]);
    let history = office.json(&["member", "history", &member, "--here"]);
    assert_eq!(
        (&history["complete"], history["acts"].as_array().unwrap().len()),
        (&json!(false), 2)
    );
    let last = &history["acts"][1];
    assert_eq!((&last["person"], &last["fields"]["phone"]["value"]), (&json!("hoa"), &json!("2")));
    let asked = office.run(&["member", "history", &member]);
    assert!(asked.code == 0 && asked.err.contains("cannot be reached"), "{}", asked.err);
}

#[test]
fn a_clock_in_2035_or_1999_stops_nothing() {
    let office = Office::new();
    let far = ["--clock-offset", "300000000"];
    let member = office.json(
        &[
            &[
                "member",
                "add",
                "--set",
                "full_name=A",
                "--set",
                "sex=F",
                "--set",
                "birth_date=1990",
            ],
            &far[..],
        ]
        .concat(),
    );
    let member = member["id"].as_str().unwrap();
    office.json(&["member", "edit", member, "--set", "phone=1", "--clock-offset", "-800000000"]);
    assert_eq!(office.json(&["member", "show", member])["fields"]["phone"]["value"], json!("1"));
    assert_eq!(office.json(&["verify"])["sound"], json!(true));
}

#[test]
fn verify_is_quiet_on_a_sound_directory_and_speaks_of_a_changed_byte() {
    let office = Office::new();
    office.add("A B", &[]);
    assert_eq!(office.json(&["verify"]), json!({ "sound": true, "findings": [] }));
    let path = office.path("replica.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2 + 100;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let said = office.run(&["verify"]);
    assert!(matches!(said.code, 6 | 10), "{} {}", said.out, said.err);
}

#[test]
fn sql_reads_and_nothing_else() {
    let office = Office::new();
    office.add("A B", &["phone=1"]);
    let rows = office.json(&["sql", "SELECT full_name, phone FROM member"]);
    assert_eq!(rows, json!([{ "full_name": "A B", "phone": "1" }]));
    for statement in [
        "DELETE FROM member",
        "PRAGMA user_version = 9",
        "ATTACH 'x' AS x",
        "WITH a AS (SELECT 1) DELETE FROM member",
    ] {
        office.run(&["sql", statement]).refused(2);
    }
    office.run(&["sql", "SELECT nope FROM member"]).refused(2);
    assert_eq!(office.json(&["member", "list"]).as_array().unwrap().len(), 1);
}

/// Counterexample 39: status says which protection is in force.
#[test]
fn a_passphrase_is_set_used_and_removed() {
    let office = Office::new();
    let file = office.write("pass", "một câu dài khó đoán\n");
    let set = office.json(&["passphrase", "set", "--new-passphrase-file", &file]);
    assert_eq!(set["protection"], json!("passphrase"));
    office.run(&["status"]).refused(6);
    let wrong = office.write("wrong", "một câu dài khác hẳn\n");
    let refused = office.run(&["status", "--passphrase-file", &wrong]);
    assert!(refused.refused(6).err.contains("Wrong passphrase"), "{}", refused.err);
    let status = office.json(&["status", "--passphrase-file", &file]);
    assert_eq!(status["protection"], json!("passphrase"));
    office.json(&["passphrase", "remove", "--passphrase-file", &file]);
    assert_eq!(office.json(&["status"])["protection"], json!("key_file"));
    let short = office.write("short", "ngắn\n");
    office.run(&["passphrase", "set", "--new-passphrase-file", &short]).refused(3);
}

#[test]
fn an_exit_is_asked_of_the_province() {
    let office = Office::new();
    let member = office.add("A B", &[]);
    let member_is = format!("member={member}");
    let asked = office.json(&[
        "record",
        "add",
        "--kind",
        "exit",
        "--set",
        &member_is,
        "--set",
        "form=resigned",
    ]);
    assert_eq!(asked["requested"], json!(true));
    let units = office.json(&["record", "list", "--kind", "unit", "--where", "code=CB-01"]);
    assert_eq!(units.as_array().unwrap().len(), 1);
}
