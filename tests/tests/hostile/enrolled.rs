//! A machine that was admitted and lies: it writes where it may not, in another's name, in the future, twice, with
//! gaps, and asks for what is not its own. What it claims is held or ends its conversation; the others are unaffected.

use dongbo_node::exchange::key::NodeKey;
use dongbo_node::replica::draft::create;
use dongbo_proto::act::{FieldWrite, Intent, Op, Over, Projection, RecordWrites, Verdict};
use dongbo_proto::catalogue::kind;
use dongbo_proto::fate::{Fate, Reason};
use dongbo_proto::frame::{Down, ScopeCursor, Stop, Up};
use dongbo_proto::id::{ActId, AuthorId, Hash, RecordId, ScopeId};
use dongbo_proto::limits;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_proto::wire;
use dongbo_server::registry;
use dongbo_server::service::table::CONNECTIONS_PER_NODE_MAX;

use crate::house::{House, NAME, PHONE, member, record_id};
use crate::talk::{Heard, Journal, deliver, hello, say};

/// Writes one field of a member over what it was created with.
fn edit(record: RecordId, value: &str, over: Over) -> Op {
    let fields = vec![FieldWrite { field: PHONE, value: Value::Text(value.into()), over }];
    Op::Write(RecordWrites { record, kind: kind::MEMBER, create: None, under: None, fields })
}

/// The fate of each act, by position.
fn fates(heard: &Heard) -> Vec<(u64, Fate)> {
    let runs = heard.frames.iter().filter_map(|frame| match frame {
        Down::Acks(runs, _) => Some(runs),
        _ => None,
    });
    runs.flatten().flat_map(|r| (r.first..=r.last()).map(|p| (p, r.fate))).collect()
}

fn held(heard: &Heard) -> Vec<Reason> {
    let reason = |(_, fate): (u64, Fate)| match fate {
        Fate::Held(reason) => reason,
        other => panic!("not held: {other:?}"),
    };
    fates(heard).into_iter().map(reason).collect()
}

/// Every record that came down.
fn sent_down(heard: &Heard) -> Vec<(ScopeId, RecordId)> {
    let pages = heard.frames.iter().filter_map(|frame| match frame {
        Down::States(page) => Some(page),
        _ => None,
    });
    let of_page = |p: &dongbo_proto::frame::States| {
        p.records.iter().map(|(_, r)| (p.scope, r.id)).collect::<Vec<_>>()
    };
    pages.flat_map(of_page).collect()
}

/// Fault 31: a write outside its scope changes nothing. [I9]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_outside_its_scope_is_held_and_changes_nothing() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let theirs = office.members[0];
    let before = house.store.read_now(|tx| registry::record(tx, theirs)).expect("a record");
    let created = before.created.act;
    let mut journal = Journal::of(&liar);
    let over = |acts: &[ActId]| Over::Heads(acts.iter().copied().collect());
    let lies = vec![
        edit(theirs, "0911111111", Over::Creation),
        edit(theirs, "0911111111", Over::Nothing),
        edit(theirs, "0911111111", over(&[created])),
        edit(record_id(777_777), "0911111111", Over::Nothing),
        member(record_id(888_888), house.scopes[0], "Kẻ Lạ"),
        member(record_id(888_889), ScopeId(4_000_000_000), "Kẻ Lạ"),
        member(record_id(888_890), ScopeId::REFERENCE, "Kẻ Lạ"),
        Op::Retract(vec![created]),
        Op::Retract(vec![ActId::new(liar.author, u64::MAX)]),
    ];
    let count = lies.len();
    let batches = lies.into_iter().map(|op| journal.one(&liar, op)).collect();
    let heard = deliver(&house, &liar, batches).await;
    assert_eq!(held(&heard).len(), count, "{heard:?}");
    let after = house.store.read_now(|tx| registry::record(tx, theirs)).expect("a record");
    assert_eq!(before, after);
    assert!([888_888, 888_889, 888_890].iter().all(|n| !house.holds(record_id(*n))));
    assert_eq!(sent_down(&heard), []);
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_the_province_does_is_held() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (theirs, mut journal) = (office.members[0], Journal::of(&liar));
    let place = |projection| Op::Place {
        record: theirs,
        kind: kind::MEMBER,
        scope: house.scopes[1],
        projection,
    };
    let decide = |verdict| Op::Decide(ActId::new(liar.author, 1), verdict);
    let batches = vec![
        journal.one(&liar, place(Some(Projection::Home))),
        journal.one(&liar, place(Some(Projection::Visitor))),
        journal.one(&liar, place(None)),
        journal.one(&liar, decide(Verdict::Approve)),
        journal.one(&liar, decide(Verdict::Refuse("không".into()))),
    ];
    let heard = deliver(&house, &liar, batches).await;
    assert_eq!(held(&heard), [Reason::ProvinceOnly; 5]);
    assert_eq!(sent_down(&heard), []);
    house.proves(&mut office).await;
}

/// Only the certificate says who it is: in Hello, in a batch, and under a batch.
/// Fault 31: who writes is who the certificate says. [I9 I10]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_author_is_never_believed() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let as_office = office.enrolled.author;
    let mut forged = hello(&liar, (0, Hash::default()), &[]);
    forged.author = as_office;
    let heard = say(&house, &liar, vec![Up::Hello(forged)]).await;
    assert_eq!(heard.stop(), Some(Stop::UnknownNode));

    let facts = office.replica.facts().expect("facts");
    let mut journal = Journal::of(&liar);
    (journal.author, journal.position, journal.head) = (as_office, facts.position, facts.head);
    let batch = journal.one(&liar, edit(office.members[0], "0911111111", Over::Creation));
    let heard = deliver(&house, &liar, vec![batch.clone()]).await;
    assert!(matches!(heard.stop(), Some(Stop::BadFrame | Stop::BadBatch)), "{heard:?}");

    // Its own name over another's signature.
    let mut batch = batch;
    (batch.author, batch.first, batch.seeds[0].0) = (liar.author, 1, 1);
    let heard = deliver(&house, &liar, vec![batch]).await;
    assert_eq!(heard.stop(), Some(Stop::BadBatch));
    let shown = house.store.read_now(|tx| registry::record(tx, office.members[0])).expect("there");
    assert_eq!(shown.shown(PHONE), Some(&Value::Text("0900000000".into())));
    house.proves(&mut office).await;
}

/// Two machines of one scope write what neither had seen of the other: a clock in 2262 wins nothing over
/// what is written later.
/// Fault 31: a stamp from the future is brought back to now. [I7]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_from_the_future_is_brought_back_to_now() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[0]]);
    let mut journal = Journal::of(&liar);
    for claimed in [Stamp::new(9_000_000_000_000, 0), Stamp(u64::MAX), Stamp(0), Stamp(u64::MAX)] {
        let mut act = journal
            .act(Intent::Change, vec![edit(office.members[0], "0922222222", Over::Creation)]);
        act.claimed = claimed;
        let batch = journal.batch(&liar, &[act]);
        let mut greeting = hello(&liar, (0, Hash::default()), &[]);
        // A clock that says what the stamp says.
        greeting.local_ms = claimed.ms();
        let at = house.store.read_now(|tx| registry::node_view(tx, liar.author)).expect("a view");
        let view = at.expect("a node");
        (greeting.acknowledged, greeting.acknowledged_head) = (view.position, view.head);
        (greeting.position, greeting.head) = (view.position + 1, journal.head);
        let frames = vec![Up::Hello(greeting), Up::Batch(batch), Up::Flush];
        let heard = say(&house, &liar, frames).await;
        assert!(heard.stop().is_none(), "{heard:?}");
    }
    let now_ms = house.clock.now_ms();
    let record = house.store.read_now(|tx| registry::record(tx, office.members[0])).expect("there");
    let heads = &record.field(PHONE).expect("a field").heads;
    assert!(heads.iter().all(|head| head.stamp.ms() <= now_ms), "{heads:?}");
    house.proves(&mut office).await;
}

/// Fault 31: a gap is not journalled. [I6]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_ends_the_conversation_and_is_not_journalled() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let mut journal = Journal::of(&liar);
    let first = journal.one(&liar, member(record_id(50_001), house.scopes[1], "Một"));
    let skipped = journal.one(&liar, member(record_id(50_002), house.scopes[1], "Hai"));
    let third = journal.one(&liar, member(record_id(50_003), house.scopes[1], "Ba"));
    let heard = deliver(&house, &liar, vec![first.clone(), third]).await;
    assert_eq!(heard.stop(), Some(Stop::BadFrame));
    let mut far = skipped;
    far.first = u64::MAX - 1;
    let heard = deliver(&house, &liar, vec![far]).await;
    assert!(matches!(heard.stop(), Some(Stop::BadFrame | Stop::BadBatch)), "{heard:?}");
    assert!(!house.holds(record_id(50_003)));
    house.proves(&mut office).await;
}

/// Fault 11: of two acts at one position the first stays, and the sender hears of it. [I4 I12]
/// Fault 31: a position that is used twice is a fork, whoever signs it. [I4 I12]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_position_twice_is_a_fork_and_the_first_stays() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let (mut one, mut other) = (Journal::of(&liar), Journal::of(&liar));
    let first = one.one(&liar, member(record_id(60_001), house.scopes[1], "Một"));
    let second = other.one(&liar, member(record_id(60_002), house.scopes[1], "Hai"));
    let heard = deliver(&house, &liar, vec![first.clone(), second.clone()]).await;
    assert!(heard.is_apart(), "{heard:?}");
    // And in a conversation of its own, with the head that it would have.
    let mut greeting = hello(&liar, (1, second.after), &[]);
    greeting.position = 1;
    let heard = say(&house, &liar, vec![Up::Hello(greeting), Up::Flush]).await;
    assert!(heard.is_apart(), "{heard:?}");
    assert!(house.holds(record_id(60_001)) && !house.holds(record_id(60_002)));
    // What is the same is acknowledged again, any number of times, and merged once.
    let revision = |house: &House| {
        let scopes = house.store.read_now(|tx| tx.scopes()).expect("scopes");
        scopes.iter().find(|s| s.id == house.scopes[1]).map(|s| s.revision)
    };
    let before = revision(&house);
    let mut frames = vec![Up::Hello(hello(&liar, (1, first.after), &[]))];
    frames.extend((0..20).map(|_| Up::Batch(first.clone())));
    frames.push(Up::Flush);
    let heard = say(&house, &liar, frames).await;
    assert_eq!(fates(&heard).len(), 20, "{heard:?}");
    assert_eq!(revision(&house), before);
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_hashes_that_lie_are_bad_batches() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let honest = |n| Journal::of(&liar).one(&liar, member(record_id(n), house.scopes[1], "Một"));
    type Lie = fn(&mut dongbo_proto::frame::Batch);
    let lies: Vec<Lie> = vec![
        |b| b.count = 2,
        |b| b.count = limits::BATCH_ACTS_MAX as u32,
        |b| b.count = u32::MAX,
        |b| b.count = 0,
        |b| b.first = 0,
        |b| b.raw_len += 1,
        |b| b.raw_len = 0,
        |b| b.body.clear(),
        |b| b.body.truncate(b.body.len() / 2),
        |b| b.before = Hash([1; 32]),
        |b| b.after = Hash([1; 32]),
        |b| b.seeds[0].1.0[0] ^= 1,
        |b| b.seeds.clear(),
        |b| b.seeds[0].0 = 9,
        |b| b.signature.clear(),
        |b| b.signature[0] ^= 1,
    ];
    for (at, lie) in lies.iter().enumerate() {
        let mut batch = honest(70_000 + at as u64);
        lie(&mut batch);
        let heard = deliver(&house, &liar, vec![batch]).await;
        let stop = heard.stop();
        let refused = [Stop::BadBatch, Stop::BadFrame, Stop::Forked];
        assert!(stop.is_some_and(|s| refused.contains(&s)), "lie {at}: {heard:?}");
        assert!(!house.holds(record_id(70_000 + at as u64)), "lie {at}");
    }
    house.proves(&mut office).await;
}

/// An act over the limits, well formed and signed, takes no effect: neither its records nor its text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_over_the_limits_takes_no_effect() {
    let house = House::open().await;
    let mut office = house.office().await;
    let scope = house.scopes[1];
    let named = |number: u64, name: String| {
        create(record_id(number), kind::MEMBER, scope, [(NAME, Value::Text(name))])
    };
    let crowd = 80_000..=80_000 + limits::ACT_RECORDS_MAX as u64;
    let lies = [
        crowd.map(|n| named(n, "Đông".into())).collect(),
        vec![named(90_000, "x".repeat(limits::TEXT_BYTES_MAX + 1))],
        (90_001..90_081).map(|n| named(n, "x".repeat(limits::TEXT_BYTES_MAX))).collect(),
    ];
    for ops in lies {
        let liar = house.admit(&[scope]);
        let mut journal = Journal::of(&liar);
        let act = journal.act(Intent::Change, ops);
        let batch = journal.batch(&liar, &[act]);
        let heard = deliver(&house, &liar, vec![batch]).await;
        let is_held = matches!(fates(&heard)[..], [(1, Fate::Held(_))]);
        assert!(is_held || heard.stop() == Some(Stop::BadBatch), "{:?}", heard.stop());
    }
    assert!([80_000, 90_000, 90_001].iter().all(|n| !house.holds(record_id(*n))));
    house.proves(&mut office).await;
}

/// It asks for others' scopes, from revisions that do not exist, and for others' histories.
/// Fault 31: it is sent its own scopes, whatever it asks for. [I8]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_it_asks_for_it_is_sent_its_own_scopes_only() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let ends = [0, 1, 5, u64::MAX - 1, u64::MAX];
    for (visible, staged) in ends.iter().flat_map(|v| ends.iter().map(move |s| (*v, *s))) {
        for filled_to in [None, Some(record_id(1)), Some(RecordId([0xff; 16]))] {
            let scopes = [ScopeId::REFERENCE].into_iter().chain(house.scopes.iter().copied());
            let cursors: Vec<_> =
                scopes.map(|scope| ScopeCursor { scope, visible, staged, filled_to }).collect();
            let greeting = Up::Hello(hello(&liar, (0, Hash::default()), &cursors));
            let mut frames = vec![greeting, Up::AskHistory(office.members[0])];
            frames.extend([Up::AskHistory(record_id(123_456_789)), Up::Flush]);
            let heard = say(&house, &liar, frames).await;
            let outside = sent_down(&heard).iter().any(|(s, _)| *s == house.scopes[0]);
            assert!(!outside && heard.status.is_none(), "{visible} {staged}: {heard:?}");
            let histories = heard.frames.iter().filter_map(|f| match f {
                Down::History(_, items) => Some(items.len()),
                _ => None,
            });
            assert_eq!(histories.collect::<Vec<_>>(), [0, 0], "of others and of nobody alike");
            assert_ne!(heard.stop(), Some(Stop::Storage), "{visible} {staged} {filled_to:?}");
        }
    }
    house.proves(&mut office).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_for_its_own_key_only() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let other = NodeKey::generate().expect("a key").csr_der().expect("a request");
    let office_csr = office.enrolled.key.csr_der().expect("a request");
    for csr in [other, office_csr, vec![], vec![0x30; limits::CSR_BYTES_MAX], vec![0x30; 5_000]] {
        let greeting = Up::Hello(hello(&liar, (0, Hash::default()), &[]));
        let heard = say(&house, &liar, vec![greeting, Up::Renew(csr)]).await;
        assert!(!heard.frames.iter().any(|f| matches!(f, Down::Certificate(_))));
        assert_eq!(heard.stop(), Some(Stop::BadFrame), "{heard:?}");
    }
    house.proves(&mut office).await;
}

/// Frames out of turn: whatever the order, a sentence or a name for it, and never silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_out_of_turn_end_the_conversation_by_name() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let confirm = || Up::Confirm { token: [9; 16], inbox: u64::MAX };
    let batch = Journal::of(&liar).one(&liar, member(record_id(95_000), house.scopes[1], "Một"));
    let starts = vec![
        Up::Flush,
        confirm(),
        Up::Renew(vec![1]),
        Up::AskHistory(record_id(1)),
        Up::Batch(batch),
    ];
    for frame in starts {
        let heard = say(&house, &liar, vec![frame]).await;
        assert_eq!(heard.stop(), Some(Stop::BadFrame), "{heard:?}");
    }
    // A token that nobody gave it changes nothing: its window of stamps stays where it was.
    let before = house.store.read_now(|tx| registry::node_view(tx, liar.author)).expect("read");
    let greeting = || Up::Hello(hello(&liar, (0, Hash::default()), &[]));
    say(&house, &liar, vec![greeting(), confirm(), Up::Flush]).await;
    let after = house.store.read_now(|tx| registry::node_view(tx, liar.author)).expect("read");
    let window = |v: &Option<registry::NodeView>| v.as_ref().map(|v| v.last_complete_ms);
    assert_eq!(window(&before), window(&after));
    assert!(!house.holds(record_id(95_000)));
    house.proves(&mut office).await;
}

/// Greetings, flushes and questions without end are answered one by one, and the others do not wait.
/// Fault 31: a flood of one delays nobody else. [I14 I15]
/// Story 20: one node's load does not stop the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_well_formed_frames_delays_nobody() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let greeting = || Up::Hello(hello(&liar, (0, Hash::default()), &[]));
    let flood = || {
        (0..300).flat_map(|n| match n % 3 {
            0 => vec![greeting()],
            1 => vec![Up::AskHistory(record_id(n)), Up::Confirm { token: [n as u8; 16], inbox: n }],
            _ => vec![Up::AskHistory(record_id(n)); 4],
        })
    };
    let floods: Vec<Vec<Up>> =
        (0..CONNECTIONS_PER_NODE_MAX).map(|_| flood().chain([Up::Flush]).collect()).collect();
    let said = floods.into_iter().map(|frames| say(&house, &liar, frames));
    let (heard, ()) = futures::future::join(futures::future::join_all(said), async {
        for _ in 0..3 {
            house.proves(&mut office).await;
        }
    })
    .await;
    assert!(
        heard.iter().all(|h| h.stop().is_none()),
        "{:?}",
        heard.iter().map(Heard::stop).collect::<Vec<_>>()
    );
    house.proves(&mut office).await;
}

/// Operations and kinds that nobody knows are kept as they came, and held.
/// Counterexample 31: what nobody can read is journalled, and stops nothing behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_read_is_journalled_and_held() {
    let house = House::open().await;
    let mut office = house.office().await;
    let liar = house.admit(&[house.scopes[1]]);
    let mut journal = Journal::of(&liar);
    let unknown_kind =
        |kind| create(record_id(97_000), dongbo_proto::id::KindId(kind), house.scopes[1], []);
    let batches = vec![
        journal.one(&liar, Op::Unknown(200, vec![0xff; 1_000])),
        journal.one(&liar, unknown_kind(60_000)),
        journal.one(&liar, Op::Retract(vec![ActId::new(AuthorId(0), 0); 5])),
    ];
    let heard = deliver(&house, &liar, batches.clone()).await;
    assert_eq!(fates(&heard).len(), 3, "{heard:?}");
    assert!(fates(&heard).iter().all(|(_, f)| matches!(f, Fate::Held(_))), "{heard:?}");
    let kept = house.store.read_now(|tx| tx.frames_after(liar.author, 0, 9)).expect("frames");
    for (kept, sent) in kept.iter().zip(&batches) {
        assert_eq!(kept.bytes, wire::batch_bytes(sent));
    }
    house.proves(&mut office).await;
}
