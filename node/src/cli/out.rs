//! Printing. A reader that went away (`| head`) is no fault of the command's.

use std::io::{self, IsTerminal, Write};

use serde_json::Value as Json;

/// Prints a line of text.
pub fn line(text: &str) {
    gone(writeln!(io::stdout().lock(), "{text}"));
}

/// Prints one JSON value on one line.
pub fn json(value: &Json) {
    line(&value.to_string());
}

/// Prints a line for people beside what goes to scripts.
pub fn note(text: &str) {
    gone(writeln!(io::stderr().lock(), "{text}"));
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
