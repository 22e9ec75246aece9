//! A TCP proxy outside TLS: what is counted here is what a link carries, headers of HTTP/2 and TLS included (those of
//! TCP and IP are not). It can hold bytes back for the time of a slow link, so that round trips in a row can be told
//! from bytes that follow each other.
//!
//! Deliberately absent: cutting and losing; the harness has a link that does that.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Bytes read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks on their way: enough for any exchange of the suite.
const CHUNKS_WAITING: usize = 4_096;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// What passed, as the client saw it.
#[derive(Debug, Default)]
struct Meter {
    up: AtomicU64,
    down: AtomicU64,
    last: Mutex<Option<Way>>,
    turns: AtomicU64,
}

impl Meter {
    /// An answer after something that was sent is one trip.
    fn count(&self, way: Way, bytes: usize) {
        let total = if way == Way::Up { &self.up } else { &self.down };
        total.fetch_add(bytes as u64, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if way == Way::Down && *last == Some(Way::Up) {
            self.turns.fetch_add(1, Ordering::Relaxed);
        }
        *last = Some(way);
    }
}

/// Figures of a meter at a moment, or the difference of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes from client to server.
    pub up: u64,
    /// Bytes from server to client.
    pub down: u64,
    /// Times that something came down after something had gone up.
    pub turns: u64,
}

impl Passed {
    /// Bytes both ways.
    #[must_use]
    pub fn both(self) -> u64 {
        self.up + self.down
    }

    /// What passed since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Passed) -> Passed {
        Passed {
            up: self.up - earlier.up,
            down: self.down - earlier.down,
            turns: self.turns - earlier.turns,
        }
    }
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    meter: Arc<Meter>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of a server; bytes wait `one_way` in each direction.
    ///
    /// # Errors
    /// What the system says.
    pub async fn start(server: SocketAddr, one_way: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let meter = Arc::new(Meter::default());
        let task = tokio::spawn(accept(listener, server, one_way, meter.clone()));
        Ok(Proxy { address, meter, task })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Passed {
            up: read(&self.meter.up),
            down: read(&self.meter.down),
            turns: read(&self.meter.turns),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, one_way: Duration, meter: Arc<Meter>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, server, one_way, meter.clone()));
    }
}

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    one_way: Duration,
    meter: Arc<Meter>,
) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up_in, up_out) = mpsc::channel(CHUNKS_WAITING);
    let (down_in, down_out) = mpsc::channel(CHUNKS_WAITING);
    tokio::try_join!(
        take(from_client, up_in, Some(&meter)),
        give(to_server, up_out, one_way, None),
        take(from_server, down_in, None),
        give(to_client, down_out, one_way, Some(&meter)),
    )?;
    Ok(())
}

type Chunk = (Instant, Vec<u8>);

async fn take(
    mut from: impl AsyncRead + Unpin,
    to: mpsc::Sender<Chunk>,
    meter: Option<&Meter>,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        if let Some(meter) = meter {
            meter.count(Way::Up, length);
        }
        if to.send((Instant::now(), buffer[..length].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

async fn give(
    mut to: impl AsyncWrite + Unpin,
    mut from: mpsc::Receiver<Chunk>,
    wait: Duration,
    meter: Option<&Meter>,
) -> io::Result<()> {
    while let Some((at, bytes)) = from.recv().await {
        if !wait.is_zero() {
            tokio::time::sleep_until(at + wait).await;
        }
        if let Some(meter) = meter {
            meter.count(Way::Down, bytes.len());
        }
        to.write_all(&bytes).await?;
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_and_turns_are_counted() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("listener");
        let server = listener.local_addr().expect("address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                stream.write_all(&[byte[0]; 3]).await.expect("written");
            }
        });
        let wait = Duration::from_millis(20);
        let proxy = Proxy::start(server, wait).await.expect("proxy");
        let mut client = TcpStream::connect(proxy.address()).await.expect("connected");
        let begun = Instant::now();
        for _ in 0..2 {
            client.write_all(b"x").await.expect("written");
            client.read_exact(&mut [0; 3]).await.expect("read");
        }
        assert_eq!(proxy.passed(), Passed { up: 2, down: 6, turns: 2 });
        assert!(begun.elapsed() >= 4 * wait);
    }
}
