//! The server's command line as a script meets it: the real binary, its output and its exit codes.
//!
//! Not here: the exchange with a node, which the stories tell with both binaries.
//! Each test makes a small province of its own in a temporary directory.

mod desk;
mod import;
mod init;
mod keep;
mod office;
mod pages;
mod serve;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A district with two communes, a cell in each, and a village.
pub const UNITS: &str = "code,name,short_name,level,type,sub_type,parent,scope,founded_on,village\n\
    24,Tỉnh ủy Mẫu,,province,,,,,1947-05-31,\n\
    07201,Đảng bộ xã An,ĐB An,grassroots_committee,commune,,24,07201,1948,\n\
    07201-C001,Chi bộ thôn Một,,cell,commune,residential,07201,07201,1950-02,07201-T01\n\
    07204,Đảng bộ xã Bình,ĐB Bình,grassroots_committee,commune,,24,07204,1948,\n\
    07204-C001,Chi bộ thôn Hai,,cell,commune,residential,07204,07204,1950,\n";
/// Its village.
pub const VILLAGES: &str = "code,name,kind,commune,scope,cell,head_is_member,head_name,head_member\n\
    07201-T01,Thôn Một,village,07201,07201,07201-C001,false,Lê Văn Mẫu,\n";
/// A member of the first commune.
pub const AN: &str = "016f5e66-e801-79a9-8395-4d191daa9f87";

/// A province in a temporary directory.
pub struct Site {
    dir: TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// What it printed, as JSON.
    pub fn json(&self) -> Json {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The error object of `--json`, with its exit code checked.
    pub fn fault(&self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        let last = self.err.lines().last().unwrap_or_default();
        let error: Json = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        assert_eq!(error["exit"], code);
        error["error"].as_str().expect("a key").to_owned()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("an exit code");
        Ran { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Site {
    /// A directory with the tables and nothing else.
    pub fn empty() -> Self {
        let site = Site { dir: tempfile::tempdir().expect("a temporary directory") };
        site.write("units.csv", UNITS);
        site.write("villages.csv", VILLAGES);
        site
    }

    /// A province.
    pub fn made() -> Self {
        let site = Site::empty();
        assert_eq!(site.init().code, 0);
        site
    }

    /// A province with one member.
    pub fn peopled() -> Self {
        let site = Site::made();
        let file = site.write("members.jsonl", member(AN, "07201-C001"));
        site.run(&["import", file.to_str().unwrap()]).json();
        site
    }

    /// The directory around the province.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path("province")
    }

    /// Writes a file beside the province.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The program, on this province.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dongbo-server"));
        for name in ["DONGBO_SERVER_DATA", "DONGBO_PERSON", "DONGBO_CLOCK_OFFSET_S"] {
            command.env_remove(name);
        }
        command.env("DONGBO_LANG", "en").arg("--data").arg(data);
        command
    }

    /// Runs a command with `--json`.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.command(&self.data()).args(args).arg("--json").output().expect("it runs").into()
    }

    /// Runs a command for a person.
    pub fn say(&self, args: &[&str]) -> Ran {
        self.command(&self.data()).args(args).output().expect("it runs").into()
    }

    /// Makes the province from the tables.
    pub fn init(&self) -> Ran {
        let (units, villages) = (self.path("units.csv"), self.path("villages.csv"));
        let tables = ["--units", units.to_str().unwrap(), "--villages", villages.to_str().unwrap()];
        self.run(&[&["init", "--province", "Tỉnh Mẫu"], &tables[..]].concat())
    }
}

/// A line of an import file.
pub fn member(id: &str, unit: &str) -> String {
    let line = serde_json::json!({
        "kind": "member", "id": id, "unit": unit, "full_name": "Nguyễn Thị Mẫu", "sex": "F",
        "birth_date": "1970-05-19", "phone": "0000111222",
    });
    format!("{line}\n")
}
