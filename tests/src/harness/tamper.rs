//! Hands on what they should not touch: copies of data directories, with something changed behind the program's back.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use dongbo_sqlite::rusqlite::{self, Connection};
use dongbo_sqlite::{Access, KeyFile, Knobs};

use super::process::Trouble;

/// Copies a data directory, with the rights of its files.
///
/// # Errors
/// Whatever the file system says.
pub fn copy_dir(from: &Path, to: &Path) -> Result<(), Trouble> {
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

/// The database of a data directory.
///
/// # Errors
/// When there is none.
pub fn database(dir: &Path) -> Result<PathBuf, Trouble> {
    let mut files = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    let found = files.find(|path| path.extension().is_some_and(|e| e == "db"));
    found.ok_or_else(|| Trouble(format!("no database in {}", dir.display())))
}

/// Changes one byte in the middle of the database.
///
/// # Errors
/// Whatever the file system says.
pub fn one_byte(dir: &Path) -> Result<(), Trouble> {
    let middle = fs::metadata(database(dir)?)?.len() / 2;
    byte_at(dir, middle)
}

/// Changes the byte of the database that is at a place.
///
/// # Errors
/// Whatever the file system says.
pub fn byte_at(dir: &Path, at: u64) -> Result<(), Trouble> {
    let mut file = OpenOptions::new().read(true).write(true).open(database(dir)?)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(&[byte[0] ^ 0x10])?)
}

/// Does something to the database with the key that lies beside it, as somebody could who has the machine.
///
/// # Errors
/// When it does not open, or SQLite refuses.
pub fn through_the_key(
    dir: &Path,
    hand: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), Trouble> {
    let trouble = |e: &dyn std::fmt::Display| Trouble(format!("{}: {e}", dir.display()));
    let key = KeyFile::open(&dir.join("key"), None).map_err(|e| trouble(&e))?;
    let path = database(dir)?;
    let open = |schema| dongbo_sqlite::open(&path, &key, schema, Knobs::NODE, Access::ReadWrite);
    let node = open(&dongbo_node::replica::SCHEMA);
    let db =
        node.or_else(|_| open(&dongbo_server::store::sqlite::SCHEMA)).map_err(|e| trouble(&e))?;
    hand(&db).map_err(|e| trouble(&e))?;
    // Into the file itself, so that what is copied or looked at next is what was done.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(|e| trouble(&e))
}
