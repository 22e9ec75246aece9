//! A provincial server: its data directory, its command line, and the process that serves.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Ran, Trouble, terminate, wait};
use super::release::{Release, Side};
use super::scrape::Scrape;

/// How long a server may take to begin to listen, in seconds: it opens a database of a whole province.
const START_S_MAX: u64 = 60;
/// How long it may take to end when asked, in seconds: it lets conversations end first.
const END_S_MAX: u64 = 30;
/// What the line begins with that says where it listens.
const LISTENING: &str = "listening on ";
/// And the one that says where its figures are.
const METRICS: &str = "metrics on http://";

/// A province: a directory, and a process while it serves.
pub struct Server {
    dir: PathBuf,
    address: Option<SocketAddr>,
    child: Option<Child>,
    said: Arc<Mutex<String>>,
    offset_s: i64,
    /// Which release is installed, from the next command on.
    pub release: Release,
    counts: bool,
    metrics: Arc<Mutex<Option<SocketAddr>>>,
}

impl Server {
    /// Makes a province from its tables.
    ///
    /// # Errors
    /// What `init` says.
    pub fn init(dir: &Path, name: &str, tables: &Path) -> Result<Self, Trouble> {
        let server = Self::at(dir);
        let (units, villages) = (tables.join("units.csv"), tables.join("villages.csv"));
        let mut command = server.command(&["init", "--province", name]);
        command.arg("--units").arg(units).arg("--villages").arg(villages);
        Ran::of(&mut command)?.ok()?;
        Ok(server)
    }

    /// A province that is there.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        let said = Arc::new(Mutex::new(String::new()));
        let (release, counts, metrics) = (Release::This, false, Arc::default());
        let dir = dir.to_owned();
        Self { dir, address: None, child: None, said, offset_s: 0, release, counts, metrics }
    }

    /// Its data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it listens; the same after each start.
    ///
    /// # Panics
    /// Before its first start.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address.expect("the server has been started")
    }

    /// Where it will listen from its next start on.
    pub fn listen_at(&mut self, address: SocketAddr) {
        self.address = Some(address);
    }

    /// The process that serves.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What the serving processes have said on standard error.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }

    /// Shows its figures, from the next start on.
    pub fn count(&mut self) {
        self.counts = true;
    }

    /// The figures of the serving process.
    ///
    /// # Errors
    /// When it shows none.
    pub fn scrape(&self) -> Result<Scrape, Trouble> {
        Scrape::of(self.metrics_at()?)
    }

    /// Where the serving process shows its figures.
    ///
    /// # Errors
    /// When it does not say so in time.
    pub fn metrics_at(&self) -> Result<SocketAddr, Trouble> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(START_S_MAX) {
            if let Some(address) = self.metrics.lock().ok().and_then(|at| *at) {
                return Ok(address);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(Trouble("the server shows no figures".into()))
    }

    /// Sets its clock so many seconds off, from the next command on.
    pub fn set_clock(&mut self, offset_s: i64) {
        self.offset_s = offset_s;
    }

    /// A command on this directory that has not been run.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.release.program(Side::Server);
        command.env("DONGBO_CLOCK_OFFSET_S", self.offset_s.to_string());
        command.env("DONGBO_LANG", "en").env_remove("DONGBO_SERVER_DATA");
        command.args(args).arg("--data").arg(&self.dir);
        command
    }

    /// Runs a command of its command line.
    ///
    /// # Errors
    /// When it cannot be run at all; a refusal is an answer.
    pub fn run(&self, args: &[&str]) -> Result<Ran, Trouble> {
        Ran::of(&mut self.command(args))
    }

    /// What a command prints as JSON.
    ///
    /// # Errors
    /// When it refuses.
    pub fn ask(&self, args: &[&str]) -> Result<Value, Trouble> {
        Ran::of(self.command(args).arg("--json"))?.json()
    }

    /// A join code for a machine of this name and some scopes.
    ///
    /// # Errors
    /// What `invite` says.
    pub fn invite(&self, name: &str, scopes: &[&str]) -> Result<String, Trouble> {
        let mut args = vec!["invite", "--name", name, "--scope"];
        args.extend(scopes);
        Ok(self.run(&args)?.ok()?.out.trim().to_owned())
    }

    /// Serves, on the port that it had before, and returns when it listens.
    ///
    /// # Errors
    /// When it ends, or does not listen in time.
    pub fn start(&mut self) -> Result<SocketAddr, Trouble> {
        let listen = self.address.map_or("127.0.0.1:0".to_owned(), |a| a.to_string());
        let mut command = self.command(&["serve", "--listen", &listen]);
        if self.counts {
            command.args(["--metrics", "127.0.0.1:0"]);
        }
        self.metrics = Arc::default();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let address = listening(child.stdout.take(), self.metrics.clone());
        keep(child.stderr.take(), self.said.clone());
        self.child = Some(child);
        match address.recv_timeout(Duration::from_secs(START_S_MAX)) {
            Ok(address) => Ok(*self.address.insert(address)),
            Err(_) => {
                self.kill();
                Err(Trouble(format!("the server does not listen: {}", self.said())))
            }
        }
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end (SIGTERM); its exit code.
    ///
    /// # Errors
    /// When it does not serve, or does not end in time.
    pub fn stop(&mut self) -> Result<i32, Trouble> {
        let mut child = self.child.take().ok_or_else(|| Trouble("no server to stop".into()))?;
        terminate(&child);
        let status = wait(&mut child, Duration::from_secs(END_S_MAX));
        let code = status.map(|s| s.code().unwrap_or(-1));
        code.ok_or_else(|| Trouble("the server did not end when asked".into()))
    }

    /// `kill -9` and a new start on the same port; how long it was away.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn crash(&mut self) -> Result<Duration, Trouble> {
        let began = Instant::now();
        self.kill();
        self.start()?;
        Ok(began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits on a thread for the line that says where the server listens, and reads on, so that the
/// pipe never fills.
fn listening(
    stdout: Option<impl Read + Send + 'static>,
    metrics: Arc<Mutex<Option<SocketAddr>>>,
) -> Receiver<SocketAddr> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        let lines =
            stdout.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok);
        for line in lines {
            if let Some(Ok(address)) = line.split_once(LISTENING).map(|(_, a)| a.trim().parse()) {
                let _ = found.send(address);
            }
            let figures = line.strip_prefix(METRICS).and_then(|at| at.strip_suffix("/metrics"));
            if let (Some(Ok(at)), Ok(mut metrics)) = (figures.map(str::parse), metrics.lock()) {
                *metrics = Some(at);
            }
        }
    });
    address
}

/// Keeps what a process says, for the message when something fails.
pub(super) fn keep(pipe: Option<impl Read + Send + 'static>, said: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let lines = pipe.into_iter().flat_map(|p| BufReader::new(p).lines()).map_while(Result::ok);
        for line in lines {
            if let Ok(mut said) = said.lock() {
                *said += &line;
                said.push('\n');
            }
        }
    });
}
