//! What a newcomer brings: a certificate request, and a code that somebody typed.

use dongbo_proto::code::JoinCode;
use dongbo_server::ca::{node_id_of, public_key_of_request};

/// Reads bytes as a certificate request, as a certificate, and as a code.
pub fn request(data: &[u8]) {
    let _ = public_key_of_request(data);
    let _ = node_id_of(data);
    if let Ok(code) = String::from_utf8_lossy(data).parse::<JoinCode>() {
        let again: Result<JoinCode, _> = code.to_string().parse();
        assert!(again.is_ok_and(|again| again.secret() == code.secret()));
    }
}
