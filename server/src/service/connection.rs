//! A connection after its handshake: a TLS stream that knows its peer, that tonic can
//! serve, and that the table of connections can cut.
//!
//! Deliberately absent: standing. A connection that was cut may come back; the
//! session then refuses it by name.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::table::Place;
use crate::ca::NodeIdentity;

/// Bytes with which every HTTP/2 client begins: the preface and the header of its first frame.
/// From here on keepalive watches the connection; before it, whoever drips is as good as silent.
pub const OPENING_BYTES: usize = 33;

/// Who is at the other end: the `ConnectInfo` of every request on the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// The node, as its certificate says; `None` on the joining route. Its dates may
    /// be over: that is for the session to judge.
    pub node: Option<NodeIdentity>,
    /// Where the connection comes from.
    pub remote: SocketAddr,
    /// The connection's number since the server started, for the log.
    pub connection: u64,
    /// How long its handshake took, in milliseconds: what is known of its link.
    pub handshake_ms: u32,
}

/// A TLS connection that tonic can serve and that the table can cut.
#[derive(Debug)]
pub struct Conn<Io> {
    io: TlsStream<Io>,
    peer: PeerInfo,
    place: Place,
    /// Runs until [`OPENING_BYTES`] have come after the handshake.
    silence: Option<Pin<Box<Sleep>>>,
    heard: usize,
}

impl<Io> Conn<Io> {
    pub(super) fn new(
        io: TlsStream<Io>,
        place: Place,
        node: Option<NodeIdentity>,
        first_byte_within: Duration,
        handshake: Duration,
    ) -> Self {
        let handshake_ms = u32::try_from(handshake.as_millis()).unwrap_or(u32::MAX);
        let (remote, connection) = (place.remote(), place.number());
        let peer = PeerInfo { node: node.clone(), remote, connection, handshake_ms };
        if let Some(node) = node {
            place.belongs_to(node.node_id);
        }
        let silence = Some(Box::pin(tokio::time::sleep(first_byte_within)));
        Self { io, peer, place, silence, heard: 0 }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &PeerInfo {
        &self.peer
    }

    fn check_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let over = |silence: &mut Pin<Box<Sleep>>| silence.as_mut().poll(cx).is_ready();
        if self.silence.as_mut().is_some_and(over) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request came")));
        }
        Poll::Pending
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Conn<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.place.check_reader(cx)?;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if read.is_pending() {
            return this.check_silence(cx);
        }
        this.heard = this.heard.saturating_add(buf.filled().len() - before);
        if this.heard >= OPENING_BYTES {
            this.silence = None;
        }
        read
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Conn<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.place.check_writer(cx)?;
        Pin::new(&mut this.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.place.check_writer(cx)?;
        Pin::new(&mut this.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.place.check_writer(cx)?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.place.check_writer(cx)?;
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

impl<Io> Connected for Conn<Io> {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        self.peer.clone()
    }
}
