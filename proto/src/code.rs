//! The join code: what the province hands to a commune so that the first contact
//! is authenticated both ways. It carries 128 random bits that only the invited
//! node knows, and enough of the authority's fingerprint that the node knows the
//! server. It is made to be read over a telephone: `DB1-` and twelve groups of
//! five letters and digits, without the ones that are mistaken for each other.
//!
//! ```text
//! 128 bits secret | 160 bits of SHA-256(authority's certificate) | 12 bits check
//! ```
//!
//! Deliberately absent: where codes are kept, whether they are spent or expired
//! (the server's store knows; it keeps [`JoinCode::secret_hash`] only), and the
//! randomness, which is passed in.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};

/// Bytes of the secret: 128 bits cannot be guessed, however fast the guesses.
pub const SECRET_BYTES: usize = 16;
/// Bytes of the fingerprint that are kept: 160 bits, so that a second certificate
/// with the same pin cannot be found, at the price of seven letters over 128.
pub const CA_PIN_BYTES: usize = 20;
/// Letters and digits in a code, without the prefix and the dashes.
pub const CODE_SYMBOLS: usize = 60;
/// Letters between two dashes: what a person repeats in one breath.
pub const GROUP_SYMBOLS: usize = 5;
/// Longest text that is looked at, in characters: generous for spaces and dashes,
/// small enough that a wrong file pasted in costs nothing.
pub const CODE_TEXT_CHARS_MAX: usize = 256;

const PREFIX: &str = "DB1";
const BODY_BYTES: usize = SECRET_BYTES + CA_PIN_BYTES;
/// Crockford's alphabet: no I, L, O (read as 1, 1, 0) and no U.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(ALPHABET);
    specification.encoding().expect("32 distinct ASCII symbols")
});

/// Why a text is not a join code. None of them repeats a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no code contains, counted from one after the prefix.
    #[error("group {group}, character {place} is not a letter or digit of a join code")]
    Character {
        /// Group of five, from one; zero when it stands in the prefix.
        group: usize,
        /// Place within the group, from one.
        place: usize,
    },
    /// Letters were left out, or added.
    #[error("a join code has {CODE_SYMBOLS} letters and digits after DB1, this has {found}")]
    Length {
        /// How many there were after the prefix.
        found: usize,
    },
    /// Right length, but at least one letter was read or typed wrongly.
    #[error("the join code has a typing error: its check does not match")]
    Checksum,
    /// A code of another generation of this product.
    #[error("this join code was made by a newer version")]
    Version,
}

/// The part of the authority's fingerprint that a join code carries: the first
/// 20 bytes of SHA-256 over the certificate's DER bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaPin([u8; CA_PIN_BYTES]);

impl CaPin {
    /// The pin of a certificate in DER form.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Self {
        Self::of_fingerprint(&Sha256::digest(der).into())
    }

    /// The pin of a certificate whose SHA-256 is known.
    #[must_use]
    pub fn of_fingerprint(fingerprint: &[u8; 32]) -> Self {
        let mut pin = [0; CA_PIN_BYTES];
        pin.copy_from_slice(&fingerprint[..CA_PIN_BYTES]);
        Self(pin)
    }

    /// The pin whose bytes these are.
    #[must_use]
    pub fn of_bytes(bytes: [u8; CA_PIN_BYTES]) -> Self {
        Self(bytes)
    }

    /// True when the certificate in DER form is the one that was pinned.
    #[must_use]
    pub fn matches(&self, der: &[u8]) -> bool {
        *self == Self::of_certificate(der)
    }

    /// The pinned bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; CA_PIN_BYTES] {
        &self.0
    }
}

impl fmt::Debug for CaPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// A join code. `Display` prints it for a person; `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinCode {
    secret: [u8; SECRET_BYTES],
    pin: CaPin,
}

impl JoinCode {
    /// Makes a code of fresh random bytes, passed in, and the authority's pin.
    #[must_use]
    pub fn new(secret: [u8; SECRET_BYTES], pin: CaPin) -> Self {
        Self { secret, pin }
    }

    /// What the node shows the server, once, over the pinned link.
    #[must_use]
    pub fn secret(&self) -> &[u8; SECRET_BYTES] {
        &self.secret
    }

    /// Which authority the server's chain must end in.
    #[must_use]
    pub fn pin(&self) -> &CaPin {
        &self.pin
    }

    /// What the server keeps instead of the secret: a copy of its database opens
    /// no door. Plain SHA-256 suffices, since 128 random bits have no dictionary.
    #[must_use]
    pub fn secret_hash(&self) -> [u8; 32] {
        secret_hash(&self.secret)
    }
}

/// The hash under which the server looks a presented secret up.
#[must_use]
pub fn secret_hash(secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"dongbo join secret 1\0");
    hash.chain_update(secret).finalize().into()
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        let symbols = encode(&self.body());
        for group in symbols.as_bytes().chunks(GROUP_SYMBOLS) {
            write!(f, "-{}", String::from_utf8_lossy(group))?;
        }
        Ok(())
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCode").field("secret", &"[redacted]").field("pin", &self.pin).finish()
    }
}

impl FromStr for JoinCode {
    type Err = CodeError;

    /// Reads what a person typed: any case, any dashes and spaces, O for 0, I and
    /// L for 1, with or without the prefix.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let symbols = normalise(text)?;
        let body = decode(without_prefix(&symbols)?)?;
        let mut code = Self { secret: [0; SECRET_BYTES], pin: CaPin([0; CA_PIN_BYTES]) };
        code.secret.copy_from_slice(&body[..SECRET_BYTES]);
        code.pin.0.copy_from_slice(&body[SECRET_BYTES..]);
        Ok(code)
    }
}

impl JoinCode {
    fn body(&self) -> [u8; BODY_BYTES] {
        let mut body = [0; BODY_BYTES];
        body[..SECRET_BYTES].copy_from_slice(&self.secret);
        body[SECRET_BYTES..].copy_from_slice(&self.pin.0);
        body
    }
}

/// Twelve bits over prefix and body: they fill the sixtieth letter exactly, and
/// let one typing error in 4,096 through, which the server then refuses.
fn check(body: &[u8]) -> [u8; 2] {
    let hash = Sha256::new().chain_update(PREFIX).chain_update(body);
    let hash = hash.finalize();
    [hash[0], hash[1] & 0xf0]
}

fn encode(body: &[u8; BODY_BYTES]) -> String {
    let mut symbols = BASE32.encode(&[&body[..], &check(body)].concat());
    // The last four bits of the check are zero, so the 61st letter says nothing.
    symbols.truncate(CODE_SYMBOLS);
    symbols
}

fn decode(symbols: &str) -> Result<[u8; BODY_BYTES], CodeError> {
    let bytes = BASE32.decode(format!("{symbols}0").as_bytes());
    let bytes = bytes.map_err(|_| CodeError::Checksum)?;
    let (body, found) = bytes.split_at(BODY_BYTES);
    if found != check(body) {
        return Err(CodeError::Checksum);
    }
    body.try_into().map_err(|_| CodeError::Checksum)
}

fn without_prefix(symbols: &str) -> Result<&str, CodeError> {
    if symbols.len() == CODE_SYMBOLS {
        return Ok(symbols);
    }
    let body = symbols.strip_prefix(PREFIX).unwrap_or(symbols);
    match body.len() {
        CODE_SYMBOLS => Ok(body),
        found if found == CODE_SYMBOLS + PREFIX.len() && body.starts_with("DB") => {
            Err(CodeError::Version)
        }
        found => Err(CodeError::Length { found }),
    }
}

fn normalise(text: &str) -> Result<String, CodeError> {
    let mut symbols = String::with_capacity(CODE_SYMBOLS + PREFIX.len());
    for letter in text.chars().take(CODE_TEXT_CHARS_MAX) {
        if is_separator(letter) {
            continue;
        }
        let symbol = symbol(letter).ok_or_else(|| stranger_after(&symbols))?;
        symbols.push(symbol);
    }
    Ok(symbols)
}

/// Spaces of every width, the hyphens and dashes that a word processor puts in
/// their place, and the invisible marks that a copied line may begin with.
fn is_separator(letter: char) -> bool {
    let dash = matches!(letter, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let invisible = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}');
    dash || invisible || letter.is_whitespace()
}

fn symbol(letter: char) -> Option<char> {
    let symbol = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.contains(symbol).then_some(symbol)
}

fn stranger_after(symbols: &str) -> CodeError {
    let prefix = if symbols.starts_with(PREFIX) { PREFIX.len() } else { 0 };
    let at = symbols.len() - prefix;
    CodeError::Character { group: at / GROUP_SYMBOLS + 1, place: at % GROUP_SYMBOLS + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> JoinCode {
        JoinCode::new([0x5a; 16], CaPin::of_certificate(b"a certificate"))
    }

    fn read(text: &str) -> Result<JoinCode, CodeError> {
        text.parse()
    }

    #[test]
    fn is_printed_in_twelve_groups_of_five() {
        let text = sample().to_string();
        let groups: Vec<_> = text.split('-').collect();
        assert_eq!((groups[0], groups.len()), ("DB1", 13));
        assert!(groups[1..].iter().all(|group| group.len() == 5));
    }

    #[test]
    fn is_read_as_people_type_it() {
        let text = sample().to_string();
        let spoken = text.replace('0', "o").replace('1', "l").to_lowercase();
        let pasted = text.replace('-', " \u{2013}\u{a0}");
        for typed in [&spoken, &pasted, &text[4..], &format!("\u{feff}{text}\n")] {
            assert_eq!(read(typed), Ok(sample()));
        }
    }

    #[test]
    fn says_what_is_wrong_with_it() {
        let text = sample().to_string();
        assert_eq!(read(""), Err(CodeError::Length { found: 0 }));
        assert_eq!(read(&text[..text.len() - 1]), Err(CodeError::Length { found: 59 }));
        let stranger = format!("{}?{}", &text[..11], &text[12..]);
        assert_eq!(read(&stranger), Err(CodeError::Character { group: 2, place: 2 }));
        assert_eq!(read(&text.replace("DB1", "DB2")), Err(CodeError::Version));
    }

    #[test]
    fn no_error_and_no_debug_shows_the_secret() {
        let code = sample();
        let secret = &code.to_string()[4..20];
        let shown = format!("{code:?}");
        assert!(shown.contains("redacted") && !shown.contains("5a5a") && !shown.contains(secret));
    }

    #[test]
    fn the_pin_is_the_head_of_the_fingerprint() {
        let fingerprint: [u8; 32] = Sha256::digest(b"a certificate").into();
        let pin = CaPin::of_fingerprint(&fingerprint);
        assert!(pin.matches(b"a certificate") && !pin.matches(b"a certificatf"));
        assert_eq!(pin.as_bytes(), &fingerprint[..20]);
    }

    /// All 60 × 31 single slips of one code: a 12-bit check lets about one in
    /// 4,096 through, so of 1,860 nearly all must be named.
    #[test]
    fn nearly_every_single_slip_is_noticed() {
        let text = sample().to_string();
        let mut missed = 0;
        for at in (4..text.len()).filter(|at| &text[*at..=*at] != "-") {
            for symbol in ALPHABET.chars().filter(|s| !text[at..].starts_with(*s)) {
                let slip = format!("{}{symbol}{}", &text[..at], &text[at + 1..]);
                missed += usize::from(read(&slip).is_ok());
            }
        }
        assert!(missed <= 4, "{missed} of 1860 slips were not noticed");
    }

    proptest! {
        #[test]
        fn what_was_printed_is_read_back(secret: [u8; 16], der: Vec<u8>) {
            let code = JoinCode::new(secret, CaPin::of_certificate(&der));
            prop_assert_eq!(read(&code.to_string()), Ok(code));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = read(&text);
        }
    }
}
