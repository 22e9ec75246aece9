//! Conversations drawn at random: frames arrive one by one in any order of the two directions,
//! the office saves, others change things, certificates fall due, digests differ once, and the link
//! is cut at any moment. Then it is left alone; and everything must be delivered and heard, once.

use dongbo_node::session::{End, Event};
use dongbo_proto::id::ScopeId;
use dongbo_server::session::{CertificateAge, Event as ServerEvent};
use proptest::prelude::*;

use crate::fakes::HOME;
use crate::table::Table;

#[derive(Clone, Copy, Debug)]
enum Chance {
    FrameUp,
    FrameDown,
    Save,
    SaveUnheard,
    News(u32),
    Outcome,
    Cut,
    Due,
    Expired,
    Doubt,
}

fn chance() -> impl Strategy<Value = Chance> {
    prop_oneof![
        20 => Just(Chance::FrameUp),
        20 => Just(Chance::FrameDown),
        4 => Just(Chance::Save),
        2 => Just(Chance::SaveUnheard),
        3 => prop_oneof![Just(0u32), Just(5)].prop_map(Chance::News),
        1 => Just(Chance::Outcome),
        2 => Just(Chance::Cut),
        1 => Just(Chance::Due),
        1 => Just(Chance::Expired),
        1 => Just(Chance::Doubt),
    ]
}

fn again(table: Table) -> Table {
    let mut table = table.cut();
    table.start();
    table
}

fn happen(mut table: Table, chance: Chance) -> Table {
    match chance {
        Chance::FrameUp => drop(table.step_up()),
        Chance::FrameDown => drop(table.step_down()),
        Chance::Save => {
            table.save(1);
            table.node_event(Event::Saved);
        }
        Chance::SaveUnheard => table.save(1),
        Chance::News(scope) => {
            table.province.news(ScopeId(scope));
            table.server_event(ServerEvent::News);
        }
        Chance::Outcome if table.province.position > 0 => {
            table.province.outcome(1);
            table.server_event(ServerEvent::News);
        }
        Chance::Cut => return again(table),
        Chance::Due => table.province.certificate = CertificateAge::Due,
        Chance::Expired => table.province.certificate = CertificateAge::Expired,
        Chance::Doubt => table.replica.doubts = 1,
        Chance::Outcome => {}
    }
    // An exchange that came to its end is followed by the next.
    if table.end.is_some() { again(table) } else { table }
}

/// Nothing more happens: within a few exchanges everything is said.
fn settle(table: Table) -> Table {
    let mut table = table;
    table.replica.doubts = 0;
    for _ in 0..3 {
        table = table.cut();
        table.live = false;
        table = table.cut();
        table.start();
        table.run();
        while table.step_up() {}
        assert!(table.end.is_some(), "nobody speaks, and nothing has ended");
        if table.end == Some(End::InStep) {
            return table;
        }
    }
    panic!("ended as {:?}", table.end);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..Default::default() })]

    #[test]
    fn whatever_happens_everything_is_delivered_and_heard_once(
        live in any::<bool>(),
        chances in proptest::collection::vec(chance(), 0..120),
    ) {
        let mut table = Table::fresh(live);
        table.start();
        for chance in chances {
            table = happen(table, chance);
            prop_assert!(table.stops().is_empty(), "{:?}", table.stops());
        }
        settle(table).assert_in_step();
    }

    /// Without a cut, a live conversation comes to rest by itself with everything said.
    #[test]
    fn a_live_conversation_comes_to_rest_in_step(
        chances in proptest::collection::vec(chance(), 0..60),
    ) {
        let mut table = Table::in_step(true);
        table.start();
        for chance in chances {
            let held = matches!(chance, Chance::Cut | Chance::SaveUnheard | Chance::Doubt);
            if !held {
                table = happen(table, chance);
            }
        }
        table.run();
        prop_assert_eq!(table.end.clone(), None);
        table.assert_in_step();
        prop_assert!(table.province.scopes[&HOME].len() >= 4);
    }
}
