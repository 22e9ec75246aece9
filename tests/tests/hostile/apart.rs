//! Non-interference: two provinces that differ only in what a node may not see send it the same frames, and as many
//! bytes. What may differ is listed in [`masked`]: server time, signatures over it, and tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dongbo_node::replica::draft::create;
use dongbo_proto::act::{FieldWrite, Intent, Op, Over, Projection, RecordWrites};
use dongbo_proto::catalogue::kind;
use dongbo_proto::chain;
use dongbo_proto::fate::ScopeMark;
use dongbo_proto::frame::{Down, Hello, ScopeCursor, Up};
use dongbo_proto::id::{AuthorId, FieldId, Hash, RecordId};
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::value::Value;
use dongbo_server::registry;
use dongbo_server::service::Patience;

use crate::house::{Enrolled, House, NAME, PHONE, member, record_id};
use crate::talk::{Heard, Journal, hello, say};

/// The number of the first record that only the other scope holds.
const ELSEWHERE: u64 = 5_000;

/// A clock that stands, so that only what is compared can differ.
struct Standing;

impl Clock for Standing {
    fn now_ms(&self) -> UnixMs {
        1_780_000_000_000
    }
}

/// Dice that fall the same way each time.
struct Loaded(AtomicU64);

impl Entropy for Loaded {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9) >> 7) as u8;
        }
    }
}

/// What may differ between the two: when, under which signature, and with which token.
fn masked(mut frame: Down) -> Down {
    match &mut frame {
        Down::Welcome(welcome) => welcome.server_ms = 0,
        Down::Acks(_, receipt) => {
            (receipt.at_ms, receipt.signature) = (0, vec![0; receipt.signature.len()]);
        }
        Down::Complete(complete) => {
            (complete.token, complete.server_ms, complete.come_back_s) = ([0; 16], 0, 0);
            if let Some(checkpoint) = &mut complete.checkpoint {
                (checkpoint.at_ms, checkpoint.signature) = (0, vec![0; checkpoint.signature.len()]);
            }
        }
        _ => {}
    }
    frame
}

/// A machine that talks by hand, and what it remembers between two conversations.
struct Machine {
    who: Enrolled,
    journal: Journal,
    marks: Vec<ScopeMark>,
    inbox: u64,
    heard: Vec<(Down, u64)>,
}

impl Machine {
    fn new(who: Enrolled) -> Machine {
        let journal = Journal::of(&who);
        Machine { who, journal, marks: Vec::new(), inbox: 0, heard: Vec::new() }
    }

    /// One conversation: these acts, these questions, and the end.
    async fn exchange(&mut self, house: &House, acts: Vec<Vec<Op>>, asks: &[RecordId]) {
        let before = (self.journal.position, self.journal.head);
        let mut frames = vec![Up::Hello(self.hello(before))];
        for ops in acts {
            let act = self.journal.act(Intent::Change, ops);
            frames.push(Up::Batch(self.journal.batch(&self.who, &[act])));
        }
        frames.extend(asks.iter().map(|id| Up::AskHistory(*id)));
        frames.push(Up::Flush);
        let heard = say(house, &self.who, frames).await;
        assert!(heard.status.is_none() && heard.stop().is_none(), "{heard:?}");
        self.remember(heard);
    }

    fn hello(&self, delivered: (u64, Hash)) -> Hello {
        let at = |m: &ScopeMark| ScopeCursor {
            scope: m.scope,
            visible: m.revision,
            staged: m.revision,
            filled_to: None,
        };
        let cursors: Vec<_> = self.marks.iter().map(at).collect();
        let state = chain::state_hash(self.marks.iter());
        Hello { state, inbox: self.inbox, ..hello(&self.who, delivered, &cursors) }
    }

    fn remember(&mut self, heard: Heard) {
        for frame in &heard.frames {
            match frame {
                Down::Complete(complete) => {
                    let said = complete.checkpoint.as_ref().map(|c| c.marks.clone());
                    self.marks = said.unwrap_or(std::mem::take(&mut self.marks));
                }
                Down::Outcomes(all) => self.inbox = all.last().map_or(self.inbox, |o| o.sequence),
                _ => {}
            }
        }
        let bytes = heard.bytes;
        self.heard.extend(heard.frames.into_iter().map(|frame| (masked(frame), bytes)));
    }
}

fn write(record: RecordId, field: FieldId, value: &str) -> Vec<Op> {
    let field = FieldWrite { field, value: Value::Text(value.into()), over: Over::Creation };
    let fields = vec![field];
    vec![Op::Write(RecordWrites { record, kind: kind::MEMBER, create: None, under: None, fields })]
}

/// What happens elsewhere in the one province and not in the other: many acts of every sort, among them some that
/// reach for the node's own records, and one that a projection hides.
async fn elsewhere(house: &House, other: &mut Machine, seen: RecordId, own: RecordId, turn: u64) {
    let base = ELSEWHERE + 1_000 * (turn + 1);
    let scope = house.scopes[1];
    let mut acts: Vec<Vec<Op>> =
        (0..40).map(|n| vec![member(record_id(base + n), scope, "Nguyễn Thị Khác")]).collect();
    acts.extend((0..10).map(|n| write(record_id(base + n), PHONE, &format!("09{turn}000000{n}"))));
    acts.push(write(record_id(base), NAME, "Tên Mới"));
    acts.push(write(own, PHONE, "0999999999"));
    acts.push(write(seen, PHONE, &format!("098{turn}000000")));
    acts.push(vec![create(record_id(base + 99), kind::MEMBER, house.scopes[0], [])]);
    other.exchange(house, acts, &[own]).await;
    drop(house.admit(&[scope]));
}

/// All that one node hears in a province, in which something goes on elsewhere or does not.
async fn all_that_it_hears(busy: bool) -> Vec<(Down, u64)> {
    let dice = Arc::new(Loaded(AtomicU64::new(1)));
    let house = House::with(Patience::default(), Arc::new(Standing), dice).await;
    let (own, seen) = (record_id(1_001), record_id(ELSEWHERE));
    let mut node = Machine::new(house.admit(&[house.scopes[0], house.scopes[2]]));
    let mut peer = Machine::new(house.admit(&[house.scopes[0]]));
    let mut other = Machine::new(house.admit(&[house.scopes[1]]));
    let create = |n| vec![member(record_id(n), house.scopes[0], "Lê Văn Đây")];
    peer.exchange(&house, (1_001..1_020).map(create).collect(), &[]).await;
    let theirs = |n| vec![member(record_id(n), house.scopes[1], "Người Xa")];
    other.exchange(&house, (ELSEWHERE..ELSEWHERE + 3).map(theirs).collect(), &[]).await;
    show_to_node(&house, seen);
    let strangers = [record_id(ELSEWHERE + 1), record_id(987_654_321), seen, own];

    node.exchange(&house, vec![], &strangers).await;
    for turn in 0..3 {
        if busy {
            elsewhere(&house, &mut other, seen, own, turn).await;
        }
        node.exchange(&house, vec![], &strangers).await;
        let phone = format!("090{turn}111111");
        peer.exchange(&house, vec![write(record_id(1_002 + turn), PHONE, &phone)], &[]).await;
        if busy {
            elsewhere(&house, &mut other, seen, own, turn + 10).await;
        }
        let acts = vec![
            vec![member(record_id(2_000 + turn), house.scopes[2], "Phạm Thị Này")],
            write(own, PHONE, &format!("090{turn}222222")),
            // What it may not write is held in the same words, whether such a record exists or not.
            write(record_id(ELSEWHERE + 1_000 * (turn + 1)), PHONE, "0900000001"),
        ];
        node.exchange(&house, acts, &strangers).await;
    }
    assert_eq!(registry::verify(&house.store).expect("is read"), []);
    node.heard
}

/// The province shows the node a card of somebody who belongs elsewhere.
fn show_to_node(house: &House, record: RecordId) {
    let signer = Arc::new(Signer::from_seed(&[8; 32]).expect("a signer"));
    let province = registry::Province::new(AuthorId(0xffff), [9; 32], signer);
    let held = house.store.read_now(|tx| registry::record(tx, record)).expect("there");
    assert!(held.project(Projection::Visitor).field(PHONE).is_none(), "the card hides it");
    let op = Op::Place {
        record,
        kind: kind::MEMBER,
        scope: house.scopes[0],
        projection: Some(Projection::Visitor),
    };
    let deed = registry::Deed::change("tinh", None, vec![op]);
    let now_ms = house.clock.now_ms();
    let placed = house.store.write_now(|tx| registry::enact(tx, &province, deed.clone(), now_ms));
    placed.expect("placed");
}

/// Fault 31: nothing that a node hears depends on what it may not see. [I8]
/// Counterexample 12: no chain and no number over everybody's acts reaches a node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_elsewhere_changes_no_frame_and_no_length() {
    let (still, busy) = (all_that_it_hears(false).await, all_that_it_hears(true).await);
    let records = |all: &[(Down, u64)]| {
        let pages = all.iter().filter_map(|(f, _)| match f {
            Down::States(page) => Some(page.records.len()),
            _ => None,
        });
        pages.sum::<usize>()
    };
    assert!(records(&still) > 20, "the node hears of its own scopes");
    for (at, (one, other)) in still.iter().zip(&busy).enumerate() {
        assert_eq!(one, other, "frame {at}");
    }
    assert_eq!(still.len(), busy.len());
}
