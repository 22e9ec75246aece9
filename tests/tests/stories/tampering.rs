//! Hands on the files: through the key, and as raw bytes. `verify` says what was done.

use dongbo_sqlite::rusqlite::Connection;
use dongbo_tests::harness::{Node, Server, Trouble, World, strangers, tamper};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Story, ensure, ensure_eq, members, office, seed};

/// Places in the file at which a byte is changed.
const BYTES: usize = 12;

/// A province and a machine with something in their journals, and copies of both to lay hands on.
fn busy() -> Result<(World, Node), Trouble> {
    let (world, [lan, _]) = office()?;
    for (at, member) in members(&world, &lan.scopes[0]).iter().take(5).enumerate() {
        lan.edit(member, "phone", &format!("00001234{at:02}"))?;
    }
    let list = world.dir().join("list.jsonl");
    strangers::write(&list, 4, 60)?;
    lan.import(&list)?;
    lan.sync()?;
    lan.edit(&members(&world, &lan.scopes[0])[0], "email", "unsent@example.vn")?;
    lan.verified()?;
    world.server.verified()?;
    Ok((world, lan))
}

/// Flips one bit in the middle of a blob.
fn flip(db: &Connection, select: &str, update: &str) -> rusqlite::Result<()> {
    let (id, mut blob): (i64, Vec<u8>) =
        db.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let middle = blob.len() / 2;
    blob[middle] ^= 1;
    db.execute(update, (blob, id)).map(drop)
}

#[test]
fn a_journal_row_changed_through_the_key_is_found_at_a_commune() -> Story {
    let (world, lan) = busy()?;
    for position in [1, 5, 6, 7] {
        let copy = world.dir().join(format!("copy-{position}"));
        tamper::copy_dir(lan.dir(), &copy)?;
        tamper::through_the_key(&copy, |db| {
            let select =
                format!("SELECT last, acts FROM journal WHERE last >= {position} ORDER BY 1");
            flip(db, &select, "UPDATE journal SET acts = ?1 WHERE last = ?2")
        })?;
        let found = Node::new("copy", &[], &copy, lan.link.clone()).run(&["verify"])?;
        ensure(found.code == 10, || found.trouble(&format!("position {position} not found")).0)?;
    }
    lan.verified()
}

#[test]
fn a_value_changed_through_the_key_is_found_at_a_commune() -> Story {
    let (world, lan) = busy()?;
    let copy = world.dir().join("copy");
    tamper::copy_dir(lan.dir(), &copy)?;
    tamper::through_the_key(&copy, |db| {
        db.execute("UPDATE member SET phone = '0000999999' WHERE phone = '0000123401'", [])
            .map(drop)
    })?;
    let found = Node::new("copy", &[], &copy, lan.link.clone()).run(&["verify"])?;
    ensure(found.code == 10, || found.trouble("not found").0)
}

/// Counterexample 40: a row changed by someone who has the key is found by the chain.
#[test]
fn a_journal_row_changed_through_the_key_is_found_at_the_province() -> Story {
    let (world, lan) = busy()?;
    let frames = world.server.sql("SELECT id FROM frame ORDER BY id")?.len();
    ensure(frames >= 2, || format!("{frames} frames"))?;
    for (name, order) in [("first", "ASC"), ("last", "DESC")] {
        let copy = world.dir().join(format!("copy-{name}"));
        tamper::copy_dir(world.server.dir(), &copy)?;
        tamper::through_the_key(&copy, |db| {
            let select = format!("SELECT id, bytes FROM frame ORDER BY id {order} LIMIT 1");
            flip(db, &select, "UPDATE frame SET bytes = ?1 WHERE id = ?2")
        })?;
        let found = Server::at(&copy).run(&["verify"])?;
        ensure(found.code == 10, || found.trouble(&format!("{name} frame not found")).0)?;
    }
    world.server.verified()?;
    lan.sync().map(drop)
}

/// Counterexample 21: a digest is held against the rows, not against itself.
#[test]
fn a_value_changed_through_the_key_is_found_at_the_province() -> Story {
    let (world, _lan) = busy()?;
    let copy = world.dir().join("copy");
    tamper::copy_dir(world.server.dir(), &copy)?;
    tamper::through_the_key(&copy, |db| {
        db.execute("UPDATE member SET phone = '0000999999' WHERE phone = '0000123401'", [])
            .map(drop)
    })?;
    let found = Server::at(&copy).run(&["verify"])?;
    ensure(found.code == 10, || found.trouble("not found").0)
}

/// Fault 7: verify finds a changed byte wherever it is. [I10 I17]
/// Counterexample 40: a raw byte is found by its page's code.
#[test]
fn a_raw_byte_anywhere_in_the_file_is_found_on_both_sides() -> Story {
    let mut draw = ChaCha8Rng::seed_from_u64(seed());
    let (mut world, lan) = busy()?;
    ensure_eq(world.server.stop()?, 0)?;
    // A page that is whole in the WAL is written from there before anyone reads it: that is no damage.
    for dir in [lan.dir(), world.server.dir()] {
        tamper::through_the_key(dir, |_| Ok(()))?;
    }
    for number in 0..BYTES {
        for (side, dir) in [("node", lan.dir()), ("server", world.server.dir())] {
            let copy = world.dir().join(format!("raw-{side}-{number}"));
            tamper::copy_dir(dir, &copy)?;
            let length = std::fs::metadata(tamper::database(&copy)?)?.len();
            // The first 16 bytes are the salt, which the key file holds as well.
            let at = draw.random_range(16..length);
            tamper::byte_at(&copy, at)?;
            let found = match side {
                "node" => Node::new("raw", &[], &copy, lan.link.clone()).run(&["verify"])?,
                _ => Server::at(&copy).run(&["verify"])?,
            };
            let named =
                [6, 10].contains(&found.code) && !found.err.is_empty() | !found.out.is_empty();
            ensure(named, || found.trouble(&format!("{side}: byte {at} of {length} not found")).0)?;
        }
    }
    Ok(())
}
