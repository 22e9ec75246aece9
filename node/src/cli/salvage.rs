//! `salvage`: new data in the place of a damaged file, with every act that was not sent.

use dongbo_proto::code::JoinCode;
use serde_json::json;

use super::args::Salvage;
use super::shell::Shell;
use super::{Exit, out, sync};
use crate::office::{Result, join};

/// Salvages, and exchanges once.
pub fn run(shell: &mut Shell, args: Salvage) -> Result<Exit> {
    let code: JoinCode = args.code.parse()?;
    let passphrase = shell.passphrase()?;
    let passphrase = passphrase.as_ref().map(|p| p.as_str());
    let salvaging = join::salvage(shell.opener(), passphrase, args.server.as_deref(), &code);
    let (mut desk, salvaged) = shell.runtime()?.block_on(salvaging)?;
    if !shell.json {
        let count: [(&str, &dyn std::fmt::Display); 1] = [("count", &salvaged.acts)];
        out::line(&shell.words.with("salvage-done", &count));
        for path in &salvaged.aside {
            out::line(&shell.words.with("salvage-aside", &[("path", &path.display())]));
        }
    }
    let synced = (!args.no_sync).then(|| sync::exchange(shell, &mut desk));
    if shell.json {
        let report = synced.as_ref().and_then(|s| s.as_ref().ok());
        out::json(&json!({
            "acts": salvaged.acts,
            "aside": salvaged.aside,
            "sync": report.map(sync::Report::to_json),
        }));
    }
    match synced {
        None => Ok(Exit::Done),
        Some(Err(error)) => {
            out::note(&shell.say("salvage-first-sync-failed"));
            Err(error)
        }
        Some(Ok(report)) => {
            if !shell.json {
                report.print(shell);
            }
            Ok(report.exit())
        }
    }
}
