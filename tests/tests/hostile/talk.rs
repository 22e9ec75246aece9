//! A client that speaks the protocol's frames as it likes, with the certificate of a machine that was admitted.

use std::time::Duration;

use dongbo_node::exchange::channel;
use dongbo_node::exchange::connect::tcp;
use dongbo_proto::act::{Act, Intent, Op};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::frame::{Batch, Down, Hello, ScopeCursor, Stop, Up};
use dongbo_proto::id::{AuthorId, Hash};
use dongbo_proto::limits;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::wire::{self, pb};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::house::{Enrolled, House};

/// What a conversation may take, in seconds.
const TALK_S_MAX: u64 = 60;

/// How a conversation ended: the frames that came, and the status if it was an error.
#[derive(Debug)]
pub struct Heard {
    pub frames: Vec<Down>,
    pub bytes: u64,
    pub status: Option<Status>,
}

impl Heard {
    /// Whether the server says that this is not the machine that it left.
    pub fn is_apart(&self) -> bool {
        matches!(self.frames.last(), Some(Down::Apart))
    }

    pub fn stop(&self) -> Option<Stop> {
        self.frames.iter().find_map(|f| match f {
            Down::Stop(stop) => Some(*stop),
            _ => None,
        })
    }
}

/// Says all of this at once, hears all that comes, and says farewell when everything was said.
pub async fn say(house: &House, who: &Enrolled, frames: Vec<Up>) -> Heard {
    say_pb(house, who, frames.iter().map(wire::up_to_pb).collect()).await
}

/// The same with messages that no node would make.
pub async fn say_pb(house: &House, who: &Enrolled, frames: Vec<pb::UpFrame>) -> Heard {
    let talk = talk(house, who, frames);
    let heard = tokio::time::timeout(Duration::from_secs(TALK_S_MAX), talk).await;
    heard.expect("the conversation ends")
}

async fn talk(house: &House, who: &Enrolled, frames: Vec<pb::UpFrame>) -> Heard {
    let link = channel(who.config(), tcp(house.address.to_string())).await.expect("a channel");
    let mut client = pb::exchange_client::ExchangeClient::new(link)
        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
        .max_encoding_message_size(usize::MAX);
    let (up, stream) = mpsc::channel(1);
    let saying = tokio::spawn(async move {
        for frame in frames {
            if up.send(frame).await.is_err() {
                return None;
            }
        }
        Some(up)
    });
    let mut heard = Heard { frames: Vec::new(), bytes: 0, status: None };
    let mut down = match client.exchange(ReceiverStream::new(stream)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return Heard { status: Some(status), ..heard },
    };
    let mut open = Some(saying);
    loop {
        match down.message().await {
            Ok(Some(frame)) => {
                heard.bytes += wire::encoded_len(&frame);
                heard.frames.push(wire::down_from_pb(frame).expect("a frame"));
                if matches!(
                    heard.frames.last(),
                    Some(Down::Complete(_) | Down::Stop(_) | Down::Apart)
                ) {
                    // What was said is answered: the sender's half is closed.
                    if let Some(saying) = open.take() {
                        drop(saying.await);
                    }
                }
            }
            Ok(None) => return heard,
            Err(status) => return Heard { status: Some(status), ..heard },
        }
    }
}

/// A node's journal as a liar keeps it: it signs what it likes.
pub struct Journal {
    pub author: AuthorId,
    pub position: u64,
    pub head: Hash,
    pub claimed_ms: i64,
}

impl Journal {
    pub fn of(who: &Enrolled) -> Journal {
        let claimed_ms = 1_700_000_000_000;
        Journal { author: who.author, position: 0, head: Hash::default(), claimed_ms }
    }

    /// An act at the next position.
    pub fn act(&mut self, intent: Intent, ops: Vec<Op>) -> Act {
        self.position += 1;
        self.claimed_ms += 1_000;
        Act {
            position: self.position,
            claimed: Stamp::new(self.claimed_ms, 0),
            person: "lan".into(),
            intent,
            grounds: None,
            job: None,
            linked: None,
            ops: ops.into(),
        }
    }

    /// Signs acts behind the last ones.
    pub fn batch(&mut self, who: &Enrolled, acts: &[Act]) -> Batch {
        let seed = Seed([7; 32]);
        let (first, last) = (acts[0].position, acts[acts.len() - 1].position);
        let before = self.head;
        self.head =
            acts.iter().fold(before, |head, act| chain::extend(head, chain::act_hash(act, &seed)));
        let (body, raw_len) = wire::encode_acts(acts);
        let signed = chain::signed_bytes(self.author, last, self.head);
        Batch {
            author: self.author,
            first,
            count: acts.len() as u32,
            before,
            after: self.head,
            seeds: vec![(first, seed)],
            signature: who.key.sign(&signed).to_vec(),
            body,
            raw_len,
        }
    }

    /// A batch of one act with one operation.
    pub fn one(&mut self, who: &Enrolled, op: Op) -> Batch {
        let act = self.act(Intent::Change, vec![op]);
        self.batch(who, &[act])
    }
}

/// The Hello of a machine that has delivered so many acts and holds these scopes.
pub fn hello(who: &Enrolled, delivered: (u64, Hash), scopes: &[ScopeCursor]) -> Hello {
    Hello {
        author: who.author,
        schema: 1,
        epoch: Some(who.identity.epoch),
        position: delivered.0,
        head: delivered.1,
        acknowledged: delivered.0,
        acknowledged_head: delivered.1,
        local_ms: 1_700_000_000_000,
        token: who.identity.token,
        inbox: 0,
        scopes: scopes.to_vec(),
        state: [0; 16],
        live: false,
        flush: false,
    }
}

/// Hello of a machine that has nothing, batches, and the end of its flight.
pub async fn deliver(house: &House, who: &Enrolled, batches: Vec<Batch>) -> Heard {
    let mut frames = vec![Up::Hello(hello(who, (0, Hash::default()), &[]))];
    frames.extend(batches.into_iter().map(Up::Batch));
    frames.push(Up::Flush);
    say(house, who, frames).await
}
