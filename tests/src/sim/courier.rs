//! People who carry files between an office and the province beside the link: the simulation's
//! duplicates. A stream over TLS delivers a frame once or never; a stick is read twice, an hour
//! late, behind a younger one, or never comes back.
//!
//! The files are the product's own (`bundle export` and `import`), sealed and signed; what they
//! bring meets what the link has brought in the meantime.

use std::sync::Arc;
use std::time::Duration;

use dongbo_node::exchange::ExchangeError;
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::exchange::stick::Carrier;
use dongbo_proto::stick::{SealingKey, StickError};
use dongbo_server::service::Province;
use dongbo_server::service::stick::{Unanswered, answer};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::world::{Node, Shared};

/// Between two visits of a courier, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 4_000..40_000;
/// Between two looks of the province at what has come, in milliseconds.
const LOOK_MS: u64 = 1_000;
/// How long a file is on its way, in milliseconds.
const WAY_MS: std::ops::Range<u64> = 500..60_000;
/// How often a file is read: lost, once, or again and again.
const TIMES: std::ops::Range<u32> = 0..4;
/// Bytes of frames in a file, at least: some files hold a part of what there is to say.
const FILE_BYTES: std::ops::Range<u64> = 500..200_000;

/// A file on its way.
pub struct Stick {
    /// The office that it comes from, or goes to.
    pub node: usize,
    /// What is in it.
    pub file: Vec<u8>,
    /// It goes down.
    pub is_answer: bool,
    /// When it is read.
    pub due: Duration,
}

/// Puts a file on its way as many times as it will be read.
fn carry(world: &Shared, dice: &mut ChaCha8Rng, node: usize, file: &[u8], is_answer: bool) {
    let times = dice.random_range(TIMES);
    match times {
        0 => world.injected("file on a stick lost"),
        1 => {}
        _ => world.injected("file on a stick read again"),
    }
    let now = turmoil::sim_elapsed().unwrap_or_default();
    for _ in 0..times {
        let due = now + Duration::from_millis(dice.random_range(WAY_MS));
        let (file, node) = (file.to_vec(), node);
        world.sticks.borrow_mut().push(Stick { node, file, is_answer, due });
    }
}

/// The files that are to be read now.
fn due(world: &Shared, pick: impl Fn(&Stick) -> bool) -> Vec<Stick> {
    let now = turmoil::sim_elapsed().unwrap_or_default();
    let mut sticks = world.sticks.borrow_mut();
    let (due, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut *sticks).into_iter().partition(|s| s.due <= now && pick(s));
    *sticks = rest;
    due
}

/// The office's side, until its machine dies or everyone stops.
pub async fn at_office(world: Shared, at: usize, mut dice: ChaCha8Rng) {
    let node = &world.nodes[at];
    loop {
        tokio::time::sleep(Duration::from_millis(dice.random_range(PAUSE_MS))).await;
        if world.is_calm() || node.office.borrow().is_none() {
            return;
        }
        for stick in due(&world, |s| s.is_answer && s.node == at) {
            if let Err(error) = take(&world, node, &stick.file) {
                return world.fail(format_args!("{}: an answer: {error:?}", node.name));
            }
        }
        match write(&world, node, dice.random_range(FILE_BYTES)) {
            Ok(file) => carry(&world, &mut dice, at, &file, false),
            Err(error) => return world.fail(format_args!("{}: a file: {error:?}", node.name)),
        }
    }
}

fn write(world: &Shared, node: &Node, bytes_max: u64) -> Result<Vec<u8>, ExchangeError> {
    let key = NodeKey::from_pkcs8(&node.pkcs8)?;
    let office = node.office.borrow();
    let Some(replica) = office.as_ref() else { return Ok(Vec::new()) };
    let ca = replica.ca_der()?;
    let clock = node.clock.as_ref();
    let carrier =
        Carrier { author: node.certified.get(), key: &key, own: &node.sealing, ca: &ca, clock };
    let certificate = node.certificate.borrow().clone().unwrap_or_default();
    let to = world.server.sealing.public();
    let request = carrier.request(replica, &certificate, to, bytes_max)?;
    world.say(&node.name, format_args!("writes a stick: {} acts", request.acts));
    world.did("file written");
    Ok(request.file)
}

fn take(world: &Shared, node: &Node, file: &[u8]) -> Result<(), ExchangeError> {
    let key = NodeKey::from_pkcs8(&node.pkcs8)?;
    let mut office = node.office.borrow_mut();
    let Some(replica) = office.as_mut() else { return Ok(()) };
    let (ca, signing_key) = (replica.ca_der()?, *replica.signing_key());
    let clock = node.clock.as_ref();
    let carrier =
        Carrier { author: node.certified.get(), key: &key, own: &node.sealing, ca: &ca, clock };
    let answer = carrier.answer(file, &signing_key);
    let taken = match answer.and_then(|answer| answer.take(replica, &key, clock)) {
        // The link, or a younger file, was there before it: nothing of it is used. Nor of one to the id
        // that the machine had before its disk was put back.
        Err(ExchangeError::OldAnswer | ExchangeError::Stick(StickError::OtherNode)) => {
            world.say(&node.name, format_args!("a stick's answer is too old"));
            world.did("answer too old");
            return Ok(());
        }
        taken => taken?,
    };
    let records = taken.tally.records_received;
    world.say(&node.name, format_args!("a stick brings {records} records: {:?}", taken.end));
    world.did("answer taken");
    let (refilled, rewinds) = (taken.tally.refilled, &world.server.rewinds);
    if refilled > 0 && rewinds.get() + node.rewinds.get() == 0 {
        world.fail(format_args!("{}: {refilled} digests differed after an answer", node.name));
    }
    if let Some(renewed) = taken.certificate {
        *node.certificate.borrow_mut() = Some(renewed);
    }
    Ok(())
}

/// The province's side, until its machine dies or everyone stops.
pub async fn at_province(world: Shared, province: Arc<Province>, mut dice: ChaCha8Rng) {
    loop {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        if world.is_calm() {
            return;
        }
        for stick in due(&world, |s| !s.is_answer) {
            let room = dice.random_range(FILE_BYTES);
            match answer(&province, &world.server.sealing, &stick.file, room).await {
                Ok(answered) => {
                    let name = &world.nodes[stick.node].name;
                    world.say(
                        "server",
                        format_args!(
                            "a stick of {name}: {} acts, whole {}",
                            answered.acts, answered.whole
                        ),
                    );
                    world.did("file answered");
                    carry(&world, &mut dice, stick.node, &answered.file, true);
                }
                Err(Unanswered::Stopped(_)) => world.did("file not answered"),
                Err(error) => return world.fail(format_args!("a stick: {error:?}")),
            }
        }
    }
}

/// The key pair of a machine, drawn.
pub fn sealing_key(entropy: &dyn dongbo_proto::seam::Entropy) -> SealingKey {
    let secret: [u8; 32] = dongbo_proto::seam::bytes(entropy);
    SealingKey::of(secret.into())
}
