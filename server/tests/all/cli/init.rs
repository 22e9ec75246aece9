//! `init`: wholly or not at all.

use super::{Site, UNITS};

fn names(site: &Site) -> Vec<String> {
    let entries = std::fs::read_dir(site.path(".")).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_province_is_made_with_its_reference() {
    let site = Site::empty();
    let made = site.init().json();
    assert_eq!(
        (&made["units"], &made["villages"], &made["scopes"]),
        (&5.into(), &1.into(), &2.into())
    );
    for file in ["key", "dongbo.db", "ca.pem", "ca.key", "server.pem", "server.key"] {
        assert!(site.data().join(file).is_file(), "{file}");
    }
    let units = site.run(&["record", "list", "--kind", "unit"]).json();
    let cell =
        units["records"].as_array().unwrap().iter().find(|u| u["fields"]["code"] == "07201-C001");
    let fields = &cell.unwrap()["fields"];
    assert_eq!(fields["scope_code"], "07201");
    assert_eq!(fields["founded_on"], "1950-02");
    assert!(fields["parent_id"].is_string() && fields["village_id"].is_string());
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[cfg(unix)]
#[test]
fn keys_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::made();
    for file in ["", "key", "dongbo.db", "ca.key", "server.key"] {
        let mode = std::fs::metadata(site.data().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

#[test]
fn what_is_there_is_never_touched() {
    let site = Site::made();
    let before = std::fs::read(site.data().join("ca.key")).unwrap();
    assert_eq!(site.init().fault(5), "fault-province-exists");
    assert_eq!(std::fs::read(site.data().join("ca.key")).unwrap(), before);
}

#[test]
fn an_empty_directory_and_a_leftover_are_filled() {
    let site = Site::empty();
    std::fs::create_dir(site.data()).unwrap();
    std::fs::create_dir(site.path("province.partial")).unwrap();
    std::fs::write(site.path("province.partial/dongbo.db-wal"), "half").unwrap();
    site.init().json();
    assert_eq!(names(&site), ["province", "units.csv", "villages.csv"]);
}

#[test]
fn a_strangers_directory_beside_it_is_left_alone() {
    let site = Site::empty();
    std::fs::create_dir(site.path("province.partial")).unwrap();
    std::fs::write(site.path("province.partial/letter.txt"), "dear").unwrap();
    assert_eq!(site.init().fault(5), "fault-province-exists");
    assert_eq!(std::fs::read_to_string(site.path("province.partial/letter.txt")).unwrap(), "dear");
}

#[test]
fn a_wrong_cell_is_named_and_nothing_is_left() {
    let cases = [
        (UNITS.replace("07201-C001,Chi", "07201,Chi"), "row 4, column code"),
        (UNITS.replace(",07204,1948", ",99999,1948"), "row 5, column scope"),
        (
            UNITS.replace("cell,commune,residential,07204", "cell,commune,residential,7204"),
            "row 6, column parent",
        ),
        (UNITS.replace("1950-02,", "31/02/1950,"), "row 4, column founded_on"),
        (UNITS.replace("grassroots_committee", "grassroot"), "row 3, column level"),
        (UNITS.replace("Đảng bộ xã An", &"x".repeat(300)), "row 3, column name"),
        (UNITS.replace("07201-T01", "07201-T09"), "row 4, column village"),
        (
            UNITS.replace("24,Tỉnh ủy Mẫu,,province,,,,", "24,Tỉnh ủy Mẫu,,province,,,07201,"),
            "column parent",
        ),
        (UNITS.replace("1948,\n07204-C001", "1948\n07204-C001"), "row 5"),
        (UNITS.replace("code,name", "code,nom"), "column name"),
    ];
    for (units, named) in cases {
        let site = Site::empty();
        site.write("units.csv", &units);
        let refused = site.init();
        assert_eq!(refused.code, 3, "{named}: {refused:?}");
        assert!(refused.err.contains(named), "{named}: {refused:?}");
        assert_eq!(names(&site), ["units.csv", "villages.csv"], "{named}");
    }
}

#[test]
fn a_plain_list_of_communes_is_enough() {
    let site = Site::empty();
    let list = "code,name,district_code,district_name,remark\n\
        07201,Phường Thọ Xương,213,Thành phố Bắc Giang,x\n\
        07699,Thị trấn Cao Thượng,216,Huyện Tân Yên,\n";
    let list = site.write("communes.csv", list);
    let made =
        site.run(&["init", "--province", "Bắc Giang", "--units", list.to_str().unwrap()]).json();
    assert_eq!((&made["units"], &made["scopes"]), (&4.into(), &2.into()));
    assert_eq!(made["ignored_columns"], serde_json::json!(["remark"]));
    let types = site.run(&[
        "sql",
        "SELECT code, unit_type FROM unit WHERE unit_type IS NOT NULL ORDER BY code",
    ]);
    let types = types.json();
    assert_eq!(types["rows"][0], serde_json::json!({ "code": "07201", "unit_type": "ward" }));
    assert_eq!(types["rows"][1]["unit_type"], "town");
}

#[test]
fn no_directory_and_no_province_are_said() {
    let site = Site::empty();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dongbo-server"));
    let ran: super::Ran = command
        .env_remove("DONGBO_SERVER_DATA")
        .args(["status", "--json"])
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.fault(2), "fault-no-data");
    assert_eq!(site.run(&["status"]).fault(9), "fault-no-province");
    assert_eq!(site.run(&["no-such-command"]).code, 2);
}
