//! What goes wrong, when, for how long: drawn from the seed, done between two steps of the
//! simulation, undone when its time is over, and all of it at the end.
//!
//! Links are cut both ways or one way (an asymmetric partition), stalled and released in a burst,
//! lossy, slow; in the midst of a conversation as well as at rest. Processes die without warning
//! and start again from their files. Clocks jump by years. The province's disk
//! goes back to an older image, and nobody tells it; so does a node's. Damaged disks are not here: they
//! have their own runs.

use std::time::Duration;

use dongbo_proto::id::Epoch;
use dongbo_server::registry;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use turmoil::Sim;

use super::check::look;
use super::net::SERVER;
use super::random::{pick, stream, weighted};
use super::world::{
    Node, Shared, keep_as_killed, make_image, make_node_image, put_back_image, put_back_killed,
    put_back_node_image,
};

/// Mean time between two faults, in milliseconds, on a run of one commune; more communes, more faults.
const PAUSE_MS_MEAN: u64 = 9_000;
/// The longest that a fault lasts, in milliseconds: beyond the keepalive's forty seconds.
const FAULT_MS_MAX: u64 = 60_000;
/// The longest that a message takes on a slow link.
const SLOW_MS_MAX: u64 = 3_000;
/// The longest that a message takes on a good one.
pub const LATENCY_MS_MAX: u64 = 300;
/// The least.
pub const LATENCY_MS_MIN: u64 = 5;
/// The share of messages at which a lost one comes back up, once a link is lossy.
pub const REPAIR_RATE: f64 = 0.5;
/// Times that a node's disk is put back: below the limit of forks.
const NODE_REWINDS_MAX: u32 = 4;
/// A day.
const DAY_MS: i64 = 86_400_000;
/// All that is skipped of a run: the server's certificate lives two years.
const SKIPPED_MS_MAX: i64 = 600 * DAY_MS;
/// A year of a clock's error.
const YEAR_MS: i64 = 31_557_600_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    Cut,
    CutUp,
    CutDown,
    Stall,
    Lossy,
    Slow,
    Crash,
    CrashServer,
    Image,
    Rewind,
    NodeImage,
    NodeRewind,
    Weeks,
    Clock,
    ServerClock,
}

/// Which faults, how often.
const FAULTS: &[(Fault, u32)] = &[
    (Fault::Cut, 6),
    (Fault::CutUp, 4),
    (Fault::CutDown, 4),
    (Fault::Stall, 3),
    (Fault::Lossy, 4),
    (Fault::Slow, 3),
    (Fault::Crash, 5),
    (Fault::CrashServer, 4),
    (Fault::Image, 3),
    (Fault::Rewind, 2),
    (Fault::NodeImage, 4),
    (Fault::NodeRewind, 2),
    (Fault::Weeks, 1),
    (Fault::Clock, 4),
    (Fault::ServerClock, 1),
];

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Fault::Cut => "link cut",
            Fault::CutUp => "link cut, upwards only",
            Fault::CutDown => "link cut, downwards only",
            Fault::Stall => "link stalled, then a burst",
            Fault::Lossy => "link lossy",
            Fault::Slow => "link slow",
            Fault::Crash => "node killed",
            Fault::CrashServer => "server killed",
            Fault::Image => "image of the server's disk",
            Fault::Rewind => "server put back from an image, untold",
            Fault::NodeImage => "image of a node's disk",
            Fault::NodeRewind => "node put back from an image",
            Fault::Weeks => "weeks pass, certificates age",
            Fault::Clock => "node's clock jumps",
            Fault::ServerClock => "server's clock jumps",
        }
    }

    fn is_of_server(self) -> bool {
        matches!(self, Fault::CrashServer | Fault::Rewind)
    }

    fn is_of_link(self) -> bool {
        matches!(
            self,
            Fault::Cut | Fault::CutUp | Fault::CutDown | Fault::Stall | Fault::Lossy | Fault::Slow
        )
    }
}

/// The machine that runs the simulation failed, or a simulated one stopped by itself.
pub type Fatal = Box<dyn std::error::Error>;

/// A fault that lasts.
struct Lasting {
    fault: Fault,
    node: usize,
    until: Duration,
}

/// A fault that waits for a conversation to be under way.
struct Ambush {
    fault: Fault,
    node: usize,
    lasts: Duration,
}

/// The one who makes things go wrong.
pub struct Nemesis {
    dice: ChaCha8Rng,
    next: Duration,
    lasting: Vec<Lasting>,
    ambush: Option<Ambush>,
    /// Ticks until an ambush that has seen its conversation strikes.
    fuse: Option<u32>,
}

impl Nemesis {
    /// Begins at a moment.
    pub fn new(seed: u64, from: Duration) -> Self {
        let dice = stream(seed, "nemesis");
        Nemesis { dice, next: from, lasting: Vec::new(), ambush: None, fuse: None }
    }

    /// What goes wrong, and what ends, at this moment.
    ///
    /// # Errors
    /// [`Fatal`].
    pub fn step(&mut self, sim: &mut Sim<'_>, world: &Shared) -> Result<(), Fatal> {
        let now = sim.elapsed();
        self.end(sim, world, |lasting| lasting.until <= now);
        self.spring(sim, world)?;
        if now >= self.next {
            let mean = PAUSE_MS_MEAN / (1 + world.nodes.len() as u64 / 3);
            self.next = now + Duration::from_millis(self.dice.random_range(200..2 * mean));
            self.begin(sim, world)?;
        }
        Ok(())
    }

    /// Ends everything: links whole, processes up. Clocks stay as wrong as they are.
    pub fn heal(&mut self, sim: &mut Sim<'_>, world: &Shared) {
        (self.ambush, self.fuse) = (None, None);
        self.end(sim, world, |_| true);
        world.say("nemesis", format_args!("everything heals"));
    }

    fn begin(&mut self, sim: &mut Sim<'_>, world: &Shared) -> Result<(), Fatal> {
        let fault = weighted(&mut self.dice, FAULTS);
        let node = self.dice.random_range(0..world.nodes.len());
        let lasts = Duration::from_millis(self.dice.random_range(300..FAULT_MS_MAX));
        // A third of what can interrupt a conversation waits for one.
        let interrupts = fault.is_of_link() || matches!(fault, Fault::Crash | Fault::CrashServer);
        if interrupts && self.ambush.is_none() && self.dice.random_range(0..3) == 0 {
            self.ambush = Some(Ambush { fault, node, lasts });
            return Ok(());
        }
        self.strike(sim, world, fault, node, lasts)
    }

    /// An ambush strikes some ticks into the conversation that it waited for.
    fn spring(&mut self, sim: &mut Sim<'_>, world: &Shared) -> Result<(), Fatal> {
        let Some(ambush) = &self.ambush else { return Ok(()) };
        match self.fuse {
            None if world.nodes[ambush.node].talking.get() => {
                self.fuse = Some(self.dice.random_range(0..60));
            }
            Some(0) => {
                let Some(Ambush { fault, node, lasts }) = self.ambush.take() else { return Ok(()) };
                self.fuse = None;
                world.injected("… of these, in mid-conversation");
                return self.strike(sim, world, fault, node, lasts);
            }
            Some(ticks) => self.fuse = Some(ticks - 1),
            None => {}
        }
        Ok(())
    }

    fn strike(
        &mut self,
        sim: &mut Sim<'_>,
        world: &Shared,
        fault: Fault,
        node: usize,
        lasts: Duration,
    ) -> Result<(), Fatal> {
        let of = |l: &Lasting| l.fault.is_of_link() == fault.is_of_link() && l.node == node;
        let server_down = self.lasting.iter().any(|l| l.fault.is_of_server());
        // One fault of a link at a time, one of a process at a time.
        if self.lasting.iter().any(of) || (fault.is_of_server() && server_down) {
            return Ok(());
        }
        let name = world.nodes[node].name.clone();
        match fault {
            Fault::Cut => sim.partition(name.as_str(), SERVER),
            Fault::CutUp => sim.partition_oneway(name.as_str(), SERVER),
            Fault::CutDown => sim.partition_oneway(SERVER, name.as_str()),
            Fault::Stall => sim.hold(name.as_str(), SERVER),
            Fault::Lossy => {
                let rate = f64::from(self.dice.random_range(1..80_u32)) / 1_000.0;
                sim.set_link_fail_rate(name.as_str(), SERVER, rate);
            }
            Fault::Slow => {
                let most = Duration::from_millis(self.dice.random_range(500..SLOW_MS_MAX));
                sim.set_link_max_message_latency(name.as_str(), SERVER, most);
            }
            Fault::Crash => kill_node(sim, world, node)?,
            Fault::CrashServer => kill_server(sim, world)?,
            Fault::Image => {
                let Some(epoch) = epoch(world) else { return Ok(()) };
                make_image(world, epoch)?;
                world.say("nemesis", format_args!("server: {}", fault.name()));
                return Ok(());
            }
            // An image of an earlier epoch is another line of descent, which nodes do not follow.
            Fault::Rewind if !has_image(world) => return Ok(()),
            Fault::Rewind => {
                kill_server(sim, world)?;
                put_back_image(world)?;
            }
            Fault::NodeImage => {
                make_node_image(world, &world.nodes[node])?;
                world.say("nemesis", format_args!("{name}: {}", fault.name()));
                return Ok(());
            }
            Fault::NodeRewind if !may_rewind(&world.nodes[node]) => return Ok(()),
            Fault::NodeRewind => {
                kill_node(sim, world, node)?;
                put_back_node_image(world, &world.nodes[node])?;
            }
            Fault::Weeks => {
                self.weeks(world);
                return Ok(());
            }
            Fault::Clock => {
                self.clock(world, node);
                return Ok(());
            }
            Fault::ServerClock => {
                self.server_clock(world);
                return Ok(());
            }
        }
        let who = if fault.is_of_server() { SERVER } else { name.as_str() };
        world.say("nemesis", format_args!("{who}: {} for {} ms", fault.name(), lasts.as_millis()));
        world.injected(fault.name());
        self.lasting.push(Lasting { fault, node, until: sim.elapsed() + lasts });
        Ok(())
    }

    fn end(&mut self, sim: &mut Sim<'_>, world: &Shared, over: impl Fn(&Lasting) -> bool) {
        let (ended, lasting) = std::mem::take(&mut self.lasting).into_iter().partition(over);
        self.lasting = lasting;
        for Lasting { fault, node, .. } in ended {
            let name = world.nodes[node].name.as_str();
            match fault {
                Fault::Stall => sim.release(name, SERVER),
                Fault::Lossy => sim.set_link_fail_rate(name, SERVER, 0.0),
                Fault::Slow => {
                    let most = Duration::from_millis(LATENCY_MS_MAX);
                    sim.set_link_max_message_latency(name, SERVER, most);
                }
                Fault::Crash | Fault::NodeRewind => sim.bounce(name),
                Fault::CrashServer | Fault::Rewind => sim.bounce(SERVER),
                _ => {}
            }
            if fault.is_of_link() && fault != Fault::Stall {
                sim.repair(name, SERVER);
            }
            let who = if fault.is_of_server() { SERVER } else { name };
            world.say("nemesis", format_args!("{who}: no longer {}", fault.name()));
        }
    }

    /// Years, days or minutes, back or forth; or right again.
    fn clock(&mut self, world: &Shared, node: usize) {
        let errors =
            [-27 * YEAR_MS, 9 * YEAR_MS, -40 * 86_400_000, 3 * 86_400_000, -7 * 60_000, 90_000, 0];
        let error = pick(&mut self.dice, &errors).copied().unwrap_or(0);
        world.nodes[node].clock.set_error(error);
        let name = &world.nodes[node].name;
        world.say("nemesis", format_args!("{name}: clock is off by {} s", error / 1_000));
        world.injected(Fault::Clock.name());
    }

    /// Long enough that certificates are due, or past their end; not so long that the server's is,
    /// which it looks after by itself only at a start.
    fn weeks(&mut self, world: &Shared) {
        let days = self.dice.random_range(20..120_i64);
        let ms = days * DAY_MS;
        if world.server.clock.skip(0) + ms > SKIPPED_MS_MAX {
            return;
        }
        world.server.clock.skip(ms);
        for node in &world.nodes {
            node.clock.skip(ms);
        }
        world.say("nemesis", format_args!("{days} days pass"));
        world.injected(Fault::Weeks.name());
    }

    /// The province's clock is looked after: minutes, not years.
    fn server_clock(&mut self, world: &Shared) {
        let error = self.dice.random_range(-600_000..600_000_i64);
        world.server.clock.set_error(error);
        world.say("nemesis", format_args!("server: clock is off by {} s", error / 1_000));
        world.injected(Fault::ServerClock.name());
    }
}

/// Kills a node's programs: what they had committed is on the disk, and nothing else is.
fn kill_node(sim: &mut Sim<'_>, world: &Shared, node: usize) -> Result<(), Fatal> {
    let node = &world.nodes[node];
    node.wires.kill();
    sim.step()?;
    let kept = keep_as_killed(&node.dir)?;
    sim.crash(node.name.as_str());
    drop(node.office.borrow_mut().take());
    node.talking.set(false);
    Ok(put_back_killed(&node.dir, &kept)?)
}

/// The epoch in force.
fn epoch(world: &Shared) -> Option<Epoch> {
    let store = world.server.desk.borrow().clone()?;
    Some(look(&store, registry::epoch).ok()?.epoch)
}

/// Whether there is an image of a node's disk, and it was not put back too often.
fn may_rewind(node: &Node) -> bool {
    node.image.borrow().is_some() && node.rewinds.get() < NODE_REWINDS_MAX
}

/// Whether there is an image of the epoch in force.
fn has_image(world: &Shared) -> bool {
    let image = world.server.image.borrow();
    image.as_ref().is_some_and(|image| Some(image.epoch) == epoch(world))
}

/// Kills the server's programs.
fn kill_server(sim: &mut Sim<'_>, world: &Shared) -> Result<(), Fatal> {
    world.server.wires.kill();
    sim.step()?;
    let kept = keep_as_killed(&world.server.dir)?;
    sim.crash(SERVER);
    drop(world.server.desk.borrow_mut().take());
    Ok(put_back_killed(&world.server.dir, &kept)?)
}
