//! The province is made, machines join it, and the lists of members come in.

use std::path::PathBuf;

use super::{Play, Size, Stage, Trouble, World, cast, ensure};
use crate::demo::play::AGAIN;

/// Machines that have no link yet on the day when they load their lists.
const WITHOUT_LINK: usize = 3;

/// Makes the province.
pub(in crate::demo) fn open(stage: &Stage, seed: u64, size: Size) -> Result<Play<'_>, Trouble> {
    stage.chapter("chapter-province");
    let world = stage.wait("wait-province", || World::start(seed, size, true))?;
    let (members, units) = (world.province.members.len(), world.province.units.len());
    let scopes = world.province.scopes().count();
    stage.say("province-made", &[("members", &members), ("units", &units), ("scopes", &scopes)]);
    stage.say("province-serves", &[("address", &world.server.address())]);
    let cast = cast::machines(&world)?;
    let office = &cast[cast::FIRST].scopes[0];
    let rival = world.province.members_of(office).find(|m| m.phone.is_some());
    let rival = rival.ok_or_else(|| Trouble("nobody has a telephone".into()))?;
    let rival = rival.id.hyphenated().to_string();
    let rival_values = ["0000111222".to_owned(), "0000333444".to_owned()];
    Ok(Play { stage, world, cast, rival, rival_values, revoked: None })
}

/// Machines join, and everybody loads.
pub(super) fn load(play: &mut Play<'_>) -> Result<(), Trouble> {
    let stage = play.stage;
    stage.chapter("chapter-load");
    join(play)?;
    play.cast.iter().rev().take(WITHOUT_LINK).for_each(|node| node.link.pull());
    let world = &play.world;
    let brought = play.each("wait-import", |node| match node.name.ends_with("-2") {
        true => Ok(0),
        false => node.import(&world.file_of(&node.scopes[0])).map(|(_, records)| records),
    })?;
    let records: u64 = brought.iter().sum();
    let offices = play.cast.len() - 1;
    stage.say(
        "load-offices",
        &[("offices", &offices), ("records", &records), ("away", &WITHOUT_LINK)],
    );
    let files = rest(play);
    let files: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    let brought = stage.wait("wait-province-import", || world.server.import(&files))?;
    stage.say("load-rest", &[("files", &files.len()), ("records", &brought)]);
    play.cast.iter().for_each(|node| node.link.mend());
    let moved = play.exchange()?;
    stage.say("load-sent", &[("acts", &moved.acts_sent)]);
    play.exchange()?;
    everybody_is_there(play)?;
    play.draw()
}

fn join(play: &Play<'_>) -> Result<(), Trouble> {
    let server = &play.world.server;
    play.each("wait-join", |node| {
        let code = server.invite(&node.name, &[&node.scopes[0]])?;
        node.join(&code)?.ok()?;
        node.exchange(AGAIN)
    })?;
    play.stage.say("load-joined", &[("n", &play.cast.len())]);
    Ok(())
}

/// The files of offices that have no machine in the story.
fn rest(play: &Play<'_>) -> Vec<PathBuf> {
    let has_machine = |code: &String| play.cast.iter().any(|n| n.scopes.contains(code));
    let scopes = play.world.province.scopes().map(|u| &u.code);
    scopes.filter(|code| !has_machine(code)).map(|code| play.world.file_of(code)).collect()
}

fn everybody_is_there(play: &Play<'_>) -> Result<(), Trouble> {
    let world = &play.world;
    for node in &play.cast {
        let (here, listed) =
            (node.count_members()?, world.province.members_of(&node.scopes[0]).len() as u64);
        ensure(here == listed, || format!("{}: {here} members of {listed}", node.name))?;
    }
    let here = world.server.count_members()?;
    let listed = world.province.members.len() as u64;
    ensure(here == listed, || format!("the province: {here} members of {listed}"))
}
