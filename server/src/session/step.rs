//! The state machine itself. `on` reads as the protocol.

use dongbo_proto::chain::state_hash;
use dongbo_proto::frame::{AckRun, Down, Hello, ScopeCursor, Standing, Stop, Up, Welcome};
use dongbo_proto::id::{AuthorId, Epoch, RecordId, ScopeId};
use dongbo_proto::stamp::{UnixMs, Window};

use super::{Answer, Ask, CertificateAge, Do, Event, Presented, View};

/// Clocks that differ by less than this count as right: network delay and drift are no offset.
const OFFSET_IGNORED_MS: i64 = 60_000;

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waiting for Hello, the first or the second.
    Greeting,
    /// Beliefs agree: batches merge, a flush is answered.
    Exchanging,
    /// Everything was said once; news is sent as it comes.
    Resting,
    /// Over.
    Ended,
}

/// What a session needs from its node to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// The first Hello.
    Hello,
    /// The next frame of its flight.
    Frame,
    /// Nothing.
    Nothing,
}

/// A batch, as far as the session looks into it.
pub trait Positions {
    /// Whose journal.
    fn author(&self) -> AuthorId;
    /// Position of the first act.
    fn first(&self) -> u64;
    /// Position of the last act.
    fn last(&self) -> u64;
}

/// One conversation with a node.
#[derive(Clone, Debug)]
pub struct Session {
    stage: Stage,
    author: AuthorId,
    certificate: CertificateAge,
    schema: u32,
    hello: Option<Box<Hello>>,
    view: Option<Box<View>>,
    window: Window,
    /// The last position received, merged or held.
    position: u64,
    cursors: Vec<ScopeCursor>,
    inbox: u64,
    /// Whether a page is being read or sent.
    paging: bool,
    /// Whether something may have come since the page began.
    news: bool,
    /// Whether anything was sent down that no `Complete` has covered yet.
    said: bool,
    /// Whether a batch was acknowledged after the page that the next `Complete` is made of.
    said_since_page: bool,
    /// Server time of the last `Complete`, until the node confirms it.
    completed_ms: UnixMs,
    /// Acknowledgements lost before this conversation are still to be sent from here.
    lost_from: Option<u64>,
    /// The position up to which this conversation has acknowledged. The registry may have more: a
    /// file on a stick brought it meanwhile.
    told: u64,
    /// A page that waits until the acknowledgements that belong to it are sent.
    kept: Option<Box<Answer>>,
    deliver_only: bool,
    /// The node's frames come in a file, which may be older than what the node has said since.
    by_file: bool,
    /// The node was taken in by its certificate.
    adopted: bool,
}

impl Session {
    /// A conversation with the node that a certificate names.
    pub fn new(author: AuthorId, certificate: CertificateAge, schema: u32) -> Self {
        Session {
            stage: Stage::Greeting,
            author,
            certificate,
            schema,
            hello: None,
            view: None,
            window: Window { since_ms: 0, until_ms: 0, offset_ms: 0 },
            position: 0,
            cursors: Vec::new(),
            inbox: 0,
            paging: false,
            news: false,
            said: false,
            said_since_page: false,
            completed_ms: 0,
            lost_from: None,
            told: 0,
            kept: None,
            deliver_only: false,
            by_file: false,
            adopted: false,
        }
    }

    /// The same, for frames that come in a file: a token or a position that is behind proves nothing.
    #[must_use]
    pub fn by_file(mut self) -> Self {
        self.by_file = true;
        self
    }

    /// Who converses: the node of the certificate, or the author under which it goes on.
    pub fn author(&self) -> AuthorId {
        self.author
    }

    /// Whether the conversation is over.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Whether the node is at turn, so that silence is for the carrier to end: before its Hello,
    /// and until its Flush. Later it reads, however slow its link, or rests.
    pub fn awaits(&self) -> Awaits {
        match self.stage {
            Stage::Greeting if self.hello.is_none() => Awaits::Hello,
            Stage::Greeting | Stage::Exchanging => Awaits::Frame,
            Stage::Resting | Stage::Ended => Awaits::Nothing,
        }
    }

    /// The scopes that the node holds, as far as the conversation knows.
    pub fn holds(&self, scope: ScopeId) -> bool {
        self.cursors.iter().any(|c| c.scope == scope)
    }

    /// Whether the node may only deliver.
    pub fn delivers_only(&self) -> bool {
        self.deliver_only
    }

    /// What to do about an event.
    pub fn on<B: Positions>(&mut self, event: Event<B>) -> Vec<Do<B>> {
        if self.stage == Stage::Ended {
            return Vec::new();
        }
        match event {
            Event::Frame(up) => self.frame(up),
            Event::Batch(batch) => self.batch(batch),
            Event::Viewed(view, now) => self.viewed(view, now),
            // A new epoch began beside this conversation, which was greeted in another.
            Event::Received(Ok((_, receipt))) | Event::Receipt(_, receipt)
                if !self.is_of_epoch(receipt.epoch) =>
            {
                self.stop(Stop::Busy)
            }
            Event::Finished(Ok(complete))
                if complete.checkpoint.as_ref().is_some_and(|c| !self.is_of_epoch(c.epoch)) =>
            {
                self.stop(Stop::Busy)
            }
            Event::Received(Ok((runs, receipt))) => {
                self.position = self.position.max(receipt.position);
                (self.said, self.said_since_page) = (true, self.paging);
                self.tell(&runs);
                send(Down::Acks(runs, receipt))
            }
            Event::Receipt(runs, receipt) => {
                self.tell(&runs);
                let mut todo = send(Down::Acks(runs, receipt));
                if let Some(answer) = self.kept.take() {
                    todo.extend(self.show(*answer, true));
                }
                todo
            }
            Event::Paged(Ok(answer)) => self.paged(*answer),
            Event::Finished(Ok(complete)) => self.finished(*complete),
            Event::Renewed(Ok(der)) => self.renewed(der),
            Event::Judged(Ok(())) | Event::Forked(Ok(())) => Vec::new(),
            Event::Chain(heads) => send(Down::Chain(heads)),
            Event::Received(Err(Stop::Forked)) => self.apart(),
            Event::History(record, items) => send(Down::History(record, items)),
            Event::News => self.heard_news(),
            Event::Revoked => self.stop(Stop::Revoked),
            Event::Received(Err(stop))
            | Event::Paged(Err(stop))
            | Event::Finished(Err(stop))
            | Event::Judged(Err(stop))
            | Event::Forked(Err(stop))
            | Event::Renewed(Err(stop)) => self.stop(stop),
        }
    }

    fn is_of_epoch(&self, epoch: Epoch) -> bool {
        self.view.as_ref().is_none_or(|view| view.epoch == epoch)
    }

    fn frame<B: Positions>(&mut self, up: Up) -> Vec<Do<B>> {
        match (up, self.stage) {
            (Up::Hello(hello), _) => {
                self.stage = Stage::Greeting;
                let (author, token) = (hello.author, hello.token);
                self.hello = Some(Box::new(hello));
                vec![Do::View(author, token)]
            }
            // What follows a Hello that was contradicted is passed over until the second one.
            (Up::Flush, Stage::Greeting) if self.hello.is_some() => Vec::new(),
            (Up::Flush, Stage::Exchanging | Stage::Resting) => self.page(),
            (Up::Confirm { token, inbox }, _) if self.view.is_some() => {
                self.window.since_ms = self.window.since_ms.max(self.completed_ms);
                vec![Do::Confirm(token, inbox)]
            }
            (Up::Renew(csr), _) if self.view.is_some() && !self.deliver_only => {
                vec![Do::Renew(csr)]
            }
            (Up::AskHistory(record), _) if self.view.is_some() => self.history(record),
            (Up::AskChain(positions), _) if self.view.is_some() => {
                self.stage = Stage::Greeting;
                vec![Do::Chain(positions)]
            }
            // A Hello of the author that it names follows.
            (Up::Fork(fork), _) => {
                self.stage = Stage::Greeting;
                vec![Do::Fork(fork)]
            }
            // A second Hello follows.
            (Up::Prove(proof), _) if self.view.is_some() => {
                self.stage = Stage::Greeting;
                vec![Do::Judge(proof)]
            }
            _ => self.stop(Stop::BadFrame),
        }
    }

    /// Nothing goes down to a machine that may only deliver, or that must first renew; it is not
    /// left waiting either.
    fn history<B: Positions>(&mut self, record: RecordId) -> Vec<Do<B>> {
        if self.silent() {
            send(Down::History(record, Vec::new()))
        } else {
            vec![Do::History(record)]
        }
    }

    fn silent(&self) -> bool {
        self.deliver_only || self.certificate == CertificateAge::Expired
    }

    fn viewed<B: Positions>(&mut self, view: Option<Box<View>>, now: UnixMs) -> Vec<Do<B>> {
        let Some(hello) = self.hello.clone() else { return self.stop(Stop::UnknownNode) };
        let Some(view) = view else { return self.unknown(&hello) };
        self.author = hello.author;
        let same_epoch = hello.epoch == Some(view.epoch);
        if same_epoch && view.presented == Presented::Ahead {
            return vec![Do::BeginAgain, Do::View(hello.author, hello.token)];
        }
        let offset = now.saturating_sub(hello.local_ms);
        self.window = Window {
            since_ms: view.last_complete_ms,
            until_ms: now,
            offset_ms: if offset.abs() < OFFSET_IGNORED_MS { 0 } else { offset },
        };
        self.deliver_only = view.revoked;
        let is_stale = view.presented == Presented::Stale && !view.revoked && !self.by_file;
        let is_other = hello.position >= view.position
            && hello.acknowledged == view.position
            && hello.acknowledged_head != view.head;
        if same_epoch && (is_stale || is_other) {
            self.view = Some(view);
            return self.apart();
        }
        let agrees = acknowledged(&hello, &view) && hello.epoch.is_none_or(|e| e == view.epoch);
        let mut todo = send(Down::Welcome(self.welcome(&hello, &view, now)));
        (self.position, self.told, self.kept) = (view.position, view.position, None);
        self.inbox = hello.inbox;
        self.cursors = cursors(&hello, &view);
        let same_epoch = hello.epoch.is_none_or(|e| e == view.epoch);
        if agrees {
            self.stage = Stage::Exchanging;
            // Receipts count for their epoch: a node that heard nothing since this one began is
            // given one of it, even if it has nothing to send.
            if view.position > 0 && view.last_complete_ms < view.epoch_ms {
                todo.push(Do::Receipt(Vec::new()));
            }
        } else if same_epoch && hello.acknowledged < view.position {
            self.lost_from = Some(hello.acknowledged);
            todo.extend(self.read_lost());
        }
        self.view = Some(view);
        (self.paging, self.news) = (self.lost_from.is_some(), false);
        (self.said, self.said_since_page) = (false, false);
        if agrees && hello.flush {
            todo.extend(self.page());
        }
        todo
    }

    /// A certificate of this province, and a registry that has never heard of its node.
    fn unknown<B: Positions>(&mut self, hello: &Hello) -> Vec<Do<B>> {
        if hello.author != self.author || std::mem::replace(&mut self.adopted, true) {
            return self.stop(Stop::UnknownNode);
        }
        vec![Do::Adopt(hello.epoch), Do::View(hello.author, hello.token)]
    }

    /// The machine is not where it was left. A file cannot ask since when.
    fn apart<B: Positions>(&mut self) -> Vec<Do<B>> {
        if self.by_file {
            return self.stop(Stop::Forked);
        }
        self.stage = Stage::Greeting;
        send(Down::Apart)
    }

    fn welcome(&self, hello: &Hello, view: &View, now: UnixMs) -> Welcome {
        let held = hello.scopes.iter().map(|c| c.scope);
        Welcome {
            epoch: view.epoch,
            ancestors: if hello.epoch == Some(view.epoch) {
                Vec::new()
            } else {
                view.ancestors.clone()
            },
            position: view.position,
            head: (!acknowledged(hello, view)).then_some(view.head),
            server_ms: now,
            schema: self.schema,
            standing: match self.certificate {
                _ if view.revoked => Standing::DeliverOnly,
                CertificateAge::Fresh => Standing::Good,
                CertificateAge::Due => Standing::Renew,
                CertificateAge::Expired => Standing::Expired,
            },
            grants: (!held.eq(view.grants.iter().map(|g| g.scope))).then(|| view.grants.clone()),
        }
    }

    /// The acknowledgements that an earlier cut swallowed.
    fn read_lost<B: Positions>(&mut self) -> Vec<Do<B>> {
        vec![Do::Page(Ask { cursors: Vec::new(), acks_from: self.lost_from, inbox: u64::MAX })]
    }

    fn batch<B: Positions>(&mut self, batch: Result<B, Stop>) -> Vec<Do<B>> {
        match (batch, self.stage) {
            (Err(stop), _) => self.stop(stop),
            (Ok(_), Stage::Greeting) if self.hello.is_some() => Vec::new(),
            (Ok(b), Stage::Exchanging | Stage::Resting) if self.follows(&b) => {
                vec![Do::Receive(b, self.window)]
            }
            _ => self.stop(Stop::BadFrame),
        }
    }

    /// Whether a batch is the node's own and leaves no gap: acts that it skipped could never be
    /// merged behind those.
    fn follows<B: Positions>(&self, batch: &B) -> bool {
        batch.author() == self.author && batch.first() <= self.position.saturating_add(1)
    }

    fn page<B: Positions>(&mut self) -> Vec<Do<B>> {
        if self.paging {
            self.news = true;
            return Vec::new();
        }
        self.paging = true;
        if self.silent() {
            let backed_up = self.backed_up();
            return vec![Do::Finish(None, backed_up)];
        }
        vec![Do::Page(self.ask())]
    }

    fn ask(&self) -> Ask {
        let (cursors, acks_from) = (self.cursors.clone(), Some(self.told));
        Ask { cursors, acks_from, inbox: self.inbox }
    }

    /// Notes how far the node has heard what became of its acts.
    fn tell(&mut self, runs: &[AckRun]) {
        for run in runs.iter().filter(|run| run.count > 0) {
            if run.first <= self.told.saturating_add(1) {
                self.told = self.told.max(run.last());
            }
        }
    }

    fn paged<B: Positions>(&mut self, mut answer: Answer) -> Vec<Do<B>> {
        if self.lost_from.take().is_some() {
            self.paging = false;
            return vec![Do::Receipt(answer.acks)];
        }
        // Acts of this node that came by another way: the states show what they did, so what became
        // of them is said before.
        if !answer.acks.is_empty() {
            let acks = std::mem::take(&mut answer.acks);
            self.said = true;
            self.kept = Some(Box::new(answer));
            return vec![Do::Receipt(acks)];
        }
        self.show(answer, false)
    }

    /// Sends a page on and goes on; `told`: acknowledgements of the same snapshot went before it.
    fn show<B: Positions>(&mut self, answer: Answer, told: bool) -> Vec<Do<B>> {
        let mut todo = Vec::new();
        if let Some(last) = answer.outcomes.last() {
            self.inbox = last.sequence;
            todo.extend(send(Down::Outcomes(answer.outcomes)));
            // What was held is merged or refused now: the counts that the node shows are backed by
            // a receipt, so a new one comes with the news.
            todo.push(Do::Receipt(Vec::new()));
        }
        todo.extend(answer.states.into_iter().flat_map(|s| send(Down::States(s))));
        self.said |= !todo.is_empty();
        let asked = std::mem::replace(&mut self.cursors, answer.cursors);
        match answer.complete {
            // Nothing came and nothing is complete: asking again would ask for ever.
            None if !told && todo.is_empty() && self.cursors == asked => {
                return self.stop(Stop::Storage);
            }
            None => {
                todo.push(Do::Page(self.ask()));
            }
            Some(marks) => {
                let same = self.hello.as_ref().is_some_and(|h| h.state == state_hash(marks.iter()));
                let quiet = self.stage == Stage::Resting && !self.said;
                if quiet && !self.news {
                    self.paging = false;
                    return todo;
                }
                let marks = (self.said || !same).then_some(marks);
                todo.push(Do::Finish(marks, self.backed_up()));
            }
        }
        todo
    }

    fn backed_up(&self) -> u64 {
        self.view.as_ref().map_or(0, |v| v.backed_up)
    }

    fn finished<B: Positions>(&mut self, complete: dongbo_proto::frame::Complete) -> Vec<Do<B>> {
        // A batch that merged behind the page is covered by the next `Complete`, not by this one.
        self.said = std::mem::take(&mut self.said_since_page);
        self.paging = false;
        self.completed_ms = complete.server_ms;
        self.stage = Stage::Resting;
        // What was staged is visible now: the node's own acts need no echo from here on.
        for cursor in &mut self.cursors {
            (cursor.visible, cursor.filled_to) = (cursor.staged, None);
        }
        let mut todo = send(Down::Complete(complete));
        if std::mem::take(&mut self.news) || self.said {
            todo.extend(self.page());
        }
        todo
    }

    fn renewed<B: Positions>(&mut self, der: Vec<u8>) -> Vec<Do<B>> {
        self.certificate = CertificateAge::Fresh;
        send(Down::Certificate(der))
    }

    fn heard_news<B: Positions>(&mut self) -> Vec<Do<B>> {
        let live = self.hello.as_ref().is_some_and(|h| h.live);
        match self.stage {
            // A page under way may be from before the news; before a flush there is none.
            Stage::Exchanging | Stage::Resting if live && self.paging => self.page(),
            Stage::Resting if live => self.page(),
            _ => Vec::new(),
        }
    }

    fn stop<B>(&mut self, stop: Stop) -> Vec<Do<B>> {
        self.stage = Stage::Ended;
        vec![Do::Send(Box::new(Down::Stop(stop))), Do::Close]
    }
}

/// Whether the node believes of its journal's acknowledged part what the server holds.
fn acknowledged(hello: &Hello, view: &View) -> bool {
    hello.acknowledged == view.position && hello.acknowledged_head == view.head
}

fn send<B>(down: Down) -> Vec<Do<B>> {
    vec![Do::Send(Box::new(down))]
}

/// Where the node stands with the scopes that it holds now. In a new epoch it holds nothing yet.
///
/// A scope that is empty when the node says Hello is filled already: what the node is about to
/// send into it, as an office's first import, is not sent back to it. Not so one that must be filled
/// again: what the node holds there may be what the server lost.
fn cursors(hello: &Hello, view: &View) -> Vec<ScopeCursor> {
    let same_epoch = hello.epoch == Some(view.epoch);
    let find = |scope| hello.scopes.iter().find(|c| c.scope == scope).filter(|_| same_epoch);
    let at = |g: &dongbo_proto::frame::Grant| {
        let new = ScopeCursor { scope: g.scope, ..ScopeCursor::default() };
        let mut cursor = find(g.scope).copied().unwrap_or(new);
        let empty = view.empty.iter().find(|(scope, _)| *scope == g.scope);
        let unheard = cursor.staged == 0 && cursor.filled_to.is_none();
        if let Some((_, revision)) = empty.filter(|_| same_epoch && unheard) {
            cursor.staged = *revision;
        }
        cursor
    };
    view.grants.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::frame::Grant;
    use dongbo_proto::id::Hash;

    const EPOCH: Epoch = Epoch([4; 16]);

    fn view(scope: ScopeId) -> View {
        View {
            position: 0,
            head: Hash::default(),
            grants: vec![Grant { scope, code: "C".into(), name: "Xã".into() }],
            empty: vec![(scope, 1)],
            revoked: false,
            last_complete_ms: 0,
            epoch: EPOCH,
            epoch_ms: 0,
            ancestors: Vec::new(),
            backed_up: 0,
            presented: Presented::Fits,
        }
    }

    fn hello(cursor: ScopeCursor) -> Hello {
        Hello {
            author: AuthorId(5),
            schema: 1,
            epoch: Some(EPOCH),
            position: 0,
            head: Hash::default(),
            acknowledged: 0,
            acknowledged_head: Hash::default(),
            local_ms: 0,
            token: [0; 16],
            inbox: 0,
            scopes: vec![cursor],
            state: [0; 16],
            live: false,
            flush: true,
        }
    }

    #[test]
    fn an_empty_scope_counts_as_filled_unless_the_node_must_fill_it_again() {
        let fresh = ScopeCursor { scope: ScopeId(3), ..ScopeCursor::default() };
        let again = ScopeCursor { filled_to: Some(ScopeCursor::FROM_THE_START), ..fresh };
        let staged = |cursor| cursors(&hello(cursor), &view(ScopeId(3)))[0].staged;
        assert_eq!(staged(fresh), 1, "a first import is not echoed");
        assert_eq!(staged(again), 0, "what the node holds may be what the server lost");
    }

    struct Unused;

    impl Positions for Unused {
        fn author(&self) -> AuthorId {
            AuthorId(5)
        }
        fn first(&self) -> u64 {
            1
        }
        fn last(&self) -> u64 {
            1
        }
    }

    /// Seeds 112 and 179 of the simulator: a file on a stick brought acts of a node whose stream was
    /// open. The states showed what they did, and nobody told the node that they had arrived.
    #[test]
    fn acts_that_came_by_another_way_are_acknowledged_before_the_states_that_show_them() {
        let cursor = ScopeCursor { scope: ScopeId(3), visible: 1, staged: 1, filled_to: None };
        let mut session = Session::new(AuthorId(5), CertificateAge::Fresh, 1);
        session.on::<Unused>(Event::Frame(Up::Hello(hello(cursor))));
        let todo = session.on::<Unused>(Event::Viewed(Some(Box::new(view(ScopeId(3)))), 0));
        let Some(Do::Page(ask)) = todo.last() else { panic!("{} steps", todo.len()) };
        assert_eq!(ask.acks_from, Some(0));
        let run = AckRun {
            first: 1,
            count: 4,
            fate: dongbo_proto::fate::Fate::Merged { as_written: true },
            rank: dongbo_proto::record::Rank::Home,
            at: vec![(ScopeId(3), 2)],
            stamps: None,
        };
        let states = dongbo_proto::frame::States {
            scope: ScopeId(3),
            from: 1,
            to: 5,
            filling: false,
            records: Vec::new(),
            gone: Vec::new(),
        };
        let (acks, cursors) = (vec![run.clone()], vec![ScopeCursor { staged: 5, ..cursor }]);
        let answer = Answer { acks, states: vec![states], cursors, ..Answer::default() };
        let first = session.on::<Unused>(Event::Paged(Ok(Box::new(answer))));
        assert!(matches!(first.as_slice(), [Do::Receipt(runs)] if *runs == [run.clone()]));
        let receipt = dongbo_proto::fate::Receipt {
            epoch: EPOCH,
            author: AuthorId(5),
            position: 4,
            chain: Hash::default(),
            merged: 4,
            held: 0,
            refused: 0,
            at_ms: 0,
            signature: Vec::new(),
        };
        let then = session.on::<Unused>(Event::Receipt(vec![run], Box::new(receipt)));
        let [Do::Send(acks), Do::Send(states), Do::Page(ask)] = then.as_slice() else {
            panic!("{} steps", then.len())
        };
        assert!(matches!(**acks, Down::Acks(..)) && matches!(**states, Down::States(_)));
        assert_eq!(ask.acks_from, Some(4), "what was told is not told again");
    }
}
