//! A data directory for one test: key, schema, database.

use std::path::PathBuf;

use dongbo_sqlite::rusqlite::Connection;
use dongbo_sqlite::{Access, DatabaseKey, Knobs, OpenError, Schema, open};
use tempfile::TempDir;

pub const SCHEMA: Schema = Schema {
    application_id: 0x646f_6e67,
    migrations: &[
        ("member", "CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"),
        ("phone", "ALTER TABLE member ADD COLUMN phone TEXT;"),
    ],
};

pub struct House {
    pub dir: TempDir,
    pub key: DatabaseKey,
}

/// Deterministic bytes, different for each seed and each call.
pub fn entropy(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut state = u64::from(seed) + 1;
    move |out| {
        for byte in out {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state >> 56) as u8;
        }
    }
}

impl House {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, key: DatabaseKey::generate(&mut entropy(1)) }
    }

    /// A house with a database of `members` rows, closed, its WAL emptied.
    pub fn with_members(members: u32) -> Self {
        let house = Self::new();
        let mut conn = house.open(Access::Create).unwrap();
        SCHEMA.migrate(&mut conn).unwrap();
        add_members(&mut conn, members);
        conn.close().unwrap();
        house
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("replica.db")
    }

    pub fn open(&self, access: Access) -> Result<Connection, OpenError> {
        open(&self.path(), &self.key, &SCHEMA, Knobs::NODE, access)
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(self.path()).unwrap();
        change(&mut bytes);
        std::fs::write(self.path(), bytes).unwrap();
    }
}

pub fn add_members(conn: &mut Connection, members: u32) {
    let tx = conn.transaction().unwrap();
    for n in 0..members {
        let name = format!("Nguyễn Văn {n:0>200}");
        tx.prepare_cached("INSERT INTO member (name) VALUES (?1)")
            .unwrap()
            .execute([name])
            .unwrap();
    }
    tx.commit().unwrap();
}

pub fn count(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM member", [], |row| row.get(0)).unwrap()
}
