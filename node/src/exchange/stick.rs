//! The stick: an exchange by files, for a node that has no network.
//!
//! A request holds the frames that the session would send up; an answer those that came down. The
//! session is the one of a stream, asked twice: for the request it is given no answers, and for the
//! answer what it sends is dropped, since the server has played that part already
//! (`proto/docs/STICK.md`).
//!
//! An answer is taken while the node stands where it stood when it asked: in the same epoch and with
//! the same token, which each `Complete` replaces. So nothing goes back, in whatever order files come.
//!
//! Deliberately absent: files and sentences (`cli::bundle`) and where keys are kept (`office::stick`).

use std::collections::VecDeque;

use dongbo_proto::code::{CaPin, JoinCode};
use dongbo_proto::frame::{Down, Hello, Proof, Up};
use dongbo_proto::id::{AuthorId, Hash};
use dongbo_proto::seam::Clock;
use dongbo_proto::stick::{FileId, Header, Kind, Sealed, SealingKey, StickError, seal};
use dongbo_proto::wire::{self, pb};

use super::ExchangeError;
use super::converse::{Tally, load};
use super::join::{self, Joined};
use super::key::NodeKey;
use crate::replica::{Replica, ReplicaError, Staged, Turn, Word};
use crate::session::{Do, End, Event, Facts, Link, Session};

/// Share of its life, in percent, after which a certificate is renewed (as the server counts it).
const RENEW_AT_PERCENT: i64 = 70;

/// What a node writes and reads files with.
pub struct Carrier<'a> {
    /// Whose files.
    pub author: AuthorId,
    /// The key that signs batches, requests and files.
    pub key: &'a NodeKey,
    /// The key to which answers are sealed.
    pub own: &'a SealingKey,
    /// The province's authority, DER.
    pub ca: &'a [u8],
    /// The wall clock.
    pub clock: &'a dyn Clock,
}

/// What the province's card says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The authority, DER.
    pub ca: Vec<u8>,
    /// The key to which requests are sealed.
    pub sealing_key: [u8; 32],
}

/// Reads a card. Its signature is checked against the authority that it brings: the caller compares
/// that with the one it knows, or with a code's pin.
///
/// # Errors
/// [`StickError`].
pub fn read_card(file: &[u8]) -> Result<Card, ExchangeError> {
    let sealed = of_kind(file, Kind::Card)?;
    let words: pb::StickCard = wire::message_from_bytes(sealed.body()).map_err(forged)?;
    sealed.verify(&authority_key(&words.ca)?)?;
    let sealing_key = words.sealing_key.try_into().map_err(|_| StickError::Forged)?;
    if CaPin::of_certificate(&words.ca) != sealed.header.province {
        return Err(StickError::Forged.into());
    }
    Ok(Card { ca: words.ca, sealing_key })
}

/// What a file is, if it is a bundle at all.
///
/// # Errors
/// [`StickError`].
pub fn kind_of(file: &[u8]) -> Result<Kind, ExchangeError> {
    Ok(Sealed::parse(file)?.header.kind)
}

/// Bytes that are no message after all, though the file was whole.
fn forged(_: wire::WireError) -> StickError {
    StickError::Forged
}

fn of_kind(file: &[u8], kind: Kind) -> Result<Sealed<'_>, StickError> {
    let sealed = Sealed::parse(file)?;
    if sealed.header.kind == kind { Ok(sealed) } else { Err(StickError::WrongWay) }
}

/// The Ed25519 key of an authority's certificate.
fn authority_key(ca: &[u8]) -> Result<[u8; 32], StickError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(ca).map_err(|_| StickError::Forged)?;
    let key = parsed.public_key().subject_public_key.data.as_ref();
    key.try_into().map_err(|_| StickError::Forged)
}

/// A request that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The file.
    pub file: Vec<u8>,
    /// Acts in it.
    pub acts: u64,
    /// Acts that found no room in it.
    pub left: u64,
}

impl Carrier<'_> {
    /// Asks to join with a code.
    ///
    /// # Errors
    /// [`ExchangeError`]; the card is the code's own province's.
    pub fn join(&self, code: &JoinCode, to: &[u8; 32]) -> Result<Vec<u8>, ExchangeError> {
        let now = self.clock.now_ms();
        let join = Some(join::request(code, self.key, self.author, now)?);
        let words = pb::StickRequest { join, ..pb::StickRequest::default() };
        self.write(Kind::JoinRequest, words, to)
    }

    /// Reads the answer to [`Carrier::join`]: what the replica begins with, and its first fill.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn joined(&self, file: &[u8]) -> Result<(Joined, Answer), ExchangeError> {
        let sealed = self.for_me(file, Kind::JoinAnswer)?;
        sealed.verify(&authority_key(self.ca)?)?;
        let mut words: pb::StickAnswer =
            wire::message_from_bytes(&sealed.open(self.own)?).map_err(forged)?;
        let reply = words.joined.take().filter(|reply| reply.ca == self.ca);
        let joined = join::read(reply.ok_or(StickError::Forged)?)?;
        Ok((joined, Answer::of(words, sealed.id())?))
    }

    /// Writes what the node has to say, with about `bytes_max` bytes of frames at most.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn request(
        &self,
        replica: &Replica,
        certificate: &[u8],
        to: &[u8; 32],
        bytes_max: u64,
    ) -> Result<Request, ExchangeError> {
        let facts = replica.facts()?;
        let (position, acknowledged) = (facts.position, facts.acknowledged);
        let renew = is_due(certificate, facts.last_server_ms / 1_000);
        let mut frames = self.frames_up(replica, facts, bytes_max)?;
        // A file cannot be asked: should the server have been put back, it is shown so at once.
        let proof = replica.proof()?;
        if proof != Proof::default() {
            frames.push(Up::Prove(Box::new(proof)));
        }
        if renew {
            frames.push(Up::Renew(self.key.csr_der()?));
        }
        let acts = frames.iter().map(|up| if let Up::Batch(b) = up { b.count } else { 0 });
        let acts = acts.map(u64::from).sum();
        let frames = frames.iter().map(wire::up_to_pb).collect();
        let certificate = certificate.to_vec();
        let words = pb::StickRequest { certificate, frames, ..pb::StickRequest::default() };
        let left = position.saturating_sub(acknowledged).saturating_sub(acts);
        Ok(Request { file: self.write(Kind::Request, words, to)?, acts, left })
    }

    /// What the session sends to a server that does not answer.
    fn frames_up(
        &self,
        replica: &Replica,
        facts: Facts,
        bytes_max: u64,
    ) -> Result<Vec<Up>, ExchangeError> {
        let mut session = Session::new(false, Link::file());
        let (mut frames, mut bytes) = (Vec::new(), 0);
        let started = Event::Started(Box::new(facts), self.clock.now_ms());
        let mut todo = VecDeque::from(session.on(started));
        while let Some(step) = todo.pop_front() {
            match step {
                Do::Send(up) => {
                    bytes += wire::encoded_len(&wire::up_to_pb(&up));
                    frames.push(up);
                }
                Do::Load { after, bytes_max: most } => {
                    // However little room there is, each file brings the province on.
                    let first = !frames.iter().any(|up| matches!(up, Up::Batch(_)));
                    let room = first || bytes < bytes_max;
                    let left = usize::try_from(bytes_max.saturating_sub(bytes)).unwrap_or(most);
                    let most = most.min(left);
                    let batch = if room { load(replica, self.key, after, most)? } else { None };
                    todo.extend(session.on(Event::Loaded(batch)));
                }
                _ => {}
            }
        }
        Ok(frames)
    }

    /// Reads an answer to [`Carrier::request`].
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn answer(&self, file: &[u8], signing_key: &[u8; 32]) -> Result<Answer, ExchangeError> {
        let sealed = self.for_me(file, Kind::Answer)?;
        sealed.verify(signing_key)?;
        let words = wire::message_from_bytes(&sealed.open(self.own)?).map_err(forged)?;
        Answer::of(words, sealed.id())
    }

    fn for_me<'f>(&self, file: &'f [u8], kind: Kind) -> Result<Sealed<'f>, StickError> {
        let sealed = of_kind(file, kind)?;
        if sealed.header.province != CaPin::of_certificate(self.ca) {
            return Err(StickError::OtherProvince);
        }
        if sealed.header.node != self.author {
            return Err(StickError::OtherNode);
        }
        Ok(sealed)
    }

    fn write(
        &self,
        kind: Kind,
        mut words: pb::StickRequest,
        to: &[u8; 32],
    ) -> Result<Vec<u8>, ExchangeError> {
        words.answer_to = self.own.public().to_vec();
        let province = CaPin::of_certificate(self.ca);
        let header = Header { kind, province, node: self.author };
        let plain = wire::message_to_bytes(&words);
        Ok(seal(&header, &plain, to, |bytes| self.key.sign(bytes))?)
    }
}

/// Whether a certificate is due by the last server time.
fn is_due(certificate: &[u8], heard_s: i64) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return false };
    let life = parsed.validity();
    let (from_s, until_s) = (life.not_before.timestamp(), life.not_after.timestamp());
    let share = until_s.saturating_sub(from_s) / 100 * RENEW_AT_PERCENT;
    heard_s >= from_s.saturating_add(share)
}

/// An answer that was read and is genuine.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which file this is.
    file: FileId,
    /// The Hello that is answered.
    asked: Hello,
    frames: Vec<pb::DownFrame>,
    bytes: u64,
}

/// What came of an answer.
#[derive(Debug, Default)]
pub struct Taken {
    /// How the exchange ended; none where another bundle must go up first.
    pub end: Option<End>,
    /// What moved.
    pub tally: Tally,
    /// A renewed certificate, in DER, to be kept.
    pub certificate: Option<Vec<u8>>,
}

impl Answer {
    fn of(words: pb::StickAnswer, file: FileId) -> Result<Self, ExchangeError> {
        let asked = words.asked.ok_or(StickError::Forged)?;
        let frame = Some(pb::up_frame::Frame::Hello(asked));
        let Up::Hello(mut asked) = wire::up_from_pb(pb::UpFrame { frame })? else {
            return Err(StickError::Forged.into());
        };
        let bytes = words.frames.iter().map(wire::encoded_len).sum();
        asked.scopes.sort_unstable_by_key(|cursor| cursor.scope);
        Ok(Answer { file, asked, frames: words.frames, bytes })
    }

    /// Takes the answer in. All that it says of states becomes visible in one transaction, at its
    /// end; killed before, the same file is taken again.
    ///
    /// # Errors
    /// [`ExchangeError::OldAnswer`], or what the replica says.
    pub fn take(
        self,
        replica: &mut Replica,
        key: &NodeKey,
        clock: &dyn Clock,
    ) -> Result<Taken, ExchangeError> {
        let turn = replica.turn()?;
        let facts = replica.facts()?;
        let here = (facts.author, facts.epoch, facts.token);
        let asked = (self.asked.author, self.asked.epoch, self.asked.token);
        // This file may have moved the cursors itself, before it was interrupted.
        let continues = facts.scopes == self.asked.scopes || turn.is_of(self.file);
        if here != asked || !continues {
            return Err(ExchangeError::OldAnswer);
        }
        let turn = turn.of_file(self.file);
        let heard = (self.asked.acknowledged, self.asked.acknowledged_head);
        let tally = Tally { bytes_down: self.bytes, ..Tally::default() };
        let taken = Taken { tally, ..Taken::default() };
        let session = Session::new(false, Link::file());
        let mut talk = Talk { replica, key, clock, session, heard, turn, taken };
        talk.start()?;
        for frame in self.frames {
            talk.perform(Event::Frame(wire::down_from_pb(frame)?))?;
        }
        Ok(talk.taken)
    }
}

/// An answer that is being taken in.
struct Talk<'a> {
    replica: &'a mut Replica,
    key: &'a NodeKey,
    clock: &'a dyn Clock,
    session: Session,
    /// How far the answer has acknowledged: the replica may know more, from the same file before.
    heard: (u64, Hash),
    turn: Turn,
    taken: Taken,
}

impl Talk<'_> {
    fn start(&mut self) -> Result<(), ExchangeError> {
        let started = self.started()?;
        self.perform(started)
    }

    /// The facts as they were when the node asked, or where the answer has brought them since.
    fn started(&self) -> Result<Event, ExchangeError> {
        let facts = self.replica.facts()?;
        let (acknowledged, acknowledged_head) = match self.heard {
            heard if heard.0 < facts.acknowledged => heard,
            _ => (facts.acknowledged, facts.acknowledged_head),
        };
        let facts = Facts { acknowledged, acknowledged_head, ..facts };
        Ok(Event::Started(Box::new(facts), self.clock.now_ms()))
    }

    fn perform(&mut self, event: Event) -> Result<(), ExchangeError> {
        if let Event::Frame(Down::States(page)) = &event {
            self.taken.tally.records_received += page.records.len() as u64;
        }
        let mut todo = VecDeque::from(self.session.on(event));
        while let Some(step) = todo.pop_front() {
            if let Some(event) = self.step(step)? {
                todo.extend(self.session.on(event));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Do) -> Result<Option<Event>, ExchangeError> {
        match step {
            // The file went up before: what it held, and the second Hello, the server knows.
            Do::Load { .. } => return Ok(Some(Event::Loaded(None))),
            Do::StartOver => return Ok(Some(self.started()?)),
            Do::LookAgain => return Ok(Some(Event::Looked(self.replica.facts()?.position))),
            // The file that asked has shown it already.
            Do::FindProof => return Ok(Some(Event::Proof(Box::default()))),
            Do::MakeRequest => return Ok(Some(Event::Request(self.key.csr_der()?))),
            Do::Welcome(welcome) => self.replica.welcome(&welcome)?,
            Do::Acknowledge(runs, receipt) => {
                match self.replica.acknowledge(&runs, &receipt) {
                    Err(ReplicaError::Word(Word::ReceiptMismatch)) => {
                        return Ok(Some(Event::OtherJournal));
                    }
                    taken => taken?,
                }
                self.heard = (receipt.position, receipt.chain);
            }
            Do::Stage { page, known } => {
                if self
                    .replica
                    .stage(&[(*page).into()], known, &mut self.turn)?
                    .contains(&Staged::Overtaken)
                {
                    return Err(ExchangeError::OldAnswer);
                }
            }
            Do::Outcomes(outcomes) => self.replica.take_outcomes(&outcomes)?,
            Do::Complete(complete) => {
                let done = self.replica.complete(&complete, &mut self.turn)?;
                if done.overtaken {
                    return Err(ExchangeError::OldAnswer);
                }
                self.taken.tally.records_changed += done.changed;
                self.taken.tally.refilled += done.mismatched.len();
                self.taken.tally.completes += 1;
                return Ok(Some(Event::Completed(done)));
            }
            Do::LookWhere | Do::Chains(_) => return Ok(Some(Event::CannotAsk)),
            Do::KeepCertificate(der) => self.taken.certificate = Some(der),
            Do::End(end) => self.taken.end = Some(end),
            Do::Send(_) | Do::ShowHistory(..) | Do::Rest | Do::Fork(_) => {}
        }
        Ok(None)
    }
}
