//! Slow and bad links for real: the programs that ship, in network namespaces, with packets delayed, held
//! to a rate, lost, and connections cut under them.
//!
//! ```text
//! cargo links                       both profiles: some minutes; needs root and iproute2
//! ```
//!
//! `place` has the namespaces and the wire, `air` the wire for kernels without `netem`. Deliberately
//! absent: what a proxy can do (the harness has one). It carries bytes, and cannot lose packets.

mod air;
mod place;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Link, Node, Ran, Server, Trouble, Watch, says};
use crate::province::{Province, Size};
use place::{PROVINCE, Place, Wire};

/// The seed of the province and of the dice.
const SEED: u64 = 7;
/// How often the commune's status is looked at.
const LOOK: Duration = Duration::from_secs(3);
/// Bytes that may be sent twice, in all.
pub const TWICE_BYTES_MAX: f64 = 32_000.0;
/// The port of the province.
const PORT: u16 = 7_443;

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// What it is called.
    pub name: &'static str,
    /// Bits in a second, each way; as many as there are if `None`.
    pub bits_per_s: Option<u32>,
    /// From here to there and back.
    pub round_trip: Duration,
    /// The part of the packets that is lost, each way.
    pub loss: f64,
    /// How often it is cut.
    pub cut_every: Option<Duration>,
}

impl Profile {
    /// Nothing is wrong with it.
    pub const CLEAN: Profile = Profile {
        name: "clean",
        bits_per_s: None,
        round_trip: Duration::ZERO,
        loss: 0.0,
        cut_every: None,
    };
    /// 2G at the edge of its cell.
    pub const SLOW: Profile = Profile {
        name: "9.6 kbit/s, 3 s round trip, 2 % loss, cut every 30 s",
        bits_per_s: Some(9_600),
        round_trip: Duration::from_secs(3),
        loss: 0.02,
        cut_every: Some(Duration::from_secs(30)),
    };
    /// A radio in a storm.
    pub const LOSSY: Profile = Profile {
        name: "40 % loss each way, 256 kbit/s, 0.2 s round trip, no cuts",
        bits_per_s: Some(256_000),
        round_trip: Duration::from_millis(200),
        loss: 0.4,
        cut_every: None,
    };

    fn time_of(&self, bytes: usize) -> Duration {
        let seconds = |bits: u32| bytes as f64 * 8.0 / f64::from(bits);
        self.bits_per_s.map_or(Duration::ZERO, |bits| Duration::from_secs_f64(seconds(bits)))
    }

    fn bytes_in(&self, time: Duration) -> usize {
        self.bits_per_s.map_or(0, |bits| (time.as_secs_f64() * f64::from(bits) / 8.0) as usize)
    }
}

/// What is to be carried, and by when.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The link.
    pub profile: Profile,
    /// Acts that the commune brings.
    pub acts: usize,
    /// How often it is cut, at most.
    pub cuts_max: u32,
    /// The most seconds that it may take.
    pub within_s: u64,
}

/// What a link carried, and at what cost.
#[derive(Clone, Debug)]
pub struct Report {
    /// The link.
    pub profile: Profile,
    /// What carried the packets.
    pub by: &'static str,
    /// From the first try until everyone was in step.
    pub took: Duration,
    /// How often it was cut.
    pub cuts: u32,
    /// Connections that the commune gave up.
    pub given_up: usize,
    /// Acts that the commune had.
    pub acts: usize,
    /// Acts that it sent, some twice.
    pub acts_sent: u64,
    /// Bytes of frames that it sent.
    pub bytes_up: u64,
    /// Records that came down, some twice.
    pub records_received: u64,
    /// What status said of unsent acts, from look to look.
    pub unsent: Vec<u64>,
    /// TCP's payload up, as often as it was sent and once; packets lost. Only where this process
    /// carried them.
    pub wire: Option<[u64; 3]>,
}

impl Report {
    /// Bytes of acts that were sent more than once.
    #[must_use]
    pub fn twice(&self) -> f64 {
        let again = self.acts_sent.saturating_sub(self.acts as u64) as f64;
        again * self.bytes_up as f64 / (self.acts_sent.max(1) as f64)
    }

    /// What is wrong with it, in words.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        if self.twice() > TWICE_BYTES_MAX {
            missed.push(format!("{:.0} bytes were sent twice", self.twice()));
        }
        if self.unsent.windows(2).any(|two| two[1] > two[0]) {
            missed.push(format!("what is unsent grew: {:?}", self.unsent));
        }
        if self.profile.cut_every.is_some() && self.given_up == 0 {
            missed.push("no connection was cut: the link was not what it says".into());
        }
        missed
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}, by {}\n  in step after {:.0} s; {} cuts, {} connections given up\n  {} acts in {} \
             sendings, {} bytes up in frames; sent twice {:.0} bytes\n  {} records down\n  unsent, from \
             look to look: {:?}\n",
            self.profile.name,
            self.by,
            self.took.as_secs_f64(),
            self.cuts,
            self.given_up,
            self.acts,
            self.acts_sent,
            self.bytes_up,
            self.twice(),
            self.records_received,
            self.unsent,
        );
        if let Some([payload, unique, lost]) = self.wire {
            let _ = writeln!(
                text,
                "  on the wire up: {payload} bytes in TCP, {unique} of them new; {lost} packets lost"
            );
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "profile": self.profile.name, "by": self.by, "took_s": self.took.as_secs_f64(),
            "cuts": self.cuts, "given_up": self.given_up, "acts": self.acts,
            "acts_sent": self.acts_sent, "bytes_up": self.bytes_up, "twice_bytes": self.twice(),
            "records_received": self.records_received, "unsent": self.unsent, "wire": self.wire,
            "missed": self.missed(),
        })
    }
}

/// Whether this machine can make such a link; if not, why, and what would help.
///
/// # Errors
/// The reason.
pub fn can() -> Result<&'static str, Trouble> {
    Place::make(SEED).map(|place| place.by())
}

/// Carries what is wanted over such a link.
///
/// # Errors
/// What failed, or that it was not through in time.
pub fn run(wanted: Wanted) -> Result<Report, Trouble> {
    let place = Place::make(SEED)?;
    let dir = TempDir::with_prefix("dongbo-links-")?;
    let province = Province::generate(SEED, Size::Hundredth);
    let tables = dir.path().join("province");
    province.write(&tables, false)?;
    let server = Server::init(&dir.path().join("server"), "Bắc Giang", &tables)?;
    let scope = province.scopes().next().map(|unit| unit.code.clone()).unwrap_or_default();
    let listen = format!("{PROVINCE}:{PORT}");
    let serve = server.command(&["serve", "--listen", &listen, "--json"]);
    let serving = Watch::of(&mut place.at_province(&serve))?;
    serving.until(Duration::from_secs(30), |said| said["listening"].is_string())?;
    // The node's own wire is not used: it is in another namespace.
    let node =
        Node::new("lan", &[&scope], &dir.path().join("lan"), Link::to(([127, 0, 0, 1], 9).into())?);
    let code = server.invite("lan", &[&scope])?;
    let join = node.command(&["join", "--server", &listen, "--code", &code]);
    Ran::of(&mut place.at_commune(&join))?.ok()?;
    // The units came over a good link; the members come over this one.
    server.import(&[&tables.join("members").join(format!("{scope}.jsonl"))])?;
    enter(&node, &province, &scope, wanted.acts)?;
    place.set(wanted.profile)?;
    let report = carry(&place, &node, wanted)?;
    place.set(Profile::CLEAN)?;
    in_step(&node, &server)?;
    serving.stop()?;
    Ok(report)
}

/// People enter members while there is no link.
fn enter(node: &Node, province: &Province, scope: &str, acts: usize) -> Result<(), Trouble> {
    let unit = province.members_of(scope).next().map(|m| m.unit.clone()).unwrap_or_default();
    for number in 0..acts {
        let name = format!("full_name=Nguyễn Văn Thứ {number}");
        let mail = format!("email=thu{number}.{}@mophong.example", number * 7_919 % 10_007);
        let phone = format!("phone=0000{:06}", number * 104_729 % 1_000_000);
        let address = format!("perm_addr_detail=Thôn Mẫu {}, số nhà {}", number % 17, number * 31);
        let sets = [name.as_str(), "sex=M", "birth_date=1970-05-19", &mail, &phone, &address];
        let mut args = vec!["member", "add", "--unit", &unit];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        node.run(&args)?.ok()?;
    }
    Ok(())
}

fn carry(place: &Place, node: &Node, wanted: Wanted) -> Result<Report, Trouble> {
    let (begun, within) = (Instant::now(), Duration::from_secs(wanted.within_s));
    let watch = Watch::of(&mut place.at_commune(&node.command(&["sync", "--watch", "--json"])))?;
    let (events, mut cuts, mut unsent) = (RefCell::new(Vec::new()), 0, Vec::new());
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or_default();
    let mut is_in_step = false;
    while !is_in_step {
        if begun.elapsed() > within {
            let status = node.ask(&["status"])?;
            let said = events.borrow();
            return Err(Trouble(format!("not in step after {within:?}: {said:?}\n{status}")));
        }
        let note = |event: &Value| {
            events.borrow_mut().push(event.clone());
            event["event"] == "in_step"
        };
        is_in_step = watch.until(LOOK, note).is_ok();
        unsent.push(number(&node.ask(&["status"])?["equation"], "unsent"));
        let due =
            wanted.profile.cut_every.is_some_and(|every| begun.elapsed() > every * (cuts + 1));
        if due && !is_in_step && cuts < wanted.cuts_max {
            place.cut()?;
            cuts += 1;
        }
    }
    let took = begun.elapsed();
    watch.kill();
    let events = events.into_inner();
    let named = |names: &'static [&str]| {
        events.iter().filter(move |e| names.iter().any(|name| e["event"] == *name))
    };
    let sum = |name: &str| named(&["cut", "in_step"]).map(|e| number(e, name)).sum::<u64>();
    let wire = match &place.wire {
        Wire::Netem => None,
        Wire::Air(air) => {
            let (up, read) =
                (air.up(), |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed));
            Some([read(&up.payload), read(&up.unique), read(&up.lost) + read(&air.down().lost)])
        }
    };
    Ok(Report {
        profile: wanted.profile,
        by: place.by(),
        took,
        cuts,
        given_up: named(&["cut"]).count(),
        acts: wanted.acts,
        acts_sent: sum("acts_sent"),
        bytes_up: sum("bytes_up"),
        records_received: sum("records_received"),
        unsent,
        wire,
    })
}

/// Both hold the same, and everything was delivered.
fn in_step(node: &Node, server: &Server) -> Result<(), Trouble> {
    let (here, there) =
        (says::digests(&node.ask(&["digest"])?)?, says::digests(&server.ask(&["digest"])?)?);
    let differs = here.iter().find(|(scope, digest)| there.get(*scope) != Some(*digest));
    let unsent = node.ask(&["status"])?["equation"]["unsent"].as_u64();
    match (differs, unsent) {
        (None, Some(0)) => Ok(()),
        (differs, unsent) => Err(Trouble(format!("not in step: {differs:?}, unsent {unsent:?}"))),
    }
}
