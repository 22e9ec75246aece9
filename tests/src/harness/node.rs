//! A commune's machine: its data directory, its wire, its clock, and whatever is run on it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::link::Link;
use super::process::{Ran, Trouble, terminate, wait};
use super::release::{Release, Side};
use super::server::keep;

/// How long a watching node may take to end when asked, in seconds.
const END_S_MAX: u64 = 20;

/// What a machine's clock says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The time.
    #[default]
    Right,
    /// So many seconds after it, or before it.
    Off(i64),
}

impl Clock {
    /// About 1 January of a year, from somewhere in 2026.
    #[must_use]
    pub fn in_year(year: i64) -> Self {
        const YEAR_S: i64 = 31_556_952;
        Self::Off((year - 2026) * YEAR_S)
    }
}

/// A commune's machine.
pub struct Node {
    /// What the story calls it.
    pub name: String,
    /// The scopes that it was invited for.
    pub scopes: Vec<String>,
    /// Its wire to the server.
    pub link: Link,
    /// Its clock, from the next command on.
    pub clock: Clock,
    /// Which release is installed, from the next command on.
    pub release: Release,
    dir: PathBuf,
}

impl Node {
    /// A machine with nothing on it.
    #[must_use]
    pub fn new(name: &str, scopes: &[&str], dir: &Path, link: Link) -> Self {
        let scopes = scopes.iter().map(|s| (*s).to_owned()).collect();
        Self {
            name: name.into(),
            scopes,
            link,
            clock: Clock::Right,
            release: Release::This,
            dir: dir.to_owned(),
        }
    }

    /// Its data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A command on this directory that has not been run.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.release.program(Side::Node);
        let offset_s = match self.clock {
            Clock::Right => 0,
            Clock::Off(offset_s) => offset_s,
        };
        command.env("DONGBO_CLOCK_OFFSET_S", offset_s.to_string());
        command.env("DONGBO_LANG", "en").env_remove("DONGBO_DATA");
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

    /// Runs a command with `--json`, whatever its exit code.
    ///
    /// # Errors
    /// As [`Node::run`].
    pub fn run_json(&self, args: &[&str]) -> Result<Ran, Trouble> {
        Ran::of(self.command(args).arg("--json"))
    }

    /// What a command prints as JSON.
    ///
    /// # Errors
    /// When it refuses.
    pub fn ask(&self, args: &[&str]) -> Result<Value, Trouble> {
        self.run_json(args)?.json()
    }

    /// Joins the province with a code.
    ///
    /// # Errors
    /// When it cannot be run at all; a refusal is an answer.
    pub fn join(&self, code: &str) -> Result<Ran, Trouble> {
        let server = self.link.address().to_string();
        self.run(&["join", "--server", &server, "--code", code])
    }

    /// Joins again with the data and key that it has, by a code for that.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn join_again(&self, code: &str) -> Result<Ran, Trouble> {
        let server = self.link.address().to_string();
        self.run(&["join", "--again", "--server", &server, "--code", code])
    }

    /// One exchange; what it moved.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn sync(&self) -> Result<Value, Trouble> {
        self.ask(&["sync"])
    }

    /// Exchanges until one ends well, for at most `limit`: after a cut or a crash of the server.
    ///
    /// # Errors
    /// The last refusal.
    pub fn sync_until(&self, limit: Duration) -> Result<Value, Trouble> {
        let began = Instant::now();
        loop {
            match self.sync() {
                Err(_) if began.elapsed() < limit => thread::sleep(Duration::from_millis(200)),
                done => return done,
            }
        }
    }

    /// Runs a command in the background, to be killed in its middle.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn begin(&self, args: &[&str]) -> Result<Watch, Trouble> {
        Watch::of(&mut self.command(args))
    }

    /// Stays connected: changes come and go as they happen.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn watch(&self) -> Result<Watch, Trouble> {
        self.begin(&["sync", "--watch", "--json"])
    }
}

/// A command that runs in the background.
pub struct Watch {
    child: Option<Child>,
    lines: Receiver<String>,
    said: Arc<Mutex<String>>,
}

impl Watch {
    /// Runs any command in the background.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Result<Self, Trouble> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (tell, lines) = mpsc::channel();
        let out = child.stdout.take();
        thread::spawn(move || {
            let lines =
                out.into_iter().flat_map(|o| BufReader::new(o).lines()).map_while(Result::ok);
            lines.map_while(|line| tell.send(line).ok()).for_each(drop);
        });
        let said = Arc::new(Mutex::new(String::new()));
        keep(child.stderr.take(), said.clone());
        Ok(Self { child: Some(child), lines, said })
    }

    /// The process; 0 once it is gone.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// What it has said on standard error.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().map(|said| said.clone()).unwrap_or_default()
    }

    /// The first line from now on for which `is` holds, within `limit`.
    ///
    /// # Errors
    /// When it ends or says nothing of the sort in time.
    pub fn until(&self, limit: Duration, is: impl Fn(&Value) -> bool) -> Result<Value, Trouble> {
        let began = Instant::now();
        let mut heard = Vec::new();
        while let Some(left) = limit.checked_sub(began.elapsed()) {
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            };
            match serde_json::from_str(&line) {
                Ok(value) if is(&value) => return Ok(value),
                _ => heard.push(line),
            }
        }
        Err(Trouble(format!("not said within {limit:?}; it said {heard:?} {}", self.said())))
    }

    /// Waits for its end by itself; its exit code.
    ///
    /// # Errors
    /// When it does not end in time (then it is killed).
    pub fn end(mut self, limit: Duration) -> Result<i32, Trouble> {
        let status = self.child.as_mut().and_then(|child| wait(child, limit));
        let code = status.map(|s| s.code().unwrap_or(-1));
        code.ok_or_else(|| Trouble(format!("no end within {limit:?}: {}", self.said())))
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|c| !matches!(c.try_wait(), Ok(None)))
    }

    /// Asks it to end (SIGTERM); its exit code.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Result<i32, Trouble> {
        if let Some(child) = &self.child {
            terminate(child);
        }
        self.end(Duration::from_secs(END_S_MAX))
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(mut self) {
        self.kill_now();
    }

    fn kill_now(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.kill_now();
    }
}
