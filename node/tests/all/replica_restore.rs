//! A server that came back from a backup, in a new epoch: what it lost is sent again, and the node
//! is in step with it without a person.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, Replica, draft};
use dongbo_proto::act::Op;
use dongbo_proto::frame::{Standing, Welcome};
use dongbo_proto::id::{AuthorId, Epoch, FieldId};
use dongbo_proto::sign::Signer;
use dongbo_proto::value::Value;

const NOW: i64 = 1_700_000_000_000;
const AUTHOR: u64 = 5;

fn save(replica: &mut Replica, op: Op) {
    replica.save(&[Draft::change("lan", op)], NOW, &mut entropy()).expect("the act is saved");
}

fn edit(replica: &mut Replica, n: u32, field: FieldId, value: &str) {
    let shown = replica.record(record_id(n)).unwrap().unwrap();
    save(replica, draft::edit(&shown, [(field, text(value))]));
}

fn shown(replica: &Replica, n: u32, field: FieldId) -> Option<Value> {
    replica.record(record_id(n)).unwrap().and_then(|r| r.shown(field).cloned())
}

/// A copy, as a backup is one; restoring it begins an epoch of its own.
fn restored(from: &Province, epoch: u8) -> Province {
    Province {
        signer: Signer::from_seed(&[3; 32]).expect("a seed is a key"),
        epoch: Epoch([epoch; 16]),
        scopes: from.scopes.clone(),
        records: from.records.clone(),
        writes: from.writes.clone(),
        retracted: from.retracted.clone(),
        acts: from.acts.clone(),
        authors: from.authors.clone(),
        grants: from.grants.clone(),
        ..*from
    }
}

fn welcome(province: &Province, before: &Province) -> Welcome {
    let author = province.authors.get(&AuthorId(AUTHOR)).cloned().unwrap_or_default();
    Welcome {
        epoch: province.epoch,
        ancestors: vec![before.epoch],
        position: author.position,
        head: Some(author.chain),
        server_ms: 9,
        schema: 1,
        standing: Standing::Good,
        grants: None,
    }
}

fn start(dir: &std::path::Path) -> (Province, Replica) {
    let mut province = Province::new(&[P, Q]);
    let mut replica = province.join(dir, AUTHOR);
    for n in 1..=3 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    assert!(meet(&mut province, &mut replica).in_step);
    (province, replica)
}

fn in_step_again(province: &mut Province, replica: &mut Replica, entered: u64) {
    let done = exchange(province, replica, Cut::None).expect("not cut");
    assert!(done.in_step, "{done:?}");
    assert_in_step(province, replica);
    assert_sound(replica);
    let equation = replica.equation().unwrap();
    assert_eq!((equation.entered, equation.merged, equation.unsent), (entered, entered, 0));
    assert_eq!(replica.facts().unwrap().acknowledged, entered);
}

#[test]
fn acts_that_the_backup_did_not_have_are_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = start(dir.path());
    edit(&mut replica, 1, PHONE, "1");
    meet(&mut province, &mut replica);
    let backup = restored(&province, 9);
    edit(&mut replica, 1, PHONE, "2");
    save(&mut replica, member(10, P, "Trần An"));
    meet(&mut province, &mut replica);
    edit(&mut replica, 10, PHONE, "3");
    let mut again = restored(&backup, 9);
    replica.welcome(&welcome(&again, &province)).unwrap();
    let facts = replica.facts().unwrap();
    assert_eq!(
        (facts.acknowledged, facts.position),
        (1, 4),
        "what the server holds, not what it said"
    );
    assert_eq!(shown(&replica, 1, PHONE), Some(text("2")), "nothing is taken from the view");
    in_step_again(&mut again, &mut replica, 4);
    assert_eq!(shown(&replica, 1, PHONE), Some(text("2")));
    assert_eq!(shown(&replica, 10, PHONE), Some(text("3")));
    edit(&mut replica, 2, PHONE, "4");
    in_step_again(&mut again, &mut replica, 5);
}

/// The link is cut at any point of the exchange that brings the acts back, and before it.
#[test]
fn sending_again_survives_cuts() {
    for cut in [Cut::AfterSending, Cut::AfterAcks, Cut::AfterStates] {
        for lost in [Cut::AfterSending, Cut::AfterAcks, Cut::AfterStates, Cut::None] {
            let dir = tempfile::tempdir().unwrap();
            let (mut province, mut replica) = start(dir.path());
            edit(&mut replica, 1, PHONE, "1");
            meet(&mut province, &mut replica);
            let mut again = restored(&province, 9);
            for n in 2..=3 {
                edit(&mut replica, n, PHONE, "2");
                edit(&mut replica, 1, EMAIL, "a@x.vn");
            }
            exchange(&mut province, &mut replica, lost);
            replica.welcome(&welcome(&again, &province)).unwrap();
            edit(&mut replica, 1, PHONE, "5");
            exchange(&mut again, &mut replica, cut);
            in_step_again(&mut again, &mut replica, 6);
            assert_eq!(shown(&replica, 1, PHONE), Some(text("5")), "{cut:?} {lost:?}");
        }
    }
}

#[test]
fn a_second_restore_while_the_first_is_not_made_good_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut province, mut replica) = start(dir.path());
    let (first, second) = (restored(&province, 9), restored(&province, 10));
    for n in 1..=3 {
        edit(&mut replica, n, PHONE, "1");
    }
    meet(&mut province, &mut replica);
    let mut again = first;
    replica.welcome(&welcome(&again, &province)).unwrap();
    exchange(&mut again, &mut replica, Cut::AfterAcks);
    let mut last = second;
    replica.welcome(&welcome(&last, &again)).unwrap();
    assert_eq!(replica.facts().unwrap().acknowledged, 0);
    in_step_again(&mut last, &mut replica, 3);
}
