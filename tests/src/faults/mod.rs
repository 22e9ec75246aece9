//! What each test proves, read from the tests themselves.
//!
//! A test says in the last lines of its doc comment which fault it holds off, which lesson it keeps:
//!
//! ```text
//! Fault 9: the machine only delivers, and the office is told in one sentence. [I4 I6 I12]
//! Counterexample 12: a commit locks its own scopes and no others.
//! Story 7: a queue that failed once moves by itself.
//! ```
//!
//! From these `tests/docs/FAULTS.md` is made. What no test speaks of stands in `tests/docs/gaps.txt`,
//! a list that can only become shorter: an entry that has a test must go.
//!
//! `DONGBO_BLESS=1 cargo test -p dongbo-tests --lib faults` writes the table anew.
//!
//! Deliberately absent: any judgement whether a test deserves its line. A reader does that, and
//! whoever breaks the behaviour by hand.

pub mod list;
pub mod scan;
pub mod table;

use std::path::{Path, PathBuf};

pub use list::List;
pub use scan::{Claim, Topic};

/// The workspace's directory.
#[must_use]
pub fn workspace() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().unwrap_or(crate_dir).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        workspace().join("tests/docs").join(name)
    }

    #[test]
    fn the_table_of_faults_is_what_the_tests_say() {
        let list = List::embedded();
        let (claims, mut wrong) = scan::workspace_claims(&workspace()).expect("sources");
        wrong.extend(list.wrong(&claims));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let blessed = std::env::var_os("DONGBO_BLESS").is_some();
        let mut gaps = std::fs::read_to_string(file("gaps.txt")).expect("the list of gaps");
        if blessed {
            gaps = table::without_closed(&gaps, &claims);
            std::fs::write(file("gaps.txt"), &gaps).expect("tests/docs");
        }
        let off = table::gaps_that_are_wrong(&list, &claims, &gaps);
        assert!(off.is_empty(), "tests/docs/gaps.txt:\n{}", off.join("\n"));
        let text = table::markdown(&list, &claims);
        if blessed {
            std::fs::write(file("FAULTS.md"), &text).expect("tests/docs");
        }
        let kept = std::fs::read_to_string(file("FAULTS.md")).unwrap_or_default();
        assert!(kept == text, "tests/docs/FAULTS.md is not what the tests say: DONGBO_BLESS=1");
    }
}
