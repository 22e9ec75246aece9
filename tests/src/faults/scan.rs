//! Reads the lines that tests carry out of the sources.
//!
//! Line by line: the sources are formatted by `cargo fmt`, and a parser of Rust would not look into
//! `proptest!`. A line may stand on a test, or on anything of the simulator (a checker, a fault).
//! Anywhere else it is refused, as it is on a test that is ignored.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where whatever carries a line counts: the simulator's checkers and faults are no test functions.
const SIMULATOR: &str = "tests/src/sim/";

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Topic {
    /// One of the faults.
    Fault,
    /// A way in which the first design broke.
    Counterexample,
    /// A loss that happened to others.
    Story,
}

impl Topic {
    /// All of them.
    pub const ALL: [Topic; 3] = [Topic::Fault, Topic::Counterexample, Topic::Story];
}

impl fmt::Display for Topic {
    /// The word that begins a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Topic::Fault => "Fault",
            Topic::Counterexample => "Counterexample",
            Topic::Story => "Story",
        })
    }
}

/// A line of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// What it is about.
    pub topic: Topic,
    /// Which one.
    pub number: u16,
    /// What the system does.
    pub says: String,
    /// The invariants that it keeps by that.
    pub invariants: Vec<u8>,
    /// The file, from the workspace's directory.
    pub file: String,
    /// The test, or the simulator's checker or fault.
    pub test: String,
}

impl Claim {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> String {
        format!("{}: {}", self.file, self.test)
    }
}

/// All claims of the workspace's sources, in the order of files and lines, and what is wrong with
/// the rest.
///
/// # Errors
/// What the file system says.
pub fn workspace_claims(root: &Path) -> io::Result<(Vec<Claim>, Vec<String>)> {
    let (mut claims, mut wrong) = (Vec::new(), Vec::new());
    for path in sources(root)? {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let (found, off) = claims_of(&name, &std::fs::read_to_string(&path)?);
        claims.extend(found);
        wrong.extend(off);
    }
    Ok((claims, wrong))
}

/// Every Rust file under `src` and `tests` of every member of the workspace.
fn sources(root: &Path) -> io::Result<Vec<PathBuf>> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Workspace,
    }
    #[derive(Deserialize)]
    struct Workspace {
        members: Vec<String>,
    }
    let text = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest: Manifest = toml::from_str(&text).map_err(io::Error::other)?;
    let mut files = Vec::new();
    for member in &manifest.workspace.members {
        for part in ["src", "tests"] {
            walk(&root.join(member).join(part), &mut files)?;
        }
    }
    files.sort();
    Ok(files)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The claims of one file, and what is wrong with the rest.
#[must_use]
pub fn claims_of(file: &str, text: &str) -> (Vec<Claim>, Vec<String>) {
    let (mut claims, mut wrong) = (Vec::new(), Vec::new());
    let (mut docs, mut marks): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut within_mark = false;
    for line in text.lines().map(str::trim) {
        if within_mark || line.starts_with("#[") {
            marks.push(line);
            within_mark = !line.ends_with(']');
        } else if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
        } else if !line.starts_with("//") {
            match read(file, line, &docs, &marks) {
                Ok(found) => claims.extend(found),
                Err(why) => wrong.push(why),
            }
            docs.clear();
            marks.clear();
        }
    }
    wrong.extend(read(file, "", &docs, &marks).err());
    (claims, wrong)
}

/// The claims above an item.
fn read(file: &str, item: &str, docs: &[&str], marks: &[&str]) -> Result<Vec<Claim>, String> {
    let Some(first) = docs.iter().position(|doc| topic(doc).is_some()) else { return Ok(vec![]) };
    let test = name(item);
    let is_test = marks.iter().any(|m| *m == "#[test]" || m.starts_with("#[tokio::test"));
    if test.is_empty() || !(is_test || file.starts_with(SIMULATOR)) {
        return Err(format!("{file}: {item:?} is no test, and carries {:?}", docs[first]));
    }
    if marks.iter().any(|mark| mark.contains("ignore")) {
        return Err(format!("{file}: {test} is ignored: it proves nothing"));
    }
    docs[first..]
        .iter()
        .map(|doc| {
            claim(file, &test, doc)
                .ok_or_else(|| format!("{file}: {test}: {doc:?} is not as a line should be"))
        })
        .collect()
}

/// The topic of a line, and what comes behind it.
fn topic(doc: &str) -> Option<(Topic, &str)> {
    let of = |topic: Topic| {
        let rest = doc.strip_prefix(&topic.to_string())?.strip_prefix(' ')?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some((topic, rest))
    };
    Topic::ALL.into_iter().find_map(of)
}

fn claim(file: &str, test: &str, doc: &str) -> Option<Claim> {
    let (topic, rest) = topic(doc)?;
    let (number, says) = rest.split_once(": ")?;
    let (says, invariants) = match says.split_once(" [") {
        Some((says, list)) => (says, invariants(list.strip_suffix(']')?)?),
        None => (says, Vec::new()),
    };
    let whole = says.len() > 1 && says.ends_with('.');
    whole.then_some(Claim {
        topic,
        number: number.parse().ok()?,
        says: says.to_owned(),
        invariants,
        file: file.to_owned(),
        test: test.to_owned(),
    })
}

fn invariants(list: &str) -> Option<Vec<u8>> {
    list.split(' ').map(|one| one.strip_prefix('I')?.parse().ok()).collect()
}

/// The name of a function, or of a variant, a constant or a type.
fn name(item: &str) -> String {
    let words = item.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let before = ["pub", "crate", "super", "async", "const", "fn", "struct", "enum", ""];
    words.skip_while(|word| before.contains(word)).take(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources with a bar before each line, so that the samples are not read as this file's own.
    fn of(file: &str, sample: &str) -> (Vec<Claim>, Vec<String>) {
        let bare = |line: &str| line.trim_start().trim_start_matches('|').to_owned();
        claims_of(file, &sample.lines().map(bare).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn lines_are_read_from_above_a_test() {
        let (claims, wrong) = of(
            "node/tests/all/a.rs",
            "|/// Some prose about fault 3.
             |/// Fault 9: it is told. [I4 I12]
             |/// Story 7: a queue moves.
             |#[tokio::test(
             |    flavor = \"current_thread\"
             |)]
             |async fn a_queue_moves() {",
        );
        assert_eq!(wrong, Vec::<String>::new());
        let story = claims.last().unwrap();
        assert_eq!((claims.len(), story.topic, story.number), (2, Topic::Story, 7));
        assert_eq!(claims[0].says, "it is told.");
        assert_eq!(
            (claims[0].invariants.as_slice(), &*claims[0].test),
            (&[4, 12][..], "a_queue_moves")
        );
    }

    #[test]
    fn a_line_on_what_is_no_test_or_is_ignored_is_refused() {
        let line = "|/// Fault 9: it is told. [I4]\n";
        for item in
            ["|fn helper() {", "|#[test]\n|#[ignore = \"slow\"]\n|fn a() {", "|", "|struct A;"]
        {
            let (claims, wrong) = of("node/src/a.rs", &format!("{line}{item}\n"));
            assert_eq!((claims.len(), wrong.len()), (0, 1), "{item}");
        }
    }

    #[test]
    fn a_checker_or_a_fault_of_the_simulator_may_carry_one() {
        for (item, name) in [("|    CutUp,", "CutUp"), ("|pub(super) fn saved(x: u8) {", "saved")] {
            let sample = format!("|/// Fault 22: it goes on. [I15]\n{item}\n");
            let (claims, wrong) = of("tests/src/sim/nemesis.rs", &sample);
            assert_eq!((wrong.len(), claims[0].test.as_str()), (0, name));
        }
    }

    #[test]
    fn a_line_that_is_misspelt_or_not_the_last_is_refused() {
        let rest = "\n|#[test]\n|fn a() {";
        for bad in [
            "|/// Fault 9 it is told. [I4]",
            "|/// Fault 9: it is told [I4]",
            "|/// Fault 9: it is told. [4]",
            "|/// Fault 9: it is told. [I4",
            "|/// Fault 9a: it is told. [I4]",
            "|/// Fault 9: it is told. [I4]\n|/// And more prose.",
        ] {
            let (claims, wrong) = of("node/src/a.rs", &format!("{bad}{rest}"));
            assert_eq!((claims.len(), wrong.len()), (0, 1), "{bad}");
        }
    }
}
