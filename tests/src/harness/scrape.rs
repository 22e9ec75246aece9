//! What a collector reads from a server: one request over plain HTTP, and its figures by name.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::process::Trouble;

/// How long a scrape may take, in seconds.
const SCRAPE_S_MAX: u64 = 15;

/// The figures of one scrape, by name and labels as they are written.
pub struct Scrape {
    /// The whole answer, head and body.
    pub text: String,
    figures: BTreeMap<String, f64>,
}

impl Scrape {
    /// Reads the figures.
    ///
    /// # Errors
    /// When nobody answers, or with something else.
    pub fn of(address: SocketAddr) -> Result<Self, Trouble> {
        let text = ask(address, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")?;
        if !text.starts_with("HTTP/1.1 200 ") || !text.ends_with("# EOF\n") {
            return Err(Trouble(format!("no figures: {text}")));
        }
        let lines = text.lines().skip_while(|line| !line.is_empty()).skip(1);
        let figure = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        let figures = lines.filter(|line| !line.starts_with('#')).filter_map(figure).collect();
        Ok(Scrape { text, figures })
    }

    /// A figure; 0 where it was not said, as of a counter with a label that never came.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(0.0)
    }

    /// How much more it is than before.
    #[must_use]
    pub fn since(&self, before: &Scrape, name: &str) -> f64 {
        self.get(name) - before.get(name)
    }
}

/// Sends a request as it is, and reads all that comes until the other side closes.
///
/// # Errors
/// When the address does not answer in time.
pub fn ask(address: SocketAddr, request: &str) -> Result<String, Trouble> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(SCRAPE_S_MAX)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // A side that closes on what it does not like may reset what it has not read.
    let _ = stream.read_to_end(&mut answer);
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
