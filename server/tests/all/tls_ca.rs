//! The authority: what it writes, what it reads, what it signs and what it refuses.

use dongbo_server::ca::{self, Ca, CaError, NODE_VALIDITY_S, ServerIdentity};
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

const NOW: i64 = 1_800_000_000;
const NODE: u64 = 0x00c0_ffee_0000_0001;

fn authority() -> Ca {
    Ca::create("Tỉnh Cà Mau", ca::CA_VALIDITY_S, NOW).expect("authority")
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("key")
}

fn request(params: CertificateParams, key: &KeyPair) -> Vec<u8> {
    params.serialize_request(key).expect("request").der().to_vec()
}

fn sign(ca: &Ca, request: &[u8]) -> Result<Vec<u8>, CaError> {
    let signed = ca.sign_node(request, NODE, &[7, 4_000_000_000], NOW, NOW + NODE_VALIDITY_S);
    signed.map(|certificate| certificate.to_vec())
}

fn text_of(certificate: &[u8]) -> String {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).expect("certificate");
    format!("{} {:?}", parsed.subject(), parsed.extensions())
}

#[test]
fn a_certificate_says_which_node_for_how_long_and_for_which_scopes() {
    let (ca, key) = (authority(), key());
    let certificate = sign(&ca, &request(CertificateParams::default(), &key)).expect("certificate");
    let node = ca::node_id_of(&certificate).expect("identity");
    assert_eq!((node.node_id, node.not_before, node.not_after), (NODE, NOW, NOW + 90 * 86_400));
    assert_eq!(node.public_key, key.public_key_raw());
    assert_eq!(node.renew_at(), NOW + 63 * 86_400);
    assert!(!node.expired_at(NOW + 90 * 86_400) && node.expired_at(NOW + 90 * 86_400 + 1));
    assert_eq!(ca::scopes_of(&certificate).expect("scopes"), [7, 4_000_000_000]);
    assert!(text_of(&certificate).contains("Tỉnh Cà Mau"));
}

/// A request may wish for anything: to be an authority, a server, another node.
#[test]
fn wishes_in_a_request_are_ignored() {
    let key = key();
    let mut params =
        CertificateParams::new(vec!["server.dongbo.internal".to_owned()]).expect("params");
    params.distinguished_name.push(DnType::CommonName, "ffffffffffffffff");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = sign(&authority(), &request(params, &key)).expect("certificate");
    assert_eq!(ca::node_id_of(&certificate).expect("identity").node_id, NODE);
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).expect("certificate");
    let usage = parsed.extended_key_usage().expect("usage").expect("one").value;
    assert!(!parsed.is_ca() && usage.client_auth && !usage.server_auth);
    assert!(parsed.subject_alternative_name().expect("names").is_none());
}

/// Every bit of what is signed and of the signature counts. The few bytes between
/// (the name of the algorithm) may be spelled sloppily, but never change the key.
#[test]
fn a_request_must_be_signed_by_its_own_key() {
    let (ca, key) = (authority(), key());
    let good = request(CertificateParams::default(), &key);
    let signed_end = 5 + usize::from(good[4]);
    let signature_begin = good.len() - 64;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        match sign(&ca, &bad) {
            Err(_) => {}
            Ok(signed) => {
                let node = ca::node_id_of(&signed).expect("identity");
                assert_eq!(node.public_key, key.public_key_raw());
                assert!((signed_end..signature_begin).contains(&at), "byte {at} does not count");
            }
        }
    }
    let mut forged = good.clone();
    *forged.last_mut().expect("bytes") ^= 1;
    assert!(matches!(sign(&ca, &forged), Err(CaError::RequestSignature)));
}

#[test]
fn other_keys_junk_and_giants_are_refused() {
    let ca = authority();
    let ecdsa = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("key");
    let ecdsa = request(CertificateParams::default(), &ecdsa);
    assert!(matches!(sign(&ca, &ecdsa), Err(CaError::NotEd25519)));
    let good = request(CertificateParams::default(), &key());
    for bad in [&b"junk"[..], b"", &[good.clone(), vec![0]].concat(), &good[..good.len() - 1]] {
        assert!(matches!(sign(&ca, bad), Err(CaError::RequestUnreadable)));
    }
    let names: Vec<_> = (0..400).map(|n| format!("host-{n}.example")).collect();
    let giant = request(CertificateParams::new(names).expect("params"), &key());
    assert!(giant.len() > ca::REQUEST_BYTES_MAX);
    assert!(matches!(sign(&ca, &giant), Err(CaError::RequestUnreadable)));
}

#[test]
fn absurd_lives_names_and_numbers_of_scopes_are_refused() {
    let ca = authority();
    let good = request(CertificateParams::default(), &key());
    for (from, until) in [(NOW, NOW), (NOW, NOW - 1), (-1, NOW), (NOW, i64::MAX)] {
        let signed = ca.sign_node(&good, NODE, &[], from, until);
        assert!(matches!(signed, Err(CaError::Unfit("validity"))));
    }
    let scopes = vec![1; ca::CERTIFICATE_SCOPES_MAX + 1];
    assert!(ca.sign_node(&good, NODE, &scopes, NOW, NOW + 1).is_err());
    for name in ["", "  ", &"a".repeat(ca::PROVINCE_NAME_BYTES_MAX + 1)] {
        assert!(matches!(Ca::create(name, 1, NOW), Err(CaError::Unfit(_))));
    }
}

/// Same key, same node, another life: an issuer never uses a serial number twice.
#[test]
fn a_renewal_has_a_serial_number_of_its_own() {
    let (ca, request) = (authority(), request(CertificateParams::default(), &key()));
    let serial = |from: i64| {
        let signed =
            ca.sign_node(&request, NODE, &[], from, from + NODE_VALIDITY_S).expect("certificate");
        let (_, parsed) = x509_parser::parse_x509_certificate(&signed).expect("certificate");
        parsed.raw_serial().to_vec()
    };
    assert_ne!(serial(NOW), serial(NOW + 1));
    assert_eq!(serial(NOW), serial(NOW));
}

#[test]
fn a_server_certificate_is_not_a_nodes() {
    let identity = authority().issue_server(&[], NOW).expect("identity");
    assert!(ca::node_id_of(identity.certificate()).is_err());
    assert!(ca::node_id_of(authority().certificate()).is_err());
    assert!(ca::node_id_of(b"junk").is_err());
}

#[test]
fn what_was_saved_is_loaded() {
    let home = tempfile::tempdir().expect("directory");
    let ca = authority();
    ca.save(home.path()).expect("saved");
    let again = Ca::load(home.path()).expect("loaded");
    assert_eq!(again.fingerprint(), ca.fingerprint());
    assert_eq!(again.province(), "Tỉnh Cà Mau");
    // The loaded key still signs for the certificate that was saved.
    let signed = sign(&again, &request(CertificateParams::default(), &key())).expect("certificate");
    let (_, parsed) = x509_parser::parse_x509_certificate(&signed).expect("certificate");
    let (_, root) = x509_parser::parse_x509_certificate(ca.certificate()).expect("certificate");
    parsed.verify_signature(Some(root.public_key())).expect("signed by the authority");
    assert_eq!(parsed.issuer().as_raw(), root.subject().as_raw());
}

#[cfg(unix)]
#[test]
fn keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("directory");
    let ca = authority();
    ca.save(home.path()).expect("saved");
    ca.server_identity(home.path(), &[], NOW).expect("identity");
    for name in ["ca.key", "server.key"] {
        let mode = std::fs::metadata(home.path().join(name)).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let names = std::fs::read_dir(home.path()).expect("directory").count();
    assert_eq!(names, 4, "nothing else is left behind");
}

#[test]
fn an_authority_is_never_overwritten() {
    let home = tempfile::tempdir().expect("directory");
    let first = authority();
    first.save(home.path()).expect("saved");
    assert!(matches!(authority().save(home.path()), Err(CaError::AlreadyThere(_))));
    assert_eq!(Ca::load(home.path()).expect("loaded").fingerprint(), first.fingerprint());
}

#[test]
fn damaged_and_foreign_files_are_named() {
    let home = tempfile::tempdir().expect("directory");
    assert!(matches!(Ca::load(home.path()), Err(CaError::File { .. })));
    authority().save(home.path()).expect("saved");
    let other = tempfile::tempdir().expect("directory");
    authority().save(other.path()).expect("saved");
    std::fs::copy(other.path().join("ca.key"), home.path().join("ca.key")).expect("copied");
    assert!(matches!(Ca::load(home.path()), Err(CaError::KeyMismatch)));
    std::fs::write(home.path().join("ca.key"), "no key").expect("written");
    assert!(matches!(Ca::load(home.path()), Err(CaError::Key)));
    std::fs::write(home.path().join("ca.pem"), "no certificate").expect("written");
    std::fs::copy(other.path().join("ca.key"), home.path().join("ca.key")).expect("copied");
    assert!(matches!(Ca::load(home.path()), Err(CaError::Certificate(_))));
}

#[test]
fn the_servers_certificate_is_renewed_in_time_and_keeps_its_key() {
    let home = tempfile::tempdir().expect("directory");
    let ca = authority();
    ca.save(home.path()).expect("saved");
    let made = ca.server_identity(home.path(), &["10.1.2.3".to_owned()], NOW).expect("identity");
    let at =
        |days: i64| ca.server_identity(home.path(), &[], NOW + days * ca::DAY_S).expect("identity");
    assert_eq!(at(500).certificate(), made.certificate());
    let renewed = at(511);
    assert_ne!(renewed.certificate(), made.certificate());
    assert_eq!(renewed.public_key(), made.public_key());
    let stored = ServerIdentity::load(home.path()).expect("loaded");
    assert_eq!(stored.certificate(), renewed.certificate());
    assert_eq!(stored.pkcs8(), made.pkcs8());
}

#[test]
fn debug_shows_no_key() {
    let ca = authority();
    let identity = ca.issue_server(&[], NOW).expect("identity");
    let shown = format!("{ca:?} {identity:?}");
    assert!(shown.len() < 200, "{shown}");
}
