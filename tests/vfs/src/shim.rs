//! The table of C functions that SQLite calls, each of which asks the disk and passes the call on.
//!
//! A file of ours is a header in front of the file of the system's own; SQLite gives the room for
//! both. Real syncs are left out: durability is what the [`Disk`](crate::Disk) says it is, and a test
//! that waits for the platter of its own machine would take minutes.

#![allow(unsafe_code, reason = "SQLite takes a file system only as a table of C functions")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Once, OnceLock};

use dongbo_sqlite::rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::disk::{Call, Disk, under};
use crate::image::Change;

/// What is known of an open file on one of our disks.
struct Watched {
    disk: Arc<Disk>,
    path: PathBuf,
}

#[repr(C)]
struct Header {
    base: sqlite3_file,
    /// Null for a file that is on none of our disks.
    watched: *mut Watched,
}

/// The system's own file system, for the life of the process.
struct System(*mut sqlite3_vfs);
// SAFETY: SQLite's own table, which it shares between threads and never changes.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Without the calls of version 3: pages are never mapped.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Puts the shim in front of the system's file system, once in a process, before anything is opened.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        dongbo_sqlite::start();
        // SAFETY: `sqlite3_vfs_find` gives a table that lives as long as the process. Ours is a copy
        // of it with two calls exchanged, leaked for the same life, and registered once. The calls
        // that are copied ignore which table they are called through (`os_unix.c`).
        unsafe {
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!system.is_null(), "SQLite has no file system");
            let _ = SYSTEM.set(System(system));
            let mut ours = *system;
            ours.szOsFile += size_of::<Header>() as c_int;
            ours.zName = c"breaking".as_ptr();
            ours.pNext = std::ptr::null_mut();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            let ours = Box::leak(Box::new(ours));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
        }
    });
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().expect("the shim is called only once it is installed").0
}

/// The path of a name that SQLite gives.
///
/// # Safety
/// `name` is null or a C string.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    let name = unsafe { CStr::from_ptr(name) };
    name.to_str().ok().map(PathBuf::from)
}

/// The system's file behind a header of ours.
///
/// # Safety
/// `file` was opened, or is being opened, by [`open`].
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: SQLite gave `szOsFile` bytes, which are the header's and then the system's.
    unsafe { file.cast::<Header>().add(1).cast() }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed; the answer is not kept.
unsafe fn watched<'a>(file: *mut sqlite3_file) -> Option<&'a Watched> {
    // SAFETY: the header was written by `open`; what it points to is freed by `close` only.
    unsafe { (*file.cast::<Header>()).watched.as_ref() }
}

/// Counts a call on a file, if it is on a disk of ours.
///
/// # Safety
/// As [`watched`].
unsafe fn before(file: *mut sqlite3_file, call: Call) -> Result<(), c_int> {
    // SAFETY: the caller's.
    unsafe { watched(file) }.map_or(Ok(()), |w| w.disk.before(call))
}

/// Passes a call on to the system's file.
macro_rules! pass {
    ($file:expr, $call:ident $(, $arg:expr)*) => {{
        let real = real($file);
        ((*(*real).pMethods).$call.expect("the system's files have every call"))(real $(, $arg)*)
    }};
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with a name that is null or a string, and room for `szOsFile` bytes;
    // the system's call gets its own part of that room. Without methods SQLite does not close it.
    unsafe {
        let header = file.cast::<Header>();
        (*header).base.pMethods = std::ptr::null();
        (*header).watched = std::ptr::null_mut();
        let on = path_of(name).and_then(|path| Some((under(&path)?, path)));
        if let Some((disk, path)) = &on {
            if let Err(code) = disk.before(Call::Open) {
                return code;
            }
            disk.opening(path);
        }
        let vfs = system();
        let opened = ((*vfs).xOpen.expect("it opens"))(vfs, name, real(file), flags, out);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        if let Some((disk, path)) = on {
            disk.made(&path);
            (*header).watched = Box::into_raw(Box::new(Watched { disk, path }));
        }
        (*header).base.pMethods = &METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite calls this with a string.
    unsafe {
        let on = path_of(name).and_then(|path| Some((under(&path)?, path)));
        if let Some((disk, _)) = &on
            && let Err(code) = disk.before(Call::Delete)
        {
            return code;
        }
        let vfs = system();
        let done = ((*vfs).xDelete.expect("it deletes"))(vfs, name, 0);
        if let Some((disk, path)) = on.filter(|_| done == ffi::SQLITE_OK) {
            disk.deleted(&path, sync_dir != 0);
        }
        done
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, after everything else.
    unsafe {
        let closed = pass!(file, xClose);
        let watched =
            std::mem::replace(&mut (*file.cast::<Header>()).watched, std::ptr::null_mut());
        if !watched.is_null() {
            drop(Box::from_raw(watched));
        }
        closed
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite's arguments are passed on as they are.
    unsafe {
        if let Err(code) = before(file, Call::Read) {
            return code;
        }
        pass!(file, xRead, to, amount, at)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite's arguments are passed on as they are; `from` holds `amount` bytes.
    unsafe {
        if let Err(code) = before(file, Call::Write) {
            return code;
        }
        let done = pass!(file, xWrite, from, amount, at);
        if let Some(w) = watched(file).filter(|_| done == ffi::SQLITE_OK) {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), amount as usize);
            w.disk.changed(&w.path, Change::Write(at as usize, bytes.to_vec()));
        }
        done
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    // SAFETY: SQLite's arguments are passed on as they are.
    unsafe {
        if let Err(code) = before(file, Call::Truncate) {
            return code;
        }
        let done = pass!(file, xTruncate, length);
        if let Some(w) = watched(file).filter(|_| done == ffi::SQLITE_OK) {
            w.disk.changed(&w.path, Change::Truncate(length as usize));
        }
        done
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: an open file of ours, or one that the system may sync.
    unsafe {
        let Some(w) = watched(file) else { return pass!(file, xSync, flags) };
        match w.disk.before(Call::Sync) {
            Ok(()) => {
                w.disk.synced(&w.path, true);
                ffi::SQLITE_OK
            }
            Err(code) => {
                if !w.disk.is_dark() {
                    w.disk.synced(&w.path, false);
                }
                code
            }
        }
    }
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xFileSize, size) }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xLock, level) }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xUnlock, level) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xCheckReservedLock, out) }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xFileControl, op, arg) }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xDeviceCharacteristics) }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xShmMap, page, size, extend, out) }
}

unsafe extern "C" fn shm_lock(
    file: *mut sqlite3_file,
    offset: c_int,
    n: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xShmLock, offset, n, flags) }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: passed on.
    unsafe { pass!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: passed on.
    unsafe { pass!(file, xShmUnmap, delete) }
}
