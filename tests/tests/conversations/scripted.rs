//! Stories of the exchange, each recorded.

use dongbo_node::session::{End, Event, Link};
use dongbo_proto::frame::{Down, Stop, Up};
use dongbo_proto::id::{AuthorId, Epoch, RecordId, ScopeId};
use dongbo_server::session::{CertificateAge, Event as ServerEvent, Presented};

use crate::fakes::{HOME, Province, Replica, head};
use crate::golden;
use crate::table::{Frame, Table};

fn ups(table: &Table) -> Vec<&Up> {
    let up = |f: &'_ Frame| matches!(f, Frame::Up(_));
    let frames = table.sent.iter().filter(|f| up(f));
    frames.map(|f| if let Frame::Up(up) = f { up } else { unreachable!() }).collect()
}

fn completes(table: &Table) -> usize {
    table.sent.iter().filter(|f| matches!(f, Frame::Down(Down::Complete(_)))).count()
}

/// Counterexample 28: the reference comes first, to everyone.
#[test]
fn a_fresh_node_is_filled_scope_0_first() {
    let mut table = Table::fresh(false);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    let scope = |f: &Frame| match f {
        Frame::Down(Down::States(s)) => Some(s.scope),
        _ => None,
    };
    assert_eq!(table.sent.iter().find_map(scope), Some(ScopeId::REFERENCE));
    table.run();
    golden::check("fresh_node", &table);
}

/// Counterexample 35: acts go up with the greeting, and all answers come in one flight.
#[test]
fn a_day_s_work_goes_up_in_one_flight_and_the_answer_comes_in_one() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.province.news(ScopeId(0));
    table.province.outcome(1);
    table.start();
    let said = ups(&table).len();
    assert!(
        matches!(ups(&table)[..], [Up::Hello(_), Up::Batch(_), Up::Batch(_), Up::Flush]),
        "{said}"
    );
    table.run();
    assert_eq!((table.end.clone(), table.flights), (Some(End::InStep), 1), "one up, one down");
    while table.step_up() {}
    table.assert_in_step();
    let echoed =
        table.sent.iter().any(|f| matches!(f, Frame::Down(Down::States(s)) if s.scope == HOME));
    assert!(!echoed, "acts that merged as written are not echoed");
    golden::check("a_day", &table);
}

#[test]
fn a_second_exchange_moves_nothing() {
    let mut table = Table::in_step(false);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    let quiet = |f: &Frame| matches!(f, Frame::Down(Down::Complete(c)) if c.checkpoint.is_none());
    assert_eq!(table.sent.iter().filter(|f| quiet(f)).count(), 1);
    assert!(
        !table
            .sent
            .iter()
            .any(|f| matches!(f, Frame::Down(Down::States(_)) | Frame::Up(Up::Batch(_))))
    );
    golden::check("nothing_to_say", &table);
}

#[test]
fn acknowledgements_that_a_cut_swallowed_come_first_and_nothing_merges_twice() {
    let mut table = Table::in_step(false);
    table.save(4);
    table.start();
    // The server merges everything; nothing of what it says arrives.
    while table.step_up() {}
    let mut table = table.cut();
    table.save(1);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
    assert_eq!(table.province.repeated, 0, "what was sent on a wrong belief was passed over");
    golden::check("lost_acknowledgements", &table);
}

#[test]
fn a_node_that_never_heard_the_epoch_gets_its_lost_acknowledgements_too() {
    let mut table = Table::in_step(false);
    table.save(2);
    table.start();
    while table.step_up() {}
    let mut table = table.cut();
    let mut facts = table.replica.facts();
    facts.epoch = None;
    let now = table.province.now;
    table.node_event(Event::Started(Box::new(facts), now));
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    assert_eq!(table.replica.acknowledged, 2);
}

/// Story 14: a fill that was cut goes on where it stopped.
#[test]
fn a_cut_between_pages_loses_at_most_one() {
    let mut table = Table::in_step(false);
    (0..10).for_each(|_| table.province.news(HOME));
    table.start();
    while table.step_up() {}
    // Welcome and the first page arrive.
    assert!(table.step_down() && table.step_down());
    let staged = table.replica.scopes[&HOME].staged;
    let mut table = table.cut();
    table.save(2);
    table.start();
    table.run();
    while table.step_up() {}
    table.assert_in_step();
    let from = |f: &Frame| match f {
        Frame::Down(Down::States(s)) => Some(s.from),
        _ => None,
    };
    assert_eq!(table.sent.iter().find_map(from), Some(staged), "paging goes on where it was");
    golden::check("cut_between_pages", &table);
}

/// Fault 35: it is renewed with the old key before anything comes down. [I2 I15]
#[test]
fn an_expired_certificate_is_renewed_and_then_everything_comes() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.province.news(ScopeId(0));
    table.province.certificate = CertificateAge::Expired;
    let mut table = table.cut();
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
    assert_eq!(table.replica.certificate, 1);
    golden::check("expired_certificate", &table);
}

#[test]
fn an_expired_certificate_with_much_to_send_over_a_bad_link() {
    let mut table = Table::in_step(false);
    table.save(9);
    table.province.certificate = CertificateAge::Expired;
    let mut table = table.cut();
    table.link = Link::from_kept(1);
    table.node = dongbo_node::session::Session::new(false, table.link);
    table.start();
    // One frame each way by turns, so that the certificate comes before the flush is sent.
    let mut steps = 0;
    while table.end.is_none() && steps < 500 {
        steps += 1;
        let (up, down) = (table.step_up(), table.step_down());
        assert!(up || down, "nobody speaks and nothing has ended");
    }
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
}

/// Story 18: a certificate is renewed long before it ends, in passing.
#[test]
fn an_expired_certificate_and_lost_acknowledgements_greet_again_once() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.start();
    while table.step_up() {}
    let mut table = table.cut();
    table.province.certificate = CertificateAge::Expired;
    let mut table = table.cut();
    table.start();
    while table.end.is_none() {
        let (up, down) = (table.step_up(), table.step_down());
        assert!(up || down, "nobody speaks and nothing has ended");
    }
    // The certificate came while the second Hello was on its way: a third would cross its answer.
    let hello = |f: &&Frame| matches!(f, Frame::Up(Up::Hello(_)));
    assert_eq!(table.sent.iter().filter(hello).count(), 2);
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
}

#[test]
fn a_certificate_that_is_due_is_here_before_the_exchange_ends() {
    let mut table = Table::in_step(false);
    table.save(1);
    table.province.certificate = CertificateAge::Due;
    let mut table = table.cut();
    table.start();
    table.run();
    assert_eq!((table.end.clone(), table.replica.certificate), (Some(End::InStep), 1));
    while table.step_up() {}
    table.assert_in_step();
    golden::check("certificate_due", &table);
}

#[test]
fn a_revoked_node_delivers_and_gets_nothing() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.province.news(HOME);
    table.province.revoked = true;
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!((table.province.position, table.replica.acknowledged), (3, 3));
    assert!(table.province.merged.iter().all(Option::is_none), "all are held");
    assert!(
        !table.sent.iter().any(|f| matches!(f, Frame::Down(Down::States(_) | Down::Outcomes(_))))
    );
    golden::check("deliver_only", &table);
}

#[test]
fn a_node_that_is_revoked_while_connected_is_told_and_cut_off() {
    let mut table = Table::in_step(true);
    table.start();
    table.run();
    table.server_event(ServerEvent::Revoked);
    table.run();
    assert_eq!(table.end, Some(End::Stopped(Stop::Revoked)));
    assert!(table.closed);
}

#[test]
fn digests_that_differ_are_mended_by_filling_the_scope_again() {
    let mut table = Table::in_step(false);
    table.save(1);
    table.province.news(HOME);
    table.replica.doubts = 1;
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
    golden::check("filled_again", &table);
}

#[test]
fn digests_that_differ_after_that_end_the_exchange_and_say_so() {
    let mut table = Table::in_step(false);
    table.province.news(HOME);
    table.replica.doubts = 2;
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::Diverged));
    let mut table = table.cut();
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep), "the next exchange tries again");
}

#[test]
fn a_conversation_that_another_carrier_overtook_greets_again_and_confirms_nothing_before() {
    let mut table = Table::in_step(false);
    table.save(2);
    table.province.news(HOME);
    table.replica.overtaken = 1;
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
    let ups = ups(&table);
    let greetings = ups.iter().filter(|up| matches!(up, Up::Hello(_))).count();
    let confirms = ups.iter().filter(|up| matches!(up, Up::Confirm { .. })).count();
    assert_eq!((greetings, confirms), (2, 1));
}

#[test]
fn in_live_mode_both_sides_send_as_things_happen() {
    let mut table = Table::in_step(true);
    table.start();
    table.run();
    assert_eq!((table.end.clone(), table.rests), (None, 1));
    table.province.news(HOME);
    table.server_event(ServerEvent::News);
    table.run();
    table.save(1);
    table.node_event(Event::Saved);
    table.run();
    table.assert_in_step();
    assert_eq!(table.rests, 3);
    let before = table.sent.len();
    table.server_event(ServerEvent::News);
    table.run();
    assert_eq!(table.sent.len(), before, "news of nothing says nothing");
    golden::check("live", &table);
}

#[test]
fn an_act_that_is_saved_during_the_greeting_is_sent() {
    for live in [false, true] {
        let mut table = Table::in_step(live);
        table.start();
        table.save(1);
        table.node_event(Event::Saved);
        table.run();
        assert_eq!(table.end.is_none(), live);
        while table.step_up() {}
        table.assert_in_step();
    }
}

#[test]
fn an_act_that_is_saved_before_complete_arrives_is_delivered_before_the_end() {
    let mut table = Table::in_step(false);
    table.save(1);
    table.start();
    while table.step_up() {}
    table.save(1);
    table.node_event(Event::Saved);
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
}

/// The server reads a page; before it is sent, the node's next batch merges and others' news comes.
#[test]
fn what_happens_behind_a_page_is_said_in_a_complete_of_its_own() {
    let mut table = Table::in_step(true);
    table.province.news(HOME);
    table.start();
    let hello = table.up.pop_front().expect("Hello, which says that nothing follows");
    let mut todo = table.server.on(ServerEvent::Frame(hello));
    let viewed = table.server_does(todo.remove(0)).expect("a view");
    let mut todo = table.server.on(viewed);
    let page = todo.pop().and_then(|page| table.server_does(page)).expect("a page");
    todo.into_iter().for_each(|step| assert!(table.server_does(step).is_none()));
    table.province.news(HOME);
    table.server_event(ServerEvent::News);
    table.up.clear();
    table.save(1);
    table.node_event(Event::Saved);
    table.step_down();
    table.step_up();
    table.server_event(page);
    table.run();
    table.assert_in_step();
    assert_eq!(completes(&table), 2);
}

#[test]
fn frames_of_before_a_second_hello_are_passed_over() {
    let mut table = Table::in_step(true);
    table.start();
    table.run();
    table.province.news(HOME);
    table.server_event(ServerEvent::News);
    // Before they arrive the node starts over, as after a digest that differed.
    let late: Vec<Down> = table.down.drain(..).collect();
    assert!(late.len() >= 2, "states and complete");
    table.start();
    for frame in late {
        table.node_event(Event::Frame(frame));
    }
    assert_eq!(table.end, None);
    table.run();
    table.assert_in_step();
}

/// Fault 9: it stops as rewound, and nothing is written over what the province has. [I6 I12]
/// Story 1: a client that was put back is told so.
#[test]
fn a_machine_that_was_put_back_says_so_and_sends_nothing_over_it() {
    let mut table = Table::in_step(false);
    let old = table.replica.clone();
    table.save(5);
    table.start();
    table.run();
    let mut table = Table::new(old, table.province, false);
    table.save(2);
    table.start();
    table.run();
    // Its two acts are the first two that the province has: what it had not heard of comes again.
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!((table.replica.forks[0].at, table.replica.acknowledged), (2, 2));
    golden::check("rewound", &table);
}

/// A file on a stick took away what was saved after Hello, and was faster.
#[test]
fn a_server_that_holds_what_was_saved_since_hello_is_greeted_again() {
    let mut table = Table::in_step(false);
    table.save(1);
    table.start();
    table.save(1);
    let batch = table.replica.load(0).expect("two acts");
    table.province.receive(&batch).expect("the file arrives first");
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
}

/// Fault 9: what it wrote since is a fork, kept here and not taken for a repetition. [I2 I4 I12]
/// Counterexample 7: a known position with another hash is a fork.
#[test]
fn a_machine_that_was_put_back_and_wrote_more_is_a_fork_and_loses_nothing() {
    let mut table = Table::in_step(false);
    let old = table.replica.clone();
    table.save(3);
    table.start();
    table.run();
    let mut table = Table::new(Replica { life: (9, 1), ..old }, table.province, false);
    table.save(5);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!(table.replica.forks[0].at, 1, "one act is common to both lives");
    assert_eq!((table.replica.acknowledged, table.province.position), (5, 5));
    assert_eq!(table.province.merged[1..], [None; 4], "its own wait for the province");
    golden::check("put_back_and_wrote", &table);
}

#[test]
fn a_copy_that_only_reads_is_noticed_by_its_token() {
    let mut table = Table::in_step(false);
    let copy = table.replica.clone();
    table.start();
    table.run();
    let mut table = Table::new(copy, table.province, false);
    table.province.presented = Presented::Stale;
    table.province.news(HOME);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!(table.replica.forks.len(), 1);
    assert!(!table.sent.iter().any(|f| matches!(f, Frame::Down(Down::States(_)))));
    golden::check("copy_that_reads", &table);
}

/// Another program of the office completed an exchange between Hello and its answer.
#[test]
fn a_token_that_another_program_has_replaced_is_no_copy() {
    let mut table = Table::in_step(false);
    table.province.presented = Presented::Stale;
    table.start();
    table.replica.token = [99; 16];
    assert!(table.step_up());
    table.province.presented = Presented::Fits;
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    assert!(table.replica.forks.is_empty());
}

#[test]
fn a_token_that_the_server_named_and_does_not_know_begins_an_epoch() {
    let mut table = Table::in_step(false);
    table.province.presented = Presented::Ahead;
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    assert_eq!(table.replica.epoch, table.province.epoch);
    assert_eq!(table.province.ancestors.len(), 1);
}

/// A registry that was put back to before a node joined has no such node; the node's certificate says
/// that it had one.
#[test]
fn a_node_that_joined_after_the_backup_delivers_everything_again() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.start();
    table.run();
    let mut table = table.cut();
    table.save(1);
    table.province = Province { is_from_before: true, ..Province::new() };
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!((table.province.position, table.replica.acknowledged), (4, 4));
    assert_eq!(table.province.ancestors.len(), 1, "it has gone back, so an epoch began");
    golden::check("from_before_the_node", &table);
}

/// The copy's fork was kept here, and the link was cut before the server heard of it.
#[test]
fn a_fork_of_which_the_server_did_not_hear_is_said_again() {
    let mut table = Table::in_step(false);
    let copy = table.replica.clone();
    table.save(1);
    table.start();
    table.run();
    let mut table = Table::new(copy, table.province, false);
    table.save(2);
    table.replica.life = (9, 0);
    table.replica.fork(0);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_eq!((table.replica.forks.len(), table.province.position), (1, 2));
}

#[test]
fn another_history_at_the_acknowledged_position_is_a_fork() {
    let mut table = Table::in_step(false);
    table.save(3);
    table.start();
    table.run();
    let mut table = table.cut();
    table.replica.life = (9, 2);
    table.save(1);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::DeliverOnly));
    assert_ne!(head(3, (9, 2)), head(3, (0, 0)));
    assert_eq!(table.replica.forks[0].at, 2);
    golden::check("forked", &table);
}

/// A node that has sent five acts, and the province as it was after two of them.
fn sent_since_the_copy() -> (crate::fakes::Replica, crate::fakes::Province) {
    let mut table = Table::in_step(false);
    table.save(2);
    table.start();
    table.run();
    while table.step_up() {}
    let copy = table.province.clone();
    let mut table = table.cut();
    table.save(3);
    table.start();
    table.run();
    (table.replica, copy)
}

/// What was lost comes again, with what is new.
fn sends_again(replica: crate::fakes::Replica, province: crate::fakes::Province, name: &str) {
    let mut table = Table::new(replica, province, false);
    table.save(1);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::InStep));
    while table.step_up() {}
    table.assert_in_step();
    golden::check(name, &table);
}

#[test]
fn a_server_that_came_back_in_a_new_epoch_is_followed_and_sent_again_what_it_lost() {
    let (replica, backup) = sent_since_the_copy();
    let (epoch, ancestors) = (Epoch([7; 16]), vec![backup.epoch]);
    sends_again(replica, crate::fakes::Province { epoch, ancestors, ..backup }, "new_epoch");
}

#[test]
fn a_server_that_went_back_untold_is_shown_its_own_signature_and_sent_again_what_it_lost() {
    let (replica, image) = sent_since_the_copy();
    sends_again(replica, image, "went_back_untold");
}

#[test]
fn a_server_that_went_back_and_begins_no_epoch_is_named() {
    let mut table = Table::in_step(false);
    table.save(2);
    let backup = crate::fakes::Province { stubborn: true, ..table.province.clone() };
    table.start();
    table.run();
    let mut table = Table::new(table.replica, backup, false);
    table.start();
    table.run();
    assert_eq!(table.end, Some(End::WentBack { acknowledged: 2, held: 0 }));
}

/// Counterexample 8: of two servers from one backup a node follows its own only.
#[test]
fn a_server_of_another_line_is_named_and_nothing_is_taken_from_it() {
    let mut table = Table::in_step(false);
    table.province.epoch = Epoch([9; 16]);
    let before = table.replica.clone();
    table.start();
    table.run();
    let (known, met) = (Epoch([6; 16]), Epoch([9; 16]));
    assert_eq!(table.end, Some(End::TwoServers { known, met }));
    assert_eq!(table.replica.facts(), before.facts());
    golden::check("two_servers", &table);
}

#[test]
fn two_sides_that_never_agree_stop_trying() {
    let mut table = Table::in_step(false);
    table.save(2);
    table.start();
    while table.step_up() {}
    // The acknowledgements never come, though the server greets again and again.
    let mut greetings = 0;
    while table.end.is_none() {
        greetings += 1;
        assert!(greetings < 10, "it would go on for ever");
        table.start();
        table.up.clear();
        table.down.clear();
    }
    assert_eq!(table.end, Some(End::Confused));
}

/// Counterexample 24: on a bad link each batch that arrived is kept.
#[test]
fn a_bad_link_carries_one_batch_at_a_time_and_all_of_them() {
    let mut table = Table::in_step(false);
    table.save(9);
    table.link = Link::from_kept(1);
    let mut table = table.cut();
    table.start();
    let batches = ups(&table).iter().filter(|u| matches!(u, Up::Batch(_))).count();
    assert_eq!(batches, 1, "the next waits for the acknowledgement");
    table.run();
    while table.step_up() {}
    assert_eq!(table.end, Some(End::InStep));
    table.assert_in_step();
}

#[test]
fn history_is_asked_for_once_both_agree() {
    let mut table = Table::in_step(true);
    table.save(1);
    table.start();
    table.node_event(Event::WantHistory(RecordId([1; 16])));
    assert!(!ups(&table).iter().any(|u| matches!(u, Up::AskHistory(_))));
    table.run();
    assert_eq!(table.replica.histories, 1);
    table.assert_in_step();
}

#[test]
fn history_is_not_told_to_a_machine_that_may_only_deliver() {
    let mut table = Table::in_step(true);
    table.province.revoked = true;
    table.start();
    table.run();
    table.server_event(ServerEvent::Frame(Up::AskHistory(RecordId([1; 16]))));
    let told = table
        .sent
        .iter()
        .filter(|f| matches!(f, Frame::Down(Down::History(_, items)) if items.is_empty()));
    assert_eq!(told.count(), 1, "an empty answer, so that nobody waits");
}

#[test]
fn a_frame_out_of_turn_ends_it() {
    let mut early = Table::fresh(false);
    early.server_event(ServerEvent::Frame(Up::Flush));
    assert_eq!(early.stops(), [Stop::BadFrame]);
    let mut other = Table::fresh(false);
    other.start();
    let Some(Up::Hello(mut hello)) = other.up.pop_front() else { panic!("Hello is first") };
    hello.author = AuthorId(1);
    other.server_event(ServerEvent::Frame(Up::Hello(hello)));
    assert_eq!(other.stops(), [Stop::UnknownNode]);
    let mut gap = Table::in_step(false);
    gap.save(4);
    gap.start();
    let first = gap.up.iter().position(|u| matches!(u, Up::Batch(_))).expect("a batch");
    gap.up.remove(first);
    gap.run();
    assert_eq!(gap.stops(), [Stop::BadFrame], "acts that were skipped could never be merged");
    let mut confused = Table::fresh(false);
    confused.start();
    confused.node_event(Event::Frame(Down::Certificate(vec![])));
    let page = confused.province.finish(None);
    confused.node_event(Event::Frame(Down::Complete(page)));
    assert_eq!(confused.end, Some(End::Confused), "complete before welcome");
}
