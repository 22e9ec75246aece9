//! One act of the journal, by its id.

use dongbo_proto::act::Act;
use dongbo_proto::id::ActId;

use super::error::Result;
use super::journal;
use crate::store::ReadTx;

/// An act of the journal, whatever became of it; `None` if no journal has it.
///
/// # Errors
/// The store's.
pub fn act(tx: &dyn ReadTx, id: ActId) -> Result<Option<Act>> {
    Ok(journal::tell(tx, id)?.map(|told| told.act))
}
