//! Compression within bounds: zstd at level 3, decompressed into a buffer of a stated and limited size.

use super::WireError;
use crate::limits::BATCH_RAW_BYTES_MAX;
use crate::squash;

/// Level 3 is where peers sit: levels above cost more time than a slow link saves.
const LEVEL: i32 = 3;

/// Compresses; the raw length travels beside the bytes.
pub fn compress(raw: &[u8]) -> Vec<u8> {
    // Compression into memory has no way to fail but a lack of memory.
    squash::compress(raw, LEVEL).unwrap_or_default()
}

/// Decompresses bytes that claim a raw length; refuses what is longer than it says or than the limit.
pub fn decompress(body: &[u8], raw_len: u32) -> Result<Vec<u8>, WireError> {
    let len = raw_len as usize;
    if len > BATCH_RAW_BYTES_MAX {
        return Err(WireError::TooLarge);
    }
    let raw = squash::decompress(body, len).map_err(|_| WireError::Malformed)?;
    if raw.len() == len { Ok(raw) } else { Err(WireError::Malformed) }
}
