//! Nodes: `invite`, `revoke`, `nodes`. All of them work while the server runs.
//!
//! Deliberately absent: joining itself (`service::joining`) and what a revocation means for acts
//! under way (`registry`).

use dongbo_proto::catalogue::fold::fold;
use dongbo_proto::code::{CaPin, JoinCode};
use dongbo_proto::frame::Fork;
use dongbo_proto::id::{AuthorId, ScopeId};
use dongbo_proto::seam;
use dongbo_proto::stamp::UnixMs;
use serde::Serialize;

use super::args::{InviteArgs, RevokeArgs};
use super::context::Context;
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::text::{self, Grid};
use crate::registry;
use crate::store::rows::{AuthorRow, InviteRow, ScopeRow};
use crate::store::{ReadTx, StoreHandle, WriteTx};

const HOUR_MS: i64 = 3_600_000;

#[derive(Serialize)]
struct Invited<'a> {
    code: String,
    name: &'a str,
    scopes: Vec<&'a str>,
    expires_ms: UnixMs,
    expires: String,
}

/// Makes a one-time code and prints only it.
///
/// # Errors
/// An unknown scope or node, or the store's.
pub fn invite(ctx: &Context, args: &InviteArgs) -> Result<()> {
    let home = ctx.home()?;
    let ca = home.authority()?;
    let store = home.registry()?;
    let again = match &args.again {
        Some(text) => Some(find(&store, text)?),
        None => None,
    };
    let scopes = scopes(&store, &args.scopes, again.as_ref().map(|a| a.id))?;
    let secret = seam::bytes(ctx.entropy.as_ref());
    let code = JoinCode::new(secret, CaPin::of_certificate(ca.certificate()));
    let now_ms = ctx.now_ms();
    let known = again.as_ref().map(|a| a.name.clone());
    let first = scopes.first().map(|s| s.name.clone());
    let row = InviteRow {
        code_hash: code.secret_hash(),
        name: args.name.clone().or(known).or(first).unwrap_or_default(),
        scopes: scopes.iter().map(|s| s.id).collect(),
        again: again.map(|a| a.id),
        created_ms: now_ms,
        expires_ms: now_ms + i64::from(args.expires_hours) * HOUR_MS,
        used_by: None,
    };
    store.write_now(|tx: &mut dyn WriteTx| registry::invite(tx, &row))?;
    let invited = Invited {
        code: code.to_string(),
        name: &row.name,
        scopes: scopes.iter().map(|s| s.code.as_str()).collect(),
        expires_ms: row.expires_ms,
        expires: text::moment(row.expires_ms),
    };
    ctx.show(&invited, |_| invited.code.clone())
}

/// The scopes of some codes; those that a node has where none is named.
fn scopes(store: &StoreHandle, codes: &[String], of: Option<AuthorId>) -> Result<Vec<ScopeRow>> {
    store.read_now(|tx| {
        let mut found = Vec::new();
        for code in codes {
            found.push(scope(tx, code)?);
        }
        if let (true, Some(author)) = (codes.is_empty(), of) {
            for id in tx.grants(author)? {
                found.extend(tx.scope(id)?);
            }
        }
        found.sort_by_key(|s| s.id);
        found.dedup_by_key(|s| s.id);
        found.retain(|s| s.id != ScopeId::REFERENCE);
        Ok(found)
    })
}

/// The scope of a code. The reference is none that a node could be given or a record moved to:
/// everybody has it.
///
/// # Errors
/// There is none.
pub fn scope(tx: &dyn ReadTx, code: &str) -> Result<ScopeRow> {
    let found = tx.scope_of_code(code.trim())?.filter(|s| s.id != ScopeId::REFERENCE);
    found.ok_or_else(|| Fault::new(Exit::NotFound, "fault-no-such-scope").with("code", code))
}

/// The node of an id or a name.
fn find(store: &StoreHandle, text: &str) -> Result<AuthorRow> {
    let nodes = store.read_now(|tx| {
        let authors = tx.authors()?.into_iter();
        Ok::<_, Fault>(authors.filter(|a| !a.province).collect::<Vec<_>>())
    })?;
    if let Some(node) = text.parse().ok().and_then(|id| nodes.iter().find(|n| n.id == id)) {
        return Ok(node.clone());
    }
    let wanted = fold(text);
    let named: Vec<&AuthorRow> = nodes.iter().filter(|n| fold(&n.name) == wanted).collect();
    match named.as_slice() {
        [] => Err(Fault::new(Exit::NotFound, "fault-no-such-node").with("node", text)),
        [one] => Ok((*one).clone()),
        several => {
            let ids: Vec<String> = several.iter().map(|n| n.id.to_string()).collect();
            let fault = Fault::new(Exit::Refused, "fault-several-nodes").with("node", text);
            Err(fault.with("ids", ids.join(", ")))
        }
    }
}

#[derive(Serialize)]
struct Revoked<'a> {
    author: AuthorId,
    name: &'a str,
    revoked_ms: UnixMs,
}

/// Revokes a node. The server that runs acts on it within a second, on live connections too.
///
/// # Errors
/// An unknown node, or the store's.
pub fn revoke(ctx: &Context, args: &RevokeArgs) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let node = find(&store, &args.node)?;
    let now_ms = ctx.now_ms();
    store.write_now(|tx: &mut dyn WriteTx| registry::revoke(tx, node.id, now_ms))?;
    let revoked_ms = node.revoked_ms.unwrap_or(now_ms);
    let revoked = Revoked { author: node.id, name: &node.name, revoked_ms };
    ctx.show(&revoked, |words| {
        let key = if node.revoked_ms.is_some() { "revoke-before" } else { "revoke-done" };
        words.with(key, &[("name", &node.name), ("author", &node.id)])
    })
}

/// A node, as the lists show it.
#[derive(Serialize)]
pub struct Node {
    /// Its id.
    pub author: AuthorId,
    /// The node whose journal it goes on with, if its disk was put back or copied.
    pub goes_on_from: Option<AuthorId>,
    /// The last position that it shares with that.
    pub goes_on_behind: Option<u64>,
    /// What people call it.
    pub name: String,
    /// Codes of its scopes, the reference left out.
    pub scopes: Vec<String>,
    /// `good` or `deliver_only`.
    pub standing: &'static str,
    position: u64,
    merged: u64,
    held: u64,
    refused: u64,
    backed_up: u64,
    inbox_unheard: u64,
    joined_ms: UnixMs,
    last_contact_ms: Option<UnixMs>,
    last_complete_ms: Option<UnixMs>,
    revoked_ms: Option<UnixMs>,
    /// Whole days since it was last heard, or since it joined.
    pub silent_days: i64,
}

#[derive(Serialize)]
struct Open {
    name: String,
    scopes: Vec<String>,
    expires_ms: UnixMs,
    expires: String,
}

#[derive(Serialize)]
struct Nodes {
    nodes: Vec<Node>,
    invitations: Vec<Open>,
}

/// Lists the nodes, and the invitations that nobody has used yet.
///
/// # Errors
/// The store's.
pub fn list(ctx: &Context) -> Result<()> {
    let store = ctx.home()?.registry()?;
    let now_ms = ctx.now_ms();
    let (nodes, invitations) =
        store.read_now(|tx| Ok::<_, Fault>((all(tx, now_ms)?, open(tx, now_ms)?)))?;
    let list = Nodes { nodes, invitations };
    ctx.show(&list, |words| {
        let head =
            ["head-node", "head-name", "head-scopes", "head-standing", "head-acts", "head-contact"];
        let mut grid = Grid::new(words, &head);
        for node in &list.nodes {
            let contact = node.last_contact_ms.map_or_else(|| "–".to_owned(), text::moment);
            grid.row([
                node.author.to_string(),
                node.name.clone(),
                node.scopes.join(" "),
                words.get(if node.revoked_ms.is_some() {
                    "standing-revoked"
                } else {
                    "standing-good"
                }),
                format!("{} / {} / {}", node.merged, node.held, node.refused),
                contact,
            ]);
        }
        let mut shown = grid.or(words, "nodes-none");
        for one in &list.invitations {
            let args: [(&str, &dyn std::fmt::Display); 2] =
                [("name", &one.name), ("expires", &one.expires)];
            shown = format!("{shown}\n{}", words.with("nodes-invited", &args));
        }
        shown
    })
}

/// All nodes, by the time at which they joined.
///
/// # Errors
/// The store's.
pub fn all(tx: &dyn ReadTx, now_ms: UnixMs) -> Result<Vec<Node>> {
    let codes = text::Codes::read(tx)?;
    let mut nodes = Vec::new();
    for row in tx.authors()?.into_iter().filter(|a| !a.province) {
        let scopes = tx.grants(row.id)?;
        let fork = tx.fork(row.id)?.map(|row| row.fork);
        nodes.push(of_row(row, fork, codes.of(&scopes), now_ms));
    }
    Ok(nodes)
}

fn of_row(row: AuthorRow, fork: Option<Fork>, scopes: Vec<String>, now_ms: UnixMs) -> Node {
    let some = |ms: UnixMs| (ms > 0).then_some(ms);
    let heard = some(row.contact_ms).unwrap_or(row.joined_ms);
    Node {
        author: row.id,
        goes_on_from: fork.map(|fork| fork.parent),
        goes_on_behind: fork.map(|fork| fork.at),
        name: row.name,
        scopes,
        standing: if row.revoked_ms.is_some() { "deliver_only" } else { "good" },
        position: row.position,
        merged: row.merged,
        held: row.held,
        refused: row.refused,
        backed_up: row.backed_up,
        inbox_unheard: row.inbox.saturating_sub(row.inbox_confirmed),
        joined_ms: row.joined_ms,
        last_contact_ms: some(row.contact_ms),
        last_complete_ms: some(row.confirmed_ms),
        revoked_ms: row.revoked_ms,
        silent_days: text::days(now_ms.saturating_sub(heard)),
    }
}

fn open(tx: &dyn ReadTx, now_ms: UnixMs) -> Result<Vec<Open>> {
    let codes = text::Codes::read(tx)?;
    let invites = tx.invites()?.into_iter();
    let open = invites.filter(|i| i.used_by.is_none() && i.expires_ms > now_ms);
    Ok(open
        .map(|i| Open {
            scopes: codes.of(&i.scopes),
            name: i.name,
            expires_ms: i.expires_ms,
            expires: text::moment(i.expires_ms),
        })
        .collect())
}
