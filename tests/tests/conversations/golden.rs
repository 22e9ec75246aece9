//! Conversations as files: a line for each frame, in the order in which they were sent, with what
//! it says and its bytes. `DONGBO_BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use dongbo_proto::frame::{Down, Standing, Up};
use dongbo_proto::wire;
use prost::Message;

use crate::table::{Frame, Table};

/// Compares a conversation with the recorded one.
pub fn check(name: &str, table: &Table) {
    let mut text = String::new();
    for frame in &table.sent {
        let (said, bytes) = match frame {
            Frame::Up(up) => {
                (format!("node    {}", up_said(up)), wire::up_to_pb(up).encode_to_vec())
            }
            Frame::Down(down) => {
                (format!("server  {}", down_said(down)), wire::down_to_pb(down).encode_to_vec())
            }
        };
        let hex: String = bytes.iter().fold(String::new(), |mut hex, b| {
            let _ = write!(hex, "{b:02x}");
            hex
        });
        let _ = writeln!(text, "{said}\n        {hex}");
    }
    let _ = writeln!(text, "end     {:?} after {} flights", table.end, table.flights);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/goldens/conversations").join(format!("{name}.txt"));
    if std::env::var_os("DONGBO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("the goldens");
        std::fs::write(&path, &text).expect("a golden is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{name} changed; if that is meant, run with DONGBO_BLESS=1");
}

fn up_said(up: &Up) -> String {
    match up {
        Up::Hello(h) => {
            let at: Vec<_> = h
                .scopes
                .iter()
                .map(|c| format!("{}@{}/{}", c.scope, c.visible, c.staged))
                .collect();
            format!(
                "hello: {} acts, {} acknowledged, scopes {}",
                h.position,
                h.acknowledged,
                at.join(" ")
            )
        }
        Up::Batch(b) => format!("batch: acts {} to {}", b.first, b.last()),
        Up::Flush => "flush".into(),
        Up::Confirm { token, inbox } => format!("confirm: token {}, inbox {inbox}", token[0]),
        Up::Renew(_) => "renew".into(),
        Up::AskChain(positions) => format!("ask chain: {positions:?}"),
        Up::Fork(fork) => format!("fork: {} at {}", fork.author, fork.at),
        Up::AskHistory(_) => "ask history".into(),
        Up::Prove(proof) => {
            let held = proof.receipt.as_ref().map_or(0, |receipt| receipt.position);
            format!("proof: a receipt to {held}")
        }
    }
}

fn down_said(down: &Down) -> String {
    match down {
        Down::Welcome(w) => {
            let standing = match w.standing {
                Standing::Good => "good",
                Standing::Renew => "renew",
                Standing::Expired => "expired",
                Standing::DeliverOnly => "deliver only",
            };
            format!("welcome: holds {} acts, standing {standing}", w.position)
        }
        Down::Acks(runs, receipt) => {
            let of: Vec<_> = runs.iter().map(|r| r.first.to_string()).collect();
            format!("acks: acts {}; receipt to {}", of.join(" "), receipt.position)
        }
        Down::States(s) => format!("states: scope {} from {} to {}", s.scope, s.from, s.to),
        Down::Outcomes(o) => format!("outcomes: {}", o.len()),
        Down::Complete(c) => match &c.checkpoint {
            None => format!("complete: nothing differs, token {}", c.token[0]),
            Some(all) => {
                let at: Vec<_> =
                    all.marks.iter().map(|m| format!("{}@{}", m.scope, m.revision)).collect();
                format!("complete: {}, token {}", at.join(" "), c.token[0])
            }
        },
        Down::Certificate(_) => "certificate".into(),
        Down::History(_, items) => format!("history: {} acts", items.len()),
        Down::Chain(heads) => {
            let held = heads.iter().filter(|head| head.is_some()).count();
            format!("chain: {} positions, {held} held", heads.len())
        }
        Down::Apart => "apart".into(),
        Down::Stop(stop) => format!("stop: {}", stop.key()),
        Down::ComeBack(seconds) => format!("stop: come back in {seconds} s"),
    }
}
