//! The bytes of [`Meta`], made small: every edit writes them, and they share pages with the values.
//!
//! Heads are coded in the order of fields. An author is the record's own, the last one that was
//! written out, or written out; a time is the difference from the head before. Bytes of the
//! registry and of replicas only: nothing signs or hashes them, and no frame carries them.

use super::meta::{Diverged, Meta, PackedHead};
use super::{Named, Origin, Rank};
use crate::act::{read_act_id, write_act_id};
use crate::bytes::{Reader, Truncated, Writer};
use crate::id::{ActId, AuthorId, FieldId};
use crate::stamp::{Stamp, UnixMs};
use crate::value::Value;

const VERSION: u8 = 1;
const PLACED: u8 = 1;
const GUESTS: u8 = 2;

/// Bits of the byte before a head: its rank, then these.
const RANK_BITS: u8 = 0b11;
/// The value follows; it is in no column.
const VALUE: u8 = 1 << 2;
/// The author is the last one that was written out.
const LAST_AUTHOR: u8 = 1 << 3;
/// The author follows.
const OTHER_AUTHOR: u8 = 1 << 4;
/// In place of a head's: a field with bookkeeping, or with no head or several.
const MANY: u8 = 1 << 5;
/// Entries for which room is made at once, whatever a blob claims to hold.
const FIELDS_EXPECTED: usize = 64;
/// A stamp's milliseconds have so many bits.
const MS_BITS: u32 = 48;

/// What the coding of one head leaves for the next.
struct Before {
    own: AuthorId,
    last: AuthorId,
    ms: UnixMs,
}

impl Before {
    fn new(created: Origin) -> Self {
        let author = created.act.author;
        Before { own: author, last: author, ms: created.stamp.ms() }
    }

    /// The bits that say who an author is; keeps one that must be written out.
    fn author_bits(&mut self, author: AuthorId) -> u8 {
        if author == self.own {
            0
        } else if author == self.last {
            LAST_AUTHOR
        } else {
            self.last = author;
            OTHER_AUTHOR
        }
    }

    fn write_act(&mut self, act: ActId, bits: u8, w: &mut Writer) {
        let author = self.author_bits(act.author);
        w.byte(bits | author);
        if author == OTHER_AUTHOR {
            w.raw(&act.author.0.to_be_bytes());
        }
        w.number(act.position);
    }

    fn read_act(&mut self, bits: u8, r: &mut Reader<'_>) -> Result<ActId, Truncated> {
        let author = match bits & (LAST_AUTHOR | OTHER_AUTHOR) {
            0 => self.own,
            LAST_AUTHOR => self.last,
            OTHER_AUTHOR => {
                self.last = AuthorId(u64::from_be_bytes(r.array()?));
                self.last
            }
            _ => return Err(Truncated),
        };
        Ok(ActId::new(author, r.number()?))
    }

    fn write_head(&mut self, head: &PackedHead, w: &mut Writer) {
        let value = if head.value.is_some() { VALUE } else { 0 };
        self.write_act(head.origin.act, head.origin.rank as u8 | value, w);
        let ms = head.origin.stamp.ms();
        w.signed(ms - std::mem::replace(&mut self.ms, ms));
        w.number(u64::from(head.origin.stamp.counter()));
        if let Some(value) = &head.value {
            value.write(w);
        }
    }

    fn read_head(&mut self, bits: u8, r: &mut Reader<'_>) -> Result<PackedHead, Truncated> {
        let rank = Rank::from_number(bits & RANK_BITS).ok_or(Truncated)?;
        let act = self.read_act(bits, r)?;
        self.ms = self.ms.checked_add(r.signed()?).ok_or(Truncated)?;
        let counter: u16 = r.narrow()?;
        if self.ms >> MS_BITS != 0 {
            return Err(Truncated);
        }
        let stamp = Stamp::new(self.ms, counter);
        let value = if bits & VALUE != 0 { Some(Value::read(r)?) } else { None };
        Ok(PackedHead { origin: Origin { act, stamp, rank }, value })
    }

    fn write_acts(&mut self, acts: &[ActId], w: &mut Writer) {
        w.number(acts.len() as u64);
        acts.iter().for_each(|act| self.write_act(*act, 0, w));
    }

    fn read_acts(&mut self, r: &mut Reader<'_>) -> Result<Named, Truncated> {
        (0..r.number()?).map(|_| r.byte().and_then(|bits| self.read_act(bits, r))).collect()
    }

    fn write_field(&mut self, field: &Diverged, w: &mut Writer) {
        w.number(u64::from(field.field.0));
        if let ([head], true, true) =
            (field.heads.as_slice(), field.ahead.is_empty(), field.undone.is_empty())
        {
            return self.write_head(head, w);
        }
        w.byte(MANY);
        w.number(field.heads.len() as u64);
        field.heads.iter().for_each(|head| self.write_head(head, w));
        self.write_acts(&field.ahead, w);
        w.number(field.undone.len() as u64);
        for (act, named) in &field.undone {
            self.write_act(*act, 0, w);
            self.write_acts(named, w);
        }
    }

    fn read_field(&mut self, r: &mut Reader<'_>) -> Result<Diverged, Truncated> {
        let field = FieldId(r.narrow()?);
        let bits = r.byte()?;
        let mut found = Diverged {
            field,
            heads: Default::default(),
            ahead: Default::default(),
            undone: Default::default(),
        };
        if bits != MANY {
            found.heads.push(self.read_head(bits, r)?);
            return Ok(found);
        }
        for _ in 0..r.number()? {
            let bits = r.byte()?;
            found.heads.push(self.read_head(bits, r)?);
        }
        found.ahead = self.read_acts(r)?.into_iter().collect();
        for _ in 0..r.number()? {
            let bits = r.byte()?;
            found.undone.push((self.read_act(bits, r)?, self.read_acts(r)?));
        }
        Ok(found)
    }
}

impl Meta {
    /// The blob.
    pub fn pack(&self) -> Vec<u8> {
        let mut w = Writer::reuse(Vec::with_capacity(32 + 12 * self.diverged.len()));
        w.byte(VERSION);
        w.byte(
            if self.placed.is_some() { PLACED } else { 0 } | if self.guests { GUESTS } else { 0 },
        );
        write_act_id(&mut w, self.created.act);
        w.raw(&self.created.stamp.0.to_be_bytes());
        w.byte(self.created.rank as u8);
        if let Some(act) = self.placed {
            write_act_id(&mut w, act);
        }
        w.number(self.diverged.len() as u64);
        let mut before = Before::new(self.created);
        self.diverged.iter().for_each(|field| before.write_field(field, &mut w));
        w.into_bytes()
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// [`Truncated`] for bytes that are none.
    pub fn unpack(bytes: &[u8]) -> Result<Self, Truncated> {
        let r = &mut Reader::new(bytes);
        if r.byte()? != VERSION {
            return Err(Truncated);
        }
        let flags = r.byte()?;
        let act = read_act_id(r)?;
        let stamp = Stamp(u64::from_be_bytes(r.array()?));
        let created = Origin { act, stamp, rank: Rank::from_number(r.byte()?).ok_or(Truncated)? };
        let placed = if flags & PLACED != 0 { Some(read_act_id(r)?) } else { None };
        let count = r.number()?;
        let mut before = Before::new(created);
        // Room for one more: most who read this are about to add an entry.
        let mut diverged = Vec::with_capacity((count as usize).min(FIELDS_EXPECTED) + 1);
        for _ in 0..count {
            diverged.push(before.read_field(r)?);
        }
        if !r.is_empty() || !diverged.is_sorted_by(|a, b| a.field < b.field) {
            return Err(Truncated);
        }
        Ok(Meta { created, placed, guests: flags & GUESTS != 0, diverged })
    }
}
