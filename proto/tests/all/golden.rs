//! Bytes that must not change by accident, kept as hex files under `tests/goldens`.
//!
//! `DONGBO_BLESS=1 cargo test -p dongbo-proto` writes them anew; a diff of a golden is a change of
//! the wire or of a hash, and needs a reason.

use std::path::PathBuf;

use data_encoding::HEXLOWER;

/// Columns of hex before a line is broken, so that a diff can be read.
const WIDTH: usize = 96;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(format!("{name}.hex"))
}

/// Compares bytes with the committed ones, or writes them where asked to.
pub fn check(name: &str, bytes: &[u8]) {
    let hex = HEXLOWER.encode(bytes);
    let lines: Vec<&str> =
        hex.as_bytes().chunks(WIDTH).map(|c| std::str::from_utf8(c).expect("hex")).collect();
    let text = lines.join("\n") + "\n";
    if std::env::var_os("DONGBO_BLESS").is_some() {
        std::fs::write(path(name), &text).expect("the goldens' directory");
    }
    let kept = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert_eq!(kept, text, "{name} changed; if that is meant, run with DONGBO_BLESS=1");
}

/// The committed bytes.
pub fn read(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path(name)).expect("a golden");
    HEXLOWER.decode(text.replace('\n', "").as_bytes()).expect("hex")
}
