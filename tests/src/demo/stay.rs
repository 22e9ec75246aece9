//! After the story: the province stays up, and these are the commands to try on it.

use std::io::BufRead;

use super::cast::{FIRST, SECOND};
use super::play::Play;
use crate::harness::binaries;

/// Prints the commands and waits for Enter; then everything ends and the directory goes away.
pub(super) fn stay(play: Play<'_>) {
    let stage = play.stage;
    stage.chapter("chapter-stay");
    stage.say("stay-up", &[("address", &play.world.server.address())]);
    if let Ok(found) = binaries() {
        let (node, server) = (found.node.display(), found.server.display());
        let first = play.cast[FIRST].dir().display();
        let second = play.cast[SECOND].dir().display();
        let province = play.world.server.dir().display();
        let rival = &play.rival;
        stage.plain("");
        for line in [
            format!("{node} status --data {first}"),
            format!("{node} member search nguyen --data {first}"),
            format!("{node} member show {rival} --data {first}"),
            format!("{node} member edit {rival} --set phone=0000123456 --data {first}"),
            format!("{node} sync --watch --data {second}"),
            format!("{node} member history {rival} --data {second}"),
            format!("{server} status --data {province}"),
            format!("{server} conflicts --data {province}"),
            format!("{server} history {rival} --data {province}"),
            format!("{server} verify --data {province}"),
        ] {
            stage.plain(&format!("    {line}"));
        }
        stage.plain("");
    }
    stage.say("stay-enter", &[]);
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}
