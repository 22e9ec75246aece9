//! Peers that break the rules of TLS and HTTP/2: they drip, flood, lie about lengths, and never read.
//!
//! Frames are written by hand, since no client library would send them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dongbo_node::exchange::tls::client_config_join;
use dongbo_proto::code::CaPin;
use dongbo_proto::frame::{Stop, Up};
use dongbo_proto::id::Hash;
use dongbo_proto::limits::{JOIN_BYTES_MAX, MESSAGE_BYTES_MAX};
use dongbo_proto::link::SERVER_NAME;
use dongbo_proto::wire::{self, pb};
use dongbo_server::service::Patience;
use dongbo_server::service::accept::{
    CONNECTIONS_PER_ADDRESS_MAX, FIRST_BYTE_S_MAX, HANDSHAKE_S_MAX,
};
use dongbo_server::service::connection::OPENING_BYTES;
use dongbo_server::service::province::{FRAME_S_MAX, HELLO_S_MAX};
use dongbo_server::service::run::{
    HEADER_BYTES_MAX, JOIN_CONNECTION_S_MAX, JOIN_S_MAX, KEEPALIVE_ANSWER_S, KEEPALIVE_S,
    RESETS_MAX, STREAMS_MAX,
};
use dongbo_server::service::table::CONNECTIONS_PER_NODE_MAX;
use prost::Message;
use prost::bytes::Bytes;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::Code;

use crate::house::{Enrolled, House};
use crate::talk::{hello, say_pb};

type Tls = TlsStream<TcpStream>;

/// What a deadline may be missed by on a busy machine, in seconds.
const LATE_S_MAX: u64 = 10;
/// Between two dripped bytes.
const DRIP: Duration = Duration::from_millis(700);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATH: &str = "/dongbo.v1.Exchange/Exchange";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;
const FRAME_SIZE_ERROR: u32 = 6;

async fn connect(house: &House, who: &Enrolled) -> Tls {
    let tcp = TcpStream::connect(house.address).await.expect("connected");
    let name = ServerName::try_from(SERVER_NAME).expect("a name");
    TlsConnector::from(who.config()).connect(name, tcp).await.expect("a handshake")
}

async fn knock(house: &House) -> Tls {
    let config = client_config_join(CaPin::of_fingerprint(&house.ca.fingerprint()));
    let tcp = TcpStream::connect(house.address).await.expect("connected");
    let name = ServerName::try_from(SERVER_NAME).expect("a name");
    TlsConnector::from(config.expect("config")).connect(name, tcp).await.expect("a handshake")
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(payload.len(), kind, flags, stream).to_vec();
    bytes.extend(payload);
    bytes
}

/// The nine bytes before a payload of whatever length they claim.
fn head(len: usize, kind: u8, flags: u8, stream: u32) -> [u8; 9] {
    let (len, stream) = ((len as u32).to_be_bytes(), stream.to_be_bytes());
    [len[1], len[2], len[3], kind, flags, stream[0], stream[1], stream[2], stream[3]]
}

fn opening() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// A request's headers, each a literal that is not indexed.
fn request(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "server.dongbo.internal"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let literal = |(name, value): (&str, &str)| {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        [&[0, name.len() as u8], name, &[value.len() as u8], value].concat()
    };
    fields.into_iter().flat_map(literal).collect()
}

/// What became of a connection: the codes of reset streams and of the farewell, and that it ended.
#[derive(Debug, Default)]
struct End {
    reset: Vec<u32>,
    away: Option<u32>,
    ended: bool,
}

/// Reads frames until the end, or so long.
async fn end_of(mut io: impl tokio::io::AsyncRead + Unpin, within_s: u64) -> End {
    let mut end = End::default();
    let read = async {
        loop {
            let mut head = [0; 9];
            if io.read_exact(&mut head).await.is_err() {
                end.ended = true;
                return;
            }
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; len];
            if io.read_exact(&mut payload).await.is_err() {
                end.ended = true;
                return;
            }
            let code = |at: usize| {
                payload.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
            };
            match head[3] {
                RST_STREAM => end.reset.extend(code(0)),
                GOAWAY => end.away = code(4),
                _ => {}
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(within_s), read).await;
    end
}

/// Sends byte after byte until the other side ends it; how long that took.
async fn drip_until_ended(mut io: Tls, bytes: impl Iterator<Item = u8>, within_s: u64) -> u64 {
    let began = Instant::now();
    let mut sink = vec![0; 16 * 1024];
    for byte in bytes {
        assert!(began.elapsed().as_secs() < within_s, "still there after {within_s} s");
        if io.write_all(&[byte]).await.is_err() || io.flush().await.is_err() {
            break;
        }
        match tokio::time::timeout(DRIP, io.read(&mut sink)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(_)) => tokio::time::sleep(DRIP).await,
            Err(_) => {}
        }
    }
    began.elapsed().as_secs()
}

/// From another address than the honest ones.
async fn dial_from(house: &House, address: [u8; 4]) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((address, 0)))?;
    socket.connect(house.address).await
}

/// One address can take its own places and no others; each is given back at the handshake's deadline.
/// Fault 27: a handshake that never ends has a deadline, and costs one address its places. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_and_drips_before_the_handshake_cost_one_address_its_places_until_the_deadline() {
    let house = House::open().await;
    let mut office = house.office().await;
    let mut held = Vec::new();
    for at in 0..CONNECTIONS_PER_ADDRESS_MAX + 40 {
        let mut io = dial_from(&house, [127, 0, 0, 9]).await.expect("connected");
        if at % 2 == 0 {
            // The beginning of a hello that never comes.
            let _ = io.write_all(&[22, 3, 1, 2, 0, 1, 0]).await;
        }
        held.push(io);
    }
    house.proves(&mut office).await;
    let up = house.province.table.len();
    assert!(up <= CONNECTIONS_PER_ADDRESS_MAX + 2, "{up} connections of one address");
    house.empties_to(1, HANDSHAKE_S_MAX + LATE_S_MAX).await;
    let mut first = held.remove(0);
    assert!(!matches!(first.read(&mut [0; 1]).await, Ok(1..)), "it was closed");
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_that_drips_ends_at_its_deadline() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let slow = connect(&house, &liar).await;
    // Slower than the opening is long, so that the deadline is met before the last of it.
    assert!(OPENING_BYTES as u64 * DRIP.as_millis() as u64 > FIRST_BYTE_S_MAX * 1_000);
    let took = drip_until_ended(slow, opening().into_iter(), FIRST_BYTE_S_MAX + LATE_S_MAX).await;
    assert!(took + 1 >= FIRST_BYTE_S_MAX, "after {took} s");
    house.proves(&mut office).await;
}

/// Inside a frame nothing else can be sent, so whoever drips one cannot say that it lives.
/// Fault 27: headers that drip end. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_drip_end_with_the_keepalive() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let mut slow = connect(&house, &liar).await;
    slow.write_all(&opening()).await.expect("written");
    let endless = head(16_000, HEADERS, END_HEADERS, 1).into_iter().chain(std::iter::repeat(0));
    let max_s = KEEPALIVE_S + KEEPALIVE_ANSWER_S + LATE_S_MAX;
    drip_until_ended(slow, endless, max_s).await;
    house.proves(&mut office).await;
}

/// A client that answers the keepalive, and sends its Hello a byte at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hello_that_drips_ends_at_its_deadline() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let took = drip_body(&house, &liar, &[], HELLO_S_MAX + LATE_S_MAX).await;
    assert!(took + 1 >= HELLO_S_MAX, "after {took} s");
    house.proves(&mut office).await;
}

/// After Hello the node is at turn until its Flush: a batch that never ends is left.
/// Fault 27: a body of a byte a second ends at its deadline. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_drips_ends_at_its_deadline() {
    assert_eq!(Patience::default().frame, Duration::from_secs(FRAME_S_MAX));
    let patience = Patience { frame: Duration::from_secs(8), ..Patience::default() };
    let system = std::sync::Arc::new(dongbo_node::system::System);
    let house = House::with(patience, system.clone(), system).await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let greeting = Up::Hello(hello(&liar, (0, Hash::default()), &[]));
    let greeting = message(&wire::up_to_pb(&greeting).encode_to_vec());
    let took = drip_body(&house, &liar, &greeting, 8 + LATE_S_MAX).await;
    assert!(took + 1 >= 8, "after {took} s");
    house.proves(&mut office).await;
}

/// A message with gRPC's five bytes before it.
fn message(bytes: &[u8]) -> Vec<u8> {
    [&[0][..], &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// Opens a stream, says this much, and then a message of a kilobyte, a byte at a time; answers when it was ended.
async fn drip_body(house: &House, who: &Enrolled, first: &[u8], within_s: u64) -> u64 {
    let (mut client, connection) =
        h2::client::handshake(connect(house, who).await).await.expect("HTTP/2");
    let running = tokio::spawn(connection);
    let request = http::Request::post(format!("http://server.dongbo.internal{PATH}"))
        .header("content-type", "application/grpc")
        .body(())
        .expect("a request");
    let (answer, mut body) = client.send_request(request, false).expect("sent");
    let answered = tokio::spawn(async move {
        let mut down = answer.await.ok()?.into_body();
        while let Some(Ok(bytes)) = down.data().await {
            let _ = down.flow_control().release_capacity(bytes.len());
        }
        Some(())
    });
    body.send_data(Bytes::copy_from_slice(first), false).expect("sent");
    let began = Instant::now();
    for byte in message(&[0; 1_024]) {
        let alive = began.elapsed().as_secs() < within_s;
        assert!(alive, "the stream is still served after {within_s} s");
        if answered.is_finished() || body.send_data(Bytes::copy_from_slice(&[byte]), false).is_err()
        {
            break;
        }
        tokio::time::sleep(DRIP).await;
    }
    running.abort();
    began.elapsed().as_secs()
}

/// A machine that asks for everything and never reads: it holds what a few connections may hold, however
/// many it opens, and nobody waits for it.
/// Fault 27: who never reads delays nobody. [I14 I15]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_never_reads_holds_a_few_connections_and_delays_nobody() {
    let house = House::open().await;
    let mut office = house.office_in(house.scopes[0], 600).await;
    let liar = house.admit(&[house.scopes[0]]);
    let greeting = Up::Hello(hello(&liar, (0, Hash::default()), &[]));
    let said = [&wire::up_to_pb(&greeting), &wire::up_to_pb(&Up::Flush)];
    let said: Vec<u8> = said.iter().flat_map(|f| message(&f.encode_to_vec())).collect();
    let mut deaf = Vec::new();
    for _ in 0..CONNECTIONS_PER_NODE_MAX * 3 {
        let mut io = connect(&house, &liar).await;
        // A window of nothing: the answer may not be sent.
        let window = [0, 4, 0, 0, 0, 0];
        let opening = [PREFACE, &frame(SETTINGS, 0, 0, &window)].concat();
        io.write_all(&opening).await.expect("written");
        for stream in (1..=2 * STREAMS_MAX).step_by(2) {
            io.write_all(&frame(HEADERS, END_HEADERS, stream, &request(PATH))).await.expect("sent");
            io.write_all(&frame(DATA, 0, stream, &said)).await.expect("written");
        }
        io.flush().await.expect("flushed");
        deaf.push(io);
        house.proves(&mut office).await;
    }
    house.empties_to(CONNECTIONS_PER_NODE_MAX + 1, LATE_S_MAX).await;
    assert!(house.province.table.count_of(liar.author.0) <= CONNECTIONS_PER_NODE_MAX);
    // Whoever does not read does not answer the keepalive either.
    house.empties_to(1, KEEPALIVE_S + KEEPALIVE_ANSWER_S + LATE_S_MAX).await;
    drop(deaf);
}

/// Fault 28: streams beyond the limit are refused. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_are_refused_beyond_the_limit() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (read, mut write) = tokio::io::split(connect(&house, &liar).await);
    let reading = tokio::spawn(end_of(read, LATE_S_MAX));
    write.write_all(&opening()).await.expect("written");
    write.write_all(&frame(SETTINGS, ACK, 0, &[])).await.expect("written");
    for at in 0..1_000 {
        let open = frame(HEADERS, END_HEADERS, 2 * at + 1, &request(PATH));
        if write.write_all(&open).await.is_err() {
            break;
        }
    }
    house.proves(&mut office).await;
    let _ = write.flush().await;
    let end = reading.await.expect("read");
    let refused = end.reset.iter().filter(|code| **code == REFUSED_STREAM).count();
    let cut = end.away == Some(ENHANCE_YOUR_CALM);
    assert!(cut || refused as u32 >= 1_000 - STREAMS_MAX, "{refused} refused, {:?}", end.away);
    house.proves(&mut office).await;
}

/// CVE-2023-44487: opened and reset before anybody looked.
/// Fault 28: rapid reset ends the connection. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_reset_ends_the_connection() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (read, mut write) = tokio::io::split(connect(&house, &liar).await);
    let reading = tokio::spawn(end_of(read, 2 * LATE_S_MAX));
    write.write_all(&opening()).await.expect("written");
    let mut sent = 0;
    'flood: for _ in 0..200 {
        let mut burst = Vec::new();
        for _ in 0..4 * RESETS_MAX {
            let stream = 2 * sent + 1;
            burst.extend(frame(HEADERS, END_HEADERS, stream, &request(PATH)));
            burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            sent += 1;
        }
        if write.write_all(&burst).await.is_err() || write.flush().await.is_err() {
            break 'flood;
        }
    }
    let end = reading.await.expect("read");
    assert!(end.ended, "the connection ended after {sent} resets");
    assert_eq!(end.away, Some(ENHANCE_YOUR_CALM));
    house.proves(&mut office).await;
}

/// Fault 28: headers without end end the connection. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_end_end_the_connection() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (read, mut write) = tokio::io::split(connect(&house, &liar).await);
    let reading = tokio::spawn(end_of(read, LATE_S_MAX));
    write.write_all(&opening()).await.expect("written");
    write.write_all(&frame(HEADERS, 0, 1, &request(PATH))).await.expect("written");
    let more = frame(CONTINUATION, 0, 1, &[0x00, 0x01, b'a', 0x01, b'b'].repeat(3_000));
    let mut bytes = 0_usize;
    while bytes < 400 * HEADER_BYTES_MAX as usize && write.write_all(&more).await.is_ok() {
        bytes += more.len();
    }
    let _ = write.flush().await;
    let end = reading.await.expect("read");
    assert!(end.ended, "the connection ended after {bytes} bytes of headers");
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_over_the_limit_are_answered_with_a_refusal() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (mut client, connection) =
        h2::client::handshake(connect(&house, &liar).await).await.expect("HTTP/2");
    let running = tokio::spawn(connection);
    let request = http::Request::post(format!("http://server.dongbo.internal{PATH}"))
        .header("content-type", "application/grpc")
        .header("x-long", "x".repeat(2 * HEADER_BYTES_MAX as usize))
        .body(())
        .expect("a request");
    let (answer, _body) = client.send_request(request, false).expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(LATE_S_MAX), answer).await;
    match answer.expect("in time") {
        Ok(response) => assert_eq!(response.status(), 431),
        Err(reset) => assert!(reset.is_reset() || reset.is_go_away(), "{reset}"),
    }
    running.abort();
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_over_the_limit_ends_the_connection() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (read, mut write) = tokio::io::split(connect(&house, &liar).await);
    let reading = tokio::spawn(end_of(read, LATE_S_MAX));
    write.write_all(&opening()).await.expect("written");
    write.write_all(&head((1 << 24) - 1, DATA, 0, 1)).await.expect("written");
    let _ = write.write_all(&[0; 64]).await;
    let _ = write.flush().await;
    let end = reading.await.expect("read");
    assert!(end.ended && end.away == Some(FRAME_SIZE_ERROR), "{end:?}");
    house.proves(&mut office).await;
}

/// A message that claims a gigabyte is refused by its first five bytes.
/// Fault 28: a message is refused by the length that it announces. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_the_limit_is_refused_by_its_length() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    for claimed in [MESSAGE_BYTES_MAX as u32 + 1, 1 << 30, u32::MAX] {
        let (mut client, connection) =
            h2::client::handshake(connect(&house, &liar).await).await.expect("HTTP/2");
        let running = tokio::spawn(connection);
        let request = http::Request::post(format!("http://server.dongbo.internal{PATH}"))
            .header("content-type", "application/grpc")
            .body(())
            .expect("a request");
        let (answer, mut body) = client.send_request(request, false).expect("sent");
        let bytes = [&[0][..], &claimed.to_be_bytes(), &[0; 64]].concat();
        body.send_data(Bytes::from(bytes), false).expect("sent");
        let ended = async {
            let Ok(response) = answer.await else { return };
            let mut down = response.into_body();
            while let Some(Ok(_)) = down.data().await {}
        };
        let ended = tokio::time::timeout(Duration::from_secs(LATE_S_MAX), ended).await;
        assert!(ended.is_ok(), "a message of {claimed} bytes is waited for");
        running.abort();
    }
    house.proves(&mut office).await;
}

/// Groups within groups, fields without end, numbers of eleven bytes, and noise.
/// Fault 30: a malformed message ends its stream and nothing else. [I13 I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_messages_end_the_stream_and_nothing_else() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let nested = [0x0b].repeat(100_000);
    let deep = (0..10_000).fold(Vec::new(), |inner: Vec<u8>, _| match inner.len() {
        len if len < 120 => [&[0x0a, len as u8][..], &inner].concat(),
        _ => inner,
    });
    let many: Vec<u8> = [0xf8, 0x07, 0x01].repeat(100_000);
    let varint = [0x08].into_iter().chain([0xff; 11]).collect();
    let noise: Vec<u8> =
        (0..5_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (at, bytes) in [nested, deep, many, varint, noise, vec![0x0a, 0xff, 0xff, 0xff, 0x0f]]
        .into_iter()
        .enumerate()
    {
        let (mut client, connection) =
            h2::client::handshake(connect(&house, &liar).await).await.expect("HTTP/2");
        let running = tokio::spawn(connection);
        let request = http::Request::post(format!("http://server.dongbo.internal{PATH}"))
            .header("content-type", "application/grpc")
            .body(())
            .expect("a request");
        let (answer, mut body) = client.send_request(request, false).expect("sent");
        body.send_data(Bytes::from(message(&bytes)), false).expect("sent");
        let ended = async {
            let Ok(response) = answer.await else { return };
            let mut down = response.into_body();
            while let Some(Ok(_)) = down.data().await {}
        };
        let ended = tokio::time::timeout(Duration::from_secs(LATE_S_MAX), ended).await;
        assert!(ended.is_ok(), "malformed message {at} is waited upon");
        running.abort();
    }
    house.proves(&mut office).await;
}

/// A body that expands beyond what it says, and beyond every limit.
/// Fault 29: a bomb on the wire is a bad batch. [I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_is_a_bad_batch() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let zeros = vec![0; 256 * 1024 * 1024];
    let bomb = zstd::bulk::compress(&zeros, 3).expect("zstd");
    drop(zeros);
    let greeting = wire::up_to_pb(&Up::Hello(hello(&liar, (0, Hash::default()), &[])));
    for raw_len in [1_000, 16 * 1024 * 1024, 16 * 1024 * 1024 + 1, 256 * 1024 * 1024, u32::MAX] {
        let mut journal = crate::talk::Journal::of(&liar);
        let mut batch = journal.one(
            &liar,
            crate::house::member(crate::house::record_id(9_000), house.scopes[1], "Bom"),
        );
        (batch.body, batch.raw_len) = (bomb.clone(), raw_len);
        let batch = wire::up_to_pb(&Up::Batch(batch));
        let heard = say_pb(&house, &liar, vec![greeting.clone(), batch]).await;
        let stop = heard.stop();
        assert!(matches!(stop, Some(Stop::BadBatch | Stop::BadFrame)), "{raw_len}: {heard:?}");
    }
    house.proves(&mut office).await;
}

/// Who has shown nothing yet keeps no place for long, and has no time to spare for its request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_that_stays_or_drips_is_shown_out() {
    let house = House::open().await;
    let mut office = house.office().await;
    // One that answers the keepalive and asks for nothing.
    let (client, connection) = h2::client::handshake(knock(&house).await).await.expect("HTTP/2");
    let stays = tokio::spawn(connection);
    // One that drips its request.
    let (mut dripper, connection) =
        h2::client::handshake(knock(&house).await).await.expect("HTTP/2");
    let drips = tokio::spawn(connection);
    let request = http::Request::post("http://server.dongbo.internal/dongbo.v1.Joining/Join")
        .header("content-type", "application/grpc")
        .body(())
        .expect("a request");
    let (answer, mut body) = dripper.send_request(request, false).expect("sent");
    body.send_data(Bytes::from(message(&[0; 100])[..20].to_vec()), false).expect("sent");
    let answer = tokio::time::timeout(Duration::from_secs(JOIN_S_MAX + LATE_S_MAX), answer).await;
    assert!(answer.is_ok(), "a request that drips is answered at its deadline");
    let max_s = JOIN_CONNECTION_S_MAX + JOIN_S_MAX + LATE_S_MAX;
    let ended = tokio::time::timeout(Duration::from_secs(max_s), stays).await;
    assert!(ended.is_ok(), "a newcomer's connection ends");
    drop((client, dripper, body));
    let ended = tokio::time::timeout(Duration::from_secs(max_s), drips).await;
    assert!(ended.is_ok(), "a newcomer's connection ends");
    house.empties_to(1, max_s).await;
    house.proves(&mut office).await;
}

/// A request to join is five kilobytes at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_join_that_is_too_long_is_refused() {
    let house = House::open().await;
    let mut office = house.office().await;
    let config = client_config_join(CaPin::of_fingerprint(&house.ca.fingerprint()));
    let dial = dongbo_node::exchange::connect::tcp(house.address.to_string());
    let link =
        dongbo_node::exchange::channel(config.expect("config"), dial).await.expect("channel");
    let mut client = pb::joining_client::JoiningClient::new(link);
    let request = pb::JoinRequest { csr: vec![0x30; JOIN_BYTES_MAX + 1], ..Default::default() };
    let status = client.join(request).await.expect_err("refused");
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
    house.proves(&mut office).await;
}
