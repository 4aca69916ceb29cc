//! The form of personal access tokens: `kadr_pat_`, 43 characters of base62 that are 256 random bits, and 6 that are their
//! CRC-32. By prefix and checksum secret scanners know one without asking, and services spare themselves questions about
//! what was mistyped or made up; whether one counts only User Service can say.

use secrecy::SecretString;

use crate::random;

/// What each begins with.
pub const PREFIX: &str = "kadr_pat_";

/// Characters that carry randomness: 62^43 is a little more than 2^256.
const BODY: usize = 43;
/// Characters of the checksum: 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Bytes from here on would make the first characters of the alphabet likelier than the others: 4 × 62.
const FAIR: u8 = 248;

/// A new token.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn generate() -> Result<SecretString, random::Error> {
    let mut token = PREFIX.to_owned();
    while token.len() < PREFIX.len() + BODY {
        let fair = random::bytes::<64>()?.into_iter().filter(|byte| *byte < FAIR);
        token.extend(fair.take(PREFIX.len() + BODY - token.len()).map(|byte| digit(u32::from(byte) % 62)));
    }
    token.push_str(&checksum(&token));
    Ok(token.into())
}

/// Whether `text` has the form of a token, checksum included.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    text.starts_with(PREFIX)
        && text.len() == PREFIX.len() + BODY + CHECKSUM
        && text.split_at_checked(PREFIX.len() + BODY).is_some_and(|(token, end)| checksum(token) == end)
        && text.bytes().skip(PREFIX.len()).all(|byte| byte.is_ascii_alphanumeric())
}

/// CRC-32 (ISO-HDLC) of everything before it, in base62, the most significant digit first.
fn checksum(token: &str) -> String {
    let crc = crc32fast::hash(token.as_bytes());
    let powers = (0..CHECKSUM).rev().map(|power| 62_u64.pow(u32::try_from(power).unwrap_or_default()));
    powers.map(|power| digit(u32::try_from(u64::from(crc) / power % 62).unwrap_or_default())).collect()
}

fn digit(value: u32) -> char {
    let byte = usize::try_from(value).ok().and_then(|index| ALPHABET.get(index));
    char::from(byte.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// The checksum was computed apart from this code (Python's `zlib.crc32`, written in base62).
    const KNOWN: &str = "kadr_pat_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0ramtz";

    #[test]
    fn a_new_token_is_well_formed_and_like_no_other() {
        let (first, second) = (generate().unwrap(), generate().unwrap());
        assert!(is_well_formed(first.expose_secret()) && is_well_formed(second.expose_secret()));
        assert_ne!(first.expose_secret(), second.expose_secret());
    }

    #[test]
    fn the_checksum_is_the_one_that_scanners_compute() {
        assert!(is_well_formed(KNOWN));
    }

    #[test]
    fn no_slip_of_one_character_is_overlooked() {
        for index in 0..KNOWN.len() {
            let mut slip = KNOWN.to_owned().into_bytes();
            slip[index] = if slip[index] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(std::str::from_utf8(&slip).unwrap()), "{index}");
        }
        for text in [
            "",
            PREFIX,
            KNOWN.strip_prefix('k').unwrap(),
            KNOWN.strip_suffix('z').unwrap(),
            &format!("{KNOWN}0"),
            "kadr_pat_žžž",
        ] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
