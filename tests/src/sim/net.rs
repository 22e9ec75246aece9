//! The simulated network behind the two seams that production code leaves for it: the listener
//! and the dialler. TLS, HTTP/2 and gRPC above them are the real ones.
//!
//! Each machine knows its open connections in the order in which they were made. When it is killed
//! they end in that order: a runtime that is dropped would end them in the order of task numbers,
//! which count for the whole process and so differ from run to run.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use dongbo_node::exchange::connect::CONNECT_S_MAX;
use dongbo_server::service::accept::Listener;
use futures::future::BoxFuture;
use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use turmoil::net::{TcpListener, TcpStream};

/// The server's name in the simulated network.
pub const SERVER: &str = "server";
/// The port on which it listens.
const PORT: u16 = 7700;

type Slot = Mutex<Option<TcpStream>>;
type Held = Arc<Slot>;

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The open connections of one machine.
#[derive(Clone, Default)]
pub struct Wires {
    open: Arc<Mutex<Vec<Weak<Slot>>>>,
    death: Arc<Notify>,
}

impl Wires {
    fn keep(&self, stream: TcpStream) -> Wire {
        let held: Held = Arc::new(Mutex::new(Some(stream)));
        let mut open = lock(&self.open);
        open.retain(|wire| wire.strong_count() > 0);
        open.push(Arc::downgrade(&held));
        Wire(held)
    }

    /// Ends all connections at the machine's next step.
    pub fn kill(&self) {
        self.death.notify_one();
    }

    /// Runs on the machine until it is killed, and ends its connections then.
    pub async fn until_killed(self) {
        self.death.notified().await;
        let open = std::mem::take(&mut *lock(&self.open));
        open.iter().filter_map(Weak::upgrade).for_each(|wire| drop(lock(&wire).take()));
    }

    /// A dialler to the server, with the patience of the real one.
    pub fn dial(
        &self,
    ) -> impl Fn(Uri) -> BoxFuture<'static, io::Result<Wire>> + Clone + Send + Sync + 'static {
        let wires = self.clone();
        move |_uri| {
            let wires = wires.clone();
            Box::pin(async move {
                let patience = Duration::from_secs(CONNECT_S_MAX);
                let stream =
                    tokio::time::timeout(patience, TcpStream::connect((SERVER, PORT))).await;
                let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::HostUnreachable.into()));
                stream.map(|stream| wires.keep(stream))
            })
        }
    }
}

/// One end of a connection.
pub struct Wire(Held);

impl Wire {
    fn poll<T>(
        &self,
        poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match lock(&self.0).as_mut() {
            Some(stream) => poll(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(cx))
    }
}

/// The server's end of the simulated network.
pub struct Door {
    listener: TcpListener,
    wires: Wires,
}

impl Door {
    /// Listens on the host that calls.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn open(wires: Wires) -> io::Result<Self> {
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?;
        Ok(Door { listener, wires })
    }
}

impl Listener for Door {
    type Io = Wire;

    async fn accept(&mut self) -> io::Result<(Wire, SocketAddr)> {
        let (stream, remote) = self.listener.accept().await?;
        Ok((self.wires.keep(stream), remote))
    }
}
