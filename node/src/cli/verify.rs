//! `verify`: everything that can be checked on this machine, and what does not hold.

use serde_json::{Value as Json, json};

use super::shell::Shell;
use super::{Exit, out};
use crate::office::Result;
use crate::replica::Finding;

/// Checks everything.
pub fn run(shell: &mut Shell) -> Result<Exit> {
    let mut desk = shell.open()?;
    let found = desk.replica.verify()?;
    if shell.json {
        let finding = |f: &Finding| json!({ "check": f.code, "where": f.detail, "message": sentence(shell, f) });
        out::json(&json!({
            "sound": found.is_empty(),
            "findings": found.iter().map(finding).collect::<Vec<Json>>(),
        }));
    } else if found.is_empty() {
        out::line(&shell.say("verify-sound"));
    } else {
        for finding in &found {
            out::line(&format!("✗ {}", sentence(shell, finding)));
        }
        out::line(&shell.words.with("verify-found", &[("count", &found.len())]));
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::NotInStep })
}

fn sentence(shell: &Shell, finding: &Finding) -> String {
    shell.words.with(&format!("found-{}", finding.code), &[("where", &finding.detail)])
}
