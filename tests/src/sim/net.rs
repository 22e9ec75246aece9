//! The simulated network behind the two seams that production code leaves for it: the listener
//! and the dialler. TLS, HTTP/2 and gRPC above them are the real ones.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use dongbo_node::exchange::connect::CONNECT_S_MAX;
use dongbo_server::service::accept::Listener;
use futures::future::BoxFuture;
use http::Uri;
use turmoil::net::{TcpListener, TcpStream};

/// The server's name in the simulated network.
pub const SERVER: &str = "server";
/// The port on which it listens.
const PORT: u16 = 7700;

/// The server's end of the simulated network.
pub struct Door(TcpListener);

impl Door {
    /// Listens on the host that calls.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn open() -> io::Result<Self> {
        Ok(Door(TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?))
    }
}

impl Listener for Door {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }
}

/// A dialler to the server, with the patience of the real one.
pub fn dial(_uri: Uri) -> BoxFuture<'static, io::Result<TcpStream>> {
    Box::pin(async {
        let patience = Duration::from_secs(CONNECT_S_MAX);
        let stream = tokio::time::timeout(patience, TcpStream::connect((SERVER, PORT))).await;
        stream.unwrap_or_else(|_| Err(io::ErrorKind::HostUnreachable.into()))
    })
}
