//! How somebody is called.

/// 3 to 64 ASCII letters, digits and `. _ -`, the first a letter or digit. ASCII, because names that look alike must
/// be alike; any script has its place in the display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Username(String);

impl Username {
    const LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

    /// What must be unique: the same for every spelling of the name.
    pub(crate) fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !Self::LENGTH.contains(&text.chars().count()) {
            return Err("must have 3 to 64 characters");
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            return Err("may hold letters without accents, digits and . _ - only");
        }
        if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Err("must begin with a letter or digit");
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Username, &'static str> {
        Username::try_from(text.to_owned())
    }

    #[test]
    fn sensible_names_are_taken_as_they_are_written() {
        for name in ["ann", "Ann.Lee", "x_1", "0cool-", &"a".repeat(64)] {
            assert_eq!(parse(name).unwrap().into_inner(), name);
        }
    }

    #[test]
    fn names_that_are_too_short_too_long_or_confusing_are_refused() {
        for name in
            ["", "ab", &"a".repeat(65), "a b c", "ann@home", "ann\0", "-ann", "\u{430}nna", "ann\u{200b}"]
        {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        assert_eq!(parse("ANN").unwrap().key(), parse("ann").unwrap().key());
    }

    proptest! {
        #[test]
        fn no_two_names_that_are_taken_look_alike(text in "\\PC{0,70}|[a-zA-Z0-9._-]{1,70}|.{3,8}") {
            if let Ok(name) = parse(&text) {
                prop_assert!((3..=64).contains(&text.len()));
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
                prop_assert_eq!(name.key(), text.to_ascii_lowercase());
            }
        }
    }
}
