//! What a fill says: all that its scope holds. What is here and does not come is gone with the acts
//! that the server knew by then; what was acknowledged behind its first page stays.

use crate::replica_support::*;
use dongbo_node::replica::{Draft, REPLICA_FILE, Replica, SCHEMA, draft};
use dongbo_proto::act::{Op, Projection};
use dongbo_proto::frame::{Complete, ScopeCursor, Standing, States, Welcome};
use dongbo_proto::id::{Epoch, ScopeId};
use dongbo_sqlite::{Access, Knobs, open};

const NOW: i64 = 1_700_000_000_000;
/// A scope that the node does not hold.
const AWAY: ScopeId = ScopeId(50);

fn save(replica: &mut Replica, op: Op) {
    replica.save(&[Draft::change("lan", op)], NOW, &mut entropy()).expect("the act is saved");
}

/// Sends what was saved and hears what became of it.
fn deliver(province: &mut Province, replica: &mut Replica) {
    let after = replica.facts().unwrap().acknowledged;
    let batch = replica.acts_after(after, 99, 1 << 20).unwrap().expect("something was saved");
    let (runs, receipt) = province.receive(&batch);
    replica.acknowledge(&runs, &receipt).unwrap();
}

fn stage(replica: &mut Replica, pages: &[States]) {
    replica.stage_all_alone(pages).unwrap();
}

fn pages(province: &Province, replica: &Replica, scope: ScopeId) -> Vec<States> {
    let cursors = replica.facts().unwrap().scopes;
    let cursor = cursors.iter().find(|c| c.scope == scope).expect("the scope is held");
    province.pages(cursor, replica.author(), 2)
}

fn complete(province: &mut Province, replica: &mut Replica) {
    let said = province.complete(replica);
    let done = replica.complete_alone(&said).unwrap();
    assert!(done.in_step, "{done:?}");
    assert_in_step(province, replica);
    assert_sound(replica);
}

/// The digest of a scope is called different, so that the node fills it again.
fn doubt(province: &mut Province, replica: &mut Replica, scope: ScopeId) {
    let mut checkpoint = province.checkpoint();
    let mark = checkpoint.marks.iter_mut().find(|m| m.scope == scope).unwrap();
    mark.digest = Default::default();
    checkpoint.signature = province.signer.sign(&checkpoint.signed_bytes()).to_vec();
    let said = Complete { checkpoint: Some(checkpoint), ..province.complete(replica) };
    assert_eq!(replica.complete_alone(&said).unwrap().mismatched, [scope]);
}

#[test]
fn an_own_record_that_moved_away_before_the_first_fill_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    save(&mut replica, member(10, P, "Trần An"));
    save(&mut replica, member(11, P, "Trần Bình"));
    assert!(exchange(&mut province, &mut replica, Cut::AfterAcks).is_none());
    province.moves(record_id(11), AWAY);
    assert!(exchange(&mut province, &mut replica, Cut::None).unwrap().in_step);
    assert_in_step(&province, &replica);
    assert_sound(&mut replica);
}

#[test]
fn the_only_record_of_a_scope_that_moved_away_before_the_first_fill_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    save(&mut replica, member(10, P, "Trần An"));
    deliver(&mut province, &mut replica);
    province.moves(record_id(10), AWAY);
    let all = pages(&province, &replica, P);
    assert!(all.len() == 1 && all[0].records.is_empty(), "a fill of nothing has a page");
    stage(&mut replica, &all);
    complete(&mut province, &mut replica);
}

#[test]
fn an_own_record_that_moves_away_during_the_first_fill_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    for n in 1..=3 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    save(&mut replica, member(10, P, "Trần An"));
    deliver(&mut province, &mut replica);
    let first = pages(&province, &replica, P);
    stage(&mut replica, &first[..1]);
    save(&mut replica, member(11, P, "Trần Bình"));
    deliver(&mut province, &mut replica);
    province.moves(record_id(10), AWAY);
    province.moves(record_id(11), AWAY);
    let rest = pages(&province, &replica, P);
    assert!(rest.last().is_some_and(|page| page.gone.len() == 2), "{rest:?}");
    stage(&mut replica, &rest);
    complete(&mut province, &mut replica);
}

#[test]
fn what_was_written_behind_the_first_page_of_a_fill_stays() {
    for filled_again in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut province = Province::new(&[P]);
        let mut replica = province.join(dir.path(), 5);
        for n in 1..=3 {
            province.acts(member(n, P, "Lê Hoa"));
        }
        if filled_again {
            assert!(meet(&mut province, &mut replica).in_step);
            doubt(&mut province, &mut replica, P);
        }
        // It is here, and not at the province yet, when the fill begins.
        save(&mut replica, member(10, P, "Trần An"));
        let rest = pages(&province, &replica, P);
        stage(&mut replica, &rest);
        deliver(&mut province, &mut replica);
        complete(&mut province, &mut replica);
    }
}

#[test]
fn a_scope_filled_again_loses_what_the_province_lacks_though_no_page_follows_the_fill() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    for n in 1..=3 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    assert!(meet(&mut province, &mut replica).in_step);
    province.records.remove(&record_id(3));
    doubt(&mut province, &mut replica, P);
    let again = pages(&province, &replica, P);
    assert!(again.iter().all(|page| page.filling), "{again:?}");
    stage(&mut replica, &again);
    complete(&mut province, &mut replica);
}

#[test]
fn a_kept_digest_that_went_wrong_is_derived_again_from_base() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    for n in 1..=3 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    assert!(meet(&mut province, &mut replica).in_step);
    for fill_again in [false, true] {
        if fill_again {
            doubt(&mut province, &mut replica, P);
        }
        let file = dir.path().join(REPLICA_FILE);
        let db = open(&file, &key(), &SCHEMA, Knobs::NODE, Access::ReadWrite).unwrap();
        db.execute("UPDATE scope SET digest = randomblob(32)", []).unwrap();
        drop(db);
        province.acts(member(7 + u32::from(fill_again), P, "Lê Mai"));
        save(&mut replica, member(9 + u32::from(fill_again), P, "Trần An"));
        let done = exchange(&mut province, &mut replica, Cut::None).unwrap();
        assert!(done.in_step, "{done:?}");
        assert_in_step(&province, &replica);
        assert_sound(&mut replica);
    }
}

#[test]
fn a_fill_that_was_cut_stays_staged_through_a_complete_that_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    for n in 1..=5 {
        province.acts(member(n, P, "Lê Hoa"));
    }
    assert!(meet(&mut province, &mut replica).in_step);
    doubt(&mut province, &mut replica, P);
    let again = pages(&province, &replica, P);
    stage(&mut replica, &again[..1]);
    let silent = Complete { checkpoint: None, ..province.complete(&replica) };
    assert!(!replica.complete_alone(&silent).unwrap().in_step);
    assert_eq!(replica.count(dongbo_proto::catalogue::kind::MEMBER).unwrap(), 5);
    let rest = pages(&province, &replica, P);
    stage(&mut replica, &rest);
    complete(&mut province, &mut replica);
}

#[test]
fn a_scope_that_must_be_filled_again_says_so_even_where_the_server_has_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    province.acts(member(1, P, "Lê Hoa"));
    assert!(meet(&mut province, &mut replica).in_step);
    let before = province.epoch;
    province = Province { epoch: Epoch([9; 16]), ..Province::new(&[P]) };
    let welcome = Welcome {
        epoch: province.epoch,
        ancestors: vec![before],
        position: 0,
        head: Default::default(),
        server_ms: 9,
        schema: 1,
        standing: Standing::Good,
        grants: None,
    };
    replica.welcome(&welcome).unwrap();
    let cursor = replica.facts().unwrap().scopes[0];
    let from_the_start = Some(ScopeCursor::FROM_THE_START);
    assert_eq!((cursor.visible, cursor.staged, cursor.filled_to), (0, 0, from_the_start));
    let rest = pages(&province, &replica, P);
    stage(&mut replica, &rest);
    complete(&mut province, &mut replica);
}

fn welcome(province: &Province, replica: &mut Replica) {
    let welcome = Welcome {
        epoch: province.epoch,
        ancestors: vec![],
        position: 1,
        head: Default::default(),
        server_ms: 9,
        schema: 1,
        standing: Standing::Good,
        grants: Some(province.grants.clone()),
    };
    replica.welcome(&welcome).unwrap();
}

/// A page that shows a record to a scope as a visitor.
fn visit(province: &Province, n: u32, scope: ScopeId, filling: bool) -> States {
    let whole = province.state(record_id(n)).unwrap();
    let records = vec![(Projection::Visitor, whole.project(Projection::Visitor))];
    let to = province.scopes[&scope].revision;
    let from = u64::from(!filling);
    States { scope, from, to, filling, records, gone: vec![] }
}

/// Completes where a scope sees a record as a visitor.
fn complete_with_visitor(province: &mut Province, replica: &mut Replica, n: u32, scope: ScopeId) {
    let whole = province.state(record_id(n)).unwrap();
    let mut checkpoint = province.checkpoint();
    let mark = checkpoint.marks.iter_mut().find(|m| m.scope == scope).unwrap();
    mark.digest.add(dongbo_proto::digest::of_projected(&whole, Projection::Visitor));
    checkpoint.signature = province.signer.sign(&checkpoint.signed_bytes()).to_vec();
    let said = Complete { checkpoint: Some(checkpoint), ..province.complete(replica) };
    assert_eq!(replica.complete_alone(&said).unwrap().mismatched, []);
    assert_sound(replica);
}

#[test]
fn a_guest_that_a_fill_brings_hides_nothing_of_what_was_written_at_its_home() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    province.acts(member(1, P, "Lê Hoa"));
    assert!(meet(&mut province, &mut replica).in_step);
    let shown = replica.record(record_id(1)).unwrap().unwrap();
    save(&mut replica, draft::edit(&shown, [(EMPLOYER, text("hợp tác xã"))]));
    deliver(&mut province, &mut replica);
    // A scope is granted, in which the record is a guest that shows less.
    province.grants = Province::new(&[P, Q]).grants;
    province.scopes.entry(Q).or_default().revision = 2;
    welcome(&province, &mut replica);
    stage(&mut replica, &[visit(&province, 1, Q, true)]);
    complete_with_visitor(&mut province, &mut replica, 1, Q);
    assert_eq!(replica.record(record_id(1)).unwrap(), province.state(record_id(1)));
}

#[test]
fn a_guest_that_a_fill_brings_is_as_it_was_sent_where_it_leaves_its_home_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let mut province = Province::new(&[P]);
    let mut replica = province.join(dir.path(), 5);
    province.acts(member(1, P, "Lê Hoa"));
    assert!(meet(&mut province, &mut replica).in_step);
    province.grants = Province::new(&[P, Q]).grants;
    province.scopes.entry(Q).or_default().revision = 2;
    province.acts(draft::edit(&province.state(record_id(1)).unwrap(), [(NAME, text("Lê Hoà"))]));
    province.moves(record_id(1), AWAY);
    welcome(&province, &mut replica);
    stage(&mut replica, &[visit(&province, 1, Q, true)]);
    let left = pages(&province, &replica, P);
    assert_eq!(left[0].gone.len(), 1);
    stage(&mut replica, &left);
    complete_with_visitor(&mut province, &mut replica, 1, Q);
    let seen = province.state(record_id(1)).unwrap().project(Projection::Visitor);
    assert_eq!(replica.record(record_id(1)).unwrap(), Some(seen));
}

#[test]
fn a_record_that_moved_away_and_came_back_as_a_guest_is_no_longer_at_home_here() {
    for filled in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut province = Province::new(&[P]);
        let mut replica = province.join(dir.path(), 5);
        save(&mut replica, member(1, P, "Trần An"));
        match filled {
            true => assert!(meet(&mut province, &mut replica).in_step),
            false => deliver(&mut province, &mut replica),
        }
        province.acts(draft::edit(&province.state(record_id(1)).unwrap(), [(NAME, text("An"))]));
        province.moves(record_id(1), AWAY);
        stage(&mut replica, &[visit(&province, 1, P, !filled)]);
        complete_with_visitor(&mut province, &mut replica, 1, P);
        let seen = province.state(record_id(1)).unwrap().project(Projection::Visitor);
        assert_eq!(replica.record(record_id(1)).unwrap(), Some(seen));
    }
}
