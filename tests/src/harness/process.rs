//! Running a command to its end, with everything that it said and a time by which it must have ended.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No command of these stories may take longer, in seconds; the longest takes ten on a slow machine.
const RUN_S_MAX: u64 = 240;
/// How often a running command is looked at, in milliseconds.
const LOOK_MS: u64 = 3;

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub what: String,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it said on standard error.
    pub err: String,
    /// How long it took.
    pub took: Duration,
}

/// A command that did not do what the story needs. Shows all that it said.
#[derive(Clone)]
pub struct Trouble(pub String);

impl fmt::Debug for Trouble {
    /// As it is: a test that fails prints it, and must be readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Ran {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be started, or has not ended in time (then it is killed).
    pub fn of(command: &mut Command) -> Result<Self, Trouble> {
        Self::fed(command, "")
    }

    /// As [`Ran::of`], with a text on its standard input.
    ///
    /// # Errors
    /// As [`Ran::of`].
    pub fn fed(command: &mut Command, input: &str) -> Result<Self, Trouble> {
        let what = shown(command);
        let began = Instant::now();
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| Trouble(format!("{what}: {e}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            let input = input.to_owned();
            thread::spawn(move || std::io::Write::write_all(&mut stdin, input.as_bytes()));
        }
        let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let status = wait(&mut child, Duration::from_secs(RUN_S_MAX));
        let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        match status {
            Some(status) => Ok(Self {
                what,
                code: status.code().unwrap_or(-1),
                out,
                err,
                took: began.elapsed(),
            }),
            None => Err(Trouble(format!("{what}: no end after {RUN_S_MAX} s\n{out}\n{err}"))),
        }
    }

    /// This, if it ended well.
    ///
    /// # Errors
    /// When its exit code is not 0.
    pub fn ok(self) -> Result<Self, Trouble> {
        if self.code == 0 { Ok(self) } else { Err(self.trouble("exit code")) }
    }

    /// What it printed, as one JSON value, if it ended well.
    ///
    /// # Errors
    /// When it did not, or printed something else.
    pub fn json(self) -> Result<Value, Trouble> {
        let ran = self.ok()?;
        ran.value()
    }

    /// What it printed, as one JSON value, however it ended.
    ///
    /// # Errors
    /// When it printed something else.
    pub fn value(&self) -> Result<Value, Trouble> {
        serde_json::from_str(&self.out).map_err(|e| self.trouble(&format!("no JSON ({e})")))
    }

    /// Everything about it, as a trouble.
    #[must_use]
    pub fn trouble(&self, why: &str) -> Trouble {
        let Self { what, code, out, err, .. } = self;
        Trouble(format!("{what}\n  {why}; exit code {code}\n  out: {out}\n  err: {err}"))
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A killed process closes its pipe in the middle; what came is what there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a child's end; after `limit` it is killed and there is no status.
pub(super) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(Duration::from_millis(LOOK_MS)),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Asks a process to end, as a service manager does.
pub(super) fn terminate(child: &Child) {
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    command.get_args().fold(program, |line, arg| line + " " + &arg.to_string_lossy())
}
