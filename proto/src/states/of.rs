//! Which state an outcome of the wire is: one match for each type, without a wildcard, so that a new
//! outcome does not compile until it has a name, a sentence and a way out.

use super::State;
use crate::fate::Reason;
use crate::frame::{Standing, Stop};

/// The state of a node whose exchange the server ended.
#[must_use]
pub fn of_stop(stop: Stop) -> State {
    match stop {
        Stop::UnknownNode => State::UnknownNode,
        Stop::Forked => State::Forked,
        Stop::BadBatch => State::BadBatch,
        Stop::BadFrame => State::BadFrame,
        Stop::Busy => State::ServerBusy,
        Stop::Storage => State::ServerStorage,
        Stop::Revoked => State::Revoked,
    }
}

/// The state of a node that the server sees so; none where all is well.
#[must_use]
pub fn of_standing(standing: Standing) -> Option<State> {
    match standing {
        Standing::Good => None,
        Standing::Renew => Some(State::CertificateDue),
        Standing::Expired => Some(State::CertificateExpired),
        Standing::DeliverOnly => Some(State::DeliverOnly),
    }
}

/// The state of an office of which the province holds or has refused an act for this reason.
#[must_use]
pub fn of_reason(reason: Reason) -> State {
    match reason {
        Reason::NeedsApproval => State::NeedsApproval,
        Reason::NotWritable => State::NotWritable,
        Reason::UnknownRecord => State::UnknownRecord,
        Reason::CreationHeld => State::CreationHeld,
        Reason::NeedsNewerServer => State::NeedsNewerServer,
        Reason::DeliverOnly => State::HeldDeliverOnly,
        Reason::RecordLeft => State::RecordLeft,
        Reason::OverLimit => State::OverLimit,
        Reason::InvalidValue => State::InvalidValue,
        Reason::RefusedByProvince => State::RefusedByProvince,
        Reason::ProvinceOnly => State::ProvinceOnly,
    }
}
