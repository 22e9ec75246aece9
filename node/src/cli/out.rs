//! Printing. A reader that went away (`| head`) is no fault of the command's.

use std::io::{self, IsTerminal, Write};

use dongbo_proto::catalogue::text::visible;
use serde_json::Value as Json;

/// Prints text, whoever wrote what is in it.
pub fn line(text: &str) {
    gone(writeln!(io::stdout().lock(), "{}", visible(text)));
}

/// Prints one JSON value on one line.
pub fn json(value: &Json) {
    gone(writeln!(io::stdout().lock(), "{value}"));
}

/// Prints text for people beside what goes to scripts.
pub fn note(text: &str) {
    gone(writeln!(io::stderr().lock(), "{}", visible(text)));
}

/// Prints one JSON value beside what goes to scripts.
pub fn note_json(value: &Json) {
    gone(writeln!(io::stderr().lock(), "{value}"));
}

/// Whether a person looks at the progress.
pub fn someone_looks() -> bool {
    io::stderr().is_terminal()
}

fn gone(written: io::Result<()>) {
    if written.is_err() {
        std::process::exit(0);
    }
}
