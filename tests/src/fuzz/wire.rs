//! Frames of both directions, and the columns inside them.

use dongbo_proto::act::Act;
use dongbo_proto::bytes::{Reader, Writer};
use dongbo_proto::frame::{Down, Up};
use dongbo_proto::record::Record;
use dongbo_proto::wire::{self, pb};
use prost::Message;

/// Decodes bytes as each message that arrives from the other side, and as what lies compressed in one. What decodes
/// is laid out again and must then read as the same.
pub fn wire(data: &[u8]) {
    if let Ok(Ok(up)) = pb::UpFrame::decode(data).map(wire::up_from_pb) {
        up_again(&up);
    }
    if let Ok(Ok(down)) = pb::DownFrame::decode(data).map(wire::down_from_pb) {
        down_again(&down);
    }
    columns(data);
    if let Ok(act) = Act::read(&mut Reader::new(data)) {
        act.write(&mut Writer::default());
    }
    if let Ok(record) = Record::read(&mut Reader::new(data)) {
        record.write(&mut Writer::default());
    }
}

fn up_again(up: &Up) {
    assert_eq!(wire::up_from_pb(wire::up_to_pb(up)).as_ref(), Ok(up));
    if let Up::Batch(batch) = up {
        let _ = wire::decode_acts(batch.first, &batch.body, batch.raw_len);
        let _ = wire::batch_from_bytes(&wire::batch_bytes(batch));
    }
}

fn down_again(down: &Down) {
    let again = wire::down_from_pb(wire::down_to_pb(down));
    // A page may be laid out longer than it came, and then be over a limit.
    if !matches!(down, Down::States(_)) {
        assert_eq!(again.as_ref(), Ok(down));
    }
}

/// The columns as they are before they are compressed: few mutations survive the compression.
fn columns(data: &[u8]) {
    let Ok(body) = zstd::bulk::compress(data, 1) else { return };
    let len = data.len() as u32;
    if let Ok(acts) = wire::decode_acts(1, &body, len)
        && !acts.is_empty()
    {
        let (body, len) = wire::encode_acts(&acts);
        assert_eq!(wire::decode_acts(acts[0].position, &body, len), Ok(acts));
    }
    if let Ok((records, gone)) = wire::decode_states(&body, len) {
        let _ = wire::encode_states(&records, &gone);
    }
}
