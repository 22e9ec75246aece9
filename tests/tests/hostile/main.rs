//! Hostile and broken peers, against the real server and the real node over real TLS.
//!
//! `raw` speaks TLS and HTTP/2 by hand and breaks their rules; `enrolled` has a certificate and lies in the
//! protocol; `evil` is a server that its nodes must not believe; `apart` varies what a node may not see and
//! compares what it is sent. After every attack an honest office exchanges within a bound, what was acknowledged
//! is there, `verify` finds nothing, and the limits that were leaned on have held ([`house::House::proves`]).
//!
//! Deliberately absent: bytes that only the decoder sees (`proto`'s `wire_hostile`, and the fuzz targets).

mod apart;
mod enrolled;
mod evil;
mod house;
mod raw;
mod talk;
