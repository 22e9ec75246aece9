//! `serve`: takes the lock, opens the registry, listens, and ends in order.
//!
//! Deliberately absent: connections and conversations (`service`). Commands of other processes
//! (`invite`, `revoke`, `import` …) work beside it: the service looks for what they wrote.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::args::ServeArgs;
use super::context::{Context, print, unexpected};
use super::exit::Exit;
use super::fault::{Fault, Result};
use super::home::{Home, SERVING, signer};
use super::init::NAMES_NOTE;
use super::work;
use crate::ca::{Ca, ServerIdentity};
use crate::registry;
use crate::service::gauges::Gauges;
use crate::service::scrape;
use crate::service::tls::ServerTls;
use crate::service::{self, Province};
use crate::store::{Executor, StoreHandle};

/// How long blocking work may take to end after the conversations have, in seconds.
const LAST_WORK_S_MAX: u64 = 10;
/// How often it is looked whether the store is closed, in milliseconds.
const CLOSED_LOOK_MS: u64 = 5;
/// Acts that waited for this version and are judged in one commit: it bounds the memory of each.
const ACTS_A_COMMIT: usize = 64;
/// How often the server's certificate is looked at, in seconds: it lives for two years.
const CERTIFICATE_LOOK_S: u64 = 3_600;

#[derive(Serialize)]
struct Listening {
    listening: SocketAddr,
    province: String,
    epoch: String,
    pid: u32,
    metrics: Option<SocketAddr>,
}

/// Everything that is opened before the first connection.
struct Opened {
    store: StoreHandle,
    ca: Ca,
    names: Vec<String>,
    identity: ServerIdentity,
    province: String,
    epoch: String,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Another process serves, something does not open, or the address is taken.
pub fn run(ctx: &Context, args: &ServeArgs) -> Result<()> {
    log_to_stderr(args)?;
    raise_open_files();
    let home = ctx.home()?;
    let lock = home.lock(SERVING)?;
    let opened = open(ctx, &home)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| unexpected(&e))?;
    let writer = opened.store.take_writer();
    let served = runtime.block_on(serve(ctx, args, &home, opened));
    runtime.shutdown_timeout(Duration::from_secs(LAST_WORK_S_MAX));
    closed(writer);
    drop(lock);
    served
}

/// Waits until the store is closed: its last checkpoint may be a whole province. What is not closed by
/// then is committed all the same.
fn closed(writer: Option<JoinHandle<()>>) {
    let until = Instant::now() + Duration::from_secs(LAST_WORK_S_MAX);
    while writer.as_ref().is_some_and(|writer| !writer.is_finished()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(CLOSED_LOOK_MS));
    }
}

fn open(ctx: &Context, home: &Home) -> Result<Opened> {
    let store = StoreHandle::new(home.store()?, Executor::Threads);
    read_what_waited(ctx, home, &store)?;
    let ca = home.authority()?;
    let (province, epoch, names) = store.read_now(|tx| {
        let names = tx.note(NAMES_NOTE)?.unwrap_or_default();
        let epoch = registry::epoch(tx)?.epoch.to_string();
        Ok::<_, registry::Error>((registry::province_name(tx)?, epoch, names))
    })?;
    let names = String::from_utf8_lossy(&names);
    let names: Vec<String> =
        names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    let identity = ca.server_identity(home.dir(), &names, ctx.now_ms() / 1_000)?;
    Ok(Opened { store, ca, names, identity, province, epoch })
}

/// After an upgrade: acts that the build before could not read are judged now.
fn read_what_waited(ctx: &Context, home: &Home, store: &StoreHandle) -> Result<()> {
    let waited = store.read_now(registry::readable_now)?;
    if waited.is_empty() {
        return Ok(());
    }
    let (province, now_ms) = (work::province(ctx, home)?, ctx.now_ms());
    for some in waited.chunks(ACTS_A_COMMIT) {
        store.write_now(|tx| registry::judge_again(tx, &province, &ctx.person, some, now_ms))?;
    }
    tracing::info!(acts = waited.len(), "acts that waited for this version were judged");
    Ok(())
}

async fn serve(ctx: &Context, args: &ServeArgs, home: &Home, opened: Opened) -> Result<()> {
    let tls = ServerTls::new(&opened.identity);
    let tls = Arc::new(tls.map_err(|e| Fault::new(Exit::Storage, "fault-authority").because(e))?);
    let listener = TcpListener::bind(args.listen).await.map_err(|e| taken(args.listen, &e))?;
    let address = listener.local_addr().map_err(|e| unexpected(&e))?;
    let scraped = match args.metrics {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|e| taken(at, &e))?),
        None => None,
    };
    let metrics = scraped.as_ref().map(TcpListener::local_addr).transpose();
    let metrics = metrics.map_err(|e| unexpected(&e))?;
    let shutdown = CancellationToken::new();
    let stopping = tokio::spawn(stop_on_signal(shutdown.clone())?);
    let renewing = renew(ctx, home, &opened, tls.clone())?;
    let renewing = tokio::spawn(shutdown.clone().run_until_cancelled_owned(renewing));
    let listening = Listening {
        listening: address,
        province: opened.province,
        epoch: opened.epoch,
        pid: std::process::id(),
        metrics,
    };
    let province = Province::new(
        opened.store,
        Executor::Threads,
        opened.ca,
        signer(&opened.identity)?,
        ctx.clock.clone(),
        ctx.entropy.clone(),
    );
    let province = Arc::new(province.with_sealing(home.sealing()?));
    if let Some(listener) = scraped {
        let gauges = Arc::new(Gauges::new(province.clone()));
        tokio::spawn(scrape::serve(listener, gauges, shutdown.clone()));
    }
    announce(ctx, &listening)?;
    let served = service::run(province, tls, listener, shutdown.clone()).await;
    shutdown.cancel();
    stopping.abort();
    drop(renewing.await);
    tracing::info!("stopped");
    served.map_err(|e| unexpected(&e))
}

/// One line for whoever started the server, in one language: scripts wait for it. Another says where
/// the metrics are.
fn announce(ctx: &Context, listening: &Listening) -> Result<()> {
    tracing::info!(address = %listening.listening, pid = listening.pid, "listening");
    if ctx.json {
        let line = serde_json::to_string(listening).map_err(|e| unexpected(&e))?;
        return print(&line);
    }
    print(&format!("listening on {}", listening.listening))?;
    match listening.metrics {
        Some(address) => print(&format!("metrics on http://{address}{}", scrape::PATH)),
        None => Ok(()),
    }
}

/// Remakes the server's certificate when it is due, and shows the new one from then on.
fn renew(
    ctx: &Context,
    home: &Home,
    opened: &Opened,
    tls: Arc<ServerTls>,
) -> Result<impl Future<Output = ()> + Send + use<>> {
    let (clock, dir) = (ctx.clock.clone(), home.dir().to_owned());
    let (ca, names) = (home.authority()?, opened.names.clone());
    Ok(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(CERTIFICATE_LOOK_S)).await;
            let now_s = clock.now_ms() / 1_000;
            match ca.server_identity(&dir, &names, now_s) {
                Ok(identity) if tls.replace(&identity).is_ok() => {}
                Ok(_) => tracing::warn!("the server's certificate cannot be used"),
                Err(error) => tracing::warn!(%error, "the server's certificate was not renewed"),
            }
        }
    })
}

/// Each connection is an open file, and systems begin with 1,024 for a process that may have more:
/// fewer than the machines of a province. Where the system refuses, fewer connections are accepted.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files was not raised");
    }
}

/// Elsewhere there is no such bound.
#[cfg(not(unix))]
fn raise_open_files() {}

fn taken(address: SocketAddr, error: &std::io::Error) -> Fault {
    let fault = Fault::new(Exit::Unreachable, "fault-address").with("address", address);
    fault.because(error)
}

fn log_to_stderr(args: &ServeArgs) -> Result<()> {
    let filter = EnvFilter::try_new(&args.log)
        .map_err(|e| Fault::new(Exit::Usage, "fault-log-filter").because(e))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    let started = if args.log_json { log.json().try_init() } else { log.try_init() };
    started.map_err(|e| unexpected(&e))
}

/// Cancels at SIGTERM or SIGINT.
#[cfg(unix)]
fn stop_on_signal(shutdown: CancellationToken) -> Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| unexpected(&e))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| unexpected(&e))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        shutdown.cancel();
    })
}

/// Cancels at Ctrl-C.
#[cfg(not(unix))]
fn stop_on_signal(shutdown: CancellationToken) -> Result<impl Future<Output = ()> + Send> {
    Ok(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.cancel();
        }
    })
}
