//! A wire between a node and the server that can be pulled, slowed down, or cut after so many bytes.
//!
//! It carries bytes and understands none: TLS goes through it untouched, as through a village's exchange.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Bytes carried at once; the pace is a pause for each.
const CHUNK_BYTES: usize = 4 * 1024;

struct Wire {
    target: SocketAddr,
    up: watch::Sender<bool>,
    pause_us: AtomicU64,
    /// Bytes that may still pass; the wire goes down when they are used up.
    left: AtomicI64,
    /// Bytes carried, both ways.
    carried: AtomicU64,
}

/// One node's way to the server.
#[derive(Clone)]
pub struct Link {
    address: SocketAddr,
    wire: Arc<Wire>,
}

impl Link {
    /// A link to the server's address, up.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn to(target: SocketAddr) -> std::io::Result<Self> {
        let wire = Arc::new(Wire {
            target,
            up: watch::Sender::new(true),
            pause_us: AtomicU64::new(0),
            left: AtomicI64::new(i64::MAX),
            carried: AtomicU64::new(0),
        });
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime().spawn(carry_all(listener, wire.clone()));
        Ok(Self { address, wire })
    }

    /// Where the node finds its server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Pulls the wire: open connections break, and new ones end at once.
    pub fn pull(&self) {
        self.wire.up.send_replace(false);
    }

    /// Puts the wire back, at full speed and with no cut in store.
    pub fn mend(&self) {
        self.wire.left.store(i64::MAX, Ordering::SeqCst);
        self.wire.pause_us.store(0, Ordering::SeqCst);
        self.wire.up.send_replace(true);
    }

    /// Whether bytes pass.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.wire.up.borrow()
    }

    /// Pulls the wire by itself when so many more bytes have passed, both ways together.
    pub fn cut_after(&self, bytes: u64) {
        self.wire.left.store(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Makes each chunk of 4 KB wait, in each direction.
    pub fn pace(&self, pause: Duration) {
        let pause_us = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        self.wire.pause_us.store(pause_us, Ordering::SeqCst);
    }

    /// Bytes carried so far, both ways, TLS included.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.wire.carried.load(Ordering::SeqCst)
    }
}

/// Links live as long as the program: they are listened to on a thread of their own.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().expect("a runtime for the links")
    })
}

async fn carry_all(listener: TcpListener, wire: Arc<Wire>) {
    while let Ok((node, _)) = listener.accept().await {
        if *wire.up.borrow() {
            tokio::spawn(carry(node, wire.clone()));
        }
    }
}

async fn carry(node: TcpStream, wire: Arc<Wire>) {
    let mut up = wire.up.subscribe();
    let Ok(server) = TcpStream::connect(wire.target).await else { return };
    let _ = (node.set_nodelay(true), server.set_nodelay(true));
    let (from_node, to_node) = node.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = async { tokio::join!(
            pump(from_node, to_server, &wire),
            pump(from_server, to_node, &wire),
        ); } => (),
        _ = up.wait_for(|up| !up) => (),
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    wire: &Wire,
) {
    let mut chunk = [0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let pause = wire.pause_us.load(Ordering::SeqCst);
        if pause > 0 {
            tokio::time::sleep(Duration::from_micros(pause)).await;
        }
        let left = wire.left.fetch_sub(count as i64, Ordering::SeqCst);
        if left <= count as i64 {
            wire.up.send_replace(false);
            return;
        }
        if to.write_all(&chunk[..count]).await.is_err() {
            break;
        }
        wire.carried.fetch_add(count as u64, Ordering::SeqCst);
    }
    // One side has said its last; the other may go on.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener as Plain;

    fn echo() -> SocketAddr {
        let listener = Plain::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || std::io::copy(&mut (&stream), &mut (&stream)));
            }
        });
        address
    }

    fn say(link: &Link, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = std::net::TcpStream::connect(link.address())?;
        stream.write_all(bytes)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard)?;
        Ok(heard)
    }

    #[test]
    fn what_goes_in_comes_out_until_the_wire_is_pulled() {
        let link = Link::to(echo()).unwrap();
        assert_eq!(say(&link, b"ping").unwrap(), b"ping");
        link.pull();
        assert!(say(&link, b"ping").is_ok_and(|heard| heard.is_empty()) || !link.is_up());
        link.mend();
        assert_eq!(say(&link, b"pong").unwrap(), b"pong");
        assert_eq!(link.carried(), 16);
    }

    #[test]
    fn a_cut_in_store_ends_a_connection_in_its_middle() {
        let link = Link::to(echo()).unwrap();
        link.cut_after(50_000);
        let heard = say(&link, &[7; 100_000]).unwrap_or_default();
        assert!(heard.len() < 50_000 && !link.is_up());
    }
}
