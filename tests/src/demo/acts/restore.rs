//! The province's disk dies. An old backup is restored, and the communes bring back what it does not have.

use super::{Ledger, Play, Trouble, ensure};
use crate::demo::ledger::Check;

/// The name of the backup.
const BACKUP: &str = "province.backup";

/// A backup is made while the server runs.
pub(super) fn back_up(play: &mut Play<'_>) -> Result<(), Trouble> {
    let file = play.world.dir().join(BACKUP);
    play.world.server.run(&["backup", &file.to_string_lossy()])?.ok()?;
    play.stage.aside("restore-backup", &[]);
    Ok(())
}

/// The disk dies.
pub(super) fn restore(play: &mut Play<'_>, ledger: &mut Ledger) -> Result<(), Trouble> {
    play.stage.chapter("chapter-restore");
    let before = play.world.server.count_members()?;
    play.world.server.kill();
    lose_disk(play)?;
    let file = play.world.dir().join(BACKUP);
    play.world.server.run(&["restore", &file.to_string_lossy()])?.ok()?;
    play.world.server.start()?;
    let after = play.world.server.count_members()?;
    play.stage.say("restore-old", &[("lost", &before.saturating_sub(after)), ("n", &after)]);
    ledger.note(Check::Restored, brought_back(play, before));
    Ok(())
}

/// What a dead disk takes with it; keys and authority lie elsewhere, as the manual says.
fn lose_disk(play: &Play<'_>) -> Result<(), Trouble> {
    for name in ["dongbo.db", "dongbo.db-wal", "dongbo.db-shm"] {
        let file = play.world.server.dir().join(name);
        if file.exists() {
            std::fs::remove_file(file)?;
        }
    }
    Ok(())
}

fn brought_back(play: &Play<'_>, before: u64) -> Result<String, Trouble> {
    let moved = play.exchange()?;
    play.exchange()?;
    let now = play.world.server.count_members()?;
    ensure(now == before, || format!("{now} members at the province, not {before}"))?;
    for node in play.welcome() {
        play.world.in_step(node)?;
    }
    play.stage.good("restore-brought", &[("acts", &moved.acts_sent)]);
    Ok(play.stage.words.with("found-restored", &[("acts", &moved.acts_sent)]))
}
