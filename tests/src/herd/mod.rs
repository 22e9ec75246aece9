//! All offices of a province at once against one server: over real sockets, with the server that ships.
//!
//! ```text
//! cargo herd                        800 offices, and 200 beside them for the server's memory
//! cargo herd --nodes 200 --json
//! ```
//!
//! Two situations: every office is new and is filled, and every office comes back after an outage with
//! a day's acts. All of them set out in the same moment, which no province does: it is the worst case.
//! Each office is the code that a commune runs, with its own replica, certificate and connection, and
//! keeps to what the server asks for. `town` is the province, `office` one office.
//! Deliberately absent: offices on machines of their own. They share this one with the server, so that
//! times are those of a slower one.

mod office;
mod report;
mod town;

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

pub use office::Visit;
pub use report::{Report, Situation, TRIES_MAX};
pub use town::{Serving, Town};

use crate::bench::workload::Workload;
use crate::province::Size;
use office::Office;

/// The seed of the province and of its edits.
pub const SEED: u64 = 20_191_231;
/// Threads on which the offices live.
const THREADS: usize = 4;
/// What an office edits in a day.
pub const DAY_ACTS: usize = 10;
/// By then everyone is in step, in seconds; else the run has failed.
const RUN_S_MAX: u64 = 600;

/// What is wanted of a run.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How many offices.
    pub nodes: usize,
    /// How large the province is.
    pub size: Size,
}

/// Runs both situations against a server of its own process.
///
/// # Errors
/// What failed; nothing was measured then.
pub fn run(wanted: &Wanted, mut say: impl FnMut(&str)) -> Result<[Situation; 2]> {
    raise_open_files();
    let dir = tempfile::TempDir::with_prefix("dongbo-herd-")?;
    say("founding the province");
    let load = Workload::generate(SEED, wanted.size)?;
    let town = Town::found(&dir.path().join("province"), &load)?;
    let offices = town.admit(wanted.nodes)?;
    let seeder = town.admit_all()?;
    let mut serving = town.serve()?;
    say("the province's members arrive");
    seeder.uploads(&dir.path().join("seeder"), serving.address(), &load)?;
    let herd = Herd { dir: dir.path(), load: &load };
    say("every office is new, and is filled");
    serving.restart()?;
    let filled = herd.comes(&offices, &serving, 0)?;
    say("an outage; every office comes back with a day's acts");
    serving.restart()?;
    let back = herd.comes(&offices, &serving, DAY_ACTS)?;
    say("and once more, to hear what offices of the same scope brought");
    herd.comes(&offices, &serving, 0)?;
    say("looking whether everyone holds what the province holds");
    serving.stop()?;
    town.all_in_step(&offices, dir.path())?;
    Ok([
        Situation::of("every office is new", wanted.nodes, filled),
        Situation::of("back after an outage", wanted.nodes, back),
    ])
}

/// The members of a province, as a load.
///
/// # Errors
/// Where generator and catalogue disagree.
pub fn workload(seed: u64, size: Size) -> Result<Workload> {
    Workload::generate(seed, size)
}

/// The offices' side of a run.
pub struct Herd<'a> {
    /// Where the replicas are.
    pub dir: &'a Path,
    /// The province's members.
    pub load: &'a Workload,
}

/// What a situation gave.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// From the common start to the last office's being in step.
    pub took: Duration,
    /// What each office met.
    pub visits: Vec<Visit>,
    /// The most memory that the server has held, in bytes.
    pub memory: u64,
    /// The server's memory before.
    pub memory_before: u64,
}

impl Herd<'_> {
    /// All offices set out at once, each with so many acts that it made meanwhile.
    ///
    /// # Errors
    /// An office that did not come into step.
    pub fn comes(&self, offices: &[Office], serving: &dyn Serves, acts: usize) -> Result<Came> {
        let ready = Arc::new(Barrier::new(THREADS + 1));
        let (memory_before, address) = (serving.memory(), serving.address());
        std::thread::scope(|scope| {
            let share = |at: usize| offices.iter().enumerate().skip(at).step_by(THREADS);
            let threads: Vec<_> = (0..THREADS)
                .map(|at| {
                    let ready = ready.clone();
                    scope.spawn(move || {
                        let open: Result<Vec<_>> =
                            share(at).map(|(n, o)| o.opens(self.dir, self.load, n, acts)).collect();
                        ready.wait();
                        office::all_come(open?, address, Duration::from_secs(RUN_S_MAX))
                    })
                })
                .collect();
            ready.wait();
            let begun = Instant::now();
            let mut visits = Vec::with_capacity(offices.len());
            for thread in threads {
                let of_thread = thread.join().ok().context("a thread of offices panicked")?;
                visits.extend(of_thread?);
            }
            let took = visits.iter().map(|v: &Visit| v.took).max().unwrap_or_default();
            ensure!(took <= begun.elapsed() + Duration::from_secs(1), "a clock went back");
            Ok(Came { took, visits, memory: serving.memory(), memory_before })
        })
    }
}

/// A server that offices can come to.
pub trait Serves {
    /// Where it listens.
    fn address(&self) -> std::net::SocketAddr;
    /// The most memory that it has held since it started, in bytes; 0 where it is not a process of its own.
    fn memory(&self) -> u64;
}

/// As many files as the system lets this process have: each office has a few open.
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, a smaller herd still runs.
    let _ = setrlimit(Resource::Nofile, limit);
}
