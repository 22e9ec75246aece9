//! The disk under one directory: it counts calls, breaks at the one that it was told, and knows what
//! is durable.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use dongbo_sqlite::rusqlite::ffi;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::image::{Change, Image, Manner};

/// A call of SQLite's to its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
}

impl Call {
    /// What SQLite is told when the call fails.
    fn error(self) -> i32 {
        match self {
            Call::Open => ffi::SQLITE_CANTOPEN,
            Call::Read => ffi::SQLITE_IOERR_READ,
            Call::Write => ffi::SQLITE_IOERR_WRITE,
            Call::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Call::Sync => ffi::SQLITE_IOERR_FSYNC,
            Call::Delete => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

/// Which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Every call.
    All,
    /// Those that change what is there, and syncs.
    Changes,
    /// Syncs.
    Syncs,
}

impl Calls {
    fn count(self, call: Call) -> bool {
        match self {
            Calls::All => true,
            Calls::Changes => !matches!(call, Call::Open | Call::Read),
            Calls::Syncs => call == Call::Sync,
        }
    }
}

/// What happens at the call that was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It fails, and the next one works.
    FailsOnce,
    /// It fails, and so does everything after it, until [`Disk::heal`].
    FailsOn,
    /// There is no room for this write, nor for any after it, until [`Disk::heal`].
    IsFull,
    /// The power goes: nothing works until [`Disk::power_back`].
    LosesPower,
}

#[derive(Default)]
struct State {
    files: HashMap<PathBuf, Image>,
    plan: Option<(Calls, u64, Effect)>,
    counted: u64,
    struck: bool,
    opened: u64,
}

/// The disk under a directory.
pub struct Disk {
    dir: PathBuf,
    state: Mutex<State>,
    dice: Mutex<ChaCha8Rng>,
}

static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());

/// The disk that a path lies on, if it is one of ours.
pub(crate) fn under(path: &Path) -> Option<Arc<Disk>> {
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.iter().filter_map(Weak::upgrade).find(|disk| path.starts_with(&disk.dir))
}

impl Disk {
    /// A sound disk under a directory that is there; the seed draws what a power cut leaves. It must
    /// outlive every connection to a file on it.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn under(dir: &Path, seed: u64) -> io::Result<Arc<Self>> {
        crate::install();
        let dir = fs::canonicalize(dir)?;
        let dice = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
        let disk = Arc::new(Disk { dir, state: Mutex::default(), dice });
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.retain(|disk| disk.strong_count() > 0);
        disks.push(Arc::downgrade(&disk));
        Ok(disk)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dice(&self) -> MutexGuard<'_, ChaCha8Rng> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks at the `n`-th of these calls from now, the first being 1.
    pub fn break_at(&self, calls: Calls, n: u64, effect: Effect) {
        let mut state = self.state();
        (state.plan, state.counted, state.struck) = (Some((calls, n, effect)), 0, false);
    }

    /// Whether it has broken: if not, what was done makes fewer calls than that.
    pub fn has_broken(&self) -> bool {
        self.state().struck
    }

    /// How often files were opened on it.
    pub fn opened(&self) -> u64 {
        self.state().opened
    }

    /// The fault is gone. What a failed sync has lost stays lost.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.plan, state.counted, state.struck) = (None, 0, false);
    }

    /// The power is back: the files are what the cut has left of them. No file of the disk may be open.
    ///
    /// # Errors
    /// What the real file system says.
    pub fn power_back(&self) -> io::Result<()> {
        self.heal();
        let mut files: Vec<_> = std::mem::take(&mut self.state().files).into_iter().collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let mut dice = self.dice();
        let manner = Manner::draw(&mut dice);
        for (path, image) in files {
            // Renamed or removed through the standard library since: that is not ours to undo.
            if !image.deleted && !path.exists() {
                continue;
            }
            match image.after_cut(manner, &mut dice) {
                Some(bytes) => fs::write(&path, bytes)?,
                None => remove(&path)?,
            }
        }
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with("-shm") {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Counts a call; an error is what SQLite is told in its place.
    pub(crate) fn before(&self, call: Call) -> Result<(), i32> {
        let mut state = self.state();
        let Some((calls, n, effect)) = state.plan else { return Ok(()) };
        let mut now = false;
        if calls.count(call) {
            state.counted += 1;
            now = state.counted == n;
        }
        state.struck |= now;
        let grows = matches!(call, Call::Write);
        match effect {
            Effect::FailsOnce if now => Err(call.error()),
            Effect::IsFull if state.struck && grows => Err(ffi::SQLITE_FULL),
            Effect::FailsOn | Effect::LosesPower if state.struck => Err(call.error()),
            _ => Ok(()),
        }
    }

    /// A file is about to be opened: what is there is durable, if this disk did not write it itself.
    pub(crate) fn opening(&self, path: &Path) {
        let mut state = self.state();
        state.opened += 1;
        if state.files.contains_key(path) {
            return;
        }
        let durable = fs::read(path).ok();
        state.files.insert(path.to_owned(), Image { durable, ..Image::default() });
    }

    /// A file that had been deleted is made anew under its name.
    pub(crate) fn made(&self, path: &Path) {
        if let Some(image) = self.state().files.get_mut(path).filter(|image| image.deleted) {
            *image = Image::default();
        }
    }

    pub(crate) fn changed(&self, path: &Path, change: Change) {
        if let Some(image) = self.state().files.get_mut(path) {
            image.changes.push(change);
        }
    }

    pub(crate) fn synced(&self, path: &Path, came_through: bool) {
        let (mut state, mut dice) = (self.state(), self.dice());
        if let Some(image) = state.files.get_mut(path) {
            if came_through { image.sync() } else { image.fail_sync(&mut dice) }
        }
    }

    /// Without a sync of its directory a deleted file may be there again after a power cut.
    pub(crate) fn deleted(&self, path: &Path, durably: bool) {
        let mut state = self.state();
        if durably {
            state.files.remove(path);
        } else if let Some(image) = state.files.get_mut(path) {
            image.changes.clear();
            image.deleted = true;
        }
    }

    /// Whether the power is off, so that a failed sync says nothing of the platter yet.
    pub(crate) fn is_dark(&self) -> bool {
        let state = self.state();
        state.struck && matches!(state.plan, Some((_, _, Effect::LosesPower)))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
