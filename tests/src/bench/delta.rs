//! Goals 3, 3b and 3c: the daily exchange of one commune, counted outside TLS on a connection that is up.
//!
//! Everything that passes counts: Hello, the edits, Welcome, acknowledgements, the signed checkpoint, the token, HTTP/2
//! and TLS. Round trips are counted on a link that holds all bytes back, so that what follows by itself is one flight.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use dongbo_node::replica::Replica;
use dongbo_node::system::System;
use dongbo_proto::seam::{Clock, Entropy};
use tonic::transport::Channel;

use super::edit::drafts;
use super::goal::Finding;
use super::plain::bench_key;
use super::proxy::{Passed, Proxy};
use super::realm::{Office, ensure_in_step};
use super::reference;
use super::report::{bytes, thousands};
use super::series::Spread;
use super::suite::{Suite, alone};
use super::workload::BATCH_EDITS;

/// How long bytes are held back, each way: ten times what either side needs to answer.
const ONE_WAY: Duration = Duration::from_millis(250);
/// How long the connection is left alone before it is read, for what trails behind an exchange.
const TRAIL: Duration = Duration::from_millis(150);

/// What three exchanges in a row passed: the first on a cold link, then edits, then nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Days {
    cold: Passed,
    edits: Passed,
    nothing: Passed,
    /// How long each took, the connection of the first included.
    took: [Duration; 3],
}

/// Goals 3, 3b and 3c.
///
/// # Errors
/// What failed.
pub fn daily(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.commune()?;
    let (counted, reference) = days(suite, Duration::ZERO)?;
    let (slow, _) = days(suite, ONE_WAY)?;
    let members = suite.load.scopes[suite.load.commune()].2.len();
    let edits = format!("{BATCH_EDITS} edits from a replica of {members} members");
    let ratio = counted.edits.both() as f64 / reference as f64;
    let (figure, limit) = (bytes(counted.edits.both() as f64), bytes(reference as f64));
    let parts = format!(
        "{edits}: {} B up, {} B down",
        thousands(counted.edits.up as f64),
        thousands(counted.edits.down as f64)
    );
    let trips = |took: Duration, fast: Duration| {
        (took.saturating_sub(fast)).as_secs_f64() / (2.0 * ONE_WAY.as_secs_f64())
    };
    let at = |day: usize| trips(slow.took[day], counted.took[day]).round();
    Ok(vec![
        Finding::of("3", parts, Spread::exact(ratio)).beside(figure, limit),
        Finding::of("3b", format!("{edits}; until the node is in step"), Spread::exact(at(1)))
            .beside(format!("{} turns", slow.edits.turns), ""),
        Finding::shown(
            "3b cold",
            "the same with nothing to say, TLS handshake included, TCP's one trip not",
            Spread::exact(at(0)),
            "trips",
        )
        .beside(format!("{} B", thousands(counted.cold.both() as f64)), ""),
        Finding::of(
            "3c",
            "Hello and all that is answered",
            Spread::exact(counted.nothing.both() as f64),
        )
        .beside(format!("{} trip(s)", at(2)), ""),
    ])
}

fn days(suite: &Suite, one_way: Duration) -> Result<(Days, usize)> {
    let dir = suite.copy("commune-server", "run-server")?;
    let node = suite.copy("commune-node", "run-node")?;
    let office = &suite.made()?.commune;
    let (server, province) = suite.serve(suite.realm.serve(&dir))?;
    let proxy = suite.serve(Proxy::start(server.address, one_way))?;
    let within = suite.load.scopes[suite.load.commune()].2.clone();
    let edits = suite.load.edits(within, BATCH_EDITS, 0);
    ensure!(edits.len() == BATCH_EDITS, "the commune is too small for {BATCH_EDITS} edits");
    let now_ms = System.now_ms();
    let mut link = Link { office, proxy: &proxy, to: proxy.address() };
    let counted = alone(link.three(&node, || {
        let mut replica = Replica::open(&node, &bench_key())?;
        let drafts = drafts(&suite.load, &edits);
        let saved = replica.save(drafts, now_ms, &mut |bytes| System.fill(bytes))?;
        ensure!(saved.len() == BATCH_EDITS, "not all was saved");
        Ok(())
    }))??;
    ensure_in_step(&province.store, &Replica::open(&node, &bench_key())?)?;
    drop(province);
    suite.serve(server.end())?;
    let reference = reference::delta_bytes(&suite.load, &edits, now_ms.cast_unsigned());
    Ok((counted, reference))
}

/// One office behind a proxy.
struct Link<'a> {
    office: &'a Office,
    proxy: &'a Proxy,
    to: SocketAddr,
}

impl Link<'_> {
    async fn three(&mut self, node: &Path, save: impl FnOnce() -> Result<()>) -> Result<Days> {
        let mut days = Days::default();
        let begun = Instant::now();
        let before = self.proxy.passed();
        let channel = self.office.connect(self.to).await?;
        days.took[0] = self.once(node, &channel, begun).await?;
        days.cold = self.proxy.passed().since(before);
        save()?;
        let before = self.proxy.passed();
        days.took[1] = self.once(node, &channel, Instant::now()).await?;
        days.edits = self.proxy.passed().since(before);
        let before = self.proxy.passed();
        days.took[2] = self.once(node, &channel, Instant::now()).await?;
        days.nothing = self.proxy.passed().since(before);
        Ok(days)
    }

    /// One exchange; the time until the node is in step, without what trails behind.
    async fn once(&self, node: &Path, channel: &Channel, begun: Instant) -> Result<Duration> {
        let mut replica = Replica::open(node, &bench_key())?;
        let in_step = self.office.exchange(&mut replica, channel.clone()).await?;
        tokio::time::sleep(TRAIL).await;
        Ok(in_step.duration_since(begun))
    }
}
