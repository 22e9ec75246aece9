//! A machine is stolen. It is revoked while it is connected: what it wrote is kept, and it is told nothing more.

use std::time::{Duration, Instant};

use super::cast::STOLEN;
use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;

/// How long the machine may stay connected.
const CUT_MAX: Duration = Duration::from_secs(10);

/// The machine is revoked.
pub(super) fn revoke(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    play.stage.chapter("chapter-revoke");
    ledger.note(Check::Revoked, deliver_only(play));
    play.revoked = Some(STOLEN);
    Ok(())
}

fn deliver_only(play: &Play<'_>) -> Result<String, Trouble> {
    let (node, server) = (&play.cast[STOLEN], &play.world.server);
    let member = play.world.province.members_of(&node.scopes[0]).next();
    let member =
        member.ok_or_else(|| Trouble("an office of nobody".into()))?.id.hyphenated().to_string();
    let watching = node.watch()?;
    std::thread::sleep(Duration::from_secs(1));
    let began = Instant::now();
    server.revoke(&node.name)?;
    let code = watching.end(CUT_MAX)?;
    let took = format!("{:.1}", began.elapsed().as_secs_f32());
    play.stage.say("revoke-cut", &[("office", &play.office(node)), ("s", &took), ("code", &code)]);
    let before = node.value(&member, "phone")?;
    server.run(&["record", "edit", &member, "--set", "phone=0000777888"])?.ok()?;
    node.edit(&member, "email", "trom@example.vn")?;
    node.run(&["sync"])?;
    let (phone, email) = (node.value(&member, "phone")?, server.value(&member, "email")?);
    ensure(phone == before, || "a revoked machine is told what changes".into())?;
    ensure(email != "trom@example.vn", || "a revoked machine still writes".into())?;
    let waits = server.held()?.len();
    ensure(waits == 1, || format!("{waits} acts wait, not one"))?;
    play.stage.good("revoke-held", &[]);
    Ok(play.stage.words.with("found-revoked", &[("s", &took)]))
}
