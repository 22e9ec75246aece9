//! The key file: made once, private, whole; and every way in which it can be wrong.

use std::fs;
use std::path::PathBuf;

use dongbo_sqlite::{Guarded, KeyError, KeyFile, Protection};
use tempfile::TempDir;

use crate::house::entropy;

const SENTENCE: &str = "Gió đưa cành trúc la đà";

fn file(protection: Protection<'_>) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    KeyFile::create(&path, protection, &mut entropy(3)).unwrap();
    (dir, path)
}

#[test]
fn a_key_survives_its_file() {
    let (dir, path) = file(Protection::File);
    let key = KeyFile::open(&path, None).unwrap();
    assert_eq!(key.guarded(), Guarded::ByFile);
    let other = dir.path().join("other");
    let second = KeyFile::create(&other, Protection::File, &mut entropy(4)).unwrap();
    assert_ne!(key.check_value(), second.check_value());
    assert_eq!(KeyFile::open(&other, None).unwrap().check_value(), second.check_value());
}

#[test]
fn a_key_is_never_overwritten() {
    let (_dir, path) = file(Protection::File);
    let before = fs::read(&path).unwrap();
    let again = KeyFile::create(&path, Protection::File, &mut entropy(9));
    assert!(matches!(again, Err(KeyError::Exists)), "{again:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_missing_key_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let opened = KeyFile::open(&dir.path().join("key"), None);
    assert!(matches!(opened, Err(KeyError::Missing)));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = file(Protection::File);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o620, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let opened = KeyFile::open(&path, None);
        assert!(matches!(opened, Err(KeyError::TooOpen { mode: m }) if m == mode), "{opened:?}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    KeyFile::open(&path, None).unwrap();
}

#[test]
fn a_passphrase_wraps_the_key_and_a_wrong_one_does_not_open_it() {
    let (_dir, path) = file(Protection::Passphrase(SENTENCE));
    assert_eq!(KeyFile::guarded(&path).unwrap(), Guarded::ByPassphrase);
    let began = std::time::Instant::now();
    let key = KeyFile::open(&path, Some(SENTENCE)).unwrap();
    println!("a passphrase takes {:?}", began.elapsed());
    assert_eq!(key.guarded(), Guarded::ByPassphrase);
    assert!(matches!(KeyFile::open(&path, None), Err(KeyError::NeedsPassphrase)));
    let wrong = KeyFile::open(&path, Some("Gió đưa cành trúc là đà"));
    assert!(matches!(wrong, Err(KeyError::WrongPassphrase)), "{wrong:?}");
}

#[test]
fn a_passphrase_is_set_and_taken_away_and_the_key_stays() {
    let (_dir, path) = file(Protection::File);
    let key = KeyFile::open(&path, None).unwrap();
    let guarded =
        KeyFile::protect(&path, &key, Protection::Passphrase(SENTENCE), &mut entropy(5)).unwrap();
    assert_eq!(guarded.guarded(), Guarded::ByPassphrase);
    let again = KeyFile::open(&path, Some(SENTENCE)).unwrap();
    assert_eq!(again.check_value(), key.check_value());
    KeyFile::protect(&path, &again, Protection::File, &mut entropy(6)).unwrap();
    assert_eq!(KeyFile::open(&path, None).unwrap().check_value(), key.check_value());
}

#[test]
fn a_short_passphrase_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let made = KeyFile::create(&path, Protection::Passphrase("1234567"), &mut entropy(3));
    assert!(matches!(made, Err(KeyError::PassphraseTooShort)));
    assert!(!path.exists());
}

#[test]
fn every_damaged_byte_is_damage_and_never_a_wrong_passphrase() {
    for protection in [Protection::File, Protection::Passphrase(SENTENCE)] {
        let (_dir, path) = file(protection);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            // One bit that changes a hexadecimal digit's value, not only its case.
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let opened = KeyFile::open(&path, Some(SENTENCE));
            let noticed =
                matches!(opened, Err(KeyError::Malformed { .. } | KeyError::NewerVersion { .. }));
            assert!(noticed || at == whole.len() - 1, "byte {at}: {opened:?}");
        }
    }
}

#[test]
fn a_cut_off_file_is_damage() {
    let (_dir, path) = file(Protection::File);
    let whole = fs::read_to_string(&path).unwrap();
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        let opened = KeyFile::open(&path, None);
        assert!(matches!(opened, Err(KeyError::Malformed { .. })), "{length}: {opened:?}");
    }
}

#[test]
fn line_ends_of_another_system_do_no_harm() {
    let (_dir, path) = file(Protection::File);
    let key = KeyFile::open(&path, None).unwrap();
    let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
    fs::write(&path, text).unwrap();
    assert_eq!(KeyFile::open(&path, None).unwrap().check_value(), key.check_value());
}

#[test]
fn a_later_format_is_named() {
    let (_dir, path) = file(Protection::File);
    let text = fs::read_to_string(&path).unwrap().replacen("dongbo-key 1", "dongbo-key 2", 1);
    fs::write(&path, text).unwrap();
    let opened = KeyFile::open(&path, None);
    assert!(matches!(opened, Err(KeyError::NewerVersion { found: 2 })), "{opened:?}");
}
