//! A commune's machine: it joins with its code, then two programs work on one replica, the office
//! and the one that exchanges. Both are the real ones, over the simulated network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use dongbo_node::exchange::converse::{Conversation, Outcome, Tally, Watcher, converse};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::{ExchangeError, channel, join, tls};
use dongbo_node::replica::{Identity, Replica, ReplicaError};
use dongbo_node::session::{End, Session};
use dongbo_proto::code::JoinCode;
use dongbo_proto::frame::Stop;
use dongbo_proto::seam::{Clock, bytes};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::random::stream;
use super::server::Ended;
use super::world::{Moved, Node, Shared};
use super::{courier, office, server};

/// Between two tries to join, in milliseconds.
const JOIN_AGAIN_MS: u64 = 2_000;
/// Between two conversations, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 200..15_000;
/// The same when people have stopped.
const CALM_PAUSE_MS: std::ops::Range<u64> = 200..2_500;
/// How long an open stream is kept, in looks of a quarter second.
const LIVE_LOOKS_MAX: u32 = 240;
/// One conversation in so many is kept open.
const LIVE_ONE_IN: u32 = 3;

/// One life of a commune's machine: until it is killed.
///
/// # Errors
/// Anything that keeps its programs from starting.
pub async fn live(world: Shared, at: usize) -> Ended {
    let node = &world.nodes[at];
    node.starts.set(node.starts.get() + 1);
    let mut dice = stream(world.plan.seed, &format!("{} {}", node.name, node.starts.get()));
    tokio::task::spawn_local(node.wires.clone().until_killed());
    let key = NodeKey::from_pkcs8(&node.pkcs8)?;
    while node.certificate.borrow().is_none() {
        let joined = enter(node, &key).await;
        world.say(&node.name, format_args!("joins: {}", word(&joined)));
        if joined.is_err() {
            tokio::time::sleep(Duration::from_millis(JOIN_AGAIN_MS)).await;
        }
    }
    let office_dice =
        stream(world.plan.seed, &format!("office {} {}", node.name, node.starts.get()));
    *node.office.borrow_mut() = Some(Replica::open(&node.dir, &node.key)?);
    tokio::task::spawn_local(office::work(world.clone(), at, office_dice));
    let courier_dice =
        stream(world.plan.seed, &format!("courier {} {}", node.name, node.starts.get()));
    tokio::task::spawn_local(courier::at_office(world.clone(), at, courier_dice));
    let mut replica = Replica::open(&node.dir, &node.key)?;
    notice(&world, node, &replica)?;
    loop {
        let pause = if world.is_calm() { CALM_PAUSE_MS } else { PAUSE_MS };
        tokio::time::sleep(Duration::from_millis(dice.random_range(pause))).await;
        let began = world.is_calm().then(|| turmoil::sim_elapsed().unwrap_or_default());
        node.talking.set(true);
        let talked = talk(&world, node, &mut replica, &key, &mut dice).await;
        node.talking.set(false);
        notice(&world, node, &replica)?;
        let uninvited = matches!(&talked, Ok(Outcome { end: End::DeliverOnly, .. }));
        note(&world, node, began, talked);
        if uninvited {
            let invited = again(&world, node, &mut replica, &key).await;
            world.say(&node.name, format_args!("is invited again: {}", word(&invited)));
        }
    }
}

/// Joins for real: code, key, certificate; then the replica is made.
async fn enter(node: &Node, key: &NodeKey) -> Result<(), ExchangeError> {
    let config = tls::client_config_join(*node.code.pin())?;
    let link = channel(config, node.wires.dial()).await?;
    let author = node.author.get();
    let joined = join::join(link, &node.code, key, author, node.clock.now_ms()).await?;
    let who = Identity {
        author,
        province: joined.province,
        ca_der: joined.ca,
        signing_key: joined.signing_key,
        epoch: joined.epoch,
        grants: joined.grants,
        token: joined.token,
        server_ms: joined.server_ms,
    };
    Replica::create(&node.dir, &node.key, &who)?;
    *node.certificate.borrow_mut() = Some(joined.certificate);
    Ok(())
}

/// What the exchange found out about this disk, for the ledger.
fn notice(world: &Shared, node: &Node, replica: &Replica) -> Result<(), ReplicaError> {
    for fork in replica.status()?.forked {
        if fork.parent != node.author.get() {
            continue;
        }
        node.author.set(fork.author);
        world.ledger.borrow_mut().forked(&node.name, &fork);
        // A province from before this would have to hear of the acts of both ids, in order.
        *world.server.image.borrow_mut() = None;
        world.say(&node.name, format_args!("goes on as {} behind {}", fork.author, fork.at));
        world.did("journal goes on under another id");
    }
    Ok(())
}

/// The province invites a machine again that was put back, and it joins for real.
async fn again(
    world: &Shared,
    node: &Node,
    replica: &mut Replica,
    key: &NodeKey,
) -> Result<(), ExchangeError> {
    let code = JoinCode::new(bytes(node.entropy.as_ref()), *node.code.pin());
    let Some(store) = world.server.desk.borrow().clone() else { return Err(ExchangeError::Cut) };
    if server::invite_again(world, &store, node, &code).is_err() {
        return Err(ExchangeError::Cut);
    }
    let config = tls::client_config_join(*code.pin())?;
    let link = channel(config, node.wires.dial()).await?;
    let author = node.author.get();
    let joined = join::join(link, &code, key, author, node.clock.now_ms()).await?;
    replica.invited_again(&Identity {
        author,
        province: joined.province,
        ca_der: joined.ca,
        signing_key: joined.signing_key,
        epoch: joined.epoch,
        grants: joined.grants,
        token: joined.token,
        server_ms: joined.server_ms,
    })?;
    *node.certificate.borrow_mut() = Some(joined.certificate);
    node.certified.set(author);
    Ok(())
}

/// An open stream is left after a while, and when people stop.
struct Patience {
    looks: AtomicU32,
    calm: Arc<AtomicBool>,
}

impl Watcher for Patience {
    fn moved(&mut self, _: &Tally) {}
    fn in_step(&mut self, _: &Tally) {}
    fn wants_to_leave(&self) -> bool {
        let left = self.looks.load(Ordering::Relaxed);
        self.looks.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0 || self.calm.load(Ordering::Relaxed)
    }
}

async fn talk(
    world: &Shared,
    node: &Node,
    replica: &mut Replica,
    key: &NodeKey,
    dice: &mut ChaCha8Rng,
) -> Result<Outcome, ExchangeError> {
    let certificate = node.certificate.borrow().clone().unwrap_or_default();
    let told_s = replica.facts()?.last_server_ms / 1_000;
    let config = tls::client_config_main(&replica.ca_der()?, &certificate, key, Some(told_s))?;
    let live = !world.is_calm() && dice.random_range(0..LIVE_ONE_IN) == 0;
    let looks = AtomicU32::new(dice.random_range(1..LIVE_LOOKS_MAX));
    let link = channel(config, node.wires.dial()).await?;
    let session = Session::new(live, node.link.get());
    let mut patience = Patience { looks, calm: world.calm.clone() };
    let (clock, entropy) = (node.clock.as_ref(), node.entropy.as_ref());
    let watcher = &mut patience;
    let mut conversation = Conversation { replica, key, clock, entropy, watcher, history: None };
    converse(&mut conversation, session, link).await
}

/// Writes down how a conversation ended, and judges it. `began` is when, if people had stopped by then.
fn note(
    world: &Shared,
    node: &Node,
    began: Option<Duration>,
    talked: Result<Outcome, ExchangeError>,
) {
    let link = node.link.get();
    node.link.set(if talked.is_ok() { link.after_success() } else { link.after_cut() });
    match talked {
        Ok(outcome) => {
            if let Some(renewed) = &outcome.certificate {
                *node.certificate.borrow_mut() = Some(renewed.clone());
            }
            ended(world, node, began, &outcome);
        }
        Err(ExchangeError::Link(fault)) => {
            world.say(&node.name, format_args!("no link: {fault:?}"));
            world.did("exchange without a link");
        }
        Err(ExchangeError::Cut) => {
            world.say(&node.name, format_args!("cut"));
            world.did("exchange cut");
        }
        Err(other) => world.fail(format_args!("{}: exchange: {other:?}", node.name)),
    }
}

fn ended(world: &Shared, node: &Node, began: Option<Duration>, outcome: &Outcome) {
    let Tally { acts_sent, records_received, records_changed, refilled, completes, .. } =
        outcome.tally;
    world.say(
        &node.name,
        format_args!(
            "{:?}: {acts_sent} acts up, {records_received} records down, {records_changed} rows \
             changed, complete {completes}x",
            outcome.end
        ),
    );
    world.did("exchange");
    // Behind a province that went back, revisions mean something else until a new epoch begins.
    if refilled > 0 && world.server.rewinds.get() + node.rewinds.get() == 0 {
        world.fail(format_args!("{}: {refilled} digests differed and were mended", node.name));
    }
    match &outcome.end {
        End::InStep => {
            let (acts, records, rows) = (acts_sent, records_received, records_changed);
            let moved = began.map(|began| Moved { began, acts, records, rows });
            node.calm_talks.borrow_mut().extend(moved);
        }
        End::Stopped(Stop::Busy) => {}
        // A disk that was put back: its acts are delivered, and it is invited again.
        End::DeliverOnly if node.rewinds.get() > 0 => {}
        end => world.fail(format_args!("{}: exchange ended as {end:?}", node.name)),
    }
}

fn word<T>(result: &Result<T, ExchangeError>) -> String {
    match result {
        Ok(_) => "joined".into(),
        Err(ExchangeError::Link(fault)) => format!("no link: {fault:?}"),
        Err(other) => other.to_string(),
    }
}
