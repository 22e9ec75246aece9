//! What became of the acts of one frame, run by run: kept beside the frame, sent as acknowledgements.
//!
//! A run is consecutive acts with one fate and rank whose revisions follow each other in one scope;
//! an act in several scopes is a run of its own. A hundred edits are one run of a dozen bytes.

use dongbo_proto::bytes::{Reader, Truncated, Writer};
use dongbo_proto::fate::Fate;
use dongbo_proto::frame::AckRun;
use dongbo_proto::id::ScopeId;
use dongbo_proto::record::Rank;
use dongbo_proto::stamp::Stamp;
use smallvec::SmallVec;

/// The scopes that an act merged into, with the revision that it gave each.
pub(super) type At = SmallVec<[(ScopeId, u64); 1]>;

/// What became of one act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acted {
    pub fate: Fate,
    pub rank: Rank,
    pub at: At,
    pub stamp: Stamp,
}

/// Collects acts into runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<AckRun>,
    claimed: Vec<bool>,
}

impl Runs {
    /// Appends the act after the last one. `as_claimed`: its order stamp is what its author claimed.
    pub fn push(&mut self, position: u64, acted: Acted, as_claimed: bool) {
        if let Some((run, claimed)) = self.runs.last_mut().zip(self.claimed.last_mut())
            && follows(run, &acted)
        {
            run.count += 1;
            run.stamps.get_or_insert_default().push(acted.stamp);
            *claimed &= as_claimed;
            return;
        }
        self.claimed.push(as_claimed);
        self.runs.push(AckRun {
            first: position,
            fate: acted.fate,
            at: acted.at.into_vec(),
            rank: acted.rank,
            count: 1,
            stamps: Some(vec![acted.stamp]),
        });
    }

    /// The runs, without the stamps that say nothing new.
    pub fn finish(mut self) -> Vec<AckRun> {
        for (run, claimed) in self.runs.iter_mut().zip(&self.claimed) {
            if *claimed {
                run.stamps = None;
            }
        }
        self.runs
    }
}

fn follows(run: &AckRun, acted: &Acted) -> bool {
    run.fate == acted.fate
        && run.rank == acted.rank
        && match (run.at.as_slice(), acted.at.as_slice()) {
            ([], []) => true,
            ([(scope, from)], [(next_scope, next)]) => {
                scope == next_scope && from + u64::from(run.count) == *next
            }
            _ => false,
        }
}

/// The bytes beside a frame.
pub(super) fn pack(runs: &[AckRun]) -> Vec<u8> {
    let mut w = Writer::default();
    for run in runs {
        w.number(u64::from(run.count));
        w.byte(run.fate.number());
        w.byte(run.rank as u8 | if run.stamps.is_some() { 0x80 } else { 0 });
        w.number(run.at.len() as u64);
        for (scope, revision) in &run.at {
            w.number(u64::from(scope.0));
            w.number(*revision);
        }
        let mut last = 0_u64;
        for stamp in run.stamps.iter().flatten() {
            w.signed(stamp.0.wrapping_sub(std::mem::replace(&mut last, stamp.0)).cast_signed());
        }
    }
    w.into_bytes()
}

/// Reads them back; the first act of the frame has position `first`.
pub(super) fn unpack(first: u64, bytes: &[u8]) -> Result<Vec<AckRun>, Truncated> {
    let r = &mut Reader::new(bytes);
    let (mut runs, mut first) = (Vec::new(), first);
    while !r.is_empty() {
        let run = read_run(first, r)?;
        first += u64::from(run.count);
        runs.push(run);
    }
    Ok(runs)
}

fn read_run(first: u64, r: &mut Reader<'_>) -> Result<AckRun, Truncated> {
    let count = u32::try_from(r.number()?).map_err(|_| Truncated)?;
    let fate = Fate::from_number(r.byte()?).ok_or(Truncated)?;
    let rank = r.byte()?;
    let scopes = r.number()?;
    let at = (0..scopes).map(|_| Ok((ScopeId(r.number()? as u32), r.number()?)));
    let at = at.collect::<Result<_, Truncated>>()?;
    let mut last = 0_u64;
    let mut stamp = |_| {
        last = last.wrapping_add(r.signed()?.cast_unsigned());
        Ok(Stamp(last))
    };
    let stamps = match rank & 0x80 {
        0 => None,
        _ => Some((0..count).map(&mut stamp).collect::<Result<_, Truncated>>()?),
    };
    let rank = Rank::from_number(rank & 0x7f).ok_or(Truncated)?;
    Ok(AckRun { first, fate, at, rank, count, stamps })
}

/// The part of runs that lies in (after, until], with only the scopes that the reader holds.
pub(super) fn clip(
    runs: Vec<AckRun>,
    after: u64,
    until: u64,
    holds: impl Fn(ScopeId) -> bool,
) -> Vec<AckRun> {
    let one = |mut run: AckRun| {
        let skip = (after + 1).saturating_sub(run.first).min(u64::from(run.count));
        let keep =
            (until + 1).saturating_sub(run.first).min(u64::from(run.count)).checked_sub(skip)?;
        if keep == 0 {
            return None;
        }
        run.first += skip;
        run.count = keep as u32;
        run.at.iter_mut().for_each(|at| at.1 += skip);
        run.at.retain(|at| holds(at.0));
        run.stamps = run.stamps.map(|s| s[skip as usize..(skip + keep) as usize].to_vec());
        Some(run)
    };
    runs.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::fate::Reason;

    const MERGED: Fate = Fate::Merged { as_written: true };

    fn acted(fate: Fate, at: &[(u32, u64)], stamp: u64) -> Acted {
        let at = at.iter().map(|(s, r)| (ScopeId(*s), *r)).collect();
        Acted { fate, rank: Rank::Home, at, stamp: Stamp(stamp) }
    }

    fn sample() -> Vec<AckRun> {
        let mut runs = Runs::default();
        runs.push(5, acted(MERGED, &[(3, 10)], 100), true);
        runs.push(6, acted(MERGED, &[(3, 11)], 101), true);
        runs.push(7, acted(Fate::Held(Reason::NeedsApproval), &[], 102), true);
        runs.push(8, acted(MERGED, &[(3, 12)], 90), false);
        runs.push(9, acted(MERGED, &[(3, 13), (4, 1)], 110), true);
        runs.push(10, acted(MERGED, &[(3, 14), (4, 2)], 111), true);
        runs.finish()
    }

    #[test]
    fn runs_join_only_what_follows_and_come_back() {
        let runs = sample();
        assert_eq!(runs.iter().map(|r| r.count).collect::<Vec<_>>(), [2, 1, 1, 1, 1]);
        assert_eq!(runs[0].stamps, None);
        assert_eq!(runs[2].stamps, Some(vec![Stamp(90)]));
        assert_eq!(unpack(5, &pack(&runs)), Ok(runs));
    }

    #[test]
    fn clipping_moves_revisions_with_positions() {
        let clipped = clip(sample(), 5, 9, |s| s == ScopeId(3));
        assert_eq!(clipped[0].first, 6);
        assert_eq!(clipped[0].at, [(ScopeId(3), 11)]);
        assert_eq!(
            clipped.last().map(|r| (r.first, r.at.clone())),
            Some((9, vec![(ScopeId(3), 13)]))
        );
        assert!(clip(sample(), 10, 20, |_| true).is_empty());
    }
}
