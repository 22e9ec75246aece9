//! `digest`: one number for each scope; equal numbers are equal records.

use serde_json::{Value as Json, json};

use super::shell::Shell;
use super::table::table;
use super::{Exit, out};
use crate::office::Result;
use crate::office::standing::scope_word;

/// Prints the digests.
pub fn run(shell: &mut Shell) -> Result<Exit> {
    let desk = shell.open()?;
    let scopes = desk.replica.status()?.scopes;
    if shell.json {
        let scope = |s: &crate::replica::ScopeState| {
            json!({
                "scope": s.grant.scope.0,
                "code": s.grant.code,
                "state": scope_word(s),
                "revision": s.visible,
                "chain": s.chain,
                "digest": s.digest.to_string(),
            })
        };
        out::json(&Json::Array(scopes.iter().map(scope).collect()));
        return Ok(Exit::Done);
    }
    let head = ["col-code", "col-name", "col-revision", "col-digest"];
    let mut rows = table(head.map(|key| shell.say(key)));
    for s in &scopes {
        rows.add_row([
            s.grant.code.clone(),
            s.grant.name.clone(),
            s.visible.to_string(),
            s.digest.to_string(),
        ]);
    }
    out::line(&rows.to_string());
    Ok(Exit::Done)
}
