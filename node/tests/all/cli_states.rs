//! What stops progress has a name that `status` still says later, with since when and what to do.

use crate::cli_support::Office;
use dongbo_node::cli::WORDS_VI;
use dongbo_proto::states::State;
use dongbo_proto::words::Words;
use serde_json::{Value as Json, json};

/// Its states, without those that the province of a few lines brings with it: its clock stands still,
/// and it fills no scope of an empty one.
fn names(status: &Json) -> Vec<&str> {
    let states = status["states"].as_array().expect("states");
    let names = states.iter().map(|state| state["name"].as_str().expect("a name"));
    names.filter(|name| !["silence", "filling"].contains(name)).collect()
}

#[test]
fn a_failed_exchange_is_still_said_by_status_until_another_completes() {
    let mut office = Office::new();
    office.add("A B", &[]);
    assert_eq!(office.json(&["status"])["last_exchange"]["end"], json!("in_step"));
    office.run(&["sync"]).refused(4);
    let first = office.json(&["status"]);
    office.run(&["sync"]).refused(4);
    let status = office.json(&["status"]);
    assert_eq!(names(&status), ["unreachable", "unsent"]);
    let last = &status["last_exchange"];
    assert_eq!((&last["end"], &last["times"]), (&json!("unreachable"), &json!(2)));
    assert_eq!(last["since_ms"], first["last_exchange"]["at_ms"]);
    assert!(last["at_ms"].as_i64() >= last["since_ms"].as_i64());
    for state in status["states"].as_array().expect("states") {
        let said = |key: &str| state[key].as_str().expect("a sentence").len() > 10;
        assert!(said("sentence") && said("way_out"), "{state}");
    }
    let text = office.run(&["status"]).out;
    assert!(text.contains("ended with: unreachable") && text.contains("2 times"), "{text}");
    assert!(text.contains("Nothing needs to be done but to try again later"), "{text}");

    // By whatever way another exchange completes: the failure is history.
    office.exchange();
    let status = office.json(&["status"]);
    assert_eq!((names(&status), &status["last_exchange"]["end"]), (vec![], &json!("in_step")));
    assert!(!office.run(&["status"]).out.contains("ended with"));
}

#[test]
fn what_the_province_holds_is_a_state_with_its_reason() {
    let mut office = Office::new();
    let member = office.add("Lê Thị Hoa", &[]);
    office.json(&["member", "edit", &member, "--set", "full_name=Lê Hoa"]);
    office.exchange();
    assert_eq!(names(&office.json(&["status"])), ["needs_approval"]);
}

/// Sentences that refuse what was asked, and stop nothing.
const OF_ONE_COMMAND: [&str; 5] =
    ["key-exists", "key-passphrase-short", "sync-in-step", "sync-moved", "sync-refilled"];

#[test]
fn every_sentence_that_says_that_nothing_goes_on_speaks_of_a_state() {
    let stops = ["link-", "db-", "disk-", "key-", "dir-", "sync-"];
    let said = Words::keys(WORDS_VI);
    let about = |key: &&String| {
        stops.iter().any(|stop| key.starts_with(stop))
            && !OF_ONE_COMMAND.contains(&key.as_str())
            && !["sync-renewed", "sync-progress", "sync-waits-its-turn", "sync-come-back"]
                .contains(&key.as_str())
    };
    let about: Vec<&String> = said.iter().filter(about).collect();
    assert!(about.len() > 25, "{about:?}");
    let nameless: Vec<_> = about.iter().filter(|key| State::of_key(key).is_none()).collect();
    assert!(nameless.is_empty(), "no state for {nameless:?}");
}
