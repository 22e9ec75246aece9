//! A small picture of the province: each machine with its wire, what it has not sent, and whether it is in step.

use console::{Alignment, Style, pad_str};

use super::play::Play;
use crate::harness::says::Equation;
use crate::harness::{Node, Trouble, World};

/// Columns for an office's name.
const NAME_COLUMNS: usize = 30;

/// How a machine stands.
pub(super) struct Stand {
    members: u64,
    equation: Equation,
    conflicts: usize,
    in_step: bool,
}

/// Asks a machine how it stands.
pub(super) fn stand(world: &World, node: &Node) -> Result<Stand, Trouble> {
    Ok(Stand {
        members: node.count_members()?,
        equation: node.equation()?,
        conflicts: node.conflicts()?.len(),
        in_step: world.differences(node)?.is_empty(),
    })
}

/// Draws all machines under the province.
pub(super) fn draw(play: &Play<'_>, stands: &[Stand]) {
    let stage = play.stage;
    let head = stage.words.get("picture-province");
    stage.plain("");
    stage.plain(&format!("    ╔═ {head} ═"));
    let nodes = play.welcome();
    for (at, (node, stand)) in nodes.iter().zip(stands).enumerate() {
        let corner = if at + 1 == nodes.len() { "╚" } else { "╠" };
        stage.plain(&row(play, node, stand, corner));
    }
}

fn row(play: &Play<'_>, node: &Node, stand: &Stand, corner: &str) -> String {
    let words = &play.stage.words;
    let (wire, wire_style) = match node.link.is_up() {
        true => ("══●", Style::new().green()),
        false => ("╌╳ ○", Style::new().red()),
    };
    let wire = pad_str(wire, 4, Alignment::Left, None);
    let second =
        if node.name.ends_with("-2") { words.get("picture-second") } else { String::new() };
    let name = format!("{} {second}", play.office(node));
    let name = pad_str(&name, NAME_COLUMNS, Alignment::Left, Some("…"));
    let members = words.with("picture-members", &[("n", &stand.members)]);
    let mut state = vec![match (stand.in_step, stand.equation.unsent) {
        (_, 1..) => words.with("picture-unsent", &[("n", &stand.equation.unsent)]),
        (true, 0) => words.get("picture-in-step"),
        (false, 0) => words.get("picture-behind"),
    }];
    if stand.conflicts > 0 {
        state.push(words.with("picture-conflicts", &[("n", &stand.conflicts)]));
    }
    if stand.equation.held > 0 {
        state.push(words.with("picture-held", &[("n", &stand.equation.held)]));
    }
    let good = stand.in_step && stand.equation.unsent == 0 && stand.conflicts == 0;
    let state_style = if good { Style::new().green() } else { Style::new().yellow() };
    let state = state_style.apply_to(state.join(" · "));
    format!("    {corner}{} {name} {members:>16}  {state}", wire_style.apply_to(wire))
}
