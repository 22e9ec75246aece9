//! What the contract promises, tested from outside: the merge against a table of cases and
//! against its law, the blob beside a row, the wire, the hashes and the invariants.

mod chain_hash;
mod golden;
mod invariants;
mod journal;
mod judge;
mod lessons;
mod made;
mod merge_cases;
mod merge_laws;
mod record_blob;
mod size;
mod wire_frames;
mod wire_hostile;
