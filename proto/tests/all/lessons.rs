//! The lessons of the design review and the conflicts of daily life that are about more than the
//! heads of one field. Those about heads are in `merge_cases.txt`.

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, Projection, RecordWrites};
use dongbo_proto::bytes::Writer;
use dongbo_proto::catalogue::{Flag, FlagCode, Rule, catalogue, validate};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::digest;
use dongbo_proto::id::{ActId, AuthorId, FieldId, Hash, KindId, RecordId, ScopeId};
use dongbo_proto::merge;
use dongbo_proto::record::{FieldState, Head, Origin, Rank, Record, sees};
use dongbo_proto::stamp::{self, Stamp, Window};
use dongbo_proto::value::Value;

const MEMBER: KindId = KindId(10);

fn id(author: u64, position: u64) -> ActId {
    ActId::new(AuthorId(author), position)
}

fn origin(act: ActId, ms: i64) -> Origin {
    Origin { act, stamp: Stamp::new(ms, 0), rank: Rank::Home }
}

fn field(name: &str) -> FieldId {
    let member = catalogue().kind(MEMBER).expect("members");
    member.field_named(name).expect("a field of members").id
}

fn member(fields: &[(&str, Value)]) -> Record {
    let created = origin(id(1, 1), 1_000);
    let mut record = Record::new(RecordId([4; 16]), MEMBER, created, ScopeId(5));
    for (name, value) in fields {
        *record.field_mut(field(name)) = FieldState::sole(Head::new(created, value.clone()));
    }
    record
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

fn edit(position: u64, value: &str) -> Act {
    let writes = RecordWrites {
        record: RecordId([4; 16]),
        kind: MEMBER,
        create: None,
        under: None,
        fields: vec![FieldWrite {
            field: field("phone"),
            value: text(value),
            over: Over::Creation,
        }],
    };
    Act {
        position,
        claimed: Stamp::new(5_000, 0),
        person: "lan".into(),
        intent: Intent::Change,
        grounds: None,
        job: None,
        linked: None,
        ops: smallvec::smallvec![Op::Write(writes)],
    }
}

/// Counterexample 7: equal positions do not make equal acts.
#[test]
fn lesson_7_another_hash_at_a_known_position_is_a_fork_and_no_duplicate() {
    let seed = Seed([3; 32]);
    let kept = chain::act_hash(&edit(81, "0912"), &seed);
    assert_eq!(kept, chain::act_hash(&edit(81, "0912"), &seed), "delivered twice: equal");
    assert_ne!(kept, chain::act_hash(&edit(81, "0913"), &seed), "written after a restore: other");
    let head = |hash| chain::extend(Hash::default(), hash);
    assert_ne!(head(kept), head(chain::act_hash(&edit(81, "0913"), &seed)));
}

/// Counterexample 14: a claimed time is put between two server times.
#[test]
fn lesson_14_a_clock_in_2035_or_1999_is_put_between_two_server_times() {
    let window = Window { since_ms: 1_000, until_ms: 9_000, offset_ms: 0 };
    let mut last = Stamp::default();
    for claimed in [2_051_222_400_000, 2_051_222_400_001, 0, 5_000] {
        let stamp = stamp::order(Stamp::new(claimed, 0), window, last);
        assert!(stamp > last, "the author's own order is kept");
        assert!((1_000..=9_000).contains(&stamp.ms()), "{}", stamp.ms());
        last = stamp;
    }
}

/// Fault 18: stamps of one author keep their order though the server's clock went back. [I7]
#[test]
fn lesson_14_a_first_exchange_after_the_clock_was_set_back_has_an_empty_window_and_still_orders() {
    let window = Window { since_ms: 9_000, until_ms: 1_000, offset_ms: i64::MIN };
    let first = stamp::order(Stamp::new(5, 0), window, Stamp::default());
    assert_eq!(first.ms(), 1_000);
    assert!(stamp::order(Stamp::new(4, 0), window, first) > first);
}

/// Counterexample 16: rank is fixed when the act merges.
#[test]
fn lesson_16_rank_is_a_fact_of_the_act_and_not_of_the_hour_at_which_it_is_looked_at() {
    let mut state = FieldState::default();
    let home = Origin { rank: Rank::Home, ..origin(id(1, 1), 1) };
    let other = Origin { rank: Rank::Other, ..origin(id(2, 1), 2) };
    merge::apply(&mut state, home, text("a"), &[], |_| true);
    merge::apply(&mut state, other, text("b"), &[], |_| true);
    // The member moves to the other's commune: nothing in the state changes with it.
    assert_eq!(merge::shown(Rule::Authority, &state.heads), Some(0));
}

/// Counterexample 17: a second row of one natural key is a conflict on the row.
#[test]
fn lesson_17d_a_second_row_for_one_natural_key_is_told_by_the_catalogue() {
    let review = catalogue().kind_named("review").expect("reviews");
    let names = |id: &FieldId| review.field(*id).expect("a field").name.clone();
    assert_eq!(review.natural_key.iter().map(names).collect::<Vec<_>>(), ["member", "year"]);
}

/// Counterexample 20: a hash of a few known fields does not tell them.
#[test]
fn lesson_20_the_contents_of_a_purged_leaf_cannot_be_guessed_from_its_hash() {
    let seeds = [Seed([1; 32]), Seed([2; 32])];
    let [a, b] = seeds.map(|seed| chain::leaves(&edit(1, "0912"), &seed));
    assert!(a.iter().zip(&b).all(|(x, y)| x != y), "the same contents, other salts, other hashes");
}

/// Counterexample 21: a digest is over what the scope may see.
#[test]
fn lesson_21_what_a_visitor_card_hides_is_in_no_digest_of_it() {
    let mut before = member(&[("full_name", text("Nguyễn Văn A")), ("phone", text("0912"))]);
    let card = digest::of_projected(&before, Projection::Visitor);
    let home = digest::of_projected(&before, Projection::Home);
    before.field_mut(field("phone")).heads[0].value = text("0913");
    assert_eq!(digest::of_projected(&before, Projection::Visitor), card);
    assert_ne!(digest::of_projected(&before, Projection::Home), home);
}

/// Counterexample 21: fields that a build does not know count in its digest.
#[test]
fn lesson_21_a_field_that_this_build_does_not_know_counts_in_the_digest() {
    let known = member(&[("phone", text("0912"))]);
    let mut newer = known.clone();
    let head = Head::new(known.created, Value::Opaque(99, vec![1, 2]));
    *newer.field_mut(FieldId(4_000)) = FieldState::sole(head);
    assert_ne!(digest::of_record(&known), digest::of_record(&newer));
}

/// Counterexample 31: an operation of a newer build keeps its bytes.
#[test]
fn lesson_31_an_operation_of_a_newer_build_keeps_its_bytes_and_so_its_hash() {
    // A newer build gives a retraction a word more than this one knows.
    let mut w = Writer::default();
    w.number(1);
    dongbo_proto::act::write_act_id(&mut w, id(1, 1));
    w.block(b"because");
    let block = w.into_bytes();
    let op = Op::read_rare(2, &block);
    assert_eq!(op, Op::Unknown(2, block.clone()));
    let mut again = Writer::default();
    op.write(&mut again);
    assert_eq!(&again.as_slice()[2..], &block[..], "tag, length, then the bytes as they came");
}

#[test]
fn c5_a_visitor_card_has_name_and_home_unit_and_no_more() {
    let kind = catalogue().kind(MEMBER);
    let seen = |name: &str| sees(kind, field(name), Projection::Visitor);
    assert!(seen("full_name") && seen("unit_id"));
    for hidden in ["phone", "national_id", "birth_date", "ethnicity", "party_card_no"] {
        assert!(!seen(hidden), "{hidden}");
    }
}

#[test]
fn c8_look_alikes_and_compositions_are_one_text_before_they_are_a_value() {
    let name = catalogue().kind(MEMBER).and_then(|k| k.field_named("full_name")).expect("names");
    let parsed = validate::parse(name, " Nguye\u{302}\u{303}n\u{a0}Văn A ").expect("a name");
    assert_eq!(parsed, text("Nguyễn Văn A"));
    assert!(validate::check(name, &text("Nguye\u{302}\u{303}n")).is_err());
}

#[test]
fn c9_a_partial_date_keeps_its_precision_and_sorts_at_its_first_day() {
    let may: dongbo_proto::value::PDate = "1950-05".parse().unwrap();
    let day: dongbo_proto::value::PDate = "1950-05-19".parse().unwrap();
    assert!(may < day && may != "1950-05-01".parse().unwrap());
    assert_eq!(
        may.earliest(),
        "1950-05-01".parse::<dongbo_proto::value::PDate>().unwrap().earliest()
    );
}

#[test]
fn c10_an_impossible_order_of_dates_is_a_flag_and_never_a_refusal() {
    let date = |t: &str| Value::Date(t.parse().unwrap());
    let dates = [("admitted_on", date("2001-05-19")), ("official_on", date("2000-01-01"))];
    let record = member(&dates);
    let kind = catalogue().kind(MEMBER).expect("members");
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let flags: Vec<Flag> = dongbo_proto::catalogue::flags::flags(kind, |f| record.shown(f), today);
    assert!(flags.iter().any(|f| f.code == FlagCode::OfficialTooEarly), "{flags:?}");
    for (name, value) in dates {
        let field = kind.field_named(name).expect("a date");
        assert_eq!(validate::check(field, &value), Ok(()));
    }
}

#[test]
fn c20_the_proposed_and_the_confirmed_grade_are_two_fields_and_never_in_conflict() {
    let review = catalogue().kind_named("review").expect("reviews");
    let [proposed, confirmed] =
        ["proposed_grade", "confirmed_grade"].map(|n| review.field_named(n).expect("a grade"));
    assert_ne!(proposed.id, confirmed.id);
    assert_eq!((proposed.rule, confirmed.rule), (Rule::Authority, Rule::Append));
}

/// Story 9: a voided record is kept whole: there is no tombstone to forget.
#[test]
fn c28_voiding_keeps_the_record_and_everything_in_it() {
    let mut record = member(&[("full_name", text("A")), ("phone", text("0912"))]);
    let by_province = Origin { rank: Rank::Province, ..origin(id(9, 1), 9_000) };
    let void = dongbo_proto::catalogue::field::VOID;
    merge::apply(record.field_mut(void), by_province, text("nhập nhầm"), &[], |_| true);
    assert!(record.is_void());
    assert_eq!(record.shown(field("phone")), Some(&text("0912")));
    merge::apply(
        record.field_mut(void),
        Origin { act: id(9, 2), ..by_province },
        Value::Null,
        &[id(9, 1)],
        |_| true,
    );
    assert!(!record.is_void(), "and can be taken back");
}
