//! The blob beside a row: whatever a record is, splitting it into columns and blob and putting it
//! together again gives it back.

use dongbo_proto::act::Projection;
use dongbo_proto::bytes::{Reader, Writer};
use dongbo_proto::catalogue::{Rule, catalogue};
use dongbo_proto::id::{ActId, AuthorId, FieldId, KindId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Head, Meta, Origin, Rank, Record, sees};
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::made;

const MEMBER: KindId = KindId(10);
const PHONE: FieldId = FieldId(43);

fn origin(author: u64, ms: i64, rank: Rank) -> Origin {
    Origin { act: ActId::new(AuthorId(author), 1), stamp: Stamp::new(ms, 0), rank }
}

fn created() -> Origin {
    origin(1, 1_000, Rank::Home)
}

fn head(author: u64, ms: i64, rank: Rank, value: &str) -> Head {
    let value = if value.is_empty() { Value::Null } else { Value::Text(value.into()) };
    Head::new(origin(author, ms, rank), value)
}

/// Splits and joins as a row of a table does: the columns that are NULL do not come back.
fn through_a_row(record: &Record, in_column: impl Fn(FieldId) -> bool) -> Record {
    let (meta, columns) = Meta::of(record, in_column);
    let meta = Meta::unpack(&meta.pack()).expect("its own blob");
    meta.into_record(record.id, record.kind, record.home, made::not_null(columns))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..Default::default() })]

    #[test]
    fn a_record_comes_back_from_its_row(record in made::record()) {
        for in_column in [|_: FieldId| false, |_: FieldId| true, made::in_column] {
            prop_assert_eq!(&through_a_row(&record, in_column), &record);
        }
    }

    #[test]
    fn a_record_comes_back_from_canonical_bytes(record in made::record()) {
        let mut w = Writer::default();
        record.write(&mut w);
        prop_assert_eq!(Record::read(&mut Reader::new(w.as_slice())), Ok(record));
    }

    #[test]
    fn a_column_holds_what_is_shown(record in made::record()) {
        let (_, columns) = Meta::of(&record, made::in_column);
        for (field, value) in columns {
            prop_assert!(made::in_column(field));
            prop_assert!(record.shown(field).cloned().unwrap_or_default() == value);
        }
    }

    /// The path of one edit (one field unpacked, merged and set) leaves the same row as taking
    /// the whole record apart.
    #[test]
    fn one_field_at_a_time_is_the_whole_record(
        record in made::record(),
        field in made::field(),
        new in made::value(),
        author in 1u64..4,
    ) {
        let (mut meta, mut columns) = Meta::of(&record, made::in_column);
        let at = columns.iter().position(|c| c.0 == field);
        let column = at.map(|at| columns[at].1.clone()).filter(|v| !v.is_null());
        let mut state = meta.state(field, column);
        prop_assert_eq!(state.clone(), record.field(field).cloned().unwrap_or_default());
        let origin = Origin { act: ActId::new(AuthorId(author), 1 << 40), ..record.created };
        let over: Vec<ActId> = state.heads.iter().map(|h| h.act).collect();
        merge::apply(&mut state, origin, new, &over, |_| true);
        let rule = merge::rule_of(record.kind, field);
        if let Some(value) = meta.set(field, &state, rule, made::in_column(field)) {
            columns.retain(|c| c.0 != field);
            columns.push((field, value));
        }
        let mut whole = record.clone();
        *whole.field_mut(field) = state;
        let (same, _) = Meta::of(&whole, made::in_column);
        prop_assert_eq!(meta.pack(), same.pack());
        let joined = meta.into_record(record.id, record.kind, record.home, made::not_null(columns));
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn a_blob_that_was_cut_or_changed_is_refused_or_read_and_never_panics(
        record in made::record(),
        cut in any::<Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = Meta::of(&record, made::in_column).0.pack();
        let at = cut.index(bytes.len());
        prop_assert!(Meta::unpack(&bytes[..at]).is_err(), "cut");
        bytes[at] ^= byte;
        if let Ok(meta) = Meta::unpack(&bytes) {
            drop(meta.into_record(record.id, record.kind, record.home, []));
        }
        bytes[at] ^= byte;
        bytes.push(0);
        prop_assert!(Meta::unpack(&bytes).is_err(), "longer");
    }
}

#[test]
fn a_new_record_has_no_entry_of_its_own_for_any_field() {
    let mut record = Record::new(RecordId([1; 16]), MEMBER, created(), ScopeId(5));
    *record.field_mut(PHONE) = FieldState::sole(Head::new(created(), Value::Text("0912".into())));
    let (meta, columns) = Meta::of(&record, |_| true);
    assert_eq!(meta.diverged_fields().count(), 0);
    assert_eq!(columns.len(), 1);
    assert!(meta.pack().len() <= 32, "{} bytes", meta.pack().len());
}

#[test]
fn a_field_that_was_cleared_at_creation_is_remembered() {
    let mut record = Record::new(RecordId([1; 16]), MEMBER, created(), ScopeId(5));
    *record.field_mut(PHONE) = FieldState::sole(Head::new(created(), Value::Null));
    assert_eq!(through_a_row(&record, |_| true), record);
    assert!(Meta::of(&record, |_| true).0.has_diverged(PHONE));
}

#[test]
fn a_conflict_whose_shown_value_is_a_clearing_comes_back() {
    let mut record = Record::new(RecordId([1; 16]), MEMBER, created(), ScopeId(5));
    let state = record.field_mut(PHONE);
    state.heads.push(head(2, 9, Rank::Province, ""));
    state.heads.push(head(3, 10, Rank::Home, "0912"));
    assert_eq!(record.shown(PHONE), Some(&Value::Null));
    assert_eq!(through_a_row(&record, |_| true), record);
    let (meta, columns) = Meta::of(&record, |_| true);
    assert!(columns == [(PHONE, Value::Null)]);
    assert_eq!(meta.contested_fields().collect::<Vec<_>>(), [PHONE]);
}

#[test]
fn a_settled_field_forgets_its_entry_only_if_it_is_the_creations_again() {
    let mut meta = Meta::new(created());
    let plain = FieldState::sole(Head::new(created(), Value::Text("x".into())));
    let edited = FieldState::sole(head(2, 5, Rank::Home, "y"));
    assert_eq!(meta.set(PHONE, &edited, Rule::Authority, true), Some(Value::Text("y".into())));
    assert!(meta.has_diverged(PHONE));
    assert_eq!(meta.set(PHONE, &plain, Rule::Authority, true), Some(Value::Text("x".into())));
    assert!(!meta.has_diverged(PHONE));
    assert_eq!(meta.set(PHONE, &FieldState::default(), Rule::Authority, true), Some(Value::Null));
    assert_eq!(meta, Meta::new(created()));
}

#[test]
fn a_field_without_a_column_lives_wholly_in_the_blob() {
    let mut meta = Meta::new(created());
    let state = FieldState::sole(Head::new(created(), Value::Opaque(99, vec![1])));
    assert_eq!(meta.set(FieldId(4_000), &state, Rule::Authority, false), None);
    assert_eq!(Meta::unpack(&meta.pack()).unwrap().state(FieldId(4_000), None), state);
}

#[test]
fn the_province_s_note_and_the_placement_are_kept() {
    let mut meta = Meta::new(created());
    (meta.guests, meta.placed) = (true, Some(ActId::new(AuthorId(9), 3)));
    assert_eq!(Meta::unpack(&meta.pack()), Ok(meta));
}

#[test]
fn an_acknowledgement_restamps_the_creation_and_every_head_of_the_act() {
    let mut meta = Meta::new(created());
    let two = FieldState {
        heads: smallvec::smallvec![
            Head::new(created(), Value::Int(1)),
            head(2, 7, Rank::Home, "y")
        ],
        ..Default::default()
    };
    meta.set(PHONE, &two, Rule::Authority, true);
    let final_stamp = Stamp::new(1_234, 5);
    meta.restamp(created().act, final_stamp, Rank::Province);
    let expected = Origin { act: created().act, stamp: final_stamp, rank: Rank::Province };
    assert_eq!(meta.created, expected);
    let after = meta.state(PHONE, Some(Value::Text("y".into())));
    assert_eq!(after.heads[0].origin(), expected);
    assert_eq!(after.heads[1].origin(), origin(2, 7, Rank::Home), "others stay");
}

/// A new rank may change which head is shown: taking the states before and setting them after
/// keeps every value with its act.
#[test]
fn restamping_a_conflict_keeps_values_with_their_acts() {
    let mut meta = Meta::new(created());
    let [low, high] = [head(2, 9, Rank::Home, "y"), head(3, 5, Rank::Import, "z")];
    let state = FieldState { heads: smallvec::smallvec![low, high.clone()], ..Default::default() };
    let column = meta.set(PHONE, &state, Rule::Authority, true);
    let mut contested: Vec<(FieldId, FieldState)> =
        meta.contested_fields().map(|f| (f, meta.state(f, column.clone()))).collect();
    meta.restamp(high.act, high.stamp, Rank::Province);
    for (field, state) in &mut contested {
        let head = state.heads.iter_mut().find(|h| h.act == high.act).expect("the act");
        head.rank = Rank::Province;
        let column = meta.set(*field, state, Rule::Authority, true);
        assert_eq!(column, Some(Value::Text("z".into())));
        assert_eq!(&meta.state(*field, column), state);
    }
}

#[test]
fn a_projection_shows_what_the_catalogue_marks_and_nothing_unknown() {
    let member = catalogue().kind(MEMBER).expect("members");
    let mut record = Record::new(RecordId([1; 16]), MEMBER, created(), ScopeId(5));
    for field in member.stored() {
        let head = Head::new(created(), Value::Text("x".into()));
        *record.field_mut(field.id) = FieldState::sole(head);
    }
    let head = Head::new(created(), Value::Opaque(99, vec![1]));
    *record.field_mut(FieldId(4_000)) = FieldState::sole(head);
    let shown = |p| record.project(p).fields.iter().map(|f| f.0).collect::<Vec<_>>();
    assert_eq!(record.project(Projection::Home), record);
    for (projection, marked) in [
        (
            Projection::Visitor,
            member.stored().filter(|f| f.visitor).map(|f| f.id).collect::<Vec<_>>(),
        ),
        (Projection::Transfer, member.stored().filter(|f| f.transfer).map(|f| f.id).collect()),
    ] {
        assert_eq!(shown(projection), marked);
        assert!(!sees(Some(member), FieldId(4_000), projection));
    }
    assert!(
        !sees(None, PHONE, Projection::Visitor),
        "nothing of a kind that this build does not know"
    );
}
