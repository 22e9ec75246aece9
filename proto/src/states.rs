//! The catalogue of states: everything that stops progress, or that a person should know of, with
//! its name, whose it is, how much it matters, its sentence and its way out.
//!
//! `status` on both sides, the answers of `--json`, the metrics and `docs/STATES.md` all speak of
//! states by these names. Sentences are looked up by key (`words/states.*.ftl`, and where the wire has
//! a reason, its own sentence); a test holds that no outcome is left without one.
//!
//! Deliberately absent: how a side finds out that it is in a state, and errors of one command's
//! arguments, which stop nothing.

mod markdown;
mod of;

pub use markdown::markdown;
pub use of::{of_reason, of_standing, of_stop};

/// Where a state is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In the office.
    Node,
    /// At the province.
    Server,
    /// On either side.
    Both,
}

/// How much a state matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It passes by itself.
    Passing,
    /// Work goes on; a person should look.
    Attention,
    /// Something does not go on until a person does something.
    Stopped,
}

impl Severity {
    /// The word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Passing => "passing",
            Severity::Attention => "attention",
            Severity::Stopped => "stopped",
        }
    }
}

impl Side {
    /// The word for scripts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Side::Node => "node",
            Side::Server => "server",
            Side::Both => "both",
        }
    }

    /// Whether a state of this side is seen on another.
    #[must_use]
    pub fn is_seen_on(self, side: Side) -> bool {
        self == Side::Both || self == side
    }
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug)]
struct Line {
    name: &'static str,
    side: Side,
    severity: Severity,
    sentence: &'static str,
    way_out: &'static str,
    said_as: &'static [&'static str],
}

/// Makes the type and its catalogue of one list, so that neither can be without the other.
macro_rules! catalogue {
    ($($variant:ident $name:literal $side:ident $severity:ident $sentence:literal $way:literal [$($said:literal),*];)+) => {
        /// A state that has a name, a sentence and a way out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum State { $($variant),+ }

        impl State {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [State] = &[$(State::$variant),+];

            fn line(self) -> Line {
                match self {
                    $(State::$variant => Line {
                        name: $name,
                        side: Side::$side,
                        severity: Severity::$severity,
                        sentence: $sentence,
                        way_out: $way,
                        said_as: &[$($said),*],
                    }),+
                }
            }
        }
    };
}

// variant, name, side, severity, sentence, way out, and the keys under which commands say the same.
catalogue! {
    // How an exchange ended.
    DeliverOnly "deliver_only" Node Stopped "state-deliver-only" "way-invite-again" ["sync-deliver-only"];
    Rewound "rewound" Node Stopped "state-rewound" "way-sync-by-network" ["sync-rewound"];
    NotAsLeft "not_as_left" Node Stopped "state-not-as-left" "way-invite-again" [];
    ServerLost "server_lost" Node Stopped "state-server-lost" "way-call-province" ["sync-went-back"];
    TwoServers "two_servers" Node Stopped "state-two-servers" "way-which-server" ["sync-two-servers"];
    Diverged "diverged" Node Stopped "state-diverged" "way-sync-then-call" ["sync-diverged"];
    Confused "confused" Node Attention "state-confused" "way-sync-then-update" ["sync-confused"];
    UnknownNode "unknown_node" Node Stopped "stop-unknown-node" "way-invite-again" ["stop-unknown-node"];
    Forked "forked" Node Stopped "stop-forked" "way-call-province" ["stop-forked"];
    BadBatch "bad_batch" Node Attention "stop-bad-batch" "way-sync-then-call" ["stop-bad-batch"];
    BadFrame "bad_frame" Node Attention "stop-bad-frame" "way-sync-then-update" ["stop-bad-frame"];
    ServerBusy "server_busy" Node Passing "stop-busy" "way-sync-later" ["stop-busy"];
    ServerStorage "server_storage" Node Stopped "stop-storage" "way-tell-province" ["stop-storage"];
    Revoked "revoked" Node Stopped "stop-revoked" "way-invite-again" ["stop-revoked"];
    More "more_to_carry" Node Attention "state-more" "way-carry" ["bundle-more"];
    // Why no exchange came about.
    Unreachable "unreachable" Node Passing "state-unreachable" "way-sync-later" ["link-unreachable"];
    LinkCut "link_cut" Node Passing "state-link-cut" "way-sync-later" ["link-cut"];
    WrongAuthority "wrong_authority" Node Stopped "state-wrong-authority" "way-check-address" ["link-wrong-authority"];
    NotTheServer "not_the_server" Node Stopped "state-not-the-server" "way-check-address" ["link-not-the-server"];
    ServerExpired "server_expired" Node Stopped "state-server-expired" "way-tell-province" ["link-server-expired"];
    LinkRefused "link_refused" Node Stopped "state-link-refused" "way-invite-again" ["link-refused"];
    NotOurProtocol "not_our_protocol" Node Stopped "state-not-our-protocol" "way-check-address" ["link-not-our-protocol"];
    NotUnderstood "not_understood" Node Stopped "state-not-understood" "way-sync-then-update" ["link-not-understood"];
    WordBroken "word_broken" Node Stopped "state-word-broken" "way-call-province" ["err-word"];
    CertificateUnusable "certificate_unusable" Node Stopped "state-certificate-unusable" "way-invite-again" ["err-certificate"];
    NodeKeyUnusable "node_key_unusable" Node Stopped "state-node-key" "way-key-back" ["err-node-key"];
    BundleRefused "bundle_refused" Node Attention "state-bundle-refused" "way-carry-again" ["bundle-old-answer", "bundle-no-card", "stick-not-ours", "stick-newer", "stick-torn", "stick-too-large", "stick-forged", "stick-wrong-way", "stick-other-province", "stick-other-node", "stick-not-opened"];
    JoinRefused "join_refused" Node Stopped "state-join-refused" "way-new-code" ["join-unknown-code", "join-used-code", "join-expired-code", "join-bad-request", "join-author-taken", "join-too-many-tries", "join-storage"];
    // What an office should know.
    Unsent "unsent" Node Passing "state-unsent" "way-sync" [];
    Filling "filling" Node Passing "state-filling" "way-sync" [];
    ScopeWithdrawn "scope_withdrawn" Node Attention "state-scope-withdrawn" "way-ask-scope" [];
    Silence "silence" Node Attention "state-silence" "way-sync" [];
    CertificateDue "certificate_due" Node Passing "state-certificate-due" "way-sync" [];
    CertificateExpired "certificate_expired" Node Attention "state-certificate-expired" "way-sync-then-invite" [];
    ClockWrong "clock_wrong" Node Attention "state-clock-wrong" "way-set-clock" [];
    TakenFromOutbox "taken_from_outbox" Node Attention "state-taken-from-outbox" "way-sync" [];
    Unbalanced "unbalanced" Node Stopped "state-unbalanced" "way-verify-call" [];
    // Why an act was held, or refused.
    NeedsApproval "needs_approval" Node Attention "reason-needs-approval" "way-wait-approval" [];
    NotWritable "not_writable" Node Attention "reason-not-writable" "way-ask-province" [];
    UnknownRecord "unknown_record" Node Attention "reason-unknown-record" "way-ask-province" [];
    CreationHeld "creation_held" Node Attention "reason-creation-held" "way-wait-approval" [];
    NeedsNewerServer "needs_newer_server" Node Attention "reason-needs-newer-server" "way-wait-upgrade" [];
    HeldDeliverOnly "held_deliver_only" Node Attention "reason-deliver-only" "way-invite-again" [];
    RecordLeft "record_left" Node Attention "reason-record-left" "way-ask-province" [];
    OverLimit "over_limit" Node Attention "reason-over-limit" "way-divide" [];
    InvalidValue "invalid_value" Node Attention "reason-invalid-value" "way-correct" [];
    RefusedByProvince "refused_by_province" Node Attention "reason-refused-by-province" "way-read-inbox" [];
    ProvinceOnly "province_only" Node Attention "reason-province-only" "way-ask-province" [];
    // On either side.
    Conflicts "conflicts" Both Attention "state-conflicts" "way-settle" [];
    DiskFull "disk_full" Both Stopped "state-disk-full" "way-make-room" ["disk-full", "fault-disk-full"];
    ReadOnly "read_only" Both Stopped "state-read-only" "way-permissions" ["disk-read-only", "fault-read-only"];
    DiskFault "disk_fault" Both Stopped "state-disk-fault" "way-check-disk" ["disk-fault", "fault-storage"];
    Damaged "damaged" Both Stopped "state-damaged" "way-damaged" ["db-damaged", "db-contradicts", "fault-damaged"];
    PutBack "put_back" Node Stopped "state-put-back" "way-call-province" ["db-rewound"];
    Unsalvageable "unsalvageable" Node Stopped "state-unsalvageable" "way-call-province" ["db-unsalvageable"];
    DataMissing "data_missing" Both Stopped "state-data-missing" "way-data-missing" ["db-missing", "fault-database-missing"];
    NewerVersion "newer_version" Both Stopped "state-newer-version" "way-update" ["db-newer", "key-newer", "fault-newer-version"];
    WrongKey "wrong_key" Both Stopped "state-wrong-key" "way-key-back" ["db-wrong-key", "fault-wrong-key"];
    NotOurs "not_ours" Both Stopped "state-not-ours" "way-check-directory" ["db-not-ours", "fault-not-a-database"];
    KeyMissing "key_missing" Both Stopped "state-key-missing" "way-key-back" ["key-missing", "fault-key-missing"];
    KeyDamaged "key_damaged" Both Stopped "state-key-damaged" "way-key-back" ["key-damaged", "fault-key-damaged", "err-identity-damaged"];
    KeyTooOpen "key_too_open" Both Stopped "state-key-too-open" "way-chmod" ["key-too-open", "fault-key-too-open"];
    Passphrase "passphrase" Both Stopped "state-passphrase" "way-passphrase" ["key-wrong-passphrase", "key-needs-passphrase", "fault-wrong-passphrase", "fault-needs-passphrase"];
    InUse "in_use" Both Passing "state-in-use" "way-wait-process" ["dir-busy", "dir-busy-unknown", "fault-in-use", "fault-database-busy"];
    NoCipher "no_cipher" Node Stopped "state-no-cipher" "way-right-build" ["db-no-cipher"];
    Unexpected "unexpected" Both Stopped "state-unexpected" "way-verify-call" ["err-unexpected", "fault-unexpected"];
    // At the province.
    NotServing "not_serving" Server Stopped "state-not-serving" "way-serve" [];
    AddressTaken "address_taken" Server Stopped "state-address-taken" "way-other-address" ["fault-address"];
    AuthorityUnusable "authority_unusable" Server Stopped "state-authority-unusable" "way-authority-back" ["fault-authority"];
    WentBack "went_back" Server Attention "state-went-back" "way-went-back" [];
    NoBackup "no_backup" Server Attention "state-no-backup" "way-backup" [];
    BackupOld "backup_old" Server Attention "state-backup-old" "way-backup" [];
    HeldActs "held_acts" Server Attention "state-held-acts" "way-decide" [];
    Twins "twins" Server Attention "state-twins" "way-twins" [];
    NodesQuiet "nodes_quiet" Server Attention "state-nodes-quiet" "way-fleet" [];
    NodesBehind "nodes_behind" Server Attention "state-nodes-behind" "way-fleet" [];
    NodesStopped "nodes_stopped" Server Attention "state-nodes-stopped" "way-fleet" [];
    NodesDeliverOnly "nodes_deliver_only" Server Attention "state-nodes-deliver-only" "way-invite-node" [];
    Findings "findings" Both Stopped "state-findings" "way-verify-call" ["fault-findings"];
}

impl State {
    /// Its name: stable, for scripts, metrics and this page's table.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.line().name
    }

    /// Where it is seen.
    #[must_use]
    pub fn side(self) -> Side {
        self.line().side
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.line().severity
    }

    /// The key of what is the matter.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.line().sentence
    }

    /// The key of what to do.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        self.line().way_out
    }

    /// The keys of the sentences by which a command says that it met this state.
    #[must_use]
    pub fn said_as(self) -> &'static [&'static str] {
        self.line().said_as
    }

    /// The state of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        State::ALL.iter().copied().find(|state| state.name() == name)
    }

    /// The state that a command's sentence speaks of.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        State::ALL.iter().copied().find(|state| state.said_as().contains(&key))
    }
}

#[cfg(test)]
mod tests;
