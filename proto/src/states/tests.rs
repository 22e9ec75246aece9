//! The catalogue is whole: names differ, both languages have both sentences, the page is fresh.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::words::{SHARED_VI, STATES_EN, STATES_VI, Words};

#[test]
fn names_differ_and_lead_back() {
    let names: BTreeSet<_> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(names.len(), State::ALL.len());
    assert!(State::ALL.iter().all(|state| State::of_name(state.name()) == Some(*state)));
    let said: Vec<_> = State::ALL.iter().flat_map(|state| state.said_as()).collect();
    let once: BTreeSet<_> = said.iter().collect();
    assert_eq!(once.len(), said.len(), "one sentence speaks of two states");
}

#[test]
fn every_state_has_both_sentences_in_both_languages_and_no_sentence_is_left_over() {
    assert_eq!(Words::keys(STATES_VI), Words::keys(STATES_EN));
    let known: BTreeSet<String> =
        Words::keys(STATES_VI).into_iter().chain(Words::keys(SHARED_VI)).collect();
    let used: BTreeSet<String> = State::ALL
        .iter()
        .flat_map(|state| [state.sentence(), state.way_out()])
        .map(str::to_owned)
        .collect();
    assert!(used.is_subset(&known), "no sentence for {:?}", used.difference(&known));
    let own: BTreeSet<String> = Words::keys(STATES_VI).into_iter().collect();
    let left: Vec<_> = own.difference(&used).filter(|key| !key.starts_with("severity-")).collect();
    assert!(left.is_empty(), "no state says {left:?}");
}

#[test]
fn the_written_page_of_states_is_fresh() {
    let (path, made) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/STATES.md"), markdown());
    if std::env::var_os("DONGBO_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == made, "docs/STATES.md is stale: DONGBO_BLESS=1 writes it");
}

#[test]
fn what_the_wire_can_say_has_a_state_that_says_the_same() {
    use crate::frame::Stop;
    for n in 0..=u8::MAX {
        if let Some(stop) = Stop::from_number(n) {
            assert_eq!(of_stop(stop).said_as(), [stop.key()]);
        }
        if let Some(reason) = crate::fate::Reason::from_number(n) {
            assert_eq!(of_reason(reason).sentence(), reason.key());
        }
    }
}
