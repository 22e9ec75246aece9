//! Temporary.
#![allow(missing_docs)]
use dongbo_node::replica::{Draft, Identity, Replica};
use dongbo_proto::act::*;
use dongbo_proto::catalogue::kind::MEMBER;
use dongbo_proto::catalogue::{FieldType, catalogue};
use dongbo_proto::frame::{Grant, States};
use dongbo_proto::id::*;
use dongbo_proto::record::*;
use dongbo_proto::stamp::Stamp;
use dongbo_proto::value::Value;
use dongbo_sqlite::DatabaseKey;
use std::time::{Duration, Instant};
const HOME: ScopeId = ScopeId(1);
fn key() -> DatabaseKey {
    DatabaseKey::generate(&mut |b: &mut [u8]| b.fill(9))
}
fn id(n: usize) -> RecordId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(1_700_000_000_000u64 + n as u64).to_be_bytes()[2..]);
    bytes[8..].copy_from_slice(&(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    RecordId(bytes)
}
fn values(n: usize) -> Vec<(FieldId, Value)> {
    let kind = catalogue().kind(MEMBER).unwrap();
    let fields = kind.stored().filter(|f| f.id.0 >= 10).take(40);
    let value = |f: &dongbo_proto::catalogue::Field| match &f.ty {
        FieldType::Text { max_chars } => Value::Text(
            format!("Nguyễn Văn {n} {}", f.name)
                .chars()
                .take(usize::from(*max_chars).min(24))
                .collect::<String>()
                .trim()
                .to_owned(),
        ),
        FieldType::Digits { max, .. } => Value::Text(format!("{n:0w$}", w = usize::from(*max))),
        FieldType::Date { .. } => Value::Date("1970-05-19".parse().unwrap()),
        FieldType::Code(t) => {
            let c = &catalogue().codes(t).unwrap().entries;
            Value::Text(c[n % c.len()].code.clone())
        }
        FieldType::Int { min, .. } => Value::Int(*min),
        FieldType::Bool => Value::Int((n % 2) as i64),
        FieldType::Ref(_) => Value::Ref(id(n / 30)),
    };
    fields.map(|f| (f.id, value(f))).collect()
}
fn main() {
    let mode = std::env::args().nth(1).unwrap();
    let dir = tempfile::tempdir_in("/work/main/target").unwrap();
    let who = Identity {
        author: AuthorId(5),
        province: "đo".into(),
        ca_der: vec![],
        signing_key: [0; 32],
        epoch: Epoch([1; 16]),
        grants: vec![Grant { scope: HOME, code: "1".into(), name: "Xã".into() }],
        token: [0; 16],
        server_ms: 0,
    };
    let mut r = Replica::create(dir.path(), &key(), &who).unwrap();
    let page: Vec<_> = (0..430)
        .map(|n| {
            let act = ActId::new(AuthorId(77), n as u64 + 1);
            let created = Origin {
                act,
                stamp: Stamp::new(1_600_000_000_000 + n as i64, 0),
                rank: Rank::Home,
            };
            let mut record = Record::new(id(n), MEMBER, created, HOME);
            record.fields = values(n)
                .into_iter()
                .map(|(f, v)| (f, FieldState::sole(Head::new(created, v))))
                .collect();
            (Projection::Home, record)
        })
        .collect();
    r.stage(&States { scope: HOME, from: 0, to: 1, filling: true, records: page, gone: vec![] })
        .unwrap();
    let kind = catalogue().kind(MEMBER).unwrap();
    let fields: Vec<FieldId> = kind
        .stored()
        .filter(|f| f.id.0 >= 10 && matches!(f.ty, FieldType::Text{max_chars} if max_chars > 20))
        .take(9)
        .map(|f| f.id)
        .collect();
    let mut last = std::collections::HashMap::new();
    let mut pos = 0u64;
    let mut n = 0usize;
    let mut t = Duration::ZERO;
    let mut count = 0;
    for batch in 0..12 {
        let drafts: Vec<Draft> = (0..500)
            .map(|i| {
                n += 1;
                let op = if mode == "insert" {
                    RecordWrites {
                        record: id(10_000 + n),
                        kind: MEMBER,
                        create: Some(HOME),
                        under: None,
                        fields: values(n)
                            .into_iter()
                            .map(|(field, value)| FieldWrite { field, value, over: Over::Nothing })
                            .collect(),
                    }
                } else {
                    let rec = (n * 7919) % 430;
                    let f = fields[(n * 31 / 430) % fields.len()];
                    RecordWrites {
                        record: id(rec),
                        kind: MEMBER,
                        create: None,
                        under: None,
                        fields: vec![FieldWrite {
                            field: f,
                            value: Value::Text(format!("T{batch} {i}")),
                            over: match last.insert((rec, f), {
                                pos += 1;
                                pos
                            }) {
                                None => Over::Creation,
                                Some(p) => Over::Heads(vec![ActId::new(AuthorId(5), p)].into()),
                            },
                        }],
                    }
                };
                Draft::change("x", Op::Write(op))
            })
            .collect();
        let s = Instant::now();
        r.save(drafts, 1_700_000_000_000, &mut |b| b.fill(7)).unwrap();
        t += s.elapsed();
        count += 500;
    }
    let s = Instant::now();
    for _ in 0..20 {
        drop(
            dongbo_sqlite::open(
                &dir.path().join(dongbo_node::replica::REPLICA_FILE),
                &key(),
                &dongbo_node::replica::SCHEMA,
                dongbo_sqlite::Knobs::NODE,
                dongbo_sqlite::Access::ReadWrite,
            )
            .unwrap(),
        );
    }
    println!("open {:?}", s.elapsed() / 20);
    println!("{mode}: {:.1} µs", t.as_secs_f64() * 1e6 / count as f64);
}
