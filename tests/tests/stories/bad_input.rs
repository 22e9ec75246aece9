//! What people and machines get wrong: each gets a sentence that says what happened, and nothing is lost.

use std::fs;
use std::time::Duration;

use dongbo_sqlite::DirLock;
use dongbo_tests::harness::{Server, strangers, tamper};

use crate::{AGAIN, Story, empty_province, ensure, ensure_eq, members, office, refused};

/// Fault 15: the second program is told who has the directory. [I1]
#[test]
fn a_directory_in_use_names_who_uses_it() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let held = DirLock::acquire(lan.dir(), "thử nghiệm", Duration::ZERO);
    let held = held.map_err(|e| dongbo_tests::harness::Trouble(e.to_string()))?;
    let pid = std::process::id().to_string();
    refused(lan.try_edit(member, &[("phone", "0000123456")], &[])?, 7, &[&pid, "thử nghiệm"])?;
    drop(held);
    lan.edit(member, "phone", "0000123456")?;
    let serving = world.server.pid().unwrap_or_default().to_string();
    refused(world.server.run(&["serve", "--listen", "127.0.0.1:0"])?, 7, &[&serving])?;
    lan.sync()?;
    world.in_step(&lan)
}

/// Story 18: no refusal ends in a deleted or changed file.
#[test]
fn a_database_of_a_newer_version_is_left_alone() -> Story {
    let (mut world, [lan, _]) = office()?;
    world.server.kill();
    for dir in [lan.dir(), world.server.dir()] {
        tamper::through_the_key(dir, |db| db.pragma_update(None, "user_version", 9_999))?;
    }
    let before =
        [fs::read(tamper::database(lan.dir())?)?, fs::read(tamper::database(world.server.dir())?)?];
    refused(lan.run(&["status"])?, 6, &[])?;
    refused(lan.run(&["sync"])?, 6, &[])?;
    refused(world.server.run(&["status"])?, 6, &[])?;
    refused(world.server.run(&["serve", "--listen", "127.0.0.1:0"])?, 6, &[])?;
    let after =
        [fs::read(tamper::database(lan.dir())?)?, fs::read(tamper::database(world.server.dir())?)?];
    ensure(before == after, || "a newer database was written to".into())
}

#[test]
fn a_wrong_row_of_a_table_is_named_and_no_province_is_left() -> Story {
    let world = empty_province()?;
    let tables = world.dir().join("bad-tables");
    fs::create_dir(&tables)?;
    fs::copy(world.dir().join("province/villages.csv"), tables.join("villages.csv"))?;
    let good = fs::read_to_string(world.dir().join("province/units.csv"))?;
    for (column, broken) in
        [("level", "kingdom"), ("parent", "NO-SUCH-UNIT"), ("founded_on", "1990-02-31")]
    {
        let dir = world.dir().join(format!("bad-{column}"));
        fs::write(tables.join("units.csv"), break_cell(&good, 5, column, broken))?;
        let units = tables.join("units.csv").to_string_lossy().into_owned();
        let made = Server::at(&dir).run(&["init", "--province", "X", "--units", &units])?;
        refused(made, 3, &["5", column])?;
        let good_units = world.dir().join("province/units.csv").to_string_lossy().into_owned();
        Server::at(&dir).run(&["init", "--province", "X", "--units", &good_units])?.ok()?;
    }
    Ok(())
}

/// Puts a text into a column of a line (the header is line 1).
fn break_cell(table: &str, line: usize, column: &str, text: &str) -> String {
    let header: Vec<&str> = table.lines().next().unwrap_or_default().split(',').collect();
    let at = header.iter().position(|name| *name == column).unwrap_or_default();
    let broken = |row: &str| {
        let mut cells: Vec<&str> = row.split(',').collect();
        cells[at] = text;
        cells.join(",")
    };
    let lines = (1..).zip(table.lines());
    lines.map(|(n, row)| if n == line { broken(row) } else { row.to_owned() } + "\n").collect()
}

/// A list of five with three wrong rows: what is wrong, and where.
const WRONG_ROWS: [(usize, &str); 3] = [(2, "birth_date"), (3, "full_name"), (4, "sex")];

fn wrong_list(
    world: &dongbo_tests::harness::World,
) -> Result<std::path::PathBuf, dongbo_tests::harness::Trouble> {
    let file = world.dir().join("wrong.jsonl");
    strangers::write(&file, 9, 5)?;
    let text = fs::read_to_string(&file)?;
    let mut rows: Vec<serde_json::Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    rows[1]["birth_date"] = "1970-02-30".into();
    rows[2]["full_name"] = "Dài".repeat(200).into();
    rows[3]["sex"] = "bí mật".into();
    // The unit is what tells the province whose they are.
    let unit = &world.province.members_of(&world.scopes()[0].code).as_slice()[0].unit;
    rows.iter_mut().for_each(|row| row["unit"] = unit.as_str().into());
    let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    fs::write(&file, lines.join("\n"))?;
    Ok(file)
}

#[test]
fn a_wrong_row_of_a_list_is_named_and_none_or_the_good_ones_are_kept() -> Story {
    let (world, [lan, _]) = office()?;
    let before = lan.count_members()?;
    let file = wrong_list(&world)?.to_string_lossy().into_owned();
    let none = lan.run_json(&["import", &file])?;
    ensure_eq(none.code, 3)?;
    let said = none.value()?;
    for (row, column) in WRONG_ROWS {
        let faults = said["faults"].as_array().cloned().unwrap_or_default();
        let named = faults.iter().any(|f| f["row"] == row && f["column"] == column);
        ensure(named, || format!("row {row} {column}: {said}"))?;
    }
    ensure(!none.out.contains("bí mật") && !none.err.contains("bí mật"), || {
        none.out.clone()
    })?;
    ensure_eq(lan.count_members()?, before)?;
    ensure_eq(lan.run(&["import", &file, "--good-rows"])?.code, 3)?;
    ensure_eq(lan.count_members()?, before + 2)?;
    lan.sync()?;
    world.in_step(&lan)
}

#[test]
fn the_province_names_wrong_rows_too() -> Story {
    let (world, _) = office()?;
    let before = world.server.count_members()?;
    let file = wrong_list(&world)?.to_string_lossy().into_owned();
    let none = world.server.run(&["import", &file])?;
    refused(none.clone(), 3, &["birth_date", "full_name", "sex"])?;
    ensure(!none.err.contains("bí mật"), || none.err.clone())?;
    ensure_eq(world.server.count_members()?, before)?;
    world.server.run(&["import", &file, "--keep-good"])?;
    ensure_eq(world.server.count_members()?, before + 2)?;
    world.server.verified()
}

#[test]
fn a_file_that_is_no_list_is_named() -> Story {
    let (world, [lan, _]) = office()?;
    let file = world.dir().join("table.xlsx");
    fs::write(&file, [0x50, 0x4b, 3, 4, 0xff, 0xfe, 0, 10, 13, 10])?;
    let path = file.to_string_lossy().into_owned();
    ensure_eq(lan.run(&["import", &path])?.code, 3)?;
    ensure_eq(world.server.run(&["import", &path])?.code, 3)?;
    refused(lan.run(&["import", "/no/such/file.jsonl"])?, 9, &[])?;
    refused(world.server.run(&["import", "/no/such/file.jsonl"])?, 9, &[])
}

#[test]
fn an_impossible_value_is_refused_with_its_field_and_never_echoed() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    let long = "x".repeat(5_000);
    for (field, value) in [
        ("birth_date", "1970-02-30"),
        ("birth_date", "2990-01-01"),
        ("national_id", "12345"),
        ("sex", "bí-mật"),
        ("phone", &long),
        ("employer_name", "a\u{202e}b"),
    ] {
        let ran = lan.try_edit(member, &[(field, value)], &[])?;
        refused(ran.clone(), 3, &[field])?;
        ensure(!ran.err.contains(value), || format!("{field}: the value is echoed"))?;
    }
    refused(lan.try_edit(member, &[("phone_number", "1")], &[])?, 2, &["phone"])?;
    refused(lan.try_edit("0190aaaa-0000-7000-8000-000000000000", &[("phone", "1")], &[])?, 9, &[])?;
    ensure_eq(lan.equation()?.entered, 0)
}

#[test]
fn a_port_that_is_taken_and_a_server_that_is_away_are_said() -> Story {
    let (mut world, [lan, _]) = office()?;
    let copy = world.dir().join("copy");
    tamper::copy_dir(world.server.dir(), &copy)?;
    let taken = world.server.address().to_string();
    refused(Server::at(&copy).run(&["serve", "--listen", &taken])?, 4, &[&taken])?;
    world.server.kill();
    refused(lan.run(&["sync"])?, 4, &[])?;
    world.server.start()?;
    lan.exchange(AGAIN)?;
    world.in_step(&lan)
}
