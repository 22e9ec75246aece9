//! A server that its nodes must not believe. It has a certificate of the province, for the network between may be
//! anyone's; what it cannot have is the past that the node remembers, and in most tests the signing key.
//!
//! Each lie is told over real TLS to the real node, which must keep what it has, say what is wrong, and be in step
//! with the honest server at its next exchange.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use dongbo_node::exchange::ExchangeError;
use dongbo_node::exchange::fault::LinkFault;
use dongbo_node::replica::{Replica, ReplicaError, Word};
use dongbo_node::session::End;
use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::kind;
use dongbo_proto::fate::{Checkpoint, Fate, Outcome, Receipt, ScopeMark};
use dongbo_proto::frame::{AckRun, Complete, Down, Grant, Hello, Standing, States, Up, Welcome};
use dongbo_proto::id::{ActId, AuthorId, Epoch, Hash, ScopeId};
use dongbo_proto::limits::{self, COME_BACK_S_MAX};
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_proto::wire::pb::exchange_server::{Exchange, ExchangeServer};
use dongbo_proto::wire::{self, WireError, pb};
use dongbo_server::ca::{CA_VALIDITY_S, Ca, ServerIdentity};
use dongbo_server::service::accept::{AcceptLimits, accept};
use dongbo_server::service::table::ConnectionTable;
use dongbo_server::service::tls::ServerTls;
use futures::Stream;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::house::{House, NAME, Office, record_id};

/// What the liar says when it has heard Hello.
type Script = Arc<dyn Fn(&Hello) -> Vec<pb::DownFrame> + Send + Sync>;

/// It says its lines after each Hello, and listens.
struct Liar(Script);

#[tonic::async_trait]
impl Exchange for Liar {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<pb::DownFrame, Status>> + Send>>;

    async fn exchange(
        &self,
        request: Request<Streaming<pb::UpFrame>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let (script, mut up) = (self.0.clone(), request.into_inner());
        let (down, lines) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok(Some(frame)) = up.message().await {
                let hello = match wire::up_from_pb(frame) {
                    Ok(Up::Hello(hello)) => hello,
                    // It cannot say what it does not know, and hangs up.
                    Ok(Up::AskChain(_)) => return,
                    _ => continue,
                };
                for line in script(&hello) {
                    if down.send(Ok(line)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(lines))))
    }
}

/// Serves lies with an identity that the province's authority signed, or another's.
async fn lies(identity: &ServerIdentity, script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let tls = Arc::new(ServerTls::new(identity).expect("tls"));
    let (out, run) =
        accept(listener, tls, ConnectionTable::new(), AcceptLimits::default(), Default::default());
    tokio::spawn(run);
    let service = ExchangeServer::new(Liar(script)).max_encoding_message_size(usize::MAX);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(out.main));
    address
}

type Told = Result<dongbo_node::exchange::converse::Outcome, ExchangeError>;

/// Tells the office these lines, and checks that the office kept all that it had.
async fn tell(
    house: &House,
    office: &mut Office,
    lines: impl Fn(&Hello) -> Vec<Down> + Send + Sync + 'static,
) -> Told {
    // Whoever has the server's key can name a token; a garbled one would only cost an invitation.
    let with_token = |hello: &Hello, line: Down| match line {
        Down::Complete(complete) => Down::Complete(Complete { token: hello.token, ..complete }),
        line => line,
    };
    tell_pb(house, office, move |hello| {
        let lines = lines(hello).into_iter();
        lines.map(|line| wire::down_to_pb(&with_token(hello, line))).collect()
    })
    .await
}

async fn tell_pb(
    house: &House,
    office: &mut Office,
    script: impl Fn(&Hello) -> Vec<pb::DownFrame> + Send + Sync + 'static,
) -> Told {
    let before = memory(&office.replica);
    let at = lies(&house.identity, Arc::new(script)).await;
    let told = office.exchange(at).await;
    let after = memory(&office.replica);
    assert_eq!(before, after, "nothing that it had was overwritten: {told:?}");
    assert_eq!(office.replica.verify().expect("is read"), []);
    told
}

/// What a node must not lose or unlearn: its acts, its receipt, its records, its scopes.
fn memory(replica: &Replica) -> (u64, Option<Receipt>, Vec<ScopeMark>, Vec<Record>) {
    let status = replica.status().expect("a status");
    let mut records = Vec::new();
    let keep = |record| {
        records.push(record);
        Ok(())
    };
    replica.each(kind::MEMBER, keep).expect("records");
    let marks = replica.digests().expect("digests");
    (status.equation.entered, status.receipt, marks, records)
}

fn welcome(hello: &Hello) -> Welcome {
    Welcome {
        epoch: hello.epoch.expect("an epoch"),
        ancestors: Vec::new(),
        position: hello.acknowledged,
        head: None,
        server_ms: 1_800_000_000_000,
        schema: 1,
        standing: Standing::Good,
        grants: None,
    }
}

fn complete(checkpoint: Option<Checkpoint>) -> Complete {
    Complete {
        checkpoint,
        token: [5; 16],
        server_ms: 1_800_000_000_000,
        backed_up: 0,
        come_back_s: 0,
    }
}

fn checkpoint(signer: &Signer, epoch: Epoch, marks: Vec<ScopeMark>) -> Checkpoint {
    let mut made = Checkpoint { epoch, at_ms: 1_800_000_000_000, marks, signature: Vec::new() };
    made.signature = signer.sign(&made.signed_bytes()).to_vec();
    made
}

fn own_signer(house: &House) -> Signer {
    Signer::from_pkcs8(house.identity.pkcs8()).expect("a signer")
}

fn stranger() -> Signer {
    Signer::from_seed(&[3; 32]).expect("a signer")
}

/// A record that an honest server never made.
fn invented(home: ScopeId, number: u64) -> Record {
    let origin = Origin {
        act: ActId::new(AuthorId(77), 1),
        stamp: Stamp::new(1_700_000_000_000, 0),
        rank: Rank::Province,
    };
    let head = Head::new(origin, Value::Text("Người Bịa Ra".into()));
    Record {
        id: record_id(number),
        kind: kind::MEMBER,
        created: origin,
        placed: None,
        home,
        fields: vec![(NAME, FieldState::sole(head))],
    }
}

fn page(scope: ScopeId, from: u64, to: u64, filling: bool, records: Vec<Record>) -> Down {
    let records = records.into_iter().map(|r| (Projection::Home, r)).collect();
    Down::States(States { scope, from, to, filling, records, gone: Vec::new() })
}

fn word(told: &Told) -> Option<Word> {
    match told {
        Err(ExchangeError::Replica(ReplicaError::Word(word))) => Some(*word),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_authority_is_refused_in_the_handshake() {
    let house = House::open().await;
    let mut office = house.office().await;
    let other = Ca::create("Tỉnh Thử", CA_VALIDITY_S, 1_700_000_000).expect("an authority");
    let identity = other.issue_server(&[], 1_700_000_000).expect("an identity");
    let at = lies(&identity, Arc::new(|_: &Hello| Vec::new())).await;
    let told = office.exchange(at).await;
    let refused = matches!(told, Err(ExchangeError::Link(LinkFault::WrongAuthority)));
    assert!(refused, "{told:?}");
    house.proves(&mut office).await;
}

/// Pages of a scope that the node does not hold are passed over, and pages that it does hold
/// become visible by a signed checkpoint only.
/// Fault 32: pages that are not its own never become visible. [I8]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_scopes_data_and_unsigned_pages_never_become_visible() {
    let house = House::open().await;
    let mut office = house.office().await;
    let (own, other) = (house.scopes[0], house.scopes[1]);
    let told = tell(&house, &mut office, move |hello| {
        let at = hello.scopes.iter().find(|s| s.scope == own).map_or(1, |s| s.visible);
        vec![
            Down::Welcome(welcome(hello)),
            page(other, 0, 9, true, vec![invented(other, 1_000_001)]),
            page(ScopeId(4_000_000_000), 0, 9, true, vec![invented(other, 1_000_002)]),
            page(other, 1, u64::MAX, false, vec![invented(other, 1_000_003)]),
            page(own, at, at + 1, false, vec![invented(own, 1_000_004)]),
            Down::Complete(complete(None)),
        ]
    })
    .await;
    assert!(told.is_ok(), "{told:?}");
    for number in 1_000_001..=1_000_004 {
        let shown = office.replica.record(record_id(number)).expect("is read");
        assert!(shown.is_none(), "{number} is shown");
    }
    // The staged lie makes the digest differ, so the scope is filled again by the honest server.
    let outcome = office.exchange(house.address).await.expect("an exchange");
    assert_eq!(outcome.end, End::InStep);
    assert!(office.replica.record(record_id(1_000_004)).expect("is read").is_none());
    house.proves(&mut office).await;
}

/// It would be counted to a scope that no filling of this one could clean.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_at_home_elsewhere_is_not_taken_in() {
    let house = House::open().await;
    let mut office = house.office().await;
    let (own, other) = (house.scopes[0], house.scopes[1]);
    for (seen, home) in [(Projection::Home, other), (Projection::Visitor, own)] {
        let told = tell(&house, &mut office, move |hello| {
            let at = hello.scopes.iter().find(|s| s.scope == own).map_or(1, |s| s.visible);
            let records = vec![(seen, invented(home, 1_000_005))];
            let (filling, gone) = (false, Vec::new());
            let page = States { scope: own, from: at, to: at + 1, filling, records, gone };
            let states = Down::States(page);
            vec![Down::Welcome(welcome(hello)), states, Down::Complete(complete(None))]
        })
        .await;
        assert_eq!(word(&told), Some(Word::PageMisplaced), "{told:?}");
    }
    house.proves(&mut office).await;
}

/// Fault 32: a checkpoint that takes the past back is refused. [I10 I12]
/// Counterexample 33: a node holds its receipts and checkpoints against each other by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_takes_the_past_back_is_refused() {
    let house = House::open().await;
    let mut office = house.office().await;
    let marks = office.replica.digests().expect("digests");
    let epoch = office.enrolled.identity.epoch;
    type Lie = fn(&mut ScopeMark);
    let lies: Vec<(Lie, bool, Word)> = vec![
        (|m| m.revision -= 1, true, Word::CheckpointWentBack),
        (|m| m.revision = 0, true, Word::CheckpointWentBack),
        (|m| m.chain = Hash([9; 32]), true, Word::CheckpointWentBack),
        (|m| m.revision += 1, false, Word::CheckpointSignature),
    ];
    for (lie, signed, expected) in lies {
        let mut marks = marks.clone();
        marks.iter_mut().filter(|m| m.revision > 1).for_each(lie);
        let signer = if signed { own_signer(&house) } else { stranger() };
        let lie = checkpoint(&signer, epoch, marks);
        let told = tell(&house, &mut office, move |hello| {
            vec![Down::Welcome(welcome(hello)), Down::Complete(complete(Some(lie.clone())))]
        })
        .await;
        assert_eq!(word(&told), Some(expected), "{told:?}");
    }
    let foreign = checkpoint(&own_signer(&house), Epoch([8; 16]), marks);
    let told = tell(&house, &mut office, move |hello| {
        vec![Down::Welcome(welcome(hello)), Down::Complete(complete(Some(foreign.clone())))]
    })
    .await;
    assert_eq!(word(&told), Some(Word::CheckpointForOther));
    house.proves(&mut office).await;
}

/// Acts count as delivered by a signed receipt for exactly this journal, and by nothing else.
/// Fault 32: a receipt without the province's signature delivers nothing. [I3 I10]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_lie_deliver_nothing() {
    let house = House::open().await;
    let mut office = house.office().await;
    office.add_member(500_000);
    let facts = office.replica.facts().expect("facts");
    let last = facts.position;
    let honest = Receipt {
        epoch: office.enrolled.identity.epoch,
        author: office.enrolled.author,
        position: last,
        chain: facts.head,
        merged: last,
        held: 0,
        refused: 0,
        at_ms: 1_800_000_000_000,
        signature: Vec::new(),
    };
    type Lie = fn(&mut Receipt);
    let lies: Vec<(Lie, bool, Word)> = vec![
        (|_| {}, false, Word::ReceiptSignature),
        (|r| r.author = AuthorId(1), true, Word::ReceiptForOther),
        (|r| r.epoch = Epoch([8; 16]), true, Word::ReceiptForOther),
        (|r| r.chain = Hash([9; 32]), true, Word::ReceiptMismatch),
        (|r| r.position += 1_000_000, true, Word::ReceiptMismatch),
        (|r| r.position = u64::MAX, true, Word::ReceiptMismatch),
        (|r| r.merged += 1, true, Word::ReceiptSum),
        (|r| (r.merged, r.held) = (u64::MAX, u64::MAX), true, Word::ReceiptSum),
    ];
    for (lie, signed, expected) in lies {
        let mut receipt = honest.clone();
        lie(&mut receipt);
        let signer = if signed { own_signer(&house) } else { stranger() };
        receipt.signature = signer.sign(&receipt.signed_bytes()).to_vec();
        let told = tell(&house, &mut office, move |hello| {
            vec![Down::Welcome(welcome(hello)), Down::Acks(Vec::new(), Box::new(receipt.clone()))]
        })
        .await;
        match expected {
            // Of another journal: it is asked since when, and has nothing to say.
            Word::ReceiptMismatch => assert!(matches!(told, Err(ExchangeError::Cut)), "{told:?}"),
            expected => assert_eq!(word(&told), Some(expected), "{told:?}"),
        }
        assert_eq!(office.replica.equation().expect("an equation").unsent, 1);
    }
    house.proves(&mut office).await;
}

/// Acknowledgements of acts that were never made, behind an honest receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_that_lie_are_refused() {
    let house = House::open().await;
    let mut office = house.office().await;
    let receipt = office.replica.status().expect("a status").receipt.expect("a receipt");
    let run = |first, count| AckRun {
        first,
        fate: Fate::Merged { as_written: true },
        at: vec![(ScopeId(1), u64::MAX - u64::from(count))],
        rank: Rank::Home,
        count,
        stamps: None,
    };
    for run in [
        run(receipt.position + 1, 1),
        run(receipt.position + 5, 1),
        run(u64::MAX - 9, 9),
        run(1, u32::MAX),
    ] {
        let receipt = receipt.clone();
        let told = tell(&house, &mut office, move |hello| {
            vec![
                Down::Welcome(welcome(hello)),
                Down::Acks(vec![run.clone()], Box::new(receipt.clone())),
            ]
        })
        .await;
        assert_eq!(word(&told), Some(Word::AckGap), "{told:?}");
    }
    let outcome = Outcome {
        sequence: 7,
        act: ActId::new(AuthorId(1), 1),
        fate: Fate::Merged { as_written: true },
        text: String::new(),
        at_ms: 0,
    };
    let told = tell(&house, &mut office, move |hello| {
        vec![Down::Welcome(welcome(hello)), Down::Outcomes(vec![outcome.clone()])]
    })
    .await;
    assert_eq!(word(&told), Some(Word::InboxGap), "{told:?}");
    house.proves(&mut office).await;
}

/// It asks for everything again, says that it holds more than was made, or that it is another province.
/// Fault 32: a server with another past is named and not followed. [I12]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_past_is_named_and_not_followed() {
    let house = House::open().await;
    let mut office = house.office().await;
    let told = tell(&house, &mut office, |hello| {
        vec![Down::Welcome(Welcome { position: 0, head: Some(Hash::default()), ..welcome(hello) })]
    })
    .await;
    assert!(matches!(told.expect("an end").end, End::WentBack { held: 0, .. }));
    let told = tell(&house, &mut office, |hello| {
        vec![Down::Welcome(Welcome { position: u64::MAX, ..welcome(hello) })]
    })
    .await;
    // Asked since when, it has nothing to say.
    assert!(matches!(told, Err(ExchangeError::Cut)), "{told:?}");
    let told = tell(&house, &mut office, |hello| {
        let ancestors = vec![Epoch([1; 16]), Epoch([2; 16])];
        vec![Down::Welcome(Welcome {
            epoch: Epoch([9; 16]),
            ancestors,
            position: 0,
            ..welcome(hello)
        })]
    })
    .await;
    assert!(matches!(told.expect("an end").end, End::TwoServers { .. }));
    // The same position and another hash: greeting again and again brings nothing on.
    let told = tell(&house, &mut office, |hello| {
        vec![Down::Welcome(Welcome { head: Some(Hash([4; 32])), ..welcome(hello) })]
    })
    .await;
    assert_eq!(told.expect("an end").end, End::Confused);
    house.proves(&mut office).await;
}

/// Times at the ends of time, pauses for ever, and answers that nobody asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_at_their_ends_and_unasked_answers_do_no_harm() {
    let house = House::open().await;
    let mut office = house.office().await;
    for server_ms in [i64::MIN, i64::MAX, 0, -1] {
        let told = tell(&house, &mut office, move |hello| {
            vec![Down::Welcome(Welcome { server_ms, head: Some(Hash([4; 32])), ..welcome(hello) })]
        })
        .await;
        assert_eq!(told.expect("an end").end, End::Confused);
    }
    let told = tell(&house, &mut office, |hello| {
        let forever = Complete { come_back_s: u32::MAX, ..complete(None) };
        vec![Down::Welcome(welcome(hello)), Down::Complete(forever)]
    })
    .await;
    let asked = told.expect("an end").come_back_s;
    assert!(asked <= COME_BACK_S_MAX, "{asked} s");
    // A history that nobody asked for says nothing of being in step.
    let told = tell(&house, &mut office, |hello| {
        vec![
            Down::Welcome(welcome(hello)),
            Down::History(record_id(1), Vec::new()),
            Down::Stop(dongbo_proto::frame::Stop::Busy),
        ]
    })
    .await;
    assert_eq!(told.expect("an end").end, End::Stopped(dongbo_proto::frame::Stop::Busy));
    house.proves(&mut office).await;
}

/// A certificate that is none, or another's, would lock the node out for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_its_own_is_not_kept() {
    let house = House::open().await;
    let mut office = house.office().await;
    let other = house.admit(&[house.scopes[0]]).certificate;
    for standing in [Standing::Good, Standing::Renew] {
        for der in [vec![], vec![0x30; 400], other.clone()] {
            let told = tell(&house, &mut office, move |hello| {
                vec![
                    Down::Welcome(Welcome { standing, ..welcome(hello) }),
                    Down::Certificate(der.clone()),
                    Down::Complete(complete(None)),
                ]
            })
            .await;
            let kept = told.as_ref().is_ok_and(|outcome| outcome.certificate.is_some());
            assert!(!kept, "{told:?}");
        }
    }
    house.proves(&mut office).await;
}

/// A page that expands beyond every limit, pages that are no pages, and frames that are no frames.
/// Fault 29: a node unpacks no bomb of a server. [I14]
/// Fault 32: noise of a server is refused whole. [I13 I14]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_and_noise_from_a_server_are_refused_whole() {
    let house = House::open().await;
    let mut office = house.office().await;
    let bomb = zstd::bulk::compress(&vec![0; 128 * 1024 * 1024], 3).expect("zstd");
    let own = house.scopes[0].0;
    for raw_len in [1_000, limits::BATCH_RAW_BYTES_MAX as u32, u32::MAX] {
        let bomb = bomb.clone();
        let told = tell_pb(&house, &mut office, move |hello| {
            let body = bomb.clone();
            let states = pb::States { scope: own, from: 0, to: 9, filling: true, body, raw_len };
            let frame = pb::down_frame::Frame::States(states);
            vec![
                wire::down_to_pb(&Down::Welcome(welcome(hello))),
                pb::DownFrame { frame: Some(frame), ..Default::default() },
            ]
        })
        .await;
        assert!(matches!(told, Err(ExchangeError::Wire(_))), "{told:?}");
    }
    let told = tell_pb(&house, &mut office, |_| vec![pb::DownFrame::default()]).await;
    assert!(matches!(told, Err(ExchangeError::Wire(WireError::UnknownFrame))), "{told:?}");
    let told = tell_pb(&house, &mut office, |hello| {
        let huge = pb::down_frame::Frame::Certificate(vec![0; limits::MESSAGE_BYTES_MAX + 1]);
        vec![
            wire::down_to_pb(&Down::Welcome(welcome(hello))),
            pb::DownFrame { frame: Some(huge), ..Default::default() },
        ]
    })
    .await;
    assert!(told.is_err(), "{told:?}");
    house.proves(&mut office).await;
}

/// Grants without end, and grants that it holds taken away by nobody's signature, cost no record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_scopes_without_end_is_refused() {
    let house = House::open().await;
    let mut office = house.office().await;
    let grants: Vec<Grant> = (0..limits::NODE_SCOPES_MAX as u32 + 1)
        .map(|n| Grant { scope: ScopeId(n), code: "x".into(), name: "y".into() })
        .collect();
    let told = tell(&house, &mut office, move |hello| {
        vec![Down::Welcome(Welcome { grants: Some(grants.clone()), ..welcome(hello) })]
    })
    .await;
    assert!(matches!(told, Err(ExchangeError::Wire(WireError::TooLarge))), "{told:?}");
    house.proves(&mut office).await;
}
