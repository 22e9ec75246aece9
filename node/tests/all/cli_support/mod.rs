//! An office for tests of the command line: a real data directory, the real binary, and a province
//! of a few lines in place of a server.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::replica_support::{P, Province, meet, record_id, text};
use dongbo_node::exchange::key::NodeKey;
use dongbo_node::office::desk::KEY_FILE;
use dongbo_node::office::identity::{IDENTITY_FILE, NodeIdentity};
use dongbo_node::replica::{Replica, draft};
use dongbo_node::system::System;
use dongbo_proto::catalogue::{catalogue, kind};
use dongbo_proto::id::{AuthorId, RecordId, ScopeId};
use dongbo_proto::value::Value;
use dongbo_sqlite::{KeyFile, Protection};
use serde_json::Value as Json;

/// Nothing listens there: the port is reserved.
pub const NOBODY: &str = "127.0.0.1:1";
/// The cell of scope [`P`].
pub const CELL: &str = "CB-01";
/// A cell of a scope that the office does not hold.
pub const FOREIGN_CELL: &str = "CB-99";

/// A commune's office that has joined, with its units filled.
pub struct Office {
    pub dir: tempfile::TempDir,
    pub province: Province,
}

/// What a command said and how it ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Said {
            code: output.status.code().expect("it ended"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    pub fn json(&self) -> Json {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }

    /// Asserts the exit code, and that there is a sentence and no stack of errors.
    pub fn refused(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{} {}", self.out, self.err);
        assert!(self.err.len() > 10 && !self.err.contains("panicked"), "{}", self.err);
        self
    }
}

impl Office {
    /// An office of one scope.
    pub fn new() -> Self {
        let mut province = Province::new(&[ScopeId::REFERENCE, P]);
        province.acts(unit(1, CELL, "C7"));
        province.acts(unit(2, FOREIGN_CELL, "C99"));
        let mut office = Self::joined(province, 5);
        office.exchange();
        office
    }

    /// A further office of the same province.
    pub fn joined(province: Province, author: u64) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let made =
            KeyFile::create(&dir.path().join(KEY_FILE), Protection::File, &mut |b| b.fill(0x5a));
        let key = made.expect("a key file");
        assert_eq!(key.check_value(), crate::replica_support::key().check_value());
        drop(province.join(dir.path(), author));
        let node_key = NodeKey::generate().expect("a key");
        let identity = NodeIdentity {
            author: AuthorId(author),
            logged_by: None,
            certificate: certificate(&node_key),
            key: node_key,
            ca: vec![1, 2, 3],
            server: NOBODY.into(),
            province: "Ninh Bình".into(),
        };
        identity.write(&dir.path().join(IDENTITY_FILE), &key, &System).expect("an identity");
        Office { dir, province }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dongbo-node"));
        for variable in
            ["DONGBO_LANG", "DONGBO_PERSON", "DONGBO_CLOCK_OFFSET_S", "DONGBO_PASSPHRASE_FILE"]
        {
            command.env_remove(variable);
        }
        command.env("DONGBO_DATA", self.dir.path()).env("USER", "lan");
        command
    }

    /// Runs a command in English.
    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command().args(["--lang", "en"]).args(args).output().expect("it runs"))
    }

    /// Runs a command and reads its JSON.
    pub fn json(&self, args: &[&str]) -> Json {
        self.run(&[args, &["--json"]].concat()).json()
    }

    /// Enters a member and returns its id.
    pub fn add(&self, name: &str, sets: &[&str]) -> String {
        let name = format!("full_name={name}");
        let mut args = vec![
            "member",
            "add",
            "--set",
            "sex=M",
            "--set",
            "birth_date=1970-05-19",
            "--set",
            &name,
        ];
        for set in sets {
            args.extend(["--set", set]);
        }
        self.json(&args)["id"].as_str().expect("an id").to_owned()
    }

    pub fn replica(&self) -> Replica {
        Replica::open(self.dir.path(), &crate::replica_support::key()).expect("the replica opens")
    }

    /// Exchanges with the province of a few lines.
    pub fn exchange(&mut self) {
        let mut replica = self.replica();
        meet(&mut self.province, &mut replica);
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file is written");
        path.to_str().expect("a path").to_owned()
    }
}

/// A self-signed certificate: enough to begin a handshake that nobody answers.
fn certificate(key: &NodeKey) -> Vec<u8> {
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from(key.pkcs8());
    let pair =
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519).expect("a pair");
    let params = rcgen::CertificateParams::default();
    params.self_signed(&pair).expect("a certificate").der().to_vec()
}

fn unit(n: u32, code: &str, scope: &str) -> dongbo_proto::act::Op {
    let unit = catalogue().kind(kind::UNIT).expect("units are known");
    let field = |name: &str| unit.field_named(name).expect("a field").id;
    let fields: [(_, Value); 3] = [
        (field("code"), text(code)),
        (field("name_full"), text("Chi bộ")),
        (field("scope_code"), text(scope)),
    ];
    draft::create(record_id(n), kind::UNIT, ScopeId::REFERENCE, fields)
}

/// The id of a record as the command line writes it.
pub fn id(n: u32) -> String {
    RecordId(record_id(n).0).to_string()
}

/// A path as text.
pub fn shown(path: &Path) -> &str {
    path.to_str().expect("a path")
}
