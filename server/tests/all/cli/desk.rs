//! Disputes and requests: what comes from communes, made here with the registry's own functions,
//! and decided with commands.

use std::sync::Arc;

use dongbo_proto::act::{Act, FieldWrite, Intent, Op, Over, RecordWrites};
use dongbo_proto::catalogue::{catalogue, kind::MEMBER};
use dongbo_proto::chain::{self, Seed};
use dongbo_proto::frame::Batch;
use dongbo_proto::id::{AuthorId, FieldId, Hash};
use dongbo_proto::sign::Signer;
use dongbo_proto::stamp::{Stamp, Window};
use dongbo_proto::value::Value;
use dongbo_proto::wire;
use dongbo_server::registry::{self, Arrival};
use dongbo_server::store::rows::AuthorRow;
use dongbo_server::store::sqlite::SqliteStore;
use dongbo_server::store::{Executor, StoreHandle, WriteTx};
use dongbo_sqlite::{Access, KeyFile};
use serde_json::json;

use super::{AN, Site};

const NODE: AuthorId = AuthorId(0x4e0d_e001);
const NOW_MS: i64 = 1_700_000_000_000;

fn field(name: &str) -> FieldId {
    catalogue().kind(MEMBER).unwrap().field_named(name).unwrap().id
}

/// A commune's machine writes one field, over `over`, and delivers it.
fn deliver(site: &Site, intent: Intent, name: &str, text: &str, over: Over) {
    let key = KeyFile::open(&site.data().join("key"), None).unwrap();
    let store = SqliteStore::open(&site.data().join("dongbo.db"), key, Access::ReadWrite).unwrap();
    let store = StoreHandle::new(Arc::new(store), Executor::Inline);
    let signer = Signer::from_seed(&[7; 32]).unwrap();
    let fields = vec![FieldWrite { field: field(name), value: Value::Text(text.into()), over }];
    let write = RecordWrites {
        record: AN.parse().unwrap(),
        kind: MEMBER,
        create: None,
        under: None,
        fields,
    };
    let act = Act {
        position: 1,
        claimed: Stamp::new(NOW_MS, 0),
        person: "hoa".into(),
        intent,
        grounds: Some("giấy khai sinh".into()),
        job: None,
        linked: None,
        ops: [Op::Write(write)].into_iter().collect(),
    };
    let batch = sign(&signer, act);
    let prepared = registry::prepare(batch, signer.public()).unwrap();
    let window = Window { since_ms: 0, until_ms: NOW_MS, offset_ms: 0 };
    let arrival = Arrival { window, now_ms: NOW_MS };
    store
        .write_now(|tx: &mut dyn WriteTx| {
            tx.put_author(&AuthorRow::new(NODE, *signer.public(), false, "Máy An", NOW_MS))?;
            let scope = tx.scope_of_code("07201")?.expect("a scope").id;
            tx.put_grants(NODE, &[scope])?;
            registry::merge(tx, &prepared, &arrival)
        })
        .unwrap();
}

fn sign(signer: &Signer, act: Act) -> Batch {
    let (seed, before) = (Seed([3; 32]), Hash::default());
    let after = chain::extend(before, chain::act_hash(&act, &seed));
    let (body, raw_len) = wire::encode_acts(&[act]);
    let signature = signer.sign(&chain::signed_bytes(NODE, 1, after)).to_vec();
    Batch {
        author: NODE,
        first: 1,
        count: 1,
        before,
        after,
        seeds: vec![(1, seed)],
        signature,
        body,
        raw_len,
    }
}

#[test]
fn a_conflict_is_listed_and_settled_only_when_asked() {
    let site = Site::peopled();
    site.run(&["record", "edit", AN, "--set", "phone=0111"]).json();
    // The machine had been shown the value of the import.
    deliver(&site, Intent::Change, "phone", "0222", Over::Creation);
    let listed = site.run(&["conflicts"]).json();
    let conflict = &listed["conflicts"][0];
    assert_eq!(
        (&conflict["record"], &conflict["field"], &conflict["shown"]),
        (&json!(AN), &json!("phone"), &json!("0111"))
    );
    let values: Vec<_> =
        conflict["heads"].as_array().unwrap().iter().map(|h| &h["value"]).collect();
    assert_eq!(values, ["0111", "0222"]);
    let edit = ["record", "edit", AN, "--set", "phone=0333"];
    assert_eq!(site.run(&edit).fault(8), "fault-conflict");
    // Other fields are free.
    site.run(&["record", "edit", AN, "--set", "email=a@b.vn"]).json();
    let settled = site.run(&[&edit[..], &["--settle"]].concat()).json();
    assert_eq!((&settled["fields"]["phone"], &settled["conflicts"]), (&json!("0333"), &json!({})));
    assert_eq!(site.run(&["conflicts"]).json()["conflicts"], json!([]));
    let history = site.run(&["history", AN]).json();
    assert!(history.to_string().contains("0222"), "every value stays in history");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn a_request_waits_until_it_is_approved() {
    let site = Site::peopled();
    deliver(&site, Intent::Request, "full_name", "Nguyễn Thị Mẫu Hai", Over::Creation);
    let held = site.run(&["held", "list"]).json()["held"][0].clone();
    assert_eq!(
        (&held["reason"], &held["author_name"], &held["person"]),
        (&json!("needs_approval"), &json!("Máy An"), &json!("hoa"))
    );
    let act = held["act"].as_str().unwrap();
    assert_eq!(held["ops"][0]["fields"]["full_name"]["value"], "Nguyễn Thị Mẫu Hai");
    site.run(&["held", "approve", act, "--grounds", "15-QĐ", "--person", "lan"]).json();
    let shown = site.run(&["record", "show", AN]).json();
    assert_eq!(shown["fields"]["full_name"], "Nguyễn Thị Mẫu Hai");
    assert_eq!(site.run(&["held", "approve", act]).fault(5), "fault-decided");
    assert_eq!(site.run(&["held", "show", act]).json()["state"], "merged");
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}

#[test]
fn a_request_is_refused_with_a_reason() {
    let site = Site::peopled();
    deliver(&site, Intent::Request, "full_name", "Nguyễn Thị Mẫu Hai", Over::Creation);
    let act = site.run(&["held", "list"]).json()["held"][0]["act"].as_str().unwrap().to_owned();
    assert_eq!(site.run(&["held", "refuse", &act]).code, 2);
    assert_eq!(site.run(&["held", "refuse", &act, "--reason", " "]).fault(3), "fault-reason");
    site.run(&["held", "refuse", &act, "--reason", "thiếu giấy tờ"]).json();
    let held = site.run(&["held", "show", &act]).json();
    assert_eq!((&held["state"], &held["text"]), (&json!("refused"), &json!("thiếu giấy tờ")));
    let status = site.run(&["status"]).json();
    assert_eq!((&status["acts"]["held"], &status["acts"]["refused"]), (&json!(0), &json!(1)));
    assert_eq!(site.run(&["record", "show", AN]).json()["fields"]["full_name"], "Nguyễn Thị Mẫu");
    let node = &site.run(&["nodes"]).json()["nodes"][0];
    assert_eq!((&node["inbox_unheard"], &node["scopes"]), (&json!(1), &json!(["07201"])));
    assert_eq!(site.run(&["verify"]).json()["sound"], true);
}
