//! `outbox.log`: the node's unacknowledged acts a second time, outside the database, so that a
//! damaged replica never takes unsent work with it, and a silently shortened WAL is noticed.
//!
//! Rows are appended after the commit and before "saved" is said; they are synced by a timer, at
//! an exchange and at exit, so that an edit still costs one fsync. A row is the first position
//! (8 bytes, little-endian), a length (4), and the sealed acts, packed as in the journal, with the
//! chain before and after them. A row that was cut off by a crash ends the log.
//!
//! Deliberately absent: what to do when log and journal differ (`opening`).

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::chain::Seed;
use dongbo_proto::id::{AuthorId, Hash};
use dongbo_proto::limits;
use dongbo_sqlite::files::replace_private;
use dongbo_sqlite::{DatabaseKey, Sealer};

use super::block::{BLOCK_BYTES_MAX, List};
use super::error::{ReplicaError, Result};

/// The log's name in the data directory.
pub const OUTBOX_FILE: &str = "outbox.log";
/// A longer row is not one: a block that was nearly full, the longest act behind it, sealed, with
/// room.
const SEALED_BYTES_MAX: usize = 2 * (BLOCK_BYTES_MAX + limits::ACT_BYTES_MAX);
const HEADER_BYTES: usize = 12;

/// Some consecutive acts: a block of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogRow {
    /// Position of the first act.
    pub first: u64,
    /// Position of the last act.
    pub last: u64,
    /// The chain before the first.
    pub before: Hash,
    /// The chain after the last.
    pub after: Hash,
    /// The seeds of their salts.
    pub seeds: Vec<(u64, Seed)>,
    /// Their canonical bytes, packed as in the journal.
    pub acts: Vec<u8>,
}

impl LogRow {
    /// The acts' bytes.
    pub fn acts(&self) -> std::result::Result<List, Truncated> {
        let acts = List::unpack(&self.acts)?;
        if acts.len() as u64 == self.last + 1 - self.first { Ok(acts) } else { Err(Truncated) }
    }

    fn write(&self) -> Vec<u8> {
        let mut w = Writer::reuse(Vec::with_capacity(self.acts.len() + 192));
        w.number(self.first);
        w.number(self.last);
        w.raw(&self.before.0);
        w.raw(&self.after.0);
        w.number(self.seeds.len() as u64);
        for (from, seed) in &self.seeds {
            w.number(*from);
            w.raw(&seed.0);
        }
        w.raw(&self.acts);
        w.into_bytes()
    }

    fn read(plain: &[u8]) -> std::result::Result<Self, Truncated> {
        let r = &mut Reader::new(plain);
        let (first, last) = (r.number()?, r.number()?);
        let (before, after) = (Hash(r.array()?), Hash(r.array()?));
        let seed = |r: &mut Reader<'_>| Ok((r.number()?, Seed(r.array()?)));
        let seeds = (0..r.number()?).map(|_| seed(r)).collect::<std::result::Result<_, _>>()?;
        if first == 0 || last < first {
            return Err(Truncated);
        }
        Ok(LogRow { first, last, before, after, seeds, acts: r.rest().to_vec() })
    }
}

/// Where a row lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Position of its first act, in the clear.
    pub first: u64,
    offset: u64,
    length: u32,
}

/// What is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// The rows, in order; none of them opened yet.
    pub places: Vec<Place>,
    /// Whether the file ends in something that is not a row.
    pub torn: bool,
}

/// The log.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    sealer: Sealer,
    author: AuthorId,
    /// The file as it was opened for the last row.
    open: Option<File>,
}

impl Outbox {
    /// The log of a data directory; the file is made at the first row.
    pub fn new(dir: &Path, key: &DatabaseKey, author: AuthorId) -> Self {
        Outbox { path: dir.join(OUTBOX_FILE), sealer: key.sealer("outbox"), author, open: None }
    }

    fn context(&self, first: u64) -> [u8; 16] {
        let mut context = [0; 16];
        context[..8].copy_from_slice(&self.author.0.to_be_bytes());
        context[8..].copy_from_slice(&first.to_be_bytes());
        context
    }

    fn sealed(&self, row: &LogRow, out: &mut Vec<u8>) {
        // The chain after a row is its own: the same nonce means the same row.
        let mut nonce = [0; dongbo_sqlite::seal::NONCE_BYTES];
        nonce.copy_from_slice(&row.after.0[..dongbo_sqlite::seal::NONCE_BYTES]);
        let sealed = self.sealer.seal(nonce, &self.context(row.first), &row.write());
        out.extend_from_slice(&row.first.to_le_bytes());
        out.extend_from_slice(&(sealed.len() as u32).to_le_bytes());
        out.extend_from_slice(&sealed);
    }

    /// Appends rows. A row that could not be written whole is taken away again.
    pub fn append(&mut self, rows: &[LogRow]) -> io::Result<()> {
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| self.sealed(row, &mut bytes));
        let (mut file, length) = self.file()?;
        file.write_all(&bytes).inspect_err(|_| drop(file.set_len(length)))?;
        self.open = Some(file);
        Ok(())
    }

    /// The file, for appending, and its length: the one that was open, if it is still the log.
    fn file(&mut self) -> io::Result<(File, u64)> {
        if let (Some(file), Ok(now)) = (self.open.take(), std::fs::metadata(&self.path))
            && is_same(&file.metadata()?, &now)
        {
            return Ok((file, now.len()));
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// Puts these rows in the place of all others, durable.
    pub fn replace(&self, rows: &[LogRow]) -> io::Result<()> {
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| self.sealed(row, &mut bytes));
        replace_private(&self.path, &bytes)
    }

    /// Makes what was appended durable.
    pub fn sync(&self) -> io::Result<()> {
        match File::open(&self.path) {
            Ok(file) => file.sync_data(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Its length in bytes.
    pub fn len(&self) -> io::Result<u64> {
        match std::fs::metadata(&self.path) {
            Ok(data) => Ok(data.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// Where the rows lie, without opening them.
    pub fn contents(&self) -> io::Result<Contents> {
        let mut file = match File::open(&self.path) {
            Ok(file) => io::BufReader::new(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
            Err(e) => return Err(e),
        };
        let end = file.get_ref().metadata()?.len();
        let (mut contents, mut offset) = (Contents::default(), 0);
        while offset < end {
            let mut header = [0; HEADER_BYTES];
            let whole = end - offset >= HEADER_BYTES as u64;
            if whole {
                file.read_exact(&mut header)?;
            }
            let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
            let next = offset + HEADER_BYTES as u64 + u64::from(length);
            if !whole || next > end || length as usize > SEALED_BYTES_MAX {
                contents.torn = true;
                break;
            }
            let first = u64::from_le_bytes(first_8(&header));
            contents.places.push(Place { first, offset: offset + HEADER_BYTES as u64, length });
            file.seek_relative(i64::from(length))?;
            offset = next;
        }
        Ok(contents)
    }

    /// Opens one row.
    pub fn row(&self, place: Place) -> Result<LogRow> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(place.offset))?;
        let mut sealed = vec![0; place.length as usize];
        file.read_exact(&mut sealed)?;
        let damaged = ReplicaError::Damaged("outbox.log");
        match self.sealer.open(&self.context(place.first), &sealed) {
            Ok(plain) => LogRow::read(&plain).map_err(|_| damaged),
            Err(_) => Err(damaged),
        }
    }
}

/// Whether an open file is the one that bears the name now: this process or another may have
/// replaced it. Where the system does not tell, it is opened each time.
#[cfg(unix)]
fn is_same(open: &Metadata, named: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    false
}

fn first_8(header: &[u8; HEADER_BYTES]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&header[..8]);
    first
}
