//! Who plays: a dozen machines, two of them in one office.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{Node, Trouble, World};

/// Machines of the story; a hundredth of a province has offices for fewer.
const MACHINES_MAX: usize = 12;
/// Machines that work at once: each is a process of its own, and the machine that plays them has few cores.
const AT_ONCE: usize = 4;

/// The two machines of one office.
pub(super) const FIRST: usize = 0;
/// See [`FIRST`].
pub(super) const SECOND: usize = 1;
/// The machine of an office that asks, and that imports a wrong list.
pub(super) const OTHER: usize = 2;
/// The machine that will be revoked.
pub(super) const STOLEN: usize = 3;

/// Machines for the first offices, not joined yet. The first office has two.
pub(super) fn machines(world: &World) -> Result<Vec<Node>, Trouble> {
    let scopes = world.scopes();
    // One office at least has no machine: its list comes in at the province.
    let offices = scopes.iter().take((MACHINES_MAX - 1).min(scopes.len() - 1));
    let twice = scopes.iter().take(1).chain(offices);
    let machine = |(number, unit): (usize, &&crate::province::Unit)| {
        let which = if number == SECOND { "-2" } else { "" };
        world.machine(&format!("{}{which}", unit.code), &[&unit.code])
    };
    twice.enumerate().map(machine).collect()
}

/// Does the same on several machines, a few at once; answers in the order of the machines.
pub(super) fn on_each<T: Send>(
    nodes: &[&Node],
    done: impl Fn() + Sync,
    work: impl Fn(&Node) -> Result<T, Trouble> + Sync,
) -> Result<Vec<T>, Trouble> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut answers = Vec::new();
        while let Some((at, node)) = Some(next.fetch_add(1, Ordering::Relaxed))
            .and_then(|at| nodes.get(at).map(|node| (at, node)))
        {
            answers.push((at, work(node)));
            done();
        }
        answers
    };
    let mut answers: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
