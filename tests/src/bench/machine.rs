//! The machine around a measurement: where files lie, how large they are, and how often the disk was told to flush.
//!
//! Deliberately absent: the wall clock (figures are durations) and anything that changes the machine.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory for one suite on the disk that the build lies on, since `/tmp` may be memory, on which durability costs
/// nothing. It is removed when dropped.
///
/// # Errors
/// What the system says.
pub fn work_dir() -> io::Result<TempDir> {
    let beside = std::env::current_exe()?.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    tempfile::Builder::new().prefix("goals-").tempdir_in(beside)
}

/// Copies a directory of files, with their permissions, and of directories.
///
/// # Errors
/// What the system says.
pub fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts what was written before on the disk, so that a measurement does not pay for its preparation.
pub fn settle() {
    // Best effort: where there is no `sync`, the runs are only noisier.
    let _ = std::process::Command::new("sync").status();
}

/// How often the disk under a path was told to flush its cache: an fsync that reached it. Linux counts it for each
/// disk; other programs count too, so the least of several runs is the one to believe.
#[derive(Debug)]
pub struct Flushes {
    statistics: PathBuf,
}

impl Flushes {
    /// Of the disk under `path`; `None` where the system does not count.
    #[must_use]
    pub fn under(path: &Path) -> Option<Self> {
        let device = fs::metadata(path).ok()?.dev();
        let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff00);
        let statistics = PathBuf::from(format!("/sys/dev/block/{major}:{minor}/stat"));
        let flushes = Flushes { statistics };
        flushes.count().map(|_| flushes)
    }

    /// How many so far.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        /// The place of "flush requests completed" in the kernel's line.
        const FLUSHES: usize = 15;
        let text = fs::read_to_string(&self.statistics).ok()?;
        text.split_whitespace().nth(FLUSHES)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_copied_whole() {
        let from = tempfile::tempdir().expect("directory");
        fs::create_dir(from.path().join("in")).expect("directory");
        fs::write(from.path().join("in/file"), b"text").expect("file");
        let to = from.path().with_extension("copy");
        copy_dir(from.path(), &to).expect("copied");
        assert_eq!(fs::read(to.join("in/file")).expect("file"), b"text");
        fs::remove_dir_all(to).expect("removed");
    }
}
