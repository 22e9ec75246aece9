//! Released data directories, kept as files: each must open for ever.
//!
//! A database is kept as the text of its schema and rows, so that a diff can be read and empty pages
//! cost nothing, and is written anew under the key that lies beside it. The pages of the cipher itself
//! are held by one small database that is kept as it was (`cipher.db`).
//!
//! `cargo run --release -p dongbo-tests --bin keep_release -- v0.1` keeps another release; one that is
//! kept is never written over.

use std::fs;
use std::path::{Path, PathBuf};

use dongbo_sqlite::rusqlite::{self, Connection};
use dongbo_sqlite::{Access, KeyFile, Knobs, Schema};

use crate::harness::{Link, Node, Server, Trouble, tamper};

/// The databases as text, and the sides' directories beside them.
const SIDES: [&str; 2] = ["server", "node"];
/// The units of the kept province: two offices.
const UNITS: &str = "\
code,name,short_name,level,type,sub_type,parent,scope,founded_on,village
T,Đảng bộ tỉnh Mẫu,Tỉnh Mẫu,province,,,,,,
07201,Đảng bộ xã Mẫu Một,Mẫu Một,grassroots_committee,commune,,T,07201,,
07201-C001,Chi bộ thôn Mẫu,Thôn Mẫu,cell,,residential,07201,07201,,
07204,Đảng bộ xã Mẫu Hai,Mẫu Hai,grassroots_committee,commune,,T,07204,,
07204-C001,Chi bộ thôn Hai,Thôn Hai,cell,,residential,07204,07204,,
";
/// The office of the kept machine.
pub const SCOPE: &str = "07201";

/// Where a release is kept.
#[must_use]
pub fn kept(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(release)
}

fn schema(side: &str) -> Schema {
    if side == "node" { dongbo_node::replica::SCHEMA } else { dongbo_server::store::sqlite::SCHEMA }
}

fn file(side: &str) -> &'static str {
    if side == "node" { "replica.db" } else { "dongbo.db" }
}

/// Makes a small province with this build and keeps it: two offices, a machine that is in step, has
/// a conflict and a request behind it, and one act that it has not sent.
///
/// # Errors
/// It is kept already; or what the programs say.
pub fn keep(release: &str) -> Result<(), Trouble> {
    let to = kept(release);
    if to.exists() {
        return Err(Trouble(format!("{release} is kept already and is never written over")));
    }
    let dir = tempfile::tempdir()?;
    let units = dir.path().join("units.csv");
    fs::write(&units, UNITS)?;
    let mut server = Server::at(&dir.path().join("server"));
    let units = units.to_string_lossy().into_owned();
    server.run(&["init", "--province", "Tỉnh Mẫu", "--units", &units])?.ok()?;
    server.start()?;
    let join = |name: &str| {
        let node = Node::new(name, &[SCOPE], &dir.path().join(name), Link::to(server.address())?);
        node.join(&server.invite(name, &[SCOPE])?)?.ok()?;
        Ok::<_, Trouble>(node)
    };
    live(&server, &join("node")?, &join("other")?)?;
    server.stop()?;
    for side in SIDES {
        let (from, to) = (dir.path().join(side), to.join(side));
        tamper::through_the_key(&from, |_| Ok(()))?;
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.contains(".db") && name != "lock" {
                fs::copy(from.join(&name), to.join(&name))?;
            }
        }
        tamper::through_the_key(&from, |db| {
            let text = text_of(db)?;
            fs::write(to.with_extension("sql"), text).map_err(|_| rusqlite::Error::InvalidQuery)
        })?;
    }
    Ok(())
}

/// What happened before the release was kept.
fn live(server: &Server, node: &Node, other: &Node) -> Result<(), Trouble> {
    let cell = node.sql("SELECT id FROM unit WHERE code = '07201-C001'")?;
    let cell = cell[0]["id"].as_str().unwrap_or_default().to_owned();
    let person = |name| [("full_name", name), ("sex", "F"), ("birth_date", "1970-05-19")];
    let mut ids = Vec::new();
    for name in ["Ngô Thị Mẫu", "Lê Thị Thử"] {
        ids.push(node.add(&[&person(name)[..], &[("unit_id", cell.as_str())]].concat())?);
    }
    node.sync()?;
    other.sync()?;
    node.edit(&ids[0], "phone", "0000111111")?;
    other.edit(&ids[0], "phone", "0000222222")?;
    node.edit(&ids[1], "full_name", "Lê Thị Thử Hai")?;
    for one in [node, other, node] {
        one.sync()?;
    }
    let held = server.held()?;
    server.approve(held.first().ok_or_else(|| Trouble("nothing is held".into()))?, "01-QĐ")?;
    node.sync()?;
    node.edit(&ids[1], "email", "thu@example.vn")?;
    Ok(())
}

/// Puts a kept release back as two directories, `server` and `node`, that programs can open.
///
/// # Errors
/// What the file system or SQLite says.
pub fn put_back(release: &str, to: &Path) -> Result<(), Trouble> {
    for side in SIDES {
        let (from, to) = (kept(release).join(side), to.join(side));
        tamper::copy_dir(&from, &to)?;
        for entry in fs::read_dir(&to)? {
            private(&entry?.path())?;
        }
        let sql = fs::read_to_string(from.with_extension("sql"))?;
        let trouble = |e: &dyn std::fmt::Display| Trouble(format!("{release} {side}: {e}"));
        let key = KeyFile::open(&to.join("key"), None).map_err(|e| trouble(&e))?;
        let path = to.join(file(side));
        let db = dongbo_sqlite::open(&path, &key, &schema(side), Knobs::NODE, Access::Create);
        let db = db.map_err(|e| trouble(&e))?;
        db.execute_batch(&format!("BEGIN;\n{sql}COMMIT;")).map_err(|e| trouble(&e))?;
    }
    Ok(())
}

/// Version control does not keep the rights of files.
#[cfg(unix)]
fn private(path: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<(), Trouble> {
    Ok(())
}

/// A database as SQL: tables, rows with their places, then indexes.
fn text_of(db: &Connection) -> rusqlite::Result<String> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut text = format!("PRAGMA user_version = {version};\n");
    let mut objects = db.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index', rowid",
    )?;
    let mut rows = objects.query([])?;
    while let Some(row) = rows.next()? {
        let (what, name): (String, String) = (row.get(0)?, row.get(1)?);
        let sql: String = row.get(2)?;
        text += &format!("{sql};\n");
        if what == "table" {
            text += &rows_of(db, &name, sql.contains("WITHOUT ROWID"))?;
        }
    }
    Ok(text)
}

fn rows_of(db: &Connection, table: &str, without_rowid: bool) -> rusqlite::Result<String> {
    let mut info = db.prepare("SELECT name, type, pk FROM pragma_table_info(?)")?;
    let columns = info.query_map([table], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let columns = columns.collect::<rusqlite::Result<Vec<_>>>()?;
    let has_own = columns.iter().any(|(_, ty, pk)| ty == "INTEGER" && *pk == 1);
    let mut names: Vec<String> = columns.iter().map(|c| format!("\"{}\"", c.0)).collect();
    if !without_rowid && !has_own {
        names.insert(0, "rowid".into());
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("quote({name})")).collect();
    let sql = format!("SELECT {} FROM \"{table}\"", quoted.join(" || ', ' || "));
    let mut all = db.prepare(&sql)?;
    let mut rows = all.query([])?;
    let mut text = String::new();
    while let Some(row) = rows.next()? {
        let values: String = row.get(0)?;
        text += &format!("INSERT INTO \"{table}\" ({}) VALUES ({values});\n", names.join(", "));
    }
    Ok(text)
}
