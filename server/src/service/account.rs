//! What a conversation came to, seen from the frames that went by: how it ended, for the metrics, and
//! what the node said of itself, for whoever asks which office is behind.
//!
//! Pure. Deliberately absent: counting (`metrics`) and keeping (`registry::word`).

use dongbo_proto::frame::{Down, Hello, ScopeCursor, Standing, Stop, Up};
use dongbo_proto::stamp::UnixMs;
use dongbo_proto::states::{State, of_stop};

use crate::registry::Word;

/// The end of a conversation that did all that it was for.
pub const IN_STEP: &str = "in_step";
/// The end of a conversation by stick, of which nobody knows yet whether the answer will arrive.
pub const CARRIED: &str = "carried";
/// The end of a conversation that was shut down at rest, or came to an end without a Hello.
const NO_HELLO: &str = "no_hello";
/// The end of a conversation with a node that was at turn and said nothing.
const SILENT: &str = "silent";

/// The account of one conversation.
#[derive(Debug, Default)]
pub(super) struct Account {
    word: Option<Word>,
    standing: Option<Standing>,
    end: Option<&'static str>,
    /// What was kept last, so that nothing is written twice.
    kept: Option<Word>,
}

impl Account {
    /// A frame came up.
    pub(super) fn heard(&mut self, up: &Up, certificate_until_s: i64, now_ms: UnixMs) {
        match up {
            Up::Hello(hello) => self.greeted(hello, certificate_until_s, now_ms),
            Up::Confirm { .. } => self.end = Some(self.confirmed()),
            _ => {}
        }
    }

    /// A frame goes down.
    pub(super) fn said(&mut self, down: &Down) {
        match down {
            Down::Welcome(welcome) => self.standing = Some(welcome.standing),
            Down::Stop(stop) => self.stopped(*stop),
            // A machine that may only deliver has done what it may when it hears this.
            Down::Complete(_) if self.confirmed() != IN_STEP => self.end = Some(self.confirmed()),
            _ => {}
        }
    }

    /// All frames came in a file, and those that answer them go into one.
    pub(super) fn carried(&mut self) {
        if self.end.is_none_or(|end| end == IN_STEP) {
            self.end = Some(CARRIED);
        }
    }

    /// The node was at turn and said nothing for too long.
    pub(super) fn fell_silent(&mut self) {
        self.end = Some(SILENT);
    }

    fn greeted(&mut self, hello: &Hello, certificate_until_s: i64, now_ms: UnixMs) {
        self.end = None;
        self.word = Some(Word {
            position: hello.position,
            schema: hello.schema,
            at_ms: now_ms,
            ahead_ms: hello.local_ms.saturating_sub(now_ms),
            certificate_until_s,
            end: State::LinkCut.name().to_owned(),
        });
    }

    fn confirmed(&self) -> &'static str {
        match self.standing {
            Some(Standing::DeliverOnly) => State::DeliverOnly.name(),
            Some(Standing::Expired) => State::CertificateExpired.name(),
            _ => IN_STEP,
        }
    }

    /// Being told to come again while all is said, as at a shutdown, is no failure.
    fn stopped(&mut self, stop: Stop) {
        if stop != Stop::Busy || self.end != Some(IN_STEP) {
            self.end = Some(of_stop(stop).name());
        }
    }

    /// How the conversation ended, or would if it were cut now.
    pub(super) fn end(&self) -> &'static str {
        match (&self.word, self.end) {
            (_, Some(end)) => end,
            (None, None) => NO_HELLO,
            (Some(_), None) => State::LinkCut.name(),
        }
    }

    /// What is to be kept of it now: nothing where that was kept, and nothing of a node that was told
    /// to come later, for a server that is busy must not write for those whom it sends away.
    pub(super) fn take_word(&mut self) -> Option<Word> {
        if self.end() == State::ServerBusy.name() {
            return None;
        }
        let end = self.end().to_owned();
        let word = self.word.as_ref().map(|word| Word { end, ..word.clone() })?;
        if self.kept.as_ref() == Some(&word) {
            return None;
        }
        self.kept = Some(word.clone());
        Some(word)
    }
}

/// Scopes that a node asks to be filled again: it held them, and their digests differed.
pub(super) fn refills(hello: &Hello) -> u64 {
    let again = |c: &&ScopeCursor| {
        c.visible == 0 && c.staged == 0 && c.filled_to == Some(ScopeCursor::FROM_THE_START)
    };
    hello.scopes.iter().filter(again).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::frame::Welcome;
    use dongbo_proto::id::{AuthorId, Epoch, Hash};

    fn hello() -> Up {
        Up::Hello(Hello {
            author: AuthorId(5),
            schema: 1,
            epoch: None,
            position: 9,
            head: Hash::default(),
            acknowledged: 0,
            acknowledged_head: Hash::default(),
            local_ms: 5_000,
            token: [0; 16],
            inbox: 0,
            scopes: Vec::new(),
            state: Default::default(),
            live: false,
            flush: false,
        })
    }

    fn welcome(standing: Standing) -> Down {
        Down::Welcome(Welcome {
            epoch: Epoch([1; 16]),
            ancestors: Vec::new(),
            position: 0,
            head: None,
            server_ms: 0,
            schema: 1,
            standing,
            grants: None,
        })
    }

    #[test]
    fn a_conversation_ends_as_what_it_came_to() {
        let mut account = Account::default();
        assert_eq!((account.end(), account.take_word()), (NO_HELLO, None));
        account.heard(&hello(), 77, 4_000);
        assert_eq!(account.end(), "link_cut");
        account.said(&welcome(Standing::Good));
        account.heard(&Up::Confirm { token: [0; 16], inbox: 0 }, 77, 4_100);
        let word = account.take_word().expect("a word");
        assert_eq!((word.position, word.ahead_ms, word.end.as_str()), (9, 1_000, IN_STEP));
        assert_eq!(account.take_word(), None);
        account.said(&Down::Stop(Stop::Busy));
        assert_eq!((account.end(), account.take_word()), (IN_STEP, None));
        let mut sent_away = Account::default();
        sent_away.heard(&hello(), 77, 4_000);
        sent_away.said(&Down::Stop(Stop::Busy));
        assert_eq!((sent_away.end(), sent_away.take_word()), ("server_busy", None));
        account.said(&Down::Stop(Stop::Revoked));
        assert_eq!(account.take_word().map(|word| word.end), Some("revoked".to_owned()));
    }

    #[test]
    fn a_scope_that_was_held_and_is_asked_for_again_is_a_refill() {
        let Up::Hello(mut said) = hello() else { return };
        let scope = |n| dongbo_proto::id::ScopeId(n);
        let again = Some(ScopeCursor::FROM_THE_START);
        said.scopes = vec![
            ScopeCursor { scope: scope(1), ..ScopeCursor::default() },
            ScopeCursor { scope: scope(2), filled_to: again, ..ScopeCursor::default() },
            ScopeCursor { scope: scope(3), visible: 4, staged: 4, filled_to: None },
        ];
        assert_eq!(refills(&said), 1);
    }

    #[test]
    fn who_may_only_deliver_is_never_in_step() {
        let mut account = Account::default();
        account.heard(&hello(), 77, 4_000);
        account.said(&welcome(Standing::DeliverOnly));
        account.heard(&Up::Confirm { token: [0; 16], inbox: 0 }, 77, 4_100);
        assert_eq!(account.end(), "deliver_only");
    }
}
