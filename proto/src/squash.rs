//! zstd with contexts that are kept: making one asks the system for a megabyte, which costs as much as
//! the small things that are compressed here (a page of states, a batch, a block of a journal).
//!
//! Each thread keeps one of each. Deliberately absent: limits, which are the callers', who know what
//! they read.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

thread_local! {
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses at a level of zstd's.
///
/// # Errors
/// Want of memory.
pub fn compress(raw: &[u8], level: i32) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut with = match kept.take() {
            Some((was, with)) if was == level => with,
            Some((_, mut with)) => {
                with.set_compression_level(level)?;
                with
            }
            None => Compressor::new(level)?,
        };
        let packed = with.compress(raw)?;
        *kept = Some((level, with));
        Ok(packed)
    })
}

/// Decompresses into at most so many bytes.
///
/// # Errors
/// Bytes that are no frame of zstd's, or one that holds more.
pub fn decompress(packed: &[u8], length_max: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let mut with = kept.take().map_or_else(Decompressor::new, Ok)?;
        // Of one that refused something nothing is kept.
        let raw = with.decompress(packed, length_max)?;
        *kept = Some(with);
        Ok(raw)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_forgets_what_it_was_used_for() {
        let (long, short) = (vec![7; 100_000], b"ngay sau".to_vec());
        for (raw, level) in [(&long, 3), (&short, 1), (&long, 1), (&short, 3)] {
            let packed = compress(raw, level).unwrap();
            assert_eq!(packed, zstd::bulk::compress(raw, level).unwrap());
            assert!(decompress(&packed, raw.len() - 1).is_err());
            assert!(decompress(&packed[..packed.len() - 1], raw.len()).is_err());
            assert_eq!(&decompress(&packed, raw.len()).unwrap(), raw);
        }
    }
}
