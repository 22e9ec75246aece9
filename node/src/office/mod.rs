//! What the office does with its replica: enter, change, settle, undo, read in, write out, exchange.
//!
//! Each file is one thing that a person at the commune does. The deciding parts are pure: they take
//! the record that was shown and give drafts of acts; the acting parts hold a [`Desk`] and are thin.
//! Whoever drives them (the command line now, a page in a browser later) brings clock and chance.
//!
//! Deliberately absent: sentences (`cli` looks them up by key), SQL (`replica`), sockets
//! (`exchange`), and any opinion of what merges: the server merges.

pub mod conflict;
pub mod desk;
pub mod edit;
pub mod error;
pub mod export;
pub mod form;
pub mod identity;
pub mod import;
pub mod join;
pub mod last;
pub mod pause;
pub mod place;
pub mod shown;
pub mod standing;
pub mod stick;
pub mod sync;
pub mod undo;

pub use desk::Desk;
pub use error::{OfficeError, Result};
