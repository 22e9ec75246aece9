//! What the driver, the hosts, the nemesis and the checks share: the disks of the machines, the
//! log, the ledger and the counts. A run is one thread, so interior mutability suffices.
//!
//! A machine's struct is what survives a crash of its process; what a process holds open is in the
//! `RefCell<Option<…>>` fields, which a crash empties.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dongbo_node::replica::Replica;
use dongbo_node::session::Link;
use dongbo_proto::code::JoinCode;
use dongbo_proto::id::{AuthorId, Epoch, ScopeId};
use dongbo_proto::seam;
use dongbo_proto::stick::SealingKey;
use dongbo_server::store::StoreHandle;
use dongbo_sqlite::DatabaseKey;

use super::Plan;
use super::clock::HostClock;
use super::courier::{Stick, sealing_key};
use super::ledger::Ledger;
use super::log::Log;
use super::net::Wires;
use super::random::Seeded;

/// The province's machine.
pub struct Server {
    /// Its data directory.
    pub dir: PathBuf,
    /// The key of its database.
    pub key: DatabaseKey,
    /// Its clock.
    pub clock: Arc<HostClock>,
    /// Its random bytes.
    pub entropy: Arc<Seeded>,
    /// The key to which offices seal files.
    pub sealing: SealingKey,
    /// The registry as the province's own program has it open, while the machine runs.
    pub desk: RefCell<Option<StoreHandle>>,
    /// Its open connections.
    pub wires: Wires,
    /// How often it was started.
    pub starts: Cell<u32>,
    /// The last image of its disk.
    pub image: RefCell<Option<Image>>,
    /// How often its disk was put back from an image, with nobody telling it.
    pub rewinds: Cell<u32>,
    /// The epoch that it was in when that last happened.
    pub rewound_in: Cell<Option<Epoch>>,
}

/// An image of the province's disk.
pub struct Image {
    /// Where it is.
    pub dir: PathBuf,
    /// Lines of the ledger when it was made.
    pub lines: usize,
    /// The epoch that it is of.
    pub epoch: Epoch,
}

/// An image of a commune's disk, with what is kept beside the replica.
pub struct NodeImage {
    /// Where it is.
    pub dir: PathBuf,
    /// Lines of the ledger when it was made.
    pub lines: usize,
    /// The last position that the office had been told is saved.
    pub told: u64,
    /// The id under which it wrote.
    pub author: AuthorId,
    /// The id that its certificate named.
    pub certified: AuthorId,
    /// Its certificate.
    pub certificate: Option<Vec<u8>>,
}

/// A commune's machine.
pub struct Node {
    /// Its name in the simulated network.
    pub name: String,
    /// Its data directory.
    pub dir: PathBuf,
    /// The key of its database.
    pub key: DatabaseKey,
    /// Its identity's private key.
    pub pkcs8: Vec<u8>,
    /// The id under which it writes.
    pub author: Cell<AuthorId>,
    /// The id that its certificate names.
    pub certified: Cell<AuthorId>,
    /// The last position that its office was told is saved on this disk.
    pub told: Cell<u64>,
    /// The last image of its disk.
    pub image: RefCell<Option<NodeImage>>,
    /// How often its disk was put back.
    pub rewinds: Cell<u32>,
    /// The code with which it joins.
    pub code: JoinCode,
    /// The scopes for which it was invited.
    pub scopes: Vec<ScopeId>,
    /// Its clock.
    pub clock: Arc<HostClock>,
    /// Its random bytes.
    pub entropy: Arc<Seeded>,
    /// The key to which answers on a stick are sealed.
    pub sealing: SealingKey,
    /// The certificate that it keeps; none before it has joined.
    pub certificate: RefCell<Option<Vec<u8>>>,
    /// What it knows of its link.
    pub link: Cell<Link>,
    /// The replica as the office's program has it open, while the machine runs.
    pub office: RefCell<Option<Replica>>,
    /// Whether a conversation is under way.
    pub talking: Cell<bool>,
    /// Conversations that came to their end since people stopped, with what they moved.
    pub calm_talks: RefCell<Vec<Moved>>,
    /// Its open connections.
    pub wires: Wires,
    /// How often it was started.
    pub starts: Cell<u32>,
}

/// What one conversation moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// True time at which it began.
    pub began: Duration,
    /// Acts sent.
    pub acts: u64,
    /// Records that came down.
    pub records: u64,
    /// Rows that changed here.
    pub rows: usize,
}

/// Counts by name, for the table at the end.
pub type Counts = BTreeMap<&'static str, u64>;

/// Everything of one run.
pub struct World {
    /// What was asked for.
    pub plan: Plan,
    /// What happened.
    pub log: RefCell<Log>,
    /// What people were told is saved.
    pub ledger: RefCell<Ledger>,
    /// Faults injected.
    pub faults: RefCell<Counts>,
    /// Checks made.
    pub checks: RefCell<Counts>,
    /// What people did.
    pub deeds: RefCell<Counts>,
    /// The first thing that went wrong.
    pub failure: RefCell<Option<String>>,
    /// True time.
    pub elapsed: Cell<Duration>,
    /// People have stopped: nodes only exchange.
    pub calm: Arc<AtomicBool>,
    /// The province.
    pub server: Server,
    /// The communes.
    pub nodes: Vec<Node>,
    /// Files on their way.
    pub sticks: RefCell<Vec<Stick>>,
}

impl World {
    /// Writes a line into the log.
    pub fn say(&self, who: &str, what: fmt::Arguments<'_>) {
        let at = turmoil::sim_elapsed().unwrap_or_else(|| self.elapsed.get());
        self.log.borrow_mut().say(at, who, what);
    }

    /// Keeps the first thing that goes wrong; the driver stops at it.
    pub fn fail(&self, what: fmt::Arguments<'_>) {
        self.say("FAIL", what);
        self.failure.borrow_mut().get_or_insert_with(|| what.to_string());
    }

    /// Whether people have stopped.
    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Counts something that people did.
    pub fn did(&self, what: &'static str) {
        *self.deeds.borrow_mut().entry(what).or_default() += 1;
    }

    /// Counts a fault.
    pub fn injected(&self, what: &'static str) {
        *self.faults.borrow_mut().entry(what).or_default() += 1;
    }

    /// Counts a check, and keeps what it found wrong.
    pub fn check(&self, name: &'static str, found: Result<(), String>) {
        *self.checks.borrow_mut().entry(name).or_default() += 1;
        if let Err(wrong) = found {
            self.fail(format_args!("{name}: {wrong}"));
        }
    }
}

/// A machine's disk as it was when its process died: what was committed, without the shared memory
/// that dies with the process and without the tidying that an orderly exit does.
pub fn keep_as_killed(dir: &Path) -> std::io::Result<PathBuf> {
    let kept = dir.with_extension("killed");
    std::fs::create_dir(&kept)?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), kept.join(name))?;
        }
    }
    Ok(kept)
}

/// Makes an image of the province's disk as it is at this moment.
pub fn make_image(world: &World, epoch: Epoch) -> std::io::Result<()> {
    let kept = keep_as_killed(&world.server.dir)?;
    let dir = keep_as_image(kept, &world.server.dir)?;
    let lines = world.ledger.borrow().lines();
    *world.server.image.borrow_mut() = Some(Image { dir, lines, epoch });
    Ok(())
}

/// Puts an image in the place of the disk of a server that is down. What the province's own people
/// did since is lost with the disk, and the ledger hears of it: nobody else has it.
pub fn put_back_image(world: &World) -> std::io::Result<()> {
    let image = world.server.image.borrow();
    let Some(Image { dir, lines, epoch }) = image.as_ref() else { return Ok(()) };
    copy_over(dir, &world.server.dir)?;
    world.ledger.borrow_mut().lost(*lines);
    world.server.rewinds.set(world.server.rewinds.get() + 1);
    world.server.rewound_in.set(Some(*epoch));
    Ok(())
}

fn keep_as_image(kept: PathBuf, of: &Path) -> std::io::Result<PathBuf> {
    let dir = of.with_extension("image");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::rename(kept, &dir)?;
    Ok(dir)
}

fn copy_over(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(to)?;
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Makes an image of a commune's disk as it is at this moment.
pub fn make_node_image(world: &World, node: &Node) -> std::io::Result<()> {
    let dir = keep_as_image(keep_as_killed(&node.dir)?, &node.dir)?;
    *node.image.borrow_mut() = Some(NodeImage {
        dir,
        lines: world.ledger.borrow().lines(),
        told: node.told.get(),
        author: node.author.get(),
        certified: node.certified.get(),
        certificate: node.certificate.borrow().clone(),
    });
    Ok(())
}

/// Puts an image in the place of the disk of a commune's machine that is down. What was saved since and
/// did not get away is lost with the disk; the rest must still be found.
pub fn put_back_node_image(world: &World, node: &Node) -> std::io::Result<()> {
    let image = node.image.borrow();
    let Some(image) = image.as_ref() else { return Ok(()) };
    copy_over(&image.dir, &node.dir)?;
    world.ledger.borrow_mut().doubtful(image.lines, &node.name);
    node.told.set(image.told);
    node.author.set(image.author);
    node.certified.set(image.certified);
    node.certificate.borrow_mut().clone_from(&image.certificate);
    node.rewinds.set(node.rewinds.get() + 1);
    Ok(())
}

/// Puts a kept disk in the place of what the dropped process left.
pub fn put_back_killed(dir: &Path, kept: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(dir)?;
    std::fs::rename(kept, dir)
}

/// A shared world.
pub type Shared = Rc<World>;

/// Draws a commune's machine.
pub fn node(
    plan: &Plan,
    at: usize,
    under: &Path,
    pin: dongbo_proto::code::CaPin,
    scopes: Vec<ScopeId>,
) -> std::io::Result<Node> {
    let name = format!("n{}", at + 1);
    let dir = under.join(&name);
    std::fs::create_dir(&dir)?;
    let entropy = Arc::new(Seeded::new(plan.seed, &format!("node {name}")));
    let author = AuthorId(seam::Entropy::number(&Seeded::new(plan.seed, &format!("id {name}"))));
    let draw = entropy.clone();
    let seed: [u8; 32] = seam::bytes(entropy.as_ref());
    Ok(Node {
        key: DatabaseKey::generate(&mut |bytes: &mut [u8]| {
            seam::Entropy::fill(draw.as_ref(), bytes)
        }),
        pkcs8: [PKCS8_ED25519, &seed].concat(),
        author: Cell::new(author),
        certified: Cell::new(author),
        told: Cell::default(),
        image: RefCell::default(),
        rewinds: Cell::default(),
        code: JoinCode::new(seam::bytes(entropy.as_ref()), pin),
        name,
        dir,
        scopes,
        clock: Arc::default(),
        sealing: sealing_key(&Seeded::new(plan.seed, &format!("sealing n{}", at + 1))),
        entropy,
        certificate: RefCell::default(),
        link: Cell::default(),
        office: RefCell::default(),
        talking: Cell::default(),
        calm_talks: RefCell::default(),
        wires: Wires::default(),
        starts: Cell::default(),
    })
}

/// What stands before the seed in an Ed25519 key of PKCS#8, version 1.
const PKCS8_ED25519: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
