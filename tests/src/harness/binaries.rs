//! Where the two binaries are: beside the running one, brought up to date first when cargo runs it.
//!
//! Deliberately absent: any other profile than release. One profile serves demo, stories and benchmarks.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Both binaries, which are really there.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `dongbo-server`.
    pub server: PathBuf,
    /// `dongbo-node`.
    pub node: PathBuf,
    /// Both, as a later release would have them ([`crate::skew`]).
    pub skewed: PathBuf,
}

/// Why there are no binaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBuilt {
    /// They are not beside this program, and it was not run by cargo.
    NoCargo,
    /// Cargo could not build them; it has said why.
    Failed,
}

impl std::fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoCargo => "dongbo-server and dongbo-node are not here: cargo build --release",
            Self::Failed => "dongbo-server and dongbo-node could not be built",
        })
    }
}

impl std::error::Error for NotBuilt {}

/// Finds both binaries, building them at most once a process.
///
/// # Errors
/// [`NotBuilt`], the same at each call.
pub fn binaries() -> Result<&'static Binaries, NotBuilt> {
    static FOUND: OnceLock<Result<Binaries, NotBuilt>> = OnceLock::new();
    FOUND.get_or_init(find_or_build).as_ref().map_err(Clone::clone)
}

fn find_or_build() -> Result<Binaries, NotBuilt> {
    let dir = release_dir().ok_or(NotBuilt::NoCargo)?;
    // A cargo run brings them up to date; a program that was only copied takes what lies beside it.
    if let Some(cargo) = env::var_os("CARGO") {
        build(Path::new(&cargo))?;
    }
    let name = |side: &str| dir.join(format!("dongbo-{side}{}", env::consts::EXE_SUFFIX));
    let skewed = dir.join(format!("skewed{}", env::consts::EXE_SUFFIX));
    let found = Binaries { server: name("server"), node: name("node"), skewed };
    if found.server.is_file() && found.node.is_file() { Ok(found) } else { Err(NotBuilt::NoCargo) }
}

/// `target/release`, from wherever in `target` this program is.
fn release_dir() -> Option<PathBuf> {
    let exe = env::current_exe().ok()?;
    let parent = exe.parent()?;
    // Tests lie in `deps`, and those of a debug build in a profile of their own.
    let profile = if parent.ends_with("deps") { parent.parent()? } else { parent };
    Some(profile.with_file_name("release"))
}

/// The tests are named as well, so that cargo unifies features as it did for the program that is
/// running; else every dependency would be compiled a second time.
fn build(cargo: &Path) -> Result<(), NotBuilt> {
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--release", "--quiet"]);
    command.args(["-p", "dongbo-server", "-p", "dongbo-node", "-p", "dongbo-tests", "--bins"]);
    command.stdout(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(NotBuilt::Failed),
    }
}
