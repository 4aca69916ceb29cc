//! What only its owner knows.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use zxcvbn::feedback::Feedback;
use zxcvbn::zxcvbn;

/// In characters. Length is the one rule of composition (NIST SP 800-63B §3.1.1.2).
const MIN_LENGTH: usize = 8;
/// In bytes: bcrypt would silently ignore the rest.
const MAX_BYTES: usize = 72;

/// What everybody tries first, in lower case and sorted; `data/README.md` says where it is from.
const COMMON: &str = include_str!("../../data/common_passwords.txt");

/// Words of what this service is; `data/README.md` says more.
const CONTEXT: &str = include_str!("../../data/context_words.txt");

/// A password somebody proves themselves with, and that bcrypt can hold whole.
#[derive(Clone, Debug)]
pub(crate) struct Password(SecretString);

/// A password somebody would like to have.
#[derive(Clone, Debug)]
pub(crate) struct WantedPassword(SecretString);

/// A password somebody may have: what is hashed and kept.
#[derive(Clone, Debug)]
pub(crate) struct NewPassword(Password);

/// Why somebody may not have a password, and what would be a better one.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: &'static str,
    pub(crate) strength: Strength,
}

/// How hard a password is to guess, as zxcvbn estimates it (Wheeler, USENIX Security 2016).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Strength {
    /// 0 (guessed at once) to 4 (very unguessable).
    #[schema(maximum = 4)]
    score: u8,
    /// The number of guesses it takes, as a power of ten.
    guesses_log10: f64,
    /// What makes it weak.
    #[schema(required)]
    warning: Option<String>,
    /// What would make it stronger.
    suggestions: Vec<String>,
}

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

impl WantedPassword {
    /// The password, if somebody who goes by these `names` (user name, addresses, …) may have it: 8 characters to 72 bytes,
    /// any but NUL, none that everybody tries, and none of the names.
    pub(crate) fn accept(self, names: &[&str]) -> Result<NewPassword, Refusal> {
        let text = self.0.expose_secret();
        match refusal(text, names) {
            Some(reason) => Err(Refusal { reason, strength: Strength::of(text, names) }),
            None => Ok(NewPassword(Password(self.0))),
        }
    }
}

impl From<String> for WantedPassword {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl ExposeSecret<str> for NewPassword {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

fn refusal(text: &str, names: &[&str]) -> Option<&'static str> {
    if text.chars().count() < MIN_LENGTH {
        return Some("must have at least 8 characters");
    }
    if text.len() > MAX_BYTES {
        return Some("must have at most 72 bytes in UTF-8: bcrypt would ignore the rest");
    }
    if text.contains('\0') {
        return Some("must not contain NUL");
    }
    let folded = text.to_lowercase();
    if is_common(&folded) {
        return Some("is one of the most common passwords");
    }
    if is_of_the_context(&folded) {
        return Some("must be more than a word of this service and digits");
    }
    let is_own = |name: &str| name.to_lowercase() == folded;
    if names.iter().any(|name| is_own(name) || name.split_once('@').is_some_and(|(local, _)| is_own(local))) {
        return Some("must not be your own name or address");
    }
    None
}

fn is_common(folded: &str) -> bool {
    COMMON.lines().any(|common| common == folded)
}

/// Whether a word of the context is all that there is, but for digits and signs.
fn is_of_the_context(folded: &str) -> bool {
    let letters: String = folded.chars().filter(|character| character.is_alphabetic()).collect();
    CONTEXT.lines().any(|word| word == letters)
}

impl Strength {
    fn of(text: &str, names: &[&str]) -> Self {
        let estimate = zxcvbn(text, names);
        let feedback = estimate.feedback();
        Self {
            score: estimate.score().into(),
            // An empty password takes no guess at all; JSON has no infinity.
            guesses_log10: estimate.guesses_log10().max(0.0),
            warning: feedback.and_then(Feedback::warning).as_ref().map(ToString::to_string),
            suggestions: feedback
                .map(|feedback| feedback.suggestions().iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 4] =
        ["ann.lee.2027", "ann.lee@example.org", "ann.at.home@example.org", "Žofie Řehořová"];

    fn want(text: &str) -> Result<NewPassword, Refusal> {
        WantedPassword::from(text.to_owned()).accept(&NAMES)
    }

    fn reason(text: &str) -> &'static str {
        want(text).unwrap_err().reason
    }

    #[test]
    fn up_to_72_bytes_any_characters_make_a_password() {
        for text in ["        ", "žšč řeřicha", "correct horse", &"x".repeat(72), &"山".repeat(24)] {
            assert_eq!(want(text).unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn bytes_count_not_characters() {
        assert!(reason(&"x".repeat(73)).contains("72 bytes"));
        assert!(reason(&"山".repeat(25)).contains("72 bytes"));
        assert!(reason("山山山山山山山").contains("8 characters"));
    }

    #[test]
    fn what_everybody_tries_is_refused_however_it_is_written() {
        for text in ["12345678", "password", "PassWord", "iloveyou", "1Qaz2wsX", "!qaz2wsx"] {
            assert!(reason(text).contains("common"), "{text}");
        }
        assert!(want("password of a kind").is_ok(), "a whole password counts, not its parts");
    }

    #[test]
    fn words_of_the_context_are_no_passwords_whatever_is_put_around_them() {
        for text in ["Kadr-2026!", "kadrkadr", "$video$2026", "UserService1"] {
            assert!(reason(text).contains("word of this service"), "{text}");
        }
        assert!(want("kadr is a word of Czech").is_ok());
    }

    #[test]
    fn what_others_know_of_somebody_is_no_password_of_theirs() {
        for text in ["Ann.Lee.2027", "ann.lee@EXAMPLE.org", "ann.at.home", "žofie řehořová"] {
            assert!(reason(text).contains("own name"), "{text}");
        }
    }

    #[test]
    fn a_refusal_tells_how_weak_the_password_is_and_what_would_help() {
        let strength = want("12345678").unwrap_err().strength;
        assert_eq!(strength.score, 0);
        assert!(strength.guesses_log10 < 2.0, "{strength:?}");
        assert!(strength.warning.is_some() && !strength.suggestions.is_empty(), "{strength:?}");
        assert!(want(&"a".repeat(100_000)).unwrap_err().strength.guesses_log10.is_finite());
        assert!(want("").unwrap_err().strength.guesses_log10.abs() < f64::EPSILON);
    }

    #[test]
    fn the_list_is_what_its_readme_says() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert_eq!(lines.len(), 11_611);
        assert!(lines.is_sorted());
        assert!(lines.iter().all(|line| line.chars().count() >= MIN_LENGTH && *line == line.to_lowercase()));
    }

    #[test]
    fn what_bcrypt_would_confuse_is_no_password() {
        assert!(reason("secret12\0secret12").contains("NUL"));
        assert!(Password::verifiable("x".repeat(73)).is_none());
        assert!(Password::verifiable("a\0a".to_owned()).is_none());
    }

    #[test]
    fn a_password_is_not_shown_when_debugged() {
        assert!(!format!("{:?}", want("correct horse").unwrap()).contains("horse"));
        assert!(!format!("{:?}", want("sunshine").unwrap_err()).contains("sunshine"));
    }

    proptest! {
        #[test]
        fn whatever_may_be_kept_can_be_proven_and_is_kept_whole(text in "\\PC{0,80}|.{6,12}|[a-z0-9]{6,80}") {
            match want(&text) {
                Ok(password) => {
                    prop_assert_eq!(password.expose_secret(), &text);
                    prop_assert!(Password::verifiable(text).is_some());
                }
                Err(refusal) => prop_assert!(refusal.strength.score <= 4 && !refusal.reason.is_empty()),
            }
        }
    }
}
