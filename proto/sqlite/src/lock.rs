//! The lock of a data directory: one process at a time changes what is in it, and the one
//! who comes second is told who is there and what it is doing.
//!
//! The lock is the system's (`flock`), so it ends with its process however that ends, and
//! no stale file ever has to be removed by hand. The file's text is only for people.
//!
//! A command that runs for one operation takes a [`DirLock`]. A process that stays, such
//! as `sync --watch` or the office page, keeps a [`LockFile`] open and locks per operation,
//! which takes microseconds; between operations others get their turn.
//!
//! Not here: what the lock protects against inside one process. `flock` belongs to an open
//! file, so a second lock through the same handle would be granted: [`LockFile::acquire`]
//! borrows it mutably for that reason.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the lock file in its data directory.
pub const LOCK_FILE: &str = "lock";
/// Length of the text that names the holder, in bytes: fixed, so that one write replaces
/// it whole and no reader sees half of two.
const HOLDER_BYTES: usize = 96;
/// First pause between two tries.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// Longest pause between two tries: a person does not feel it, a disk does not either.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another holder kept it for as long as the caller would wait.
    #[error("the data directory is in use by process {pid:?} ({purpose})")]
    Held {
        /// The holder's process id, if its text could be read.
        pid: Option<u32>,
        /// What it said it is doing; empty if its text could not be read.
        purpose: String,
    },
    /// The system refused.
    #[error("the lock file cannot be opened or locked")]
    Io(#[from] io::Error),
}

/// An open lock file, not locked.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    path: PathBuf,
}

/// A lock that ends when this is dropped; the file stays open for the next one.
#[derive(Debug)]
pub struct LockGuard<'a>(&'a mut LockFile);

/// A lock that ends, and closes its file, when this is dropped.
#[derive(Debug)]
pub struct DirLock(LockFile);

impl LockFile {
    /// Opens, and if need be makes, the lock file of a data directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: options.open(&path)?, path })
    }

    /// Takes the lock, waiting for at most `wait`. `purpose` is what the next one is told,
    /// such as `sync`.
    ///
    /// # Errors
    /// [`LockError::Held`] by whom, or what the system says.
    pub fn acquire(&mut self, purpose: &str, wait: Duration) -> Result<LockGuard<'_>, LockError> {
        self.lock(purpose, wait)?;
        Ok(LockGuard(self))
    }

    fn lock(&mut self, purpose: &str, wait: Duration) -> Result<(), LockError> {
        let began = Instant::now();
        let mut pause = PAUSE_MIN;
        while !self.try_lock()? {
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(self.holder());
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.sign(purpose)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Says who holds it. The text stays when the lock ends: it is only read while another
    /// holds the lock, and taking it away would cost a write per operation. A full disk
    /// must not stop an operation that only reads, so a failure here is not one.
    fn sign(&mut self, purpose: &str) -> Result<(), LockError> {
        let text = holder_text(std::process::id(), purpose);
        if self.says(&text).unwrap_or(false) {
            return Ok(());
        }
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&text));
        written.or(Ok(()))
    }

    /// Whether the file says so already. A process that stays locks it for each operation, and a
    /// write, however short, would be flushed with the next commit.
    fn says(&mut self, text: &[u8; HOLDER_BYTES]) -> io::Result<bool> {
        let mut there = [0; HOLDER_BYTES];
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut there)?;
        Ok(there == *text)
    }

    fn holder(&self) -> LockError {
        // Where locks are mandatory (Windows) the text cannot be read while it is locked.
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let (pid, purpose) = text.trim_end().split_once(' ').unwrap_or_default();
        LockError::Held { pid: pid.parse().ok(), purpose: purpose.to_owned() }
    }
}

/// Closing alone would not end the lock while a program that was started from this process
/// has inherited the handle, for however short a time.
impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        // Unlocking fails only on a handle that is not one; closing would end the lock too.
        let _ = self.0.file.unlock();
    }
}

impl DirLock {
    /// Takes the lock of a data directory, waiting for at most `wait`.
    ///
    /// # Errors
    /// [`LockError::Held`] by whom, or what the system says.
    pub fn acquire(dir: &Path, purpose: &str, wait: Duration) -> Result<Self, LockError> {
        let mut file = LockFile::open(dir)?;
        file.lock(purpose, wait)?;
        Ok(Self(file))
    }

    /// Ends the lock and keeps its file open, for a process that stays.
    ///
    /// # Errors
    /// What the system says.
    pub fn release(self) -> io::Result<LockFile> {
        self.0.file.unlock()?;
        Ok(self.0)
    }
}

/// The holder's text: process id, purpose, spaces to a fixed length.
fn holder_text(pid: u32, purpose: &str) -> [u8; HOLDER_BYTES] {
    let mut text = [b' '; HOLDER_BYTES];
    let said = format!("{pid} {}", purpose.replace(char::is_control, " "));
    let end = said.floor_char_boundary(HOLDER_BYTES - 1);
    text[..end].copy_from_slice(&said.as_bytes()[..end]);
    text[HOLDER_BYTES - 1] = b'\n';
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_comer_is_told_who_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(dir.path(), "nhập danh sách", Duration::ZERO).unwrap();
        let second = DirLock::acquire(dir.path(), "sync", Duration::from_millis(5)).unwrap_err();
        let LockError::Held { pid, purpose } = second else { panic!("{second}") };
        assert_eq!((pid, purpose.as_str()), (Some(std::process::id()), "nhập danh sách"));
        drop(first);
        DirLock::acquire(dir.path(), "sync", Duration::ZERO).unwrap();
    }

    #[test]
    fn a_guard_gives_way_and_the_file_stays_open() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ours, mut theirs) =
            (LockFile::open(dir.path()).unwrap(), LockFile::open(dir.path()).unwrap());
        for _ in 0..3 {
            let guard = ours.acquire("sync", Duration::ZERO).unwrap();
            assert!(theirs.acquire("edit", Duration::ZERO).is_err());
            drop(guard);
            drop(theirs.acquire("edit", Duration::ZERO).unwrap());
        }
    }

    #[test]
    fn an_inherited_handle_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::acquire(dir.path(), "sync", Duration::ZERO).unwrap();
        let inherited = lock.0.file.try_clone().unwrap();
        drop(lock);
        DirLock::acquire(dir.path(), "edit", Duration::ZERO).unwrap();
        drop(inherited);
    }

    #[test]
    fn waiting_gets_it_when_the_other_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirLock::acquire(dir.path(), "import", Duration::ZERO).unwrap();
        std::thread::scope(|s| {
            let second = s.spawn(|| DirLock::acquire(dir.path(), "edit", Duration::from_secs(10)));
            std::thread::sleep(Duration::from_millis(30));
            drop(first);
            assert!(second.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_long_purpose_is_cut_between_characters() {
        let text = holder_text(1, &"ộ".repeat(100));
        assert!(std::str::from_utf8(&text).is_ok());
        assert!(!holder_text(1, "a\nb").starts_with(b"1 a\n"));
    }
}
