//! What people of the province do: decide what was held, edit, settle, take back, place. Through the
//! registry's own functions, in a program beside the one that serves, as the command line does.

use std::time::Duration;

use dongbo_proto::act::{Op, Projection, Verdict};
use dongbo_proto::catalogue::{Kind, catalogue, kind};
use dongbo_proto::id::{ActId, FieldId, RecordId, ScopeId};
use dongbo_proto::record::Record;
use dongbo_proto::seam::{Clock, bytes};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_server::registry::{self, Deed, Error, Province, Result};
use dongbo_server::store::StoreHandle;
use dongbo_server::store::rows::HeldState;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::office::{HOT_FIELDS, create};
use super::random::{pick, weighted};
use super::world::Shared;

/// Who does it.
const PERSON: &str = "tỉnh";
/// The least and the longest pause between two things, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 400..9_000;
/// Records and held acts that are looked at.
const LOOKED_AT: usize = 60;

#[derive(Clone, Copy)]
enum What {
    Decide,
    Edit,
    NewUnit,
    Settle,
    TakeBack,
    Guest,
    Move,
}

const WHAT: &[(What, u32)] = &[
    (What::Decide, 8),
    (What::Edit, 3),
    (What::NewUnit, 2),
    (What::Settle, 2),
    (What::TakeBack, 2),
    (What::Guest, 2),
    (What::Move, 1),
];

/// One thing after another, until the machine dies or everyone stops.
pub async fn work(world: Shared, province: Province, mut dice: ChaCha8Rng) {
    loop {
        let pause = Duration::from_millis(dice.random_range(PAUSE_MS));
        tokio::time::sleep(pause).await;
        let Some(store) = world.server.desk.borrow().clone() else { return };
        if world.is_calm() {
            continue;
        }
        let what = weighted(&mut dice, WHAT);
        let mut at = Desk { world: &world, store, province: &province, dice: &mut dice };
        match at.go(what) {
            // A decision that cannot be taken is an answer; a registry that contradicts itself is not.
            Ok(()) | Err(Error::NotTaken(_) | Error::Unknown(_) | Error::Exists(_)) => {}
            Err(error) => return world.fail(format_args!("the province's desk: {error:?}")),
        }
    }
}

struct Desk<'a> {
    world: &'a Shared,
    store: StoreHandle,
    province: &'a Province,
    dice: &'a mut ChaCha8Rng,
}

impl Desk<'_> {
    fn go(&mut self, what: What) -> Result<()> {
        match what {
            What::Decide => self.decide(),
            What::Edit => self.edit(),
            What::NewUnit => self.new_unit(),
            What::Settle => self.settle(),
            What::TakeBack => self.take_back(),
            What::Guest => self.guest(),
            What::Move => self.move_home(),
        }
    }

    fn now_ms(&self) -> i64 {
        self.world.server.clock.now_ms()
    }

    fn enact(&mut self, deed: Deed, what: &'static str) -> Result<()> {
        let (province, now_ms, ops) = (self.province.clone(), self.now_ms(), deed.ops.clone());
        let act =
            self.store.write_now(|tx| registry::enact(tx, &province, deed.clone(), now_ms))?;
        self.done(act, ops, what);
        Ok(())
    }

    /// Writes down what is durable now.
    fn done(&self, act: ActId, ops: Vec<Op>, what: &'static str) {
        self.world.ledger.borrow_mut().saved("", act, Stamp::default(), ops);
        self.world.say("desk", format_args!("{what}: act {act}"));
        self.world.did(what);
    }

    fn member(&mut self) -> Result<Option<Record>> {
        let member = member();
        let all =
            self.store.read_now(|tx| Ok::<_, Error>(tx.records_after(member, None, LOOKED_AT)?))?;
        Ok(pick(self.dice, &all).cloned())
    }

    /// Approves or refuses something that waits.
    fn decide(&mut self) -> Result<()> {
        let held = self
            .store
            .read_now(|tx| Ok::<_, Error>(tx.held_after(HeldState::Waiting, None, LOOKED_AT)?))?;
        let Some(held) = pick(self.dice, &held) else { return Ok(()) };
        let approves = self.dice.random_range(0..3) > 0;
        let verdict = if approves {
            Verdict::Approve
        } else {
            Verdict::Refuse("chưa đủ căn cứ".into())
        };
        let what = if approves { "province approves" } else { "province refuses" };
        self.enact(Deed::change(PERSON, Some("01-QĐ"), vec![Op::Decide(held.act, verdict)]), what)
    }

    /// Edits a member over everything that is known of the field, or over nothing.
    fn edit(&mut self) -> Result<()> {
        let Some(shown) = self.member()? else { return Ok(()) };
        let field = pick(self.dice, HOT_FIELDS).copied().unwrap_or(HOT_FIELDS[0]);
        let text = self.world.ledger.borrow_mut().fresh_text();
        let op = dongbo_node::replica::draft::edit(&shown, [(FieldId(field), Value::Text(text))]);
        self.enact(Deed::change(PERSON, None, vec![op]), "province edits")
    }

    /// A row of the reference, which every node pulls.
    fn new_unit(&mut self) -> Result<()> {
        let units = catalogue().kind(kind::UNIT).ok_or(Error::Unknown("kind"))?;
        let named = units.field_named("name_full").ok_or(Error::Unknown("field"))?.id;
        let text = self.world.ledger.borrow_mut().fresh_text();
        let id =
            RecordId::new(self.now_ms().unsigned_abs(), bytes(self.world.server.entropy.as_ref()));
        let op = create(id, kind::UNIT, ScopeId::REFERENCE, [(named, Value::Text(text))]);
        self.enact(Deed::change(PERSON, None, vec![op]), "province makes a unit")
    }

    /// Settles a conflict by one of its heads.
    fn settle(&mut self) -> Result<()> {
        let all = self
            .store
            .read_now(|tx| Ok::<_, Error>(tx.records_after(member(), None, LOOKED_AT)?))?;
        let contested: Vec<(Record, FieldId, ActId)> = all
            .iter()
            .flat_map(|r| r.fields.iter().map(move |f| (r, f)))
            .filter(|(_, f)| f.1.in_conflict())
            .filter_map(|(r, f)| Some((r.clone(), f.0, f.1.heads.last()?.act)))
            .collect();
        let Some((shown, field, head)) = pick(self.dice, &contested).cloned() else {
            return Ok(());
        };
        let heads = shown.field(field).map(|s| s.heads.clone()).unwrap_or_default();
        let Some(value) = heads.iter().find(|h| h.act == head).map(|h| h.value.clone()) else {
            return Ok(());
        };
        let op = dongbo_node::replica::draft::edit(&shown, [(field, value)]);
        self.enact(Deed::change(PERSON, None, vec![op]), "province settles")
    }

    /// Takes back something that a node has done and that has merged.
    fn take_back(&mut self) -> Result<()> {
        let acts: Vec<ActId> = self.world.ledger.borrow().entries().iter().map(|e| e.act).collect();
        let Some(act) = pick(self.dice, &acts).copied() else { return Ok(()) };
        let op = Op::Retract(vec![act]);
        self.enact(Deed::change(PERSON, None, vec![op]), "province takes back")
    }

    fn scope(&mut self) -> Result<ScopeId> {
        let scopes = self.store.read_now(|tx| Ok::<_, Error>(tx.scopes()?))?;
        let own: Vec<ScopeId> = scopes.iter().map(|s| s.id).filter(|s| s.0 > 0).collect();
        pick(self.dice, &own).copied().ok_or(Error::Unknown("scope"))
    }

    /// Shows a member's file to another commune, or no longer.
    fn guest(&mut self) -> Result<()> {
        let Some(member) = self.member()? else { return Ok(()) };
        let scope = self.scope()?;
        let projections = [Some(Projection::Transfer), Some(Projection::Visitor), None];
        let projection = pick(self.dice, &projections).copied().flatten();
        self.place(&member, scope, projection, "province shows or hides a file")
    }

    /// Moves a member to another commune.
    fn move_home(&mut self) -> Result<()> {
        let Some(member) = self.member()? else { return Ok(()) };
        let scope = self.scope()?;
        self.place(&member, scope, Some(Projection::Home), "province moves a member")
    }

    fn place(
        &mut self,
        member: &Record,
        scope: ScopeId,
        projection: Option<Projection>,
        what: &'static str,
    ) -> Result<()> {
        if member.home == scope {
            return Ok(());
        }
        let (province, now_ms) = (self.province.clone(), self.now_ms());
        let key = (kind::MEMBER, member.id);
        let act = self.store.write_now(|tx| {
            registry::place(tx, &province, (PERSON, None), key, scope, projection, now_ms)
        })?;
        // Which rows went with it is the registry's to say: the ledger keeps that the act was saved.
        self.done(act, Vec::new(), what);
        Ok(())
    }
}

fn member() -> &'static Kind {
    catalogue().kind(kind::MEMBER).expect("the catalogue has members")
}
