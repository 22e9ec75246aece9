//! The lines of a key file, both ways. Pure; the layout is in the parent's doc comment.
//!
//! Reading is strict about names and order and lax about line ends, since a key file may
//! have passed through an editor or a mail.

use std::fmt::Write;
use std::str::Lines;

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use super::{
    CHECK_BYTES, Cost, KDF_SALT_BYTES, KEY_BYTES, KEY_FILE_VERSION, KeyError, SALT_BYTES,
    SUM_BYTES, WRAPPED_BYTES, sum,
};

pub(super) struct Text {
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) body: Body,
    pub(super) check: [u8; CHECK_BYTES],
}

pub(super) enum Body {
    Plain(Zeroizing<[u8; KEY_BYTES]>),
    Wrapped { cost: Cost, kdf_salt: [u8; KDF_SALT_BYTES], wrapped: [u8; WRAPPED_BYTES] },
}

impl Text {
    pub(super) fn render(&self) -> Zeroizing<String> {
        let mut text = self.summed();
        let sum = sum(&text);
        line(&mut text, "sum", &hex(&sum));
        text
    }

    /// Reads a key file's text.
    ///
    /// The sum is taken over the lines as this build would write them, so that it does not
    /// depend on line ends.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines();
        check_version(field(&mut lines, "dongbo-key")?)?;
        let salt = bytes(field(&mut lines, "salt")?, "salt")?;
        let body = body(&mut lines)?;
        let check = bytes(field(&mut lines, "check")?, "check")?;
        let found: [u8; SUM_BYTES] = bytes(field(&mut lines, "sum")?, "sum")?;
        let text = Self { salt, body, check };
        if sum(&text.summed()) == found { Ok(text) } else { Err(malformed("sum")) }
    }

    fn summed(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(512));
        line(&mut text, "dongbo-key", &KEY_FILE_VERSION.to_string());
        line(&mut text, "salt", &hex(&self.salt));
        match &self.body {
            Body::Plain(key) => line(&mut text, "key", &hex(&key[..])),
            Body::Wrapped { cost, kdf_salt, wrapped } => {
                let Cost { memory_kib, passes, lanes } = cost;
                let salt = hex(kdf_salt);
                let cost = format!("{memory_kib} {passes} {lanes} {}", *salt);
                line(&mut text, "argon2id", &cost);
                line(&mut text, "wrapped", &hex(wrapped));
            }
        }
        line(&mut text, "check", &hex(&self.check));
        text
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name} {value}").expect("writing to a string cannot fail");
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(HEXLOWER_PERMISSIVE.encode(bytes))
}

fn malformed(what: &'static str) -> KeyError {
    KeyError::Malformed { what }
}

fn check_version(value: &str) -> Result<(), KeyError> {
    match value.parse::<u32>() {
        Ok(KEY_FILE_VERSION) => Ok(()),
        Ok(found) if found > KEY_FILE_VERSION => Err(KeyError::NewerVersion { found }),
        _ => Err(malformed("dongbo-key")),
    }
}

fn body(lines: &mut Lines<'_>) -> Result<Body, KeyError> {
    let mut ahead = lines.clone();
    if let Ok(value) = field(&mut ahead, "key") {
        *lines = ahead;
        return Ok(Body::Plain(Zeroizing::new(bytes(value, "key")?)));
    }
    let (cost, kdf_salt) = argon2id(field(lines, "argon2id")?).ok_or(malformed("argon2id"))?;
    let wrapped = bytes(field(lines, "wrapped")?, "wrapped")?;
    Ok(Body::Wrapped { cost, kdf_salt, wrapped })
}

fn argon2id(value: &str) -> Option<(Cost, [u8; KDF_SALT_BYTES])> {
    let mut words = value.split(' ');
    let mut number = || words.next()?.parse::<u32>().ok();
    let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
    let salt = bytes(words.next()?, "argon2id").ok()?;
    cost.is_bounded().then_some((cost, salt))
}

fn field<'a>(lines: &mut Lines<'a>, name: &'static str) -> Result<&'a str, KeyError> {
    let line = lines.next().ok_or(malformed(name))?;
    let (found, value) = line.trim_end().split_once(' ').ok_or(malformed(name))?;
    if found == name { Ok(value) } else { Err(malformed(name)) }
}

fn bytes<const N: usize>(value: &str, what: &'static str) -> Result<[u8; N], KeyError> {
    let decoded = HEXLOWER_PERMISSIVE.decode(value.as_bytes()).map_err(|_| malformed(what))?;
    Zeroizing::new(decoded).as_slice().try_into().map_err(|_| malformed(what))
}
