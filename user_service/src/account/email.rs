//! Where somebody is reached.

/// An e-mail address, checked for what goes wrong in practice: only a message that arrives proves one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

/// RFC 5321 §4.5.3.1: the longest path, without its angle brackets, and the longest local part, in bytes.
const MAX_LENGTH: usize = 254;
const MAX_LOCAL_LENGTH: usize = 64;
/// RFC 1035 §2.3.4, in bytes.
const MAX_LABEL_LENGTH: usize = 63;

impl Email {
    /// What must be unique. Lower case: that providers may tell `A@` from `a@` is a right nobody uses, and confusing the
    /// two is worse.
    pub(crate) fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether it is as good as `other`.
    pub(crate) fn is_same_as(&self, other: &str) -> bool {
        self.key() == other.to_lowercase()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Email(..)")
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // The lower-case form of some letters is longer.
        if text.len() > MAX_LENGTH || text.to_lowercase().len() > MAX_LENGTH {
            return Err("must have at most 254 bytes");
        }
        let Some((local, domain)) = text.rsplit_once('@') else { return Err("must contain an @") };
        if !is_local_part(local) || !is_domain(domain) {
            return Err("is not an e-mail address");
        }
        Ok(Self(text))
    }
}

/// A dot-atom (RFC 5322 §3.2.3) or its internationalized form (RFC 6531): quoted forms are not worth their trouble.
fn is_local_part(text: &str) -> bool {
    let is_atom_character = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        _ if character.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(character),
        _ => character.is_alphanumeric(),
    };
    text.len() <= MAX_LOCAL_LENGTH
        && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_LENGTH).contains(&label.len())
            && label.chars().all(|character| character.is_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Email, &'static str> {
        Email::try_from(text.to_owned())
    }

    #[test]
    fn addresses_that_people_have_are_taken() {
        for address in ["a@b.cz", "Ann.Lee+kadr@mail.example.org", "root@localhost", "žofie@příklad.cz"] {
            assert!(parse(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long_local = format!("{}@b.cz", "a".repeat(65));
        let long = format!("a@{}cz", "bcdefghi.".repeat(1200));
        for address in [
            "",
            "a",
            "@",
            "a@",
            "@b.cz",
            "a b@c.cz",
            "a@b..cz",
            "a..b@c.cz",
            ".a@b.cz",
            "a@-b.cz",
            "a@b.cz\0",
            "a@b.cz\r\nBcc: x@y.cz",
            "<a@b.cz>",
            "a@@b.cz",
            &long_local,
            &long,
        ] {
            assert!(parse(address).is_err(), "{address:?}");
        }
    }

    #[test]
    fn spellings_of_one_address_have_one_key() {
        assert_eq!(parse("Ann@Example.ORG").unwrap().key(), "ann@example.org");
    }

    #[test]
    fn an_address_is_not_shown_when_debugged() {
        assert!(!format!("{:?}", parse("ann@example.org").unwrap()).contains("ann"));
    }

    proptest! {
        #[test]
        fn no_address_that_is_taken_can_leave_its_line_or_its_column(
            text in "\\PC{0,40}@\\PC{0,40}|[a-zA-Zžİ.+-]{1,80}@[a-zA-Z.-]{1,200}|.{0,30}"
        ) {
            if let Ok(email) = parse(&text) {
                prop_assert!(text.len() <= 254 && email.key().len() <= 254);
                prop_assert!(!text.chars().any(|character| character.is_control() || character.is_whitespace()));
                prop_assert!(!text.contains(['<', '>', ',', ';', '"', '\\']));
                prop_assert_eq!(text.matches('@').count(), 1);
                prop_assert_eq!(email.key().to_lowercase(), email.key());
            }
        }
    }
}
