//! Writing as the province: its author for this life of the process, and jobs of many acts.
//!
//! Deliberately absent: what an act does (`registry`), and any retry: SQLite waits for another
//! writer by itself, and what then fails is said.

use std::sync::Arc;

use dongbo_proto::act::{Intent, JobItem, Op};
use dongbo_proto::id::{AuthorId, JobId, RecordId};
use dongbo_proto::limits::{ACT_BYTES_MAX, ACT_RECORDS_MAX};
use dongbo_proto::seam::{self, Entropy};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::UnixMs;

use super::context::Context;
use super::fault::Result;
use super::home::Home;
use crate::registry::{self, Deed, Province};
use crate::store::{StoreHandle, WriteTx};

/// Acts of a job that share one commit: 2 MB at most, so that `serve` waits for no more than some
/// tens of milliseconds beside it.
const ACTS_A_COMMIT: usize = 8;
/// What a field and a record take in an act besides the values, in bytes: rounded up, since an act
/// over the limit would be refused whole.
const FIELD_BYTES: usize = 16;
const RECORD_BYTES: usize = 64;

/// The province's author for this process.
///
/// # Errors
/// The signing key cannot be read.
pub fn province(ctx: &Context, home: &Home) -> Result<Province> {
    Ok(author(ctx, home.signer()?))
}

/// The same, with a key that is at hand.
#[must_use]
pub fn author(ctx: &Context, signer: Signer) -> Province {
    let id = AuthorId(ctx.entropy.number());
    Province::new(id, seam::bytes(ctx.entropy.as_ref()), Arc::new(signer))
}

/// A new id for a record or a job.
#[must_use]
pub fn new_id(entropy: &dyn Entropy, now_ms: UnixMs) -> RecordId {
    RecordId::new(now_ms.max(0).unsigned_abs(), seam::bytes(entropy))
}

/// A numbered set of acts: shown as *k of n* and undone as one.
#[derive(Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    person: String,
    grounds: Option<String>,
    intent: Intent,
}

impl Job {
    /// A new job of a person.
    #[must_use]
    pub fn new(ctx: &Context, intent: Intent, grounds: Option<String>) -> Self {
        let id = JobId(new_id(ctx.entropy.as_ref(), ctx.now_ms()).0);
        Job { id, person: ctx.person.clone(), grounds, intent }
    }

    /// The acts that groups of operations make: those after `before`, of `of` in all.
    #[must_use]
    pub fn deeds(&self, groups: Vec<Vec<Op>>, before: u32, of: u32) -> Vec<Deed> {
        let deed = |(item, ops): (u32, Vec<Op>)| Deed {
            person: self.person.clone(),
            intent: self.intent,
            grounds: self.grounds.clone(),
            job: Some(JobItem { job: self.id, item, of }),
            ops,
        };
        (before + 1..).zip(groups).map(deed).collect()
    }
}

/// Cuts operations into groups that fit an act each.
#[must_use]
pub fn groups(ops: Vec<Op>) -> Vec<Vec<Op>> {
    let (mut groups, mut bytes) = (vec![Vec::new()], 0);
    for op in ops {
        let size = size_of(&op);
        let full = groups.last().is_some_and(|g: &Vec<Op>| {
            !g.is_empty() && (g.len() == ACT_RECORDS_MAX || bytes + size > ACT_BYTES_MAX)
        });
        if full {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        groups.last_mut().into_iter().for_each(|g| g.push(op.clone()));
    }
    groups.retain(|g| !g.is_empty());
    groups
}

fn size_of(op: &Op) -> usize {
    match op {
        Op::Write(w) => {
            let fields = w.fields.iter().map(|f| f.value.content_len() + FIELD_BYTES);
            RECORD_BYTES + fields.sum::<usize>()
        }
        _ => RECORD_BYTES,
    }
}

/// Does the acts of a job, a few to a commit, telling `done` how many records each brought.
///
/// # Errors
/// What the registry says of the first commit that failed; those before it are kept.
pub fn carry_out(
    store: &StoreHandle,
    province: &Province,
    deeds: &[Deed],
    now_ms: UnixMs,
    done: &mut dyn FnMut(u64),
) -> Result<()> {
    for some in deeds.chunks(ACTS_A_COMMIT) {
        store.write_now(|tx: &mut dyn WriteTx| {
            registry::enact_all(tx, province, some.to_vec(), now_ms)
        })?;
        done(some.iter().map(|d| d.ops.len() as u64).sum());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dongbo_proto::act::{FieldWrite, Over, RecordWrites};
    use dongbo_proto::catalogue::kind::VILLAGE;
    use dongbo_proto::id::{FieldId, ScopeId};
    use dongbo_proto::value::Value;

    fn op(chars: usize) -> Op {
        let value = Value::Text("x".repeat(chars));
        let fields = vec![FieldWrite { field: FieldId(10), value, over: Over::Nothing }];
        let create = Some(ScopeId::REFERENCE);
        Op::Write(RecordWrites {
            record: RecordId::default(),
            kind: VILLAGE,
            create,
            under: None,
            fields,
        })
    }

    #[test]
    fn groups_keep_order_and_stay_within_an_act() {
        let sizes = |ops| groups(ops).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![op(1); 2_500]), [1_000, 1_000, 500]);
        assert_eq!(sizes(vec![op(ACT_BYTES_MAX / 2 - 80); 3]), [2, 1]);
        assert!(groups(Vec::new()).is_empty());
    }
}
