//! Every limit on what comes from outside, named, in one place, with its reason.
//!
//! Limits are part of the contract: both sides refuse by the same numbers, so that nothing is
//! accepted in a commune that the province could not take.

/// Records that one act may write: what one person can mean at one moment; imports are jobs of acts.
pub const ACT_RECORDS_MAX: usize = 1_000;
/// Canonical bytes of one act: it must cross a 9.6 kbit/s link between two cuts with patience.
pub const ACT_BYTES_MAX: usize = 256 * 1024;
/// Acts in one batch: above this compression gains nothing and a cut costs more.
pub const BATCH_ACTS_MAX: usize = 1_000;
/// Acts in one batch on a link that was just cut as often as it can be: one.
pub const BATCH_ACTS_MIN: usize = 1;
/// Compressed bytes of one batch; 4 MiB is what gRPC stacks take by default.
pub const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Decompressed bytes of one batch or page: bounds memory whatever zstd is told to expand to.
pub const BATCH_RAW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that the contents of one batch or page may take once laid out as acts or records. Columns
/// can say much with little (a text of a dictionary, an entry that stands for all), so what comes
/// out is counted too. The largest batch that a node lays out (8 MiB of canonical bytes, three a
/// field at least) stays below.
pub const CONTENT_BYTES_MAX: usize = 192 * 1024 * 1024;
/// Columns of values in one batch or page: every field of every kind is fewer.
pub const VALUE_COLUMNS_MAX: usize = 4 * 1024;
/// Records in one page of states: keeps a staged page under a second on an old disk.
pub const PAGE_RECORDS_MAX: usize = 1_000;
/// Bytes of one gRPC message, either way: a batch or page and its frame.
pub const MESSAGE_BYTES_MAX: usize = BATCH_BYTES_MAX + 64 * 1024;
/// Values of one text field, in bytes, whatever the catalogue says.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Fields that one record may hold, known and unknown.
pub const RECORD_FIELDS_MAX: usize = 512;
/// Heads that one field may hold; the next write on it is held until someone settles.
pub const FIELD_HEADS_MAX: usize = 64;
/// Heads that one write may name.
pub const OVER_MAX: usize = FIELD_HEADS_MAX;
/// Acts that one retraction may name: a job of a million rows.
pub const RETRACT_ACTS_MAX: usize = 1_000;
/// Scopes that one node may hold: a commune office after 2025 has about 13.
pub const NODE_SCOPES_MAX: usize = 1_024;
/// Bytes of a person's name or account in an act.
pub const PERSON_BYTES_MAX: usize = 64;
/// Bytes of the grounds of an act: a decision's number and date.
pub const GROUNDS_BYTES_MAX: usize = 200;
/// Bytes of a certificate request: an Ed25519 one is about 200.
pub const CSR_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a request to join: a code, a certificate request and a few numbers.
pub const JOIN_BYTES_MAX: usize = CSR_BYTES_MAX + 1024;
/// Outcomes in one inbox frame.
pub const OUTCOMES_MAX: usize = 1_000;
/// Unacknowledged batches under way in one exchange: enough to fill a link, little to lose.
pub const BATCHES_IN_FLIGHT_MAX: usize = 4;
/// Bytes of one file on a stick, sealed: it is read and opened whole, in memory, on an old office PC.
pub const STICK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of frames after which nothing more is begun in a file on a stick: pages of one snapshot may
/// still follow it, and fit below [`STICK_BYTES_MAX`]. What is left out comes with the next file.
pub const STICK_FRAMES_BYTES_MAX: u64 = 40 * 1024 * 1024;
/// The longest that a server may ask a node to stay away, in seconds: one that asks for more is
/// broken or hostile, and the office's acts must still leave today.
pub const COME_BACK_S_MAX: u32 = 6 * 3_600;
/// Positions at which a node may ask for the chain hash of its journal at once: each may open a frame.
pub const CHAIN_ASKED_MAX: usize = 16;
/// Times that one journal may go on as another author's without a new invitation. A disk is put back or
/// copied once or twice; a node that forks on and on would fill the registry with authors.
pub const FORKS_MAX: usize = 8;
/// Acts of one record whose history is sent at once, newest first.
pub const HISTORY_ACTS_MAX: usize = 1_000;
