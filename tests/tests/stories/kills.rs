//! `kill -9` at random moments. What was said to be saved, and what was acknowledged, is never lost.
//!
//! A book is kept of everything that a command said was saved. Afterwards the province must have each value of it in
//! the history of its record, and show the last one of every field that only one machine wrote.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use dongbo_tests::harness::{Node, Trouble, World, says};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{AGAIN, Story, ensure, ensure_eq, members, office, seed};

/// Moments at which a process is killed, in each story.
const MOMENTS: u32 = 24;
/// Members whom the machines write to.
const MEMBERS: usize = 8;
/// The longest wait before a kill, in milliseconds: an exchange over a slow line takes about as long.
const WAIT_MS_MAX: u64 = 450;

/// What was said to be saved: values by member and field, in order, with who wrote them.
#[derive(Default)]
struct Book {
    saved: BTreeMap<(String, String), Vec<String>>,
    number: u32,
}

impl Book {
    /// Edits a field of a member that the draw chooses, and writes it down when it was saved. `lan` and `minh` have a
    /// field each, and share one, where they will disagree.
    fn edit(&mut self, node: &Node, own: &[String], draw: &mut ChaCha8Rng) -> Story {
        let (member, field, value) = self.next(node, own, draw);
        node.try_edit(&member, &[(&field, &value)], &["--settle"])?.ok()?;
        self.saved.entry((member, field)).or_default().push(value);
        Ok(())
    }

    fn next(
        &mut self,
        node: &Node,
        own: &[String],
        draw: &mut ChaCha8Rng,
    ) -> (String, String, String) {
        self.number += 1;
        let member = own[draw.random_range(0..MEMBERS.min(own.len()))].clone();
        let private = if node.name == "lan" { "phone" } else { "email" };
        let field = if draw.random_bool(0.3) { "occupation_text" } else { private };
        (member, field.to_owned(), format!("{}-{}", node.name, self.number))
    }

    /// Holds the province against the book.
    fn holds(&self, world: &World) -> Story {
        let mut histories: BTreeMap<&str, Vec<says::Entry>> = BTreeMap::new();
        for (member, _) in self.saved.keys() {
            histories.insert(member, world.server.history(member)?);
        }
        for ((member, field), values) in &self.saved {
            for value in values {
                let found = histories[member.as_str()]
                    .iter()
                    .any(|e| e.field == *field && e.value == value.as_str());
                ensure(found, || format!("LOST: {member} {field} = {value}"))?;
            }
            if let Some(last) = values.last().filter(|_| field != "occupation_text") {
                ensure_eq(world.server.value(member, field)?, last.as_str())?;
            }
        }
        eprintln!("{} values of {} fields are all there", self.number, self.saved.len());
        Ok(())
    }
}

/// How many acts of a machine the province has, as the province says.
fn position(world: &World, name: &str) -> Result<u64, Trouble> {
    let said = world.server.ask(&["nodes"])?;
    let node = says::list(&said, "nodes")?.iter().find(|n| n["name"] == name).cloned();
    says::number(&node.ok_or_else(|| Trouble(format!("no {name} in {said}")))?, "position")
}

/// How many acts of a machine are acknowledged, as its receipts say.
fn acknowledged(node: &Node) -> Result<u64, Trouble> {
    let equation = node.equation()?;
    ensure(equation.adds_up(), || format!("{}: {equation:?}", node.name))?;
    Ok(equation.merged + equation.held + equation.refused)
}

/// Heals everything: all is delivered, all are in step, all is verified.
fn heal(world: &World, nodes: [&Node; 2]) -> Story {
    nodes.iter().for_each(|node| node.link.mend());
    for node in [nodes[0], nodes[1], nodes[0], nodes[1]] {
        node.exchange(AGAIN)?;
    }
    for node in nodes {
        world.in_step(node)?;
        let equation = node.equation()?;
        ensure(equation.unsent == 0 && equation.adds_up(), || format!("{equation:?}"))?;
        ensure_eq(equation.entered, position(world, &node.name)?)?;
        node.verified()?;
    }
    world.server.verified()
}

fn slow_lines(nodes: [&Node; 2], draw: &mut ChaCha8Rng) {
    for node in nodes {
        node.link.mend();
        node.link.pace(Duration::from_millis(draw.random_range(0..40)));
    }
}

/// Fault 2: killed at any moment, it holds what it acknowledged, once. [I3 I4 I10]
#[test]
fn kill_the_server_at_any_moment_and_no_acknowledged_act_is_lost() -> Story {
    let mut draw = ChaCha8Rng::seed_from_u64(seed());
    let (mut world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let mut book = Book::default();
    let mut cut = 0;
    for moment in 0..MOMENTS {
        for node in [&lan, &minh] {
            for _ in 0..draw.random_range(1..=3) {
                book.edit(node, &own, &mut draw)?;
            }
        }
        slow_lines([&lan, &minh], &mut draw);
        let mut under_way = [lan.begin(&["sync"])?, minh.begin(&["sync"])?];
        let wait = Duration::from_millis(draw.random_range(0..WAIT_MS_MAX));
        sleep(wait);
        world.server.kill();
        cut += under_way.iter_mut().map(|u| usize::from(!u.has_ended())).sum::<usize>();
        let said = [acknowledged(&lan)?, acknowledged(&minh)?];
        // Back at once: the nodes try again by themselves, which is part of the story.
        world.server.start()?;
        let codes = under_way.into_iter().map(|u| u.end(AGAIN)).collect::<Result<Vec<_>, _>>()?;
        for (node, said) in [&lan, &minh].into_iter().zip(said) {
            let there = position(&world, &node.name)?;
            ensure(there >= said, || {
                format!("LOST: {} acts of {}, {said} acknowledged", there, node.name)
            })?;
        }
        eprintln!(
            "moment {moment}: killed after {wait:?}, exit codes {codes:?}, acknowledged {said:?}"
        );
    }
    ensure(cut >= 5, || format!("only {cut} exchanges were under way when the server was killed"))?;
    heal(&world, [&lan, &minh])?;
    book.holds(&world)
}

/// Fault 1: killed at any moment, it goes on from what it had said was saved. [I2 I3 I4 I6]
/// Story 7: a crash in the middle of an exchange leaves nothing stuck.
#[test]
fn kill_a_node_at_any_moment_and_nothing_saved_is_lost() -> Story {
    let mut draw = ChaCha8Rng::seed_from_u64(seed() + 1);
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    let mut book = Book::default();
    let mut killed = 0;
    for moment in 0..MOMENTS {
        for node in [&lan, &minh] {
            for _ in 0..draw.random_range(1..=2) {
                book.edit(node, &own, &mut draw)?;
            }
        }
        slow_lines([&lan, &minh], &mut draw);
        let before = lan.equation()?.entered;
        let what = ["sync", "watch", "edit"][draw.random_range(0..3)];
        let (mut under_way, unsure) = match what {
            "sync" => (lan.begin(&["sync"])?, None),
            "watch" => (lan.watch()?, None),
            _ => {
                let (member, field, value) = book.next(&lan, &own, &mut draw);
                let set = format!("{field}={value}");
                let edit = lan.begin(&["member", "edit", &member, "--set", &set, "--settle"])?;
                (edit, Some((member, field, value)))
            }
        };
        let other = minh.begin(&["sync"])?;
        let longest = if what == "edit" { 60 } else { WAIT_MS_MAX };
        let wait = Duration::from_millis(draw.random_range(0..longest));
        sleep(wait);
        killed += usize::from(!under_way.has_ended());
        under_way.kill();
        other.end(AGAIN)?;
        let entered = lan.equation()?.entered;
        // Saved or not, and never by half; if it was saved, it is in the book from now on.
        match unsure {
            Some((member, field, value)) if entered == before + 1 => {
                ensure_eq(lan.value(&member, &field)?, value.as_str())?;
                book.saved.entry((member, field)).or_default().push(value);
            }
            _ => ensure_eq(entered, before)?,
        }
        lan.verified()?;
        eprintln!("moment {moment}: {what} killed after {wait:?}, {entered} acts entered");
    }
    ensure(killed >= 12, || {
        format!("only {killed} commands were under way when they were killed")
    })?;
    heal(&world, [&lan, &minh])?;
    book.holds(&world)
}

/// Fault 1: a first fill that was killed goes on and ends in step. [I3 I6 I15]
/// Story 13: a first fill survives being cut off.
#[test]
fn kill_a_node_while_it_is_filled_for_the_first_time() -> Story {
    let mut draw = ChaCha8Rng::seed_from_u64(seed() + 2);
    let (world, [lan, _]) = office()?;
    let scope = lan.scopes[0].clone();
    let new = world.machine("new", &[&scope])?;
    let (server, code) = (new.link.address().to_string(), world.server.invite("new", &[&scope])?);
    new.run(&["join", "--server", &server, "--code", &code, "--no-sync"])?.ok()?;
    let mut killed = 0;
    for moment in 0..MOMENTS {
        new.link.mend();
        new.link.pace(Duration::from_millis(draw.random_range(0..60)));
        if draw.random_bool(0.3) {
            new.link.cut_after(draw.random_range(2_000..60_000));
        }
        let mut filling = new.begin(&["sync"])?;
        let wait = Duration::from_millis(draw.random_range(0..WAIT_MS_MAX));
        sleep(wait);
        killed += usize::from(!filling.has_ended());
        filling.kill();
        let here = new.count_members()?;
        ensure(here <= lan.count_members()?, || format!("{here} members"))?;
        new.verified()?;
        eprintln!("moment {moment}: killed after {wait:?} with {here} members");
    }
    eprintln!("{killed} of {MOMENTS} were under way");
    new.link.mend();
    new.exchange(AGAIN)?;
    ensure_eq(new.count_members()?, lan.count_members()?)?;
    world.in_step(&new)?;
    new.verified()
}

/// Fault 2: what was not acknowledged is sent again and merged once. [I3 I4 I15]
#[test]
fn kill_the_server_in_the_middle_of_a_long_upload() -> Story {
    use dongbo_tests::harness::strangers;
    let mut draw = ChaCha8Rng::seed_from_u64(seed() + 3);
    let (mut world, [lan, minh]) = office()?;
    let before = world.server.count_members()?;
    let list = world.dir().join("long.jsonl");
    strangers::write(&list, 8, 3_000)?;
    lan.import(&list)?;
    for moment in 0..6 {
        lan.link.mend();
        lan.link.pace(Duration::from_millis(5));
        let from = lan.link.carried();
        let bytes = draw.random_range(4_000..120_000);
        let mut sending = lan.begin(&["sync"])?;
        while lan.link.carried() < from + bytes && !sending.has_ended() {
            sleep(Duration::from_millis(1));
        }
        world.server.crash()?;
        let code = sending.end(AGAIN)?;
        let (said, there) = (acknowledged(&lan)?, position(&world, "lan")?);
        ensure(there >= said, || format!("LOST: {there} acts, {said} acknowledged"))?;
        eprintln!(
            "moment {moment}: after {bytes} bytes, exit code {code}, {there} acts there, {said} acknowledged"
        );
    }
    heal(&world, [&lan, &minh])?;
    ensure_eq(world.server.count_members()?, before + 3_000)
}
