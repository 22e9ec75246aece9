//! Two network namespaces and the wire between them: the province in one, a commune in the other.
//!
//! The wire is `netem` on a pair of devices where the kernel has it, else [`Air`] between two TUN
//! devices. Both need root. A cut is what a mobile operator does: the commune's address changes, and
//! every connection from the old one is dead without a word.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

use super::Profile;
use super::air::Air;
use crate::harness::{Ran, Trouble};

/// The device in each namespace.
const DEVICE: &str = "link0";
/// Bytes of a packet: what mobile links carry.
const PACKET_BYTES: u16 = 1_400;
/// The province's address.
pub const PROVINCE: &str = "10.77.0.1";
/// Packets that wait for a slow link under `netem`, about as many as [`Air`] lets wait.
const QUEUE_PACKETS: &str = "48";

/// Who carries the packets.
pub enum Wire {
    /// The kernel: `tc qdisc … netem`.
    Netem,
    /// This process: see [`Air`].
    Air(Air),
}

/// The two namespaces; they go when it is dropped.
pub struct Place {
    names: [String; 2],
    address: AtomicU32,
    /// What is between them.
    pub wire: Wire,
}

impl Place {
    /// Makes both, with a good link between them.
    ///
    /// # Errors
    /// Why this machine cannot, and what would help.
    pub fn make(seed: u64) -> Result<Self, Trouble> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = |side| format!("dongbo-{}-{number}-{side}", std::process::id());
        let names = [name("commune"), name("province")];
        for name in &names {
            ip(&["netns", "add", name]).map_err(|e| {
                Trouble(format!("network namespaces need root and the program ip (iproute2): {e}"))
            })?;
        }
        let mut place = Place { names, address: AtomicU32::new(2), wire: Wire::Netem };
        if let Err(no_netem) = place.pair() {
            place.wire = Wire::Air(place.tunnels(seed).map_err(|no_tun| {
                Trouble(format!(
                    "neither netem (modprobe sch_netem: {no_netem}) nor TUN devices (modprobe tun: \
                     {no_tun}) can be had here"
                ))
            })?);
        }
        for (name, address) in place.names.iter().zip([commune(2), PROVINCE.into()]) {
            ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", DEVICE])?;
            ip(&["-n", name, "link", "set", DEVICE, "mtu", &PACKET_BYTES.to_string(), "up"])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        Ok(place)
    }

    /// What carries the packets, and what it therefore does not show.
    #[must_use]
    pub fn by(&self) -> &'static str {
        match self.wire {
            Wire::Netem => "netem",
            Wire::Air(_) => {
                "a link in user space over TUN (this kernel has no netem): packets are delayed, held to \
                 the rate and lost; it shows no reordering and no correlated loss"
            }
        }
    }

    fn pair(&self) -> Result<(), Trouble> {
        let [commune, province] = &self.names;
        let peer = ["peer", "name", DEVICE, "netns", province];
        let add = ["-n", commune, "link", "add", DEVICE, "type", "veth"];
        ip(&[&add[..], &peer[..]].concat())?;
        let tried = self.qdisc(Profile::CLEAN);
        if tried.is_err() {
            ip(&["-n", commune, "link", "del", DEVICE])?;
        }
        tried
    }

    fn qdisc(&self, profile: Profile) -> Result<(), Trouble> {
        let delay = format!("{}ms", (profile.round_trip / 2).as_millis());
        let loss = format!("{}%", profile.loss * 100.0);
        let rate = profile.bits_per_s.map(|bits| format!("{bits}bit"));
        for name in &self.names {
            let mut args = vec!["netns", "exec", name, "tc", "qdisc", "replace", "dev", DEVICE];
            args.extend(["root", "netem", "limit", QUEUE_PACKETS, "delay", &delay, "loss", &loss]);
            args.extend(rate.iter().flat_map(|rate| ["rate", rate.as_str()]));
            ip(&args)?;
        }
        Ok(())
    }

    fn tunnels(&self, seed: u64) -> Result<Air, Trouble> {
        let [commune, province] = &self.names;
        Ok(Air::between(tunnel(commune)?, tunnel(province)?, seed))
    }

    /// How the link is from now on.
    ///
    /// # Errors
    /// What `tc` says.
    pub fn set(&self, profile: Profile) -> Result<(), Trouble> {
        match &self.wire {
            Wire::Netem => self.qdisc(profile),
            Wire::Air(air) => {
                air.set(profile);
                Ok(())
            }
        }
    }

    /// Cuts the link: the commune has another address from now on.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn cut(&self) -> Result<(), Trouble> {
        let old = self.address.fetch_add(1, Ordering::Relaxed);
        let name = &self.names[0];
        ip(&["-n", name, "addr", "add", &format!("{}/24", commune(old + 1)), "dev", DEVICE])?;
        // The first address may take the others with it: the new one is put back where it went.
        ip(&["-n", name, "addr", "del", &format!("{}/24", commune(old)), "dev", DEVICE])?;
        let again = format!("{}/24", commune(old + 1));
        ip(&["-n", name, "addr", "replace", &again, "dev", DEVICE])
    }

    /// A command in the commune.
    #[must_use]
    pub fn at_commune(&self, command: &Command) -> Command {
        inside(&self.names[0], command)
    }

    /// A command at the province.
    #[must_use]
    pub fn at_province(&self, command: &Command) -> Command {
        inside(&self.names[1], command)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in &self.names {
            // What is left of it goes with the machine.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

fn commune(number: u32) -> String {
    format!("10.77.0.{}", 2 + number % 200)
}

fn inside(name: &str, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", name]).arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(key, value),
            None => inside.env_remove(key),
        };
    }
    inside
}

fn ip(args: &[&str]) -> Result<(), Trouble> {
    Ran::of(Command::new("ip").args(args))?.ok().map(drop)
}

/// A TUN device in a namespace: made on a thread that has gone there, and read from here.
fn tunnel(name: &str) -> Result<SyncDevice, Trouble> {
    let space = File::open(format!("/var/run/netns/{name}"))?;
    let made = thread::spawn(move || {
        move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(std::io::Error::from)?;
        DeviceBuilder::new().name(DEVICE).build_sync()
    });
    let made = made.join().map_err(|_| Trouble("the thread of a TUN device panicked".into()))?;
    Ok(made?)
}
