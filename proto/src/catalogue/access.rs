//! Who may read, write and ask for a field. Pure questions to the catalogue.
//!
//! Reading is decided by [`Readers`], writing by [`Writers`] **and** reading: nobody writes what
//! they may not see, so who may write is within who may read for every field that can ever be added.
//! Which records somebody may see is not decided here: that is the placement's.

use super::field::{Field, Readers, Rule, Writers};
use super::kind::Kind;

/// The part that a person plays towards a record of their own unit, from least to most entitled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Secretary of the member's cell.
    Cell,
    /// Staff of the home commune.
    Commune,
    /// A clerk of the home commune who is named for sensitive data.
    Clerk,
    /// The province.
    Province,
}

impl Role {
    /// All roles, rising.
    pub const ALL: [Role; 4] = [Role::Cell, Role::Commune, Role::Clerk, Role::Province];
}

impl Readers {
    /// The least entitled role that may read.
    pub fn least(self) -> Role {
        match self {
            Readers::Everyone | Readers::Cell => Role::Cell,
            Readers::Commune => Role::Commune,
            Readers::Clerk => Role::Clerk,
        }
    }
}

impl Writers {
    /// The least entitled role that may write without asking; `None`: nobody.
    pub fn least(self) -> Option<Role> {
        match self {
            Writers::Cell => Some(Role::Cell),
            Writers::Commune => Some(Role::Commune),
            Writers::Request | Writers::Province => Some(Role::Province),
            Writers::System => None,
        }
    }
}

impl Field {
    /// Whether the role may see the value.
    pub fn may_read(&self, role: Role) -> bool {
        role >= self.readers.least()
    }

    /// Whether the role may replace a value without asking. Whether a further value is a request
    /// all the same is the rule's ([`Rule::WriteOnce`]).
    pub fn may_write(&self, role: Role) -> bool {
        self.rule != Rule::Computed
            && self.may_read(role)
            && self.writers.least().is_some_and(|least| role >= least)
    }

    /// Whether the role may give the value with which a record is created. A commune enters what is
    /// on the papers, locked fields included; it is the change of a locked field that it asks for.
    pub fn may_create(&self, role: Role) -> bool {
        let enters =
            self.writers == Writers::Request && role >= Role::Commune && self.may_read(role);
        enters || self.may_write(role)
    }

    /// Whether the role may file a request for a value that it may not simply write: a locked
    /// field, a further value where the first one stands, or what only the province writes.
    pub fn may_request(&self, role: Role) -> bool {
        let stands = matches!(self.rule, Rule::Locked | Rule::WriteOnce | Rule::Append);
        let asked = matches!(self.writers, Writers::Request | Writers::Province);
        (stands || asked) && role >= Role::Commune && self.may_read(role)
    }
}

impl Kind {
    /// Who may create a record of the kind: whoever may name the record that it belongs to, so
    /// that a commune cannot enter what only the province decides (an exit, a suspension).
    pub fn creators(&self) -> Writers {
        match self.subject.and_then(|id| self.field(id)) {
            Some(subject) => subject.writers,
            None if self.reference => Writers::Province,
            None => Writers::Commune,
        }
    }
}
