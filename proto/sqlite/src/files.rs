//! Small private files that are either wholly there or not there at all.
//!
//! A name appears only after its bytes are on the disk (write beside, fsync, name it,
//! fsync the directory), so power loss leaves the old file or the new one, never half.
//! Files are readable by their owner only.
//!
//! Not for database files: closing any handle of a file drops every POSIX lock that this
//! process holds on it, SQLite's included. Files here are never open in SQLite.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What an unfinished file is called: the final name with this behind it. A reader never
/// opens such a name; the next writer removes it.
pub const PARTIAL_SUFFIX: &str = ".partial";

/// Writes a new private file, whole and durable.
///
/// # Errors
/// `AlreadyExists` if the name is taken (it is left untouched), else what the system says.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = write_partial(path, bytes)?;
    let named = name_once(&partial, path);
    let _ = fs::remove_file(&partial);
    named?;
    sync_parent(path)
}

/// Writes a private file in the place of whatever has this name, whole and durable.
///
/// # Errors
/// What the system says; the old file is then still in place.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = write_partial(path, bytes)?;
    fs::rename(&partial, path)?;
    sync_parent(path)
}

/// Makes the names in the directory of `path` durable. Without it a renamed file may be
/// gone after power loss although its bytes are on the disk.
///
/// # Errors
/// What the system says.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Makes the names in a directory durable.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the names in a directory durable: Windows journals them itself and has no call for it.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// The name of `path` while it is being written.
#[must_use]
pub fn partial_name(path: &Path) -> PathBuf {
    with_suffix(path, PARTIAL_SUFFIX)
}

/// `path` with `suffix` behind the whole name (not in the place of its extension).
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes an empty file that only its owner can read.
///
/// # Errors
/// `AlreadyExists` if the name is taken, else what the system says.
pub fn new_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes a file that may not be there.
///
/// # Errors
/// What the system says, except that it is missing.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn write_partial(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let partial = partial_name(path);
    remove_if_there(&partial)?;
    let mut file = new_private(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(partial)
}

/// Gives a file its final name unless that is taken. A link refuses atomically, where a
/// rename would overwrite; a file system without links (FAT) gets a look before the rename.
fn name_once(partial: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(partial, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
        Err(_) if path.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(partial, path),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_never_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        create_private(&path, b"first").unwrap();
        let again = create_private(&path, b"second").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert!(!partial_name(&path).exists());
    }

    #[test]
    fn what_a_crash_left_unfinished_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(partial_name(&path), b"half a fi").unwrap();
        create_private(&path, b"whole").unwrap();
        replace_private(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
