//! The catalogue of states as Markdown: `proto/docs/STATES.md` is exactly this text, and a test holds
//! the two together.

use std::fmt::Write;

use super::{Side, State};
use crate::words::{Lang, Words};

const HEAD: &str = "\
# States, and the way out of each

Made from `proto/src/states.rs` and `proto/words`; do not edit (`DONGBO_BLESS=1 cargo test -p dongbo-proto states` \
writes it).

`dongbo-node status` and `dongbo-server status` name the states that hold now, under `states` with `--json`; a \
refused command names its state in the JSON of its error. Names are stable. *Passing* goes by itself, *attention* \
means that work goes on and a person should look, *stopped* that something waits for a person.
";

const PARTS: [(Side, &str); 3] = [
    (Side::Node, "In the office (`dongbo-node`)"),
    (Side::Server, "At the province (`dongbo-server`)"),
    (Side::Both, "On either side"),
];

/// The whole document.
#[must_use]
pub fn markdown() -> String {
    let (vi, en) = (Words::new(Lang::Vi, "", ""), Words::new(Lang::En, "", ""));
    let mut out = HEAD.to_owned();
    for (side, title) in PARTS {
        let head = "| state | | what is the matter | the way out |\n| --- | --- | --- | --- |";
        put(&mut out, format_args!("\n## {title}\n\n{head}\n"));
        for state in State::ALL.iter().filter(|state| state.side() == side) {
            let said = |key: &str| format!("{}<br>*{}*", vi.get(key), en.get(key));
            put(
                &mut out,
                format_args!(
                    "| `{}` | {} | {} | {} |\n",
                    state.name(),
                    state.severity().word(),
                    said(state.sentence()),
                    said(state.way_out()),
                ),
            );
        }
    }
    out
}

/// Writing to a string does not fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
