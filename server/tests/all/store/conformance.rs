//! One suite for every backend: what `Store` promises, asked of an empty store.
//!
//! A backend's test opens a fresh store for each entry of [`SUITE`] and runs it; an entry panics
//! where the promise does not hold. Deliberately absent: durability against power loss and several
//! processes, which are asked where the backend is known.

use dongbo_proto::act::Projection;
use dongbo_proto::catalogue::{Kind, catalogue, kind};
use dongbo_proto::digest::Digest;
use dongbo_proto::fate::{Fate, Outcome, Reason};
use dongbo_proto::id::{ActId, AuthorId, Epoch, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::record::{FieldState, Head, Meta, Origin, Rank, Record};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;

use dongbo_server::store::rows::{
    AuthorRow, EpochRow, FeedRow, FrameRow, HeldRow, HeldState, InviteRow, Placement, PutRow,
    ScopeRow, StandingRow, StandingWhat, Stay, Wanted,
};
use dongbo_server::store::{Result, Rollback, StoreHandle, WriteJob, WriteTx};

/// A promise as a function of an empty store.
pub type Check = fn(&StoreHandle);

/// All of them, by name.
pub const SUITE: &[(&str, Check)] = &[
    ("rows_come_back_whole_and_in_part", rows_come_back_whole_and_in_part),
    ("rows_that_are_changed_keep_the_rest", rows_that_are_changed_keep_the_rest),
    ("rows_are_counted_listed_and_found_by_what_they_refer_to", rows_are_counted),
    ("a_job_that_fails_is_undone_alone", a_job_that_fails_is_undone_alone),
    ("a_reader_sees_one_state", a_reader_sees_one_state),
    ("placements_are_listed_by_record", placements_are_listed_by_record),
    ("scopes_come_back", scopes_come_back),
    ("authors_come_back_with_any_number", authors_come_back),
    ("frames_are_found_by_act", frames_are_found_by_act),
    ("feeds_go_on_from_a_revision", feeds_go_on_from_a_revision),
    ("held_acts_wait_and_are_decided", held_acts_wait_and_are_decided),
    ("inboxes_and_lists_go_on_from_a_line", inboxes_and_lists_go_on),
    ("invitations_epochs_and_notes_come_back", invitations_epochs_and_notes),
];

fn write<R>(store: &StoreHandle, job: impl FnMut(&mut dyn WriteTx) -> Result<R>) -> R {
    store.write_now(job).expect("is written")
}

fn read<R>(
    store: &StoreHandle,
    job: impl FnOnce(&dyn dongbo_server::store::ReadTx) -> Result<R>,
) -> R {
    store.read_now(job).expect("is read")
}

fn member() -> &'static Kind {
    catalogue().kind(kind::MEMBER).expect("members")
}

fn act(author: u64, position: u64) -> ActId {
    ActId::new(AuthorId(author), position)
}

fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

/// A member with a text, a date, a number and a reference, and a field in conflict.
fn sample(n: u8) -> Record {
    let origin = Origin { act: act(u64::MAX, 7), stamp: Stamp(9), rank: Rank::Home };
    let mut record = Record::new(id(n), kind::MEMBER, origin, ScopeId(1));
    let values = [
        (18, Value::Int(44)),
        (20, Value::Text("Nguyễn Văn Đức".into())),
        (24, Value::Date("1970-05".parse().expect("a date"))),
        (39, Value::Ref(id(200))),
    ];
    for (field, value) in values {
        *record.field_mut(FieldId(field)) = FieldState::sole(Head::new(origin, value));
    }
    let late = Origin { act: act(3, 1), stamp: Stamp(10), rank: Rank::Other };
    let heads =
        [Head::new(late, Value::Text("2".into())), Head::new(origin, Value::Text("1".into()))];
    record.field_mut(FieldId(43)).heads = heads.into_iter().collect();
    record
}

fn put(tx: &mut dyn WriteTx, record: &Record) -> Result<()> {
    let in_column = |f| member().field(f).is_some_and(|f| f.is_stored());
    let (meta, columns) = Meta::of(record, in_column);
    let columns = columns.into_iter().map(|(f, v)| (f, v.into_cow())).collect();
    tx.put_rows(&[PutRow {
        record: record.id,
        kind: record.kind,
        key: None,
        home: record.home,
        moved: false,
        meta: meta.pack(),
        columns,
    }])
}

/// A value that a row owns.
trait IntoCow {
    fn into_cow(self) -> std::borrow::Cow<'static, Value>;
}

impl IntoCow for Value {
    fn into_cow(self) -> std::borrow::Cow<'static, Value> {
        std::borrow::Cow::Owned(self)
    }
}

fn rows_come_back_whole_and_in_part(store: &StoreHandle) {
    let record = sample(1);
    write(store, |tx| put(tx, &record));
    let whole = read(store, |tx| tx.records(member(), &[id(2), id(1)]));
    assert_eq!(whole, [None, Some(record.clone())]);
    let fields = [FieldId(20), FieldId(43), FieldId(44)].into_iter().collect();
    let wanted = Wanted { record: id(1), kind: kind::MEMBER, fields };
    let absent = Wanted { record: id(2), ..wanted.clone() };
    let rows = read(store, |tx| tx.rows(&[absent, wanted]));
    let row = rows[1].clone().expect("a row");
    assert_eq!((rows[0].clone(), row.home), (None, ScopeId(1)));
    let meta = Meta::unpack(&row.meta).expect("heads");
    for (field, column) in row.columns {
        assert_eq!(
            meta.state(field, Some(column)),
            record.field(field).cloned().unwrap_or_default()
        );
    }
}

fn rows_that_are_changed_keep_the_rest(store: &StoreHandle) {
    let mut record = sample(1);
    write(store, |tx| put(tx, &record));
    let settled = Head::new(record.created, Value::Null);
    *record.field_mut(FieldId(43)) = FieldState::sole(settled);
    record.home = ScopeId(2);
    write(store, |tx| {
        let wanted = Wanted { record: id(1), kind: kind::MEMBER, fields: Default::default() };
        let row = tx.rows(&[wanted])?.remove(0).expect("a row");
        let mut meta = Meta::unpack(&row.meta).expect("heads");
        let state = record.field(FieldId(43)).expect("a field");
        let value = meta.set(FieldId(43), state, dongbo_proto::catalogue::Rule::Authority, true);
        let columns = vec![(FieldId(43), value.expect("a column").into_cow())];
        let (record, key, meta) = (id(1), Some(row.key), meta.pack());
        tx.put_rows(&[PutRow {
            record,
            kind: kind::MEMBER,
            key,
            home: ScopeId(2),
            moved: true,
            meta,
            columns,
        }])
    });
    assert_eq!(read(store, |tx| tx.records(member(), &[id(1)])), [Some(record)]);
}

fn rows_are_counted(store: &StoreHandle) {
    write(store, |tx| (1..=5).try_for_each(|n| put(tx, &sample(n))));
    assert_eq!(read(store, |tx| tx.count(member())), (5, 0));
    let after = read(store, |tx| tx.records_after(member(), Some(id(2)), 2));
    assert_eq!(after.iter().map(|r| r.id).collect::<Vec<_>>(), [id(3), id(4)]);
    let found = read(store, |tx| tx.referring(member(), FieldId(39), id(200)));
    assert_eq!(found.len(), 5);
    let home = sample(1).home;
    assert_eq!(read(store, |tx| tx.count_at_home(member())), [(home, 5)]);
    assert!(read(store, |tx| tx.twins(member(), 9)).is_empty(), "members have no natural key");
}

fn a_job_that_fails_is_undone_alone(store: &StoreHandle) {
    let mut first = |tx: &mut dyn WriteTx| put(tx, &sample(1)).map_err(|_| Rollback);
    let mut second = |tx: &mut dyn WriteTx| {
        put(tx, &sample(2)).map_err(|_| Rollback)?;
        Err(Rollback)
    };
    let mut third = |tx: &mut dyn WriteTx| {
        let before = tx.records(member(), &[id(1), id(2)]).map_err(|_| Rollback)?;
        assert_eq!(before.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
        put(tx, &sample(3)).map_err(|_| Rollback)
    };
    let mut jobs: [&mut WriteJob<'_>; 3] = [&mut first, &mut second, &mut third];
    assert_eq!(store.store().write(&mut jobs).expect("commits"), [true, false, true]);
    let held = read(store, |tx| tx.records(member(), &[id(1), id(2), id(3)]));
    assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    let error = store.write_now(|tx| {
        put(tx, &sample(4))?;
        Err::<(), _>(dongbo_server::store::StoreError::Damaged("a test"))
    });
    assert!(error.is_err());
    assert_eq!(read(store, |tx| tx.records(member(), &[id(4)])), [None]);
}

fn a_reader_sees_one_state(store: &StoreHandle) {
    write(store, |tx| put(tx, &sample(1)));
    let counts = read(store, |tx| {
        let before = tx.count(member())?;
        write(store, |tx| put(tx, &sample(2)));
        Ok([before, tx.count(member())?])
    });
    assert_eq!(counts, [(1, 0), (1, 0)]);
    assert_eq!(read(store, |tx| tx.count(member())), (2, 0));
}

fn placements_are_listed_by_record(store: &StoreHandle) {
    let place = |scope, record, kind, projection| Placement {
        scope: ScopeId(scope),
        record: id(record),
        kind: KindId(kind),
        projection,
    };
    let home = |record, kind| place(1, record, kind, Projection::Home);
    let guest = place(2, 1, 10, Projection::Visitor);
    // Two kinds under one id: a forged one, which no page may part.
    let all = [home(3, 10), home(1, 10), home(2, 11), home(2, 10), guest];
    write(store, |tx| tx.put_placements(&all));
    let next = |after, max| read(store, |tx| tx.placements_after(ScopeId(1), after, max));
    assert_eq!(next(None, 2), [home(1, 10), home(2, 10), home(2, 11)]);
    assert_eq!(next(Some(id(2)), 9), [home(3, 10)]);
    assert_eq!(read(store, |tx| tx.guests(id(1), KindId(10))), [guest]);
    let seen = |scope| read(store, |tx| tx.placement(ScopeId(scope), id(1), KindId(10)));
    assert_eq!(
        (seen(1), seen(2), seen(3)),
        (Some(Projection::Home), Some(Projection::Visitor), None)
    );
    write(store, |tx| tx.remove_placement(&guest));
    assert_eq!((seen(1), seen(2)), (Some(Projection::Home), None));
    assert!(read(store, |tx| tx.guests(id(1), KindId(10))).is_empty());
    let stay =
        |n, since_ms| Stay { record: id(1), act: act(1, n), home: ScopeId(n as u32), since_ms };
    write(store, |tx| tx.put_stay(&stay(1, 0)));
    write(store, |tx| tx.put_stay(&stay(2, 50)));
    assert_eq!(read(store, |tx| tx.stays(id(1))), [stay(1, 0), stay(2, 50)]);
}

fn scope(n: u32) -> ScopeRow {
    let (chain, digest) = (Hash([n as u8; 32]), Digest::from_bytes([n as u8; 32]));
    ScopeRow {
        id: ScopeId(n),
        code: format!("0{n}"),
        name: format!("Xã {n}"),
        revision: 5,
        chain,
        digest,
    }
}

fn scopes_come_back(store: &StoreHandle) {
    write(store, |tx| tx.put_scopes(&[scope(2), scope(0), scope(1)]));
    let moved = ScopeRow { revision: u64::from(u32::MAX), ..scope(1) };
    let locked = write(store, |tx| {
        let locked = tx.scopes_for_update(&[ScopeId(1), ScopeId(2), ScopeId(9)])?;
        tx.put_scopes(std::slice::from_ref(&moved))?;
        Ok(locked)
    });
    assert_eq!(locked, [scope(1), scope(2)]);
    assert_eq!(read(store, |tx| tx.scopes()), [scope(0), moved.clone(), scope(2)]);
    assert_eq!(read(store, |tx| tx.scope_of_code("01")), Some(moved));
    assert_eq!(read(store, |tx| tx.scope(ScopeId(9))), None);
}

fn authors_come_back(store: &StoreHandle) {
    let mut author = AuthorRow::new(AuthorId(u64::MAX), [3; 32], false, "Xã Một", 8);
    (author.position, author.head, author.last_order) = (1 << 62, Hash([4; 32]), Stamp(u64::MAX));
    (author.merged, author.held, author.refused, author.inbox) = (1, 2, 3, 4);
    (author.token, author.token_previous, author.revoked_ms) = ([1; 16], [2; 16], Some(9));
    let province = AuthorRow::new(AuthorId(0), [5; 32], true, "tỉnh", 7);
    write(store, |tx| [&author, &province].into_iter().try_for_each(|a| tx.put_author(a)));
    write(store, |tx| tx.put_grants(author.id, &[ScopeId(3), ScopeId(1), ScopeId(3)]));
    assert_eq!(read(store, |tx| tx.authors()), [province, author.clone()]);
    assert_eq!(read(store, |tx| tx.grants(author.id)), [ScopeId(1), ScopeId(3)]);
    write(store, |tx| tx.put_grants(author.id, &[ScopeId(2)]));
    assert_eq!(read(store, |tx| tx.grants(author.id)), [ScopeId(2)]);
    write(store, |tx| tx.mark_backup(77));
    assert_eq!(read(store, |tx| tx.author(author.id)).map(|a| a.backed_up), Some(author.position));
    assert_eq!(read(store, |tx| tx.note("backup_ms")), Some(77_i64.to_be_bytes().to_vec()));
}

fn frame(author: u64, first: u64, count: u32) -> FrameRow {
    FrameRow {
        id: 0,
        author: AuthorId(author),
        first,
        count,
        bytes: vec![first as u8; 9],
        outcome: vec![1],
    }
}

fn frames_are_found_by_act(store: &StoreHandle) {
    let frames = [frame(1, 1, 10), frame(2, 1, 3), frame(1, 11, 1), frame(1, 12, 5)];
    let ids =
        write(store, |tx| frames.iter().map(|f| tx.append_frame(f)).collect::<Result<Vec<_>>>());
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "numbers rise in the order of commits");
    let first_of =
        |author, position| read(store, |tx| tx.frame_of(act(author, position))).map(|f| f.first);
    assert_eq!([first_of(1, 1), first_of(1, 10), first_of(1, 11)], [Some(1), Some(1), Some(11)]);
    assert_eq!([first_of(1, 0), first_of(1, 17), first_of(2, 4), first_of(9, 1)], [None; 4]);
    let after = |position, max| {
        let frames = read(store, |tx| tx.frames_after(AuthorId(1), position, max));
        frames.iter().map(|f| f.first).collect::<Vec<_>>()
    };
    assert_eq!(
        [after(0, 2), after(4, 9), after(10, 9)],
        [vec![1, 11], vec![1, 11, 12], vec![11, 12]]
    );
    assert_eq!(after(16, 9), [0; 0]);
    let again = read(store, |tx| tx.frame(ids[1])).expect("a frame");
    assert_eq!(again, FrameRow { id: ids[1], ..frames[1].clone() });
}

fn feeds_go_on_from_a_revision(store: &StoreHandle) {
    let line = |scope, from, to, touched| FeedRow {
        scope: ScopeId(scope),
        from,
        to,
        frame: 1,
        chain: Hash([to as u8; 32]),
        touched,
    };
    let lines = [
        line(1, 1, 4, None),
        line(1, 4, 5, Some(vec![7])),
        line(2, 1, 2, None),
        line(1, 5, 9, None),
    ];
    write(store, |tx| tx.append_feed(&lines));
    let after = |revision, max| read(store, |tx| tx.feed_after(ScopeId(1), revision, max));
    assert_eq!(after(0, 9), [lines[0].clone(), lines[1].clone(), lines[3].clone()]);
    assert_eq!(after(2, 1), [lines[0].clone()]);
    assert_eq!(after(4, 1), [lines[1].clone()]);
    assert!(after(9, 9).is_empty());
}

fn held(
    author: u64,
    position: u64,
    reason: Reason,
    records: Vec<(RecordId, KindId, bool)>,
) -> HeldRow {
    HeldRow {
        act: act(author, position),
        reason,
        state: HeldState::Waiting,
        decided_by: None,
        rank: Rank::default(),
        text: String::new(),
        at_ms: 5,
        decided_ms: None,
        records,
    }
}

fn held_acts_wait_and_are_decided(store: &StoreHandle) {
    let creation = held(1, 1, Reason::NotWritable, vec![(id(1), KindId(10), true)]);
    let waits = held(1, 2, Reason::CreationHeld, vec![(id(1), KindId(10), false)]);
    let other = held(u64::MAX, 9, Reason::NeedsApproval, vec![(id(2), KindId(10), false)]);
    write(store, |tx| [&creation, &waits, &other].into_iter().try_for_each(|h| tx.put_held(h)));
    let listed = |state, after, max| read(store, |tx| tx.held_after(state, after, max));
    assert_eq!(listed(HeldState::Waiting, None, 9).len(), 3);
    let first = listed(HeldState::Waiting, None, 1).remove(0).act;
    assert_eq!(listed(HeldState::Waiting, Some(first), 9).len(), 2);
    assert_eq!(read(store, |tx| tx.creation_held(id(1))), Some(creation.act));
    assert_eq!(read(store, |tx| tx.creation_held(id(2))), None);
    assert_eq!(read(store, |tx| tx.waiting_on(id(1))), [waits.act]);
    let by = act(7, 1);
    let decided = HeldRow {
        state: HeldState::Merged,
        decided_by: Some(by),
        rank: Rank::Province,
        ..creation.clone()
    };
    let judged_again = HeldRow { reason: Reason::NeedsApproval, ..waits.clone() };
    write(store, |tx| [&decided, &judged_again].into_iter().try_for_each(|h| tx.put_held(h)));
    assert_eq!(read(store, |tx| tx.decided_by(by)), [decided]);
    assert_eq!(read(store, |tx| tx.creation_held(id(1))), None);
    assert_eq!(read(store, |tx| tx.waiting_on(id(1))), []);
    assert_eq!(read(store, |tx| tx.held(other.act)), Some(other));
    write(store, |tx| tx.put_retracted(act(1, 5), act(2, 6)));
    write(store, |tx| tx.put_retracted(act(1, 5), act(3, 7)));
    assert_eq!(read(store, |tx| tx.retracted(act(1, 5))), Some(act(2, 6)));
}

fn inboxes_and_lists_go_on(store: &StoreHandle) {
    let outcome = |sequence| Outcome {
        sequence,
        act: act(4, sequence),
        fate: Fate::Refused(Reason::RefusedByProvince),
        text: "thiếu giấy tờ".into(),
        at_ms: 6,
    };
    write(store, |tx| (1..=3).try_for_each(|n| tx.append_outcome(AuthorId(4), &outcome(n))));
    assert_eq!(read(store, |tx| tx.outcomes_after(AuthorId(4), 1, 1)), [outcome(2)]);
    assert!(read(store, |tx| tx.outcomes_after(AuthorId(5), 0, 9)).is_empty());
    let line = |sequence| StandingRow {
        sequence,
        what: StandingWhat::Spent,
        subject: vec![1, 2],
        at_ms: 3,
    };
    assert_eq!(read(store, |tx| tx.standing_version()), 0);
    write(store, |tx| (1..=3).try_for_each(|n| tx.append_standing(&line(n))));
    assert_eq!(read(store, |tx| tx.standing_after(1, 9)), [line(2), line(3)]);
    assert_eq!(read(store, |tx| tx.standing_version()), 3);
}

fn invitations_epochs_and_notes(store: &StoreHandle) {
    let mut invite = InviteRow {
        code_hash: [8; 32],
        name: "Phường Một".into(),
        scopes: vec![ScopeId(3), ScopeId(400)],
        again: Some(AuthorId(u64::MAX)),
        created_ms: 1,
        expires_ms: 2,
        used_by: None,
    };
    write(store, |tx| tx.put_invite(&invite));
    invite.used_by = Some(AuthorId(u64::MAX - 1));
    write(store, |tx| tx.put_invite(&invite));
    assert_eq!(read(store, |tx| tx.invite(&[8; 32])), Some(invite.clone()));
    assert_eq!(read(store, |tx| tx.invites()), [invite]);
    let first = EpochRow { epoch: Epoch([1; 16]), parent: None, at_ms: 1, heads: vec![] };
    let heads = vec![(ScopeId(1), 300, Hash([6; 32]))];
    let second = EpochRow { epoch: Epoch([2; 16]), parent: Some(first.epoch), at_ms: 2, heads };
    write(store, |tx| [&first, &second].into_iter().try_for_each(|e| tx.put_epoch(e)));
    assert_eq!(read(store, |tx| tx.epochs()), [second, first]);
    write(store, |tx| tx.put_note("a", b"1"));
    write(store, |tx| tx.put_note("a", b"2"));
    assert_eq!(read(store, |tx| tx.note("a")), Some(b"2".to_vec()));
    assert_eq!(read(store, |tx| tx.note("b")), None);
}
