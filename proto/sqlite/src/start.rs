//! Waking SQLCipher, once in a process, before anything opens a database.
//!
//! SQLite marks itself as started and only then runs SQLCipher's own start
//! (`SQLITE_EXTRA_INIT`, at the end of `sqlite3Initialize`). A second thread that opens in
//! between finds SQLite ready and the cipher not: its `PRAGMA key` is refused with "requires
//! a key of one or more characters". On two busy cores that is one start in some hundreds.
//!
//! Not here: keys and settings (`open`).

use std::sync::Once;

use rusqlite::Connection;

/// Returns once SQLCipher has started. Every opening of this crate begins with it; a test
/// or benchmark that opens a plain database beside them calls it first.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // What goes wrong here goes wrong again at the opening that follows, which has the
        // words for it.
        drop(Connection::open_in_memory());
    });
}
