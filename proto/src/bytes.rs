//! Canonical bytes: the one way to write numbers and blocks for hashing and for packed blobs.
//!
//! Varints are LEB128, signed numbers zigzag, blocks length-prefixed. This is not the wire
//! (`wire` uses protobuf, which may be written in several ways); it is what hashes are taken over.

/// The bytes end, or say something impossible, before what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are truncated or malformed")]
pub struct Truncated;

/// Appends canonical bytes to a buffer.
#[derive(Default, Debug, Clone)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Starts on a buffer that is emptied first, so that a hot loop allocates once.
    pub fn reuse(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Writer(buffer)
    }

    /// One byte.
    pub fn byte(&mut self, b: u8) {
        self.0.push(b);
    }

    /// An unsigned number, LEB128.
    pub fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    /// A signed number, zigzag.
    pub fn signed(&mut self, n: i64) {
        self.number(((n << 1) ^ (n >> 63)) as u64);
    }

    /// Bytes of a length that the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes behind their length.
    pub fn block(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    /// Takes everything behind the first `len` bytes away again.
    pub fn cut(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// What was written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The buffer.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads canonical bytes; never panics, never reads past the end.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Truncated> {
        let (&first, rest) = self.0.split_first().ok_or(Truncated)?;
        self.0 = rest;
        Ok(first)
    }

    /// An unsigned LEB128 number of at most 64 bits, in its shortest form: equal numbers have
    /// equal bytes.
    pub fn number(&mut self) -> Result<u64, Truncated> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            let bits = u64::from(b & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Truncated);
            }
            n |= bits << shift;
            if b & 0x80 == 0 {
                return if b == 0 && shift > 0 { Err(Truncated) } else { Ok(n) };
            }
        }
        Err(Truncated)
    }

    /// An unsigned number that must fit a narrower type.
    pub fn narrow<N: TryFrom<u64>>(&mut self) -> Result<N, Truncated> {
        N::try_from(self.number()?).map_err(|_| Truncated)
    }

    /// A zigzag number.
    pub fn signed(&mut self) -> Result<i64, Truncated> {
        let n = self.number()?;
        Ok(((n >> 1) as i64) ^ -((n & 1) as i64))
    }

    /// `len` bytes.
    pub fn raw(&mut self, len: usize) -> Result<&'a [u8], Truncated> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    /// Bytes of a known length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        self.raw(N)?.try_into().map_err(|_| Truncated)
    }

    /// Bytes behind their length.
    pub fn block(&mut self) -> Result<&'a [u8], Truncated> {
        let len = usize::try_from(self.number()?).map_err(|_| Truncated)?;
        self.raw(len)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// UTF-8 behind its length.
    pub fn text(&mut self) -> Result<&'a str, Truncated> {
        std::str::from_utf8(self.block()?).map_err(|_| Truncated)
    }
}
