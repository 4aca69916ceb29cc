//! What only its owner knows.

use secrecy::{ExposeSecret, SecretString};

/// A password that bcrypt can hold whole.
#[derive(Clone, Debug)]
pub(crate) struct Password(SecretString);

/// In characters. Length is the one rule of composition (NIST SP 800-63B §3.1.1.2).
const MIN_LENGTH: usize = 8;
/// In bytes: bcrypt would silently ignore the rest.
const MAX_BYTES: usize = 72;

impl Password {
    /// A password somebody logs in with, none where bcrypt would mistake it for another one: beyond 72 bytes it ignores
    /// what follows, and it repeats what it gets with a NUL between, so that `a` and `a\0a` would be the same.
    pub(crate) fn verifiable(text: String) -> Option<Self> {
        (text.len() <= MAX_BYTES && !text.contains('\0')).then(|| Self(text.into()))
    }
}

impl ExposeSecret<str> for Password {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() < MIN_LENGTH {
            return Err("must have at least 8 characters");
        }
        if text.len() > MAX_BYTES {
            return Err("must have at most 72 bytes in UTF-8: bcrypt would ignore the rest");
        }
        Self::verifiable(text).ok_or("must not contain NUL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, &'static str> {
        Password::try_from(text.to_owned())
    }

    #[test]
    fn up_to_72_bytes_any_characters_make_a_password() {
        for text in ["        ", "12345678", "žšč řeřicha", &"x".repeat(72), &"山".repeat(24)] {
            assert_eq!(parse(text).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn bytes_count_not_characters() {
        assert!(parse(&"x".repeat(73)).unwrap_err().contains("72 bytes"));
        assert!(parse(&"山".repeat(25)).unwrap_err().contains("72 bytes"));
        assert!(parse("山山山山山山山").unwrap_err().contains("8 characters"));
    }

    #[test]
    fn what_bcrypt_would_confuse_is_no_password() {
        assert!(parse("secret12\0secret12").is_err());
        assert!(Password::verifiable("x".repeat(73)).is_none());
        assert!(Password::verifiable("a\0a".to_owned()).is_none());
    }

    #[test]
    fn a_password_is_not_shown_when_debugged() {
        assert!(!format!("{:?}", parse("correct horse").unwrap()).contains("horse"));
    }
}
