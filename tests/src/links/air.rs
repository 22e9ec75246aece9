//! A radio link in user space: two TUN devices with packets carried between them, late, slowly, and not
//! all of them.
//!
//! For machines whose kernel has no `netem`. It sees whole IP packets, as `netem` does, so TCP's own
//! retransmissions, timeouts and windows are the system's. Deliberately absent: reordering, duplication
//! and corruption, which the simulator has.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tun_rs::SyncDevice;

use super::Profile;

/// Bytes that wait for a slow link before packets are dropped: a modem's buffer.
const QUEUE_BYTES_MAX: usize = 64 * 1024;
/// The largest packet.
const PACKET_BYTES_MAX: usize = 2_048;

/// What passed in one direction.
#[derive(Debug, Default)]
pub struct Counts {
    /// Bytes of packets that were sent into it.
    pub bytes: AtomicU64,
    /// Packets that it lost.
    pub lost: AtomicU64,
    /// Bytes of TCP's payload, each as often as it was sent.
    pub payload: AtomicU64,
    /// The same, each once.
    pub unique: AtomicU64,
}

struct Way {
    queue: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    bell: Condvar,
    counts: Counts,
}

/// The link. Dropping it ends the packets, not the threads, which end with their devices' namespaces.
pub struct Air {
    profile: Arc<Mutex<Profile>>,
    ways: [Arc<Way>; 2],
    ended: Arc<AtomicBool>,
}

impl Air {
    /// Carries packets between two devices, both ways; up is from the first to the second.
    #[must_use]
    pub fn between(first: SyncDevice, second: SyncDevice, seed: u64) -> Self {
        let profile = Arc::new(Mutex::new(Profile::CLEAN));
        let devices = [Arc::new(first), Arc::new(second)];
        let ended = Arc::new(AtomicBool::new(false));
        let ways = [0, 1].map(|at: usize| {
            let way = Arc::new(Way {
                queue: Mutex::default(),
                bell: Condvar::new(),
                counts: Counts::default(),
            });
            let (from, to) = (devices[at].clone(), devices[1 - at].clone());
            let (takes, gives) = (way.clone(), way.clone());
            let (profile, dice) = (profile.clone(), ChaCha8Rng::seed_from_u64(seed + at as u64));
            let (take_ends, give_ends) = (ended.clone(), ended.clone());
            thread::spawn(move || take(&from, &takes, &profile, dice, &take_ends));
            thread::spawn(move || give(&to, &gives, &give_ends));
            way
        });
        Air { profile, ways, ended }
    }

    /// How the link is from now on.
    pub fn set(&self, profile: Profile) {
        *self.profile.lock().unwrap_or_else(PoisonError::into_inner) = profile;
    }

    /// What went up.
    #[must_use]
    pub fn up(&self) -> &Counts {
        &self.ways[0].counts
    }

    /// What came down.
    #[must_use]
    pub fn down(&self) -> &Counts {
        &self.ways[1].counts
    }
}

impl Drop for Air {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.ways.iter().for_each(|way| way.bell.notify_all());
    }
}

fn take(
    from: &SyncDevice,
    way: &Way,
    profile: &Mutex<Profile>,
    mut dice: ChaCha8Rng,
    ended: &AtomicBool,
) {
    let (mut flows, mut free_at) = (Flows::default(), Instant::now());
    let mut buffer = [0; PACKET_BYTES_MAX];
    while let Ok(length) = from.recv(&mut buffer) {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        let packet = &buffer[..length];
        let profile = *profile.lock().unwrap_or_else(PoisonError::into_inner);
        way.counts.bytes.fetch_add(length as u64, Ordering::Relaxed);
        flows.count(packet, &way.counts);
        let now = Instant::now();
        free_at = free_at.max(now);
        let waiting = profile.bytes_in(free_at - now);
        if waiting > QUEUE_BYTES_MAX || dice.random_bool(profile.loss) {
            way.counts.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        // Bytes leave one after the other, and then travel.
        free_at += profile.time_of(length);
        let arrives = free_at + profile.round_trip / 2;
        let mut queue = way.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back((arrives, packet.to_vec()));
        way.bell.notify_one();
    }
}

fn give(to: &SyncDevice, way: &Way, ended: &AtomicBool) {
    let mut queue = way.queue.lock().unwrap_or_else(PoisonError::into_inner);
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        let due = queue.front().map(|(at, _)| at.saturating_duration_since(now));
        match due {
            Some(Duration::ZERO) => {
                let Some((_, packet)) = queue.pop_front() else { continue };
                drop(queue);
                // A device that is down loses the packet, as a link does.
                let _: io::Result<usize> = to.send(&packet);
                queue = way.queue.lock().unwrap_or_else(PoisonError::into_inner);
            }
            wait => {
                let wait = wait.unwrap_or(Duration::from_millis(200));
                let waited = way.bell.wait_timeout(queue, wait);
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// How far each flow has come, by its ports.
#[derive(Default)]
struct Flows(BTreeMap<Flow, u32>);

/// Source and destination port, and the source's address.
type Flow = (u16, u16, u32);

/// What is looked at in a packet.
struct Segment {
    flow: Flow,
    sequence: u32,
    payload: u32,
    /// It opens the flow.
    begins: bool,
}

impl Flows {
    /// Counts the payload of a TCP packet over IPv4.
    fn count(&mut self, packet: &[u8], counts: &Counts) {
        let Some(Segment { flow, sequence, payload, begins }) = tcp(packet) else { return };
        counts.payload.fetch_add(u64::from(payload), Ordering::Relaxed);
        let next = sequence.wrapping_add(payload);
        let known = self.0.entry(flow).or_insert(sequence);
        if begins {
            *known = sequence.wrapping_add(1);
            return;
        }
        // Numbers wrap: what lies less than half the circle ahead is new.
        let new = next.wrapping_sub(*known);
        if new > 0 && new < u32::MAX / 2 {
            counts.unique.fetch_add(u64::from(new), Ordering::Relaxed);
            *known = next;
        }
    }
}

/// A packet's TCP segment, where it has one over IPv4.
fn tcp(packet: &[u8]) -> Option<Segment> {
    const TCP: u8 = 6;
    let header = usize::from(packet.first()? & 0x0f) * 4;
    if packet.first()? >> 4 != 4 || *packet.get(9)? != TCP {
        return None;
    }
    let whole = usize::from(u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?));
    let source = u32::from_be_bytes(packet.get(12..16)?.try_into().ok()?);
    let tcp = packet.get(header..whole)?;
    let port = |at: usize| Some(u16::from_be_bytes(tcp.get(at..at + 2)?.try_into().ok()?));
    let sequence = u32::from_be_bytes(tcp.get(4..8)?.try_into().ok()?);
    let offset = usize::from(tcp.get(12)? >> 4) * 4;
    let payload = u32::try_from(tcp.len().checked_sub(offset)?).ok()?;
    let begins = tcp.get(13)? & 0x02 != 0;
    Some(Segment { flow: (port(0)?, port(2)?, source), sequence, payload, begins })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u32, payload: usize, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; 40 + payload];
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&(40 + payload as u16).to_be_bytes());
        packet[9] = 6;
        packet[24..28].copy_from_slice(&sequence.to_be_bytes());
        packet[32] = 0x50;
        packet[33] = flags;
        packet
    }

    #[test]
    fn what_is_sent_again_is_counted_once_more_and_new_bytes_once() {
        let (mut flows, counts) = (Flows::default(), Counts::default());
        let start = u32::MAX - 150;
        for (sequence, payload, flags) in
            [(start, 0, 2), (start.wrapping_add(1), 100, 16), (start.wrapping_add(1), 100, 16)]
        {
            flows.count(&packet(sequence, payload, flags), &counts);
        }
        flows.count(&packet(start.wrapping_add(101), 100, 16), &counts);
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        assert_eq!((read(&counts.payload), read(&counts.unique)), (300, 200));
    }
}
