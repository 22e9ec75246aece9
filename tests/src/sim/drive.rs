//! Driving a run: the phases, and between any two steps the nemesis and the checks.
//!
//! Joining, trouble, healing, calm, the end. Each has a bound in simulated time: a system that makes
//! no progress fails by name instead of hanging.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use turmoil::{Builder, Sim};

use super::log::Log;
use super::nemesis::{LATENCY_MS_MAX, LATENCY_MS_MIN, Nemesis, REPAIR_RATE};
use super::net::SERVER;
use super::world::{self, Counts, Shared, World};
use super::{Plan, check, finally, node, server};

/// Simulated time of one step.
const TICK_MS: u64 = 10;
/// By then every commune has joined and been filled.
const JOINING_S_MAX: u64 = 120;
/// By then everyone is in step after all faults have ended: keepalive, silence and retries, twice.
const HEALING_S_MAX: u64 = 400;
/// Between two looks of the checks that always hold, in milliseconds.
const LOOK_MS: u64 = 500;

/// How a run went.
pub struct Story {
    /// What was asked for.
    pub plan: Plan,
    /// What happened.
    pub log: Log,
    /// Faults injected.
    pub faults: Counts,
    /// Checks made.
    pub checks: Counts,
    /// What people did.
    pub deeds: Counts,
    /// Simulated time, from the first step to the last.
    pub lasted: Duration,
    /// Simulated time from the end of all faults until everyone was in step.
    pub healed_in: Duration,
}

/// A run that broke a promise, or could not be made.
pub struct Failure {
    /// What was asked for.
    pub plan: Plan,
    /// What is wrong.
    pub what: String,
    /// What happened until then.
    pub log: Log,
}

/// Runs a plan.
///
/// # Errors
/// [`Failure`] with the log so far.
pub fn run(plan: Plan) -> Result<Story, Box<Failure>> {
    let fail = |what: String, log: Log| Box::new(Failure { plan, what, log });
    let dir = disk().map_err(|e| fail(format!("no disk: {e}"), Log::default()))?;
    let world =
        make(plan, dir.path()).map_err(|e| fail(format!("no province: {e:#}"), Log::default()))?;
    let panics = super::check::Panics::watch();
    let outcome = Drive::new(&world).and_then(|mut drive| drive.through());
    let outcome = match panics.taken() {
        Some(panic) => Err(panic),
        None => outcome,
    };
    let log = world.log.borrow().clone();
    match outcome {
        Err(what) => Err(fail(what, log)),
        Ok((lasted, healed_in)) => Ok(Story {
            plan,
            log,
            faults: world.faults.take(),
            checks: world.checks.take(),
            deeds: world.deeds.take(),
            lasted,
            healed_in,
        }),
    }
}

/// A directory for the run's disks, in memory where the machine has such a place: a simulated
/// crash loses no page cache, so nothing is proved by waiting for a real disk.
fn disk() -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    let place = tempfile::Builder::new();
    if memory.is_dir() { place.tempdir_in(memory) } else { place.tempdir() }
}

/// Makes the machines: the province founded, the communes invited.
fn make(plan: Plan, under: &std::path::Path) -> anyhow::Result<Shared> {
    let (server, pin, scopes) = server::found(&plan, under)?;
    let mut nodes = Vec::new();
    for at in 0..plan.nodes {
        // Everyone holds one scope, which some share; every third holds two.
        let mut own = vec![scopes[at % scopes.len()]];
        if at % 3 == 2 {
            own.push(scopes[(at + 1) % scopes.len()]);
        }
        own.sort_unstable();
        own.dedup();
        let node = world::node(&plan, at, under, pin, own)?;
        server::invite(&server, &node)?;
        nodes.push(node);
    }
    Ok(Rc::new(World {
        plan,
        log: RefCell::default(),
        ledger: RefCell::default(),
        faults: RefCell::default(),
        checks: RefCell::default(),
        deeds: RefCell::default(),
        failure: RefCell::default(),
        elapsed: Cell::default(),
        calm: Default::default(),
        server,
        nodes,
        sticks: RefCell::default(),
    }))
}

struct Drive<'w> {
    world: &'w Shared,
    sim: Sim<'static>,
    next_look: Duration,
    seen: check::Seen,
}

impl<'w> Drive<'w> {
    fn new(world: &'w Shared) -> Result<Self, String> {
        let mut builder = Builder::new();
        builder
            .rng_seed(world.plan.seed)
            .tick_duration(Duration::from_millis(TICK_MS))
            .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
            .epoch(std::time::UNIX_EPOCH)
            .min_message_latency(Duration::from_millis(LATENCY_MS_MIN))
            .max_message_latency(Duration::from_millis(LATENCY_MS_MAX))
            .repair_rate(REPAIR_RATE)
            .tcp_capacity(1_024)
            .enable_random_order();
        let mut sim = builder.build();
        let shared = world.clone();
        sim.host(SERVER, move || server::live(shared.clone()));
        for (at, node) in world.nodes.iter().enumerate() {
            let shared = world.clone();
            sim.host(node.name.as_str(), move || node::live(shared.clone(), at));
        }
        let seen = check::Seen::new(world.nodes.len());
        Ok(Drive { world, sim, next_look: Duration::ZERO, seen })
    }

    /// All phases; answers how long the run lasted, and how long healing took.
    fn through(&mut self) -> Result<(Duration, Duration), String> {
        let world = self.world;
        let joined = || world.nodes.iter().all(|n| n.office.borrow().is_some());
        self.until("everyone joins", JOINING_S_MAX, joined)?;
        world.say("driver", format_args!("everyone has joined"));
        self.trouble()?;
        let healing = self.sim.elapsed();
        self.until("everyone is in step", HEALING_S_MAX, || check::all_in_step(world))?;
        let healed_in = self.sim.elapsed() - healing;
        world.say("driver", format_args!("everyone is in step"));
        finally::all(world);
        self.quiet_exchange()?;
        self.failed()?;
        Ok((self.sim.elapsed(), healed_in))
    }

    fn trouble(&mut self) -> Result<(), String> {
        let world = self.world;
        let end = self.sim.elapsed() + Duration::from_secs(world.plan.trouble_s);
        let mut nemesis = Nemesis::new(world.plan.seed, self.sim.elapsed());
        while self.sim.elapsed() < end {
            self.step()?;
            nemesis.step(&mut self.sim, world).map_err(|e| format!("nemesis: {e}"))?;
        }
        nemesis.heal(&mut self.sim, world);
        world.calm.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Once all is said, one more exchange moves nothing.
    fn quiet_exchange(&mut self) -> Result<(), String> {
        let world = self.world;
        // What began before that moment may have come to its end after it.
        let since = self.sim.elapsed();
        let talked = || {
            let one = |n: &world::Node| {
                let mut talks = n.calm_talks.borrow_mut();
                talks.retain(|talk| talk.began > since);
                talks.len() > 1
            };
            world.nodes.iter().all(one)
        };
        self.until("everyone exchanges once more", HEALING_S_MAX, talked)?;
        finally::nothing_moved(world);
        Ok(())
    }

    fn until(&mut self, what: &str, most_s: u64, done: impl Fn() -> bool) -> Result<(), String> {
        let end = self.sim.elapsed() + Duration::from_secs(most_s);
        while !done() {
            if self.sim.elapsed() > end {
                let state = check::state(self.world);
                return Err(format!("eventually_{what}: not within {most_s} s\n{state}"));
            }
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        self.sim.step().map_err(|e| format!("a machine stopped: {e}"))?;
        let now = self.sim.elapsed();
        self.world.elapsed.set(now);
        if now >= self.next_look {
            self.next_look = now + Duration::from_millis(LOOK_MS);
            check::anytime(self.world, &mut self.seen);
        }
        self.failed()
    }

    fn failed(&self) -> Result<(), String> {
        self.world.failure.borrow().clone().map_or(Ok(()), Err)
    }
}
