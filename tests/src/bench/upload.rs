//! Goals 1 and 1b: the whole province goes up from nodes that hold it, until it is merged and durable.
//!
//! The acts lie in the nodes' journals beforehand, as after an import. The clock runs from the first frame to the last
//! merge, and over a checkpoint of the server's file; L's likewise. Deliberately absent: what comes down afterwards.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use dongbo_node::replica::Replica;
use dongbo_server::service::Province;
use dongbo_server::service::converse::News;
use tokio::sync::broadcast::error::RecvError;

use super::goal::Finding;
use super::limit;
use super::machine::settle;
use super::plain::bench_key;
use super::proxy::Proxy;
use super::realm::{Office, checkpoint_registry, ensure_in_step};
use super::reference;
use super::report::{bytes, short, thousands};
use super::series::{Spread, alternate, timed};
use super::suite::{Suite, UPLOADERS, alone};

/// What one upload gave.
struct Uploaded {
    merged: Duration,
    checkpoint: Duration,
    all: Duration,
}

/// Goal 1.
///
/// # Errors
/// What failed; nothing was measured then.
pub fn rate(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.origin()?;
    let records = suite.load.len() as f64;
    let mut whole = Vec::new();
    let series = alternate(
        suite.runs,
        || limit_rate(suite, records),
        || {
            let up = upload(suite)?;
            whole.push(records / up.all.as_secs_f64());
            Ok::<_, anyhow::Error>(records / (up.merged + up.checkpoint).as_secs_f64())
        },
    )?;
    let what = format!("{} records from {UPLOADERS} nodes at once", thousands(records));
    let rate = |figure: f64| format!("{}/s", short(figure));
    Ok(vec![
        Finding::of("1", what, series.ratios())
            .beside(rate(series.product()), rate(series.limit())),
        Finding::shown(
            "noise",
            "L's own fastest and slowest run, as a ratio",
            Spread::exact(series.noise()),
            "×",
        ),
        Finding::shown(
            "1 all",
            "the same until every node is in step again",
            Spread::of(&whole),
            "records/s",
        ),
    ])
}

fn limit_rate(suite: &Suite, records: f64) -> Result<f64> {
    let path = suite.fresh("limit")?.join("plain.db");
    let office = &suite.made()?.wide;
    let server = suite.serve(limit::serve(&suite.realm, path, suite.load.clone()))?;
    let (address, load) = (server.address, suite.load.clone());
    settle();
    let took = alone(async { limit::upload(office.connect(address).await?, load).await })??;
    suite.serve(server.end())?;
    Ok(records / took.as_secs_f64())
}

fn upload(suite: &Suite) -> Result<Uploaded> {
    let dir = suite.copy("origin-server", "run-server")?;
    let nodes: Vec<PathBuf> = (0..UPLOADERS.min(suite.made()?.uploaders.len()))
        .map(|at| suite.copy(&format!("origin-node-{at}"), &format!("run-node-{at}")))
        .collect::<Result<_>>()?;
    let (server, province) = suite.serve(suite.realm.serve(&dir))?;
    let last = Arc::new(Mutex::new(Instant::now()));
    let listening = suite.spawn(note_merges(province.clone(), last.clone()));
    settle();
    let begun = send_all(suite, &nodes, server.address)?;
    let all = begun.elapsed();
    let merged = last.lock().map_err(|_| anyhow!("poisoned"))?.duration_since(begun);
    let ((), checkpoint) = timed(|| checkpoint_registry(&dir))?;
    ensure_everything(suite, &province, &nodes)?;
    listening.abort();
    drop(province);
    suite.serve(server.end())?;
    Ok(Uploaded { merged, checkpoint, all })
}

/// Notes when a merge became durable.
async fn note_merges(province: Arc<Province>, last: Arc<Mutex<Instant>>) {
    let mut news = province.news.subscribe();
    drop(province);
    loop {
        match news.recv().await {
            Ok(News::Scopes(_)) | Err(RecvError::Lagged(_)) => {
                if let Ok(mut last) = last.lock() {
                    *last = Instant::now();
                }
            }
            Ok(_) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Every node says what it has, all at once; answers when they began.
fn send_all(suite: &Suite, nodes: &[PathBuf], to: std::net::SocketAddr) -> Result<Instant> {
    let offices = &suite.made()?.uploaders;
    let ready = Barrier::new(nodes.len() + 1);
    std::thread::scope(|scope| {
        let talks: Vec<_> = offices
            .iter()
            .zip(nodes)
            .map(|(office, node)| scope.spawn(|| alone(send(office, node, to, &ready))?))
            .collect();
        ready.wait();
        let begun = Instant::now();
        for talk in talks {
            talk.join().map_err(|_| anyhow!("a node panicked"))??;
        }
        Ok(begun)
    })
}

async fn send(
    office: &Office,
    node: &Path,
    to: std::net::SocketAddr,
    ready: &Barrier,
) -> Result<()> {
    // Whoever fails before the start must still let the others begin.
    let opened =
        async { anyhow::Ok((Replica::open(node, &bench_key())?, office.connect(to).await?)) }.await;
    ready.wait();
    let (mut replica, channel) = opened?;
    office.exchange(&mut replica, channel).await?;
    Ok(())
}

fn ensure_everything(suite: &Suite, province: &Province, nodes: &[PathBuf]) -> Result<()> {
    let authors = province.store.read_now(|tx| tx.authors())?;
    let merged: u64 = authors.iter().map(|a| a.merged).sum();
    ensure!(merged == suite.load.len() as u64, "{merged} of {} acts merged", suite.load.len());
    for node in nodes {
        ensure_in_step(&province.store, &Replica::open(node, &bench_key())?)?;
    }
    Ok(())
}

/// Goal 1b: counted outside TLS, in an upload that is not timed.
///
/// # Errors
/// What failed.
pub fn size(suite: &mut Suite) -> Result<Vec<Finding>> {
    suite.origin()?;
    let dir = suite.copy("origin-server", "run-server")?;
    let (server, province) = suite.serve(suite.realm.serve(&dir))?;
    let proxy = suite.serve(Proxy::start(server.address, Duration::ZERO))?;
    let (mut up, mut down) = (0, 0);
    for (at, office) in suite.made()?.uploaders.iter().enumerate() {
        let node = suite.copy(&format!("origin-node-{at}"), "run-node")?;
        let mut replica = Replica::open(&node, &bench_key())?;
        let before = proxy.passed();
        alone(async {
            office.exchange(&mut replica, office.connect(proxy.address()).await?).await
        })??;
        ensure_in_step(&province.store, &replica)?;
        let passed = proxy.passed().since(before);
        (up, down) = (up + passed.up, down + passed.down);
    }
    drop(province);
    suite.serve(server.end())?;
    let reference = reference::load_bytes(&suite.load);
    ensure!(reference > 0, "the reference is empty");
    let exact = |figure: u64| Spread::exact(figure as f64 / reference as f64);
    let sizes = |figure: u64| (bytes(figure as f64), bytes(reference as f64));
    let (figure, limit) = sizes(up);
    let (answer, _) = sizes(down);
    let what =
        format!("{} records, outside TLS, handshakes included", thousands(suite.load.len() as f64));
    Ok(vec![
        Finding::of("1b", what, exact(up)).beside(figure, limit.clone()),
        Finding::shown("1b ↓", "what came down meanwhile", exact(down), "× E")
            .beside(answer, limit),
    ])
}
