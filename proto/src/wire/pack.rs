//! Compression within bounds: zstd at level 3, decompressed into a buffer of a stated and limited size.
//!
//! Each thread keeps its contexts: making one asks the system for a megabyte, which costs as much as
//! a small page.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::WireError;
use crate::limits::BATCH_RAW_BYTES_MAX;

/// Level 3 is where peers sit: levels above cost more time than a slow link saves.
const LEVEL: i32 = 3;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses; the raw length travels beside the bytes.
pub fn compress(raw: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let made = kept.take().map_or_else(|| Compressor::new(LEVEL), Ok);
        let packed = made.and_then(|mut with| {
            let packed = with.compress(raw);
            *kept = Some(with);
            packed
        });
        // Compression into memory has no way to fail but a lack of memory.
        packed.unwrap_or_default()
    })
}

/// Decompresses into at most so many bytes.
fn inflate(body: &[u8], length_max: usize) -> std::io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let mut with = kept.take().map_or_else(Decompressor::new, Ok)?;
        // Of one that refused something nothing is kept.
        let raw = with.decompress(body, length_max)?;
        *kept = Some(with);
        Ok(raw)
    })
}

/// Decompresses bytes that claim a raw length; refuses what is longer than it says or than the limit.
pub fn decompress(body: &[u8], raw_len: u32) -> Result<Vec<u8>, WireError> {
    let len = raw_len as usize;
    if len > BATCH_RAW_BYTES_MAX {
        return Err(WireError::TooLarge);
    }
    let raw = inflate(body, len).map_err(|_| WireError::Malformed)?;
    if raw.len() == len { Ok(raw) } else { Err(WireError::Malformed) }
}
