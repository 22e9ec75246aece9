//! The table of connections: what makes a revocation act at once.
//! [`ConnectionTable::cut`] makes the next read and write of a node's connections
//! fail, now, whatever they wait for. It also counts: per address those that have
//! not shown yet who they are, per node and in all those that have.
//!
//! Deliberately absent: the connections themselves. The table holds a place for
//! each, and a place is given back when its connection is dropped.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures::task::AtomicWaker;

use super::metrics::{LimitHit, Metrics};

/// Connections of one node that may be up: an office's open stream, an exchange and a question
/// beside it, and one that a cut link left behind. One more ends the oldest, so that an honest
/// node whose links keep breaking is never locked out by what they left.
pub const CONNECTIONS_PER_NODE_MAX: usize = 4;

/// Connections of nodes that may be up, over all: five times a province of 800 machines. Each holds
/// some 60 KB and a file handle; a node that finds no place comes again.
pub const NODE_CONNECTIONS_MAX: usize = 4_096;

/// The connections that are up, by number. A handle: clones share the table.
#[derive(Debug, Clone, Default)]
pub struct ConnectionTable {
    inner: Arc<Mutex<Table>>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    up: HashMap<u64, Entry>,
    /// Connections of an address that have not shown whose they are.
    by_address: HashMap<IpAddr, usize>,
    /// Connections that have.
    named: usize,
}

#[derive(Debug)]
struct Entry {
    node_id: Option<u64>,
    kick: Arc<Kick>,
}

impl ConnectionTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty table whose limits and refusals are counted here.
    #[must_use]
    pub fn counted(metrics: Metrics) -> Self {
        Self { inner: Arc::default(), metrics }
    }

    /// What counts.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Cuts every connection of a node at once, and says how many there were.
    pub fn cut(&self, node_id: u64) -> usize {
        self.cut_where(|entry| entry.node_id == Some(node_id))
    }

    /// Cuts every connection: the end of a shutdown's patience.
    pub fn cut_all(&self) -> usize {
        self.cut_where(|_| true)
    }

    /// Connections that are up or in their handshake.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().up.len()
    }

    /// True when nobody is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Connections of a node that are up.
    #[must_use]
    pub fn count_of(&self, node_id: u64) -> usize {
        self.lock().up.values().filter(|entry| entry.node_id == Some(node_id)).count()
    }

    fn cut_where(&self, wanted: impl Fn(&Entry) -> bool) -> usize {
        // Waking under the lock could poll a connection that drops its place.
        let kicks: Vec<_> = self
            .lock()
            .up
            .values()
            .filter(|entry| wanted(entry))
            .map(|entry| entry.kick.clone())
            .collect();
        kicks.iter().for_each(|kick| kick.cut());
        kicks.len()
    }

    /// A place for a connection that was just accepted, or `None` when its address
    /// has as many as it may.
    pub(super) fn enter(&self, remote: SocketAddr, per_address_max: usize) -> Option<Place> {
        let mut table = self.lock();
        let count = table.by_address.entry(counted_as(remote.ip())).or_default();
        if *count >= per_address_max {
            return None;
        }
        *count += 1;
        table.last += 1;
        let (number, kick) = (table.last, Arc::new(Kick::default()));
        table.up.insert(number, Entry { node_id: None, kick: kick.clone() });
        Some(Place { table: self.clone(), number, remote, kick })
    }

    /// From here on a connection is its node's: it no longer counts for its address, behind which a
    /// mobile operator may put a whole province.
    fn name(&self, number: u64, node_id: u64, remote: SocketAddr) {
        {
            let mut table = self.lock();
            let Some(entry) = table.up.get_mut(&number) else { return };
            if entry.node_id.replace(node_id).is_none() {
                table.named += 1;
                table.uncount(remote);
            }
            if table.named > NODE_CONNECTIONS_MAX {
                let kick = table.up.get(&number).map(|entry| entry.kick.clone());
                drop(table);
                kick.inspect(|kick| kick.cut());
            }
        }
        for kick in self.surplus(node_id) {
            self.metrics.limit(LimitHit::ConnectionsPerNode);
            kick.cut();
        }
    }

    /// The oldest connections of a node, so far as they are more than it may have.
    fn surplus(&self, node_id: u64) -> Vec<Arc<Kick>> {
        let table = self.lock();
        let of_node = table.up.iter().filter(|(_, entry)| entry.node_id == Some(node_id));
        let mut up: Vec<_> = of_node.map(|(number, entry)| (*number, &entry.kick)).collect();
        up.sort_unstable_by_key(|(number, _)| *number);
        let over = up.len().saturating_sub(CONNECTIONS_PER_NODE_MAX);
        up[..over].iter().map(|(_, kick)| Arc::clone(kick)).collect()
    }

    fn leave(&self, number: u64, remote: SocketAddr) {
        let mut table = self.lock();
        match table.up.remove(&number) {
            Some(Entry { node_id: Some(_), .. }) => table.named = table.named.saturating_sub(1),
            _ => table.uncount(remote),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn uncount(&mut self, remote: SocketAddr) {
        let address = counted_as(remote.ip());
        if let Some(count) = self.by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// A connection's place in the table, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    table: ConnectionTable,
    number: u64,
    remote: SocketAddr,
    kick: Arc<Kick>,
}

impl Place {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn table(&self) -> &ConnectionTable {
        &self.table
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// From here on, [`ConnectionTable::cut`] of that node finds the connection.
    pub(super) fn belongs_to(&self, node_id: u64) {
        self.table.name(self.number, node_id, self.remote);
    }

    /// An error when the connection was cut; else the reader is woken when it is.
    pub(super) fn check_reader(&self, cx: &Context<'_>) -> io::Result<()> {
        self.kick.check(&self.kick.reader, cx)
    }

    /// As [`Place::check_reader`], for the task that writes.
    pub(super) fn check_writer(&self, cx: &Context<'_>) -> io::Result<()> {
        self.kick.check(&self.kick.writer, cx)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.leave(self.number, self.remote);
    }
}

/// What cuts a connection. Reader and writer may be different tasks, so each has a
/// waker of its own.
#[derive(Debug, Default)]
struct Kick {
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Kick {
    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// The flag is read after the waker is registered: a cut in between is seen.
    fn check(&self, waker: &AtomicWaker, cx: &Context<'_>) -> io::Result<()> {
        waker.register(cx.waker());
        if self.cut.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the server"));
        }
        Ok(())
    }
}

/// What counts as one address: an IPv6 subscriber has a /64 to choose from.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> SocketAddr {
        text.parse().expect("address")
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let table = ConnectionTable::new();
        let first = table.enter(from("10.0.0.1:1"), 2);
        let second = table.enter(from("10.0.0.1:2"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(table.enter(from("10.0.0.1:3"), 2).is_none());
        assert!(table.enter(from("10.0.0.2:1"), 2).is_some());
        drop(first);
        assert!(table.enter(from("10.0.0.1:4"), 2).is_some());
    }

    /// Fault 26: a mobile operator puts a whole province behind one address. [I14 I15]
    #[test]
    fn who_has_shown_a_certificate_leaves_the_places_of_its_address_to_others() {
        let table = ConnectionTable::new();
        let places: Vec<_> = (0..100)
            .map(|node| {
                let place = table.enter(from("10.0.0.1:1"), 2).expect("a place");
                place.belongs_to(node);
                place
            })
            .collect();
        assert_eq!(table.len(), 100);
        let strangers = [table.enter(from("10.0.0.1:1"), 2), table.enter(from("10.0.0.1:1"), 2)];
        assert!(table.enter(from("10.0.0.1:1"), 2).is_none(), "strangers have two places");
        drop((places, strangers));
        let table = table.lock();
        assert!(table.up.is_empty() && table.by_address.is_empty() && table.named == 0);
    }

    #[test]
    fn a_left_table_holds_nothing() {
        let table = ConnectionTable::new();
        drop(table.enter(from("[2001:db8::1]:1"), 1));
        let table = table.lock();
        assert!(table.up.is_empty() && table.by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let near = counted_as("2001:db8::1".parse().expect("address"));
        assert_eq!(near, counted_as("2001:db8::ffff".parse().expect("address")));
        assert_ne!(near, counted_as("2001:db8:0:1::1".parse().expect("address")));
        assert_eq!(
            counted_as("::ffff:10.0.0.1".parse().expect("address")),
            from("10.0.0.1:1").ip()
        );
    }
}
