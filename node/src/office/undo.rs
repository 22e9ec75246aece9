//! Taking back: one act, the last one, or all acts of one job.
//!
//! A retraction is itself an act: the writes leave the heads, and what only they had replaced
//! returns, here at once and everywhere after the next exchange. Pure.

use dongbo_proto::act::{Act, Op};
use dongbo_proto::id::{ActId, JobId};
use dongbo_proto::limits::RETRACT_ACTS_MAX;
use std::str::FromStr;

use super::{OfficeError, Result};
use crate::replica::Draft;

/// What a person wants taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One act.
    Act(ActId),
    /// All acts of a job.
    Job(JobId),
    /// The last act that can be taken back.
    Last,
}

impl FromStr for Which {
    type Err = OfficeError;

    /// An act's id (`author:position`) or a job's.
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(act) = text.parse() {
            return Ok(Which::Act(act));
        }
        text.parse().map(Which::Job).map_err(|_| OfficeError::BadId)
    }
}

/// Whether an act writes anything that could be taken back.
pub fn is_undoable(act: &Act) -> bool {
    act.ops.iter().any(|op| matches!(op, Op::Write(_)))
}

/// The acts that an act takes back.
pub fn takes_back(act: &Act) -> impl Iterator<Item = ActId> + '_ {
    act.ops
        .iter()
        .flat_map(|op| match op {
            Op::Retract(acts) => acts.as_slice(),
            _ => &[],
        })
        .copied()
}

/// The acts to take back, newest first, as drafts within the limits.
pub fn drafts(person: &str, acts: &[ActId]) -> Vec<Draft> {
    let mut newest = acts.to_vec();
    newest.sort_by_key(|id| std::cmp::Reverse((id.position, id.author)));
    let chunk = |acts: &[ActId]| Draft::change(person, Op::Retract(acts.to_vec()));
    newest.chunks(RETRACT_ACTS_MAX).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::id::AuthorId;

    #[test]
    fn a_large_job_is_taken_back_in_several_acts_newest_first() {
        let acts: Vec<_> = (1..=2_500).map(|n| ActId::new(AuthorId(1), n)).collect();
        let drafts = drafts("lan", &acts);
        let all: Vec<ActId> = drafts
            .iter()
            .flat_map(|d| match &d.ops[0] {
                Op::Retract(acts) => acts.clone(),
                _ => Vec::new(),
            })
            .collect();
        assert_eq!((drafts.len(), all[0].position, all.len()), (3, 2_500, 2_500));
    }

    #[test]
    fn an_act_and_a_job_are_told_apart() {
        let act = ActId::new(AuthorId(0xfeed), 7);
        assert_eq!(act.to_string().parse::<Which>().unwrap(), Which::Act(act));
        let job = JobId([5; 16]);
        assert_eq!(job.to_string().parse::<Which>().unwrap(), Which::Job(job));
        assert!("hôm qua".parse::<Which>().is_err());
    }
}
