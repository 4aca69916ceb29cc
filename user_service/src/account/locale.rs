//! In which language somebody wants to be addressed.

/// A language tag in the shape of BCP 47 (RFC 5646 §2.1), as `cs` or `en-GB`, at most 35 characters (§4.4.1). Whether
/// its parts are registered is not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locale(String);

const MAX_LENGTH: usize = 35;
const LANGUAGE_LENGTH: std::ops::RangeInclusive<usize> = 2..=8;
const SUBTAG_LENGTH: std::ops::RangeInclusive<usize> = 1..=8;

impl Locale {
    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Locale {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_language = |tag: &str| {
            LANGUAGE_LENGTH.contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let is_subtag = |tag: &str| {
            SUBTAG_LENGTH.contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let mut subtags = text.split('-');
        if text.len() <= MAX_LENGTH && subtags.next().is_some_and(is_language) && subtags.all(is_subtag) {
            return Ok(Self(text));
        }
        Err("must be a language tag such as en or en-GB")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn language_tags_are_taken_and_nothing_else() {
        for tag in ["cs", "en-GB", "zh-Hant-TW", "sr-Latn-RS-x-private", "de-1996"] {
            assert_eq!(Locale::try_from(tag.to_owned()).unwrap().into_inner(), tag);
        }
        for text in ["", "c", "-", "cs-", "cs_CZ", "1a", "en--GB", "čs", "en-GB\0", &"abcdefgh-".repeat(5)] {
            assert!(Locale::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_fits_its_column_and_is_plain(text in "\\PC{0,40}|[a-zA-Z0-9-]{1,40}") {
            if let Ok(locale) = Locale::try_from(text.clone()) {
                let kept = locale.into_inner();
                prop_assert_eq!(&kept, &text);
                prop_assert!(kept.len() <= 35);
                prop_assert!(kept.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            }
        }
    }
}
