//! `backup`, `restore`, `verify`: what is kept, and what is noticed.

use std::fs;
use std::path::Path;

use dongbo_server::store::sqlite::SCHEMA;
use dongbo_sqlite::{Access, KeyFile, Knobs, rusqlite};
use serde_json::json;

use super::{AN, Site};

fn connect(site: &Site) -> rusqlite::Connection {
    let key = KeyFile::open(&site.data().join("key"), None).unwrap();
    let path = site.data().join("dongbo.db");
    dongbo_sqlite::open(&path, &key, &SCHEMA, Knobs::SERVER, Access::ReadWrite).unwrap()
}

fn phone(site: &Site) -> serde_json::Value {
    site.run(&["record", "show", AN]).json()["fields"]["phone"].clone()
}

/// Fault 48: a backup comes back whole, as a new epoch. [I12 I17]
#[test]
fn a_backup_comes_back_as_a_new_epoch_of_the_old_one() {
    let site = Site::peopled();
    let before = site.run(&["status"]).json()["epoch"].clone();
    let file = site.path("backup.db");
    let backup = ["backup", file.to_str().unwrap()];
    site.run(&backup).json();
    assert!(site.run(&["status"]).json()["backup_ms"].is_i64());
    site.run(&["record", "edit", AN, "--set", "phone=0999"]).json();
    let restored = site.run(&["restore", file.to_str().unwrap()]).json();
    assert_eq!(restored["parent"], before);
    assert_eq!(phone(&site), "0000111222");
    let status = site.run(&["status"]).json();
    assert_eq!((&status["epoch"], &status["epochs"]), (&restored["epoch"], &json!(2)));
    assert!(Path::new(restored["old_database"].as_str().unwrap()).is_file());
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

/// What the province itself did since is lost by a restore; the rehearsal counts and names it, and
/// changes nothing.
#[test]
fn a_rehearsal_says_beforehand_what_nobody_can_send_again() {
    let site = Site::peopled();
    let file = site.path("backup.db");
    let file = file.to_str().unwrap();
    site.run(&["backup", file]).json();
    let said = site.run(&["restore", file, "--rehearse"]).json();
    assert_eq!((&said["acts_lost"], &said["live"]), (&json!(0), &json!(true)));
    let edited = site.run(&["record", "edit", AN, "--set", "phone=0999"]).json();
    let said = site.run(&["restore", file, "--rehearse"]).json();
    assert_eq!((&said["acts_lost"], &said["lost"][0]["act"]), (&json!(1), &edited["act"]));
    assert_eq!(said["lost"][0]["kinds"], json!(["member"]));
    assert_eq!(phone(&site), "0999");
    // The registry is gone: the backup alone still says who is expected.
    fs::remove_file(site.data().join("dongbo.db")).unwrap();
    let said = site.run(&["restore", file, "--rehearse"]).json();
    assert_eq!((&said["live"], &said["acts_lost"]), (&json!(false), &json!(0)));
    assert!(!site.data().join("dongbo.db").exists());
}

#[test]
fn a_backup_is_never_overwritten_unless_asked() {
    let site = Site::peopled();
    let file = site.write("backup.db", "somebody's");
    let file = file.to_str().unwrap();
    assert_eq!(site.run(&["backup", file]).fault(5), "fault-exists");
    assert_eq!(fs::read_to_string(file).unwrap(), "somebody's");
    site.run(&["backup", file, "--replace"]).json();
    let keys = site.path("keys");
    site.run(&["backup", file, "--replace", "--with-ca", keys.to_str().unwrap()]).json();
    assert_eq!(
        fs::read(keys.join("ca.key")).unwrap(),
        fs::read(site.data().join("ca.key")).unwrap()
    );
}

/// Fault 14: only a whole backup of this province comes back. [I17]
/// Story 16: the wrong backup is refused by name.
#[test]
fn only_a_whole_backup_of_this_province_is_restored() {
    let (site, other) = (Site::peopled(), Site::peopled());
    let file = site.path("backup.db");
    other.run(&["backup", file.to_str().unwrap()]).json();
    assert_eq!(site.run(&["restore", file.to_str().unwrap()]).fault(5), "fault-wrong-key");
    let text = site.write("text.db", "no database at all, and long enough to be one page of text");
    assert_eq!(site.run(&["restore", text.to_str().unwrap()]).code, 6);
    let own = site.path("own.db");
    site.run(&["backup", own.to_str().unwrap()]).json();
    let whole = fs::read(&own).unwrap();
    fs::write(&own, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(site.run(&["restore", own.to_str().unwrap()]).code, 6);
    assert_eq!(phone(&site), "0000111222");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

/// Counterexample 10: the standing list goes beside the backup.
#[test]
fn who_was_revoked_after_the_backup_stays_so() {
    let site = Site::peopled();
    let node = |sql: &str| connect(&site).execute_batch(sql).unwrap();
    node(
        "INSERT INTO author SELECT 4660, public_key, 0, 'Máy', 0, zeroblob(32), 0, 0, 0, 0, 0, 0,
         token, token_previous, 0, 0, 0, 0, NULL, 0 FROM author LIMIT 1",
    );
    let file = site.path("backup.db");
    site.run(&["backup", file.to_str().unwrap()]).json();
    site.run(&["revoke", "may"]).json();
    let restored = site.run(&["restore", file.to_str().unwrap()]).json();
    assert_eq!(restored["standing_lines_adopted"], 1);
    assert_eq!(site.run(&["nodes"]).json()["nodes"][0]["standing"], "deliver_only");
}

#[test]
fn a_journal_row_changed_through_the_key_is_found() {
    let site = Site::peopled();
    let whole: Vec<u8> = connect(&site)
        .query_row("SELECT bytes FROM frame WHERE id = 2", [], |row| row.get(0))
        .unwrap();
    let put = |bytes: &[u8]| {
        let changed = connect(&site).execute("UPDATE frame SET bytes = ?1 WHERE id = 2", [bytes]);
        assert_eq!(changed, Ok(1));
    };
    // The header, hashes, seed, signature and body all lie among these.
    for at in (0..whole.len()).step_by(33) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        put(&bytes);
        let found = site.run(&["verify"]);
        assert_eq!(found.fault(10), "fault-findings", "byte {at}");
        assert!(found.out.contains(r#""sound":false"#), "byte {at}: {found:?}");
    }
    put(&whole);
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn a_record_changed_through_the_key_is_found() {
    let site = Site::peopled();
    connect(&site).execute("UPDATE member SET phone = '1'", []).unwrap();
    let found = site.run(&["verify"]);
    assert_eq!(found.fault(10), "fault-findings");
    assert!(found.out.contains(r#""code":"digest""#), "{found:?}");
    let said = site.say(&["verify"]);
    assert!(said.out.contains("digest does not agree"), "{said:?}");
}

#[test]
fn a_raw_byte_changed_in_the_file_is_found_wherever_it_is() {
    let site = Site::peopled();
    let path = site.data().join("dongbo.db");
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    // Every 7th page, the first and the last: a page is damaged by any of its bytes.
    let some = (0..pages).filter(|p| p % 7 == 0 || *p + 1 == pages);
    for page in some {
        let mut bytes = whole.clone();
        bytes[page * 4096 + 2_000] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = site.run(&["verify"]);
        assert_eq!(found.code, 10, "page {page}: {found:?}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn keys_that_do_not_fit_are_said() {
    let (site, other) = (Site::made(), Site::made());
    let key = site.data().join("key");
    let own = fs::read(&key).unwrap();
    fs::write(&key, fs::read(other.data().join("key")).unwrap()).unwrap();
    assert_eq!(site.run(&["status"]).fault(5), "fault-wrong-key");
    fs::write(&key, "dongbo-key 1\nsalt 00").unwrap();
    assert_eq!(site.run(&["status"]).fault(6), "fault-key-damaged");
    fs::remove_file(&key).unwrap();
    assert_eq!(site.run(&["status"]).fault(6), "fault-key-missing");
    fs::write(&key, own).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(site.run(&["status"]).fault(5), "fault-key-too-open");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    site.run(&["status"]).json();
}

#[test]
fn a_passphrase_is_asked_for_and_checked() {
    let site = Site::empty();
    let passphrase = |text: &str| site.write("passphrase", text).to_str().unwrap().to_owned();
    let units = site.path("units.csv");
    let init =
        ["init", "--province", "Tỉnh Mẫu", "--units", units.to_str().unwrap(), "--passphrase-file"];
    assert_eq!(
        site.run(&[&init[..], &[&passphrase("short")]].concat()).fault(3),
        "fault-passphrase-too-short"
    );
    site.run(&[&init[..], &[&passphrase("đồng bộ mẫu\n")]].concat()).json();
    assert_eq!(site.run(&["status"]).fault(5), "fault-needs-passphrase");
    let with = |text: &str| site.run(&["status", "--passphrase-file", &passphrase(text)]);
    assert_eq!(with("đồng bộ sai").fault(5), "fault-wrong-passphrase");
    with("đồng bộ mẫu").json();
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let site = Site::made();
    connect(&site).pragma_update(None, "user_version", 999).unwrap();
    let before = fs::read(site.data().join("dongbo.db")).unwrap();
    assert_eq!(site.run(&["status"]).fault(6), "fault-newer-version");
    assert_eq!(fs::read(site.data().join("dongbo.db")).unwrap(), before);
}
