//! Where a computer thinks it is, and what a person types, must not change what is stored or what others see.

use dongbo_tests::harness::{Node, Ran, Trouble};

use crate::{Story, ensure, ensure_eq, members, office, refused};

/// A command of a machine in another zone and locale.
fn abroad(node: &Node, zone: &str, locale: &str, args: &[&str]) -> Result<Ran, Trouble> {
    Ran::of(node.command(args).env("TZ", zone).env("LC_ALL", locale).arg("--json"))
}

/// Fault 19: a date is a date and a moment is one moment, whatever zone and locale the computer is in. [I1]
#[test]
fn zones_and_locales_change_no_date_and_no_moment() -> Story {
    let (world, [lan, minh]) = office()?;
    let own = members(&world, &lan.scopes[0]);
    // A leap day, and a day that one island left out when it changed its zone.
    let zones = [
        ("Pacific/Kiritimati", "vi_VN.UTF-8", "2000-02-29"),
        ("Pacific/Apia", "tr_TR.UTF-8", "2011-12-30"),
    ];
    for (member, (zone, locale, date)) in own.iter().zip(zones) {
        let set = format!("declared_on={date}");
        abroad(&lan, zone, locale, &["member", "edit", member, "--set", &set])?.ok()?;
        abroad(&lan, zone, locale, &["sync"])?.ok()?;
    }
    minh.sync()?;
    for (member, (zone, locale, date)) in own.iter().zip(zones) {
        let show = ["member", "show", member];
        let here = abroad(&minh, "Asia/Ho_Chi_Minh", "C", &show)?.json()?;
        ensure_eq(&here["fields"]["declared_on"]["value"], date)?;
        ensure_eq(abroad(&minh, zone, locale, &show)?.json()?, here)?;
        ensure_eq(world.server.value(member, "declared_on")?, date)?;
    }
    world.in_step(&lan)?;
    world.in_step(&minh)
}

/// What a person might type, or paste, or mean.
const ATTACKS: [&str; 4] = ["a\u{1b}[2Jb", "a\u{202e}b", "a\nb", "a\u{200b}b"];

/// Fault 33: text that would steer a terminal, turn the reading round or forge a line is refused in fields. [I1 I10]
#[test]
fn text_that_attacks_its_reader_is_no_value() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    for text in ATTACKS {
        refused(lan.try_edit(member, &[("occupation_text", text)], &[])?, 3, &[])?;
    }
    // What only a spreadsheet would run, or a page, is a text like any other, and comes back as it was.
    for text in ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "'; DROP TABLE member; --"] {
        lan.edit(member, "occupation_text", text)?;
        ensure_eq(lan.value(member, "occupation_text")?, text)?;
    }
    // One name in two spellings of its letters is one value.
    lan.edit(member, "occupation_text", "Thợ mộc")?;
    let same = lan.edit(member, "occupation_text", "Tho\u{31b}\u{323} mo\u{302}\u{323}c")?;
    ensure_eq(&same["unchanged"], "occupation_text")
        .or_else(|_| ensure_eq(&same["unchanged"][0], "occupation_text"))?;
    lan.sync()?;
    world.in_step(&lan)
}

/// Fault 33: what an act says of itself cannot attack either, on whichever side it is printed. [I10]
#[test]
fn names_and_reasons_that_attack_are_written_out() -> Story {
    let (world, [lan, _]) = office()?;
    let member = &members(&world, &lan.scopes[0])[0];
    for (at, text) in ATTACKS.into_iter().enumerate() {
        let set = format!("phone=0000{at:06}");
        let edit = ["member", "edit", member, "--set", &set, "--person", text, "--grounds", text];
        lan.run(&edit)?.ok()?;
    }
    lan.sync()?;
    ensure_eq(lan.equation()?.held, 0)?;
    let printed = [
        lan.run(&["member", "history", member])?.ok()?.out,
        world.server.run(&["history", member])?.ok()?.out,
    ];
    for text in &printed {
        let hidden =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{202e}');
        ensure(!text.contains(hidden), || format!("{text:?}"))?;
    }
    let outside =
        world.server.run(&["record", "edit", member, "--set", "phone=1", "--person", "a\nb"]);
    refused(outside?, 2, &[])
}
