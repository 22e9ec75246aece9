//! What the replica knows of itself: what Hello says, where the scopes stand, and the equation
//! *entered here = at the province + held for review + refused with a reason + not yet sent*.

use dongbo_proto::catalogue::catalogue;
use dongbo_proto::chain;
use dongbo_proto::fate::{Checkpoint, Receipt, ScopeMark};
use dongbo_proto::frame::{Fork, Proof};
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::stamp::UnixMs;
use rusqlite::{OptionalExtension, Row};

use super::error::Result;
use super::scope::{self, ScopeState};
use super::work::{Work, damaged};
use super::{Opening, Replica, ack, fork, journal, setting};
use crate::session::Facts;

/// Promise 2 as numbers; the machine checks that they add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Equation {
    /// Acts saved here.
    pub entered: u64,
    /// Of them in the registry, by the server's signed receipt.
    pub merged: u64,
    /// Of them waiting for the province, by receipt.
    pub held: u64,
    /// Of them refused with a reason, by receipt.
    pub refused: u64,
    /// Of them not covered by a receipt: not sent, or the answer is still to come.
    pub unsent: u64,
}

impl Equation {
    /// From the journal's length and the last receipt.
    pub fn of(entered: u64, receipt: Option<&Receipt>) -> Self {
        let covered = receipt.map_or(0, |r| r.position);
        Equation {
            entered,
            merged: receipt.map_or(0, |r| r.merged),
            held: receipt.map_or(0, |r| r.held),
            refused: receipt.map_or(0, |r| r.refused),
            unsent: entered.saturating_sub(covered),
        }
    }

    /// Whether it adds up.
    pub fn holds(&self) -> bool {
        self.entered == self.merged + self.held + self.refused + self.unsent
    }
}

/// What `status` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The province's name.
    pub province: String,
    /// Whose replica this is.
    pub author: AuthorId,
    /// Where it parted from the journal that the province holds, and went on under another id; oldest first.
    pub forked: Vec<Fork>,
    /// Since then the province has not invited this machine again: it may only deliver.
    pub uninvited: bool,
    /// The equation.
    pub equation: Equation,
    /// The receipt behind it.
    pub receipt: Option<Receipt>,
    /// The scopes.
    pub scopes: Vec<ScopeState>,
    /// Records with a field in conflict.
    pub contested: u64,
    /// Outcomes in the inbox.
    pub inbox: u64,
    /// The last server time heard.
    pub last_server_ms: UnixMs,
    /// The position up to which the server's backup has this node's acts.
    pub backed_up: u64,
    /// What opening found and mended.
    pub opened: Opening,
}

impl Replica {
    /// What Hello is made of.
    ///
    /// # Errors
    /// What storage says.
    pub fn facts(&self) -> Result<Facts> {
        self.read(facts)
    }

    /// The last words that the server of the epoch in force has signed.
    ///
    /// # Errors
    /// What storage says.
    pub fn proof(&self) -> Result<Proof> {
        self.read(|work| {
            let epoch = Epoch(setting::must(work.db, setting::EPOCH)?);
            let sql = "SELECT signed, signature FROM checkpoint WHERE epoch = ?";
            let row = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?));
            let kept = work.db.prepare_cached(sql)?.query_row([epoch.0], row).optional()?;
            let read = |(signed, signature): (Vec<u8>, Vec<u8>)| {
                Checkpoint::from_signed(&signed, signature).map_err(|_| damaged("a checkpoint"))
            };
            let checkpoint = kept.map(read).transpose()?;
            Ok(Proof { receipt: ack::last_receipt(work.db, epoch)?, checkpoint })
        })
    }

    /// Promise 2 as numbers.
    ///
    /// # Errors
    /// What storage says.
    pub fn equation(&self) -> Result<Equation> {
        self.read(|work| {
            Ok(Equation::of(journal::tail(work.db)?.position, receipt(work)?.as_ref()))
        })
    }

    /// Where everything stands.
    ///
    /// # Errors
    /// What storage says.
    pub fn status(&self) -> Result<Status> {
        let opened = self.opened;
        self.read(|work| status(work, opened))
    }

    /// The digest of each scope as base is here.
    ///
    /// # Errors
    /// What storage says.
    pub fn digests(&self) -> Result<Vec<ScopeMark>> {
        self.read(|work| Ok(scope::all(work.db)?.iter().map(ScopeState::mark).collect()))
    }

    /// What joining gave: the pinned authority in DER.
    ///
    /// # Errors
    /// What storage says.
    pub fn ca_der(&self) -> Result<Vec<u8>> {
        self.read(|work| setting::get(work.db, setting::CA)?.ok_or(damaged("a setting")))
    }

    /// The server's key for receipts, checkpoints and answers on a stick.
    #[must_use]
    pub fn signing_key(&self) -> &[u8; 32] {
        &self.signing_key
    }

    /// Something small that the caller keeps here: the server's address, the state of the link.
    ///
    /// # Errors
    /// What storage says.
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read(|work| setting::get(work.db, &format!("{}{name}", setting::NOTE)))
    }

    /// Keeps something small.
    ///
    /// # Errors
    /// What storage says.
    pub fn set_note(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write("note", |work| setting::put(work.db, &format!("{}{name}", setting::NOTE), bytes))
    }
}

fn server_ms(work: &Work<'_>) -> Result<UnixMs> {
    Ok(UnixMs::from_be_bytes(setting::must(work.db, setting::SERVER_MS)?))
}

/// The last receipt of the epoch in force.
fn receipt(work: &Work<'_>) -> Result<Option<Receipt>> {
    ack::last_receipt(work.db, Epoch(setting::must(work.db, setting::EPOCH)?))
}

fn facts(work: &Work<'_>) -> Result<Facts> {
    let tail = journal::tail(work.db)?;
    let acknowledged = ack::delivered(work.db)?;
    let scopes = scope::all(work.db)?;
    let marks: Vec<ScopeMark> = scopes.iter().map(ScopeState::mark).collect();
    Ok(Facts {
        author: work.line.author(),
        forks: work.line.forks().to_vec(),
        schema: catalogue().version(),
        epoch: Some(Epoch(setting::must(work.db, setting::EPOCH)?)),
        position: tail.position,
        head: tail.chain,
        acknowledged,
        acknowledged_head: journal::chain_at(work.db, acknowledged)?
            .ok_or(damaged("the journal"))?,
        token: setting::must(work.db, setting::TOKEN)?,
        inbox: ack::inbox_last(work.db)?,
        scopes: scopes.iter().map(ScopeState::cursor).collect(),
        state: chain::state_hash(marks.iter()),
        grants: scopes.into_iter().filter(|s| s.granted).map(|s| s.grant).collect(),
        last_server_ms: server_ms(work)?,
    })
}

fn status(work: &Work<'_>, opened: Opening) -> Result<Status> {
    let receipt = receipt(work)?;
    let province = setting::get(work.db, setting::PROVINCE)?.unwrap_or_default();
    let count = "SELECT count(*) FROM contested";
    let contested = work.db.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    let backed_up = setting::fixed(work.db, setting::BACKED_UP)?;
    Ok(Status {
        province: String::from_utf8(province).map_err(|_| damaged("a setting"))?,
        author: work.line.author(),
        forked: work.line.forks().to_vec(),
        uninvited: fork::is_uninvited(work)?,
        equation: Equation::of(journal::tail(work.db)?.position, receipt.as_ref()),
        receipt,
        scopes: scope::all(work.db)?,
        contested: journal::uint(contested),
        inbox: ack::inbox_last(work.db)?,
        last_server_ms: server_ms(work)?,
        backed_up: backed_up.map_or(0, u64::from_be_bytes),
        opened,
    })
}
