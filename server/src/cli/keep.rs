//! Keeping: `verify`, `backup`, `restore`.
//!
//! A backup is one snapshot, taken while the server runs and verified before it has its name. A
//! restore puts the old database aside, never away, and begins a new epoch: nodes then know that
//! the province went back, and send again what it lost.

use std::fs;
use std::path::{Path, PathBuf};

use dongbo_proto::id::Epoch;
use dongbo_proto::seam;
use dongbo_proto::words::Words;
use dongbo_sqlite::backup::{self, Progress};
use dongbo_sqlite::files::{create_private, sync_parent, with_suffix};
use dongbo_sqlite::{Access, Existing};
use indicatif::ProgressBar;
use serde_json::json;

use super::args::{BackupArgs, RestoreArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::home::{Home, KEY_FILE};
use super::{progress, text};
use crate::ca::files::{
    CA_CERTIFICATE_FILE, CA_KEY_FILE, SERVER_CERTIFICATE_FILE, SERVER_KEY_FILE,
};
use crate::registry::{self, Finding};
use crate::store::rows::StandingRow;
use crate::store::sqlite::{SCHEMA, SqliteStore};
use crate::store::{Executor, StoreHandle, WriteTx};

/// Files that a backup is of no use without, or that are lost with the machine.
const BESIDE: [&str; 5] =
    [KEY_FILE, CA_CERTIFICATE_FILE, CA_KEY_FILE, SERVER_CERTIFICATE_FILE, SERVER_KEY_FILE];
/// What SQLite keeps beside a database.
const SIDES: [&str; 3] = ["", "-wal", "-shm"];

/// Checks everything; prints what it finds and ends with its own exit code if there is anything.
///
/// # Errors
/// A finding, or what stands in the way of looking.
pub fn verify(ctx: &Context) -> Result<()> {
    let home = ctx.home()?;
    let mut found = Vec::new();
    let pages_checked = match look(&home, &mut found) {
        Err(fault) if fault.key == "fault-damaged" => {
            let detail = fault.cause().unwrap_or_default().to_owned();
            found.push(Finding { code: "store", detail });
            false
        }
        other => other?,
    };
    let list: Vec<_> =
        found.iter().map(|f| json!({ "code": f.code, "detail": f.detail })).collect();
    let json =
        json!({ "sound": found.is_empty(), "pages_checked": pages_checked, "findings": list });
    ctx.show(&json, |words| {
        let mut lines: Vec<String> = found.iter().map(|f| sentence(words, f)).collect();
        if found.is_empty() {
            lines.push(words.get("verify-sound"));
        }
        if !pages_checked && found.is_empty() {
            lines.push(words.get("verify-no-pages"));
        }
        lines.join("\n")
    })?;
    if found.is_empty() {
        return Ok(());
    }
    Err(Fault::new(Exit::Findings, "fault-findings").with("count", found.len()))
}

/// A finding for a person; one of a later build by its code.
fn sentence(words: &Words, finding: &Finding) -> String {
    let key = format!("finding-{}", finding.code);
    let said = words.with(&key, &[("detail", &finding.detail)]);
    if said != key {
        return said;
    }
    words.with("finding-other", &[("code", &finding.code), ("detail", &finding.detail)])
}

/// Looks at pages, rows and chains. Says whether every page could be looked at: a server that runs
/// may be in the middle of writing some.
fn look(home: &Home, found: &mut Vec<Finding>) -> Result<bool> {
    let quiet = home.lock("verify");
    let store = home.store()?;
    let pages_checked = quiet.is_ok();
    if pages_checked {
        let pages = store.damaged_pages()?;
        found.extend(pages.into_iter().map(|detail| Finding { code: "store", detail }));
    }
    let handle = StoreHandle::new(store, Executor::Inline);
    found.extend(registry::verify(&handle)?);
    Ok(pages_checked)
}

/// Backs the registry up, whether it is served or not.
///
/// # Errors
/// The file is there already, cannot be written, or the registry is damaged.
pub fn backup(ctx: &Context, args: &BackupArgs) -> Result<()> {
    let home = ctx.home()?;
    let store = home.store()?;
    let existing = if args.replace { Existing::Replace } else { Existing::Refuse };
    let source = store.connection().map_err(|e| Fault::open(&home.database(), &e))?;
    let bar = progress::bar(1, &ctx.words.get("progress-backup"));
    let now_ms = ctx.now_ms();
    let copied = backup::backup(&source, store.key(), &SCHEMA, &args.file, existing, &mut |p| {
        advance(&bar, p)
    });
    bar.finish_and_clear();
    let written = copied.map_err(|e| Fault::copy(&args.file, &e))?;
    drop(source);
    let held = StoreHandle::new(read_only(&home, &args.file)?, Executor::Inline)
        .read_now(registry::positions)?;
    let store = StoreHandle::new(store, Executor::Inline);
    store.write_now(|tx: &mut dyn WriteTx| registry::mark_backed_up(tx, &held, now_ms))?;
    if let Some(dir) = &args.with_ca {
        copy_beside(&home, dir)?;
    }
    let json = json!({
        "file": args.file,
        "bytes": written.bytes,
        "backup_ms": now_ms,
        "keys_in": args.with_ca,
    });
    ctx.show(&json, |words| {
        let size = text::megabytes(written.bytes);
        let file = args.file.display();
        let mut said = words.with("backup-done", &[("path", &file), ("size", &size)]);
        said += "\n";
        match &args.with_ca {
            Some(dir) => said += &words.with("backup-keys", &[("path", &dir.display())]),
            None => said += &words.get("backup-keep-keys"),
        }
        said
    })
}

fn advance(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

fn read_only(home: &Home, file: &Path) -> Result<std::sync::Arc<SqliteStore>> {
    let store = SqliteStore::open(file, home.key()?, Access::ReadOnly);
    store.map(std::sync::Arc::new).map_err(|e| Fault::store(file, &e))
}

/// Copies the keys and certificates, each whole, over none.
fn copy_beside(home: &Home, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| Fault::file(dir, &e))?;
    for name in BESIDE {
        let (from, to) = (home.dir().join(name), dir.join(name));
        let bytes = fs::read(&from).map_err(|e| Fault::file(&from, &e))?;
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        create_private(&to, &bytes).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => Fault::new(Exit::Refused, "fault-exists").at(&to),
            _ => Fault::file(&to, &e),
        })?;
    }
    Ok(())
}

/// Puts a backup in the place of the registry and begins a new epoch.
///
/// # Errors
/// A server runs, the backup is not whole or of another province; then nothing was changed.
pub fn restore(ctx: &Context, args: &RestoreArgs) -> Result<()> {
    let home = ctx.home()?;
    let _lock = home.lock("restore")?;
    let key = home.key()?;
    let standing = standing_of_old(&home);
    let fresh = with_suffix(&home.database(), ".restored");
    remove_all(&fresh)?;
    let bar = progress::bar(1, &ctx.words.get("progress-restore"));
    let copied = backup::restore(&args.file, &key, &SCHEMA, &fresh, &mut |p| advance(&bar, p));
    bar.finish_and_clear();
    copied.map_err(|e| Fault::copy(&args.file, &e))?;
    let epoch = Epoch(seam::bytes(ctx.entropy.as_ref()));
    let begun = begin(ctx, &home, &fresh, epoch, &standing);
    let (parent, adopted) = match begun {
        Ok(begun) => begun,
        Err(fault) => {
            remove_all(&fresh)?;
            return Err(fault);
        }
    };
    let aside = swap(ctx, &home, &fresh)?;
    let json = json!({
        "restored": args.file,
        "epoch": epoch.to_string(),
        "parent": parent.to_string(),
        "old_database": aside,
        "standing_lines_adopted": adopted,
    });
    ctx.show(&json, |words| {
        let file = args.file.display();
        let mut lines = vec![words.with("restore-done", &[("path", &file), ("epoch", &epoch)])];
        if let Some(aside) = &aside {
            lines.push(words.with("restore-aside", &[("path", &aside.display())]));
        }
        if adopted > 0 {
            lines.push(words.with("restore-standing", &[("lines", &adopted)]));
        }
        lines.push(words.get("restore-next"));
        lines.join("\n")
    })
}

/// The standing list of the database that is replaced, as far as it can still be read.
fn standing_of_old(home: &Home) -> Vec<StandingRow> {
    let read = || -> Result<Vec<StandingRow>> {
        let store = StoreHandle::new(home.store()?, Executor::Inline);
        Ok(store.read_now(|tx| registry::standing_since(tx, 0))?)
    };
    read().unwrap_or_default()
}

/// Begins the epoch in the restored file, before it takes its place: there is no moment at which
/// it could be served in the old one.
fn begin(
    ctx: &Context,
    home: &Home,
    fresh: &Path,
    epoch: Epoch,
    standing: &[StandingRow],
) -> Result<(Epoch, usize)> {
    let store = SqliteStore::open(fresh, home.key()?, Access::ReadWrite);
    let store = store.map(std::sync::Arc::new).map_err(|e| Fault::store(fresh, &e))?;
    let now_ms = ctx.now_ms();
    StoreHandle::new(store, Executor::Inline).write_now(|tx: &mut dyn WriteTx| {
        let parent = registry::epoch(tx.reading())?.epoch;
        let adopted = registry::adopt_standing(tx, standing)?;
        registry::begin_epoch(tx, epoch, now_ms)?;
        Ok::<_, Fault>((parent, adopted))
    })
}

/// Puts the old database aside and the new one in its place. Between the two there is none, which
/// every command says; the backup is still there, so the way out is the same command again.
fn swap(ctx: &Context, home: &Home, fresh: &Path) -> Result<Option<PathBuf>> {
    let database = home.database();
    let aside = with_suffix(&database, &format!(".before-{}", ctx.now_ms()));
    let mut moved = None;
    for side in SIDES {
        let (from, to) = (with_suffix(&database, side), with_suffix(&aside, side));
        if from.exists() {
            fs::rename(&from, &to).map_err(|e| Fault::file(&from, &e))?;
            moved = Some(aside.clone());
        }
    }
    for side in SIDES {
        let (from, to) = (with_suffix(fresh, side), with_suffix(&database, side));
        if from.exists() {
            fs::rename(&from, &to).map_err(|e| Fault::file(&from, &e))?;
        }
    }
    sync_parent(&database).map_err(|e| Fault::file(&database, &e))?;
    Ok(moved)
}

fn remove_all(database: &Path) -> Result<()> {
    for side in SIDES {
        let path = with_suffix(database, side);
        dongbo_sqlite::files::remove_if_there(&path).map_err(|e| Fault::file(&path, &e))?;
    }
    Ok(())
}
