//! The stick from the office's side: which keys a bundle is written and read with, and what is kept.
//!
//! The key to which answers are sealed is derived from the key file, so it is there for as long as
//! the data can be opened, and lies nowhere. Deliberately absent: joining (`join`), files and
//! sentences (`cli::bundle`), the frames (`exchange::stick`).

use dongbo_proto::states::State;
use dongbo_proto::stick::{Kind, SEALING_LABEL, SealingKey, StickError};
use dongbo_sqlite::DatabaseKey;

use super::{Desk, Result, last};
use crate::exchange::ExchangeError;
use crate::exchange::stick::{Answer, Carrier, Request, Taken, kind_of, read_card};
use crate::replica::{Replica, ReplicaError};

/// The note that holds the province's sealing key.
const SEALING_NOTE: &str = "province_sealing_key";

/// The key to which this directory's answers are sealed.
#[must_use]
pub fn sealing_key(key: &DatabaseKey) -> SealingKey {
    SealingKey::of(key.derive(SEALING_LABEL))
}

/// Keeps the province's sealing key, where one was said.
///
/// # Errors
/// What storage says.
pub fn keep_sealing_key(
    replica: &mut Replica,
    key: Option<[u8; 32]>,
) -> std::result::Result<(), ReplicaError> {
    key.map_or(Ok(()), |key| replica.set_note(SEALING_NOTE, &key))
}

/// Keeps what the card of this node's own province says.
///
/// # Errors
/// It is another province's, or forged.
pub fn keep_card(desk: &mut Desk, file: &[u8]) -> Result<()> {
    let card = read_card(file)?;
    if card.ca != desk.identity.ca {
        return Err(ExchangeError::from(StickError::OtherProvince).into());
    }
    Ok(keep_sealing_key(&mut desk.replica, Some(card.sealing_key))?)
}

/// Writes what this node has to say.
///
/// # Errors
/// [`ExchangeError::NoCard`], or what storage says.
pub fn request(desk: &Desk, bytes_max: u64) -> Result<Request> {
    desk.replica.sync_outbox()?;
    let known = desk.replica.note(SEALING_NOTE)?.and_then(|key| key.try_into().ok());
    let to: [u8; 32] = known.ok_or(ExchangeError::NoCard)?;
    let own = sealing_key(&desk.key);
    let certificate = &desk.identity.certificate;
    Ok(carrier(desk, &own).request(&desk.replica, certificate, &to, bytes_max)?)
}

/// What a file did.
#[derive(Debug)]
pub enum Imported {
    /// It was the province's card.
    Card,
    /// It was an answer.
    Answer(Taken),
}

/// Takes in a file that came from the province.
///
/// # Errors
/// Why it is not taken; nothing was changed then.
pub fn import(desk: &mut Desk, file: &[u8]) -> Result<Imported> {
    match kind_of(file)? {
        Kind::Card => keep_card(desk, file).map(|()| Imported::Card),
        Kind::Answer => take(desk, file).map(Imported::Answer),
        // Killed after it began with this very answer, it goes on with it.
        Kind::JoinAnswer => {
            let own = sealing_key(&desk.key);
            let (_, answer) = carrier(desk, &own).joined(file)?;
            finish(desk, answer).map(Imported::Answer)
        }
        Kind::Request | Kind::JoinRequest => Err(ExchangeError::from(StickError::WrongWay).into()),
    }
}

fn take(desk: &mut Desk, file: &[u8]) -> Result<Taken> {
    let own = sealing_key(&desk.key);
    let answer = carrier(desk, &own).answer(file, desk.replica.signing_key())?;
    finish(desk, answer)
}

fn finish(desk: &mut Desk, answer: Answer) -> Result<Taken> {
    let taken = answer.take(&mut desk.replica, &desk.identity.key, &*desk.clock)?;
    let ended = taken.end.as_ref().map_or(Some(State::More), last::of_end);
    last::keep(&mut desk.replica, ended, desk.clock.now_ms());
    keep_certificate(desk, &taken)?;
    Ok(taken)
}

/// Keeps a renewed certificate.
fn keep_certificate(desk: &mut Desk, taken: &Taken) -> Result<()> {
    let Some(certificate) = &taken.certificate else { return Ok(()) };
    desk.identity.certificate = certificate.clone();
    desk.keep_identity()
}

fn carrier<'a>(desk: &'a Desk, own: &'a SealingKey) -> Carrier<'a> {
    Carrier {
        author: desk.identity.author,
        key: &desk.identity.key,
        own,
        ca: &desk.identity.ca,
        clock: &*desk.clock,
    }
}
