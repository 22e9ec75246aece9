//! A disk that is full: on a small file system where the machine lets us mount one, else with a limit on the size of
//! files, which is said.

use std::process::Command;

use dongbo_tests::harness::{Node, Ran, SmallDisk, Trouble, strangers};

use crate::{AGAIN, Story, empty_province, ensure, ensure_eq, first_scope, members, refused};

/// Room for a joined machine and its office, in kilobytes, and not for the lists that follow.
const NODE_KB: u64 = 6 * 1024;
/// Largest file of a machine where only files can be limited, in blocks of 512 bytes.
const NODE_FILE_BLOCKS: u64 = 5 * 1024;
/// People on each list.
const STRANGERS: u32 = 400;

/// Imports lists until one is refused; how many people were said to be saved.
fn fill(
    node: &Node,
    lists: &std::path::Path,
    run: impl Fn(&str) -> Result<Ran, Trouble>,
) -> Result<u64, Trouble> {
    for list in 0..200 {
        let file = lists.join(format!("{list}.jsonl"));
        strangers::write(&file, list + 100, STRANGERS)?;
        let ran = run(&file.to_string_lossy())?;
        if ran.code != 0 {
            refused(ran, 6, &[])?;
            return Ok(u64::from(list * STRANGERS));
        }
    }
    Err(Trouble(format!("the disk of {} is never full", node.name)))
}

/// Fault 5: it is said, everything saved can be read, and work goes on when there is room. [I2 I16]
#[test]
fn a_full_disk_at_a_commune_loses_nothing_that_was_saved() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    world.server.import(&[&world.file_of(&scope)])?;
    let node = world.machine("small", &[&scope])?;
    std::fs::create_dir(node.dir())?;
    let disk = SmallDisk::mount(node.dir(), NODE_KB);
    node.join(&world.server.invite("small", &[&scope])?)?.ok()?;
    node.sync()?;
    let before = node.count_members()?;
    let saved = fill(&node, world.dir(), |file| match &disk {
        Ok(_) => node.run(&["import", file]),
        Err(why) => {
            eprintln!("NO SMALL DISK ({why}): the size of files is limited instead");
            Ran::of(&mut limited(&node.command(&["import", file])))
        }
    })?;
    eprintln!("{saved} people were saved before the disk was full");
    // What was said to be saved is there, and can be read although nothing can be written.
    if let Ok(disk) = &disk {
        disk.grow(NODE_KB * 20)?;
    }
    ensure_eq(node.count_members()?, before + saved)?;
    node.verified()?;
    node.edit(&members(&world, &scope)[0], "phone", "0000123456")?;
    node.exchange(AGAIN)?;
    ensure_eq(world.server.count_members()?, before + saved)?;
    world.in_step(&node)
}

/// The same command with a limit on the size of files, and without the signal that would kill it.
fn limited(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {NODE_FILE_BLOCKS}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    command.get_envs().for_each(|(name, value)| match value {
        Some(value) => drop(shell.env(name, value)),
        None => drop(shell.env_remove(name)),
    });
    shell
}

/// Fault 5: acts stay at the commune until the province has room. [I2 I15]
#[test]
fn a_full_disk_at_the_province_is_said_and_keeps_every_act_at_the_commune() -> Story {
    let mut world = empty_province()?;
    let scope = first_scope(&world);
    world.server.import(&[&world.file_of(&scope)])?;
    let node = world.node("lan", &[&scope])?;
    ensure_eq(world.server.stop()?, 0)?;
    let disk = match SmallDisk::under(world.server.dir(), 1_024) {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("NOT TOLD: no small disk can be mounted for the province ({why})");
            return Ok(());
        }
    };
    world.server.start()?;
    let before = world.server.count_members()?;
    let mut imported = 0;
    let refused_at = loop {
        let list = world.dir().join(format!("{imported}.jsonl"));
        strangers::write(&list, imported + 300, STRANGERS)?;
        node.import(&list)?;
        imported += 1;
        let ran = node.run(&["sync"])?;
        // The last of the room may go with what follows the acts: then all of them have arrived.
        if ran.code != 0 && node.equation()?.unsent > 0 {
            break ran;
        }
        ensure(imported < 100, || "the disk of the province is never full".into())?;
    };
    ensure(refused_at.err.len() + refused_at.out.len() > 20, || {
        refused_at.trouble("no sentence").0
    })?;
    let equation = node.equation()?;
    ensure(equation.adds_up() && equation.unsent > 0, || format!("{equation:?}"))?;
    disk.grow(200 * 1_024)?;
    node.exchange(AGAIN)?;
    let wanted = before + u64::from(imported * STRANGERS);
    ensure_eq(world.server.count_members()?, wanted)?;
    ensure_eq(node.equation()?.unsent, 0)?;
    world.in_step(&node)?;
    world.server.kill();
    world.server.verified()
}
