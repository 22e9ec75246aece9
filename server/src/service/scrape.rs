//! The endpoint of the metrics: `GET /metrics` over plain HTTP/1, one answer a connection.
//!
//! It knows no passwords, so the command line opens it on loopback only; who wants it elsewhere puts
//! a proxy before it that does. Everything is bounded: connections at once, the time of each, the
//! bytes of a request. No body is ever read.
//!
//! Deliberately absent: what the figures are (`gauges`, `metrics`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::gauges::Gauges;

/// Where the figures are.
pub const PATH: &str = "/metrics";
/// Scrapes at once: one collector comes every few seconds, and a second one may be tried out.
pub const SCRAPES_MAX: usize = 4;
/// Time for a whole scrape, in seconds: Prometheus itself gives up after ten.
pub const SCRAPE_S_MAX: u64 = 10;
/// Time for the head of a request, in seconds.
pub const HEAD_S_MAX: u64 = 5;
/// Bytes of a request's head: it is some two hundred.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 32;
/// Pause after the system refused to accept, in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 100;
/// What the figures are written in.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers scrapes until `shutdown`.
pub async fn serve(listener: TcpListener, gauges: Arc<Gauges>, shutdown: CancellationToken) {
    let rooms = Arc::new(Semaphore::new(SCRAPES_MAX));
    let answering = async {
        while let Ok(room) = rooms.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let gauges = gauges.clone();
                    tokio::spawn(async move {
                        let within = Duration::from_secs(SCRAPE_S_MAX);
                        let _ = tokio::time::timeout(within, answer(stream, gauges)).await;
                        drop(room);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a scrape failed");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(answering).await;
}

async fn answer(stream: TcpStream, gauges: Arc<Gauges>) {
    let service = service_fn(move |request| {
        let gauges = gauges.clone();
        async move { Ok::<_, Infallible>(respond(&request, &gauges).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_S_MAX))
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a scrape did not come to its end");
    }
}

async fn respond(request: &Request<Incoming>, gauges: &Gauges) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    match gauges.text().await {
        Ok(text) => {
            let mut response = Response::new(Full::from(text));
            let kind = header::HeaderValue::from_static(CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            tracing::warn!(%error, "the figures of a scrape could not be read");
            plain(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
