//! Acts by the block: what a save enters together is one row of the journal and one of the outbox.
//!
//! A row an act cost a tenth of an edit and a fifth of the pages that a batch dirtied. A block is
//! closed at a size that one read can well afford; a single edit is a block of one act. What is
//! long enough is compressed, once for both places.
//!
//! Nothing here touches storage (`journal`, `outbox`) or knows what an act says.

use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::squash;

/// A block is closed when its acts take so many bytes: some hundred edits, or some dozen new
/// members. Whoever wants one act of it reads so much.
pub(super) const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Shorter lists are kept as they are: compression would win nothing.
const PACK_BYTES_MIN: usize = 512;
/// The fastest of zstd's ordinary levels: it costs what the pages that it saves would cost.
const LEVEL: i32 = 1;
/// No list is longer, by far: what acts of one block replaced, in fields with many heads. It bounds
/// what a wrong length could ask for.
const LIST_BYTES_MAX: usize = 64 * 1024 * 1024;

const PLAIN: u8 = 0;
const PACKED: u8 = 1;

/// Byte strings, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl List {
    /// Adds one.
    pub fn push(&mut self, item: &[u8]) {
        self.bytes.extend_from_slice(item);
        self.ends.push(self.bytes.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes all of them out and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// One of them.
    pub fn get(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// As one blob, compressed where that is worth it.
    pub fn pack(&self) -> Vec<u8> {
        let mut w = Writer::reuse(Vec::with_capacity(self.bytes.len() + 2 * self.len() + 16));
        w.byte(PLAIN);
        w.number(self.len() as u64);
        let mut start = 0;
        for end in &self.ends {
            w.number((end - start) as u64);
            start = *end;
        }
        w.raw(&self.bytes);
        let plain = w.into_bytes();
        if plain.len() < PACK_BYTES_MIN { plain } else { packed(&plain[1..]).unwrap_or(plain) }
    }

    /// Reads the blob back.
    ///
    /// # Errors
    /// [`Truncated`] for bytes that [`List::pack`] did not write.
    pub fn unpack(blob: &[u8]) -> Result<Self, Truncated> {
        match blob.split_first() {
            Some((&PLAIN, rest)) => Self::read(rest),
            Some((&PACKED, rest)) => {
                let r = &mut Reader::new(rest);
                let length: usize = r.narrow()?;
                if length > LIST_BYTES_MAX {
                    return Err(Truncated);
                }
                let plain = squash::decompress(r.rest(), length).map_err(|_| Truncated)?;
                if plain.len() == length { Self::read(&plain) } else { Err(Truncated) }
            }
            _ => Err(Truncated),
        }
    }

    fn read(plain: &[u8]) -> Result<Self, Truncated> {
        let r = &mut Reader::new(plain);
        let count: usize = r.narrow()?;
        // Each has its length before it: more of them than bytes there cannot be.
        if count > plain.len() {
            return Err(Truncated);
        }
        let (mut ends, mut end) = (Vec::with_capacity(count), 0_usize);
        for _ in 0..count {
            end = end.checked_add(r.narrow()?).ok_or(Truncated)?;
            ends.push(end);
        }
        let bytes = r.rest();
        if bytes.len() == end { Ok(List { bytes: bytes.to_vec(), ends }) } else { Err(Truncated) }
    }
}

/// Compressed; `None` where that would not be shorter.
fn packed(plain: &[u8]) -> Option<Vec<u8>> {
    let mut w = Writer::default();
    w.byte(PACKED);
    w.number(plain.len() as u64);
    // Compression into memory fails only for want of memory: then it stays as it is.
    w.raw(&squash::compress(plain, LEVEL).ok()?);
    Some(w.into_bytes()).filter(|packed| packed.len() <= plain.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&[u8]]) -> List {
        let mut list = List::default();
        items.iter().for_each(|item| list.push(item));
        list
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let long: &[u8] = &[7; 3_000];
        let lists: [&[&[u8]]; 4] = [&[], &[b""], &[b"a", b"", b"bc"], &[long, b"x", long]];
        for items in lists {
            let list = list(items);
            let back = List::unpack(&list.pack()).unwrap();
            assert_eq!(back, list);
            assert_eq!(back.iter().collect::<Vec<_>>(), items);
            assert_eq!(back.get(items.len()), None);
        }
        assert!(list(&[long]).pack().len() < 100);
    }

    #[test]
    fn any_cut_or_changed_length_is_refused() {
        for blob in [list(&[b"abc", b"de"]).pack(), list(&[&[7; 3_000]]).pack()] {
            for end in 0..blob.len() {
                assert!(List::unpack(&blob[..end]).is_err(), "cut at {end}");
            }
        }
        let vast = [&[PACKED][..], &[0xff, 0xff, 0xff, 0xff, 0x7f], &[0; 9]].concat();
        assert!(List::unpack(&vast).is_err());
        assert!(List::unpack(&[PLAIN, 200, 1]).is_err());
        assert!(List::unpack(&[9, 0]).is_err());
    }
}
