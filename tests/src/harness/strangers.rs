//! Lists of people whom nobody knows yet: what a story imports by mistake, or adds, in one go.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;
use uuid::Builder;

use super::process::Trouble;

/// When their records claim to have been made: 1 January 2026, in milliseconds.
const FROM_MS: u64 = 1_767_225_600_000;

/// Writes a list of so many people; lists of different numbers share nobody.
///
/// # Errors
/// Whatever the file system says.
pub fn write(file: &Path, list: u32, people: u32) -> Result<(), Trouble> {
    let mut out = BufWriter::new(File::create(file)?);
    for number in 0..people {
        let person = json!({
            "kind": "member",
            "id": id(list, number),
            "full_name": format!("Phạm Văn {}", spelt(number)),
            "sex": if number % 2 == 0 { "M" } else { "F" },
            "birth_date": format!("19{:02}-{:02}-{:02}", 50 + number % 50, 1 + number % 12, 1 + number % 28),
            "national_id": format!("000{:09}", mixed(list, number) % 1_000_000_000),
            "phone": format!("0000{:06}", mixed(number, list) % 1_000_000),
            "perm_addr_detail": format!("thôn {}", spelt(number * 7 + list)),
        });
        writeln!(out, "{person}")?;
    }
    Ok(out.flush()?)
}

/// The id of one person on one list.
#[must_use]
pub fn id(list: u32, number: u32) -> String {
    let mut random = [0; 10];
    random[..4].copy_from_slice(&list.to_be_bytes());
    random[4..8].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    let made = FROM_MS + u64::from(list) * 1_000_000 + u64::from(number);
    Builder::from_unix_timestamp_millis(made, &random).into_uuid().hyphenated().to_string()
}

/// Two numbers mixed beyond recognition, so that a list does not compress better than a real one.
fn mixed(one: u32, other: u32) -> u64 {
    let mut x = (u64::from(one) << 32 | u64::from(other)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number as syllables, so that names differ.
fn spelt(number: u32) -> String {
    const SYLLABLES: [&str; 10] =
        ["An", "Bình", "Cường", "Dũng", "Đức", "Giang", "Hòa", "Khánh", "Long", "Minh"];
    let digits = number.to_string();
    let words: Vec<&str> = digits.bytes().map(|d| SYLLABLES[usize::from(d - b'0')]).collect();
    words.join(" ")
}
