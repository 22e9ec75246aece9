//! What became of an act: one fate for the whole of it, and the receipts that back the equation
//! *entered here = at the province + held for review + refused with a reason + not yet sent*.
//!
//! Sentences for people are looked up from [`Reason::key`]; nothing here holds a member's data.

use serde::{Deserialize, Serialize};

use crate::bytes::{Reader, Truncated, Writer};
use crate::digest::Digest;
use crate::id::{ActId, AuthorId, Epoch, Hash, ScopeId};
use crate::stamp::UnixMs;

/// Why an act was held, or refused by the province.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// It asks for something that the province approves: a locked field, a second value of a write-once field.
    NeedsApproval = 1,
    /// Its author may not write one of the fields.
    NotWritable = 2,
    /// It touches a record that the province does not hold.
    UnknownRecord = 3,
    /// The creation of a record that it touches is itself held.
    CreationHeld = 4,
    /// It says something that this server cannot read; a newer one will merge it.
    NeedsNewerServer = 5,
    /// Its author may only deliver: revoked, closed, or a rewound disk.
    DeliverOnly = 6,
    /// Its author had been shown that the record left its scope.
    RecordLeft = 7,
    /// It is over a limit.
    OverLimit = 8,
    /// A value breaks its field's limits.
    InvalidValue = 9,
    /// The province refused it, with a text.
    RefusedByProvince = 10,
    /// It decides or places, which only the province does.
    ProvinceOnly = 11,
}

impl Reason {
    const ALL: [Reason; 11] = [
        Reason::NeedsApproval,
        Reason::NotWritable,
        Reason::UnknownRecord,
        Reason::CreationHeld,
        Reason::NeedsNewerServer,
        Reason::DeliverOnly,
        Reason::RecordLeft,
        Reason::OverLimit,
        Reason::InvalidValue,
        Reason::RefusedByProvince,
        Reason::ProvinceOnly,
    ];

    /// From its number in a row or on the wire.
    pub fn from_number(n: u8) -> Option<Self> {
        Reason::ALL.into_iter().find(|r| *r as u8 == n)
    }

    /// The key of its sentence.
    pub fn key(self) -> &'static str {
        match self {
            Reason::NeedsApproval => "reason-needs-approval",
            Reason::NotWritable => "reason-not-writable",
            Reason::UnknownRecord => "reason-unknown-record",
            Reason::CreationHeld => "reason-creation-held",
            Reason::NeedsNewerServer => "reason-needs-newer-server",
            Reason::DeliverOnly => "reason-deliver-only",
            Reason::RecordLeft => "reason-record-left",
            Reason::OverLimit => "reason-over-limit",
            Reason::InvalidValue => "reason-invalid-value",
            Reason::RefusedByProvince => "reason-refused-by-province",
            Reason::ProvinceOnly => "reason-province-only",
        }
    }
}

/// What became of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is in the registry. `as_written` where every write is its field's sole head: not echoed.
    Merged {
        /// Whether the node can move it to base by itself.
        as_written: bool,
    },
    /// It waits for the province, whole.
    Held(Reason),
    /// The province refused it, whole.
    Refused(Reason),
}

impl Fate {
    /// Its byte in outcome rows and on the wire: 0, 1, 64 + reason, 128 + reason.
    pub fn number(self) -> u8 {
        match self {
            Fate::Merged { as_written } => u8::from(!as_written),
            Fate::Held(r) => 64 + r as u8,
            Fate::Refused(r) => 128 + r as u8,
        }
    }

    /// From that byte.
    pub fn from_number(n: u8) -> Option<Self> {
        match n {
            0 | 1 => Some(Fate::Merged { as_written: n == 0 }),
            64..128 => Reason::from_number(n - 64).map(Fate::Held),
            128.. => Reason::from_number(n - 128).map(Fate::Refused),
            _ => None,
        }
    }
}

/// One line of a node's inbox: what became of one of its acts after it was first acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Its place in the node's inbox, gapless from 1.
    pub sequence: u64,
    /// The act.
    pub act: ActId,
    /// Its fate now.
    pub fate: Fate,
    /// The province's words, where it refused.
    pub text: String,
    /// Server time.
    pub at_ms: UnixMs,
}

/// The server's signed word on all of one author's acts so far: cumulative, so the last one is enough.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The epoch that it counts in.
    #[serde(skip)]
    pub epoch: Epoch,
    /// Whose acts.
    pub author: AuthorId,
    /// All acts up to this position are in the server's journal.
    pub position: u64,
    /// The author's chain hash there.
    pub chain: Hash,
    /// How many of them are in the registry.
    pub merged: u64,
    /// How many wait for the province.
    pub held: u64,
    /// How many it refused.
    pub refused: u64,
    /// Server time.
    pub at_ms: UnixMs,
    /// Ed25519 by the server's signing key over [`Receipt::signed_bytes`].
    #[serde(skip)]
    pub signature: Vec<u8>,
}

impl Receipt {
    /// What the signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.raw(b"dongbo receipt 1\0");
        w.raw(&self.epoch.0);
        w.raw(&self.author.0.to_be_bytes());
        w.number(self.position);
        w.raw(&self.chain.0);
        [self.merged, self.held, self.refused].into_iter().for_each(|n| w.number(n));
        w.signed(self.at_ms);
        w.into_bytes()
    }
}

/// The revision that a scope is born with, so that 0 always means "never heard": a node that has
/// heard that a scope is empty is in step with it, and its own first acts need no echo.
pub const SCOPE_BORN: u64 = 1;

/// What the signed bytes of a checkpoint begin with.
const CHECKPOINT: &[u8; 20] = b"dongbo checkpoint 1\0";

/// Where one scope stands: the last element of its chain and the digest of its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScopeMark {
    /// The scope.
    pub scope: ScopeId,
    /// [`SCOPE_BORN`] and one for each act merged into it, gapless.
    pub revision: u64,
    /// The chain over them.
    pub chain: Hash,
    /// The digest over the projection that the reader sees.
    pub digest: crate::digest::Digest,
}

/// The server's signed word on the scopes of one node: each later one must extend the earlier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The epoch.
    pub epoch: Epoch,
    /// Server time.
    pub at_ms: UnixMs,
    /// The node's scopes, by id.
    pub marks: Vec<ScopeMark>,
    /// Ed25519 by the server's signing key over [`Checkpoint::signed_bytes`].
    pub signature: Vec<u8>,
}

impl Checkpoint {
    /// What the signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.raw(CHECKPOINT);
        w.raw(&self.epoch.0);
        w.signed(self.at_ms);
        w.number(self.marks.len() as u64);
        for mark in &self.marks {
            w.number(u64::from(mark.scope.0));
            w.number(mark.revision);
            w.raw(&mark.chain.0);
            w.raw(&mark.digest.to_bytes());
        }
        w.into_bytes()
    }

    /// Reads what the signature is over.
    ///
    /// # Errors
    /// [`Truncated`] if it is anything else.
    pub fn from_signed(bytes: &[u8], signature: Vec<u8>) -> Result<Self, Truncated> {
        let r = &mut Reader::new(bytes);
        if r.array()? != *CHECKPOINT {
            return Err(Truncated);
        }
        let (epoch, at_ms) = (Epoch(r.array()?), r.signed()?);
        let mark = |r: &mut Reader<'_>| {
            Ok(ScopeMark {
                scope: ScopeId(u32::try_from(r.number()?).map_err(|_| Truncated)?),
                revision: r.number()?,
                chain: Hash(r.array()?),
                digest: Digest::from_bytes(r.array()?),
            })
        };
        let marks = (0..r.number()?).map(|_| mark(r)).collect::<Result<_, Truncated>>()?;
        Ok(Checkpoint { epoch, at_ms, marks, signature })
    }

    /// Whether this checkpoint extends an earlier one of the same epoch: no scope went back, and
    /// none changed its chain in place. A scope that was withdrawn or granted between is passed over.
    pub fn extends(&self, earlier: &[ScopeMark]) -> bool {
        earlier.iter().all(|old| match self.marks.iter().find(|m| m.scope == old.scope) {
            None => true,
            Some(new) => {
                new.revision > old.revision
                    || (new.revision == old.revision && new.chain == old.chain)
            }
        })
    }
}
