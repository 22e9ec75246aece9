//! A small disk that fills up, on machines that let us mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Ran, Trouble};
use super::tamper::copy_dir;

/// A file system in memory, of a fixed size; it goes away when this is dropped.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one over an empty directory.
    ///
    /// # Errors
    /// When this machine lets nobody mount anything.
    pub fn mount(at: &Path, kilobytes: u64) -> Result<Self, Trouble> {
        let options = format!("size={kilobytes}k,mode=0700");
        Ran::of(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at))?
            .ok()?;
        Ok(Self { at: at.to_owned() })
    }

    /// Moves a directory onto one that has so much room left.
    ///
    /// # Errors
    /// As [`SmallDisk::mount`]; then the directory is as it was.
    pub fn under(dir: &Path, kilobytes_left: u64) -> Result<Self, Trouble> {
        let aside = dir.with_extension("aside");
        fs::rename(dir, &aside)?;
        fs::create_dir(dir)?;
        let used: u64 = fs::read_dir(&aside)?
            .flatten()
            .filter_map(|f| f.metadata().ok())
            .map(|m| m.len())
            .sum();
        let mounted = Self::mount(dir, used / 1_024 + kilobytes_left);
        match mounted {
            Ok(disk) => copy_dir(&aside, dir).map(|()| disk),
            Err(why) => {
                fs::remove_dir(dir)?;
                fs::rename(&aside, dir)?;
                Err(why)
            }
        }
    }

    /// Makes it larger.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn grow(&self, kilobytes: u64) -> Result<(), Trouble> {
        let options = format!("remount,size={kilobytes}k");
        Ran::of(Command::new("mount").args(["-o", &options]).arg(&self.at))?.ok().map(drop)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just ending may still have a file open.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}
