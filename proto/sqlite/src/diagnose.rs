//! Why a file did not open: the wrong key, or damage? SQLite says "file is not a database"
//! to both.
//!
//! SQLCipher signs each page under a key derived from ours, so one page anywhere in the
//! file that verifies proves that the key is right and the first page is damaged.
//!
//! This reads the file itself, and closing it drops the POSIX locks of this process on it.
//! It therefore runs only on a file that SQLite could not open, never on a live one (for
//! those: `check`).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use aws_lc_rs::hmac;

use crate::key::{DatabaseKey, SALT_BYTES};
use crate::knobs::PAGE_BYTES;

/// What is wrong with a file that is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It has no byte in it.
    Empty,
    /// Its first page does not verify: nothing in it can be reached by SQL.
    Header,
    /// It is shorter than it says, or a page that was read does not hold.
    Contents,
}

/// What a file that SQLite refuses turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    Damaged(Damage),
    WrongKey,
    NotADatabase,
}

const PLAIN_HEADER: &[u8] = b"SQLite format 3\0";
const MAC_BYTES: usize = 64;
/// Pages tried before the key is called wrong: spread over the file, since damage is local.
const PAGES_TRIED_MAX: u64 = 64;

pub(crate) fn diagnose(path: &Path, key: &DatabaseKey) -> io::Result<Diagnosis> {
    let mut file = File::open(path)?;
    let pages = file.metadata()?.len() / PAGE_BYTES as u64;
    let mut start = [0; SALT_BYTES];
    let length = read_up_to(&mut file, &mut start)?;
    Ok(if length == 0 {
        Diagnosis::Damaged(Damage::Empty)
    } else if start == PLAIN_HEADER {
        Diagnosis::NotADatabase
    } else if start == *key.salt() || any_page_verifies(&mut file, pages, key)? {
        Diagnosis::Damaged(Damage::Header)
    } else if pages == 0 {
        Diagnosis::NotADatabase
    } else {
        Diagnosis::WrongKey
    })
}

fn any_page_verifies(file: &mut File, pages: u64, key: &DatabaseKey) -> io::Result<bool> {
    let mac_key = key.page_mac_key();
    let stride = (pages / PAGES_TRIED_MAX).max(1);
    for index in (0..pages).step_by(usize::try_from(stride).unwrap_or(usize::MAX)) {
        let mut page = [0; PAGE_BYTES];
        file.seek(SeekFrom::Start(index * PAGE_BYTES as u64))?;
        file.read_exact(&mut page)?;
        if page_verifies(&page, index + 1, &mac_key) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// SQLCipher's page: ciphertext, IV, MAC. The MAC covers the first two and the number; on
/// page 1 it begins behind the salt.
fn page_verifies(page: &[u8; PAGE_BYTES], number: u64, key: &hmac::Key) -> bool {
    let Ok(number) = u32::try_from(number) else { return false };
    let (signed, mac) = page.split_at(PAGE_BYTES - MAC_BYTES);
    let mut context = hmac::Context::with_key(key);
    context.update(if number == 1 { &signed[SALT_BYTES..] } else { signed });
    context.update(&number.to_le_bytes());
    aws_lc_rs::constant_time::verify_slices_are_equal(context.sign().as_ref(), mac).is_ok()
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}
