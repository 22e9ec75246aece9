//! The authority and the two sorts of certificate that it makes.
//!
//! A serial number is the hash of what it numbers (key, holder, life): unique
//! without randomness or a counter that a restored backup would rewind.
//!
//! Deliberately absent: files (`files`), and deciding who gets a certificate.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use dongbo_proto::link::SERVER_NAME;
use dongbo_proto::sign::Signer;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber,
    SignatureAlgorithm,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::identity::{self, SCOPES_OID, encode_scopes, node_name};
use super::request::public_key_of_request;
use super::{
    CERTIFICATE_SCOPES_MAX, CaError, PROVINCE_NAME_BYTES_MAX, SERVER_VALIDITY_S, UNIX_S_MAX,
    renew_at,
};

/// The province's authority: its certificate and the key behind it.
pub struct Ca {
    certificate: CertificateDer<'static>,
    organisation: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    /// Makes the authority of a province, valid from `now_s` (unix seconds) for
    /// `validity_s` seconds. The key comes from the system's randomness.
    ///
    /// # Errors
    /// [`CaError::Unfit`] when the name is empty or too long, or the moment is absurd.
    pub fn create(province: &str, validity_s: i64, now_s: i64) -> Result<Self, CaError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = blank(province, now_s, now_s.saturating_add(validity_s))?;
        params.distinguished_name.push(DnType::CommonName, "Đồng Bộ CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.serial_number = Some(serial(key.der_bytes(), "", now_s, validity_s));
        let certificate = params.self_signed(&key)?;
        Self::from_parts(certificate.der().clone(), key)
    }

    /// Puts a stored certificate and its key together again.
    ///
    /// # Errors
    /// [`CaError::KeyMismatch`] when they do not belong together,
    /// [`CaError::Certificate`] when it is not an authority's certificate.
    pub(super) fn from_parts(
        certificate: CertificateDer<'static>,
        key: KeyPair,
    ) -> Result<Self, CaError> {
        let parsed = identity::parse(&certificate)?;
        if identity::ed25519_key(parsed.public_key())? != key.der_bytes() {
            return Err(CaError::KeyMismatch);
        }
        if !parsed.is_ca() {
            return Err(CaError::Certificate("it is not an authority's"));
        }
        let name = parsed.subject().iter_organization().next().and_then(|name| name.as_str().ok());
        let organisation = name.ok_or(CaError::Certificate("it names no province"))?.to_owned();
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { certificate, organisation, issuer })
    }

    /// The authority's certificate in DER form: what nodes pin.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the certificate: its head goes into every join code.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, &self.certificate).as_ref());
        fingerprint
    }

    /// The province's name, as given to [`Ca::create`].
    #[must_use]
    pub fn province(&self) -> &str {
        &self.organisation
    }

    /// Signs with the authority's own key what a newcomer must believe who knows nothing but its
    /// fingerprint: the card and the first answer of a stick (`dongbo_proto::stick`).
    ///
    /// # Errors
    /// [`CaError::Key`] when the library refuses the key.
    pub fn signer(&self) -> Result<Signer, CaError> {
        Signer::from_pkcs8(&self.key().serialize_der()).map_err(|_| CaError::Key)
    }

    pub(super) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// Makes a key and a certificate for the server, valid from `now_s`. The name
    /// that nodes check is always in it; `names` (DNS names or addresses) are for
    /// other tools.
    ///
    /// # Errors
    /// [`CaError::Unfit`] when a name is not one, [`CaError::Making`] otherwise.
    pub fn issue_server(&self, names: &[String], now_s: i64) -> Result<ServerIdentity, CaError> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        self.certify_server(key, names, now_s)
    }

    /// A new certificate for the server's old key: what the server signed stays
    /// verifiable with the key that nodes know.
    ///
    /// # Errors
    /// As [`Ca::issue_server`].
    pub fn renew_server(
        &self,
        old: &ServerIdentity,
        names: &[String],
        now_s: i64,
    ) -> Result<ServerIdentity, CaError> {
        self.certify_server(key_of(old.pkcs8())?, names, now_s)
    }

    fn certify_server(
        &self,
        key: KeyPair,
        names: &[String],
        now_s: i64,
    ) -> Result<ServerIdentity, CaError> {
        let until_s = now_s.saturating_add(SERVER_VALIDITY_S);
        let mut params = blank(&self.organisation, now_s, until_s)?;
        let named = [&[SERVER_NAME.to_owned()], names].concat();
        let named = CertificateParams::new(named).map_err(|_| CaError::Unfit("server name"))?;
        params.subject_alt_names = named.subject_alt_names;
        params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
        params.serial_number = Some(serial(key.der_bytes(), SERVER_NAME, now_s, until_s));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer)?.der().clone();
        ServerIdentity::from_parts(leaf, self.certificate.clone(), key.serialized_der())
    }

    /// Signs a node's request for `not_before ..= not_after` (unix seconds). Of the
    /// request, only the key counts; `scopes` are written down for the reader.
    ///
    /// # Errors
    /// Those of [`public_key_of_request`], [`CaError::Unfit`] for absurd moments or
    /// too many scopes.
    pub fn sign_node(
        &self,
        request: &[u8],
        node_id: u64,
        scopes: &[u32],
        not_before: i64,
        not_after: i64,
    ) -> Result<CertificateDer<'static>, CaError> {
        let key = NodePublicKey(public_key_of_request(request)?);
        if scopes.len() > CERTIFICATE_SCOPES_MAX {
            return Err(CaError::Unfit("number of scopes"));
        }
        let name = node_name(node_id);
        let mut params = blank(&self.organisation, not_before, not_after)?;
        params.serial_number = Some(serial(&key.0, &name, not_before, not_after));
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let listed = CustomExtension::from_oid_content(SCOPES_OID, encode_scopes(scopes));
        params.custom_extensions = vec![listed];
        Ok(params.signed_by(&key, &self.issuer)?.der().clone())
    }
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").field("province", &self.organisation).finish_non_exhaustive()
    }
}

/// What the server shows in a handshake: its certificate, the authority's, and the
/// key that also signs its receipts.
pub struct ServerIdentity {
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    pkcs8: Vec<u8>,
    validity: (i64, i64),
    public_key: [u8; 32],
}

impl ServerIdentity {
    pub(super) fn from_parts(
        certificate: CertificateDer<'static>,
        authority: CertificateDer<'static>,
        pkcs8: &[u8],
    ) -> Result<Self, CaError> {
        let parsed = identity::parse(&certificate)?;
        let public_key = identity::ed25519_key(parsed.public_key())?;
        if public_key != key_of(pkcs8)?.der_bytes() {
            return Err(CaError::KeyMismatch);
        }
        let validity = parsed.validity();
        let validity = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Self { certificate, authority, pkcs8: pkcs8.to_vec(), validity, public_key })
    }

    /// The server's certificate in DER form.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The authority's certificate in DER form.
    #[must_use]
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// The private key in PKCS#8 form; `dongbo_proto::sign::Signer` reads it.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half of the key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// First and last second of the certificate's life, unix seconds.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        self.validity
    }

    /// True when 70 % of the certificate's life is over at `now_s`.
    #[must_use]
    pub fn renewal_due(&self, now_s: i64) -> bool {
        now_s >= renew_at(self.validity.0, self.validity.1)
    }

    pub(crate) fn tls_key(&self) -> PrivatePkcs8KeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.clone())
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity").field("validity", &self.validity).finish_non_exhaustive()
    }
}

/// A node's key, whose private half never comes here.
struct NodePublicKey([u8; 32]);

impl PublicKeyData for NodePublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

pub(super) fn key_of(pkcs8: &[u8]) -> Result<KeyPair, CaError> {
    let der = PrivatePkcs8KeyDer::from(pkcs8);
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519).map_err(|_| CaError::Key)
}

/// What all certificates have: the province as organisation, a life, no authority.
fn blank(province: &str, not_before: i64, not_after: i64) -> Result<CertificateParams, CaError> {
    if province.trim().is_empty() || province.len() > PROVINCE_NAME_BYTES_MAX {
        return Err(CaError::Unfit("name of a province"));
    }
    if not_before < 0 || not_after > UNIX_S_MAX || not_before >= not_after {
        return Err(CaError::Unfit("validity"));
    }
    let mut params = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(not_before.unsigned_abs());
    params.not_after = epoch + Duration::from_secs(not_after.unsigned_abs());
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, province);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn serial(key: &[u8], holder: &str, not_before: i64, not_after: i64) -> SerialNumber {
    let moments = [not_before.to_be_bytes(), not_after.to_be_bytes()].concat();
    let hash = digest(&SHA256, &[key, &moments, holder.as_bytes()].concat());
    let mut serial = hash.as_ref()[..16].to_vec();
    // A positive number of full length: the standard forbids negative and zero.
    serial[0] = serial[0] & 0x7f | 0x40;
    SerialNumber::from(serial)
}
