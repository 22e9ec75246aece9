//! The state machine itself. `on` reads as the protocol.

use std::collections::VecDeque;

use dongbo_proto::fate::Receipt;
use dongbo_proto::frame::{
    AckRun, Batch, Complete, Down, Hello, Standing, Stop, Token, Up, Welcome,
};
use dongbo_proto::id::{Hash, RecordId};
use dongbo_proto::stamp::UnixMs;

use super::apart::Search;
use super::{Completed, Do, End, Event, Facts, Link};

/// Greetings in one conversation that may bring nothing on: belief and journal agree after one or
/// two, so more than these means that the two sides will never agree.
const FRUITLESS_MAX: u8 = 3;

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Hello is on its way.
    Greeting,
    /// Welcome came and agreed; acts go up and answers come down.
    Exchanging,
    /// All was said once; the stream stays open.
    Resting,
    /// Over.
    Ended,
}

/// One conversation with the server.
#[derive(Clone, Debug)]
pub struct Session {
    stage: Stage,
    live: bool,
    link: Link,
    facts: Option<Facts>,
    standing: Standing,
    /// The last position sent.
    sent: u64,
    /// The position up to which this conversation has said what became of the acts.
    heard: u64,
    /// The last position of each batch under way.
    under_way: VecDeque<u64>,
    /// A [`Do::Load`] is unanswered.
    loading: bool,
    /// Loads of a conversation that has started over since, whose answers are passed over.
    stale_loads: u32,
    /// Flush was sent for all that is sent.
    flushed: bool,
    /// Something was saved since the last load.
    saved: bool,
    /// A `Complete` was taken in, and nothing was sent since.
    all_said: bool,
    token: Option<[u8; 16]>,
    inbox: u64,
    /// Acknowledgements that were lost are on their way up to this position; then start over.
    awaited: Option<u64>,
    /// A certificate request is unanswered.
    renewing: bool,
    /// Everything else is said: end when the certificate is here.
    waiting: bool,
    /// Digests differed once in this conversation; the scopes are being filled again.
    refilling: bool,
    /// The conversation started over: frames of before may still come down until Welcome.
    restarted: bool,
    /// The position that Welcome said, where it was more than Hello's.
    doubted: u64,
    /// The server was shown in this conversation what it signed.
    proven: bool,
    /// Greetings since anything last moved.
    fruitless: u8,
    /// The machine is not where the server left it: the search for the last common position.
    apart: Option<Search>,
    /// This conversation has forked the journal.
    forked: bool,
    /// Histories that are asked for once both sides agree.
    wanted: Vec<RecordId>,
}

impl Session {
    /// A conversation that has not begun; `live` keeps the stream open afterwards.
    pub fn new(live: bool, link: Link) -> Self {
        Session {
            stage: Stage::Greeting,
            live,
            link,
            facts: None,
            standing: Standing::Good,
            sent: 0,
            heard: 0,
            under_way: VecDeque::new(),
            loading: false,
            stale_loads: 0,
            flushed: false,
            saved: false,
            all_said: false,
            token: None,
            inbox: 0,
            awaited: None,
            renewing: false,
            waiting: false,
            refilling: false,
            restarted: false,
            doubted: 0,
            proven: false,
            fruitless: 0,
            apart: None,
            forked: false,
            wanted: Vec::new(),
        }
    }

    /// The last position sent in this conversation.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What to do about an event. After [`Do::End`] nothing follows.
    pub fn on(&mut self, event: Event) -> Vec<Do> {
        if self.stage == Stage::Ended {
            return Vec::new();
        }
        match event {
            Event::Started(facts, now) => self.start(*facts, now),
            Event::Loaded(batch) => self.loaded(batch),
            Event::Completed(done) => self.completed(done),
            Event::Looked(position) if position >= self.doubted => vec![Do::StartOver],
            Event::Looked(_) => self.search(),
            Event::Here(token, position) => self.here(token, position),
            Event::Chains(here) => self.compare(here),
            Event::CannotAsk => self.end(End::Rewound),
            Event::OtherJournal => self.look_where(),
            Event::WentBack => self.went_back(),
            Event::Proof(proof) => vec![Do::Send(Up::Prove(proof)), Do::StartOver],
            Event::Request(csr) => vec![Do::Send(Up::Renew(csr))],
            Event::Saved => self.saved(),
            Event::WantHistory(record) => self.want(record),
            Event::Frame(down) => self.frame(down),
        }
    }

    fn frame(&mut self, down: Down) -> Vec<Do> {
        match (down, self.stage) {
            (Down::Stop(stop), _) => self.end(End::Stopped(stop)),
            (Down::ComeBack(_), _) => self.end(End::Stopped(Stop::Busy)),
            (Down::Welcome(welcome), Stage::Greeting) => self.welcome(welcome),
            // Of the journal that the server holds, while it is asked how far that is this one.
            (Down::Acks(..) | Down::Apart, _) if self.apart.is_some() => Vec::new(),
            (Down::Acks(_, receipt), _) if self.is_of_before(&receipt) => Vec::new(),
            (Down::Acks(runs, receipt), _) => self.acks(runs, receipt),
            (Down::Outcomes(_), Stage::Greeting) if self.restarted => Vec::new(),
            (Down::Outcomes(outcomes), _) => {
                self.inbox = outcomes.last().map_or(self.inbox, |o| o.sequence);
                vec![Do::Outcomes(outcomes)]
            }
            (Down::Certificate(der), _) if self.renewing => self.renewed(der),
            (Down::States(page), Stage::Exchanging | Stage::Resting) => {
                vec![Do::Stage { page: Box::new(page), known: self.heard }]
            }
            (Down::Complete(all), Stage::Exchanging | Stage::Resting) => self.complete(all),
            (Down::Apart, _) => self.look_where(),
            (Down::Chain(theirs), Stage::Greeting) => self.learn(&theirs),
            (Down::History(record, items), Stage::Exchanging | Stage::Resting) => {
                vec![Do::ShowHistory(record, items)]
            }
            // Sent before the server heard the second Hello, whose answer says it all again.
            (Down::States(_) | Down::Complete(_), Stage::Greeting) if self.restarted => Vec::new(),
            (Down::History(record, items), Stage::Greeting) if self.restarted => {
                vec![Do::ShowHistory(record, items)]
            }
            _ => self.end(End::Confused),
        }
    }

    fn want(&mut self, record: RecordId) -> Vec<Do> {
        if self.stage == Stage::Greeting {
            self.wanted.push(record);
            return Vec::new();
        }
        vec![Do::Send(Up::AskHistory(record))]
    }

    /// Hello, and at once the acts that are believed to be missing.
    fn start(&mut self, facts: Facts, now: UnixMs) -> Vec<Do> {
        if self.is_fruitless(&facts) {
            return self.end(End::Confused);
        }
        self.stage = Stage::Greeting;
        (self.sent, self.heard) = (facts.acknowledged, facts.acknowledged);
        self.inbox = facts.inbox;
        self.under_way.clear();
        (self.flushed, self.saved, self.all_said, self.awaited) = (false, false, false, None);
        self.stale_loads += u32::from(std::mem::take(&mut self.loading));
        let hello = Hello {
            author: facts.author,
            schema: facts.schema,
            epoch: facts.epoch,
            position: facts.position,
            head: facts.head,
            acknowledged: facts.acknowledged,
            acknowledged_head: facts.acknowledged_head,
            local_ms: now,
            token: facts.token,
            inbox: facts.inbox,
            scopes: facts.scopes.clone(),
            state: facts.state,
            live: self.live,
            flush: facts.position <= facts.acknowledged,
        };
        self.flushed = hello.flush;
        let mut todo: Vec<Do> = facts.forks.iter().map(|f| Do::Send(Up::Fork(*f))).collect();
        self.facts = Some(facts);
        todo.push(Do::Send(Up::Hello(hello)));
        if !self.flushed {
            todo.extend(self.load());
        }
        todo
    }

    /// Whether the conversation has greeted again and again and nothing moved.
    fn is_fruitless(&mut self, facts: &Facts) -> bool {
        let belief = |f: &Facts| (f.author, f.epoch, f.acknowledged, f.acknowledged_head);
        match &self.facts {
            Some(before) if belief(before) == belief(facts) => self.fruitless += 1,
            _ => self.fruitless = 0,
        }
        self.restarted = self.facts.is_some();
        self.fruitless > FRUITLESS_MAX
    }

    fn load(&mut self) -> Vec<Do> {
        // What is sent before the second Hello is passed over.
        let idle = self.loading || self.awaited.is_some();
        if idle || self.under_way.len() >= self.link.in_flight_max() {
            return Vec::new();
        }
        self.loading = true;
        vec![Do::Load { after: self.sent, bytes_max: self.link.bytes_max() }]
    }

    fn flush(&mut self) -> Vec<Do> {
        if self.flushed {
            return Vec::new();
        }
        self.flushed = true;
        vec![Do::Send(Up::Flush)]
    }

    fn loaded(&mut self, batch: Option<Batch>) -> Vec<Do> {
        if self.stale_loads > 0 {
            self.stale_loads -= 1;
            return Vec::new();
        }
        self.loading = false;
        match batch {
            Some(batch) => {
                self.sent = batch.last();
                self.under_way.push_back(self.sent);
                (self.flushed, self.all_said) = (false, false);
                let mut todo = vec![Do::Send(Up::Batch(batch))];
                todo.extend(self.load());
                todo
            }
            None if std::mem::take(&mut self.saved) => self.load(),
            None if self.flushed => self.rest(),
            None => self.flush(),
        }
    }

    fn welcome(&mut self, welcome: Welcome) -> Vec<Do> {
        let Some(facts) = self.facts.clone() else { return self.end(End::Confused) };
        let known = facts.epoch.filter(|e| *e != welcome.epoch);
        if let Some(known) = known.filter(|e| !welcome.ancestors.contains(e)) {
            return self.end(End::TwoServers { known, met: welcome.epoch });
        }
        if known.is_none() && welcome.position > facts.position {
            // Unless a file on a stick has delivered what was saved since Hello.
            self.doubted = welcome.position;
            return vec![Do::LookAgain];
        }
        if known.is_none() && welcome.position < facts.acknowledged {
            if !self.proven {
                return self.prove();
            }
            let (acknowledged, held) = (facts.acknowledged, welcome.position);
            return self.end(End::WentBack { acknowledged, held });
        }
        self.standing = welcome.standing;
        let agrees = known.is_none()
            && welcome.position == facts.acknowledged
            && welcome.head.is_none_or(|head| head == facts.acknowledged_head);
        let (position, ahead) = (welcome.position, welcome.position > facts.acknowledged);
        let renew = matches!(welcome.standing, Standing::Renew | Standing::Expired);
        let mut todo = vec![Do::Welcome(Box::new(welcome))];
        if renew && !std::mem::replace(&mut self.renewing, true) {
            todo.push(Do::MakeRequest);
        }
        if agrees {
            self.stage = Stage::Exchanging;
            todo.extend(self.wanted.drain(..).map(|record| Do::Send(Up::AskHistory(record))));
            if std::mem::take(&mut self.saved) {
                todo.extend(self.load());
            }
        } else if known.is_none() && ahead {
            self.awaited = Some(position);
        } else {
            todo.push(Do::StartOver);
        }
        todo
    }

    /// A server that was put back without knowing it begins a new epoch when it is shown its own
    /// signature over what it does not hold.
    fn prove(&mut self) -> Vec<Do> {
        self.proven = true;
        self.stage = Stage::Greeting;
        vec![Do::FindProof]
    }

    /// Whether a receipt is of the journal under the id that it had before it forked.
    fn is_of_before(&self, receipt: &Receipt) -> bool {
        self.forked && self.facts.as_ref().is_some_and(|facts| facts.author != receipt.author)
    }

    fn look_where(&mut self) -> Vec<Do> {
        self.stage = Stage::Greeting;
        vec![Do::LookWhere]
    }

    /// The server says that this is not the machine that it left, or not as it left it. Unless another
    /// program of this office has gone on since Hello, that is so.
    fn here(&mut self, token: Token, position: u64) -> Vec<Do> {
        match &self.facts {
            Some(facts) if facts.token == token && facts.position <= position => self.search(),
            _ => vec![Do::StartOver],
        }
    }

    /// Once a conversation: a server that is never content is not to be obeyed.
    fn search(&mut self) -> Vec<Do> {
        if self.forked {
            return self.end(End::Confused);
        }
        self.stage = Stage::Greeting;
        let position = self.facts.as_ref().map_or(0, |facts| facts.position);
        let search = self.apart.insert(Search::new(position));
        vec![Do::Chains(search.next())]
    }

    fn compare(&mut self, here: Vec<(u64, Hash)>) -> Vec<Do> {
        let Some(search) = &mut self.apart else { return self.end(End::Confused) };
        if let Some(common) = search.found() {
            return self.fork(common);
        }
        let positions = here.iter().map(|(position, _)| *position).collect();
        search.ask(here);
        vec![Do::Send(Up::AskChain(positions))]
    }

    fn learn(&mut self, theirs: &[Option<Hash>]) -> Vec<Do> {
        let Some(search) = &mut self.apart else { return self.end(End::Confused) };
        if search.learn(theirs) {
            return vec![Do::Chains(search.next())];
        }
        self.end(End::Confused)
    }

    /// What this machine has saved behind the last common position is its own, under an id of its own.
    fn fork(&mut self, common: u64) -> Vec<Do> {
        (self.apart, self.forked) = (None, true);
        vec![Do::Fork(common), Do::StartOver]
    }

    fn went_back(&mut self) -> Vec<Do> {
        self.token = None;
        if self.proven { self.end(End::Confused) } else { self.prove() }
    }

    /// Whether a server whose marks go back may still be shown what it signed.
    pub fn may_prove(&self) -> bool {
        !self.proven
    }

    fn acks(&mut self, runs: Vec<AckRun>, receipt: Box<Receipt>) -> Vec<Do> {
        while self.under_way.front().is_some_and(|last| *last <= receipt.position) {
            self.under_way.pop_front();
        }
        for run in runs.iter().filter(|run| run.count > 0) {
            if run.first <= self.heard.saturating_add(1) {
                self.heard = self.heard.max(run.last());
            }
        }
        let awaited = self.awaited.take_if(|position| receipt.position >= *position);
        let mut todo = vec![Do::Acknowledge(runs, receipt)];
        if awaited.is_some() {
            todo.push(Do::StartOver);
        } else if !self.flushed {
            todo.extend(self.load());
        }
        todo
    }

    fn complete(&mut self, all: Complete) -> Vec<Do> {
        self.token = Some(all.token);
        vec![Do::Complete(all)]
    }

    fn completed(&mut self, done: Completed) -> Vec<Do> {
        let Some(token) = self.token.take() else { return self.end(End::Confused) };
        if done.overtaken {
            return vec![Do::StartOver];
        }
        self.fruitless = 0;
        let mut todo = vec![Do::Send(Up::Confirm { token, inbox: self.inbox })];
        if !done.mismatched.is_empty() {
            // Digests differ: the scopes named are filled again, now rather than next time. If they
            // differ still, a person must look; the next exchange tries again.
            let again = !std::mem::replace(&mut self.refilling, true);
            todo.extend(if again { vec![Do::StartOver] } else { self.end(End::Diverged) });
            return todo;
        }
        self.all_said = true;
        todo.extend(self.rest());
        todo
    }

    /// All was said: the end, unless acts or a certificate are under way or the stream stays open.
    fn rest(&mut self) -> Vec<Do> {
        if !self.all_said || self.loading || !self.under_way.is_empty() {
            // What was sent since is flushed behind it, and another `Complete` answers that.
            return Vec::new();
        }
        if std::mem::take(&mut self.saved) {
            return self.load();
        }
        if self.renewing {
            self.waiting = true;
            return Vec::new();
        }
        if self.standing == Standing::DeliverOnly {
            return self.end(End::DeliverOnly);
        }
        if !self.live {
            return self.end(End::InStep);
        }
        self.stage = Stage::Resting;
        vec![Do::Rest]
    }

    /// With a fresh certificate, what an expired one was refused is asked for again; unless a Hello
    /// that the server reads behind the request is on its way, or will be.
    fn renewed(&mut self, der: Vec<u8>) -> Vec<Do> {
        self.renewing = false;
        let mut todo = vec![Do::KeepCertificate(der)];
        let waiting = std::mem::take(&mut self.waiting);
        if self.standing == Standing::Expired {
            if self.stage != Stage::Greeting {
                todo.push(Do::StartOver);
            }
        } else if waiting {
            todo.extend(self.rest());
        }
        todo
    }

    fn saved(&mut self) -> Vec<Do> {
        match self.stage {
            Stage::Resting | Stage::Exchanging if !self.loading => self.load(),
            _ => {
                self.saved = true;
                Vec::new()
            }
        }
    }

    fn end(&mut self, end: End) -> Vec<Do> {
        self.stage = Stage::Ended;
        vec![Do::End(end)]
    }
}
