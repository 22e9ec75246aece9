//! Arbitrary sequences of events into both halves of the conversation.

use dongbo_node::session::{Completed, Event as NodeEvent, Facts, Link, Session as NodeSession};
use dongbo_proto::frame::ScopeCursor;
use dongbo_proto::id::{AuthorId, Epoch, Hash, ScopeId};
use dongbo_proto::wire::{self, pb};
use dongbo_server::session::{
    Answer, CertificateAge, Event as ServerEvent, Positions, Presented, Session as ServerSession,
    View,
};
use prost::Message;

/// Events in one sequence: beyond these nothing new can come.
const EVENTS_MAX: usize = 200;
/// Instructions that one event may give: a page of frames and a little.
const STEPS_MAX: usize = 64;

/// A batch as the session sees it.
#[derive(Debug)]
struct Sent(u64, u64);

impl Positions for Sent {
    fn author(&self) -> AuthorId {
        AuthorId(1)
    }
    fn first(&self) -> u64 {
        self.0
    }
    fn last(&self) -> u64 {
        self.1
    }
}

/// Bytes as a stream of small decisions.
struct Tape<'d>(&'d [u8]);

impl<'d> Tape<'d> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A small number mostly, and the ends of the numbers sometimes.
    fn number(&mut self) -> u64 {
        match self.byte().unwrap_or(0) {
            254 => u64::MAX - 1,
            255 => u64::MAX,
            n => u64::from(n % 8),
        }
    }

    /// A block of so many bytes as the next one says.
    fn block(&mut self) -> &'d [u8] {
        let len = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (block, rest) = self.0.split_at(len);
        self.0 = rest;
        block
    }
}

/// Plays a sequence into a server's session and into a node's.
pub fn session(data: &[u8]) {
    let mut server = ServerSession::new(AuthorId(1), CertificateAge::Fresh, 1);
    let mut tape = Tape(data);
    for _ in 0..EVENTS_MAX {
        let Some(event) = server_event(&mut tape) else { break };
        assert!(server.on(event).len() <= STEPS_MAX);
    }
    let mut node =
        NodeSession::new(data.first().is_some_and(|b| b.is_multiple_of(2)), Link::default());
    let mut tape = Tape(data);
    for _ in 0..EVENTS_MAX {
        let Some(event) = node_event(&mut tape) else { break };
        assert!(node.on(event).len() <= STEPS_MAX);
    }
}

fn cursors(tape: &mut Tape<'_>) -> Vec<ScopeCursor> {
    let cursor = |scope| ScopeCursor {
        scope: ScopeId(scope),
        visible: tape.number(),
        staged: tape.number(),
        filled_to: None,
    };
    (0..2).map(cursor).collect()
}

fn server_event(tape: &mut Tape<'_>) -> Option<ServerEvent<Sent>> {
    Some(match tape.byte()? % 8 {
        0 | 1 => {
            let up = pb::UpFrame::decode(tape.block()).ok().map(wire::up_from_pb);
            ServerEvent::Frame(up.and_then(Result::ok).unwrap_or(dongbo_proto::frame::Up::Flush))
        }
        2 => {
            let first = tape.number();
            ServerEvent::Batch(Ok(Sent(first, first.saturating_add(tape.number()))))
        }
        3 => ServerEvent::Viewed(Some(Box::new(view(tape))), tape.number().cast_signed()),
        4 => ServerEvent::Paged(Ok(Box::new(Answer {
            cursors: cursors(tape),
            complete: tape.number().is_multiple_of(2).then(Vec::new),
            ..Answer::default()
        }))),
        5 => ServerEvent::News,
        6 => ServerEvent::Finished(Ok(Box::new(dongbo_proto::frame::Complete {
            checkpoint: None,
            token: [0; 16],
            server_ms: tape.number().cast_signed(),
            backed_up: tape.number(),
            come_back_s: 0,
        }))),
        _ => ServerEvent::Renewed(Ok(tape.block().to_vec())),
    })
}

fn view(tape: &mut Tape<'_>) -> View {
    View {
        position: tape.number(),
        head: Hash([tape.number() as u8; 32]),
        grants: Vec::new(),
        empty: vec![(ScopeId(1), tape.number())],
        revoked: tape.number() == 7,
        last_complete_ms: tape.number().cast_signed(),
        epoch: Epoch([tape.number() as u8; 16]),
        epoch_ms: tape.number().cast_signed(),
        ancestors: vec![Epoch([tape.number() as u8; 16])],
        backed_up: 0,
        presented: match tape.number() {
            1 => Presented::Stale,
            2 => Presented::Ahead,
            _ => Presented::Fits,
        },
    }
}

fn node_event(tape: &mut Tape<'_>) -> Option<NodeEvent> {
    Some(match tape.byte()? % 11 {
        0..=3 => {
            let down = pb::DownFrame::decode(tape.block()).ok().map(wire::down_from_pb);
            match down.and_then(Result::ok) {
                Some(down) => NodeEvent::Frame(down),
                None => NodeEvent::Saved,
            }
        }
        4 => NodeEvent::Started(Box::new(facts(tape)), tape.number().cast_signed()),
        5 => NodeEvent::Loaded(None),
        6 => NodeEvent::Completed(Completed {
            changed: 0,
            mismatched: (tape.number() == 1).then_some(ScopeId(1)).into_iter().collect(),
            in_step: false,
            overtaken: tape.number() == 1,
        }),
        7 => NodeEvent::Here([tape.number() as u8; 16], tape.number()),
        8 => {
            let chain = |_| (tape.number(), Hash([tape.number() as u8; 32]));
            NodeEvent::Chains((0..2).map(chain).collect())
        }
        9 => NodeEvent::OtherJournal,
        _ => NodeEvent::Request(tape.block().to_vec()),
    })
}

fn facts(tape: &mut Tape<'_>) -> Facts {
    Facts {
        author: AuthorId(1),
        forks: Vec::new(),
        schema: 1,
        epoch: Some(Epoch([tape.number() as u8; 16])),
        position: tape.number(),
        head: Hash([tape.number() as u8; 32]),
        acknowledged: tape.number(),
        acknowledged_head: Hash([tape.number() as u8; 32]),
        token: [0; 16],
        inbox: tape.number(),
        scopes: cursors(tape),
        state: [0; 16],
        grants: Vec::new(),
        last_server_ms: tape.number().cast_signed(),
    }
}
