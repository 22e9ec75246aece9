//! One exchange with the province, from the office's side: the batch size that suits the link, the
//! conversation, and what is kept of it.
//!
//! The dialler is a parameter, so that the simulator puts its own network in place of TCP.
//! Deliberately absent: trying again and waiting between tries (`cli::sync`), and progress bars.

use std::future::Future;
use std::io;

use dongbo_proto::id::RecordId;
use dongbo_proto::seam::{Clock, Entropy};
use dongbo_sqlite::DatabaseKey;
use http::Uri;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::identity::{IDENTITY_FILE, NodeIdentity};
use super::{Desk, last};
use crate::exchange::converse::{Conversation, Outcome, Watcher, converse};
use crate::exchange::tls::client_config_main;
use crate::exchange::{ExchangeError, channel};
use crate::replica::Replica;
use crate::session::{End, Link, Session};

/// The note under which the batch size is kept between exchanges.
const LINK_NOTE: &str = "link_bytes";
/// The note of the difference between the province's clock and this one, as last measured.
const OFFSET_NOTE: &str = "clock_offset_ms";

/// What an exchange is held with.
pub struct Parties<'a> {
    /// The data directory, where a renewed certificate is kept.
    pub dir: &'a Path,
    /// The key of the directory.
    pub disk_key: &'a DatabaseKey,
    /// The replica.
    pub replica: &'a mut Replica,
    /// Who the node is.
    pub identity: &'a mut NodeIdentity,
    /// The wall clock.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub entropy: &'a dyn Entropy,
}

impl Desk {
    /// The parties of an exchange from this desk.
    pub fn parties(&mut self) -> Parties<'_> {
        Parties {
            dir: &self.dir,
            disk_key: &self.key,
            replica: &mut self.replica,
            identity: &mut self.identity,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// The stream stays open afterwards.
    pub live: bool,
    /// A record whose history is asked for.
    pub history: Option<RecordId>,
}

/// Exchanges once: everything goes up, everything comes down.
///
/// # Errors
/// Why it did not come to its end. All that was acknowledged or staged before is kept.
pub async fn exchange_once<D, F, Io>(
    parties: &mut Parties<'_>,
    dial: D,
    wish: Wish,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, ExchangeError>
where
    D: Fn(Uri) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<Io>> + Send + 'static,
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // What is about to be sent must be in the log whatever becomes of the replica.
    parties.replica.sync_outbox()?;
    let link = link(parties.replica)?;
    let talked = talk(parties, dial, wish, watcher, link).await;
    match &talked {
        Ok(outcome) => came_through(parties, outcome, link)?,
        Err(ExchangeError::Cut) => keep_link(parties.replica, link.after_cut())?,
        Err(_) => {}
    }
    let ended = match &talked {
        Ok(outcome) => last::of_end(&outcome.end),
        Err(error) => Some(last::of_error(error)),
    };
    last::keep(parties.replica, ended, parties.clock.now_ms());
    talked
}

async fn talk<D, F, Io>(
    parties: &mut Parties<'_>,
    dial: D,
    wish: Wish,
    watcher: &mut dyn Watcher,
    link: Link,
) -> Result<Outcome, ExchangeError>
where
    D: Fn(Uri) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<Io>> + Send + 'static,
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let heard_ms = parties.replica.facts()?.last_server_ms;
    let heard_s = Some(heard_ms / 1_000).filter(|s| *s > 0);
    let id = &*parties.identity;
    let config = client_config_main(&id.ca, &id.certificate, &id.key, heard_s)?;
    let began = Instant::now();
    let channel = channel(config, dial).await?;
    let link = link.connected_in(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    // History comes over a stream that has come to rest, so it is asked for on one that stays open.
    let session = Session::new(wish.live || wish.history.is_some(), link);
    let mut conversation = Conversation {
        replica: parties.replica,
        key: &parties.identity.key,
        clock: parties.clock,
        entropy: parties.entropy,
        watcher,
        history: wish.history,
    };
    converse(&mut conversation, session, channel).await
}

fn came_through(
    parties: &mut Parties<'_>,
    outcome: &Outcome,
    link: Link,
) -> Result<(), ExchangeError> {
    if outcome.end == End::InStep {
        keep_link(parties.replica, link.after_success())?;
    }
    if let Some(offset) = outcome.server_ahead_ms {
        parties.replica.set_note(OFFSET_NOTE, &offset.to_be_bytes())?;
    }
    if let Some(certificate) = &outcome.certificate {
        parties.identity.certificate = certificate.clone();
        let path = parties.dir.join(IDENTITY_FILE);
        // The old certificate still serves; the next exchange asks again.
        if parties.identity.write(&path, parties.disk_key, parties.entropy).is_err() {
            tracing::warn!("the renewed certificate could not be written down");
        }
    }
    Ok(())
}

fn link(replica: &Replica) -> Result<Link, ExchangeError> {
    let kept = replica.note(LINK_NOTE)?.and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
    Ok(Link::from_kept(usize::try_from(kept.unwrap_or(0)).unwrap_or(0)))
}

fn keep_link(replica: &mut Replica, link: Link) -> Result<(), ExchangeError> {
    if self::link(replica)? == link {
        return Ok(());
    }
    Ok(replica.set_note(LINK_NOTE, &(link.bytes_max() as u64).to_be_bytes())?)
}

/// How far the province's clock was ahead of this one when they last met, in milliseconds.
pub fn server_ahead_ms(replica: &Replica) -> Result<Option<i64>, crate::replica::ReplicaError> {
    let kept = replica.note(OFFSET_NOTE)?;
    Ok(kept.and_then(|b| b.try_into().ok()).map(i64::from_be_bytes))
}
