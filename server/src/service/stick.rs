//! The stick at the province: a file of frames up is answered with a file of frames down.
//!
//! The session is the one of a stream. A file cannot hear an answer in its middle, so this carrier
//! plays the part of the node where that part is certain: it confirms the `Complete` whose token
//! Hello presents, and it says the second Hello that `Welcome` (or a renewed certificate) asks for.
//!
//! A file's age is no difference of clocks. What the node's clock says counts as right wherever it
//! may be: between the last confirmed exchange and now.
//!
//! Deliberately absent: files and sentences (`cli::bundle`), the envelope (`proto::stick`), and what
//! frames mean (the session).

use std::sync::Arc;

use dongbo_proto::code::CaPin;
use dongbo_proto::frame::{Fork, Hello, ScopeCursor, Stop, Up};
use dongbo_proto::id::{AuthorId, Epoch};
use dongbo_proto::stick::{Header, Kind, Sealed, SealingKey, StickError, publish, seal};
use dongbo_proto::wire::pb::join_reply::Refusal;
use dongbo_proto::wire::{self, WireError, pb};
use tokio::sync::mpsc;
use tonic::Status;

use super::converse::{Talk, happening};
use super::joining::admit;
use super::prepared::Room;
use super::province::Province;
use super::tls::node_of;
use crate::ca::{CaError, NodeIdentity, node_id_of, public_key_of_request};
use crate::session::{Event, View};

/// Frames that may wait between the session and the file.
const FRAMES_WAITING_MAX: usize = 16;

/// Why a file was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The file itself is not taken.
    #[error(transparent)]
    Stick(#[from] StickError),
    /// The machine may not join.
    #[error("joining was refused ({0:?})")]
    Refused(Refusal),
    /// The registry could not be asked.
    #[error("the conversation stopped ({0:?})")]
    Stopped(Stop),
    /// The authority's key does not sign.
    #[error(transparent)]
    Authority(#[from] CaError),
}

impl From<WireError> for Unanswered {
    /// It was signed, and is still not what a node writes.
    fn from(_: WireError) -> Self {
        StickError::Forged.into()
    }
}

/// A file with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The file to carry back.
    pub file: Vec<u8>,
    /// Whose file it was.
    pub node: AuthorId,
    /// It let a new machine in.
    pub joined: bool,
    /// Acts that the file brought.
    pub acts: u64,
    /// Everything was said: after this answer the node is in step.
    pub whole: bool,
    /// Why the conversation stopped, if it did; the answer says it too.
    pub stopped: Option<Stop>,
}

/// The province's card: its keys, signed by its authority. It holds no secret.
///
/// # Errors
/// [`Unanswered::Authority`].
pub fn card(province: &Province, sealing: &SealingKey) -> Result<Vec<u8>, Unanswered> {
    let words = pb::StickCard {
        ca: province.ca.certificate().to_vec(),
        signing_key: province.signer.public().to_vec(),
        sealing_key: sealing.public().to_vec(),
    };
    let signer = province.ca.signer()?;
    let header = header(province, Kind::Card, AuthorId(0));
    Ok(publish(&header, &wire::message_to_bytes(&words), |bytes| signer.sign(bytes))?)
}

/// Answers a file of a node, with about `bytes_max` bytes of frames at most. What the file brought
/// is durable then; the same file again changes nothing and is answered again.
///
/// # Errors
/// Why there is no answer; nothing was changed then.
pub async fn answer(
    province: &Arc<Province>,
    sealing: &SealingKey,
    file: &[u8],
    bytes_max: u64,
) -> Result<Answered, Unanswered> {
    let sealed = Sealed::parse(file)?;
    if sealed.header.province != CaPin::of_certificate(province.ca.certificate()) {
        return Err(StickError::OtherProvince.into());
    }
    let asked = |kind| matches!(kind, Kind::Request | Kind::JoinRequest);
    if !asked(sealed.header.kind) {
        return Err(StickError::WrongWay.into());
    }
    let request: pb::StickRequest = wire::message_from_bytes(&sealed.open(sealing)?)?;
    let come = match (sealed.header.kind, &request.join) {
        (Kind::JoinRequest, Some(join)) => newcomer(province, &sealed, join).await?,
        (Kind::Request, None) => known(province, &sealed, request.certificate, request.frames)?,
        _ => return Err(StickError::Forged.into()),
    };
    let to = request.answer_to.try_into().map_err(|_| StickError::Forged)?;
    converse(province, come, &to, bytes_max).await
}

/// Who came, and with what.
struct Come {
    node: NodeIdentity,
    /// Under which other names its journal went on.
    forks: Vec<Fork>,
    hello: Hello,
    frames: Vec<Up>,
    joined: Option<pb::JoinReply>,
}

/// A node that has a certificate: it signed the file with the key of that.
fn known(
    province: &Province,
    sealed: &Sealed<'_>,
    certificate: Vec<u8>,
    frames: Vec<pb::UpFrame>,
) -> Result<Come, Unanswered> {
    let node = node_of(province.ca.certificate(), &certificate);
    let node = node.map_err(|_| StickError::Forged)?;
    sealed.verify(&node.public_key)?;
    let frames: Result<Vec<Up>, WireError> = frames.into_iter().map(wire::up_from_pb).collect();
    let (forks, frames): (Vec<Up>, Vec<Up>) =
        frames?.into_iter().partition(|up| matches!(up, Up::Fork(_)));
    let fork = |up| if let Up::Fork(fork) = up { Some(fork) } else { None };
    let forks: Vec<Fork> = forks.into_iter().filter_map(fork).collect();
    let mut frames = frames.into_iter();
    let Some(Up::Hello(hello)) = frames.next() else { return Err(StickError::Forged.into()) };
    let author = forks.last().map_or(node.node_id, |fork| fork.author.0);
    if [hello.author.0, sealed.header.node.0] != [author, node.node_id] {
        return Err(StickError::Forged.into());
    }
    Ok(Come { node, forks, hello, frames: frames.collect(), joined: None })
}

/// A machine that asks to join: it signed the file with the key that it asks a certificate for.
async fn newcomer(
    province: &Province,
    sealed: &Sealed<'_>,
    join: &pb::JoinRequest,
) -> Result<Come, Unanswered> {
    let key = public_key_of_request(&join.csr).map_err(|_| StickError::Forged)?;
    sealed.verify(&key)?;
    if join.author != sealed.header.node.0 {
        return Err(StickError::Forged.into());
    }
    let reply = admit(province, join).await.map_err(Unanswered::Refused)?;
    let node = node_id_of(&reply.certificate)?;
    let hello = first_hello(join, &reply)?;
    let (forks, frames) = (Vec::new(), vec![Up::Flush]);
    Ok(Come { node, forks, hello, frames, joined: Some(reply) })
}

/// What a node says that has just begun, as far as the server looks at it.
fn first_hello(join: &pb::JoinRequest, reply: &pb::JoinReply) -> Result<Hello, WireError> {
    let fixed16 = |b: &[u8]| b.try_into().map_err(|_| WireError::Malformed);
    let scope = |g: &pb::Grant| ScopeCursor {
        scope: wire::grant_from_pb(g.clone()).scope,
        ..ScopeCursor::default()
    };
    Ok(Hello {
        author: AuthorId(join.author),
        schema: join.schema,
        epoch: Some(Epoch(fixed16(&reply.epoch)?)),
        position: 0,
        head: Default::default(),
        acknowledged: 0,
        acknowledged_head: Default::default(),
        local_ms: join.local_ms,
        token: fixed16(&reply.token)?,
        inbox: 0,
        scopes: reply.grants.iter().map(scope).collect(),
        state: Default::default(),
        live: false,
        flush: false,
    })
}

async fn converse(
    province: &Arc<Province>,
    come: Come,
    to: &[u8; 32],
    bytes_max: u64,
) -> Result<Answered, Unanswered> {
    let (author, frames) = (come.hello.author, come.frames);
    for fork in come.forks {
        let forked = province.fork(fork, come.node.public_key).await;
        forked.map_err(Unanswered::Stopped)?;
    }
    // A file says at once what the registry may have lost; it is answered in the epoch after that.
    let (proofs, frames): (Vec<Up>, Vec<Up>) =
        frames.into_iter().partition(|up| matches!(up, Up::Prove(_)));
    for proof in proofs {
        let Up::Prove(proof) = proof else { continue };
        province.judge(author, *proof).await.map_err(Unanswered::Stopped)?;
    }
    let key = &come.node.public_key;
    let view = province.view(author, key, come.hello.token).await;
    let view = view.map_err(Unanswered::Stopped)?;
    let (down, mut heard) = mpsc::channel::<Result<pb::DownFrame, Status>>(FRAMES_WAITING_MAX);
    let talk = Talk::new(province.clone(), come.node.clone(), down, bytes_max);
    let acts = frames.iter().map(|up| if let Up::Batch(b) = up { b.count } else { 0 });
    let acts = acts.map(u64::from).sum();
    let listening = tokio::spawn(async move {
        let mut frames = Vec::new();
        while let Some(Ok(frame)) = heard.recv().await {
            frames.push(frame);
        }
        frames
    });
    tell(province, talk, &come.node, &come.hello, frames, view.as_ref()).await;
    let frames = listening.await.map_err(|_| Unanswered::Stopped(Stop::Storage))?;
    let (joined, whole, stopped) = (come.joined.is_some(), is_whole(&frames), stop_of(&frames));
    let asked = wire::up_to_pb(&Up::Hello(come.hello)).frame;
    let Some(pb::up_frame::Frame::Hello(asked)) = asked else {
        return Err(StickError::Forged.into());
    };
    let words = pb::StickAnswer { asked: Some(asked), joined: come.joined, frames };
    let kind = if joined { Kind::JoinAnswer } else { Kind::Answer };
    let header = header(province, kind, AuthorId(come.node.node_id));
    let file = write(province, &header, &words, to)?;
    Ok(Answered { file, node: author, joined, acts, whole, stopped })
}

/// Says to the session what the node would say.
async fn tell(
    province: &Province,
    mut talk: Talk,
    node: &NodeIdentity,
    hello: &Hello,
    frames: Vec<Up>,
    view: Option<&View>,
) {
    let now_ms = province.clock.now_ms();
    let flush = hello.flush.then_some(Up::Flush);
    let greeting = Hello {
        local_ms: view.map_or(now_ms, |v| as_said_now(hello, v, now_ms)),
        flush: false,
        live: false,
        ..hello.clone()
    };
    talk.perform(Event::Frame(Up::Hello(greeting.clone()))).await;
    // Hello presents the token of the last `Complete` that the node took in: that confirms it.
    let confirm = Up::Confirm { token: hello.token, inbox: hello.inbox };
    talk.perform(Event::Frame(confirm)).await;
    let (renewals, frames): (Vec<Up>, Vec<Up>) =
        frames.into_iter().partition(|up| matches!(up, Up::Renew(_)));
    let renewed = !renewals.is_empty() && node.expired_at(now_ms / 1_000);
    for up in renewals {
        talk.perform(Event::Frame(up)).await;
    }
    if let Some(again) = view.and_then(|view| second_hello(&greeting, view, renewed)) {
        talk.perform(Event::Frame(Up::Hello(again))).await;
    }
    let room = Room::of(province.prepared.clone());
    for up in frames.into_iter().chain(flush) {
        if !talk.is_over() {
            let event = happening(province, node, up, &room).await;
            talk.perform(event).await;
        }
    }
    talk.carried();
    talk.end().await;
}

/// The second Hello of a conversation that starts over, where the file holds what must follow it:
/// the answer to an earlier file was lost, or an expired certificate was renewed. In another epoch
/// the node must first hear of it.
fn second_hello(hello: &Hello, view: &View, renewed: bool) -> Option<Hello> {
    let same_epoch = hello.epoch == Some(view.epoch);
    let lost = hello.acknowledged < view.position;
    // Where the journal ends at what the server holds, no batch would show that it is another one.
    let same_end = view.position != hello.position || view.head == hello.head;
    match lost {
        true if same_epoch && same_end => Some(Hello {
            // An older file after a newer one: the node, if it was not rewound, holds more by now.
            position: hello.position.max(view.position),
            acknowledged: view.position,
            acknowledged_head: view.head,
            ..hello.clone()
        }),
        false if same_epoch && renewed => Some(hello.clone()),
        _ => None,
    }
}

/// The node's clock as it would stand now, had the file taken no time: what it says counts as right
/// as far as it can be.
fn as_said_now(hello: &Hello, view: &View, now_ms: i64) -> i64 {
    let since_ms = view.last_complete_ms.min(now_ms);
    let written_ms = hello.local_ms.clamp(since_ms, now_ms);
    now_ms.saturating_sub(written_ms.saturating_sub(hello.local_ms))
}

fn write(
    province: &Province,
    header: &Header,
    words: &pb::StickAnswer,
    to: &[u8; 32],
) -> Result<Vec<u8>, Unanswered> {
    let plain = wire::message_to_bytes(words);
    if header.kind == Kind::JoinAnswer {
        let signer = province.ca.signer()?;
        return Ok(seal(header, &plain, to, |bytes| signer.sign(bytes))?);
    }
    Ok(seal(header, &plain, to, |bytes| province.signer.sign(bytes))?)
}

fn header(province: &Province, kind: Kind, node: AuthorId) -> Header {
    Header { kind, province: CaPin::of_certificate(province.ca.certificate()), node }
}

fn is_whole(frames: &[pb::DownFrame]) -> bool {
    matches!(frames.last().and_then(|f| f.frame.as_ref()), Some(pb::down_frame::Frame::Complete(_)))
}

fn stop_of(frames: &[pb::DownFrame]) -> Option<Stop> {
    match frames.last()?.frame.as_ref()? {
        pb::down_frame::Frame::Stop(_) => match wire::down_from_pb(frames.last()?.clone()) {
            Ok(dongbo_proto::frame::Down::Stop(stop)) => Some(stop),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const NOW_MS: i64 = 100 * DAY_MS;

    fn hello(local_ms: i64) -> Hello {
        let none = Default::default();
        Hello {
            author: AuthorId(1),
            schema: 1,
            epoch: Some(Epoch([1; 16])),
            position: 7,
            head: dongbo_proto::id::Hash([7; 32]),
            acknowledged: 3,
            acknowledged_head: dongbo_proto::id::Hash([3; 32]),
            local_ms,
            token: [0; 16],
            inbox: 0,
            scopes: Vec::new(),
            state: none,
            live: false,
            flush: false,
        }
    }

    fn view(position: u64) -> View {
        View {
            position,
            head: dongbo_proto::id::Hash([5; 32]),
            grants: Vec::new(),
            empty: Vec::new(),
            revoked: false,
            last_complete_ms: 90 * DAY_MS,
            epoch: Epoch([1; 16]),
            epoch_ms: 0,
            ancestors: Vec::new(),
            backed_up: 0,
            presented: crate::session::Presented::Fits,
        }
    }

    #[test]
    fn the_days_that_a_file_took_are_no_difference_of_clocks() {
        let said = |local_ms| as_said_now(&hello(local_ms), &view(3), NOW_MS);
        assert_eq!(said(NOW_MS - 3 * DAY_MS), NOW_MS);
        assert_eq!(said(NOW_MS), NOW_MS);
    }

    #[test]
    fn an_impossible_clock_is_shifted_by_the_least() {
        let offset = |local_ms| NOW_MS - as_said_now(&hello(local_ms), &view(3), NOW_MS);
        assert_eq!(offset(NOW_MS + 5 * DAY_MS), -5 * DAY_MS);
        assert_eq!(offset(80 * DAY_MS), 10 * DAY_MS);
    }

    #[test]
    fn the_second_hello_is_said_only_where_the_file_goes_on() {
        let again = |position, renewed| second_hello(&hello(0), &view(position), renewed);
        let lost = again(5, false).expect("the answer was lost");
        assert_eq!((lost.acknowledged, lost.acknowledged_head.0), (5, [5; 32]));
        assert_eq!(again(3, false), None);
        assert!(again(3, true).is_some(), "a certificate was renewed");
        assert_eq!(again(7, false), None, "another journal of the same length");
        let older = again(9, false).expect("a newer file came before this one");
        assert_eq!((older.position, older.acknowledged), (9, 9));
        let other = View { epoch: Epoch([2; 16]), ..view(5) };
        assert_eq!(second_hello(&hello(0), &other, true), None, "a new epoch is told first");
    }
}
