//! The names that both ends of a link must spell alike before a byte of the
//! protocol is exchanged: the two ALPN protocols and the server's one name.
//!
//! A province has one server name, whatever addresses and DNS names reach it: a
//! node checks it against the certificate of the pinned authority, so a move of
//! the server to another address changes nothing that a node trusts.
//!
//! Deliberately absent: certificates, keys and sockets. They belong to the sides.

/// ALPN protocol of first contact: no client certificate, a pinned authority.
pub const ALPN_JOIN: &[u8] = b"dongbo-join/1";

/// ALPN protocol of everything else: a client certificate is required in the
/// handshake. It is HTTP/2's own name, since gRPC runs directly on it.
pub const ALPN_MAIN: &[u8] = b"h2";

/// The name in every provincial server's certificate, and the only one that a
/// node accepts. `.internal` is reserved for private use: nobody can own it.
pub const SERVER_NAME: &str = "server.dongbo.internal";
