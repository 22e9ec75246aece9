//! Work without a link, and the exchange that follows.

use std::thread;

use dongbo_tests::harness::{Node, says};

use crate::{AGAIN, Story, empty_province, ensure, ensure_eq, first_scope, members, office};

#[test]
fn an_edit_made_offline_arrives_at_the_next_exchange() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    lan.link.pull();
    lan.edit(member, "phone", "0000123456")?;
    let added = lan.add(&[("full_name", "Lê Thị Mới"), ("sex", "F"), ("birth_date", "1999-05")])?;
    ensure_eq(lan.value(member, "phone")?, "0000123456")?;
    ensure_eq(lan.equation()?.unsent, 2)?;
    let sync = lan.run(&["sync"])?;
    ensure_eq(sync.code, 4)?;
    ensure_eq(lan.equation()?.unsent, 2)?;
    lan.link.mend();
    lan.sync()?;
    minh.sync()?;
    for shown in [world.server.value(member, "phone")?, minh.value(member, "phone")?] {
        ensure_eq(shown, "0000123456")?;
    }
    ensure_eq(minh.value(&added, "full_name")?, "Lê Thị Mới")?;
    let equation = lan.equation()?;
    ensure(equation.adds_up() && equation.merged == 2, || format!("{equation:?}"))?;
    world.in_step(&lan)?;
    world.in_step(&minh)
}

/// Story 20: an exchange with nothing new moves nothing.
#[test]
fn a_second_exchange_moves_nothing() -> Story {
    let (world, [lan, minh]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    lan.edit(member, "phone", "0000123456")?;
    for node in [&lan, &minh, &lan, &minh] {
        node.sync()?;
    }
    for node in [&lan, &minh] {
        let moved = says::moved(&node.sync()?)?;
        ensure_eq((moved.acts_sent, moved.records_received), (0, 0))?;
        ensure(moved.bytes_up + moved.bytes_down <= 500, || format!("{moved:?}"))?;
    }
    Ok(())
}

/// Counterexample 22: what merged as written is not sent back.
#[test]
fn what_merged_as_written_is_not_sent_back() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    lan.edit(member, "phone", "0000123456")?;
    let moved = says::moved(&lan.sync()?)?;
    ensure_eq((moved.acts_sent, moved.records_received), (1, 0))?;
    world.in_step(&lan)
}

/// Machines of the office that stay.
const BUSY: usize = 4;
/// Acts of each of them.
const ACTS: usize = 250;

/// Saves so many acts, exchanging now and then.
fn work(node: &Node, members: &[String]) -> Story {
    for (number, member) in (0..ACTS).zip(members.iter().cycle()) {
        node.edit(member, "occupation_text", &format!("việc {} {number}", node.name))?;
        if number % 50 == 49 {
            node.exchange(AGAIN)?;
        }
    }
    node.exchange(AGAIN).map(drop)
}

/// Story 20: a long absence costs what changed, in one exchange.
#[test]
fn a_node_that_was_away_through_1000_acts_hears_them_in_one_exchange() -> Story {
    let world = empty_province()?;
    let scope = first_scope(&world);
    world.server.import(&[&world.file_of(&scope)])?;
    let away = world.node("away", &[&scope])?;
    let own = members(&world, &scope);
    away.link.pull();
    away.edit(&own[0], "email", "away@example.vn")?;
    let busy: Vec<Node> = ["a", "b", "c", "d"][..BUSY]
        .iter()
        .map(|name| world.node(name, &[&scope]))
        .collect::<Result<_, _>>()?;
    let done: Vec<Story> = thread::scope(|scope| {
        let own = &own;
        // Each has members of its own, so that nothing conflicts and each act counts.
        let share = own.len() / BUSY;
        let one = |(at, node)| scope.spawn(move || work(node, &own[at * share..(at + 1) * share]));
        let all: Vec<_> = busy.iter().enumerate().map(one).collect();
        all.into_iter().filter_map(|t| t.join().ok()).collect()
    });
    ensure_eq(done.len(), BUSY)?;
    done.into_iter().collect::<Story>()?;
    let before = world.server.ask(&["digest"])?;
    let acts = says::digests(&before)?[&scope].revision;
    ensure(acts >= 1_000, || format!("{acts} acts"))?;
    away.link.mend();
    let moved = says::moved(&away.sync()?)?;
    ensure_eq(moved.acts_sent, 1)?;
    // States come down, not history: a record once, however often it was written.
    let records = own.len() as u64;
    ensure(moved.records_received <= records, || format!("{moved:?} of {records} records"))?;
    world.in_step(&away)?;
    ensure_eq(world.server.value(&own[0], "email")?, "away@example.vn")?;
    away.verified()
}
