//! Two sessions at a table, with a wire between them that may be slow or cut.

use std::collections::VecDeque;

use dongbo_node::session::{Do as NodeDo, End, Event as NodeEvent, Link, Session as NodeSession};
use dongbo_proto::frame::{Down, Stop, Up};
use dongbo_server::session::{
    Do as ServerDo, Event as ServerEvent, Presented, Session as ServerSession,
};

use crate::fakes::{AUTHOR, Province, Replica, Sent, head};

/// Steps after which a conversation counts as endless.
const STEPS_MAX: usize = 2_000;

/// A conversation under way, with what it leaves on both sides.
pub struct Table {
    pub node: NodeSession,
    pub server: ServerSession,
    pub replica: Replica,
    pub province: Province,
    pub up: VecDeque<Up>,
    pub down: VecDeque<Down>,
    pub live: bool,
    pub link: Link,
    pub end: Option<End>,
    pub rests: usize,
    pub closed: bool,
    /// Frames in the order in which they were sent.
    pub sent: Vec<Frame>,
    /// Instructions of the node that are put off: none but in tests of the order.
    pub flights: usize,
}

/// A frame as it was sent.
pub enum Frame {
    Up(Up),
    Down(Down),
}

impl Table {
    /// Both sit down; nothing is said yet.
    pub fn new(replica: Replica, province: Province, live: bool) -> Self {
        let link = Link::default();
        Table {
            node: NodeSession::new(live, link),
            server: ServerSession::new(AUTHOR, province.certificate, 1),
            replica,
            province,
            up: VecDeque::new(),
            down: VecDeque::new(),
            live,
            link,
            end: None,
            rests: 0,
            closed: false,
            sent: Vec::new(),
            flights: 0,
        }
    }

    /// A node that has just joined.
    pub fn fresh(live: bool) -> Self {
        let province = Province::new();
        Table::new(Replica::joined(&province), province, live)
    }

    /// A node that has been in step before.
    pub fn in_step(live: bool) -> Self {
        let mut table = Table::fresh(false);
        table.start();
        table.run();
        assert_eq!(table.end, Some(End::InStep));
        Table::new(table.replica, table.province, live)
    }

    /// The link is cut; both sides keep what is durable and sit down anew.
    pub fn cut(self) -> Self {
        let mut table = Table::new(self.replica, self.province, self.live);
        table.link = self.link;
        table.node = NodeSession::new(table.live, table.link);
        table
    }

    pub fn start(&mut self) {
        let facts = self.replica.facts();
        let now = self.province.now;
        self.node_event(NodeEvent::Started(Box::new(facts), now));
    }

    /// The office saves so many acts, without the session hearing of it.
    pub fn save(&mut self, acts: u64) {
        self.replica.position += acts;
    }

    /// The whole flight up arrives, then the whole flight down, until nothing is under way.
    pub fn run(&mut self) {
        let mut steps = 0;
        while !(self.up.is_empty() && self.down.is_empty()) && self.end.is_none() {
            self.flights += 1;
            while self.step_up() {
                steps += 1;
            }
            while self.step_down() {
                steps += 1;
            }
            assert!(steps < STEPS_MAX, "the conversation never ends");
        }
    }

    /// One frame reaches the server; whether there was one.
    pub fn step_up(&mut self) -> bool {
        let Some(frame) = self.up.pop_front() else { return false };
        if !self.closed {
            self.server_event(match frame {
                Up::Batch(batch) => ServerEvent::Batch(Ok(Sent(batch))),
                other => ServerEvent::Frame(other),
            });
        }
        true
    }

    /// One frame reaches the node; whether there was one.
    pub fn step_down(&mut self) -> bool {
        let Some(frame) = self.down.pop_front() else { return false };
        self.node_event(NodeEvent::Frame(frame));
        true
    }

    pub fn node_event(&mut self, event: NodeEvent) {
        let mut todo = VecDeque::from(self.node.on(event));
        while let Some(step) = todo.pop_front() {
            if let Some(answer) = self.node_does(step) {
                todo.extend(self.node.on(answer));
            }
        }
    }

    fn node_does(&mut self, step: NodeDo) -> Option<NodeEvent> {
        match step {
            NodeDo::Send(frame) => {
                self.sent.push(Frame::Up(frame.clone()));
                self.up.push_back(frame);
            }
            NodeDo::Load { after, .. } => return Some(NodeEvent::Loaded(self.replica.load(after))),
            NodeDo::StartOver => {
                let now = self.province.now;
                return Some(NodeEvent::Started(Box::new(self.replica.facts()), now));
            }
            NodeDo::Welcome(welcome) => self.replica.welcome(&welcome),
            NodeDo::Acknowledge(runs, receipt) => {
                if self.replica.acknowledge(&runs, &receipt).is_err() {
                    return Some(NodeEvent::OtherJournal);
                }
            }
            NodeDo::Stage { page, .. } => self.replica.stage(&page),
            NodeDo::Outcomes(outcomes) => self.replica.outcomes(&outcomes),
            NodeDo::Complete(complete) => {
                return Some(NodeEvent::Completed(self.replica.complete(&complete)));
            }
            NodeDo::LookAgain => return Some(NodeEvent::Looked(self.replica.position)),
            NodeDo::FindProof => return Some(NodeEvent::Proof(Box::new(self.replica.proof()))),
            NodeDo::LookWhere => {
                return Some(NodeEvent::Here(self.replica.token, self.replica.position));
            }
            NodeDo::Chains(positions) => {
                return Some(NodeEvent::Chains(self.replica.chains(&positions)));
            }
            NodeDo::Fork(common) => self.replica.fork(common),
            NodeDo::MakeRequest => return Some(NodeEvent::Request(vec![0x30])),
            NodeDo::KeepCertificate(_) => self.replica.certificate += 1,
            NodeDo::ShowHistory(..) => self.replica.histories += 1,
            NodeDo::Rest => self.rests += 1,
            NodeDo::End(end) => self.end = Some(end),
        }
        None
    }

    pub fn server_event(&mut self, event: ServerEvent<Sent>) {
        let mut todo = VecDeque::from(self.server.on(event));
        while let Some(step) = todo.pop_front() {
            if let Some(answer) = self.server_does(step) {
                todo.extend(self.server.on(answer));
            }
        }
    }

    /// Performs one instruction of the server and gives its answer.
    pub fn server_does(&mut self, step: ServerDo<Sent>) -> Option<ServerEvent<Sent>> {
        let province = &mut self.province;
        Some(match step {
            ServerDo::Adopt(known) => {
                province.adopt(known);
                return None;
            }
            ServerDo::BeginAgain => {
                province.presented = Presented::Fits;
                province.begin_again();
                return None;
            }
            ServerDo::Chain(positions) => {
                let held = |at: &u64| (*at <= province.position).then(|| head(*at, province.life));
                ServerEvent::Chain(positions.iter().map(held).collect())
            }
            ServerDo::Fork(fork) => ServerEvent::Forked(province.fork(&fork, self.replica.life)),
            ServerDo::View(author, _) => {
                let view = province.knows(author).then(|| Box::new(province.view()));
                ServerEvent::Viewed(view, province.now)
            }
            ServerDo::Send(frame) => {
                self.sent.push(Frame::Down((*frame).clone()));
                self.down.push_back(*frame);
                return None;
            }
            ServerDo::Receive(batch, _) => ServerEvent::Received(province.receive(&batch.0)),
            ServerDo::Page(ask) => ServerEvent::Paged(Ok(Box::new(province.page(&ask)))),
            ServerDo::Receipt(runs) => ServerEvent::Receipt(runs, Box::new(province.receipt())),
            ServerDo::Finish(marks, _) => {
                ServerEvent::Finished(Ok(Box::new(province.finish(marks))))
            }
            ServerDo::Confirm(token, _) => {
                province.confirmed = Some(token);
                return None;
            }
            ServerDo::Judge(proof) => ServerEvent::Judged(province.judge(&proof)),
            ServerDo::Renew(_) => {
                province.certificate = dongbo_server::session::CertificateAge::Fresh;
                ServerEvent::Renewed(Ok(vec![0x31]))
            }
            ServerDo::History(record) => ServerEvent::History(record, Vec::new()),
            ServerDo::Close => {
                self.closed = true;
                return None;
            }
        })
    }

    /// Stops that the server sent.
    pub fn stops(&self) -> Vec<Stop> {
        let stop = |frame: &Frame| match frame {
            Frame::Down(Down::Stop(stop)) => Some(*stop),
            _ => None,
        };
        self.sent.iter().filter_map(stop).collect()
    }

    /// Everything is delivered and heard, once.
    pub fn assert_in_step(&self) {
        let (replica, province) = (&self.replica, &self.province);
        assert_eq!(replica.acknowledged, replica.position, "everything is acknowledged");
        assert_eq!(province.position, replica.position, "everything is delivered");
        assert_eq!(province.merged.len() as u64, province.position, "each act merged once");
        assert!(replica.unsettled.is_empty(), "base has reached every act");
        assert_eq!(replica.inbox, province.outcomes.len() as u64, "every outcome is here");
        for (scope, log) in &province.scopes {
            let held = &replica.scopes[scope];
            assert_eq!(
                held.heard,
                (1..=log.len() as u64).collect(),
                "scope {scope} is heard, once"
            );
        }
        assert_eq!(province.confirmed, Some(replica.token), "the token is confirmed");
    }
}
