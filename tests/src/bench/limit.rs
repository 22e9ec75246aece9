//! L, the limit: the product's own gRPC service, TLS and message, but each message holds one frame of E, and the other
//! side puts it into a plain table, a durable transaction a frame. Nothing is merged, signed, hashed or kept but the
//! values; decoding runs beside the insert, and there is one acknowledgement at the end. It is hard to be faster.
//!
//! Deliberately absent: everything that makes an exchange safe.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use dongbo_proto::limits::MESSAGE_BYTES_MAX;
use dongbo_proto::wire::pb::exchange_client::ExchangeClient;
use dongbo_proto::wire::pb::exchange_server::{Exchange, ExchangeServer};
use dongbo_proto::wire::pb::{self, DownFrame, UpFrame, down_frame, up_frame};
use dongbo_server::service::accept::{AcceptLimits, accept};
use dongbo_server::service::table::ConnectionTable;
use dongbo_sqlite::Knobs;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

use super::plain::{Cipher, Plain};
use super::realm::{Realm, Server as Running};
use super::reference::{self, FRAME_RECORDS};
use super::workload::{Member, Workload};

/// Messages that may wait on either side of the link.
const WAITING: usize = 4;
/// Bytes on their way, as in the product.
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

type Down = std::result::Result<DownFrame, Status>;

/// The service: frames up go into the table at `path`; a flush asks for the acknowledgement, and a hello for the load.
struct Table {
    path: PathBuf,
    load: Arc<Workload>,
}

#[tonic::async_trait]
impl Exchange for Table {
    type ExchangeStream = ReceiverStream<Down>;

    async fn exchange(
        &self,
        request: Request<Streaming<UpFrame>>,
    ) -> std::result::Result<Response<Self::ExchangeStream>, Status> {
        let (down, stream) = mpsc::channel(WAITING);
        let (path, load) = (self.path.clone(), self.load.clone());
        tokio::spawn(async move {
            let ended = converse(request.into_inner(), &down, &path, load).await;
            if let Err(error) = ended {
                // A client that has left needs no answer.
                let _ = down.send(Err(Status::internal(error.to_string()))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

async fn converse(
    mut up: Streaming<UpFrame>,
    down: &mpsc::Sender<Down>,
    path: &Path,
    load: Arc<Workload>,
) -> Result<()> {
    let mut filling = None;
    while let Some(frame) = up.message().await?.and_then(|f| f.frame) {
        match frame {
            up_frame::Frame::Batch(batch) => {
                let (table, _) = filling.get_or_insert_with(|| fill(path, Knobs::SERVER));
                table.send(unpacked(&batch.body, batch.raw_len)?).await?;
            }
            up_frame::Frame::Flush(_) => {
                let (table, filled) = filling.take().context("a flush after frames")?;
                drop(table);
                filled.await??;
                down.send(Ok(DownFrame {
                    frame: Some(down_frame::Frame::Stop(0)),
                    ..Default::default()
                }))
                .await?;
            }
            up_frame::Frame::Hello(_) => give(down, load.clone()).await?,
            _ => return Err(anyhow!("not a frame of the limit")),
        }
    }
    Ok(())
}

async fn give(down: &mpsc::Sender<Down>, load: Arc<Workload>) -> Result<()> {
    for members in load.members.chunks(FRAME_RECORDS) {
        let (body, raw_len) = packed(members);
        let frame =
            down_frame::Frame::States(pb::States { body, raw_len, ..pb::States::default() });
        down.send(Ok(DownFrame { frame: Some(frame), ..Default::default() })).await?;
    }
    Ok(down
        .send(Ok(DownFrame { frame: Some(down_frame::Frame::Stop(0)), ..Default::default() }))
        .await?)
}

fn packed(members: &[Member]) -> (Vec<u8>, u32) {
    let raw = reference::encode(members);
    (reference::compressed(&raw), raw.len() as u32)
}

fn unpacked(body: &[u8], raw_len: u32) -> Result<Vec<Member>> {
    reference::decode(&zstd::bulk::decompress(body, raw_len as usize)?)
}

type Filling = (mpsc::Sender<Vec<Member>>, tokio::task::JoinHandle<Result<()>>);

/// A thread that makes a fresh table and puts each frame into it, durably; it ends behind a checkpoint.
fn fill(path: &Path, knobs: Knobs) -> Filling {
    let (sender, mut frames) = mpsc::channel::<Vec<Member>>(WAITING);
    let path = path.to_owned();
    let filled = tokio::task::spawn_blocking(move || {
        let mut table = Plain::create(&path, knobs, Cipher::On)?;
        while let Some(frame) = frames.blocking_recv() {
            table.insert(&frame)?;
        }
        Ok(table.checkpoint()?)
    });
    (sender, filled)
}

/// Serves the limit; the table is made at `path` by the first upload.
///
/// # Errors
/// What the system says.
pub async fn serve(realm: &Realm, path: PathBuf, load: Arc<Workload>) -> Result<Running> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    let table = ConnectionTable::new();
    let (accepted, accepting) =
        accept(listener, realm.server_tls()?, table, AcceptLimits::default(), shutdown.clone());
    let service = ExchangeServer::new(Table { path, load })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let serving = Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .add_service(service)
        .serve_with_incoming_shutdown(accepted.main, shutdown.clone().cancelled_owned());
    let task = tokio::spawn(async move {
        let accepting = tokio::spawn(accepting);
        let served = serving.await;
        accepting.abort();
        served.map_err(Into::into)
    });
    Ok(Running::new(address, shutdown, task))
}

/// Uploads the load over a channel that is up; the time ends behind the acknowledgement, which comes after a checkpoint.
///
/// # Errors
/// What the link says.
pub async fn upload(channel: Channel, load: Arc<Workload>) -> Result<Duration> {
    let begun = Instant::now();
    let (up, frames) = mpsc::channel(WAITING);
    let sending = tokio::spawn(async move {
        for members in load.members.chunks(FRAME_RECORDS) {
            let (body, raw_len) = packed(members);
            let batch = pb::Batch { body, raw_len, ..pb::Batch::default() };
            up.send(UpFrame { frame: Some(up_frame::Frame::Batch(batch)) }).await?;
        }
        up.send(UpFrame { frame: Some(up_frame::Frame::Flush(pb::Flush {})) }).await?;
        Ok::<_, mpsc::error::SendError<UpFrame>>(up)
    });
    let mut down = call(channel, frames).await?;
    down.message().await?.context("an acknowledgement")?;
    let took = begun.elapsed();
    drop(sending.await?);
    Ok(took)
}

/// Fetches the load into a fresh table at `path`, durably; the time ends behind a checkpoint.
///
/// # Errors
/// What the link says.
pub async fn fetch(channel: Channel, path: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let (up, frames) = mpsc::channel(WAITING);
    up.send(UpFrame { frame: Some(up_frame::Frame::Hello(pb::Hello::default())) }).await?;
    let mut down = call(channel, frames).await?;
    let (table, filled) = fill(path, Knobs::NODE);
    while let Some(down_frame::Frame::States(page)) = down.message().await?.and_then(|f| f.frame) {
        table.send(unpacked(&page.body, page.raw_len)?).await?;
    }
    drop(table);
    filled.await??;
    Ok(begun.elapsed())
}

async fn call(channel: Channel, frames: mpsc::Receiver<UpFrame>) -> Result<Streaming<DownFrame>> {
    let mut client = ExchangeClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    Ok(client.exchange(ReceiverStream::new(frames)).await?.into_inner())
}
