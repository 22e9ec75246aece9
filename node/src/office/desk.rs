//! A desk of the office: the replica, open, with who sits at it and what time it is.
//!
//! Thin: reads what the deciding parts need and saves what they decided. Deliberately absent:
//! arguments and printing (`cli`).

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use dongbo_proto::catalogue::text::{is_visible, visible};
use dongbo_proto::frame::Grant;
use dongbo_proto::id::{ActId, KindId, RecordId};
use dongbo_proto::record::Record;
use dongbo_proto::seam::{Clock, Entropy, bytes};
use dongbo_sqlite::{DatabaseKey, KeyFile};

use super::identity::{IDENTITY_FILE, NodeIdentity};
use super::place;
use super::shown::{Viewer, day};
use super::{OfficeError, Result};
use crate::replica::{Draft, Replica};

/// The key file of a data directory.
pub const KEY_FILE: &str = "key";

/// An open data directory.
pub struct Desk {
    /// The data directory.
    pub dir: PathBuf,
    /// The replica.
    pub replica: Replica,
    /// Who the node is.
    pub identity: NodeIdentity,
    /// The key of everything in the directory.
    pub key: DatabaseKey,
    /// Who sits here.
    pub person: String,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// What a desk is opened with.
#[derive(Clone)]
pub struct Opener {
    /// The data directory.
    pub dir: PathBuf,
    /// Who sits here.
    pub person: String,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

impl Desk {
    /// Opens a data directory that has joined.
    ///
    /// # Errors
    /// [`OfficeError::NotJoined`], or why a file does not open.
    pub fn open(opener: Opener, passphrase: Option<&str>) -> Result<Self> {
        let Opener { dir, person, clock, entropy } = opener;
        if !dir.join(IDENTITY_FILE).exists() {
            return Err(OfficeError::NotJoined);
        }
        let key = KeyFile::open(&dir.join(KEY_FILE), passphrase)?;
        let identity = NodeIdentity::read(&dir.join(IDENTITY_FILE), &key)?;
        let identity = identity.ok_or(OfficeError::NotJoined)?;
        let replica = Replica::open(&dir, &key)?;
        Ok(Desk { dir, replica, identity, key, person, clock, entropy })
    }

    /// Saves acts and returns their ids: all of them are durable then, or none is.
    pub fn save(&mut self, drafts: &[Draft]) -> Result<Vec<ActId>> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let entropy = self.entropy.clone();
        let drafts = said_visibly(drafts);
        let saved = self
            .replica
            .save(drafts.into_owned(), self.clock.now_ms(), &mut |b| entropy.fill(b))?;
        let author = self.replica.author();
        Ok(saved.into_iter().map(|s| ActId::new(author, s.position)).collect())
    }

    /// A fresh record id.
    pub fn new_id(&self) -> RecordId {
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        RecordId::new(ms, bytes(&*self.entropy))
    }

    /// The day: the later of what the wall clock and the province last said, since a clock that
    /// was set back must not make today's papers a thing of the future.
    pub fn today(&self) -> Result<NaiveDate> {
        let heard = self.replica.facts()?.last_server_ms;
        Ok(day(self.clock.now_ms().max(heard)))
    }

    /// What records are shown with.
    pub fn viewer(&self) -> Result<Viewer> {
        let facts = self.replica.facts()?;
        Ok(Viewer {
            author: facts.author,
            acknowledged: facts.acknowledged,
            today: day(self.clock.now_ms().max(facts.last_server_ms)),
            scopes: facts.grants.into_iter().map(|g| (g.scope, g.code)).collect(),
        })
    }

    /// The node's scopes.
    pub fn grants(&self) -> Result<Vec<Grant>> {
        Ok(self.replica.facts()?.grants)
    }

    /// A record, which must be here.
    pub fn record(&self, id: RecordId) -> Result<Record> {
        self.replica.record(id)?.ok_or(OfficeError::NotFound(id))
    }

    /// A record of a kind, which must be here.
    pub fn record_of(&self, kind: KindId, id: RecordId) -> Result<Record> {
        self.replica.record_of(kind, id)?.ok_or(OfficeError::NotFound(id))
    }

    /// The unit or village that a code means.
    pub fn by_code(&self, kind: &str, code: &str) -> Result<RecordId> {
        Ok(place::by_code(&self.replica, place::coded_kind(kind), code)?.id)
    }

    /// A file of the data directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Keeps the identity as it is now.
    pub fn keep_identity(&self) -> Result<()> {
        self.identity.write(&self.path(IDENTITY_FILE), &self.key, &*self.entropy)
    }
}

/// What an act says of itself is of one line and can be seen: the province takes no other.
fn said_visibly(drafts: &[Draft]) -> Cow<'_, [Draft]> {
    let is_so = |d: &Draft| std::iter::once(&d.person).chain(&d.grounds).all(|t| is_visible(t));
    if drafts.iter().all(is_so) {
        return Cow::Borrowed(drafts);
    }
    let one_line = |text: &String| visible(&text.replace('\n', " ")).into_owned();
    let said = |draft: &Draft| Draft {
        person: one_line(&draft.person),
        grounds: draft.grounds.as_ref().map(one_line),
        ..draft.clone()
    };
    Cow::Owned(drafts.iter().map(said).collect())
}

/// Whether a directory has joined a province.
pub fn has_joined(dir: &Path) -> bool {
    dir.join(IDENTITY_FILE).exists()
}
