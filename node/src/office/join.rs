//! A new node: its key is made here, the code lets it in, and the replica begins.
//!
//! A directory is a node from the moment at which `identity` has its name. Until then everything
//! lies under other names, and joining again with the same code goes on with the same key, so that
//! a cut link or a power cut between two steps does not burn the invitation.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dongbo_proto::code::JoinCode;
use dongbo_proto::id::AuthorId;
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::stick::{SealingKey, StickError};
use dongbo_proto::wire::WireError;
use dongbo_sqlite::files::remove_if_there;
use dongbo_sqlite::{DatabaseKey, DirLock, KeyFile, Protection};

use super::desk::{Desk, KEY_FILE, Opener, has_joined};
use super::identity::{IDENTITY_FILE, JOINING_FILE, NodeIdentity};
use super::stick::{keep_sealing_key, sealing_key};
use super::{OfficeError, Result};
use crate::exchange::connect::tcp;
use crate::exchange::join::{Joined, join};
use crate::exchange::stick::{Carrier, Taken, read_card};
use crate::exchange::tls::client_config_join;
use crate::exchange::{ExchangeError, channel};
use crate::replica::{Identity, OUTBOX_FILE, REPLICA_FILE, Replica, ReplicaError, Salvaged};

/// How long a second `join` waits for the first.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// What SQLite may leave beside a database.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// A directory that is about to become a node.
pub struct Newcomer {
    opener: Opener,
    key: DatabaseKey,
    identity: NodeIdentity,
    /// Nothing lay here from an earlier try that the province may know of.
    fresh: bool,
}

impl Newcomer {
    /// Makes what is made here: directory, key file, node key. Nobody is asked yet.
    ///
    /// # Errors
    /// [`OfficeError::AlreadyJoined`], or why a file could not be made.
    pub fn prepare(opener: Opener, server: &str, passphrase: Option<&str>) -> Result<Self> {
        let dir = opener.dir.clone();
        make_private(&dir)?;
        let _lock = DirLock::acquire(&dir, "join", LOCK_WAIT).map_err(ReplicaError::from)?;
        if has_joined(&dir) {
            return Err(OfficeError::AlreadyJoined);
        }
        let unfinished = dir.join(JOINING_FILE).exists();
        if !unfinished && dir.join(REPLICA_FILE).exists() {
            return Err(OfficeError::AlreadyJoined);
        }
        let key = key(&opener, passphrase)?;
        let known = NodeIdentity::read(&dir.join(JOINING_FILE), &key)?;
        let mut identity = match known {
            Some(identity) => identity,
            None => NodeIdentity::make(server, &*opener.entropy)?,
        };
        identity.server = server.to_owned();
        identity.write(&dir.join(JOINING_FILE), &key, &*opener.entropy)?;
        clear_unfinished(&dir)?;
        Ok(Newcomer { opener, key, identity, fresh: !unfinished })
    }

    /// Asks the province over TCP.
    pub async fn ask(&self, code: &JoinCode) -> Result<Joined> {
        ask(&self.identity, code, self.opener.clock.now_ms()).await
    }

    /// Goes on with a machine that has asked by stick and waits for the answer.
    ///
    /// # Errors
    /// [`OfficeError::NotJoined`] when none waits here, or why a file does not open.
    pub fn waiting(opener: Opener, passphrase: Option<&str>) -> Result<Self> {
        let path = opener.dir.join(JOINING_FILE);
        if !path.exists() {
            return Err(OfficeError::NotJoined);
        }
        let key = KeyFile::open(&opener.dir.join(KEY_FILE), passphrase)?;
        let identity = NodeIdentity::read(&path, &key)?.ok_or(OfficeError::NotJoined)?;
        clear_unfinished(&opener.dir)?;
        Ok(Newcomer { opener, key, identity, fresh: false })
    }

    /// Asks the province by stick: the file to carry there. The authority that the code pins is kept,
    /// so that the answer is believed by it alone.
    ///
    /// # Errors
    /// The card is of another province than the code, or a file could not be written.
    pub fn ask_by_stick(&mut self, code: &JoinCode, card: &[u8]) -> Result<Vec<u8>> {
        let card = read_card(card)?;
        if !code.pin().matches(&card.ca) {
            return Err(ExchangeError::from(StickError::OtherProvince).into());
        }
        self.identity.ca = card.ca;
        let path = self.opener.dir.join(JOINING_FILE);
        self.identity.write(&path, &self.key, &*self.opener.entropy)?;
        let own = sealing_key(&self.key);
        Ok(self.carrier(&own).join(code, &card.sealing_key)?)
    }

    /// Begins with the answer that came by stick, and takes in what else it says.
    ///
    /// # Errors
    /// The answer is not one to this machine; nothing is begun then.
    pub fn begin_by_stick(self, file: &[u8]) -> Result<(Desk, Taken)> {
        let own = sealing_key(&self.key);
        let (joined, answer) = self.carrier(&own).joined(file)?;
        let mut desk = self.begin(joined)?;
        let taken = answer.take(&mut desk.replica, &desk.identity.key, &*desk.clock)?;
        Ok((desk, taken))
    }

    fn carrier<'a>(&'a self, own: &'a SealingKey) -> Carrier<'a> {
        Carrier {
            author: self.identity.author,
            key: &self.identity.key,
            own,
            ca: &self.identity.ca,
            clock: &*self.opener.clock,
        }
    }

    /// Begins the replica with what the province gave; the directory is a node then.
    pub fn begin(mut self, joined: Joined) -> Result<Desk> {
        let dir = self.opener.dir.clone();
        let who = who(self.identity.author, &joined);
        let mut replica = Replica::create(&dir, &self.key, &who)?;
        keep_sealing_key(&mut replica, joined.sealing_key)?;
        self.identity.certificate = joined.certificate;
        self.identity.ca = joined.ca;
        self.identity.province = joined.province;
        self.identity.write(&dir.join(IDENTITY_FILE), &self.key, &*self.opener.entropy)?;
        remove_if_there(&dir.join(JOINING_FILE))?;
        let Opener { dir, person, clock, entropy } = self.opener;
        Ok(Desk { dir, replica, identity: self.identity, key: self.key, person, clock, entropy })
    }

    /// Gives up: the directory is as it was, unless an earlier try lies in it that the province may
    /// have answered. (After a cut link nobody gives up, for the same reason.)
    pub fn abandon(self) -> Result<()> {
        if !self.fresh {
            return Ok(());
        }
        let dir = &self.opener.dir;
        for name in [JOINING_FILE, KEY_FILE, dongbo_sqlite::lock::LOCK_FILE] {
            remove_if_there(&dir.join(name))?;
        }
        // Only if it is empty; else somebody else's files are in it.
        let _ = fs::remove_dir(dir);
        Ok(())
    }
}

/// Joins again, with the same key and journal, where the province has invited this very node anew:
/// after it was revoked, or its disk was taken for a copy.
///
/// # Errors
/// Why the province did not let it in; nothing is changed here then.
pub async fn again(desk: &mut Desk, server: &str, code: &JoinCode) -> Result<()> {
    desk.identity.server = server.to_owned();
    // A journal that went on under another id is invited under that.
    let before = std::mem::replace(&mut desk.identity.author, desk.replica.author());
    let joined = match ask(&desk.identity, code, desk.clock.now_ms()).await {
        Ok(joined) => joined,
        Err(refused) => {
            desk.identity.author = before;
            return Err(refused);
        }
    };
    desk.replica.invited_again(&who(desk.identity.author, &joined))?;
    if before != desk.identity.author {
        desk.identity.logged_by.get_or_insert(before);
    }
    keep_sealing_key(&mut desk.replica, joined.sealing_key)?;
    desk.identity.certificate = joined.certificate;
    desk.identity.ca = joined.ca;
    desk.keep_identity()
}

/// Makes a new replica in the place of one that is damaged, where the province has invited this very
/// node anew. The exchange that follows brings the records.
///
/// # Errors
/// [`OfficeError::NotDamaged`], why the province did not let it in, or what is missing; the old files
/// are as they were then.
pub async fn salvage(
    opener: Opener,
    passphrase: Option<&str>,
    server: Option<&str>,
    code: &JoinCode,
) -> Result<(Desk, Salvaged)> {
    let (dir, key) = (opener.dir.clone(), KeyFile::open(&opener.dir.join(KEY_FILE), passphrase)?);
    let identity = NodeIdentity::read(&dir.join(IDENTITY_FILE), &key)?;
    let mut identity = identity.ok_or(OfficeError::NotJoined)?;
    if Replica::is_sound(&dir, &key)? {
        return Err(OfficeError::NotDamaged);
    }
    identity.server = server.map_or(identity.server, str::to_owned);
    let now_ms = opener.clock.now_ms();
    let joined = ask(&identity, code, now_ms).await?;
    let receipt = joined.receipt.as_ref();
    let receipt = receipt.ok_or(ExchangeError::Wire(WireError::Malformed))?;
    let who = who(identity.author, &joined);
    let logged_by = identity.logged_by.take().unwrap_or(identity.author);
    let salvaged = Replica::salvage(&dir, &key, (&who, logged_by), receipt, now_ms)?;
    let mut desk = Desk::open(opener, passphrase)?;
    keep_sealing_key(&mut desk.replica, joined.sealing_key)?;
    identity.certificate = joined.certificate;
    identity.ca = joined.ca;
    desk.identity = identity;
    desk.keep_identity()?;
    Ok((desk, salvaged))
}

async fn ask(identity: &NodeIdentity, code: &JoinCode, now: UnixMs) -> Result<Joined> {
    let config = client_config_join(*code.pin()).map_err(ExchangeError::from)?;
    let channel = channel(config, tcp(identity.server.clone())).await?;
    Ok(join(channel, code, &identity.key, identity.author, now).await?)
}

fn who(author: AuthorId, joined: &Joined) -> Identity {
    Identity {
        author,
        province: joined.province.clone(),
        ca_der: joined.ca.clone(),
        signing_key: joined.signing_key,
        epoch: joined.epoch,
        grants: joined.grants.clone(),
        token: joined.token,
        server_ms: joined.server_ms,
    }
}

/// A key file from a join that was cut off is used again.
fn key(opener: &Opener, passphrase: Option<&str>) -> Result<DatabaseKey> {
    let path = opener.dir.join(KEY_FILE);
    if path.exists() {
        return Ok(KeyFile::open(&path, passphrase)?);
    }
    let protection = passphrase.map_or(Protection::File, Protection::Passphrase);
    Ok(KeyFile::create(&path, protection, &mut |b| opener.entropy.fill(b))?)
}

/// A replica that was begun and never named by an identity holds nothing of anybody's.
fn clear_unfinished(dir: &Path) -> Result<()> {
    for end in BESIDE {
        remove_if_there(&dir.join(format!("{REPLICA_FILE}{end}")))?;
    }
    Ok(remove_if_there(&dir.join(OUTBOX_FILE))?)
}

fn make_private(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir)?)
}
