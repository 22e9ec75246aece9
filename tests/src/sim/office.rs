//! What people in a commune do: edit, enter, settle, ask, import, take back; on forms that they
//! opened a moment or an hour ago. Each thing that the office says is saved goes into the ledger.

use std::time::Duration;

pub use dongbo_node::replica::draft::create;
use dongbo_node::replica::draft::{Draft, edit};
use dongbo_node::replica::{Filter, Replica, ReplicaError, Result};
use dongbo_proto::act::{FieldWrite, Intent, JobItem, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{catalogue, kind};
use dongbo_proto::id::{ActId, FieldId, JobId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::seam::{Clock, Entropy, bytes};
use dongbo_proto::value::Value;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::random::{pick, weighted};
use super::world::{Node, Shared};

/// Text fields of a member that a commune writes, by number: few, so that people meet on them.
pub const HOT_FIELDS: &[u16] = &[21, 22, 43, 52];
/// A member's name, which is locked: a change of it is a request.
const FULL_NAME: u16 = 20;
/// A decision's number, which is written once.
const DECISION_NO: u16 = 81;
/// What a review says, by number: of whom, of which year, how many points.
const REVIEW: (u16, u16, u16) = (10, 11, 17);
/// The least and the longest pause between two things, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 300..7_000;
/// Members that are looked at: few, so that offices of one scope meet on them.
const LOOKED_AT: usize = 12;
/// Acts of one import, at most.
const IMPORT_ACTS_MAX: u32 = 25;

#[derive(Clone, Copy)]
enum What {
    Edit,
    OpenForm,
    SaveForm,
    NewMember,
    NewReview,
    Settle,
    Request,
    Decision,
    Void,
    Import,
    TakeBack,
    TwoRecords,
    OnHeld,
}

const WHAT: &[(What, u32)] = &[
    (What::Edit, 14),
    (What::OpenForm, 4),
    (What::SaveForm, 4),
    (What::NewMember, 4),
    (What::NewReview, 3),
    (What::Settle, 5),
    (What::Request, 4),
    (What::Decision, 2),
    (What::Void, 1),
    (What::Import, 2),
    (What::TakeBack, 2),
    (What::TwoRecords, 2),
    (What::OnHeld, 2),
];

/// One thing after another, until the machine dies or everyone stops.
pub async fn work(world: Shared, at: usize, mut dice: ChaCha8Rng) {
    let mut form = None;
    loop {
        let pause = Duration::from_millis(dice.random_range(PAUSE_MS));
        tokio::time::sleep(pause).await;
        let node = &world.nodes[at];
        let mut office = node.office.borrow_mut();
        let Some(replica) = office.as_mut() else { return };
        if world.is_calm() {
            continue;
        }
        let what = weighted(&mut dice, WHAT);
        let mut desk = Desk { world: &world, node, replica, dice: &mut dice, form: &mut form };
        if let Err(error) = desk.go(what) {
            return world.fail(format_args!("{}: the office: {error:?}", node.name));
        }
    }
}

struct Desk<'a> {
    world: &'a Shared,
    node: &'a Node,
    replica: &'a mut Replica,
    dice: &'a mut ChaCha8Rng,
    /// A form that was opened, with what it showed.
    form: &'a mut Option<Record>,
}

impl Desk<'_> {
    fn go(&mut self, what: What) -> Result<()> {
        match what {
            What::Edit => self.edit(),
            What::OpenForm => self.open_form(),
            What::SaveForm => self.save_form(),
            What::NewMember => self.new_member(),
            What::NewReview => self.new_review(),
            What::Settle => self.settle(),
            What::Request => self.request(),
            What::Decision => self.decision(),
            What::Void => self.void(),
            What::Import => self.import(),
            What::TakeBack => self.take_back(),
            What::TwoRecords => self.two_records(),
            What::OnHeld => self.on_held(),
        }
    }

    /// Saves, and writes down what the office then says is saved.
    fn save(&mut self, what: &'static str, drafts: &[Draft]) -> Result<()> {
        let entropy = self.node.entropy.clone();
        let mut draw = |bytes: &mut [u8]| entropy.fill(bytes);
        let saved = match self.replica.save(drafts, self.node.clock.now_ms(), &mut draw) {
            // The form was open while the record left: the office says so, and nothing was saved.
            Err(ReplicaError::UnknownRecord(_)) => return Ok(()),
            saved => saved?,
        };
        for (draft, saved) in drafts.iter().zip(&saved) {
            // The program that exchanges may have found out that this disk was put back.
            let act = ActId::new(self.replica.author(), saved.position);
            let ops = draft.ops.iter().cloned().collect();
            self.world.ledger.borrow_mut().saved(&self.node.name, act, saved.claimed, ops);
        }
        let last = saved.last().map_or(0, |s| s.position);
        self.node.told.set(last);
        self.world.say(&self.node.name, format_args!("{what}, to position {last}"));
        self.world.did(what);
        Ok(())
    }

    fn text(&mut self) -> Value {
        Value::Text(self.world.ledger.borrow_mut().fresh_text())
    }

    fn new_id(&self) -> RecordId {
        let now_ms = self.node.clock.now_ms().max(0).unsigned_abs();
        RecordId::new(now_ms, bytes(self.node.entropy.as_ref()))
    }

    fn hot_field(&mut self) -> FieldId {
        FieldId(pick(self.dice, HOT_FIELDS).copied().unwrap_or(HOT_FIELDS[0]))
    }

    fn scope(&mut self) -> ScopeId {
        pick(self.dice, &self.node.scopes).copied().unwrap_or(ScopeId::REFERENCE)
    }

    /// One of the first members of the commune.
    fn member(&mut self) -> Result<Option<Record>> {
        let mut all = self.replica.list(kind::MEMBER, &Filter::default(), LOOKED_AT)?;
        // In the order in which they came here two offices would look at different ones.
        all.sort_by_key(|r| r.id);
        Ok(pick(self.dice, &all).cloned())
    }

    fn change(&self, op: Op) -> Draft {
        Draft::change(&self.node.name, op)
    }

    fn edit(&mut self) -> Result<()> {
        let Some(shown) = self.member()? else { return self.new_member() };
        let (field, value) = (self.hot_field(), self.text());
        self.save("edit", &[self.change(edit(&shown, [(field, value)]))])
    }

    fn open_form(&mut self) -> Result<()> {
        *self.form = self.member()?;
        Ok(())
    }

    /// What was shown may be old by now: it is what the write names.
    fn save_form(&mut self) -> Result<()> {
        let Some(shown) = self.form.take() else { return Ok(()) };
        let mut fields = vec![(self.hot_field(), self.text()), (self.hot_field(), self.text())];
        fields.sort_by_key(|f| f.0);
        fields.dedup_by_key(|f| f.0);
        self.save("edit on an old form", &[self.change(edit(&shown, fields))])
    }

    fn new_member(&mut self) -> Result<()> {
        let (id, scope) = (self.new_id(), self.scope());
        let fields = [(FieldId(FULL_NAME), self.text()), (FieldId(HOT_FIELDS[0]), self.text())];
        self.save("new member", &[self.change(create(id, kind::MEMBER, scope, fields))])
    }

    fn new_review(&mut self) -> Result<()> {
        let Some(member) = self.member()? else { return Ok(()) };
        let home = if self.node.scopes.contains(&member.home) { member.home } else { self.scope() };
        let (of, year, score) = (FieldId(REVIEW.0), FieldId(REVIEW.1), FieldId(REVIEW.2));
        let fields = [
            (of, Value::Ref(member.id)),
            (year, Value::Int(self.dice.random_range(2024..2027))),
            (score, Value::Int(self.dice.random_range(0..100))),
        ];
        let op = create(self.new_id(), kind::REVIEW, home, fields);
        self.save("new review", &[self.change(op)])
    }

    /// A person who sees all values of a conflict writes one over all of them.
    fn settle(&mut self) -> Result<()> {
        let conflicts = self.replica.conflicts(LOOKED_AT)?;
        let Some(conflict) = pick(self.dice, &conflicts).cloned() else { return Ok(()) };
        let writable = |f: &&FieldId| HOT_FIELDS.contains(&f.0);
        let Some(field) = conflict.fields.iter().find(writable).copied() else { return Ok(()) };
        let value = self.text();
        self.save("settlement", &[self.change(edit(&conflict.record, [(field, value)]))])
    }

    /// A change and the request that goes with it: two acts that name each other.
    fn request(&mut self) -> Result<()> {
        let Some(shown) = self.member()? else { return Ok(()) };
        let hot = (self.hot_field(), self.text());
        let change = self.change(edit(&shown, [hot]));
        let locked = edit(&shown, [(FieldId(FULL_NAME), self.text())]);
        let request = self.change(locked).with_intent(Intent::Request);
        let drafts = [Draft { linked: Some(1), ..change }, Draft { linked: Some(0), ..request }];
        self.save("change with a request", &drafts)
    }

    /// A first value is a change; where one stands, the server holds it.
    fn decision(&mut self) -> Result<()> {
        let Some(shown) = self.member()? else { return Ok(()) };
        let op = edit(&shown, [(FieldId(DECISION_NO), self.text())]);
        self.save("write-once field", &[self.change(op)])
    }

    /// Only the province voids members: held until it decides.
    fn void(&mut self) -> Result<()> {
        let Some(shown) = self.member()? else { return Ok(()) };
        let op = edit(&shown, [(dongbo_proto::catalogue::field::VOID, self.text())]);
        let asks = self.change(op).with_intent(Intent::Request);
        self.save("request to void", &[asks])
    }

    /// New members and values without a version for known ones, as a job.
    fn import(&mut self) -> Result<()> {
        let of = self.dice.random_range(1..IMPORT_ACTS_MAX);
        let job = JobId(bytes(self.node.entropy.as_ref()));
        let mut drafts = Vec::new();
        for item in 1..=of {
            let op = match self.member()?.filter(|_| item % 3 == 0) {
                Some(shown) => self.blind(&shown),
                None => {
                    let (id, scope) = (self.new_id(), self.scope());
                    create(id, kind::MEMBER, scope, [(FieldId(FULL_NAME), self.text())])
                }
            };
            let draft = self.change(op).with_intent(Intent::Import);
            drafts.push(Draft { job: Some(JobItem { job, item, of }), ..draft });
        }
        self.save("import", &drafts)
    }

    /// A write that names no heads: everything newer stays.
    fn blind(&mut self, shown: &Record) -> Op {
        let (field, value) = (self.hot_field(), self.text());
        let fields = vec![FieldWrite { field, value, over: Over::Nothing }];
        let (record, kind, under) = (shown.id, shown.kind, shown.placed);
        Op::Write(RecordWrites { record, kind, create: None, under, fields })
    }

    /// Takes back one of the last things done here.
    fn take_back(&mut self) -> Result<()> {
        let last = self.replica.facts()?.position;
        if last == 0 {
            return Ok(());
        }
        let position = self.dice.random_range(last.saturating_sub(8).max(1)..=last);
        let op = Op::Retract(vec![self.replica.id_at(position)?]);
        self.save("undo", &[self.change(op)])
    }

    /// One act on two records: all or nothing, everywhere.
    fn two_records(&mut self) -> Result<()> {
        let (Some(a), Some(b)) = (self.member()?, self.member()?) else { return Ok(()) };
        if a.id == b.id {
            return Ok(());
        }
        let field = self.hot_field();
        let ops = [edit(&a, [(field, self.text())]), edit(&b, [(field, self.text())])];
        let draft = Draft { ops: ops.into_iter().collect(), ..self.change(edit(&a, [])) };
        self.save("edit of two records", &[draft])
    }

    /// A record that only the province makes, and an edit of it while it waits.
    fn on_held(&mut self) -> Result<()> {
        let Some(member) = self.member()? else { return Ok(()) };
        let exit = catalogue().kind(kind::EXIT).expect("the catalogue has exits");
        let of = exit.field_named("member").expect("an exit is someone's").id;
        let decision = exit.field_named("decision_no").expect("an exit has a decision").id;
        let (id, scope) = (self.new_id(), self.scope());
        let op = create(id, kind::EXIT, scope, [(of, Value::Ref(member.id))]);
        self.save("request for a record", &[self.change(op).with_intent(Intent::Request)])?;
        let Some(shown) = self.replica.record_of(kind::EXIT, id)? else { return Ok(()) };
        let op = edit(&shown, [(decision, self.text())]);
        self.save("edit of a record that waits", &[self.change(op)])
    }
}
