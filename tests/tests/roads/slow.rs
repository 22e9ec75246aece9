//! A short way over bad links, where the machine can make them; `cargo links` goes the whole way.

use dongbo_tests::links::{Profile, Wanted, can, run};

/// Fault 24: over 2G that is cut again and again, each acknowledged batch is kept, and little is sent twice. [I15]
/// Fault 23: a link that is dead without a word is given up, and a new one made. [I15]
#[test]
fn over_2g_that_is_cut_again_and_again_everything_arrives() {
    if let Err(why) = can() {
        // The test command names it at its end as not done on this machine.
        eprintln!("NOT DONE: {why}");
        return;
    }
    // Once is enough here: a link that is dead without a word is noticed after forty seconds.
    let cut_every = Some(std::time::Duration::from_secs(12));
    let profile = Profile { name: "2G, cut once", cut_every, ..Profile::SLOW };
    let wanted = Wanted { profile, acts: 40, cuts_max: 1, within_s: 240 };
    let report = run(wanted).expect("everything arrives");
    println!("{}", report.text());
    assert_eq!(report.missed(), Vec::<String>::new());
}

/// Fault 24: with four packets of ten lost each way, everything arrives. [I15]
#[test]
fn with_four_packets_of_ten_lost_everything_arrives() {
    if let Err(why) = can() {
        eprintln!("NOT DONE: {why}");
        return;
    }
    let (profile, acts) = (Profile::LOSSY, 20);
    let wanted = Wanted { profile, acts, cuts_max: 0, within_s: 240 };
    let report = run(wanted).expect("everything arrives");
    println!("{}", report.text());
    assert_eq!(report.missed(), Vec::<String>::new());
}
