//! Recovery codes: 120 random bits each, in six groups of four letters and digits that nobody confuses (base32,
//! RFC 4648 §6), as `k3pa-…`.
//!
//! So many bits cannot be guessed offline either, so one round of SHA-256 without salt is enough to store them; a
//! password hash is for what people can remember (OWASP ASVS 5.0, 6.5.2 draws the line at 112 bits).

use secrecy::{ExposeSecret, SecretString};
use service_kit::random;
use sha2::{Digest, Sha256};
use totp_rs::Secret;

/// In bytes: a whole number of base32 characters.
const LENGTH: usize = 15;

/// Characters of a group.
const GROUP: usize = 4;

/// How many somebody has.
pub(super) const COUNT: usize = 10;

/// A new set, as people are shown it.
pub(super) fn generate() -> Result<Vec<SecretString>, random::Error> {
    (0..COUNT).map(|_| Ok(grouped(&Secret::from(random::bytes::<LENGTH>()?).to_base32()))).collect()
}

/// What the database knows of a code, in whatever case and grouping it was typed.
pub(super) fn digest(code: &SecretString) -> String {
    let typed = code.expose_secret().chars().filter(|character| !matches!(character, '-' | ' '));
    hex::encode(Sha256::digest(typed.collect::<String>().to_ascii_lowercase()))
}

fn grouped(code: &str) -> SecretString {
    let mut text = String::new();
    for (index, character) in code.chars().enumerate() {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(character.to_ascii_lowercase());
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ten_codes_are_six_groups_each_and_none_is_like_another() {
        let codes = generate().unwrap();
        let texts: BTreeSet<_> = codes.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(texts.len(), COUNT);
        for text in texts {
            let groups: Vec<_> = text.split('-').collect();
            assert_eq!(groups.len(), 6, "{text}");
            let is_known = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
            assert!(groups.iter().all(|group| group.len() == GROUP && group.bytes().all(is_known)), "{text}");
        }
    }

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let digest = |text: &str| super::digest(&text.to_owned().into());
        assert_eq!(digest("ab2c-defg"), digest(" AB2C DEFG "));
        assert_ne!(digest("ab2c-defg"), digest("ab2c-defh"));
    }
}
