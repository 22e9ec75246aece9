//! `init`: makes a province, wholly or not at all.
//!
//! Everything is made in a directory beside the target, which takes the target's name as the last
//! step. A fault on the way, or a wrong cell in a table, leaves nothing behind.

pub mod units;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dongbo_proto::act::Intent;
use dongbo_proto::id::Epoch;
use dongbo_proto::seam;
use dongbo_sqlite::files::{partial_name, sync_dir, sync_parent};
use dongbo_sqlite::lock::LOCK_FILE;
use dongbo_sqlite::{Access, DirLock, KeyFile, keyfile::Protection};
use serde::Serialize;

use super::args::InitArgs;
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::home::{DATABASE_FILE, Home, KEY_FILE, signer};
use super::table::Table;
use super::{progress, work};
use crate::ca::files::{
    CA_CERTIFICATE_FILE, CA_KEY_FILE, SERVER_CERTIFICATE_FILE, SERVER_KEY_FILE,
};
use crate::ca::{CA_VALIDITY_S, Ca};
use crate::registry;
use crate::store::{StoreHandle, WriteTx};
use units::Reference;

/// The note that keeps the names in the server's certificate, for its renewal.
pub const NAMES_NOTE: &str = "names";
/// What a leftover of an `init` that was cut off may contain; anything else is not ours to remove.
const LEFTOVERS: [&str; 7] = [
    LOCK_FILE,
    KEY_FILE,
    DATABASE_FILE,
    CA_CERTIFICATE_FILE,
    CA_KEY_FILE,
    SERVER_CERTIFICATE_FILE,
    SERVER_KEY_FILE,
];

#[derive(Serialize)]
struct Made<'a> {
    data: &'a Path,
    province: &'a str,
    epoch: String,
    scopes: usize,
    units: usize,
    villages: usize,
    authority_fingerprint: String,
    ignored_columns: &'a [String],
}

/// Makes a province.
///
/// # Errors
/// Anything that is wrong with the tables, the name or the directory; then nothing was made.
pub fn run(ctx: &Context, args: &InitArgs) -> Result<()> {
    let dir = &tidy(ctx.data()?);
    refuse_occupied(dir)?;
    let units = Table::read(&args.units)?;
    let villages = args.villages.as_deref().map(Table::read).transpose()?;
    let reference = Reference::of(&units, villages.as_ref())?;
    let site = Site::begin(dir)?;
    let (ca, epoch) = build(ctx, &site.dir, args, &reference)?;
    site.publish(dir)?;
    let counts = reference.counts();
    let made = Made {
        data: dir,
        province: &args.province,
        epoch: epoch.to_string(),
        scopes: counts.scopes,
        units: counts.units,
        villages: counts.villages,
        authority_fingerprint: data_encoding::HEXLOWER.encode(&ca.fingerprint()),
        ignored_columns: &reference.ignored,
    };
    ctx.show(&made, |words| {
        let mut text = words.with(
            "init-done",
            &[
                ("province", &args.province),
                ("path", &dir.display()),
                ("units", &counts.units),
                ("villages", &counts.villages),
                ("scopes", &counts.scopes),
            ],
        );
        if !reference.ignored.is_empty() {
            text += "\n";
            text += &words.with("init-ignored", &[("columns", &reference.ignored.join(", "))]);
        }
        text
    })
}

/// Without a slash at its end, and whole where it is there: names are made of it.
fn tidy(dir: &Path) -> PathBuf {
    fs::canonicalize(dir).unwrap_or_else(|_| dir.components().collect())
}

/// An empty directory may be filled; anything else that is there stays as it is.
fn refuse_occupied(dir: &Path) -> Result<()> {
    match fs::read_dir(dir).map(Iterator::count) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Fault::file(dir, &e)),
        Ok(0) => Ok(()),
        Ok(_) => Err(Fault::new(Exit::Refused, "fault-province-exists").at(dir)),
    }
}

fn build(ctx: &Context, dir: &Path, args: &InitArgs, reference: &Reference) -> Result<(Ca, Epoch)> {
    let passphrase = ctx.passphrase()?;
    let protection = passphrase.as_deref().map_or(Protection::File, Protection::Passphrase);
    let key_path = dir.join(KEY_FILE);
    KeyFile::create(&key_path, protection, &mut |bytes: &mut [u8]| ctx.entropy.fill(bytes))
        .map_err(|e| Fault::key(&key_path, &e))?;
    let now_s = ctx.now_ms() / 1_000;
    let ca = Ca::create(&args.province, CA_VALIDITY_S, now_s)?;
    ca.save(dir)?;
    let identity = ca.server_identity(dir, &args.names, now_s)?;
    let home = Home::open(dir, passphrase)?;
    let store = home.store_for(Access::Create)?;
    let store = StoreHandle::new(store, crate::store::Executor::Inline);
    let epoch = Epoch(seam::bytes(ctx.entropy.as_ref()));
    found(ctx, &store, args, reference, epoch)?;
    fill(ctx, &store, reference, &work::author(ctx, signer(&identity)?))?;
    Ok((ca, epoch))
}

fn found(
    ctx: &Context,
    store: &StoreHandle,
    args: &InitArgs,
    reference: &Reference,
    epoch: Epoch,
) -> Result<()> {
    let now_ms = ctx.now_ms();
    let names = args.names.join(",");
    store.write_now(|tx: &mut dyn WriteTx| {
        registry::found(tx, &args.province, epoch, now_ms)?;
        registry::make_scopes(tx, &reference.scopes)?;
        tx.put_note(NAMES_NOTE, names.as_bytes())?;
        Ok::<_, registry::Error>(())
    })?;
    Ok(())
}

fn fill(
    ctx: &Context,
    store: &StoreHandle,
    reference: &Reference,
    province: &registry::Province,
) -> Result<()> {
    let now_ms = ctx.now_ms();
    let ops = reference.writes(&mut || work::new_id(ctx.entropy.as_ref(), now_ms))?;
    let bar = progress::bar(ops.len() as u64, &ctx.words.get("progress-units"));
    let job = work::Job::new(ctx, Intent::Change, None);
    let groups = work::groups(ops);
    let of = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let deeds = job.deeds(groups, 0, of);
    work::carry_out(store, province, &deeds, now_ms, &mut |n| bar.inc(n))?;
    bar.finish_and_clear();
    Ok(())
}

/// The directory in which a province is made; removed again unless it is published.
struct Site {
    dir: PathBuf,
    published: bool,
    /// Says to a second `init` that this one is under way; the lock moves with the directory.
    _lock: DirLock,
}

impl Site {
    fn begin(target: &Path) -> Result<Self> {
        let dir = partial_name(target);
        if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|e| Fault::file(parent, &e))?;
        }
        match private_dir(&dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => clear_leftover(&dir)?,
            other => other.map_err(|e| Fault::file(&dir, &e))?,
        }
        let lock = DirLock::acquire(&dir, "init", Duration::ZERO);
        let lock = lock.map_err(|e| Fault::lock(&dir, &e))?;
        Ok(Site { dir, published: false, _lock: lock })
    }

    fn publish(mut self, target: &Path) -> Result<()> {
        let at = |e: io::Error| Fault::file(target, &e);
        sync_dir(&self.dir).map_err(at)?;
        fs::rename(&self.dir, target).map_err(at)?;
        self.published = true;
        sync_parent(target).map_err(at)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is known as a leftover at the next try.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Empties what an `init` that was cut off left, and nothing that anybody else put there.
fn clear_leftover(dir: &Path) -> Result<()> {
    let at = |e: io::Error| Fault::file(dir, &e);
    let lock = DirLock::acquire(dir, "init", Duration::ZERO);
    drop(lock.map_err(|e| Fault::lock(dir, &e))?);
    let entries: Result<Vec<_>> =
        fs::read_dir(dir).map_err(at)?.map(|e| e.map(|e| e.path()).map_err(at)).collect();
    let entries = entries?;
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let ours = |path: &PathBuf| {
        name(path).is_some_and(|n| LEFTOVERS.iter().any(|known| n.starts_with(known)))
    };
    if !entries.iter().all(ours) {
        return Err(Fault::new(Exit::Refused, "fault-province-exists").at(dir));
    }
    entries.iter().try_for_each(|path| fs::remove_file(path).map_err(at))
}

#[cfg(unix)]
fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Elsewhere the directory above decides who may read.
#[cfg(not(unix))]
fn private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)
}
