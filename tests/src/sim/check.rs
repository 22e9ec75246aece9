//! What must hold at any moment, looked at between two steps, whatever is down or cut: saved stays
//! saved, acknowledged stays acknowledged, journals have no gap, and the equation adds up.
//!
//! And the one question that ends healing: is everyone in step?

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Once;

use dongbo_node::replica::Replica;
use dongbo_node::session::Facts;
use dongbo_proto::fate::SCOPE_BORN;
use dongbo_proto::id::{AuthorId, Epoch, ScopeId};
use dongbo_server::registry::{self, Error};
use dongbo_server::store::{ReadTx, StoreHandle};

use super::world::{Node, Shared};

/// Rows that are read at once.
const ROWS_MAX: usize = 4_096;

/// In one epoch, of one disk, under one id.
type Life = (Option<Epoch>, u32, Option<AuthorId>);

/// What was seen before, below which nothing may fall.
pub struct Seen {
    positions: BTreeMap<AuthorId, u64>,
    revisions: BTreeMap<ScopeId, u64>,
    /// Of each node, with the epoch in which.
    acknowledged: Vec<(Life, u64)>,
    /// Rewinds of the province seen.
    rewinds: u32,
}

impl Seen {
    /// Nothing, of so many nodes.
    pub fn new(nodes: usize) -> Self {
        let acknowledged = vec![((None, 0, None), 0); nodes];
        Seen { positions: BTreeMap::new(), revisions: BTreeMap::new(), acknowledged, rewinds: 0 }
    }
}

/// Everything that holds at any moment.
pub fn anytime(world: &Shared, seen: &mut Seen) {
    let elapsed_ms = i64::try_from(world.elapsed.get().as_millis()).unwrap_or(i64::MAX);
    world.server.clock.elapsed_is(elapsed_ms);
    world.nodes.iter().for_each(|n| n.clock.elapsed_is(elapsed_ms));
    if seen.rewinds != world.server.rewinds.get() {
        *seen = Seen { rewinds: world.server.rewinds.get(), ..Seen::new(world.nodes.len()) };
    }
    let store = world.server.desk.borrow().clone();
    if let Some(store) = &store {
        world.check("anytime_journal_has_no_gap", journals(store, seen));
        world.check("anytime_feeds_have_no_gap", feeds(store, seen));
    }
    for (at, node) in world.nodes.iter().enumerate() {
        let office = node.office.borrow();
        let Some(replica) = office.as_ref() else { continue };
        let facts = match replica.facts() {
            Ok(facts) => facts,
            Err(e) => return world.fail(format_args!("{}: facts: {e:?}", node.name)),
        };
        world.check("anytime_saved_is_kept", saved(node, &facts));
        world.check(
            "anytime_acknowledged_only_grows",
            grows(node, &facts, &mut seen.acknowledged[at]),
        );
        world.check("anytime_equation_adds_up", equation(node, replica, &facts));
        if let Some(store) = store.as_ref().filter(|store| agree(world, store, &facts)) {
            world.check("anytime_acknowledged_is_at_the_province", arrived(store, node, &facts));
        }
    }
}

/// What a closure says of a snapshot, with a failure of the store as a finding.
pub fn look<T>(
    store: &StoreHandle,
    look: impl FnOnce(&dyn ReadTx) -> Result<T, Error>,
) -> Result<T, String> {
    store.read_now(look).map_err(|e| format!("the registry cannot be read: {e:?}"))
}

fn journals(store: &StoreHandle, seen: &mut Seen) -> Result<(), String> {
    let authors = look(store, |tx| Ok(tx.authors()?))?;
    for author in authors {
        let forked = look(store, |tx| Ok(tx.fork(author.id)?))?.map_or(0, |row| row.fork.at);
        let before = seen.positions.entry(author.id).or_insert(forked);
        if author.position < *before {
            return Err(format!(
                "author {} went back from {before} to {}",
                author.id, author.position
            ));
        }
        let frames = look(store, |tx| Ok(tx.frames_after(author.id, *before, ROWS_MAX)?))?;
        for frame in frames {
            if frame.first != *before + 1 {
                return Err(format!(
                    "author {} has a frame at {} after {before}",
                    author.id, frame.first
                ));
            }
            *before = frame.first + u64::from(frame.count) - 1;
        }
        if *before != author.position {
            return Err(format!(
                "author {} ends at {} with frames to {before}",
                author.id, author.position
            ));
        }
    }
    Ok(())
}

fn feeds(store: &StoreHandle, seen: &mut Seen) -> Result<(), String> {
    for scope in look(store, |tx| Ok(tx.scopes()?))? {
        let before = seen.revisions.entry(scope.id).or_insert(SCOPE_BORN);
        if scope.revision < *before {
            return Err(format!(
                "scope {} went back from {before} to {}",
                scope.id, scope.revision
            ));
        }
        for line in look(store, |tx| Ok(tx.feed_after(scope.id, *before, ROWS_MAX)?))? {
            if line.from != *before || line.to <= line.from {
                return Err(format!(
                    "scope {} has a line {}..{} after {before}",
                    scope.id, line.from, line.to
                ));
            }
            *before = line.to;
        }
        if *before != scope.revision {
            return Err(format!(
                "scope {} is at {} with a feed to {before}",
                scope.id, scope.revision
            ));
        }
    }
    Ok(())
}

fn saved(node: &Node, facts: &Facts) -> Result<(), String> {
    let told = node.told.get();
    if facts.position == told {
        return Ok(());
    }
    Err(format!("{} was told that {told} acts are saved and holds {}", node.name, facts.position))
}

/// In one epoch: in the next, what the province lost counts as not acknowledged.
fn grows(node: &Node, facts: &Facts, (life, before): &mut (Life, u64)) -> Result<(), String> {
    let now = (facts.epoch, node.rewinds.get(), Some(facts.author));
    if *life != now {
        (*life, *before) = (now, 0);
    }
    if facts.acknowledged < *before || facts.acknowledged > facts.position {
        return Err(format!(
            "{}: acknowledged went from {before} to {}",
            node.name, facts.acknowledged
        ));
    }
    *before = facts.acknowledged;
    Ok(())
}

fn equation(node: &Node, replica: &Replica, facts: &Facts) -> Result<(), String> {
    let sum = replica.equation().map_err(|e| format!("{}: {e:?}", node.name))?;
    if sum.holds() && sum.entered == facts.position {
        return Ok(());
    }
    Err(format!("{}: {sum:?} at position {}", node.name, facts.position))
}

/// Whether a node and the province are in one epoch, in which the province did not go back.
fn agree(world: &Shared, store: &StoreHandle, facts: &Facts) -> bool {
    let epoch = look(store, registry::epoch).ok().map(|row| row.epoch);
    facts.epoch == epoch && world.server.rewound_in.get() != epoch
}

/// What a node believes acknowledged is in the province's journal, with the same chain.
fn arrived(store: &StoreHandle, node: &Node, facts: &Facts) -> Result<(), String> {
    let (author, position) = (facts.author, facts.acknowledged);
    // A fork is kept here before the province hears of it.
    if look(store, |tx| Ok(tx.author(author)?))?.is_none() {
        return Ok(());
    }
    let held = look(store, |tx| registry::chain_at(tx, author, position))?;
    if held == Some(facts.acknowledged_head) {
        return Ok(());
    }
    Err(format!(
        "{}: position {position} is acknowledged, and the province has {held:?} there",
        node.name
    ))
}

/// Whether everyone has heard everything: outboxes empty, digests and revisions equal.
pub fn all_in_step(world: &Shared) -> bool {
    let Some(store) = world.server.desk.borrow().clone() else { return false };
    world.nodes.iter().all(|node| apart(&store, node).is_none())
}

/// In what way a node is not in step.
fn apart(store: &StoreHandle, node: &Node) -> Option<String> {
    if node.calm_talks.borrow().is_empty() {
        return Some("no conversation has come to its end".into());
    }
    let office = node.office.borrow();
    let Some(replica) = office.as_ref() else { return Some("is down".into()) };
    let facts = match replica.facts() {
        Ok(facts) => facts,
        Err(e) => return Some(format!("{e:?}")),
    };
    if facts.acknowledged < facts.position {
        return Some(format!("{} of {} acts acknowledged", facts.acknowledged, facts.position));
    }
    let marks = replica.digests().ok()?;
    for mark in &marks {
        let scope = look(store, |tx| Ok(tx.scope(mark.scope)?)).ok()??;
        if (scope.revision, scope.digest, scope.chain) != (mark.revision, mark.digest, mark.chain) {
            return Some(format!(
                "scope {} is at {} {}, the province at {} {}",
                mark.scope, mark.revision, mark.digest, scope.revision, scope.digest
            ));
        }
    }
    (marks.len() != node.scopes.len() + 1).then(|| format!("holds {} scopes", marks.len()))
}

/// Where everyone stands, for a failure's report.
pub fn state(world: &Shared) -> String {
    let Some(store) = world.server.desk.borrow().clone() else {
        return "the server is down".into();
    };
    let of = |node: &Node| {
        let what = apart(&store, node).unwrap_or_else(|| "in step".into());
        format!("  {}: {what}", node.name)
    };
    world.nodes.iter().map(of).collect::<Vec<_>>().join("\n")
}

thread_local! {
    static PANIC: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Panics of any task on this thread. A runtime swallows those of spawned tasks; here each fails
/// the run.
pub struct Panics;

impl Panics {
    /// Begins to watch this thread.
    pub fn watch() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let watched = PANIC.with_borrow_mut(|kept| match kept {
                    Some(first) => {
                        first.get_or_insert_with(|| panic.to_string());
                        true
                    }
                    None => false,
                });
                if !watched {
                    before(panic);
                }
            }));
        });
        PANIC.set(Some(None));
        Panics
    }

    /// The first panic since, and the end of watching.
    pub fn taken(self) -> Option<String> {
        PANIC.take().flatten().map(|what| format!("a task panicked: {what}"))
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        PANIC.set(None);
    }
}
