//! `export`: writes records out, each with its version.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;

use dongbo_sqlite::files::{new_private, partial_name, remove_if_there, sync_parent};
use serde_json::json;

use super::args::Export;
use super::shell::Shell;
use super::{Exit, out};
use crate::office::export::export;
use crate::office::form::kind_named;
use crate::office::{Desk, Result};

/// Writes records out.
pub fn run(shell: &mut Shell, args: Export) -> Result<Exit> {
    let desk = shell.open()?;
    let Some(path) = &args.out else {
        let mut to = BufWriter::new(stdout().lock());
        write(&desk, &args.kind, &mut to)?;
        return Ok(Exit::Done);
    };
    let written = to_file(&desk, &args.kind, path)?;
    if shell.json {
        out::json(&json!({ "records": written, "file": path }));
    } else {
        let args: [(&str, &dyn std::fmt::Display); 2] =
            [("count", &written), ("file", &path.display())];
        out::line(&shell.words.with("export-done", &args));
    }
    Ok(Exit::Done)
}

/// The file has its name only when it is whole.
fn to_file(desk: &Desk, kinds: &[String], path: &Path) -> Result<u64> {
    let partial = partial_name(path);
    remove_if_there(&partial)?;
    let file: File = new_private(&partial)?;
    let mut to = BufWriter::new(file);
    let written = write(desk, kinds, &mut to)?;
    to.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_parent(path)?;
    Ok(written)
}

fn write(desk: &Desk, kinds: &[String], to: &mut dyn Write) -> Result<u64> {
    let mut written = 0;
    for name in kinds {
        written += export(desk, kind_named(name)?, to)?;
    }
    Ok(written)
}
