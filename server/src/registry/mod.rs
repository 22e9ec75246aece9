//! What the province does with acts, against the [`Store`](crate::store::Store) trait: receives and
//! merges them, gives each node its pages, enrols nodes, decides, places, takes back, verifies.
//!
//! The way of a batch: [`prepare`] beside the writer, [`merge()`] inside it, [`page()`] down again.
//! All of it is a function of the transaction and its arguments: time, randomness and keys are passed
//! in, so that a job may be run again and the simulator runs what the province runs.
//!
//! Deliberately absent: sockets and frames on the wire (`session`, `service`), SQL (`store`), the
//! rules of merge (`proto::merge`), certificates (`ca`).

mod act;
mod apply;
mod backup;
mod decide;
mod desk;
mod enrol;
mod error;
mod fleet;
mod fork;
mod history;
mod journal;
mod judge;
mod later;
mod merge;
mod outcome;
mod page;
mod prepare;
mod proof;
mod province;
mod rehearse;
mod status;
mod token;
mod touched;
mod verify;
mod view;
mod word;
mod work;

pub use act::act;
pub use backup::{adopt_standing, backup_ms, mark_backed_up, positions, standing_since};
pub use enrol::{
    JoinError, Joined, Newcomer, REFERENCE_CODE, adopt, begin_epoch, found, grant, invite, join,
    make_scopes, province_name, revoke, standing_version, withdraw_invite,
};
pub use error::{Error, RegistryError, Result};
pub use fleet::{Fleet, Heard, Machine, Office, fleet, needs_a_person};
pub use fork::fork;
pub use history::{HistoryEntry, history, history_for, kind_of};
pub use journal::chain_at;
pub use later::{judge_again, readable_now};
pub use merge::{Arrival, Received, merge};
pub use page::{PageAsk, PageReply, page};
pub use prepare::{Prepared, prepare};
pub use proof::{WentBack, begin_again, judge, went_back};
pub use province::{
    Deed, Province, acts_of_job, acts_since, decide, edit, enact, enact_all, job, place, retract,
    settle,
};
pub use rehearse::{Lost, Returning, compare, known_authors, name_lost};
pub use status::{
    Conflict, Conflicts, HeldAct, Status, conflicts, disputes, held_list, held_one, list, nodes,
    record, search, status,
};
pub use token::Tokens;
pub use verify::{Finding, rederive, verify, verify_rows};
pub use view::{NodeView, confirm, epoch, epochs, finish, is_revoked, node_view, receipt};
pub use word::{Word, keep_word, word};
